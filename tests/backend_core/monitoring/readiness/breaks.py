"""One way to break the subject of each check, for as long as a block lasts, by what really is stored, running or allowed."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg
from psycopg import sql

from backend_core.db.database import Database
from backend_core.db.roles import APP
from backend_core.monitoring.crashes import FILE
from backend_core.privacy.cases import CASES
from backend_core.privacy.cell_cases import FORGETTING
from backend_core.safety.egress import Egress
from tests.backend_core.monitoring.readiness.stand_ins import Dead
from tests.backend_core.monitoring.readiness.world import Broken, World
from tests.polling import eventually

Breaking = Callable[[World], Broken]
BREAKS: dict[str, Breaking] = {}


def breaks(check_id: str) -> Callable[[Callable[[World], Iterator[Mapping[str, Any] | None]]], Breaking]:
    """Register a way to break the subject of a check."""

    def take(way: Callable[[World], Iterator[Mapping[str, Any] | None]]) -> Breaking:
        BREAKS[check_id] = contextmanager(way)
        return BREAKS[check_id]

    return take


def between(world: World, before: LiteralString, after: LiteralString, *values: object) -> Iterator[None]:
    """Run one statement, and another one that takes it back."""
    world.past_rules(before, *values)
    try:
        yield
    finally:
        world.past_rules(after)


def with_row(check_id: str, before: LiteralString, after: LiteralString) -> None:
    """Register two statements, the second of which takes the first one back."""

    @breaks(check_id)
    def way(world: World) -> Iterator[None]:
        yield from between(world, before, after)


SAFETY: LiteralString = "INSERT INTO safety_events (container_id, direction, category, action, provider, created_at)"
PROCESS: LiteralString = """
INSERT INTO process_report (application, host, pid, capacity, base, in_use, waiting, timeouts, longest_ms, histogram, holders)
VALUES ('lectern-desktop@elsewhere:1', 'elsewhere', 1, %s, 20, 1, 0, %s, 1, '[0,0,0,9,0,0,0,0,0,0,0,0,0]', %s::jsonb)
"""
ELSEWHERE = "lectern-desktop@elsewhere:1"
GONE: LiteralString = "DELETE FROM process_report WHERE host = 'elsewhere'"


@breaks("safety.moderation")
def _passed_unchecked(world: World) -> Iterator[None]:
    row: LiteralString = SAFETY + " VALUES (%s, 'input', 'any', 'unchecked', 'local', now())"
    yield from between(world, row, "DELETE FROM safety_events", world.container)


@breaks("safety.review")
def _nobody_looked(world: World) -> Iterator[None]:
    row: LiteralString = SAFETY + " VALUES (%s, 'input', 'hate', 'blocked', 'local', now() - interval '4 days')"
    yield from between(world, row, "DELETE FROM safety_events", world.container)


@breaks("limits.sign_in")
def _nobody_waits(world: World) -> Iterator[None]:
    world.sql(
        "CREATE FUNCTION no_wait() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.wait_until := NULL; NEW.failures := 0; RETURN NEW; END'"
    )
    world.sql("CREATE TRIGGER no_wait BEFORE UPDATE ON sign_in_failure FOR EACH ROW EXECUTE FUNCTION no_wait()")
    try:
        yield
    finally:
        world.sql("DROP FUNCTION no_wait CASCADE")


@breaks("limits.imports")
def _created_yesterday(world: World) -> Iterator[None]:
    # the limit counts the last hour: rows that claim to be older are not counted
    world.sql(
        "CREATE FUNCTION older() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.created_at := now() - interval ''1 day''; RETURN NEW; END'"
    )
    world.sql("CREATE TRIGGER older BEFORE INSERT ON documents FOR EACH ROW EXECUTE FUNCTION older()")
    try:
        yield
    finally:
        world.sql("DROP FUNCTION older CASCADE")


def with_process(world: World, capacity: int, timeouts: int, holders: str) -> Iterator[None]:
    """Let another process be connected that tells these figures of its pool."""
    with psycopg.connect(world.server.dsn(APP), application_name=ELSEWHERE):
        yield from between(world, PROCESS, GONE, capacity, timeouts, holders)


@breaks("limits.connections")
def _greedy_process(world: World) -> Iterator[None]:
    yield from with_process(world, 5000, 0, "[]")


@breaks("pool.waits")
def _somebody_waited_in_vain(world: World) -> Iterator[None]:
    yield from with_process(world, 30, 3, "[]")


@breaks("pool.leaks")
def _somebody_keeps_one(world: World) -> Iterator[None]:
    holder = '[{"label": "Export", "thread": "main", "held_s": 120, "server_pid": null, "frames": []}]'
    yield from with_process(world, 30, 0, holder)


@breaks("errors.crashes")
def _window_died(world: World) -> Iterator[None]:
    path = world.around.log_dir / FILE
    path.write_text("Fatal Python error", encoding="utf-8")
    yield
    path.unlink()


@breaks("jobs.worker")
def _worker_ends_while_work_waits(world: World) -> Iterator[None]:
    world.sql("INSERT INTO procrastinate_jobs (task_name, queue_name, args) VALUES ('x', %s, '{}')", world.backend.jobs.queue)
    world.clock_out()
    # the server takes a moment to notice that the session ended
    eventually(lambda: not world.around.workers_alive())
    yield
    world.sql("DELETE FROM procrastinate_jobs")
    world.clock_in()


with_row(
    "jobs.lag",
    "INSERT INTO procrastinate_jobs (task_name, queue_name, args, status) VALUES ('x', 'x', '{}', 'doing')",
    "DELETE FROM procrastinate_jobs",
)
with_row(
    "jobs.failed",
    "INSERT INTO job_failure (job_id, task, attempt, error_code, sentence, detail, correlation_id)"
    " VALUES (1, 'x', 1, 'unexpected', 'x', 'x', 'x')",
    "DELETE FROM job_failure",
)
with_row(
    "recorder.fresh",
    "UPDATE metric_frames SET at = at - interval '10 minutes' WHERE resolution_s = 1",
    "UPDATE metric_frames SET at = clock_timestamp() WHERE resolution_s = 1",
)
with_row(
    "statements.counted",
    "UPDATE statement_figures SET hour = hour - interval '5 hours'",
    "UPDATE statement_figures SET hour = hour + interval '5 hours'",
)
with_row("notices.delivered", "UPDATE notice_deliveries SET status = 'FAILED'", "UPDATE notice_deliveries SET status = 'SENT'")
with_row(
    "alerts.seen",
    "INSERT INTO audit_alert (rule, subject, window_start, count, threshold, facts, raised_at)"
    " VALUES ('mass_reads', 'Ana', now(), 1, 1, '{}', now() - interval '2 days')",
    "DELETE FROM audit_alert",
)


@breaks("audit.sealed")
def _row_waits(world: World) -> Iterator[None]:
    # a row that was written an hour ago and has no position yet
    world.past_rules(
        "INSERT INTO audit_event (at, writer, wseq, leaf, actor, role, action, target, outcome, workstation, client_version,"
        " correlation_id) SELECT at - interval '1 hour', 'left behind', 1, leaf, actor, role, action, target, outcome, workstation,"
        " client_version, correlation_id FROM audit_event ORDER BY id LIMIT 1"
    )
    yield
    world.past_rules("DELETE FROM audit_event WHERE writer = 'left behind'")


FIRST: LiteralString = "(SELECT event_id FROM audit_position ORDER BY position LIMIT 1)"


@breaks("logs.correlated")
def _row_that_leads_nowhere(world: World) -> Iterator[None]:
    was = world.sql("SELECT correlation_id FROM audit_event WHERE id = " + FIRST)
    world.past_rules("UPDATE audit_event SET correlation_id = '' WHERE id = " + FIRST)
    yield
    world.past_rules("UPDATE audit_event SET correlation_id = %s WHERE id = " + FIRST, was)


@breaks("audit.chain")
def _somebody_tampers(world: World) -> Iterator[None]:
    was = world.sql("SELECT actor FROM audit_event WHERE id = " + FIRST)
    world.past_rules("UPDATE audit_event SET actor = 'Mallory' WHERE id = " + FIRST)
    yield
    world.past_rules("UPDATE audit_event SET actor = %s WHERE id = " + FIRST, was)


with_row("objectives.kept", "UPDATE slo_events SET bad = 1000", "UPDATE slo_events SET bad = 0")
with_row("schema.head", "UPDATE alembic_version SET version_num = '0001'", "UPDATE alembic_version SET version_num = '0017'")
with_row("schema.drift", "ALTER TABLE notice_seen ADD COLUMN stray integer", "ALTER TABLE notice_seen DROP COLUMN stray")


@breaks("indexes.declared")
def _index_dropped(world: World) -> Iterator[None]:
    made: Any = world.sql("SELECT pg_get_indexdef('idx_message_sender'::regclass)")
    world.sql("DROP INDEX idx_message_sender")
    yield
    world.sql(made)


@breaks("indexes.foreign_keys")
def _large_table_without_index(world: World) -> Iterator[None]:
    made: Any = world.sql("SELECT pg_get_indexdef('idx_membership_contact'::regclass)")
    world.sql("DROP INDEX idx_membership_contact")
    world.sql("UPDATE pg_class SET reltuples = 50000 WHERE oid = 'memberships'::regclass")
    yield
    world.sql("UPDATE pg_class SET reltuples = 0 WHERE oid = 'memberships'::regclass")
    world.sql(made)


@breaks("pool.configured")
def _pool_without_overflow(world: World) -> Iterator[dict[str, Any]]:
    opened = Database.open(world.backend.connection_string(), application="lectern-test", base=1, overflow=0)
    yield {"database": opened}
    opened.close()


@breaks("pool.peak")
def _pools_were_full(world: World) -> Iterator[None]:
    world.sql("UPDATE metric_frames SET figures = %s WHERE resolution_s = 60", world.figures(30, 30))
    yield
    world.sql("UPDATE metric_frames SET figures = %s WHERE resolution_s = 60", world.figures(5, 30))


@breaks("statements.p95")
def _statements_are_slow(world: World) -> Iterator[None]:
    world.sql("UPDATE statement_figures SET bars = %s", world.bars(slow=100))
    yield
    world.sql("UPDATE statement_figures SET bars = %s", world.bars(quick=100))


@breaks("transactions.oldest")
def _transaction_stays_open(world: World) -> Iterator[dict[str, Any]]:
    with world.backend.database.begin("Left open") as conn:
        conn.exec_driver_sql("SELECT 1")
        yield {"longest_idle_s": 0.0}


with_row("server.wraparound", "SELECT setval('notices_id_seq', 9000000000000000000)", "SELECT setval('notices_id_seq', 1)")


@breaks("tables.dead")
def _nobody_tidies(world: World) -> Iterator[None]:
    world.sql("INSERT INTO counter_falls (what, cause, detail) SELECT 'x', 'x', '{}' FROM generate_series(1, 12000)")
    world.sql("DELETE FROM counter_falls")
    world.sql("SELECT pg_stat_force_next_flush()")
    yield
    world.sql("VACUUM counter_falls")
    world.sql("SELECT pg_stat_force_next_flush()")


@breaks("server.authentication")
def _anybody_gets_in(world: World) -> Iterator[None]:
    rules: str = world.sql("SELECT pg_read_file('pg_hba.conf')")
    # the server writes its own file: as root we run it as somebody else
    path = world.sql("SELECT current_setting('hba_file')")

    def write(content: str) -> None:
        world.sql("CREATE TEMP TABLE hba (line text)")
        for line in content.splitlines():
            world.sql("INSERT INTO hba VALUES (%s)", line)
        world.admin.execute(sql.SQL("COPY hba TO {}").format(sql.Literal(path)))
        world.sql("DROP TABLE hba")
        world.sql("SELECT pg_reload_conf()")

    write("local all all trust\nhost all all all trust\n" + rules)
    eventually(lambda: world.look("server.authentication").status == "fail")
    yield
    write(rules)
    eventually(lambda: world.look("server.authentication").status == "pass")


with_row("backups.tested", "UPDATE backups SET verified_at = now() - interval '8 days'", "UPDATE backups SET verified_at = now()")


@breaks("storage.orphans")
def _file_is_gone(world: World) -> Iterator[None]:
    row: LiteralString = "INSERT INTO objects (store, key, sha256, bytes, content_type, refs) VALUES (%s, 'aa/gone', 'x', 1, 'x', 1)"
    yield from between(world, row, "DELETE FROM objects", world.backend.storage.identity)


with_row("privacy.suite", "UPDATE privacy_runs SET outcome = 'fail', failed = 1", "UPDATE privacy_runs SET outcome = 'pass', failed = 0")


@breaks("privacy.leaks")
def _row_in_another_conversation(world: World) -> Iterator[None]:
    row: LiteralString = (
        "INSERT INTO messages (container_id, conversation_id, sender, direction, body, correlation_id)"
        " VALUES (%s, %s, '+15551234567', 'in', 'made up', 'x')"
    )
    yield from between(world, row, "DELETE FROM messages", world.container, uuid.uuid4())


@breaks("privacy.forgotten")
def _found_again(world: World) -> Iterator[None]:
    case = next(one.id for one in CASES if one.group == FORGETTING)
    world.sql("UPDATE privacy_results SET ok = false WHERE case_id = %s", case)
    yield
    world.sql("UPDATE privacy_results SET ok = true")


with_row("privacy.closed", "ALTER TABLE messages NO FORCE ROW LEVEL SECURITY", "ALTER TABLE messages FORCE ROW LEVEL SECURITY")
with_row(
    "privacy.incidents",
    "INSERT INTO privacy_incidents (kind, actor, workstation, detail, correlation_id)"
    " SELECT 'no_scope', 'x', 'x', 'x', 'x' FROM generate_series(1, 25)",
    "DELETE FROM privacy_incidents",
)


@breaks("privacy.consent")
def _somebody_consented(world: World) -> Iterator[dict[str, Any]]:
    world.sql("INSERT INTO egress_consent (purpose, host, given_by) VALUES ('moderation', 'readiness.invalid', 'Mallory')")
    yield {"egress": Egress(world.backend.database, world.backend.audit, transport=Dead())}
    world.sql("DELETE FROM egress_consent")


@breaks("secrets.kept")
def _no_passphrase(world: World) -> Iterator[dict[str, Any]]:
    yield {"credentials": world.backend.credentials}


@breaks("secrets.logs")
def _password_in_the_log(world: World) -> Iterator[None]:
    path = world.around.log_dir / "desktop.log"
    was = path.read_text(encoding="utf-8")
    path.write_text(was + '{"event": "signed in with postgresql://ana:hunter22word@db/lectern"}\n', encoding="utf-8")
    yield
    path.write_text(was, encoding="utf-8")


@breaks("logs.rotated")
def _log_grows(world: World) -> Iterator[None]:
    path = world.around.log_dir / "desktop.log"
    was = path.read_text(encoding="utf-8")
    with path.open("r+b") as file:
        file.truncate(6_000_000)
    yield
    path.write_text(was, encoding="utf-8")


@breaks("clock.skew")
def _clock_is_wrong(_world: World) -> Iterator[dict[str, Any]]:
    yield {"clock": lambda: dt.datetime.now(dt.UTC) + dt.timedelta(seconds=5)}
