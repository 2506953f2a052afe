"""What painted widgets and table cells draw with: text, pills, boxes, icons, and the hatch that means unknown."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from desktop.style import MEDIUM, NORMAL, colour, font, icon_pixmap, metrics, mix, tone_background, tone_fill, tone_text

LEFT: Final = Qt.AlignmentFlag.AlignLeft
RIGHT: Final = Qt.AlignmentFlag.AlignRight
CENTRE: Final = Qt.AlignmentFlag.AlignHCenter

PILL_HEIGHT: Final = 20
UNKNOWN_HEIGHT: Final = 22
_PILL_PAD = 8
_PILL_ICON = 14
_HATCH_STEP = 6


def begin(painter: QPainter) -> None:
    """Switch on smooth edges."""
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)


def advance(text: str, size: int = 13, weight: int = NORMAL, *, mono: bool = False) -> float:
    """Return the width of ``text`` in px."""
    return metrics(size, weight, mono=mono).horizontalAdvance(text)


def text(
    painter: QPainter,
    rect: QRectF,
    value: str,
    *,
    size: int = 13,
    tone: str | QColor = "text",
    weight: int = NORMAL,
    align: Qt.AlignmentFlag = LEFT,
    mono: bool = False,
    elide: bool = True,
) -> None:
    """Draw one plain line centred vertically in ``rect``; what does not fit ends in an ellipsis."""
    painter.setFont(font(size, weight, mono=mono))
    painter.setPen(tone if isinstance(tone, QColor) else colour(tone))
    shown = metrics(size, weight, mono=mono).elidedText(value, Qt.TextElideMode.ElideRight, rect.width() + 0.5) if elide else value
    flags = align | Qt.AlignmentFlag.AlignVCenter
    painter.drawText(rect, int(flags.value) | int(Qt.TextFlag.TextSingleLine.value), shown)


def box(
    painter: QPainter,
    rect: QRectF,
    radius: float,
    *,
    fill: str | QColor | None = None,
    line: str | QColor | None = None,
    width: float = 1.0,
    dashed: bool = False,
) -> None:
    """Draw a rounded rectangle; an outline lies inside ``rect`` on whole pixels."""
    if line is None:
        painter.setPen(Qt.PenStyle.NoPen)
    else:
        style = Qt.PenStyle.DashLine if dashed else Qt.PenStyle.SolidLine
        painter.setPen(QPen(_as_colour(line), width, style))
    painter.setBrush(_as_colour(fill) if fill is not None else Qt.BrushStyle.NoBrush)
    half = width / 2
    painter.drawRoundedRect(rect.adjusted(half, half, -half, -half) if line is not None else rect, radius, radius)


def icon(painter: QPainter, at: QPointF, name: str, tone: str = "muted", *, size: int = 16) -> None:
    """Draw an icon with its top left corner ``at``, sharp at the device's ratio."""
    device = painter.device()
    ratio = device.devicePixelRatio() if device is not None else 1.0
    painter.drawPixmap(QPointF(round(at.x()), round(at.y())), icon_pixmap(name, tone, size=size, ratio=ratio))


def pill_width(value: str, *, icon_name: str = "") -> float:
    """Return the width ``pill`` will take."""
    return advance(value, 12, MEDIUM) + 2 * _PILL_PAD + (_PILL_ICON + 4 if icon_name else 0)


def pill(
    painter: QPainter, left: float, middle: float, value: str, tone: str = "none", *, icon_name: str = "", edge: bool = False
) -> float:
    """Draw a pill whose left edge and vertical middle are given and return its width; ``edge`` keeps it visible on a selected row."""
    width = pill_width(value, icon_name=icon_name)
    rect = QRectF(left, middle - PILL_HEIGHT / 2, width, PILL_HEIGHT)
    ink, ground = tone_text(tone), tone_background(tone)
    box(painter, rect, PILL_HEIGHT / 2, fill=ground, line=mix(ground, ink, 0.3) if edge else None)
    if icon_name:
        icon(painter, QPointF(left + _PILL_PAD - 1, middle - _PILL_ICON / 2), icon_name, ink, size=_PILL_ICON)
        rect.adjust(_PILL_ICON + 4, 0, 0, 0)
    text(painter, rect, value, size=12, tone=ink, weight=MEDIUM, align=CENTRE, elide=False)
    return width


def unknown_pill(painter: QPainter, left: float, middle: float, value: str, *, icon_name: str, ground: str = "surface") -> float:
    """Draw the pill of what nobody knows, a texture with a dashed edge and no colour, and return its width."""
    width = advance(value, 12, MEDIUM) + _PILL_ICON + 22
    whole = QRectF(left, middle - UNKNOWN_HEIGHT / 2, width, UNKNOWN_HEIGHT)
    hatch(painter, whole, UNKNOWN_HEIGHT / 2)
    box(painter, whole.adjusted(6, 3, -6, -3), UNKNOWN_HEIGHT / 2 - 3, fill=ground)
    icon(painter, QPointF(left + _PILL_PAD, middle - _PILL_ICON / 2), icon_name, "muted", size=_PILL_ICON)
    text(painter, whole.adjusted(_PILL_PAD + _PILL_ICON + 5, 0, 0, 0), value, size=12, tone="muted", weight=MEDIUM, elide=False)
    return width


def bar(painter: QPainter, rect: QRectF, share: float | None, tone: str = "info", *, track: str = "line") -> None:
    """Draw a bar filled to ``share`` (0 to 1); None means unknown and is hatched."""
    radius = rect.height() / 2
    if share is None:
        hatch(painter, rect, radius)
        return
    box(painter, rect, radius, fill=track)
    if share > 0:
        filled = QRectF(rect.x(), rect.y(), max(rect.height(), rect.width() * min(1.0, share)), rect.height())
        box(painter, filled, radius, fill=tone_fill(tone))


def hatch(painter: QPainter, rect: QRectF, radius: float = 6) -> None:
    """Fill ``rect`` with diagonal lines and a dashed outline: nobody knows what belongs here."""
    painter.save()
    clip = QPainterPath()
    clip.addRoundedRect(rect, radius, radius)
    painter.setClipPath(clip, Qt.ClipOperation.IntersectClip)
    painter.setPen(QPen(colour("line2"), 1))
    start = rect.left() - rect.height()
    while start < rect.right():
        painter.drawLine(QPointF(start, rect.bottom()), QPointF(start + rect.height(), rect.top()))
        start += _HATCH_STEP
    painter.restore()
    box(painter, rect, radius, line="faint", dashed=True)


def _as_colour(value: str | QColor) -> QColor:
    return value if isinstance(value, QColor) else colour(value)
