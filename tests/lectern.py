"""Fixtures over the whole backend: one per test on the shared server, with an object store of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from backend_core.backend import Backend, open_backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.documents.tables import audios, document_pages, documents
from backend_core.memory.choosing import KEYS
from backend_core.notices.outbox import SECRETS as NOTICE_SECRETS
from backend_core.policy import Actor
from backend_core.safety.service import SECRET as MODERATION_KEY
from backend_core.settings import Settings, load_settings
from backend_core.worker import run_once

SAMPLES = Path(__file__).parents[1] / "resources" / "samples"

MakeDocument = Callable[..., int]


def add_documents(backend: Backend, actor: Actor, count: int) -> None:
    """Insert finished documents with a page and an audio row each, straight into the tables."""
    with backend.database.begin("Add") as conn:
        object_id = conn.execute(
            sa.text(
                "INSERT INTO objects (store, key, sha256, bytes, content_type, refs)"
                " VALUES ('x', gen_random_uuid(), 'h', 1, 't', 1) RETURNING id"
            )
        ).scalar_one()
        rows = [
            {
                "owner_id": actor.operator_id, "title": f"Document {n}", "filename": "a.txt", "kind": "txt", "status": "COMPLETED",
                "correlation_id": "x", "size_bytes": 1, "object_id": object_id, "page_count": 1,
            }
            for n in range(count)
        ]  # fmt: skip
        ids = conn.execute(sa.insert(documents).returning(documents.c.id), rows).scalars().all()
        pages = [{"document_id": document_id, "number": 1, "text": "x"} for document_id in ids]
        page_ids = conn.execute(sa.insert(document_pages).returning(document_pages.c.id, document_pages.c.document_id), pages).all()
        spoken = [
            {
                "document_id": row.document_id, "page_id": row.id, "page_revision": 1, "voice": "local:en-gb", "rate": 100, "pitch": 50,
                "status": "COMPLETED", "lifetime": "ACTIVE", "correlation_id": "x", "object_id": object_id, "seconds": 1.5,
                "created_by": actor.operator_id,
            }
            for row in page_ids
        ]  # fmt: skip
        conn.execute(sa.insert(audios), spoken)


@pytest.fixture
def settings(clean: EmbeddedServer, tmp_path: Path) -> Settings:
    """Settings of this test: the shared server, files of its own, no waiting between retries."""
    home = clean.cluster.home
    return load_settings(
        home=home, objects=tmp_path / "objects", pool_size=2, max_overflow=8, pool_timeout_s=10, retry_base_s=0.01, heartbeat_s=0.5,
        stalled_after_s=2.0, record_metrics="nothing",
    )  # fmt: skip


@pytest.fixture
def backend(settings: Settings) -> Iterator[Backend]:
    """An open backend without a document."""
    with open_backend(settings, application="desktop") as opened:
        # the home, and with it the secrets an earlier test kept there, is that of the whole run
        for name in (MODERATION_KEY, *KEYS.values(), *NOTICE_SECRETS.values()):
            opened.credentials.delete(name)
        yield opened


@pytest.fixture
def actor(backend: Backend) -> Actor:
    """The first operator, who is an administrator."""
    return backend.actor()


@pytest.fixture
def run_jobs(backend: Backend, settings: Settings) -> Callable[[], None]:
    """Return a function that runs every waiting job in this process."""

    def run() -> None:
        while backend.jobs.open_count():
            run_once(backend, settings)

    return run


@pytest.fixture
def make_document(backend: Backend, actor: Actor, run_jobs: Callable[[], None], tmp_path: Path) -> MakeDocument:
    """Return a function that imports a text document with the given pages and returns its id."""

    def make(*pages: str, title: str = "Sample") -> int:
        path = tmp_path / f"{title}.txt"
        path.write_text("\f".join(pages or ("One short page to speak.",)), encoding="utf-8")
        document = backend.documents.import_file(path, actor=actor, title=title).document
        run_jobs()
        return document.id

    return make
