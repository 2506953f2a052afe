"""Rows and columns without Qt's default margins."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QLayout, QVBoxLayout, QWidget

Item = QWidget | QLayout | int | tuple[QWidget, int] | None
"""What a row or column takes: a widget, a layout, a gap in px, (widget, share of spare room), or None for an elastic gap."""

Margins = int | tuple[int, int, int, int]


def row(*items: Item, gap: int = 8, margins: Margins = 0, stretch_height: bool = False) -> QHBoxLayout:
    """Lay items side by side: centred vertically, or as high as the row with ``stretch_height`` (cards)."""
    layout = QHBoxLayout()
    _fill(layout, items, gap, margins, None if stretch_height else Qt.AlignmentFlag.AlignVCenter)
    return layout


def column(*items: Item, gap: int = 8, margins: Margins = 0) -> QVBoxLayout:
    """Lay items below each other at full width."""
    layout = QVBoxLayout()
    _fill(layout, items, gap, margins, None)
    return layout


def holder(layout: QLayout, *, name: str = "clear", height: int = 0) -> QFrame:
    """Return a frame that shows only ``layout``; ``name`` picks its rule in the style sheet, ``height`` fixes it in px."""
    frame = QFrame()
    frame.setObjectName(name)
    frame.setLayout(layout)
    if height:
        frame.setFixedHeight(height)
    return frame


def rule() -> QFrame:
    """Return a horizontal line of 1 px."""
    line = QFrame()
    line.setObjectName("rule")
    line.setFixedHeight(1)
    return line


def clear_layout(layout: QLayout) -> None:
    """Remove and delete every widget of ``layout``."""
    while (item := layout.takeAt(0)) is not None:
        widget, inner = item.widget(), item.layout()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
        elif inner is not None:
            clear_layout(inner)


def _fill(layout: QBoxLayout, items: tuple[Item, ...], gap: int, margins: Margins, align: Qt.AlignmentFlag | None) -> None:
    sides = (margins, margins, margins, margins) if isinstance(margins, int) else margins
    layout.setContentsMargins(*sides)
    layout.setSpacing(gap)
    for item in items:
        if item is None:
            layout.addStretch(1)
        elif isinstance(item, int):
            layout.addSpacing(item)
        elif isinstance(item, QLayout):
            layout.addLayout(item)
            if align is not None:
                layout.setAlignment(item, align)
        else:
            widget, share = item if isinstance(item, tuple) else (item, 0)
            if align is None:
                layout.addWidget(widget, share)
            else:
                layout.addWidget(widget, share, align)
