"""Verify now: runs the check with a bar and Cancel, and keeps the answer on the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QObject, Signal

from backend_core.errors import LecternError
from desktop.background import Handle, current
from desktop.i18n import duration, number, tr
from desktop.pages.audit.words import problem_title
from desktop.pages.audit.work_panel import Outcome, WorkPanel
from desktop.widgets.page import Page

if TYPE_CHECKING:
    from backend_core.audit.report import VerifyReport, WitnessFacts
    from backend_core.audit.witnesses import Witness

_MOST_PROBLEMS: Final = 8
_WORTH_A_RATE: Final = 10_000


class Verifying(QObject):
    """Owns the panel; the badge of the page and the drawer follow its signals."""

    badged = Signal(str, str)
    """words and tone of the badge in the title."""
    witnessed = Signal(str, str, object)
    """A short summary of the witnesses, what that is worth, and each ``Witness``."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self._page = page
        self._handle: Handle | None = None
        self.panel = WorkPanel(tr("Verification"))
        self.panel.cancelled.connect(self._cancel)

    def start(self) -> None:
        """Verify every row and seal; while that runs a second call does nothing."""
        if self._handle is not None and self._handle.running:
            return
        context = self._page.context
        self.panel.start(tr("Verifying every event and seal"), tr("Starting"))
        self._handle = context.background.run(
            self._page,
            lambda: verify(context.backend, context.actor),
            self._show,
            self._fail,
            key="verify",
            progress=self._progress,
        )

    def read_latest(self) -> None:
        """Show what the last verification found, whoever ran it."""
        context = self._page.context
        context.background.run(
            self._page,
            lambda: (context.backend.seals.latest_verification(actor=context.actor), context.backend.seals.witnesses(actor=context.actor)),
            self._show_latest,
            lambda _error: None,
            key="latest",
        )

    def _progress(self, value: tuple[int, int]) -> None:
        done, total = value
        share = done / total if total else None
        self.panel.show_progress(share, tr("{done} of {all} events", done=number(done), all=number(total)))

    def _show(self, report: VerifyReport) -> None:
        self._handle = None
        self.panel.finish(outcome(report))
        self._tell(report)
        self.read_latest()

    def _show_latest(self, found: tuple[VerifyReport | None, Sequence[Witness]]) -> None:
        report, witnesses = found
        if report is not None:
            self._tell(report)
        facts = _facts(witnesses)
        self.witnessed.emit(witness_summary(facts), rollback_words(facts), witnesses)

    def _tell(self, report: VerifyReport) -> None:
        if report.ok:
            self.badged.emit(tr("Verified to {n}", n=number(report.verified_to)), "ok")
        else:
            found = tr("1 problem found") if len(report.problems) == 1 else tr("{n} problems found", n=number(len(report.problems)))
            self.badged.emit(found, "bad")

    def _fail(self, error: LecternError) -> None:
        self._handle = None
        self.panel.finish(Outcome("warn", tr("The verification did not finish"), notes=[f"{error} {error.next_step}"]))

    def _cancel(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None
            self.panel.abandon()


def verify(backend: Any, actor: Any) -> VerifyReport:
    """Run the verification in a worker, with progress and a way to stop it."""
    token = current()

    def report(done: int, total: int) -> None:
        if token is not None:
            token.report((done, total))

    found: VerifyReport = backend.seals.verify(actor=actor, progress=report, cancelled=lambda: token is not None and token.cancelled)
    return found


def outcome(report: VerifyReport) -> Outcome:
    """Return a report in words."""
    speed = tr("{n} events in {span}", n=number(report.rows), span=duration(report.seconds))
    if report.rows >= _WORTH_A_RATE:
        speed = tr("{speed}, {rate} a second", speed=speed, rate=number(report.rows_per_second))
    witnesses = tr("Witnesses: {summary}.", summary=witness_summary(report.witnesses))
    notes: tuple[str, ...] = (f"{witnesses} {rollback_words(report.witnesses)}", speed)
    if report.ok:
        title = tr("Verified to {n}: every event is as it was written", n=number(report.verified_to))
        return Outcome("ok", title, notes=notes)
    lines = [(problem_title(problem.kind), _sentence(problem.detail)) for problem in report.problems[:_MOST_PROBLEMS]]
    if len(report.problems) > _MOST_PROBLEMS:
        notes = (tr("… and {n} more problems.", n=number(len(report.problems) - _MOST_PROBLEMS)), *notes)
    count = tr("1 problem found") if len(report.problems) == 1 else tr("{n} problems found", n=number(len(report.problems)))
    return Outcome("bad", tr("{count}: the log is not as it was written", count=count), lines, notes)


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}{'' if words.endswith('.') else '.'}"


def _facts(witnesses: Sequence[Witness]) -> WitnessFacts:
    from backend_core.audit.witnesses import facts

    return facts(witnesses)


def witness_summary(facts: WitnessFacts) -> str:
    """Return how many witnesses agree and how many of them are somewhere else."""
    if not facts.total:
        return tr("No witness")
    if facts.off_machine == facts.total:
        where = tr("all outside the data folder")
    elif facts.off_machine:
        where = tr("{n} outside the data folder", n=facts.off_machine)
    else:
        where = tr("none outside the data folder")
    return tr("{n} of {all} agree, {where}", n=facts.agreeing, all=facts.total, where=where)


def rollback_words(facts: WitnessFacts) -> str:
    """Return what the witnesses are worth against the strongest attack."""
    if facts.off_machine:
        return tr("Rolling back the whole data folder would be found.")
    return tr("Rolling back the whole data folder would not be found: no witness is kept outside it.")
