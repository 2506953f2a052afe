"""Reminders: said once, in their own conversation, when the time has come; forgotten and cancelled ones never."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from backend_core.backend import Backend
from backend_core.conversations.reminders import following
from backend_core.db.embedded import EmbeddedServer
from backend_core.errors import InvalidInput, NotFound, TooLarge
from backend_core.policy import Actor
from tests.backend_core.conversations.conftest import BEN, Write

NOW = dt.datetime.now(dt.UTC)
PAST, LATER = NOW - dt.timedelta(minutes=5), NOW + dt.timedelta(days=30)


def heard(backend: Backend, conversation: object, actor: Actor) -> list[tuple[str, str]]:
    return [(one.sender, one.text) for one in backend.conversations.messages(conversation, actor=actor).rows if one.direction == "out"]  # type: ignore[arg-type]  # a uuid


def test_a_due_reminder_is_said_once_in_its_own_conversation(talk: Backend, write: Write, reader: Actor) -> None:
    mine, other = write("hi").conversation_id, write("hi", sender=BEN).conversation_id
    talk.conversations.add_reminder(mine, "Take the drops", due_at=PAST, actor=reader)
    talk.conversations.add_reminder(mine, "Much later", due_at=LATER, actor=reader)
    assert talk.conversations.send_due(actor=talk.system()) == 1
    assert talk.conversations.send_due(actor=talk.system()) == 0
    assert heard(talk, mine, reader) == [("Sage", "Take the drops")]
    assert heard(talk, other, reader) == []
    assert [(one.text, one.sent_at is None) for one in talk.conversations.reminders(mine, actor=reader)] == [
        ("Much later", True),
        ("Take the drops", False),
    ]


def test_several_hosts_at_once_say_each_reminder_once(talk: Backend, write: Write, reader: Actor) -> None:
    talks = [write("hi", sender=f"+1555000{n:04d}").conversation_id for n in range(6)]
    for one in talks:
        talk.conversations.add_reminder(one, "now", due_at=PAST, actor=reader)
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(lambda _n: talk.conversations.send_due(actor=talk.system()), range(4))) == 6
    assert [heard(talk, one, reader) for one in talks] == [[("Sage", "now")]] * 6


def test_a_group_hears_its_reminder_from_its_persona(talk: Backend, reader: Actor) -> None:
    group = talk.conversations.create_group("g", title="Flat 12", persona="echo", actor=reader).id
    talk.conversations.add_reminder(group, "Rent is due", due_at=PAST, actor=reader)
    talk.conversations.send_due(actor=talk.system())
    assert heard(talk, group, reader) == [("Echo", "Rent is due")]


def test_the_regular_round_of_the_worker_says_what_is_due(talk: Backend, write: Write, reader: Actor) -> None:
    mine = write("hi").conversation_id
    talk.conversations.add_reminder(mine, "now", due_at=PAST, actor=reader)
    talk.sweep()
    assert heard(talk, mine, reader) == [("Sage", "now")]


@pytest.mark.logs("a reminder was not said")
def test_a_conversation_that_cannot_be_opened_keeps_no_other_from_being_reminded(
    talk: Backend, write: Write, reader: Actor, clean: EmbeddedServer
) -> None:
    mine, other = write("hi").conversation_id, write("hi", sender=BEN).conversation_id
    for one in (mine, other):
        talk.conversations.add_reminder(one, "now", due_at=PAST, actor=reader)
    refuse = """
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN IF NEW.conversation_id = TG_ARGV[0]::uuid THEN RAISE EXCEPTION 'no'; END IF; RETURN NEW; END $$
    """
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute(refuse)
        conn.execute(f"CREATE TRIGGER refuse BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION refuse('{mine}')".encode())
        try:
            assert talk.conversations.send_due(actor=talk.system()) == 1
        finally:
            conn.execute("DROP TRIGGER refuse ON messages; DROP FUNCTION refuse()")
    assert (heard(talk, mine, reader), heard(talk, other, reader)) == ([], [("Sage", "now")])
    assert talk.conversations.send_due(actor=talk.system()) == 1


def test_a_cancelled_or_forgotten_reminder_is_not_said(talk: Backend, write: Write, reader: Actor, clean: EmbeddedServer) -> None:
    mine = write("hi").conversation_id
    gone = talk.conversations.add_reminder(mine, "cancelled", due_at=PAST, actor=reader)
    talk.conversations.add_reminder(mine, "forgotten", due_at=PAST, actor=reader)
    talk.conversations.cancel_reminder(mine, gone.id, actor=reader)
    with pytest.raises(NotFound):
        talk.conversations.cancel_reminder(mine, gone.id, actor=reader)
    with psycopg.connect(clean.admin_dsn) as conn:
        conn.execute("UPDATE reminders SET forgotten_at = now() WHERE text = 'forgotten'")
    assert talk.conversations.send_due(actor=talk.system()) == 0
    assert [one.text for one in talk.conversations.reminders(mine, actor=reader)] == ["cancelled"]


def test_a_reminder_of_another_conversation_cannot_be_cancelled_from_here(talk: Backend, write: Write, reader: Actor) -> None:
    mine, other = write("hi").conversation_id, write("hi", sender=BEN).conversation_id
    made = talk.conversations.add_reminder(other, "theirs", due_at=LATER, actor=reader)
    with pytest.raises(NotFound):
        talk.conversations.cancel_reminder(mine, made.id, actor=reader)
    assert talk.conversations.reminders(other, actor=reader)[0].cancelled_at is None


def test_a_reminder_with_a_rule_comes_again(talk: Backend, write: Write, reader: Actor) -> None:
    mine = write("hi").conversation_id
    first = NOW - dt.timedelta(days=3, hours=1)
    talk.conversations.add_reminder(mine, "water the plants", due_at=first, rule="daily", actor=reader)
    assert talk.conversations.send_due(actor=talk.system()) == 1
    assert talk.conversations.send_due(actor=talk.system()) == 0
    (again, _said) = talk.conversations.reminders(mine, actor=reader)
    assert (again.due_at, again.rule) == (first + dt.timedelta(days=4), "daily")


@pytest.mark.parametrize(
    ("due", "rule", "now", "expected"),
    [
        ("2026-03-01", "daily", "2026-03-01", "2026-03-02"),
        ("2026-03-01", "weekly", "2026-03-20", "2026-03-22"),
        ("2026-01-31", "monthly", "2026-01-31", "2026-02-28"),
        ("2026-01-31", "monthly", "2026-02-28", "2026-03-31"),
        ("2024-02-29", "monthly", "2025-01-30", "2025-02-28"),
        ("2025-12-15", "monthly", "2025-12-15", "2026-01-15"),
    ],
)
def test_the_next_time_of_a_rule(due: str, rule: str, now: str, expected: str) -> None:
    found = following(dt.datetime.fromisoformat(due), rule, now=dt.datetime.fromisoformat(now))
    assert found == dt.datetime.fromisoformat(expected)


def test_what_cannot_be_a_reminder_is_refused(talk: Backend, write: Write, reader: Actor) -> None:
    mine = write("hi").conversation_id
    for facts, error in (
        ({"text": " ", "due_at": LATER}, InvalidInput),
        ({"text": "x" * 501, "due_at": LATER}, TooLarge),
        ({"text": "x", "due_at": LATER.replace(tzinfo=None)}, InvalidInput),
        ({"text": "x", "due_at": LATER, "rule": "yearly"}, InvalidInput),
    ):
        with pytest.raises(error):
            talk.conversations.add_reminder(mine, facts.pop("text"), actor=reader, **facts)  # type: ignore[arg-type]  # wrong on purpose
    assert talk.conversations.reminders(mine, actor=reader) == ()
