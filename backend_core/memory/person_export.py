"""Write everything about one contact to a ZIP file: rows as JSON Lines, files as they are, and a signed manifest of all of it."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import uuid
import zipfile
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, Table, select

from backend_core.audit.export import private
from backend_core.audit.keys import Keys
from backend_core.conversations.tables import contacts, memberships, messages, photos, relationship_state, reminders
from backend_core.credentials.tables import oauth_tokens
from backend_core.db.database import Database
from backend_core.documents.tables import audios, document_pages, documents
from backend_core.errors import DamagedObject, NotFound
from backend_core.memory.exporting import writing_to
from backend_core.memory.forget_records import PersonExport
from backend_core.memory.person_selection import direct_containers, group_containers, of_person
from backend_core.memory.tables import boundaries, erasures, memories, memory_history, memory_vectors, postings
from backend_core.policy import Actor
from backend_core.safety.tables import safety_events
from backend_core.scopes.service import Scope, Scopes
from backend_core.storage.service import Storage
from backend_core.storage.tables import objects

FORMAT: Final = "lectern-person/1"
WHY: Final = "Export of everything about a contact, as asked for."
DEADLINE_S: Final = 120.0
Progress = Callable[[int, int], object]
WHOLE: Final = {
    "memories": memories, "versions": memory_history, "postings": postings, "vectors": memory_vectors, "messages": messages,
    "photos": photos, "reminders": reminders, "boundaries": boundaries, "safety": safety_events, "relationships": relationship_state,
    "requests": erasures,
}  # fmt: skip
"""Every store of a container; what is made from other rows alone does not leave in an export."""

_DERIVED: Final = frozenset({"postings", "vectors", "requests", "safety"})
# what only the database needs, and what is shown of a token nowhere
_INTERNAL: Final = frozenset({"container_id", "content_hash", "object_id", "embedding", "enc_access", "enc_refresh", "key_id", "synthetic"})
_ENDINGS: Final = {
    "audio/mpeg": "mp3",
    "audio/flac": "flac",
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "image/gif": "gif",
}


@dataclass(slots=True)
class _Archive:
    """A ZIP file under way, and what is in it."""

    zip: zipfile.ZipFile
    storage: Storage
    files: list[dict[str, Any]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    missing: list[str] = field(default_factory=list)

    def add(self, name: str, content: bytes) -> None:
        """Add a file."""
        self.zip.writestr(name, content)
        self.files.append({"name": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()})

    def rows(self, folder: str, kind: str, found: Iterable[Row[Any]]) -> None:
        """Add rows as one file of JSON Lines; none where there are none."""
        lines = [_line(row) for row in found]
        if lines:
            self.add(f"{folder}{kind}.jsonl", "".join(lines).encode())
            self.counts[kind] += len(lines)

    def object(self, name: str, object_id: int) -> None:
        """Add a stored file; one that is not here is named in the manifest."""
        try:
            path = self.storage.path_of(object_id)
        except (NotFound, DamagedObject):
            self.missing.append(name)
            return
        self.zip.write(path, name)
        self.files.append({"name": name, "bytes": path.stat().st_size, "sha256": path.name})
        self.counts["files"] += 1


def write_export(
    user_id: uuid.UUID,
    path: Path,
    *,
    database: Database,
    scopes: Scopes,
    storage: Storage,
    keys: Keys,
    actor: Actor,
    progress: Progress,
) -> PersonExport:
    """Write the file; who asked was authorized and recorded by the caller.

    Raises:
        InvalidInput: ``path`` is a folder or a device.
        StorageFailed: it cannot be written there.
    """
    with writing_to(path) as made:
        with private(made) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
            archive = _Archive(packed, storage)
            _fill(archive, user_id, database=database, scopes=scopes, actor=actor, progress=progress)
            _manifest(archive, user_id, keys=keys, actor=actor)
        with made.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    return PersonExport(files=len(archive.files) + 1, counts=dict(archive.counts), sha256=digest)


def _fill(archive: _Archive, user_id: uuid.UUID, *, database: Database, scopes: Scopes, actor: Actor, progress: Progress) -> None:
    with scopes.directory("Find what is a contact's") as conn:
        direct, groups = direct_containers(conn, user_id), group_containers(conn, user_id)
    with database.begin("Export a contact", deadline_s=DEADLINE_S) as conn:
        name = _outside(archive, conn, user_id)
    total, opening = len(direct) + len(groups), {"actor": actor, "action": "contact.export", "reason": WHY, "deadline_s": DEADLINE_S}
    for done, container in enumerate((*direct, *groups), 1):
        with scopes.open(container, **opening) as scope:  # type: ignore[arg-type]  # one value for each name
            if container in direct:
                _whole(archive, scope)
            else:
                _own(archive, scope, user_id, name)
        progress(done, total)


def _outside(archive: _Archive, conn: Connection, user_id: uuid.UUID) -> str:
    """Add what is known of the contact outside conversations; return the name."""
    person = conn.execute(select(*_shown(contacts)).where(contacts.c.id == user_id)).one()
    archive.add("contact.json", _line(person).encode())
    archive.rows("", "memberships", conn.execute(select(*_shown(memberships)).where(memberships.c.user_id == user_id)))
    archive.rows("", "tokens", conn.execute(select(*_shown(oauth_tokens)).where(oauth_tokens.c.user_id == user_id)))
    rows = conn.execute(select(documents).where(documents.c.on_behalf_of == user_id).order_by(documents.c.id)).all()
    archive.rows("", "documents", conn.execute(select(*_shown(documents)).where(documents.c.on_behalf_of == user_id)))
    for row in rows:
        folder = f"documents/{row.id}/"
        archive.object(f"{folder}original.{row.kind}", row.object_id)
        pages = select(document_pages.c.number, document_pages.c.text).where(document_pages.c.document_id == row.id)
        archive.rows(folder, "pages", conn.execute(pages.order_by(document_pages.c.number)))
        columns = [column for column in _shown(audios) if column.name not in {"marks", "sentences", "peaks"}]
        made: Select[Any] = select(*columns, audios.c.object_id).where(audios.c.document_id == row.id)
        spoken = conn.execute(made.order_by(audios.c.id)).all()
        archive.rows(folder, "audios", spoken)
        _files(archive, conn, folder, spoken)
    return str(person.display_name)


def _files(archive: _Archive, conn: Connection, folder: str, rows: Iterable[Row[Any]]) -> None:
    held = {row.object_id: row.id for row in rows if row.object_id is not None}
    query = select(objects.c.id, objects.c.content_type).where(objects.c.id.in_(list(held)))
    for row in conn.execute(query).all():
        archive.object(f"{folder}{held[row.id]}.{_ENDINGS.get(row.content_type, 'bin')}", row.id)


def _whole(archive: _Archive, scope: Scope) -> None:
    folder = f"conversations/{scope.container.public_id}/"
    archive.add(f"{folder}conversation.json", _conversation(scope))
    for kind, table in WHOLE.items():
        if kind not in _DERIVED:
            archive.rows(folder, kind, scope.conn.execute(_here(scope, table)))
    pictures: Select[Any] = select(photos.c.id, photos.c.object_id).where(photos.c.container_id == scope.container_id)
    _files(archive, scope.conn, f"{folder}photos/", scope.conn.execute(pictures).all())


def _own(archive: _Archive, scope: Scope, user_id: uuid.UUID, name: str) -> None:
    """Add what is the contact's in a group: nothing anybody else said."""
    found = of_person(scope, user_id, name)
    folder = f"groups/{scope.container.public_id}/"
    archive.add(f"{folder}conversation.json", _conversation(scope))
    own: dict[str, tuple[Table, Collection[uuid.UUID]]] = {
        "memories": (memories, found.memories),
        "messages": (messages, found.messages),
        "photos": (photos, found.photos),
        "reminders": (reminders, found.reminders),
    }
    for kind, (table, ids) in own.items():
        archive.rows(folder, kind, scope.conn.execute(_here(scope, table).where(table.c.id.in_(list(ids)))))
    earlier = _here(scope, memory_history).where(memory_history.c.memory_id.in_(list(found.memories)))
    archive.rows(folder, "versions", scope.conn.execute(earlier))
    pictures: Select[Any] = select(photos.c.id, photos.c.object_id).where(photos.c.container_id == scope.container_id)
    _files(archive, scope.conn, f"{folder}photos/", scope.conn.execute(pictures.where(photos.c.id.in_(list(found.photos)))).all())


def _conversation(scope: Scope) -> bytes:
    container = scope.container
    facts = {"container": str(container.public_id), "kind": container.kind, "persona": container.persona_id, "group": container.chat_guid}
    return (json.dumps(facts, ensure_ascii=False) + "\n").encode()


def _here(scope: Scope, table: Table) -> Select[Any]:
    return select(*_shown(table)).where(table.c.container_id == scope.container_id).order_by(*table.primary_key.columns)


def _shown(table: Table) -> list[Any]:
    return [column for column in table.columns if column.name not in _INTERNAL]


def _manifest(archive: _Archive, user_id: uuid.UUID, *, keys: Keys, actor: Actor) -> None:
    facts = {
        "format": FORMAT,
        "contact": str(user_id),
        "exported_at": dt.datetime.now(dt.UTC).isoformat(),
        "exported_by": actor.name,
        "counts": dict(archive.counts),
        "files": archive.files,
        "missing": archive.missing,
    }
    own = keys.own()
    signature = own.sign(manifest_bytes(facts))
    coded = {"public": base64.b64encode(own.public).decode(), "signature": base64.b64encode(signature).decode()}
    text = json.dumps({"manifest": facts, "key_id": own.id, **coded}, ensure_ascii=False, indent=1)
    archive.zip.writestr("manifest.json", text + "\n")


def manifest_bytes(facts: dict[str, Any]) -> bytes:
    """Return the bytes of a manifest that are signed."""
    return f"{FORMAT}\n".encode() + json.dumps(facts, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _line(row: Row[Any]) -> str:
    facts = {key: _plain(value) for key, value in row._mapping.items() if key not in _INTERNAL}
    return json.dumps(facts, ensure_ascii=False) + "\n"


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.isoformat()
    return str(value) if isinstance(value, uuid.UUID) else value
