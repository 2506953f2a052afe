"""The Readiness page: may this be released, what says so, and who signed it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFileDialog

from backend_core.errors import LecternError
from backend_core.policy import may
from desktop.i18n import tr
from desktop.pages.readiness import words
from desktop.pages.readiness.board import BESIDE_FROM, Board
from desktop.pages.readiness.drawer import CheckDrawer
from desktop.pages.readiness.measuring import Measuring
from desktop.pages.readiness.sign_dialog import RefusedDialog, SignDialog
from desktop.widgets.badge import Badge
from desktop.widgets.button import Button
from desktop.widgets.card import Card
from desktop.widgets.drawer import DrawerHost
from desktop.widgets.file_dialog import ask_file
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import column, holder
from desktop.widgets.long_run import Step
from desktop.widgets.page import Page, PageContext, title_row
from desktop.widgets.progress_row import ProgressRow
from desktop.widgets.scroll import scrolling

if TYPE_CHECKING:
    from backend_core.monitoring.readiness.records import CheckResult, Report

_HEAD_NARROWEST = 640


class ReadinessPage(Page):
    """Score, gates, sign-off, categories and checks of one report; the evidence of a check in a drawer."""

    key: ClassVar[str] = "readiness"
    title: ClassVar[str] = "Readiness"
    icon: ClassVar[str] = "badge-check"
    group: ClassVar[str] = "Assure"
    action: ClassVar[str] = "readiness.read"
    tables: ClassVar[frozenset[str]] = frozenset({"readiness_results", "readiness_runs", "privacy_runs", "backups"})

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        role = context.actor.role
        self.may_measure, self.may_export = may(role, "readiness.measure"), may(role, "readiness.export")
        self.report: Report | None = None
        self.dialog: SignDialog | RefusedDialog | QFileDialog | None = None
        self._wanted = ""
        self.measuring = Measuring(self)
        self._build()
        self._connect()
        add, group = context.commands.add, tr("Readiness")
        add(
            "readiness.measure",
            title=tr("Measure readiness"),
            run=self._measure_here,
            group=group,
            icon="refresh-cw",
            enabled=self.may_measure,
        )
        add("readiness.export", title=tr("Export the readiness report"), run=self.choose_export, group=group, icon="download")

    # -- what the shell calls

    def refresh(self) -> None:
        """Read the newest answers."""
        self.load(lambda: self.context.backend.readiness.report(actor=self.context.actor), self._show)

    def open_target(self, **target: object) -> None:
        """Explain the check ``check``, narrow to ``category`` or ``status``, or begin with ``measure=True``."""
        check, category, status = target.get("check", target.get("target")), target.get("category"), target.get("status")
        if isinstance(category, str):
            self.choose_category(category)
        if isinstance(status, str):
            self.board.checks.show_status(status)
        if isinstance(check, str) and check:
            self._wanted = check
            self._open_wanted()
        if target.get("measure") is True:
            self.measure()

    # -- what the user does

    def measure(self, only: CheckResult | None = None) -> None:
        """Look again at everything, or at one check."""
        if self.may_measure:
            self.measuring.start(None if only is None else only.id)

    def choose_category(self, key: str) -> None:
        """Narrow the checks to a category; empty for all."""
        if key:
            self.board.categories.table.select_key(key)
        else:
            self.board.categories.clear()
        self.board.checks.show_category(key)

    def sign(self) -> None:
        """Ask who reviewed the release, or say what stands in the way."""
        if self.report is None:
            return
        if self.report.may_sign:
            self.dialog = SignDialog(self, self.report, reviewer=self.context.actor.name, on_sign=self._sign)
        else:
            self.dialog = RefusedDialog(self, self.report)
        self.dialog.open()

    def choose_export(self) -> None:
        """Ask for a file and write the report into it."""
        if self.report is None or not self.may_export:
            return
        kinds = {tr("Report to read (*.pdf)"): "pdf", tr("Report for programs (*.json)"): "json"}
        name = f"readiness-{self.report.version or 'report'}"
        self.dialog = ask_file(self, tr("Export the readiness report"), kinds=kinds, name=name, on_chosen=self.export_to)

    def export_to(self, path: Path) -> None:
        """Write the report to ``path``; its ending says whether as PDF or JSON."""
        context, told = self.context, tr("Report saved as {name}.", name=path.name)
        self.act(lambda: context.backend.readiness.export(path, actor=context.actor), lambda _nothing: context.notify(told))

    # -- building

    def _build(self) -> None:
        self.badge = Badge()
        self.about = PlainLabel("", "small")
        self.export = Button(tr("Export"), icon_name="download", name=tr("Export as PDF or JSON"), on_click=self.choose_export)
        self.now = Button(tr("Measure now"), "primary", icon_name="refresh-cw", on_click=self.measure)
        self.board = Board()
        self.drawer = CheckDrawer()
        self.row = ProgressRow(tr("Measuring"), icon_name="loader-circle")
        self.progress = holder(column(Card().add(self.row), margins=(24, 0, 24, 12)))
        self.progress.hide()
        head = title_row(tr(self.title), self.badge, right=(self.about, 4, self.export, self.now))
        # a long verdict must not widen the window: in a narrow one it is said shorter
        head.setMinimumWidth(_HEAD_NARROWEST)
        top = holder(column(head, margins=(24, 18, 24, 12)))
        scroll = scrolling(self.board, name=tr(self.title))
        self.host = _OverHost(holder(column(top, self.progress, (scroll, 1), gap=0)), self.drawer)
        self.content.setLayout(column((self.host, 1), gap=0))

    def _connect(self) -> None:
        board = self.board
        board.categories.chosen.connect(board.checks.show_category)
        board.checks.category_left.connect(lambda: self.choose_category(""))
        board.checks.selected.connect(self._explain)
        board.checks.linked.connect(self._follow)
        board.gates.opened.connect(self._open_check)
        board.sign.wanted.connect(self.sign)
        board.sign.audit_wanted.connect(lambda _version: self.context.navigate("audit", query="action:release.sign_off"))
        self.drawer.linked.connect(self._follow)
        self.drawer.measure_wanted.connect(self.measure)
        self.drawer.step_wanted.connect(self._step)
        self.drawer.closed.connect(board.checks.table.clearSelection)
        self.row.cancelled.connect(self._cancel)
        self.measuring.began.connect(self._began)
        self.measuring.progressed.connect(self._progressed)
        self.measuring.ended.connect(self._ended)

    # -- measuring

    def _measure_here(self) -> None:
        self.context.navigate(self.key)
        self.measure()

    def _began(self) -> None:
        self.row.cancel.setEnabled(True)
        self.row.show_progress(None, detail=tr("starting"))
        self.progress.show()
        self._show_buttons()

    def _progressed(self, step: Step) -> None:
        if not self.measuring.stopping:
            detail = tr("{done} of {all} · {what}", done=step.done, all=step.total, what=step.words)
            self.row.show_progress(step.done / max(1, step.total), detail=detail)

    def _cancel(self) -> None:
        self.measuring.cancel()
        self.row.show_progress(None, detail=tr("stopping after this check"))

    def _ended(self, report: Report | None) -> None:
        self.progress.hide()
        if report is not None:
            self._show(report)
            self.show_content()
        self._show_buttons()
        self.refresh()

    # -- signing

    def _sign(self, reviewer: str, reason: str) -> None:
        context = self.context

        def work() -> object:
            return context.backend.readiness.sign_off(reviewer, actor=replace(context.actor, reason=reason))

        context.background.run(self, work, lambda _nothing: self._signed(reviewer), self._not_signed, key="sign")

    def _signed(self, reviewer: str) -> None:
        if isinstance(self.dialog, SignDialog):
            self.dialog.accept()
        self.dialog = None
        version = self.report.version if self.report is not None else ""
        self.context.notify(tr("{v} is signed off by {name}.", v=version, name=reviewer))
        self.refresh()

    def _not_signed(self, error: LecternError) -> None:
        if isinstance(self.dialog, SignDialog):
            self.dialog.show_problem(error)
        self.refresh()

    # -- showing

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Say less in a narrow window."""
        super().resizeEvent(event)
        self._show_badge()

    def _show(self, report: Report) -> None:
        self.report = report
        self.about.setText(tr("Build {version}", version=report.version) if report.version else "")
        self._show_badge()
        self.board.show_report(report)
        if self.board.checks.category and self.board.categories.table.current() is None:
            self.board.categories.table.select_key(self.board.checks.category)
        self._show_buttons()
        if not self.drawer.isHidden() and self.drawer.check is not None:
            self._show_drawer(self.drawer.check.id)
        self._open_wanted()

    def _show_badge(self) -> None:
        if self.report is None:
            return
        wide = self.width() >= BESIDE_FROM
        note = words.badge_note(self.report)
        said = note.words if wide else words.short_badge(self.report)
        icon = {"ok": "circle-check", "warn": "triangle-alert", "bad": "circle-x"}.get(note.tone, "")
        self.badge.show_state(said, note.tone or "none", unknown=not note.tone, icon_name=icon)
        self.badge.setToolTip("" if wide else note.words)
        self.about.setVisible(wide)

    def _show_buttons(self) -> None:
        self.now.setVisible(self.may_measure)
        self.now.setEnabled(not self.measuring.on)
        self.drawer.again.setEnabled(not self.measuring.on)
        self.export.setVisible(self.may_export)
        self.export.setEnabled(self.report is not None and self.report.run_id is not None)

    def _explain(self, check: CheckResult | None) -> None:
        if check is not None:
            self.host.open()
            self._show_drawer(check.id)

    def _open_check(self, check: CheckResult) -> None:
        self.board.checks.table.clearSelection()
        if not self.board.checks.table.select_key(check.id):
            self._explain(check)

    def _open_wanted(self) -> None:
        found = next((check for check in self.report.checks if check.id == self._wanted), None) if self.report is not None else None
        if found is not None:
            self._wanted = ""
            self.choose_category("")
            self.board.checks.show_status("all")
            self._open_check(found)

    def _show_drawer(self, check_id: str) -> None:
        if self.report is None:
            return
        check = next((one for one in self.report.checks if one.id == check_id), None)
        if check is None:
            self.drawer.close_drawer()
            return
        category = next((one for one in self.report.categories if one.key == check.category), None)
        self.drawer.show_check(check, category, may_measure=self.may_measure)

    def _step(self, by: int) -> None:
        rows = self.board.checks.table.rows
        ids = [check.id for check in rows]
        now = self.drawer.check.id if self.drawer.check is not None else ""
        at = ids.index(now) + by if now in ids else 0
        if ids:
            self.board.checks.table.select_key(ids[min(max(0, at), len(ids) - 1)])

    def _follow(self, check: CheckResult) -> None:
        if check.page == self.key:
            self._open_check(check)
        elif check.page:
            self.context.navigate(check.page, **words.target_of(check))


class _OverHost(DrawerHost):
    """Lays the drawer over the cards where they would otherwise have to move below one another."""

    @property
    def overlays(self) -> bool:
        """Whether the drawer lies over the cards."""
        return super().overlays or self.width() - self.drawer.preferred_width < BESIDE_FROM
