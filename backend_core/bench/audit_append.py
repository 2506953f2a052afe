"""What the chained audit log costs: appends by eight writers beside the same rows without a chain, and how fast it is verified."""

from __future__ import annotations

import multiprocessing
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from backend_core.audit.independent import IndependentVerification
from backend_core.audit.keys import Keys
from backend_core.audit.sealer import Sealer
from backend_core.audit.service import Audit, Entry
from backend_core.audit.tables import audit_event
from backend_core.audit.verify import Verification, timed
from backend_core.db import embedded, migrate
from backend_core.db.database import Database
from backend_core.db.roles import APP, OWNER
from backend_core.policy import ADMIN, Actor, Target

WRITERS: Final = 8
ROUNDS: Final = 10
ROUND_S: Final = 2.0
ROWS: Final = 200_000
BLOCK: Final = 20_000
SEAL_EVERY_S: Final = 0.75
GOAL: Final = 0.95
LEFT_OUT: Final = ("id", "at", "xid", "wseq", "leaf")
ANA: Final = Actor(operator_id=1, name="Ana", role=ADMIN, workstation="desk-1", reason="Asked for by its author")
BEFORE: Final = {"status": "PENDING", "title_changed": True, "version": 3}
AFTER: Final = {"status": "COMPLETED", "title_changed": False, "version": 4, "seconds": 112.4}

Write = Callable[[sa.Connection], object]


class _Memory(dict[str, str]):
    """Secrets of this benchmark."""

    def set(self, name: str, secret: str) -> None:
        self[name] = secret


def run() -> list[dict[str, Any]]:
    """Return the figures: appends a second beside plain ones, and rows verified a second in SQL and in Python."""
    with _durable() as (database, owner, dsn):
        plain, secrets = _plain_table(owner), _Memory()
        audit, sealer = Audit(database), Sealer(database, Keys(secrets))
        with database.begin("Begin") as conn:
            audit.record_many(conn, [_entry(0)])
        sealer.seal()
        ours, control = _appends(database, audit, plain, dsn=dsn, secrets=dict(secrets))
        records = [_append_record(ours, control)]
        for _ in range(ROWS // BLOCK):
            with database.begin("Fill") as conn:
                audit.record_many(conn, (_entry(number) for number in range(BLOCK)))
        while sealer.seal():
            pass
        with database.begin("Analyse") as conn:
            total = conn.execute(sa.select(sa.func.count()).select_from(audit_event)).scalar_one()
        return [*records, *_verified(database, total)]


@contextmanager
def _durable() -> Iterator[tuple[Database, sa.Engine, str]]:
    """Open a server that waits for the disk at each COMMIT, as the embedded one does."""
    with tempfile.TemporaryDirectory(prefix="lectern-bench-") as folder, ExitStack() as stack:
        home = Path(folder) / "home"
        server = embedded.ensure_running(home, idle_minutes=None)
        stack.callback(embedded.erase, home)
        migrate.upgrade(server.dsn(OWNER))
        database = Database.open(server.dsn(APP), application="lectern-bench", base=WRITERS + 1, overflow=3)
        stack.callback(database.close)
        owner = Database.open(server.dsn(OWNER), application="lectern-bench", base=1, overflow=0)
        stack.callback(owner.close)
        yield database, owner.engine, server.dsn(APP)


def _plain_table(owner: sa.Engine) -> sa.Table:
    """Make the same table with the same indexes, without what the chain needs."""
    with owner.begin() as conn:
        conn.exec_driver_sql("CREATE TABLE plain_event (LIKE audit_event INCLUDING ALL)")
        conn.exec_driver_sql("ALTER TABLE plain_event DROP COLUMN wseq, DROP COLUMN leaf, DROP COLUMN xid")
        conn.exec_driver_sql(f"GRANT SELECT, INSERT ON plain_event TO {APP}")
    columns = [sa.Column(column.name, column.type) for column in audit_event.columns if column.name not in LEFT_OUT]
    return sa.Table("plain_event", sa.MetaData(), *columns)


def _entry(number: int) -> Entry:
    return Entry(actor=ANA, action="document.rename", target=Target(kind="document", id=str(number)), before=BEFORE, after=AFTER)


def _appends(database: Database, audit: Audit, plain: sa.Table, *, dsn: str, secrets: dict[str, str]) -> tuple[list[float], list[float]]:
    """Return appends a second, round by round, the two kinds taking turns; the sealer is at work all the time."""
    statement = sa.insert(plain).inline()
    target = Target(kind="document", id="1")

    def chained(conn: sa.Connection) -> None:
        audit.record(conn, actor=ANA, action="document.rename", target=target, before=BEFORE, after=AFTER)

    def unchained(conn: sa.Connection) -> None:
        conn.execute(statement, _plain_row())

    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    # in a process of its own, as the worker is
    sealing = context.Process(target=_seal, args=(dsn, secrets, stop))
    sealing.start()
    kinds: tuple[tuple[list[float], Write], ...] = (([], chained), ([], unchained))
    try:
        _round(database, chained)
        for number in range(ROUNDS):
            for figures, write in kinds if number % 2 else kinds[::-1]:
                figures.append(_round(database, write))
    finally:
        stop.set()
        sealing.join()
    return kinds[0][0], kinds[1][0]


def _plain_row() -> dict[str, Any]:
    return {
        "writer": "desk-1:1234:0123456789abcdef",
        "actor": ANA.name,
        "actor_id": ANA.operator_id,
        "role": ANA.role,
        "action": "document.rename",
        "target": "document:1",
        "outcome": "done",
        "reason": ANA.reason,
        "before": BEFORE,
        "after": AFTER,
        "workstation": ANA.workstation,
        "client_version": "0.1.0",
        "correlation_id": "c7f1-92ab",
    }


def _seal(dsn: str, secrets: dict[str, str], stop: Event) -> None:
    database = Database.open(dsn, application="lectern-bench", base=1, overflow=1)
    sealer = Sealer(database, Keys(_Memory(secrets)))
    while not stop.wait(SEAL_EVERY_S):
        sealer.seal()
    database.close()


def _round(database: Database, write: Write) -> float:
    """Return the transactions a second of all writers together, each one row and one COMMIT."""
    counts = [0] * WRITERS
    start = threading.Barrier(WRITERS + 1)
    ends = [0.0]

    def work(number: int) -> None:
        start.wait()
        while time.perf_counter() < ends[0]:
            with database.begin("Append") as conn:
                write(conn)
            counts[number] += 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(WRITERS)]
    for thread in threads:
        thread.start()
    began = time.perf_counter()
    ends[0] = began + ROUND_S
    start.wait()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - began)


def _append_record(ours: list[float], control: list[float]) -> dict[str, Any]:
    return {
        "name": "audit.append",
        "value": round(statistics.median(ours), 1),
        "unit": "rows/s",
        "control": round(statistics.median(control), 1),
        "ratio": round(statistics.median(one / beside for one, beside in zip(ours, control, strict=True)), 3),
        "threshold": "ratio >= 0.95",
        "met": statistics.median(one / beside for one, beside in zip(ours, control, strict=True)) >= GOAL,
        "note": f"{WRITERS} writers, a durable COMMIT per row, sealer at work; median of {ROUNDS} pairs of rounds; control: no chain",
    }


def _verified(database: Database, total: int) -> list[dict[str, Any]]:
    walk = Verification(database)
    rows, _, seconds = timed(walk.run)
    other = IndependentVerification(database)
    seen, _, spent = timed(lambda: (other.run(), 0))
    figures = (
        ("audit.verify_sql", rows / seconds, 150_000, walk.findings.all()),
        ("audit.verify_independent", seen / spent, 30_000, other.findings.all()),
    )
    return [
        {
            "name": name,
            "value": round(speed),
            "unit": "rows/s",
            "threshold": f">= {goal:,}",
            "met": speed >= goal and not found,
            "note": f"{total:,} rows, {len(found)} problems",
        }
        for name, speed, goal, found in figures
    ]
