"""audit: read, search, export and keep the record of who did what."""

from __future__ import annotations

import argparse
import datetime as dt
from functools import partial
from pathlib import Path
from typing import Any, Final

from backend_core.audit.export_rows import FORMATS
from backend_core.audit.query import KEYS, AuditFilter
from backend_core.audit.rows import AuditRow
from backend_core.audit.standalone import verify_file
from backend_core.cli import audit_verify
from backend_core.cli.context import Context, Subcommands, command, positive, words
from backend_core.cli.output import table
from backend_core.errors import InvalidInput

FILTER: Final = f"words such as actor:ana action:audio.* since:7d; there are {', '.join(KEYS)}"
HEADINGS: Final = ("position", "at (UTC)", "actor", "action", "target", "outcome", "correlation")


def register(commands: Subcommands) -> None:
    """Add the commands of this module."""
    parser = commands.add_parser("audit", help="the record of who did what", description="the record of who did what")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = command(verbs, "list", _list, help="list recorded actions, newest first")
    listing.add_argument("--limit", type=positive, default=50)
    _filtered(listing)
    related = command(verbs, "related", _related, help="list everything one action caused, oldest first")
    related.add_argument("correlation", type=words)
    exporting = command(verbs, "export", _export, help="write rows with proofs and a signed manifest", action="audit.export")
    exporting.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    exporting.add_argument("--format", choices=FORMATS, default="jsonl")
    _filtered(exporting)
    proving = command(verbs, "evidence", _evidence, help="write an evidence pack of a period", action="audit.evidence")
    proving.add_argument("-o", "--output", type=Path, required=True, metavar="FILE")
    proving.add_argument("--since", type=_moment, required=True, metavar="TIME", help="first moment, UTC: 2026-10-01 or 2026-10-01T08:00")
    proving.add_argument("--until", type=_moment, required=True, metavar="TIME", help="the moment after the last one")
    checking = command(verbs, "verify-file", _verify_file, help="check an exported file without the database")
    checking.add_argument("file", type=Path, metavar="FILE")
    checking.add_argument("--key", type=words, help="id of the log's first key, as somebody outside remembers it")
    audit_verify.register(verbs)
    _upkeep(verbs)


def _upkeep(verbs: Subcommands) -> None:
    placing = command(verbs, "hold", _hold, help="keep rows from removal until the hold is released", action="audit.hold")
    _filtered(placing)
    holding = command(verbs, "holds", _holds, help="list holds")
    holding.add_argument("--all", action="store_true", help="also those that were released")
    releasing = command(verbs, "release", _release, help="release a hold", action="audit.hold")
    releasing.add_argument("hold", type=positive)
    command(verbs, "retain", _retain, help="remove rows whose retention has ended, now instead of tonight", action="audit.retain")
    command(verbs, "retention", _retention, help="say how long what is kept")
    alerting = command(verbs, "alerts", _alerts, help="list alerts of the watch rules")
    alerting.add_argument("--all", action="store_true", help="also those somebody acknowledged")
    knowing = command(verbs, "acknowledge", _acknowledge, help="say what came of an alert")
    knowing.add_argument("alert", type=positive)
    knowing.add_argument("note", type=words)
    command(verbs, "views", _views, help="list saved filters")
    saving = command(verbs, "save-view", _save_view, help="keep a filter under a name")
    saving.add_argument("name", type=words)
    _filtered(saving)
    forgetting = command(verbs, "delete-view", _delete_view, help="forget a saved filter")
    forgetting.add_argument("view", type=positive)


def _filtered(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("filter", nargs="*", type=words, metavar="FILTER", help=FILTER)


def _wanted(context: Context) -> AuditFilter:
    # a value with a space came as one argument, and has lost its quotes to the shell
    return AuditFilter.parse(" ".join(_requoted(word) for word in context.arguments.filter))


def _requoted(word: str) -> str:
    key, colon, value = word.partition(":")
    return f'{key}:"{value}"' if colon and " " in value and '"' not in value and key in KEYS else word


def _moment(text: str) -> dt.datetime:
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("write a time as 2026-10-01 or 2026-10-01T08:00") from None
    return found.replace(tzinfo=dt.UTC) if found.tzinfo is None else found


def _show(context: Context, rows: tuple[AuditRow, ...]) -> int:
    shown = [
        (row.position, f"{row.at:%Y-%m-%d %H:%M:%S}", row.actor, row.action, row.target, row.outcome, row.correlation_id) for row in rows
    ]
    context.output.result(rows, text=table(HEADINGS, shown, empty="Nothing recorded fits."))
    return 0


def _list(context: Context) -> int:
    wanted = _wanted(context)
    with context.backend() as (backend, actor):
        rows = backend.trail.tail(filter=wanted, limit=context.arguments.limit, actor=actor)
    return _show(context, rows)


def _related(context: Context) -> int:
    with context.backend() as (backend, actor):
        rows = backend.trail.related(context.arguments.correlation, actor=actor)
    return _show(context, rows)


def _export(context: Context) -> int:
    wanted, arguments = _wanted(context), context.arguments
    with context.backend() as (backend, actor):
        progress = partial(context.output.progress, what="Exporting")
        made = backend.trail_export.export(wanted, arguments.output, format=arguments.format, actor=actor, progress=progress)
    text = f"{made.rows} rows in {made.path}, beside it {made.proofs.name} and {made.manifest.name}. SHA-256 {made.sha256}"
    known = "" if made.known_key else "\nThe log does not know this computer's key, so the manifest proves nothing; the rows still do."
    context.output.result(made, text=text + known)
    return 0


def _evidence(context: Context) -> int:
    arguments = context.arguments
    with context.backend() as (backend, actor):
        progress = partial(context.output.progress, what="Exporting")
        period = {"since": arguments.since, "until": arguments.until}
        made = backend.trail_export.evidence(arguments.output, **period, actor=actor, progress=progress)
    whole = "the log was whole" if made.verified else "THE LOG WAS NOT WHOLE"
    context.output.result(made, text=f"{made.rows} rows in {made.path}; {whole}. SHA-256 {made.sha256}")
    return 0


def _verify_file(context: Context) -> int:
    try:
        report = verify_file(context.arguments.file, key=context.arguments.key)
    except ValueError as error:
        raise InvalidInput(str(error)) from None
    lines = [f"{kind}: {detail}" for kind, detail in report.problems]
    verdict = "All is as it was written." if report.ok else f"{len(lines)} problems."
    lines.append(f"{report.rows} rows under {report.seals} seals. {verdict} First key {report.first_key or 'unknown'}.")
    facts: dict[str, Any] = {"ok": report.ok, "rows": report.rows, "seals": report.seals, "first_key": report.first_key}
    problems = [{"kind": kind, "detail": detail} for kind, detail in report.problems]
    context.output.result({**facts, "signed_by": report.signed_by, "problems": problems}, text="\n".join(lines))
    return 0 if report.ok else 1


def _hold(context: Context) -> int:
    wanted = _wanted(context)
    with context.backend() as (backend, actor):
        made = backend.upkeep.holds.place_hold(wanted, actor=actor)
    context.output.result(made, text=f"Hold {made.id}: {made.query or 'everything'}")
    return 0


def _holds(context: Context) -> int:
    with context.backend() as (backend, actor):
        rows = backend.upkeep.holds.holds(actor=actor, released=context.arguments.all)
    shown = [(row.id, row.query or "everything", row.placed_by, f"{row.placed_at:%Y-%m-%d}", row.released_by, row.reason) for row in rows]
    text = table(("hold", "rows", "placed by", "on", "released by", "reason"), shown, empty="No holds.")
    context.output.result(rows, text=text)
    return 0


def _release(context: Context) -> int:
    with context.backend() as (backend, actor):
        made = backend.upkeep.holds.release_hold(context.arguments.hold, actor=actor)
    context.output.result(made, text=f"Hold {made.id} is released.")
    return 0


def _retain(context: Context) -> int:
    with context.backend() as (backend, actor):
        made = backend.upkeep.retention.retain(actor=actor)
    words = ", ".join(f"{count} {name}" for name, count in made.rows.items()) or "nothing"
    context.output.result(made, text=f"Removed {words} under {made.tombstones} tombstones.")
    return 0


def _retention(context: Context) -> int:
    with context.backend() as (backend, actor):
        rows = backend.upkeep.retention.classes(actor=actor)
    shown = [(row.name, row.months, ", ".join(row.actions)) for row in rows]
    context.output.result(rows, text=table(("class", "months", "actions"), shown, empty=""))
    return 0


def _alerts(context: Context) -> int:
    with context.backend() as (backend, actor):
        rows = backend.upkeep.watch.alerts(actor=actor, acknowledged=context.arguments.all)
    shown = [(row.id, f"{row.raised_at:%Y-%m-%d %H:%M}", row.rule, row.subject, row.count, row.threshold, row.note) for row in rows]
    headings = ("alert", "at (UTC)", "rule", "subject", "count", "from", "note")
    context.output.result(rows, text=table(headings, shown, empty="No alerts."))
    return 0


def _acknowledge(context: Context) -> int:
    with context.backend() as (backend, actor):
        made = backend.upkeep.watch.acknowledge(context.arguments.alert, context.arguments.note, actor=actor)
    context.output.result(made, text=f"Alert {made.id} is acknowledged.")
    return 0


def _views(context: Context) -> int:
    with context.backend() as (backend, actor):
        rows = backend.trail.views(actor=actor)
    shown = [(row.id, row.name, row.query or "everything") for row in rows]
    context.output.result(rows, text=table(("view", "name", "filter"), shown, empty="No saved filters."))
    return 0


def _save_view(context: Context) -> int:
    wanted = _wanted(context)
    with context.backend() as (backend, actor):
        made = backend.trail.save_view(context.arguments.name, wanted.text(), actor=actor)
    context.output.result(made, text=f"View {made.id}: {made.name}")
    return 0


def _delete_view(context: Context) -> int:
    with context.backend() as (backend, actor):
        backend.trail.delete_view(context.arguments.view, actor=actor)
    context.output.result({"deleted": context.arguments.view}, text="Deleted.")
    return 0
