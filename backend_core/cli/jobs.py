"""jobs list, cancel, retry, alerts, watch, run-worker: background work."""

from __future__ import annotations

from backend_core.backend import open_backend
from backend_core.cli.context import Context, Subcommands, command, positive, words
from backend_core.cli.egress import moment
from backend_core.cli.output import table
from backend_core.errors import InvalidInput
from backend_core.jobs.alert_records import STATUSES, JobAlert
from backend_core.jobs.service import MOST_ROWS
from backend_core.worker import run_once, run_worker


def register(commands: Subcommands) -> None:
    """Add the commands of this module."""
    parser = commands.add_parser("jobs", help="background work", description="background work")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    listing = command(verbs, "list", _list, help="list jobs, newest first")
    listing.add_argument("--open", action="store_true", help="only those that wait or run")
    listing.add_argument("--limit", type=positive, default=50)
    cancelling = command(verbs, "cancel", _cancel, help="stop a job")
    cancelling.add_argument("job", type=positive)
    retrying = command(verbs, "retry", _retry, help="queue a failed job again, or all with an open alert")
    which = retrying.add_mutually_exclusive_group(required=True)
    which.add_argument("job", type=positive, nargs="?")
    which.add_argument("--failed", action="store_true", help="every job whose alert nobody has closed, and that was not retried yet")
    alerts = command(verbs, "alerts", _alerts, help="list alerts of jobs that were given up, or move one")
    alerts.add_argument("--all", action="store_true", help="also the closed ones")
    alerts.add_argument("--limit", type=positive, default=50)
    alerts.add_argument("--move", type=positive, metavar="ALERT", help="give this alert the status of --to")
    alerts.add_argument("--to", choices=STATUSES[1:])
    alerts.add_argument("--note", type=words, default="", help="what came of it; needed to close an alert")
    command(verbs, "watch", _watch, help="say how long work waits, what failed and which worker is silent; fails when one is")
    running = command(verbs, "run-worker", _run_worker, help="run jobs in this process until it is stopped")
    running.add_argument("--once", action="store_true", help="stop when nothing waits any more")


def _list(context: Context) -> int:
    with context.backend() as (backend, actor):
        rows = backend.jobs.listing(actor=actor, open_only=context.arguments.open, limit=context.arguments.limit)
    shown = [(row.job_id, row.title, row.state, f"{row.done}/{row.total}" if row.total else "", row.attempt + 1, row.error) for row in rows]
    text = table(("id", "job", "state", "done", "attempt", "last error"), shown, empty="No jobs.")
    context.output.result(rows, text=text)
    return 0


def _cancel(context: Context) -> int:
    with context.backend() as (backend, actor):
        backend.jobs.cancel(context.arguments.job, actor=actor)
    context.output.result({"cancelled": context.arguments.job}, text="Cancelled.")
    return 0


def _retry(context: Context) -> int:
    if context.arguments.failed:
        return _retry_failed(context)
    with context.backend() as (backend, actor):
        job_id = backend.jobs.retry(context.arguments.job, actor=actor)
    context.output.result({"job_id": job_id}, text=f"Queued again as job {job_id}.")
    return 0


def _retry_failed(context: Context) -> int:
    with context.backend() as (backend, actor):
        done = backend.job_alerts.retry_open(actor=actor)
    rows = [(one.job_id, one.new_job_id, one.error) for one in done]
    context.output.result(done, text=table(("failed job", "new job", ""), rows, empty="No alert waits for a retry."))
    return 0 if all(one.new_job_id is not None for one in done) else 1


def _alerts(context: Context) -> int:
    given = context.arguments
    if (given.move is None) != (given.to is None):
        raise InvalidInput("Give --move and --to together.")
    with context.backend() as (backend, actor):
        if given.move is not None:
            found = [one for one in backend.job_alerts.listing(actor=actor, limit=MOST_ROWS) if one.id == given.move]
            version = found[0].version if found else 0
            rows: tuple[JobAlert, ...] = (backend.job_alerts.move(given.move, given.to, given.note, version=version, actor=actor),)
        else:
            rows = backend.job_alerts.listing(actor=actor, open_only=not given.all, limit=given.limit)
    shown = [(one.id, one.status, one.job_id, moment(one.created_at), one.title, one.error_code, one.safe_message) for one in rows]
    headings = ("alert", "status", "job", "at (UTC)", "what", "code", "in words")
    context.output.result(rows, text=table(headings, shown, empty="No job alerts."))
    return 0


def _watch(context: Context) -> int:
    with context.backend() as (backend, actor):
        state = backend.job_watch.state(actor=actor)
    workers = [
        (one.worker_id, one.host or "-", one.pid or "-", f"{one.heartbeat_age_s:.1f} s", "SILENT" if one.stalled else "", one.job)
        for one in state.workers
    ]
    lines = [
        f"{state.waiting} wait ({state.retrying} after a failure), {state.running} run, {state.workers_alive} workers alive.",
        f"Oldest waits {_seconds(state.oldest_waiting_s)}; lag p50 {_seconds(state.lag_p50_s)}, p95 {_seconds(state.lag_p95_s)}.",
        f"Given up in 24 h: {', '.join(f'{code} {number}' for code, number in state.failed_by_class) or 'none'}.",
        *[f"Job {one.job_id} is stalled: its worker is silent." for one in state.stalled],
        *[f"Job {one.job_id} is past its limit." for one in state.overdue],
        table(("worker", "host", "pid", "heard of", "", "works on"), workers, empty="No worker."),
    ]
    context.output.result(state, text="\n".join(lines))
    return 1 if state.stalled or state.overdue or any(one.stalled for one in state.workers) else 0


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} s"


def _run_worker(context: Context) -> int:
    if context.arguments.once:
        with open_backend(context.settings, application="worker") as backend:
            run_once(backend, context.settings)
            waiting = backend.jobs.open_count()
    else:
        # a wrong address is said once and at once; a server that goes away later is waited for
        open_backend(context.settings, application="worker").close()
        context.output.note("Running jobs. Ctrl+C stops after the current ones.")
        run_worker(context.settings)
        waiting = None
    context.output.result({"stopped": True, "open_jobs": waiting}, text="")
    return 0
