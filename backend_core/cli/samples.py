"""seed and bench: realistic sample data, and measured figures."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, Final

from backend_core.bench.suite import NAMES, run
from backend_core.cli.context import Context, Subcommands, command
from backend_core.cli.output import table
from backend_core.cli.waiting import wait_for_documents
from backend_core.errors import InvalidInput
from backend_core.seed.service import SIZES, seed

LOCOMO: Final = "locomo"
"""Needs chats that are not part of Lectern, so ``all`` leaves it out."""


def register(commands: Subcommands) -> None:
    """Add the commands of this module."""
    seeding = command(commands, "seed", _seed, help="fill the database with realistic sample documents and conversations")
    seeding.add_argument("--size", choices=tuple(SIZES), default="small")
    benching = command(commands, "bench", _bench, help="measure, beside a control in the same run")
    benching.add_argument("name", type=_underscored, choices=(*NAMES, LOCOMO, "all"))
    benching.add_argument("path", nargs="?", type=Path, help="chats in the format of LoCoMo, for locomo")
    benching.add_argument("--record", action="store_true", help="keep the figures in docs/benchmarks.json")


def _underscored(name: str) -> str:
    return name.replace("-", "_")


def _seed(context: Context) -> int:
    with context.backend() as (backend, actor):
        result = seed(backend, size=context.arguments.size, actor=actor, progress=context.output.progress)
        wait_for_documents(backend, result.waiting, actor=actor, output=context.output)
    text = (
        f"{result.documents} documents with {result.pages} pages in {result.languages} languages, {result.contacts} contacts with"
        f" {result.messages} messages in {result.conversations} conversations, {result.audit_rows} audit rows."
    )
    context.output.result(dataclasses.asdict(result), text=text)
    return 0


def _bench(context: Context) -> int:
    if context.arguments.name == LOCOMO:
        return _locomo(context)
    records = run(context.arguments.name, keep=context.arguments.record, note=context.output.note)
    headings = ("figure", "value", "unit", "control", "ratio", "goal")
    rows = [tuple(record.get(name) for name in ("name", "value", "unit", "control", "ratio", "threshold")) for record in records]
    context.output.result(records, text=table(headings, rows, empty="Nothing was measured."))
    return 0


def _locomo(context: Context) -> int:
    """Measure the search of memory; the data stay where they are, so the result is told and not kept."""
    # on first use: it loads what computes
    from backend_core.bench.locomo import run as run_locomo

    path = context.arguments.path
    if path is None:
        raise InvalidInput("Name the folder with the chats: bench locomo PATH.")
    found = run_locomo(path, model=context.settings.sentence_model, note=context.output.note)
    figures: dict[str, Any] = {"lexical": found["lexical"], "hybrid": found["hybrid"]} | found["controls"]
    names = ("recall@5", "recall@10", "recall@20", "p50_ms", "p95_ms")
    rows = [(way, *(one[name] for name in names)) for way, one in figures.items() if one is not None]
    lines = [table(("searched", *names), rows, empty=""), found["hybrid_note"]]
    context.output.result(found, text="\n".join(filter(None, lines)))
    return 0
