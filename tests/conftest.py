"""Set-up shared by every test: real database fixtures, an empty home, and no unexpected warning in the log."""

from __future__ import annotations

import gc
import logging
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

import pytest

from backend_core.logs import configure_logging
from tests.house.log_review import leaks

pytest_plugins = ["tests.command", "tests.trace_report", "tests.postgres", "tests.lectern", "tests.watcher"]

# Set before any import of Qt or of Lectern, which read it once. Nothing of the developer's own profile may be used or touched.
_scratch: str | None = None
if "PYTEST_XDIST_WORKER" not in os.environ:
    _scratch = tempfile.mkdtemp(prefix="lectern-")
    for _name in [name for name in os.environ if name.startswith("LECTERN_")]:
        del os.environ[_name]
    os.environ |= {"QT_QPA_PLATFORM": "offscreen", "XDG_RUNTIME_DIR": _scratch, "LECTERN_HOME": f"{_scratch}/home"}
    # nor the developer's keyring
    os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
configure_logging(Path(os.environ["LECTERN_HOME"]) / "logs", process=os.environ.get("PYTEST_XDIST_WORKER", "tests"))


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__(level=logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer answers in any order; see ``tests/jitter.py``."""
    parser.addoption("--jitter", type=int, default=None, metavar="SEED", help="delay what pages read in the background, at random")


def pytest_collection_finish() -> None:
    """Keep what collecting made out of every later look for garbage: a million objects that stay cost half a second each time."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run when a secret would still be found in what all its tests logged (A67)."""
    found = leaks(Path(_scratch)) if _scratch else []
    if found:
        sys.stderr.write(f"\nsecrets in the log of this run: {found[:20]}\n")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_unconfigure() -> None:
    """Remove the scratch folder if this process made it; xdist workers inherit it."""
    if _scratch:
        shutil.rmtree(_scratch, ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None]:
    """Fail a test that passes but logs a WARNING or worse it did not announce with ``@pytest.mark.logs``."""
    collector = _Collector()
    logging.getLogger().addHandler(collector)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(collector)
    expected = [re.compile(pattern) for marker in item.iter_markers("logs") for pattern in marker.args]
    lines = [f"{record.levelname} {record.name}: {record.getMessage()}" for record in collector.records]
    surprises = [line for line in lines if not any(pattern.search(line) for pattern in expected)]
    if surprises:
        pytest.fail("unexpected log records (announce them with @pytest.mark.logs):\n" + "\n".join(surprises), pytrace=False)
