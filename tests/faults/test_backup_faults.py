"""Backups and restores killed at every step: a file that is there is whole, and a home is the old one or the new one."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

import backend_core.backup
from backend_core.backend import Backend, erase_home, open_backend
from backend_core.backup import swap, unpack
from backend_core.backup.keys import BackupKeys
from backend_core.settings import load_settings
from tests.faults import backup_children
from tests.faults.harness import points, start

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills with SIGKILL")
STEPS = points(Path(backend_core.backup.__file__).parent)
BACKUP_STEPS = [step for step in STEPS if step.startswith("backup.")]
SWAP_STEPS = ["restore.ready", "restore.decided", "restore.moved_out", "restore.moved_in", "restore.moved"]
LOAD_STEPS = [step for step in STEPS if step.startswith("restore.") and step not in SWAP_STEPS]
NAMES = ("database", "database.pass", "objects")
LIMIT_S = 90.0


def killed(target: Callable[..., None], home: Path, fault: str, *arguments: object) -> bool:
    """Run a child that dies at a step; return whether it got there."""
    child: BaseProcess = start(target, {"LECTERN_HOME": str(home), "LECTERN_FAULT": fault}, *arguments)
    child.join(LIMIT_S)
    assert child.exitcode in {0, -signal.SIGKILL}
    return child.exitcode == -signal.SIGKILL


def test_the_steps_of_this_campaign_are_all_there_are() -> None:
    assert set(BACKUP_STEPS) | set(LOAD_STEPS) | set(SWAP_STEPS) == set(STEPS)
    assert len(BACKUP_STEPS) >= 6
    assert len(LOAD_STEPS) >= 3


@pytest.mark.trace("A77")
def test_a_backup_killed_at_any_step_leaves_a_whole_file_or_none(tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "files"
    folder.mkdir()
    reached = []
    try:
        with open_backend(load_settings(home=home)) as backend:
            text = tmp_path / "text.txt"
            text.write_text("One page.", encoding="utf-8")
            backend.documents.import_file(text, actor=backend.actor())
            for step in BACKUP_STEPS:
                if killed(backup_children.back_up, home, step, folder / step):
                    reached.append(step)
                look_at_files(backend, folder)
            made = backend.backups.create(folder / "last", actor=backend.actor()).path
            look_at_files(backend, folder)
            assert made.exists()
            # whatever was recorded as made is there, the one included that died between record and name
            rows = [row for row in backend.backups.view(actor=backend.actor()).rows if row.error is None]
            assert (
                {row.file_name for row in rows}
                == {path.name for path in folder.iterdir()}
                >= {"last", "backup.recorded", "backup.published"}
            )
        assert not list((home / "scratch").glob("backup-*"))
    finally:
        erase_home(home)
    assert reached == BACKUP_STEPS


def look_at_files(backend: Backend, folder: Path) -> None:
    """Every file that has its name is whole."""
    key = BackupKeys(backend.credentials, backend.settings.home).needed()
    for path in folder.iterdir():
        if not path.name.startswith("."):
            unpack.read(path, key, begin=lambda _: None, open_entry=lambda _: None, tick=lambda _: None)


@pytest.mark.trace("A77")
def test_a_restore_killed_while_it_loads_leaves_the_old_data_and_one_killed_later_the_new(tmp_path: Path) -> None:
    home, source, key_file = tmp_path / "home", tmp_path / "one", tmp_path / "key"
    settings = load_settings(home=home)
    try:
        with open_backend(settings) as backend:
            backend.backups.create(source, actor=backend.actor())
            key_file.write_text(BackupKeys(backend.credentials, home).needed().recovery_text(), encoding="utf-8")
            text = tmp_path / "text.txt"
            text.write_text("One page.", encoding="utf-8")
            backend.documents.import_file(text, actor=backend.actor())
        for step in LOAD_STEPS:
            assert killed(backup_children.bring_back, home, step, source, key_file)
            with open_backend(settings) as backend:
                assert backend.backups.view(actor=backend.actor()).note == swap.REMOVED
                assert whole(backend) == 1
        assert killed(backup_children.bring_back, home, "restore.decided", source, key_file)
        with open_backend(settings) as backend:
            assert backend.backups.view(actor=backend.actor()).note == swap.FINISHED
            assert whole(backend) == 0
        swap.undo(home)
        with open_backend(settings) as backend:
            assert whole(backend) == 1
    finally:
        swap.discard(home)
        erase_home(home)


def whole(backend: Backend) -> int:
    """Return how many documents there are, once each was seen to be complete and nothing else to be left."""
    actor = backend.actor()
    rows = backend.documents.listing(actor=actor).rows
    assert backend.storage.orphans()[1] == ()
    assert not [path for path in backend.settings.home.glob("restore-*") if path.is_dir()]
    assert not (backend.settings.home / swap.JOURNAL).exists()
    return len(rows)


def homes(folder: Path) -> tuple[Path, Path]:
    """Return a home and a newcomer below it, told apart by what their things contain."""
    home = folder / "home"
    new = home / f"{swap.NEW}1"
    for place, content in ((home, "old"), (new, "new")):
        for name in ("database", "objects"):
            (place / name).mkdir(parents=True)
            (place / name / "thing").write_text(content, encoding="utf-8")
        (place / "database.pass").write_text(content, encoding="utf-8")
    return home, new


def contents(home: Path) -> set[str]:
    """Return what the things of a home contain; more than one value is a mixture, none a loss."""
    found = [home / "database" / "thing", home / "database.pass", home / "objects" / "thing"]
    return {path.read_text(encoding="utf-8") if path.exists() else "nothing" for path in found}


FAULTS = [f"{step}:{nth}" for step in SWAP_STEPS for nth in ((1, 2, 3) if step in {"restore.moved_out", "restore.moved_in"} else (1,))]


@pytest.mark.trace("A77")
@pytest.mark.parametrize("fault", FAULTS)
def test_a_swap_killed_at_any_rename_ends_as_the_old_or_the_new(tmp_path: Path, fault: str) -> None:
    home, new = homes(tmp_path)
    assert killed(backup_children.put_in_place, home, fault, home, new)
    undecided = fault == "restore.ready:1"
    # the start that would finish it is killed as well, if it has a rename left to be killed at
    finished = not undecided and not killed(backup_children.go_on, home, "restore.moved_in:1", home)
    assert swap.settle(home) == ("" if finished else swap.REMOVED if undecided else swap.FINISHED)
    assert contents(home) == {"old" if undecided else "new"}
    assert swap.settle(home) == ""
    if undecided:
        assert swap.kept(home) == ()
    else:
        (kept,) = swap.kept(home)
        assert contents(kept) == {"old"}
    assert not new.exists()


def test_renames_that_nobody_wrote_down_leave_a_mixture(tmp_path: Path) -> None:
    """The control of the tests above."""
    home, new = homes(tmp_path)
    (new / "database.path").write_text("x", encoding="utf-8")
    assert killed(backup_children.put_in_place_naively, home, f"{backup_children.NAIVE}:1", home, new)
    assert contents(home) == {"old", "new"}


def test_a_newcomer_that_was_cut_short_is_removed_by_the_next_start(tmp_path: Path) -> None:
    home, new = homes(tmp_path)
    assert swap.settle(home) == swap.REMOVED
    assert not new.exists()
    assert contents(home) == {"old"}


def test_a_restore_that_is_alive_is_not_taken_for_a_dead_one(tmp_path: Path) -> None:
    home, new = homes(tmp_path)
    with swap.alone(home):
        assert swap.settle(home) == ""
        assert new.exists()
