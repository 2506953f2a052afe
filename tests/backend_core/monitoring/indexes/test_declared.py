"""The promised indexes, compared to what the database has."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from backend_core.backend import Backend
from backend_core.errors import Conflict
from backend_core.monitoring.indexes.records import USAGE
from backend_core.monitoring.link import MonitorLink
from backend_core.policy import Actor
from tests.backend_core.monitoring.indexes.conftest import Admin
from tests.command import Ctl, together

SENDER = "idx_message_sender"
LATER = {5, 11, 12}


def statuses(backend: Backend, actor: Actor) -> dict[int, tuple[str, str]]:
    """Return name and status of the promised indexes by number."""
    return {one.number: (one.name, one.status) for one in backend.indexes.declared(actor=actor)}


@contextmanager
def instead(admin: Admin, name: str, statement: str) -> Iterator[None]:
    """Put another index, or none, in the place of one; and the right one back."""
    (definition,) = admin.execute("SELECT pg_get_indexdef(%s::regclass)", (name,)).fetchone() or ("",)
    drop = psycopg.sql.SQL("DROP INDEX IF EXISTS {}").format(psycopg.sql.Identifier(name))
    admin.execute(drop)
    try:
        if statement:
            admin.execute(statement.encode())
        yield
    finally:
        admin.execute(drop)
        admin.execute(str(definition).encode())


@pytest.mark.trace("B15", "B74")
def test_the_check_of_the_promised_indexes_passes_before_one_is_dropped_and_fails_after_it(
    backend: Backend, actor: Actor, admin: Admin
) -> None:
    before = statuses(backend, actor)
    assert list(before) == list(range(1, 21))
    assert {number for number, (_, status) in before.items() if status == "later"} == LATER
    assert {status for number, (_, status) in before.items() if number not in LATER} == {"present"}
    with instead(admin, SENDER, ""):
        after = statuses(backend, actor)
    assert after[1] == (SENDER, "missing")
    assert {number for number in before if before[number] != after[number]} == {1}
    assert statuses(backend, actor) == before


@pytest.mark.parametrize(
    ("name", "statement", "told"),
    [
        (SENDER, f"CREATE INDEX {SENDER} ON messages (sender) WHERE sender <> ''", "It covers only rows with"),
        (SENDER, f"CREATE INDEX {SENDER} ON messages (sender DESC)", "It is on sender DESC."),
        (SENDER, f"CREATE INDEX {SENDER} ON messages USING hash (sender)", "It is a hash index."),
        ("idx_reminder_due", "CREATE INDEX idx_reminder_due ON reminders (due_at)", "It covers all rows."),
        ("idx_safety_open", "CREATE INDEX idx_safety_open ON safety_events (created_at) WHERE reviewed_at IS NULL", "created_at"),
        ("uq_photo_attachment", "CREATE INDEX uq_photo_attachment ON photos (container_id, attachment_guid)", "It is not unique."),
        (
            "idx_job_alert_open",
            "CREATE INDEX idx_job_alert_open ON job_alerts (created_at DESC) WHERE status IN ('NEW', 'ACKNOWLEDGED')",
            "It covers only rows with",
        ),
        (
            "idx_audio_expiry",
            "CREATE INDEX idx_audio_expiry ON audios (expires_at) WHERE lifetime = 'ACTIVE' OR status = 'COMPLETED'",
            "It covers only rows with",
        ),
    ],
)
def test_an_index_of_the_right_name_that_is_not_as_promised_is_different(
    backend: Backend, actor: Actor, admin: Admin, name: str, statement: str, told: str
) -> None:
    with instead(admin, name, statement):
        (found,) = (one for one in backend.indexes.declared(actor=actor) if one.name == name)
    assert found.status == "different"
    assert told in found.reason


def test_a_promised_index_that_is_half_built_is_not_there(backend: Backend, actor: Actor, admin: Admin) -> None:
    half = "UPDATE pg_index SET indisvalid = %s WHERE indexrelid = %s::regclass"
    admin.execute(half, (False, SENDER))
    try:
        (rebuild,) = (one.sql for one in backend.indexes.view(actor=actor).rows if one.name == SENDER)
        assert statuses(backend, actor)[1] == (SENDER, "invalid")
    finally:
        admin.execute(half, (True, SENDER))
    assert rebuild == f"REINDEX INDEX CONCURRENTLY public.{SENDER};"


@pytest.mark.trace("B109")
def test_the_view_lists_the_most_used_index_first_as_the_statement_an_operator_may_copy_does(
    backend: Backend, actor: Actor, admin: Admin
) -> None:
    for _ in range(3):
        admin.execute("SELECT count(*) FROM messages WHERE sender = 'x'")
    admin.execute("SELECT pg_stat_force_next_flush()")
    view = backend.indexes.view(actor=actor)
    theirs = admin.execute(USAGE.encode()).fetchall()
    assert [row.scans for row in view.rows] == sorted((row.scans for row in view.rows), reverse=True)
    assert {row.name: row.scans > 0 for row in view.rows if row.schema == "public"} == {str(row[1]): int(str(row[2])) > 0 for row in theirs}
    order = [(-row.scans, row.table, row.name) for row in view.rows]
    assert order == sorted(order)
    assert "Not enough evidence" in view.evidence.sentence


def test_nothing_lectern_declares_is_ever_advised_away(backend: Backend, actor: Actor) -> None:
    view = backend.indexes.view(actor=actor)
    assert [row.name for row in view.rows if row.declared and row.verdict != "keep"] == []
    assert sum(row.declared for row in view.rows) > len(view.rows) / 3
    assert [(one.table, one.columns) for one in view.missing] == []


@pytest.mark.parametrize(
    "held",
    [
        "LOCK TABLE reminders IN ACCESS EXCLUSIVE MODE",
        "REINDEX INDEX idx_reminder_due",
        "TRUNCATE reminders",
        "ALTER TABLE reminders ALTER COLUMN rule TYPE text",
        "DROP INDEX idx_reminder_due",
    ],
)
def test_while_somebody_holds_a_table_its_indexes_are_shown_and_marked(
    backend: Backend, actor: Actor, admin: Admin, link: MonitorLink, held: str
) -> None:
    with psycopg.connect(admin.info.dsn, password=admin.info.password) as other:
        other.execute(held.encode())
        # the control: what everybody else asks waits
        with pytest.raises(Conflict):
            link.rows("SELECT pg_get_indexdef(i.oid), pg_relation_size(i.oid) FROM (SELECT 'idx_reminder_due'::regclass AS oid) i")
        rows = {row.name: row for row in backend.indexes.view(actor=actor).rows}
        declared = {one.name: one for one in backend.indexes.declared(actor=actor)}
        other.rollback()
    locked = {row.name for row in rows.values() if row.locked}
    whole = {row.name for row in rows.values() if row.table == "reminders"}
    assert locked == ({"idx_reminder_due"} if held.startswith("REINDEX") else whole)
    assert rows["idx_reminder_due"].definition == "CREATE INDEX idx_reminder_due ON public.reminders USING btree (due_at) WHERE (…)"
    assert declared["idx_reminder_due"].status == "present"
    assert "cannot be read" in declared["idx_reminder_due"].reason
    # nobody holds it any more
    (free,) = (row for row in backend.indexes.view(actor=actor).rows if row.name == "idx_reminder_due")
    assert (free.locked, free.definition.rpartition(" WHERE ")[2]) == (False, "(sent_at IS NULL)")


def test_the_command_lists_compares_and_fails_when_an_index_is_not_as_promised(ctl: Ctl, admin: Admin) -> None:  # the fixture
    with instead(admin, SENDER, ""):
        commands = [("--json",), ("--declared", "--json"), ("--advise",), ("--prove", "idx_message_user", "--json")]
        listed, failed, advised, proven = together(ctl, [("indexes", *options) for options in commands])
    assert (listed.code, failed.code, advised.code) == (0, 1, 0)
    assert {tuple(row) for row in listed.value} == {("table", "index", "scans", "size_bytes", "verdict", "reason")}
    assert [row["name"] for row in failed.value if row["status"] == "missing"] == [SENDER]
    assert "Nothing to advise." in advised.out
    assert (proven.code, proven.value["method"]) == (0, "hidden")
