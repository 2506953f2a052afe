"""Every alert rule with its limit, once; ``docs/notices.md`` shows them as a table."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from backend_core.jobs import watch
from backend_core.jobs.watch import JobWatch
from backend_core.monitoring import rule_readings as read
from backend_core.monitoring.health import FULL_PART, LOW_DISK
from backend_core.monitoring.rules import Reading, Rule
from backend_core.monitoring.slo import Objective
from backend_core.notices.job_notices import KIND as JOB_FAILED
from backend_core.notices.rows import Run
from backend_core.policy import Actor

FULL_DISK: Final = 0.95
MINUTE_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What rules read that the server does not tell.

    Attributes:
        backups: how they are: status, and a line for people.
        disk: free bytes and all bytes where files are kept.
    """

    job_watch: JobWatch
    objectives: Callable[[], Iterable[Objective]]
    backups: Callable[[], tuple[str, str]]
    disk: Callable[[], tuple[int, int]]
    actor: Callable[[], Actor]


def every_rule(around: Around) -> tuple[Rule, ...]:
    """Return the rules."""
    return (*_of_pools(), *_of_server(), *_of_jobs(around), *_of_program(around))


def _of_pools() -> Iterator[Rule]:
    shared: dict[str, Any] = {"page": "database", "target": {"tab": "pool"}, "rest_s": 30.0}
    yield Rule(
        kind="pool_full", title="A connection pool is nearly full", severity="warn", limit=FULL_PART, clear=0.7, unit="part in use",
        hold_s=5.0, read=read.pools_full, **shared,
    )  # fmt: skip
    yield Rule(
        kind="pool_waiting", title="Callers wait for a connection", severity="warn", limit=1, clear=0, unit="callers",
        hold_s=5.0, read=read.pools_waited_for, **shared,
    )  # fmt: skip
    yield Rule(
        kind="pool_timeouts", title="A connection did not come in time", severity="bad", limit=1, clear=0, unit="in 5 min",
        read=read.PoolTimeouts(), **shared,
    )  # fmt: skip
    yield Rule(
        kind="connections", title="The server is nearly full", severity="bad", limit=0.9, clear=0.8, unit="part of max_connections",
        hold_s=5.0, read=read.connections, **shared,
    )  # fmt: skip


def _of_server() -> Iterator[Rule]:
    activity: dict[str, Any] = {"page": "database", "target": {"tab": "activity"}, "unit": "s"}
    yield Rule(
        kind="idle_in_transaction", title="A session rests in a transaction", severity="warn", limit=60, clear=30,
        read=read.idle_in_transaction, **activity,
    )  # fmt: skip
    yield Rule(
        kind="long_transaction", title="A transaction lasts very long", severity="warn", limit=900, clear=450,
        read=read.long_transactions, **activity,
    )  # fmt: skip
    yield Rule(
        kind="blocking", title="A session blocks others", severity="bad", limit=30, clear=15, unit="s", page="database",
        target={"tab": "locks"}, read=read.blocking,
    )  # fmt: skip
    yield Rule(
        kind="statistics_lost", title="Statistics of the server were lost", severity="warn", limit=1, clear=0, unit="in 24 h",
        page="database", target={"tab": "indexes"}, read=read.statistics_lost, every_s=MINUTE_S,
    )  # fmt: skip


def _of_jobs(around: Around) -> Iterator[Rule]:
    yield Rule(
        kind=JOB_FAILED, title="A job failed", severity="bad", limit=1, clear=0, unit="open alert", page="jobs", read=read.job_alerts
    )
    limits = {watch.STALLED: around.job_watch.stalled_after_s, watch.OVERDUE: around.job_watch.overdue_after_s}
    # a recovery that works takes a few seconds longer than the limit
    for kind, title, severity, limit, hold_s in (
        (watch.STALLED, "A worker is not heard of", "bad", limits[watch.STALLED], 10.0),
        (watch.OVERDUE, "A job is past its limit", "bad", limits[watch.OVERDUE], 0.0),
        (watch.UNSERVED, "Jobs wait and no worker is alive", "bad", 20.0, 0.0),
        (watch.WAITING_LONG, "Jobs wait very long", "warn", 600.0, 0.0),
    ):
        yield Rule(
            kind=kind, title=title, severity=severity, limit=limit, clear=limit / 2, unit="s",
            hold_s=hold_s, page="jobs", read=_Troubles(around, kind),
        )  # fmt: skip


def _of_program(around: Around) -> Iterator[Rule]:
    yield Rule(
        kind="privacy_run", title="The boundary between conversations does not hold", severity="bad", limit=1, clear=0,
        unit="last run", page="privacy", read=read.privacy_run,
    )  # fmt: skip
    yield Rule(
        kind="slo_burn", title="An objective is missed", severity="bad", limit=1, clear=0, unit="burn alert", page="health",
        rest_s=MINUTE_S, every_s=15.0, read=_Objectives(around),
    )  # fmt: skip
    yield Rule(
        kind="backup", title="Backups need attention", severity="warn", limit=1, clear=0, unit="status degraded", page="backup",
        every_s=MINUTE_S, read=_Backups(around),
    )  # fmt: skip
    yield Rule(
        kind="disk", title="The disk is nearly full", severity="bad", limit=FULL_DISK, clear=0.93, unit="part used", page="health",
        every_s=MINUTE_S, read=_Disk(around.disk),
    )  # fmt: skip
    yield Rule(
        kind="audit_alert", title="The audit log reports something", severity="bad", limit=1, clear=0, unit="open alert", page="audit",
        target={"tab": "alerts"}, read=read.audit_alerts,
    )  # fmt: skip
    yield Rule(
        kind="audit_log", title="The audit log does not verify", severity="bad", limit=1, clear=0, unit="last verification", page="audit",
        read=read.audit_log,
    )  # fmt: skip
    yield Rule(
        kind="notice_delivery", title="Notices do not leave", severity="warn", limit=3, clear=0, unit="attempts", page="alerts",
        read=read.deliveries,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Troubles:
    around: Around
    kind: str

    def __call__(self, rows: Run) -> Iterator[Reading]:
        words = {
            watch.STALLED: "It was last heard of {age} ago, and nobody has taken over its work.",
            watch.OVERDUE: "It runs for {age} although it should have been stopped.",
            watch.UNSERVED: "The oldest has waited for {age}. Open a window, or run `lecternctl jobs run-worker`.",
            watch.WAITING_LONG: "The oldest has waited for {age}; the workers have too much to do.",
        }
        for one in self.around.job_watch.troubles(rows, actor=self.around.actor()):
            if one.kind == self.kind:
                body = f"{one.subject}: {words[one.kind].replace('{age}', _age(one.value))}"
                target = {"job_id": one.job_id} if one.job_id is not None else {}
                yield Reading(subject=one.subject, value=one.value, body=body, target=target)


@dataclass(frozen=True, slots=True)
class _Objectives:
    around: Around

    def __call__(self, rows: Run) -> Iterator[Reading]:  # noqa: ARG002  # read over the service's own connection
        for one in self.around.objectives():
            missed = one.status == "bad"
            facts: dict[str, Any] = {"body": f"{one.title}: {one.reason}", "target": {"slo": one.key}}
            yield Reading(subject=one.key, value=int(missed or bool(one.alert)), severity="bad" if missed else "warn", **facts)


@dataclass(frozen=True, slots=True)
class _Backups:
    around: Around

    def __call__(self, rows: Run) -> Iterator[Reading]:  # noqa: ARG002  # read by the service of backups
        status, words = self.around.backups()
        yield Reading(subject="", value=int(status in {"degraded", "failed"}), body=f"Backups: {words}.")


@dataclass(frozen=True, slots=True)
class _Disk:
    disk: Callable[[], tuple[int, int]]

    def __call__(self, rows: Run) -> Iterator[Reading]:  # noqa: ARG002  # of this computer, not of the server
        free, total = self.disk()
        # a large disk has room long after its last twentieth, a small one has not
        value = 1.0 if free < LOW_DISK else 1.0 - free / total
        yield Reading(subject="objects", value=value, body=f"{free / 2**30:.1f} GiB are free where files are kept.")


def disk_of(folder: Path) -> tuple[int, int]:
    """Return free and all bytes of the disk that holds ``folder``, or will hold it."""
    there = next(place for place in (folder, *folder.parents) if place.exists())
    usage = shutil.disk_usage(there)
    return usage.free, usage.total


def _age(seconds: float) -> str:
    if seconds == math.inf:
        return "a long time"
    return f"{seconds:.0f} s" if seconds < 2 * MINUTE_S else f"{seconds / MINUTE_S:.0f} min"
