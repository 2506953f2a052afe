"""safety: judge a text, review what was found, say who judges."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from backend_core.cli import egress
from backend_core.cli.context import Context, Subcommands, command, positive, words
from backend_core.cli.egress import identifier, moment, secret_of
from backend_core.cli.output import table
from backend_core.safety.limits import Verdict
from backend_core.safety.queue import VERDICTS, QueueRow
from backend_core.safety.rules import LABEL

HEADINGS: Final = ("finding", "at (UTC)", "category", "score", "limit", "action", "by", "where", "verdict")


def register(commands: Subcommands) -> None:
    """Add the commands of this module."""
    parser = commands.add_parser("safety", help="moderation and its review", description="moderation and its review")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    checking = command(verbs, "check", _check, help="say what moderation makes of a text; nothing of it is kept")
    checking.add_argument("text", type=words)
    checking.add_argument(
        "--output", action="store_const", const="output", default="input", dest="direction", help="as an answer of a persona"
    )
    checking.add_argument("--language", type=words, default="en", help="of the crisis reply: en or de")
    queue = command(verbs, "queue", _queue, help="list what was found and nobody has looked at, without a word of it")
    queue.add_argument("--all", action="store_true", help="also what was reviewed")
    queue.add_argument("--limit", type=positive, default=50)
    opening = command(verbs, "open", _open, help="show the message of a finding; asks a --reason", action="safety.review")
    opening.add_argument("finding", type=identifier)
    reviewing = command(verbs, "review", _review, help="say what a person makes of a finding; asks a --reason", action="safety.review")
    reviewing.add_argument("finding", type=identifier)
    reviewing.add_argument("verdict", choices=VERDICTS)
    reviewing.add_argument("--note", type=words, default="", help="what else there is to say, without quoting the message")
    command(verbs, "status", _status, help="say who judges, and how well that works")
    keeping = command(
        verbs, "key", _key, help="keep the key of the moderation service in the vault of this computer", action="egress.allow"
    )
    keeping.add_argument("--file", type=Path, help="that holds it; asked for when left out")
    keeping.add_argument("--remove", action="store_true", help="forget it")
    egress.register(commands)


def _check(context: Context) -> int:
    given = context.arguments
    with context.backend() as (backend, actor):
        verdict = backend.safety.judge(given.text, actor=actor, direction=given.direction, language=given.language)
    context.output.result(_told(verdict), text=_words(verdict))
    return 0


def _told(verdict: Verdict) -> dict[str, object]:
    scores = {one.category: {"score": one.score, "limit": one.limit, "over": one.over} for one in verdict.categories}
    return {
        "action": verdict.action,
        "direction": verdict.direction,
        "provider": verdict.provider,
        "low_recall": verdict.low_recall,
        "categories": scores,
        "crisis_reply": verdict.crisis_reply,
    }


def _words(verdict: Verdict) -> str:
    rows = [(one.category, one.score, one.limit, "over" if one.over else "") for one in verdict.categories]
    lines = [f"{verdict.action}, judged by {verdict.provider}", table(("category", "score", "limit", ""), rows, empty="")]
    if verdict.low_recall:
        lines.append(LABEL)
    if verdict.crisis_reply:
        lines.append(f"Answer: {verdict.crisis_reply}")
    return "\n".join(lines)


def _queue(context: Context) -> int:
    given = context.arguments
    with context.backend() as (backend, actor):
        rows = backend.safety.review_queue(actor=actor, reviewed=given.all, limit=given.limit)
    context.output.result(rows, text=table(HEADINGS, [_line(row) for row in rows], empty="Nothing waits for review."))
    return 0


def _line(row: QueueRow) -> tuple[object, ...]:
    return (
        row.id, moment(row.at), row.category, row.score, row.limit, row.action, row.provider, row.tag, row.verdict or "-",
    )  # fmt: skip


def _open(context: Context) -> int:
    with context.backend() as (backend, actor):
        opened = backend.safety.open_text(context.arguments.finding, actor=actor)
    row = opened.row
    score = "unknown" if row.score is None else f"{row.score:.2f}"
    head = f"{row.category} {score}, {row.action} by {row.provider}, {row.tag}"
    context.output.result(opened, text=f"{head}\n{opened.text or 'The message was forgotten meanwhile.'}")
    return 0


def _review(context: Context) -> int:
    given = context.arguments
    with context.backend() as (backend, actor):
        row = backend.safety.review(given.finding, given.verdict, given.note, actor=actor)
        left = backend.safety.counts(actor=actor).open
    context.output.result(row, text=f"Reviewed as {row.verdict}; {left} left.")
    return 0


def _status(context: Context) -> int:
    with context.backend() as (backend, actor):
        status = backend.safety.status(actor=actor)
        counts = backend.safety.counts(actor=actor)
    judge = status.provider if status.host is None else f"{status.provider} at {status.host}"
    lines = [
        f"{status.status}: {status.sentence}",
        f"Judged by {judge}; the service is {'asked' if status.breaker == 'closed' else 'left alone'}.",
    ]
    lines.append(f"{counts.open} to review, {counts.unchecked} of them unchecked; {counts.wrong} of {counts.reviewed} reviewed were wrong.")
    context.output.result({"status": status, "queue": counts}, text="\n".join(lines))
    return 0


def _key(context: Context) -> int:
    given = context.arguments
    key = None if given.remove else secret_of(given.file, "Key")
    with context.backend() as (backend, actor):
        backend.safety.set_key(key, actor=actor)
    context.output.result({"key": key is not None}, text="The key is forgotten." if key is None else "The key is kept in the vault.")
    return 0
