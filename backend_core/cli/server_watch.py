"""activity, locks, tables, statements, cancel: what the database server is doing, and stopping a session."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from backend_core.cli.context import Context, Subcommands, command, positive
from backend_core.cli.output import table
from backend_core.errors import NotFound
from backend_core.monitoring.server.records import BlockNode, Episode, SessionRow, TableRow

SESSIONS = ("pid", "since (UTC)", "application", "user", "state", "s", "transaction s", "waits for", "blocked by", "statement")
TABLES = ("table", "rows", "dead", "dead %", "MiB", "vacuumed (UTC)", "analyzed (UTC)", "ids %", "locked")
STATEMENTS = ("calls", "failed", "total ms", "mean ms", "p95 ms", "longest ms", "for", "statement")
LINE = 60
MIB = 2**20
EPISODES = 20


def register(commands: Subcommands) -> None:
    """Add the commands of this module."""
    command(commands, "activity", _activity, help="show every session of the database, those that wait first")
    command(commands, "locks", _locks, help="show who waits for whom, and when that was so before")
    command(commands, "tables", _tables, help="show tables by size with dead rows and ages, and what runs out")
    slow = command(commands, "statements", _statements, help="show the statements that took most time")
    slow.add_argument("--hours", type=positive, default=24)
    slow.add_argument("--limit", type=positive, default=30)
    stopping = command(commands, "cancel", _cancel, help="stop the statement of a session; needs --reason", action="server.cancel")
    stopping.add_argument("pid", type=positive, metavar="PID", help="as `lecternctl activity` shows it")
    stopping.add_argument("--started", type=_moment, metavar="TIME", help="when the session began; another one of that number stays")
    stopping.add_argument("--terminate", action="store_true", help="end the whole session and undo its transaction")


def _moment(text: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _activity(context: Context) -> int:
    with context.backend() as (backend, actor):
        view = backend.server.activity(actor=actor)
    states = ", ".join(f"{count} {state or 'starting'}" for state, count in view.by_state)
    head = f"{view.connections} of {view.max_connections} connections, {view.elsewhere} to other databases; here {states}"
    hidden = f"\nThe server hides the statements of {view.hidden} sessions; grant pg_read_all_stats to see them." if view.hidden else ""
    rows = [_session(row) for row in view.sessions]
    context.output.result(view, text=f"{head}{hidden}\n{table(SESSIONS, rows, empty='No session.')}")
    return 0


def _session(row: SessionRow) -> tuple[object, ...]:
    since = "hidden" if row.started_at is None else f"{row.started_at:%Y-%m-%d %H:%M:%S.%f}"
    blockers = " ".join(str(pid) for pid in row.blocked_by)
    return (
        row.pid, since, row.application or row.kind, row.user, row.state, _s(row.state_s), _s(row.transaction_s), row.wait, blockers,
        _line(row.query),
    )  # fmt: skip


def _locks(context: Context) -> int:
    with context.backend() as (backend, actor):
        view = backend.server.locks(actor=actor)
    lines = [line for tree in view.trees for line in _tree(tree, 0)] or ["Nobody waits for anybody."]
    told = [_episode(one) for one in view.episodes[:EPISODES]]
    earlier = told or ["None was kept." if view.episodes_known else "Cannot be read: the table of episodes is locked."]
    context.output.result(view, text="\n".join([*lines, "", f"Waits of {view.threshold_s:.0f} s and more:", *earlier]))
    return 0


def _tree(node: BlockNode, depth: int) -> Iterator[str]:
    session = node.session
    waits = f" waits {_s(node.waited_s)} s for {node.waits_for}" if node.waits_for else ""
    holds = f" holds {node.holds}" if node.holds else ""
    ring = " (in a ring)" if node.cycle else ""
    yield f"{'  ' * depth}{session.pid} {session.application or session.kind} [{session.state}]{waits}{holds}{ring}: {_line(session.query)}"
    for child in node.children:
        yield from _tree(child, depth + 1)


def _episode(one: Episode) -> str:
    state = "goes on" if one.ended_at is None else "over"
    return f"  {one.began_at:%Y-%m-%d %H:%M:%S} UTC, {one.seconds:.0f} s, {state}: session {one.root_pid} kept {one.most_blocked} waiting"


def _tables(context: Context) -> int:
    with context.backend() as (backend, actor):
        view = backend.server.tables(actor=actor)
    ids = view.wraparound
    head = f"{view.database_bytes / MIB:.0f} MiB; transaction ids used: {ids.database:.1%} here, {ids.server:.1%} in {ids.server_database}"
    full = [one for one in view.sequences if one.share is not None][:1]
    fullest = [f"fullest sequence: {one.name} {one.share or 0.0:.1%}" for one in full]
    rows = [_table(row) for row in view.rows]
    context.output.result(view, text="\n".join([head, *fullest, table(TABLES, rows, empty="No table.")]))
    return 0


def _table(row: TableRow) -> tuple[object, ...]:
    dead = "" if row.dead_share is None else f"{row.dead_share:.0%}"
    size = "unknown" if row.size_bytes is None else f"{row.size_bytes / MIB:.1f}"
    ids = "" if row.age_xid_share is None else f"{row.age_xid_share:.1%}"
    locked = f"{row.lock} by {' '.join(str(pid) for pid in row.locked_by)}" if row.locked else ""
    return row.table, row.rows, row.dead, dead, size, _when(row.last_vacuum), _when(row.last_analyze), ids, locked


def _statements(context: Context) -> int:
    arguments = context.arguments
    with context.backend() as (backend, actor):
        found = backend.monitoring.statements(actor=actor, hours=arguments.hours, limit=arguments.limit)
    rows = [
        (one.calls, one.failed, _s(one.total_ms), _s(one.mean_ms), _s(one.p95_ms), _s(one.longest_ms), one.label, _line(one.text))
        for one in found
    ]
    context.output.result(found, text=table(STATEMENTS, rows, empty="No statement was measured yet."))
    return 0


def _cancel(context: Context) -> int:
    arguments = context.arguments
    with context.backend() as (backend, actor):
        started = arguments.started
        if started is None:
            sessions = backend.server.activity(actor=actor).sessions
            started = next((row.started_at for row in sessions if row.pid == arguments.pid), None)
        if started is None:
            raise NotFound("There is no such session.")
        stop = backend.server.terminate if arguments.terminate else backend.server.cancel
        done = stop(arguments.pid, started, actor=actor)
    what = "Session" if arguments.terminate else "The statement of session"
    text = f"{what} {done.pid} was told to stop." if done.told else f"{what} {done.pid} had ended already."
    context.output.result(done, text=text)
    return 0


def _when(moment: dt.datetime | None) -> str:
    return "never" if moment is None else f"{moment:%Y-%m-%d %H:%M}"


def _s(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _line(query: str | None) -> str:
    if query is None:
        return "(hidden)"
    line = " ".join(query.split())
    return line if len(line) <= LINE else f"{line[: LINE - 1]}…"
