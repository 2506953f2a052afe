"""The Audit log page over the log of this home: frames while scrolling, jumps to any depth, date and match, and memory.

The control is the same window with rows fetched by OFFSET, the way a table widget does it: in the GUI thread for frames, in a worker for
jumps. Seed the log first; the note of each record says how many rows it had.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select

from backend_core.audit.rows import AuditRow
from backend_core.audit.search import newest_first, row, rows
from backend_core.audit.tables import audit_event
from backend_core.db.database import Database
from backend_core.errors import Unavailable

_LIMIT_S: Final = 1200
_FRAME_MS: Final = 16.7
_JUMP_MS: Final = 100
_MEMORY_MB: Final = 20
_FLAT_MB: Final = 2


def run(*, rounds: int = 150, home: Path | None = None) -> list[dict[str, Any]]:
    """Measure the page in a process of its own over the log of ``home`` (by default this one), and return the records.

    Raises:
        Unavailable: the window could not be started, for example because PySide6 is missing.
    """
    found = _measure(rounds, home)
    note = f"{found['rows']:,} events; "
    return [*_frames(found, note), *_jumps(found, note), *_memory(found, note)]


def offset_page(database: Database, first: int, count: int) -> tuple[AuditRow, ...]:
    """Return rows by OFFSET, the control: its cost grows with the depth."""
    listed = newest_first(select(audit_event.c.id)).offset(first).limit(count)
    with database.begin("Read audit rows by offset") as conn:
        return tuple(row(found) for found in conn.execute(newest_first(rows().where(audit_event.c.id.in_(listed)))))


def _frames(found: dict[str, Any], note: str) -> list[dict[str, Any]]:
    control = found["control"]["frames"]["p99"]
    made = []
    for kind, words in (("wheel", "mouse wheel"), ("page", "page down"), ("drag", "thumb dragged to random depths")):
        figures = found[kind]
        cpu = f"{figures['cpu_p99']:.1f} ms of processor time"
        late = f"{figures['late']} of {figures['frames']} frames later than {_FRAME_MS} ms, longest {figures['max']:.0f} ms"
        told = f"{note}99 % of sixtieths keep the window busy for less, {words}, three depths; {cpu}; {late}"
        made.append(_record(f"audit_page.{kind}", figures["p99"], "ms", _FRAME_MS, control, told))
    return made


def _jumps(found: dict[str, Any], note: str) -> list[dict[str, Any]]:
    control = found["control"]["jump_ms"]
    kinds = {
        "jump": "any depth",
        "date": "a random date",
        "filtered": "any depth of a filtered list",
        "first": "the first rows of a new filter",
    }
    return [
        _record(
            f"audit_page.{kind}",
            _share(found[f"{kind}_ms"], 0.95),
            "ms",
            _JUMP_MS,
            _share(control, 0.95),
            f"{note}p95 from the request to the painted rows, {words}; median {statistics.median(found[f'{kind}_ms']):.0f} ms",
        )
        for kind, words in kinds.items()
    ]


def _memory(found: dict[str, Any], note: str) -> list[dict[str, Any]]:
    before, first, *later = found["memory_mb"]
    if not before:
        return []
    grown, drift = max(first, *later) - before, later[-1] - first
    openings = len(later) + 1
    return [
        _record("audit_page.memory", grown, "MB", _MEMORY_MB, None, f"{note}growth by the page scrolled to eight depths"),
        _record("audit_page.leak", drift, "MB", _FLAT_MB, None, f"{note}from the first to the last of {openings} openings"),
    ]


def _record(name: str, value: float, unit: str, limit: float, control: float | None, note: str) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": name,
        "value": round(value, 1),
        "unit": unit,
        "threshold": f"<= {limit:g} {unit}",
        "met": value <= limit,
    }
    if control is not None:
        made |= {"control": round(control, 1)}
    return made | {"note": note}


def _share(ordered: list[float], part: float) -> float:
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


def _measure(rounds: int, home: Path | None) -> dict[str, Any]:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", **({"LECTERN_HOME": str(home)} if home is not None else {})}
    command = [sys.executable, "-m", "desktop.pages.audit.measure", str(rounds)]
    try:
        ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=_LIMIT_S, check=True)
        found: dict[str, Any] = json.loads(ran.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise Unavailable("The window could not be started for the measurement.") from error
    return found
