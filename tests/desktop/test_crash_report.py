"""When the last run died: the window says so once, the report can be copied, and nothing leaves this computer."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import shiboken6
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from backend_core.monitoring.crashes import FILE, LAST, last_crash
from desktop.app import Options
from desktop.first_frame import FirstFrame
from desktop.session import Session
from tests.backend_core.secret_corpus import secrets

DIES = """
import faulthandler, os, sys
from pathlib import Path
from backend_core.monitoring.crashes import open_crash_file
file = open_crash_file(Path(sys.argv[1]))
faulthandler.enable(file)
def speak_page_hunter2(): os.abort()
speak_page_hunter2()
"""


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """A home whose last run was killed by its own interpreter."""
    folder = tmp_path / "home" / "logs"
    folder.mkdir(parents=True)
    died = subprocess.run([sys.executable, "-c", DIES, str(folder)], capture_output=True, text=True, check=False)
    assert died.returncode != 0
    return folder


@pytest.fixture
def session(qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setenv("LECTERN_DSN", "postgresql://nobody@127.0.0.1:1/none?connect_timeout=2")
    frame = FirstFrame(tmp_path / "home" / "config")
    made = Session(qapp, frame, Options(home=tmp_path / "home"))
    frame.show()
    yield made
    made.stop()
    shiboken6.delete(frame)
    shiboken6.delete(made)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file modes")
def test_nobody_else_may_read_a_crash_report(logs: Path) -> None:
    assert (logs / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.trace("A19")
def test_a_report_is_handed_out_once_and_redacted(logs: Path) -> None:
    with (logs / FILE).open("a", encoding="utf-8") as file:
        file.write("password=hunter2hunter2 ana@example.org\n")
    report = last_crash(logs)
    assert report is not None
    assert "Fatal Python error" in report
    assert "hunter2hunter2" not in report
    assert "ana@" not in report
    assert last_crash(logs) is None
    assert (logs / LAST).exists()


@pytest.mark.trace("A19")
def test_no_secret_in_a_crash_report_is_handed_out(tmp_path: Path) -> None:
    leaked = []
    for secret in secrets(600):
        (tmp_path / FILE).write_text(f"Fatal Python error: Aborted\n{secret.text}\n", encoding="utf-8")
        leaked += [secret.kind] if secret.survives_in(last_crash(tmp_path) or secret.text) else []
    assert leaked == []


@pytest.mark.trace("A19")
def test_the_window_says_so_once_and_copies_the_report(logs: Path, session: Session, wait_until: Callable[..., None]) -> None:
    session.begin()
    wait_until(lambda: session.window.toasts.shown, timeout=20)
    toast = session.window.toasts.shown[0]
    assert "stopped unexpectedly" in toast.accessibleName()
    assert toast.undo is not None
    toast.undo.click()
    assert "Fatal Python error" in QGuiApplication.clipboard().text()
    session.window.failure.retry.click()
    wait_until(session.window.failure.isVisible, timeout=20)
    assert not any(toast.isVisible() for toast in session.window.toasts.shown if shiboken6.isValid(toast))


def test_a_run_that_ended_well_leaves_nothing_to_say(tmp_path: Path) -> None:
    (tmp_path / FILE).touch()
    assert last_crash(tmp_path) is None
    assert last_crash(tmp_path / "none") is None
