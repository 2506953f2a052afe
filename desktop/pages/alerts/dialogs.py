"""The question how long, how wide and why to keep a kind of notice quiet."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from PySide6.QtWidgets import QWidget

from desktop.i18n import tr
from desktop.pages.alerts.words import PERIODS, kind_words, period_words
from desktop.widgets.dialogs import Dialog
from desktop.widgets.field import Field, Select
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import column

if TYPE_CHECKING:
    from backend_core.notices.records import Notice

LONGEST_REASON: Final = 500


class SilenceDialog(Dialog):
    """``on_go`` gets the subject (empty: every one of the kind), the hours, and the reason."""

    def __init__(self, parent: QWidget, one: Notice, *, on_go: Callable[[str, int, str], object]) -> None:
        sentence = tr("It stays in the list, but nobody is told of it until then.")
        super().__init__(parent, tr("Silence {kind}?", kind=kind_words(one.kind)), sentence, icon_name="bell-off", tone="warn")
        self._on_go = on_go
        mine = [(one.subject, tr("Only {subject}", subject=one.subject))] if one.subject else []
        self.subject = Select([*mine, ("", tr("Every one of this kind"))], name=tr("What to silence"))
        self.hours = Select([(hours, period_words(hours)) for hours in PERIODS], name=tr("For how long"))
        self.reason = Field(name=tr("Reason"), hint=tr("For example a ticket number"))
        self.reason.setMaxLength(LONGEST_REASON)
        for caption, field in ((tr("What"), self.subject), (tr("For how long"), self.hours), (tr("Why"), self.reason)):
            self.body.addLayout(column(PlainLabel(caption, "small"), field, gap=4))
        self.body.addWidget(PlainLabel(tr("The audit log keeps it."), "small"))
        self.cancel = self.add_button(tr("Cancel"), self.reject)
        self.go = self.add_button(tr("Silence"), self._take, kind="primary", default=True)
        self.reason.textChanged.connect(self._check)
        self._check()
        self.reason.setFocus()

    def _check(self) -> None:
        self.go.setEnabled(bool(self.reason.text().strip()))

    def _take(self) -> None:
        subject, hours, reason = str(self.subject.current), self.hours.current, " ".join(self.reason.text().split())
        self.accept()
        if isinstance(hours, int):
            self._on_go(subject, hours, reason)
