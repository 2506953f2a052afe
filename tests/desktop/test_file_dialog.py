"""The dialogs that ask for files follow the chosen kind and hand over paths, and what is left hands over nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog, QWidget
from pytestqt.qtbot import QtBot

from desktop.style import Theme
from desktop.widgets.file_dialog import ask_file, ask_source, ask_sources


def test_the_ending_follows_the_kind_and_the_path_is_handed_over(theme: Theme, qtbot: QtBot, tmp_path: Path) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    chosen: list[Path] = []
    kinds = {"Report to read (*.pdf)": "pdf", "Report for programs (*.json)": "json"}
    dialog = ask_file(parent, "Export", kinds=kinds, name="report-1", on_chosen=chosen.append)
    assert dialog.defaultSuffix() == "pdf"
    dialog.filterSelected.emit("Report for programs (*.json)")
    assert dialog.defaultSuffix() == "json"
    dialog.fileSelected.emit(str(tmp_path / "report-1.json"))
    assert chosen == [tmp_path / "report-1.json"]
    dialog.reject()
    assert theme is not None


@pytest.mark.parametrize("several", [False, True])
def test_what_is_read_has_to_be_there_and_is_handed_over(theme: Theme, qtbot: QtBot, tmp_path: Path, several: bool) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    chosen: list[object] = []
    ask, mode = (ask_sources, QFileDialog.FileMode.ExistingFiles) if several else (ask_source, QFileDialog.FileMode.ExistingFile)
    dialog = ask(parent, "Import", filters=["Exports (*.zip)", "All files (*)"], on_chosen=chosen.append)
    assert (dialog.fileMode(), dialog.nameFilters()) == (mode, ["Exports (*.zip)", "All files (*)"])
    path = tmp_path / "memory.zip"
    path.touch()
    dialog.selectFile(str(path))
    dialog.accept()
    assert chosen == [[path] if several else path]
    left = ask(parent, "Import", filters=["Exports (*.zip)"], on_chosen=chosen.append)
    left.reject()
    assert len(chosen) == 1
    assert theme is not None
