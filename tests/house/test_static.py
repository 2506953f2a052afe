"""What the static tools prove, each run on the program itself and shown to notice a fault."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.house import audit, check
from tests.house.rules import PACKAGES, ROOT

# Where a thread, a process or a command ends, whatever happened becomes one safe sentence and a log entry. Nowhere else.
BOUNDARIES = {
    "backend_core/bench/pool.py",
    "backend_core/cli/__main__.py",
    "backend_core/conversations/pictures/child.py",
    "backend_core/credentials/os_keyring.py",
    "backend_core/db/changes.py",
    "backend_core/documents/extraction/child.py",
    "backend_core/jobs/runner.py",
    "backend_core/monitoring/readiness/service.py",
    "backend_core/monitoring/recording.py",
    "backend_core/monitoring/rules.py",
    "backend_core/speech/voice_process.py",
    "desktop/background.py",
    "desktop/sound.py",
    "desktop/tour.py",
}


def ruff(*arguments: str, source: str | None = None) -> list[dict[str, object]]:
    """Return the findings of ruff on the packages, or on a text as if it were a file of backend_core."""
    where = ("--stdin-filename", "backend_core/sample.py", "-") if source is not None else PACKAGES
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format", "json", *arguments, *where]
    done = subprocess.run(command, cwd=ROOT, input=source, capture_output=True, text=True, check=False)
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    ("codes", "fault"),
    [
        pytest.param("E722,BLE001", "try:\n    x = 1\nexcept:\n    x = 2\n", id="except", marks=pytest.mark.trace("A24", "A57")),
        pytest.param("PLR2004", "def f(x: int) -> bool:\n    return x > 17\n", id="numbers", marks=pytest.mark.trace("A85")),
        pytest.param("F401,F841", "import os\n", id="unused", marks=pytest.mark.trace("A86")),
        pytest.param("G,S608", "import logging\nx = 1\nlogging.info(f'{x}')\n", id="built text", marks=pytest.mark.trace("A76", "A82")),
        pytest.param("TID251", "from unittest.mock import Mock\n", id="mocks"),
    ],
)
def test_the_linter_finds_nothing_in_the_program_and_the_planted_fault(codes: str, fault: str) -> None:
    assert ruff("--select", codes) == []
    assert ruff("--select", codes, source=fault) != []


@pytest.mark.trace("A24", "A57")
def test_only_boundaries_catch_everything() -> None:
    found = {Path(str(finding["filename"])).relative_to(ROOT).as_posix() for finding in ruff("--select", "BLE001", "--ignore-noqa")}
    assert found <= BOUNDARIES


@pytest.mark.trace("A52", "A83")
def test_types_are_complete() -> None:
    name, status, _, output = check.run("types on linux")
    assert status == 0, f"{name}: {output}"


@pytest.mark.trace("A53", "A83")
def test_the_public_interface_is_documented() -> None:
    _, status, _, output = check.run("docstrings")
    assert status == 0, output


@pytest.mark.trace("A59")
def test_the_layers_hold() -> None:
    _, status, _, output = check.run("layers")
    assert status == 0, output


@pytest.mark.trace("A86")
def test_there_is_no_dead_code() -> None:
    _, status, _, output = check.run("dead code")
    assert status == 0, output


@pytest.mark.trace("A66")
def test_the_security_scan_finds_nothing_high() -> None:
    _, status, _, output = check.run("security")
    assert status == 0, output


@pytest.mark.trace("A66")
@pytest.mark.parametrize(
    ("age", "weak", "expected"), [(1, {}, "clean"), (1, {"a": ["X"]}, "weak"), (8, {}, "unknown"), (8, {"a": ["X"]}, "unknown")]
)
def test_an_advisory_answer_counts_for_a_week(tmp_path: Path, age: int, weak: dict[str, list[str]], expected: str) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    lock, answer = tmp_path / "lock", tmp_path / "audit.json"
    lock.write_text("one==1", encoding="utf-8")
    kept = {"at": (now - timedelta(days=age)).isoformat(), "lock": audit.digest(lock), "packages": 1, "weak": weak}
    answer.write_text(json.dumps(kept), encoding="utf-8")
    assert audit.state(answer, lock=lock, now=now) == expected
    assert audit.state(tmp_path / "none.json", lock=lock, now=now) == "unknown"
    lock.write_text("one==2", encoding="utf-8")
    assert audit.state(answer, lock=lock, now=now) == "unknown"
