"""Fixtures over the whole backend: one per test on the shared server, with an object store of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backend_core.backend import Backend, open_backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.policy import Actor
from backend_core.settings import Settings, load_settings
from backend_core.worker import run_once

SAMPLES = Path(__file__).parents[1] / "resources" / "samples"

MakeDocument = Callable[..., int]


@pytest.fixture
def settings(clean: EmbeddedServer, tmp_path: Path) -> Settings:
    """Settings of this test: the shared server, files of its own, no waiting between retries."""
    home = clean.cluster.home
    return load_settings(
        home=home, objects=tmp_path / "objects", pool_size=2, max_overflow=8, pool_timeout_s=10, retry_base_s=0.01, heartbeat_s=0.5,
        stalled_after_s=2.0,
    )  # fmt: skip


@pytest.fixture
def backend(settings: Settings) -> Iterator[Backend]:
    """An open backend without a document."""
    with open_backend(settings, application="desktop") as opened:
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
