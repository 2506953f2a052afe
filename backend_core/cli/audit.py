"""audit list: who did what."""

from __future__ import annotations

from backend_core.cli.context import Context, Subcommands, command, positive
from backend_core.cli.output import table


def register(commands: Subcommands) -> None:
    """Add the commands of this module."""
    parser = commands.add_parser("audit", help="the record of who did what", description="the record of who did what")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = command(verbs, "list", _list, help="list recorded actions, newest first")
    listing.add_argument("--limit", type=positive, default=50)


def _list(context: Context) -> int:
    with context.backend() as (backend, actor):
        rows = backend.audit.latest(actor=actor, limit=context.arguments.limit)
    shown = [(f"{row.at:%Y-%m-%d %H:%M:%S}", row.actor, row.action, row.target, row.outcome, row.correlation_id) for row in rows]
    text = table(("at (UTC)", "actor", "action", "target", "outcome", "correlation"), shown, empty="Nothing recorded yet.")
    context.output.result(rows, text=text)
    return 0
