"""Witnesses remember the newest checkpoint, never give way to another history, and say when they see one."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import psycopg
import pytest

from backend_core.audit.keys import Keys
from backend_core.audit.seals import Seals
from backend_core.audit.service import Audit, Entry
from backend_core.audit.witnesses import SECRET, FilePlace, KeyringPlace
from backend_core.backend import open_backend
from backend_core.db.database import Database
from backend_core.db.embedded import EmbeddedServer
from backend_core.policy import ADMIN, Actor, Target
from backend_core.settings import Settings
from tests.backend_core.audit.staged_log import TABLES, Drawer

THING = Target(kind="document", id="1")
ANA = Actor(
    operator_id=1, name="Ana", role=ADMIN, workstation="desk-1", proven_until=dt.datetime.now(dt.UTC) + dt.timedelta(hours=2)
)  # fmt: skip


class Keyring(Drawer):
    """A drawer that says it is the keyring."""

    kind = "keyring"


@pytest.fixture
def audit(database: Database) -> Audit:
    return Audit(database)


@pytest.fixture
def place(tmp_path: Path) -> FilePlace:
    return FilePlace(tmp_path / "stick" / "witness.json", name="chosen file", outside=True)


@pytest.fixture
def drawer() -> Drawer:
    return Drawer()


@pytest.fixture
def seals(database: Database, audit: Audit, drawer: Drawer, place: FilePlace, tmp_path: Path) -> Seals:
    return Seals(database, audit, Keys(drawer), places=[place], name="test", folder=tmp_path)


def write(audit: Audit, database: Database, count: int = 1) -> None:
    with database.begin("Test") as conn:
        audit.record_many(conn, [Entry(actor=ANA, action="document.read", target=THING)] * count)


def kinds(seals: Seals) -> set[str]:
    return {problem.kind for one in seals.witnesses(actor=ANA) for problem in one.problems}


def emptied(server: EmbeddedServer) -> None:
    with psycopg.connect(server.admin_dsn, autocommit=True) as conn:
        conn.execute("SET session_replication_role = replica")
        for table in TABLES:
            conn.execute(f"DELETE FROM {table}".encode())


def test_a_witness_is_told_after_each_seal_and_agrees(database: Database, audit: Audit, seals: Seals) -> None:
    for number in (1, 2, 3):
        write(audit, database)
        seals.seal()
        said = seals.witnesses(actor=ANA)
        assert [(one.name, one.outside, one.seal, one.problems) for one in said] == [("chosen file", True, number, ())]
    report = seals.verify(actor=ANA)
    assert (report.ok, report.witnesses.total, report.witnesses.off_machine, report.witnesses.agreeing) == (True, 1, 1, 1)


def test_without_a_witness_nothing_is_claimed(database: Database, audit: Audit, drawer: Drawer, tmp_path: Path) -> None:
    alone = Seals(database, audit, Keys(drawer), name="test", folder=tmp_path)
    write(audit, database)
    alone.seal()
    report = alone.verify(actor=ANA)
    assert (report.ok, report.witnesses.total, report.witnesses.off_machine) == (True, 0, 0)


@pytest.mark.logs("remembers another audit log")
def test_a_witness_keeps_what_it_knows_when_the_log_is_replaced(
    database: Database, audit: Audit, seals: Seals, place: FilePlace, clean: EmbeddedServer
) -> None:
    write(audit, database, 3)
    seals.seal()
    write(audit, database)
    seals.seal()
    known = place.read()
    emptied(clean)
    assert kinds(seals) == {"rollback"}
    for _ in range(3):
        write(audit, database)
        seals.seal()
    assert place.read() == known
    assert kinds(seals) == {"witness"}
    assert not seals.verify(actor=ANA).ok


def test_two_histories_with_the_same_seal_number_are_an_alarm(
    database: Database, audit: Audit, seals: Seals, clean: EmbeddedServer
) -> None:
    write(audit, database)
    seals.seal()
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute("SET session_replication_role = replica; UPDATE audit_seal SET head = sha256(head)")
    details = [problem.detail for one in seals.witnesses(actor=ANA) for problem in one.problems]
    assert details == ["the chosen file remembers another seal 1: there are two histories"]


def test_the_last_rows_of_this_computer_are_remembered_until_they_are_sealed(
    database: Database, audit: Audit, seals: Seals, place: FilePlace, clean: EmbeddedServer
) -> None:
    write(audit, database)
    seals.seal()
    write(audit, database, 2)
    seals.close()
    assert len(json.loads(place.read() or "")["test"]["writers"]) == 1
    assert kinds(seals) == set()
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute("SET session_replication_role = replica; CREATE TABLE kept AS TABLE audit_event")
        conn.execute("DELETE FROM audit_event WHERE id = (SELECT max(id) FROM audit_event)")
        assert kinds(seals) == {"truncated"}
        conn.execute("INSERT INTO audit_event OVERRIDING SYSTEM VALUE SELECT * FROM kept ORDER BY id DESC LIMIT 1")
        conn.execute("DROP TABLE kept")
    assert kinds(seals) == set()
    write(audit, database)
    seals.seal()
    assert json.loads(place.read() or "")["test"]["writers"] == {}


def test_a_key_that_introduced_itself_is_believed_only_when_the_witness_knows_it(
    database: Database, audit: Audit, seals: Seals, tmp_path: Path, place: FilePlace
) -> None:
    write(audit, database)
    seals.seal()
    other = Seals(database, audit, Keys(Drawer()), places=[place], name="test", folder=tmp_path)
    other.adopt(actor=ANA)
    other.seal()
    assert {problem.kind for problem in seals.verify(actor=ANA).problems} == {"key"}
    other.seal()
    assert seals.accept(actor=ANA) == 1
    assert seals.verify(actor=ANA).ok
    with database.begin("Test") as conn:
        assert conn.exec_driver_sql("SELECT count(*) FROM audit_event WHERE action = 'audit.witness'").scalar_one() == 1


def test_the_keyring_gets_little_and_seldom(database: Database, audit: Audit, drawer: Drawer, tmp_path: Path) -> None:
    keyring = Keyring()
    seals = Seals(database, audit, Keys(drawer), places=[KeyringPlace(keyring)], name="test", folder=tmp_path)
    for _ in range(3):
        write(audit, database)
        seals.seal()
    assert [one.seal for one in seals.witnesses(actor=ANA)] == [1]
    assert len(keyring[SECRET]) < 1280
    # at the end nothing is put off
    seals.close()
    assert [one.seal for one in seals.witnesses(actor=ANA)] == [3]
    file = KeyringPlace(Drawer())
    file.write("x")
    assert file.read() is None


@pytest.mark.parametrize("content", ["{", "[]", '{"test": 7}', '{"test": {"checkpoint": "x", "roots": [], "writers": {}}}', "\udcff"])
def test_a_witness_that_cannot_be_read_is_an_alarm_and_is_not_overwritten(
    database: Database, audit: Audit, seals: Seals, place: FilePlace, content: str
) -> None:
    write(audit, database)
    place.path.parent.mkdir(parents=True)
    place.path.write_bytes(content.encode(errors="surrogateescape"))
    before = place.read()
    assert kinds(seals) == {"witness"}
    assert place.read() == before


@pytest.mark.logs("could not be told")
def test_a_witness_that_cannot_be_written_does_not_stop_the_seals(database: Database, audit: Audit, drawer: Drawer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    place = FilePlace(tmp_path / "file" / "witness.json", name="chosen file", outside=True)
    seals = Seals(database, audit, Keys(drawer), places=[place], name="test", folder=tmp_path)
    write(audit, database)
    assert seals.seal() == 1


def test_one_file_can_remember_several_logs(database: Database, audit: Audit, drawer: Drawer, place: FilePlace, tmp_path: Path) -> None:
    for name in ("one", "other"):
        seals = Seals(database, audit, Keys(drawer), places=[place], name=name, folder=tmp_path)
        write(audit, database)
        seals.seal()
    assert set(json.loads(place.read() or "")) == {"one", "other"}


def test_a_chosen_file_outside_counts_and_one_inside_does_not(settings: Settings, tmp_path: Path) -> None:
    chosen = settings.model_copy(update={"witness": tmp_path / "stick" / "witness.json"})
    with open_backend(chosen) as backend:
        actor = backend.actor()
        backend.seals.seal()
        said = {one.name: one.outside for one in backend.seals.witnesses(actor=actor)}
        assert said == {"data folder": False, "object store": True, "chosen file": True}
        assert backend.seals.verify(actor=actor).witnesses.off_machine == 2
    inside = settings.model_copy(update={"witness": settings.home / "witness" / "mine.json", "objects": None})
    with open_backend(inside) as backend:
        backend.seals.seal()
        assert {one.outside for one in backend.seals.witnesses(actor=backend.actor())} == {False}
