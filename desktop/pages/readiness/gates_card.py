"""The gates as tiles: all must pass, whatever the score; one that nobody knows is hatched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from desktop.i18n import number, tr
from desktop.pages.readiness import words
from desktop.style import MEDIUM, SEMIBOLD, colour, font, mix, tone_background, tone_text
from desktop.widgets import paint
from desktop.widgets.card import Card
from desktop.widgets.label import PlainLabel, plain_tip

if TYPE_CHECKING:
    from backend_core.monitoring.readiness.records import CheckResult, Report

TILE_HIGH: Final = 136
CELL_HIGH: Final = 20
"""Many gates are cells of one line; few are tiles that say what was found."""
_FEW: Final = 6
_NARROWEST: Final = 92
_CELL_NARROWEST: Final = 236
_GAP: Final = 10
_CELL_GAP: Final = 4
_PAD: Final = 12
_ENTER: Final = frozenset({Qt.Key.Key_Return, Qt.Key.Key_Enter})


class GatesCard(Card):
    """One tile per gate; ``opened`` carries the check."""

    opened = Signal(object)

    def __init__(self) -> None:
        self.count = PlainLabel("", "small")
        super().__init__(tr("Gates"), icon_name="lock-keyhole", right=(self.count,))
        self.tiles = _Tiles()
        self.tiles.opened.connect(self.opened)
        self.add((self.tiles, 1))

    def show_report(self, report: Report) -> None:
        """Show the gates of ``report``: in its own order while they fit as tiles, otherwise worst first."""
        gates = [check for check in report.checks if check.gate]
        if len(gates) > _FEW:
            gates = words.worst_first(gates)
        passed = sum(check.status == "pass" for check in gates)
        self.count.setText(tr("{n} of {all} pass · all must, whatever the score", n=number(passed), all=number(len(gates))))
        self.tiles.show_gates(gates)


class GateTile(QAbstractButton):
    """What one gate says; pressed it shows why."""

    def __init__(self) -> None:
        super().__init__()
        self.check: CheckResult | None = None
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    @property
    def hatched(self) -> bool:
        """Whether it is drawn as something nobody knows."""
        return self.check is not None and self.check.status not in words.KNOWN

    def show_check(self, check: CheckResult) -> None:
        """Show a gate."""
        self.check = check
        parts = (check.title, words.name_of(check.status), words.value_words(check), words.age_words(check.age_s))
        self.setAccessibleName(". ".join(parts))
        self.setToolTip(plain_tip("\n".join(parts)))
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open on Enter as on Space."""
        if event.key() in _ENTER:
            self.click()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the ground, the icons and four lines."""
        if self.check is None:
            return
        painter = QPainter(self)
        paint.begin(painter)
        whole = QRectF(self.rect())
        self._paint_ground(painter, whole)
        if self.height() < TILE_HIGH:
            self._paint_cell(painter, whole, self.check)
            return
        status, tone = self.check.status, words.TONES.get(self.check.status, "none")
        ink = tone_text(tone)
        paint.icon(painter, QPointF(_PAD, 13), words.gate_icon(self.check.id), ink, size=18)
        paint.icon(painter, QPointF(whole.right() - _PAD - 16, 14), words.ICONS[status], ink)
        self._paint_words(painter, whole.adjusted(_PAD, 38, -8, -8), ink)

    def _paint_cell(self, painter: QPainter, whole: QRectF, check: CheckResult) -> None:
        ink = tone_text(words.TONES.get(check.status, "none"))
        paint.icon(painter, QPointF(8, whole.center().y() - 7), words.ICONS[check.status], ink, size=14)
        room = whole.adjusted(28, 0, -6, 0)
        weight = SEMIBOLD if check.status == "fail" else MEDIUM
        paint.text(painter, room, check.title, size=12, tone="muted" if self.hatched else "text", weight=weight)

    def _paint_ground(self, painter: QPainter, whole: QRectF) -> None:
        if self.hatched:
            small = self.height() < TILE_HIGH
            paint.hatch(painter, whole, 6 if small else 8)
            plate = whole.adjusted(5, 3, -5, -3) if small else whole.adjusted(7, 36, -7, -6)
            paint.box(painter, plate, 5, fill="surface")
        else:
            ground = tone_background(words.TONES[self.check.status] if self.check is not None else "none")
            lit = self.underMouse() or self.isDown()
            radius = 6 if self.height() < TILE_HIGH else 8
            paint.box(painter, whole, radius, fill=colour(ground), line=mix(ground, "text", 0.2) if lit else None)
        if self.hasFocus():
            paint.box(painter, whole, 6, line="accent", width=2)

    def _paint_words(self, painter: QPainter, room: QRectF, ink: str) -> None:
        check = self.check
        if check is None:
            return
        painter.setFont(font(12, SEMIBOLD))
        painter.setPen(colour("text"))
        title = QRectF(room.x(), room.y(), room.width(), 46)
        flags = Qt.TextFlag.TextWordWrap.value | Qt.AlignmentFlag.AlignLeft.value | Qt.AlignmentFlag.AlignTop.value
        painter.save()
        painter.setClipRect(title)
        painter.drawText(title, flags, check.title)
        painter.restore()
        # from the bottom, so that the lines of neighbours stand level whatever the length of a title
        top = room.bottom() - 50
        paint.text(painter, QRectF(room.x(), top, room.width(), 16), words.name_of(check.status), size=12, tone=ink, weight=SEMIBOLD)
        tone = "muted" if self.hatched else "text"
        paint.text(painter, QRectF(room.x(), top + 19, room.width(), 15), words.value_words(check), size=11, tone=tone)
        paint.text(painter, QRectF(room.x(), top + 35, room.width(), 15), words.age_words(check.age_s), size=11, tone="muted")


class _Tiles(QWidget):
    """Tiles of equal width side by side, in further lines where they would become too narrow."""

    opened = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.tiles: list[GateTile] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setMinimumHeight(TILE_HIGH)

    def show_gates(self, gates: list[CheckResult]) -> None:
        while len(self.tiles) > len(gates):
            gone = self.tiles.pop()
            gone.hide()
            gone.deleteLater()
        while len(self.tiles) < len(gates):
            tile = GateTile()
            tile.setParent(self)
            tile.clicked.connect(lambda _checked=False, tile=tile: self.opened.emit(tile.check))
            self.tiles.append(tile)
            tile.show()
        for tile, check in zip(self.tiles, gates, strict=True):
            tile.show_check(check)
        self._place()

    def sizeHint(self) -> QSize:
        return QSize(480, TILE_HIGH)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        count, few = len(self.tiles), len(self.tiles) <= _FEW
        least, gap = (_NARROWEST, _GAP) if few else (_CELL_NARROWEST, _CELL_GAP)
        if not count or self.width() < least:
            return
        across = min(count, max(1, (self.width() + gap) // (least + gap)))
        lines = -(-count // across)
        low = TILE_HIGH if few else CELL_HIGH
        self.setMinimumHeight(max(TILE_HIGH, lines * low + (lines - 1) * gap))
        height = max(low, (self.height() - (lines - 1) * gap) / lines)
        # a cell is a line of text: where there is room to spare it stays one
        height = height if few else min(height, 1.5 * CELL_HIGH)
        width = (self.width() - (across - 1) * gap) / across
        for number_, tile in enumerate(self.tiles):
            line, place = divmod(number_, across)
            left, top = round(place * (width + gap)), round(line * (height + gap))
            tile.setGeometry(left, top, round(place * (width + gap) + width) - left, round(line * (height + gap) + height) - top)
