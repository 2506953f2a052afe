"""Store, read and release objects so that a crash at any step leaves nothing lost, doubled or orphaned.

Order of one upload: intent row (own transaction) → file → the caller's transaction, which counts the reference and removes the
intent. Whatever is left behind by a crash has an intent without a reference, or no row at all, and the sweeper removes it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from backend_core import faults
from backend_core.db.database import Database
from backend_core.errors import NotFound, StorageFailed, UnreadableFile
from backend_core.logs import get_logger
from backend_core.storage.folder import FolderStore, hash_file, key_of
from backend_core.storage.tables import object_intents, objects

log = get_logger(__name__)
SWEEP_BATCH = 500
KEEP_LOCK = "lectern.objects.keep"
"""Advisory lock of a backup, under which nothing may be removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedObject:
    """An uploaded object that no row refers to yet."""

    key: str
    sha256: str
    bytes: int
    intent_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """What one run of the sweeper removed."""

    intents: int
    objects: int
    strays: int


def _lock_key(conn: Connection, key: str) -> None:
    # lock: upload and sweep of one key must not interleave between "is it needed?" and "remove it"
    conn.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(key, 0))))


def _may_remove(conn: Connection) -> bool:
    # lock: a backup may still have to read what its moment of the database refers to; removing it waits for the next round
    return bool(conn.execute(select(func.pg_try_advisory_xact_lock_shared(func.hashtextextended(KEEP_LOCK, 0)))).scalar_one())


class Storage:
    """Objects of one database in one store."""

    def __init__(self, database: Database, store: FolderStore) -> None:
        self._database = database
        self.store = store
        self.identity = store.identity()
        self._next_strays = 0.0

    def stage(self, source: Path) -> StagedObject:
        """Upload a file under the hash of its content.

        Raises:
            UnreadableFile: it cannot be read.
            StorageFailed: the store refused or is full; nothing refers to what it may have kept.
        """
        try:
            sha256, size = hash_file(source)
        except OSError as error:
            raise UnreadableFile("That file cannot be opened.") from error
        key = key_of(sha256)
        with self._database.begin("Announce upload") as conn:
            _lock_key(conn, key)
            intent = insert(object_intents).values(store=self.identity, key=key)
            intent_id = conn.execute(intent.returning(object_intents.c.id)).scalar_one()
        faults.point("storage.intent")
        self.store.put(source, key=key)
        faults.point("storage.put")
        return StagedObject(key=key, sha256=sha256, bytes=size, intent_id=intent_id)

    def attach(self, conn: Connection, staged: StagedObject, *, content_type: str) -> int:
        """Count one reference to a staged object in the caller's transaction; return the object's id.

        Raises:
            StorageFailed: the upload is so old that the sweeper took it for abandoned; nothing is attached.
        """
        announced = conn.execute(delete(object_intents).where(object_intents.c.id == staged.intent_id)).rowcount
        if not announced:
            # the file may be gone with its intent; a row without a file would be worse than a second upload
            raise StorageFailed("The upload took too long and has to be made again.")
        facts = {"sha256": staged.sha256, "bytes": staged.bytes, "content_type": content_type}
        row = upsert(objects).values(store=self.identity, key=staged.key, refs=1, **facts)
        again = {"refs": objects.c.refs + 1, "released_at": None}
        row = row.on_conflict_do_update(index_elements=[objects.c.store, objects.c.key], set_=again)
        object_id: int = conn.execute(row.returning(objects.c.id)).scalar_one()
        return object_id

    def release(self, conn: Connection, object_id: int) -> None:
        """Give up one reference in the caller's transaction; the sweeper removes the file once nobody refers to it."""
        conn.execute(
            update(objects).where(objects.c.id == object_id, objects.c.refs > 0).values(refs=objects.c.refs - 1, released_at=func.now())
        )

    def path_of(self, object_id: int) -> Path:
        """Return the path of an object, after checking its bytes against the recorded hash.

        Raises:
            NotFound: no such object.
            DamagedObject: the file is missing or differs.
        """
        with self._database.begin("Find object") as conn:
            row = conn.execute(select(objects.c.store, objects.c.key, objects.c.sha256).where(objects.c.id == object_id)).one_or_none()
        if row is None:
            raise NotFound("That file is no longer stored.")
        if row.store != self.identity:
            raise NotFound("That file is kept on another computer; set LECTERN_OBJECTS to a folder both can reach.")
        return self.store.verified(row.key, sha256=row.sha256)

    def sweep(self, *, older_than_s: float) -> Swept:
        """Remove unreferenced objects, uploads that were cut off, and their intents, once older than ``older_than_s``."""
        intents = self._sweep_intents(older_than_s)
        released = self._sweep_released()
        strays = self._sweep_strays(older_than_s)
        if intents or released or strays:
            log.info("storage swept", intents=intents, objects=released, strays=strays)
        return Swept(intents=intents, objects=released, strays=strays)

    def _sweep_intents(self, older_than_s: float) -> int:
        age = func.now() - func.make_interval(0, 0, 0, 0, 0, 0, older_than_s)
        columns = object_intents.c
        query = select(columns.id, columns.key).where(columns.store == self.identity, columns.created_at <= age).limit(SWEEP_BATCH)
        with self._database.begin("List old uploads") as conn:
            rows = conn.execute(query).all()
        for row in rows:
            with self._database.begin("Remove old upload") as conn:
                if not _may_remove(conn):
                    return 0
                _lock_key(conn, row.key)
                conn.execute(delete(object_intents).where(object_intents.c.id == row.id))
                if not self._needed(conn, row.key):
                    self.store.delete(row.key)
        return len(rows)

    def _sweep_released(self) -> int:
        ours = objects.c.store == self.identity
        query = select(objects.c.id, objects.c.key).where(ours, objects.c.refs == 0, objects.c.released_at.is_not(None)).limit(SWEEP_BATCH)
        with self._database.begin("List released objects") as conn:
            rows = conn.execute(query).all()
        removed = 0
        for row in rows:
            with self._database.begin("Remove released object") as conn:
                if not _may_remove(conn):
                    break
                _lock_key(conn, row.key)
                gone = conn.execute(delete(objects).where(objects.c.id == row.id, objects.c.refs == 0)).rowcount
                if gone and not self._needed(conn, row.key):
                    self.store.delete(row.key)
                removed += gone
        return removed

    def _sweep_strays(self, older_than_s: float) -> int:
        """Remove uploads that were cut off, and files without any row: those finished after their intent was swept."""
        # nothing younger is removed, so looking more often than that would only cost time
        if time.monotonic() < self._next_strays:
            return 0
        self._next_strays = time.monotonic() + older_than_s
        limit = time.time() - older_than_s
        removed = self.store.remove_partials(before=limit)
        for key in self.orphans()[0]:
            with self._database.begin("Remove stray file") as conn:
                _lock_key(conn, key)
                if _may_remove(conn) and not self._needed(conn, key) and self.store.older(key, than=limit):
                    self.store.delete(key)
                    removed += 1
        return removed

    def _needed(self, conn: Connection, key: str) -> bool:
        ours = objects.c.store == self.identity
        referenced = conn.execute(select(objects.c.id).where(ours, objects.c.key == key)).first()
        ours = object_intents.c.store == self.identity
        announced = conn.execute(select(object_intents.c.id).where(ours, object_intents.c.key == key)).first()
        return referenced is not None or announced is not None

    def orphans(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return keys of files without a row, and of rows without a file: both empty when all is well."""
        with self._database.begin("Compare objects") as conn:
            rows = set(conn.execute(select(objects.c.key).where(objects.c.store == self.identity)).scalars())
            coming = set(conn.execute(select(object_intents.c.key).where(object_intents.c.store == self.identity)).scalars())
        files = set(self.store.keys())
        return tuple(sorted(files - rows - coming)), tuple(sorted(rows - files))
