"""The Backup page over a real backend: what it lists, what it warns of, what it makes, and how it says that something failed."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa
from PySide6.QtWidgets import QApplication, QDialog
from pytestqt.qtbot import QtBot

from backend_core.backend import Backend
from backend_core.backup.tables import backups
from backend_core.homes import default_home
from backend_core.policy import Actor
from backend_core.settings import Settings
from desktop.pages.backup.dialogs import KeyDialog, RestoreDialog, in_groups
from desktop.pages.backup.page import BackupPage
from desktop.pages.backup.words import restore_command, state
from tests.desktop.conftest import Desk
from tests.desktop.pages.document_scene import HOSTILE, Switchable, Wait


@dataclass
class Shown:
    """The page and what it asked of the shell."""

    page: BackupPage
    desk: Desk
    backend: Switchable

    @property
    def said(self) -> list[str]:
        """The toasts so far."""
        return [words for words, _ in self.desk.notified]


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    """Settings of this test, with a folder for its backups."""
    return settings.model_copy(update={"backup_dir": tmp_path / "backups"})


@pytest.fixture
def show(
    qtbot: QtBot, page_context: Callable[..., Desk], backend: Backend, actor: Actor, wait_until: Wait
) -> Iterator[Callable[..., Shown]]:
    """Open the page once everything it shall find was made."""
    made: list[Shown] = []
    for name in ("backup-key", "backup-key-saved"):
        backend.credentials.delete(name)

    def open_page(*, away: bool = False) -> Shown:
        switchable = Switchable(backend)
        switchable.away = away
        desk = page_context(switchable, actor=actor)
        desk.context.changes.attach(backend.changes)
        page = BackupPage(desk.context)
        qtbot.addWidget(page)
        page.resize(1228, 846)
        page.show()
        made.append(Shown(page, desk, switchable))
        if not away:
            wait_until(lambda: page.loaded)
        return made[-1]

    yield open_page
    for one in made:
        one.page.hide()
    wait_until(lambda: not any(one.page.context.background.pending for one in made))


def dialog(kind: type[QDialog]) -> QDialog:
    return next(found for found in QApplication.topLevelWidgets() if isinstance(found, kind) and found.isVisible())


def test_an_empty_list_offers_the_first_backup_and_makes_it(show: Callable[..., Shown], wait_until: Wait, flashes: list[str]) -> None:
    shown = show()
    page = shown.page
    assert page.list.empty.action is not None
    assert (page.now.isVisible(), page.overall.text(), page.key_card.save.isVisible()) == (False, "none yet", False)
    page.list.empty.action.click()
    assert page.work is not None
    assert not page.list.empty.action.isEnabled()
    wait_until(lambda: page.work is None and page.list.table.rows, timeout=20)
    assert [state(row) for row in page.list.table.rows] == [("not verified", "unknown")]
    assert shown.said[0].startswith("Backed up: ")
    wait_until(page.now.isVisible)
    assert flashes == ["BackupPage"]


def test_a_backup_is_verified_with_progress_and_then_says_so(
    show: Callable[..., Shown], backend: Backend, actor: Actor, wait_until: Wait
) -> None:
    row = backend.backups.create(actor=actor)
    shown = show()
    page = shown.page
    assert not page.list.verify.isEnabled()
    page.list.table.select_key((row.id, row.file_name))
    page.list.verify.click()
    seen: set[str] = set()

    def finished() -> bool:
        if page.work is not None:
            seen.add(page.work.detail.text())
        return page.work is None

    wait_until(finished, timeout=60)
    wait_until(lambda: state(page.list.table.rows[0]) == ("verified", "ok"))
    assert {"starting a scratch database", "loading it there"} & seen
    assert "nothing is missing" in shown.said[-1]
    assert page.overall.text() == "newest verified"


def test_work_can_be_stopped(show: Callable[..., Shown], backend: Backend, actor: Actor, wait_until: Wait) -> None:
    row = backend.backups.create(actor=actor)
    shown = show()
    page = shown.page
    page.verify(row)
    assert page.work is not None
    wait_until(lambda: page.work is not None and page.work.detail.text())
    page.work.cancel.click()
    wait_until(lambda: page.work is None, timeout=30)
    assert shown.said == []
    assert state(page.list.table.rows[0]) == ("not verified", "unknown")


def test_a_damaged_backup_is_named_in_the_banner(show: Callable[..., Shown], backend: Backend, actor: Actor, wait_until: Wait) -> None:
    row = backend.backups.create(actor=actor)
    content = bytearray(row.path.read_bytes())
    content[-1] ^= 1
    row.path.write_bytes(content)
    shown = show()
    shown.page.verify(row)
    wait_until(lambda: shown.page.work is None, timeout=30)
    wait_until(lambda: "cannot be relied on" in shown.page.banner.words.text())
    assert "cut off or was changed" in shown.said[0]
    assert state(shown.page.list.table.rows[0]) == ("not sound", "bad")
    assert shown.page.overall.text() == "needs attention"


def test_the_page_asks_for_the_recovery_key_to_be_saved_until_it_was(
    show: Callable[..., Shown], backend: Backend, actor: Actor, wait_until: Wait, tmp_path: Path
) -> None:
    backend.backups.create(actor=actor)
    shown = show()
    page = shown.page
    assert "never saved" in page.banner.words.text()
    assert page.key_card.badge.text() == "not saved"
    page.save_key_to(tmp_path / "key")
    wait_until(lambda: not page.banner.isVisible())
    assert "AGE-SECRET-KEY-1" in (tmp_path / "key").read_text(encoding="utf-8")
    assert page.key_card.badge.text().startswith("saved")


@pytest.mark.trace("A19")
def test_the_recovery_key_is_shown_once_and_never_reaches_the_clipboard(
    show: Callable[..., Shown], backend: Backend, actor: Actor, wait_until: Wait
) -> None:
    backend.backups.create(actor=actor)
    identity = backend.backups.recovery_key(actor=actor).identity
    shown = show()
    QApplication.clipboard().clear()
    shown.page.show_key()
    wait_until(lambda: any(isinstance(found, KeyDialog) for found in QApplication.topLevelWidgets()))
    found = dialog(KeyDialog)
    assert isinstance(found, KeyDialog)
    assert found.key.text().replace(" ", "") == identity
    found.kept.click()
    wait_until(lambda: not shown.page.banner.isVisible())
    assert QApplication.clipboard().text() == ""
    assert not any(identity in label.text() for label in shown.page.findChildren(type(found.key)))


def test_restoring_is_explained_with_the_very_command(
    show: Callable[..., Shown], backend: Backend, actor: Actor, tmp_path: Path, wait_until: Wait
) -> None:
    row = backend.backups.create(tmp_path / "it's mine", actor=actor)
    shown = show()
    shown.page.explain_restore(row)
    found = dialog(RestoreDialog)
    assert isinstance(found, RestoreDialog)
    parts = shlex.split(found.command)
    assert parts[-3:] == ["restore", str(row.path), "--replace"]
    assert f"home={backend.settings.home}" in parts
    found.close()
    wait_until(lambda: not found.isVisible())


def test_the_command_names_a_home_or_a_profile_only_where_it_must() -> None:
    usual = default_home()
    path = Path("/b/one")
    assert restore_command(path, home=usual) == "lecternctl restore /b/one --replace"
    assert restore_command(path, home=usual / "profiles" / "team") == "lecternctl --profile team restore /b/one --replace"
    assert restore_command(path, home=Path("/x y")) == "lecternctl --set 'home=/x y' restore /b/one --replace".replace(
        "'home=/x y'", "home='/x y'"
    )


def test_failed_attempts_and_files_elsewhere_are_told_apart(show: Callable[..., Shown], backend: Backend) -> None:
    facts = {"workstation": "ws-mara", "folder": "/srv", "made_by": "Mara", "kind": "manual"}
    with backend.database.begin("Make up") as conn:
        conn.execute(sa.insert(backups), facts | {"file_name": "a", "error_code": "x", "error": f"Full {HOSTILE}"})
        conn.execute(sa.insert(backups), facts | {"file_name": "b", "bytes": 5, "sha256": "x", "rows": 2, "objects": 1})
    shown = show()
    assert {state(row) for row in shown.page.list.table.rows} == {("failed", "bad"), ("not here", "none")}
    for row in shown.page.list.table.rows:
        shown.page.list.table.select_key((row.id, row.file_name))
        assert not shown.page.list.verify.isEnabled()
        assert not shown.page.list.restore.isEnabled()


def test_the_schedule_and_its_warning_are_those_of_the_house(show: Callable[..., Shown], backend: Backend, actor: Actor) -> None:
    backend.house.update({"backup_every_days": 1, "backup_keep": 5}, version=backend.house.read(actor).version, actor=actor)
    page = show().page
    facts = {fact.name: fact.value for fact in page.schedule.facts._facts}
    assert (facts["Made"], facts["Kept"]) == ("every day", "the newest 5")
    assert "LECTERN_BACKUP_DIR" in page.schedule.warning.text()
    page.schedule.settings.click()


@pytest.mark.logs("backup failed")
def test_a_failure_is_a_toast_and_a_row(show: Callable[..., Shown], backend: Backend, actor: Actor, wait_until: Wait) -> None:
    shown = show()
    marker = backend.settings.objects_dir / ".store-id"
    marker.unlink()
    marker.mkdir()
    shown.page.back_up()
    wait_until(lambda: shown.page.work is None and shown.page.list.table.rows, timeout=20)
    assert shown.desk.notified[0][1] == "bad"
    assert state(shown.page.list.table.rows[0]) == ("failed", "bad")
    wait_until(lambda: "The last backup failed" in shown.page.banner.words.text())


def test_without_a_database_the_page_says_so_and_keeps_what_it_showed(
    show: Callable[..., Shown], backend: Backend, actor: Actor, wait_until: Wait
) -> None:
    first = show(away=True)
    wait_until(first.page.error.isVisible)
    first.backend.away = False
    first.page.error.retry.click()
    wait_until(lambda: first.page.loaded)
    backend.backups.create(actor=actor)
    wait_until(lambda: first.page.list.table.rows)
    first.backend.away = True
    first.page.refresh()
    wait_until(lambda: not first.page.context.background.pending)
    assert first.page.loaded
    assert first.page.list.table.rows


def test_a_key_in_groups_is_still_the_key() -> None:
    identity = "AGE-SECRET-KEY-1" + "Q" * 58
    assert in_groups(identity).replace(" ", "") == identity
