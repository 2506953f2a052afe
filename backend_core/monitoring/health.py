"""Is everything there that Lectern needs? Each check answers in one word and one short line, and never raises."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from backend_core.audit.sealer import SealLag
from backend_core.errors import Conflict, LecternError
from backend_core.monitoring.link import MonitorLink
from backend_core.monitoring.records import HealthCheck, HealthView

ORDER: Final = ("ok", "unknown", "degraded", "failed")
SLOW_MS: Final = 250.0
LOW_DISK: Final = 2 * 2**30
VERY_LOW_DISK: Final = 200 * 2**20
FULL_PART: Final = 0.8
SEAL_LAG_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    status: str
    detail: str


Check = Callable[[], Finding]


def run_checks(checks: dict[str, Check]) -> HealthView:
    """Run every check; one that fails to answer counts as failed, with its safe sentence."""
    found: list[tuple[str, Finding, float]] = []
    for name, check in checks.items():
        try:
            finding = check()
        except Conflict:
            finding = Finding("degraded", "cannot be read: a session has a table locked")
        except LecternError as error:
            finding = Finding("failed", str(error))
        found.append((name, finding, time.monotonic()))
    now = time.monotonic()
    results = [HealthCheck(name=name, status=one.status, detail=one.detail, age_s=round(now - at, 3)) for name, one, at in found]
    worst = max((result.status for result in results), key=ORDER.index, default="unknown")
    return HealthView(status="ok" if worst == "unknown" else worst, checks=tuple(results))


def database(link: MonitorLink) -> Finding:
    """Whether the server answers, and how fast."""
    began = time.perf_counter()
    link.rows("SELECT 1 AS one")
    took = (time.perf_counter() - began) * 1000
    return Finding("degraded" if took > SLOW_MS else "ok", f"answers in {took:.0f} ms" if took >= 1 else "answers in under 1 ms")


def workers(alive: int, waiting: int) -> Finding:
    """Whether somebody works on the jobs."""
    if alive:
        return Finding("ok", f"{alive} alive")
    if waiting:
        return Finding("failed", f"none alive, {waiting} jobs wait")
    return Finding("ok", "none alive, none needed")


def disk(free_bytes: int) -> Finding:
    """Whether the object store can be written to, and how much room its disk has."""
    status = "failed" if free_bytes < VERY_LOW_DISK else "degraded" if free_bytes < LOW_DISK else "ok"
    return Finding(status, f"{free_bytes / 2**30:.1f} GiB free")


def voices(count: int) -> Finding:
    """Whether the local voice process answers."""
    return Finding("ok", f"{count} voices") if count else Finding("failed", "no voice")


def audit_seal(lag: SealLag, *, workers: int) -> Finding:
    """Whether the audit log is sealed in time; where no worker runs it waits for the next one."""
    if not lag.rows:
        return Finding("ok", "everything sealed")
    waits = f"{lag.rows} rows wait for {lag.seconds:.0f} s"
    return Finding("degraded" if lag.seconds > SEAL_LAG_S and workers else "ok", waits if workers else f"{waits}, no worker is alive")


def failures(recent: int) -> Finding:
    """How many jobs failed for good within a day."""
    return Finding("degraded", f"{recent} failed in 24 h") if recent else Finding("ok", "none failed in 24 h")


def schema(revision: str, newest: str) -> Finding:
    """Whether the tables are those of this program."""
    return Finding("ok", f"revision {revision}") if revision == newest else Finding("degraded", f"revision {revision}, program {newest}")


def passwords(*, embedded: bool) -> Finding:
    """How the database passwords are kept; said plainly, because file permissions are all there is."""
    if embedded:
        return Finding("ok", "protected only by file permissions")
    return Finding("ok", "as LECTERN_DSN or libpq gives them")


def secrets_kept(kind: str, sentence: str) -> Finding:
    """How tokens and keys of this home are kept; file permissions alone are the weakest way and are called that."""
    return Finding("degraded" if kind == "file" else "ok", sentence)


def pool(in_use: int, capacity: int, timeouts: int) -> Finding:
    """Whether the connection pool of this process has room."""
    status = "degraded" if capacity and in_use / capacity >= FULL_PART else "ok"
    return Finding(status, f"{in_use} of {capacity} in use, {timeouts} timeouts")
