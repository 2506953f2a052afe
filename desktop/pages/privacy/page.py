"""The Privacy page: whether the boundary between conversations holds, how that was tried, and what was found."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final

from PySide6.QtWidgets import QFileDialog

from backend_core.errors import LecternError
from backend_core.policy import may
from desktop.i18n import tr
from desktop.pages.privacy.board import Board
from desktop.pages.privacy.drawer import EvidenceDrawer
from desktop.pages.privacy.reading import EARLIER, Held, View, earlier, read
from desktop.pages.privacy.running import Running
from desktop.pages.privacy.words import badge_words, strip_words
from desktop.widgets.badge import Badge
from desktop.widgets.button import Button
from desktop.widgets.drawer import DrawerHost
from desktop.widgets.file_dialog import ask_file
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import column, holder
from desktop.widgets.page import Page, PageContext, title_row

if TYPE_CHECKING:
    from backend_core.privacy.records import CaseResult, Run
    from desktop.widgets.long_run import Step

INCIDENTS: Final = "action:privacy.incident"


class PrivacyPage(Page):
    """The picture beside the cases, the runs below, the evidence in a drawer."""

    key: ClassVar[str] = "privacy"
    title: ClassVar[str] = "Privacy"
    icon: ClassVar[str] = "shield-check"
    group: ClassVar[str] = "Assure"
    action: ClassVar[str] = "privacy.list"
    tables: ClassVar[frozenset[str]] = frozenset({"privacy_runs", "privacy_results", "privacy_incidents"})

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self.view: View | None = None
        self.wanted: int | None = None
        self.dialog: QFileDialog | None = None
        self._held: dict[int, Held] = {}
        self.may_run = may(context.actor.role, "privacy.run")
        self.running = Running(self)
        self._build()
        self._connect()
        add, group = context.commands.add, tr("Privacy")
        add("privacy.run", title=tr("Run the privacy suite"), run=self._run_here, group=group, icon="shield-check", enabled=self.may_run)
        add("privacy.export", title=tr("Export the privacy report"), run=self.choose_export, group=group, icon="file-badge")

    # -- what the shell calls

    def refresh(self) -> None:
        """Read where things stand."""
        known = self.view.shown if self.view is not None else None
        self.load(lambda: read(self.context.backend, self.context.actor, self.wanted, known), self._show)

    def open_target(self, **target: object) -> None:
        """Show the run ``run_id``, the cell of ``viewer`` and ``owner``, or begin a run with ``run=True``."""
        run, viewer, owner = target.get("run_id"), target.get("viewer"), target.get("owner")
        if isinstance(run, int):
            self.show_run(run)
        if isinstance(viewer, str) and isinstance(owner, str):
            self.board.matrix.choose((viewer, owner))
            self._choose_pair()
        if target.get("run") is True:
            self.start()

    # -- what the user does

    def start(self) -> None:
        """Run the suite."""
        if self.may_run:
            self.wanted = None
            self.running.start()

    def show_run(self, run: int | None) -> None:
        """Show what one run found; None for the newest."""
        self.wanted = None if self.view is not None and run == self.view.newest_id else run
        self.refresh()

    def choose_export(self) -> None:
        """Ask for a file and write the signed report of the shown run into it."""
        shown = self.view.shown if self.view is not None else None
        if shown is None:
            return
        kinds = {tr("Report to read (*.pdf)"): "pdf", tr("Report for programs (*.json)"): "json"}
        name = f"privacy-run-{shown.run.id}"
        self.dialog = ask_file(self, tr("Export the signed report"), kinds=kinds, name=name, on_chosen=self.export_to)

    def export_to(self, path: Path) -> None:
        """Write the signed report of the shown run to ``path``; its ending says whether as PDF or JSON."""
        if self.view is not None and self.view.shown is not None:
            run, context = self.view.shown.run.id, self.context
            told = tr("Report of run {n} signed and saved as {name}.", n=run, name=path.name)
            self.act(lambda: context.backend.privacy.export(run, path, actor=context.actor), lambda _nothing: context.notify(told))

    # -- building

    def _build(self) -> None:
        self.badge = Badge()
        self.about = PlainLabel(tr("Live database, made-up people"), "small")
        self.export = Button(tr("Export signed report"), icon_name="file-badge", on_click=self.choose_export)
        self.now = Button(tr("Run now"), "primary", icon_name="play", on_click=self.start)
        self.stop = Button(tr("Cancel run"), icon_name="circle-stop", on_click=self._cancel)
        self.stop.hide()
        self.board = Board(on_run=self.start if self.may_run else None)
        self.drawer = EvidenceDrawer()
        head = title_row(tr(self.title), self.badge, self.about, right=(self.export, self.stop, self.now))
        top = holder(column(head, margins=(24, 18, 24, 12)))
        self.host = DrawerHost(holder(column(top, (self.board, 1), gap=0)), self.drawer)
        self.content.setLayout(column((self.host, 1), gap=0))

    def _connect(self) -> None:
        self.board.matrix.chosen.connect(self._choose_pair)
        self.board.matrix.opened.connect(self._open_pair)
        self.board.cases.table.selected.connect(self._choose_case)
        self.board.runs.chosen.connect(self.show_run)
        self.board.guard.clicked.connect(lambda _checked=False: self.context.navigate("audit", query=INCIDENTS))
        self.board.strip.acted.connect(lambda: self.show_run(None))
        self.drawer.step_wanted.connect(self.board.matrix.step_line)
        self.drawer.closed.connect(self._unselect)
        self.running.began.connect(self._began)
        self.running.progressed.connect(self._progressed)
        self.running.ended.connect(self._ended)

    # -- a run of this window

    def _run_here(self) -> None:
        self.context.navigate(self.key)
        self.start()

    def _began(self) -> None:
        self.drawer.close_drawer()
        self.board.show_running()
        self.board.strip.show_progress(tr("The run begins"), None, "")
        self._show_buttons()

    def _progressed(self, step: Step) -> None:
        self.board.show_progress(step)
        heading = tr("Stopping, and removing what the run made") if self.running.stopping else step.words
        self.board.strip.show_progress(heading, step.done / max(1, step.total), self.running.words(step))

    def _cancel(self) -> None:
        self.running.cancel()
        self.stop.setEnabled(False)

    def _ended(self, _run: Run | None) -> None:
        self.stop.setEnabled(True)
        self._show_buttons()
        self.refresh()

    # -- showing

    def _show(self, view: View) -> None:
        self.view = view
        words, tone, unknown = badge_words(view.standing)
        self.badge.show_state(words, tone, unknown=unknown)
        self._show_buttons()
        self.board.show_history(view)
        if self.running.on:
            return
        said = strip_words(view)
        if said is None:
            self.board.strip.hide()
        else:
            self.board.strip.show_words(said.heading, said.sentence, tone=said.tone, action=said.action)
        self.board.show_run(view.shown, stale=view.newest and view.standing.gate == "stale")
        self._show_drawer()

    def _show_buttons(self) -> None:
        shown = self.view.shown if self.view is not None else None
        self.stop.setVisible(self.running.on)
        # the empty page has the same button in its middle
        self.now.setVisible(self.may_run and not self.running.on and shown is not None)
        self.export.setVisible(shown is not None)
        self.about.setVisible(shown is not None)

    def _choose_pair(self) -> None:
        self.board.cases.table.clearSelection()
        self._open_pair()

    def _open_pair(self) -> None:
        ready = self.view is not None and self.view.shown is not None and not self.running.on
        if ready and self.board.matrix.place is not None:
            self.host.open()
            self._show_drawer()

    def _choose_case(self, case: CaseResult | None) -> None:
        if case is not None:
            self.board.matrix.choose(None)
            self.host.open()
            self._show_drawer()

    def _unselect(self) -> None:
        self.board.cases.table.clearSelection()
        self.board.matrix.choose(None)

    def _show_drawer(self) -> None:
        shown = self.view.shown if self.view is not None else None
        if self.drawer.isHidden() or shown is None:
            return
        place, case = self.board.matrix.place, self.board.cases.table.current()
        pair = self.board.matrix.picture.find(place) if place is not None else None
        if pair is not None:
            cells = [cell for cell in shown.cells if (cell.viewer, cell.owner) == pair.place]
            self.drawer.show_pair(pair, cells, shown.run)
            self._read_earlier()
        elif case is not None:
            self.drawer.show_case(case, shown.run)

    def _read_earlier(self) -> None:
        context, known = self.context, dict(self._held)
        history = self.view.history if self.view is not None else ()
        runs = tuple(run.id for run in history if run.outcome in {"pass", "fail"})[:EARLIER]
        context.background.run(
            self, lambda: earlier(context.backend, context.actor, runs, known), self._show_earlier, _keep_quiet, key="earlier"
        )

    def _show_earlier(self, held: dict[int, Held]) -> None:
        self._held = held
        place = self.board.matrix.place
        if place is not None:
            self.drawer.show_earlier([held[run].get(place) for run in sorted(held)])


def _keep_quiet(_error: LecternError) -> None:
    """The marks of earlier runs are an addition; without them the evidence stands by itself."""
