"""Stored files: complete or absent, counted, verified at each reading, and swept once nobody needs them."""

from __future__ import annotations

import os
import random
import re
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend_core.backend import Backend, open_backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.errors import DamagedObject, NotFound, StorageFailed, UnreadableFile
from backend_core.settings import Settings
from backend_core.storage.folder import FolderStore, hash_file, key_of
from backend_core.storage.scratch import remove_abandoned
from backend_core.storage.service import Storage

ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
TINY_DISK = "4m"
TEXT = "text/plain"


@pytest.fixture
def storage(backend: Backend) -> Storage:
    """The storage of an empty backend."""
    return backend.storage


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a file to store."""

    def make(content: bytes = b"content", name: str = "upload") -> Path:
        path = tmp_path / name
        path.write_bytes(content)
        return path

    return make


def keep(backend: Backend, path: Path, *, meanwhile: Callable[[], object] = lambda: None) -> int:
    """Store a file with one reference; return the object's id."""
    staged = backend.storage.stage(path)
    meanwhile()
    with backend.database.begin("Keep") as conn:
        return backend.storage.attach(conn, staged, content_type=TEXT)


def let_go(backend: Backend, object_id: int) -> None:
    with backend.database.begin("Let go") as conn:
        backend.storage.release(conn, object_id)


def rows(clean: EmbeddedServer, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(clean.admin_dsn) as conn:
        return conn.execute(query).fetchall()  # type: ignore[call-overload, no-any-return]  # fixed texts of this file


def age(store: FolderStore, seconds: float) -> None:
    """Make every file in the store look older."""
    for path in store.root.glob("??/*"):
        os.utime(path, (time.time() - seconds,) * 2)


def test_an_object_is_read_back_as_it_was_under_the_hash_of_its_content(backend: Backend, write: Callable[..., Path]) -> None:
    object_id = keep(backend, write(b"hello"))
    path = backend.storage.path_of(object_id)
    assert path.read_bytes() == b"hello"
    assert path.relative_to(backend.storage.store.root).as_posix() == key_of(hash_file(path)[0])
    if sys.platform != "win32":
        assert stat.S_IMODE(backend.storage.store.root.stat().st_mode) == 0o700


@pytest.mark.trace("A40")
@given(st.text(alphabet="0123456789abcdef", min_size=64, max_size=64))
def test_no_key_holds_anything_but_letters_digits_and_one_slash(sha256: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9._-]{2}/[A-Za-z0-9._-]{64}", key_of(sha256))


def test_the_same_content_is_stored_once_and_stays_until_the_last_reference_is_gone(
    backend: Backend, write: Callable[..., Path], clean: EmbeddedServer
) -> None:
    first, second = keep(backend, write(b"same", "a")), keep(backend, write(b"same", "b"))
    assert first == second
    assert rows(clean, "SELECT refs FROM objects") == [(2,)]
    let_go(backend, first)
    assert backend.storage.sweep(older_than_s=0).objects == 0
    assert backend.storage.path_of(first).read_bytes() == b"same"
    let_go(backend, first)
    assert backend.storage.sweep(older_than_s=3600).objects == 1
    assert list(backend.storage.store.keys()) == []
    with pytest.raises(NotFound):
        backend.storage.path_of(first)


def test_a_reference_given_up_once_too_often_is_not_counted_below_zero(
    backend: Backend, write: Callable[..., Path], clean: EmbeddedServer
) -> None:
    object_id = keep(backend, write())
    let_go(backend, object_id)
    let_go(backend, object_id)
    assert rows(clean, "SELECT refs FROM objects") == [(0,)]


def test_a_changed_or_missing_file_is_never_handed_out(backend: Backend, write: Callable[..., Path]) -> None:
    object_id = keep(backend, write(b"original"))
    path = backend.storage.path_of(object_id)
    path.write_bytes(b"0riginal")
    with pytest.raises(DamagedObject, match="changed outside"):
        backend.storage.path_of(object_id)
    path.unlink()
    with pytest.raises(DamagedObject, match="missing"):
        backend.storage.path_of(object_id)
    assert backend.storage.orphans()[1] == (path.relative_to(backend.storage.store.root).as_posix(),)


def test_an_upload_that_was_never_used_is_swept_when_it_is_old(storage: Storage, write: Callable[..., Path], clean: EmbeddedServer) -> None:
    storage.stage(write())
    assert storage.sweep(older_than_s=3600).intents == 0
    assert len(list(storage.store.keys())) == 1
    assert storage.sweep(older_than_s=0).intents == 1
    assert list(storage.store.keys()) == []
    assert rows(clean, "SELECT count(*) FROM object_intents") == [(0,)]


def test_an_upload_whose_intent_was_swept_cannot_be_used_any_more(
    backend: Backend, write: Callable[..., Path], clean: EmbeddedServer
) -> None:
    staged = backend.storage.stage(write())
    backend.storage.sweep(older_than_s=0)
    with pytest.raises(StorageFailed), backend.database.begin("Too late") as conn:
        backend.storage.attach(conn, staged, content_type=TEXT)
    assert rows(clean, "SELECT count(*) FROM objects") == [(0,)]
    assert backend.storage.orphans() == ((), ())


def test_files_without_a_row_and_cut_off_uploads_are_swept_when_they_are_old(backend: Backend, write: Callable[..., Path]) -> None:
    store = backend.storage.store
    kept = keep(backend, write(b"kept"))
    stray = store.root / "ab" / ("ab" * 32)
    stray.parent.mkdir(exist_ok=True)
    stray.write_bytes(b"stray")
    partial = store.root / "ab" / ".half.1234"
    partial.write_bytes(b"half")
    assert backend.storage.orphans()[0] == (f"ab/{'ab' * 32}",)
    assert backend.storage.sweep(older_than_s=3600).strays == 0
    age(store, 7200)
    # a second look within the hour would find nothing that the first did not
    assert backend.storage.sweep(older_than_s=3600).strays == 0
    assert Storage(backend.database, store).sweep(older_than_s=3600).strays == 2
    assert backend.storage.path_of(kept).read_bytes() == b"kept"
    assert backend.storage.orphans() == ((), ())


def test_sweeper_and_uploaders_of_the_same_content_never_lose_a_file_that_is_referenced(
    backend: Backend, write: Callable[..., Path], clean: EmbeddedServer
) -> None:
    contents = [write(bytes([number]) * 100, f"same-{number}") for number in range(12)]
    uploaders, rounds = 6, 25
    pause = threading.Event()

    def upload(seed: int) -> int:
        rng = random.Random(seed)
        held: list[int] = []
        for _ in range(rounds):
            try:
                # long enough for the sweeper to pass between upload and use
                held.append(keep(backend, rng.choice(contents), meanwhile=lambda: pause.wait(rng.random() * 0.01)))
            except StorageFailed:
                # the sweeper took the upload for abandoned: it says so, and nothing refers to it
                continue
            assert backend.storage.path_of(held[-1]).is_file()
            if rng.random() < 0.9:
                let_go(backend, held.pop(rng.randrange(len(held))))
        return len(held)

    with ThreadPoolExecutor(uploaders + 1) as pool:
        work = [pool.submit(upload, seed) for seed in range(uploaders)]
        swept = 0
        while not all(job.done() for job in work):
            swept += backend.storage.sweep(older_than_s=0).objects
        held = sum(job.result() for job in work)
    assert rows(clean, "SELECT sum(refs) FROM objects") == [(held,)]
    backend.storage.sweep(older_than_s=0)
    assert backend.storage.orphans() == ((), ())
    assert rows(clean, "SELECT count(*) FROM objects WHERE refs = 0") == [(0,)]
    for (number,) in rows(clean, "SELECT id FROM objects"):
        backend.storage.path_of(int(str(number)))


def test_two_who_open_a_new_folder_at_once_agree_on_its_name(tmp_path: Path) -> None:
    stores = [FolderStore(tmp_path / "shared") for _ in range(16)]
    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(lambda store: store.identity(), stores))) == 1
    assert len(list((tmp_path / "shared").iterdir())) == 1


def test_only_old_scratch_is_removed(tmp_path: Path) -> None:
    assert remove_abandoned(tmp_path / "none", older_than_s=0) == 0
    for name in ("old", "young"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "part").write_bytes(b"x")
    os.utime(tmp_path / "old", (time.time() - 100,) * 2)
    assert remove_abandoned(tmp_path, older_than_s=50) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["young"]


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of four megabytes."""
    if not ROOT or sys.platform != "linux":
        pytest.skip("only root on Linux may mount a small disk")
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", f"size={TINY_DISK}", "tmpfs", str(folder)], check=False)
    if done.returncode:
        pytest.skip("this container may not mount")
    yield folder
    subprocess.run(["/bin/umount", str(folder)], check=True)


def test_a_full_disk_is_said_in_one_sentence_and_loses_nothing(
    settings: Settings, tiny_disk: Path, tmp_path: Path, clean: EmbeddedServer
) -> None:
    with open_backend(settings.model_copy(update={"objects": tiny_disk / "objects"})) as backend:
        actor = backend.actor()
        small, big = tmp_path / "small.txt", tmp_path / "big.txt"
        small.write_text("Small.")
        big.write_text("Big. " * 1_000_000)
        kept = backend.documents.import_file(small, actor=actor).document
        with pytest.raises(StorageFailed) as caught:
            backend.documents.import_file(big, actor=actor)
        assert str(caught.value) == "The disk that holds Lectern's files is full."
        assert backend.documents.listing(actor=actor).total == 1
        assert rows(clean, "SELECT count(*) FROM procrastinate_jobs") == [(1,)]
        assert list(backend.storage.store.partials()) == []
        backend.storage.sweep(older_than_s=0)
        assert backend.storage.orphans() == ((), ())
        # with room again everything works without a restart
        subprocess.run(["/bin/mount", "-o", "remount,size=64m", str(tiny_disk)], check=True)
        assert backend.documents.import_file(big, actor=actor).document.id > kept.id


def test_a_folder_that_cannot_be_used_is_said_in_one_sentence(tmp_path: Path) -> None:
    # a file where the folder should be stops root as well
    (tmp_path / "objects").write_text("in the way")
    store = FolderStore(tmp_path / "objects")
    source = tmp_path / "source"
    source.write_bytes(b"x")
    for use in (store.identity, store.probe, lambda: store.put(source, key="ab/ab")):
        with pytest.raises(StorageFailed) as caught:
            use()
        assert str(tmp_path) not in str(caught.value)


@pytest.mark.skipif(ROOT or sys.platform == "win32", reason="nothing is closed to root")
def test_a_folder_without_rights_is_said_in_one_sentence(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "objects")
    store.identity()
    source = tmp_path / "source"
    source.write_bytes(b"x")
    store.root.chmod(0o500)
    try:
        with pytest.raises(StorageFailed, match="cannot be used"):
            store.put(source, key="ab/ab")
        with pytest.raises(StorageFailed, match="cannot be used"):
            store.probe()
    finally:
        store.root.chmod(0o700)


def test_an_upload_that_fails_leaves_no_file(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "objects")
    store.identity()
    with pytest.raises(StorageFailed):
        store.put(tmp_path, key="ab/cd")
    assert list(store.keys()) == []
    assert list(store.partials()) == []


def test_a_file_that_vanished_before_its_upload_is_said_so(storage: Storage, tmp_path: Path, clean: EmbeddedServer) -> None:
    with pytest.raises(UnreadableFile):
        storage.stage(tmp_path / "gone")
    assert rows(clean, "SELECT count(*) FROM object_intents") == [(0,)]
