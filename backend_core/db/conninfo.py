"""Connection strings: network limits, transport security, the name a process shows in ``pg_stat_activity``, the role it acts as."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from backend_core.errors import InvalidInput

LAUNCHER = "lectern-launcher"
PROBE = "lectern-probe"
VERIFIED = "verify-full"
SECRET_KEYWORDS = frozenset({"password", "sslpassword", "scram_client_key", "scram_server_key", "oauth_client_secret"})
LONGEST_NAME = 63
"""PostgreSQL cuts application names to this many bytes."""

_NETWORK: dict[str, int] = {
    "connect_timeout": 5,
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
_NAME = re.compile(r"^(?P<application>lectern-[\w-]+)@(?P<host>[^:]*):(?P<pid>\d+)$")
# A transaction that waits for its own program, or for a lock, gives up before it stops everybody else.
_SESSION = ("-c timezone=UTC", "-c idle_in_transaction_session_timeout=300000", "-c lock_timeout=20000")


@dataclass(frozen=True, slots=True)
class Holder:
    """A Lectern process connected to the server."""

    application: str
    host: str
    pid: int


def application_name(application: str) -> str:
    """Return ``application@host:pid`` in at most 63 bytes; only the host is ever cut."""
    tail = f":{os.getpid()}"
    host = socket.gethostname().encode("ascii", "ignore").decode()
    return f"{application}@{host[: LONGEST_NAME - len(application) - len(tail) - 1]}{tail}"


def parse_name(name: str) -> Holder | None:
    """Return the parts of an application name made by ``application_name``, or None for a foreign one.

    >>> parse_name("lectern-desktop@ws-mara:21877")
    Holder(application='lectern-desktop', host='ws-mara', pid=21877)
    """
    found = _NAME.match(name)
    return None if found is None else Holder(application=found["application"], host=found["host"], pid=int(found["pid"]))


def holders_of(conn: psycopg.Connection[Any]) -> list[Holder]:
    """Return the Lectern processes connected to the server, each once, momentary connections left out."""
    rows = conn.execute("SELECT DISTINCT application_name FROM pg_stat_activity ORDER BY 1").fetchall()
    found = (parse_name(row[0] or "") for row in rows)
    return [holder for holder in found if holder is not None and holder.application not in {LAUNCHER, PROBE}]


def keywords(dsn: str) -> dict[str, Any]:
    """Return the parts of ``dsn`` (URL or keywords) by libpq keyword.

    Raises:
        psycopg.ProgrammingError: it is no connection string.
    """
    return conninfo_to_dict(re.sub(r"^postgresql\+psycopg://", "postgresql://", dsn))


def without_password(dsn: str) -> str:
    """Return ``dsn`` with what it leads to and nothing secret."""
    return make_conninfo("", **{name: value for name, value in keywords(dsn).items() if name not in SECRET_KEYWORDS})


def local(host: str) -> bool:
    """Return whether ``host`` (a name, an address or a socket's folder) is this computer.

    >>> [local(host) for host in ("", "/run/postgresql", "@lectern", "localhost", "127.0.0.1", "::1", "10.0.0.1", "localhost.example")]
    [True, True, True, True, True, True, False, False]
    """
    if not host or host.startswith(("/", "@")) or host.lower() == "localhost" or (os.name == "nt" and host[1:3] == ":\\"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def refuse_unprotected(given: Mapping[str, Any]) -> None:
    """Return quietly when every host is this computer, or the server has to prove its name by a certificate.

    Raises:
        InvalidInput: neither.
    """
    # what is not given comes from the environment or a service file, as libpq will see it
    known = _defaults() | {name: str(value) for name, value in given.items() if value is not None}
    hosts = known.get("hostaddr") or known.get("host") or ""
    beside = not known.get("service") and all(local(host.strip()) for host in hosts.split(","))
    if not beside and known.get("sslmode") != VERIFIED:
        raise InvalidInput(
            "A connection that leaves this computer needs sslmode=verify-full, so that nobody can read it or pose as the server."
        )


def _defaults() -> dict[str, str]:
    return {option.keyword.decode(): option.val.decode() for option in psycopg.pq.Conninfo.get_defaults() if option.val is not None}


def complete(dsn: str, *, application: str, role: str | None = None, read_only: bool = False) -> str:
    """Return ``dsn`` (URL or keywords) as keywords, with what every Lectern connection needs.

    Args:
        dsn: what the user or the embedded server gave; its own values win over the network limits.
        application: for example ``lectern-desktop``.
        role: act as this role, which the signed-in role must be a member of.
        read_only: refuse every write on these connections.

    Raises:
        InvalidInput: it leads off this computer without a verified certificate.
    """
    given = keywords(dsn)
    refuse_unprotected(given)
    options = [str(given.pop("options", "") or ""), *_SESSION]
    if role is not None:
        options.append(f"-c role={role}")
    if read_only:
        options.append("-c default_transaction_read_only=on")
    ours = {"application_name": application_name(application), "options": " ".join(filter(None, options))}
    return make_conninfo("", **{**_NETWORK, **given, **ours})
