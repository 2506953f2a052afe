"""One session in detail: what it does, whom it waits for and keeps waiting, and how to stop it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication

from desktop.i18n import date_time, tr
from desktop.pages.database.server_words import name_of, origin, span, state_tone, state_words, statement
from desktop.widgets.badge import Badge
from desktop.widgets.button import Button
from desktop.widgets.code_box import CodeBox
from desktop.widgets.drawer import Drawer
from desktop.widgets.key_values import Fact, KeyValues
from desktop.widgets.label import PlainLabel, over
from desktop.widgets.layout import column, holder, row

if TYPE_CHECKING:
    from backend_core.monitoring.server.records import BlockNode, SessionRow

_NAME_WIDTH: Final = 92


class SessionDrawer(Drawer):
    """Shows a session; ``cancel_wanted`` and ``terminate_wanted`` carry it."""

    cancel_wanted = Signal(object)
    terminate_wanted = Signal(object)
    copied = Signal()

    def __init__(self, *, may_stop: bool) -> None:
        super().__init__(width=408)
        self.may_stop = may_stop
        self.session: SessionRow | None = None
        self.state, self.ended = Badge(), Badge()
        self.facts = KeyValues(name_width=_NAME_WIDTH)
        self.other_head, self.other = over(""), CodeBox(name=tr("Statement that keeps it waiting"))
        self.own_head, self.own = over(tr("Statement")), CodeBox(name=tr("Statement"))
        self.note = PlainLabel(tr("Values in quotes are left out."), "small", wrap=True)
        self.why = PlainLabel("", "small", wrap=True)
        self.copy = Button("", "ghost", icon_name="copy", name=tr("Copy the details of this session"), on_click=self.copy_details)
        self.tools.addWidget(self.copy)
        self.cancel = Button(tr("Cancel statement…"), icon_name="circle-stop", on_click=lambda: self.cancel_wanted.emit(self.session))
        self.terminate = Button(tr("Terminate…"), "danger", icon_name="ban", on_click=lambda: self.terminate_wanted.emit(self.session))
        self.other_part = holder(column(self.other_head, self.other, gap=6))
        for part in (
            holder(row(self.state, self.ended, None, gap=6)), self.facts, self.other_part, self.own_head, self.own, self.note, self.why,
            holder(row(self.cancel, self.terminate, None, gap=8)),
        ):  # fmt: skip
            self.body.addWidget(part)
        self.body.addStretch(1)
        self.other_part.hide()

    def show_session(self, session: SessionRow, *, blocks: tuple[int, ...] = ()) -> None:
        """Show ``session`` and which sessions wait for it."""
        self.session = session
        self.show_titles(tr("pid {pid}", pid=session.pid) if session.pid else session.kind, name_of(session))
        self.state.show_state(state_words(session), state_tone(session))
        self.ended.show_state("")
        self.facts.set_facts(_facts(session, blocks))
        self.own.show_code(session.query or statement(session))
        self.note.setVisible("'…'" in (session.query or ""))
        self.other_part.hide()
        self._show_buttons(session)

    def show_node(self, node: BlockNode, above: BlockNode | None) -> None:
        """Show a session of a tree with the statement of the one that keeps it waiting."""
        self.show_session(node.session, blocks=tuple(child.session.pid for child in node.children))
        self.own_head.setText((tr("Waiting statement") if above is not None else tr("Statement, the last of its transaction")).upper())
        if above is not None:
            self.other_head.setText(tr("Kept waiting by pid {pid}", pid=above.session.pid).upper())
            self.other.show_code(above.session.query or statement(above.session))
            self.other_part.show()

    def show_ended(self) -> None:
        """Say that the session is there no more."""
        self.ended.show_state(tr("ended"), "none")
        for button in (self.cancel, self.terminate):
            button.setEnabled(False)

    def copy_details(self) -> None:
        """Put everything shown on the clipboard as text."""
        session = self.session
        if session is not None:
            lines = [f"{fact.name}: {fact.value}" for fact in _facts(session, ())]
            QGuiApplication.clipboard().setText("\n".join((*lines, session.query or statement(session))))
            self.copied.emit()

    def _show_buttons(self, session: SessionRow) -> None:
        words = _refusal(session, may_stop=self.may_stop)
        self.why.setText(words)
        self.why.setVisible(bool(words))
        self.cancel.setVisible(not words)
        self.terminate.setVisible(not words)
        self.cancel.setEnabled(session.state == "active" or bool(session.blocked_by))
        self.terminate.setEnabled(True)


def _refusal(session: SessionRow, *, may_stop: bool) -> str:
    if session.started_at is None:
        return tr("The server does not say when this session began, so it is not stopped from here.") if session.pid else ""
    if session.monitor:
        return tr("This is Lectern's own watching session; it is not stopped from here.")
    return "" if may_stop else tr("Only administrators stop sessions.")


def _facts(session: SessionRow, blocks: tuple[int, ...]) -> list[Fact]:
    def pids(found: tuple[int, ...]) -> str:
        return ", ".join(str(pid) for pid in found) or tr("nobody")

    return [
        Fact(tr("User"), session.user or tr("none")),
        Fact(tr("From"), origin(session)),
        Fact(tr("Began"), date_time(session.started_at) if session.started_at else tr("hidden"), unknown=session.started_at is None),
        Fact(tr("Transaction"), tr("none open") if session.transaction_s is None else span(session.transaction_s)),
        Fact(tr("In this state"), span(session.state_s)),
        Fact(tr("Waits on"), session.wait or tr("nothing")),
        Fact(tr("Waits for"), pids(session.blocked_by)),
        Fact(tr("Keeps waiting"), pids(blocks)),
    ]
