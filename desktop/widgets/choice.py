"""Who is shown: a button of two lines with a mark, and the panel that finds somebody else by typing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from desktop.i18n import tr
from desktop.style import MEDIUM, SEMIBOLD
from desktop.widgets import avatar, paint
from desktop.widgets.field import SearchField
from desktop.widgets.label import PlainLabel, plain_tip
from desktop.widgets.layout import holder, row, rule
from desktop.widgets.overlay import Overlay

HEIGHT: Final = 46
_ROW: Final = 48
_SHOWN: Final = 8
_OPTION: Final = Qt.ItemDataRole.UserRole


@dataclass(frozen=True, slots=True)
class Option:
    """Somebody or something to choose.

    Attributes:
        key: what tells it apart.
        name: first line.
        below: second line, muted.
        kind: ``avatar.PERSON``, ``PERSONA`` or ``GROUP``.
        value: what the page needs of it.
    """

    key: str
    name: str
    below: str = ""
    kind: str = avatar.PERSON
    value: object = None


class ChoiceButton(QAbstractButton):
    """46 px: a mark, a name, a line below it, and the arrows of a choice; without a choice it says what to choose."""

    def __init__(self, hint: str, *, name: str, on_click: Callable[[], object]) -> None:
        super().__init__()
        self._hint, self._name = hint, name
        self._option: Option | None = None
        self.setFixedHeight(HEIGHT)
        self.setMinimumWidth(120)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.clicked.connect(lambda _checked=False: on_click())
        self.show_option(None)

    @property
    def option(self) -> Option | None:
        """What is chosen."""
        return self._option

    def show_option(self, option: Option | None) -> None:
        """Show what is chosen, None for nothing."""
        self._option = option
        words = self._hint if option is None else ", ".join(part for part in (option.name, option.below) if part)
        self.setAccessibleName(f"{self._name}: {words}")
        self.setToolTip(plain_tip("" if option is None else f"{option.name}\n{option.below}".strip()))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Return the room of mark, words and arrows."""
        option = self._option
        words = (
            paint.advance(self._hint) if option is None else max(paint.advance(option.name, 13, SEMIBOLD), paint.advance(option.below, 12))
        )
        return QSize(round(min(words, 190)) + 84, HEIGHT)

    def minimumSizeHint(self) -> QSize:
        """Return room for the mark and a few letters."""
        return QSize(120, HEIGHT)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw it."""
        painter = QPainter(self)
        paint.begin(painter)
        whole = QRectF(self.rect())
        ring = self.hasFocus()
        fill = "hover" if self.underMouse() and self.isEnabled() else "surface"
        paint.box(painter, whole, 8, fill=fill, line="accent" if ring else "line2", width=2 if ring else 1)
        paint.icon(painter, QPointF(whole.right() - 24, whole.center().y() - 7), "chevrons-up-down", size=14)
        option = self._option
        if option is None:
            paint.text(painter, whole.adjusted(14, 0, -30, 0), self._hint, tone="muted")
            return
        avatar.draw(painter, QRectF(8, 8, 30, 30), option.name, option.kind)
        if option.below:
            paint.text(painter, QRectF(48, 5, whole.width() - 78, 19), option.name, weight=SEMIBOLD)
            paint.text(painter, QRectF(48, 23, whole.width() - 78, 17), option.below, size=12, tone="muted")
        else:
            paint.text(painter, QRectF(48, 0, whole.width() - 78, whole.height()), option.name, weight=SEMIBOLD)


class _OptionLine(QStyledItemDelegate):
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        one: Option = index.data(_OPTION)
        rect = QRectF(option.rect).adjusted(6, 1, -6, -1)
        painter.save()
        paint.begin(painter)
        if bool(option.state & QStyle.StateFlag.State_Selected):
            paint.box(painter, rect, 7, fill="sel")
        avatar.draw(painter, QRectF(rect.x() + 8, rect.center().y() - 15, 30, 30), one.name, one.kind)
        room = rect.adjusted(48, 0, -10, 0)
        if one.below:
            paint.text(painter, QRectF(room.x(), rect.y() + 4, room.width(), 19), one.name, weight=MEDIUM)
            paint.text(painter, QRectF(room.x(), rect.y() + 23, room.width(), 17), one.below, size=12, tone="muted")
        else:
            paint.text(painter, room, one.name, weight=MEDIUM)
        painter.restore()

    def sizeHint(self, _option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(200, _ROW)


class Finder(Overlay):
    """Type a few letters, press Enter. The page answers ``wanted`` with ``show_options``."""

    wanted = Signal(str)
    """What was typed."""
    chosen = Signal(object)
    """The ``Option``."""

    def __init__(self, owner: QWidget, *, name: str, hint: str) -> None:
        super().__init__(owner, name=name, width=520)
        self.field = SearchField(name=name, hint=hint)
        self.list = QListWidget()
        self.list.setAccessibleName(name)
        self.list.setItemDelegate(_OptionLine(self.list))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setUniformItemSizes(True)
        self.nothing = PlainLabel("", "muted", wrap=True)
        self.nothing.setContentsMargins(16, 12, 16, 14)
        for part in (holder(row((self.field, 1), margins=10)), rule(), self.list, self.nothing):
            self.body.addWidget(part)
        # the last line must not cover the round corners of the panel
        self.body.setContentsMargins(1, 1, 1, 6)
        self.field.searched.connect(self.wanted)
        self.field.returnPressed.connect(self._take)
        self.field.installEventFilter(self)
        self.list.itemClicked.connect(lambda _item: self._take())

    def open(self) -> None:
        """Show the panel and ask for everybody."""
        self.field.clear()
        self.show_words(tr("Looking…"))
        self.appear(self.field)
        self.wanted.emit("")

    def show_options(self, options: Sequence[Option], *, nothing: str) -> None:
        """Show what was found; ``nothing`` is said where that is nothing."""
        self.list.clear()
        for one in options:
            item = QListWidgetItem(one.name)
            item.setData(_OPTION, one)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{one.name}, {one.below}")
            self.list.addItem(item)
        if options:
            self.list.setCurrentRow(0)
            self.list.setFixedHeight(min(len(options), _SHOWN) * _ROW + 8)
        self.list.setVisible(bool(options))
        self.nothing.setText(nothing)
        self.nothing.setVisible(not options)
        if not self.isHidden():
            self.place()

    def show_words(self, words: str) -> None:
        """Say why there is no list."""
        self.show_options((), nothing=words)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Move through the list with the arrows while the field has the keyboard; Esc leaves."""
        if watched is self.field and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
            if step is not None and self.list.count():
                self.list.setCurrentRow((self.list.currentRow() + step) % self.list.count())
                return True
            if event.key() == Qt.Key.Key_Escape:
                self.leave()
                return True
        return super().eventFilter(watched, event)

    def _take(self) -> None:
        item = self.list.currentItem()
        if item is not None and not self.list.isHidden():
            self.leave()
            self.chosen.emit(item.data(_OPTION))
