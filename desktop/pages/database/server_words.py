"""Words and tones for sessions, locks, tables and statements; no widgets here."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from desktop.i18n import duration, number, tr

if TYPE_CHECKING:
    from backend_core.monitoring.server.records import SessionRow

NONE: Final = "–"
LONG_S: Final = 60.0
VERY_LONG_S: Final = 300.0
DEAD_WARN: Final = 0.2
NEAR_END: Final = 0.5
FULL_WARN: Final = 0.75
_SECONDS: Final = 100.0


def span(seconds: float | None) -> str:
    """Return a length of time: tenths below ten seconds, seconds below 100, then minutes and hours.

    >>> [span(value) for value in (None, 0.04, 9.96, 42.4)]
    ['–', '0.0 s', '10 s', '42 s']
    """
    if seconds is None:
        return NONE
    if seconds >= _SECONDS:
        return duration(seconds)
    return tr("{n} s", n=number(seconds, decimals=1 if round(seconds, 1) < 10 else 0))  # noqa: PLR2004 - two digits either way


def percent(share: float | None) -> str:
    """Return a share as a percentage with one decimal below ten.

    >>> [percent(value) for value in (None, 0.0, 0.0312, 0.5)]
    ['–', '0\u202f%', '3.1\u202f%', '50\u202f%']
    """
    if share is None:
        return NONE
    value = 100 * share
    if 0 < value < 0.05:  # noqa: PLR2004 - what would read as nothing at all
        return f"<\u202f{number(0.1, decimals=1)}\u202f%"
    return f"{number(value, decimals=1 if 0 < value < 10 else 0)}\u202f%"  # noqa: PLR2004 - two digits either way


def state_words(session: SessionRow) -> str:
    """Return the state of a session as the server says it, or what else is known."""
    if session.blocked_by:
        return tr("waiting for a lock")
    return session.state or (tr("background") if session.background else tr("starting"))


def state_tone(session: SessionRow) -> str:
    """Return how alarming the state is, given how long it has lasted."""
    if session.blocked_by:
        return "bad"
    if session.state.startswith("idle in transaction"):
        age = session.transaction_s or 0.0
        return "bad" if age >= VERY_LONG_S else "warn" if age >= LONG_S else "none"
    if session.state == "active":
        return "warn" if (session.query_s or 0.0) >= VERY_LONG_S else "info"
    return "none"


def age_tone(seconds: float | None) -> str:
    """Return the tone of the age of a transaction."""
    return "text" if seconds is None or seconds < LONG_S else "warn" if seconds < VERY_LONG_S else "bad"


def origin(session: SessionRow) -> str:
    """Return where a session comes from: host and process of ours, address of others."""
    where = _host(session) or session.client or (tr("the server itself") if session.background else tr("this computer"))
    return tr("{where} · pid {pid}", where=where, pid=session.pid)


def name_of(session: SessionRow) -> str:
    """Return what a session is called."""
    return session.kind if session.ours or not session.application else session.application


def statement(session: SessionRow) -> str:
    """Return the statement of a session on one line, or why there is none."""
    if session.query is None:
        return tr("hidden by the server") if session.pid and session.state != "gone" else NONE
    return " ".join(session.query.split()) or NONE


def waits(session: SessionRow) -> str:
    """Return what a session waits for; an idle one waits for its client and for nothing of the server."""
    if session.blocked_by:
        return tr("pid {pids}", pids=", ".join(str(pid) for pid in session.blocked_by))
    return session.wait.partition(": ")[2] if session.state == "active" else ""


def plain(value: Any) -> Any:
    """Return a record as plain values for JSON; times in ISO 8601, UTC."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, dt.datetime) else value


def _host(session: SessionRow) -> str:
    return session.application.partition("@")[2].rpartition(":")[0] if session.ours else ""
