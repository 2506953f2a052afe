"""Clients that use one pool for a while as services do: short reads, writes, a rollback now and then, and pauses inside a transaction."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import sqlalchemy as sa

from backend_core.db.database import Database
from backend_core.errors import LecternError

_READ = sa.text("SELECT count(*) FROM pg_class")
_WRITE = sa.text("SELECT pg_notify('clients', :word)")
_PAUSE = sa.text("SELECT pg_sleep(:seconds)")
LONGEST_PAUSE_S = 0.02


@dataclass(frozen=True, slots=True)
class Outcome:
    """How many operations succeeded, and the errors of the others."""

    done: int
    errors: tuple[str, ...]


class _Rollback(Exception):
    """Ends a transaction without a commit."""


def run_clients(database: Database, *, clients: int, seconds: float) -> Outcome:
    """Let ``clients`` threads work for ``seconds`` and return what came of it."""
    over = threading.Event()
    start = threading.Barrier(clients + 1)

    def client(number: int) -> Outcome:
        rng = random.Random(number)
        done, errors = 0, []
        start.wait()
        while not over.is_set():
            try:
                _operate(database, rng)
                done += 1
            except LecternError as error:
                errors.append(f"{type(error).__name__}: {error}")
        return Outcome(done, tuple(errors))

    with ThreadPoolExecutor(clients) as threads:
        working = [threads.submit(client, number) for number in range(clients)]
        start.wait()
        over.wait(seconds)
        over.set()
        found = [work.result() for work in working]
    return Outcome(sum(one.done for one in found), tuple(error for one in found for error in one.errors))


def _operate(database: Database, rng: random.Random) -> None:
    try:
        with database.begin("client") as conn:
            conn.execute(_READ)
            if rng.random() < 0.3:
                conn.execute(_WRITE, {"word": "x"})
            if rng.random() < 0.2:
                conn.execute(_PAUSE, {"seconds": rng.random() * LONGEST_PAUSE_S})
            if rng.random() < 0.1:
                raise _Rollback
    except _Rollback:
        return
