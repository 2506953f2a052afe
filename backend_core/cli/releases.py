"""sign-off and sign-offs: who reviewed which version, and the verdict."""

from __future__ import annotations

from backend_core import __version__
from backend_core.audit.sign_off import VERDICTS
from backend_core.cli.context import Context, Subcommands, command, words
from backend_core.cli.output import table


def register(commands: Subcommands) -> None:
    """Add the commands of this module."""
    signing = command(commands, "sign-off", _sign_off, help="record the review of a version in the audit log")
    signing.add_argument("verdict", choices=VERDICTS)
    signing.add_argument("--reviewer", type=words, required=True, help="who reviewed it")
    signing.add_argument("--release", type=words, default=__version__, metavar="VERSION", help="which version; this one when left out")
    command(commands, "sign-offs", _sign_offs, help="list the reviews, newest first")


def _sign_off(context: Context) -> int:
    arguments = context.arguments
    with context.backend() as (backend, actor):
        backend.releases.sign_off(arguments.release, reviewer=arguments.reviewer, verdict=arguments.verdict, actor=actor)
    facts = {"version": arguments.release, "reviewer": arguments.reviewer, "verdict": arguments.verdict}
    context.output.result(facts, text=f"Recorded: {arguments.reviewer} says {arguments.verdict} to {arguments.release}.")
    return 0


def _sign_offs(context: Context) -> int:
    with context.backend() as (backend, actor):
        rows = backend.releases.sign_offs(actor=actor)
    shown = [(row.version, row.verdict, row.reviewer, f"{row.at:%Y-%m-%d %H:%M}", row.recorded_by, row.reason) for row in rows]
    headings = ("version", "verdict", "reviewer", "at (UTC)", "recorded by", "remarks")
    context.output.result(rows, text=table(headings, shown, empty="No version was signed off yet."))
    return 0
