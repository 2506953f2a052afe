"""The drawer of the page: a memory, the preview of forgetting, the boundaries, or the receipts."""

from __future__ import annotations

from typing import Final

from PySide6.QtWidgets import QVBoxLayout, QWidget

from backend_core.errors import LecternError
from desktop.i18n import tr
from desktop.pages.memory.boundary_panel import BoundaryPanel
from desktop.pages.memory.details import DetailsPanel
from desktop.pages.memory.forget_panel import ForgetPanel
from desktop.pages.memory.receipt_panel import ReceiptPanel
from desktop.widgets.badge import Badge
from desktop.widgets.drawer import Drawer
from desktop.widgets.states import ErrorState

DETAILS: Final = "details"
FORGET: Final = "forget"
BOUNDARIES: Final = "boundaries"
RECEIPTS: Final = "receipts"
FAILURE: Final = "failure"
WIDTH: Final = 400


class MemoryDrawer(Drawer):
    """Shows one panel at a time; ``mode`` says which."""

    def __init__(self) -> None:
        super().__init__(width=WIDTH)
        self.mode = ""
        self.details, self.forget, self.boundaries, self.receipts = DetailsPanel(), ForgetPanel(), BoundaryPanel(), ReceiptPanel()
        self.nothing_yet = Badge(tr("nothing erased yet"))
        self.nothing_yet.hide()
        self.tools.addWidget(self.nothing_yet)
        self.failure = ErrorState()
        self._panels: dict[str, QWidget] = {
            DETAILS: self.details,
            FORGET: self.forget,
            BOUNDARIES: self.boundaries,
            RECEIPTS: self.receipts,
            FAILURE: self.failure,
        }
        for panel in self._panels.values():
            self.body.addWidget(panel)
            panel.hide()
        lane = self.layout()
        if isinstance(lane, QVBoxLayout):
            lane.addWidget(self.forget.footer)
        self.forget.footer.hide()
        self.forget.left.connect(self.close_drawer)

    def show_panel(self, mode: str, title: str, subtitle: str = "") -> None:
        """Show one panel under its title."""
        self.mode = mode
        self.show_titles(title, subtitle)
        for key, panel in self._panels.items():
            panel.setVisible(key == mode)
        self.forget.footer.setVisible(mode == FORGET)
        self.nothing_yet.setVisible(mode == FORGET)

    def show_failure(self, error: LecternError) -> None:
        """Say why there is nothing to show."""
        self.failure.show_error(error)
        for key, panel in self._panels.items():
            panel.setVisible(key == FAILURE)

    def close_drawer(self) -> None:
        """Hide, and forget what was shown."""
        self.mode = ""
        super().close_drawer()
