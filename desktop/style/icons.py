"""Lucide icons, tinted by token and rendered at the screen's own pixel ratio."""

from __future__ import annotations

from functools import cache

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QGuiApplication, QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from desktop.style.resources import resource
from desktop.style.tokens import colour

_STROKE = 'stroke-width="1.75"'


@cache
def _source(name: str) -> str:
    text = resource(f"icons/{name}.svg").read_text(encoding="utf-8")
    return text.replace('stroke-width="2"', _STROKE)


@cache
def _render(name: str, hue: str, size: int, ratio: float) -> QPixmap:
    pixels = round(size * ratio)
    image = QPixmap(pixels, pixels)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    QSvgRenderer(QByteArray(_source(name).replace("currentColor", hue).encode())).render(painter, QRectF(0, 0, pixels, pixels))
    painter.end()
    image.setDevicePixelRatio(ratio)
    return image


def icon_pixmap(name: str, tone: str = "muted", *, size: int = 16, ratio: float = 1.0) -> QPixmap:
    """Return icon ``name`` in the colour of token ``tone``: ``size`` logical px at ``ratio`` device pixels each.

    Raises:
        FileNotFoundError: no such icon in ``resources/icons``.
    """
    return _render(name, colour(tone).name(), size, ratio)


def icon(name: str, tone: str = "muted", *, size: int = 16) -> QIcon:
    """Return a ``QIcon`` holding the renderings for every connected screen and for 1x and 2x."""
    made = QIcon()
    ratios = {1.0, 2.0, *(screen.devicePixelRatio() for screen in QGuiApplication.screens())}
    for ratio in sorted(ratios):
        made.addPixmap(icon_pixmap(name, tone, size=size, ratio=ratio))
    return made
