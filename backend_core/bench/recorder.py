"""What recording costs: CPU of this process and of its server session for one second's record, and of counting a statement."""

from __future__ import annotations

import datetime as dt
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from backend_core.backend import Backend, erase_home, open_backend
from backend_core.monitoring.link import MonitorLink
from backend_core.monitoring.measures import ring
from backend_core.monitoring.measures.readings import Readings
from backend_core.monitoring.measures.recorder_step import RecorderStep
from backend_core.monitoring.measures.ring import HOURS, MINUTES, SECONDS
from backend_core.monitoring.statements import StatementCounter
from backend_core.settings import load_settings

SECONDS_RECORDED: Final = 1800
STATEMENTS: Final = 3000
ROUNDS: Final = 3
# shorter than the server waits for a silent recorder
LIVE_S: Final = 12.0
GOAL_PER_CENT: Final = 1.0
GOAL_BYTES: Final = 16_000_000
_SIZE: Final = "SELECT pg_total_relation_size('metric_frames') AS bytes, count(*) AS rows FROM metric_frames"


def run() -> list[dict[str, Any]]:
    """Return the share of a core that recording takes, the size of a full year, and the cost of counting a statement."""
    home = Path(tempfile.mkdtemp(prefix="lectern-bench-"))
    try:
        with open_backend(load_settings(home=home, record_metrics="nothing"), application="command") as backend:
            return [*_recording(backend), _live(backend), _counting(backend)]
    finally:
        erase_home(home)


def _recording(backend: Backend) -> list[dict[str, Any]]:
    link = backend.recording.link
    step = RecorderStep(Readings(free_share=lambda: 0.5))
    now: dt.datetime = link.rows("SELECT clock_timestamp() AS now")[0]["now"]
    step(now, link, first=True)
    spent = _server_cpu(link)
    began = time.process_time()
    for second in range(1, SECONDS_RECORDED + 1):
        step(now + dt.timedelta(seconds=second), link, first=False)
    ours, servers = time.process_time() - began, _server_cpu(link) - spent
    began = time.process_time()
    for _ in range(SECONDS_RECORDED):
        link.rows("SELECT 1 AS one")
    control = time.process_time() - began
    shares = {name: 100 * cpu / SECONDS_RECORDED for name, cpu in (("ours", ours), ("servers", servers), ("control", control))}
    total = shares["ours"] + shares["servers"]
    note = f"{SECONDS_RECORDED} seconds recorded one after the other, minutes and hours folded; CPU of the process {shares['ours']:.2f} %"
    return [
        {
            "name": "recorder.core", "value": round(total, 3), "unit": "% of a core", "control": round(shares["control"], 4),
            "threshold": "< 1", "met": total < GOAL_PER_CENT,
            "note": f"{note}, of its server session {shares['servers']:.2f} %; control: SELECT 1 once a second, process only",
        },
        _full(link, now),
    ]  # fmt: skip


def _live(backend: Backend) -> dict[str, Any]:
    """Measure with a second between two records, when nothing of it is in the processor's caches any more."""

    def cpu() -> float:
        return time.process_time() + _server_cpu(link)

    link = backend.recording.link
    began = cpu()
    time.sleep(LIVE_S)
    idle = cpu() - began
    began = cpu()
    backend.recording.start()
    time.sleep(LIVE_S)
    busy = cpu() - began
    share, control = 100 * (busy - idle) / LIVE_S, 100 * idle / LIVE_S
    note = f"{LIVE_S:.0f} s live with the alert rules and snapshots that go with it; control: the same process idle, taken off"
    return {"name": "recorder.live", "value": round(share, 2), "unit": "% of a core", "control": round(control, 2),
            "threshold": "< 1", "met": share < GOAL_PER_CENT, "note": note}  # fmt: skip


def _server_cpu(link: MonitorLink) -> float:
    """Return the CPU seconds of the session's own process on the server, 0 where the system does not tell."""
    pid = link.rows("SELECT pg_backend_pid() AS pid")[0]["pid"]
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    # in ticks of a hundredth, user and system
    return (int(fields[11]) + int(fields[12])) / 100


def _full(link: MonitorLink, now: dt.datetime) -> dict[str, Any]:
    series = ring.declare(link)
    for one in (SECONDS, MINUTES, HOURS):
        step = dt.timedelta(seconds=one.resolution_s)
        frames = [(now - n * step, [n + 0.25] * len(series)) for n in range(one.places)]
        for first in range(0, len(frames), 1000):
            ring.write(link, one, frames[first : first + 1000])
    found = link.rows(_SIZE)[0]
    note = f"{found['rows']} rows: seconds of an hour, minutes of a week, hours of a year, {len(series)} series, every place filled"
    return {"name": "recorder.size", "value": round(found["bytes"] / 1e6, 1), "unit": "MB", "threshold": "<= 16",
            "met": found["bytes"] <= GOAL_BYTES, "note": note}  # fmt: skip


def _counting(backend: Backend) -> dict[str, Any]:
    bare = min(_statements(backend) for _ in range(ROUNDS))
    counter = StatementCounter(backend.database)
    counted = min(_statements(backend) for _ in range(ROUNDS))
    counter.flush(backend.recording.link)
    note = f"CPU of this process for one SELECT 1, best of {ROUNDS} rounds of {STATEMENTS}; control: not counted"
    return {"name": "recorder.statement", "value": round(counted * 1e6, 1), "unit": "us", "control": round(bare * 1e6, 1), "note": note}


def _statements(backend: Backend) -> float:
    with backend.database.begin("Measure") as conn:
        statement = sa.text("SELECT 1")
        began = time.process_time()
        for _ in range(STATEMENTS):
            conn.execute(statement)
        return (time.process_time() - began) / STATEMENTS
