"""The question before many jobs are started again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtWidgets import QWidget

from desktop.i18n import number, tr
from desktop.widgets.dialogs import Dialog
from desktop.widgets.field import Field
from desktop.widgets.key_values import Fact, KeyValues
from desktop.widgets.label import PlainLabel

if TYPE_CHECKING:
    from backend_core.jobs.alert_records import Retried

LONGEST_REASON: Final = 500
_SHOWN: Final = 5


def error_words(code: str) -> str:
    """Return a class of errors as people read it: ``storage_failed`` becomes storage failed."""
    return code.replace("_", " ")


class RetryDialog(Dialog):
    """How many, of which classes, and why; ``on_go`` gets the reason.

    Args:
        codes: the error class of each job.
    """

    def __init__(self, parent: QWidget, codes: Sequence[str], *, on_go: Callable[[str], object]) -> None:
        count = len(codes)
        title = tr("Retry 1 failed job?") if count == 1 else tr("Retry {n} failed jobs?", n=number(count))
        super().__init__(parent, title, tr("Each is queued anew. What made it fail should be mended first."), icon_name="rotate-ccw")
        self._on_go = on_go
        ranked = Counter(codes).most_common(_SHOWN)
        self.body.addWidget(KeyValues([Fact(error_words(code), number(many)) for code, many in ranked], name_width=200))
        self.field = Field(name=tr("Reason"), hint=tr("For example what was mended"))
        self.field.setMaxLength(LONGEST_REASON)
        self.body.addWidget(self.field)
        self.body.addWidget(PlainLabel(tr("The audit log keeps it."), "small"))
        self.cancel = self.add_button(tr("Cancel"), self.reject)
        self.go = self.add_button(tr("Retry {n}", n=number(count)), self._take, kind="primary", default=True)
        self.field.textChanged.connect(self._check)
        self._check()
        self.field.setFocus()

    def _check(self) -> None:
        self.go.setEnabled(bool(self.field.text().strip()))

    def _take(self) -> None:
        words = " ".join(self.field.text().split())
        self.accept()
        self._on_go(words)


def retried_words(answers: Sequence[Retried]) -> tuple[str, str]:
    """Return what became of a bulk retry in words, and ``ok`` or ``warn``; for a toast."""
    done = sum(1 for one in answers if one.new_job_id is not None)
    refused = [one for one in answers if one.new_job_id is None]
    words = tr("1 job is queued anew.") if done == 1 else tr("{n} jobs are queued anew.", n=number(done))
    if refused:
        words += " " + tr("{n} could not be: {why}", n=number(len(refused)), why=refused[0].error)
    return words, "warn" if refused else "ok"
