"""Make, list and verify backups, and hand out the key that opens them."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from backend_core import faults
from backend_core.audit.keys import Keys
from backend_core.audit.service import Audit
from backend_core.backup import register, schedule, swap, verify
from backend_core.backup.conclude import Verify
from backend_core.backup.dump import Endpoint, may_read_all
from backend_core.backup.failures import storage_error
from backend_core.backup.keys import BackupKey, BackupKeys
from backend_core.backup.making import SUFFIX, Made, Progress, Recipe, Stop, make, partial_of
from backend_core.backup.records import BackupRow, BackupView, KeptData, RecoveryKey, Schedule, Verified
from backend_core.backup.restore import Verdict
from backend_core.backup.staging import Staged
from backend_core.backup.vouching import enrol
from backend_core.credentials.key_file import write_private
from backend_core.credentials.vault import Vault
from backend_core.db.database import Database
from backend_core.errors import Cancelled, Conflict, InvalidInput, LecternError, NotAllowed, SecretsLocked, UnusableBackup
from backend_core.logs import get_logger, log_failure
from backend_core.policy import Actor, Target, authorize
from backend_core.settings import Settings
from backend_core.storage.service import Storage

log = get_logger(__name__)
SCRATCH: Final = "scratch"
_TARGET: Final = Target(kind="backup")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the backups of one profile need from everything else.

    Attributes:
        settings: process settings.
        endpoint: reads the whole database.
        vault: keeps the key.
        storage: the objects.
        schedule: of the house, now.
        verify_log: checks the audit log of a restored database.
        sealing: key of this computer's seals.
        workstation: name of this computer.
        note: what the start did about an interrupted restore, in words.
    """

    settings: Settings
    endpoint: Endpoint
    vault: Vault
    storage: Storage
    schedule: Callable[[], Schedule]
    verify_log: Verify
    sealing: Keys
    workstation: str
    note: str = ""


class Backups:
    """The backups of one profile.

    Attributes:
        folder: where backups go by themselves.
    """

    def __init__(self, database: Database, audit: Audit, around: Surroundings) -> None:
        self._database = database
        self._audit = audit
        self._around = around
        self._home = around.settings.home
        self._scratch = around.settings.home / SCRATCH
        self._keys = BackupKeys(around.vault, around.settings.home)
        self.folder = around.settings.backups_dir

    # -- looking

    def view(self, *, actor: Actor) -> BackupView:
        """Return everything about the backups."""
        authorize(actor, "backup.list", _TARGET)
        plan, now = self._around.schedule(), dt.datetime.now(dt.UTC)
        key, saved_at, locked = self._key_facts()
        rows, since = self._rows(key)
        able = may_read_all(self._around.endpoint)
        return BackupView(
            rows=rows,
            home=self._home,
            folder=self.folder,
            same_disk=_same_disk(self.folder, self._around.settings.objects_dir),
            free_bytes=_free(self.folder),
            able=able,
            key_id=None if key is None else key.key_id,
            key_saved_at=saved_at,
            secrets=self._around.vault.sentence,
            schedule=plan,
            next_at=schedule.next_at(rows, plan, since=since) if able else None,
            last_good=schedule.newest_good(rows),
            problem=locked or schedule.problem(rows, plan, since=since, now=now),
            kept=tuple(KeptData(path=path, bytes=_size(path)) for path in swap.kept(self._home)),
            note=self._around.note,
        )

    def health(self) -> tuple[str, str]:
        """Return in one word and one line how the backups are; for the health check."""
        plan, now = self._around.schedule(), dt.datetime.now(dt.UTC)
        rows, since = self._rows(None)
        wrong = schedule.problem(rows, plan, since=since, now=now)
        newest = schedule.newest_good(rows)
        if wrong:
            return "degraded", wrong
        if newest is None:
            return "unknown", "none yet"
        return "ok", f"newest {_age(now - newest.at)} old, {'verified' if newest.verify_ok else 'not verified yet'}"

    def _key_facts(self) -> tuple[BackupKey | None, dt.datetime | None, str]:
        try:
            return self._keys.current(), self._keys.saved_at(), ""
        except SecretsLocked as error:
            # the list is worth showing without its key
            return None, None, str(error)

    def _rows(self, key: BackupKey | None) -> tuple[tuple[BackupRow, ...], dt.datetime]:
        with self._database.begin("List backups") as conn:
            here = self._around.workstation
            rows = register.read(conn, workstation=here, folder=self.folder, key_id=None if key is None else key.key_id)
            return rows, register.first_moment(conn)

    # -- making

    def create(
        self,
        path: Path | None = None,
        *,
        actor: Actor,
        kind: str = "manual",
        progress: Progress | None = None,
        should_stop: Stop | None = None,
    ) -> BackupRow:
        """Write a backup of the database and every file it refers to, as of one moment.

        Args:
            path: a file that does not exist; one in the folder of backups when left out.
            actor: who wants it.
            kind: ``manual`` or ``scheduled``.
            progress: told step, bytes done, and all bytes or 0.
            should_stop: asked often.

        Raises:
            InvalidInput: that name cannot be used.
            Conflict: the file exists, or another backup is being made.
            StorageFailed: a disk is full or a folder cannot be used.
            Cancelled: ``should_stop`` said so; nothing is left.
        """
        authorize(actor, "backup.create", _TARGET)
        chosen = self._free_name(kind) if path is None else path.absolute()
        key = self._keys.get_or_make()
        self._enrol(key)
        made_by = partial(self._publish, actor=actor, kind=kind, key=key)
        begin = partial(self._begin, chosen.parent, kind)
        try:
            make(self._recipe(key), chosen, begin=begin, finish=made_by, progress=progress, should_stop=should_stop)
        except (Cancelled, Conflict, InvalidInput, NotAllowed):
            # nothing is wrong with the backups
            raise
        except LecternError as error:
            self._note_failure(chosen, error, actor=actor, kind=kind)
            raise
        rows, _ = self._rows(key)
        return next(row for row in rows if row.path == chosen and row.error is None)

    def _enrol(self, key: BackupKey) -> None:
        try:
            with self._database.begin("Vouch for the backup key") as conn:
                known = enrol(conn, key, self._around.sealing)
        except LecternError as error:
            log_failure(log, "backup key not vouched for", error)
            known = False
        if not known:
            # the backup is as good; only the seals of a log restored elsewhere will begin anew
            log.info("the audit log does not know the backup key")

    def _recipe(self, key: BackupKey) -> Recipe:
        around = self._around
        owner = around.settings.home_digest
        return Recipe(endpoint=around.endpoint, store=around.storage.store, key=key, scratch=self._scratch, owner=owner)

    def _free_name(self, kind: str) -> Path:
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise storage_error(error) from error
        stamp = dt.datetime.now(dt.UTC).strftime("%Y%m%d-%H%M%S")
        number, name = 1, f"lectern-{stamp}"
        while (self.folder / f"{name}{SUFFIX}").exists():
            number += 1
            name = f"lectern-{stamp}-{number}"
        log.info("backup begins", kind=kind)
        return self.folder / f"{name}{SUFFIX}"

    def _begin(self, folder: Path, kind: str) -> None:
        """Look again, now that nobody else makes a backup: is it still wanted, and did an earlier one die at its last step?"""
        if kind == "scheduled" and not self._due(dt.datetime.now(dt.UTC)):
            raise Conflict("Another computer has just made the backup.")
        with self._database.begin("Read record of backups") as conn:
            recorded = register.recorded_here(conn, folder, workstation=self._around.workstation)
        for name, (_, size) in recorded.items():
            path = folder / name
            left = partial_of(path, owner=self._around.settings.home_digest)
            if not path.exists() and left.is_file() and left.stat().st_size == size:
                left.replace(path)

    def _publish(self, made: Made, *, actor: Actor, kind: str, key: BackupKey) -> None:
        """Record first, then give the file its name: a backup nobody knows of must not exist."""
        manifest = made.manifest
        facts = {"kind": kind, "bytes": made.bytes, "rows": sum(manifest.rows.values()), "objects": len(manifest.objects)}
        here = self._around.workstation
        with self._database.begin("Record backup") as conn:
            backup_id = register.insert_made(conn, made, kind=kind, workstation=here, made_by=actor.name, key_id=key.key_id)
            target = Target(kind="backup", id=str(backup_id))
            self._audit.record(conn, actor=actor, action="backup.create", target=target, after=facts)
        faults.point("backup.recorded")
        try:
            made.publish()
        except LecternError as error:
            with self._database.begin("Record failed backup") as conn:
                register.mark_failed(conn, backup_id, error)
            raise
        faults.point("backup.published")

    def _note_failure(self, path: Path, error: LecternError, *, actor: Actor, kind: str) -> None:
        log_failure(log, "backup failed", error, facts={"kind": kind})
        try:
            with self._database.begin("Record failed backup") as conn:
                register.insert_failed(conn, path, error, kind=kind, workstation=self._around.workstation, made_by=actor.name)
                after = {"kind": kind, "error": error.code}
                self._audit.record(conn, actor=actor, action="backup.create", target=_TARGET, outcome="failed", after=after)
        except LecternError as away:
            # the failure itself is what its caller has to hear of
            log_failure(log, "failed backup not recorded", away)

    # -- verifying

    def verify(self, path: Path, *, actor: Actor, progress: Progress | None = None, should_stop: Stop | None = None) -> Verified:
        """Restore a backup into a scratch server, compare everything, and record what that came to.

        Raises:
            UnusableBackup: it cannot be relied on; recorded too.
            BackupKeyNeeded: there is no key here.
            StorageFailed: there is no room for it.
            Cancelled: ``should_stop`` said so.
        """
        authorize(actor, "backup.verify", _TARGET)
        path = path.absolute()
        key = self._keys.needed()
        try:
            check = partial(_check_log, self._around.verify_log)
            found = verify.verify(path, key, scratch=self._scratch, check=check, progress=progress, should_stop=should_stop)
        except UnusableBackup as error:
            self._note_verdict(path, str(error), actor=actor)
            raise
        self._note_verdict(path, None if found.audit_ok else verify.AUDIT_FAILS, actor=actor)
        return found

    def _note_verdict(self, path: Path, problem: str | None, *, actor: Actor) -> None:
        with self._database.begin("Record verification") as conn:
            register.mark_verified(conn, path, workstation=self._around.workstation, problem=problem)
            outcome = "done" if problem is None else "failed"
            self._audit.record(conn, actor=actor, action="backup.verify", target=_TARGET, outcome=outcome)

    # -- the key

    def recovery_key(self, *, actor: Actor) -> RecoveryKey:
        """Return the recovery key, made now if there is none yet; whoever sees it can read every backup."""
        authorize(actor, "backup.key", _TARGET)
        key = self._keys.get_or_make()
        with self._database.begin("Record recovery key") as conn:
            self._audit.record(conn, actor=actor, action="backup.key", target=_TARGET, after={"key": key.key_id})
        return RecoveryKey(key_id=key.key_id, identity=key.identity, text=key.recovery_text())

    def save_recovery_key(self, path: Path, *, actor: Actor) -> str:
        """Write the recovery key to a new private file and return its short name.

        Raises:
            Conflict: the file exists.
            StorageFailed: it cannot be written.
        """
        authorize(actor, "backup.key", _TARGET)
        if path.exists():
            raise Conflict("There is already a file of that name; it was left alone.")
        found = self.recovery_key(actor=actor)
        write_private(path.absolute(), found.text.encode())
        self._keys.mark_saved()
        return found.key_id

    def confirm_key_kept(self, *, actor: Actor) -> None:
        """Note that the person has written the recovery key down."""
        authorize(actor, "backup.key", _TARGET)
        self._keys.mark_saved()

    # -- restoring

    def allow_restore(self, *, actor: Actor) -> None:
        """Record that this home is about to be replaced, in the log that then is put aside.

        Raises:
            NotAllowed, ProofNeeded: this person may not.
        """
        authorize(actor, "backup.restore", _TARGET)
        with self._database.begin("Record restore") as conn:
            self._audit.record(conn, actor=actor, action="backup.restore", target=_TARGET, after={"step": "asked for"})

    # -- regular duties

    def duty(self, *, actor: Actor, should_stop: Stop) -> None:
        """Make, verify and remove backups as the house wants it; every worker calls this, one of them does the work."""
        now = dt.datetime.now(dt.UTC)
        try:
            if self._due(now) and may_read_all(self._around.endpoint):
                self.create(actor=actor, kind="scheduled", should_stop=should_stop)
                self._remove_old()
            newest = schedule.to_verify(self._rows(self._keys.current())[0], now=now)
            if newest is not None:
                self.verify(newest.path, actor=actor, should_stop=should_stop)
        except (Cancelled, Conflict):
            # stopped, or somebody else does it
            return
        except LecternError as error:
            # recorded where people look; the next round tries again
            log_failure(log, "scheduled backup failed", error)

    def _due(self, now: dt.datetime) -> bool:
        rows, since = self._rows(None)
        due = schedule.next_at(rows, self._around.schedule(), since=since)
        return due is not None and now >= due

    def _remove_old(self) -> None:
        rows, _ = self._rows(None)
        for row in schedule.to_remove(rows, self._around.schedule()):
            try:
                row.path.unlink(missing_ok=True)
            except OSError as error:
                raise storage_error(error) from error
            with self._database.begin("Record removed backup") as conn:
                register.mark_removed(conn, row.id or 0)

    def tidy(self) -> None:
        """Remove what verifications left that were killed."""
        verify.remove_abandoned(self._scratch)


def _check_log(verify_log: Verify, staged: Staged) -> Verdict:
    database = Database.open(staged.app, application="lectern-verify", base=1, overflow=3)
    try:
        return verify_log(database)
    finally:
        database.close()


def _same_disk(folder: Path, objects: Path) -> bool:
    return _of_disk(folder, lambda place: place.stat().st_dev) == _of_disk(objects, lambda place: place.stat().st_dev)


def _free(folder: Path) -> int | None:
    return _of_disk(folder, lambda place: shutil.disk_usage(place).free)


def _of_disk(folder: Path, fact: Callable[[Path], int]) -> int | None:
    """Return a fact of the disk on which a folder is, or will be; None where it cannot be looked at."""
    try:
        return next((fact(place) for place in (folder, *folder.parents) if place.exists()), None)
    except OSError:
        return None


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _age(age: dt.timedelta) -> str:
    hours = int(age.total_seconds() // 3600)
    days = hours // 24
    return f"{days} days" if days > 1 else f"{hours} h" if hours else "under 1 h"
