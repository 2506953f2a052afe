"""The access review: who may do what, since when, and when they last did; also as it was on an earlier day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import Connection, func, select

from backend_core.access.records import ReviewRow
from backend_core.access.tables import operators
from backend_core.audit.tables import audit_event
from backend_core.policy import ALLOWED, OWNED, PERSONAL, SUPPORT, may

_CHANGES: Final = ("operator.role", "operator.disable", "operator.enable", "operator.recover")
_ROW: Final = audit_event.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What one operator was at one moment."""

    id: int
    name: str
    role: str
    disabled: bool
    since: dt.datetime


def standings(conn: Connection, *, as_of: dt.datetime | None, current: Mapping[int, str]) -> tuple[Standing, ...]:
    """Return every operator as they were at a moment; the present is taken back change by change.

    Args:
        as_of: the moment, UTC; now when left out.
        current: the roles by operator where they differ from what the table says, as on a shared server.
    """
    changes: dict[int, list[Any]] = {}
    query = select(_ROW.at, _ROW.action, _ROW.target, _ROW.before, _ROW.after).where(_ROW.action.in_(_CHANGES), _ROW.outcome == "done")
    for row in conn.execute(query.order_by(_ROW.id.desc())):
        changes.setdefault(int(row.target.removeprefix("operator:")), []).append(row)
    found = []
    for row in conn.execute(select(operators).order_by(operators.c.name, operators.c.id)):
        if as_of is None or row.created_at <= as_of:
            role = current.get(row.id, row.role)
            now = Standing(id=row.id, name=row.name, role=role, disabled=row.disabled_at is not None, since=row.created_at)
            found.append(_at(now, changes.get(row.id, ()), as_of))
    return tuple(found)


def _at(standing: Standing, changes: Sequence[Any], as_of: dt.datetime | None) -> Standing:
    """Take back the changes after ``as_of``, newest first; the first that remains says since when."""
    for change in changes:
        if as_of is None or change.at <= as_of:
            return replace(standing, since=change.at)
        before = change.before or {}
        role = str(before.get("role", standing.role))
        disabled = {"operator.disable": False, "operator.enable": True}.get(change.action, bool(before.get("disabled", standing.disabled)))
        standing = replace(standing, role=role, disabled=disabled)
    return standing


def last_uses(conn: Connection, *, as_of: dt.datetime | None) -> dict[tuple[int, str], dt.datetime]:
    """Return when each operator last did anything of each kind (the first word of an action); reads the whole log."""
    kind = func.split_part(_ROW.action, ".", 1)
    query = select(_ROW.actor_id, kind.label("kind"), func.max(_ROW.at).label("at")).where(
        _ROW.actor_id.is_not(None), _ROW.outcome == "done"
    )
    if as_of is not None:
        query = query.where(_ROW.at <= as_of)
    return {(row.actor_id, row.kind): row.at for row in conn.execute(query.group_by(_ROW.actor_id, kind))}


def rows(found: Sequence[Standing], uses: Mapping[tuple[int, str], dt.datetime]) -> tuple[ReviewRow, ...]:
    """Return one row for each operator and each action of the policy the role permits."""
    return tuple(
        ReviewRow(
            operator_id=standing.id,
            name=standing.name,
            role=standing.role,
            disabled=standing.disabled,
            action=action,
            own_only=(action in OWNED and standing.role == SUPPORT) or (action in PERSONAL and standing.role != "admin"),
            since=standing.since,
            last_used=uses.get((standing.id, action.partition(".")[0])),
        )
        for standing in found
        for action in ALLOWED
        if may(standing.role, action)
    )
