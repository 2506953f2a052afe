"""Tokens, fonts, icons, style sheet and the resource lookup."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PySide6.QtGui import QFontInfo, QPalette
from PySide6.QtWidgets import QApplication

from desktop.style import Theme, colour, font, icon, icon_pixmap, metrics, resource
from desktop.style.fonts import SIZES, load_fonts
from desktop.style.theme import style_sheet
from desktop.style.tokens import DARK, LIGHT, MIN_CONTRAST, TEXT_PAIRS, contrast

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("tokens", [LIGHT, DARK], ids=["light", "dark"])
def test_every_text_pair_has_enough_contrast(tokens: dict[str, str]) -> None:
    weak = {(ink, ground): round(contrast(tokens[ink], tokens[ground]), 2) for ink, ground in TEXT_PAIRS}
    assert {pair: value for pair, value in weak.items() if value < MIN_CONTRAST} == {}


def test_contrast_agrees_with_the_definition_at_both_ends() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#777777") == pytest.approx(1)


def test_both_themes_name_the_same_tokens_and_the_sheet_uses_only_those() -> None:
    assert set(LIGHT) == set(DARK)
    sheet = resource("style/theme.qss").read_text(encoding="utf-8")
    # the mark of a checked box is a picture, so that it is never the colour alone that tells
    assert set(re.findall(r"\$(\w+)", sheet)) <= {*LIGHT, "check"}
    assert "$" not in style_sheet(LIGHT)


def test_faint_is_never_the_colour_of_text() -> None:
    assert all(ink != "faint" for ink, _ in TEXT_PAIRS)
    rules = resource("style/theme.qss").read_text(encoding="utf-8")
    assert not re.search(r"[{; ]color: \$faint", rules)


def test_a_theme_switch_changes_palette_and_colours_and_says_so(theme: Theme, qapp: QApplication) -> None:
    seen: list[bool] = []
    theme.themed.connect(lambda: seen.append(theme.dark))
    theme.set_mode("dark")
    assert qapp.palette().color(QPalette.ColorRole.Window).name() == DARK["bg"]
    assert colour("text").name() == DARK["text"]
    theme.toggle()
    assert colour("text").name() == LIGHT["text"]
    assert seen == [True, False]


def test_the_bundled_fonts_bring_four_weights_and_digits_of_one_width(theme: Theme) -> None:
    assert load_fonts() == ()
    assert QFontInfo(font(13, 600)).family() == "Inter"
    assert QFontInfo(font(12, mono=True)).family() == "JetBrains Mono"
    widths = [metrics(13, weight).horizontalAdvance("Add documents") for weight in (400, 500, 600, 700)]
    assert widths == sorted(widths)
    assert len(set(widths)) == 4
    assert len({metrics(size).horizontalAdvance(str(digit) * 4) for size in SIZES for digit in range(10)}) == len(SIZES)


def test_the_fonts_speak_latin_greek_and_cyrillic(theme: Theme) -> None:
    assert all(metrics().inFontUcs4(ord(letter)) for letter in "Aßçñ Ελληνικά Русский №€→…")


def test_an_icon_is_tinted_and_as_sharp_as_the_screen(theme: Theme) -> None:
    picture = icon_pixmap("x", "bad", size=16, ratio=2.0)
    assert picture.width() == 32
    assert picture.deviceIndependentSize().width() == 16
    image = picture.toImage()
    inked = {image.pixelColor(x, y).name() for x in range(32) for y in range(32) if image.pixelColor(x, y).alpha() == 255}
    assert inked == {LIGHT["bad"]}
    assert {size.width() for size in icon("x").availableSizes()} >= {16}


def test_every_icon_named_in_the_source_is_bundled(theme: Theme) -> None:
    named: set[str] = set()
    for path in (ROOT / "desktop").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        named |= set(re.findall(r'icon(?:_name)?(?:: ClassVar\[str\])? ?= ?"([a-z0-9-]+)"', text))
        named |= set(re.findall(r'(?:IconLabel|IconTile|EmptyState|set_icon)\(\s*"([a-z0-9-]+)"', text))
    missing = {name for name in named if not (ROOT / "resources" / "icons" / f"{name}.svg").exists()}
    assert missing == set()
    assert len(named) > 15


def test_a_resource_name_cannot_leave_its_folder() -> None:
    with pytest.raises(ValueError, match="inside"):
        resource("../pyproject.toml")
    with pytest.raises(FileNotFoundError):
        resource("icons/no-such-icon.svg")


def test_every_bundled_work_comes_with_its_licence() -> None:
    assert {path.name for path in (ROOT / "resources" / "licenses").iterdir()} >= {
        "Inter-OFL-1.1.txt",
        "JetBrainsMono-OFL-1.1.txt",
        "Lucide-ISC.txt",
    }
    assert all(path.stat().st_size < 500_000 for path in (ROOT / "resources" / "fonts").iterdir())
