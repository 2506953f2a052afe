"""The window comes back where it was, but never off the screens."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QRect

from desktop.style.window_state import FILE, WindowState, clamp, load_state, save_state

ONE = [QRect(0, 0, 1920, 1080)]
TWO = [*ONE, QRect(1920, 0, 1280, 1024)]
LEAST = (960, 600)


@pytest.mark.parametrize(
    ("wanted", "screens", "placed"),
    [
        (QRect(100, 100, 1440, 900), ONE, QRect(100, 100, 1440, 900)),
        (QRect(2500, 50, 1200, 800), ONE, QRect(720, 50, 1200, 800)),
        (QRect(2000, 50, 1200, 800), TWO, QRect(2000, 50, 1200, 800)),
        (QRect(-500, -500, 1000, 700), ONE, QRect(0, 0, 1000, 700)),
        (QRect(0, 0, 5000, 4000), ONE, QRect(0, 0, 1920, 1080)),
        (QRect(10, 10, 10, 10), ONE, QRect(10, 10, 960, 600)),
        (QRect(10, 10, 1440, 900), [], QRect(10, 10, 1440, 900)),
    ],
)
def test_the_window_is_moved_and_shrunk_onto_a_visible_screen(wanted: QRect, screens: list[QRect], placed: QRect) -> None:
    assert clamp(wanted, screens, least=LEAST) == placed


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    state = WindowState(x=5, y=6, width=1000, height=700, maximised=True, folded=True, theme="dark", page="database")
    save_state(tmp_path / "config", state)
    assert load_state(tmp_path / "config") == state


@pytest.mark.parametrize(
    "text", ["", "[1]", "{", '{"x": "far", "theme": "pink", "width": 1e9, "maximised": 1}', '{"x": 99999999999999999999}', "\x00\xff"]
)
def test_a_damaged_file_gives_the_defaults(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text, encoding="latin-1")
    assert load_state(tmp_path) == WindowState()


@pytest.mark.logs("could not be saved")
def test_a_folder_that_cannot_be_written_costs_nothing_but_the_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    save_state(tmp_path / "file", WindowState())
    assert load_state(tmp_path / "file") == WindowState()
