"""Reads what the page shows: lists from outside the containers, one open conversation with its reason; runs in workers."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from desktop.i18n import ago, byte_size, date_time, tr
from desktop.pages.conversations.lines import MessageLine, PhotoLine, TalkLine
from desktop.pages.conversations.reply_tab import Given, Reply, Rule
from desktop.pages.conversations.thread_parts import About, Closeness, MemberLine, ReminderLine
from desktop.pages.conversations.words import (
    DIRECT,
    GROUP,
    boundary_icon,
    effect_words,
    members_words,
    photo_words,
    rule_words,
    stage_words,
    time_words,
    type_words,
)

if TYPE_CHECKING:
    from backend_core.conversations.photo_records import Photo
    from backend_core.conversations.records import ConversationRow, Member, Message, MessagePage, Reminder
    from backend_core.conversations.relationship import Relationship
    from backend_core.memory.forget_records import Boundary
    from backend_core.memory.reply_records import GivenMemory, ReplyContext

LISTED: Final = 200
MESSAGES: Final = 60
PHOTOS: Final = 50
WAIT_S: Final = 6.0
_APART: Final = timedelta(minutes=10)
_READS: Final = {DIRECT: 4, GROUP: 3}


@dataclass(frozen=True, slots=True)
class Thread:
    """One conversation that was opened.

    Attributes:
        before: asks for older messages, None where there are none.
        reads: how many audited reads it took.
        said, sent: messages and photos, each oldest first, of which ``messages`` is made.
    """

    talk: TalkLine
    messages: tuple[MessageLine, ...]
    before: str | None
    about: About
    reason: str
    reads: int
    said: tuple[MessageLine, ...] = ()
    sent: tuple[MessageLine, ...] = ()


def talks(backend: Any, actor: Any, *, query: str, kind: str, before: str | None = None) -> tuple[TalkLine, ...]:
    """Return conversations, the latest first; nothing of what was said is read."""
    rows: Sequence[ConversationRow] = backend.conversations.listing(
        actor=actor, query=query, kind=kind or None, limit=LISTED, before=before
    )
    return tuple(_talk(row) for row in rows)


def talk(backend: Any, actor: Any, conversation_id: object) -> TalkLine:
    """Return one conversation of the list."""
    return _talk(backend.conversations.conversation(conversation_id, actor=actor))


def open_thread(backend: Any, actor: Any, line: TalkLine) -> Thread:
    """Open a conversation: its latest messages and what belongs to them."""
    page: MessagePage = backend.conversations.messages(line.value, actor=actor, limit=MESSAGES)
    photos: Sequence[Photo] = backend.photos.photos(line.value, actor=actor, limit=PHOTOS)
    reminders: Sequence[Reminder] = backend.conversations.reminders(line.value, actor=actor)
    members: Sequence[Member] = backend.conversations.members(line.value, actor=actor) if line.kind != DIRECT else ()
    shown = {photo.id: photo_line(photo) for photo in photos}
    about = About(
        tuple(_member(one) for one in members),
        tuple(_reminder(one) for one in reminders),
        tuple(shown.values()),
        _closeness(_relationship(backend, actor, line)),
    )
    said, sent = _lines(page.rows, shown), tuple(_sent(photo, line) for photo in photos)
    lines = _together(said, sent, whole=page.before is None)
    return Thread(line, lines, page.before, about, actor.reason or "", _READS[line.kind], said, sent)


def _relationship(backend: Any, actor: Any, line: TalkLine) -> Relationship | None:
    if line.kind != DIRECT:
        return None
    persona = backend.scopes.resolve(line.container).persona_id
    found: Relationship = backend.conversations.relationship(line.contact, persona, actor=actor)
    return found


def older(backend: Any, actor: Any, thread: Thread) -> Thread:
    """Return the conversation with the messages before those that are shown."""
    page: MessagePage = backend.conversations.messages(thread.talk.value, actor=actor, before=thread.before, limit=MESSAGES)
    shown = {uuid.UUID(photo.key): photo for photo in thread.about.photos}
    said = (*_lines(page.rows, shown), *thread.said)
    return replace(thread, messages=_together(said, thread.sent, whole=page.before is None), before=page.before, said=said)


def reply(
    backend: Any, actor: Any, line: TalkLine, message: str, *, progress: Callable[[float, float], object], stop: Callable[[], bool]
) -> Reply:
    """Return what a reply to ``message`` would be given; waits a while for a photo that is still being looked at."""
    found: ReplyContext = backend.replies.reply_context(
        line.value, message, actor=actor, wait_s=WAIT_S, progress=progress, should_stop=stop
    )
    best = max((one.hit.score for one in found.memories), default=0.0)
    photo = found.photo
    shown = photo_line(photo.photo, sentence=photo.sentence, detail=photo.reason) if photo is not None else None
    kept_back = {one.boundary.id: one.count for one in found.withheld}
    return Reply(
        memories=tuple(_given(one, best) for one in found.memories),
        photo=shown,
        looking=photo.photo.id if photo is not None and photo.photo.status in {"pending", "processing"} else None,
        closeness=_closeness(found.relationship),
        rules=tuple(_rule(one, kept_back.get(one.id, 0)) for one in found.boundaries),
        ms=found.ms,
        persona=found.persona_name or "",
    )


def photo_line(photo: Photo, *, sentence: str = "", detail: str = "") -> PhotoLine:
    """Return a photo as the window shows it; ``sentence`` is what a reply may say of it."""
    words, tone, icon = photo_words(photo.status)
    size = tr("{w} × {h} px", w=photo.width, h=photo.height) if photo.width and photo.height else ""
    weight = byte_size(photo.size_bytes) if photo.size_bytes else ""
    told = sentence or (photo.words(datetime.now(UTC)) if photo.status != "ready" else photo.summary or "")
    return PhotoLine(
        key=str(photo.id),
        status=photo.status,
        words=words,
        tone=tone,
        icon=icon,
        summary=told,
        detail=" · ".join(part for part in (detail, size, weight, date_time(photo.received_at)) if part),
    )


def _talk(row: ConversationRow) -> TalkLine:
    direct, persona = row.kind == DIRECT, row.persona or ""
    parts = (row.phone or tr("no number"),) if direct else (members_words(row.members),)
    named = (tr("with {persona}", persona=persona),) if persona else ()
    return TalkLine(
        key=str(row.id),
        value=row.id,
        container=row.container,
        kind=row.kind,
        title=row.title.removesuffix(f" · {persona}") if direct else row.title,
        below=" · ".join((*named, *parts)),
        persona=persona,
        contact=row.user_id,
        members=row.members,
        messages=row.messages,
        last=date_time(row.last_at) if row.last_at else tr("nothing yet"),
        cursor=row.cursor,
    )


def _lines(rows: Sequence[Message], photos: dict[Any, PhotoLine]) -> tuple[MessageLine, ...]:
    made: list[MessageLine] = []
    before: Message | None = None
    for row in rows:
        same = before is not None and before.sender == row.sender and before.direction == row.direction and row.at - before.at < _APART
        fresh_day = before is not None and before.at.astimezone().date() != row.at.astimezone().date()
        photo = photos.get(row.reply_to_photo) if row.reply_to_photo is not None else None
        made.append(
            MessageLine(
                key=str(row.id),
                sender=row.sender,
                below=row.phone or "",
                mine=row.direction == "out",
                text=row.text,
                time=time_words(row.at),
                at=row.at,
                photo=photo,
                first=not same or fresh_day,
            )
        )
        before = row
    return tuple(made)


def _sent(photo: Photo, talk: TalkLine) -> MessageLine:
    return MessageLine(
        key=f"photo:{photo.id}",
        sender=talk.title if talk.kind == DIRECT else tr("Photo"),
        below="",
        mine=False,
        text=photo.caption or "",
        time=time_words(photo.received_at),
        at=photo.received_at,
        photo=photo_line(photo),
    )


def _together(said: Sequence[MessageLine], sent: Sequence[MessageLine], *, whole: bool) -> tuple[MessageLine, ...]:
    """Return messages with the photos among them, each where it arrived; unless ``whole``, none from before the messages."""
    first = said[0].at if said and not whole else None
    kept = [line for line in sent if first is None or line.at >= first]
    return tuple(sorted((*said, *kept), key=lambda line: (line.at, line.key)))


def _member(one: Member) -> MemberLine:
    left = tr("left {day}", day=date_time(one.left_at)) if one.left_at else tr("since {day}", day=date_time(one.joined_at))
    return MemberLine(one.name, f"{one.phone or tr('no number')} · {left}", one.left_at is None, one.user_id)


def _reminder(one: Reminder) -> ReminderLine:
    if one.cancelled_at is not None:
        state = (tr("Cancelled"), "none")
    elif one.sent_at is not None and one.rule is None:
        state = (tr("Sent"), "ok")
    else:
        state = (tr("Due"), "warn") if one.due_at <= datetime.now(UTC) else (tr("Planned"), "info")
    due = " · ".join(part for part in (date_time(one.due_at), time_words(one.due_at), rule_words(one.rule)) if part)
    return ReminderLine(
        str(one.id), one.text, due, state, one.cancelled_at is None and (one.sent_at is None or one.rule is not None), one.id
    )


def _closeness(found: Relationship | None) -> Closeness | None:
    if found is None:
        return None
    since = tr(", last moved {ago}", ago=ago(found.updated_at)) if found.updated_at else ""
    return Closeness(stage_words(found.stage), found.trust, found.rapport, found.messages, since)


def _given(one: GivenMemory, best: float) -> Given:
    memory = one.hit.memory
    said = " · ".join(part for part in (memory.speaker or "", date_time(memory.said_at)) if part)
    why = "; ".join(one.reasons) or tr("the closest of what is remembered")
    return Given(memory.text, type_words(memory.type), why, said, one.hit.score / best if best > 0 else None)


def _rule(one: Boundary, kept_back: int) -> Rule:
    return Rule(boundary_icon(one.kind), one.topic, effect_words(one.kind, kept_back), kept_back > 0)
