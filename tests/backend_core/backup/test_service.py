"""Making, listing and verifying backups of a real database: recorded, complete or absent, one at a time."""

from __future__ import annotations

import asyncio
import stat
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from backend_core.backend import Backend
from backend_core.backup.making import SUFFIX
from backend_core.backup.records import BackupRow
from backend_core.backup.tables import backups
from backend_core.db.embedded import EmbeddedServer
from backend_core.errors import Cancelled, Conflict, InvalidInput, NotAllowed, ProofNeeded, StorageFailed, UnusableBackup
from backend_core.policy import AUDITOR, SUPPORT, Actor
from backend_core.storage.folder import key_of
from backend_core.storage.service import KEEP_LOCK
from backend_core.worker import Worker, new_loop
from tests.lectern import MakeDocument

EXPECTED = r"backup failed|scheduled backup failed"


def files(backend: Backend) -> list[str]:
    """Return whatever lies in the folder of backups, hidden files too."""
    folder = backend.backups.folder
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def recorded(backend: Backend, action: str) -> list[str]:
    found = backend.audit.latest(actor=backend.system(), limit=500)
    return [row.outcome for row in found if row.action == action]


def test_a_backup_is_recorded_listed_and_private(backend: Backend, actor: Actor, make_document: MakeDocument) -> None:
    make_document("One.", "Two.")
    steps: list[str] = []
    row = backend.backups.create(actor=actor, progress=lambda step, _done, _total: steps.append(step))
    view = backend.backups.view(actor=actor)
    assert view.rows == (row,)
    assert view.last_good == row
    assert (row.kind, row.made_by, row.objects, row.damaged, row.elsewhere) == ("manual", actor.name, 1, 0, 0)
    assert row.bytes == row.path.stat().st_size
    assert row.present
    assert row.ours
    assert files(backend) == [row.file_name]
    assert recorded(backend, "backup.create") == ["done"]
    assert list(dict.fromkeys(steps)) == ["Reading the database", "Writing the backup"]
    assert not list((backend.settings.home / "scratch").glob("backup-*"))
    if sys.platform != "win32":
        assert stat.S_IMODE(row.path.stat().st_mode) == 0o600


def test_a_verified_backup_was_restored_and_compared(backend: Backend, actor: Actor, make_document: MakeDocument) -> None:
    make_document("One.")
    row = backend.backups.create(actor=actor)
    found = backend.backups.verify(row.path, actor=actor)
    assert (found.documents, found.objects, found.rows, found.audit_ok) == (1, 1, row.rows, True)
    assert backend.backups.view(actor=actor).rows[0].verify_ok is True
    assert recorded(backend, "backup.verify") == ["done"]
    assert not list((backend.settings.home / "scratch").glob("verify-*"))


def test_a_damaged_backup_fails_its_verification_and_the_page_knows(backend: Backend, actor: Actor) -> None:
    row = backend.backups.create(actor=actor)
    content = bytearray(row.path.read_bytes())
    content[-1] ^= 1
    row.path.write_bytes(content)
    with pytest.raises(UnusableBackup):
        backend.backups.verify(row.path, actor=actor)
    view = backend.backups.view(actor=actor)
    assert view.rows[0].verify_ok is False
    assert view.last_good is None
    assert "cannot be relied on" in view.problem
    assert backend.backups.health()[0] == "degraded"
    assert recorded(backend, "backup.verify") == ["failed"]


def test_the_name_that_was_given_is_used_and_never_written_over(backend: Backend, actor: Actor, tmp_path: Path) -> None:
    path = tmp_path / "my backup"
    assert backend.backups.create(path, actor=actor).path == path
    before = path.read_bytes()
    with pytest.raises(Conflict, match="already a file"):
        backend.backups.create(path, actor=actor)
    assert path.read_bytes() == before
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(Conflict):
        backend.backups.create(tmp_path / "link", actor=actor)


@pytest.mark.trace("A16")
@pytest.mark.parametrize("name", [".hidden", "x" * 200, "line\nbreak", "missing folder/x"])
def test_a_name_that_cannot_be_used_is_refused(backend: Backend, actor: Actor, tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput):
        backend.backups.create(tmp_path / name, actor=actor)


def test_two_backups_in_one_second_have_two_names(backend: Backend, actor: Actor) -> None:
    rows = [backend.backups.create(actor=actor) for _ in range(2)]
    assert len({row.file_name for row in rows}) == 2


def test_a_stop_leaves_nothing(backend: Backend, actor: Actor, make_document: MakeDocument) -> None:
    make_document("One.")
    seen: list[str] = []

    def stop_while_writing() -> bool:
        return "Writing the backup" in seen

    with pytest.raises(Cancelled):
        backend.backups.create(actor=actor, progress=lambda step, _done, _total: seen.append(step), should_stop=stop_while_writing)
    with pytest.raises(Cancelled):
        backend.backups.create(actor=actor, should_stop=lambda: True)
    assert files(backend) == []
    assert backend.backups.view(actor=actor).rows == ()
    assert not list((backend.settings.home / "scratch").glob("backup-*"))


@pytest.mark.logs(EXPECTED)
def test_a_failure_is_recorded_where_people_look(backend: Backend, actor: Actor, tmp_path: Path) -> None:
    (tmp_path / "backups").write_text("a file where the folder should be", encoding="utf-8")
    with pytest.raises(StorageFailed):
        backend.backups.create(actor=actor)
    (tmp_path / "backups").unlink()
    (tmp_path / "backups").mkdir()
    damaged = tmp_path / "objects" / ".store-id"
    damaged.unlink()
    damaged.mkdir()
    with pytest.raises(StorageFailed):
        backend.backups.create(actor=actor)
    view = backend.backups.view(actor=actor)
    assert [row.error is not None for row in view.rows] == [True]
    assert view.problem.startswith("The last backup failed")
    assert recorded(backend, "backup.create") == ["failed"]
    assert files(backend) == []


def test_an_object_that_was_damaged_before_does_not_stop_the_backup(backend: Backend, actor: Actor, make_document: MakeDocument) -> None:
    make_document("One.", title="a")
    make_document("Two.", title="b")
    found = next(backend.settings.objects_dir.glob("??/*"))
    found.write_bytes(b"damaged")
    row = backend.backups.create(actor=actor)
    assert (row.objects, row.damaged) == (1, 1)
    assert backend.backups.verify(row.path, actor=actor).missing == 1


@pytest.mark.trace("A90")
def test_of_two_backups_at_once_one_is_refused(backend: Backend, actor: Actor) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def hold(_step: str, _done: int, _total: int) -> None:
        inside.set()
        assert go_on.wait(20)

    first = threading.Thread(target=lambda: backend.backups.create(actor=actor, progress=hold))
    first.start()
    try:
        assert inside.wait(20)
        with pytest.raises(Conflict, match="Another backup"):
            backend.backups.create(actor=actor)
    finally:
        go_on.set()
        first.join()
    assert len(backend.backups.view(actor=actor).rows) == 1


@pytest.mark.trace("A90")
def test_what_is_purged_while_a_backup_runs_is_still_in_it(backend: Backend, actor: Actor, make_document: MakeDocument) -> None:
    document_id = make_document("One.")
    file = next(backend.settings.objects_dir.glob("??/*"))
    purged: list[bool] = []

    def purge(step: str, _done: int, _total: int) -> None:
        if step == "Writing the backup" and not purged:
            title = backend.documents.get(document_id, actor=actor).title
            backend.documents.delete(document_id, actor=actor, typed_title=title)
            backend.documents.purge(older_than_s=0)
            backend.storage.sweep(older_than_s=0)
            purged.append(file.exists())

    row = backend.backups.create(actor=actor, progress=purge)
    assert purged == [True]
    assert (row.objects, row.damaged) == (1, 0)
    # the control: without a backup under way the same sweep removes it
    backend.storage.sweep(older_than_s=0)
    assert not file.exists()
    assert backend.backups.verify(row.path, actor=actor).documents == 1


@pytest.mark.trace("A90")
def test_a_backup_waits_for_a_removal_that_has_begun(backend: Backend, actor: Actor, clean: EmbeddedServer) -> None:
    with psycopg.connect(clean.admin_dsn) as sweeper:
        # lock: stands for a sweeper in the middle of a removal
        sweeper.execute("SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0))", (KEEP_LOCK,))
        making = threading.Thread(target=lambda: backend.backups.create(actor=actor))
        making.start()
        making.join(0.5)
        assert making.is_alive()
        assert backend.backups.view(actor=actor).rows == ()
        sweeper.rollback()
        making.join(20)
    assert len(backend.backups.view(actor=actor).rows) == 1


@pytest.mark.parametrize(("role", "may_look"), [(SUPPORT, False), (AUDITOR, True)])
def test_only_administrators_make_backups_and_see_the_key(backend: Backend, actor: Actor, role: str, may_look: bool) -> None:
    other = replace(actor, role=role)
    for forbidden in (
        lambda: backend.backups.create(actor=other),
        lambda: backend.backups.verify(Path("x"), actor=other),
        lambda: backend.backups.recovery_key(actor=other),
        lambda: backend.backups.save_recovery_key(Path("x"), actor=other),
        lambda: backend.backups.confirm_key_kept(actor=other),
        lambda: backend.backups.allow_restore(actor=other),
    ):
        with pytest.raises(NotAllowed):
            forbidden()
    if may_look:
        assert backend.backups.view(actor=other).rows == ()
    else:
        with pytest.raises(NotAllowed):
            backend.backups.view(actor=other)


def test_the_key_is_shown_only_to_somebody_who_has_just_proven_who_they_are(backend: Backend, actor: Actor) -> None:
    stale = replace(actor, proven_until=None)
    for asked in (backend.backups.recovery_key, backend.backups.create, backend.backups.allow_restore):
        with pytest.raises(ProofNeeded):
            asked(actor=stale)


def test_the_recovery_key_is_asked_for_until_somebody_took_it(backend: Backend, actor: Actor, tmp_path: Path) -> None:
    backend.credentials.delete("backup-key-saved")
    backend.backups.create(actor=actor)
    assert backend.backups.view(actor=actor).key_saved_at is None
    shown = backend.backups.recovery_key(actor=actor)
    assert backend.backups.view(actor=actor).key_saved_at is None
    path = tmp_path / "key"
    assert backend.backups.save_recovery_key(path, actor=actor) == shown.key_id == backend.backups.view(actor=actor).key_id
    assert shown.identity in path.read_text(encoding="utf-8")
    assert shown.identity not in repr(shown)
    assert backend.backups.view(actor=actor).key_saved_at is not None
    assert len(recorded(backend, "backup.key")) == 2
    with pytest.raises(Conflict):
        backend.backups.save_recovery_key(path, actor=actor)
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_is_not_recorded_is_listed_as_unknown(backend: Backend, actor: Actor) -> None:
    row = backend.backups.create(actor=actor)
    with backend.database.begin("Forget") as conn:
        conn.execute(sa.delete(backups))
    (found,) = backend.backups.view(actor=actor).rows
    assert (found.file_name, found.kind, found.rows, found.verify_ok) == (row.file_name, "found", None, None)


def test_a_backup_that_was_moved_away_no_longer_counts(backend: Backend, actor: Actor) -> None:
    row = backend.backups.create(actor=actor)
    row.path.unlink()
    view = backend.backups.view(actor=actor)
    assert not view.rows[0].present
    assert view.last_good is None


def age(backend: Backend, days: float) -> None:
    """Make everything that was recorded so far older."""
    with backend.database.begin("Age") as conn:
        for name, column in (("backups", "at"), ("backups", "verified_at"), ("operators", "created_at")):
            conn.execute(sa.text(f"UPDATE {name} SET {column} = {column} - make_interval(secs => :s)"), {"s": days * 86_400})


def kept(backend: Backend, actor: Actor) -> list[BackupRow]:
    return [row for row in backend.backups.view(actor=actor).rows if row.present]


def test_the_duty_makes_verifies_and_removes_as_the_house_wants(backend: Backend, actor: Actor) -> None:
    state = backend.house.read(actor)
    backend.house.update({"backup_every_days": 1, "backup_keep": 2}, version=state.version, actor=actor)

    def on_duty() -> None:
        backend.backups.duty(actor=backend.system(), should_stop=lambda: False)

    on_duty()
    assert kept(backend, actor) == []
    for made in range(1, 5):
        age(backend, 1.1)
        on_duty()
        on_duty()
        assert len(kept(backend, actor)) == min(made, 3 if made > 2 else 2)
    # one verified within a week, which stays beside the two newest
    assert [row.verify_ok for row in kept(backend, actor)] == [None, None, True]
    assert {row.kind for row in kept(backend, actor)} == {"scheduled"}
    assert files(backend) == sorted(row.file_name for row in kept(backend, actor))


@pytest.mark.logs(EXPECTED)
def test_a_duty_that_fails_says_so_and_tries_again_an_hour_later(backend: Backend, actor: Actor, tmp_path: Path) -> None:
    age(backend, 30)
    (tmp_path / "backups").mkdir()
    marker = tmp_path / "objects" / ".store-id"
    kept_id = marker.read_bytes()
    marker.unlink()
    marker.mkdir()
    for _ in range(3):
        backend.backups.duty(actor=backend.system(), should_stop=lambda: False)
    assert len(backend.backups.view(actor=actor).rows) == 1
    assert "failed" in backend.backups.view(actor=actor).problem
    marker.rmdir()
    marker.write_bytes(kept_id)
    age(backend, 0.05)
    backend.backups.duty(actor=backend.system(), should_stop=lambda: False)
    assert [row.error is None for row in backend.backups.view(actor=actor).rows] == [True, False]
    assert backend.backups.view(actor=actor).problem == ""


@pytest.mark.trace("A90")
def test_of_several_workers_on_duty_one_makes_the_backup(backend: Backend, actor: Actor) -> None:
    age(backend, 30)
    threads = [threading.Thread(target=lambda: backend.backups.duty(actor=backend.system(), should_stop=lambda: False)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(backend.backups.view(actor=actor).rows) == 1


def test_a_worker_is_on_duty_and_stops_when_it_is_told(backend: Backend, actor: Actor) -> None:
    age(backend, 30)

    async def work() -> None:
        duty = asyncio.create_task(Worker(backend, backend.settings)._back_up_for_ever(every_s=0.01))
        deadline = time.monotonic() + 30
        while not kept(backend, actor) and time.monotonic() < deadline:
            await asyncio.sleep(0.05)
        duty.cancel()
        await asyncio.wait({duty})

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(work())
    assert [row.kind for row in kept(backend, actor)] == ["scheduled"]


def test_the_name_of_a_scheduled_backup_can_be_recognised(backend: Backend, actor: Actor) -> None:
    row = backend.backups.create(actor=actor)
    assert row.file_name.startswith("lectern-")
    assert row.file_name.endswith(SUFFIX)


def test_nobody_outside_sees_the_content(backend: Backend, actor: Actor, make_document: MakeDocument) -> None:
    make_document("The canary sentence nobody may read.")
    row = backend.backups.create(actor=actor)
    content = row.path.read_bytes()
    assert content.startswith(b"age-encryption.org/v1\n")
    for word in (b"canary", b"PGDMP", b"manifest", b"ustar"):
        assert word not in content


def test_objects_of_other_computers_are_counted_and_not_missed(
    backend: Backend, actor: Actor, clean: EmbeddedServer, make_document: MakeDocument
) -> None:
    make_document("One.")
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO objects (store, key, sha256, bytes, content_type, refs) VALUES ('feed', %s, %s, 1, 't', 1)",
            (key_of("a" * 64), "a" * 64),
        )
    row = backend.backups.create(actor=actor)
    assert (row.objects, row.elsewhere) == (1, 1)
