"""The Ctrl+K palette and the list of shortcuts, both read from the one registry of commands."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QScrollArea, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from desktop.commands import Command, Commands
from desktop.i18n import tr
from desktop.style import MEDIUM
from desktop.widgets import paint
from desktop.widgets.button import Button
from desktop.widgets.field import Field, key_cap
from desktop.widgets.label import PlainLabel, over
from desktop.widgets.layout import clear_layout, column, holder, row, rule
from desktop.widgets.overlay import Overlay

_ROW = 40
_SHOWN = 9
_COMMAND = Qt.ItemDataRole.UserRole


class _CommandLine(QStyledItemDelegate):
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        command: Command = index.data(_COMMAND)
        rect = QRectF(option.rect).adjusted(6, 1, -6, -1)
        painter.save()
        paint.begin(painter)
        on = bool(option.state & QStyle.StateFlag.State_Selected)
        if on:
            paint.box(painter, rect, 7, fill="sel")
        tone = "accent" if on else "muted"
        paint.icon(painter, QPointF(rect.x() + 10, rect.center().y() - 8), command.icon or "command", tone)
        room = rect.adjusted(38, 0, -130, 0)
        paint.text(painter, room, command.title, weight=MEDIUM)
        after = room.x() + paint.advance(command.title, 13, MEDIUM) + 10
        if after < room.right():
            paint.text(painter, QRectF(after, rect.y(), rect.right() - 110 - after, rect.height()), command.group, size=12, tone="muted")
        if command.shortcut:
            key_cap(painter, rect.adjusted(0, 0, -10, 0), command.shortcut)
        painter.restore()

    def sizeHint(self, _option: QStyleOptionViewItem, _index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(200, _ROW)


class CommandPalette(Overlay):
    """Type a few letters, press Enter."""

    def __init__(self, window: QWidget, commands: Commands) -> None:
        super().__init__(window, name=tr("Command palette"), width=600)
        self._commands = commands
        self.field = Field(name=tr("Search or run a command"), hint=tr("Search or run a command"))
        self.field.setProperty("kind", "bare")
        self.field.setFixedHeight(46)
        self.list = QListWidget()
        self.list.setAccessibleName(tr("Commands"))
        self.list.setItemDelegate(_CommandLine(self.list))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setUniformItemSizes(True)
        self.nothing = PlainLabel(tr("No command matches."), "muted")
        self.nothing.setContentsMargins(16, 12, 16, 14)
        for part in (self.field, rule(), self.list, self.nothing):
            self.body.addWidget(part)
        self.field.textChanged.connect(self._fill)
        self.field.returnPressed.connect(self._run)
        self.field.installEventFilter(self)
        self.list.itemClicked.connect(self._run)

    def open(self) -> None:
        """Show every command that can run now."""
        self.field.clear()
        self._fill("")
        self.appear(self.field)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Move through the list with the arrows while the field has the keyboard."""
        if watched is self.field and event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
            if step is not None and self.list.count():
                self.list.setCurrentRow((self.list.currentRow() + step) % self.list.count())
                return True
        return super().eventFilter(watched, event)

    def _fill(self, query: str) -> None:
        found = self._commands.find(query)
        self.list.clear()
        for command in found:
            item = QListWidgetItem(f"{command.title} {command.shortcut}".strip())
            item.setData(_COMMAND, command)
            self.list.addItem(item)
        self.list.setCurrentRow(0)
        self.list.setFixedHeight(min(_SHOWN, len(found)) * _ROW + 8)
        self.list.setVisible(bool(found))
        self.nothing.setVisible(not found)
        self.place()

    def _run(self) -> None:
        item = self.list.currentItem()
        command: Command | None = item.data(_COMMAND) if item is not None else None
        self.leave()
        if command is not None:
            command.action.trigger()


class ShortcutHelp(Overlay):
    """Every shortcut by group, made from the registry each time it opens."""

    def __init__(self, window: QWidget, commands: Commands) -> None:
        super().__init__(window, name=tr("Keyboard shortcuts"), width=520)
        self._commands = commands
        self.close_button = Button("", "ghost", icon_name="x", name=tr("Close"), on_click=self.leave)
        head = row(PlainLabel(tr("Keyboard shortcuts"), "heading"), None, self.close_button, margins=(20, 12, 12, 8))
        self._lines = column(gap=6, margins=(20, 4, 20, 16))
        area = QScrollArea()
        area.setObjectName("clear")
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(holder(self._lines))
        self._area = area
        self.body.addLayout(head)
        self.body.addWidget(rule())
        self.body.addWidget(area)

    def open(self) -> None:
        """Show the list as it is now."""
        clear_layout(self._lines)
        group = ""
        for command in sorted(self._commands.all(), key=lambda known: known.group):
            if not command.shortcut:
                continue
            if command.group != group:
                group = command.group
                self._lines.addSpacing(8)
                self._lines.addWidget(over(group))
            self._lines.addLayout(row(PlainLabel(command.title), None, PlainLabel(command.shortcut, "key")))
        self._lines.addStretch()
        self._area.setMinimumHeight(min(480, self._lines.sizeHint().height() + 8))
        self.appear(self.close_button)
