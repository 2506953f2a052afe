"""The filter of the audit log: parsed from text, written back as text, and turned into SQL conditions.

``actor:ana action:memory.*,share.* since:7d outcome:refused target:document:12 correlation:c7f1-92ab``
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final, Self

from sqlalchemy import ColumnElement, Connection, false, func, or_, select

from backend_core.audit.tables import audit_event
from backend_core.errors import InvalidInput

KEYS: Final = ("actor", "action", "target", "outcome", "correlation", "workstation", "role", "since", "until")
OUTCOMES: Final = ("done", "refused", "failed")
LONGEST: Final = 1000
MOST_VALUES: Final = 50
MOST_DISTINCT: Final = 5000
UNITS: Final = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_TERM: Final = re.compile(r'\s*(?:([A-Za-z_]+):((?:"[^"]*"|[^\s"])*)|(\S+))')
_VALUE: Final = re.compile(r'\s*((?:"[^"]*"|[^,"])*)\s*(?:,|$)')
_RELATIVE: Final = re.compile(r"(\d{1,5})([mhdw])")
_PLAIN: Final = re.compile(r'[^\s",]+')
_EXAMPLE: Final = "Write for example actor:ana action:audio.* since:7d."

Times = tuple[dt.datetime | None, dt.datetime | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which events are wanted: any value within one field, all fields together; an empty field wants everything.

    Attributes:
        actor: whole names, or the beginning of any word of a name; capitals do not matter.
        action: names of actions; ``*`` at the end stands for anything.
        target: ``kind`` or ``kind:id``.
        since: ``24h``, ``7d``, ``2w``, or a date or time in UTC; the first moment that is wanted.
        until: the same; a date alone means until its end.
    """

    actor: tuple[str, ...] = ()
    action: tuple[str, ...] = ()
    target: tuple[str, ...] = ()
    outcome: tuple[str, ...] = ()
    correlation: tuple[str, ...] = ()
    workstation: tuple[str, ...] = ()
    role: tuple[str, ...] = ()
    since: str | None = None
    until: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a filter.

        Raises:
            InvalidInput: an unknown word, value, date or time; the sentence names it.
        """
        if len(text) > LONGEST:
            raise InvalidInput(f"A filter has at most {LONGEST} characters.")
        found: dict[str, Any] = {}
        for key, value, stray in _TERM.findall(text.strip()):
            if stray:
                raise InvalidInput(f"“{stray[:40]}” is not a filter. {_EXAMPLE}")
            _add(found, key.lower(), value)
        made = cls(**found)
        made.times(dt.datetime.now(dt.UTC))
        return made

    def text(self) -> str:
        """Return the filter as text that parses to the same filter."""
        terms = []
        for field in fields(self):
            value = getattr(self, field.name)
            values = (value,) if isinstance(value, str) else value or ()
            if values:
                terms.append(f"{field.name}:{','.join(_quoted(one) for one in values)}")
        return " ".join(terms)

    @property
    def empty(self) -> bool:
        """Whether everything is wanted."""
        return self == type(self)()

    def times(self, now: dt.datetime) -> Times:
        """Return from when (inclusive) and until when (exclusive) in UTC.

        Raises:
            InvalidInput: not a time, or the end is before the beginning.
        """
        since = None if self.since is None else _moment(self.since, now, end=False)
        until = None if self.until is None else _moment(self.until, now, end=True)
        if since is not None and until is not None and since >= until:
            raise InvalidInput("The time to begin with lies after the end.")
        return since, until

    def fixed(self, now: dt.datetime) -> AuditFilter:
        """Return the filter with relative times replaced by what they are at ``now``."""
        since, until = self.times(now)
        return replace(self, since=since.isoformat() if since else None, until=until.isoformat() if until else None)


def _add(found: dict[str, Any], key: str, value: str) -> None:
    if key not in KEYS:
        raise InvalidInput(f"There is no filter “{key[:40]}”; there are {', '.join(KEYS)}.")
    values = tuple(one for part in _VALUE.findall(value) if (one := part.replace('"', "").strip()))
    if not values or any(not one.isprintable() for one in values):
        raise InvalidInput(f"“{key}:” needs a value. {_EXAMPLE}")
    if key in {"since", "until"}:
        if len(values) > 1 or key in found:
            raise InvalidInput(f"“{key}:” takes one time.")
        found[key] = values[0]
        return
    found[key] = tuple(dict.fromkeys((*found.get(key, ()), *values)))
    if len(found[key]) > MOST_VALUES:
        raise InvalidInput(f"“{key}:” takes at most {MOST_VALUES} values.")
    unknown = [one for one in found[key] if key == "outcome" and one not in OUTCOMES]
    if unknown:
        raise InvalidInput(f"An outcome is {', '.join(OUTCOMES)}, not “{unknown[0][:40]}”.")
    if key == "action" and any("*" in one[:-1] for one in found[key]):
        raise InvalidInput("In action: a * can only stand at the end.")


def _quoted(value: str) -> str:
    return value if _PLAIN.fullmatch(value) else f'"{value}"'


def _moment(words: str, now: dt.datetime, *, end: bool) -> dt.datetime:
    relative = _RELATIVE.fullmatch(words)
    try:
        if relative is not None:
            return now - dt.timedelta(**{UNITS[relative[2]]: int(relative[1])})
        found = dt.datetime.fromisoformat(words)
        found = found.replace(tzinfo=dt.UTC) if found.tzinfo is None else found.astimezone(dt.UTC)
        whole_day = end and re.fullmatch(r"\d{4}-?\d\d-?\d\d", words) is not None
        return found + dt.timedelta(days=1) if whole_day else found
    except (ValueError, OverflowError):
        raise InvalidInput(f"“{words[:40]}” is no time; write 24h, 7d, 2026-11-21 or 2026-11-21T09:30.") from None


def conditions(wanted: AuditFilter, conn: Connection, *, now: dt.datetime) -> list[ColumnElement[bool]]:
    """Return the SQL conditions of a filter; names of actors and ``action.*`` are looked up, so that an index can serve them."""
    columns = audit_event.c
    found: list[ColumnElement[bool]] = []
    if wanted.actor:
        found.append(_one_of(columns.actor, _actors(distinct(conn, "actor"), wanted.actor)))
    if wanted.action:
        found.append(_one_of(columns.action, _actions(conn, wanted.action)))
    if wanted.target:
        found.append(or_(*(_target(one) for one in wanted.target)))
    exact = {"outcome": columns.outcome, "correlation": columns.correlation_id, "workstation": columns.workstation, "role": columns.role}
    found += [_one_of(column, getattr(wanted, name)) for name, column in exact.items() if getattr(wanted, name)]
    since, until = wanted.times(now)
    if since is not None:
        found.append(columns.at >= since)
    if until is not None:
        found.append(columns.at < until)
    return found


def _one_of(column: ColumnElement[str], values: Sequence[str]) -> ColumnElement[bool]:
    if not values:
        return false()
    # one value keeps the order of the index, which several do not
    return column == values[0] if len(values) == 1 else column.in_(values)


def _target(value: str) -> ColumnElement[bool]:
    column = audit_event.c.target
    if ":" in value:
        return column == value
    return or_(column == value, column.startswith(f"{value}:", autoescape=True))


def _actors(names: Iterable[str], wanted: Sequence[str]) -> tuple[str, ...]:
    found: list[str] = []
    for one in wanted:
        sought = one.casefold()
        exact = [name for name in names if name.casefold() == sought]
        found += exact or [name for name in names if any(word.startswith(sought) for word in name.casefold().split())]
    return tuple(dict.fromkeys(found))


def _actions(conn: Connection, wanted: Sequence[str]) -> tuple[str, ...]:
    if not any(one.endswith("*") for one in wanted):
        return tuple(wanted)
    names = distinct(conn, "action")
    beginnings = tuple(one[:-1] for one in wanted if one.endswith("*"))
    return tuple(name for name in names if name in wanted or name.startswith(beginnings))


def distinct(conn: Connection, column: str) -> tuple[str, ...]:
    """Return the values of ``actor`` or ``action`` that occur, in order."""
    # From one value to the next larger one: as many looks into the index as there are values, not as there are rows.
    rows = audit_event.c[column]
    first = select(func.min(rows).label("value")).cte("found", recursive=True)
    following = select(func.min(rows)).where(rows > first.c.value).scalar_subquery()
    found = first.union_all(select(following).where(first.c.value.is_not(None)))
    query = select(found.c.value).where(found.c.value.is_not(None)).limit(MOST_DISTINCT)
    return tuple(conn.execute(query).scalars())
