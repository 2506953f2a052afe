"""The backup that is made before the tables of a database are changed: without it they are not changed."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from backend_core.audit.service import Audit
from backend_core.backup import register
from backend_core.backup.dump import Endpoint
from backend_core.backup.failures import storage_error
from backend_core.backup.keys import BackupKeys
from backend_core.backup.making import SUFFIX, Made, Recipe, make
from backend_core.credentials.vault import Vault
from backend_core.db import migrate
from backend_core.db.database import Database
from backend_core.errors import Conflict, LecternError, Unavailable
from backend_core.logs import get_logger
from backend_core.policy import Actor, Target
from backend_core.settings import Settings
from backend_core.storage.folder import FolderStore

log = get_logger(__name__)
KIND: Final = "migration"
WAIT_S: Final = 300.0
POLL_S: Final = 0.2


@dataclass(frozen=True, slots=True)
class BeforeMigration:
    """A finished backup of the old tables, which have no place to record it."""

    made: Made
    key_id: str

    def record(self, app: str, *, actor: Actor) -> None:
        """Record it in the new tables.

        Args:
            app: connection string of the application's role.
            actor: the program itself.
        """
        database = Database.open(app, application="lectern-backup", base=1, overflow=0)
        try:
            with database.begin("Record backup") as conn:
                place = {"kind": KIND, "workstation": actor.workstation, "made_by": actor.name}
                backup_id = register.insert_made(conn, self.made, key_id=self.key_id, **place)
                target = Target(kind="backup", id=str(backup_id))
                after = {"kind": KIND, "bytes": self.made.bytes, "schema": self.made.manifest.schema}
                Audit(database).record(conn, actor=actor, action="backup.create", target=target, after=after)
        finally:
            database.close()


def backup_before_migration(settings: Settings, endpoint: Endpoint, vault: Vault) -> BeforeMigration | None:
    """Back up a database whose tables are older than this program; return nothing if there is nothing to lose or to do.

    Raises:
        StorageFailed, DatabaseAway, NotAllowed: it cannot be made; then nothing may be migrated.
        Unavailable: another process has been making one for five minutes.
    """
    deadline = time.monotonic() + WAIT_S
    while migrate.state(endpoint.dsn) is migrate.SchemaState.BEHIND:
        try:
            return _made(settings, endpoint, vault)
        except Conflict:
            # another process is at it, and migrates afterwards
            if time.monotonic() >= deadline:
                raise Unavailable("Another Lectern process has been backing up the database for long.") from None
            time.sleep(POLL_S)
        except LecternError as error:
            log.warning("no backup, no migration", error_code=error.code)
            raise
    return None


def _made(settings: Settings, endpoint: Endpoint, vault: Vault) -> BeforeMigration:
    key = BackupKeys(vault, settings.home).get_or_make()
    store = FolderStore(settings.objects_dir)
    scratch = settings.home / "scratch"
    recipe = Recipe(endpoint=endpoint, store=store, key=key, scratch=scratch, owner=settings.home_digest)
    path = _free_name(settings.backups_dir, migrate.current(endpoint.dsn) or "")
    finish: Callable[[Made], object] = Made.publish
    return BeforeMigration(make(recipe, path, begin=lambda: None, finish=finish), key.key_id)


def _free_name(folder: Path, revision: str) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise storage_error(error) from error
    stamp = dt.datetime.now(dt.UTC).strftime("%Y%m%d-%H%M%S")
    number, name = 1, f"before-{revision}-{stamp}"
    while (folder / f"{name}{SUFFIX}").exists():
        number += 1
        name = f"before-{revision}-{stamp}-{number}"
    return folder / f"{name}{SUFFIX}"
