"""Every check: what it found, when it was looked at, what to do about it, and where."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QSizePolicy, QVBoxLayout

from desktop.i18n import duration, tr
from desktop.pages.health.words import ADVICE, advice_words
from desktop.widgets.badge import Badge
from desktop.widgets.button import Button
from desktop.widgets.card import Card
from desktop.widgets.health_words import LOOKS, status_words, verdict
from desktop.widgets.label import ElidedLabel, IconLabel, PlainLabel, plain_tip
from desktop.widgets.layout import clear_layout, column, holder, row
from desktop.widgets.scroll import scrolling

if TYPE_CHECKING:
    from backend_core.monitoring.records import HealthCheck, HealthView

_NAME: Final = 112
_LOW: Final = 28
_HIGH: Final = 48


class CheckLine(QFrame):
    """One check; what is not well has a second line with what to do."""

    go = Signal(str, dict)

    def __init__(self, name: str, *, reachable: bool) -> None:
        super().__init__()
        self.setObjectName("clear")
        self.name, self.status = name, "unknown"
        self._icon = IconLabel("circle-dashed", size=16)
        title = PlainLabel(name)
        title.setMinimumWidth(_NAME)
        self.finding = ElidedLabel(size=12, tone="muted")
        self.age = PlainLabel("", "small")
        self.advice = ElidedLabel(size=12)
        self.open = Button(tr("Open"), "link", name=tr("Open where {name} is mended", name=name), on_click=self._go)
        if not reachable:
            self.open.hide()
        self.second = holder(row(25, (self.advice, 1), self.open, gap=4))
        self.second.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setLayout(column(None, row(self._icon, title, (self.finding, 1), self.age, gap=9), self.second, None, gap=0))

    def show_check(self, check: HealthCheck, *, age_s: float) -> None:
        """Show ``check``, looked at ``age_s`` seconds ago."""
        self.status = check.status
        symbol, tone = LOOKS.get(check.status, LOOKS["unknown"])
        self._icon.set_icon(symbol, tone if tone != "none" else "muted")
        self.finding.setText(check.detail or status_words(check.status))
        self.finding.set_tone("muted" if tone in {"ok", "none"} else tone)
        self.advice.setText(advice_words(check))
        self.second.setVisible(bool(self.advice.text()))
        self.setFixedHeight(_HIGH if self.advice.text() else _LOW)
        self.show_age(age_s)
        said = ", ".join(filter(None, (f"{self.name}: {status_words(check.status)}", check.detail, self.advice.text())))
        self.setAccessibleName(said)
        self.setToolTip(plain_tip(said))

    def show_age(self, age_s: float) -> None:
        """Say how old the finding is."""
        self.age.setText(tr("now") if age_s < 1 else duration(age_s) if age_s >= 60 else tr("{n} s", n=int(age_s)))  # noqa: PLR2004 - a minute

    def _go(self) -> None:
        found = ADVICE.get(self.name)
        if found is not None:
            self.go.emit(found.page, dict(found.target))


class ChecksCard(Card):
    """All checks in the order they come, the head says how many want attention.

    Args:
        reaches: whether the person may open a page.
    """

    go = Signal(str, dict)

    def __init__(self, *, reaches: Callable[[str], bool]) -> None:
        self._reaches = reaches
        self.state = Badge()
        super().__init__(tr("Checks"), icon_name="heart-pulse", right=(self.state,))
        self.lines: dict[str, CheckLine] = {}
        self._at: datetime | None = None
        self._ages: dict[str, float] = {}
        self._list = QVBoxLayout()
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(0)
        self.add((scrolling(column(self._list, None, gap=0, margins=(0, 0, 8, 0))), 1))
        self.state.show_state(tr("not checked yet"), unknown=True)

    def show_view(self, view: HealthView) -> None:
        """Show every check of ``view``."""
        if list(self.lines) != [check.name for check in view.checks]:
            clear_layout(self._list)
            self.lines = {check.name: self._line(check.name) for check in view.checks}
            for line in self.lines.values():
                line.go.connect(self.go)
                self._list.addWidget(line)
        self._at = datetime.now(UTC)
        self._ages = {check.name: check.age_s for check in view.checks}
        for check in view.checks:
            self.lines[check.name].show_check(check, age_s=check.age_s)
        words, tone = verdict(view)
        self.state.show_state(words, tone, unknown=tone == "none")

    def _line(self, name: str) -> CheckLine:
        advice = ADVICE.get(name)
        return CheckLine(name, reachable=advice is not None and self._reaches(advice.page))

    def show_ages(self) -> None:
        """Let the ages grow."""
        if self._at is not None:
            since = (datetime.now(UTC) - self._at).total_seconds()
            for name, line in self.lines.items():
                line.show_age(self._ages.get(name, 0.0) + since)
