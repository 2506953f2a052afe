"""Tokens, fonts, icons, style sheet, and the one lookup over ``resources/``."""

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
