"""The tables tab: sizes, dead rows and ages of every table, what is locked, and what runs out one day."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from desktop.i18n import ago, byte_size, number, tr
from desktop.pages.database.exporting import write
from desktop.pages.database.server_words import DEAD_WARN, FULL_WARN, NEAR_END, NONE, percent, plain
from desktop.pages.database.share_cell import share_cell
from desktop.pages.database.tab import Tab
from desktop.style import MEDIUM, NORMAL, SEMIBOLD
from desktop.widgets import paint
from desktop.widgets.badge import Badge
from desktop.widgets.button import SegmentedControl
from desktop.widgets.card import Card
from desktop.widgets.cells import text_cell
from desktop.widgets.field import SearchField
from desktop.widgets.figure_tile import FigureTile, tiles
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import column, holder, row
from desktop.widgets.page import Page
from desktop.widgets.states import EmptyState
from desktop.widgets.table import CellState, Column, Table

if TYPE_CHECKING:
    from backend_core.monitoring.server.records import SequenceRow, TableRow, TablesView

_ROW_HEIGHT = 44
_FIELD_WIDTH = 220
_FEW_ROWS = 1_000
"""Below this a share of dead rows says nothing: the server does not vacuum for so few."""


class TablesTab(Tab):
    """Tables every five seconds; nothing of it waits for a lock."""

    key: ClassVar[str] = "tables"
    caption: ClassVar[str] = "Tables"
    action: ClassVar[str] = "server.read"
    every_ms: ClassVar[int] = 5_000
    live: ClassVar[str] = "Live, every 5 s"
    export_title: ClassVar[str] = "Export the tables"
    export_name: ClassVar[str] = "tables"
    export_csv: ClassVar[bool] = True

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self._order = ("size", True)
        self._build()
        self.query.searched.connect(lambda _words: self._show_rows())
        self.table.sort_wanted.connect(self._sort)
        self.shown_list.chosen.connect(self._choose_list)

    def read(self) -> TablesView:
        """Return tables and sequences."""
        view: TablesView = self.context.backend.server.tables(actor=self.context.actor)
        return view

    def show_reading(self, reading: TablesView) -> None:
        """Show ``reading``."""
        ids = reading.wraparound
        self.whole.show_figure(byte_size(reading.database_bytes), tr("{n} tables", n=number(len(reading.rows))))
        dead, alive = sum(one.dead for one in reading.rows), sum(one.rows for one in reading.rows)
        share = dead / (dead + alive) if dead + alive else None
        off = "" if reading.autovacuum else tr("autovacuum is off")
        tone = "warn" if not reading.autovacuum or ((share or 0.0) > DEAD_WARN and dead > _FEW_ROWS) else ""
        self.dead.show_figure(percent(share), off or tr("{n} dead rows", n=number(dead)), tone=tone)
        worst = max(ids.server, ids.multixact)
        where = tr("here {share}, freezing starts at {limit}", share=percent(ids.database), limit=percent(ids.freeze_at))
        self.ids.show_figure(percent(worst), where, tone="bad" if worst >= NEAR_END else "warn" if worst > 2 * ids.freeze_at else "")
        known = [one for one in reading.sequences if one.share is not None]
        fullest = known[0] if known else None
        about = fullest.name if fullest else tr("none can be read")
        used = fullest.share if fullest else None
        self.fullest.show_figure(None if used is None else percent(used), about, tone="warn" if (used or 0.0) >= FULL_WARN else "")
        locked = sum(one.locked for one in reading.rows)
        self.lock_badge.show_state(tr("{n} locked", n=number(locked)) if locked else "", "warn")
        self.counted.emit(self.key, tr("{n} locked", n=number(locked)) if locked else "", "warn")
        self.not_current.show_state("")
        self._show_rows()

    def show_stale(self) -> None:
        """Mark what is shown as no longer current."""
        self.not_current.show_state(tr("not current"), unknown=True)

    def hidden(self) -> None:
        """Read nothing more, and leave no count beside the name that nobody keeps true."""
        super().hidden()
        self.counted.emit(self.key, "", "none")

    def open_target(self, **target: object) -> None:
        """Show the table ``table``, or the sequences with ``sequences=True``."""
        if target.get("sequences"):
            self.shown_list.choose("sequences")
            self._choose_list("sequences")
        name = target.get("table")
        if isinstance(name, str):
            self.table.select_key(name)

    def write_export(self, path: Path, reading: TablesView) -> None:
        """Write tables and sequences; as CSV the tables."""
        facts = plain(reading)
        rows = [dict(one) | {"locked_by": " ".join(str(pid) for pid in one["locked_by"])} for one in facts["rows"]]
        write(path, facts, rows)

    def _build(self) -> None:
        self.whole, self.dead = FigureTile(tr("Database"), "database"), FigureTile(tr("Dead rows"), "trash-2")
        self.ids, self.fullest = FigureTile(tr("Transaction ids used"), "hourglass"), FigureTile(tr("Fullest sequence"), "gauge")
        self.query = SearchField(name=tr("Filter tables"), hint=tr("name of a table"))
        self.query.setFixedWidth(_FIELD_WIDTH)
        self.shown_list = SegmentedControl([("tables", tr("Tables")), ("sequences", tr("Sequences"))], name=tr("Show"))
        self.lock_badge, self.not_current, self.total = Badge(icon_name="lock"), Badge(), PlainLabel("", "small")
        empty = EmptyState("database", tr("No table fits"), detail=tr("Change the filter."))
        self.table = Table(_columns(), name=tr("Tables"), row_height=_ROW_HEIGHT, key=lambda one: one.table, empty=empty)
        none = EmptyState("list-checks", tr("No sequence fits"), detail=tr("Change the filter."))
        self.sequences = Table(_sequence_columns(), name=tr("Sequences"), row_height=36, key=lambda one: one.name, empty=none)
        self.sequences.hide()
        card = Card(flush=True)
        note = PlainLabel(
            tr("Sizes as of the last vacuum or analyze: to measure them now would wait for whoever has a table locked."), "small"
        )
        card.add((self.table, 1), (self.sequences, 1)).add_footer((note, 1), self.total, self.lock_badge, self.not_current)
        bar = holder(row(self.query, None, self.shown_list))
        top = tiles(self.whole, self.dead, self.ids, self.fullest)
        self.content.setLayout(column(top, bar, (card, 1), gap=12, margins=(24, 12, 24, 20)))

    def _choose_list(self, key: object) -> None:
        self.table.setVisible(key == "tables")
        self.sequences.setVisible(key == "sequences")
        self._show_rows()

    def _sort(self, key: str, down: bool) -> None:  # noqa: FBT001 - the signal's shape
        self._order = (key, down)
        self._show_rows()

    def _show_rows(self) -> None:
        view: TablesView | None = self.reading
        if view is None:
            return
        words = self.query.text().strip().casefold()
        key, down = self._order
        rows = sorted((one for one in view.rows if words in one.table.casefold()), key=_ORDERS[key], reverse=down)
        self.table.set_rows(rows)
        sequences = [one for one in view.sequences if words in f"{one.name} {one.table}".casefold()]
        self.sequences.set_rows(sequences)
        shown, everything = (len(rows), len(view.rows)) if self.shown_list.current == "tables" else (len(sequences), len(view.sequences))
        self.total.setText(tr("{n} of {all}", n=number(shown), all=number(everything)))


_ORDERS = {
    "table": lambda one: one.table,
    "rows": lambda one: one.rows,
    "dead": lambda one: (one.dead_share or 0.0, one.dead),
    "size": lambda one: (one.size_bytes or 0, one.table),
    "ids": lambda one: one.age_xid_share or 0.0,
}


def _size(one: TableRow) -> str:
    return tr("not measured") if one.size_bytes is None else byte_size(one.size_bytes)


def _dead(one: TableRow) -> tuple[float | None, str]:
    loud = (one.dead_share or 0.0) > DEAD_WARN and one.dead > _FEW_ROWS
    return one.dead_share, "warn" if loud else "none"


def _columns() -> list[Column]:
    return [
        Column("table", tr("Table"), lambda one: one.table, _draw_table, sortable=True),
        Column(
            "rows",
            tr("Rows"),
            lambda one: number(one.rows),
            text_cell(lambda one: number(one.rows), right=True),
            width=96,
            right=True,
            sortable=True,
        ),
        Column("dead", tr("Dead"), lambda one: percent(one.dead_share), share_cell(_dead), width=150, sortable=True),
        Column("size", tr("Size"), _size, _draw_size, width=108, right=True, sortable=True),
        Column("indexes", tr("Indexes"), _indexes, text_cell(_indexes, tone="muted", right=True), width=92, right=True),
        Column("vacuum", tr("Vacuumed"), _vacuumed, text_cell(_vacuumed, tone="muted", right=True, size=12), width=104, right=True),
        Column("analyze", tr("Analyzed"), _analyzed, text_cell(_analyzed, tone="muted", right=True, size=12), width=104, right=True),
        Column("ids", tr("Ids used"), _ids, text_cell(_ids, tone="muted", right=True), width=84, right=True, sortable=True),
    ]


def _rows(one: TableRow) -> str:
    return number(one.rows)


def _indexes(one: TableRow) -> str:
    return NONE if one.index_bytes is None else byte_size(one.index_bytes)


def _vacuumed(one: TableRow) -> str:
    return tr("never") if one.last_vacuum is None else ago(one.last_vacuum)


def _analyzed(one: TableRow) -> str:
    return tr("never") if one.last_analyze is None else ago(one.last_analyze)


def _ids(one: TableRow) -> str:
    return percent(one.age_xid_share)


def _draw_table(painter: QPainter, rect: QRectF, one: TableRow, _state: CellState) -> None:
    middle = rect.center().y()
    if not one.locked:
        paint.text(painter, rect, one.table, weight=MEDIUM)
        return
    paint.text(painter, QRectF(rect.x(), middle - 18, rect.width(), 18), one.table, weight=MEDIUM)
    words = tr("locked, {mode} by pid {pids}", mode=one.lock, pids=", ".join(str(pid) for pid in one.locked_by))
    paint.text(painter, QRectF(rect.x(), middle + 1, rect.width(), 17), words, size=12, tone="warn")


def _draw_size(painter: QPainter, rect: QRectF, one: TableRow, _state: CellState) -> None:
    unknown = one.size_bytes is None
    tone, weight = ("muted", NORMAL) if unknown else ("text", MEDIUM)
    paint.text(painter, rect, _size(one), tone=tone, weight=weight, align=paint.RIGHT, size=12 if unknown else 13)


_KINDS = {2**63 - 1: "bigint", 2**31 - 1: "integer", 2**15 - 1: "smallint"}


def _sequence_columns() -> list[Column]:
    def last(one: SequenceRow) -> str:
        return tr("locked") if one.locked else number(one.last) if one.last is not None else tr("none given out") if one.readable else NONE

    def most(one: SequenceRow) -> str:
        return _KINDS.get(one.most) or number(one.most)

    def used(one: SequenceRow) -> tuple[float | None, str]:
        return one.share, "warn" if (one.share or 0.0) >= FULL_WARN else "info"

    def draw_last(painter: QPainter, rect: QRectF, one: SequenceRow, _state: CellState) -> None:
        tone, weight = ("warn", SEMIBOLD) if one.locked else ("text" if one.last is not None else "muted", NORMAL)
        paint.text(painter, rect, last(one), tone=tone, weight=weight, align=paint.RIGHT)

    return [
        Column("name", tr("Sequence"), lambda one: one.name, text_cell(lambda one: one.name, weight=MEDIUM)),
        Column("table", tr("Table"), lambda one: one.table or NONE, text_cell(lambda one: one.table or NONE, tone="muted"), width=240),
        Column("last", tr("Last number"), last, draw_last, width=150, right=True),
        Column("most", tr("Of"), most, text_cell(most, tone="muted", right=True), width=110, right=True),
        Column("used", tr("Used"), lambda one: percent(one.share), share_cell(used), width=190),
    ]
