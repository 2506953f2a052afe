"""privacy: try the boundary between conversations, and read or hand on what came of it."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import Any, Final

from backend_core.cli.context import Context, Subcommands, command, positive, words
from backend_core.cli.output import table
from backend_core.privacy.records import Run, RunDetails

RUNS: Final = ("run", "started (UTC)", "by", "from", "outcome", "rules", "cells", "leaks", "s", "where")
BROKEN: Final = ("rule", "leaks", "probes", "title", "cause")
TRIGGERS: Final = ("command", "ci")


def register(commands: Subcommands) -> None:
    """Add the commands of this module."""
    parser = commands.add_parser("privacy", help="the boundary between conversations", description="the boundary between conversations")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    running = command(verbs, "run", _run, help="try every rule with made-up people; fails when one does not hold", action="privacy.run")
    running.add_argument("--target", type=words, metavar="DSN", help="another database with Lectern's tables; nothing made up stays there")
    running.add_argument("--trigger", choices=TRIGGERS, default="command", help=argparse.SUPPRESS)
    listing = command(verbs, "history", _history, help="list runs, newest first")
    listing.add_argument("--limit", type=positive, default=30)
    showing = command(verbs, "show", _show, help="show a run: every rule, and the evidence of what does not hold")
    showing.add_argument("number", type=positive, metavar="RUN")
    exporting = command(verbs, "export", _export, help="write a run as a signed report", action="privacy.export")
    exporting.add_argument("number", type=positive, metavar="RUN")
    exporting.add_argument("path", type=Path, metavar="PATH", help="ends in .pdf or .json")
    verifying = command(verbs, "verify", _verify, help="check an exported report")
    verifying.add_argument("file", type=Path, metavar="FILE")
    command(verbs, "status", _status, help="say whether the boundary can be relied on now; fails when it cannot")


def _run(context: Context) -> int:
    arguments = context.arguments
    with context.backend() as (backend, actor):
        run = backend.privacy.run(actor=actor, trigger=arguments.trigger, target=arguments.target, progress=partial(_progress, context))
        details = backend.privacy.run_details(run.id, actor=actor)
    broken = [one for one in details.cases if not one.ok]
    facts: dict[str, Any] = {"passed": run.passed, "failed": run.failed, "cells": run.cells, "leaks": run.leaks}
    more = {"run": run.id, "outcome": run.outcome, "error": run.error, "seconds": run.seconds, "role": run.database_role}
    failures = [{"case": one.id, "title": one.title, "cause": one.cause, "leaks": one.leaks} for one in broken]
    context.output.result(facts | more | {"failures": failures}, text=_told(details))
    return 0 if run.outcome == "pass" else 1


def _progress(context: Context, done: int, total: int, what: str) -> None:
    context.output.progress(done, total, what=what)


def _told(details: RunDetails) -> str:
    run = details.run
    rows = [(one.id, one.leaks, one.probes, one.title, one.cause) for one in details.cases if not one.ok]
    verdict = "passed" if run.outcome == "pass" else "REFUSED TO PASS" if run.outcome == "refused" else "FAILED"
    line = f"Run {run.id} {verdict}: {run.passed} of {run.passed + run.failed} rules hold, {run.leaks} leaks in {run.cells} cells."
    lines = [table(BROKEN, rows, empty=""), run.error or "", line]
    return "\n".join(part for part in lines if part)


def _history(context: Context) -> int:
    with context.backend() as (backend, actor):
        rows = backend.privacy.history(actor=actor, limit=context.arguments.limit)
    context.output.result(rows, text=table(RUNS, [_row(one) for one in rows], empty="No privacy run yet."))
    return 0


def _row(run: Run) -> tuple[object, ...]:
    rules = f"{run.passed}/{run.passed + run.failed}"
    started = f"{run.started_at:%Y-%m-%d %H:%M:%S}"
    outcome = run.outcome or "goes on"
    return run.id, started, run.started_by, run.trigger, outcome, rules, run.cells, run.leaks, run.seconds, run.target or "here"


def _show(context: Context) -> int:
    with context.backend() as (backend, actor):
        details = backend.privacy.run_details(context.arguments.number, actor=actor)
    rows = [("holds" if one.ok else "BROKEN", one.probes, one.title, one.cause or one.rule) for one in details.cases]
    lines = [table(("", "probes", "rule", "in plain words"), rows, empty="Nothing was tried.")]
    evidence = [one for case in details.cases for one in case.evidence]
    different = {f"{one.place}{one.did}": one for one in evidence}.values()
    probes = [f"\n{one.place}\n  {one.did}\n  {one.rows} rows: {one.saw}\n  {one.cause}" for one in different]
    context.output.result(details, text="\n".join([*lines, *probes, "", _told(details).splitlines()[-1]]))
    return 0


def _export(context: Context) -> int:
    arguments = context.arguments
    with context.backend() as (backend, actor):
        made = backend.privacy.export(arguments.number, arguments.path, actor=actor)
    context.output.result({"run": arguments.number, "path": made}, text=f"Run {arguments.number} is in {made}.")
    return 0


def _verify(context: Context) -> int:
    with context.backend() as (backend, actor):
        verdict = backend.privacy.verify_report(context.arguments.file, actor=actor)
    told = "It is as it was signed." if verdict.ok else "It is NOT as it was signed."
    text = "\n".join([*verdict.problems, f"Run {verdict.run}, signed by {verdict.key_id}. {told}"])
    context.output.result(verdict, text=text)
    return 0 if verdict.ok else 1


def _status(context: Context) -> int:
    with context.backend() as (backend, actor):
        standing = backend.privacy.standing(actor=actor)
    context.output.result(standing, text=f"{standing.gate}: {standing.reason}")
    return 0 if standing.gate == "ok" else 1
