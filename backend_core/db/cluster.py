"""Where one embedded cluster lives: its folder, its password file, its locks and the address of its server.

``HOME/database`` holds the cluster, except where root's unprivileged server account may not enter HOME: then a folder below
``/var/lib/lectern`` does and ``HOME/database.path`` names it. No folder that existed before changes its mode.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import socket
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from psycopg.conninfo import make_conninfo

from backend_core.db.roles import ADMIN, DATABASE, LOGIN_ROLES
from backend_core.db.server_binaries import SYSTEM_FOLDER, public_folder
from backend_core.db.server_user import ServerUser, server_user
from backend_core.errors import StorageFailed

SOCKET_PORT = 5432
# sun_path holds 108 bytes on Linux and 104 on macOS, a final NUL included.
LONGEST_SOCKET_PATH = 103
PASSWORD_BYTES = 32


@dataclass(frozen=True, slots=True)
class Address:
    """Where the server listens: a socket folder or a loopback address, and a port."""

    host: str
    port: int

    @property
    def is_socket(self) -> bool:
        """Whether ``host`` is the folder of a Unix socket."""
        return self.host.startswith("/")


@dataclass(frozen=True, slots=True)
class Cluster:
    """One embedded cluster; ``home`` belongs to the caller, ``folder`` to the account of the server."""

    home: Path
    folder: Path
    user: ServerUser

    @property
    def data_dir(self) -> Path:
        """PostgreSQL's data folder."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.folder / "server.log"

    @property
    def passfile(self) -> Path:
        """libpq password file, mode 0600."""
        return self.home / "database.pass"

    @property
    def exists(self) -> bool:
        """Whether a complete data folder is there."""
        return (self.data_dir / "PG_VERSION").is_file()

    def address(self) -> Address | None:
        """Return where the server listens, or last listened; None before its first start."""
        try:
            found = json.loads((self.folder / "address.json").read_text(encoding="utf-8"))
            return Address(host=str(found["host"]), port=int(found["port"]))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def record(self, address: Address) -> None:
        """Store where the server is about to listen."""
        self.user.write(self.folder / "address.json", json.dumps({"host": address.host, "port": address.port}))

    def choose_address(self, settings: Mapping[str, str]) -> Address:
        """Return where the next start listens: the short private socket folder, else a free loopback port."""
        port = int(settings.get("port", SOCKET_PORT))
        folder = self._socket_folder(port)
        if folder is not None:
            return Address(host=str(folder), port=port)
        return Address(host="127.0.0.1", port=free_port())

    def _socket_folder(self, port: int) -> Path | None:
        if sys.platform == "win32":
            return None
        uid = os.getuid() if self.user.uid is None else self.user.uid
        name = f"lectern-{uid}-{hashlib.sha256(os.fsencode(self.folder)).hexdigest()[:12]}"
        for folder in (self.folder / "socket", Path(tempfile.gettempdir()) / name, Path("/tmp") / name):  # noqa: S108 - own() refuses a folder of anybody else
            if len(os.fsencode(folder / f".s.PGSQL.{port}")) > LONGEST_SOCKET_PATH:
                continue
            try:
                self.user.own(folder)
            except OSError:
                continue
            return folder
        return None

    def dsn(self, address: Address, role: str, *, database: str = DATABASE) -> str:
        """Return a libpq connection string without a password; ``passfile`` names the file that holds it."""
        return make_conninfo("", host=address.host, port=address.port, user=role, dbname=database, passfile=str(self.passfile))

    def passwords(self) -> dict[str, str]:
        """Return the password of each role that signs in, from the password file.

        Raises:
            StorageFailed: the file is gone or cannot be read although the cluster exists.
        """
        try:
            lines = self.passfile.read_text(encoding="ascii").splitlines()
        except OSError:
            raise StorageFailed("The password file of the embedded database is missing or belongs to another user.") from None
        fields = [line.split(":") for line in lines]
        return {field[3]: field[4] for field in fields}

    def create_passwords(self) -> None:
        """Write fresh random passwords to a new private file."""
        text = "".join(f"*:*:*:{role}:{secrets.token_urlsafe(PASSWORD_BYTES)}\n" for role in LOGIN_ROLES)
        partial = self.passfile.with_suffix(f".{secrets.token_hex(4)}")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self.passfile)


def lock_file(home: Path) -> Path:
    """Return the file locked while the server of ``home`` starts or stops."""
    return home / "database.lock"


def find(home: Path) -> Cluster | None:
    """Return the cluster of ``home``, or None if there is none yet."""
    for folder in _candidates(home):
        cluster = Cluster(home=home, folder=folder, user=server_user(folder / "data"))
        if cluster.exists:
            return cluster
    return None


def find_or_choose(home: Path) -> Cluster:
    """Return the cluster of ``home``, or an empty private folder in which to make one; call it under the lock."""
    found = find(home)
    if found is not None:
        return found
    user = server_user()
    folder = _pointed(home) or home / "database"
    if not user.may_enter(folder.parent):
        public_folder(SYSTEM_FOLDER)
        # Random, not derived from the path: a home made anew must never meet the cluster of the old one.
        folder = SYSTEM_FOLDER / secrets.token_hex(8)
        (home / "database.path").write_text(f"{folder}\n", encoding="utf-8")
    user.own(folder)
    return Cluster(home=home, folder=folder, user=user)


def _pointed(home: Path) -> Path | None:
    pointer = home / "database.path"
    return Path(pointer.read_text(encoding="utf-8").strip()) if pointer.is_file() else None


def _candidates(home: Path) -> list[Path]:
    return [folder for folder in (_pointed(home), home / "database") if folder is not None]


def prepare_home(home: Path) -> Path:
    """Create ``home`` if needed, for its owner only, and return its real path."""
    if not home.is_dir():
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    return home.resolve()


def free_port() -> int:
    """Return a loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def admin_dsn(cluster: Cluster, address: Address, *, database: str = DATABASE) -> str:
    """Return the connection string of the bootstrap superuser."""
    return cluster.dsn(address, ADMIN, database=database)
