"""What Lectern needs, check by check: an icon, a word and a short line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFrame, QSizePolicy, QVBoxLayout

from desktop.i18n import tr
from desktop.pages.overview.live_card import LiveCard
from desktop.widgets.health_words import LOOKS, status_words, verdict
from desktop.widgets.label import ElidedLabel, IconLabel, PlainLabel, plain_tip
from desktop.widgets.layout import clear_layout, column, row
from desktop.widgets.scroll import scrolling

if TYPE_CHECKING:
    from backend_core.monitoring.records import HealthCheck, HealthView

_MOST_ROOM = 1000
_LINE_HEIGHT = 26
_TALL_HEIGHT = 44


class HealthLine(QFrame):
    """One check: icon, name and finding in a line; a finding that is not good has the second line to itself."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setObjectName("clear")
        self._name = name
        self.symbol = "circle-dashed"
        self._icon = IconLabel(self.symbol, size=16)
        self.brief = ElidedLabel(size=12, tone="muted")
        self.brief.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.finding = ElidedLabel(size=12)
        lane = row(self._icon, PlainLabel(name), 4, None, gap=9)
        lane.addWidget(self.brief, _MOST_ROOM)
        whole = column(None, lane, row(25, (self.finding, 1), gap=0), None, gap=1)
        self.setLayout(whole)

    def show_check(self, check: HealthCheck) -> None:
        """Show ``check``."""
        self.symbol, tone = LOOKS.get(check.status, LOOKS["unknown"])
        self._icon.set_icon(self.symbol, tone if tone != "none" else "muted")
        status, good = status_words(check.status), check.status == "ok"
        self.brief.setText((check.detail or status) if good else status)
        self.brief.set_tone("muted" if good or tone == "none" else tone)
        self.finding.setText("" if good else check.detail)
        self.finding.setVisible(bool(self.finding.text()))
        self.setFixedHeight(_TALL_HEIGHT if self.finding.text() else _LINE_HEIGHT)
        said = ", ".join(part for part in (f"{self._name}: {status}", check.detail) if part)
        self.setAccessibleName(said)
        self.setToolTip(plain_tip(said))


class HealthCard(LiveCard):
    """Every check, and how many need attention."""

    def __init__(self) -> None:
        super().__init__(tr("Health"), icon_name="heart-pulse")
        self.lines: dict[str, HealthLine] = {}
        self._list = QVBoxLayout()
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(0)
        lane = column(self._list, None, gap=0, margins=(0, 0, 8, 0))
        self.body.addWidget(scrolling(lane), 1)
        self.body.setSpacing(0)
        self.show_words(tr("not checked yet"), unknown=True)

    def show_view(self, view: HealthView) -> None:
        """Show ``view``."""
        if list(self.lines) != [check.name for check in view.checks]:
            clear_layout(self._list)
            self.lines = {check.name: HealthLine(check.name) for check in view.checks}
            for line in self.lines.values():
                self._list.addWidget(line)
        for check in view.checks:
            self.lines[check.name].show_check(check)
        self.show_words(*verdict(view))
