"""jobs list, cancel, retry, run-worker: background work."""

from __future__ import annotations

from backend_core.backend import open_backend
from backend_core.cli.context import Context, Subcommands, command, positive
from backend_core.cli.output import table
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
    retrying = command(verbs, "retry", _retry, help="queue a failed job again")
    retrying.add_argument("job", type=positive)
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
    with context.backend() as (backend, actor):
        job_id = backend.jobs.retry(context.arguments.job, actor=actor)
    context.output.result({"job_id": job_id}, text=f"Queued again as job {job_id}.")
    return 0


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
