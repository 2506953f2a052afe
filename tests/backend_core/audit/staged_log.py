"""A log with everything in it, which tests damage and put back: old rows, erased rows, aborted transactions, two keys, unsealed rows."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import psycopg
from psycopg import sql
from sqlalchemy import Connection

from backend_core.audit.chain import canonical, leaf, origin
from backend_core.audit.keys import Keys
from backend_core.audit.report import Problem
from backend_core.audit.retention import Retention
from backend_core.audit.seals import Seals
from backend_core.audit.service import Audit
from backend_core.audit.verify import Verification
from backend_core.audit.witnesses import FilePlace, Witnesses
from backend_core.audit.writers import Clock
from backend_core.db import migrate
from backend_core.db.database import Database
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import APP, OWNER
from backend_core.errors import Conflict
from backend_core.policy import ADMIN, SYSTEM, Actor, Target

ANA = Actor(operator_id=1, name="Ana", role=ADMIN, workstation="desk-1", reason=None)
PROGRAM = Actor(operator_id=None, name="system", role=SYSTEM, workstation="host")
TABLES = ("audit_event", "audit_position", "audit_seal", "audit_key", "audit_generation", "audit_erased", "audit_tombstone")
LEGACY = """
INSERT INTO audit_event (writer, actor, actor_id, role, action, target, outcome, before, workstation, client_version, correlation_id)
SELECT 'old:' || n % 3, 'Mara', 2, 'support', 'document.rename', 'document:' || n, 'done', 'null', 'desk-2', '0.1.0', 'c' || n
  FROM generate_series(1, 12) n
"""
NAME = "test log"


class Drawer(dict[str, str]):
    """Secrets in memory."""

    kind = "file"

    def set(self, name: str, secret: str) -> None:
        """Keep a secret."""
        self[name] = secret


class OtherClock:
    """A clock that runs as far from the database's as a test wants."""

    def __init__(self, distance: dt.timedelta) -> None:
        self.distance = distance

    def now(self, conn: Connection) -> dt.datetime:
        """Return the wrong time."""
        found: dt.datetime = conn.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
        return found.astimezone(dt.UTC) + self.distance


@dataclass
class StagedLog:
    """The log, its way in for an attacker, and its witnesses."""

    server: EmbeddedServer
    database: Database
    audit: Audit
    drawer: Drawer
    keys: Keys
    folder: Path
    first_drawer: Drawer = field(default_factory=Drawer)
    kept: dict[str, dict[str, str | None]] = field(default_factory=dict)

    @property
    def inside(self) -> FilePlace:
        """The witness in the data folder."""
        return FilePlace(self.folder / "home" / "witness.json", name="data folder", outside=False)

    @property
    def outside(self) -> FilePlace:
        """The witness elsewhere."""
        return FilePlace(self.folder / "stick" / "witness.json", name="chosen file", outside=True)

    def seals(self, *places: FilePlace) -> Seals:
        """Return the sealing of this log."""
        return Seals(self.database, self.audit, self.keys, places=places, name=NAME, folder=self.folder)

    @contextlib.contextmanager
    def attacker(self) -> Iterator[psycopg.Connection[Any]]:
        """Return a session of the superuser for whom no trigger, right or foreign key counts."""
        with psycopg.connect(self.server.admin_dsn, autocommit=True) as conn:
            conn.execute("SET session_replication_role = replica")
            yield conn

    def problems(self, *places: FilePlace) -> tuple[Problem, ...]:
        """Return what a verification with these witnesses finds."""
        witnesses = Witnesses(places, database=NAME, folder=self.folder)
        walk = Verification(self.database, accepted=witnesses.accepted())
        walk.run()
        with self.database.begin("Ask witnesses") as conn:
            said = witnesses.ask(conn)
        return (*walk.findings.all(), *(problem for one in said for problem in one.problems))

    def keep(self, name: str) -> None:
        """Keep the log and its witnesses as they are under a name."""
        with self.attacker() as conn:
            conn.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(name)))
            for table in TABLES:
                conn.execute(sql.SQL("CREATE TABLE {} AS TABLE public.{}").format(sql.Identifier(name, table), sql.Identifier(table)))
        self.kept[name] = {place.name: place.read() for place in (self.inside, self.outside)}

    def put_back(self, name: str, *, witnesses: tuple[FilePlace, ...] = ()) -> None:
        """Put back the log, and these witnesses, as they were kept under a name."""
        with self.attacker() as conn:
            for table in TABLES:
                here = sql.Identifier(table)
                conn.execute(sql.SQL("DELETE FROM {}").format(here))
                conn.execute(sql.SQL("INSERT INTO {} OVERRIDING SYSTEM VALUE TABLE {}").format(here, sql.Identifier(name, table)))
        for place in witnesses:
            place.write(self.kept[name][place.name] or "{}")

    def rechain(self, writer: str) -> None:
        """Give every row of a writer the number and hash that its content asks for, as an attacker who read our source would."""
        with self.attacker() as conn, conn.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            gone = {row["event_id"]: row for row in cursor.execute("SELECT * FROM audit_erased WHERE writer = %s", (writer,)).fetchall()}
            here = {row["id"]: row for row in cursor.execute("SELECT * FROM audit_event WHERE writer = %s", (writer,)).fetchall()}
            number, previous = 0, origin(writer)
            for event_id in sorted({*gone, *here}):
                number += 1
                if event_id in gone:
                    previous = gone[event_id]["leaf"]
                    continue
                previous = leaf(previous, canonical({**here[event_id], "wseq": number}))
                cursor.execute("UPDATE audit_event SET wseq = %s, leaf = %s WHERE id = %s", (number, previous, event_id))

    def rechain_all(self) -> None:
        """The same for every writer."""
        with self.attacker() as conn:
            writers = [row[0] for row in conn.execute("SELECT DISTINCT writer FROM audit_event").fetchall()]
        for writer in writers:
            self.rechain(writer)


def stage(server: EmbeddedServer, folder: Path) -> StagedLog:
    """Make the log: rows of an older version, old rows that retention erases, eight writers, a change of keys, rows without a seal."""
    migrate.upgrade(server.dsn(OWNER), target="0003")
    with psycopg.connect(server.dsn(APP), autocommit=True) as conn:
        conn.execute(LEGACY)
    migrate.upgrade(server.dsn(OWNER))
    drawer = Drawer()
    database = Database.open(server.dsn(APP), application="lectern-test", base=8, overflow=2, timeout_s=10)
    made = StagedLog(server, database, Audit(database), drawer, Keys(drawer), folder)
    seals = made.seals(made.inside, made.outside)
    _old_rows(made)
    seals.seal()
    Retention(database, made.audit, keys=made.keys, months=lambda: {"reads": 1}).retain(actor=PROGRAM)
    made.keep("early")
    for number in range(4):
        _several(made)
        seals.seal()
        if number == 1:
            made.first_drawer = Drawer(made.drawer)
            seals.rotate(actor=_proven())
    _several(made)
    made.seals(made.inside, made.outside).close()
    made.keep("whole")
    return made


def _proven() -> Actor:
    now = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5)
    return Actor(operator_id=1, name="Ana", role=ADMIN, workstation="desk-1", proven_until=now)


def _old_rows(made: StagedLog) -> None:
    clock, made.audit.writers.clock = made.audit.writers.clock, cast(Clock, OtherClock(dt.timedelta(days=-900)))
    with made.database.begin("Test") as conn:
        for number in range(10):
            action = "document.read" if number % 2 else "document.rename"
            made.audit.record(conn, actor=ANA, action=action, target=Target(kind="document", id=str(number)))
    made.audit.writers.clock = clock


def _several(made: StagedLog) -> None:
    """Write with several connections at once; some transactions, and some savepoints, are rolled back."""
    start = threading.Barrier(8)
    threads = [threading.Thread(target=_write, args=(made, start, number)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _write(made: StagedLog, start: threading.Barrier, number: int) -> None:
    start.wait()
    for turn in range(4):
        with contextlib.suppress(Conflict), made.database.begin("Test") as conn:
            _record(made, conn, f"{number}.{turn}", before={"status": "PENDING"}, after={"status": "DONE", "n": turn + 0.5})
            with contextlib.suppress(Conflict), conn.begin_nested():
                _record(made, conn, "never", after={"n": None})
                raise Conflict("No.")
            _record(made, conn, f"{number}.{turn}.b", after={})
            if turn % 2:
                raise Conflict("No.")


def _record(made: StagedLog, conn: Connection, name: str, **facts: Mapping[str, object]) -> None:
    actor = Actor(operator_id=3, name="Jo", role=ADMIN, workstation="desk-3", reason="")
    made.audit.record(conn, actor=actor, action="document.rename", target=Target(kind="document", id=name), **facts)
