"""The text of a row is the same here and in PostgreSQL, and a chain moves on only with what was committed."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backend_core.audit.chain import FIELDS, REPLACEMENT, canonical, jsonb_text, leaf, origin, plain, storable, stored_text
from backend_core.audit.service import Audit, Entry
from backend_core.audit.tables import audit_event
from backend_core.audit.verify import Verification
from backend_core.db.database import Database
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import APP
from backend_core.errors import Conflict, SignInNeeded
from backend_core.policy import ADMIN, Actor, Target

ANA = Actor(operator_id=1, name="Ana", role=ADMIN, workstation="desk-1")
THING = Target(kind="document", id="1")
TEXTS = st.text(max_size=30) | st.sampled_from(["", "\0", "\ud800", "é\u0301", "\x7f\x1f\u2028", '"\\/\b\f\n\r\t', "𝄞"])
NUMBERS = st.integers() | st.integers(min_value=-(10**60), max_value=10**60) | st.floats() | st.decimals()
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=12,
)
TIMES = st.integers(0, 7 * 10**15).map(lambda number: dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=number))
ROWS = st.fixed_dictionaries(
    {
        "writer": TEXTS, "wseq": st.integers(1, 2**62), "at": TIMES,
        "actor": TEXTS, "actor_id": st.none() | st.integers(1, 2**62), "role": TEXTS, "action": TEXTS, "target": TEXTS, "outcome": TEXTS,
        "reason": st.none() | TEXTS, "before": st.none() | st.dictionaries(TEXTS, VALUES, max_size=5), "after": st.none() | VALUES,
        "workstation": TEXTS, "client_version": TEXTS, "correlation_id": TEXTS,
    }
)  # fmt: skip
PROVEN = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SERVER_TEXT = """
SELECT json_build_array(%(writer)s::text, %(wseq)s::bigint, (extract(epoch FROM %(at)s::timestamptz) * 1000000)::bigint, %(actor)s::text,
    %(actor_id)s::bigint, %(role)s::text, %(action)s::text, %(target)s::text, %(outcome)s::text, %(reason)s::text,
    %(before)s::jsonb::text, %(after)s::jsonb::text, %(workstation)s::text, %(client_version)s::text, %(correlation_id)s::text)::text
"""


@pytest.fixture(scope="module")
def plain_connection(server: EmbeddedServer) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(server.admin_dsn, autocommit=True) as conn:
        yield conn


@PROVEN
@given(VALUES)
def test_json_has_the_text_that_the_server_gives_it(plain_connection: psycopg.Connection[Any], value: object) -> None:
    kept = storable(value)
    found = plain_connection.execute("SELECT %s::jsonb::text", (json.dumps(kept),)).fetchone()
    assert found == (jsonb_text(kept),)
    # what was read back has the same text again, so a reader can check it without the server
    assert jsonb_text(json.loads(found[0])) == found[0]


@given(st.dictionaries(TEXTS, VALUES, max_size=5))
def test_the_quick_way_to_the_text_of_facts_gives_the_same(facts: dict[str, object]) -> None:
    assert stored_text(facts) == jsonb_text(storable(facts))


@PROVEN
@given(ROWS)
def test_a_row_has_the_text_that_the_server_gives_it(plain_connection: psycopg.Connection[Any], row: dict[str, Any]) -> None:
    made = {name: plain(value) if isinstance(value, str) else value for name, value in row.items()}
    made |= {name: None if row[name] is None else storable(row[name]) for name in ("before", "after")}
    sent = made | {name: None if made[name] is None else json.dumps(made[name]) for name in ("before", "after")}
    found = plain_connection.execute(SERVER_TEXT, sent).fetchone()
    # a text as JSON value would be taken for the text of one, which a mapping never is
    if not isinstance(made["after"], str):
        assert found == (canonical(made),)


@given(ROWS, ROWS)
def test_different_rows_have_different_texts(one: dict[str, Any], other: dict[str, Any]) -> None:
    first, second = (
        {name: plain(value) if isinstance(value, str) else storable_or(value) for name, value in row.items()} for row in (one, other)
    )
    parts = [name for name in FIELDS if str(first[name]) != str(second[name]) or (first[name] is None) != (second[name] is None)]
    if parts and not {"before", "after"} & set(parts):
        assert canonical(first) != canonical(second)


def storable_or(value: object) -> object:
    return value if isinstance(value, dt.datetime) else storable(value)


def test_null_differs_from_the_empty_text_and_from_a_json_null() -> None:
    row: dict[str, Any] = dict.fromkeys(FIELDS, "x") | {"wseq": 1, "at": dt.datetime.now(dt.UTC), "actor_id": 1}
    texts = {
        canonical(row | {"reason": None}),
        canonical(row | {"reason": ""}),
        canonical(row | {"before": None}),
        canonical(row | {"before": "null"}),
        canonical(row | {"before": {}}),
        canonical(row | {"reason": None, "outcome": ""}),
    }
    assert len(texts) == 6


def test_what_the_database_cannot_hold_is_replaced_and_nothing_else() -> None:
    odd = {"a\0b": "\ud83d", "nan": float("nan"), "inf": Decimal("Infinity"), "set": {"b", "a"}, "day": dt.date(2026, 1, 2), 3: 10**5000}
    assert storable(odd) == {
        f"a{REPLACEMENT}b": REPLACEMENT, "nan": "nan", "inf": "Infinity", "set": ["a", "b"], "day": "2026-01-02", "3": "(number too long)",
    }  # fmt: skip
    deep: object = "end"
    for _ in range(200):
        deep = [deep]
    assert "(too deep)" in jsonb_text(storable(deep))


@pytest.fixture
def database(clean: EmbeddedServer) -> Iterator[Database]:
    """One connection, so that a chain goes on from one transaction to the next."""
    opened = Database.open(clean.dsn(APP), application="lectern-test", base=1, overflow=0, timeout_s=10)
    yield opened
    opened.close()


@pytest.fixture
def audit(database: Database) -> Audit:
    return Audit(database)


def write(audit: Audit, database: Database, *names: str) -> None:
    with database.begin("Test") as conn:
        for name in names:
            audit.record(conn, actor=ANA, action="document.read", target=Target(kind="document", id=name), after={"n": 1.5, "é": [None]})


def write_in_vain(audit: Audit, database: Database) -> None:
    with contextlib.suppress(Conflict), database.begin("Test") as conn:
        audit.record(conn, actor=ANA, action="document.read", target=THING)
        audit.record_many(conn, [Entry(actor=ANA, action="document.read", target=THING)] * 3)
        raise Conflict("No.")


def stored(database: Database) -> list[Any]:
    with database.begin("Test") as conn:
        return list(conn.execute(sa.select(audit_event).order_by(audit_event.c.id)))


def problems(database: Database) -> list[str]:
    walk = Verification(database)
    walk.run()
    return [problem.kind for problem in walk.findings.all()]


def test_each_row_is_chained_to_the_one_before_it(database: Database, audit: Audit) -> None:
    write(audit, database, "a", "b")
    write(audit, database, "c")
    rows = stored(database)
    previous = origin(rows[0].writer)
    for number, row in enumerate(rows, start=1):
        assert row.wseq == number
        previous = leaf(previous, canonical(row._mapping))
        assert bytes(row.leaf) == previous
    assert [row.at for row in rows] == sorted(row.at for row in rows)
    assert problems(database) == []


def test_rows_of_a_transaction_that_is_rolled_back_leave_no_gap(database: Database, audit: Audit) -> None:
    write(audit, database, "a")
    for _ in range(3):
        write_in_vain(audit, database)
    write(audit, database, "b")
    assert [(row.target, row.wseq) for row in stored(database)] == [("document:a", 1), ("document:b", 2)]
    assert problems(database) == []


def test_rows_inside_a_savepoint_that_is_rolled_back_leave_no_gap(database: Database, audit: Audit) -> None:
    with database.begin("Test") as conn:
        audit.record(conn, actor=ANA, action="document.read", target=Target(kind="document", id="kept"))
        for number in range(3):
            inner = conn.begin_nested()
            audit.record(conn, actor=ANA, action="document.read", target=Target(kind="document", id=f"gone{number}"))
            deeper = conn.begin_nested()
            audit.record(conn, actor=ANA, action="document.read", target=Target(kind="document", id="gone too"))
            deeper.commit()
            inner.rollback()
            with conn.begin_nested():
                audit.record(conn, actor=ANA, action="document.read", target=Target(kind="document", id=f"stays{number}"))
    write(audit, database, "last")
    assert [row.target[9:] for row in stored(database)] == ["kept", "stays0", "stays1", "stays2", "last"]
    assert [row.wseq for row in stored(database)] == [1, 2, 3, 4, 5]
    assert problems(database) == []


def test_a_savepoint_before_the_first_row_of_a_connection_is_known_too(database: Database, audit: Audit) -> None:
    with database.begin("Test") as conn:
        inner = conn.begin_nested()
        audit.record(conn, actor=ANA, action="document.read", target=THING)
        inner.rollback()
        audit.record(conn, actor=ANA, action="document.read", target=Target(kind="document", id="first"))
    assert [(row.target, row.wseq) for row in stored(database)] == [("document:first", 1)]
    assert problems(database) == []


def test_a_transaction_that_failed_quietly_does_not_count_as_committed(database: Database, audit: Audit) -> None:
    write(audit, database, "a")
    with database.begin("Test") as conn:
        audit.record(conn, actor=ANA, action="document.read", target=THING)
        with pytest.raises(sa.exc.DBAPIError):
            conn.exec_driver_sql("SELECT 1 / 0")
        # COMMIT of a failed transaction is answered by a rollback, without an error
    write(audit, database, "b")
    assert [row.wseq for row in stored(database)] == [1, 2]
    assert problems(database) == []


@pytest.mark.logs("discarding closed connection")
def test_a_commit_that_nobody_answers_ends_the_chain_for_good(database: Database, audit: Audit, clean: EmbeddedServer) -> None:
    write(audit, database, "a")
    first = stored(database)[0].writer

    def lose() -> None:
        with database.begin("Test") as conn:
            audit.record(conn, actor=ANA, action="document.read", target=THING)
            pid = conn.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            with psycopg.connect(clean.admin_dsn, autocommit=True) as admin:
                admin.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))

    with pytest.raises(Exception, match="database"):
        lose()
    write(audit, database, "b", "c")
    rows = stored(database)
    assert rows[0].writer == first
    assert {row.writer for row in rows[1:]}.isdisjoint({first})
    assert [row.wseq for row in rows] == [1, 1, 2]
    assert problems(database) == []


def test_several_connections_write_several_chains(clean: EmbeddedServer) -> None:
    database = Database.open(clean.dsn(APP), application="lectern-test", base=2, overflow=0, timeout_s=10)
    with contextlib.closing(database):
        audit = Audit(database)
        with database.begin("One") as one, database.begin("Other") as other:
            for _ in range(3):
                audit.record(one, actor=ANA, action="document.read", target=THING)
                audit.record(other, actor=ANA, action="document.read", target=THING)
        rows = stored(database)
        assert problems(database) == []
    assert len({row.writer for row in rows}) == 2
    assert sorted(row.wseq for row in rows) == [1, 1, 2, 2, 3, 3]


def test_many_rows_at_once_are_chained_too(database: Database, audit: Audit) -> None:
    with database.begin("Test") as conn:
        audit.record_many(conn, (Entry(actor=ANA, action="document.read", target=Target(kind="document", id=str(n))) for n in range(500)))
    write_in_vain(audit, database)
    write(audit, database, "last")
    assert [row.wseq for row in stored(database)] == list(range(1, 502))
    assert problems(database) == []


def test_text_that_is_too_long_is_cut_and_never_refuses_an_action(database: Database, audit: Audit) -> None:
    actor = Actor(operator_id=1, name="A" * 300, role=ADMIN, workstation="w" * 300, reason="r\0" * 400)
    with database.begin("Test") as conn:
        audit.record(conn, actor=actor, action="document.read", target=Target(kind="document", id="x" * 300))
    row = stored(database)[0]
    assert (len(row.actor), len(row.workstation), len(row.reason), len(row.target)) == (200, 200, 500, 200)
    assert "\0" not in row.reason
    assert problems(database) == []


def test_an_ended_session_writes_nothing_and_the_change_is_not_made(database: Database) -> None:
    valid: set[str] = {"good"}
    audit = Audit(database, session_valid=lambda session: sa.literal(session in valid))
    signed_in = Actor(operator_id=1, name="Ana", role=ADMIN, workstation="w", session="good")
    with database.begin("Test") as conn:
        audit.record(conn, actor=signed_in, action="document.read", target=THING, before={"a": None}, after={"b": [1]})
    valid.clear()
    with pytest.raises(SignInNeeded, match="session has ended"), database.begin("Test") as conn:
        audit.record(conn, actor=signed_in, action="document.read", target=THING)
    with database.begin("Test") as conn:
        audit.record(conn, actor=ANA, action="document.read", target=THING)
    assert [row.wseq for row in stored(database)] == [1, 2]
    assert problems(database) == []


def test_times_never_run_backwards_within_a_chain(database: Database, audit: Audit) -> None:
    write(audit, database, "a")
    with database.begin("Test") as conn:
        # as after a step of the server's clock
        audit.writers.clock._server = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
        audit.record(conn, actor=ANA, action="document.read", target=THING)
    rows = stored(database)
    assert rows[1].at == rows[0].at
