"""What 20 + 10 connections carry beside the 10 of a small pool: the same clients, who keep a connection for a moment and wait a little."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from backend_core.bench.pool import throwaway_server
from backend_core.db.database import Database
from backend_core.errors import LecternError

BEFORE = (5, 5)
NOW = (20, 10)
CLIENTS = (10, 15, 20, 30, 40, 50, 75, 100)
MANY = 50
"""Clients at which both are compared."""
HOLD_S = 0.2
PATIENCE = 2.5
"""How long a client waits before it gives up, in times of ``HOLD_S``."""
REQUESTS = 4
USERS = 100
THINK_S = 1.0
USER_HOLD_S = 0.02
USER_SECONDS = 6.0
EXPECTED_SHARE = 30
"""Per cent of the pool that is expected to be in use."""

_KEEP = sa.text("SELECT pg_backend_pid(), pg_sleep(:seconds)")
_SAMPLE_S = 0.02
_WARM_UPS = 10


@dataclass(frozen=True, slots=True)
class Load:
    """What a pool did under so many clients.

    Attributes:
        connections: different connections that served, so the most there ever were.
        done: requests that were served.
        errors: requests whose client gave up, or that failed.
        seconds: how long it took.
    """

    connections: int
    done: int
    errors: int
    seconds: float


@contextmanager
def opened(dsn: str, size: tuple[int, int], *, wait_s: float) -> Iterator[Database]:
    """Open a pool of ``size``, base and overflow, whose callers wait for ``wait_s`` seconds, with every connection made."""
    database = Database.open(dsn, application="lectern-bench", base=size[0], overflow=size[1], timeout_s=wait_s)
    try:
        for _ in range(_WARM_UPS):
            if load(database, clients=sum(size), hold_s=HOLD_S, requests=1).connections == sum(size):
                break
        yield database
    finally:
        database.close()


def load(database: Database, *, clients: int, hold_s: float, requests: int) -> Load:
    """Return what happens when ``clients`` each keep a connection for ``hold_s`` seconds, ``requests`` times."""
    start = threading.Barrier(clients)

    def client(_number: int) -> list[int | None]:
        start.wait()
        return [_keep(database, hold_s) for _ in range(requests)]

    began = time.perf_counter()
    with ThreadPoolExecutor(clients) as threads:
        pids = [pid for found in threads.map(client, range(clients)) for pid in found]
    served = [pid for pid in pids if pid is not None]
    return Load(len(set(served)), len(served), len(pids) - len(served), time.perf_counter() - began)


def use_of(database: Database, *, users: int, hold_s: float, think_s: float, seconds: float) -> float:
    """Return the mean share of the pool in use, per cent, while ``users`` each do something short every ``think_s`` seconds."""
    over = threading.Event()

    def user(number: int) -> None:
        # spread, as people are
        over.wait(think_s * number / users)
        while not over.is_set():
            _keep(database, hold_s)
            over.wait(think_s)

    shares = []
    with ThreadPoolExecutor(users) as threads:
        for number in range(users):
            threads.submit(user, number)
        ending = time.monotonic() + think_s + seconds
        over.wait(think_s)
        while time.monotonic() < ending:
            shares.append(database.pool.snapshot().in_use / database.pool.capacity)
            over.wait(_SAMPLE_S)
        over.set()
    return 100 * sum(shares) / len(shares)


def run() -> list[dict[str, Any]]:
    """Return the figures of both pools on one server."""
    with throwaway_server() as dsn:
        before, now = (_levels(dsn, size) for size in (BEFORE, NOW))
        use, use_before = (_usual_use(dsn, size) for size in (NOW, BEFORE))
    note = f"clients keep a connection for {HOLD_S * 1000:.0f} ms and wait at most {HOLD_S * PATIENCE * 1000:.0f} ms; control: 5 + 5"
    pace = f"{USERS} users, {USER_HOLD_S * 1000:.0f} ms once a second; control: 5 + 5"
    return [
        _record("connections", "connections", now[MANY].connections, before[MANY].connections, note=note),
        _record("clients", "clients", _most(now), _most(before), note=f"most of {CLIENTS} without an error; {note}", least=MANY),
        _record("requests", "requests/s", _rate(now[MANY]), _rate(before[MANY]), note=f"{MANY} clients; {note}"),
        _record("errors", "errors", now[MANY].errors, before[MANY].errors, note=f"{MANY} clients; {note}", most=0),
        _record("expected_use", "%", use, use_before, note=pace, most=EXPECTED_SHARE),
    ]


def _usual_use(dsn: str, size: tuple[int, int]) -> float:
    with opened(dsn, size, wait_s=30.0) as database:
        return round(use_of(database, users=USERS, hold_s=USER_HOLD_S, think_s=THINK_S, seconds=USER_SECONDS), 1)


def _levels(dsn: str, size: tuple[int, int]) -> dict[int, Load]:
    with opened(dsn, size, wait_s=HOLD_S * PATIENCE) as database:
        return {clients: load(database, clients=clients, hold_s=HOLD_S, requests=REQUESTS) for clients in CLIENTS}


def _most(levels: dict[int, Load]) -> int:
    """Return the most clients up to which no level had an error."""
    failed = [clients for clients, found in levels.items() if found.errors]
    return max((clients for clients in levels if clients < min(failed, default=max(levels) + 1)), default=0)


def _rate(found: Load) -> float:
    return round(found.done / found.seconds, 1)


def _record(
    name: str, unit: str, value: float, control: float, *, note: str, least: float | None = None, most: float | None = None
) -> dict[str, Any]:
    goal = f">= {least:g}" if least is not None else f"<= {most:g}" if most is not None else ""
    met = None if not goal else (least is None or value >= least) and (most is None or value <= most)
    return {"name": f"pool.capacity_{name}", "value": value, "unit": unit, "control": control, "threshold": goal, "met": met, "note": note}


def _keep(database: Database, seconds: float) -> int | None:
    """Keep a connection for a while and return its server process, or None when there was none in time."""
    try:
        with database.begin("keep") as conn:
            return int(conn.execute(_KEEP, {"seconds": seconds}).one()[0])
    except LecternError:
        return None
