"""backup, restore, backups, backup-key: copies of everything, and the way back."""

from __future__ import annotations

import dataclasses
import getpass
import sys
from functools import partial
from pathlib import Path
from typing import Final

from backend_core.access.here import os_user, workstation
from backend_core.backend import conclude_restore
from backend_core.backup import swap
from backend_core.backup.keys import BackupKey, BackupKeys, parse, read_key_file
from backend_core.backup.making import Meter
from backend_core.backup.records import BackupRow, Verified
from backend_core.backup.restore import Restored, restore
from backend_core.cli.context import Context, Subcommands, command
from backend_core.cli.output import table
from backend_core.credentials.vault import Vault
from backend_core.db.cluster import prepare_home
from backend_core.errors import BackupKeyNeeded, Conflict, StorageFailed, Unavailable
from backend_core.policy import SYSTEM, Actor

MEBIBYTE: Final = 2**20
TYPED: Final = "replace"


def register(commands: Subcommands) -> None:
    """Add the commands of this module."""
    making = command(commands, "backup", _backup, help="write everything to one encrypted file")
    making.add_argument("file", type=Path, metavar="FILE", help="a file that does not exist; better on another disk")
    making.add_argument("--verify", action="store_true", help="then prove it by restoring it into a scratch server")
    restoring = command(commands, "restore", _restore, help="bring everything back from a backup")
    restoring.add_argument("file", type=Path, metavar="FILE", help="the backup")
    restoring.add_argument("--key-file", type=Path, metavar="KEY", help="file with the recovery key, where this computer has none")
    restoring.add_argument("--replace", action="store_true", help="put what is here aside; without a terminal nobody is asked")
    parser = commands.add_parser("backups", help="list, verify, undo a restore", description="list, verify, undo a restore")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    command(verbs, "list", _list, help="list backups, newest first, and what is wrong with them")
    verifying = command(verbs, "verify", _verify, help="prove a backup by restoring it into a scratch server")
    verifying.add_argument("file", type=Path, metavar="FILE")
    command(verbs, "undo-restore", _undo, help="go back to what was there before the last restore")
    command(verbs, "discard-old", _discard, help="remove for good what restores put aside")
    keys = commands.add_parser("backup-key", help="the key that opens backups", description="the key that opens backups")
    key_verbs = keys.add_subparsers(dest="verb", required=True, metavar="VERB")
    command(key_verbs, "show", _show_key, help="print the recovery key, to be written down")
    saving = command(key_verbs, "save", _save_key, help="write the recovery key to a private file")
    saving.add_argument("file", type=Path, metavar="FILE")


def _backup(context: Context) -> int:
    path = context.arguments.file
    with context.backend() as (backend, actor):
        row = backend.backups.create(path, actor=actor, progress=partial(_progress, context))
        found = backend.backups.verify(path, actor=actor, progress=partial(_progress, context)) if context.arguments.verify else None
        view = backend.backups.view(actor=actor)
    facts = _json(row) | {"verified": None if found is None else found.audit_ok}
    lines = [f"{row.file_name}: {_mib(row.bytes)}, {row.rows} rows, {row.objects} files."]
    if found is not None:
        lines.append(_proof(found))
    lines += [f"{row.damaged} stored files were already damaged or missing and are not in it."] if row.damaged else []
    lines += [f"{row.elsewhere} files lie on other computers and are not in it."] if row.elsewhere else []
    if view.key_saved_at is None:
        lines.append(
            "Save the recovery key now, apart from the backup: lecternctl backup-key save FILE. Without it the backup opens only here."
        )
    context.output.result(facts, text="\n".join(lines))
    return 0 if found is None or found.audit_ok else 1


def _list(context: Context) -> int:
    with context.backend() as (backend, actor):
        view = backend.backups.view(actor=actor)
    rows = [(f"{row.at:%Y-%m-%d %H:%M}", row.kind, _mib(row.bytes), _state(row), row.workstation, row.file_name) for row in view.rows]
    text = table(("at (UTC)", "made", "size", "state", "on", "file"), rows, empty="No backup yet: lecternctl backup FILE")
    notes = [view.problem, view.note, "" if view.key_saved_at or view.key_id is None else "The recovery key was never saved."]
    context.output.result(view, text="\n".join([text, *filter(None, notes)]))
    return 0


def _state(row: BackupRow) -> str:
    if row.error is not None:
        return f"failed: {row.error}"
    if not row.present:
        return "not here"
    return {None: "not verified", True: "verified", False: "not sound"}[row.verify_ok]


def _verify(context: Context) -> int:
    with context.backend() as (backend, actor):
        found = backend.backups.verify(context.arguments.file, actor=actor, progress=partial(_progress, context))
    context.output.result(found, text="\n".join([_proof(found), *found.problems]))
    return 0 if found.audit_ok else 1


def _proof(found: Verified) -> str:
    verdict = "its audit log verifies" if found.audit_ok else "its audit log does NOT verify"
    return f"Restored and compared in {found.seconds:.0f} s: {found.rows} rows, {found.objects} files; {verdict}."


def _restore(context: Context) -> int:
    settings, arguments = context.settings, context.arguments
    source = arguments.file.absolute()
    home = prepare_home(settings.home)
    vault = Vault(settings.home)
    keys = BackupKeys(vault, home)
    key = _key(context, keys)
    note = swap.settle(home)
    if note:
        context.output.note(note)
    actor, replace = _may_replace(context, home)
    meter = Meter(partial(_progress, context), None)
    done = restore(source, settings, key, replace=replace, conclude=conclude_restore(actor, key, vault), meter=meter)
    keys.keep(key)
    context.output.result(done, text=_report(done))
    return 0


def _key(context: Context, keys: BackupKeys) -> BackupKey:
    """Return the key from the file that was named, else from this home, else from whoever sits at the terminal."""
    if context.arguments.key_file is not None:
        return read_key_file(context.arguments.key_file)
    found = keys.current()
    if found is not None:
        return found
    if not sys.stdin.isatty():
        raise BackupKeyNeeded("This computer has no backup key; name the file with the recovery key (--key-file).")
    return parse(getpass.getpass("Backup key (AGE-SECRET-KEY-1...): "))


def _may_replace(context: Context, home: Path) -> tuple[Actor, bool]:
    """Return who restores, and whether what is in the home may be put aside; it is asked for where it still can be."""
    somebody = Actor(operator_id=None, name=os_user(), role=SYSTEM, workstation=workstation(), reason=context.arguments.reason)
    if context.settings.dsn is not None or not swap.occupied(home):
        return somebody, False
    if not (context.arguments.replace or _typed()):
        return somebody, False
    try:
        with context.backend() as (backend, actor):
            backend.backups.allow_restore(actor=actor)
            return dataclasses.replace(actor, operator_id=None), True
    except (Unavailable, StorageFailed) as error:
        # a database that no longer starts is what backups are for; whoever owns its files may replace it
        context.output.note(f"The present database does not open ({error}) It is put aside as it is.")
        return somebody, True


def _typed() -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    sys.stderr.write(f"There is data in this home. It will be kept beside the restored data. Type {TYPED} to go on: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() == TYPED


def _report(done: Restored) -> str:
    lines = [
        f"Restored the backup of {done.made_at:%Y-%m-%d %H:%M} UTC (Lectern {done.version}): {done.rows} rows, {done.documents} documents,"
        f" {done.audios} audios, {done.objects} files."
    ]
    problems = "; ".join(done.audit.problems)
    lines.append(f"The audit log verifies ({done.audit.rows} rows)." if done.audit.ok else f"The audit log does NOT verify: {problems}")
    lines += [f"{done.missing} files were already damaged or missing when the backup was made."] if done.missing else []
    lines += [f"{done.elsewhere} files lie on other computers and were not in it."] if done.elsewhere else []
    if done.kept:
        lines.append(f"What was there before is kept in {done.kept}; lecternctl backups undo-restore brings it back.")
        lines.append("Witnesses of the audit log may know more than the backup does; see lecternctl audit verify and audit witness-accept.")
    return "\n".join([*lines, "Everybody signs in again."])


def _undo(context: Context) -> int:
    home = prepare_home(context.settings.home)
    swap.settle(home)
    kept = swap.undo(home)
    text = "What was there before the restore is in use again."
    context.output.result({"kept": kept}, text=f"{text} What had been restored is kept in {kept}." if kept else text)
    return 0


def _discard(context: Context) -> int:
    home = prepare_home(context.settings.home)
    if not context.arguments.reason and sys.stdin.isatty() and not _sure(len(swap.kept(home))):
        raise Conflict("Nothing was removed.")
    count = swap.discard(home)
    context.output.result({"removed": count}, text="Nothing was kept." if not count else f"Removed {count}.")
    return 0


def _sure(count: int) -> bool:
    if not count:
        return True
    sys.stderr.write(f"Data from before {count} restores is removed for good. Type remove to go on: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() == "remove"


def _show_key(context: Context) -> int:
    with context.backend() as (backend, actor):
        found = backend.backups.recovery_key(actor=actor)
        if sys.stdout.isatty():
            backend.backups.confirm_key_kept(actor=actor)
    context.output.result({"key_id": found.key_id, "identity": found.identity}, text=found.text.rstrip())
    return 0


def _save_key(context: Context) -> int:
    path = context.arguments.file
    with context.backend() as (backend, actor):
        key_id = backend.backups.save_recovery_key(path, actor=actor)
    text = f"Key {key_id} saved. Keep {path.name} apart from this computer and from the backups."
    context.output.result({"key_id": key_id, "file": path}, text=text)
    return 0


def _progress(context: Context, step: str, done: int, total: int) -> None:
    context.output.progress(done // MEBIBYTE, max(1, total // MEBIBYTE) if total else 0, what=step)


def _mib(size: int | None) -> str:
    return "" if size is None else f"{size / MEBIBYTE:.1f} MiB"


def _json(row: BackupRow) -> dict[str, object]:
    return dataclasses.asdict(row) | {"file": row.path}
