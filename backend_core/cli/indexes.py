"""indexes: every index of the database, what may go, what is missing, and a proof."""

from __future__ import annotations

from typing import Any, Final

from backend_core.cli.context import Context, Subcommands, command
from backend_core.cli.output import table
from backend_core.errors import InvalidInput
from backend_core.monitoring.indexes.records import ADVISED, USAGE, IndexRow, IndexView, MissingIndex, Proof

HEADINGS: Final = ("table", "index", "scans", "bytes", "verdict", "reason")
DECLARED: Final = ("no.", "index", "table", "columns", "where", "status", "")
BROKEN: Final = frozenset({"missing", "invalid", "different"})


def register(commands: Subcommands) -> None:
    """Add the command of this module."""
    parser = command(commands, "indexes", _indexes, help="list every index with its verdict, most used first")
    parser.add_argument("--advise", action="store_true", help="only what may go or is missing, with the statements")
    parser.add_argument("--declared", action="store_true", help="compare the promised indexes; fails when one is not as promised")
    parser.add_argument("--sql", action="store_true", help="print the statement that lists the use of all indexes, to run elsewhere")
    parser.add_argument("--prove", metavar="NAME", help="show what would become of the plans without this index; nothing stays changed")


def _indexes(context: Context) -> int:
    arguments = context.arguments
    if arguments.advise + arguments.declared + arguments.sql + (arguments.prove is not None) > 1:
        raise InvalidInput("Give one of --advise, --declared, --sql and --prove.")
    if arguments.sql:
        context.output.result({"sql": USAGE}, text=USAGE)
        return 0
    if arguments.declared:
        return _declared(context)
    return _list(context) if arguments.prove is None else _prove(context, arguments.prove)


def _list(context: Context) -> int:
    with context.backend() as (backend, actor):
        view = backend.indexes.view(actor=actor)
    advise = context.arguments.advise
    rows = [_row(one) for one in view.rows if not advise or one.verdict in ADVISED]
    rows += [_missed(one) for one in view.missing if advise]
    lines = [table(HEADINGS, [tuple(row.values()) for row in rows], empty="Nothing to advise."), "", _summary(view)]
    offered = [*(one.sql for one in view.rows), *(one.sql for one in view.missing)]
    statements = [statement for statement in offered if advise and statement]
    context.output.result(rows, text="\n".join([*lines, *(["", *statements] if statements else [])]))
    return 0


def _row(one: IndexRow) -> dict[str, Any]:
    locked = " Somebody holds its table." if one.locked else ""
    facts = {"table": one.table, "index": one.name, "scans": one.scans, "size_bytes": one.size_bytes}
    return facts | {"verdict": one.verdict, "reason": one.reason + locked}


def _missed(one: MissingIndex) -> dict[str, Any]:
    place = f"({', '.join(one.columns)})" if one.columns else ""
    return {"table": one.table, "index": place, "scans": 0, "size_bytes": 0, "verdict": one.verdict, "reason": one.reason}


def _summary(view: IndexView) -> str:
    advised = sum(one.verdict in ADVISED for one in view.rows)
    counts = f"{len(view.rows)} indexes, {view.total_bytes / 2**20:.1f} MB; {advised} may go ({view.advised_bytes / 2**20:.1f} MB)"
    return f"{counts}, {len(view.missing)} may be missing. {view.evidence.sentence}"


def _declared(context: Context) -> int:
    with context.backend() as (backend, actor):
        found = backend.indexes.declared(actor=actor)
    rows = [(one.number, one.name, one.table, ", ".join(one.columns), one.predicate, one.status, one.reason) for one in found]
    context.output.result(found, text=table(DECLARED, rows, empty=""))
    return 1 if any(one.status in BROKEN for one in found) else 0


def _prove(context: Context, name: str) -> int:
    with context.backend() as (backend, actor):
        proof = backend.indexes.prove(actor=actor, hide=name)
    context.output.result(proof, text=_told(proof))
    return 0


def _told(proof: Proof) -> str:
    changes = f"{len(proof.slower)} would cost more without it, {len(proof.faster)} less"
    lines = [f"{proof.index}: {proof.statements_checked} statements planned ({proof.method}); {changes}."]
    before = {one.text: one for one in proof.before.plans}
    after = {one.text: one for one in proof.after.plans}
    for text in proof.slower:
        lines.append(f"{before[text].cost:.0f} -> {after[text].cost:.0f}  {text}")
        lines.append(f"  {'; '.join(before[text].how)} -> {'; '.join(after[text].how)}")
    return "\n".join([*lines, proof.refused_reason] if proof.refused_reason else lines)
