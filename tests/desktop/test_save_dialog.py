"""The dialog that asks where to write follows the chosen kind and hands over a path."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from desktop.style import Theme
from desktop.widgets.save_dialog import ask_file


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
