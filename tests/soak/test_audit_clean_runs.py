"""A log that nobody touched never raises an alarm: concurrent writers, aborted transactions, lost connections, sealing all the while."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from backend_core.audit.service import Audit
from backend_core.db import migrate
from backend_core.db.database import Database
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import APP, OWNER
from backend_core.errors import Conflict, LecternError
from backend_core.policy import ADMIN, Actor, Target
from tests.backend_core.audit.staged_log import TABLES, Drawer, Keys, StagedLog
from tests.postgres import StartServer

WRITERS = 6
ANA = Actor(operator_id=1, name="Ana", role=ADMIN, workstation="desk-1")


@pytest.fixture(scope="module")
def running(start_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> EmbeddedServer:
    server = start_server(tmp_path_factory.mktemp("clean") / "home")
    migrate.upgrade(server.dsn(OWNER))
    return server


@contextlib.contextmanager
def fresh(server: EmbeddedServer, folder: Path) -> Iterator[StagedLog]:
    """An empty log with witnesses of its own."""
    with psycopg.connect(server.admin_dsn, autocommit=True) as conn:
        conn.execute("SET session_replication_role = replica")
        for table in TABLES:
            conn.execute(f"DELETE FROM {table}".encode())
    folder.mkdir()
    database = Database.open(server.dsn(APP), application="lectern-test", base=WRITERS, overflow=4, timeout_s=10)
    drawer = Drawer()
    try:
        yield StagedLog(server, database, Audit(database), drawer, Keys(drawer), folder)
    finally:
        database.close()


def write(log: StagedLog, seed: int) -> None:
    """Write for a while as careless people do: commits, rollbacks, savepoints, waits, lost connections."""
    rng = random.Random(seed)
    for turn in range(rng.randint(2, 10)):
        with contextlib.suppress(LecternError), log.database.begin("Test") as conn:
            for number in range(rng.randint(1, 4)):
                if rng.random() < 0.3:
                    with contextlib.suppress(Conflict), conn.begin_nested():
                        log.audit.record(conn, actor=ANA, action="document.read", target=Target(kind="document", id=f"{turn}.{number}"))
                        if rng.random() < 0.5:
                            raise Conflict("No.")
                log.audit.record(conn, actor=ANA, action="document.read", target=Target(kind="document", id=str(number)), after={"n": seed})
            if rng.random() < 0.05:
                conn.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")
            if rng.random() < 0.2:
                raise Conflict("No.")


def clean_run(log: StagedLog, seed: int) -> int:
    """Write with several threads while two sealers are at work; return the rows that were verified without a problem."""
    seals = [log.seals(log.inside, log.outside) for _ in range(2)]
    seals[0].seal()
    stop = threading.Event()

    def seal(number: int) -> None:
        while not stop.wait(0.01):
            seals[number].seal()

    sealing = [threading.Thread(target=seal, args=(number,)) for number in range(2)]
    writing = [threading.Thread(target=write, args=(log, seed * WRITERS + number)) for number in range(WRITERS)]
    for thread in (*sealing, *writing):
        thread.start()
    for thread in writing:
        thread.join()
    stop.set()
    for thread in sealing:
        thread.join()
    if seed % 2:
        seals[0].seal()
    for one in seals:
        one.close()
    assert log.problems(log.inside, log.outside) == (), f"seed {seed}"
    with log.attacker() as conn:
        row = conn.execute("SELECT count(*) FROM audit_event").fetchone()
    return row[0] if row else 0


def runs(server: EmbeddedServer, folder: Path, seeds: range) -> int:
    total = 0
    for seed in seeds:
        with fresh(server, folder / str(seed)) as log:
            total += clean_run(log, seed)
    return total


@pytest.mark.logs("discarding closed connection", "could not be told")
def test_thirty_clean_runs_raise_no_alarm(running: EmbeddedServer, tmp_path: Path) -> None:
    assert runs(running, tmp_path, range(30)) > 1000


@pytest.mark.soak
@pytest.mark.logs("discarding closed connection", "could not be told")
def test_a_thousand_clean_runs_raise_no_alarm(running: EmbeddedServer, tmp_path: Path) -> None:
    assert runs(running, tmp_path, range(1000, 2000)) > 30_000


@pytest.mark.logs("discarding closed connection", "could not be told")
def test_the_same_run_with_one_row_changed_raises_one(running: EmbeddedServer, tmp_path: Path) -> None:
    with fresh(running, tmp_path / "changed") as log:
        clean_run(log, 5)
        with log.attacker() as conn:
            conn.execute("UPDATE audit_event SET actor = 'Eve' WHERE id = (SELECT min(id) FROM audit_event)")
        assert {one.kind for one in log.problems(log.inside, log.outside)} == {"changed"}
