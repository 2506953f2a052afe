"""The two statements that begin and end a notice, in whoever's transaction; and what is read back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, LiteralString

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from backend_core.logs import correlation_id
from backend_core.notices.records import NewNotice, Notice
from backend_core.notices.tables import notice_silences, notices
from backend_core.policy import ADMIN, AUDITOR, SYSTEM, Actor

Run = Callable[[LiteralString, Mapping[str, object]], Sequence[Mapping[str, Any]]]
"""Runs one statement and returns its rows: the monitor's link, or a transaction by ``within``."""

# what an audit alert is about is for those who may read the log, and never for the person it may be about
WATCHERS_ONLY: Final = ("audit_alert", "audit_log")
WATCHERS: Final = (ADMIN, AUDITOR, SYSTEM)
LONGEST: Final[Mapping[str, int]] = {"kind": 60, "subject": 200, "title": 200, "body": 1000, "page": 40}

_RAISE: Final = """
INSERT INTO notices (kind, subject, severity, title, body, page, target, operator_id, correlation_id, silenced)
SELECT %(kind)s::text, %(subject)s::text, %(severity)s::text, %(title)s::text, %(body)s::text, %(page)s::text, %(target)s::jsonb,
       %(operator_id)s::bigint, %(correlation_id)s::text,
       (EXISTS (SELECT FROM notice_silences s WHERE s.lifted_at IS NULL AND s.until > clock_timestamp()
                   AND s.kind = %(kind)s::text AND s.subject IN ('', %(subject)s::text)))::int
ON CONFLICT (kind, subject) WHERE resolved_at IS NULL DO UPDATE SET
    severity = EXCLUDED.severity, title = EXCLUDED.title, body = EXCLUDED.body, page = EXCLUDED.page, target = EXCLUDED.target,
    times = notices.times + %(again)s::int, silenced = notices.silenced + EXCLUDED.silenced * %(again)s::int, last_at = clock_timestamp()
RETURNING id, times, silenced
"""
_RESOLVE: Final = """
UPDATE notices SET resolved_at = clock_timestamp() WHERE kind = %(kind)s AND subject = %(subject)s AND resolved_at IS NULL RETURNING id
"""


def within(conn: Connection) -> Run:
    """Return what runs statements in the transaction of ``conn``."""

    def run(sql: LiteralString, given: Mapping[str, object]) -> Sequence[Mapping[str, Any]]:
        return [dict(row) for row in conn.exec_driver_sql(sql, dict(given)).mappings()]

    return run


def begin(run: Run, notice: NewNotice, *, again: bool = True) -> int:
    """Raise a notice, or say the live one of its kind and subject once more; return its id.

    Args:
        again: whether it happened once more, and is not only still there.
    """
    texts = {name: _fitting(str(getattr(notice, name)), most) for name, most in LONGEST.items()}
    facts = {"severity": notice.severity, "operator_id": notice.operator_id, "correlation_id": correlation_id()[:40]}
    rows = run(_RAISE, texts | facts | {"target": json.dumps(dict(notice.target)), "again": int(again)})
    return int(rows[0]["id"])


def end(run: Run, kind: str, subject: str) -> bool:
    """Say that it is over; return whether there was a live notice."""
    return bool(run(_RESOLVE, {"kind": kind, "subject": _fitting(subject, LONGEST["subject"])}))


def _fitting(words: str, most: int) -> str:
    """Return one printable line of at most ``most`` characters."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in words).split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def holding() -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for a silence that holds now."""
    return (notice_silences.c.lifted_at.is_(None), notice_silences.c.until > func.clock_timestamp())


def facts() -> Select[Any]:
    """Return the query for notices as they are told."""
    same = (notice_silences.c.kind == notices.c.kind, notice_silences.c.subject.in_(("", notices.c.subject)))
    quiet = select(func.max(notice_silences.c.until)).where(*holding(), *same).scalar_subquery()
    columns = [quiet.label(name) if name == "quiet_until" else notices.c[name] for name in Notice.__dataclass_fields__]
    return select(*columns)


def visible_to(actor: Actor) -> ColumnElement[bool]:
    """Return the condition for what ``actor`` is told of: what concerns everybody and them; administrators everything."""
    kinds = notices.c.kind.not_in(WATCHERS_ONLY) if actor.role not in WATCHERS else notices.c.kind.is_not(None)
    if actor.role in (ADMIN, SYSTEM):
        return kinds
    return and_(kinds, or_(notices.c.operator_id.is_(None), notices.c.operator_id == actor.operator_id))
