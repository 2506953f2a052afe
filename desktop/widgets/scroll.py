"""A part that scrolls up and down where there is too little room, without a frame or a ground of its own."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLayout, QScrollArea, QWidget

from desktop.widgets.layout import holder


def scrolling(inner: QWidget | QLayout, *, name: str = "") -> QScrollArea:
    """Return ``inner`` in a scroll area that is as wide as its place; ``name`` is its accessible name."""
    area = QScrollArea()
    area.setAccessibleName(name)
    area.setObjectName("clear")
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(inner if isinstance(inner, QWidget) else holder(inner))
    area.viewport().setAutoFillBackground(False)
    return area
