"""pool and health: what the system is doing, and whether everything it needs is there."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, Final

from backend_core.cli.context import Context, Subcommands, command
from backend_core.cli.output import table
from backend_core.monitoring.records import Percentiles, PoolView, ProcessRow

_COUNTED: Final = ("in_use", "waiting", "timeouts", "recycled", "invalidated", "leaks")


def register(commands: Subcommands) -> None:
    """Add the commands of this module."""
    command(commands, "pool", _pool, help="show the database connections of every process")
    command(commands, "health", _health, help="check everything Lectern needs")


def _pool(context: Context) -> int:
    with context.backend() as (backend, actor):
        view = backend.monitoring.pool(actor=actor)
    headings = ("process", "host", "pid", "size", "in use", "waiting", "timeouts", "recycled", "invalidated", "leaks")
    rows = [(row.kind, row.host, row.pid, row.size, *(_of_pool(row, name) for name in _COUNTED)) for row in view.processes]
    summary = f"{view.in_use} of {view.capacity} in use ({view.base} lasting, {view.overflow_limit} further), {view.waiting} waiting"
    server = f"{view.server_connections} of {view.max_connections} server connections"
    lines = [summary, server, *_times(view), table(headings, rows, empty=""), *_leaks(view)]
    context.output.result(_json(view), text="\n".join(lines))
    return 0


def _of_pool(row: ProcessRow, name: str) -> int | str:
    return getattr(row, name) if row.capacity is not None else "-"


def _times(view: PoolView) -> list[str]:
    kinds = (("checkout wait", view.wait_ms), ("time in use", view.usage_ms), ("time to connect", view.connect_ms))
    return [f"{name} {_shares(found)}" for name, found in kinds]


def _shares(found: Percentiles) -> str:
    if found.p50 is None:
        return "none in 15 min"
    values = ((name, getattr(found, name)) for name in ("p50", "p95", "p99"))
    return ", ".join(f"{name} {value:.1f}" for name, value in values) + " ms"


def _leaks(view: PoolView) -> list[str]:
    """Return who holds a connection for too long, each with the calls that took it, innermost first."""
    lines = []
    for holder in view.leaking:
        lines.append(f"held for {holder.held_s:.0f} s: {holder.label}, {holder.application}, server pid {holder.server_pid}, taken at")
        lines += [f"  {place} {function}" for place, function in holder.frames]
    return lines


def _json(view: PoolView) -> dict[str, Any]:
    return {field.name: getattr(view, field.name) for field in fields(view)} | {"leaking": view.leaking}


def _health(context: Context) -> int:
    with context.backend() as (backend, actor):
        view = backend.monitoring.health(actor=actor)
    rows = [(check.name, check.status, check.detail) for check in view.checks]
    context.output.result(view, text=f"{view.status}\n" + table(("check", "status", "detail"), rows, empty=""))
    return 0 if view.status != "failed" else 1
