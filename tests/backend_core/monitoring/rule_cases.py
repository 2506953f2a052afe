"""One way to break the subject of each alert rule, and to mend it again."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from backend_core.backend import Backend, open_backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.errors import Unavailable
from backend_core.jobs.runner import Subject
from backend_core.monitoring.health import LOW_DISK
from backend_core.monitoring.rule_list import Around, every_rule
from backend_core.monitoring.rules import Rule
from backend_core.monitoring.slo import Objective
from backend_core.policy import Actor
from backend_core.privacy import history
from backend_core.settings import Settings
from backend_core.speech.engine import SpeechRequest
from backend_core.worker import Identity, Worker
from tests.backend_core.jobs.conftest import _serving
from tests.backend_core.jobs.fakes import Scripted
from tests.faults import children
from tests.faults.harness import start
from tests.polling import eventually

DOCUMENT = Path(__file__).parents[3] / "docs" / "notices.md"


@dataclass
class Scene:
    """What a case breaks, and what rules read that the server does not tell."""

    backend: Backend
    actor: Actor
    settings: Settings
    server: EmbeddedServer
    folder: Path
    backups: tuple[str, str] = ("ok", "fine")
    disk: tuple[int, int] = (500 * 2**30, 1000 * 2**30)
    objective: str = "ok"

    def rule(self, kind: str) -> Rule:
        return next(rule for rule in self.rules() if rule.kind == kind)

    def rules(self) -> tuple[Rule, ...]:
        mine: dict[str, Any] = {"backups": lambda: self.backups, "disk": lambda: self.disk}
        return every_rule(dataclasses.replace(self.around(), objectives=lambda: [self._objective(self.objective)], **mine))

    def around(self) -> Around:
        """Return what the rules are composed with."""
        read: Any = next(rule.read for rule in self.backend.alert_rules.rules if rule.kind == "backup")
        assert isinstance(read.around, Around)
        return read.around

    def sql(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        with self.raw() as conn:
            cursor = conn.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def raw(self, *, autocommit: bool = True) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(self.server.admin_dsn, autocommit=autocommit)

    def document(self) -> int:
        path = self.folder / "one.txt"
        path.write_text("One short page.", encoding="utf-8")
        return self.backend.documents.import_file(path, actor=self.actor).document.id

    @staticmethod
    def _objective(status: str) -> Objective:
        numbers = {"target": 0.95, "good": 1, "bad": 0, "value": 1.0, "budget_left": 1.0, "burn_short": 0.0, "burn_long": 0.0}
        words = {"key": "database", "title": "Database", "unit": "share", "status": status, "reason": "it burns"}
        return Objective(**words, **numbers, window_days=30, at=dt.datetime.now(dt.UTC))  # type: ignore[arg-type]  # by name


Case = Callable[[Scene], Iterator[None]]
Break = Callable[[Scene], AbstractContextManager[None]]
CASES: dict[str, tuple[Break, float | None]] = {}


def case(kind: str, *, limit: float | None = None) -> Callable[[Case], Case]:
    """Add a way to break the subject of a rule, which is mended at its end; ``limit`` where the declared one takes minutes to reach."""

    def add(function: Case) -> Case:
        CASES[kind] = (contextlib.contextmanager(function), limit)
        return function

    return add


def held(backend: Backend) -> contextlib.ExitStack:
    """Hold every connection of a pool."""
    stack = contextlib.ExitStack()
    for _ in range(backend.database.pool.snapshot().capacity):
        stack.enter_context(backend.database.begin("Hold"))
    return stack


@case("pool_full")
def _pool_full(scene: Scene) -> Iterator[None]:
    with held(scene.backend):
        yield


@case("pool_waiting")
def _pool_waiting(scene: Scene) -> Iterator[None]:
    def ask() -> None:
        with scene.backend.database.begin("Wait"):
            pass

    waiting = threading.Thread(target=ask)
    with held(scene.backend):
        waiting.start()
        yield
    waiting.join()


@case("connections")
def _connections(scene: Scene) -> Iterator[None]:
    [(count, most)] = scene.sql(
        "SELECT count(*), current_setting('max_connections')::int FROM pg_stat_activity WHERE backend_type = 'client backend'"
    )
    wanted = int(str(most)) * 9 // 10 - int(str(count)) + 2
    with contextlib.ExitStack() as stack:
        for _ in range(wanted):
            stack.enter_context(scene.raw())
        yield


@case("idle_in_transaction", limit=0.1)
@case("long_transaction", limit=0.1)
def _idle(scene: Scene) -> Iterator[None]:
    with scene.raw(autocommit=False) as conn:
        conn.execute("SELECT 1")
        yield


@case("blocking", limit=0.1)
def _blocking(scene: Scene) -> Iterator[None]:
    def wait() -> None:
        with scene.raw() as other:
            other.execute("SELECT count(*) FROM documents")

    waiting = threading.Thread(target=wait)
    with scene.raw(autocommit=False) as conn:
        conn.execute("LOCK TABLE documents IN ACCESS EXCLUSIVE MODE")
        waiting.start()
        yield
    waiting.join()


@case("statistics_lost")
def _statistics_lost(scene: Scene) -> Iterator[None]:
    scene.sql("INSERT INTO counter_falls (what, cause, detail) VALUES ('index', 'restart', '{}')")
    scene.sql("INSERT INTO counter_falls (what, cause, detail) VALUES ('index', 'crash', '{}')")
    yield
    scene.sql("UPDATE counter_falls SET at = now() - interval '25 hours'")


@case("job_failed")
def _job_failed(scene: Scene) -> Iterator[None]:
    document = scene.document()
    [job] = scene.backend.jobs.listing(actor=scene.actor)
    runner = Worker(scene.backend, scene.settings)._runner
    handler = scene.backend.handlers["documents.extract"]
    runner.abandon(handler, Subject(document_id=document), Unavailable("The worker died."), job_id=job.job_id, attempt=0)
    # as if whoever wrote the alert had not told anybody
    scene.sql("DELETE FROM notices")
    yield
    scene.sql("UPDATE job_alerts SET status = 'IGNORED', resolved_at = now()")


@case("worker_stalled")
def _worker_stalled(scene: Scene) -> Iterator[None]:
    given = {"home": scene.settings.home, "objects": scene.settings.objects, "heartbeat_s": 0.2, "stalled_after_s": 2.0}
    child = start(children.work, {f"LECTERN_{name.upper()}": str(value) for name, value in given.items()})
    pid = child.pid or 0
    state = scene.backend.job_watch.state
    try:
        eventually(lambda: [one for one in state(actor=scene.actor).workers if one.pid == pid and not one.stalled])
        # its recovery is as stuck as it is, and its session still says that it lives
        os.kill(pid, signal.SIGSTOP)
        yield
        assert [one.pid for one in state(actor=scene.actor).workers if one.stalled] == [pid]
        assert state(actor=scene.actor).workers_alive == 1
        os.kill(pid, signal.SIGCONT)
        eventually(lambda: not [one for one in state(actor=scene.actor).workers if one.stalled])
    finally:
        child.kill()
        child.join()
        scene.sql("DELETE FROM procrastinate_workers")


@case("job_overdue", limit=0.1)
def _job_overdue(scene: Scene) -> Iterator[None]:
    document, go_on = scene.document(), threading.Event()

    def wait(_request: SpeechRequest) -> None:
        go_on.wait(60)

    with open_backend(scene.settings, engines=[Scripted(wait)]) as working, _serving(working, scene.settings):
        eventually(lambda: not working.jobs.open_count())
        working.audios.generate(document, actor=scene.actor)
        yield
        go_on.set()
        eventually(lambda: not working.jobs.open_count())


@case("queue_unserved", limit=0.1)
def _queue_unserved(scene: Scene) -> Iterator[None]:
    scene.document()
    yield
    with _serving(scene.backend, scene.settings):
        eventually(lambda: not scene.backend.jobs.open_count())


@case("queue_lag", limit=0.1)
def _queue_lag(scene: Scene) -> Iterator[None]:
    scene.document()
    # alive, and never gets round to it
    busy = Identity(scene.backend.connection_string(), queue=scene.backend.jobs.queue)
    yield
    busy.close()


@case("privacy_run")
def _privacy_run(scene: Scene) -> Iterator[None]:
    def run(outcome: str) -> None:
        with scene.backend.database.begin("Pretend") as conn:
            number = history.begin(conn, trigger="ci", started_by="Ana", role="lectern_app", target="", revision="1")
            history.finish(conn, number, outcome=outcome, error=None, seconds=1.0, cases=(), cells=())

    run("fail")
    yield
    run("pass")


@case("slo_burn")
def _slo_burn(scene: Scene) -> Iterator[None]:
    scene.objective = "bad"
    yield
    scene.objective = "warn"


@case("backup")
def _backup(scene: Scene) -> Iterator[None]:
    scene.backups = ("degraded", "none for 9 days")
    yield
    scene.backups = ("ok", "newest 1 h old")


@case("disk")
def _disk(scene: Scene) -> Iterator[None]:
    scene.disk = (LOW_DISK - 1, 4 * LOW_DISK)
    yield
    scene.disk = (LOW_DISK + 1, 4 * LOW_DISK)


@case("audit_alert")
def _audit_alert(scene: Scene) -> Iterator[None]:
    scene.sql(
        "INSERT INTO audit_alert (rule, subject, window_start, count, threshold, facts)"
        " VALUES ('mass_reads', 'canaryAna', now(), 9, 1, '{}')"
    )
    yield
    assert "canaryAna" not in str(scene.sql("SELECT n::text FROM notices n"))
    scene.sql("UPDATE audit_alert SET acknowledged_at = now(), acknowledged_by = 'Ana', note = 'x'")


@case("audit_log")
def _audit_log(scene: Scene) -> Iterator[None]:
    scene.document()
    scene.backend.seals.seal()
    was = scene.sql("SELECT id, actor FROM audit_event ORDER BY id LIMIT 1")[0]

    def verify(actor: object) -> bool:
        scene.sql(f"SET session_replication_role = replica; UPDATE audit_event SET actor = '{actor}' WHERE id = {was[0]}")
        return scene.backend.seals.verify(actor=scene.backend.system(), quick=True).ok

    assert not verify("Mallory")
    yield
    assert verify(was[1])


@case("notice_delivery")
def _notice_delivery(scene: Scene) -> Iterator[None]:
    mail = {"notify_email": True, "admin_email": "a@example.org", "mail_host": "localhost", "mail_sender": "l@example.org"}
    scene.backend.house.update(mail, version=0, actor=scene.actor)
    scene.sql("INSERT INTO notices (kind, subject, severity, title, body, page, target, correlation_id) VALUES"
              " ('probe', '', 'info', 't', 'b', 'health', '{}', '')")  # fmt: skip
    for _ in range(3):
        # nobody consented
        scene.backend.notices.deliver_due(actor=scene.backend.system())
        scene.sql("UPDATE notice_deliveries SET next_at = now()")
    yield
    scene.sql("UPDATE notice_deliveries SET status = 'SENT'")
