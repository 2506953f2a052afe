"""readiness: is this installation ready, by what was measured; measure again, or hand the report on."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Final

from backend_core.cli.context import Context, Subcommands, command, words
from backend_core.cli.output import table
from backend_core.monitoring.readiness.records import Category, CheckResult, Report

CATEGORIES: Final = ("category", "score", "target", "before", "known")
CHECKS: Final = ("", "check", "found", "asked for", "age")
MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86_400


def register(commands: Subcommands) -> None:
    """Add the commands of this module."""
    help_text = "say whether everything is ready, by checks that were measured; fails when it is not"
    parser = command(commands, "readiness", _readiness, help=help_text)
    parser.add_argument("--measure", action="store_true", help="look again at everything first")
    parser.add_argument(
        "--only", metavar="ID", type=words, action="append", help="look again at this check only; may be given several times"
    )
    parser.add_argument("--export", type=Path, metavar="FILE", help="write a signed report; ends in .pdf or .json")
    parser.add_argument("--verify", type=Path, metavar="FILE", help="check an exported report instead")


def _readiness(context: Context) -> int:
    arguments = context.arguments
    if arguments.verify is not None:
        return _verify(context)
    with context.backend() as (backend, actor):
        if arguments.measure or arguments.only:
            report = backend.readiness.measure(actor=actor, only=arguments.only, progress=partial(_progress, context))
        else:
            report = backend.readiness.report(actor=actor)
        if arguments.export is not None:
            backend.readiness.export(arguments.export, actor=actor)
    shown = report.checks if not arguments.only else tuple(one for one in report.checks if one.id in arguments.only)
    context.output.result(facts(report), text=_told(report, shown, exported=arguments.export))
    return 0 if report.status == "ready" else 1


def _progress(context: Context, done: int, total: int, what: str) -> None:
    context.output.progress(done, total, what=what)


def facts(report: Report) -> dict[str, Any]:
    """Return what other programs rely on."""
    return {
        "score": report.score,
        "coverage": report.coverage,
        "known": report.known,
        "total": report.total,
        "target": report.target,
        "before": report.before,
        "status": report.status,
        "reason": report.reason,
        "gates_failed": report.gates_failed,
        "gates_open": report.gates_open,
        "categories": report.categories,
        "checks": report.checks,
        "version": report.version,
        "run": report.run_id,
        "signed": report.signed,
        "at": report.at,
    }


def _told(report: Report, checks: tuple[CheckResult, ...], *, exported: Path | None) -> str:
    score = "unknown" if report.score is None else f"{report.score:g}"
    lines = [
        table(CATEGORIES, [_category(one) for one in report.categories], empty=""),
        "",
        table(CHECKS, [_check(one) for one in checks], empty="No check is declared."),
        "",
        f"{report.status.upper()}: {score} on {report.known} of {report.total} known checks, target {report.target}. {report.reason}",
    ]
    return "\n".join([*lines, *([f"The report is in {exported}."] if exported else [])])


def _category(one: Category) -> tuple[object, ...]:
    return one.name, "-" if one.score is None else f"{one.score:g}", one.target, one.before, f"{one.known}/{one.total}"


def _check(one: CheckResult) -> tuple[object, ...]:
    return one.status, f"{one.id}{' *' if one.gate else ''}", one.value, one.threshold, _age(one.age_s)


def _age(seconds: float | None) -> str:
    if seconds is None:
        return "never"
    for unit, name in ((DAY_S, "d"), (HOUR_S, "h"), (MINUTE_S, "min")):
        if seconds >= unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"


def _verify(context: Context) -> int:
    with context.backend() as (backend, actor):
        verdict = backend.readiness.verify_report(context.arguments.verify, actor=actor)
    told = "It is as it was signed." if verdict.ok else "It is NOT as it was signed."
    context.output.result(verdict, text="\n".join([*verdict.problems, f"Measurement {verdict.run}, signed by {verdict.key_id}. {told}"]))
    return 0 if verdict.ok else 1
