"""Starting and stopping: usage, display, folder, failure with retry, no traceback, nothing left running."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import shiboken6
from PySide6.QtWidgets import QApplication

from backend_core import __version__
from backend_core.monitoring.crashes import FILE as CRASH_FILE
from desktop.__main__ import home_folder
from desktop.app import Options
from desktop.first_frame import FirstFrame
from desktop.session import Session
from tests.polling import eventually

ROOT = Path(__file__).parents[2]


def lectern(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if key not in ("DISPLAY", "WAYLAND_DISPLAY")} | environment
    clean = {key: value for key, value in clean.items() if value}
    return subprocess.run(
        [sys.executable, "-m", "desktop", *arguments], cwd=ROOT, env=clean, capture_output=True, text=True, timeout=60, check=False
    )


def test_version_and_help_answer_without_a_window() -> None:
    assert lectern("--version").stdout == f"lectern {__version__}\n"
    shown = lectern("--help").stdout
    assert "--profile" in shown
    assert "--tour" in shown
    assert "measure" not in shown


@pytest.mark.parametrize("arguments", [("--colour",), ("--profile", "../other"), ("--profile", ""), ("--tour",)])
def test_wrong_usage_exits_2(arguments: tuple[str, ...]) -> None:
    ran = lectern(*arguments)
    assert ran.returncode == 2
    assert "usage: lectern" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there is always a display")
def test_without_a_display_one_sentence_says_so() -> None:
    ran = lectern(QT_QPA_PLATFORM="")
    assert ran.returncode == 1
    assert ran.stderr.startswith("There is no display.")
    assert ran.stderr.count("\n") == 1


def test_a_home_that_is_a_file_gives_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("not a folder", encoding="utf-8")
    ran = lectern(LECTERN_HOME=str(tmp_path / "home"))
    assert ran.returncode == 1
    assert ran.stderr.strip().splitlines()[-1].startswith("Lectern cannot write to its folder")
    assert "Traceback" not in ran.stderr


def test_profiles_live_beside_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECTERN_HOME", str(tmp_path))
    assert home_folder(None) == tmp_path
    assert home_folder("team") == tmp_path / "profiles" / "team"


def test_the_window_is_painted_before_any_database_library_is_loaded(tmp_path: Path) -> None:
    script = """
import sys
from desktop.first_frame import FirstFrame
painted = []
real = FirstFrame.paintEvent
def note(self, event):
    painted.append(sorted({name.split(".")[0] for name in sys.modules} & {"sqlalchemy", "psycopg", "pydantic", "structlog", "alembic"}))
    real(self, event)
FirstFrame.paintEvent = note
from desktop.__main__ import main
code = main(["--measure-start", "0"])
print(painted[0], "sqlalchemy" in sys.modules, code)
"""
    environment = {**os.environ, "LECTERN_HOME": str(tmp_path / "home")}
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=True)
    figures, verdict = ran.stdout.splitlines()
    assert verdict == "[] True 0"
    assert json.loads(figures)["content_ms"] > 0


def test_libraries_loaded_after_the_window_are_not_read_as_source_too(tmp_path: Path) -> None:
    script = """
import linecache
from desktop.__main__ import main
main(["--measure-start", "0"])
print(sum(name.endswith("elements.py") for name in linecache.cache))
"""
    environment = {**os.environ, "LECTERN_HOME": str(tmp_path / "home")}
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.splitlines()[-1] == "0"


@pytest.fixture
def session(qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    # Nothing listens there, so the start fails as it does when a team's server is down.
    monkeypatch.setenv("LECTERN_DSN", "postgresql://nobody@127.0.0.1:1/none?connect_timeout=2")
    frame = FirstFrame(tmp_path / "home" / "config")
    made = Session(qapp, frame, Options(home=tmp_path / "home"))
    frame.show()
    yield made
    made.stop()
    shiboken6.delete(frame)
    shiboken6.delete(made)


def test_a_server_that_is_down_gives_a_sentence_and_retry_and_no_figure(
    session: Session, wait_until: Callable[..., None], tmp_path: Path
) -> None:
    session.begin()
    wait_until(session.window.failure.isVisible, timeout=20)
    words = session.window.failure.sentence.text()
    assert words
    assert "Traceback" not in words
    assert "postgresql://" not in words
    assert session.window.failure.reference.text().startswith("Reference ")
    assert (tmp_path / "home" / "logs" / CRASH_FILE).exists()
    session.window.failure.retry.click()
    assert not session.window.failure.isVisible()
    wait_until(session.window.failure.isVisible, timeout=20)


def test_stopping_while_the_backend_opens_leaves_no_thread_and_is_quick(session: Session) -> None:
    session.begin()
    QApplication.processEvents()
    began = time.monotonic()
    session.stop()
    assert time.monotonic() - began < 20
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("lectern")]
    assert sys.excepthook is sys.__excepthook__


def test_a_tour_that_cannot_start_ends_with_one_sentence(tmp_path: Path) -> None:
    ran = lectern(
        "--tour",
        str(tmp_path / "tour"),
        LECTERN_HOME=str(tmp_path / "home"),
        LECTERN_DSN="postgresql://nobody@127.0.0.1:1/none?connect_timeout=2",
    )
    assert ran.returncode == 1
    lines = [line for line in ran.stderr.splitlines() if "propagateSizeHints" not in line]
    assert len(lines) == 1
    assert not list(tmp_path.glob("tour/*.png"))


@pytest.mark.skipif(sys.platform == "win32", reason="no signals to a window there")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_program_in_order(tmp_path: Path, number: signal.Signals) -> None:
    home = tmp_path / "home"
    environment = {**os.environ, "LECTERN_HOME": str(home), "LECTERN_DSN": "postgresql://nobody@127.0.0.1:1/none?connect_timeout=2"}
    with subprocess.Popen(
        [sys.executable, "-m", "desktop"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as started:
        eventually((home / "logs" / CRASH_FILE).exists)
        started.send_signal(number)
        said, _ = started.communicate(timeout=30)
    assert started.returncode == 0
    assert "Traceback" not in said
    assert (home / "config" / "window.json").exists()
    assert not (home / "config" / "desktop.lock").exists()


@pytest.mark.logs("nobody caught this")
def test_what_nobody_caught_in_any_thread_becomes_a_toast_and_never_a_traceback(
    session: Session, wait_until: Callable[..., None], capfd: pytest.CaptureFixture[str]
) -> None:
    session.failures.install()

    def broken() -> None:
        raise RuntimeError("password=hunter2")

    thread = threading.Thread(target=broken)
    thread.start()
    thread.join()
    wait_until(lambda: session.window.toasts.shown)
    sys.excepthook(ValueError, ValueError("x"), None)
    wait_until(lambda: len(session.window.toasts.shown) == 2)
    assert "hunter2" not in session.window.toasts.shown[0].accessibleName()
    assert "Traceback" not in "".join(capfd.readouterr())
