"""What the people page says of a person, in words."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from desktop.i18n import ago, date_time, number, tr

if TYPE_CHECKING:
    from backend_core.conversations.records import ContactRow, Person, PersonContainer, PersonFailure, PersonRead, PersonSession

GRACE: Final = timedelta(days=30)
UNTITLED: Final = "—"
LOOKS: Final = frozenset(
    {
        "contact.reveal", "contact.export", "conversation.read", "photo.read", "memory.open", "memory.read", "memory.export",
        "reply.preview", "safety.review",
    }
)  # fmt: skip
"""What shows somebody something of a person; the rest changes or adds."""


def state_words(contact: ContactRow) -> tuple[str, str]:
    """Return what a list has to say of a contact, and the tone of it; nothing where all is as usual."""
    if contact.deletion_requested_at is not None:
        return tr("Erasure asked"), "bad"
    return (tr("Disabled"), "warn") if contact.disabled else ("", "none")


def heard_words(contact: ContactRow, *, now: datetime) -> str:
    """Return when a contact last wrote."""
    return tr("never") if contact.last_at is None else ago(contact.last_at, now=now)


def place_words(one: PersonContainer) -> str:
    """Return what a container is: a group, or the talk with a persona."""
    if one.kind == "group":
        return one.title or tr("Group without a title")
    return tr("With {persona}", persona=one.persona or one.title or UNTITLED)


def kind_words(one: PersonContainer) -> str:
    """Return in what kind of conversation something is kept."""
    if one.kind != "group":
        return tr("Direct")
    return tr("Group") if one.left_at is None else tr("Group, left {when}", when=date_time(one.left_at))


def counts_words(person: Person) -> str:
    """Return how much is kept of a person, in a line."""
    direct = sum(one.memories for one in person.containers if one.kind != "group")
    parts = [
        tr("1 conversation") if len(person.containers) == 1 else tr("{n} conversations", n=number(len(person.containers))),
        tr("{n} memories in direct ones", n=number(direct)),
        tr("1 document") if len(person.documents) == 1 else tr("{n} documents", n=number(len(person.documents))),
    ]
    return " · ".join(parts)


def document_state(status: str) -> tuple[str, str]:
    """Return the state of a document kept on a person's behalf, and the tone of it."""
    return {
        "COMPLETED": (tr("Ready"), "ok"),
        "PROCESSING": (tr("Being read"), "info"),
        "PENDING": (tr("Waiting"), "none"),
        "FAILED": (tr("Failed"), "bad"),
    }.get(status, (status, "none"))


def session_state(session: PersonSession, *, now: datetime) -> tuple[str, str]:
    """Return whether Lectern may still act in the person's name, and the tone of it."""
    if session.revoked_at is not None:
        return tr("Revoked"), "none"
    if session.failures:
        return (tr("1 failure") if session.failures == 1 else tr("{n} failures", n=session.failures)), "bad"
    return (tr("Expired"), "warn") if session.expires_at <= now else (tr("Valid"), "ok")


def failure_words(failure: PersonFailure) -> str:
    """Return what went wrong."""
    return failure.what if not failure.error_code else f"{failure.what} ({failure.error_code})"


def is_look(one: PersonRead) -> bool:
    """Return whether somebody saw something of a person by it."""
    return one.action in LOOKS


def read_words(one: PersonRead) -> str:
    """Return what somebody did to something of a person."""
    known = {
        "contact.read": tr("Opened this page"),
        "contact.reveal": tr("Saw number and address"),
        "contact.edit": tr("Changed the contact"),
        "contact.add": tr("Added the contact"),
        "contact.disable": tr("Disabled or enabled the contact"),
        "contact.export": tr("Exported everything"),
        "contact.erase": tr("Asked for the erasure or took it back"),
        "conversation.read": tr("Read messages"),
        "memory.open": tr("Opened memories"),
        "memory.read": tr("Read memories"),
        "memory.add": tr("Added a memory"),
        "memory.edit": tr("Changed a memory"),
        "memory.forget": tr("Made something forgotten"),
        "memory.restore": tr("Took a forgetting back"),
        "memory.export": tr("Exported memories"),
        "reply.preview": tr("Looked at what a reply would know"),
        "safety.review": tr("Reviewed a finding"),
        "photo.read": tr("Looked at a photo"),
        "message.receive": tr("A message arrived"),
    }
    return known.get(one.action, one.action)


def left_words(due: datetime, *, now: datetime) -> str:
    """Return how long it is until ``due``, in days."""
    days = max(0, (due - now).days)
    return tr("in 1 day") if days == 1 else tr("in {n} days", n=number(days))


def erasure_state(state: str) -> tuple[str, str]:
    """Return how far an erasure is, and the tone of it."""
    return {
        "waiting": (tr("Waiting"), "warn"),
        "cancelled": (tr("Taken back"), "none"),
        "done": (tr("Erased"), "ok"),
    }.get(state, (state, "none"))


def due_words(due: datetime, *, now: datetime) -> str:
    """Return when an erasure happens."""
    left = left_words(due, now=now)
    return tr("Everything about this person is erased on {day}, {left}. Until then it can be taken back.", day=date_time(due), left=left)
