"""What the pool page shows, computed from one ``PoolView``; no widgets here."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from desktop.i18n import number, tr

if TYPE_CHECKING:
    from backend_core.monitoring.records import HolderRow, PoolSample, PoolView, ProcessRow

FULL_PART: Final = 0.8
OLD_REPORT_S: Final = 10.0
"""A process reports at least every five seconds; after two missed reports its figures count as old."""
APART: Final = 1
"""Report and session list are read one after the other; one connection may open or close between them."""
LONG_HELD_S: Final = 10.0
TOO_LONG_HELD_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer of the server.

    Attributes:
        view: every pool.
        samples: this program's own pool, one sample a second.
        timeout_s: how long a caller of this program waits for a connection.
    """

    view: PoolView
    samples: tuple[PoolSample, ...]
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Capacity:
    """Connections of one pool, or of all: counts."""

    in_use: int
    base: int
    overflow: int
    base_used: int
    overflow_used: int
    idle: int
    waiting: int

    @property
    def total(self) -> int:
        """Most connections there can be."""
        return self.base + self.overflow

    @property
    def share(self) -> float:
        """Part in use, 0 to 1."""
        return self.in_use / self.total if self.total else 0.0


def pools(view: PoolView) -> list[ProcessRow]:
    """Return the rows that are pools; the others are single connections beside them."""
    return [process for process in view.processes if process.capacity is not None]


def capacity(view: PoolView, application: str | None = None) -> Capacity:
    """Return the capacity of one pool, or of all pools together."""
    rows = [process for process in pools(view) if application in (None, process.application)]
    base_used = sum(min(process.in_use, process.base or 0) for process in rows)
    in_use = sum(process.in_use for process in rows)
    base = sum(process.base or 0 for process in rows)
    return Capacity(
        in_use=in_use,
        base=base,
        overflow=sum(process.capacity or 0 for process in rows) - base,
        base_used=base_used,
        overflow_used=in_use - base_used,
        idle=sum(max(0, process.size - process.in_use) for process in rows),
        waiting=sum(process.waiting for process in rows),
    )


def full_pools(view: PoolView) -> int:
    """Return how many pools have 80 per cent or more of their connections in use."""
    return sum(1 for process in pools(view) if process.in_use >= FULL_PART * (process.capacity or 0) > 0)


def is_old(process: ProcessRow) -> bool:
    """Return whether the process stopped reporting."""
    return process.reported_age_s is not None and process.reported_age_s > OLD_REPORT_S


@dataclass(frozen=True, slots=True)
class Agreement:
    """Whether reports and the server's own session list agree; ``problems`` has one line per pool where they do not."""

    problems: tuple[str, ...]
    unknown: int

    @property
    def words(self) -> str:
        """What to show."""
        if self.problems:
            count = len(self.problems)
            return tr("1 pool disagrees with pg_stat_activity") if count == 1 else tr("{n} pools disagree with pg_stat_activity", n=count)
        if self.unknown:
            return tr("1 report is old") if self.unknown == 1 else tr("{n} reports are old", n=self.unknown)
        return tr("agrees with pg_stat_activity")

    @property
    def tone(self) -> str:
        """How to colour it."""
        return "bad" if self.problems else "none" if self.unknown else "ok"


def agreement(view: PoolView) -> Agreement:
    """Compare what each pool reports with the sessions the server counts for it, give or take one."""
    problems, unknown = [], 0
    for process in pools(view):
        name = f"{process.kind} {process.host}:{process.pid}"
        if is_old(process):
            unknown += 1
        elif process.in_use > process.size + APART:
            problems.append(tr("{name}: {n} in use, {size} on the server", name=name, n=process.in_use, size=process.size))
        elif process.size > (process.capacity or 0) + APART:
            problems.append(tr("{name}: {size} on the server, at most {n} allowed", name=name, n=process.capacity, size=process.size))
    return Agreement(tuple(problems), unknown)


_WHOLE_MS: Final = 10


def slowest(view: PoolView) -> str:
    """Return the longest wait of the last 15 minutes in words, or nothing without a wait."""
    longest = view.longest_wait_ms
    if longest is None:
        return ""
    return tr("longest {n} ms", n=number(longest, decimals=0 if longest >= _WHOLE_MS else 1))


def held_tone(seconds: float) -> str:
    """Return the tone of a connection held that long."""
    return "bad" if seconds >= TOO_LONG_HELD_S else "warn" if seconds >= LONG_HELD_S else "text"


def held_for(seconds: float) -> str:
    """Return how long, to a tenth of a second below ten minutes."""
    if seconds < 600:  # noqa: PLR2004 - ten minutes
        return tr("{n} s", n=number(seconds, decimals=1))
    return tr("{n} min", n=number(seconds // 60))


def holders_of(view: PoolView, application: str | None) -> list[HolderRow]:
    """Return who holds a connection of one pool, or of any, the longest first."""
    return [holder for holder in view.holders if application in (None, holder.application)]


def holder_key(holder: HolderRow) -> tuple[object, ...]:
    """Return what stays the same while a connection is held."""
    return holder.application, holder.server_pid, holder.thread, holder.label


def exported(view: PoolView, samples: Sequence[PoolSample]) -> dict[str, Any]:
    """Return everything on the page as plain values for JSON; times in ISO 8601, UTC."""
    found = agreement(view)
    return {
        "pool": _plain(dataclasses.asdict(view)),
        "samples": [_plain(dataclasses.asdict(sample)) for sample in samples],
        "agreement": {"words": found.words, "problems": list(found.problems), "old_reports": found.unknown},
    }


_TABLE: Final = (
    "application", "kind", "host", "pid", "size", "base", "capacity", "overflow", "in_use", "waiting", "timeouts", "recycled",
    "invalidated", "leaks", "leaked", "reported_age_s",
)  # fmt: skip
_TIMES: Final = ("wait", "usage", "connect")
_SHARES: Final = ("p50", "p95", "p99")


def process_table(view: PoolView) -> list[dict[str, object]]:
    """Return one row per process for CSV: counts, times in milliseconds, and when it was, in ISO 8601, UTC."""
    rows: list[dict[str, object]] = []
    for process in view.processes:
        row: dict[str, object] = {"at": view.at.isoformat()} | {name: getattr(process, name) for name in _TABLE}
        for kind in _TIMES:
            shares = getattr(process, f"{kind}_ms")
            row |= {f"{kind}_{share}_ms": getattr(shares, share) for share in _SHARES}
            row[f"{kind}_longest_ms"] = getattr(process, f"longest_{kind}_ms")
        rows.append(row)
    return rows


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return value.isoformat() if isinstance(value, dt.datetime) else value
