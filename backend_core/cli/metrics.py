"""metrics and slo: what was recorded over time, and whether what was promised is kept."""

from __future__ import annotations

import argparse
import datetime as dt
import re
from pathlib import Path
from typing import Final

from backend_core.cli.context import Context, Subcommands, command, words
from backend_core.cli.output import table
from backend_core.monitoring.measures.series import SERIES
from backend_core.monitoring.metrics import FORMATS, Series
from backend_core.monitoring.slo import Objective

_SPAN: Final = re.compile(r"(\d{1,5})([smhd])")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LAST: Final = 20


def register(commands: Subcommands) -> None:
    """Add the commands of this module."""
    parser = command(commands, "metrics", _metrics, help="show or export the recorded figures")
    parser.add_argument(
        "what", nargs="?", choices=("list", "show", "export"), default="list", help="list the series, show some, or write all"
    )
    parser.add_argument("names", nargs="*", type=words, metavar="NAME", help="series to show; all when left out")
    parser.add_argument("--since", type=span, default=dt.timedelta(hours=1), metavar="SPAN", help="how far back: 90s, 15m, 1h, 7d")
    parser.add_argument("--resolution", type=int, choices=(1, 60, 3600), help="seconds of one point")
    parser.add_argument("--format", choices=FORMATS, default="csv", help="of the file to write")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="the file to write")
    command(commands, "slo", _slo, help="show what was promised and how much room for failure is left")


def span(text: str) -> dt.timedelta:
    """Parse a length of time.

    >>> span("15m")
    datetime.timedelta(seconds=900)
    """
    found = _SPAN.fullmatch(text)
    if found is None:
        raise argparse.ArgumentTypeError("write a number and s, m, h or d, for example 15m")
    return dt.timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


def _metrics(context: Context) -> int:
    given = context.arguments
    if given.what == "export":
        return _export(context)
    if given.what == "list":
        rows = [(one.name, one.unit, one.fold, one.every_s, one.help) for one in SERIES]
        facts = [{"name": one.name, "unit": one.unit, "fold": one.fold, "every_s": one.every_s, "help": one.help} for one in SERIES]
        context.output.result(facts, text=table(("series", "unit", "fold", "every s", "meaning"), rows, empty=""))
        return 0
    with context.backend() as (backend, actor):
        names = given.names or backend.metrics.names(actor=actor)
        since = dt.datetime.now(dt.UTC) - given.since
        found = backend.metrics.series(names, since=since, resolution_s=given.resolution, actor=actor)
    context.output.result(found, text="\n\n".join(map(_shown, found)))
    return 0


def _shown(series: Series) -> str:
    rows = [(f"{at:%Y-%m-%d %H:%M:%S}", "" if value is None else f"{value:g}") for at, value in series.points[-LAST:]]
    head = f"{series.name} ({series.unit}), {len(series.points)} points of {series.resolution_s} s"
    return f"{head}\n{table(('at (UTC)', 'value'), rows, empty='Nothing was recorded.')}"


def _export(context: Context) -> int:
    given = context.arguments
    endings = {"csv": "csv", "json": "json", "prometheus": "prom"}
    path = (given.output or Path(f"lectern-metrics.{endings[given.format]}")).absolute()
    with context.backend() as (backend, actor):
        count = backend.metrics.export(path, given.format, actor=actor)
    context.output.result({"file": path, "format": given.format, "values": count}, text=f"Wrote {count:,} values to {path}.")
    return 0


def _slo(context: Context) -> int:
    with context.backend() as (backend, actor):
        found = backend.slos.objectives(actor=actor)
    rows = [(one.title, one.status, _value(one), _share(one.budget_left), _speed(one.burn_short), _speed(one.burn_long)) for one in found]
    headings = ("objective", "status", "kept", "allowance left", "burn 1 h", "burn 6 h")
    reasons = "\n".join(f"{one.key}: {one.reason}" for one in found if one.status != "ok")
    context.output.result(found, text=table(headings, rows, empty="") + (f"\n{reasons}" if reasons else ""))
    return 0


def _value(one: Objective) -> str:
    if one.value is None:
        return "not known"
    return f"{one.value:.0f} {one.unit}" if one.unit != "share" else f"{one.value:.2%}"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.0%}"


def _speed(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}x"
