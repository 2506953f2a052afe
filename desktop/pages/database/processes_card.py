"""Every process with connections, and whether their reports agree with the server's own count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QSizePolicy

from desktop.i18n import number, tr
from desktop.pages.database.figures import FULL_PART, agreement, is_old, pools
from desktop.style import MEDIUM, NORMAL, SEMIBOLD, colour, mix
from desktop.widgets import paint
from desktop.widgets.badge import Badge
from desktop.widgets.card import Card
from desktop.widgets.cells import two_line_cell
from desktop.widgets.label import ElidedLabel, PlainLabel, plain_tip
from desktop.widgets.table import CellState, Column, PaintCell, Table

if TYPE_CHECKING:
    from backend_core.monitoring.records import PoolView, ProcessRow

_ROW_HEIGHT = 48
_BAR = 8.0
_LABEL = 58.0
_NONE = "–"
_FIRST: Final = ("Desktop", "Worker", "Command")


class ProcessesCard(Card):
    """A row per process; ``chosen`` carries the application of the selected pool, None for all."""

    chosen = Signal(object)

    def __init__(self) -> None:
        connections = PlainLabel("", "small")
        super().__init__(tr("Processes"), icon_name="cpu", right=(connections,), flush=True)
        self.connections = connections
        self.connections.setToolTip(tr("All connections to the server, ours or not, of those it allows"))
        self.table = Table(_columns(), name=tr("Processes"), row_height=_ROW_HEIGHT, key=lambda process: process.application)
        self.table.setMinimumHeight(3 * _ROW_HEIGHT)
        self.table.selected.connect(self._select)
        self.table.cell_clicked.connect(lambda _process, _key, _place: self._click())
        self.pools, self.sums = ElidedLabel(size=12, tone="muted"), ElidedLabel(size=12, tone="muted")
        self.sums.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.agreement = Badge()
        self._just_chosen = False
        self._shown: tuple[ProcessRow, ...] = ()
        self.add((self.table, 1)).add_footer((self.pools, 1), self.sums, self.agreement)

    def show_view(self, view: PoolView) -> None:
        """Show ``view``."""
        if view.processes != self._shown:
            self._shown = view.processes
            self.table.set_rows(sorted(view.processes, key=_place_in_list))
        self.connections.setText(tr("{n} of {all} server connections", n=number(view.server_connections), all=number(view.max_connections)))
        self.connections.set_tone("warn" if view.server_connections >= FULL_PART * view.max_connections else "")
        lending = pools(view)
        size = sum(process.size for process in view.processes)
        in_use, waiting = sum(row.in_use for row in lending), sum(row.waiting for row in lending)
        self.pools.setText(_counted(len(lending), len(view.processes) - len(lending)))
        self.sums.setText(tr("{size} size · {use} in use · {wait} waiting", size=number(size), use=number(in_use), wait=number(waiting)))
        found = agreement(view)
        self.agreement.show_state(found.words, found.tone, unknown=bool(found.unknown and not found.problems))
        told = tr("Each pool's own report beside the sessions the server counts for it, give or take one.")
        self.agreement.setToolTip(plain_tip("\n".join((told, *found.problems))))

    def show_stale(self) -> None:
        """Say that nobody knows whether this still holds."""
        self.agreement.show_state(tr("not current"), unknown=True)

    def clear_choice(self) -> None:
        """Select no process."""
        self.table.clearSelection()

    def _select(self, process: ProcessRow | None) -> None:
        self._just_chosen = process is not None
        self.chosen.emit(process.application if process is not None and process.capacity is not None else None)

    def _click(self) -> None:
        # A click that did not change the selection takes it back.
        if not self._just_chosen:
            self.clear_choice()
        self._just_chosen = False


def _place_in_list(process: ProcessRow) -> tuple[object, ...]:
    rank = _FIRST.index(process.kind) if process.kind in _FIRST else len(_FIRST)
    return process.capacity is None, rank, process.kind, process.host, process.pid


def _counted(lending: int, beside: int) -> str:
    first = tr("1 pool") if lending == 1 else tr("{n} pools", n=number(lending))
    if not beside:
        return first
    return tr("{pools}, 1 other", pools=first) if beside == 1 else tr("{pools}, {n} others", pools=first, n=number(beside))


def _columns() -> list[Column]:
    def place(process: ProcessRow) -> str:
        return tr("{host} · pid {pid}", host=process.host, pid=process.pid)

    return [
        Column("kind", tr("Application"), lambda p: f"{p.kind}, {place(p)}", two_line_cell(lambda p: p.kind, place)),
        Column("size", tr("Size"), lambda p: number(p.size), _number_cell("size"), width=52, right=True),
        Column("use", tr("In use of capacity"), use_words, _draw_use, width=152),
        Column("waiting", tr("Waiting"), lambda p: _of_pool(p, p.waiting), _number_cell("waiting", warn=True), width=68, right=True),
        Column("timeouts", tr("Timeouts"), lambda p: _of_pool(p, p.timeouts), _number_cell("timeouts", warn=True), width=80, right=True),
    ]


def _of_pool(process: ProcessRow, value: int) -> str:
    return number(value) if process.capacity is not None else _NONE


def use_words(process: ProcessRow) -> str:
    """Return "27 of 30", or what else is known."""
    if process.capacity is None:
        return tr("own connection")
    words = tr("{n} of {all}", n=number(process.in_use), all=number(process.capacity))
    return tr("{words}, report is old", words=words) if is_old(process) else words


def _number_cell(field: str, *, warn: bool = False) -> PaintCell:
    def draw(painter: QPainter, rect: QRectF, process: ProcessRow, state: CellState) -> None:
        value = getattr(process, field)
        loud = warn and value > 0 and process.capacity is not None
        quiet = "text" if state.selected or field == "size" else "muted"
        words = number(value) if field == "size" else _of_pool(process, value)
        paint.text(painter, rect, words, tone="warn" if loud else quiet, weight=SEMIBOLD if loud else NORMAL, align=paint.RIGHT)

    return draw


def _draw_use(painter: QPainter, rect: QRectF, process: ProcessRow, state: CellState) -> None:
    total = process.capacity
    if total is None:
        paint.text(painter, rect, tr("own connection"), size=12, tone="text" if state.selected else "muted")
        return
    words = tr("{n} of {all}", n=number(process.in_use), all=number(total))
    full = process.in_use >= FULL_PART * total
    paint.text(painter, QRectF(rect.x(), rect.y(), _LABEL, rect.height()), words, weight=SEMIBOLD if full else MEDIUM, align=paint.RIGHT)
    bar = QRectF(rect.x() + _LABEL + 8, rect.center().y() - _BAR / 2, rect.width() - _LABEL - 8, _BAR)
    if is_old(process):
        paint.hatch(painter, bar, _BAR / 2)
        return
    _draw_bar(painter, bar, process, total, state)


def _draw_bar(painter: QPainter, bar: QRectF, process: ProcessRow, total: int, state: CellState) -> None:
    base, scale = process.base or 0, bar.width() / max(1, total)
    ground = "sel" if state.selected else "surface"
    paint.box(painter, bar, _BAR / 2, fill=mix(ground, "muted", 0.18))
    painter.save()
    outline = QPainterPath()
    outline.addRoundedRect(bar, _BAR / 2, _BAR / 2)
    painter.setClipPath(outline, Qt.ClipOperation.IntersectClip)
    painter.fillRect(QRectF(bar.x(), bar.y(), scale * min(process.size, total), _BAR), mix(ground, "accent", 0.3))
    painter.fillRect(QRectF(bar.x(), bar.y(), scale * min(process.in_use, base), _BAR), colour("accent"))
    if process.in_use > base:
        painter.fillRect(QRectF(bar.x() + scale * base, bar.y(), scale * (min(process.in_use, total) - base), _BAR), colour("warn_fill"))
    painter.restore()
    if 0 < base < total:
        painter.setPen(QPen(colour(ground), 1.5))
        edge = bar.x() + scale * base
        painter.drawLine(QPointF(edge, bar.y() - 1), QPointF(edge, bar.bottom() + 1))
