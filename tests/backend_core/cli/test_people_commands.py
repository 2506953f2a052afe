"""people and conversations from a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command import Ctl, together

LINES = (
    {"type": "contact", "phone": "+4915112345678", "name": "Lena Schneider", "email": "lena@example.org"},
    {"type": "persona", "id": "sage", "name": "Sage"},
    {"type": "group", "chat_guid": "g", "title": "Flat 12", "persona": "sage", "members": ["+4915112345678"]},
    {"type": "message", "phone": "+4915112345678", "persona": "sage", "text": "between us", "at": "2026-11-02T09:00:00Z"},
    {"type": "message", "chat_guid": "g", "sender": "+4915112345678", "text": "rent is due", "at": "2026-11-02T10:00:00Z"},
)


@pytest.fixture
def taken_in(ctl: Ctl, tmp_path: Path) -> Ctl:  # the fixture
    """The command with some people and what they said."""
    path = tmp_path / "messages.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in LINES), encoding="utf-8")
    answer = ctl("conversations", "import", str(path), "--json")
    assert (answer.code, answer.err) == (0, "")
    assert answer.value["messages"] == 2
    return ctl


def test_people_are_listed_and_shown_masked_and_revealed_with_a_reason(taken_in: Ctl) -> None:
    listed = taken_in("people", "list", "--json")
    (row,) = listed.value
    assert (listed.code, row["name"], row["phone"], row["messages"]) == (0, "Lena Schneider", "+49•••••5678", 2)
    shown = taken_in("people", "show", "lena")
    assert shown.code == 0
    assert "Flat 12" in shown.out
    assert "+4915112345678" not in shown.out
    assert taken_in("people", "show", "lena", "--reveal").code == 1
    revealed = taken_in("people", "show", row["id"], "--reveal", "--reason", "calls back", "--json")
    assert revealed.value["revealed"] == {"phone": "+4915112345678", "email": "lena@example.org"}


def test_a_conversation_is_listed_by_anybody_and_opened_with_a_reason(taken_in: Ctl) -> None:
    (row,) = taken_in("conversations", "list", "--kind", "group", "--json").value
    assert (row["title"], row["messages"]) == ("Flat 12", 1)
    refused = taken_in("conversations", "show", row["id"])
    assert (refused.code, refused.out) == (1, "")
    assert "reason" in refused.err
    opened = taken_in("conversations", "show", "flat", "--reason", "complaint 17")
    assert opened.code == 0
    assert "rent is due" in opened.out
    assert "between us" not in opened.out


def test_what_means_nobody_or_several_is_said(taken_in: Ctl) -> None:
    cases = {
        ("people", "show", "nobody"): "no such contact",
        ("conversations", "show", "nothing", "--reason", "x"): "no such conversation",
        ("conversations", "show", "sage", "--reason", "x"): "More than one",
        ("people", "add", "Copy", "--phone", "+49 151 12345678"): "Another contact",
    }
    for answer, word in zip(together(taken_in, list(cases)), cases.values(), strict=True):
        assert answer.code == 1
        assert word in answer.err


def test_lines_that_are_left_out_are_told_and_make_the_command_fail(ctl: Ctl, tmp_path: Path) -> None:  # the fixture
    path = tmp_path / "messages.jsonl"
    path.write_text(json.dumps(LINES[0]) + "\nbroken canary\n", encoding="utf-8")
    answer = ctl("conversations", "import", str(path))
    assert answer.code == 1
    assert "1 contacts" in answer.out
    assert "Line 2 was left out" in answer.out
    assert "canary" not in answer.out
    assert ctl("conversations", "import", str(tmp_path / "none")).code == 1


def test_a_contact_is_added(ctl: Ctl) -> None:  # the fixture
    answer = ctl("people", "add", "Ana Silva", "--phone", "+1 555 123 4567", "--language", "pt", "--json")
    assert (answer.code, answer.value["phone"]) == (0, "+15•••••4567")
