"""Fill a database with sample documents: several languages, long and short, and the bundled files through the real import."""

from __future__ import annotations

import datetime as dt
import random
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, insert

from backend_core.backend import Backend, owner_dsn
from backend_core.documents.tables import document_pages, documents
from backend_core.logs import correlated, correlation_id
from backend_core.policy import SUPPORT, SYSTEM, Actor, Target
from backend_core.seed.audit import SIZES as AUDIT_SIZES
from backend_core.seed.audit import seed_audit
from backend_core.seed.audit_events import CAST, Person
from backend_core.seed.chatter import story_names
from backend_core.seed.people import seed_people
from backend_core.seed.prose import LANGUAGES, OWNERS, page, title

SIZES: Final = {"small": 20, "medium": 1_000, "large": 10_000}
SAMPLES: Final = Path(__file__).resolve().parents[2] / "resources" / "samples"
SEED: Final = 20_261_121
BATCH: Final = 50
LONG_EVERY: Final = 10
FEW_PEOPLE: Final = 3

Progress = Callable[..., None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeded:
    """What was added; ``waiting`` are ids of documents whose pages a worker still reads."""

    documents: int
    pages: int
    languages: int
    audit_rows: int
    contacts: int
    conversations: int
    messages: int
    memories: int
    waiting: tuple[int, ...]


def sample_files() -> tuple[Path, ...]:
    """Return the bundled sample documents by name."""
    return tuple(sorted(path for path in SAMPLES.iterdir() if path.suffix in {".pdf", ".docx", ".md", ".txt"}))


def seed(backend: Backend, *, size: str, actor: Actor, progress: Progress) -> Seeded:
    """Add sample documents.

    Args:
        size: ``small`` (20 documents, 2,000 messages, 5,000 audit rows), ``medium`` (1,000; 100,000; 100,000) or ``large``
            (10,000; 1 million; 10 million).
        progress: called with how many are done and how many in all, first of documents, then of messages and audit rows.
    """
    count = SIZES[size]
    rng = random.Random(SEED)  # noqa: S311  # the same sample data every time, no secret depends on it
    owners = [backend.access.ensure(name, role=SUPPORT) for name in OWNERS]
    with correlated():
        waiting = tuple(backend.documents.import_file(path, actor=actor).document.id for path in sample_files())
        pages = 0
        made = len(waiting)
        while made < count:
            batch = min(BATCH, count - made)
            pages += _add(backend, rng, owners, first=made, batch=batch, actor=actor)
            made += batch
            progress(made, count, what="Adding documents")
        crowd = seed_people(backend, size=size, actor=actor, until=dt.datetime.now(dt.UTC), progress=progress)
        _keep_some(backend, waiting, actor=actor)
    rows = _add_events(backend, size=size, progress=progress)
    return Seeded(
        documents=made,
        pages=pages,
        languages=len(LANGUAGES),
        audit_rows=rows,
        contacts=crowd.contacts,
        conversations=crowd.conversations,
        messages=crowd.messages,
        memories=crowd.memories,
        waiting=waiting,
    )


def _keep_some(backend: Backend, ids: Sequence[int], *, actor: Actor) -> None:
    """Keep some of the sample files on behalf of the people of the stories."""
    for document_id, name in zip(ids, story_names(), strict=False):
        for contact in backend.people.contacts(name, actor=actor, limit=1):
            backend.on_behalf.keep_for(document_id, contact.id, actor=actor)


def _add_events(backend: Backend, *, size: str, progress: Progress) -> int:
    """Fill the audit log; in a small one few people act, so that each has something to show."""
    few = FEW_PEOPLE if size == "small" else None
    people = [
        Person(name, role, None if role == SYSTEM else backend.access.ensure(name, role=role))
        for role, names in CAST.items()
        for name in names[:few]
    ]
    owner = owner_dsn(backend.settings)
    now = dt.datetime.now(dt.UTC)
    return seed_audit(backend.database, backend.sealing, owner, count=AUDIT_SIZES[size], people=people, until=now, progress=progress)


def _add(backend: Backend, rng: random.Random, owners: list[int], *, first: int, batch: int, actor: Actor) -> int:
    """Add a batch of documents that are already read, with their stored files; return how many pages they have."""
    pages = 0
    with tempfile.TemporaryDirectory() as folder:
        drafts = [_draft(rng, number) for number in range(first, first + batch)]
        staged = []
        for draft in drafts:
            path = Path(folder) / "sample.txt"
            path.write_text("\f".join(draft["pages"]), encoding="utf-8")
            staged.append((backend.storage.stage(path), path.stat().st_size))
        with backend.database.begin("Add sample documents") as conn:
            for draft, (file, size) in zip(drafts, staged, strict=True):
                object_id = backend.storage.attach(conn, file, content_type="text/plain")
                values = {"owner_id": rng.choice(owners), "object_id": object_id, "size_bytes": size, "kind": "txt", "status": "COMPLETED"}
                pages += _insert(conn, draft, values)
            target = Target(kind="document")
            backend.audit.record(conn, actor=actor, action="document.import", target=target, after={"sample": True, "count": batch})
    return pages


def _draft(rng: random.Random, number: int) -> dict[str, Any]:
    language = LANGUAGES[number % len(LANGUAGES)]
    length = rng.randint(12, 40) if number % LONG_EVERY == 0 else rng.randint(1, 6)
    pages = [page(language, rng, paragraphs=rng.randint(2, 5)) for _ in range(length)]
    return {"title": title(language, rng, number=number), "language": language.code, "pages": pages}


def _insert(conn: Connection, draft: dict[str, Any], values: dict[str, Any]) -> int:
    pages = draft["pages"]
    facts = {
        "title": draft["title"],
        "filename": f"{draft['title']}.txt",
        "language": draft["language"],
        "page_count": len(pages),
        "characters": sum(len(text) for text in pages),
        "correlation_id": correlation_id(),
    }
    document_id = conn.execute(insert(documents).values(values | facts).returning(documents.c.id)).scalar_one()
    rows = [{"document_id": document_id, "number": number, "text": text} for number, text in enumerate(pages, start=1)]
    conn.execute(insert(document_pages), rows)
    return len(pages)
