"""logs: what the processes of this computer wrote down, newest last; works while the database is away."""

from __future__ import annotations

from backend_core.access.service import system_actor
from backend_core.cli.context import Context, Subcommands, command, positive
from backend_core.cli.output import table
from backend_core.errors import Unavailable
from backend_core.monitoring.logbook import LEVELS, Logbook, LogEntry, LogFilter, LogPage, since


def register(commands: Subcommands) -> None:
    """Add the command of this module."""
    parser = command(commands, "logs", _logs, help="search the log of every process of this computer")
    parser.add_argument("--correlation", default="", metavar="ID", help="everything that belongs to one action")
    parser.add_argument("--level", default="", type=str.upper, choices=LEVELS, help="this level or worse")
    parser.add_argument("--since", metavar="TIME", help="30m, 24h, 7d, or a date")
    parser.add_argument("--process", default="", metavar="NAME", help="desktop, worker, command")
    parser.add_argument("--text", default="", help="words that stand in the line")
    parser.add_argument("--limit", type=positive, default=200)


def _logs(context: Context) -> int:
    given = context.arguments
    wanted = LogFilter(
        level=given.level,
        process=given.process,
        since=since(given.since) if given.since else None,
        text=given.text,
        correlation=given.correlation,
    )
    page = _search(context, wanted, limit=given.limit)
    rows = [(f"{one.at:%Y-%m-%d %H:%M:%S}", one.level, one.process, one.correlation_id, _line(one)) for one in reversed(page.entries)]
    headings = ("time (UTC)", "level", "process", "correlation", "event")
    context.output.result(page.entries, text=table(headings, rows, empty="No such lines."))
    return 0


def _search(context: Context, wanted: LogFilter, *, limit: int) -> LogPage:
    """Ask as the person at this terminal; a database that is away must not hide why."""
    try:
        with context.backend() as (backend, actor):
            return backend.logbook.search(wanted, actor=actor, limit=limit)
    except Unavailable:
        context.output.note("The database does not answer; these are the files of this computer.")
        return Logbook(context.settings.log_dir).search(wanted, actor=system_actor(), limit=limit)


def _line(entry: LogEntry) -> str:
    short = [f"{name}={value}" for name, value in entry.fields if name not in ("exception", "stack")]
    return " ".join((entry.event, *short))
