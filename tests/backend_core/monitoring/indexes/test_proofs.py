"""What becomes of plans without an index or with one more, and that nothing of the trial stays."""

from __future__ import annotations

import psycopg
import pytest

from backend_core.backend import Backend
from backend_core.errors import Conflict, InvalidInput, NotFound
from backend_core.policy import Actor
from tests.backend_core.monitoring.indexes.conftest import Admin

FIND = "SELECT id FROM tried.parcels WHERE sender = %(sender_1)s::INTEGER"
PLANTED = """
CREATE SCHEMA tried;
CREATE TABLE tried.parcels AS SELECT g AS id, g AS sender, g % 7 AS kind, g % 5000 AS box FROM generate_series(1, 20000) g;
CREATE INDEX parcels_sender ON tried.parcels (sender);
ANALYZE tried.parcels
"""
RECORDED = """
INSERT INTO statement_texts (fingerprint, text, label) VALUES ('a', 'SELECT id FROM tried.parcels WHERE sender = %(a)s AND kind = ?', 'x'),
                                                              ('b', 'SELECT id FROM tried.elsewhere', 'x');
INSERT INTO statement_figures (fingerprint, hour, calls, failed, rows, total_ms, longest_ms, bars)
VALUES ('a', now(), 1, 0, 1, 1, 1, '{}'), ('b', now(), 1, 0, 1, 1, 1, '{}')
"""


@pytest.fixture
def parcels(admin: Admin) -> Admin:
    """The superuser, with a table whose sender is indexed."""
    for statement in PLANTED.split(";\n"):
        admin.execute(statement.encode())
    return admin


def catalogue(admin: Admin) -> list[tuple[object, ...]]:
    """Return every index of the table with whether it is valid."""
    return admin.execute(
        "SELECT indexrelid::regclass::text, indisvalid FROM pg_index WHERE indrelid = 'tried.parcels'::regclass ORDER BY 1"
    ).fetchall()


def test_hiding_an_index_shows_what_would_become_slower_and_leaves_it_as_it_was(backend: Backend, actor: Actor, parcels: Admin) -> None:
    before = catalogue(parcels)
    useless = "DELETE FROM tried.parcels WHERE kind = %(kind)s"
    proof = backend.indexes.prove(actor=actor, hide="parcels_sender", statements=[FIND, useless, "SELECT no sense"])
    assert (proof.method, proof.statements_checked, proof.slower, proof.faster) == ("hidden", 2, (FIND,), ())
    assert proof.before.indexes == ("parcels_sender",)
    assert proof.after.indexes == ()
    assert proof.after.cost > proof.before.cost
    assert {one.text: one.how for one in proof.after.plans}[FIND] == ("Seq Scan on parcels",)
    assert catalogue(parcels) == before
    # the control: the same with an index nobody asks for
    parcels.execute("CREATE INDEX parcels_kind ON tried.parcels (kind, id)")
    assert backend.indexes.prove(actor=actor, hide="parcels_kind", statements=[FIND]).slower == ()


def test_adding_an_index_shows_what_it_would_do_and_how_long_it_takes_and_it_is_gone_again(
    backend: Backend, actor: Actor, parcels: Admin
) -> None:
    before = catalogue(parcels)
    statements = ["SELECT id FROM tried.parcels WHERE box = %(box)s", FIND]
    proof = backend.indexes.prove(actor=actor, add="CREATE INDEX boxes ON tried.parcels (box)", statements=statements)
    assert (proof.method, proof.faster, proof.slower) == ("added", (statements[0],), ())
    assert proof.build_ms is not None
    assert proof.build_ms > 0
    assert "boxes" in proof.after.indexes
    assert catalogue(parcels) == before
    parcels.execute("UPDATE pg_class SET reltuples = 1e6 WHERE oid = 'tried.parcels'::regclass")
    large = backend.indexes.prove(actor=actor, add="CREATE INDEX boxes ON tried.parcels (box)", statements=statements)
    assert (large.method, large.build_ms, large.before) == ("explained", None, large.after)
    assert "1000000 rows" in large.refused_reason


def test_without_statements_those_the_recorder_knows_of_the_table_are_planned(backend: Backend, actor: Actor, parcels: Admin) -> None:
    for statement in RECORDED.split(";\n"):
        parcels.execute(statement.encode())
    proof = backend.indexes.prove(actor=actor, hide="parcels_sender")
    assert [one.text for one in proof.before.plans] == ["SELECT id FROM tried.parcels WHERE sender = %(a)s AND kind = ?"]
    assert len(proof.slower) == 1


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE tried.parcels",
        "CREATE INDEX a ON tried.parcels (box); DROP TABLE tried.parcels",
        "CREATE INDEX a ON tried.parcels (box) WHERE box = 1; DROP TABLE tried.parcels; SELECT (1)",
        "CREATE INDEX a ON tried.parcels (box) -- (",
        "CREATE INDEX a ON tried.parcels ($$x$$)",
        "CREATE UNIQUE INDEX a ON tried.parcels (sender)",
        "CREATE INDEX a ON tried.parcels (no_such_column)",
        "CREATE INDEX a ON tried.parcels ((1 / (sender - 1)))",
    ],
)
def test_what_is_not_one_index_that_can_be_built_is_refused(backend: Backend, actor: Actor, parcels: Admin, statement: str) -> None:
    with pytest.raises(InvalidInput):
        backend.indexes.prove(actor=actor, add=statement, statements=[FIND])
    # nor does a statement to be planned get to do anything
    proof = backend.indexes.prove(actor=actor, hide="parcels_sender", statements=["SELECT 1; DROP TABLE tried.parcels", FIND])
    assert proof.statements_checked == 1
    assert catalogue(parcels) == [("tried.parcels_sender", True)]


def test_what_does_not_exist_is_not_found_and_a_held_table_is_not_waited_for(backend: Backend, actor: Actor, parcels: Admin) -> None:
    with pytest.raises(NotFound):
        backend.indexes.prove(actor=actor, hide="nothing")
    with pytest.raises(NotFound):
        backend.indexes.prove(actor=actor, add="CREATE INDEX a ON tried.nothing (box)")
    with pytest.raises(InvalidInput):
        backend.indexes.prove(actor=actor)
    with psycopg.connect(parcels.info.dsn, password=parcels.info.password) as other:
        other.execute("LOCK TABLE tried.parcels IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(Conflict):
            backend.indexes.prove(actor=actor, add="CREATE INDEX boxes ON tried.parcels (box)", statements=[])
