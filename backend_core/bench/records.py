"""Keeps measured figures: one record per figure in ``docs/benchmarks.json``, shown as a table in ``docs/benchmarks.md``."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backend_core import __version__
from backend_core.errors import InvalidInput

DATA = "benchmarks.json"
PAGE = "benchmarks.md"
HEAD = """# Measured figures

Made by `lecternctl bench`; do not edit. Each value stands beside a control measured in the same run, because absolute times
depend on the machine. *Ratio* is value divided by control. A figure is never a test: tests assert behaviour, this page carries speed.

| figure | value | control | ratio | goal | met | commit | date | note |
| --- | ---: | ---: | ---: | --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True, slots=True)
class Record:
    """One measured figure.

    Attributes:
        name: stable dotted name, ``speech.page_cpu``.
        value: the measurement, in ``unit``.
        unit: ``s``, ``ms``, ``pages/CPU s``, ``MB``, ``%``...
        control: the same measurement of the naive or bare alternative in the same run, or None where there is none.
        ratio: ``value / control``, or None.
        threshold: the goal in words and figures, ``<= 0.35``, or empty.
        met: whether the goal was reached, or None without a goal.
        commit: the short commit measured, ending in ``+`` when files had changed since.
        date: ISO date, UTC.
        note: what the control is and how large the data were; names no folder of the machine.
    """

    name: str
    value: float
    unit: str
    control: float | None = None
    ratio: float | None = None
    threshold: str = ""
    met: bool | None = None
    commit: str = ""
    date: str = ""
    note: str = ""


def commit_of(folder: Path) -> str:
    """Return the short commit of a work tree, or the version outside one."""
    git = ["git", "-C", str(folder)]
    try:
        head = subprocess.run([*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        changed = subprocess.run([*git, "status", "--porcelain", "--", "*.py"], capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return __version__
    return f"{head}+" if changed else head


def record(result: Mapping[str, Any], *, commit: str, date: str) -> Record:
    """Turn what a benchmark returned into a record; raises InvalidInput for an unknown or missing field.

    >>> record({"name": "pool.wait", "value": 0.2, "unit": "s", "control": 2.0}, commit="abc", date="2026-11-21").ratio
    0.1
    """
    known = {field.name for field in fields(Record)}
    unknown = sorted(set(result) - known)
    if unknown or not {"name", "value", "unit"} <= set(result):
        raise InvalidInput(f"A benchmark returned a record that cannot be kept: {', '.join(unknown) or 'name, value or unit is missing'}.")
    control = result.get("control")
    ratio = result.get("ratio", round(result["value"] / control, 4) if control else None)
    return Record(**{**result, "ratio": ratio, "commit": commit, "date": date})


def load(folder: Path) -> dict[str, Record]:
    """Return the records of ``benchmarks.json`` by name; none when there is no file."""
    path = folder / DATA
    if not path.exists():
        return {}
    return {row["name"]: Record(**row) for row in json.loads(path.read_text(encoding="utf-8"))}


def save(results: Iterable[Mapping[str, Any]], *, folder: Path) -> list[Record]:
    """Merge results into ``benchmarks.json`` by name, write ``benchmarks.md`` anew, and return the new records."""
    commit, date = commit_of(folder), datetime.now(UTC).date().isoformat()
    new = [record(result, commit=commit, date=date) for result in results]
    kept = load(folder) | {one.name: one for one in new}
    rows = [asdict(kept[name]) for name in sorted(kept)]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DATA).write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / PAGE).write_text(render(kept.values()), encoding="utf-8")
    return new


def render(records: Iterable[Record]) -> str:
    """Return the page of all records as Markdown, in the order of their names."""
    return HEAD + "".join(f"| {' | '.join(_cells(one))} |\n" for one in sorted(records, key=lambda one: one.name))


def _cells(one: Record) -> list[str]:
    met = {True: "yes", False: "**no**", None: ""}[one.met]
    numbers = [f"{_number(one.value)} {one.unit}", _number(one.control), _number(one.ratio)]
    return [text.replace("|", "/").replace("\n", " ") for text in (one.name, *numbers, one.threshold, met, one.commit, one.date, one.note)]


def _number(value: float | None) -> str:
    """Return a number with the four digits that a measurement is worth.

    >>> _number(1234.5678), _number(0.012345), _number(30), _number(None)
    ('1,235', '0.01235', '30', '')
    """
    if value is None:
        return ""
    text = f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"  # noqa: PLR2004 - where exponents would begin
    return f"{value:,.0f}" if "e" in text or float(value).is_integer() or abs(value) >= 1000 else text  # noqa: PLR2004 - whole above a thousand
