"""The backup key: made once, kept in the vault, handed out in writing, recognised however it is typed."""

from __future__ import annotations

import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from backend_core.backup.keys import BackupKey, BackupKeys, new_key, parse, read_key_file
from backend_core.credentials.vault import Vault
from backend_core.errors import BackupKeyNeeded, InvalidInput, UnreadableFile


def keys_of(home: Path) -> BackupKeys:
    return BackupKeys(Vault(home, find=lambda: None, environ={}), home)


def test_the_first_backup_makes_the_key_and_the_next_ones_use_it(tmp_path: Path) -> None:
    keys = keys_of(tmp_path)
    assert keys.current() is None
    with pytest.raises(BackupKeyNeeded):
        keys.needed()
    made = keys.get_or_make()
    assert keys.get_or_make() == keys_of(tmp_path).needed() == made


@pytest.mark.trace("A15")
def test_first_backups_at_once_use_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: keys_of(tmp_path).get_or_make(), range(8)))
    assert set(made) == {keys_of(tmp_path).needed()}


def test_a_restored_key_is_kept_where_there_is_none_and_never_replaces_one(tmp_path: Path) -> None:
    keys, brought = keys_of(tmp_path), new_key()
    keys.keep(brought)
    assert keys.needed() == brought
    # whoever brought it has it in writing
    assert keys.saved_at() is not None
    keys.keep(new_key())
    assert keys.needed() == brought


def test_a_key_is_recognised_as_people_write_it(tmp_path: Path) -> None:
    key = new_key()
    path = tmp_path / "key"
    path.write_text(key.recovery_text(), encoding="utf-8")
    spaced = " ".join(key.identity.lower()[place : place + 4] for place in range(0, len(key.identity), 4))
    assert {read_key_file(path), parse(spaced), parse(f"my key: {key.identity}".split(": ")[1])} == {key}


@pytest.mark.parametrize("text", ["", "hello", "AGE-SECRET-KEY-1", "AGE-SECRET-KEY-1" + "Q" * 58, "# AGE-SECRET-KEY-1 in a comment"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse(text)


def test_one_wrong_character_is_noticed() -> None:
    identity = new_key().identity
    wrong = identity[:-1] + ("Q" if identity[-1] != "Q" else "P")
    with pytest.raises(InvalidInput, match="wrong or missing"):
        parse(wrong)


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile):
        read_key_file(tmp_path / "missing")


@pytest.mark.trace("A26")
def test_the_secret_is_not_shown_by_accident_and_not_open_to_others(tmp_path: Path) -> None:
    keys = keys_of(tmp_path)
    made = keys.get_or_make()
    assert made.identity not in repr(made) + str(made)
    assert made.identity.removeprefix("AGE-SECRET-KEY-1").lower() not in made.recipient
    if sys.platform != "win32":
        assert not any(stat.S_IMODE(path.stat().st_mode) & 0o077 for path in (tmp_path / "secrets").iterdir())


def test_the_mark_depends_on_content_and_key() -> None:
    one, two = new_key(), BackupKey(new_key().identity)
    assert len({one.sign(b"a"), one.sign(b"b"), two.sign(b"a")}) == 3
    assert one.sign(b"a") == BackupKey(one.identity).sign(b"a")
