"""Puts a restored home in the place of another so that a kill at any moment leaves the one or the other, whole.

A journal is the moment of decision. Before it is written the old state is complete and the new one is a folder that the next start
removes; once it is written every start goes on with the renames, however often it is stopped, until they are done.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import secrets
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from backend_core import faults
from backend_core.backup.staging import OBJECTS, erase
from backend_core.credentials.key_file import read_private, write_private
from backend_core.db import embedded, postmaster
from backend_core.db.cluster import find, lock_file
from backend_core.db.file_lock import locked
from backend_core.durable import sync_folder
from backend_core.errors import Conflict, NotFound, StorageFailed, Unavailable
from backend_core.logs import get_logger

log = get_logger(__name__)
JOURNAL: Final = "restore.json"
NEW: Final = "restore-"
OLD: Final = "before-restore-"
CLUSTER: Final = ("database", "database.path", "database.pass")
LOCK_S: Final = 60.0
FINISHED: Final = "An interrupted restore was completed: the restored data is in use, what was there before is kept beside it."
REMOVED: Final = "An interrupted restore was removed: the data from before it is in use."


@dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """What is to be put where.

    Attributes:
        new: folder below the home whose things move in.
        old: folder below the home to which things move out.
        moves_in, moves_out: names of those things.
        backup: when the restored backup was made, in words.
    """

    new: str
    old: str
    moves_in: tuple[str, ...]
    moves_out: tuple[str, ...]
    backup: str


@contextlib.contextmanager
def alone(home: Path) -> Iterator[None]:
    """Be the only restore of this home.

    Raises:
        Conflict: another one is under way.
    """
    try:
        with locked(home / "restore.lock", timeout_s=0):
            yield
    except TimeoutError:
        raise Conflict("Another restore of this home is under way.") from None


def settle(home: Path) -> str:
    """Finish or remove what an interrupted restore left; return what was done, in words, or an empty text. Every start calls this first.

    Raises:
        StorageFailed: the folder cannot be used.
        Unavailable: another process is starting or stopping the database.
    """
    # the usual case costs one look into the folder
    if not (home / JOURNAL).exists() and not any(home.glob(f"{NEW}*")):
        return ""
    try:
        with alone(home):
            return _settle(home)
    except Conflict:
        # its restore is alive
        return ""
    except OSError as error:
        raise StorageFailed("An interrupted restore cannot be finished: the folder cannot be used.") from error


def _settle(home: Path) -> str:
    journal = _read(home)
    if journal is not None:
        with _database_at_rest(home):
            _carry_out(home, journal)
    left = [folder for folder in home.glob(f"{NEW}*") if folder.is_dir()]
    for folder in left:
        erase(folder)
    for folder in home.glob(f"{OLD}*"):
        # made just before the decision that then was not taken
        with contextlib.suppress(OSError):
            folder.rmdir()
    words = FINISHED if journal is not None else REMOVED if left else ""
    if words:
        log.info("restore settled", outcome=words)
    return words


@contextlib.contextmanager
def newcomer(home: Path) -> Iterator[Path]:
    """Name a folder for a restored home; if it does not come to the decision nothing is left of it."""
    new = home / f"{NEW}{secrets.token_hex(6)}"
    try:
        yield new
    finally:
        if not (home / JOURNAL).exists():
            erase(new)


def occupied(home: Path) -> bool:
    """Return whether the home holds a database, or files of one."""
    return find(home) is not None or any((home / OBJECTS).glob("??/*"))


def replace(home: Path, new: Path, *, with_objects: bool, backup: str) -> Path | None:
    """Let the restored home ``new`` take the place of what is in ``home``; return where the old things are kept, None if there were none.

    Args:
        home: must be under ``alone``.
        new: a folder below it, whose server is stopped.
        with_objects: stored files move too; otherwise they are kept elsewhere.
        backup: when the backup was made.

    Raises:
        Conflict: other Lectern programs use the database.
    """
    names = (*CLUSTER, OBJECTS) if with_objects else CLUSTER
    embedded.stop(home)
    _to_disk()
    with _database_at_rest(home):
        at = dt.datetime.now(dt.UTC).strftime("%Y%m%d-%H%M%S")
        journal = Journal(
            new=new.name,
            old=_free(home, f"{OLD}{at}"),
            moves_in=_present(new, names),
            moves_out=_present(home, names),
            backup=backup,
        )
        (home / journal.old).mkdir(mode=0o700)
        faults.point("restore.ready")
        write_private(home / JOURNAL, json.dumps(asdict(journal)).encode())
        faults.point("restore.decided")
        _carry_out(home, journal)
    erase(new)
    return home / journal.old if journal.moves_out else None


def kept(home: Path) -> tuple[Path, ...]:
    """Return the folders in which earlier data is kept, oldest first."""
    return tuple(
        sorted(folder for folder in home.glob(f"{OLD}*") if (folder / JOURNAL).is_file() and _present(folder, (*CLUSTER, OBJECTS)))
    )


def undo(home: Path) -> Path | None:
    """Take back the newest restore; return where the data that was restored is kept now.

    Raises:
        NotFound: nothing is kept.
        Conflict: other Lectern programs use the database.
    """
    found = kept(home)
    if not found:
        raise NotFound("Nothing from before a restore is kept here.")
    with alone(home):
        source = found[-1]
        with_objects = OBJECTS in json.loads((source / JOURNAL).read_text(encoding="utf-8"))["moves_out"]
        words = "what was there before the restore"
        return replace(home, source, with_objects=with_objects, backup=words)


def discard(home: Path) -> int:
    """Remove for good what earlier restores put aside; return how many there were."""
    found = kept(home)
    for folder in found:
        erase(folder)
    return len(found)


def _present(folder: Path, names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name for name in names if (folder / name).exists())


def _free(home: Path, name: str) -> str:
    number, found = 1, name
    while (home / found).exists():
        number += 1
        found = f"{name}-{number}"
    return found


def _carry_out(home: Path, journal: Journal) -> None:
    """Do what is left of the renames; each may have been done before."""
    new, old = home / journal.new, home / journal.old
    for name in journal.moves_out:
        if not (old / name).exists() and (home / name).exists():
            (home / name).rename(old / name)
            faults.point("restore.moved_out")
    for name in journal.moves_in:
        if (new / name).exists():
            (new / name).rename(home / name)
            faults.point("restore.moved_in")
    _sync(home, old, new)
    faults.point("restore.moved")
    if journal.moves_out:
        (home / JOURNAL).replace(old / JOURNAL)
    else:
        old.rmdir()
        (home / JOURNAL).unlink()
    _sync(home)


@contextlib.contextmanager
def _database_at_rest(home: Path) -> Iterator[None]:
    """Keep everybody from starting the database of ``home`` meanwhile.

    Raises:
        Conflict: it runs.
        Unavailable: somebody is starting or stopping it.
    """
    try:
        with locked(lock_file(home), timeout_s=LOCK_S):
            cluster = find(home)
            if cluster is not None and postmaster.running_pid(cluster) is not None:
                raise Conflict("Another Lectern program has just started the database; close it first.")
            yield
    except TimeoutError:
        raise Unavailable("Another Lectern process is still starting or stopping the database.") from None


def _read(home: Path) -> Journal | None:
    content = read_private(home / JOURNAL)
    if content is None:
        return None
    facts: dict[str, Any] = json.loads(content)
    return Journal(**facts | {name: tuple(facts[name]) for name in ("moves_in", "moves_out")})


def _sync(*folders: Path) -> None:
    for folder in folders:
        if folder.is_dir():
            sync_folder(folder)


def _to_disk() -> None:
    # one call for all restored files; on Windows each was synced when it was closed
    if sys.platform != "win32":
        os.sync()
