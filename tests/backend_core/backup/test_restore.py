"""The way back: on another machine, in the place of what is there, on a shared server; and everything that is refused."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from backend_core.access.tables import auth_session
from backend_core.audit.keys import Keys
from backend_core.audit.sealer import Sealer
from backend_core.audit.tables import audit_event
from backend_core.backend import Backend, conclude_restore, open_backend
from backend_core.backup import swap
from backend_core.backup.conclude import verify_log
from backend_core.backup.keys import BackupKey, BackupKeys, new_key
from backend_core.backup.making import Meter
from backend_core.backup.restore import Verdict, restore
from backend_core.credentials.vault import Vault
from backend_core.db import embedded, migrate
from backend_core.errors import Cancelled, Conflict, NotFound, StorageFailed, UnusableBackup
from backend_core.policy import Actor
from backend_core.settings import Settings, load_settings
from tests.backend_core.backup.conftest import Pack
from tests.backend_core.backup.scene import SOMEBODY, bring_back, key_of_profile, whole
from tests.lectern import MakeDocument


@pytest.mark.trace("A16")
def test_everything_comes_back_on_another_machine(filled: Backend, actor: Actor, other_home: Path, tmp_path: Path) -> None:
    before = whole(filled)
    assert len(before["played"]) == 2  # type: ignore[arg-type]  # a list
    source = tmp_path / "one"
    filled.backups.create(source, actor=actor)
    settings = load_settings(home=other_home)
    done = bring_back(source, settings, key_of_profile(filled))
    assert (done.documents, done.audios, done.kept, done.audit.ok) == (2, 2, None, True)
    with open_backend(settings) as restored:
        after = whole(restored)
        last = restored.audit.latest(actor=restored.actor(), limit=1)[0]
        log = after.pop("log")
        assert after == {name: value for name, value in before.items() if name != "log"}
        # the log is what it was, and goes on with who brought it back
        assert log[: len(before["log"])] == before["log"]  # type: ignore[index,arg-type]  # lists
        found = [row for row in log[len(before["log"]) :] if row[1] == "backup.restore"]  # type: ignore[index,arg-type]  # lists
        assert [(row[1], row[2]) for row in found] == [("backup.restore", "somebody")]
        assert last.actor in {"somebody", restored.actor().name}
        assert restored.storage.orphans() == ((), ())
        assert restored.jobs.queue == filled.jobs.queue


def test_the_seals_of_the_audit_log_go_on_after_a_restore_on_another_machine(
    filled: Backend, actor: Actor, other_home: Path, tmp_path: Path
) -> None:
    keys = Keys(filled.credentials)
    assert Sealer(filled.database, keys).seal() > 0
    source = tmp_path / "one"
    filled.backups.create(source, actor=actor)
    assert Sealer(filled.database, keys).seal() > 0
    assert verify_log(filled.database) == Verdict(ok=True, rows=count(filled))
    settings = load_settings(home=other_home)
    done = bring_back(source, settings, key_of_profile(filled))
    assert done.audit.ok
    with open_backend(settings) as restored:
        with restored.database.begin("Look") as conn:
            found = conn.execute(sa.text("SELECT generation FROM audit_generation ORDER BY 1")).scalars().all()
        assert list(found) == [1, 2]
        restored.house.update({"retention_months": 10}, version=restored.house.read(restored.actor()).version, actor=restored.actor())
        assert Sealer(restored.database, Keys(restored.credentials)).seal() > 0
        assert verify_log(restored.database) == Verdict(ok=True, rows=count(restored))
        # the control: the same log with a row that somebody changed does not verify
        with psycopg.connect(embedded.ensure_running(other_home).admin_dsn, autocommit=True) as admin:
            admin.execute("SET session_replication_role = replica")
            admin.execute("UPDATE audit_event SET actor = 'somebody else' WHERE id = (SELECT min(id) FROM audit_event)")
        assert not verify_log(restored.database).ok


def count(backend: Backend) -> int:
    with backend.database.begin("Count") as conn:
        return int(conn.execute(sa.select(sa.func.count()).select_from(audit_event)).scalar_one())


def test_a_log_whose_keys_nobody_here_can_vouch_for_says_so(filled: Backend, actor: Actor, other_home: Path, tmp_path: Path) -> None:
    """The control of the test above: without a key that was vouched for before, new seals are noticed."""
    Sealer(filled.database, Keys(filled.credentials)).seal()
    source = tmp_path / "one"
    filled.backups.create(source, actor=actor)
    settings = load_settings(home=other_home)
    key = key_of_profile(filled)
    stranger = conclude_restore(SOMEBODY, new_key(), Vault(settings.home))
    done = restore(source, settings, key, replace=False, conclude=stranger, meter=Meter(None, None))
    assert not done.audit.ok
    assert any("introduced itself" in problem for problem in done.audit.problems)


def test_a_home_that_was_restored_makes_backups_that_the_same_key_opens(
    backend: Backend, actor: Actor, other_home: Path, tmp_path: Path
) -> None:
    source = tmp_path / "one"
    backend.backups.create(source, actor=actor)
    key = key_of_profile(backend)
    settings = load_settings(home=other_home)
    bring_back(source, settings, key)
    BackupKeys(Vault(settings.home), settings.home).keep(key)
    with open_backend(settings) as restored:
        row = restored.backups.create(actor=restored.actor())
        assert row.ours
        assert restored.backups.view(actor=restored.actor()).key_id == key.key_id


def test_what_is_there_is_replaced_only_when_that_was_said_and_comes_back_when_asked(
    backend: Backend, actor: Actor, make_document: MakeDocument, other_home: Path, tmp_path: Path
) -> None:
    make_document("One.", title="In the backup")
    source = tmp_path / "one"
    backend.backups.create(source, actor=actor)
    key = key_of_profile(backend)
    settings = load_settings(home=other_home)
    titles = {}
    bring_back(source, settings, key)
    with open_backend(settings) as there:
        document = there.documents.listing(actor=there.actor()).rows[0]
        there.documents.rename(document.id, "Renamed since", actor=there.actor(), version=document.version)
    with pytest.raises(Conflict, match="--replace"):
        bring_back(source, settings, key)
    done = bring_back(source, settings, key, replace=True)
    assert done.kept is not None
    assert swap.kept(other_home) == (done.kept,)
    for moment in ("restored", "undone", "undone again"):
        with open_backend(settings) as there:
            titles[moment] = there.documents.listing(actor=there.actor()).rows[0].title
            assert there.storage.orphans() == ((), ())
        if moment != "undone again":
            swap.undo(other_home)
    assert titles == {"restored": "In the backup", "undone": "Renamed since", "undone again": "In the backup"}
    assert swap.discard(other_home) == 1
    assert swap.kept(other_home) == ()
    with pytest.raises(NotFound):
        swap.undo(other_home)


def test_a_home_in_use_is_left_alone(backend: Backend, actor: Actor, other_home: Path, tmp_path: Path) -> None:
    source = tmp_path / "one"
    backend.backups.create(source, actor=actor)
    settings = load_settings(home=other_home)
    bring_back(source, settings, key_of_profile(backend))
    with another_program(other_home), pytest.raises(Conflict, match="in use by lectern-desktop"):
        bring_back(source, settings, key_of_profile(backend), replace=True)
    with open_backend(settings) as there:
        assert there.actor().role == "admin"


@contextmanager
def another_program(home: Path) -> Iterator[None]:
    """Hold a connection as a window would, from a process that does not exist."""
    server = embedded.ensure_running(home)
    with psycopg.connect(server.admin_dsn, application_name="lectern-desktop@ws:1"):
        yield


def untouched(settings: Settings) -> None:
    """Check that a refused restore left neither files nor a server."""
    left = sorted(path.name for path in settings.home.iterdir()) if settings.home.is_dir() else []
    assert set(left) <= {"restore.lock", "secrets"}


@pytest.mark.parametrize("fault", ["flipped", "cut off", "other key", "no backup", "newer"])
def test_a_backup_that_cannot_be_used_changes_nothing(
    backend: Backend, actor: Actor, other_home: Path, tmp_path: Path, fault: str, pack: Pack, key: BackupKey
) -> None:
    source = tmp_path / "one"
    backend.backups.create(source, actor=actor)
    opened = key_of_profile(backend)
    content = bytearray(source.read_bytes())
    if fault == "flipped":
        content[len(content) // 2] ^= 1
    elif fault == "cut off":
        content = content[:-1]
    elif fault == "other key":
        opened = new_key()
    elif fault == "no backup":
        content = bytearray(b"%PDF-1.7")
    source.write_bytes(content)
    if fault == "newer":
        source, _, _ = pack(b"x", schema="9999")
        opened = key
    settings = load_settings(home=other_home)
    with pytest.raises(UnusableBackup) as refused:
        bring_back(source, settings, opened)
    assert "newer version" in str(refused.value) or fault != "newer"
    untouched(settings)


def test_a_backup_whose_rows_are_not_those_it_names_is_refused(
    backend: Backend, actor: Actor, other_home: Path, tmp_path: Path, pack: Pack, key: BackupKey
) -> None:
    dump = tmp_path / "dump"
    real = tmp_path / "one"
    backend.backups.create(real, actor=actor)
    from backend_core.backup import unpack

    opened = key_of_profile(backend)
    unpack.read(
        real,
        opened,
        begin=lambda _: None,
        open_entry=lambda name: dump.open("wb") if name == "database.dump" else None,
        tick=lambda _: None,
    )
    # a manifest made with the key itself, but for another database
    source, _, _ = pack(dump=dump.read_bytes(), schema=migrate.head())
    settings = load_settings(home=other_home)
    with pytest.raises(UnusableBackup, match="rows that the backup names"):
        bring_back(source, settings, key)
    untouched(settings)


test_a_backup_whose_rows_are_not_those_it_names_is_refused = pytest.mark.logs("restored rows differ")(
    test_a_backup_whose_rows_are_not_those_it_names_is_refused
)


def test_a_stop_at_any_step_changes_nothing(backend: Backend, actor: Actor, other_home: Path, tmp_path: Path) -> None:
    source = tmp_path / "one"
    backend.backups.create(source, actor=actor)
    settings = load_settings(home=other_home)
    steps: list[str] = []
    wanted = ["Reading the backup", "Stopping the database"]
    for step in wanted:
        seen: list[str] = []
        meter = Meter(lambda name, _done, _total, seen=seen: seen.append(name), lambda step=step, seen=seen: step in seen)
        with pytest.raises(Cancelled):
            bring_back(source, settings, key_of_profile(backend), meter=meter)
        untouched(settings)
        steps += seen
    assert set(steps) == {*wanted, "Starting a database", "Loading the database"}


FULL = """
import resource, sys
from pathlib import Path
from backend_core.backend import conclude_restore
from backend_core.backup.keys import read_key_file
from backend_core.backup.making import Meter
from backend_core.backup.restore import restore
from backend_core.credentials.vault import Vault
from backend_core.errors import StorageFailed
from backend_core.policy import SYSTEM, Actor
from backend_core.settings import load_settings
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
actor = Actor(operator_id=None, name="x", role=SYSTEM, workstation="x")
key, home = read_key_file(Path(sys.argv[2])), Path(sys.argv[3])
try:
    restore(Path(sys.argv[1]), load_settings(home=home), key, replace=False,
            conclude=conclude_restore(actor, key, Vault(home)), meter=Meter(None, None))
except StorageFailed as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the limit that stands for a full disk is POSIX")
def test_a_disk_that_fills_in_the_middle_changes_nothing(pack: Pack, key: BackupKey, other_home: Path, tmp_path: Path) -> None:
    source, _, _ = pack(os.urandom(200_000), os.urandom(500_000))
    key_file = tmp_path / "key"
    key_file.write_text(key.recovery_text(), encoding="utf-8")
    command = [sys.executable, "-c", FULL, str(source), str(key_file), str(other_home)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[3])
    assert done.stdout == "The disk is full; nothing was changed.\n", done.stderr
    untouched(load_settings(home=other_home))


def test_a_backup_larger_than_the_disk_is_refused_before_anything_is_written(
    pack: Pack, key: BackupKey, other_home: Path, tmp_path: Path
) -> None:
    free = shutil.disk_usage(tmp_path).free
    dump = tmp_path / "sparse"
    with dump.open("wb") as file:
        file.truncate(1)
    from backend_core.backup import staging

    _, manifest, _ = pack(b"x")
    large = replace(manifest, dump=replace(manifest.dump, bytes=free))
    with pytest.raises(StorageFailed, match="GiB free"):
        staging._refuse_too_large(large, tmp_path, keep_objects=True)


def test_sessions_end_with_the_restore(filled: Backend, actor: Actor, other_home: Path, tmp_path: Path) -> None:
    filled.access.sign_in("Ana", "a long enough passphrase")
    source = tmp_path / "one"
    filled.backups.create(source, actor=actor)
    settings = load_settings(home=other_home)
    bring_back(source, settings, key_of_profile(filled))
    with open_backend(settings) as restored, restored.database.begin("Look") as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(auth_session)).scalar_one() == 1
        alive = sa.select(sa.func.count()).select_from(auth_session).where(auth_session.c.revoked_at.is_(None))
        assert conn.execute(alive).scalar_one() == 0


def test_files_kept_outside_the_home_are_added_and_found(filled: Backend, actor: Actor, other_home: Path, tmp_path: Path) -> None:
    before = whole(filled)
    source = tmp_path / "one"
    filled.backups.create(source, actor=actor)
    shared = tmp_path / "shared"
    (shared / "ab").mkdir(parents=True)
    (shared / ".store-id").write_text("feedfeedfeedfeed", encoding="ascii")
    settings = load_settings(home=other_home, objects=shared)
    bring_back(source, settings, key_of_profile(filled))
    with open_backend(settings) as restored:
        assert restored.storage.identity == "feedfeedfeedfeed"
        assert whole(restored)["played"] == before["played"]
        assert restored.storage.orphans() == ((), ())
