"""The filter as text and as chips: two views of one ``AuditFilter``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import QInputMethodEvent, QKeyEvent, QPainter, QPaintEvent, QTextCharFormat
from PySide6.QtWidgets import QApplication, QMenu, QWidget

from backend_core.errors import InvalidInput
from desktop.i18n import tr
from desktop.pages.audit.words import OUTCOMES, chip_words, family, family_title, filter_parts
from desktop.style import colour
from desktop.widgets import paint
from desktop.widgets.button import Button
from desktop.widgets.chips import FilterChip, FlowLayout
from desktop.widgets.field import Field, key_cap
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import column, row

if TYPE_CHECKING:
    from backend_core.audit.query import AuditFilter

_TYPING_MS: Final = 450
_TIMES: Final = ("1h", "24h", "7d", "30d")
_MOST_NAMES: Final = 24


class FilterField(Field):
    """The text of the filter; the words before the colons are coloured."""

    committed = Signal(str)
    """The text after a pause, at once on Enter."""
    escaped = Signal()

    def __init__(self) -> None:
        super().__init__(name=tr("Filter"), hint=tr("Filter, for example actor:ana action:audio.* since:7d"))
        self.setTextMargins(24, 0, 30, 0)
        self.setMinimumWidth(200)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_TYPING_MS)
        self._pause.timeout.connect(self._commit)
        self.textEdited.connect(self._pause.start)
        self.returnPressed.connect(self._commit)
        self.textChanged.connect(self._tint)

    def show_text(self, text: str) -> None:
        """Show the text of a filter that came from elsewhere."""
        self._pause.stop()
        if text != self.text():
            self.setText(text)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Hand Esc on: it takes the last chip away."""
        if event.key() == Qt.Key.Key_Escape:
            self.escaped.emit()
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Colour the words again when the theme changed."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._tint()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the field, its icon and the key that leads here."""
        super().paintEvent(event)
        painter = QPainter(self)
        paint.begin(painter)
        tone = "accent" if self.hasFocus() else "muted"
        paint.icon(painter, QPointF(10, (self.height() - 16) / 2), "list-filter", tone)
        if not self.hasFocus():
            key_cap(painter, QRectF(self.rect()).adjusted(0, 0, -8, 0), "/")

    def _commit(self) -> None:
        self._pause.stop()
        self.committed.emit(self.text())

    def _tint(self) -> None:
        """Colour the keys; a line edit takes formats only as part of an input method event."""
        attributes, at = [], 0
        for word in self.text().split(" "):
            length = word.find(":") + 1
            if length > 1:
                look = QTextCharFormat()
                look.setForeground(colour("accent"))
                kind = QInputMethodEvent.AttributeType.TextFormat
                attributes.append(QInputMethodEvent.Attribute(kind, at - self.cursorPosition(), length, look))
            at += len(word) + 1
        QApplication.sendEvent(self, QInputMethodEvent("", attributes))


class FilterBar(QWidget):
    """Field, a line for mistakes, and chips. ``changed`` carries the filter the user asks for now."""

    changed = Signal(object)

    def __init__(self, *, right: Iterable[QWidget] = (), views: QWidget | None = None) -> None:
        super().__init__()
        from backend_core.audit.query import AuditFilter

        self._make = AuditFilter
        self.wanted: AuditFilter = AuditFilter()
        self.known_names: tuple[str, ...] = ()
        self.known_actions: tuple[str, ...] = ()
        """What the menus offer."""
        self.field = FilterField()
        self.problem = PlainLabel("", "small", tone="bad", wrap=True)
        self.problem.hide()
        self.chips: list[FilterChip] = []
        self._flow = FlowLayout()
        makers = ((tr("Time"), self._time_menu), (tr("Actor"), self._actor_menu), (tr("Action"), self._action_menu))
        self.adders = [_adder(words, fill) for words, fill in (*makers, (tr("Outcome"), self._outcome_menu))]
        for button in self.adders:
            self._flow.addWidget(button)
        if views is not None:
            self._flow.addWidget(views)
        self.setLayout(column(row((self.field, 1), *right, gap=8), self.problem, self._flow, gap=8))
        self.field.committed.connect(self._typed)
        self.field.escaped.connect(self.drop_last)

    def show_filter(self, wanted: AuditFilter) -> None:
        """Show ``wanted`` as text and chips without telling anybody."""
        self.wanted = wanted
        self.field.show_text(wanted.text())
        self.problem.hide()
        self._show_chips()

    @property
    def empty_filter(self) -> AuditFilter:
        """The filter that wants everything."""
        return self._make()

    def focus_text(self) -> None:
        """Put the cursor into the text."""
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.field.end(False)  # noqa: FBT003 - Qt's signature

    def type_text(self, text: str) -> None:
        """Take ``text`` as if it had been typed."""
        self.field.show_text(text)
        self._typed(text)

    def show_problem(self, words: str) -> None:
        """Say under the field what is wrong with it; no words: nothing is."""
        self.problem.setText(words)
        self.problem.setVisible(bool(words))

    def ask(self, wanted: AuditFilter) -> None:
        """Show ``wanted`` and say that it was asked for."""
        self.show_filter(wanted)
        self.changed.emit(wanted)

    def drop(self, key: str) -> None:
        """Take one part of the filter away."""
        self.ask(replace(self.wanted, **{key: None if key in {"since", "until"} else ()}))  # type: ignore[arg-type]  # both kinds fit their key

    def drop_last(self) -> None:
        """Take the last chip away; without one, give the mistaken text up."""
        parts = filter_parts(self.wanted)
        if not self.problem.isHidden() or not parts:
            self.show_filter(self.wanted)
        else:
            self.drop(parts[-1][0])

    def add(self, key: str, value: str) -> None:
        """Want ``value`` too."""
        kept: tuple[str, ...] = getattr(self.wanted, key)
        if value not in kept:
            self.ask(replace(self.wanted, **{key: (*kept, value)}))  # type: ignore[arg-type]  # every key here holds a tuple

    def _typed(self, text: str) -> None:
        try:
            wanted = self._make.parse(text)
        except InvalidInput as error:
            self.show_problem(str(error))
            return
        self.show_problem("")
        if wanted != self.wanted:
            self.wanted = wanted
            self._show_chips()
            self.changed.emit(wanted)

    def _show_chips(self) -> None:
        for chip in self.chips:
            self._flow.removeWidget(chip)
            chip.hide()
            chip.deleteLater()
        self.chips = []
        for place, (key, values) in enumerate(filter_parts(self.wanted)):
            chip = FilterChip(chip_words(key, values))
            chip.removed.connect(partial(self.drop, key))
            chip.clicked.connect(partial(self._edit, key))
            chip.setParent(self)
            self._flow.insert(place, chip)
            chip.show()
            self.chips.append(chip)
        self.updateGeometry()

    def _edit(self, key: str) -> None:
        """Put the cursor behind the values of ``key`` in the text."""
        self.field.setFocus()
        at = self.field.text().find(f"{key}:")
        end = self.field.text().find(" ", at)
        self.field.setCursorPosition(len(self.field.text()) if end < 0 else end)

    def _time_menu(self, menu: QMenu) -> None:
        for value in _TIMES:
            _entry(menu, chip_words("since", (value,)), partial(self._since, value))

    def _since(self, value: str) -> None:
        self.ask(replace(self.wanted, since=value, until=None))

    def _actor_menu(self, menu: QMenu) -> None:
        for name in self.known_names[:_MOST_NAMES]:
            _entry(menu, name, partial(self.add, "actor", name))
        self._by_hand(menu, "actor")

    def _action_menu(self, menu: QMenu) -> None:
        for name in sorted({family(action) for action in self.known_actions}, key=family_title):
            inner = menu.addMenu(family_title(name).replace("&", "&&"))
            _entry(inner, tr("All of {family}", family=family_title(name)), partial(self.add, "action", f"{name}.*"))
            inner.addSeparator()
            for action in sorted(one for one in self.known_actions if family(one) == name):
                _entry(inner, action, partial(self.add, "action", action))
        self._by_hand(menu, "action")

    def _outcome_menu(self, menu: QMenu) -> None:
        for outcome in OUTCOMES:
            _entry(menu, outcome, partial(self.add, "outcome", outcome))

    def _by_hand(self, menu: QMenu, key: str) -> None:
        if not menu.isEmpty():
            menu.addSeparator()
        _entry(menu, tr("Type it …"), partial(self._type, key))

    def _type(self, key: str) -> None:
        text = self.field.text().strip()
        self.field.setText(f"{text} {key}:".strip())
        self.field.setFocus()


def _entry(menu: QMenu, words: str, run: Callable[[], object]) -> None:
    action = menu.addAction(words.replace("&", "&&"))
    action.triggered.connect(lambda _checked=False: run())


def _adder(words: str, fill: Callable[[QMenu], None]) -> Button:
    button = Button(words, "chip", icon_name="plus", name=tr("Filter by {what}", what=words.lower()))

    def open_menu() -> None:
        menu = QMenu(button)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        fill(menu)
        menu.popup(button.mapToGlobal(button.rect().bottomLeft()))

    button.clicked.connect(lambda _checked=False: open_menu())
    return button
