"""Conversations in a list and messages in pages: the latest first, nothing twice, nothing missing, by the indexes made for it."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import replace

import psycopg
import pytest

from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.errors import Conflict, InvalidInput, NotFound, ReasonNeeded
from backend_core.policy import Actor
from tests.backend_core.conversations.conftest import ANA, BEN, DAY, Write

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def several(talk: Backend, write: Write, actor: Actor) -> Backend:
    """Conversations whose latest messages are an hour apart; two of them at the same moment."""
    talk.people.add_contact("Ana Silva", phone=ANA, email="ana@example.org", actor=actor)
    talk.people.add_contact("Ben Cole", phone=BEN, actor=actor)
    write("a", sender=ANA, at=DAY)
    write("b", sender=ANA, persona="echo", at=DAY + HOUR)
    write("c", sender=BEN, at=DAY + 2 * HOUR)
    talk.conversations.create_group("flat", title="Flat 12", persona="sage", members=[ANA, BEN], actor=actor)
    write("d", guid="flat", at=DAY + 2 * HOUR)
    write("e", guid="club", at=DAY + 3 * HOUR)
    return talk


def test_the_latest_conversation_is_first_and_lists_fit_together(several: Backend, actor: Actor) -> None:
    whole = several.conversations.listing(actor=actor)
    assert [one.last_at for one in whole] == [DAY + n * HOUR for n in (3, 2, 2, 1, 0)]
    pieces, before = [], None
    while part := several.conversations.listing(actor=actor, limit=1, before=before):
        pieces += part
        before = part[-1].cursor
    assert tuple(pieces) == whole


@pytest.mark.parametrize(
    ("query", "kind", "titles"),
    [
        ("", "group", {"", "Flat 12"}),
        ("flat", None, {"Flat 12"}),
        ("ana echo", None, {"Ana Silva · Echo"}),
        ("ana", "group", set()),
        (ANA, None, {"Ana Silva · Sage", "Ana Silva · Echo"}),
        ("ana@example.org", None, {"Ana Silva · Sage", "Ana Silva · Echo"}),
        ("%", None, set()),
    ],
)
def test_conversations_are_found_by_titles_names_and_numbers(
    several: Backend, actor: Actor, query: str, kind: str | None, titles: set[str]
) -> None:
    assert {one.title for one in several.conversations.listing(actor=actor, query=query, kind=kind)} == titles


def test_a_place_or_kind_that_does_not_exist_is_refused(several: Backend, actor: Actor, reader: Actor) -> None:
    for facts in ({"kind": "room"}, {"before": "x"}, {"before": "2026-13-01~" + str(uuid.uuid4())}):
        with pytest.raises(InvalidInput):
            several.conversations.listing(actor=actor, **facts)  # type: ignore[arg-type]  # wrong on purpose
    first = several.conversations.listing(actor=actor)[0].id
    for before in ("x", "2026-01-01T00:00:00"):
        with pytest.raises(InvalidInput):
            several.conversations.messages(first, actor=reader, before=before)


def test_opening_a_conversation_asks_why_and_the_log_knows(several: Backend, actor: Actor, reader: Actor) -> None:
    row = several.conversations.listing(actor=actor)[0]
    before = len(several.audit.latest(actor=actor, limit=500))
    with pytest.raises(ReasonNeeded):
        several.conversations.messages(row.id, actor=actor)
    assert len(several.audit.latest(actor=actor, limit=500)) == before
    several.conversations.messages(row.id, actor=actor, reason="complaint 17")
    kept = several.audit.latest(actor=actor, limit=1)[0]
    assert (kept.action, kept.reason, kept.target) == ("conversation.read", "complaint 17", f"container:{row.container}")
    with pytest.raises(NotFound):
        several.conversations.messages(uuid.uuid4(), actor=reader)


def test_pages_hold_every_message_once_also_when_many_share_a_moment(talk: Backend, write: Write, reader: Actor) -> None:
    for n in range(23):
        conversation = write(f"{n:02d}", at=DAY + (n // 4) * HOUR).conversation_id
    whole = talk.conversations.messages(conversation, actor=reader).rows
    assert sorted(one.text for one in whole) == [f"{n:02d}" for n in range(23)]
    seen, before = [], None
    while True:
        page = talk.conversations.messages(conversation, actor=reader, limit=3, before=before)
        seen = [*page.rows, *seen]
        before = page.before
        if before is None:
            break
    assert tuple(seen) == whole
    assert [one.at for one in whole] == sorted(one.at for one in whole)


def test_forgotten_messages_are_not_shown(talk: Backend, write: Write, reader: Actor, clean: EmbeddedServer) -> None:
    conversation = write("stays", at=DAY).conversation_id
    gone = write("goes", at=DAY + HOUR)
    with psycopg.connect(clean.admin_dsn) as conn:
        conn.execute("UPDATE messages SET forgotten_at = now() WHERE id = %s", (gone.message_id,))
    assert [one.text for one in talk.conversations.messages(conversation, actor=reader).rows] == ["stays"]


@pytest.mark.trace("B19")
def test_the_last_fifty_messages_come_from_their_index_without_a_sort(
    talk: Backend, write: Write, reader: Actor, clean: EmbeddedServer
) -> None:
    conversation = write("hello").conversation_id
    with psycopg.connect(clean.admin_dsn) as conn:
        conn.execute(
            "INSERT INTO messages (container_id, conversation_id, sender, direction, body, timestamp, correlation_id)"
            " SELECT id, conversation_id, 'persona:sage', 'out', 'x', now() - n * interval '1 minute', 'c'"
            " FROM containers, generate_series(1, 5000) AS n"
        )
        conn.execute("ANALYZE messages")
    with talk.scopes.open(conversation, actor=reader, action="conversation.read") as scope:
        rows = scope.conn.exec_driver_sql(
            "EXPLAIN SELECT body FROM messages WHERE container_id = %s AND conversation_id = %s AND forgotten_at IS NULL"
            " ORDER BY timestamp DESC LIMIT 50",
            (scope.container_id, conversation),
        )
        plan = "\n".join(rows.scalars())
    assert "idx_message_conversation_timestamp" in plan
    assert "Sort" not in plan


@pytest.mark.trace("B18")
def test_the_messages_of_a_sender_are_found_by_their_index(talk: Backend, write: Write, clean: EmbeddedServer) -> None:
    write("hello")
    with psycopg.connect(clean.admin_dsn) as conn:
        conn.execute(
            "INSERT INTO messages (container_id, conversation_id, sender, direction, body, correlation_id)"
            " SELECT id, conversation_id, '+1999' || lpad((n % 500)::text, 7, '0'), 'in', 'x', 'c'"
            " FROM containers, generate_series(1, 5000) AS n"
        )
        conn.execute("ANALYZE messages")
    with talk.scopes.directory("Find sender") as conn2:
        found = conn2.exec_driver_sql("EXPLAIN SELECT id, timestamp FROM messages WHERE sender = %s", ("+19990000007",)).scalars()
        plan = "\n".join(found)
    assert "idx_message_sender" in plan
    assert "Seq Scan" not in plan


def test_a_conversation_is_begun_once(talk: Backend, actor: Actor) -> None:
    talk.people.add_contact("Ana", phone=ANA, actor=actor)
    first = talk.conversations.create_direct(ANA, "sage", actor=actor)
    assert talk.conversations.create_direct(first.user_id or "", "sage", actor=actor) == first
    group = talk.conversations.create_group("g", title=" Flat \n 12 ", members=[ANA], actor=actor)
    assert (group.title, group.members, group.persona) == ("Flat 12", 1, None)
    with pytest.raises(Conflict):
        talk.conversations.create_group("g", title="Another", actor=actor)


def test_a_conversation_with_nobody_or_without_a_number_is_not_begun(talk: Backend, actor: Actor) -> None:
    silent = talk.people.add_contact("No Number", actor=actor)
    for user, persona, error in ((BEN, "sage", NotFound), (uuid.uuid4(), "sage", NotFound), (silent.id, "sage", InvalidInput)):
        with pytest.raises(error):
            talk.conversations.create_direct(user, persona, actor=actor)
    talk.people.add_contact("Ana", phone=ANA, actor=actor)
    with pytest.raises(NotFound):
        talk.conversations.create_direct(ANA, "nobody", actor=actor)
    with pytest.raises(NotFound):
        talk.conversations.create_group("g", title="Flat", members=[ANA, BEN], actor=actor)
    assert talk.conversations.listing(actor=actor) == ()


def test_only_groups_have_members_to_join(talk: Backend, write: Write, reader: Actor) -> None:
    conversation = write("hello").conversation_id
    for verb in (talk.conversations.join, talk.conversations.leave):
        with pytest.raises(InvalidInput):
            verb(conversation, ANA, actor=reader)
        with pytest.raises(NotFound):
            verb(uuid.uuid4(), ANA, actor=reader)
    assert talk.conversations.members(conversation, actor=replace(reader, reason=None)) == ()
