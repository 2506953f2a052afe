"""Retention: what is due leaves, nothing else does, and what is left of it keeps the log whole."""

from __future__ import annotations

import datetime as dt
import threading
from dataclasses import replace

import psycopg
import pytest
from sqlalchemy import text

from backend_core.audit.query import AuditFilter
from backend_core.audit.retention import BATCH, class_of, months_before
from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import APP, OWNER
from backend_core.errors import NotAllowed, NotFound, ProofNeeded, ReasonNeeded
from backend_core.policy import Actor
from tests.backend_core.audit.events import ANA, BEN, entry, record, seal

YEAR = dt.timedelta(days=365)
ERASE = "SELECT erase_audit('reads', %s, %s, %s, 'k', 's', clock_timestamp())"


def actions(backend: Backend, actor: Actor) -> list[tuple[str, str, bool]]:
    total = backend.trail.summary(actor=actor).total
    return [(row.action, row.target, row.erased) for row in backend.trail.page(total, 1000, actor=actor)]


@pytest.fixture
def old(backend: Backend, actor: Actor) -> Backend:
    """Reads and changes of three years ago and of last week, sealed."""
    # from another server once: its rows may be older than the seals before them
    assert actor.name
    now = dt.datetime.now(dt.UTC)
    for age in (3 * YEAR, dt.timedelta(days=7)):
        record(backend, (entry(ANA, "audio.play", f"audio:{age.days}{n}") for n in range(4)), at=now - age)
        record(backend, (entry(BEN, "document.rename", f"document:{age.days}{n}") for n in range(3)), at=now - age)
    seal(backend)
    return backend


def test_what_is_due_leaves_and_nothing_else_does(old: Backend, actor: Actor) -> None:
    before = actions(old, actor)
    done = old.upkeep.retention.retain(actor=old.system())
    assert (dict(done.rows), done.tombstones) == ({"reads": 4}, 1)
    seal(old)
    after = actions(old, actor)
    assert [row for row in after if not row[2]][-len(before) + 4 :] == [row for row in before if not row[1].startswith("audio:1095")]
    assert sum(gone for _, _, gone in after) == 4
    assert old.upkeep.retention.retain(actor=old.system()).tombstones == 0
    (stone,) = old.upkeep.retention.tombstones(actor=actor)
    assert (stone.retention_class, stone.rows) == ("reads", 4)


def test_the_log_is_whole_after_it_and_not_when_a_tombstone_was_made_up(old: Backend, actor: Actor, clean: EmbeddedServer) -> None:
    old.upkeep.retention.retain(actor=old.system())
    seal(old)
    assert old.seals.verify(actor=actor).problems == ()
    with psycopg.connect(clean.admin_dsn) as conn:
        conn.execute("SET session_replication_role = replica")
        conn.execute("UPDATE audit_tombstone SET rows = rows + 1")
    assert "tombstone" in {problem.kind for problem in old.seals.verify(actor=actor).problems}


def test_nothing_under_a_hold_leaves_until_it_is_released(old: Backend, actor: Actor) -> None:
    reasoned = replace(actor, reason="Lawsuit 12/26")
    hold = old.upkeep.holds.place_hold(AuditFilter.parse("actor:ana action:audio.*"), actor=reasoned)
    assert dict(old.upkeep.retention.retain(actor=old.system()).rows) == {}
    old.upkeep.holds.release_hold(hold.id, actor=replace(actor, reason="Settled"))
    assert dict(old.upkeep.retention.retain(actor=old.system()).rows) == {"reads": 4}
    assert old.upkeep.holds.holds(actor=actor) == ()
    (kept,) = old.upkeep.holds.holds(actor=actor, released=True)
    assert (kept.reason, kept.release_reason, kept.released_by) == ("Lawsuit 12/26", "Settled", actor.name)
    with pytest.raises(NotFound):
        old.upkeep.holds.release_hold(hold.id, actor=reasoned)


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("actor:silva", 4), ("actor:ben", 0), ("target:audio", 4), ("target:audio:10950", 1), ("target:document", 0),
        ("workstation:ws-1", 4), ("role:auditor", 0), ("outcome:refused", 0), ("since:2000-01-01", 4),
        ("until:2001-01-01", 0), ("", 4), ("action:audio.play", 4),
    ],
)  # fmt: skip
def test_a_hold_means_what_the_same_filter_of_the_list_means(old: Backend, actor: Actor, query: str, kept: int) -> None:
    old.upkeep.holds.place_hold(AuditFilter.parse(query), actor=replace(actor, reason="Kept"))
    assert old.upkeep.retention.retain(actor=old.system()).rows.get("reads", 0) == 4 - kept


def test_a_hold_asks_for_a_reason_and_retention_for_proof(old: Backend, actor: Actor) -> None:
    with pytest.raises(ReasonNeeded):
        old.upkeep.holds.place_hold(AuditFilter(), actor=actor)
    with pytest.raises(ProofNeeded):
        old.upkeep.retention.retain(actor=replace(actor, proven_until=None))
    with pytest.raises(NotAllowed):
        old.upkeep.retention.retain(actor=ANA)


def ids(old: Backend, actor: Actor, query: str) -> list[int]:
    return [row.id for row in old.trail.tail(filter=AuditFilter.parse(query), limit=1000, actor=actor)]


def erase(clean: EmbeddedServer, chosen: list[int], *, until: dt.datetime, digest: bytes | None = None) -> None:
    """Call the database's function past the service, as somebody with the application's password could."""
    with psycopg.connect(clean.dsn(APP)) as conn:
        found = conn.execute("SELECT digest FROM audit_skeletons(%s)", (chosen,)).fetchone()
        assert found is not None
        conn.execute(ERASE, (until, chosen, found[0] if digest is None else digest))


def test_the_database_itself_refuses_young_rows_wrong_hashes_and_rows_under_a_hold(
    old: Backend, actor: Actor, clean: EmbeddedServer
) -> None:
    now = dt.datetime.now(dt.UTC)
    play, due = ids(old, actor, "action:audio.play"), ids(old, actor, "action:audio.play until:2025-01-01")
    assert len(due) == 4
    month, refused = now - dt.timedelta(days=32), psycopg.errors.InsufficientPrivilege
    with pytest.raises(refused, match="younger than a month"):
        erase(clean, due, until=now - dt.timedelta(days=20))
    with pytest.raises(refused, match="younger than that"):
        erase(clean, play, until=month)
    with pytest.raises(refused, match="what was signed"):
        erase(clean, due, until=month, digest=b"x" * 32)
    with pytest.raises(refused, match="what was signed"):
        erase(clean, [*due, due[0]], until=month)
    with pytest.raises(refused, match="what was signed"):
        erase(clean, [*due, 10**9], until=month)
    hold = old.upkeep.holds.place_hold(AuditFilter.parse("target:audio:10952"), actor=replace(actor, reason="Kept"))
    with pytest.raises(refused, match="under a hold"):
        erase(clean, due, until=month)
    old.upkeep.holds.release_hold(hold.id, actor=replace(actor, reason="Done"))
    erase(clean, due, until=month)
    assert ids(old, actor, "action:audio.play until:2025-01-01") == []


@pytest.mark.parametrize("role", [APP, OWNER, "lectern_admin"])
def test_no_role_removes_a_row_or_touches_what_is_left_of_one_in_any_other_way(old: Backend, clean: EmbeddedServer, role: str) -> None:
    old.upkeep.retention.retain(actor=old.system())
    statements = [
        "DELETE FROM audit_event", "UPDATE audit_erased SET position = position + 1", "DELETE FROM audit_erased",
        "TRUNCATE audit_erased CASCADE",
        "UPDATE audit_tombstone SET rows = 1", "DELETE FROM audit_tombstone", "TRUNCATE audit_tombstone CASCADE",
    ]  # fmt: skip
    if role == APP:
        statements += [
            "DELETE FROM audit_hold", "UPDATE audit_hold SET query = ''", "DELETE FROM audit_alert", "UPDATE audit_alert SET count = 0",
            "DELETE FROM audit_monthly", "INSERT INTO audit_erased SELECT * FROM audit_erased",
            "ALTER TABLE audit_event DISABLE TRIGGER ALL",
        ]  # fmt: skip
    for statement in statements:
        with psycopg.connect(clean.dsn(role)) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(statement.encode())


def test_a_hold_placed_while_rows_leave_waits_or_wins(old: Backend, actor: Actor, clean: EmbeddedServer) -> None:
    """The race of a hold against a removal: never is a row gone that a hold, placed before, keeps."""
    due = ids(old, actor, "action:audio.play until:2025-01-01")
    placed = threading.Event()
    with psycopg.connect(clean.dsn(APP)) as conn:
        found = conn.execute("SELECT digest FROM audit_skeletons(%s)", (due,)).fetchone()
        assert found is not None
        conn.execute(ERASE, (dt.datetime.now(dt.UTC) - dt.timedelta(days=40), due, found[0]))

        def place() -> None:
            old.upkeep.holds.place_hold(AuditFilter.parse("actor:ana"), actor=replace(actor, reason="Late"))
            placed.set()

        thread = threading.Thread(target=place)
        thread.start()
        assert not placed.wait(0.3)
    thread.join(10)
    assert placed.is_set()


def test_every_action_has_one_class_and_a_month_is_a_calendar_month() -> None:
    named = ("audio.play", "operator.sign_in", "session.revoke", "job.retry", "settings.update", "new.thing")
    assert [class_of(action) for action in named] == ["reads", "sign_ins", "sign_ins", "jobs", "changes", "changes"]
    assert months_before(dt.datetime(2028, 3, 31, 5, tzinfo=dt.UTC), 13) == dt.datetime(2027, 2, 28, 5, tzinfo=dt.UTC)
    assert BATCH > 0


def test_the_months_are_those_of_the_house(old: Backend, actor: Actor) -> None:
    current = old.house.read(actor)
    old.house.update({"audit_retention_reads_months": 60}, version=current.version, actor=actor)
    assert {one.name: one.months for one in old.upkeep.retention.classes(actor=actor)}["reads"] == 60
    assert dict(old.upkeep.retention.retain(actor=old.system()).rows) == {}
    with old.database.begin("Count") as conn:
        assert conn.execute(text("SELECT count(*) FROM audit_erased")).scalar_one() == 0
