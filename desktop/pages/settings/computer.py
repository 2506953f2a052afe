"""What holds on this computer alone: the look of the window, how secrets are kept, where the files are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtWidgets import QApplication, QWidget

from desktop.i18n import tr
from desktop.style import Theme
from desktop.widgets.badge import Badge
from desktop.widgets.button import SegmentedControl
from desktop.widgets.card import Card
from desktop.widgets.key_values import Fact, KeyValues
from desktop.widgets.label import IconLabel, PlainLabel
from desktop.widgets.layout import column, holder, row
from desktop.widgets.scroll import scrolling

WIDEST: Final = 720
_KINDS: Final = {
    "keyring": ("ok", "shield-check"),
    "sealed": ("ok", "lock"),
    "file": ("warn", "triangle-alert"),
}


@dataclass(frozen=True, slots=True)
class Here:
    """What is known about this computer.

    Attributes:
        kind: how secrets are kept: ``keyring``, ``sealed`` or ``file``.
        sentence: the same for people.
        folders: name and path of each folder.
    """

    kind: str
    sentence: str
    folders: tuple[tuple[str, str], ...]


class ComputerSection(QWidget):
    """Three cards below each other."""

    def __init__(self) -> None:
        super().__init__()
        self.look = SegmentedControl([("system", tr("System")), ("light", tr("Light")), ("dark", tr("Dark"))], name=tr("Appearance"))
        self.look.chosen.connect(_set_mode)
        look = Card(tr("Appearance"), icon_name="sun")
        words = column(PlainLabel(tr("Colours"), "strong"), PlainLabel(tr("Light, dark, or what this system uses."), "small"), gap=1)
        look.add(holder(row((holder(words), 1), self.look)))
        self.kind = Badge("", "none")
        self.sentence = PlainLabel("", wrap=True)
        self.advice = PlainLabel("", "small", wrap=True)
        self.icon = IconLabel("lock")
        secrets = Card(tr("Secrets"), icon_name="lock", right=(self.kind,))
        secrets.add(holder(row(self.icon, (self.sentence, 1))), self.advice)
        self.folders = KeyValues(name_width=120)
        places = Card(tr("Folders"), icon_name="folder-open")
        places.add(self.folders)
        cards = holder(column(look, secrets, places, None, gap=16))
        cards.setMaximumWidth(WIDEST)
        inside = holder(row((cards, 1), None, margins=(24, 14, 24, 20), stretch_height=True))
        self.setLayout(column((scrolling(inside, name=tr("This computer")), 1)))

    def show_look(self) -> None:
        """Show which look is on; it can be changed elsewhere too."""
        theme = _theme()
        if theme is not None:
            self.look.choose(theme.mode)

    def show_here(self, here: Here) -> None:
        """Show ``here``."""
        tone, symbol = _KINDS[here.kind]
        names = {"keyring": tr("keyring"), "sealed": tr("sealed file"), "file": tr("file permissions only")}
        self.kind.show_state(names[here.kind], tone)
        self.icon.set_icon(symbol, tone)
        self.sentence.setText(here.sentence)
        advice = tr("Set LECTERN_PASSPHRASE or LECTERN_PASSPHRASE_FILE before the next start, and they are sealed under it.")
        self.advice.setText(advice if here.kind == "file" else "")
        self.advice.setVisible(here.kind == "file")
        self.folders.set_facts([Fact(name, path, mono=True) for name, path in here.folders])


def _theme() -> Theme | None:
    app = QApplication.instance()
    return None if app is None else app.findChild(Theme)


def _set_mode(mode: object) -> None:
    theme = _theme()
    if theme is not None and mode in {"system", "light", "dark"}:
        theme.set_mode(mode)
