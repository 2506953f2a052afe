"""Which series are drawn together, and how a long series becomes as many points as fit; no widgets here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from desktop.i18n import tr
from desktop.pages.health.words import bytes_words, milliseconds, seconds, share_words, whole
from desktop.widgets.chart import Limit, Point
from desktop.widgets.time_chart import Line, Mark

if TYPE_CHECKING:
    from backend_core.monitoring.metrics import CounterFall, Series

POINTS: Final = 240
"""As many as a chart of ordinary width can tell apart."""


@dataclass(frozen=True, slots=True)
class Range:
    """A length of time.

    Attributes:
        resolution_s: of the ring that holds it.
        every_s: how often it is read again while it is seen.
    """

    key: str
    seconds: int
    resolution_s: int
    every_s: float


RANGES: Final = (Range("1h", 3600, 1, 5.0), Range("24h", 86_400, 60, 60.0), Range("7d", 604_800, 60, 300.0))


@dataclass(frozen=True, slots=True)
class ChartPlan:
    """One chart.

    Attributes:
        series: name, words and tone of each line.
        lowest: of several readings the lowest is drawn, not the highest: for shares where high is good.
    """

    key: str
    title: Callable[[], str]
    icon: str
    series: tuple[tuple[str, Callable[[], str], str], ...]
    say: Callable[[float], str]
    whole: bool = False
    lowest: bool = False
    top: float = 0.0
    limit: Callable[[], Limit] | None = None


PLANS: Final = (
    ChartPlan(
        "pool", lambda: tr("Connection pool"), "database",
        (("pool.in_use", lambda: tr("In use"), "info"), ("pool.waiting", lambda: tr("Waiting"), "bad"),
         ("pool.capacity", lambda: tr("Capacity"), "none")), whole, whole=True,
    ),
    ChartPlan(
        "statements", lambda: tr("Statement time, p95"), "timer", (("statements.p95_ms", lambda: tr("p95"), "info"),), milliseconds,
        limit=lambda: Limit(50.0, tr("objective 50 ms")),
    ),
    ChartPlan(
        "connections", lambda: tr("Connections by state"), "plug",
        (("server.connections", lambda: tr("All"), "none"), ("server.active", lambda: tr("Active"), "info"),
         ("server.idle_in_transaction", lambda: tr("Idle in transaction"), "warn")), whole, whole=True,
    ),
    ChartPlan("blocked", lambda: tr("Blocked sessions"), "lock", (("server.blocked", lambda: tr("Blocked"), "bad"),), whole, whole=True),
    ChartPlan("lag", lambda: tr("Job lag"), "list-checks", (("jobs.lag_s", lambda: tr("Lag"), "info"),), seconds),
    ChartPlan("size", lambda: tr("Database size"), "hard-drive", (("server.database_bytes", lambda: tr("Size"), "info"),), bytes_words),
    ChartPlan(
        "cache", lambda: tr("Cache hit"), "zap", (("server.cache_hit", lambda: tr("Hit"), "ok"),), share_words, lowest=True, top=1.0,
    ),
    ChartPlan(
        "memory", lambda: tr("Memory operation, p95"), "brain", (("memory.p95_ms", lambda: tr("p95"), "info"),), milliseconds,
        limit=lambda: Limit(300.0, tr("objective 300 ms")),
    ),
    ChartPlan(
        "waits", lambda: tr("Wait for a connection, p95"), "hourglass", (("pool.wait_p95_ms", lambda: tr("p95"), "info"),), milliseconds,
    ),
)  # fmt: skip
NAMES: Final = tuple(dict.fromkeys(name for plan in PLANS for name, _, _ in plan.series))


@dataclass(frozen=True, slots=True)
class History:
    """What was read for a range: the lines of every chart by its key, and the moments at which counters fell."""

    range_key: str
    start: float
    end: float
    lines: dict[str, tuple[Line, ...]]
    marks: tuple[Mark, ...]


def gathered(points: Sequence[tuple[dt.datetime, float | None]], *, start: float, end: float, lowest: bool) -> tuple[Point, ...]:
    """Return ``POINTS`` readings at equal distances: the highest (or lowest) of each slice, None where nobody measured.

    >>> at = [dt.datetime.fromtimestamp(second, dt.UTC) for second in (0, 1, 239)]
    >>> made = gathered(list(zip(at, (5.0, 7.0, None))), start=0.0, end=240.0, lowest=False)
    >>> made[0], made[1], made[2], made[239]
    ((0.5, 5.0), (1.5, 7.0), (2.5, None), (239.5, None))
    """
    width = (end - start) / POINTS
    found: list[float | None] = [None] * POINTS
    for at, value in points:
        place = int((at.timestamp() - start) / width)
        if value is None or not 0 <= place < POINTS:
            continue
        known = found[place]
        found[place] = value if known is None else min(known, value) if lowest else max(known, value)
    return tuple((start + (place + 0.5) * width, value) for place, value in enumerate(found))


def read_history(backend: Any, actor: Any, wanted: Range, *, now: dt.datetime) -> History:
    """Read every series of every chart; in a worker.

    Raises:
        DatabaseAway: the server does not answer.
    """
    since = now - dt.timedelta(seconds=wanted.seconds)
    start, end = since.timestamp(), now.timestamp()
    read: tuple[Series, ...] = backend.metrics.series(NAMES, since=since, until=now, resolution_s=wanted.resolution_s, actor=actor)
    by_name = {one.name: one for one in read}
    lines: dict[str, tuple[Line, ...]] = {}
    for plan in PLANS:
        lines[plan.key] = tuple(
            Line(words(), tone, gathered(by_name[name].points if name in by_name else (), start=start, end=end, lowest=plan.lowest))
            for name, words, tone in plan.series
        )
    return History(wanted.key, start, end, lines, tuple(_mark(fall) for fall in backend.metrics.falls(since=since, actor=actor)))


def _mark(fall: CounterFall) -> Mark:
    causes = {"crash": tr("after a crash"), "reset": tr("statistics were reset"), "restart": tr("after a restart")}
    return Mark(fall.at.timestamp(), tr("counters fell: {cause}", cause=causes.get(fall.cause, fall.cause)))
