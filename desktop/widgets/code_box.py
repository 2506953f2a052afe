"""Statements and definitions in the mono face, plain and to be copied."""

from __future__ import annotations

from PySide6.QtWidgets import QFrame, QVBoxLayout

from desktop.widgets.label import PlainLabel


class CodeBox(QFrame):
    """An inset with lines of code that wrap; the text can be selected."""

    def __init__(self, value: str = "", *, name: str) -> None:
        super().__init__()
        self.setObjectName("inset")
        self.setAccessibleName(name)
        self.words = PlainLabel(value, "monotext", wrap=True, selectable=True)
        self.words.setAccessibleName(name)
        lane = QVBoxLayout(self)
        lane.setContentsMargins(12, 8, 12, 8)
        lane.addWidget(self.words)

    def text(self) -> str:
        """Return the code without the places at which lines may break."""
        return self.words.text().replace("\u200b", "")

    def show_code(self, value: str) -> None:
        """Show other code."""
        # a long name has no blank at which a line could end
        self.words.setText(value.replace("_", "_\u200b").replace(".", ".\u200b"))
