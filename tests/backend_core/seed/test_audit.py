"""Sample events: plausible, in the order of time, and a log that verifies, also after a second helping and with indexes built anew."""

from __future__ import annotations

import datetime as dt

import psycopg
import pytest

from backend_core.audit.chain import microseconds
from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import OWNER
from backend_core.policy import ALLOWED, Actor, Target
from backend_core.seed.audit import _alone, seed_audit
from backend_core.seed.audit_events import CAST, LINES, Person, sample_events

NOW = dt.datetime.now(dt.UTC)
PEOPLE = [Person(name, role, None if role == "system" else 1) for role, names in CAST.items() for name in names[:2]]
INDEXES = "SELECT indexname::text, indexdef FROM pg_indexes WHERE tablename = 'audit_event' ORDER BY indexname"


def quiet(*_facts: object, **_words: object) -> None: ...


def test_sample_events_come_in_the_order_of_time_and_end_before_now() -> None:
    events = list(sample_events(3000, PEOPLE, until=NOW, seed=1))
    times = [one.at for one in events]
    assert len(times) == 3000
    assert times == sorted(times)
    assert times[-1] <= microseconds(NOW)
    assert NOW - dt.timedelta(days=732) < dt.datetime.fromtimestamp(times[0] / 1e6, dt.UTC) < NOW - dt.timedelta(days=720)


def test_sample_events_speak_of_actions_that_exist() -> None:
    assert {line[0] for lines in LINES.values() for line in lines} <= set(ALLOWED)


@pytest.mark.parametrize("many", [500, 10**9], ids=["indexes built anew", "indexes kept"])
def test_a_seeded_log_verifies_twice_over(backend: Backend, actor: Actor, clean: EmbeddedServer, many: int) -> None:
    backend.seals.seal()
    with psycopg.connect(clean.dsn(OWNER)) as conn:
        before = conn.execute(INDEXES).fetchall()
    for _ in range(2):
        seed_audit(backend.database, backend.sealing, clean.dsn(OWNER), count=1500, people=PEOPLE, until=NOW, progress=quiet, many=many)
    with psycopg.connect(clean.dsn(OWNER)) as conn:
        assert conn.execute(INDEXES).fetchall() == before
    backend.trail.save_view("after", "", actor=actor)
    backend.seals.seal()
    report = backend.seals.verify(actor=actor)
    assert report.problems == ()
    assert report.rows >= 3001
    assert backend.trail.summary(actor=actor).total >= 3001


@pytest.mark.trace("A90")
def test_nobody_seals_while_samples_are_added(backend: Backend, actor: Actor, clean: EmbeddedServer) -> None:
    with backend.database.begin("One row") as conn:
        backend.audit.record(conn, actor=actor, action="document.read", target=Target(kind="document", id="1"))
    with psycopg.connect(clean.dsn(OWNER)) as seeding, _alone(seeding):
        assert backend.seals.seal() == 0
    assert backend.seals.seal() > 0
