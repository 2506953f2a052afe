"""Applies the tokens to the application: palette, style sheet, fonts, and the live switch of theme."""

from __future__ import annotations

from string import Template
from typing import Final, Literal

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory

from desktop.style.fonts import font, load_fonts
from desktop.style.resources import resource
from desktop.style.tokens import DARK, LIGHT, activate, colour

Mode = Literal["system", "light", "dark"]

_ROLES: Final = (
    (QPalette.ColorRole.Window, "bg"),
    (QPalette.ColorRole.Base, "surface"),
    (QPalette.ColorRole.AlternateBase, "hover"),
    (QPalette.ColorRole.ToolTipBase, "raised"),
    (QPalette.ColorRole.ToolTipText, "text"),
    (QPalette.ColorRole.Text, "text"),
    (QPalette.ColorRole.WindowText, "text"),
    (QPalette.ColorRole.Button, "surface"),
    (QPalette.ColorRole.ButtonText, "text"),
    (QPalette.ColorRole.Highlight, "sel"),
    (QPalette.ColorRole.HighlightedText, "text"),
    (QPalette.ColorRole.PlaceholderText, "muted"),
    (QPalette.ColorRole.Link, "accent"),
    (QPalette.ColorRole.Mid, "line2"),
)


class Theme(QObject):
    """The look of one application; ``themed`` fires after every change of colours."""

    themed = Signal()

    def __init__(self, app: QApplication, *, mode: Mode = "system") -> None:
        super().__init__(app)
        self._app = app
        self._mode: Mode = mode
        load_fonts()
        app.setStyle(QStyleFactory.create("Fusion"))
        app.setFont(font())
        app.styleHints().colorSchemeChanged.connect(self._follow_system)
        self._apply()

    @property
    def mode(self) -> Mode:
        """What the user chose."""
        return self._mode

    @property
    def dark(self) -> bool:
        """Whether dark colours are shown now."""
        if self._mode == "system":
            return self._app.styleHints().colorScheme() == Qt.ColorScheme.Dark
        return self._mode == "dark"

    def set_mode(self, mode: Mode) -> None:
        """Show ``mode`` from now on."""
        self._mode = mode
        self._apply()

    def toggle(self) -> None:
        """Switch between light and dark, starting from what is shown."""
        self.set_mode("light" if self.dark else "dark")

    @Slot()
    def _follow_system(self) -> None:
        if self._mode == "system":
            self._apply()

    def _apply(self) -> None:
        tokens = DARK if self.dark else LIGHT
        activate(tokens)
        self._app.setPalette(_palette())
        # off and on again: replacing one sheet by another takes Qt several times as long (0.9 s beside 6.6 s with 3,700 widgets)
        self._app.setStyleSheet("")
        self._app.setStyleSheet(style_sheet(tokens))
        self.themed.emit()


def style_sheet(tokens: dict[str, str]) -> str:
    """Return the one style sheet with ``tokens`` filled in.

    Raises:
        KeyError: the sheet names a token that does not exist.
    """
    check = resource("style/check.svg").as_posix()
    return Template(resource("style/theme.qss").read_text(encoding="utf-8")).substitute(tokens, check=check)


def _palette() -> QPalette:
    palette = QPalette()
    for role, token in _ROLES:
        palette.setColor(role, colour(token))
    disabled = QPalette.ColorGroup.Disabled
    for role in (QPalette.ColorRole.Text, QPalette.ColorRole.WindowText, QPalette.ColorRole.ButtonText):
        palette.setColor(disabled, role, colour("muted"))
    return palette
