"""`docs/locks.md` lists every lock the program takes, its reason, and the test that races it."""

from __future__ import annotations

import ast
import re

import pytest

from tests.house.rules import PACKAGES, ROOT, lock_lines, python_files

LIST = ROOT / "docs" / "locks.md"
_ROW = re.compile(r"^\| `(?P<path>[^`]+)` `(?P<function>[^`]+)` \| (?P<reason>[^|]+) \| `(?P<test>[^`]+)` \|$", re.MULTILINE)
_REASON = re.compile(r"# lock: (.+)$")


def locks_in(path: str, text: str) -> set[tuple[str, str, str]]:
    """Return place, function and reason of every lock in a source file."""
    lines = text.splitlines()
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    found = set()
    for number in lock_lines(text):
        inside = [node for node in functions if node.lineno <= number <= (node.end_lineno or 0)]
        name = max(inside, key=lambda node: node.lineno).name if inside else "-"
        reason = _REASON.search(lines[number - 1]) or _REASON.search(lines[number - 2])
        found.add((path, name, reason[1].strip() if reason else "?"))
    return found


def taken() -> set[tuple[str, str, str]]:
    return {
        lock
        for path, text in python_files(*PACKAGES)
        if "migrations" not in path.parts
        for lock in locks_in(path.as_posix().removeprefix("backend_core/"), text)
    }


def listed() -> list[re.Match[str]]:
    return list(_ROW.finditer(LIST.read_text(encoding="utf-8")))


def existing_tests() -> set[str]:
    return {
        f"{path.as_posix()}::{node.name}"
        for path, text in python_files("tests")
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
    }


@pytest.mark.trace("A90")
def test_every_lock_is_listed_with_its_reason_and_nothing_else_is() -> None:
    assert {(row["path"], row["function"], row["reason"].strip()) for row in listed()} == taken()


@pytest.mark.trace("A90")
def test_every_lock_names_a_test_that_exists() -> None:
    there = existing_tests()
    assert [row["test"] for row in listed() if f"tests/{row['test']}" not in there] == []


def test_a_lock_that_is_not_listed_would_be_noticed() -> None:
    source = "def claim(conn):\n    # lock: two would take it\n    conn.execute(query.with_for_update())\n"
    assert locks_in("x.py", source) == {("x.py", "claim", "two would take it")}
    assert not locks_in("x.py", source) <= taken()
