"""Objectives: what was promised, how much of the allowance for failure is left, and how fast it goes; from events, never from averages."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from backend_core.monitoring.link import MonitorLink
from backend_core.monitoring.measures.tally import percentile_within
from backend_core.policy import Actor, Target, authorize

Status = Literal["ok", "warn", "bad", "unknown"]
WINDOW_DAYS: Final = 30
FAST_BURN: Final = 14.4
SLOW_BURN: Final = 6.0
LEAST_EVENTS: Final = 100
LITTLE_LEFT: Final = 0.25
JOB_LIMIT_S: Final = 60.0

_WINDOWS: Final = ("5 minutes", "30 minutes", "1 hour", "6 hours")
_EVENTS: Final = """
SELECT objective, min(minute) AS since, sum(good)::bigint AS good, sum(bad)::bigint AS bad,
       coalesce(sum(good) FILTER (WHERE minute > clock_timestamp() - interval '5 minutes'), 0)::bigint AS good_5m,
       coalesce(sum(bad) FILTER (WHERE minute > clock_timestamp() - interval '5 minutes'), 0)::bigint AS bad_5m,
       coalesce(sum(good) FILTER (WHERE minute > clock_timestamp() - interval '30 minutes'), 0)::bigint AS good_30m,
       coalesce(sum(bad) FILTER (WHERE minute > clock_timestamp() - interval '30 minutes'), 0)::bigint AS bad_30m,
       coalesce(sum(good) FILTER (WHERE minute > clock_timestamp() - interval '1 hour'), 0)::bigint AS good_1h,
       coalesce(sum(bad) FILTER (WHERE minute > clock_timestamp() - interval '1 hour'), 0)::bigint AS bad_1h,
       coalesce(sum(good) FILTER (WHERE minute > clock_timestamp() - interval '6 hours'), 0)::bigint AS good_6h,
       coalesce(sum(bad) FILTER (WHERE minute > clock_timestamp() - interval '6 hours'), 0)::bigint AS bad_6h
FROM slo_events WHERE minute > clock_timestamp() - interval '30 days' GROUP BY objective
"""
_BARS: Final = """
SELECT objective, array_agg(bar ORDER BY n) AS bars FROM (
    SELECT objective, n, sum(bar)::bigint AS bar FROM slo_events, unnest(bars) WITH ORDINALITY AS one (bar, n)
    WHERE minute > clock_timestamp() - interval '30 days' AND objective IN ('database', 'memory') GROUP BY objective, n) steps
GROUP BY objective
"""
# of the fullest moment of each minute of a day
_BUSIEST: Final = """
SELECT percentile_disc(0.95) WITHIN GROUP (ORDER BY figures[s.id]) AS p95
FROM metric_frames, (SELECT id FROM metric_series WHERE name = 'pool.busiest_share') s
WHERE resolution_s = 60 AND at > clock_timestamp() - interval '1 day'
"""
# a job that still waits counts once it has waited too long; of one that was tried again the first start is no longer known
_JOBS: Final = """
SELECT min(due) AS since, percentile_disc(0.95) WITHIN GROUP (ORDER BY lag) FILTER (WHERE started) AS p95,
       count(*) FILTER (WHERE started AND lag <= %(limit)s) AS good, count(*) FILTER (WHERE lag > %(limit)s) AS bad,
       count(*) FILTER (WHERE started AND lag <= %(limit)s AND at > clock_timestamp() - interval '5 minutes') AS good_5m,
       count(*) FILTER (WHERE lag > %(limit)s AND at > clock_timestamp() - interval '5 minutes') AS bad_5m,
       count(*) FILTER (WHERE started AND lag <= %(limit)s AND at > clock_timestamp() - interval '30 minutes') AS good_30m,
       count(*) FILTER (WHERE lag > %(limit)s AND at > clock_timestamp() - interval '30 minutes') AS bad_30m,
       count(*) FILTER (WHERE started AND lag <= %(limit)s AND at > clock_timestamp() - interval '1 hour') AS good_1h,
       count(*) FILTER (WHERE lag > %(limit)s AND at > clock_timestamp() - interval '1 hour') AS bad_1h,
       count(*) FILTER (WHERE started AND lag <= %(limit)s AND at > clock_timestamp() - interval '6 hours') AS good_6h,
       count(*) FILTER (WHERE lag > %(limit)s AND at > clock_timestamp() - interval '6 hours') AS bad_6h
FROM (SELECT created_at AS due, started_at IS NOT NULL AS started, coalesce(started_at, clock_timestamp()) AS at,
             extract(epoch FROM coalesce(started_at, clock_timestamp()) - created_at)::float AS lag
      FROM job_run
      WHERE attempt = 0 AND created_at > clock_timestamp() - interval '30 days'
        AND (started_at IS NOT NULL OR finished_at IS NULL)) jobs
"""
_PRIVACY: Final = """
SELECT (SELECT min(started_at) FROM privacy_runs WHERE target = '' AND outcome IN ('pass', 'fail', 'refused')) AS since,
       (SELECT coalesce(sum(passed), 0) FROM privacy_runs
         WHERE target = '' AND finished_at > clock_timestamp() - interval '30 days')::bigint AS good,
       (SELECT coalesce(sum(greatest(leaks, failed)), 0) FROM privacy_runs
         WHERE target = '' AND finished_at > clock_timestamp() - interval '30 days')::bigint AS leaks,
       (SELECT count(*) FROM privacy_incidents WHERE at > clock_timestamp() - interval '30 days') AS incidents,
       (SELECT count(*) FROM privacy_incidents WHERE at > clock_timestamp() - interval '1 day') AS incidents_today,
       (SELECT outcome FROM privacy_runs WHERE target = '' AND outcome IN ('pass', 'fail', 'refused') ORDER BY id DESC LIMIT 1) AS newest
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """One objective and how it stands.

    Attributes:
        key: ``database``, ``sockets``, ``privacy``, ``pool``, ``memory`` or ``jobs``.
        target: least share of good events, or the most there may be of what is counted.
        unit: ``share`` or ``violations``.
        window_days: days that count.
        good, bad: events in the window.
        value: share of good events, or the count; ``None`` without an event.
        budget_left: part of the allowance for bad events that is left, 0 to 1; ``None`` without an event.
        burn_short, burn_long: how many times faster than allowed the allowance goes, over 1 and over 6 hours.
        status: ``ok``, ``warn``, ``bad`` or ``unknown``.
        reason: one sentence.
        at: when this was read (UTC).
        limit: what makes one event good: below this, in ``limit_unit``.
        p95: below which 95 % of what was measured lay, in ``limit_unit``; 500 ms stands for all that is longer.
        since: first event of the window.
        alert: ``fast`` or ``slow`` while the allowance goes too fast over two windows at once; else empty.
        expected: what was expected of it, in words, to be shown beside what is measured.
    """

    key: str
    title: str
    target: float
    unit: str
    window_days: int
    good: int
    bad: int
    value: float | None
    budget_left: float | None
    burn_short: float | None
    burn_long: float | None
    status: Status
    reason: str
    at: dt.datetime
    limit: float | None = None
    limit_unit: str = ""
    p95: float | None = None
    since: dt.datetime | None = None
    alert: str = ""
    expected: str = ""


@dataclass(frozen=True, slots=True)
class _Promise:
    key: str
    title: str
    target: float
    limit: float
    limit_unit: str
    # fewer events in the longer window tell nothing about a speed
    enough: int
    what: str
    expected: str = ""


_DATABASE: Final = _Promise("database", "Database statements under 50 ms", 0.95, 50.0, "ms", 50, "statements", "10 to 20 ms p95")
_POOL: Final = _Promise("pool", "Connection pool under 80 %", 0.99, 0.8, "share", 60, "seconds", "about 30 % of the pool")
_MEMORY: Final = _Promise("memory", "Memory operations under 300 ms", 0.95, 300.0, "ms", 20, "operations")
_JOBS_START: Final = _Promise("jobs", "Jobs start within a minute", 0.95, JOB_LIMIT_S, "s", 5, "jobs")
NO_GATEWAY: Final = "There is no gateway in this version, so there is nothing to measure."


class Objectives:
    """Judges the objectives from counted events."""

    def __init__(self, link: MonitorLink) -> None:
        """Take the connection of the monitoring role."""
        self._link = link

    def objectives(self, *, actor: Actor) -> tuple[Objective, ...]:
        """Return every objective.

        Raises:
            DatabaseAway: the server does not answer.
        """
        authorize(actor, "slo.read", Target(kind="server"))
        at = dt.datetime.now(dt.UTC)
        events = {row["objective"]: row for row in self._link.rows(_EVENTS)}
        bars = {row["objective"]: row["bars"] for row in self._link.rows(_BARS)}
        jobs = self._link.rows(_JOBS, {"limit": JOB_LIMIT_S})[0]
        return (
            replace(_judged(_DATABASE, events.get("database"), at), p95=_p95(bars.get("database"))),
            _sockets(at),
            _privacy(self._link.rows(_PRIVACY)[0], at),
            replace(_judged(_POOL, events.get("pool"), at), p95=self._link.rows(_BUSIEST)[0]["p95"]),
            replace(_judged(_MEMORY, events.get("memory"), at), p95=_p95(bars.get("memory"))),
            replace(_judged(_JOBS_START, jobs, at), p95=jobs["p95"]),
        )


def _p95(bars: list[int] | None) -> float | None:
    return None if bars is None else percentile_within(bars, 0.95)


def burn(good: int, bad: int, *, target: float) -> float | None:
    """Return how many times faster than allowed an allowance goes; 1 uses it up exactly at the end of the window.

    >>> round(burn(80, 20, target=0.95), 6), burn(0, 0, target=0.95)
    (4.0, None)
    """
    return bad / (good + bad) / (1 - target) if good + bad else None


def _alert(promise: _Promise, row: Mapping[str, Any]) -> str:
    """Return which pair of windows says that the allowance goes too fast; the short one ends the alert soon after the cause."""
    pairs = (("fast", FAST_BURN, "5m", "1h"), ("slow", SLOW_BURN, "30m", "6h"))
    for name, factor, short, long in pairs:
        rates = [burn(row[f"good_{window}"], row[f"bad_{window}"], target=promise.target) for window in (short, long)]
        # few events burn fast by chance: a handful is no alarm
        enough = row[f"good_{long}"] + row[f"bad_{long}"] >= max(promise.enough, LEAST_EVENTS)
        if enough and all(rate is not None and rate >= factor for rate in rates):
            return name
    return ""


def _judged(promise: _Promise, row: Mapping[str, Any] | None, at: dt.datetime) -> Objective:
    if row is None or not row["good"] + row["bad"]:
        return _unknown(promise, at)
    good, bad = row["good"], row["bad"]
    left = 1 - bad / ((1 - promise.target) * (good + bad))
    alert = _alert(promise, row)
    # so few that one of them is more than the whole allowance
    few = good + bad < promise.enough
    status: Status = "bad" if alert == "fast" or (left <= 0 and not few) else "warn" if alert or left < LITTLE_LEFT else "ok"
    return replace(
        _unknown(promise, at),
        good=good,
        bad=bad,
        value=good / (good + bad),
        budget_left=max(0.0, left),
        burn_short=burn(row["good_1h"], row["bad_1h"], target=promise.target),
        burn_long=burn(row["good_6h"], row["bad_6h"], target=promise.target),
        status=status,
        reason=_reason(promise, row, alert, at),
        since=row["since"],
        alert=alert,
    )


def _reason(promise: _Promise, row: Mapping[str, Any], alert: str, at: dt.datetime) -> str:
    total = row["good"] + row["bad"]
    words = f"{row['bad']:,} of {total:,} {promise.what} missed it; {1 - promise.target:.0%} may"
    speeds = {"fast": ", and the allowance is going very fast", "slow": ", and the allowance is going fast", "": ""}
    younger = at - row["since"] < dt.timedelta(days=WINDOW_DAYS - 1)
    since = f"; counted since {row['since']:%Y-%m-%d %H:%M} UTC" if younger else ""
    return f"{words}{speeds[alert]}{since}."


def _unknown(promise: _Promise, at: dt.datetime) -> Objective:
    return Objective(
        key=promise.key,
        title=promise.title,
        target=promise.target,
        unit="share",
        window_days=WINDOW_DAYS,
        good=0,
        bad=0,
        value=None,
        budget_left=None,
        burn_short=None,
        burn_long=None,
        status="unknown",
        reason=f"No {promise.what} have been counted yet.",
        at=at,
        limit=promise.limit,
        limit_unit=promise.limit_unit,
        expected=promise.expected,
    )


def _sockets(at: dt.datetime) -> Objective:
    promise = _Promise("sockets", "Sockets over 99 %", 0.99, 0.0, "", 0, "connections", "99.9 %")
    return replace(_unknown(promise, at), reason=NO_GATEWAY, limit=None)


def _privacy(row: Mapping[str, Any], at: dt.datetime) -> Objective:
    """Judge the boundary: nothing is allowed, so there is no speed, only whether it happened."""
    violations = row["leaks"] + row["incidents"]
    promise = _Promise("privacy", "No privacy violation", 0.0, 0.0, "", 0, "runs", "0 violations")
    blank = replace(_unknown(promise, at), unit="violations", limit=None, since=row["since"], good=row["good"], bad=violations)
    if row["newest"] is None and not violations:
        return replace(blank, reason="The privacy suite has not come to a verdict on this database yet.")
    now = row["newest"] in ("fail", "refused") or row["incidents_today"] > 0
    status: Status = "bad" if now else "warn" if violations or row["newest"] is None else "ok"
    words = f"{row['leaks']:,} found by privacy runs and {row['incidents']:,} attempts held by the guard in {WINDOW_DAYS} days"
    ending = {"pass": "the newest run passed", None: "the suite has not run yet"}.get(row["newest"], "the newest run failed")
    return replace(blank, value=float(violations), budget_left=0.0 if violations else 1.0, status=status, reason=f"{words}; {ending}.")
