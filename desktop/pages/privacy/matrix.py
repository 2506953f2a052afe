"""The picture of a privacy run: eight by eight cells with sixteen ticks each, chosen by mouse or arrow keys."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QAccessible, QAccessibleEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from desktop.i18n import tr
from desktop.pages.privacy import picture as pic
from desktop.pages.privacy.picture import Pair, Picture
from desktop.pages.privacy.words import pair_title, pair_words
from desktop.style import SEMIBOLD, colour
from desktop.widgets import paint
from desktop.widgets.label import plain_tip

LEFT: Final = 96
TOP: Final = 44
GAP: Final = 4
CELL_HEIGHT: Final = 46
TALL: Final = 58
NARROW: Final = 32
WIDE: Final = 64
_ROOM_FOR_WORDS: Final = 42
_SHORT: Final = 2
_TICK: Final = 3.5
_TICK_STEP: Final = 4.5
_TICKS_A_LINE: Final = 8

ICONS: Final = {pic.CLOSED: "lock", pic.OWN: "eye", pic.AUDITED: "stamp", pic.RUNNING: "loader-circle", pic.LOST: "eye-off"}
INK: Final = {pic.CLOSED: "ok", pic.OWN: "accent", pic.AUDITED: "accent", pic.RUNNING: "accent", pic.LOST: "warn"}
FILL: Final = {pic.CLOSED: "ok_bg", pic.OWN: "accent_bg", pic.AUDITED: "accent_bg", pic.LOST: "warn_bg"}
EDGE: Final = {pic.OWN: "accent", pic.RUNNING: "accent", pic.LOST: "warn"}


class Matrix(QWidget):
    """Who can see whose memory; ``chosen`` carries viewer and container key."""

    chosen = Signal(str, str)
    opened = Signal()
    """Enter or a second click on the chosen cell."""

    def __init__(self) -> None:
        super().__init__()
        self.picture = pic.blank()
        self._headings = pic.headings()
        self.place: tuple[str, str] | None = None
        self._stale = False
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName(tr("Who can see whose memory"))

    def show_picture(self, picture: Picture, *, stale: bool = False) -> None:
        """Show other answers; the chosen cell stays chosen. ``stale`` ones no longer tell how it is now."""
        if picture != self.picture or stale != self._stale:
            self.picture, self._stale = picture, stale
            self._describe()
            self.update()

    def choose(self, place: tuple[str, str] | None) -> None:
        """Choose a cell without telling anybody."""
        if place != self.place:
            self.place = place
            self._describe()
            self.update()

    def step(self, rows: int, columns: int) -> None:
        """Choose the cell that lies ``rows`` below and ``columns`` to the right, staying inside."""
        keys = [code for code, _ in self._headings]
        row, column = (keys.index(key) for key in self.place) if self.place and set(self.place) <= set(keys) else (0, 0)
        if self.place is not None:
            row, column = (min(max(0, at + by), len(keys) - 1) for at, by in ((row, rows), (column, columns)))
        self._take(keys[row], keys[column])

    def step_line(self, by: int) -> None:
        """Choose the cell ``by`` further in reading order, from the last back to the first."""
        places = [pair.place for pair in self.picture.pairs]
        at = places.index(self.place) if self.place in places else -1 if by > 0 else 0
        self._take(*places[(at + by) % len(places)])

    def cell(self, row: int, column: int) -> QRectF:
        """Return where a cell lies, in px."""
        width, height = self._cell_size()
        return QRectF(LEFT + column * (width + GAP), TOP + row * (height + GAP), width, height)

    def sizeHint(self) -> QSize:
        """Return the room of comfortable cells."""
        return QSize(self._width_for(44), TOP + pic.SIDE * (CELL_HEIGHT + GAP) - GAP + 3)

    def minimumSizeHint(self) -> QSize:
        """Return the room of the narrowest cells."""
        return QSize(self._width_for(NARROW), self.sizeHint().height())

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the cell under the mouse; a chosen one opens."""
        pair = self._under(event.position())
        if pair is None or event.button() != Qt.MouseButton.LeftButton:
            return
        if pair.place == self.place:
            self.opened.emit()
        else:
            self._take(*pair.place)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Point at cells that can be chosen."""
        over = self._under(event.position()) is not None
        self.setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor)

    def event(self, event: QEvent) -> bool:
        """Say in a tool tip what a cell holds."""
        if event.type() == QEvent.Type.ToolTip:
            pair = self._under(QPointF(event.pos()))  # type: ignore[attr-defined]  # a QHelpEvent, which the stub of event() does not say
            QToolTip.showText(event.globalPos(), plain_tip(self._say(pair)) if pair else "", self)  # type: ignore[attr-defined]  # as above
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move with the arrows, open with Enter."""
        steps = {Qt.Key.Key_Up: (-1, 0), Qt.Key.Key_Down: (1, 0), Qt.Key.Key_Left: (0, -1), Qt.Key.Key_Right: (0, 1)}
        step = steps.get(Qt.Key(event.key()))
        if step is not None:
            self.step(*step)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self.place is not None:
            self.opened.emit()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw headings, cells and the frame of the chosen one."""
        painter = QPainter(self)
        paint.begin(painter)
        self._paint_headings(painter)
        for row in range(pic.SIDE):
            for column in range(pic.SIDE):
                paint_pair(painter, self.cell(row, column), self.picture.at(row, column), stale=self._stale)
        self._paint_choice(painter)

    def _paint_headings(self, painter: QPainter) -> None:
        top = tr("MEMORY KEPT IN")
        paint.text(painter, QRectF(0, 22, LEFT - 8, 18), tr("VIEWER"), size=11, weight=SEMIBOLD, tone="muted")
        paint.text(painter, QRectF(LEFT, 0, 220, 18), top, size=11, weight=SEMIBOLD, tone="muted")
        painter.setPen(QPen(colour("line"), 1))
        painter.drawLine(QPointF(LEFT + paint.advance(top, 11, SEMIBOLD) + 10, 9.5), QPointF(self.cell(0, pic.SIDE - 1).right(), 9.5))
        viewer, kept_in = self.place or ("", "")
        for number, (code, title) in enumerate(self._headings):
            column, row = self.cell(0, number), self.cell(number, 0)
            middle = row.center().y()
            above = QRectF(column.x() - 2, 22, column.width() + 4, 18)
            tone = "accent" if code == kept_in else "text"
            paint.text(painter, above, heading(code), size=12, weight=SEMIBOLD, tone=tone, align=paint.CENTRE)
            tone = "accent" if code == viewer else "text"
            paint.text(painter, QRectF(0, middle - 18, LEFT - 8, 18), heading(code), size=12, weight=SEMIBOLD, tone=tone)
            paint.text(painter, QRectF(0, middle - 1, LEFT - 8, 17), title, size=12, tone="muted")

    def _paint_choice(self, painter: QPainter) -> None:
        keys = [code for code, _ in self._headings]
        place = self.place if self.place is not None and set(self.place) <= set(keys) else None
        if place is None and not self.hasFocus():
            return
        row, column = (keys.index(key) for key in place) if place is not None else (0, 0)
        paint.box(painter, self.cell(row, column).adjusted(-3, -3, 3, 3), 9, line="text" if place is not None else "accent", width=2)

    def _cell_size(self) -> tuple[float, float]:
        gaps = (pic.SIDE - 1) * GAP + 4
        # whole pixels, or the edges of the cells blur
        width = min(max(NARROW, (self.width() - LEFT - gaps) // pic.SIDE), WIDE)
        return float(width), float(min(max(CELL_HEIGHT, (self.height() - TOP - gaps) // pic.SIDE), TALL))

    def _width_for(self, cell: int) -> int:
        return LEFT + pic.SIDE * (cell + GAP) - GAP + 4

    def _under(self, at: QPointF) -> Pair | None:
        for row in range(pic.SIDE):
            for column in range(pic.SIDE):
                if self.cell(row, column).contains(at):
                    return self.picture.at(row, column)
        return None

    def _take(self, viewer: str, kept_in: str) -> None:
        if (viewer, kept_in) != self.place:
            self.choose((viewer, kept_in))
            self.chosen.emit(viewer, kept_in)

    def _say(self, pair: Pair) -> str:
        said = f"{pair_title(pair.viewer, pair.kept_in)}: {pair_words(pair)[0]}"
        return tr("{said}, as of an old run", said=said) if self._stale else said

    def _describe(self) -> None:
        pair = self.picture.find(self.place) if self.place else None
        self.setAccessibleDescription(self._say(pair) if pair else "")
        QAccessible.updateAccessibility(QAccessibleEvent(self, QAccessible.Event.DescriptionChanged))


def heading(code: str) -> str:
    """Return a code as a heading; the two that are no conversation are written small."""
    return code if len(code) <= _SHORT else code.lower()


def paint_pair(painter: QPainter, rect: QRectF, pair: Pair, *, stale: bool = False) -> None:
    """Draw one cell: what it means as an icon, and a tick for each operation; a ``stale`` one loses its colour."""
    if pair.kind == pic.UNKNOWN:
        paint.hatch(painter, rect.adjusted(0.5, 0.5, -0.5, -0.5), 7)
        return
    stale = stale and pair.kind != pic.LEAK
    _paint_ground(painter, rect, pair, stale=stale)
    top = rect.y() + (rect.height() - CELL_HEIGHT) / 3
    if pair.kind == pic.LEAK:
        count = len(pair.wrong)
        words = str(count) if rect.width() < _ROOM_FOR_WORDS else tr("1 leak") if count == 1 else tr("{n} leaks", n=count)
        line = QRectF(rect.x(), top + 7, rect.width(), 17)
        paint.text(painter, line, words, size=11, weight=SEMIBOLD, tone="white", align=paint.CENTRE, elide=False)
    if pair.kind in ICONS:
        ink = "muted" if stale else INK[pair.kind]
        paint.icon(painter, QPointF(rect.center().x() - 7, top + 8), ICONS[pair.kind], ink, size=14)
    _paint_ticks(painter, rect, pair, stale=stale)


def _paint_ground(painter: QPainter, rect: QRectF, pair: Pair, *, stale: bool) -> None:
    if stale:
        paint.hatch(painter, rect.adjusted(0.5, 0.5, -0.5, -0.5), 7)
        paint.box(painter, rect.adjusted(5, 5, -5, -5), 5, fill="surface")
    elif pair.kind == pic.LEAK:
        paint.box(painter, rect, 7, fill="bad_solid")
    else:
        edge = EDGE.get(pair.kind, "line" if pair.kind == pic.WAITING else None)
        paint.box(painter, rect, 7, fill=FILL.get(pair.kind, "surface"), line=edge, width=1.6 if pair.kind == pic.RUNNING else 1.0)


def _paint_ticks(painter: QPainter, rect: QRectF, pair: Pair, *, stale: bool) -> None:
    leaks = pair.kind == pic.LEAK
    rest, loud = colour("line"), colour("white" if leaks else "bad")
    ink = colour("white", alpha=90) if leaks else colour("muted" if stale else INK.get(pair.kind, "muted"), alpha=150)
    step = min(_TICK_STEP, (rect.width() - 4) / _TICKS_A_LINE)
    left, top = rect.center().x() - (_TICKS_A_LINE * step - 1) / 2, rect.bottom() - 15 - (rect.height() - CELL_HEIGHT) / 3
    painter.setPen(Qt.PenStyle.NoPen)
    for number in range(pic.TICKS):
        line, place = divmod(number, _TICKS_A_LINE)
        painter.setBrush(loud if number in pair.wrong else ink if number < pair.done else rest)
        painter.drawRoundedRect(QRectF(left + place * step, top + line * _TICK_STEP, step - 1, _TICK), 1, 1)
