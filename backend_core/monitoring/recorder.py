"""Tell the other processes, five times a second at most, how this process's connection pool is doing."""

from __future__ import annotations

import collections
import contextlib
import datetime as dt
import os
import socket
import threading
import time
from pathlib import Path
from typing import Any, Final

from psycopg.types.json import Jsonb

from backend_core.db.loans import Holder
from backend_core.db.pool import Pool, PoolSnapshot
from backend_core.errors import LecternError
from backend_core.monitoring.link import MonitorLink
from backend_core.monitoring.pool_times import COUNTERS
from backend_core.monitoring.records import PoolSample

EVERY_S: Final = 0.2
AT_LEAST_EVERY_S: Final = 5.0
SAMPLE_EVERY_S: Final = 1.0
SAMPLES: Final = 900
HOLDERS: Final = 20
PACKAGES: Final = ("backend_core", "desktop", "site-packages")

_UPSERT: Final = """
INSERT INTO process_report (application, host, pid, capacity, base, in_use, waiting, timeouts,
                            wait_p50_ms, wait_p95_ms, wait_p99_ms, longest_ms, histogram, holders, more, at)
VALUES (%(application)s, %(host)s, %(pid)s, %(capacity)s, %(base)s, %(in_use)s, %(waiting)s, %(timeouts)s,
        %(wait_p50_ms)s, %(wait_p95_ms)s, %(wait_p99_ms)s, %(longest_ms)s, %(histogram)s, %(holders)s, %(more)s, clock_timestamp())
ON CONFLICT (application) DO UPDATE SET
    capacity = EXCLUDED.capacity, base = EXCLUDED.base, in_use = EXCLUDED.in_use, waiting = EXCLUDED.waiting,
    timeouts = EXCLUDED.timeouts, wait_p50_ms = EXCLUDED.wait_p50_ms, wait_p95_ms = EXCLUDED.wait_p95_ms,
    wait_p99_ms = EXCLUDED.wait_p99_ms, longest_ms = EXCLUDED.longest_ms,
    histogram = EXCLUDED.histogram, holders = EXCLUDED.holders, more = EXCLUDED.more, at = EXCLUDED.at
"""
_PRUNE: Final = "DELETE FROM process_report WHERE at < clock_timestamp() - interval '1 minute'"
_LEAVE: Final = "DELETE FROM process_report WHERE application = %(application)s"


class Recorder:
    """Samples one pool and reports it until closed."""

    def __init__(self, pool: Pool, link: MonitorLink, *, application: str) -> None:
        self._pool = pool
        self._application = application
        self._link = link
        self._samples: collections.deque[PoolSample] = collections.deque(maxlen=SAMPLES)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pool recorder", daemon=True)
        self._thread.start()

    def samples(self) -> tuple[PoolSample, ...]:
        """Return one sample a second for up to 15 minutes, oldest first."""
        return tuple(self._samples)

    def _run(self) -> None:
        told: tuple[object, ...] = ()
        told_at = sampled_at = float("-inf")
        while not self._stop.wait(EVERY_S):
            now = time.monotonic()
            snapshot = self._pool.snapshot()
            if now - sampled_at >= SAMPLE_EVERY_S:
                sampled_at = now
                at = dt.datetime.now(dt.UTC)
                self._samples.append(PoolSample(at=at, in_use=snapshot.in_use, waiting=snapshot.waiting, wait_p95_ms=snapshot.wait.p95))
            state = (snapshot.in_use, snapshot.waiting, snapshot.timeouts, snapshot.size, snapshot.leaks, snapshot.invalidated)
            if state == told and now - told_at < AT_LEAST_EVERY_S:
                continue
            # the database being away is shown by the health check; here there is nobody to tell
            with contextlib.suppress(LecternError):
                self._tell(snapshot)
                told, told_at = state, now

    def _tell(self, snapshot: PoolSnapshot) -> None:
        self._link.rows(_UPSERT, _parameters(report(snapshot, application=self._application)))
        self._link.rows(_PRUNE)

    def close(self) -> None:
        """Stop, and take back this process's report."""
        self._stop.set()
        self._thread.join()
        with contextlib.suppress(LecternError):
            self._link.rows(_LEAVE, {"application": self._application})


def report(snapshot: PoolSnapshot, *, application: str) -> dict[str, Any]:
    """Return this process's figures, named like the columns of ``process_report``."""
    return {
        "application": application,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "capacity": snapshot.capacity,
        "base": snapshot.base,
        "in_use": snapshot.in_use,
        "waiting": snapshot.waiting,
        "timeouts": snapshot.timeouts,
        "wait_p50_ms": snapshot.wait.p50,
        "wait_p95_ms": snapshot.wait.p95,
        "wait_p99_ms": snapshot.wait.p99,
        "longest_ms": snapshot.wait.longest,
        "histogram": [count for _, count in snapshot.wait.bars],
        "holders": [_holder(holder) for holder in snapshot.holders[:HOLDERS]],
        "more": _more(snapshot),
    }


def _more(snapshot: PoolSnapshot) -> dict[str, Any]:
    return {
        "usage": [count for _, count in snapshot.usage.bars],
        "usage_longest_ms": snapshot.usage.longest,
        "connect": [count for _, count in snapshot.connect.bars],
        "connect_longest_ms": snapshot.connect.longest,
        **{name: getattr(snapshot, name) for name in COUNTERS},
    }


def _holder(holder: Holder) -> dict[str, Any]:
    return {
        "label": holder.label,
        "thread": holder.thread,
        "held_s": round(holder.held_s, 3),
        "server_pid": holder.server_pid,
        "frames": [_frame(frame) for frame in holder.frames],
    }


def _frame(frame: str) -> tuple[str, str]:
    """Return place and function, the place below the package and never with a folder of this machine."""
    place, _, function = frame.partition(" ")
    parts = Path(place).parts
    ours = [index for index, part in enumerate(parts) if part in PACKAGES]
    return "/".join(parts[ours[-1] :]) if ours else parts[-1], function


def _parameters(figures: dict[str, Any]) -> dict[str, Any]:
    return figures | {name: Jsonb(figures[name]) for name in ("histogram", "holders", "more")}
