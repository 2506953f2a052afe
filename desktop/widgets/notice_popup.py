"""The newest notices below the bell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QVBoxLayout, QWidget

from desktop.i18n import ago, tr
from desktop.style import MEDIUM
from desktop.widgets import paint
from desktop.widgets.button import Button
from desktop.widgets.label import PlainLabel, plain_tip
from desktop.widgets.layout import clear_layout, holder, row, rule
from desktop.widgets.overlay import Overlay

if TYPE_CHECKING:
    from backend_core.notices.records import Notice

WIDTH: Final = 380
SHOWN: Final = 6
_ROW: Final = 56
_GAP: Final = 6
_TIME: Final = 76
_LOOKS: Final = {"info": ("info", "accent"), "warn": ("triangle-alert", "warn"), "bad": ("octagon-alert", "bad")}


class NoticeLine(QAbstractButton):
    """One notice: what, a line about it, and when it came."""

    def __init__(self, one: Notice) -> None:
        super().__init__()
        self.notice = one
        self.setFixedHeight(_ROW)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(tr("{title}. {body}", title=one.title, body=one.body))
        self.setToolTip(plain_tip(one.body))

    def sizeHint(self) -> QSize:
        """Return the drawn size."""
        return QSize(WIDTH - 2, _ROW)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Open on Enter, go to the next one with the arrow keys."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
        elif event.key() == Qt.Key.Key_Down:
            self.focusNextChild()
        elif event.key() == Qt.Key.Key_Up:
            self.focusPreviousChild()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw it."""
        painter = QPainter(self)
        paint.begin(painter)
        whole, one = QRectF(self.rect()), self.notice
        if self.underMouse() or self.hasFocus():
            paint.box(painter, whole.adjusted(6, 2, -6, -2), 7, fill="hover", line="accent" if self.hasFocus() else None)
        name, tone = _LOOKS.get(one.severity, _LOOKS["info"])
        paint.icon(painter, QRectF(18, 12, 16, 16).topLeft(), name, tone if one.live else "muted")
        words = whole.adjusted(46, 9, -18, -9)
        when = QRectF(words.right() - _TIME, words.y(), _TIME, 18)
        paint.text(painter, QRectF(words.x(), words.y(), words.width() - _TIME - 8, 18), one.title, weight=MEDIUM)
        paint.text(painter, when, ago(one.raised_at), size=12, tone="muted", align=paint.RIGHT)
        paint.text(painter, QRectF(words.x(), words.y() + 20, words.width(), 17), one.body, size=12, tone="muted")


class NoticePopup(Overlay):
    """A small panel at the right below ``bell``; a click on a notice goes to where it is mended."""

    chosen = Signal(object)
    all_wanted = Signal()

    def __init__(self, window: QWidget, bell: QWidget) -> None:
        super().__init__(window, name=tr("Notices"), width=WIDTH)
        self._bell = bell
        self.lines: list[NoticeLine] = []
        self.state = PlainLabel("", "small")
        self.all = Button(tr("Show all"), "link", on_click=self._show_all)
        self._list = QVBoxLayout()
        self._list.setContentsMargins(0, 4, 0, 4)
        self._list.setSpacing(0)
        self.body.addWidget(holder(row(PlainLabel(tr("Notices"), "heading"), None, self.state, margins=(17, 0, 17, 0)), height=42))
        self.body.addWidget(rule())
        self.body.addWidget(holder(self._list))
        self.body.addWidget(rule())
        self.body.addWidget(holder(row(None, self.all, None), height=40))

    def show_notices(self, found: Sequence[Notice], *, problem: str = "") -> None:
        """Show the newest of ``found``, or the ``problem`` that kept them from being read."""
        clear_layout(self._list)
        self.lines = [NoticeLine(one) for one in found[:SHOWN]]
        for line in self.lines:
            line.clicked.connect(self._chooser(line.notice))
            self._add(line)
        if not self.lines:
            words = PlainLabel(problem or tr("Nothing to tell."), "muted", wrap=True)
            words.setAlignment(Qt.AlignmentFlag.AlignCenter)
            self._add(holder(row((words, 1), margins=(18, 0, 18, 0)), height=72))
        live = sum(1 for one in found if one.live)
        self.state.setText(tr("{n} lasting", n=live) if live else "")
        if not self.isHidden():
            self.place()
            if self.lines:
                self.lines[0].setFocus(Qt.FocusReason.PopupFocusReason)

    def _add(self, part: QWidget) -> None:
        self._list.addWidget(part)
        # the layout counts what is visible, and would show it only in the next round of events
        part.show()

    def place(self) -> None:
        """Put the panel below the bell, inside the window."""
        corner = self._bell.mapTo(self._window, QPoint(self._bell.width(), self._bell.height() + _GAP))
        self._list.activate()
        self.body.activate()
        self.panel.adjustSize()
        height = min(self.panel.sizeHint().height(), self.height() - corner.y() - 12)
        self.panel.setGeometry(min(corner.x() + 40, self.width() - 12) - WIDTH, corner.y(), WIDTH, height)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Dim nothing: it is only looked at in passing."""

    def _chooser(self, one: Notice) -> object:
        def choose() -> None:
            self.leave()
            self.chosen.emit(one)

        return choose

    def _show_all(self) -> None:
        self.leave()
        self.all_wanted.emit()
