"""up, down, status, migrate: the database server of this home."""

from __future__ import annotations

from backend_core.backend import migrate_safely, open_backend, owner_dsn
from backend_core.cli.context import Context, Subcommands, command
from backend_core.cli.output import plain
from backend_core.credentials.vault import Vault
from backend_core.db import embedded, migrate
from backend_core.db.probe import server_facts
from backend_core.errors import LecternError
from backend_core.privacy.records import Run
from backend_core.profiles.service import connection_string


def register(commands: Subcommands) -> None:
    """Add the commands of this module."""
    command(commands, "up", _up, help="start the embedded database server")
    down = command(commands, "down", _down, help="stop the embedded database server")
    down.add_argument("--force", action="store_true", help="stop it although other programs use it")
    command(commands, "status", _status, help="say whether the server runs, and where its data is")
    migrating = command(commands, "migrate", _migrate, help="bring the database to this version")
    migrating.add_argument("--dry-run", action="store_true", help="only say what would be done")


def _up(context: Context) -> int:
    with open_backend(context.settings):
        pass
    return _status(context)


def _down(context: Context) -> int:
    stopped = embedded.stop(context.settings.home, force=context.arguments.force)
    context.output.result({"stopped": stopped}, text="Stopped." if stopped else "It was not running.")
    return 0


def _status(context: Context) -> int:
    settings = context.settings
    if settings.dsn is not None:
        host, version = server_facts(connection_string(settings, Vault(settings.home)) or settings.dsn)
        facts = {"running": True, "version": version, "data_dir": None, "dsn": None, "holders": []}
        context.output.result(facts, text=f"Shared server {host}, PostgreSQL {version}.")
        return 0
    facts = embedded.status(settings.home)
    text = f"Running, PostgreSQL {facts['version']}, data in {facts['data_dir']}." if facts["running"] else "Not running."
    context.output.result(facts, text=text)
    return 0


def _migrate(context: Context) -> int:
    settings = context.settings
    result = migrate.upgrade(owner_dsn(settings), dry_run=True) if context.arguments.dry_run else migrate_safely(settings)
    verb = "Would apply" if result.dry_run else "Applied"
    text = "\n".join(f"{verb} {line}" for line in result.applied) or "Already at this version."
    run = None if result.dry_run or not result.applied else _boundary(context)
    words = "" if run is None else f"\nPrivacy run {run.id}: {run.outcome}, {run.leaks} leaks in {run.cells} cells."
    facts = plain(result) | {"privacy": None if run is None else {"run": run.id, "outcome": run.outcome, "leaks": run.leaks}}
    context.output.result(facts, text=text + words)
    return 0 if run is None or run.outcome == "pass" else 1


def _boundary(context: Context) -> Run | None:
    """Try the boundary on the changed tables; where this login may not, the worker does it."""
    try:
        with open_backend(context.settings) as backend:
            return backend.privacy.run(actor=backend.system(), trigger="migration")
    except LecternError as error:
        context.output.note(f"The privacy suite did not run: {error} It runs with the next worker.")
        return None
