"""One running job: what, how far, in which state, and the way to stop it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.i18n import tr
from desktop.widgets.badge import Badge
from desktop.widgets.bars import Bar
from desktop.widgets.button import Button
from desktop.widgets.label import ElidedLabel, IconLabel
from desktop.widgets.layout import column, row


class ProgressRow(QWidget):
    """48 px: icon, title, detail on the right, a bar, a badge and a cancel button."""

    cancelled = Signal()

    def __init__(self, title: str, *, icon_name: str = "file-audio", cancellable: bool = True) -> None:
        super().__init__()
        self.setFixedHeight(48)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.title = ElidedLabel(title, weight=500)
        self.detail = ElidedLabel(size=12, tone="muted")
        self.detail.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.bar = Bar(name=title)
        self.badge = Badge()
        self.cancel = Button("", "ghost", icon_name="x", name=tr("Cancel {title}", title=title), on_click=self._stop)
        if not cancellable:
            self.cancel.hide()
        words = column(None, row((self.title, 1), self.detail), self.bar, None, gap=5)
        lane = row(IconLabel(icon_name), gap=12)
        lane.addLayout(words, 1)
        lane.addWidget(self.badge)
        lane.addWidget(self.cancel)
        self.setLayout(lane)

    def show_progress(self, share: float | None, *, detail: str = "", state: str = "", tone: str = "info") -> None:
        """Show ``share`` (0 to 1, None while unknown) and words about it."""
        self.bar.set_share(share, tone=tone)
        self.detail.setText(detail)
        self.badge.show_state(state, tone)
        self.setAccessibleName(f"{self.title.text()}: {state} {detail}")

    def _stop(self) -> None:
        self.cancel.setEnabled(False)
        self.cancelled.emit()
