"""The plain text of a page with the spoken word highlighted inside its sentence; a click on a word asks for its place."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from itertools import accumulate

from PySide6.QtCore import QRectF, Qt, QUrl, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QTextBlockFormat, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QTextEdit

from desktop.style import colour, font
from desktop.widgets import paint
from desktop.widgets.flow import flowing

Mark = tuple[int, int, int, int]
"""first and last character, first and last millisecond; the ends are not part of it."""
Range = tuple[int, int]

SIZES = (13, 20)
_LINE = 20
_BASIC_PLANE = 0xFFFF
_ALL = 1_000_000_000


class ReadingView(QTextEdit):
    """Shows text from anywhere as characters only, never as markup, and loads nothing."""

    word_clicked = Signal(int)
    """A character of the page."""

    def __init__(self, *, name: str) -> None:
        super().__init__()
        self.setAccessibleName(name)
        self.setReadOnly(True)
        self.setAcceptRichText(False)
        self.setUndoRedoEnabled(False)
        self.setFrameStyle(0)
        self.setMinimumHeight(120)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setAutoFillBackground(False)
        self.document().setDocumentMargin(4)
        self._text = ""
        self._large = False
        self._skips: Sequence[Range] = ()
        self._units: list[int] | None = None
        self.clear_speech()

    def loadResource(self, _kind: int, _url: QUrl | str) -> object:
        """Load nothing: text from outside must not open files or addresses."""
        return None

    def show_text(self, text: str, *, skips: Sequence[Range] = ()) -> None:
        """Show a page from its top; ``skips`` are character ranges that are not spoken."""
        self._text, self._skips = text, tuple(skips)
        # Qt counts UTF-16 units, Lectern counts characters.
        wide = any(ord(character) > _BASIC_PLANE for character in text)
        self._units = list(accumulate((1 + (ord(character) > _BASIC_PLANE) for character in text), initial=0)) if wide else None
        edges = {place for start, end in self._skips for place in (start - 1, end)}
        self.setPlainText(flowing(text.replace("\r", "\n"), kept=edges))
        self._format()
        self._strike_skips()
        self.clear_speech()
        self.verticalScrollBar().setValue(0)

    def set_large(self, *, on: bool) -> None:
        """Show the text large or normal."""
        self._large = on
        self._format()
        self._colour_text()

    def set_speech(self, marks: Sequence[Mark], sentences: Sequence[Range]) -> None:
        """Tell when each word is spoken; both in the order of time."""
        self._marks, self._sentences = tuple(marks), tuple(sentences)
        self._starts = [mark[2] for mark in self._marks]
        self._sentence_starts = [start for start, _ in self._sentences]
        self._word, self._sentence = -1, -1
        self._colour_text()

    def clear_speech(self) -> None:
        """Nothing is spoken here."""
        self.set_speech((), ())

    def show_position(self, milliseconds: float) -> bool:
        """Highlight the word of that moment and keep it in sight; returns whether it is another one."""
        word = bisect.bisect_right(self._starts, milliseconds) - 1
        if word == self._word or not self._marks:
            return False
        self._word = word
        self._sentence = bisect.bisect_right(self._sentence_starts, self._marks[word][0]) - 1 if word >= 0 else -1
        self._colour_text()
        self._follow()
        return True

    @property
    def spoken_word(self) -> str:
        """The highlighted word, empty when there is none."""
        return self._text[slice(*self._marks[self._word][:2])] if self._word >= 0 else ""

    def time_of(self, character: int) -> int | None:
        """Return the millisecond at which the word at that character, or the next one, is spoken; None without speech."""
        place = bisect.bisect_right([mark[0] for mark in self._marks], character) - 1
        if not self._marks:
            return None
        if place < 0 or (character >= self._marks[place][1] and place + 1 < len(self._marks)):
            place += 1
        return self._marks[place][2]

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._pressed_at = event.position()
        super().mousePressEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Ask for the word under the mouse unless text was selected."""
        super().mouseReleaseEvent(event)
        if event.button() == Qt.MouseButton.LeftButton and not self.textCursor().hasSelection() and self._text:
            position = self.cursorForPosition(event.position().toPoint()).position()
            self.word_clicked.emit(min(self._character(position), len(self._text) - 1))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the band of the sentence and the chip of the word below the letters."""
        painter = QPainter(self.viewport())
        paint.begin(painter)
        painter.translate(0, -self.verticalScrollBar().value())
        if self._sentence >= 0:
            for rect in self._rects(self._sentences[self._sentence]):
                paint.box(painter, rect.adjusted(-2, 0, 2, 0), 4, fill="sent")
        if self._word >= 0:
            for rect in self._rects(self._marks[self._word][:2]):
                paint.box(painter, rect.adjusted(-2, 0, 2, 0), 4, fill="solid")
        painter.end()
        super().paintEvent(event)

    def changeEvent(self, event: object) -> None:
        """Colour again when the theme changed."""
        super().changeEvent(event)  # type: ignore[arg-type]  # Qt hands in a QEvent
        if hasattr(self, "_marks"):
            self._colour_text()

    def _format(self) -> None:
        size = SIZES[1] if self._large else SIZES[0]
        self.setFont(font(size))
        self.document().setDefaultFont(font(size))
        cursor = QTextCursor(self.document())
        cursor.select(QTextCursor.SelectionType.Document)
        block = QTextBlockFormat()
        block.setLineHeight(_LINE * size / SIZES[0], QTextBlockFormat.LineHeightTypes.FixedHeight.value)
        block.setBottomMargin(6)
        cursor.mergeBlockFormat(block)

    def _colour_text(self) -> None:
        chosen = []
        if self._sentence >= 0:
            chosen.append(self._selection((0, self._sentences[self._sentence][0]), colour("muted")))
        chosen += [self._selection(skip, colour("muted")) for skip in self._skips]
        if self._word >= 0:
            chosen.append(self._selection(self._marks[self._word][:2], colour("white")))
        self.setExtraSelections(chosen)
        self.viewport().update()

    def _strike_skips(self) -> None:
        # a format of the text itself: Qt draws no strike through an extra selection
        struck = QTextCharFormat()
        struck.setFontStrikeOut(True)
        for skip in self._skips:
            self._cursor(skip).mergeCharFormat(struck)

    def _cursor(self, characters: Range) -> QTextCursor:
        cursor = QTextCursor(self.document())
        cursor.setPosition(self._unit(characters[0]))
        cursor.setPosition(self._unit(characters[1]), QTextCursor.MoveMode.KeepAnchor)
        return cursor

    def _selection(self, characters: Range, ink: QColor) -> QTextEdit.ExtraSelection:
        made = QTextEdit.ExtraSelection()
        shape = QTextCharFormat()
        shape.setForeground(ink)
        made.cursor, made.format = self._cursor(characters), shape
        return made

    def _rects(self, characters: Range) -> Iterator[QRectF]:
        """Yield where those characters stand, one rectangle for each line, in coordinates of the document."""
        first, last = self._unit(characters[0]), self._unit(characters[1])
        block = self.document().findBlock(first)
        while block.isValid() and block.position() < last:
            corner = self.document().documentLayout().blockBoundingRect(block).topLeft()
            for number in range(block.layout().lineCount()):
                line = block.layout().lineAt(number)
                low = max(first - block.position(), line.textStart())
                high = min(last - block.position(), line.textStart() + line.textLength())
                if low < high:
                    ends = [float(line.cursorToX(place)[0]) for place in (low, high)]  # type: ignore[index]  # a pair of place and cursor
                    left, right = min(ends), min(max(ends), line.naturalTextRect().right())
                    yield QRectF(corner.x() + left, corner.y() + line.y(), right - left, line.height())
            block = block.next()

    def _follow(self) -> None:
        if self._word < 0:
            return
        rects = list(self._rects(self._marks[self._word][:2]))
        bar, height = self.verticalScrollBar(), self.viewport().height()
        if rects and not bar.value() + 4 <= rects[0].top() <= bar.value() + height - 2 * _LINE:
            bar.setValue(int(rects[0].top() - height / 3))

    def _unit(self, character: int) -> int:
        """Return Qt's position of a character, inside the document."""
        place = self._units[min(character, len(self._text))] if self._units else character
        return max(0, min(place, self.document().characterCount() - 1))

    def _character(self, unit: int) -> int:
        return bisect.bisect_right(self._units, unit) - 1 if self._units else unit
