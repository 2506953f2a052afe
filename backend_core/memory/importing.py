"""Take an export of memories back into the container it came from; what its lines say of a container is never looked at."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict
from sqlalchemy import Connection, bindparam, select, update
from sqlalchemy.dialects.postgresql import insert as insert_or_skip

from backend_core.errors import InvalidInput, UnreadableFile
from backend_core.memory import writing
from backend_core.memory.exporting import FORMAT, HISTORY, MANIFEST, MEMORIES
from backend_core.memory.records import Memory, NewMemory
from backend_core.memory.tables import memories, memory_history
from backend_core.scopes.records import Container

LARGEST: Final = 512 * 2**20
MOST_LINE: Final = 1 << 20
_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did.

    Attributes:
        added: memories that were not there.
        known: memories that were.
        versions: former versions that came along.
    """

    added: int
    known: int
    versions: int


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Line(_Strict):
    """A memory of an export. No field names a container: whatever else a line holds is refused."""

    id: uuid.UUID
    type: str
    text: str
    speaker: str | None
    salience: float
    confidence: float
    tone: str | None
    topic: str | None
    source_message_id: uuid.UUID | None
    said_at: dt.datetime
    event_at: dt.datetime | None
    expires_at: dt.datetime | None
    conflicts_with: uuid.UUID | None
    version: int
    created_at: dt.datetime
    updated_at: dt.datetime


class _Former(_Strict):
    memory_id: uuid.UUID
    version: int
    text: str
    type: str
    changed_by: str
    changed_at: dt.datetime
    reason: str | None


class _Manifest(_Strict):
    format: str
    container: str
    memories: int
    versions: int
    sha256: str
    history_sha256: str
    exported_at: dt.datetime
    exported_by: str


def take_in(conn: Connection, container_id: int, path: Path, *, container: Container) -> tuple[Imported, list[Memory]]:
    """Add what an export holds to the container whose scope is open; return what was done, and the memories that are new.

    Raises:
        UnreadableFile: not an export, or it was changed or cut off.
        InvalidInput: it is of another container.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            manifest = _Manifest.model_validate_json(_bytes(archive, MANIFEST))
            if manifest.format != FORMAT:
                raise UnreadableFile("The file is no export of memories, or one of a newer version.")
            if manifest.container != container.tag:
                raise InvalidInput("The export is of another conversation; memories stay in the one they belong to.")
            lines = _checked(_bytes(archive, MEMORIES), manifest.sha256, manifest.memories)
            former = _checked(_bytes(archive, HISTORY), manifest.history_sha256, manifest.versions)
            rows = [_Line.model_validate_json(line) for line in lines]
            versions = [_Former.model_validate_json(line) for line in former]
    except (OSError, zipfile.BadZipFile, KeyError, ValueError, RuntimeError):
        raise UnreadableFile("The file is no export of memories, or it was changed or cut off.") from None
    return _add(conn, container_id, rows, versions)


def _bytes(archive: zipfile.ZipFile, name: str) -> bytes:
    with archive.open(name) as file:
        found = file.read(LARGEST + 1)
    if len(found) > LARGEST:
        raise UnreadableFile("The export is larger than Lectern reads at once.")
    return found


def _checked(content: bytes, sha256: str, count: int) -> list[bytes]:
    """Return the lines of a file of the archive, if they are the ones that the manifest vouches for."""
    lines = content.splitlines()
    if hashlib.sha256(content).hexdigest() != sha256 or len(lines) != count or any(len(line) > MOST_LINE for line in lines):
        raise UnreadableFile("The export was changed after it was made, or cut off.")
    return lines


def _add(conn: Connection, container_id: int, lines: list[_Line], former: list[_Former]) -> tuple[Imported, list[Memory]]:
    new: list[Memory] = []
    for batch in _batches(lines):
        # a forgotten one stays forgotten
        here = select(memories.c.id).where(memories.c.container_id == container_id, memories.c.id.in_([line.id for line in batch]))
        present = set(conn.execute(here).scalars())
        missing = [line for line in batch if line.id not in present]
        kept = writing.keep(conn, container_id, [_new(line) for line in missing]) if missing else []
        added = [(memory, line) for (memory, is_new), line in zip(kept, missing, strict=True) if is_new]
        if added:
            conn.execute(_AS_BEFORE, [{"at": container_id, "key": memory.id} | _facts(line) for memory, line in added])
        new += [memory for memory, _ in added]
    ids = {memory.id for memory in new}
    versions = [{"container_id": container_id} | one.model_dump() for one in former if one.memory_id in ids]
    if versions:
        conn.execute(insert_or_skip(memory_history).on_conflict_do_nothing(), versions)
    return Imported(added=len(new), known=len(lines) - len(new), versions=len(versions)), new


_AS_BEFORE: Final = (
    update(memories)
    .where(memories.c.container_id == bindparam("at"), memories.c.id == bindparam("key"))
    .values(version=bindparam("number"), conflicts_with=bindparam("newer"), created_at=bindparam("made"), updated_at=bindparam("changed"))
)


def _facts(line: _Line) -> dict[str, Any]:
    return {"number": line.version, "newer": line.conflicts_with, "made": line.created_at, "changed": line.updated_at}


def _new(line: _Line) -> NewMemory:
    return NewMemory(**{name: getattr(line, name) for name in NewMemory.__dataclass_fields__})


def _batches(lines: list[_Line]) -> Iterator[list[_Line]]:
    for start in range(0, len(lines), _BATCH):
        yield lines[start : start + _BATCH]
