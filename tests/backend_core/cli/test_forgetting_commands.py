"""memory forget, boundaries, receipt and people export, erase from a terminal."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from backend_core.cli.__main__ import main
from backend_core.settings import Settings

Run = Callable[..., tuple[int, str, str]]
SAGE = ("--direct", "+4915112345678", "sage")
PEOPLE = (
    {"type": "contact", "phone": "+4915112345678", "name": "Lena Schneider"},
    {"type": "persona", "id": "sage", "name": "Sage"},
    {"type": "message", "phone": "+4915112345678", "persona": "sage", "text": "hello", "at": "2026-11-02T09:00:00Z"},
)


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Return a function that runs lecternctl on the test server, where Lena talks with Sage."""
    monkeypatch.setenv("LECTERN_HOME", str(settings.home))
    monkeypatch.setenv("LECTERN_OBJECTS", str(settings.objects_dir))

    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(list(arguments))
        said = capsys.readouterr()
        return code, said.out, said.err

    path = tmp_path / "people.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in PEOPLE), encoding="utf-8")
    assert call("conversations", "import", str(path))[0] == 0
    for text in ("Lena likes tea", "Lena has a bicycle"):
        assert call("memory", "add", *SAGE, text)[0] == 0
    return call


def test_a_topic_is_shown_forgotten_restored_and_erased(run: Run, tmp_path: Path) -> None:
    topic = ("--about", "the bicycle")
    code, _, err = run("memory", "forget", *SAGE, *topic, "--preview")
    assert (code, "reason" in err) == (1, True)
    code, out, _ = run("memory", "forget", *SAGE, *topic, "--preview", "--reason", "ticket 7")
    assert code == 0
    assert "Lena has a bicycle" in out
    assert "Lena likes tea" not in out
    code, out, _ = run("memory", "forget", *SAGE, *topic, "--json")
    done = json.loads(out)
    assert (code, done["counts"]["memories"], done["hard"], done["receipt"]) == (0, 1, False, None)
    code, out, _ = run("memory", "list", *SAGE, "--reason", "x", "--json")
    assert "bicycle" not in out
    code, out, _ = run("memory", "restore", *SAGE, done["erasure_id"], "--json")
    assert (code, json.loads(out)["state"]) == (0, "restored")
    code, out, _ = run("memory", "forget", *SAGE, *topic, "--hard", "--json")
    receipt = json.loads(out)["receipt"]
    path = tmp_path / "receipt.json"
    assert run("memory", "receipt", "save", receipt["id"], "-o", str(path))[0] == 0
    code, out, _ = run("memory", "receipt", "verify", str(path))
    assert (code, "The receipt verifies" in out) == (0, True)
    assert run("memory", "receipt", "verify", str(path), "--key", receipt["key_id"])[0] == 0
    code, out, _ = run("memory", "receipt", "verify", str(path), "--key", "lectern-other", "--json")
    assert (code, json.loads(out)["known_key"]) == (1, False)
    path.write_text(path.read_text("utf-8").replace('"memories":1', '"memories":2'), encoding="utf-8")
    code, out, _ = run("memory", "receipt", "verify", str(path), "--json")
    assert (code, json.loads(out)["ok"]) == (1, False)
    assert receipt["id"] in run("memory", "receipt", "list")[1]
    assert "bicycle" not in run("memory", "list", *SAGE, "--reason", "x", "--json")[1]


def test_the_last_thing_and_a_memory_by_its_id(run: Run) -> None:
    code, out, _ = run("memory", "list", *SAGE, "--reason", "x", "--json")
    listed = {one["text"]: one["id"] for one in json.loads(out)["memories"]} if isinstance(json.loads(out), dict) else {}
    listed = listed or {one["text"]: one["id"] for one in json.loads(out)}
    assert run("memory", "forget", *SAGE, "--id", listed["Lena likes tea"])[0] == 0
    code, out, _ = run("memory", "forget", *SAGE, "--last", "--json")
    assert (code, json.loads(out)["counts"]["memories"]) == (0, 1)
    code, out, _ = run("memory", "forget", *SAGE, "--last", "--json")
    assert (code, json.loads(out)["already"]) == (0, True)
    code, out, err = run("memory", "forget", *SAGE, "--id", listed["Lena likes tea"])
    assert (code, "no such memory" in err) == (1, True)


def test_boundaries_are_added_listed_and_lifted(run: Run) -> None:
    code, out, _ = run("memory", "boundaries", *SAGE, "--add", "never", "the accident", "--json")
    (made,) = json.loads(out)
    assert (code, made["kind"], made["topic"]) == (0, "never", "the accident")
    code, out, _ = run("memory", "boundaries", *SAGE, "--reason", "x")
    assert (code, "the accident" in out) == (0, True)
    assert run("memory", "boundaries", *SAGE, "--lift", made["id"])[0] == 0
    assert "No boundaries." in run("memory", "boundaries", *SAGE, "--reason", "x")[1]
    code, _, err = run("memory", "boundaries", *SAGE, "--add", "sometimes", "x")
    assert (code, "hide" in err) == (1, True)


def test_a_contact_is_exported_and_erased_with_a_way_back(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "lena.zip"
    code, out, _ = run("people", "export", "Lena", "-o", str(path), "--reason", "asked for it", "--json")
    assert (code, json.loads(out)["counts"]["memories"]) == (0, 3)
    assert "manifest.json" in zipfile.ZipFile(path).namelist()
    assert run("people", "erase", "Lena", "--name", "Lena", "--reason", "asked for it")[0] == 1
    code, out, _ = run("people", "erase", "Lena", "--name", "Lena Schneider", "--reason", "asked for it", "--json")
    assert (code, json.loads(out)["state"]) == (0, "waiting")
    code, out, _ = run("people", "erase", "Lena", "--cancel", "--reason", "thought better of it", "--json")
    assert (code, json.loads(out)["state"]) == (0, "cancelled")
    code, _, err = run("people", "erase", "Lena", "--cancel", "--reason", "again")
    assert (code, "waits" in err) == (1, True)


@pytest.mark.parametrize(
    "arguments",
    [("memory", "forget", "--last"), ("memory", "forget", *SAGE), ("memory", "forget", *SAGE, "--id", "x"), ("people", "erase", "Lena")],
)
def test_what_is_left_out_is_asked_for(run: Run, arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(*arguments)
    assert ended.value.code == 2
