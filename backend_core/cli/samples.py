"""seed and bench: realistic sample data, and measured figures."""

from __future__ import annotations

import dataclasses

from backend_core.bench.suite import NAMES, run
from backend_core.cli.context import Context, Subcommands, command
from backend_core.cli.output import table
from backend_core.cli.waiting import wait_for_documents
from backend_core.seed.service import SIZES, seed


def register(commands: Subcommands) -> None:
    """Add the commands of this module."""
    seeding = command(commands, "seed", _seed, help="fill the database with realistic sample documents")
    seeding.add_argument("--size", choices=tuple(SIZES), default="small")
    benching = command(commands, "bench", _bench, help="measure, beside a control in the same run")
    benching.add_argument("name", choices=(*NAMES, "all"))
    benching.add_argument("--record", action="store_true", help="keep the figures in docs/benchmarks.json")


def _seed(context: Context) -> int:
    with context.backend() as (backend, actor):
        result = seed(backend, size=context.arguments.size, actor=actor, progress=context.output.progress)
        wait_for_documents(backend, result.waiting, actor=actor, output=context.output)
    text = f"{result.documents} documents with {result.pages} pages in {result.languages} languages, {result.audit_rows} audit rows."
    context.output.result(dataclasses.asdict(result), text=text)
    return 0


def _bench(context: Context) -> int:
    records = run(context.arguments.name, keep=context.arguments.record, note=context.output.note)
    headings = ("figure", "value", "unit", "control", "ratio", "goal")
    rows = [tuple(record.get(name) for name in ("name", "value", "unit", "control", "ratio", "threshold")) for record in records]
    context.output.result(records, text=table(headings, rows, empty="Nothing was measured."))
    return 0
