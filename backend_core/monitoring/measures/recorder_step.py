"""One second of the recorder: read, compare, keep, fold, and now and then remove what is too old."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Final

from backend_core.monitoring.link import MonitorLink
from backend_core.monitoring.measures import falls, ring
from backend_core.monitoring.measures.readings import Figures, Readings
from backend_core.monitoring.measures.ring import HOURS, MINUTES, SECONDS, Known

TIDY_EVERY: Final = dt.timedelta(hours=1)
MINUTE: Final = dt.timedelta(minutes=1)
# of the oldest minute of the seconds, and the oldest hour of the minutes, a part may be overwritten already
WHOLE_MINUTES: Final = SECONDS.span - MINUTE
WHOLE_HOURS: Final = MINUTES.span - dt.timedelta(hours=1)
# minutes are only looked at for how fast an allowance goes, which takes six hours
_FOLD_EVENTS: Final = """
WITH gone AS (
    DELETE FROM slo_events WHERE minute < %(now)s::timestamptz - interval '1 day' AND minute <> date_trunc('hour', minute)
    RETURNING objective, date_trunc('hour', minute) AS hour, good, bad, bars
), steps AS (
    SELECT objective, hour, n, sum(bar)::bigint AS bar FROM gone, unnest(bars) WITH ORDINALITY AS one (bar, n) GROUP BY objective, hour, n
)
INSERT INTO slo_events (objective, minute, good, bad, bars)
SELECT objective, hour, sum(good), sum(bad),
       (SELECT array_agg(bar ORDER BY n) FROM steps s WHERE s.objective = gone.objective AND s.hour = gone.hour)
FROM gone GROUP BY objective, hour ORDER BY objective, hour
ON CONFLICT (objective, minute) DO UPDATE SET
    good = slo_events.good + EXCLUDED.good, bad = slo_events.bad + EXCLUDED.bad,
    bars = ARRAY(SELECT a + b FROM unnest(slo_events.bars, EXCLUDED.bars) WITH ORDINALITY AS both_bars (a, b, n) ORDER BY n)
"""
_TIDY: Final = (
    "DELETE FROM slo_events WHERE minute < %(now)s::timestamptz - interval '31 days'",
    "DELETE FROM statement_figures WHERE hour < %(now)s::timestamptz - interval '7 days'",
    "DELETE FROM statement_texts t WHERE first_at < %(now)s::timestamptz - interval '7 days'"
    " AND NOT EXISTS (SELECT FROM statement_figures f WHERE f.fingerprint = t.fingerprint)",
    "DELETE FROM counter_falls WHERE at < %(now)s::timestamptz - interval '400 days'",
)  # fmt: skip


class RecorderStep:
    """Keeps the figures of every second; whoever takes over goes on where the last one stopped."""

    def __init__(self, readings: Readings) -> None:
        self._readings = readings
        self._series: Sequence[Known] = ()
        self._before: Mapping[str, float | None] = {}
        self._folded_to: dt.datetime | None = None
        self._tidied: dt.datetime | None = None

    def __call__(self, now: dt.datetime, link: MonitorLink, *, first: bool) -> None:
        """Record ``now``, the time of the server.

        Raises:
            LecternError: the server does not answer, or refused.
        """
        if first or not self._series:
            self._take_over(now, link)
        figures = self._readings.read(now, link)
        self._compare(now, link, figures)
        ring.write(link, SECONDS, [(now, ring.packed(figures, self._series))])
        self._fold(now, link)
        if self._tidied is None or not dt.timedelta() <= now - self._tidied < TIDY_EVERY:
            self._tidied = now
            tidy(now, link)

    def _take_over(self, now: dt.datetime, link: MonitorLink) -> None:
        self._series = ring.declare(link)
        self._readings.begin(now)
        self._folded_to = None
        newest = ring.last(link)
        if newest is not None:
            places = {one.id: one.name for one in self._series}
            self._before = {places[n]: value for n, value in enumerate(newest[1], start=1) if n in places}

    def _compare(self, now: dt.datetime, link: MonitorLink, figures: Figures) -> None:
        cause = falls.cause_of(self._before, figures)
        if cause is not None:
            falls.keep(link, now, cause, self._before, figures)
        self._before = figures

    def _fold(self, now: dt.datetime, link: MonitorLink) -> None:
        minute = MINUTES.start(now)
        if self._folded_to == minute:
            return
        # all that is there when a new one begins, so that a minute the last one left unfinished is not lost
        since, hours = self._folded_to or now - WHOLE_MINUTES, HOURS.start(now - MINUTE)
        if self._folded_to is None or self._folded_to > minute:
            since, hours = now - WHOLE_MINUTES, HOURS.start(now - WHOLE_HOURS) + TIDY_EVERY
        ring.fold(link, self._series, fine=SECONDS, coarse=MINUTES, since=MINUTES.start(since), until=minute)
        ring.fold(link, self._series, fine=MINUTES, coarse=HOURS, since=hours, until=now)
        self._folded_to = minute


def tidy(now: dt.datetime, link: MonitorLink) -> None:
    """Remove what is older than it is kept, and make hours of the minutes of events nobody looks at singly any more."""
    link.rows(_FOLD_EVENTS, {"now": now})
    for statement in _TIDY:
        link.rows(statement, {"now": now})
