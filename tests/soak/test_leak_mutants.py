"""Each of the sixteen known leaks, brought back in a copy of the program, is found by the privacy tests; the unchanged copy passes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.house.rules import ROOT
from tests.soak.leaks import LEAKS, Edit, Leak

pytestmark = pytest.mark.soak
COPIED = ("backend_core", "desktop", "tests", "docs", "resources", "pyproject.toml")
BROKEN = re.compile(
    r"^E +(Type|Name|Attribute|Import|Syntax|Key|Index|UnboundLocal)Error|^E +psycopg\.errors\.(Undefined|Syntax)", re.MULTILINE
)
FAILED, PASSED = pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.OK


def copy_of(folder: Path) -> Path:
    """Copy the program and its tests, compiled files included, because unchanged ones stay valid."""
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name)
        else:
            shutil.copy2(source, folder / name)
    return folder


def change(copy: Path, edits: Iterable[Edit]) -> None:
    """Make the changes of a leak; one that no longer fits is an error of this list, not a leak that was found."""
    for name, old, new in edits:
        path = copy / name
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{name} holds this {text.count(old)} times: {old}"
        path.write_text(text.replace(old, new), encoding="utf-8")


def environment(copy: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LECTERN_", "PYTEST_"))}
    return kept | {"PYTHONPATH": str(copy)}


def tested(copy: Path, tests: Iterable[str]) -> subprocess.CompletedProcess[str]:
    """Run privacy tests of a copy until the first failure."""
    command = [sys.executable, "-m", "pytest", "--no-header", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:randomly"]
    command += [f"tests/privacy/{name}" for name in tests]
    return subprocess.run(command, cwd=copy, env=environment(copy), capture_output=True, text=True, check=False)


def run_live(copy: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """Run the privacy suite of a copy on a database of its own, as a person would from a terminal."""
    command = [sys.executable, "-m", "backend_core.cli", "privacy", "run", "--json"]
    environ = environment(copy) | {"LECTERN_HOME": str(home), "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    try:
        return subprocess.run(command, cwd=copy, env=environ, capture_output=True, text=True, check=False)
    finally:
        down = [sys.executable, "-m", "backend_core.cli", "down", "--force"]
        subprocess.run(down, cwd=copy, env=environ, capture_output=True, check=False)


@pytest.mark.trace("B30", "B42", "B64")
def test_the_unchanged_copy_passes(tmp_path: Path) -> None:
    copy = copy_of(tmp_path)
    where = [sys.executable, "-c", "import backend_core, tests; print(backend_core.__file__)"]
    found = subprocess.run(where, cwd=copy, env=environment(copy), capture_output=True, text=True, check=True).stdout
    assert Path(found.strip()).is_relative_to(copy)
    done = tested(copy, sorted({name for leak in LEAKS for name in leak.tests}))
    assert done.returncode == PASSED, done.stdout[-4000:]


@pytest.mark.trace("B30", "B42", "B64")
@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: leak.id)
def test_a_known_leak_is_found(leak: Leak, tmp_path: Path, record_property: Callable[[str, object], None]) -> None:
    copy = copy_of(tmp_path)
    change(copy, leak.edits)
    done = tested(copy, leak.tests)
    assert done.returncode == FAILED, f"{leak.story}: {done.stdout[-4000:]}{done.stderr[-2000:]}"
    # a test that found it, not a set-up or a change that broke
    found = re.findall(r"^FAILED (\S+)", done.stdout, re.MULTILINE)
    assert found, done.stdout[-4000:]
    assert not BROKEN.search(done.stdout), done.stdout[-4000:]
    record_property("found_by", found[0])


@pytest.mark.trace("B29", "B42")
def test_the_suite_passes_on_a_live_database_of_the_unchanged_copy(tmp_path: Path) -> None:
    live = run_live(copy_of(tmp_path), tmp_path / "home")
    assert live.returncode == 0, live.stdout[-2000:] + live.stderr[-2000:]


@pytest.mark.trace("B29", "B42")
@pytest.mark.parametrize("leak", [leak for leak in LEAKS if leak.live], ids=lambda leak: leak.id)
def test_the_suite_finds_a_known_leak_on_a_live_database(leak: Leak, tmp_path: Path) -> None:
    copy = copy_of(tmp_path)
    change(copy, leak.edits)
    live = run_live(copy, tmp_path / "home")
    assert live.returncode == 1, f"{leak.story}: {live.stdout[-2000:]}{live.stderr[-2000:]}"
    assert json.loads(live.stdout)["failed"] > 0


def test_the_list_has_all_sixteen() -> None:
    assert [leak.id for leak in LEAKS] == [f"L{number}" for number in range(1, 17)]
