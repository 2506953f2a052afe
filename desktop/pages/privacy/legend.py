"""What the cells of the picture mean, below it."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.i18n import tr
from desktop.pages.privacy import picture as pic
from desktop.pages.privacy.matrix import EDGE, FILL, ICONS, INK
from desktop.pages.privacy.words import kind_words
from desktop.widgets import paint

_HEIGHT = 20
_SAMPLE = 18


class Legend(QWidget):
    """Samples with a word each; kinds that do not occur are left out."""

    def __init__(self) -> None:
        super().__init__()
        self._kinds: tuple[str, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(_HEIGHT)
        self.show_kinds(frozenset())

    def show_kinds(self, present: frozenset[str]) -> None:
        """Explain the usual kinds and the ``present`` ones."""
        usual = (pic.CLOSED, pic.OWN, pic.AUDITED)
        self._kinds = (*usual, *(kind for kind in (pic.RUNNING, pic.LOST) if kind in present), pic.LEAK)
        self.setAccessibleName(tr("Legend: {words}", words=", ".join(kind_words(kind) for kind in self._kinds)))
        self.update()

    def sizeHint(self) -> QSize:
        """Return the room of one line."""
        return QSize(320, _HEIGHT)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the samples."""
        painter = QPainter(self)
        paint.begin(painter)
        left = 0.0
        for kind in self._kinds:
            sample = QRectF(left, (self.height() - _SAMPLE) / 2, _SAMPLE, _SAMPLE)
            fill = "bad_solid" if kind == pic.LEAK else FILL.get(kind, "surface")
            paint.box(painter, sample, 5, fill=fill, line=EDGE.get(kind))
            if kind in ICONS:
                paint.icon(painter, QPointF(sample.x() + 3, sample.y() + 3), ICONS[kind], INK[kind], size=12)
            words = kind_words(kind)
            width = paint.advance(words, 12)
            paint.text(painter, QRectF(left + 24, 0, width + 4, self.height()), words, size=12, tone="muted")
            left += 24 + width + 16
