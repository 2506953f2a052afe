"""The test suite's own machinery: trace tags, unexpected log records, set-up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import bootstrap
from tests import trace_report
from tests.house.rules import ROOT


def run_suite(folder: Path, source: str) -> subprocess.CompletedProcess[str]:
    """Run one test file under the project's own conftest and settings."""
    file = folder / "test_sample.py"
    file.write_text(source, encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT)]
    command += ["-p", "tests.conftest", str(file)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_warning_in_the_log_fails_the_test_unless_announced(tmp_path: Path) -> None:
    source = (
        "import logging, pytest\n"
        "from backend_core.logs import get_logger\n"
        "def test_silent(): logging.getLogger('a').info('fine')\n"
        "def test_loud(): logging.getLogger('a').warning('surprise %s', 7)\n"
        "@pytest.mark.logs('surprise 7')\n"
        "def test_announced(): logging.getLogger('a').warning('surprise %s', 7)\n"
        "def test_loud_in_our_own_words(): get_logger('b').error('it broke', page=3)\n"
    )
    done = run_suite(tmp_path, source)
    assert "2 failed, 2 passed" in done.stdout, done.stdout
    assert "WARNING a: surprise 7" in done.stdout
    assert "it broke" in done.stdout


def test_an_unknown_acceptance_id_stops_the_run(tmp_path: Path) -> None:
    done = run_suite(tmp_path, "import pytest\n@pytest.mark.trace('A999')\ndef test_x(): pass\n")
    assert done.returncode != 0
    assert "unknown acceptance id A999" in done.stdout + done.stderr


def test_only_passing_tests_prove_a_line(tmp_path: Path) -> None:
    outcomes = {"A1": {"x": "passed", "y": "failed"}, "A2": {"x": "passed"}, "A3": {"x": "skipped"}}
    (tmp_path / "trace.json").write_text(json.dumps(outcomes), encoding="utf-8")
    assert trace_report.proven(tmp_path) == {"A2"}


def test_the_list_of_acceptance_lines_is_whole() -> None:
    assert list(trace_report.known_ids()) == [f"A{n}" for n in range(1, 97)] + [f"B{n}" for n in range(1, 113)]


def test_set_up_has_nothing_to_do_when_it_is_done() -> None:
    assert subprocess.run([sys.executable, "bootstrap.py"], cwd=ROOT, capture_output=True, check=False).returncode == 0
    done = subprocess.run([sys.executable, "bootstrap.py"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.skipif(sys.platform != "linux", reason="the loader's report is read on Linux only")
def test_set_up_names_the_package_of_a_missing_system_library(tmp_path: Path) -> None:
    fake = tmp_path / "ldd"
    fake.write_text("#!/bin/sh\necho '  libEGL.so.1 => not found'\necho '  libxkbcommon.so.0 => not found'\n", encoding="utf-8")
    fake.chmod(0o755)
    code = "import bootstrap\ntry:\n    bootstrap.check_libraries()\nexcept bootstrap.CannotSetUp as reason:\n    print(reason)\n"
    environment = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert "apt-get install libegl1 libxkbcommon0" in done.stdout, done.stdout + done.stderr


def test_set_up_says_what_to_install_when_no_python_will_do(tmp_path: Path) -> None:
    fake = tmp_path / "python3"
    fake.write_text("#!/bin/sh\necho \"No module named 'ensurepip'\" >&2\nexit 1\n", encoding="utf-8")
    fake.chmod(0o755)
    with pytest.raises(bootstrap.CannotSetUp, match="apt-get install python3-venv"):
        bootstrap.find_python([str(fake)])
    with pytest.raises(bootstrap.CannotSetUp, match=r"needs Python 3\.11 to 3\.13"):
        bootstrap.find_python([str(tmp_path / "none")])


def test_the_lock_pins_every_package_by_hash() -> None:
    blocks = [
        block
        for block in (ROOT / "requirements.lock").read_text(encoding="utf-8").split("\n")
        if block and not block.startswith((" ", "#"))
    ]
    assert len(blocks) > 50
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert all("==" in block for block in blocks)
    assert text.count("==") <= text.count("--hash=sha256:")
    assert bootstrap.wanted()["packages"]
