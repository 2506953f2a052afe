"""What is remembered for a while only: found until its day, kept 30 days more, then in no store any longer."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import sqlalchemy as sa

from backend_core.audit.tables import audit_event
from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.errors import NotAllowed
from backend_core.memory.expiry import WHY
from backend_core.memory.tables import memory_history, memory_vectors
from backend_core.scopes.records import Direct
from tests.backend_core.memory.gossip import ANA, LATER, START, Gossip, first_kept, traces
from tests.polling import eventually

CANARY = "xylocanary7319"
SAGE, ECHO = Direct(ANA, "sage"), Direct(ANA, "echo")
LONG_OVER = START - dt.timedelta(days=400)
WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"


@pytest.fixture
def gossip(backend: Backend) -> Gossip:
    """People and personas, nothing said."""
    return Gossip.of(backend)


def expire(gossip: Gossip) -> int:
    return gossip.backend.forgetting.expire_due(actor=gossip.backend.system())


def test_it_leaves_every_store_and_what_has_no_day_or_another_stays(gossip: Gossip, clean: EmbeddedServer) -> None:
    gossip.say("I like tea")
    gone = gossip.note(SAGE, f"The {CANARY} is here", expires_at=LONG_OVER)
    gossip.note(ECHO, "The visit is in spring", expires_at=LATER)
    with gossip.backend.scopes.open(SAGE, actor=gossip.actor, action="memory.edit") as scope:
        here = {"container_id": scope.container_id, "memory_id": gone}
        old = {"version": 1, "text": f"{CANARY} old", "type": "factual", "changed_by": "x"}
        scope.conn.execute(sa.insert(memory_history).values(here | old))
        vector = {"model": "m", "turn": 1, "scale": 1.0, "embedding": CANARY.encode()}
        scope.conn.execute(sa.insert(memory_vectors).values(here | vector))
    stores = {"memories.text", "memory_history.text", "postings.term", "memory_vectors.embedding"}
    assert set(traces(clean, CANARY)) == stores
    assert (expire(gossip), expire(gossip)) == (1, 0)
    assert traces(clean, CANARY) == {}
    assert (gossip.known(SAGE), gossip.known(ECHO)) == (["I like tea"], ["The visit is in spring"])
    with gossip.backend.database.begin("Read audit") as conn:
        query = sa.select(sa.func.count()).where(audit_event.c.action == "memory.purge", audit_event.c.reason == WHY)
        assert conn.execute(query).scalar_one() == 1


def test_for_30_days_it_is_not_found_but_kept_and_its_day_can_be_moved(gossip: Gossip) -> None:
    now = dt.datetime.now(dt.UTC)
    memory = gossip.note(SAGE, "The visit is over", expires_at=now - dt.timedelta(days=29))
    assert expire(gossip) == 0
    with gossip.backend.memory.scope(SAGE, actor=gossip.actor) as talk:
        assert [hit.memory.id for hit in talk.search("visit")] == []
    with gossip.backend.memory.scope(SAGE, actor=gossip.actor, action="memory.edit") as talk:
        talk.set_facts(memory, version=talk.get(memory).version, expires_at=LATER)
    with gossip.backend.memory.scope(SAGE, actor=gossip.actor) as talk:
        assert [hit.memory.id for hit in talk.search("visit")] == [memory]


def test_what_was_forgotten_goes_with_the_request_that_forgot_it(gossip: Gossip) -> None:
    memory = gossip.note(SAGE, "The visit is over", expires_at=LONG_OVER)
    done = gossip.backend.forgetting.forget(SAGE, [memory], actor=gossip.actor)
    assert expire(gossip) == 0
    gossip.backend.forgetting.restore(SAGE, done.erasure_id, actor=gossip.actor)
    assert gossip.known(SAGE) == ["The visit is over"]


def test_one_that_is_given_more_time_at_that_moment_stays(gossip: Gossip, clean: EmbeddedServer) -> None:
    memory = gossip.note(SAGE, "The visit is over", expires_at=LONG_OVER)
    with ThreadPoolExecutor(1) as pool, psycopg.connect(clean.admin_dsn) as other:
        other.execute("UPDATE memories SET expires_at = now() + interval '1 day' WHERE id = %s", (memory,))
        done = pool.submit(expire, gossip)
        with psycopg.connect(clean.admin_dsn, autocommit=True) as watch:
            eventually(lambda: (watch.execute(WAITING).fetchone() or (0,))[0])
        other.commit()
        assert done.result(timeout=30) == 0
    assert gossip.known(SAGE) == ["The visit is over"]


@pytest.mark.logs("expired memories not erased")
def test_a_conversation_that_fails_does_not_keep_the_others(gossip: Gossip, clean: EmbeddedServer) -> None:
    for where in (SAGE, ECHO):
        gossip.note(where, f"The {CANARY} is here", expires_at=LONG_OVER)
    with first_kept(clean):
        assert expire(gossip) == 1
    assert expire(gossip) == 1
    assert traces(clean, CANARY) == {}


def test_the_worker_does_it_and_nobody_else_may(gossip: Gossip) -> None:
    gossip.note(SAGE, "The visit is over", expires_at=LONG_OVER)
    with pytest.raises(NotAllowed):
        gossip.backend.forgetting.expire_due(actor=gossip.actor)
    gossip.backend.sweep()
    assert gossip.known(SAGE) == []
