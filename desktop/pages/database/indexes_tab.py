"""The index tab: every index of the database with a verdict that says why, the proof of it, and the job that carries it out."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from PySide6.QtCore import Qt

from backend_core.errors import LecternError
from backend_core.policy import may
from desktop.i18n import byte_size, number, tr
from desktop.pages.database import index_lines as lines
from desktop.pages.database.exporting import write
from desktop.pages.database.index_cells import columns
from desktop.pages.database.index_dialog import ChangeDialog, Order, OwnerDialog
from desktop.pages.database.index_drawer import IndexDrawer
from desktop.pages.database.index_lines import Line, Reading
from desktop.pages.database.index_strip import EvidenceStrip
from desktop.pages.database.tab import Tab
from desktop.widgets.card import Card
from desktop.widgets.count_chips import CountChips
from desktop.widgets.drawer import DrawerHost
from desktop.widgets.field import SearchField
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import column, holder, row
from desktop.widgets.page import Page
from desktop.widgets.states import EmptyState
from desktop.widgets.table import Table

ROW_HIGH = 44
_FIELD_WIDE = 220


class IndexesTab(Tab):
    """Reads every ten seconds while it is seen; a proof and a change only when asked for."""

    key: ClassVar[str] = "indexes"
    caption: ClassVar[str] = "Indexes"
    action: ClassVar[str] = "index.read"
    every_ms: ClassVar[int] = 10_000
    live: ClassVar[str] = "Live, every 10 s"
    export_title: ClassVar[str] = "Export the report on indexes"
    export_name: ClassVar[str] = "indexes"
    export_csv: ClassVar[bool] = True

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        role = self.context.actor.role if self.context.actor is not None else ""
        self.may_prove, self.may_change = bool(role) and may(role, "index.prove"), bool(role) and may(role, "index.change")
        self.dialog: ChangeDialog | None = None
        self._order: tuple[str, bool] | None = None
        self._wanted = ""
        self._build()
        self._connect()

    # -- what the page calls

    def read(self) -> Reading:
        """Return the view of all indexes, the promised ones and what is being changed."""
        indexes, actor = self.context.backend.indexes, self.context.actor
        view = indexes.view(actor=actor)
        return Reading(view, indexes.declared(actor=actor), indexes.changes(actor=actor), lines.lines_of(view))

    def show_reading(self, reading: Reading) -> None:
        """Show ``reading``."""
        view = reading.view
        self.strip.show_evidence(view.evidence, now=view.at)
        self.chips.set_counts(lines.counts(reading))
        bad = sum(row.verdict == "invalid" for row in view.rows) + sum(one.verdict == "missing" for one in view.missing)
        self.counted.emit(self.key, number(len(view.rows)), "bad" if bad else "none")
        self._show_rows()
        self._open_wanted()

    def show_stale(self) -> None:
        """Say that what is shown is old, without hiding it."""
        if isinstance(self.reading, Reading) and not self.strip.stale:
            view = self.reading.view
            self.strip.show_evidence(view.evidence, now=view.at, stale=True)
            self.total.setText(tr("as of {time}: {rest}", time=f"{view.at.astimezone():%H:%M:%S}", rest=self.total.text()))

    def open_target(self, **target: object) -> None:
        """Show the verdict ``verdict``, or the index ``index``."""
        verdict, index = target.get("verdict"), target.get("index")
        if isinstance(verdict, str) and verdict in {lines.ALL, lines.DECLARED, *lines.CHIPS}:
            self.chips.choose(verdict)
            self._show_rows()
        if isinstance(index, str) and index:
            self._wanted = index
            self._open_wanted()

    def write_export(self, path: Path, reading: Reading) -> None:
        """Write every index with its verdict."""
        write(path, _plain({"view": reading.view, "declared": reading.declared}), [_export_row(line) for line in reading.lines])

    # -- building

    def _build(self) -> None:
        self.strip = EvidenceStrip()
        self.query = SearchField(name=tr("Filter indexes"), hint=tr("table:memories size:>1MB"))
        self.query.setFixedWidth(_FIELD_WIDE)
        chips = [(lines.ALL, tr("All")), *((key, lines.chip_words(key)) for key in lines.CHIPS), (lines.DECLARED, tr("Declared"))]
        self.chips = CountChips(chips, name=tr("Verdict"))
        self.empty = EmptyState("database", tr("No index fits"), detail=tr("Choose another verdict, or change the filter."))
        self.table = Table(columns(), name=tr("Indexes"), row_height=ROW_HIGH, key=lambda line: line.key, empty=self.empty)
        self.total, self.advice = PlainLabel("", "small"), PlainLabel("", "small")
        card = Card(flush=True)
        card.add((self.table, 1))
        card.add_footer(self.total, None, self.advice)
        self.drawer = IndexDrawer()
        # chips on a second line leave the field where it is
        filters = row(gap=10)
        filters.addWidget(self.query, 0, Qt.AlignmentFlag.AlignTop)
        filters.addWidget(holder(column(self.chips, margins=(0, 3, 0, 3))), 1, Qt.AlignmentFlag.AlignTop)
        main = holder(column(self.strip, filters, (card, 1), gap=12, margins=(24, 12, 24, 20)))
        self.host = DrawerHost(main, self.drawer)
        self.content.setLayout(column((self.host, 1), gap=0))

    def _connect(self) -> None:
        self.query.searched.connect(lambda _words: self._show_rows())
        self.chips.chosen.connect(lambda _key: self._show_rows())
        self.table.selected.connect(self._explain)
        self.table.opened.connect(self._explain)
        self.table.sort_wanted.connect(self._sort)
        self.drawer.closed.connect(self.table.clearSelection)
        self.drawer.step_wanted.connect(self._step)
        self.drawer.proof_wanted.connect(self.prove)
        self.drawer.ordered.connect(self._ask)
        self.drawer.copied.connect(lambda: self.context.notify(tr("Copied.")))

    # -- showing

    def _show_rows(self) -> None:
        reading = self.reading
        if not isinstance(reading, Reading):
            return
        shown = lines.chosen(reading, self.chips.current, self.query.text())
        if self._order is not None:
            shown = lines.ordered(shown, self._order[0], descending=self._order[1])
        self.table.set_rows(shown)
        view = reading.view
        order = tr("in the order chosen") if self._order is not None else tr("costliest first")
        order = tr("as declared") if self._order is None and self.chips.current == lines.DECLARED else order
        facts = {"n": number(len(view.rows)), "size": byte_size(view.total_bytes), "shown": number(len(shown)), "order": order}
        self.total.setText(tr("{n} indexes · {size} · {shown} shown, {order}", **facts))
        advised = sum(row.verdict in {"unused", "duplicate", "prefix", "invalid"} for row in view.rows)
        freed = tr("Dropping the {n} advised frees {size}", n=number(advised), size=byte_size(view.advised_bytes))
        self.advice.setText(freed if advised else tr("Nothing to drop · read in {n} ms", n=number(view.read_ms)))
        self._show_drawer()

    def _sort(self, key: str, descending: bool) -> None:  # noqa: FBT001  # the table's signal
        self._order = (key, descending)
        self._show_rows()

    def _explain(self, line: Line | None) -> None:
        if line is not None:
            self.host.open()
            self._show(line)

    def _show_drawer(self) -> None:
        line = self.table.current()
        if line is not None and not self.drawer.isHidden():
            self._show(line)

    def _show(self, line: Line) -> None:
        if isinstance(self.reading, Reading):
            self.drawer.show_line(line, self.reading, may_prove=self.may_prove, may_change=self.may_change)

    def _open_wanted(self) -> None:
        found = next((line for line in self.table.rows if line.name == self._wanted), None) if self._wanted else None
        if found is not None:
            self._wanted = ""
            self.table.select_key(found.key)

    def _step(self, by: int) -> None:
        keys = [line.key for line in self.table.rows]
        now = self.drawer.line.key if self.drawer.line is not None else ""
        if keys:
            at = keys.index(now) + by if now in keys else 0
            self.table.select_key(keys[min(max(0, at), len(keys) - 1)])

    # -- trying and changing

    def prove(self, line: Line) -> None:
        """Try what would become of the plans without the index, or with the missing one."""
        if not self.may_prove:
            return
        context = self.context
        wanted = {"hide": line.row.name} if line.row is not None else {"add": line.missing.sql if line.missing is not None else ""}
        self.drawer.prove.setEnabled(False)
        context.background.run(
            self,
            lambda: context.backend.indexes.prove(actor=context.actor, **wanted),
            lambda proof: self.drawer.show_proof(line, proof),
            self._not_proven,
            key="prove",
        )

    def _not_proven(self, error: LecternError) -> None:
        self.drawer.prove.setEnabled(True)
        self.page.tell(error)

    def _ask(self, order: Order) -> None:
        self.dialog = ChangeDialog(self, order, on_order=self.change)
        self.dialog.open()

    def change(self, order: Order, reason: str) -> None:
        """Queue the job that carries out ``order``."""
        context, proof = self.context, self.drawer.proven

        def work() -> Any:
            # read inside: a second attempt carries the proof that the first one lacked
            actor = replace(context.actor, reason=reason)
            return context.backend.indexes.change(order.action, order.what, actor=actor, proof=proof)

        def queued(job: object) -> None:
            told = tr("Job {n} takes care of {name}.", n=job, name=order.name)
            context.notify(told, undo=lambda: context.navigate("jobs"), action=tr("Show jobs"))
            self.refresh()

        context.background.run(self, work, queued, self._not_queued, key="change")

    def _not_queued(self, error: LecternError) -> None:
        statements: Sequence[str] = getattr(error, "statements", ())
        if statements:
            OwnerDialog(self, error, statements).open()
        else:
            self.page.tell(error)


def _export_row(line: Line) -> Mapping[str, object]:
    row = line.row
    return {
        "table": line.table,
        "index": line.name if row is not None else "",
        "columns": ", ".join(row.columns if row is not None else line.missing.columns if line.missing is not None else ()),
        "verdict": line.verdict,
        "reason": line.reason,
        "scans": line.scans,
        "size_bytes": line.size_bytes,
        "locked": line.locked,
        "sql": (row or line.missing).sql if row is not None or line.missing is not None else "",  # type: ignore[union-attr]  # one of them is there
    }


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime) else value
