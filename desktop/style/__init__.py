"""Tokens, fonts, icons, style sheet, and the one lookup over ``resources/``."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from desktop.style.fonts import MEDIUM, NORMAL, SEMIBOLD, font, metrics
    from desktop.style.icons import icon, icon_pixmap
    from desktop.style.resources import resource
    from desktop.style.theme import Mode, Theme
    from desktop.style.tokens import colour, mix, tone_background, tone_fill, tone_text

__all__ = [
    "MEDIUM",
    "NORMAL",
    "SEMIBOLD",
    "Mode",
    "Theme",
    "colour",
    "font",
    "icon",
    "icon_pixmap",
    "metrics",
    "mix",
    "resource",
    "tone_background",
    "tone_fill",
    "tone_text",
]

_HOMES: Final = {
    "fonts": ("MEDIUM", "NORMAL", "SEMIBOLD", "font", "metrics"),
    "icons": ("icon", "icon_pixmap"),
    "resources": ("resource",),
    "theme": ("Mode", "Theme"),
    "tokens": ("colour", "mix", "tone_background", "tone_fill", "tone_text"),
}


def __getattr__(name: str) -> Any:
    # The first frame needs only the tokens; fonts, icons and the theme load after it is painted.
    for home, names in _HOMES.items():
        if name in names:
            value = getattr(import_module(f"desktop.style.{home}"), name)
            globals()[name] = value
            return value
    raise AttributeError(name)
