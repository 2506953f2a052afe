"""The two tables of the locks tab: the tree of who waits for whom, and the locks themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPen

from desktop.i18n import number, tr
from desktop.pages.database.server_words import NONE, name_of, origin, span, state_tone, state_words, statement
from desktop.style import MEDIUM, NORMAL, SEMIBOLD, colour
from desktop.widgets import paint
from desktop.widgets.cells import text_cell
from desktop.widgets.table import CELL_PAD, CellState, Column

if TYPE_CHECKING:
    from backend_core.monitoring.server.records import BlockNode, LockRow

_STEP = 22.0


@dataclass(frozen=True, slots=True)
class TreeLine:
    """A session of a tree.

    Attributes:
        above: the one it stands below.
        last: per level, from the outermost, whether nothing more follows there.
    """

    node: BlockNode
    above: BlockNode | None
    last: tuple[bool, ...]

    @property
    def key(self) -> object:
        """What stays the same while the session does."""
        return self.node.session.pid, self.node.session.started_at


def lines_of(nodes: tuple[BlockNode, ...], above: BlockNode | None = None, last: tuple[bool, ...] = ()) -> list[TreeLine]:
    """Return every session of the trees, from the top as it is read."""
    found: list[TreeLine] = []
    for place, node in enumerate(nodes):
        mine = (*last, place == len(nodes) - 1) if above is not None else ()
        found += [TreeLine(node, above, mine), *lines_of(node.children, node, mine)]
    return found


def tree_columns() -> list[Column]:
    """Return the columns of the tree."""

    def waited(line: TreeLine) -> str:
        return span(line.node.waited_s) if line.above is not None else NONE

    def told(line: TreeLine) -> str:
        return f"{name_of(line.node.session)}, {origin(line.node.session)}"

    return [
        Column("session", tr("Session"), told, _draw_session, width=256),
        Column("state", tr("State"), lambda line: state_words(line.node.session), _draw_state, width=150),
        Column("waited", tr("Waits"), waited, _draw_waited, width=78, right=True),
        Column("lock", tr("Waits for, holds"), lambda line: line.node.waits_for or line.node.holds, _draw_lock, width=272),
        Column(
            "statement",
            tr("Statement"),
            lambda line: statement(line.node.session),
            text_cell(lambda line: statement(line.node.session), tone="muted", mono=True),
        ),
    ]


def lock_columns() -> list[Column]:
    """Return the columns of the locks."""

    def who(lock: LockRow) -> str:
        return lock.application or NONE

    def state(lock: LockRow) -> str:
        return tr("held") if lock.granted else tr("waits {time}", time=span(lock.waited_s))

    def draw_state(painter: QPainter, rect: QRectF, lock: LockRow, row: CellState) -> None:
        tone = "none" if lock.granted else "bad"
        paint.pill(painter, rect.x(), rect.center().y(), state(lock), tone, edge=row.selected or lock.granted)

    return [
        Column("state", tr("State"), state, draw_state, width=116),
        Column("mode", tr("Mode"), lambda lock: lock.mode, text_cell(lambda lock: lock.mode, size=12, weight=MEDIUM), width=196),
        Column("target", tr("On"), lambda lock: lock.target, text_cell(lambda lock: lock.target, mono=True)),
        Column(
            "pid", tr("Server pid"), lambda lock: str(lock.pid), text_cell(lambda lock: str(lock.pid), tone="muted", mono=True), width=96
        ),
        Column("who", tr("Application"), who, text_cell(who, tone="muted", size=12), width=260),
    ]


def _draw_session(painter: QPainter, rect: QRectF, line: TreeLine, state: CellState) -> None:
    left = rect.x()
    if line.last:
        _draw_branch(painter, rect, line.last)
        left += _STEP * len(line.last)
    node = line.node
    room = rect.right() - left
    middle = rect.center().y()
    if node.cycle:
        paint.icon(painter, QPointF(rect.right() - 16, middle - 16), "refresh-cw", "bad", size=14)
        room -= 20
    weight = SEMIBOLD if line.above is None else MEDIUM
    paint.text(painter, QRectF(left, middle - 18, room, 18), name_of(node.session), weight=weight)
    blocked = tr(" · keeps {n} waiting", n=number(node.blocked)) if line.above is None and node.blocked else ""
    tone = "text" if state.selected else "muted"
    paint.text(painter, QRectF(left, middle + 1, rect.right() - left, 17), origin(node.session) + blocked, size=12, tone=tone)


def _draw_branch(painter: QPainter, rect: QRectF, last: tuple[bool, ...]) -> None:
    painter.setPen(QPen(colour("line2"), 1.5))
    top, bottom, middle = rect.y(), rect.bottom() + 1, rect.center().y()
    for level, ends in enumerate(last):
        at = round(rect.x() + _STEP * level + CELL_PAD / 2) + 0.5
        if level == len(last) - 1:
            painter.drawLine(QPointF(at, top), QPointF(at, middle if ends else bottom))
            painter.drawLine(QPointF(at, middle), QPointF(at + _STEP - CELL_PAD / 2 - 5, middle))
        elif not ends:
            painter.drawLine(QPointF(at, top), QPointF(at, bottom))


def _draw_state(painter: QPainter, rect: QRectF, line: TreeLine, state: CellState) -> None:
    session = line.node.session
    tone = state_tone(session)
    paint.pill(painter, rect.x(), rect.center().y(), state_words(session), tone, edge=state.selected or tone == "none")


def _draw_waited(painter: QPainter, rect: QRectF, line: TreeLine, _state: CellState) -> None:
    waits = line.above is not None or line.node.waited_s is not None
    words = span(line.node.waited_s) if waits else NONE
    paint.text(painter, rect, words, tone="bad" if waits else "muted", weight=SEMIBOLD if waits else NORMAL, align=paint.RIGHT)


def _draw_lock(painter: QPainter, rect: QRectF, line: TreeLine, state: CellState) -> None:
    node, middle = line.node, rect.center().y()
    parts = [(tr("wants"), node.waits_for), (tr("holds"), node.holds)]
    shown = [(name, words) for name, words in parts if words]
    top = middle - 9 * len(shown)
    for place, (name, words) in enumerate(shown):
        room = QRectF(rect.x(), top + 18 * place, rect.width(), 18)
        label = paint.advance(name, 12) + 8
        paint.text(painter, room, name, size=12, tone="text" if state.selected else "muted")
        paint.text(painter, room.adjusted(label, 0, 0, 0), words, size=12, weight=MEDIUM)
