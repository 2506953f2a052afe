"""The lists of the people page: contacts, and for one person documents, conversations, memories, sessions, failures and readers."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from desktop.i18n import ago, date_time, number, tr
from desktop.pages.people.words import (
    UNTITLED,
    document_state,
    failure_words,
    heard_words,
    kind_words,
    place_words,
    read_words,
    session_state,
    state_words,
)
from desktop.style import MEDIUM, tone_text
from desktop.widgets import avatar, paint
from desktop.widgets.cells import badge_cell, text_cell, two_line_cell
from desktop.widgets.states import EmptyState
from desktop.widgets.table import CellState, Column, Table

if TYPE_CHECKING:
    from backend_core.conversations.records import ContactRow, KeptDocument, PersonContainer, PersonFailure, PersonRead, PersonSession

ROW_HEIGHT: Final = 51
LINE_HEIGHT: Final = 40
_AVATAR: Final = 32


def _now() -> datetime:
    return datetime.now(UTC)


def contact_table(empty: EmptyState) -> Table:
    """Return the list of contacts; its key is the id."""

    def name(one: ContactRow) -> str:
        return one.name

    def phone(one: ContactRow) -> str:
        return one.phone or UNTITLED

    def email(one: ContactRow) -> str:
        return one.email or UNTITLED

    def talks(one: ContactRow) -> str:
        return number(one.conversations)

    def wrote(one: ContactRow) -> str:
        return number(one.messages)

    def heard(one: ContactRow) -> str:
        return heard_words(one, now=_now())

    columns = [
        Column("name", tr("Name"), name, _paint_contact),
        Column("phone", tr("Phone"), phone, text_cell(phone, mono=True), width=130),
        Column("email", tr("E-mail"), email, text_cell(email, tone="muted"), width=160),
        Column("talks", tr("Talks"), talks, text_cell(talks, right=True), width=60, right=True),
        Column("wrote", tr("Wrote"), wrote, text_cell(wrote, right=True), width=70, right=True),
        Column("heard", tr("Last heard"), heard, text_cell(heard, tone="muted", right=True), width=100, right=True),
    ]
    return Table(columns, name=tr("People"), row_height=ROW_HEIGHT, key=lambda one: one.id, empty=empty)


def document_table() -> Table:
    """Return the list of documents kept on a person's behalf."""

    def title(one: KeptDocument) -> str:
        return one.title

    def state(one: KeptDocument) -> tuple[str, str]:
        return document_state(one.status)

    def since(one: KeptDocument) -> str:
        return date_time(one.created_at)

    columns = [
        Column("title", tr("Document"), title, text_cell(title, weight=500)),
        Column("state", tr("State"), lambda one: state(one)[0], badge_cell(state), width=120),
        Column("since", tr("Kept since"), since, text_cell(since, tone="muted"), width=150),
    ]
    detail = tr("A document can be kept for somebody from its details.")
    return _lines(columns, tr("Documents"), EmptyState("file-text", tr("No document is kept for this person"), detail=detail))


def conversation_table() -> Table:
    """Return the list of conversations, counts only."""

    def wrote(one: PersonContainer) -> str:
        return number(one.messages)

    def last(one: PersonContainer) -> str:
        return tr("never") if one.last_at is None else ago(one.last_at, now=_now())

    columns = [
        Column("place", tr("Conversation"), place_words, two_line_cell(place_words, kind_words, icon_name=_place_icon)),
        Column("wrote", tr("Wrote"), wrote, text_cell(wrote, right=True), width=90, right=True),
        Column("last", tr("Last"), last, text_cell(last, tone="muted", right=True), width=120, right=True),
    ]
    empty = EmptyState("messages-square", tr("No conversation yet"))
    return Table(columns, name=tr("Conversations"), row_height=ROW_HEIGHT, key=lambda one: one.container, empty=empty)


def memory_table() -> Table:
    """Return what is remembered in each container, counts only."""

    def kept(one: PersonContainer) -> str:
        return number(one.memories)

    def waiting(one: PersonContainer) -> str:
        return number(one.forgotten) if one.forgotten else UNTITLED

    columns = [
        Column("place", tr("Kept in"), place_words, two_line_cell(place_words, lambda one: one.tag, icon_name=_place_icon)),
        Column("kept", tr("Memories"), kept, text_cell(kept, right=True, weight=500), width=100, right=True),
        Column("waiting", tr("To be erased"), waiting, text_cell(waiting, tone="muted", right=True), width=120, right=True),
    ]
    detail = tr("What is remembered is opened on the Memory page, one conversation at a time and with a reason.")
    empty = EmptyState("brain", tr("Nothing is remembered"), detail=detail)
    return Table(columns, name=tr("Memories"), row_height=ROW_HEIGHT, key=lambda one: one.container, empty=empty)


def session_table() -> Table:
    """Return the list of services Lectern may use in a person's name."""

    def state(one: PersonSession) -> tuple[str, str]:
        return session_state(one, now=_now())

    def until(one: PersonSession) -> str:
        return date_time(one.expires_at)

    columns = [
        Column("provider", tr("Access to"), lambda one: one.provider, text_cell(lambda one: one.provider, weight=500)),
        Column("state", tr("State"), lambda one: state(one)[0], badge_cell(state), width=120),
        Column("until", tr("Until"), until, text_cell(until, tone="muted"), width=150),
    ]
    return _lines(columns, tr("Sessions"), EmptyState("plug", tr("No access to other services")))


def failure_table() -> Table:
    """Return the list of what went wrong for a person."""

    def at(one: PersonFailure) -> str:
        return date_time(one.at)

    columns = [
        Column("at", tr("When"), at, text_cell(at), width=140),
        Column("what", tr("What went wrong"), failure_words, text_cell(failure_words)),
    ]
    return _lines(columns, tr("Failures"), EmptyState("circle-check", tr("Nothing went wrong")))


def reader_table() -> Table:
    """Return the list of who looked at or changed something of a person."""

    def at(one: PersonRead) -> str:
        return date_time(one.at)

    def why(one: PersonRead) -> str:
        return one.reason or UNTITLED

    def outcome(one: PersonRead) -> tuple[str, str]:
        return ("", "none") if one.outcome in {"done", "ok", "success"} else (one.outcome, "warn")

    columns = [
        Column("at", tr("When"), at, text_cell(at), width=126),
        Column("who", tr("Who"), lambda one: one.actor, text_cell(lambda one: one.actor, weight=500), width=150),
        Column("what", tr("What"), read_words, text_cell(read_words), width=220),
        Column("why", tr("Reason"), why, text_cell(why, tone="muted")),
        Column("outcome", tr("Outcome"), lambda one: outcome(one)[0], badge_cell(outcome), width=90),
    ]
    empty = EmptyState("eye", tr("Nobody has looked"))
    return Table(columns, name=tr("Who read what"), row_height=LINE_HEIGHT, key=lambda one: one.event_id, empty=empty)


def _lines(columns: list[Column], name: str, empty: EmptyState) -> Table:
    return Table(columns, name=name, row_height=LINE_HEIGHT, empty=empty)


def _place_icon(one: PersonContainer) -> str:
    return "users" if one.kind == "group" else "user-round"


def _paint_contact(painter: QPainter, rect: QRectF, one: Any, _state: CellState) -> None:
    avatar.draw(painter, QRectF(rect.x(), rect.center().y() - _AVATAR / 2, _AVATAR, _AVATAR), one.name, avatar.PERSON)
    words, tone = state_words(one)
    room = rect.adjusted(_AVATAR + 12, 0, 0, 0)
    if not words:
        paint.text(painter, room, one.name, weight=MEDIUM)
        return
    middle = rect.center().y()
    paint.text(painter, QRectF(room.x(), middle - 18, room.width(), 18), one.name, weight=MEDIUM)
    paint.text(painter, QRectF(room.x(), middle + 1, room.width(), 17), words, size=12, tone=tone_text(tone))
