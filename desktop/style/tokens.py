"""The named colours of the two themes and the sizes every surface uses.

Colours are read at paint time through ``colour``; nothing keeps a hex value, so a theme switch is one repaint.
"""

from __future__ import annotations

from typing import Final

from PySide6.QtGui import QColor

LIGHT: Final[dict[str, str]] = {
    "bg": "#f6f7f9",
    "surface": "#ffffff",
    "raised": "#ffffff",
    "line": "#e4e7ec",
    "line2": "#d0d5dd",
    "text": "#101828",
    "muted": "#5c667a",
    "faint": "#98a2b3",
    "accent": "#3b5bdb",
    "solid": "#3b5bdb",
    "solid_hover": "#3350c4",
    "accent_bg": "#edf2ff",
    "ok": "#0f7350",
    "ok_bg": "#e6f6ef",
    "warn": "#a84307",
    "warn_bg": "#fef4e6",
    "bad": "#be1e1e",
    "bad_bg": "#fdecec",
    "warn_fill": "#dc6803",
    "bad_fill": "#d92d20",
    "bad_solid": "#be1e1e",
    "hover": "#f2f4f7",
    "sel": "#e7edff",
    "sent": "#dde5ff",
    "grid": "#eef0f4",
    "white": "#ffffff",
}

DARK: Final[dict[str, str]] = {
    "bg": "#0e1116",
    "surface": "#161a21",
    "raised": "#1b2029",
    "line": "#262c37",
    "line2": "#363e4c",
    "text": "#e6e9ef",
    "muted": "#98a2b3",
    "faint": "#667085",
    "accent": "#8ea2ff",
    "solid": "#4a63e0",
    "solid_hover": "#435ad2",
    "accent_bg": "#1e2644",
    "ok": "#4ac99b",
    "ok_bg": "#12302a",
    "warn": "#f5a524",
    "warn_bg": "#352a14",
    "bad": "#ff7a6b",
    "bad_bg": "#3a1d1c",
    "warn_fill": "#f5a524",
    "bad_fill": "#ff7a6b",
    "bad_solid": "#c8322b",
    "hover": "#1f2530",
    "sel": "#222c4d",
    "sent": "#243056",
    "grid": "#1f242e",
    "white": "#ffffff",
}

TONES: Final = ("none", "info", "ok", "warn", "bad")
"""What a badge, bar or message can mean; each is always written in words too."""

MIN_CONTRAST: Final = 4.6
"""Lowest contrast of any text pair; WCAG AA asks 4.5."""

_SURFACES: Final = ("bg", "surface", "raised", "hover", "sel", "accent_bg")
TEXT_PAIRS: Final[tuple[tuple[str, str], ...]] = (
    *(("text", surface) for surface in (*_SURFACES, "sent")),
    *(("muted", surface) for surface in _SURFACES),
    *((tone, surface) for tone in ("accent", "ok", "warn", "bad") for surface in ("bg", "surface", "raised", "hover", "sel")),
    *((tone, f"{tone}_bg") for tone in ("accent", "ok", "warn", "bad")),
    *(("text", f"{tone}_bg") for tone in ("ok", "warn", "bad")),
    *(("muted", f"{tone}_bg") for tone in ("ok", "warn", "bad")),
    *(("white", solid) for solid in ("solid", "solid_hover", "bad_solid")),
)
"""Every (text, background) pair the program paints."""

_active: dict[str, QColor] = {name: QColor(value) for name, value in LIGHT.items()}


def activate(palette: dict[str, str]) -> None:
    """Make ``palette`` the one that ``colour`` answers from."""
    _active.update({name: QColor(value) for name, value in palette.items()})


def colour(name: str, *, alpha: int = 255) -> QColor:
    """Return the active colour ``name``; ``alpha`` 0 (clear) to 255.

    Raises:
        KeyError: no such token.
    """
    found = _active[name]
    if alpha == 255:  # noqa: PLR2004 - opaque
        return found
    clear = QColor(found)
    clear.setAlpha(alpha)
    return clear


def mix(first: str, second: str, share: float) -> QColor:
    """Return the opaque colour ``share`` (0 to 1) of the way from token ``first`` to ``second``."""
    one, two = colour(first), colour(second)
    return QColor(
        round(one.red() + (two.red() - one.red()) * share),
        round(one.green() + (two.green() - one.green()) * share),
        round(one.blue() + (two.blue() - one.blue()) * share),
    )


def tone_text(tone: str) -> str:
    """Return the token of the text of ``tone``."""
    return {"info": "accent", "none": "muted"}.get(tone, tone)


def tone_background(tone: str) -> str:
    """Return the token of the pale background of ``tone``."""
    return {"info": "accent_bg", "none": "hover"}.get(tone, f"{tone}_bg")


def tone_fill(tone: str) -> str:
    """Return the token of the bars and arcs of ``tone``."""
    return {"info": "accent", "none": "faint", "warn": "warn_fill", "bad": "bad_fill"}.get(tone, tone)


def contrast(first: str, second: str) -> float:
    """Return the WCAG contrast of two ``#rrggbb`` colours, 1 to 21."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(value: str) -> float:
    linear = []
    for start in (1, 3, 5):
        channel = int(value[start : start + 2], 16) / 255
        linear.append(channel / 12.92 if channel <= 0.03928 else ((channel + 0.055) / 1.055) ** 2.4)  # noqa: PLR2004 - WCAG
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
