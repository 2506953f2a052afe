"""Where one connection was taken, and what the server says about it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QStackedWidget

from desktop.i18n import tr
from desktop.pages.database.figures import held_for
from desktop.pages.database.frame_list import FrameList
from desktop.widgets.badge import Badge
from desktop.widgets.button import Button
from desktop.widgets.key_values import Fact, KeyValues
from desktop.widgets.label import PlainLabel, over
from desktop.widgets.layout import column, holder, row

if TYPE_CHECKING:
    from backend_core.monitoring.records import HolderRow

_SIDE_WIDTH: Final = 252
_NAME_WIDTH: Final = 76
_HEIGHT: Final = 188


class HolderDetail(QStackedWidget):
    """One connection in detail, or a line that says how to get there; ``copied`` says that it is on the clipboard.

    ``session_wanted`` carries the pid of the server's session, to be shown where it can be ended.
    """

    copied = Signal()
    session_wanted = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(_HEIGHT)
        self.frames = FrameList()
        self.taken_at = PlainLabel("", "small")
        self.heading = over("")
        self.facts = KeyValues(name_width=_NAME_WIDTH)
        self.ended = Badge(tr("returned"), "ok")
        self.copy = Button(tr("Copy"), icon_name="copy", name=tr("Copy the details of this connection"), on_click=self.copy_details)
        self.session = Button(tr("Session"), icon_name="activity", name=tr("Show the session of the server"), on_click=self._want_session)
        self.session.hide()
        self._holder: HolderRow | None = None
        calls = over(tr("Taken here"))
        calls.setToolTip(tr("Innermost call first; the marked one took the connection"))
        left = column(row(calls, None, self.taken_at), (self.frames, 1), gap=6)
        right = holder(column(row(self.heading, None, self.ended), self.facts, None, row(self.session, self.copy, None), gap=6))
        right.setFixedWidth(_SIDE_WIDTH)
        self._hint = PlainLabel(tr("Select a connection to see who took it, and where."), "muted")
        self.addWidget(holder(row(None, self._hint, None, margins=16)))
        pair = row(gap=16, margins=(16, 10, 16, 12), stretch_height=True)
        pair.addLayout(left, 1)
        pair.addWidget(right)
        self.addWidget(holder(pair))
        self.show_nothing()

    @property
    def shown(self) -> HolderRow | None:
        """The connection that is shown."""
        return self._holder

    def show_nothing(self) -> None:
        """Show the hint."""
        self._holder = None
        self.setCurrentIndex(0)

    def show_holder(self, found: HolderRow, *, at: dt.datetime) -> None:
        """Show ``found`` as it was ``at`` that moment, UTC."""
        self._holder = found
        taken = (at - dt.timedelta(seconds=found.held_s)).astimezone()
        self.taken_at.setText(tr("check-out {time}", time=f"{taken:%H:%M:%S}"))
        self.frames.set_frames(found.frames)
        pid = str(found.server_pid) if found.server_pid else tr("unknown")
        self.heading.setText(tr("Server pid {pid}", pid=pid).upper())
        self.ended.hide()
        self.facts.set_facts(self._facts(found))
        self.setCurrentIndex(1)

    def show_ended(self) -> None:
        """Say that the shown connection was given back."""
        self.ended.show()

    def copy_details(self) -> None:
        """Put everything shown on the clipboard as text."""
        if self._holder is not None:
            QGuiApplication.clipboard().setText(details(self._holder, calls=self.frames.text()))
            self.copied.emit()

    def _want_session(self) -> None:
        if self._holder is not None and self._holder.server_pid:
            self.session_wanted.emit(self._holder.server_pid)

    @staticmethod
    def _facts(found: HolderRow) -> list[Fact]:
        away = found.state is None
        return [
            Fact(tr("Transaction"), tr("not seen") if away else transaction(found), unknown=away),
            Fact(tr("Blocks"), tr("not seen") if away else blocks(found), tone="bad" if found.blocks else "", unknown=away),
            Fact(tr("Last query"), found.last_query or tr("none seen"), mono=bool(found.last_query)),
            Fact(tr("Role"), role(found), unknown=away),
        ]


def waits_on(found: HolderRow) -> str:
    """Return what the server process waits on, in the server's own words."""
    return found.wait_event or tr("nothing")


def transaction(found: HolderRow) -> str:
    """Return the age of the transaction."""
    return tr("none open") if found.transaction_s is None else held_for(found.transaction_s)


def role(found: HolderRow) -> str:
    """Return who the server takes it for, and from which computer."""
    host = found.application.partition("@")[2].rpartition(":")[0]
    return tr("{user}, from {host}", user=found.user or tr("not seen"), host=host or found.application)


def blocks(found: HolderRow) -> str:
    """Return which sessions wait for this one."""
    return tr("pid {pids}", pids=", ".join(str(pid) for pid in found.blocks)) if found.blocks else tr("nobody")


def details(found: HolderRow, *, calls: str) -> str:
    """Return the lines ``Copy`` puts on the clipboard."""
    lines = (
        tr("Connection held for {time} by {label}", time=held_for(found.held_s), label=found.label),
        tr("process {application}, thread {thread}", application=found.application, thread=found.thread),
        tr("server pid {pid}, {state}, waits on {event}", pid=found.server_pid or "?", state=found.state or "?", event=waits_on(found)),
        tr("transaction {time}, blocks {who}", time=transaction(found), who=blocks(found)),
        tr("last query: {query}", query=found.last_query or "?"),
        tr("taken here, innermost call first:"),
        calls,
    )
    return "\n".join(lines)
