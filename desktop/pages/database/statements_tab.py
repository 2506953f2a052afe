"""The statements tab: what the program asks the server most, what takes longest, and what fails."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QRectF, Signal
from PySide6.QtGui import QGuiApplication, QPainter

from desktop.i18n import number, short_number, tr
from desktop.pages.database.exporting import write
from desktop.pages.database.server_words import NONE, percent, plain
from desktop.pages.database.share_cell import share_cell
from desktop.pages.database.tab import Tab
from desktop.style import MEDIUM, NORMAL, SEMIBOLD
from desktop.widgets import paint
from desktop.widgets.badge import Badge
from desktop.widgets.button import Button, SegmentedControl
from desktop.widgets.card import Card
from desktop.widgets.cells import Words
from desktop.widgets.code_box import CodeBox
from desktop.widgets.drawer import Drawer, DrawerHost
from desktop.widgets.field import SearchField
from desktop.widgets.key_values import Fact, KeyValues
from desktop.widgets.label import PlainLabel, over
from desktop.widgets.layout import column, holder, row
from desktop.widgets.page import Page
from desktop.widgets.states import EmptyState
from desktop.widgets.table import CellState, Column, PaintCell, Table

if TYPE_CHECKING:
    from backend_core.monitoring.slow_statements import StatementRow

SLOW_MS = 50.0
VERY_SLOW_MS = 300.0
_ROW_HEIGHT = 46
_FIELD_WIDTH = 290
_MOST = 200
_TENTHS_BELOW = 10.0
_SECONDS_FROM = 10_000.0


class StatementsTab(Tab):
    """Statements every ten seconds: they are counted in every process and written down as often."""

    key: ClassVar[str] = "statements"
    caption: ClassVar[str] = "Statements"
    action: ClassVar[str] = "server.read"
    every_ms: ClassVar[int] = 10_000
    live: ClassVar[str] = "Live, every 10 s"
    export_title: ClassVar[str] = "Export the statements"
    export_name: ClassVar[str] = "statements"
    export_csv: ClassVar[bool] = True

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self._order = ("total", True)
        self._build()
        self.query.searched.connect(lambda _words: self._show_rows())
        self.hours.chosen.connect(lambda _key: self.refresh())
        self.table.sort_wanted.connect(self._sort)
        self.table.selected.connect(self._select)
        self.drawer.closed.connect(self.table.clearSelection)

    def read(self) -> tuple[StatementRow, ...]:
        """Return the statements of the chosen hours."""
        backend, hours = self.context.backend, int(str(self.hours.current))
        found: tuple[StatementRow, ...] = backend.monitoring.statements(actor=self.context.actor, hours=hours, limit=_MOST)
        return found

    def show_reading(self, reading: tuple[StatementRow, ...]) -> None:
        """Show ``reading``."""
        failed = sum(one.failed or 0 for one in reading)
        self.failures.show_state(tr("{n} failed", n=number(failed)) if failed else "", "warn")
        self.not_current.show_state("")
        self._show_rows()

    def show_stale(self) -> None:
        """Mark what is shown as no longer current."""
        self.not_current.show_state(tr("not current"), unknown=True)

    def open_target(self, **target: object) -> None:
        """Show the statement ``fingerprint``."""
        if target.get("fingerprint") is not None:
            self.table.select_key(target["fingerprint"])

    def write_export(self, path: Path, reading: tuple[StatementRow, ...]) -> None:
        """Write every statement."""
        facts = plain(reading)
        write(path, facts, facts)

    def _build(self) -> None:
        self.query = SearchField(name=tr("Filter statements"), hint=tr("words of a statement, or what it is for"))
        self.query.setFixedWidth(_FIELD_WIDTH)
        ranges = [("1", tr("1 h")), ("24", tr("24 h")), ("168", tr("7 d"))]
        self.hours = SegmentedControl(ranges, name=tr("Of the last"), current="24")
        self.total, self.failures, self.not_current = PlainLabel("", "small"), Badge(), Badge()
        detail = tr("Every process counts its statements and writes them down every ten seconds.")
        self.empty = EmptyState("file-code", tr("No statement yet"), detail=detail)
        self.table = Table(_columns(), name=tr("Statements"), row_height=_ROW_HEIGHT, key=lambda one: one.fingerprint, empty=self.empty)
        card = Card(flush=True)
        card.add((self.table, 1)).add_footer((self.total, 1), self.failures, self.not_current)
        inside = holder(column(holder(row(self.query, None, self.hours)), (card, 1), gap=12, margins=(24, 12, 24, 20)))
        self.drawer = _StatementDrawer()
        self.drawer.copied.connect(lambda: self.context.notify(tr("Copied.")))
        self.host = DrawerHost(inside, self.drawer)
        self.content.setLayout(column((self.host, 1)))

    def _sort(self, key: str, down: bool) -> None:  # noqa: FBT001 - the signal's shape
        self._order = (key, down)
        self._show_rows()

    def _show_rows(self) -> None:
        found: tuple[StatementRow, ...] = self.reading or ()
        words = self.query.text().strip().casefold()
        key, down = self._order
        rows = sorted((one for one in found if words in f"{one.label} {one.text}".casefold()), key=_ORDERS[key], reverse=down)
        self.table.set_rows(rows)
        if found and not rows:
            self.empty.set_words(tr("No statement fits"), detail=tr("Change the filter."))
        facts = {"n": number(len(rows)), "all": number(len(found)), "calls": number(sum(one.calls for one in rows))}
        self.total.setText(tr("{n} of {all} statements, {calls} calls; those that took most time first", **facts))

    def _select(self, one: StatementRow | None) -> None:
        if one is not None:
            self.drawer.show_statement(one)
            self.host.open()


_ORDERS = {
    "calls": lambda one: one.calls,
    "failed": lambda one: one.failed or 0,
    "total": lambda one: one.total_ms,
    "mean": lambda one: one.mean_ms,
    "p95": lambda one: one.p95_ms or 0.0,
    "longest": lambda one: one.longest_ms,
    "share": lambda one: one.share,
}


class _StatementDrawer(Drawer):
    copied = Signal()

    def __init__(self) -> None:
        super().__init__(width=400)
        self.facts = KeyValues(name_width=104)
        self.code = CodeBox(name=tr("Statement"))
        self.copy = Button(tr("Copy"), icon_name="copy", name=tr("Copy the statement"), on_click=self._copy)
        note = PlainLabel(tr("Values are bound apart from a statement and never kept."), "small", wrap=True)
        for part in (self.facts, over(tr("Statement")), self.code, note, holder(row(self.copy, None))):
            self.body.addWidget(part)
        self.body.addStretch(1)

    def show_statement(self, one: StatementRow) -> None:
        self.show_titles(one.label or tr("Statement"), tr("fingerprint {key}", key=one.fingerprint))
        self.code.show_code(one.text)
        self.facts.set_facts(
            [
                Fact(tr("Calls"), number(one.calls)),
                Fact(tr("Failed"), NONE if one.failed is None else number(one.failed)),
                Fact(tr("Rows"), number(one.rows)),
                Fact(tr("Time in all"), tr("{time}, {share} of all", time=length(one.total_ms), share=percent(one.share))),
                Fact(tr("Mean"), length(one.mean_ms)),
                Fact(tr("95th percentile"), length(one.p95_ms)),
                Fact(tr("Longest"), length(one.longest_ms)),
                Fact(tr("Counted by"), tr("the server") if one.source == "server" else tr("Lectern")),
            ]
        )

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.code.text())
        self.copied.emit()


def length(value_ms: float | None) -> str:
    """Return a time of a statement.

    >>> [length(value) for value in (None, 0.31, 12.4, 20_000.0)]
    ['–', '0.3 ms', '12 ms', '20.0 s']
    """
    if value_ms is None:
        return NONE
    if value_ms >= _SECONDS_FROM:
        return tr("{n} s", n=number(value_ms / 1000, decimals=1))
    return tr("{n} ms", n=number(value_ms, decimals=1 if value_ms < _TENTHS_BELOW else 0))


def _tone(value_ms: float | None) -> str:
    return "text" if value_ms is None or value_ms < SLOW_MS else "warn" if value_ms < VERY_SLOW_MS else "bad"


def _one_line(one: StatementRow) -> str:
    return " ".join(one.text.split())


def _columns() -> list[Column]:
    def share(one: StatementRow) -> tuple[float | None, str]:
        return one.share, "info"

    def calls(one: StatementRow) -> str:
        return short_number(one.calls)

    def longest(one: StatementRow) -> str:
        return length(one.longest_ms)

    def total(one: StatementRow) -> str:
        return length(one.total_ms)

    def failed(one: StatementRow) -> str:
        return NONE if one.failed is None else number(one.failed)

    return [
        Column("statement", tr("Statement"), _one_line, _draw_statement),
        Column("calls", tr("Calls"), calls, _number(calls), width=66, right=True, sortable=True),
        Column("failed", tr("Failed"), failed, _draw_failed, width=66, right=True, sortable=True),
        Column("mean", tr("Mean"), lambda one: length(one.mean_ms), _time("mean_ms"), width=76, right=True, sortable=True),
        Column("p95", tr("p95"), lambda one: length(one.p95_ms), _time("p95_ms"), width=76, right=True, sortable=True),
        Column("longest", tr("Longest"), longest, _time("longest_ms", quiet=True), width=80, right=True, sortable=True),
        Column("total", tr("Total"), total, _number(total), width=80, right=True, sortable=True),
        Column("share", tr("Of all time"), lambda one: percent(one.share), share_cell(share), width=126, sortable=True),
    ]


def _draw_statement(painter: QPainter, rect: QRectF, one: StatementRow, state: CellState) -> None:
    middle = rect.center().y()
    paint.text(painter, QRectF(rect.x(), middle - 18, rect.width(), 18), one.label or tr("without a name"), weight=MEDIUM)
    room = QRectF(rect.x(), middle + 1, rect.width(), 17)
    paint.text(painter, room, _one_line(one), size=12, mono=True, tone="text" if state.selected else "muted")


def _number(get: Words) -> PaintCell:
    def draw(painter: QPainter, rect: QRectF, one: StatementRow, _state: CellState) -> None:
        paint.text(painter, rect, get(one), align=paint.RIGHT)

    return draw


def _time(field: str, *, quiet: bool = False) -> PaintCell:
    def draw(painter: QPainter, rect: QRectF, one: StatementRow, _state: CellState) -> None:
        value = getattr(one, field)
        tone = "muted" if quiet else _tone(value)
        weight = SEMIBOLD if tone in ("warn", "bad") else NORMAL
        paint.text(painter, rect, length(value), tone=tone, weight=weight, align=paint.RIGHT)

    return draw


def _draw_failed(painter: QPainter, rect: QRectF, one: StatementRow, _state: CellState) -> None:
    words = NONE if one.failed is None else number(one.failed)
    loud = bool(one.failed)
    paint.text(painter, rect, words, tone="bad" if loud else "muted", weight=SEMIBOLD if loud else NORMAL, align=paint.RIGHT)
