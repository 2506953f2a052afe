"""Verdicts on indexes, against databases whose truth is known."""

from __future__ import annotations

import pytest

from backend_core.monitoring.indexes.evidence import Patience, take
from backend_core.monitoring.indexes.missing import MANY_SCANS
from backend_core.monitoring.indexes.records import ADVISED, DUPLICATE, INVALID, MISSING, PREFIX, REVIEW, IndexRow, IndexView
from backend_core.monitoring.indexes.view import Reader
from backend_core.monitoring.indexes.wanted import parse
from backend_core.monitoring.link import MonitorLink
from tests.backend_core.monitoring.indexes.conftest import Admin
from tests.backend_core.monitoring.indexes.corpus import SCHEMAS, Corpus, Truth, plant_traps
from tests.polling import eventually

AT_ONCE = Patience(hours=0.0, scans=0)
SEEDS = (1, 2, 3)


def look(link: MonitorLink) -> IndexView:
    """Return the view with as much evidence as the rules ask for: what was not used since the snapshot counts as unused."""
    take(link, fresh_s=0)
    return Reader(link, frozenset(), AT_ONCE).read()


def by_place(view: IndexView) -> dict[tuple[str, str], IndexRow]:
    """Return rows by schema and name."""
    return {(row.schema, row.name): row for row in view.rows}


def places(view: IndexView, verdict: str, schemas: tuple[str, ...]) -> set[tuple[str, str]]:
    """Return schema and name of the rows with a verdict."""
    return {(row.schema, row.name) for row in view.rows if row.verdict == verdict and row.schema in schemas}


def check(view: IndexView, truth: Truth, schemas: tuple[str, ...]) -> None:
    """Fail where the view and the truth differ."""
    rows = by_place(view)
    assert places(view, DUPLICATE, schemas) == truth.duplicates
    assert places(view, PREFIX, schemas) == truth.prefixes
    assert places(view, INVALID, schemas) == truth.invalid
    assert {place: rows[place].reason for place in truth.stays if rows[place].verdict in ADVISED} == {}
    assert {place: rows[place].reason for place in truth.different if rows[place].verdict in {DUPLICATE, PREFIX}} == {}
    prefix = {f"{schema}." for schema in schemas}
    missing = {
        (schema[:-1], one.table.removeprefix(schema), one.columns)
        for one in view.missing
        for schema in prefix
        if one.verdict == MISSING and one.table.startswith(schema)
    }
    assert missing == truth.unserved


@pytest.mark.parametrize("seed", SEEDS)
def test_every_planted_truth_is_found_and_nothing_that_must_stay_is_advised_away(seed: int, admin: Admin, link: MonitorLink) -> None:
    truth = Corpus(admin, seed).plant()
    view = look(link)
    check(view, truth, SCHEMAS)
    assert truth.duplicates
    assert truth.prefixes


def test_what_only_looks_superfluous_stays_and_what_half_serves_a_key_does_not_count(admin: Admin, link: MonitorLink) -> None:
    truth = plant_traps(admin)
    check(look(link), truth, ("traps",))


def test_what_belongs_to_an_extension_or_to_the_job_queue_is_not_ours_to_judge(admin: Admin, link: MonitorLink) -> None:
    for statement in TWINS.split(";\n"):
        admin.execute(statement.encode())
    places = ("borrowed", "procrastinate_more", "own")
    admin.execute("ALTER EXTENSION plpgsql ADD TABLE traps.borrowed")
    try:
        view = look(link)
    finally:
        admin.execute("ALTER EXTENSION plpgsql DROP TABLE traps.borrowed")
    found = {place: {row.verdict for row in view.rows if row.table == f"traps.{place}"} for place in places}
    # the control is the same on a table of nobody else's
    assert found == {"borrowed": {"keep"}, "procrastinate_more": {"keep"}, "own": {DUPLICATE, "keep"}}
    assert {one.table for one in view.missing} == {"traps.own"}


def test_carrying_out_all_advice_at_once_takes_nothing_away_that_somebody_relied_on(admin: Admin, link: MonitorLink) -> None:
    plant_traps(admin)
    Corpus(admin, 4).plant()
    before = look(link)
    advised = [row for row in before.rows if row.verdict in {DUPLICATE, PREFIX} and row.schema in {*SCHEMAS, "traps"}]
    assert advised
    for row in advised:
        admin.execute(row.sql.encode())
    after = look(link)
    left = {(row.schema, row.name): row for row in after.rows}
    assert {row.name for row in advised if (row.schema, row.covers) not in left} == set()
    assert places(after, DUPLICATE, SCHEMAS) | places(after, PREFIX, SCHEMAS) == set()
    assert {(one.table, one.columns) for one in after.missing} == {(one.table, one.columns) for one in before.missing}
    assert after.missing
    for one in after.missing:
        assert parse(one.sql).table in one.table
        admin.execute(one.sql.encode())
    assert look(link).missing == ()


TWINS = """
CREATE SCHEMA traps;
CREATE TABLE traps.own (a int PRIMARY KEY, b int REFERENCES traps.own);
CREATE TABLE traps.borrowed (a int PRIMARY KEY, b int REFERENCES traps.own);
CREATE TABLE traps.procrastinate_more (a int PRIMARY KEY, b int REFERENCES traps.own);
CREATE INDEX ON traps.own (a);
CREATE INDEX ON traps.borrowed (a);
CREATE INDEX ON traps.procrastinate_more (a)
"""
JUDGED = """
CREATE SCHEMA traps;
CREATE TABLE traps.visits AS SELECT g AS id, g % 2 = 0 AS seen, g AS place, g AS other FROM generate_series(1, 20000) g;
CREATE INDEX visits_seen_place ON traps.visits (seen, place);
CREATE INDEX visits_place ON traps.visits (place);
CREATE INDEX visits_other_place ON traps.visits (other, place);
CREATE INDEX visits_id ON traps.visits (id);
CREATE INDEX visits_id_wide ON traps.visits (id) INCLUDE (other);
CREATE INDEX visits_wide_only ON traps.visits (other DESC);
CREATE INDEX visits_wide ON traps.visits (other DESC) INCLUDE (id);
CREATE UNIQUE INDEX visits_once ON traps.visits (id, place);
CREATE UNIQUE INDEX visits_twice ON traps.visits (id, place);
CREATE INDEX visits_lower ON traps.visits ((other + place));
ANALYZE traps.visits
"""


def test_what_only_a_person_can_decide_is_for_review_with_the_other_index_named(admin: Admin, link: MonitorLink) -> None:
    for statement in JUDGED.split(";\n"):
        admin.execute(statement.encode())
    rows = {row.name: row for row in look(link).rows if row.schema == "traps"}
    assert {name: (row.verdict, row.covers) for name, row in rows.items() if row.verdict == REVIEW} == {
        "visits_twice": (REVIEW, "visits_once"),
        # the planner knows the sums from it
        "visits_lower": (REVIEW, None),
        "visits_wide_only": (REVIEW, "visits_wide"),
    }
    # the server may skip through the two values of "seen", which says more than that nothing is known of its use
    rows |= {row.name: row for row in Reader(link, frozenset()).read().rows if row.name == "visits_place"}
    assert (rows["visits_place"].verdict, rows["visits_place"].covers) == (REVIEW, "visits_seen_place")
    # not the one that only carries more: it begins with the same key
    assert (rows["visits_id"].verdict, rows["visits_id"].covers) == (PREFIX, "visits_once")
    assert all(row.sql == "" for row in rows.values() if row.verdict == REVIEW)


def test_a_large_table_that_is_read_whole_again_and_again_is_for_review_with_its_dearest_statement(admin: Admin, link: MonitorLink) -> None:
    for statement in JUDGED.split(";\n"):
        admin.execute(statement.encode())
    assert [one.table for one in look(link).missing] == []
    admin.execute("SET enable_indexscan = off; SET enable_bitmapscan = off; SET enable_indexonlyscan = off")
    for _ in range(MANY_SCANS):
        admin.execute("SELECT count(*) FROM traps.visits")
    admin.execute("INSERT INTO statement_texts (fingerprint, text, label) VALUES ('a', 'SELECT count(*) FROM visits', 'x')")
    admin.execute("INSERT INTO statement_figures VALUES ('a', now(), 1, 0, 1, 1, 1, '{}')")
    admin.execute("SELECT pg_stat_force_next_flush()")
    reader = Reader(link, frozenset(), AT_ONCE)
    (found,) = eventually(lambda: reader.read().missing)
    assert (found.table, found.verdict, found.columns) == ("traps.visits", REVIEW, ())
    assert found.sequential_scans >= MANY_SCANS
    assert found.sql == "EXPLAIN (GENERIC_PLAN) SELECT count(*) FROM visits"


def test_definitions_are_those_of_the_server(admin: Admin, link: MonitorLink) -> None:
    plant_traps(admin)
    Corpus(admin, 5).plant()
    theirs = dict(admin.execute("SELECT indexrelid::bigint, pg_get_indexdef(indexrelid) FROM pg_index").fetchall())
    ours = {row.oid: row.definition for row in Reader(link, frozenset()).read().rows}
    assert {oid: text for oid, text in ours.items() if theirs[oid] != text} == {}
    assert len(ours) > len(theirs) / 4
