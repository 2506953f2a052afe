"""What counts as evidence that an index is not used, and what ends it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from backend_core.db import embedded, migrate
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import MONITOR, OWNER
from backend_core.monitoring.indexes.evidence import Patience, take
from backend_core.monitoring.indexes.records import UNUSED, WITHHELD, IndexRow, IndexView
from backend_core.monitoring.indexes.view import Reader
from backend_core.monitoring.link import MonitorLink
from tests.backend_core.monitoring.indexes.conftest import Admin
from tests.polling import eventually
from tests.postgres import FAST

MANY = 50
PATIENCE = Patience(scans=MANY)
TRIED = """
CREATE SCHEMA tried;
CREATE TABLE tried.letters AS SELECT g AS id, g % 100 AS box FROM generate_series(1, 20000) g;
CREATE INDEX letters_id ON tried.letters (id);
CREATE INDEX letters_box ON tried.letters (box);
ANALYZE tried.letters
"""
OLDER = "UPDATE index_snapshots SET at = at - interval '8 days'"
REPLICATING = {"wal_level": "replica", "max_replication_slots": "2"}
SCANS = "SELECT indexrelname, idx_scan FROM pg_stat_all_indexes WHERE schemaname = 'tried'"


def look(link: MonitorLink, patience: Patience = PATIENCE) -> IndexView:
    """Return the view as an operator gets it when Lectern declares nothing."""
    return Reader(link, frozenset(), patience).read()


def row(view: IndexView, name: str) -> IndexRow:
    """Return one index of the view."""
    (found,) = (one for one in view.rows if one.name == name)
    return found


def use(admin: Admin) -> None:
    """Look letters up by their id, so that one index is used and the other is not."""
    for number in range(MANY):
        admin.execute("SELECT id FROM tried.letters WHERE id = %s", (number,))
    admin.execute("SELECT pg_stat_force_next_flush()")
    eventually(lambda: int(str(dict(admin.execute(SCANS).fetchall())["letters_id"])) >= MANY)


def begin(admin: Admin, link: MonitorLink) -> None:
    """Make a table with two indexes, whose counters have been kept for eight days."""
    for statement in TRIED.split(";\n"):
        admin.execute(statement.encode())
    assert take(link, fresh_s=0)
    admin.execute(OLDER)


@pytest.mark.trace("B109")
def test_an_index_is_unused_once_a_week_of_work_did_without_it(admin: Admin, link: MonitorLink) -> None:
    begin(admin, link)
    assert row(look(link), "letters_box").verdict == WITHHELD
    use(admin)
    view = look(link)
    idle, busy = row(view, "letters_box"), row(view, "letters_id")
    assert (idle.verdict, idle.window_scans, idle.sql) == (UNUSED, 0, "DROP INDEX CONCURRENTLY tried.letters_box;")
    assert (busy.verdict, busy.window_scans) == ("keep", MANY)
    assert view.evidence.enough
    assert 8 * 24 <= view.evidence.hours < 9 * 24
    assert idle.size_bytes <= view.advised_bytes < view.total_bytes
    assert row(look(link, Patience(hours=10 * 24, scans=MANY)), "letters_box").verdict == WITHHELD


def test_an_index_made_yesterday_is_not_judged_by_the_week_before(admin: Admin, link: MonitorLink) -> None:
    begin(admin, link)
    admin.execute("CREATE INDEX letters_new ON tried.letters (box DESC)")
    use(admin)
    new = row(look(link), "letters_new")
    assert (new.verdict, new.reason) == (WITHHELD, "Not enough evidence: it was not there 7 days ago.")


def test_statistics_that_were_reset_are_no_evidence(admin: Admin, link: MonitorLink) -> None:
    begin(admin, link)
    use(admin)
    assert row(look(link), "letters_box").verdict == UNUSED
    admin.execute("SELECT pg_stat_reset_single_table_counters('tried.letters_id'::regclass)")
    view = look(link)
    assert [one.name for one in view.rows if one.verdict == UNUSED] == []
    assert "since the counters fell" in view.evidence.sentence
    take(link, fresh_s=0)
    assert [fall.cause for fall in look(link).evidence.falls] == ["reset"]
    assert row(look(link), "letters_box").verdict == WITHHELD


def test_old_snapshots_are_thinned_out_and_the_first_of_a_time_stays(admin: Admin, link: MonitorLink) -> None:
    admin.execute(
        "INSERT INTO index_snapshots (at, server_started, scans, tables)"
        " SELECT clock_timestamp() - g * interval '20 minutes', '2026-01-01', '{}', '{}' FROM generate_series(0, 72 * 40) g"
    )
    first = admin.execute("SELECT min(at) FROM index_snapshots").fetchone()
    assert take(link, fresh_s=0)
    ages = "SELECT count(*) FROM index_snapshots WHERE clock_timestamp() - at BETWEEN %s::interval AND %s::interval"

    def count(newest: str, oldest: str) -> int:
        (found,) = admin.execute(ages.encode(), (newest, oldest)).fetchone() or (0,)
        return int(str(found))

    assert count("0 hours", "47 hours") > 47 * 3 - 2
    assert count("3 days", "4 days") in {24, 25}
    assert count("32 days", "37 days") in {5, 6}
    assert admin.execute("SELECT min(at) FROM index_snapshots").fetchone() == first


def restarted(home: Path) -> EmbeddedServer:
    """Return the server of ``home``, started if it is down."""
    return embedded.ensure_running(home, extra_settings=FAST | REPLICATING, idle_minutes=None)


@pytest.mark.skipif(sys.platform == "win32", reason="kills with SIGKILL")
@pytest.mark.trace("B109")
def test_after_a_crash_of_the_server_or_beside_a_replica_no_index_is_called_unused(
    start_server: Callable[..., EmbeddedServer], tmp_path: Path
) -> None:
    server = start_server(tmp_path / "home", extra_settings=REPLICATING)
    migrate.upgrade(server.dsn(OWNER))
    link = MonitorLink(server.dsn(MONITOR))
    with psycopg.connect(server.admin_dsn, autocommit=True) as admin:
        begin(admin, link)
        use(admin)
        assert row(look(link), "letters_box").verdict == UNUSED
        # another server may answer queries too: its counters are not here
        admin.execute("SELECT pg_create_physical_replication_slot('elsewhere')")
        assert (row(look(link), "letters_box").verdict, look(link).evidence.replicas) == (WITHHELD, True)
        admin.execute("SELECT pg_drop_replication_slot('elsewhere')")
        take(link, fresh_s=0)
    link.close()
    # the control of a stop in good order: the counters go on, and so does the evidence
    embedded.stop(server.cluster.home, force=True)
    server = restarted(server.cluster.home)
    link = MonitorLink(server.dsn(MONITOR))
    assert row(look(link), "letters_box").verdict == UNUSED
    os.kill(server.pid, signal.SIGKILL)
    link.close()
    server = restarted(server.cluster.home)
    link = MonitorLink(server.dsn(MONITOR))
    with psycopg.connect(server.admin_dsn, autocommit=True) as admin:
        # who trusts the counters now calls the index unused that was needed fifty times
        assert admin.execute(SCANS).fetchall() == [("letters_id", 0), ("letters_box", 0)]
        assert admin.execute("SELECT stats_reset FROM pg_stat_database WHERE datname = 'lectern'").fetchone() == (None,)
        assert [one.name for one in look(link).rows if one.verdict == UNUSED] == []
        assert "since the counters fell" in row(look(link), "letters_id").reason
        take(link, fresh_s=0)
        use(admin)
        view = look(link)
    assert [one.name for one in view.rows if one.verdict == UNUSED] == []
    assert (view.evidence.enough, [fall.cause for fall in view.evidence.falls]) == (False, ["crash"])
    link.close()
