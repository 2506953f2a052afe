"""Observability: what happens is recorded, can be followed by one id, and reaches a person."""

from __future__ import annotations

import stat
import sys
from pathlib import Path
from typing import Final

from backend_core.logs import LOG_BYTES, LOG_FILES
from backend_core.monitoring.log_files import processes
from backend_core.monitoring.readiness.around import Around
from backend_core.monitoring.readiness.categories import OBSERVING
from backend_core.monitoring.readiness.check import DAY, HOUR, Check, Finding, failed, judged, listed, passed, unknown

FRESH_S: Final = 10.0
LATE_S: Final = 60.0
FLOWS_H: Final = 2
SEAL_S: Final = 10.0
SEAL_LATE_S: Final = 60.0
SKEW_S: Final = 2.0
OTHERS: Final = 0o077
ROOM: Final = 1.1

_FRAME: Final = "SELECT extract(epoch FROM clock_timestamp() - max(at)) AS age FROM metric_frames WHERE resolution_s = 1"
_FIGURES: Final = """
SELECT max(hour) AS newest, max(hour) >= date_trunc('hour', now()) - make_interval(hours => %(hours)s) AS flows,
       coalesce(sum(calls) FILTER (WHERE hour >= now() - interval '24 hours'), 0)::bigint AS calls
  FROM statement_figures
"""
_UNTIED: Final = """
SELECT count(*) AS n, count(*) FILTER (WHERE correlation_id = '') AS untied, array_agg(DISTINCT action) FILTER (WHERE correlation_id = '')
    AS actions FROM audit_event WHERE at > now() - interval '24 hours' AND role <> 'database'
"""
_DELIVERIES: Final = """
SELECT count(*) AS n, count(*) FILTER (WHERE status = 'FAILED') AS lost,
       count(*) FILTER (WHERE status = 'WAITING' AND next_at < now() - interval '15 minutes') AS late
  FROM notice_deliveries WHERE coalesce(sent_at, next_at) > now() - interval '24 hours'
"""
_ALERTS: Final = """
SELECT count(*) AS open, (extract(epoch FROM clock_timestamp() - min(raised_at)) / 3600)::float AS oldest_h
  FROM audit_alert WHERE acknowledged_at IS NULL
"""


def recorder(around: Around) -> Finding:
    """Look how old the newest frame of the recorder is."""
    age = around.rows(_FRAME)[0]["age"]
    if age is None:
        return unknown("Nothing was recorded yet.")
    return judged(f"{float(age):.0f} s old", good=age < FRESH_S, bearable=age < LATE_S)


def statements(around: Around) -> Finding:
    """Look whether statements are still counted."""
    row = around.link.rows(_FIGURES, {"hours": FLOWS_H})[0]
    if row["newest"] is None:
        return unknown("No statement was counted yet.")
    return judged(f"{row['calls']} counted in 24 h", good=bool(row["flows"]), newest_hour=row["newest"].isoformat())


def rotation(around: Around) -> Finding:
    """Look whether the log files stay within their size, and are this person's only."""
    found = processes(around.log_dir)
    if not found:
        return unknown("There is no log file yet.")
    pairs = []
    for process, paths in found.items():
        size = sum(_size(path) for path in paths)
        large = len(paths) > LOG_FILES + 1 or any(_size(path) > ROOM * LOG_BYTES for path in paths)
        seen = any(_open_to_others(path) for path in paths)
        what = "NOT rotated" if large else "readable by OTHERS" if seen else "as it should be"
        pairs.append((process, f"{what}: {len(paths)} files, {size / 2**20:.1f} MB"))
    wrong = sum(told.startswith(("NOT", "readable")) for _, told in pairs)
    return listed("fail" if wrong else "pass", f"{len(pairs) - wrong} of {len(pairs)} logs as they should be", pairs)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _open_to_others(path: Path) -> bool:
    if sys.platform == "win32":
        return False
    try:
        return bool(stat.S_IMODE(path.stat().st_mode) & OTHERS)
    except OSError:
        return False


def correlation(around: Around) -> Finding:
    """Count rows of the audit log that lead nowhere, but for those of plain SQL, which has no click to begin with."""
    row = around.one(_UNTIED)
    if not row["n"]:
        return unknown("Nothing was recorded within 24 h.")
    actions = ", ".join(row["actions"] or ()) or "none"
    return judged(f"{row['n'] - row['untied']} of {row['n']} rows", good=not row["untied"], without=actions)


def delivered(around: Around) -> Finding:
    """Count notices that did not get through."""
    row = around.one(_DELIVERIES)
    if not row["n"]:
        return unknown("No notice was to be delivered within 24 h.")
    value = f"{row['lost']} of {row['n']} failed, {row['late']} late"
    return judged(value, good=not row["lost"] and not row["late"], bearable=not row["lost"])


def sealed(around: Around) -> Finding:
    """Look how far the seals of the audit log are behind."""
    lag = around.seals.lag()
    value = f"{lag.rows} rows wait for {lag.seconds:.0f} s" if lag.rows else "everything sealed"
    return judged(value, good=lag.seconds < SEAL_S or not lag.rows, bearable=lag.seconds < SEAL_LATE_S or not around.workers_alive())


def chain(around: Around) -> Finding:
    """Check every seal of the audit log and its newest rows."""
    report = around.seals.verify(actor=around.actor, quick=True)
    pairs = [(one.kind, one.detail) for one in report.problems]
    if pairs:
        return listed("fail", f"{len(pairs)} problems", pairs)
    return passed(f"{report.rows} rows verify", verified_to=report.verified_to, witnesses=report.witnesses.total)


def clock(around: Around) -> Finding:
    """Compare the clock of this computer with that of the database."""
    before = around.clock()
    there = around.one("SELECT clock_timestamp() AS at")["at"]
    after = around.clock()
    # it was asked somewhere in between
    skew = max(0.0, (before - there).total_seconds(), (there - after).total_seconds())
    return judged(f"{skew:.2f} s apart", good=skew < SKEW_S)


def objectives(around: Around) -> Finding:
    """Look how much of each allowance for failure is left."""
    known = [one for one in around.objectives() if one.status != "unknown"]
    if not known:
        return unknown("No objective has an event yet.")
    pairs = [(one.title, f"{one.status}: {one.reason}") for one in known]
    bad, warn = (sum(one.status == status for one in known) for status in ("bad", "warn"))
    return listed("fail" if bad else "warn" if warn else "pass", f"{len(known) - bad - warn} of {len(known)} within their allowance", pairs)


def alerts(around: Around) -> Finding:
    """Count alerts that nobody took note of."""
    row = around.one(_ALERTS)
    value = f"{row['open']} open, oldest {row['oldest_h'] or 0:.0f} h"
    if row["open"] and row["oldest_h"] > DAY / HOUR:
        return failed(value)
    return judged(value, good=not row["open"], bearable=True)


CHECKS: Final = (
    Check(
        id="recorder.fresh",
        title="The recorder records",
        about="One frame of figures a second; without it nobody can say later what happened.",
        category=OBSERVING,
        threshold="newest frame under 10 s old",
        source="metric_frames",
        run=recorder,
        weight=2,
        page="health",
    ),
    Check(
        id="statements.counted",
        title="Statements are counted",
        about="Every statement of every process is counted by its text, so that a slow one shows.",
        category=OBSERVING,
        threshold="counted within 2 h",
        source="statement_figures",
        run=statements,
        page="database",
        target="statements",
    ),
    Check(
        id="logs.rotated",
        title="Logs stay small and private",
        about="Log files are rotated, and only their owner may read them.",
        category=OBSERVING,
        threshold=f"at most {LOG_FILES + 1} files of 5 MB each, readable by their owner only",
        source="log folder",
        run=rotation,
        page="logs",
    ),
    Check(
        id="logs.correlated",
        title="One id leads from a click to its traces",
        about="Rows of the audit log without a correlation id cannot be followed into log and jobs.",
        category=OBSERVING,
        threshold="every row of 24 h",
        source="audit_event",
        run=correlation,
        page="audit",
    ),
    Check(
        id="notices.delivered",
        title="Notices arrive",
        about="What was to leave by mail or webhook within a day.",
        category=OBSERVING,
        threshold="none failed, none late",
        source="notice_deliveries",
        run=delivered,
        page="alerts",
    ),
    Check(
        id="alerts.seen",
        title="Alerts are looked at",
        about="Alerts of the watch rules that nobody has taken note of.",
        category=OBSERVING,
        threshold="none open; fails after a day",
        source="audit_alert",
        run=alerts,
        page="alerts",
    ),
    Check(
        id="audit.sealed",
        title="The audit log is sealed in time",
        about="Rows that wait for their seal could still be changed unseen.",
        category=OBSERVING,
        threshold="none waits over 10 s",
        source="seals of the audit log",
        run=sealed,
        page="audit",
    ),
    Check(
        id="audit.chain",
        title="The audit log verifies",
        about="Every seal, signature and key, and the newest rows one by one; a row that was changed, removed or slipped in shows.",
        category=OBSERVING,
        threshold="no problem",
        source="quick verification",
        run=chain,
        weight=3,
        gate=True,
        limit_s=DAY,
        every_s=HOUR,
        page="audit",
    ),
    Check(
        id="clock.skew",
        title="Clocks agree",
        about="Times of the log and of the database can be compared only when both clocks agree.",
        category=OBSERVING,
        threshold="under 2 s",
        source="this computer and the database",
        run=clock,
        page="health",
    ),
    Check(
        id="objectives.kept",
        title="Objectives are kept",
        about="Each objective allows so much failure within its window; the check looks how much of it is left and how fast it goes.",
        category=OBSERVING,
        threshold="none used up, none going too fast",
        source="counted events",
        run=objectives,
        weight=2,
        page="health",
        target="objectives",
    ),
)
