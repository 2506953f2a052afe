"""Whether this release may be signed, why not, and who signed it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal

from desktop.i18n import date_time, tr
from desktop.widgets.button import Button
from desktop.widgets.card import Card
from desktop.widgets.label import ElidedLabel, IconLabel, PlainLabel
from desktop.widgets.layout import column, holder, row, rule

if TYPE_CHECKING:
    from backend_core.monitoring.readiness.records import Report

_LONGEST_WHY = 96


class SignCard(Card):
    """``wanted`` asks for the dialog; ``audit_wanted`` for the entry of the last sign-off."""

    wanted = Signal()
    audit_wanted = Signal(str)

    def __init__(self) -> None:
        super().__init__(tr("Sign-off"), icon_name="signature")
        self.setMinimumWidth(240)
        self._version = ""
        self.heading = PlainLabel("", "strong", wrap=True)
        self.why = PlainLabel("", "small", wrap=True)
        self.mark = IconLabel("circle-dashed", size=16)
        self.who = ElidedLabel(size=12, weight=500)
        self.when = ElidedLabel(size=12, tone="muted")
        self.audit = Button(tr("Audit log"), "link", icon_name="arrow-up-right", on_click=lambda: self.audit_wanted.emit(self._version))
        self.sign = Button(tr("Sign off"), icon_name="lock", on_click=self.wanted.emit)
        signed = row(gap=8)
        signed.addWidget(self.mark)
        signed.addLayout(column(self.who, row((self.when, 1), self.audit), gap=1), 1)
        self.add(self.heading, self.why, None, rule(), holder(signed), self.sign)
        self.body.setSpacing(5)

    def show_report(self, report: Report) -> None:
        """Say how the release of ``report`` stands."""
        self._version = report.version
        version = report.version or tr("unknown")
        may = report.may_sign
        self.heading.setText(tr("Release {v} can be signed", v=version) if may else tr("Release {v} cannot be signed", v=version))
        why = report.why_not if not may else report.reason
        self.why.setText(why if len(why) <= _LONGEST_WHY else why[: _LONGEST_WHY - 1].rstrip() + "…")
        self.why.setToolTip("")
        self.sign.set_caption(tr("Sign off {v}…", v=version) if may else tr("Why not?"), name=tr("Sign off {v}", v=version))
        self.sign.setToolTip("")
        self.sign.set_icon("signature" if may else "lock")
        signed = report.signed
        self.audit.setVisible(signed is not None)
        self.when.setVisible(signed is not None)
        if signed is None:
            self.mark.set_icon("circle-dashed", "muted")
            self.who.setText(tr("Nobody has signed it"))
            return
        go = signed.verdict == "go"
        self.mark.set_icon("circle-check" if go else "circle-x", "ok" if go else "bad")
        verdict = tr("signed by {name}") if go else tr("refused by {name}")
        self.who.setText(f"{signed.version} " + verdict.format(name=signed.reviewer))
        self.when.setText(date_time(signed.at))
