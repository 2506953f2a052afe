"""Starts and stops the desktop: paint first, open the backend in a worker, one window per profile, stop in reverse order."""

from __future__ import annotations

import faulthandler
import json
import logging
import os
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, TextIO

from PySide6.QtCore import QCoreApplication, QObject, QTimer, Signal
from PySide6.QtWidgets import QApplication

from backend_core.errors import LecternError
from desktop.background import Background, new_reference, unexpected
from desktop.main_window import MainWindow
from desktop.single_instance import SingleInstance
from desktop.style import Theme

if TYPE_CHECKING:
    from backend_core.backend import Backend
    from backend_core.policy import Actor

_log = logging.getLogger(__name__)
_SETTLE_MS: Final = 500
_NS_PER_MS: Final = 1_000_000
CRASH_FILE: Final = "desktop-crash.log"


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


class Failures(QObject):
    """Catches what nobody caught, in any thread, logs it and tells the user in one sentence."""

    happened = Signal(str)

    def install(self) -> None:
        """Replace both hooks; a traceback never reaches the terminal."""
        sys.excepthook = self._in_main
        threading.excepthook = self._in_thread

    def uninstall(self) -> None:
        """Put Python's own hooks back."""
        sys.excepthook = sys.__excepthook__
        threading.excepthook = threading.__excepthook__

    def _in_main(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QCoreApplication.quit()
            return
        self._report(kind, error, trace)

    def _in_thread(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_type is not SystemExit and args.exc_value is not None:
            self._report(args.exc_type, args.exc_value, args.exc_traceback)

    def _report(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        reference = new_reference()
        _log.error("nobody caught this", exc_info=(kind, error, trace), extra={"correlation_id": reference})
        self.happened.emit(reference)


class Application(QObject):
    """Everything between the first pixel and the last."""

    def __init__(self, app: QApplication, options: Options, *, instance: SingleInstance | None) -> None:
        super().__init__()
        self._app, self._options, self._instance = app, options, instance
        self._backend: Backend | None = None
        self._exit_code = 0
        self._crash_file: TextIO | None = None
        self.failures = Failures(self)
        self.background = Background(self)
        self.theme = Theme(app)
        self.window = MainWindow(theme=self.theme, background=self.background, config=options.home / "config")
        self.failures.happened.connect(self._tell)
        self.window.first_painted.connect(self._painted)
        self.window.retry_wanted.connect(self._retry)
        self.window.closed.connect(self._app.quit)
        if instance is not None:
            instance.files_received.connect(self._second_start)

    def run(self) -> int:
        """Show the window, run until it closes, stop everything, and return the exit code."""
        self.failures.install()
        self.window.open_files(self._options.files)
        self.window.show()
        self._app.exec()
        self.stop()
        return self._exit_code

    def stop(self) -> None:
        """Stop in reverse order of the start. Calling it again does nothing."""
        self.window.hide()
        self.window.release()
        self.background.close()
        backend, self._backend = self._backend, None
        if backend is not None:
            backend.close()
        if self._instance is not None:
            self._instance.close()
        if self._crash_file is not None:
            faulthandler.disable()
            self._crash_file.close()
            self._crash_file = None
        self.failures.uninstall()

    def _painted(self) -> None:
        if self._options.measure_from is not None:
            self._measure(time.time_ns() - self._options.measure_from)
        else:
            self._open()

    def _open(self) -> None:
        self.background.run(self, self._open_backend, self._opened, self.window.show_failure, key="open")

    def _retry(self) -> None:
        self.window.show_starting()
        self._open()

    def _open_backend(self) -> tuple[Backend, Actor]:
        # In a worker and after the first paint: these imports take longer than the window.
        from backend_core.backend import open_backend
        from backend_core.logs import configure_logging
        from backend_core.settings import load_settings

        settings = load_settings(home=self._options.home)
        configure_logging(settings.log_dir, process="desktop", level=settings.log_level)
        self._keep_crashes(settings.log_dir)
        if self._backend is None:
            # Kept before anything else can fail, so that stop() closes it even when the window is already gone.
            self._backend = open_backend(settings, application="desktop")
        return self._backend, self._backend.actor()

    def _opened(self, result: tuple[Backend, Actor]) -> None:
        self.window.start(*result)
        if self._options.tour is not None:
            QTimer.singleShot(0, self._tour)

    def _tour(self) -> None:
        from desktop.tour import Tour, steps

        if self._options.tour is not None:
            report = Tour(self.window, self.theme, self._options.tour, list(steps(self.window))).run()
            self._exit_code = report.exit_code
        self.window.close()

    def _measure(self, elapsed_ns: int) -> None:
        def load_libraries() -> None:
            import backend_core.backend

            _log.debug("loaded %s", backend_core.backend.__name__)

        def finish(_nothing: object) -> None:
            QTimer.singleShot(_SETTLE_MS, print_figures)

        def print_figures() -> None:
            sys.stdout.write(json.dumps({"first_paint_ms": round(elapsed_ns / _NS_PER_MS, 1), "rss_mb": resident_mb()}) + "\n")
            self.window.close()

        self.background.run(self, load_libraries, finish, self.window.show_failure)

    def _second_start(self, files: list[Path]) -> None:
        self.window.come_forward()
        self.window.open_files(files)

    def _tell(self, reference: str) -> None:
        self.window.notify(str(unexpected(reference)) + f" ({reference})", tone="bad")

    def _keep_crashes(self, folder: Path) -> None:
        if self._crash_file is None:
            try:
                self._crash_file = (folder / CRASH_FILE).open("a", encoding="utf-8")
            except OSError:
                _log.warning("no crash file", exc_info=True)
                return
            faulthandler.enable(self._crash_file)


def run(arguments: Sequence[str], options: Options) -> int:
    """Run the desktop and return its exit code; a second start hands over its files and returns 0."""
    # Before the log file exists nothing may fall through to the terminal.
    logging.getLogger().addHandler(logging.NullHandler())
    app = QApplication([sys.argv[0], *arguments])
    app.setApplicationName("lectern")
    app.setApplicationDisplayName("Lectern")
    app.setDesktopFileName("lectern")
    app.setQuitOnLastWindowClosed(False)
    instance = None
    if options.measure_from is None:
        instance = SingleInstance(options.home)
        try:
            first = instance.claim()
        except OSError:
            sys.stderr.write("Lectern cannot write to its folder; set LECTERN_HOME to one it may use.\n")
            return 1
        if not first:
            return _hand_over(instance, options.files)
    application = Application(app, options, instance=instance)
    try:
        return application.run()
    except LecternError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _hand_over(instance: SingleInstance, files: tuple[Path, ...]) -> int:
    if instance.hand_over(list(files)):
        return 0
    sys.stderr.write("Lectern is already running for this profile but does not answer; close it and try again.\n")
    return 1


def resident_mb() -> float | None:
    """Return the memory this process holds in MB (10^6 bytes), None where the system does not tell."""
    if sys.platform == "win32":
        return None
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)
