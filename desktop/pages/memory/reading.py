"""Reads what the page shows, one container and one audited transaction at a time; runs in workers."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from desktop.i18n import number, tr
from desktop.pages.memory.details import Details, Source, Version
from desktop.pages.memory.lines import DIRECT, GROUP, MemoryLine, Part, Place, View, merged, together
from desktop.pages.memory.matching import matched, one_line, spans, why_of, words_of
from desktop.pages.memory.type_chips import ALL, FORGOTTEN
from desktop.pages.memory.words import day_short, memories, time_words
from desktop.widgets.avatar import GROUP as GROUP_MARK
from desktop.widgets.avatar import PERSON, PERSONA
from desktop.widgets.choice import Option

if TYPE_CHECKING:
    from backend_core.conversations.records import ContactRow, ConversationRow, Person, PersonContainer
    from backend_core.memory.records import Facets, Hit, Memory

PAGE: Final = 60
FOUND: Final = 60
_PEOPLE: Final = 40
_GROUPS: Final = 20
_MOST: Final = 500


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose memory it is: a contact with one persona, or a group.

    Attributes:
        person: the contact, None for a group.
        personas: with whom the contact talks.
        persona: the one that is chosen.
        group: the group, where no contact was chosen.
    """

    person: Option | None = None
    personas: tuple[Option, ...] = ()
    persona: Option | None = None
    group: Option | None = None

    @property
    def name(self) -> str:
        """Whom to name in a title or a question."""
        chosen = self.person or self.group
        return chosen.name if chosen is not None else ""


@dataclass(frozen=True, slots=True)
class Opened:
    """What an opening brought.

    Attributes:
        reason: why it was opened, as the audit log keeps it.
        reads: how many audited reads it took.
    """

    subject: Subject
    places: tuple[Place, ...]
    view: View
    reason: str
    reads: int


def find(backend: Any, actor: Any, query: str) -> tuple[Option, ...]:
    """Return contacts and groups whose name or number matches; nothing of what was said is read."""
    contacts: Sequence[ContactRow] = backend.people.contacts(query, actor=actor, limit=_PEOPLE, offset=0)
    groups: Sequence[ConversationRow] = backend.conversations.listing(actor=actor, query=query, kind=GROUP, limit=_GROUPS)
    people = [Option(str(one.id), one.name, one.phone or one.email or "", PERSON, one.id) for one in contacts]
    found = [Option(str(one.container), one.title, _members(one.members), GROUP_MARK, one.container) for one in groups]
    return (*people, *found)


def _members(count: int) -> str:
    return tr("Group · 1 member") if count == 1 else tr("Group · {n} members", n=number(count))


def subject_of(backend: Any, actor: Any, option: Option, *, persona: str = "") -> tuple[Subject, tuple[Place, ...]]:
    """Return whose memory ``option`` stands for, and the containers to open; still without opening one.

    Args:
        backend: the whole API.
        actor: who asks.
        option: a contact or a group.
        persona: with whom the contact talks; the one with the most memories where left out.
    """
    if option.kind == GROUP_MARK:
        container = backend.scopes.resolve(option.value)
        return Subject(group=option), (_group_place(option.value, option.name, container.masked_tag, container.conversation_id),)
    person: Person = backend.people.contact(option.value, actor=actor)
    directs = sorted((one for one in person.containers if one.kind == DIRECT), key=lambda one: -one.memories)
    choices = tuple(Option(one.persona or one.title, one.persona or one.title, memories(one.memories), PERSONA, one) for one in directs)
    chosen = next((one for one in choices if one.key == persona), choices[0] if choices else None)
    groups = [one for one in person.containers if one.kind == GROUP and one.left_at is None]
    if chosen is not None:
        groups = [one for one in groups if one.persona in (None, chosen.key)]
    named = replace(option, name=person.contact.name, below=person.contact.phone or "")
    places = [_direct_place(named, chosen)] if chosen is not None else []
    places += [_group_place(one.container, one.title, one.tag, one.conversation) for one in groups]
    return Subject(named, choices, chosen), tuple(places)


def _direct_place(person: Option, persona: Option) -> Place:
    container: PersonContainer = persona.value  # type: ignore[assignment]  # put there by subject_of
    first = person.name.split()[0] if person.name.split() else person.name
    caption = tr("Direct: {person} × {persona}", person=first, persona=persona.name)
    said, name = tr("Direct with {persona}", persona=persona.name), tr("the direct chat with {persona}", persona=persona.name)
    return Place(
        str(container.container),
        container.container,
        DIRECT,
        name,
        caption,
        said,
        tr("the direct chat"),
        container.tag,
        conversation=container.conversation,
    )


def _group_place(container: object, title: str, tag: str, conversation: object) -> Place:
    caption = tr("Group: {name}", name=title)
    return Place(str(container), container, GROUP, title, caption, f"#{title}", title, tag, conversation=conversation)


def open_all(backend: Any, actor: Any, subject: Subject, places: Iterable[Place]) -> Opened:
    """Open every container in turn and return what they hold."""
    opened, parts, took = [], [], 0.0
    for place in places:
        with backend.memory.scope(place.where, actor=actor, action="memory.open") as memory:
            begun = time.perf_counter()
            opened.append(_with_facets(place, memory.facets()))
            parts.append(_page(memory, place, kind=ALL))
            took += time.perf_counter() - begun
    return Opened(subject, tuple(opened), _timeline(parts, opened, kind=ALL, took=took), actor.reason or "", len(opened))


def look(backend: Any, actor: Any, opened: Opened, *, query: str, kind: str) -> View:
    """Return what matches ``query`` and ``kind`` in every open container; without a query, the timeline of that kind."""
    parts, took, hits = [], 0.0, []
    for place in opened.places:
        with backend.memory.scope(place.where, actor=actor, action="memory.read") as memory:
            begun = time.perf_counter()
            if query:
                hits.append((place, memory.search(query, limit=FOUND, types=_types(kind))))
            else:
                parts.append(_page(memory, place, kind=kind))
            took += time.perf_counter() - begun
    if query:
        return _found(hits, opened.places, query=query, took=took)
    return _timeline(parts, opened.places, kind=kind, took=took)


def older(backend: Any, actor: Any, opened: Opened, view: View, *, kind: str) -> View:
    """Return ``view`` with the next page of every container that has one."""
    parts, reads, places = [], 0, {place.key: place for place in opened.places}
    for part in view.parts:
        if part.before is None:
            parts.append(part)
            continue
        reads += 1
        place = places[part.place]
        with backend.memory.scope(place.where, actor=actor, action="memory.read") as memory:
            after = _page(memory, place, kind=kind, before=part.before)
        parts.append(replace(after, lines=part.lines + after.lines))
    return replace(view, lines=together(parts), parts=tuple(parts), reads=reads)


def details(backend: Any, actor: Any, line: MemoryLine, place: Place) -> Details:
    """Return everything about one memory, read in its own container."""
    with backend.memory.scope(place.where, actor=actor, action="memory.read") as memory:
        found: Memory = memory.get(_id(line))
        history = memory.history(found.id)
    versions = tuple(_version(one) for one in history if one.version < found.version)
    return Details(
        line=replace(line_of(found, place), seen_in=line.seen_in),
        place=place,
        text=found.text,
        speaker=found.speaker or "",
        confidence=found.confidence,
        said_at=found.said_at,
        created_at=found.updated_at,
        event_at=found.event_at,
        expires_at=found.expires_at,
        purge_after=found.purge_after,
        versions=versions,
        source=_source(found, place),
    )


def edit(backend: Any, actor: Any, line: MemoryLine, place: Place, text: str) -> None:
    """Give a memory other words.

    Raises:
        StaleVersion: somebody else changed it meanwhile.
    """
    with backend.memory.scope(place.where, actor=actor, action="memory.edit") as memory:
        memory.update(_id(line), text=text, version=line.version)


@dataclass(frozen=True, slots=True)
class Pulse:
    """What can be known without reading what was said.

    Attributes:
        counts: memories and forgotten ones of each open container, empty where nothing is open or nobody counts.
    """

    anybody: bool
    counts: tuple[tuple[str, int, int], ...] = ()

    def changed(self, opened: Opened) -> bool:
        """Return whether another number of memories is there than when it was opened."""
        before = {place.key: (place.total, place.forgotten) for place in opened.places}
        return any(before.get(key, (live, gone)) != (live, gone) for key, live, gone in self.counts)


def pulse(backend: Any, actor: Any, opened: Opened | None) -> Pulse:
    """Count contacts, and memories of what is open, from outside the containers."""
    person = opened.subject.person if opened is not None else None
    if person is None:
        return Pulse(anybody=opened is not None or bool(find(backend, actor, "")))
    held: Person = backend.people.contact(person.value, actor=actor)
    return Pulse(anybody=True, counts=tuple((str(one.container), one.memories, one.forgotten) for one in held.containers))


def line_of(memory: Memory, place: Place, hit: Hit | None = None, *, query: str = "", rank: int = 0) -> MemoryLine:
    """Return one memory as it is painted."""
    said = [place.said]
    if memory.speaker and place.kind == GROUP:
        said.append(tr("said by {name}", name=memory.speaker))
    edits = memory.version - 1
    if edits:
        said.append(tr("edited once") if edits == 1 else tr("edited {n} times", n=edits))
    return MemoryLine(
        key=str(memory.id),
        place=place.key,
        kind=place.kind,
        seen_in=frozenset({place.key}),
        at=memory.said_at,
        time=time_words(memory.said_at),
        text=one_line(memory.text),
        type=memory.type,
        origin=" · ".join(said),
        salience=memory.salience,
        until=day_short(memory.expires_at) if memory.expires_at else "",
        score=hit.score if hit else 0.0,
        rank=rank,
        why=why_of(hit, words_of(query)) if hit else (),
        hits=spans(one_line(memory.text), query),
        forgotten=_forgotten(memory),
        conflict=memory.conflicts_with is not None,
        version=memory.version,
    )


def _forgotten(memory: Memory) -> str:
    if memory.forgotten_at is None:
        return ""
    return tr("Forgotten, purged {day}", day=day_short(memory.purge_after)) if memory.purge_after else tr("Forgotten")


def _version(one: Any) -> Version:
    return Version(one.version, one.text, one.changed_by, one.changed_at, one.reason or "")


def _source(found: Memory, place: Place) -> Source | None:
    if found.source_message_id is None:
        return None
    return Source(found.text, found.speaker or tr("unknown"), found.said_at, place.conversation)


def _id(line: MemoryLine) -> uuid.UUID:
    return uuid.UUID(line.key)


def _types(kind: str) -> tuple[str, ...]:
    return () if kind in (ALL, FORGOTTEN) else (kind,)


def _with_facets(place: Place, facets: Facets) -> Place:
    types = tuple(sorted(facets.types.items(), key=lambda pair: -pair[1]))
    return replace(place, total=facets.total, forgotten=facets.forgotten, types=types)


def _page(memory: Any, place: Place, *, kind: str, before: Any = None) -> Part:
    if kind == FORGOTTEN:
        return _forgotten_page(memory, place, before)
    rows: Sequence[Memory] = memory.list(limit=PAGE, before=before, types=_types(kind))
    return Part(place.key, tuple(line_of(row, place) for row in rows), _after(rows, PAGE))


def _forgotten_page(memory: Any, place: Place, before: Any) -> Part:
    """Return a page of what waits to be purged; it stands among the rest, so more may have to be read."""
    found: list[Memory] = []
    while len(found) < PAGE:
        rows: Sequence[Memory] = memory.list(limit=_MOST, before=before, include_forgotten=True)
        found += [row for row in rows if row.forgotten_at is not None]
        before = _after(rows, _MOST)
        if before is None:
            break
    return Part(place.key, tuple(line_of(row, place) for row in found), before)


def _after(rows: Sequence[Memory], limit: int) -> object:
    return (rows[-1].said_at, rows[-1].id) if len(rows) == limit else None


def _timeline(parts: Sequence[Part], places: Sequence[Place], *, kind: str, took: float) -> View:
    if kind == FORGOTTEN:
        total = sum(place.forgotten for place in places)
    else:
        total = sum(dict(place.types).get(kind, 0) if kind else place.total for place in places)
    return View(together(parts), total, ms=took * 1000, reads=len(parts), parts=tuple(parts))


def _found(hits: Sequence[tuple[Place, Sequence[Hit]]], places: Sequence[Place], *, query: str, took: float) -> View:
    # what only stands beside something that matched helps a reply, but is no match to whoever searches
    own = [(place, [hit for hit in found if matched(hit)]) for place, found in hits]
    parts = [[line_of(hit.memory, place, hit, query=query, rank=rank) for rank, hit in enumerate(found, start=1)] for place, found in own]
    total = sum(place.total for place in places)
    return View(merged(parts), total, query, words_of(query), took * 1000, len(parts))
