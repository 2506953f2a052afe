"""A home whose processes are killed: starts them, kills them at named steps or at random, and reads what is left."""

from __future__ import annotations

import ast
import contextlib
import json
import multiprocessing
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psycopg

import backend_core
from backend_core.db import embedded, migrate, postmaster
from backend_core.db.cluster import Cluster, find
from backend_core.db.roles import OWNER
from tests.faults import children
from tests.faults.children import Generate, Import, Order
from tests.faults.promises import Broken, Document, Object, Promised, Spoken, State, check, hashes
from tests.polling import eventually
from tests.postgres import ABANDONED_MINUTES

DRAIN_S = 90.0
BEAT_S = 0.2
ELSEWHERE = {"backup", "conversations", "credentials", "indexes", "memory", "notices"}
READY = 4
"""Documents that are read already and are spoken again and again, each time in another voice."""

ENVIRONMENT = {
    "LECTERN_POOL_SIZE": "1",
    "LECTERN_MAX_OVERFLOW": "7",
    "LECTERN_RETRY_BASE_S": "0.05",
    "LECTERN_RETRY_LIMIT": "10",
    "LECTERN_HEARTBEAT_S": "0.2",
    "LECTERN_STALLED_AFTER_S": "1.5",
}

# One process imports everything once; those that are killed are forked from it, which takes milliseconds.
_context = multiprocessing.get_context("spawn" if sys.platform == "win32" else "forkserver")
if sys.platform != "win32":
    _context.set_forkserver_preload(["backend_core.worker"])


def points(root: Path | None = None) -> list[str]:
    """Return the name of every fault point in the program's source, so that a new one is covered without being listed."""
    found = set()
    for path in (root or Path(backend_core.__file__).parent).rglob("*.py"):
        if root is None and path.parent.name in ELSEWHERE:
            # no worker or desktop of this campaign gets there; they have kills of their own
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "faults.point" and isinstance(node.args[0], ast.Constant):
                found.add(str(node.args[0].value))
    return sorted(found)


def start(target: Callable[..., None], *arguments: object) -> BaseProcess:
    """Start a child."""
    child = _context.Process(target=target, args=arguments, daemon=True)
    child.start()
    return child


def kill(child: BaseProcess) -> bool:
    """Kill a child with SIGKILL and return whether it still lived."""
    child.kill()
    child.join()
    return child.exitcode == -signal.SIGKILL


class Home:
    """One home with a durable server, killed again and again.

    Attributes:
        promised: what its callers were told.
        kills: how many processes of each kind were killed, and at which steps.
    """

    def __init__(self, folder: Path, *, seed: int) -> None:
        self.folder = folder
        self.path = folder / "home"
        self.random = random.Random(seed)
        self.promised = Promised()
        self.kills: Counter[str] = Counter()
        self.steps: set[tuple[str, str]] = set()
        self.unreached: set[tuple[str, str]] = set()
        self._texts = folder / "texts"
        self._texts.mkdir(parents=True)
        self._answers = folder / "answers"
        self._conn: psycopg.Connection[Any] | None = None
        self._number = 0
        self.refused = 0
        self._wishes = self._all_wishes()
        server = embedded.ensure_running(self.path, idle_minutes=ABANDONED_MINUTES)
        migrate.upgrade(server.dsn(OWNER))

    def environment(self, fault: str | None = None, *, victim: int | None = None) -> dict[str, str]:
        """Return the variables of a child."""
        given = {"LECTERN_HOME": str(self.path), **ENVIRONMENT}
        if fault is not None:
            given["LECTERN_FAULT"] = fault
        if victim is not None:
            given["LECTERN_FAULT_PID"] = str(victim)
        return given

    def rows(self, query: str) -> list[Any]:
        """Return the rows of a query by the superuser; starts the server if it is down, connects anew if need be."""
        while True:
            try:
                if self._conn is None:
                    server = embedded.ensure_running(self.path, idle_minutes=ABANDONED_MINUTES)
                    self._conn = psycopg.connect(server.admin_dsn, autocommit=True)
                return self._conn.execute(query).fetchall()  # type: ignore[call-overload]  # fixed texts of this file
            except psycopg.OperationalError:
                self.forget_connection()

    def forget_connection(self) -> None:
        """Close our own connection to the server, if there is one."""
        if self._conn is not None:
            self._conn.close()
        self._conn = None

    @property
    def cluster(self) -> Cluster:
        """The cluster of this home."""
        found = find(self.path)
        assert found is not None
        return found

    def postmaster(self) -> int:
        """Return the process id of the running server, started if need be."""
        self.rows("SELECT 1")
        pid = postmaster.running_pid(self.cluster)
        assert pid is not None
        return pid

    # asking for work

    def prepare(self) -> None:
        """Import the documents that are spoken again and again."""
        self.run_desktop([self.new_import() for _ in range(READY)])
        self.drain()

    def new_import(self) -> Import:
        """Return an order for a new tiny document of one or two pages; now and then one with the same bytes as another."""
        self._number += 1
        same = self._number % 5 == 0
        path = self._texts / f"text-{self._number}.txt"
        sentence = "The same words once more." if same else f"This is number {self._number}."
        path.write_text(sentence if self._number % 2 else f"{sentence}\f{sentence}", encoding="utf-8")
        return Import(path)

    def new_generate(self) -> Generate:
        """Return an order for audio that does not exist yet."""
        return next(self._wishes)

    def _all_wishes(self) -> Iterator[Generate]:
        # cheap voices of one language: what is said matters here, not how
        path = self.folder / "voices"
        start(children.voices, self.environment(), path).join()
        names = [name for name in json.loads(path.read_text())["voices"] if ":en" in name or ":de" in name][:20] or ["local:en-gb"]
        last = 0
        while True:
            # those with the lowest numbers were read long ago; once each has been spoken by everybody, later ones follow
            found = self.rows(f"SELECT id FROM documents WHERE status = 'COMPLETED' AND id > {last} ORDER BY id LIMIT {READY}")
            assert found, "every document has been spoken by every voice"
            last = found[-1][0]
            yield from (Generate(document_id, voice) for voice in names for (document_id,) in found)

    def run_desktop(self, orders: Sequence[Order], fault: str | None = None, *, victim: int | None = None, within_s: float = 60.0) -> bool:
        """Run a desktop to its end, or to its death after ``within_s`` seconds; return whether it was killed."""
        self._answers.unlink(missing_ok=True)
        child = start(children.ask, self.environment(fault, victim=victim), orders, self._answers)
        deadline = time.monotonic() + within_s
        while child.is_alive() and time.monotonic() < deadline:
            child.join(max(0.0, min(BEAT_S, deadline - time.monotonic())))
            if victim is not None and self._died(victim):
                # as the window does, whose heart beat starts a server that died
                self.rows("SELECT 1")
        killed = kill(child) if child.is_alive() else child.exitcode == -signal.SIGKILL
        assert killed or child.exitcode == 0
        self._take_answers()
        return killed

    def _take_answers(self) -> None:
        for line in self._answers.read_text().splitlines() if self._answers.exists() else []:
            answer = json.loads(line)
            self.refused += "refused" in answer
            if "imported" in answer:
                self.promised.imports[answer["imported"]] = answer["pages"]
            for page in answer.get("generated", ()):
                self.promised.audios.add((answer["document"], page, answer["voice"]))

    def feed(self, *, each: int = 2) -> None:
        """See to it that a worker finds something of everything to do."""
        waiting = Counter(name for (name,) in self.rows("SELECT task_name FROM procrastinate_jobs WHERE status = 'todo'"))
        orders: list[Order] = [self.new_import() for _ in range(each - waiting["documents.extract"])]
        orders += [self.new_generate() for _ in range(each - waiting["documents.speak"])]
        before = self.refused
        if orders:
            self.run_desktop(orders)
        # nobody was killed here, so nothing stands in the way
        assert self.refused == before

    # killing

    def open_jobs(self) -> int:
        """Return how many jobs wait or run."""
        return int(self.rows("SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')")[0][0])

    def kill_desktop_at(self, step: str, *, nth: int = 1) -> bool:
        """Let a desktop die at a step if it gets there."""
        orders: list[Order] = [self.new_import(), self.new_generate()]
        killed = self.run_desktop(orders, f"{step}:{nth}")
        self._count("desktop", step, killed=killed)
        return killed

    def kill_worker_at(self, step: str, *, nth: int = 1) -> bool:
        """Let a worker die at a step; one that never gets there has done all the work when this returns."""
        self.feed()
        child = start(children.work, self.environment(f"{step}:{nth}"))
        eventually(lambda: not child.is_alive() or not self.open_jobs(), within_s=DRAIN_S)
        killed = self._end(child)
        self._count("worker", step, killed=killed)
        return killed

    def kill_randomly(self, *, latest_s: float = 1.2) -> None:
        """Kill a desktop and a worker at moments nobody chose."""
        orders: list[Order] = [self.new_import(), self.new_generate(), self.new_import(), self.new_generate()]
        self._count("desktop", "any", killed=self.run_desktop(orders, within_s=self.random.uniform(0.05, latest_s / 4)))
        self.feed()
        child = start(children.work, self.environment())
        child.join(self.random.uniform(0.2, latest_s))
        self._count("worker", "any", killed=kill(child))

    def kill_database_at(self, step: str) -> bool:
        """Kill the server when a desktop, or else a worker, is at a step; whoever needs the server next starts it again."""
        victim = self.postmaster()
        orders: list[Order] = [self.new_import(), self.new_generate()]
        self.run_desktop(orders, step, victim=victim)
        if not self._died(victim):
            self.feed()
            child = start(children.work, self.environment(step, victim=victim))
            eventually(lambda: self._died(victim) or not self.open_jobs(), within_s=DRAIN_S)
            self._work_on(child)
        killed = self._died(victim)
        self._count("database", step, killed=killed)
        return killed

    def kill_database_randomly(self, *, latest_s: float = 1.5) -> None:
        """Kill the server at a moment nobody chose, while a worker works and a desktop asks."""
        victim = self.postmaster()
        self.feed()
        child = start(children.work, self.environment())
        orders = [self.new_import(), self.new_generate()]
        timer = threading.Timer(self.random.uniform(0.1, latest_s), os.kill, (victim, signal.SIGKILL))
        timer.start()
        self.run_desktop(orders)
        timer.join()
        self._work_on(child)
        self._count("database", "any", killed=True)

    def _work_on(self, child: BaseProcess) -> None:
        """Wait until a worker that lost its server has started it again and done everything."""
        eventually(lambda: postmaster.running_pid(self.cluster) is not None, within_s=DRAIN_S)
        eventually(lambda: not self.open_jobs(), within_s=DRAIN_S)
        assert not self._end(child)

    def _died(self, pid: int) -> bool:
        return postmaster.running_pid(self.cluster) != pid

    def _count(self, kind: str, step: str, *, killed: bool) -> None:
        if killed:
            self.kills[kind] += 1
            self.steps.add((kind, step))
        elif (kind, step) not in self.steps:
            self.unreached.add((kind, step))

    @staticmethod
    def _end(child: BaseProcess) -> bool:
        """Stop a worker that still lives; return whether it had been killed."""
        if child.is_alive():
            child.terminate()
        child.join(DRAIN_S)
        assert child.exitcode in {0, -signal.SIGKILL}
        return child.exitcode == -signal.SIGKILL

    def drain(self, *, voice_kills: int = 0) -> None:
        """Let a worker do everything that is left, and kill some of its voice processes meanwhile."""
        child = start(children.work, self.environment())
        done = threading.Event()
        killer = threading.Thread(target=self._kill_voices, args=(child.pid, voice_kills, done))
        killer.start()
        try:
            eventually(lambda: not self.open_jobs(), within_s=DRAIN_S)
        finally:
            done.set()
            killer.join()
            assert not self._end(child)

    def _kill_voices(self, worker: int, most: int, done: threading.Event) -> None:
        seen: set[int] = set()
        while len(seen) < most and not done.wait(self.random.uniform(0.0, 0.02)):
            for pid in _voice_processes(worker) - seen:
                done.wait(self.random.uniform(0.0, 0.03))
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    seen.add(pid)
                    self._count("voice", "any", killed=True)

    # looking

    def settle(self) -> list[Broken]:
        """Sweep after everybody has stopped, and return every broken promise."""
        child = start(children.sweep, self.environment())
        child.join(DRAIN_S)
        assert child.exitcode == 0
        return check(self.state(), self.promised)

    def state(self) -> State:
        """Return everything that is stored."""
        objects = self.path / "objects"
        numbers = "coalesce(array_agg(p.number) FILTER (WHERE p.number IS NOT NULL), '{}')"
        documents = self.rows(
            f"SELECT d.id, d.status, d.page_count, {numbers}, o.key FROM documents d JOIN objects o ON o.id = d.object_id"
            " LEFT JOIN document_pages p ON p.document_id = d.id GROUP BY d.id, o.key"
        )
        audios = self.rows(
            "SELECT a.id, a.document_id, p.number, a.voice, a.status, o.key FROM audios a JOIN document_pages p ON p.id = a.page_id"
            " LEFT JOIN objects o ON o.id = a.object_id WHERE a.lifetime = 'ACTIVE'"
        )
        real = "(SELECT count(*) FROM documents d WHERE d.object_id = o.id) + (SELECT count(*) FROM audios a WHERE a.object_id = o.id)"
        audited = self.rows("SELECT action, target, count(*) FROM audit_event WHERE outcome = 'done' GROUP BY 1, 2")
        return State(
            documents=[Document(row[0], row[1], row[2], tuple(row[3]), row[4]) for row in documents],
            audios=[Spoken(*row) for row in audios],
            objects=[Object(*row) for row in self.rows(f"SELECT o.key, o.sha256, o.refs, {real} FROM objects o")],
            files=hashes(objects),
            leftovers=[*self._leftover_rows(), *(str(path) for path in (*objects.glob("??/.*"), *self.path.glob("scratch/*")))],
            audited=Counter({(action, target): count for action, target, count in audited}),
        )

    def _leftover_rows(self) -> list[str]:
        intents = [f"intent {key}" for (key,) in self.rows("SELECT key FROM object_intents")]
        jobs = self.rows("SELECT id, status FROM procrastinate_jobs WHERE status NOT IN ('succeeded')")
        return intents + [f"job {number} is {status}" for number, status in jobs]

    def close(self) -> None:
        """Stop the server and remove it."""
        self.forget_connection()
        embedded.erase(self.path)


def _voice_processes(worker: int) -> set[int]:
    found: set[int] = set()
    with contextlib.suppress(OSError):
        for tasks in Path(f"/proc/{worker}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                pids = [int(pid) for pid in tasks.read_text().split()]
                found.update(pid for pid in pids if b"voice_process" in Path(f"/proc/{pid}/cmdline").read_bytes())
    return found
