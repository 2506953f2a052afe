"""Trust, rapport and stage: the rule as documented, the same in SQL, one look-up, and nothing of it in a group."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend_core.backend import Backend
from backend_core.conversations import relationship
from backend_core.conversations.relationship import STRANGERS, TOP, Relationship, Signals, moved, signals, stage
from backend_core.db.embedded import EmbeddedServer
from backend_core.policy import Actor
from backend_core.scopes.records import Direct
from tests.backend_core.conversations.conftest import ANA, DAY, Write

PLAIN = Signals(confides=False, jokes=False, thanks=False)
TEXTS = ("the bus was late", "I've never told anyone", "haha", "thank you!", "danke, hahaha", "ich mache mir sorgen", "merci 😂 entre nous")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The bus was late.", PLAIN),
        ("I'm scared of the exam", Signals(confides=True, jokes=False, thanks=False)),
        ("I\u2019ve never told anyone", Signals(confides=True, jokes=False, thanks=False)),
        ("Unter uns: ich bin ganz traurig", Signals(confides=True, jokes=False, thanks=False)),
        ("estoy muy preocupada", Signals(confides=True, jokes=False, thanks=False)),
        ("мне так грустно", Signals(confides=True, jokes=False, thanks=False)),
        ("hahaha", Signals(confides=False, jokes=True, thanks=False)),
        ("Shahab called", PLAIN),
        ("loll? no, a roll", PLAIN),
        ("jajaja gracias", Signals(confides=False, jokes=True, thanks=True)),
        ("ありがとう", Signals(confides=False, jokes=False, thanks=True)),
        ("vielen Dank ❤️", Signals(confides=False, jokes=False, thanks=True)),
    ],
)
def test_a_message_shows_what_its_words_say(text: str, expected: Signals) -> None:
    assert signals(text) == expected


@pytest.mark.parametrize(
    ("mean", "name"),
    [
        (0, "stranger"),
        (20, "stranger"),
        (21, "acquaintance"),
        (50, "acquaintance"),
        (51, "friend"),
        (80, "friend"),
        (81, "best_friend"),
        (100, "best_friend"),
    ],
)
def test_stages_begin_where_the_seed_says(mean: int, name: str) -> None:
    assert stage(mean, mean) == name


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans(), st.integers(0, 5000)), max_size=300))
@settings(max_examples=60, deadline=None)
def test_nothing_lowers_trust_or_rapport_and_both_stay_within_bounds(steps: list[tuple[bool, bool, bool, int]]) -> None:
    now = STRANGERS
    for confides, jokes, thanks, minutes in steps:
        after = moved(now, Signals(confides=confides, jokes=jokes, thanks=thanks), DAY + dt.timedelta(minutes=minutes))
        assert now.trust <= after.trust <= TOP
        assert now.rapport <= after.rapport <= TOP
        assert after.stage == stage(after.trust, after.rapport)
        now = after


def test_an_ordinary_day_of_talk_adds_one_to_trust_however_much_is_said() -> None:
    now = STRANGERS
    for minute in range(9):
        now = moved(now, PLAIN, DAY + dt.timedelta(minutes=minute))
    assert (now.trust, now.rapport) == (1, 0)
    assert moved(now, PLAIN, DAY + dt.timedelta(days=1)).trust == 2


@pytest.mark.trace("B20")
@given(st.lists(st.tuples(st.sampled_from(TEXTS), st.integers(0, 4000)), min_size=1, max_size=14))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_database_keeps_to_the_same_rule(talk: Backend, reader: Actor, steps: list[tuple[str, int]]) -> None:
    expected = STRANGERS
    with talk.database.begin("Contact") as conn:
        conn.exec_driver_sql("INSERT INTO contacts (phone, display_name) VALUES ('+15550000001', 'x') ON CONFLICT DO NOTHING")
    where = Direct("+15550000001", "sage")
    with talk.scopes.open(where, actor=reader, action="message.receive", create=True) as scope:
        scope.conn.exec_driver_sql("DELETE FROM relationship_state")
        for text, minutes in steps:
            at = DAY + dt.timedelta(minutes=minutes)
            relationship.move(scope, text, at)
            expected = moved(expected, signals(text), at)
        assert relationship.read(scope) == expected


@pytest.mark.trace("B20")
def test_the_state_of_a_pair_is_one_row_found_by_its_index(talk: Backend, write: Write, reader: Actor, clean: EmbeddedServer) -> None:
    write("hello")
    with psycopg.connect(clean.admin_dsn) as conn:
        conn.execute(
            "INSERT INTO contacts (phone, display_name) SELECT '+1999' || lpad(n::text, 7, '0'), 'x' FROM generate_series(1, 2000) n"
        )
        conn.execute(
            "INSERT INTO conversations (kind, persona_id, user_id) SELECT 'direct', 'sage', id FROM contacts WHERE phone LIKE '+1999%'"
        )
        conn.execute(
            "INSERT INTO containers (kind, tag, user_id, persona_id, conversation_id)"
            " SELECT 'direct', '', user_id, persona_id, id FROM conversations WHERE user_id NOT IN (SELECT user_id FROM containers)"
        )
        conn.execute(
            "INSERT INTO relationship_state (container_id, user_id, persona_id)"
            " SELECT id, user_id, persona_id FROM containers ON CONFLICT DO NOTHING"
        )
        conn.execute("ANALYZE relationship_state")
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn, pytest.raises(psycopg.errors.UniqueViolation):
        conn.execute("INSERT INTO relationship_state SELECT * FROM relationship_state LIMIT 1")
    with talk.scopes.open(Direct(ANA, "sage"), actor=reader, action="conversation.read") as scope:
        plan = "\n".join(scope.conn.exec_driver_sql(f"EXPLAIN {look_up(scope.container.user_id)}").scalars())
        assert relationship.read(scope).messages == 1
    assert "idx_relationship_state_user_persona" in plan
    assert "Seq Scan" not in plan


def look_up(user: object) -> str:
    return f"SELECT trust FROM relationship_state WHERE user_id = '{user}' AND persona_id = 'sage'"


def test_messages_at_the_same_moment_all_count(talk: Backend, write: Write, reader: Actor) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: write(f"thanks {n}", at=DAY), range(20)))
    state = talk.conversations.relationship(ANA, "sage", actor=reader)
    assert (state.messages, state.trust, state.rapport) == (20, 1, 22)


def test_each_persona_knows_a_contact_by_itself(talk: Backend, write: Write, reader: Actor) -> None:
    write("between you and me: I'm scared", at=DAY)
    write("hello", persona="echo", at=DAY)
    assert [talk.conversations.relationship(ANA, one, actor=reader).trust for one in ("sage", "echo")] == [3, 1]


def test_what_the_persona_says_moves_nothing(talk: Backend, write: Write, reader: Actor) -> None:
    before = write("hello", at=DAY).relationship
    after = write("thank you 😂 between us", sender="persona:sage", user=ANA, at=DAY + dt.timedelta(days=2)).relationship
    assert isinstance(before, Relationship)
    assert after == before
