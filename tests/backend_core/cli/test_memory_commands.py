"""The memory commands: one conversation at a time, a reason to read, and answers that scripts can read."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backend_core.backend import Backend
from backend_core.cli.__main__ import main
from backend_core.settings import Settings

WHY = ("--reason", "she asked")
ANA = "+4915112345678"


@pytest.fixture
def call(backend: Backend, settings: Settings, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, Any, str]]:
    """Return a function that runs a command on the server of this test; it returns exit code, JSON answer and complaint."""

    def run(*arguments: str, expect: int = 0) -> tuple[int, Any, str]:
        code = main(["--set", f"home={settings.home}", "memory", *arguments, "--json"])
        out, err = capsys.readouterr()
        assert code == expect, err
        return code, json.loads(out) if out.strip() else None, err

    return run


def test_what_is_added_is_found_listed_and_told_with_its_reasons(backend: Backend, call: Callable[..., tuple[int, Any, str]]) -> None:
    actor = backend.actor()
    backend.people.save_persona("sage", name="Sage", passport={}, version=0, actor=actor)
    backend.people.add_contact("Ana", phone=ANA, actor=actor)
    direct = ("--direct", ANA, "sage")
    made = call("add", "I went hiking", *direct, "--speaker", "Ana", "--said", "2026-05-08")[1]
    call("add", "I went hiking too", "--group", "club", "--speaker", "Ben")
    found = call("search", "who hikes?", *direct, *WHY)[1]
    assert [(hit["memory"]["id"], hit["rank"], hit["mode"]) for hit in found] == [(made["id"], 1, "lexical")]
    assert {"term": "hikes", "why": "word"}.items() <= found[0]["parts"][0].items()
    assert "container_id" not in json.dumps(found)
    assert [one["text"] for one in call("list", *direct, *WHY)[1]] == ["I went hiking"]


def test_to_look_without_a_reason_is_refused_with_a_sentence(call: Callable[..., tuple[int, Any, str]]) -> None:
    call("add", "Ana likes tea", "--group", "club")
    for words in (("search", "tea"), ("list",)):
        assert "reason" in call(*words, "--group", "club", expect=1)[2]


def test_a_change_asks_for_the_version_and_is_in_the_history(call: Callable[..., tuple[int, Any, str]]) -> None:
    made = call("add", "Ana likes tea", "--group", "club")[1]
    assert call("edit", made["id"], "Ana likes coffee", "--version", "1", "--group", "club")[1]["version"] == 2
    assert "changed" in call("edit", made["id"], "x", "--version", "1", "--group", "club", expect=1)[2]
    assert [one["text"] for one in call("history", made["id"], "--group", "club", *WHY)[1]] == ["Ana likes coffee", "Ana likes tea"]


def test_what_is_not_there_is_said_in_a_sentence(call: Callable[..., tuple[int, Any, str]], tmp_path: Path) -> None:
    assert "no such conversation" in call("list", "--group", "nobody", *WHY, expect=1)[2]
    assert "by words" in call("embed", "--group", "club", expect=1)[2]
    assert "as they were said" in call("extract", "--group", "club", expect=1)[2]
    call("add", "Ana likes tea", "--group", "club")
    assert "no export" in call("import", str(tmp_path / "none.zip"), "--group", "club", expect=1)[2]
