"""The migration tab: which revision the tables have, what the newer ones would run, and running them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QWidget

from backend_core.errors import LecternError
from backend_core.policy import may
from desktop.i18n import number, tr
from desktop.pages.database.migration_parts import MigrateDialog, SqlDrawer
from desktop.pages.database.tab import Tab
from desktop.widgets import cells, paint
from desktop.widgets.badge import Badge
from desktop.widgets.button import Button
from desktop.widgets.card import Card
from desktop.widgets.drawer import DrawerHost
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import column, holder, row
from desktop.widgets.page import Page
from desktop.widgets.table import CellState, Column, Table

if TYPE_CHECKING:
    from backend_core.monitoring.schema_revisions import MigrationState

_ROW_HIGH: Final = 40
_BIG: Final = 96


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A line of the table: a revision, what it runs, and whether the tables have it."""

    id: str
    title: str
    sql_lines: tuple[str, ...]
    applied: bool
    current: bool


class MigrationsTab(Tab):
    """Reads when it is shown; a schema does not change by itself."""

    key: ClassVar[str] = "migrations"
    caption: ClassVar[str] = "Migrations"
    action: ClassVar[str] = "migration.read"
    every_ms: ClassVar[int] = 0
    live: ClassVar[str] = "Read when shown"

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        role = self.context.actor.role if self.context.actor is not None else ""
        self.may_run = bool(role) and may(role, "migration.run")
        self.embedded = bool(self.context.backend.settings.embedded) if self.context.backend is not None else True
        self.dialog: MigrateDialog | None = None
        self._build()
        self.table.selected.connect(self._explain)
        self.table.opened.connect(self._explain)
        self.drawer.closed.connect(self.table.clearSelection)
        self.drawer.copied.connect(lambda: self.context.notify(tr("Copied.")))

    # -- what the page calls

    def read(self) -> MigrationState:
        """Return what is applied and what is not."""
        state: MigrationState = self.context.backend.migrations.state(actor=self.context.actor)
        return state

    def show_reading(self, reading: MigrationState) -> None:
        """Show how the schema stands."""
        words, tone = standing(reading)
        self.badge.show_state(words, tone, icon_name="circle-check" if tone == "ok" else "triangle-alert")
        self.current.setText(reading.current)
        self.head.setText(reading.head)
        pending = len(reading.pending)
        self.counted.emit(self.key, number(pending) if pending else "", "warn")
        self.dry.setEnabled(bool(pending))
        self.run.setVisible(self.may_run)
        self.run.setEnabled(bool(pending))
        self.table.set_rows(steps(reading))
        self.total.setText(tr("{n} revisions, newest first", n=number(len(reading.applied) + pending)))

    def open_target(self, **target: object) -> None:
        """Show the revision ``revision``."""
        self.table.select_key(target.get("revision"))

    # -- what the person does

    def dry_run(self) -> None:
        """Show the statements that migrating would run; nothing is run."""
        context = self.context
        context.background.run(
            self, lambda: context.backend.migrations.dry_run(actor=context.actor), self._show_dry_run, self._failed, key="dry"
        )

    def migrate(self) -> None:
        """Ask why, and run what is missing."""
        state = self.reading
        if state is not None and state.pending:
            self.dialog = MigrateDialog(self, state, embedded=self.embedded, on_reason=self.migrate_now)
            self.dialog.open()

    def migrate_now(self, reason: str) -> None:
        """Run what is missing."""
        context = self.context
        self._show_busy(busy=True)
        context.background.run(
            self,
            lambda: context.backend.migrations.run(actor=replace(context.actor, reason=reason)),
            self._migrated,
            self._failed,
            key="migrate",
        )

    # -- building and showing

    def _build(self) -> None:
        self.badge = Badge()
        self.current, self.head = PlainLabel("", "big"), PlainLabel("", "big")
        self.dry = Button(tr("Dry run"), icon_name="file-code", on_click=self.dry_run)
        self.run = Button(tr("Migrate…"), "primary", icon_name="play", on_click=self.migrate)
        self.table = Table(_columns(), name=tr("Revisions"), row_height=_ROW_HIGH, key=lambda step: step.id)
        self.total = PlainLabel("", "small")
        kind = tr("A backup is made first") if self.embedded else tr("Runs as the owner of the tables")
        self.how = PlainLabel(kind, "small")
        state = holder(column(None, self.badge, self.how, None, gap=4))
        lane = row(_figure(tr("Tables are at"), self.current), _figure(tr("This program needs"), self.head), state, None, gap=28)
        lane.addLayout(row(self.dry, self.run))
        top = Card().add(lane)
        top.setFixedHeight(_BIG)
        card = Card(tr("Revisions"), icon_name="git-branch", flush=True)
        card.add((self.table, 1))
        card.add_footer(self.total)
        self.drawer = SqlDrawer()
        main = holder(column(top, (card, 1), gap=12, margins=(24, 12, 24, 20)))
        self.host = DrawerHost(main, self.drawer)
        self.content.setLayout(column((self.host, 1), gap=0))

    def _explain(self, step: Step | None) -> None:
        if step is not None:
            state = tr("applied") if step.applied else tr("not applied yet")
            self.drawer.show_sql(step.title, tr("Revision {id}, {state}", id=step.id, state=state), step.sql_lines)
            self.host.open()

    def _show_dry_run(self, sql: str) -> None:
        self.table.clearSelection()
        lines = sql.splitlines()
        self.drawer.show_sql(tr("Dry run"), tr("What migrating would run; nothing was changed"), lines)
        self.host.open()

    def _migrated(self, result: Any) -> None:
        self._show_busy(busy=False)
        done = len(result.applied)
        self.context.notify(tr("1 revision applied.") if done == 1 else tr("{n} revisions applied.", n=number(done)))
        self.refresh()

    def _failed(self, error: LecternError) -> None:
        self._show_busy(busy=False)
        statements: Sequence[str] = getattr(error, "statements", ())
        if statements:
            self.drawer.show_sql(error.title, error.next_step, statements)
            self.host.open()
        self.page.tell(error)

    def _show_busy(self, *, busy: bool) -> None:
        pending = self.reading is not None and bool(self.reading.pending)
        self.run.set_caption(tr("Migrating…") if busy else tr("Migrate…"))
        self.run.setEnabled(pending and not busy)
        self.dry.setEnabled(pending and not busy)


def standing(state: MigrationState) -> tuple[str, str]:
    """Return how the schema stands to this program, and its tone."""
    if state.pending:
        count = len(state.pending)
        return (tr("1 revision is missing") if count == 1 else tr("{n} revisions are missing", n=number(count))), "warn"
    if state.current != state.head:
        return tr("Newer than this program"), "warn"
    return tr("Up to date"), "ok"


def steps(state: MigrationState) -> list[Step]:
    """Return every revision, newest first."""
    return [
        Step(id=one.id, title=one.title, sql_lines=one.sql_lines, applied=one in state.applied, current=one.id == state.current)
        for one in reversed((*state.applied, *state.pending))
    ]


def _figure(caption: str, label: PlainLabel) -> QWidget:
    return holder(column(None, PlainLabel(caption, "small"), label, None, gap=0))


def _columns() -> tuple[Column, ...]:
    return (
        Column("state", tr("State"), _state_words, _draw_state, width=132),
        Column("id", tr("Revision"), lambda step: step.id, cells.text_cell(lambda step: step.id, mono=True), width=92),
        Column("title", tr("What it does"), lambda step: step.title, cells.text_cell(lambda step: step.title)),
        Column("lines", tr("Lines of SQL"), _lines, cells.text_cell(_lines, tone="muted", right=True), width=110, right=True),
    )


def _state_words(step: Step) -> str:
    return tr("Current") if step.current else tr("Applied") if step.applied else tr("Not applied")


def _draw_state(painter: QPainter, rect: QRectF, step: Step, state: CellState) -> None:
    tone, icon = ("info", "check") if step.current else ("ok", "check") if step.applied else ("warn", "clock")
    paint.pill(painter, rect.x(), rect.center().y(), _state_words(step), tone, icon_name=icon, edge=state.selected)


def _lines(step: Step) -> str:
    return number(len(step.sql_lines))
