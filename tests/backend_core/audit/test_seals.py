"""Seals: gapless positions, never before what may still be committed, one sealer at a time, keys that vouch for one another."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from backend_core.audit import merkle
from backend_core.audit.checkpoint import parse
from backend_core.audit.keys import Keys
from backend_core.audit.sealer import Sealer
from backend_core.audit.seals import Seals
from backend_core.audit.service import Audit, Entry
from backend_core.audit.verify import Verification
from backend_core.backend import Backend
from backend_core.db import migrate
from backend_core.db.database import Database
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import APP, OWNER
from backend_core.errors import Cancelled, NotAllowed, NotFound, ProofNeeded, Unavailable
from backend_core.policy import ADMIN, SUPPORT, SYSTEM, Actor, Target
from tests.backend_core.audit.staged_log import TABLES, Drawer
from tests.postgres import StartServer

THING = Target(kind="document", id="1")
PROGRAM = Actor(operator_id=None, name="system", role=SYSTEM, workstation="host")
PLAIN = Actor(operator_id=1, name="Ana", role=ADMIN, workstation="desk-1")
PROVEN = Actor(
    operator_id=1, name="Ana", role=ADMIN, workstation="desk-1", proven_until=dt.datetime.now(dt.UTC) + dt.timedelta(hours=2)
)  # fmt: skip


@pytest.fixture
def audit(database: Database) -> Audit:
    return Audit(database)


@pytest.fixture
def drawer() -> Drawer:
    return Drawer()


@pytest.fixture
def seals(database: Database, audit: Audit, drawer: Drawer, tmp_path: Path) -> Seals:
    return made(database, audit, drawer, tmp_path)


def made(database: Database, audit: Audit, drawer: Drawer, folder: Path) -> Seals:
    return Seals(database, audit, Keys(drawer), name="test", folder=folder)


def write(audit: Audit, database: Database, count: int = 1) -> None:
    with database.begin("Test") as conn:
        audit.record_many(conn, [Entry(actor=PLAIN, action="document.read", target=THING)] * count)


def ask(database: Database, statement: str) -> Any:
    with database.begin("Test") as conn:
        return conn.exec_driver_sql(statement).all()


def kinds(database: Database) -> set[str]:
    walk = Verification(database)
    walk.run()
    return {problem.kind for problem in walk.findings.all()}


def test_every_committed_row_gets_the_next_position_once(database: Database, audit: Audit, seals: Seals) -> None:
    for count in (1, 5, 3):
        write(audit, database, count)
        assert seals.seal() == count
        assert seals.seal() == 0
    assert ask(database, "SELECT position, event_id FROM audit_position ORDER BY position") == [(n, n) for n in range(1, 10)]
    assert ask(database, "SELECT id, size, first_position, last_position FROM audit_seal ORDER BY id") == [
        (1, 1, 1, 1), (2, 5, 2, 6), (3, 3, 7, 9),
    ]  # fmt: skip
    assert kinds(database) == set()


def test_a_long_log_is_sealed_in_batches(database: Database, audit: Audit, drawer: Drawer) -> None:
    sealer = Sealer(database, Keys(drawer), batch=7)
    write(audit, database, 24)
    assert sealer.seal() == 24
    assert ask(database, "SELECT size, seen_id IS NOT NULL FROM audit_seal ORDER BY id") == [(7, False), (7, False), (7, False), (3, True)]
    assert kinds(database) == set()


def test_a_checkpoint_and_a_proof_lead_from_a_row_to_a_signed_head(database: Database, audit: Audit, seals: Seals) -> None:
    write(audit, database, 6)
    seals.seal()
    note, key_id, signature = parse(ask(database, "SELECT checkpoint FROM audit_seal")[0][0])
    rows = ask(database, "SELECT id, xid::text, (extract(epoch FROM at) * 1000000)::bigint, leaf FROM audit_event ORDER BY id")
    hashes = [merkle.leaf_hash(merkle.entry(place, row[0], int(row[1]), row[2], bytes(row[3]))) for place, row in enumerate(rows, 1)]
    assert merkle.root_of(hashes[4], 4, 6, merkle.proof(hashes, 4)) == note.root
    assert merkle.root_of(hashes[4], 3, 6, merkle.proof(hashes, 4)) != note.root
    assert (note.seal, note.first, note.last, len(signature)) == (1, 1, 6, 64)
    assert key_id == seals.keys(actor=PLAIN)[0].key_id


def test_rows_wait_while_an_older_transaction_runs_and_the_lag_says_so(database: Database, audit: Audit, seals: Seals) -> None:
    write(audit, database)
    seals.seal()
    with database.begin("Slow") as slow:
        audit.record(slow, actor=PLAIN, action="document.read", target=Target(kind="document", id="slow"))
        write(audit, database, 3)
        assert seals.seal() == 0
        lag = seals.lag()
        assert lag.rows == 3
        assert lag.seconds >= 0
    assert seals.seal() == 4
    assert seals.lag().rows == 0
    # the slow one came first, so it stands first
    targets = ask(database, "SELECT e.target FROM audit_position p JOIN audit_event e ON e.id = p.event_id ORDER BY p.position")
    assert targets[1] == ("document:slow",)
    assert kinds(database) == set()


def test_rows_that_are_rolled_back_get_no_position(database: Database, audit: Audit, seals: Seals) -> None:
    write(audit, database)
    with contextlib.suppress(NotFound), database.begin("Test") as conn:
        audit.record(conn, actor=PLAIN, action="document.read", target=THING)
        raise NotFound("No.")
    write(audit, database)
    assert seals.seal() == 2
    assert ask(database, "SELECT position, event_id FROM audit_position ORDER BY position") == [(1, 1), (2, 3)]


@pytest.mark.trace("A90")
def test_several_sealers_at_once_give_each_row_one_position(database: Database, audit: Audit, drawer: Drawer) -> None:
    sealers = [Sealer(database, Keys(drawer), batch=5) for _ in range(4)]
    stop = threading.Event()

    def seal(sealer: Sealer) -> None:
        while not stop.is_set():
            sealer.seal()

    threads = [threading.Thread(target=seal, args=(sealer,)) for sealer in sealers]
    write(audit, database)
    sealers[0].seal()
    for thread in threads:
        thread.start()
    for _ in range(60):
        write(audit, database, 2)
    stop.set()
    for thread in threads:
        thread.join()
    sealers[0].seal()
    assert ask(database, "SELECT count(*), min(position), max(position), count(DISTINCT event_id) FROM audit_position") == [
        (121, 1, 121, 121)
    ]
    assert kinds(database) == set()


def test_the_walk_can_be_followed_and_stopped(database: Database, audit: Audit, seals: Seals) -> None:
    write(audit, database, 50)
    seals.seal()
    seen: list[tuple[int, int]] = []
    report = seals.verify(actor=PLAIN, progress=lambda done, total: seen.append((done, total)))
    assert report.ok
    assert (report.rows, report.verified_to) == (50, 50)
    assert seen[-1] == (50, 50)
    with pytest.raises(Cancelled):
        seals.verify(actor=PLAIN, cancelled=lambda: True)
    latest = seals.latest_verification(actor=PLAIN)
    assert latest is not None
    assert (latest.ok, latest.verified_to, latest.witnesses.total) == (True, 50, 0)
    assert ask(database, "SELECT action, outcome FROM audit_event ORDER BY id DESC LIMIT 1") == [("audit.verify", "done")]


def test_a_quick_look_checks_every_seal_and_the_newest_rows(database: Database, audit: Audit, seals: Seals, clean: EmbeddedServer) -> None:
    write(audit, database, 50)
    seals.seal()
    assert seals.verify(actor=PLAIN, quick=True).ok
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute("SET session_replication_role = replica; UPDATE audit_seal SET root = sha256(root)")
    assert {problem.kind for problem in seals.verify(actor=PLAIN, quick=True).problems} >= {"seal", "signature"}


def test_only_those_who_may_read_the_log_verify_it_and_only_proven_administrators_change_keys(seals: Seals) -> None:
    support = Actor(operator_id=2, name="x", role=SUPPORT, workstation="w")
    for forbidden in (seals.verify, seals.latest_verification, seals.witnesses, seals.keys, seals.rotate, seals.adopt, seals.accept):
        with pytest.raises(NotAllowed):
            forbidden(actor=support)
    with pytest.raises(NotAllowed):
        seals.seal(actor=PLAIN)
    with pytest.raises(ProofNeeded):
        seals.rotate(actor=PLAIN)


@pytest.mark.logs("has to be introduced first")
def test_a_new_key_is_introduced_by_the_old_one_which_may_sign_no_more(
    database: Database, audit: Audit, seals: Seals, drawer: Drawer, tmp_path: Path
) -> None:
    write(audit, database)
    seals.seal()
    stolen = Drawer(drawer)
    first = seals.keys(actor=PLAIN)[0].key_id
    second = seals.rotate(actor=PROVEN)
    write(audit, database)
    seals.seal()
    assert [row[0] for row in ask(database, "SELECT key_id FROM audit_seal ORDER BY id")] == [first, second]
    assert kinds(database) == set()
    write(audit, database)
    # another process of this computer finds the new key by itself
    assert made(database, audit, drawer, tmp_path).seal() == 1
    write(audit, database)
    assert made(database, audit, stolen, tmp_path).seal() == 0
    assert kinds(database) == set()


@pytest.mark.trace("A90")
def test_a_key_is_replaced_while_others_seal(database: Database, audit: Audit, seals: Seals, drawer: Drawer, tmp_path: Path) -> None:
    write(audit, database)
    seals.seal()
    stop = threading.Event()

    def seal(one: Seals) -> None:
        while not stop.is_set():
            one.seal()

    threads = [threading.Thread(target=seal, args=(made(database, audit, drawer, tmp_path),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(8):
        write(audit, database, 3)
        seals.rotate(actor=PROVEN)
    stop.set()
    for thread in threads:
        thread.join()
    seals.seal()
    assert len({row[0] for row in ask(database, "SELECT key_id FROM audit_key")}) == 9
    assert ask(database, "SELECT count(*) FROM audit_position") == ask(database, "SELECT count(*) FROM audit_event")
    assert kinds(database) == set()


@pytest.mark.logs("has to be introduced first")
def test_another_computer_seals_only_after_its_key_was_introduced(database: Database, audit: Audit, seals: Seals, tmp_path: Path) -> None:
    write(audit, database)
    seals.seal()
    other = made(database, audit, Drawer(), tmp_path)
    write(audit, database)
    assert other.seal() == 0
    assert other.seal() == 0
    asked = [one for one in seals.keys(actor=PLAIN) if one.event == "requested"]
    assert len(asked) == 1
    with pytest.raises(Unavailable):
        other.introduce(asked[0].key_id, actor=PROVEN)
    with pytest.raises(NotFound):
        seals.introduce("lectern-unknown", actor=PROVEN)
    seals.introduce(asked[0].key_id, actor=PROVEN)
    assert other.seal() == 2
    assert kinds(database) == set()


@pytest.mark.logs("has to be introduced first")
def test_a_computer_that_takes_over_without_an_introduction_is_reported(
    database: Database, audit: Audit, seals: Seals, tmp_path: Path
) -> None:
    write(audit, database)
    seals.seal()
    other = made(database, audit, Drawer(), tmp_path)
    other.adopt(actor=PROVEN)
    assert other.seal() == 1
    assert kinds(database) == {"key"}


def test_a_vault_from_another_log_begins_a_fresh_one(
    database: Database, audit: Audit, seals: Seals, drawer: Drawer, clean: EmbeddedServer
) -> None:
    write(audit, database)
    seals.seal()
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute("SET session_replication_role = replica")
        for table in TABLES:
            conn.execute(f"DELETE FROM {table}".encode())
    write(audit, database)
    assert Sealer(database, Keys(drawer)).seal() == 1
    assert ask(database, "SELECT id, event FROM audit_key") == [(1, "introduced")]
    assert ask(database, "SELECT id FROM audit_seal") == [(1,)]


@pytest.mark.parametrize(("hours", "found"), [(3, {"clock"}), (-3, {"clock"}), (0, set())])
def test_a_time_that_does_not_fit_its_seal_is_found(database: Database, audit: Audit, seals: Seals, hours: int, found: set[str]) -> None:
    write(audit, database)
    seals.seal()
    clock = audit.writers.clock
    with database.begin("Test") as conn:
        clock.now(conn)
    assert clock._server is not None
    clock._server += dt.timedelta(hours=hours)
    with database.begin("Other chain") as one, database.begin("Test") as two:
        # a connection whose chain has no later time
        audit.record(one, actor=PLAIN, action="document.read", target=THING)
        audit.record(two, actor=PLAIN, action="document.read", target=THING)
    seals.seal()
    assert kinds(database) == found


def test_a_log_restored_into_another_server_goes_on_as_a_new_generation(
    database: Database, audit: Audit, drawer: Drawer, seals: Seals, clean: EmbeddedServer, start_server: StartServer, tmp_path: Path
) -> None:
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        for _ in range(600):
            # so that transactions of the old server have higher numbers than those of the new one
            conn.execute("SELECT pg_current_xact_id()")
    write(audit, database, 5)
    seals.seal()
    write(audit, database, 2)
    with restored(clean, start_server(tmp_path / "other")) as other:
        again = Audit(other)
        assert kinds(other) == set()
        write(again, other, 3)
        assert made(other, again, drawer, tmp_path).seal() == 5
        write(again, other, 1)
        assert made(other, again, drawer, tmp_path).seal() == 1
        assert ask(other, "SELECT generation, after_seal, restored_id FROM audit_generation ORDER BY generation")[1:] == [(2, 1, 10)]
        assert ask(other, "SELECT id, generation, size FROM audit_seal ORDER BY id") == [(1, 1, 5), (2, 2, 5), (3, 2, 1)]
        assert kinds(other) == set()


@contextlib.contextmanager
def restored(server: EmbeddedServer, other: EmbeddedServer) -> Iterator[Database]:
    """Copy the log into another server, as a restore does."""
    migrate.upgrade(other.dsn(OWNER))
    with psycopg.connect(server.admin_dsn) as source, psycopg.connect(other.admin_dsn, autocommit=True) as sink:
        for table in TABLES:
            out, into = (f"COPY {table} {way}".encode() for way in ("TO STDOUT", "FROM STDIN"))
            with source.cursor().copy(out) as reader, sink.cursor().copy(into) as writer:
                for block in reader:
                    writer.write(block)
        sink.execute("SELECT setval(pg_get_serial_sequence('audit_event', 'id'), (SELECT max(id) FROM audit_event))")
    opened = Database.open(other.dsn(APP), application="lectern-test", base=1, overflow=3, timeout_s=10)
    try:
        yield opened
    finally:
        opened.close()


@pytest.mark.trace("A79")
@pytest.mark.parametrize("table", [table for table in TABLES if table not in {"audit_event"}])
@pytest.mark.parametrize("role", [APP, OWNER, "lectern_admin"])
def test_no_role_can_change_what_seals_the_log(
    database: Database, audit: Audit, seals: Seals, clean: EmbeddedServer, table: str, role: str
) -> None:
    write(audit, database)
    seals.seal()
    column = ask(database, f"SELECT attname FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum = 2")[0][0]
    for statement in (f'UPDATE {table} SET "{column}" = "{column}"', f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        with psycopg.connect(clean.dsn(role)) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(statement.encode())


def test_nobody_chooses_the_number_or_the_transaction_of_a_row(database: Database, audit: Audit, clean: EmbeddedServer) -> None:
    write(audit, database)
    columns = "writer, wseq, leaf, actor, role, action, target, outcome, workstation, client_version, correlation_id"
    copy = f"SELECT {columns} FROM audit_event"
    with psycopg.connect(clean.dsn(APP), autocommit=True) as conn:
        conn.execute(f"INSERT INTO audit_event ({columns}) {copy}".encode())
        for chosen, value in (("id", "77"), ("xid", "'3'")):
            statement = f"INSERT INTO audit_event ({chosen}, {columns}) OVERRIDING SYSTEM VALUE SELECT {value}, {columns} FROM audit_event"
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                conn.execute(statement.encode())


def test_the_whole_program_seals_and_verifies_its_own_work(backend: Backend, actor: Actor) -> None:
    assert backend.seals.seal(actor=backend.system()) >= 1
    report = backend.seals.verify(actor=actor)
    assert report.ok
    assert report.witnesses.total >= 1
    assert report.witnesses.agreeing == report.witnesses.total
    assert backend.seals.lag().rows >= 0
    with backend.database.begin("Test") as conn:
        assert conn.execute(sa.text("SELECT count(*) FROM audit_verification")).scalar_one() == 1
