"""Searches what every process of this home logged, newest first, for people who may read logs."""

from __future__ import annotations

import datetime as dt
import heapq
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from backend_core.errors import InvalidInput
from backend_core.monitoring.log_files import Place, RawLine, backwards, end_of, processes
from backend_core.policy import Actor, Target, authorize
from backend_core.redaction import redact, redact_line

LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
UNREADABLE: Final = "unreadable line"
MOST_LINES: Final = 100_000
"""Lines looked at in one call; a page that was not filled by then says so and goes on from there."""
_SHOWN: Final = 2_000
_EARLIEST: Final = dt.datetime.min.replace(tzinfo=dt.UTC)
_AGO = re.compile(r"(\d{1,5})\s*([mhd])")
_UNITS: Final = {"m": "minutes", "h": "hours", "d": "days"}
_OWN: Final = ("timestamp", "level", "logger", "event", "correlation_id", "operator_id")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFilter:
    """Which lines are wanted; nothing given means all.

    Attributes:
        level: the least severe level, one of ``LEVELS``.
        process: ``desktop``, ``worker``, ``command`` ...
        since: not older than this (UTC).
        text: stands somewhere in the line, upper or lower case.
        correlation: the whole id.
    """

    level: str = ""
    process: str = ""
    since: dt.datetime | None = None
    text: str = ""
    correlation: str = ""

    @property
    def empty(self) -> bool:
        """Whether every line matches."""
        return self == LogFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One line, redacted once more on its way out.

    Attributes:
        key: names the line as long as its file exists.
        at: when (UTC); of an unreadable line, about when.
        fields: what else it says, as text, in the order of the line; the stack under ``exception``.
    """

    key: str
    at: dt.datetime
    level: str
    process: str
    logger: str
    event: str
    correlation_id: str
    operator_id: int | None
    fields: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPage:
    """Some lines, newest first.

    Attributes:
        next: where to go on for older ones; ``None`` when there are none.
        scanned: how many lines were looked at.
    """

    entries: tuple[LogEntry, ...]
    next: tuple[Place, ...] | None
    scanned: int


class Logbook:
    """The log files of this home; read only.

    Args:
        folder: where they are.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def processes(self, *, actor: Actor) -> tuple[str, ...]:
        """Return the names of the processes that logged something."""
        authorize(actor, "log.read", Target(kind="log"))
        return tuple(processes(self.folder))

    def search(self, wanted: LogFilter, *, actor: Actor, limit: int = 200, after: tuple[Place, ...] | None = None) -> LogPage:
        """Return up to ``limit`` lines that match, newest first, from where ``after`` ended.

        Raises:
            NotAllowed: the role may not read logs.
            InvalidInput: the level does not exist.
        """
        authorize(actor, "log.read", Target(kind="log"))
        if wanted.level and wanted.level not in LEVELS:
            raise InvalidInput(f"There is no such level; use one of {', '.join(LEVELS)}.")
        entries: list[LogEntry] = []
        places = {place.process: place for place in after or ()}
        scanned = 0
        for at, raw, facts in self._merged(wanted, places):
            scanned += 1
            places[raw.place.process] = raw.place
            if wanted.since is not None and at < wanted.since:
                return LogPage(entries=tuple(entries), next=None, scanned=scanned)
            entry = _match(wanted, at, raw, facts)
            if entry is not None:
                entries.append(entry)
            if len(entries) >= limit or scanned >= MOST_LINES:
                return LogPage(entries=tuple(entries), next=tuple(places.values()), scanned=scanned)
        return LogPage(entries=tuple(entries), next=None, scanned=scanned)

    def _merged(self, wanted: LogFilter, places: dict[str, Place]) -> Iterator[tuple[dt.datetime, RawLine, dict[str, Any] | None]]:
        """Yield the lines of all processes by time, newest first."""
        found = processes(self.folder)
        chosen = {name: files for name, files in found.items() if wanted.process in ("", name)}
        for name, files in chosen.items():
            # what is written from now on is newer than this page, and so belongs on no later one
            places.setdefault(name, end_of(name, files))
        streams = [_timed(backwards(name, files, start=places[name])) for name, files in chosen.items()]
        return heapq.merge(*streams, key=lambda line: line[0], reverse=True)


def since(text: str, *, now: dt.datetime | None = None) -> dt.datetime:
    """Parse ``30m``, ``24h``, ``7d``, or an ISO date or time; without a zone it is UTC.

    Raises:
        InvalidInput: it is none of these.

    >>> since("24h", now=dt.datetime(2026, 11, 21, tzinfo=dt.UTC)).isoformat()
    '2026-11-20T00:00:00+00:00'
    """
    ago = _AGO.fullmatch(text.strip())
    try:
        if ago:
            return (now or dt.datetime.now(dt.UTC)) - dt.timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        at = dt.datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        raise InvalidInput("Give a time like 30m, 24h or 7d, or a date like 2026-11-21.") from None
    return at if at.tzinfo else at.replace(tzinfo=dt.UTC)


def _timed(lines: Iterator[RawLine]) -> Iterator[tuple[dt.datetime, RawLine, dict[str, Any] | None]]:
    newer = dt.datetime.max.replace(tzinfo=dt.UTC)
    for line in lines:
        facts = _parsed(line.text)
        # a line that says nothing of its time stands beside the one after it; a clock set back does not break the order
        at = min(newer, _time(facts) or newer)
        newer = at
        yield at, line, facts


def _parsed(text: str) -> dict[str, Any] | None:
    try:
        facts = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return facts if isinstance(facts, dict) else None


def _time(facts: dict[str, Any] | None) -> dt.datetime | None:
    try:
        at = dt.datetime.fromisoformat(str((facts or {}).get("timestamp")))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=dt.UTC)


def _match(wanted: LogFilter, at: dt.datetime, raw: RawLine, facts: dict[str, Any] | None) -> LogEntry | None:
    if wanted.correlation and wanted.correlation not in raw.text:
        return None
    safe = redact_line(raw.text)
    if safe != raw.text and facts is not None:
        facts = _parsed(safe)
    entry = _entry(at, raw, facts, safe)
    # what was redacted cannot be searched for
    if wanted.text and wanted.text.casefold() not in safe.casefold():
        return None
    if wanted.correlation and entry.correlation_id != wanted.correlation:
        return None
    severe = not wanted.level or (entry.level in LEVELS and LEVELS.index(entry.level) >= LEVELS.index(wanted.level))
    return entry if severe else None


def _entry(at: dt.datetime, raw: RawLine, facts: dict[str, Any] | None, safe: str) -> LogEntry:
    known = facts or {"event": UNREADABLE, "text": "".join(c if c.isprintable() else "·" for c in redact(safe)[:_SHOWN])}
    operator = known.get("operator_id")
    return LogEntry(
        key=f"{raw.place.process}:{raw.place.identity}:{raw.place.offset}",
        at=at if at.year < dt.MAXYEAR else _EARLIEST,
        level=str(known.get("level", "")).upper(),
        process=raw.place.process,
        logger=str(known.get("logger", "")),
        event=str(known.get("event", "")),
        correlation_id=str(known.get("correlation_id") or ""),
        operator_id=operator if isinstance(operator, int) else None,
        fields=tuple((str(name), _words(value)) for name, value in known.items() if name not in _OWN and value is not None),
    )


def _words(value: Any) -> str:
    return (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))[:_SHOWN]
