"""Rows of the list as they are painted: every word is made in the worker, the window only draws."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from sys import intern
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPen

from desktop.i18n import number, tr
from desktop.pages.audit.words import OUTCOMES, action_icon, grave
from desktop.style import MEDIUM, colour
from desktop.widgets import paint
from desktop.widgets.table import CellState, Column

if TYPE_CHECKING:
    from backend_core.audit.rows import AuditRow

_SYSTEM: Final = "system"
_YIELD_EVERY: Final = 16
_LONGEST_REASON: Final = 80
_ROOM_FOR_REASON: Final = 60


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One row, ready to be painted.

    Attributes:
        position: its place in the sealed log, None while it is being sealed.
        at_text: local time; with the day when that is not today.
    """

    id: int
    position: int | None
    at: datetime
    at_text: str
    actor: str
    machine: bool
    action: str
    icon: str
    grave: bool
    target: str
    reason: str
    outcome: str
    position_text: str


def audit_lines(rows: Iterable[AuditRow]) -> tuple[AuditLine, ...]:
    """Make the lines of rows; runs in a worker and lets the window have the interpreter now and then."""
    zone = datetime.now().astimezone()
    made = []
    for count, row in enumerate(rows):
        if count % _YIELD_EVERY == 0:
            time.sleep(0)
        made.append(_line(row, zone))
    return tuple(made)


def _line(row: AuditRow, now: datetime) -> AuditLine:
    return AuditLine(
        id=row.id,
        position=row.position,
        at=row.at,
        at_text=time_text(row.at, now),
        actor=intern(row.actor),
        machine=row.role == _SYSTEM,
        action=intern(row.action),
        icon=action_icon(row.action),
        grave=grave(row.action),
        target=row.target,
        reason=(row.reason or "")[:_LONGEST_REASON],
        outcome=intern(row.outcome),
        position_text="" if row.position is None else number(row.position),
    )


def time_text(at: datetime, now: datetime) -> str:
    """Return 14:05:12.480 for today, 20 Nov 14:05:12 this year, 2025-11-20 14:05 before; in local time."""
    local = at.astimezone()
    if local.date() == now.date():
        return f"{local:%H:%M:%S}.{local.microsecond // 1000:03d}"
    if local.year == now.year:
        return f"{local.day:2d} {local:%b %H:%M:%S}"
    return f"{local:%Y-%m-%d %H:%M}"


def zone_name(now: datetime | None = None) -> str:
    """Return the short name of the local time zone."""
    return (now or datetime.now().astimezone()).tzname() or ""


def columns() -> list[Column]:
    """Return the columns of the list."""
    return [
        Column("at", tr("Time ({zone})", zone=zone_name()), lambda line: line.at_text, _time_cell, width=140),
        Column("actor", tr("Actor"), lambda line: line.actor, _actor_cell, width=132),
        Column("action", tr("Action"), lambda line: line.action, _action_cell, width=160),
        Column("target", tr("Target"), lambda line: line.target, _target_cell),
        Column("outcome", tr("Outcome"), lambda line: line.outcome, _outcome_cell, width=96),
        Column("position", tr("Position"), lambda line: line.position_text or tr("sealing"), _position_cell, width=116, right=True),
    ]


def line_id(line: AuditLine) -> int:
    """Return what identifies a line."""
    return line.id


def _ink(state: CellState) -> str:
    return "text" if state.selected else "muted"


def _time_cell(painter: QPainter, rect: QRectF, line: AuditLine, state: CellState) -> None:
    paint.text(painter, rect.adjusted(4, 0, 10, 0), line.at_text, size=12, tone=_ink(state), mono=True, elide=False)


def _actor_cell(painter: QPainter, rect: QRectF, line: AuditLine, state: CellState) -> None:
    paint.icon(painter, QPointF(rect.x(), rect.center().y() - 7), "cpu" if line.machine else "user-round", _ink(state), size=14)
    paint.text(painter, rect.adjusted(20, 0, 4, 0), line.actor)


def _action_cell(painter: QPainter, rect: QRectF, line: AuditLine, state: CellState) -> None:
    tone = "bad" if line.grave else "text"
    paint.icon(painter, QPointF(rect.x(), rect.center().y() - 7), line.icon, "bad" if line.grave else _ink(state), size=14)
    paint.text(painter, rect.adjusted(20, 0, 4, 0), line.action, tone=tone, weight=MEDIUM)


def _target_cell(painter: QPainter, rect: QRectF, line: AuditLine, state: CellState) -> None:
    paint.text(painter, rect, line.target)
    if line.reason:
        left = paint.advance(line.target) + 12
        if rect.width() - left > _ROOM_FOR_REASON:
            paint.text(painter, rect.adjusted(left, 0, 0, 0), line.reason, tone=_ink(state), size=12)


def _outcome_cell(painter: QPainter, rect: QRectF, line: AuditLine, state: CellState) -> None:
    icon, tone = OUTCOMES.get(line.outcome, ("circle-question-mark", "none"))
    if tone == "none":
        paint.icon(painter, QPointF(rect.x(), rect.center().y() - 7), icon, "ok", size=14)
        paint.text(painter, rect.adjusted(20, 0, 4, 0), line.outcome, tone=_ink(state), elide=False)
    else:
        paint.pill(painter, rect.x() - 1, rect.center().y(), line.outcome, tone, edge=state.selected)


def _position_cell(painter: QPainter, rect: QRectF, line: AuditLine, state: CellState) -> None:
    if line.position_text:
        paint.text(painter, rect, line.position_text, size=12, tone=_ink(state), mono=True, align=paint.RIGHT, elide=False)
        return
    words = tr("sealing")
    width = paint.advance(words, 12, MEDIUM)
    paint.text(painter, rect, words, size=12, tone="accent", weight=MEDIUM, align=paint.RIGHT, elide=False)
    ring = QRectF(rect.right() - width - 18, rect.center().y() - 5.5, 11, 11)
    painter.setBrush(colour("accent", alpha=0))
    painter.setPen(QPen(colour("accent", alpha=90), 1.5))
    painter.drawEllipse(ring)
    painter.setPen(QPen(colour("accent"), 1.5))
    painter.drawArc(ring, 90 * 16, -110 * 16)
