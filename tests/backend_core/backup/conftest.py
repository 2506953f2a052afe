"""Fixtures for backups: a small archive without a database, and a profile whose backups go to a folder of the test."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backend_core.backend import Backend, erase_home
from backend_core.backup import archive, swap
from backend_core.backup.keys import BackupKey, new_key
from backend_core.backup.manifest import Manifest, Stored
from backend_core.policy import Actor
from backend_core.settings import Settings
from backend_core.storage.folder import FolderStore, hash_file, key_of
from tests.lectern import MakeDocument

Pack = Callable[..., tuple[Path, Manifest, tuple[str, ...]]]


@pytest.fixture
def key() -> BackupKey:
    """A key."""
    return new_key()


@pytest.fixture
def pack(tmp_path: Path, key: BackupKey) -> Pack:
    """Return a function that writes an archive with the given contents; it returns path, first manifest and damaged hashes."""

    def write(*contents: bytes, dump: bytes = b"PGDMP", lost: int = 0, schema: str = "0001") -> tuple[Path, Manifest, tuple[str, ...]]:
        store = FolderStore(tmp_path / "store")
        source = tmp_path / "source"
        found = []
        for content in contents:
            source.write_bytes(content)
            sha256, size = hash_file(source)
            store.put(source, key=key_of(sha256))
            found.append(Stored(sha256, size))
        for one in found[:lost]:
            store.delete(key_of(one.sha256))
        source.write_bytes(dump)
        manifest = Manifest(
            version="1.0.0",
            schema=schema,
            created_at=dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.UTC),
            database={"server": "1", "name": "lectern"},
            server_version="18",
            store="ab12",
            audit={"rows": 0},
            rows={"documents": 1},
            dump=Stored(*hash_file(source)),
            objects=tuple(sorted(found, key=lambda one: one.sha256)),
        )
        path = tmp_path / "one.lectern-backup"
        with path.open("wb") as file:
            written = archive.write(file, manifest, dump=source, store=store, key=key, tick=lambda _: None)
        return path, manifest, written.damaged

    return write


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """Settings of this test, with a folder for its backups."""
    return settings.model_copy(update={"backup_dir": tmp_path / "backups"})


@pytest.fixture
def other_home(tmp_path: Path) -> Iterator[Path]:
    """A home that does not exist yet; whatever it becomes is gone after the test."""
    home = tmp_path / "another machine" / "home"
    yield home
    swap.discard(home)
    erase_home(home)


@pytest.fixture
def filled(backend: Backend, actor: Actor, make_document: MakeDocument, run_jobs: Callable[[], None]) -> Backend:
    """A backend with two documents, one of them spoken, a changed setting and a second operator."""
    document_id = make_document("One short page.", "Another one.")
    make_document("Third.", title="Other")
    backend.audios.generate(document_id, actor=actor, voice="local:en-gb")
    run_jobs()
    version = backend.house.read(actor).version
    backend.house.update({"retention_months": 9}, version=version, actor=actor)
    backend.access.add("Ana", role="support", actor=actor, password="a long enough passphrase")
    return backend
