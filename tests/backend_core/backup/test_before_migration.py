"""Older tables: backed up before they are changed, and restored from an older backup."""

from __future__ import annotations

import secrets
from pathlib import Path

import psycopg
import pytest

from backend_core.backend import erase_home, open_backend
from backend_core.backup import dump, unpack
from backend_core.backup.dump import Endpoint
from backend_core.backup.keys import BackupKey
from backend_core.db import embedded, migrate
from backend_core.db.roles import OWNER
from backend_core.errors import StorageFailed
from backend_core.settings import load_settings
from tests.backend_core.backup.scene import bring_back, key_of_profile


def test_old_tables_are_backed_up_before_they_are_changed(tmp_path: Path) -> None:
    home = tmp_path / "old"
    try:
        server = embedded.ensure_running(home)
        migrate.upgrade(server.dsn(OWNER), target="0002")
        with psycopg.connect(server.admin_dsn, autocommit=True) as conn:
            conn.execute("INSERT INTO operators (name, os_user, role) VALUES ('Old hand', 'nobody-here', 'admin')")
        settings = load_settings(home=home)
        with open_backend(settings) as opened:
            rows = opened.backups.view(actor=opened.system()).rows
            made = [row.action for row in opened.audit.latest(actor=opened.system()) if row.action == "backup.create"]
            key = key_of_profile(opened)
        assert [(row.kind, row.schema_revision, row.present) for row in rows] == [("migration", "0002", True)]
        assert rows[0].file_name.startswith("before-0002-")
        assert made == ["backup.create"]
        assert rows_in_the_dump_of(rows[0].path, key, tmp_path) == ["Old hand"]
    finally:
        erase_home(home)


def rows_in_the_dump_of(source: Path, key: BackupKey, folder: Path) -> list[str]:
    """Restore the backup as it is, without bringing its tables to this version, and return the operators in it."""
    plain = folder / f"dump-{secrets.token_hex(4)}"
    unpack.read(
        source,
        key,
        begin=lambda _: None,
        open_entry=lambda name: plain.open("wb") if name == "database.dump" else None,
        tick=lambda _: None,
    )
    home = folder / "scratch home"
    try:
        server = embedded.ensure_running(home)
        dump.load(Endpoint(server.admin_dsn), plain, alive=lambda: None)
        assert migrate.current(server.admin_dsn) == "0002"
        with psycopg.connect(server.admin_dsn) as conn:
            return [row[0] for row in conn.execute("SELECT name FROM operators").fetchall()]
    finally:
        erase_home(home)


@pytest.mark.logs("no backup, no migration")
def test_without_a_backup_the_tables_stay_as_they_are(tmp_path: Path) -> None:
    home = tmp_path / "old"
    try:
        server = embedded.ensure_running(home)
        migrate.upgrade(server.dsn(OWNER), target="0002")
        (home / "backups").write_text("a file where the folder should be", encoding="utf-8")
        with pytest.raises(StorageFailed):
            open_backend(load_settings(home=home))
        assert migrate.current(server.dsn(OWNER)) == "0002"
    finally:
        erase_home(home)


def test_an_empty_database_is_set_up_without_a_backup(tmp_path: Path) -> None:
    home = tmp_path / "fresh"
    try:
        with open_backend(load_settings(home=home)) as opened:
            assert opened.backups.view(actor=opened.system()).rows == ()
        assert not (home / "backups").exists()
    finally:
        erase_home(home)


def test_a_backup_of_older_tables_is_brought_to_this_version(tmp_path: Path, other_home: Path) -> None:
    home = tmp_path / "old"
    try:
        server = embedded.ensure_running(home)
        migrate.upgrade(server.dsn(OWNER), target="0002")
        with open_backend(load_settings(home=home)) as opened:
            source = opened.backups.view(actor=opened.system()).rows[0].path
            key = key_of_profile(opened)
        settings = load_settings(home=other_home)
        assert bring_back(source, settings, key).schema == "0002"
        with open_backend(settings) as restored:
            assert [row.action for row in restored.audit.latest(actor=restored.system())] == ["backup.restore"]
    finally:
        erase_home(home)
