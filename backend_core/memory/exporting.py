"""Write the memories of one container to a ZIP file: JSON Lines, and a manifest that says whose they are and proves them whole."""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import os
import uuid
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, select

from backend_core.audit.export import private, ready
from backend_core.durable import sync_folder
from backend_core.memory.records import Memory, Version
from backend_core.memory.rows import FIELDS, read
from backend_core.memory.tables import memories, memory_history
from backend_core.scopes.records import Container

FORMAT: Final = "lectern-memories-1"
MANIFEST: Final = "manifest.json"
MEMORIES: Final = "memories.jsonl"
HISTORY: Final = "history.jsonl"
# not in the file: where it is kept here, and what is on its way to be erased
LEFT_OUT: Final = ("turn", "forgotten_at", "purge_after")
_MOMENT: Final = (1980, 1, 1, 0, 0, 0)
_BATCH: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What an export holds.

    Attributes:
        container: label of the container; holds a phone number where it is a direct one.
        memories, versions: how many, former versions apart.
        sha256: of the memories, in hexadecimal digits; ``history_sha256`` of their former versions.
    """

    format: str
    container: str
    memories: int
    versions: int
    sha256: str
    history_sha256: str
    exported_at: dt.datetime
    exported_by: str


@contextlib.contextmanager
def writing_to(path: Path) -> Iterator[Path]:
    """Return where to write; the file gets its name when the block ends well, and nothing stays when it does not.

    Raises:
        InvalidInput: ``path`` is a folder or a device.
        StorageFailed: it cannot be written there.
    """
    with ready(path) as made:
        yield made
        made.replace(path)
        sync_folder(path.absolute().parent)


def write(conn: Connection, container_id: int, made: Path, *, container: Container, by: str) -> Manifest:
    """Write everything of the container whose scope is open that is not forgotten."""
    with private(made) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        count, digest = _lines(archive, MEMORIES, (_plain(one, Memory) for one in _memories(conn, container_id)))
        versions, former = _lines(archive, HISTORY, _history(conn, container_id))
        manifest = Manifest(
            format=FORMAT,
            container=container.tag,
            memories=count,
            versions=versions,
            sha256=digest,
            history_sha256=former,
            exported_at=dt.datetime.now(dt.UTC),
            exported_by=by,
        )
        archive.writestr(_entry(MANIFEST), json.dumps(_plain(manifest, Manifest), indent=1, ensure_ascii=False))
    return manifest


def _memories(conn: Connection, container_id: int) -> Iterator[Memory]:
    query = select(*FIELDS).where(memories.c.container_id == container_id, memories.c.forgotten_at.is_(None)).order_by(memories.c.turn)
    for rows in conn.execute(query.execution_options(stream_results=True)).partitions(_BATCH):
        yield from (read(row) for row in rows)


def _history(conn: Connection, container_id: int) -> Iterator[dict[str, Any]]:
    columns = [memory_history.c.memory_id, *(memory_history.c[name] for name in Version.__dataclass_fields__)]
    kept = (memories.c.container_id == memory_history.c.container_id, memories.c.id == memory_history.c.memory_id)
    query = select(*columns).join(memories, kept[0] & kept[1])
    query = query.where(memory_history.c.container_id == container_id, memories.c.forgotten_at.is_(None))
    for row in conn.execute(query.order_by(memories.c.turn, memory_history.c.version)).mappings():
        yield {name: _value(value) for name, value in row.items()}


def _lines(archive: zipfile.ZipFile, name: str, rows: Iterable[Mapping[str, Any]]) -> tuple[int, str]:
    count, digest = 0, hashlib.sha256()
    with archive.open(_entry(name), "w", force_zip64=True) as file:
        for row in rows:
            line = json.dumps(row, ensure_ascii=False).encode() + b"\n"
            file.write(line)
            digest.update(line)
            count += 1
    return count, digest.hexdigest()


def _entry(name: str) -> zipfile.ZipInfo:
    # the same moment every time, so that the same memories make the same bytes
    entry = zipfile.ZipInfo(name, date_time=_MOMENT)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _plain(value: object, kind: type[Any]) -> dict[str, Any]:
    return {name: _value(getattr(value, name)) for name in kind.__dataclass_fields__ if name not in LEFT_OUT}


def _value(value: object) -> object:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    return str(value) if isinstance(value, uuid.UUID | os.PathLike) else value
