"""Ask for a file: where one shall be written, and of which kind, or which one shall be read. Nothing waits for the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget


def ask_file(parent: QWidget, title: str, *, kinds: Mapping[str, str], name: str, on_chosen: Callable[[Path], object]) -> QFileDialog:
    """Open the dialog that asks where to write, and return it; a name without an ending gets that of the chosen kind.

    Args:
        kinds: ending by caption, the first one chosen: ``{"JSON files (*.json)": "json"}``.
        name: suggested, without its ending.
        on_chosen: gets the path, unless the dialog is left.
    """
    first = next(iter(kinds.values()))
    dialog = _dialog(parent, title, list(kinds))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(first)
    dialog.filterSelected.connect(lambda chosen: dialog.setDefaultSuffix(kinds[chosen]))
    dialog.selectFile(f"{name}.{first}")
    dialog.fileSelected.connect(lambda chosen: on_chosen(Path(chosen)))
    dialog.open()
    return dialog


def ask_source(parent: QWidget, title: str, *, filters: Sequence[str], on_chosen: Callable[[Path], object]) -> QFileDialog:
    """Open the dialog that asks which file to read, and return it.

    Args:
        filters: captions with the endings they let through, the first one chosen: ``["Receipts (*.json)"]``.
        on_chosen: gets the path, unless the dialog is left.
    """
    dialog = _dialog(parent, title, filters)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    dialog.fileSelected.connect(lambda chosen: on_chosen(Path(chosen)))
    dialog.open()
    return dialog


def ask_sources(parent: QWidget, title: str, *, filters: Sequence[str], on_chosen: Callable[[list[Path]], object]) -> QFileDialog:
    """Open the dialog that asks which files to read, one or more, and return it; arguments as of ``ask_source``."""
    dialog = _dialog(parent, title, filters)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
    dialog.filesSelected.connect(lambda chosen: on_chosen([Path(name) for name in chosen]))
    dialog.open()
    return dialog


def _dialog(parent: QWidget, title: str, filters: Sequence[str]) -> QFileDialog:
    dialog = QFileDialog(parent, title)
    dialog.setNameFilters(list(filters))
    dialog.finished.connect(dialog.deleteLater)
    return dialog
