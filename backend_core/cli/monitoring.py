"""pool and health: what the system is doing, and whether everything it needs is there."""

from __future__ import annotations

from typing import Any

from backend_core.cli.context import Context, Subcommands, command
from backend_core.cli.output import table
from backend_core.monitoring.records import PoolView


def register(commands: Subcommands) -> None:
    """Add the commands of this module."""
    command(commands, "pool", _pool, help="show the database connections of every process")
    command(commands, "health", _health, help="check everything Lectern needs")


def _pool(context: Context) -> int:
    with context.backend() as (backend, actor):
        view = backend.monitoring.pool(actor=actor)
    headings = ("process", "host", "pid", "size", "in use", "waiting", "timeouts")
    rows = [(row.kind, row.host, row.pid, row.size, row.in_use, row.waiting, row.timeouts) for row in view.processes]
    wait = view.wait_ms
    waits = "no checkouts in 15 min" if wait.p95 is None else f"checkout wait p50 {wait.p50:.1f}, p95 {wait.p95:.1f}, p99 {wait.p99:.1f} ms"
    summary = f"{view.in_use} of {view.capacity} in use, {view.waiting} waiting; {waits}"
    server = f"{view.server_connections} of {view.max_connections} server connections"
    context.output.result(_json(view), text="\n".join([summary, server, table(headings, rows, empty="")]))
    return 0


def _json(view: PoolView) -> dict[str, Any]:
    names = ("capacity", "in_use", "waiting", "wait_ms", "timeouts", "processes", "base", "idle", "longest_wait_ms", "histogram", "holders")
    rest = ("server_connections", "max_connections", "server_version", "uptime_s", "at")
    return {name: getattr(view, name) for name in (*names, *rest)}


def _health(context: Context) -> int:
    with context.backend() as (backend, actor):
        view = backend.monitoring.health(actor=actor)
    rows = [(check.name, check.status, check.detail) for check in view.checks]
    context.output.result(view, text=f"{view.status}\n" + table(("check", "status", "detail"), rows, empty=""))
    return 0 if view.status != "failed" else 1
