"""Every conversation in one list: who, with whom, and when something was last said, but not what."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Signal
from PySide6.QtGui import QPainter

from desktop.i18n import number, tr
from desktop.pages.conversations.lines import TalkLine
from desktop.pages.conversations.words import DIRECT, GROUP
from desktop.style import MEDIUM
from desktop.widgets import avatar, paint
from desktop.widgets.button import SegmentedControl
from desktop.widgets.card import Card
from desktop.widgets.field import SearchField
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import column, holder, row, rule
from desktop.widgets.states import EmptyState
from desktop.widgets.table import CellState, Column, Table

ROW_HEIGHT = 58
WIDTH = 328


class ListCard(Card):
    """``asked`` says that the filter changed, ``chosen`` carries a ``TalkLine``."""

    asked = Signal()
    chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__(flush=True)
        self.setMinimumWidth(270)
        self.setMaximumWidth(WIDTH)
        self.search = SearchField(name=tr("Search conversations"), hint=tr("Name, phone or group"), key="/")
        self.search.searched.connect(lambda _words: self.asked.emit())
        self.kind = SegmentedControl([("", tr("All")), (DIRECT, tr("Direct")), (GROUP, tr("Group"))], name=tr("Kind"))
        self.kind.chosen.connect(lambda _key: self.asked.emit())
        self.empty = EmptyState("messages-square", tr("No conversation matches"))
        self.table = Table([_column()], name=tr("Conversations"), row_height=ROW_HEIGHT, key=lambda line: line.key, empty=self.empty)
        self.table.horizontalHeader().hide()
        self.table.selected.connect(self._select)
        self.count = PlainLabel("", "small")
        head = holder(column(self.search, row(self.kind, None), gap=8, margins=(12, 12, 12, 10)))
        self.add(head, rule(), (self.table, 1), rule(), holder(row(self.count, None, margins=(14, 0, 14, 0)), height=34))

    @property
    def wanted(self) -> tuple[str, str]:
        """The words and the kind that are asked for."""
        return self.search.text().strip(), str(self.kind.current)

    def show_lines(self, lines: tuple[TalkLine, ...], *, more: bool) -> None:
        """Show conversations, the latest first."""
        self.table.set_rows(lines)
        count = number(len(lines))
        self.count.setText(
            tr("latest {n}", n=count) if more else tr("{n} conversations", n=count) if len(lines) != 1 else tr("1 conversation")
        )
        # where there is no conversation at all, the place beside the list says so
        filtered = self.wanted != ("", "")
        self.empty.tile.setVisible(filtered)
        self.empty.set_words(tr("No conversation matches") if filtered else "")

    def add_lines(self, lines: tuple[TalkLine, ...]) -> None:
        """Append earlier conversations."""
        self.table.append_rows(lines)
        self.count.setText(tr("latest {n}", n=number(len(self.table.rows))))

    def _select(self, line: TalkLine | None) -> None:
        if line is not None:
            self.chosen.emit(line)


def _column() -> Column:
    return Column("talk", tr("Conversation"), lambda line: f"{line.title}, {line.below}, {line.last}", _paint)


def _paint(painter: QPainter, rect: QRectF, line: TalkLine, state: CellState) -> None:
    kind = avatar.GROUP if line.kind == GROUP else avatar.PERSON
    avatar.draw(painter, QRectF(rect.x(), rect.center().y() - 16, 32, 32), line.title, kind)
    left, top = rect.x() + 44, rect.center().y() - 19
    tone = "text" if state.selected else "muted"
    when = paint.advance(line.last, 12)
    paint.text(painter, QRectF(left, top, rect.right() - left - when - 8, 19), line.title, weight=MEDIUM)
    paint.text(painter, QRectF(rect.right() - when - 1, top, when + 1, 19), line.last, size=12, tone=tone, align=paint.RIGHT, elide=False)
    count = number(line.messages)
    width = paint.advance(count, 12)
    paint.text(painter, QRectF(left, top + 19, rect.right() - left - width - 26, 18), line.below, size=12, tone=tone)
    paint.text(
        painter, QRectF(rect.right() - width - 1, top + 19, width + 1, 18), count, size=12, tone=tone, align=paint.RIGHT, elide=False
    )
    paint.icon(painter, QPointF(rect.right() - width - 18, top + 22), "message-square", tone, size=13)
