"""Ask where a file shall be written, and of which kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget


def ask_file(parent: QWidget, title: str, *, kinds: Mapping[str, str], name: str, on_chosen: Callable[[Path], object]) -> QFileDialog:
    """Open the dialog and return it; a name without an ending gets that of the chosen kind.

    Args:
        kinds: ending by caption, the first one chosen: ``{"JSON files (*.json)": "json"}``.
        name: suggested, without its ending.
        on_chosen: gets the path, unless the dialog is left.
    """
    first = next(iter(kinds.values()))
    dialog = QFileDialog(parent, title)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setNameFilters(list(kinds))
    dialog.setDefaultSuffix(first)
    dialog.filterSelected.connect(lambda chosen: dialog.setDefaultSuffix(kinds[chosen]))
    dialog.selectFile(f"{name}.{first}")
    dialog.fileSelected.connect(lambda chosen: on_chosen(Path(chosen)))
    dialog.finished.connect(dialog.deleteLater)
    dialog.open()
    return dialog
