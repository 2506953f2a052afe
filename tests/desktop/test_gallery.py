"""Paints every widget in light and dark at one and two device pixels per pixel; pictures land where LECTERN_GALLERY says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from desktop.style import Theme
from desktop.style.tokens import DARK, LIGHT
from tests.desktop import gallery

ROOT = Path(__file__).parents[2]
WIDTH, HEIGHT = 1228, 846
SHEETS = ("figures", "controls", "states")


@pytest.mark.parametrize("sheet", SHEETS)
def test_building_widgets_flashes_no_window(theme: Theme, qtbot: QtBot, flashes: list[str], sheet: str) -> None:
    widget: QWidget = getattr(gallery, sheet)()
    qtbot.addWidget(widget)
    assert flashes == []


@pytest.mark.parametrize("mode", ["light", "dark"])
@pytest.mark.parametrize("sheet", SHEETS)
def test_a_sheet_of_widgets_paints_at_the_size_of_a_page(theme: Theme, qtbot: QtBot, sheet: str, mode: str) -> None:
    widget: QWidget = getattr(gallery, sheet)()
    qtbot.addWidget(widget)
    theme.set_mode("dark" if mode == "dark" else "light")
    widget.resize(WIDTH, HEIGHT)
    widget.show()
    gallery.settle()
    picture = widget.grab()
    assert (picture.width(), picture.height()) == (WIDTH, HEIGHT)
    assert widget.minimumSizeHint().width() <= WIDTH
    assert widget.minimumSizeHint().height() <= HEIGHT
    image = picture.toImage()
    # The page's own ground shows in its margin: no widget kept the colours of the other theme.
    assert image.pixelColor(10, HEIGHT - 4).name() == (DARK if mode == "dark" else LIGHT)["bg"]
    inks = {image.pixelColor(x, y).name() for x in range(0, WIDTH, 9) for y in range(0, HEIGHT, 9)}
    assert len(inks) > 8
    if folder := os.environ.get("LECTERN_GALLERY"):
        picture.save(str(Path(folder) / f"{sheet}_{mode}.png"))


def test_the_same_sheets_paint_sharply_at_two_pixels_per_pixel() -> None:
    script = """
from PySide6.QtWidgets import QApplication
app = QApplication([])
from desktop.style import Theme
from tests.desktop import gallery
theme = Theme(app, mode="dark")
for name in ("figures", "controls", "states"):
    widget = getattr(gallery, name)()
    widget.resize(1228, 846)
    widget.show()
    gallery.settle()
    picture = widget.grab()
    print(name, picture.width(), picture.height(), picture.devicePixelRatio())
"""
    environment = {**os.environ, "QT_SCALE_FACTOR": "2", "QT_QPA_PLATFORM": "offscreen"}
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.splitlines() == [f"{name} {2 * WIDTH} {2 * HEIGHT} 2.0" for name in SHEETS]
