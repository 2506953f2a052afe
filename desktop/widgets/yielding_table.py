"""A table whose less important columns go where there is no room for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QWidget

from desktop.widgets.table import Column, Table


class YieldingTable(Table):
    """A ``Table`` that hides columns while it is narrow; what they say stands in the details as well.

    Args:
        shown_from: width in px from which a column is shown, by its key; columns without one always are.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        name: str,
        row_height: int,
        key: Callable[[Any], object],
        empty: QWidget,
        shown_from: Mapping[str, int],
    ) -> None:
        super().__init__(columns, name=name, row_height=row_height, key=key, empty=empty)
        self._shown_from = shown_from

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Show the columns there is room for."""
        for number, column in enumerate(self.columns):
            hidden = self.width() < self._shown_from.get(column.key, 0)
            if hidden != self.isColumnHidden(number):
                self.setColumnHidden(number, hidden)
        super().resizeEvent(event)
