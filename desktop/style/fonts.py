"""The two bundled typefaces and the five sizes."""

from __future__ import annotations

from functools import cache
from typing import Final

from PySide6.QtGui import QFont, QFontDatabase, QFontMetricsF

from desktop.style.resources import resource

FAMILY: Final = "Inter"
MONO: Final = "JetBrains Mono"
SIZES: Final = (11, 12, 13, 20, 26)
NORMAL: Final = 400
MEDIUM: Final = 500
SEMIBOLD: Final = 600

_FILES: Final = (
    "Inter-Regular.ttf",
    "Inter-Medium.ttf",
    "Inter-SemiBold.ttf",
    "Inter-Bold.ttf",
    "JetBrainsMono-Regular.ttf",
    "JetBrainsMono-Medium.ttf",
)


@cache
def load_fonts() -> tuple[str, ...]:
    """Register the bundled fonts once and return the names of files Qt refused."""
    return tuple(name for name in _FILES if QFontDatabase.addApplicationFont(str(resource(f"fonts/{name}"))) < 0)


@cache
def font(size: int = 13, weight: int = NORMAL, *, mono: bool = False) -> QFont:
    """Return the font of ``size`` px; digits have one width. Callers must not change it."""
    made = QFont(MONO if mono else FAMILY)
    made.setPixelSize(size)
    made.setWeight(QFont.Weight(weight))
    made.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    if not mono:
        made.setFeature(QFont.Tag("tnum"), 1)
    return made


@cache
def metrics(size: int = 13, weight: int = NORMAL, *, mono: bool = False) -> QFontMetricsF:
    """Return the metrics of ``font(size, weight)``."""
    return QFontMetricsF(font(size, weight, mono=mono))
