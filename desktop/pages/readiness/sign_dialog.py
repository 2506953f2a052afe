"""Asks who reviewed the release and why it may go out, or says what stands in the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from PySide6.QtWidgets import QWidget

from desktop.i18n import number, tr
from desktop.pages.readiness import words
from desktop.widgets.dialogs import Dialog
from desktop.widgets.field import Field
from desktop.widgets.key_values import Fact, KeyValues
from desktop.widgets.label import ElidedLabel, IconLabel, PlainLabel
from desktop.widgets.layout import column, holder, row

if TYPE_CHECKING:
    from backend_core.errors import LecternError
    from backend_core.monitoring.readiness.records import CheckResult, Report

LONGEST_NAME: Final = 200
LONGEST_REASON: Final = 500
_MOST: Final = 7


class SignDialog(Dialog):
    """Stays open until the sign-off is in the audit log; ``on_sign`` gets the reviewer's name and the reason."""

    def __init__(self, parent: QWidget, report: Report, *, reviewer: str, on_sign: Callable[[str, str], object]) -> None:
        sentence = tr("The sign-off is kept in the audit log, where nobody can change it.")
        super().__init__(parent, tr("Sign off {v}", v=report.version), sentence, icon_name="signature")
        self._on_sign = on_sign
        score = tr(
            "{score} of 100 on {n} of {all} known", score=words.points(report.score), n=number(report.known), all=number(report.total)
        )
        gates = number(sum(check.gate for check in report.checks))
        facts = KeyValues([Fact(tr("Score"), score), Fact(tr("Gates"), tr("all {n} pass", n=gates))], name_width=72)
        self.reviewer = Field(name=tr("Reviewer"), hint=tr("Who looked at it"), value=reviewer)
        self.reviewer.setMaxLength(LONGEST_NAME)
        self.reason = Field(name=tr("Reason"), hint=tr("What was reviewed, for example a ticket"))
        self.reason.setMaxLength(LONGEST_REASON)
        self.problem = PlainLabel("", "small", tone="bad", wrap=True)
        self.problem.hide()
        self.body.addWidget(holder(column(facts, margins=(12, 6, 12, 6)), name="inset"))
        for caption, field in ((tr("Reviewer"), self.reviewer), (tr("Reason"), self.reason)):
            self.body.addWidget(PlainLabel(caption, "strong"))
            self.body.addWidget(field)
            field.textChanged.connect(self._check)
        self.body.addWidget(self.problem)
        self.cancel = self.add_button(tr("Cancel"), self.reject)
        self.go = self.add_button(tr("Sign off {v}", v=report.version), self._sign, kind="primary", default=True)
        self._check()
        self.reason.setFocus()

    def show_problem(self, error: LecternError) -> None:
        """Say why it was not signed and let the person try again."""
        self.problem.setText(f"{error} {error.next_step}".strip())
        self.problem.show()
        self._set_busy(busy=False)

    def _sign(self) -> None:
        self._set_busy(busy=True)
        self._on_sign(" ".join(self.reviewer.text().split()), " ".join(self.reason.text().split()))

    def _set_busy(self, *, busy: bool) -> None:
        for field in (self.reviewer, self.reason):
            field.setEnabled(not busy)
        self.go.setEnabled(not busy)
        if not busy:
            self._check()

    def _check(self) -> None:
        self.go.setEnabled(bool(self.reviewer.text().strip() and self.reason.text().strip()))


class RefusedDialog(Dialog):
    """Says why nobody can sign now, with the gates and failing checks that stand in the way."""

    def __init__(self, parent: QWidget, report: Report) -> None:
        super().__init__(parent, tr("{v} cannot be signed", v=report.version), report.why_not, icon_name="lock", tone="warn")
        self.blocking = [check for check in words.worst_first(report.checks) if _blocks(check)]
        lines = [_line(check) for check in self.blocking[:_MOST]]
        if len(self.blocking) > _MOST:
            lines.append(PlainLabel(tr("and {n} more", n=number(len(self.blocking) - _MOST)), "small"))
        if lines:
            self.body.addWidget(holder(column(*lines, gap=6, margins=12), name="inset"))
        self.add_button(tr("Close"), self.accept, kind="primary", default=True)


def _blocks(check: CheckResult) -> bool:
    return check.status == "fail" or (check.gate and check.status != "pass")


def _line(check: CheckResult) -> QWidget:
    icon = IconLabel(words.ICONS[check.status], words.TONES.get(check.status, "muted"), size=14)
    state = ElidedLabel(f"{words.name_of(check.status)}: {words.value_words(check)}", size=12, tone="muted")
    lane = row(gap=8)
    lane.addWidget(icon)
    lane.addLayout(column(ElidedLabel(check.title, weight=500), state, gap=1), 1)
    return holder(lane)
