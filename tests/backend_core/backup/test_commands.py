"""backup, restore, backups and backup-key from a terminal: one machine to another, by the words of the README."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from tests.command import Answer, call
from tests.lectern import MakeDocument

Ctl = Callable[..., Answer]


@pytest.fixture
def ctl(clean: EmbeddedServer, tmp_path: Path) -> Ctl:
    """Return a function that runs one command on the server of this test process."""
    variables = {
        "LECTERN_HOME": str(clean.cluster.home),
        "LECTERN_OBJECTS": str(tmp_path / "objects"),
        "LECTERN_BACKUP_DIR": str(tmp_path / "backups"),
    }

    def run(*arguments: str) -> Answer:
        return call(*arguments, variables=variables)

    return run


@pytest.fixture
def there(other_home: Path) -> Ctl:
    """Return a function that runs one command on another machine: another home, other files, no key."""

    def run(*arguments: str) -> Answer:
        return call(*arguments, variables={"LECTERN_HOME": str(other_home)})

    return run


@pytest.mark.trace("B84")
def test_one_machine_is_lost_and_another_takes_its_place(
    ctl: Ctl, there: Ctl, backend: Backend, make_document: MakeDocument, run_jobs: Callable[[], None], tmp_path: Path
) -> None:
    document_id = make_document("One short page to speak.", title="Annual report")
    backend.audios.generate(document_id, actor=backend.actor(), voice="local:en-gb")
    run_jobs()
    source, key = tmp_path / "one.lectern-backup", tmp_path / "key.txt"
    spoken = ctl("export", str(document_id), "--format", "mp3", "-o", str(tmp_path / "before.mp3"))
    made = ctl("backup", str(source), "--verify", "--json")
    saved = ctl("backup-key", "save", str(key))
    assert [answer.code for answer in (spoken, made, saved)] == [0, 0, 0]
    assert (made.value["verified"], made.value["objects"], made.value["file"]) == (True, 2, str(source))
    assert "apart from this computer" in saved.out
    refused = there("restore", str(source))
    assert (refused.code, refused.out) == (1, "")
    assert "no backup key" in refused.err
    restored = there("restore", str(source), "--key-file", str(key))
    assert restored.code == 0
    assert "1 documents, 1 audios, 2 files" in restored.out
    assert "The audit log verifies" in restored.out
    assert [row["title"] for row in there("documents", "--json").value] == ["Annual report"]
    assert there("export", str(document_id), "--format", "mp3", "-o", str(tmp_path / "after.mp3")).code == 0
    assert digest(tmp_path / "before.mp3") == digest(tmp_path / "after.mp3")
    assert "backup.restore" in {row["action"] for row in there("audit", "list", "--json").value}
    again = there("restore", str(source))
    assert (again.code, "--replace" in again.err) == (1, True)
    replaced = there("restore", str(source), "--replace", "--json")
    assert (replaced.code, replaced.value["documents"], replaced.value["kept"] is not None) == (0, 1, True)
    undone, listed = there("backups", "undo-restore", "--json"), there("backups", "list", "--json")
    assert (undone.code, listed.code, len(listed.value["kept"])) == (0, 0, 1)
    assert there("backups", "discard-old", "--json").value == {"removed": 1}


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_lists_verifies_and_refuses_in_one_sentence(ctl: Ctl, tmp_path: Path) -> None:
    source = tmp_path / "one"
    assert "No backup yet" in ctl("backups", "list").out
    assert ctl("backup", str(source)).code == 0
    listed = ctl("backups", "list")
    assert "not verified" in listed.out
    content = bytearray(source.read_bytes())
    content[len(content) // 2] ^= 1
    source.write_bytes(content)
    refused = ctl("backups", "verify", str(source))
    assert refused.code == 1
    assert refused.err.startswith("The backup is cut off or was changed, and is not used.")


def test_the_recovery_key_is_shown_and_recognised(ctl: Ctl, tmp_path: Path) -> None:
    shown = ctl("backup-key", "show", "--json").value
    assert shown["identity"].startswith("AGE-SECRET-KEY-1")
    key = tmp_path / "key"
    assert ctl("backup-key", "save", str(key), "--json").value["key_id"] == shown["key_id"]
    assert shown["identity"] in key.read_text(encoding="utf-8")
    wrong = tmp_path / "wrong"
    wrong.write_text("not a key", encoding="utf-8")
    assert "no backup key" in ctl("restore", str(key), "--key-file", str(wrong)).err


@pytest.mark.skipif(sys.platform == "win32" or not hasattr(os, "geteuid"), reason="asks the shell for a usage message")
def test_wrong_usage_is_told_apart(ctl: Ctl) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "backend_core.cli", "backup"], capture_output=True, text=True, check=False, cwd=Path(__file__).parents[3]
    )
    assert done.returncode == 2
    assert "FILE" in done.stderr
