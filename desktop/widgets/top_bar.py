"""The bar above the pages: where you are, the command field, whether the database answers, theme and help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QFrame, QGridLayout, QPushButton, QSizePolicy, QWidget

from desktop.i18n import number, tr
from desktop.style import MEDIUM, SEMIBOLD, colour
from desktop.widgets import paint
from desktop.widgets.badge import Badge
from desktop.widgets.button import Button
from desktop.widgets.field import key_cap
from desktop.widgets.label import plain_tip
from desktop.widgets.layout import holder, row

HEIGHT = 54
LinkState = Literal["unknown", "connected", "offline"]
_SIDE_ROOM = 300
_FIELD = 340
_PART = 180.0
_STRIP = 2
_DISC = 28
_ROLE_FROM = 1100


class Breadcrumb(QWidget):
    """Profile, page and place, the last one in full colour."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: tuple[str, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumWidth(120)

    def show_parts(self, parts: Sequence[str]) -> None:
        """Show where the user is."""
        self._parts = tuple(part for part in parts if part)
        self.setAccessibleName(tr("You are here: {path}", path=" / ".join(self._parts)))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the parts with chevrons between them."""
        painter = QPainter(self)
        left = 0.0
        for place, part in enumerate(self._parts):
            last = place == len(self._parts) - 1
            wide = min(paint.advance(part, 13, MEDIUM) + 1, self.width() - left if last else _PART)
            room = QRectF(left, 0, max(0.0, wide), self.height())
            paint.text(painter, room, part, tone="text" if last else "muted", weight=MEDIUM)
            left += wide
            if not last:
                paint.icon(painter, QPointF(left + 6, self.height() / 2 - 7), "chevron-right", "faint", size=14)
                left += 26


class CommandField(QPushButton):
    """Looks like a search field and opens the palette."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(tr("Search or run a command"))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMinimumSize(200, 32)
        self.setMaximumSize(_FIELD, 32)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Return the drawn size."""
        return QSize(_FIELD, 32)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw a field with its key."""
        painter = QPainter(self)
        paint.begin(painter)
        whole = QRectF(self.rect())
        ground = "hover" if self.underMouse() else "bg"
        focus = self.hasFocus()
        paint.box(painter, whole, 7.5, fill=ground, line="accent" if focus else "line2", width=2 if focus else 1)
        paint.icon(painter, QPointF(10, 8), "search")
        paint.text(painter, whole.adjusted(34, 0, -60, 0), tr("Search or run a command"), tone="muted")
        key_cap(painter, whole.adjusted(0, 0, -8, 0), "Ctrl K")


class LinkLabel(QWidget):
    """Whether the database answers: a filled dot, a hatched one while unknown, a crossed icon when it does not; always in words."""

    def __init__(self) -> None:
        super().__init__()
        self._state: LinkState = "unknown"
        self._words = ""
        self.setFixedHeight(24)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.show_link("unknown")

    def show_link(self, state: LinkState, *, ms: float | None = None) -> None:
        """Show a state; ``ms`` is the last round trip."""
        words = {"unknown": tr("Connecting"), "offline": tr("Offline"), "connected": tr("Connected")}[state]
        if state == "connected" and ms is not None:
            words = tr("Connected · {ms} ms", ms=round(ms) if ms >= 1 else "<1")
        self._state, self._words = state, words
        self.setAccessibleName(tr("Database: {state}", state=words))
        self.setFixedWidth(round(paint.advance(words, 12)) + 24)
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw mark and words."""
        painter = QPainter(self)
        paint.begin(painter)
        if self._state == "connected":
            paint.box(painter, QRectF(2, 8, 8, 8), 4, fill="ok")
        elif self._state == "unknown":
            paint.hatch(painter, QRectF(0, 6, 12, 12), 6)
        else:
            paint.icon(painter, QPointF(0, 5), "wifi-off", "bad", size=14)
        tone = "bad" if self._state == "offline" else "muted"
        paint.text(painter, QRectF(18, 0, self.width() - 18, 24), self._words, size=12, tone=tone, elide=False)


class Person(QAbstractButton):
    """The initials of who is signed in; a click opens what that person may do for themself."""

    def __init__(self) -> None:
        super().__init__()
        self._initials, self._role, self._named = "", "", False
        self.setFixedSize(_DISC, _DISC)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.hide()

    def show_person(self, name: str, role: str) -> None:
        """Show initials; name and role are in the tool tip."""
        words = name.replace(".", " ").replace("_", " ").split()
        self._role = role
        self._initials = "".join(word[0] for word in words[:2]).upper() or "?"
        self.setToolTip(plain_tip(f"{name}, {role}"))
        self.setAccessibleName(tr("Signed in as {name}, {role}", name=name, role=role))
        self.show()
        self.show_role(on=self._named)

    def show_role(self, *, on: bool) -> None:
        """Write the role before the initials, where there is room for it."""
        self._named = on
        self.setFixedWidth(_DISC + (round(paint.advance(self._role, 12)) + 10 if on and self._role else 0))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the role and the disc, and a ring while the keyboard is here."""
        painter = QPainter(self)
        paint.begin(painter)
        disc = QRectF(self.width() - _DISC, 0, _DISC, _DISC)
        paint.text(
            painter, QRectF(0, 0, self.width() - _DISC, _DISC), self._role if self._named else "", size=12, tone="muted", elide=False
        )
        paint.box(painter, disc, 14, fill="solid")
        if self.hasFocus():
            paint.box(painter, disc.adjusted(1, 1, -1, -1), 13, line="white", width=2)
        paint.text(painter, disc, self._initials, size=11, tone="white", weight=SEMIBOLD, align=paint.CENTRE, elide=False)


class Bell(Button):
    """Opens the newest notices; a dot says that some came since somebody last looked, and its name says how many."""

    def __init__(self) -> None:
        super().__init__("", "ghost", icon_name="bell", name=tr("Notices"))
        self.unread = 0

    def show_unread(self, count: int) -> None:
        """Show the dot while ``count`` is above 0."""
        if count != self.unread:
            self.unread = count
            words = tr("Notices, 1 new") if count == 1 else tr("Notices, {n} new", n=number(count))
            self.set_caption("", name=words if count else tr("Notices"))
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the button and the dot."""
        super().paintEvent(event)
        if self.unread:
            painter = QPainter(self)
            paint.begin(painter)
            dot = QRectF(self.width() / 2 + 2, self.height() / 2 - 10, 8, 8)
            paint.box(painter, dot, 4, fill="bad_fill", line="surface")


class TopBar(QFrame):
    """54 px: breadcrumb, command field, connection, notices, theme, help, person."""

    palette_wanted = Signal()
    theme_wanted = Signal()
    help_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("top")
        self.setFixedHeight(HEIGHT)
        self.crumbs, self.command, self.link, self.person = Breadcrumb(), CommandField(), LinkLabel(), Person()
        self.theme = Button("", "ghost", icon_name="moon", name=tr("Switch between light and dark"), on_click=self.theme_wanted.emit)
        guide = Button("", "ghost", icon_name="circle-question-mark", name=tr("Keyboard shortcuts"), on_click=self.help_wanted.emit)
        self.bell = Bell()
        self.command.clicked.connect(self.palette_wanted)
        self.mark = Badge()
        """Says that this is no place to try things out."""
        right = holder(row(None, self.mark, 4, self.link, 6, self.bell, self.theme, guide, 2, self.person, gap=6))
        grid = QGridLayout(self)
        grid.setContentsMargins(24, 0, 20, 0)
        grid.setHorizontalSpacing(12)
        for place, part in enumerate((self.crumbs, self.command, right)):
            grid.addWidget(part, 0, place)
        for side in (0, 2):
            grid.setColumnStretch(side, 1)
            grid.setColumnMinimumWidth(side, _SIDE_ROOM)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Leave the role to the tool tip in a narrow window."""
        super().resizeEvent(event)
        self.person.show_role(on=self.width() >= _ROLE_FROM)

    def show_theme(self, *, dark: bool) -> None:
        """Show the icon of the theme a click leads to."""
        self.theme.set_icon("sun" if dark else "moon")


class ProfileStrip(QWidget):
    """Two pixels across the top of the window in the profile's colour, or around it where every change counts."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._hue, self._frame = "line", False
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def show_colour(self, hue: str, *, frame: bool = False) -> None:
        """Change the colour; ``frame`` draws all four sides."""
        self._hue, self._frame = hue, frame
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Fill it."""
        painter, fill, whole = QPainter(self), colour(self._hue), self.rect()
        painter.fillRect(0, 0, whole.width(), _STRIP, fill)
        if self._frame:
            painter.fillRect(0, whole.height() - _STRIP, whole.width(), _STRIP, fill)
            painter.fillRect(0, 0, _STRIP, whole.height(), fill)
            painter.fillRect(whole.width() - _STRIP, 0, _STRIP, whole.height(), fill)
