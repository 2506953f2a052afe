"""A small calendar with a time, to go to a moment in a long list."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final

from PySide6.QtCore import QDate, QLocale, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.i18n import tr
from desktop.style import MEDIUM, SEMIBOLD
from desktop.widgets import paint
from desktop.widgets.button import Button
from desktop.widgets.dialogs import Dialog
from desktop.widgets.field import Field
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import holder, row

_CELL: Final = 36
_DAYS: Final = 7
_WEEKS: Final = 6
_HEADING: Final = 26
_STEPS: Final = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Up: -7, Qt.Key.Key_Down: 7}


class MonthGrid(QWidget):
    """The days of one month; arrows move the chosen day, Page Up and Page Down the month."""

    chosen = Signal(object)
    """The ``date`` that is chosen now."""
    taken = Signal()
    """Enter or a double click: this day, please."""

    def __init__(self, day: date, *, oldest: date, newest: date) -> None:
        super().__init__()
        self.day = day
        self._oldest, self._newest, self._today = oldest, newest, date.today()  # noqa: DTZ011 - the user's own calendar day
        self._hovered: date | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(self.sizeHint().height())
        self._name()

    def sizeHint(self) -> QSize:
        """Return room for six weeks and the week days."""
        return QSize(_DAYS * _CELL, _HEADING + _WEEKS * _CELL)

    def choose(self, day: date) -> None:
        """Choose ``day``, or the nearest one there are rows for."""
        self.day = min(max(day, self._oldest), self._newest)
        self._name()
        self.chosen.emit(self.day)
        self.update()

    def move_month(self, months: int) -> None:
        """Go ``months`` on, to the same day where the month has it."""
        moved = QDate(self.day.year, self.day.month, self.day.day).addMonths(months)
        self.choose(date(moved.year(), moved.month(), moved.day()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Move the chosen day."""
        key = Qt.Key(event.key())
        if key in _STEPS:
            self.choose(self.day + timedelta(days=_STEPS[key]))
        elif key in (Qt.Key.Key_PageUp, Qt.Key.Key_PageDown):
            self.move_month(-1 if key == Qt.Key.Key_PageUp else 1)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.taken.emit()
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose a day."""
        day = self._day_at(event.position())
        if day is not None and self._usable(day):
            self.choose(day)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Choose a day and go."""
        self.mousePressEvent(event)
        self.taken.emit()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Light up the day under the mouse."""
        self._hovered = self._day_at(event.position())
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw week days and days."""
        painter = QPainter(self)
        paint.begin(painter)
        for number in range(_DAYS):
            name = QLocale().dayName((self._first_weekday() + number - 1) % _DAYS + 1, QLocale.FormatType.ShortFormat)
            place = QRectF(self._left(number), 0, self._width(), _HEADING)
            paint.text(painter, place, name, size=11, tone="muted", align=paint.CENTRE, weight=SEMIBOLD)
        for number in range(_DAYS * _WEEKS):
            self._paint_day(painter, self._start() + timedelta(days=number), number)

    def _paint_day(self, painter: QPainter, day: date, number: int) -> None:
        middle = QPointF(self._left(number % _DAYS) + self._width() / 2, _HEADING + (number // _DAYS) * _CELL + _CELL / 2)
        spot = QRectF(middle.x() - 16, middle.y() - 15, 32, 30)
        usable, chosen = self._usable(day), day == self.day
        if chosen:
            paint.box(painter, spot, 8, fill="solid", line="text" if self.hasFocus() else None, width=2)
        elif day == self._hovered and usable:
            paint.box(painter, spot, 8, fill="hover")
        elif day == self._today:
            paint.box(painter, spot, 8, line="line2")
        tone = "white" if chosen else "text" if usable and day.month == self.day.month else "muted" if usable else "faint"
        paint.text(painter, spot, str(day.day), tone=tone, align=paint.CENTRE, weight=MEDIUM if usable else 400, elide=False)

    def _usable(self, day: date) -> bool:
        return self._oldest <= day <= self._newest

    def _first_weekday(self) -> int:
        return QLocale().firstDayOfWeek().value

    def _start(self) -> date:
        first = self.day.replace(day=1)
        return first - timedelta(days=(first.isoweekday() - self._first_weekday()) % _DAYS)

    def _width(self) -> float:
        return self.width() / _DAYS

    def _left(self, place: int) -> float:
        return place * self._width()

    def _day_at(self, place: QPointF) -> date | None:
        line, lane = int((place.y() - _HEADING) // _CELL), int(place.x() // max(1.0, self._width()))
        inside = place.y() >= _HEADING and line < _WEEKS and 0 <= lane < _DAYS
        return self._start() + timedelta(days=line * _DAYS + lane) if inside else None

    def _name(self) -> None:
        self.setAccessibleName(QLocale().toString(QDate(self.day.year, self.day.month, self.day.day), QLocale.FormatType.LongFormat))


class DateJump(Dialog):
    """Asks for a day and a time in local time; ``on_go`` gets the aware moment after the dialog has closed."""

    def __init__(self, parent: QWidget, *, oldest: datetime, newest: datetime, on_go: Callable[[datetime], object]) -> None:
        first, last = oldest.astimezone(), newest.astimezone()
        words = tr("There are events from {oldest} to {newest}.", oldest=_words(first), newest=_words(last))
        super().__init__(parent, tr("Jump to date"), words, icon_name="calendar-search")
        self._on_go = on_go
        self.grid = MonthGrid(last.date(), oldest=first.date(), newest=last.date())
        self.time = Field(name=tr("Time, hours and minutes"), value="23:59")
        self.time.setMaxLength(5)
        self.time.setFixedWidth(72)
        self.month = PlainLabel("", "heading")
        back = Button("", "ghost", icon_name="chevron-left", name=tr("Month before"), on_click=lambda: self.grid.move_month(-1))
        on = Button("", "ghost", icon_name="chevron-right", name=tr("Month after"), on_click=lambda: self.grid.move_month(1))
        self.body.addWidget(holder(row(self.month, None, back, on, gap=2), height=28))
        self.body.addWidget(self.grid)
        zone = PlainLabel(last.tzname() or "", "small")
        self.body.addWidget(holder(row(PlainLabel(tr("At"), "small"), self.time, zone, None, *self._shortcuts(first, last)), height=32))
        self.problem = PlainLabel("", "small", tone="bad")
        self.problem.hide()
        self.body.addWidget(self.problem)
        self.add_button(tr("Cancel"), self.reject)
        self.add_button(tr("Go there"), self._go, kind="primary", default=True)
        self.grid.chosen.connect(self._show_month)
        self.grid.taken.connect(self._go)
        self._show_month(self.grid.day)
        self.grid.setFocus()

    def _shortcuts(self, first: datetime, last: datetime) -> tuple[Button, ...]:
        week = last - timedelta(days=7)
        choices = ((tr("A week before"), week), (tr("The first event"), first))
        return tuple(Button(words, "small", on_click=partial(self._set, moment)) for words, moment in choices)

    def _set(self, moment: datetime) -> None:
        self.grid.choose(moment.date())
        self.time.setText(moment.strftime("%H:%M"))

    def _show_month(self, day: date) -> None:
        self.month.setText(f"{QLocale().standaloneMonthName(day.month)} {day.year}")

    def _go(self) -> None:
        try:
            time = datetime.strptime(self.time.text().strip(), "%H:%M").time()  # noqa: DTZ007 - a time of day, given its zone below
        except ValueError:
            self.problem.setText(tr("A time looks like 14:05."))
            self.problem.show()
            return
        # The whole minute belongs to what was asked for.
        moment = datetime.combine(self.grid.day, time.replace(second=59, microsecond=999_999)).astimezone()
        self.accept()
        self._on_go(moment)


def _words(moment: datetime) -> str:
    return QLocale().toString(QDate(moment.year, moment.month, moment.day), QLocale.FormatType.ShortFormat)
