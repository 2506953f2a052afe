"""Puts the first pixel on the screen, then imports the rest: one window per profile, one exit code."""

from __future__ import annotations

import builtins
import logging
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from desktop.first_frame import FirstFrame
    from desktop.session import Session
    from desktop.single_instance import SingleInstance

_NS_PER_MS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asked for.

    Attributes:
        home: the folder of the profile.
        files: to import after the start.
        tour: folder for pictures, None for an ordinary start.
        measure_from: wall clock in ns of the process start; the program then prints its figures and ends.
    """

    home: Path
    files: tuple[Path, ...] = ()
    tour: Path | None = None
    measure_from: int | None = None


def run(options: Options) -> int:
    """Run the desktop and return its exit code; a second start hands over its files and returns 0."""
    app = _make_application()
    instance, code = _claim(options)
    if code is not None:
        return code
    from desktop.first_frame import FirstFrame

    frame = FirstFrame(options.home / "config")
    launch = Launch(app, frame, options, instance)
    frame.painted.connect(launch.paint_done)
    frame.closed.connect(app.quit)
    frame.present()
    app.exec()
    return launch.end()


class Launch:
    """Makes the session once the outline is on the screen."""

    def __init__(self, app: QApplication, frame: FirstFrame, options: Options, instance: SingleInstance | None) -> None:
        self._app, self._frame, self._options, self._instance = app, frame, options, instance
        self._session: Session | None = None

    def paint_done(self) -> None:
        """Import everything else and fill the window."""
        painted_ms = None
        if self._options.measure_from is not None:
            painted_ms = (time.time_ns() - self._options.measure_from) / _NS_PER_MS
        from desktop.session import Session

        self._session = Session(self._app, self._frame, self._options, instance=self._instance, painted_ms=painted_ms)
        self._session.begin()

    def end(self) -> int:
        """Stop what was started and return the exit code."""
        code = self._session.stop() if self._session is not None else 0
        if self._instance is not None:
            self._instance.close()
        return code


def _make_application() -> QApplication:
    # PySide6 replaces __import__ to read the source of every module imported after it, for a switch Lectern does not use.
    # Putting Python's own back saves 31 MB and a fifth of the time the database libraries take to load.
    plain = builtins.__import__
    from PySide6.QtWidgets import QApplication

    builtins.__import__ = plain
    # Before the log file exists nothing may fall through to the terminal.
    logging.getLogger().addHandler(logging.NullHandler())
    app = QApplication(sys.argv[:1])
    app.setApplicationName("lectern")
    app.setApplicationDisplayName("Lectern")
    app.setDesktopFileName("lectern")
    app.setQuitOnLastWindowClosed(False)
    return app


def _claim(options: Options) -> tuple[SingleInstance | None, int | None]:
    if options.measure_from is not None:
        return None, None
    from desktop.single_instance import SingleInstance

    try:
        instance = SingleInstance(options.home)
        if instance.claim():
            return instance, None
    except OSError:
        sys.stderr.write("Lectern cannot write to its folder; set LECTERN_HOME to one it may use.\n")
        return None, 1
    if instance.hand_over(list(options.files)):
        return None, 0
    sys.stderr.write("Lectern is already running for this profile but does not answer; close it and try again.\n")
    return None, 1
