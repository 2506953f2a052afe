"""Recorded figures as text for other tools: CSV, JSON, and the text format of Prometheus."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Iterable
from typing import Final

Row = tuple[str, str, int, dt.datetime, float | None]
"""Name, unit, resolution in seconds, moment, value."""

Sample = tuple[str, str, str, dt.datetime, float]
"""Name, unit, what it is, moment, value."""

_NAME: Final = re.compile(r"[^a-zA-Z0-9_]")
_UNITS: Final = {
    "ms": ("_seconds", 0.001),
    "s": ("_seconds", 1.0),
    "unix s": ("_timestamp_seconds", 1.0),
    "share": ("_ratio", 1.0),
    "bytes": ("_bytes", 1.0),
}
_SUFFIXES: Final = ("_ms", "_s", "_bytes", "_share")


def as_csv(rows: Iterable[Row]) -> str:
    """Return one line per point; an unknown value is empty."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("name", "unit", "resolution_s", "at", "value"))
    writer.writerows(
        (name, unit, resolution_s, at.isoformat(), "" if value is None else repr(value)) for name, unit, resolution_s, at, value in rows
    )
    return out.getvalue()


def as_json(rows: Iterable[Row]) -> str:
    """Return an object by name: unit, and points by resolution."""
    found: dict[str, dict[str, object]] = {}
    for name, unit, resolution_s, at, value in rows:
        series = found.setdefault(name, {"unit": unit, "points": {}})
        points = series["points"]
        if isinstance(points, dict):
            points.setdefault(str(resolution_s), []).append([at.isoformat(), value])
    return json.dumps(found, indent=1) + "\n"


def as_prometheus(samples: Iterable[Sample]) -> str:
    r"""Return the newest values in the text format of Prometheus, version 0.0.4, in base units.

    >>> at = dt.datetime.fromtimestamp(1, dt.UTC)
    >>> print(as_prometheus([("pool.wait_p95_ms", "ms", "A \\ wait.\nLong.", at, 12.5)]), end="")
    # HELP lectern_pool_wait_p95_seconds A \\ wait.\nLong.
    # TYPE lectern_pool_wait_p95_seconds gauge
    lectern_pool_wait_p95_seconds 0.0125 1000
    """
    lines: list[str] = []
    for name, unit, words, at, value in samples:
        suffix, factor = _UNITS.get(unit, ("", 1.0))
        full = metric_name(name, suffix)
        help_text = words.replace("\\", "\\\\").replace("\n", "\\n")
        lines += [f"# HELP {full} {help_text}", f"# TYPE {full} gauge", f"{full} {value * factor!r} {round(at.timestamp() * 1000)}"]
    return "".join(f"{line}\n" for line in lines)


def metric_name(name: str, suffix: str = "") -> str:
    """Return a name as Prometheus wants it.

    >>> metric_name("server.database_bytes", "_bytes"), metric_name("jobs.waiting")
    ('lectern_server_database_bytes', 'lectern_jobs_waiting')
    """
    bare = _NAME.sub("_", name)
    for known in _SUFFIXES:
        if suffix and bare.endswith(known):
            bare = bare[: -len(known)]
            break
    return f"lectern_{bare}{suffix}"
