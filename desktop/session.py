"""Everything between the first pixel and the last: opens the backend in a worker, and stops in reverse order."""

from __future__ import annotations

import faulthandler
import json
import logging
import os
import signal
import socket
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Protocol, TextIO

from PySide6.QtCore import QCoreApplication, QObject, QSocketNotifier, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from backend_core.errors import LecternError
from desktop.background import Background, new_reference
from desktop.first_frame import FirstFrame
from desktop.gate import Gate, who_is_here
from desktop.i18n import tr
from desktop.main_window import MainWindow
from desktop.page_list import load_pages
from desktop.profile_menu import ProfileMenu
from desktop.single_instance import SingleInstance
from desktop.style import Theme

if TYPE_CHECKING:
    from backend_core.backend import Backend
    from backend_core.policy import Actor

_log = logging.getLogger(__name__)
_SETTLE_MS: Final = 500
_TRACES: Final = ("database", "database.path", "database.pass", "config/profile.json", "config/lectern.toml")
"""What a home that was used before holds at least one of."""
_NS_PER_MS: Final = 1_000_000


class Asked(Protocol):
    """What the command line asked for; see ``desktop.app.Options``."""

    @property
    def home(self) -> Path:
        """The folder of the profile."""

    @property
    def files(self) -> tuple[Path, ...]:
        """To import after the start."""

    @property
    def tour(self) -> Path | None:
        """Folder for pictures."""

    @property
    def measure_from(self) -> int | None:
        """Wall clock in ns of the process start."""


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

    def _in_main(self, kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QCoreApplication.quit()
            return
        self._report(error)

    def _in_thread(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_type is not SystemExit and args.exc_value is not None:
            self._report(args.exc_value)

    def _report(self, error: BaseException) -> None:
        from backend_core.logs import correlated, log_failure

        with correlated(new_reference()) as reference:
            log_failure(_log, "nobody caught this", error)
        self.happened.emit(reference)


class Stops(QObject):
    """Turns SIGINT and SIGTERM into an orderly end: a byte wakes the event loop, which otherwise sleeps through signals."""

    wanted = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._read, self._write = socket.socketpair()
        self._write.settimeout(0)
        self._before: dict[int, Any] = {}
        self._notifier = QSocketNotifier(self._read.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._woken)

    def install(self) -> None:
        """Listen; only the main thread may."""
        signal.set_wakeup_fd(self._write.fileno())
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, lambda _number, _frame: None)

    def uninstall(self) -> None:
        """Put back what was there. Calling it again does nothing."""
        if self._before:
            signal.set_wakeup_fd(-1)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before.clear()
        self._notifier.setEnabled(False)
        self._read.close()
        self._write.close()

    def _woken(self) -> None:
        self._read.recv(64)
        self.wanted.emit()


class Session(QObject):
    """One window on one profile."""

    def __init__(
        self,
        app: QApplication,
        frame: FirstFrame,
        options: Asked,
        *,
        instance: SingleInstance | None = None,
        painted_ms: float | None = None,
    ) -> None:
        super().__init__()
        self._frame, self._options, self._painted_ms = frame, options, painted_ms
        self._backend: Backend | None = None
        self._exit_code = 0
        self._crash_file: TextIO | None = None
        self._crash_report: str | None = None
        self.failures, self.stops = Failures(self), Stops(self)
        self.stops.wanted.connect(frame.close)
        self.background = Background(self)
        self.theme = Theme(app)
        self.window = MainWindow(theme=self.theme, background=self.background, state=frame.state)
        self.gate = Gate(self.window, self.background)
        self.profiles = ProfileMenu(self.window, self.background, options.home)
        self.profiles.reopen_wanted.connect(self._reopen)
        frame.adopt(self.window, remember=self.window.remembered)
        self.failures.happened.connect(self._tell)
        self.window.retry_wanted.connect(self._retry)
        if instance is not None:
            instance.files_received.connect(self._second_start)
            instance.listen()

    def begin(self) -> None:
        """Open the backend, as soon as the window shows its real content."""
        self.failures.install()
        self.stops.install()
        self.window.open_files(self._options.files)
        QTimer.singleShot(0, self._measure if self._options.measure_from is not None else self._start)

    def stop(self) -> int:
        """Stop in reverse order of the start and return the exit code."""
        self._frame.hide()
        self.gate.close()
        self.window.release()
        self.background.close()
        backend, self._backend = self._backend, None
        if backend is not None:
            backend.close()
        if self._crash_file is not None:
            faulthandler.disable()
            self._crash_file.close()
            self._crash_file = None
        self.failures.uninstall()
        self.stops.uninstall()
        return self._exit_code

    def _start(self) -> None:
        asked = self._options.tour is None and not self._options.files and not os.environ.get("LECTERN_DSN")
        if not asked or any((self._options.home / trace).exists() for trace in _TRACES):
            self._open()
            return
        from desktop.first_run import FirstRunPage

        page = FirstRunPage(self.background, self._options.home)
        page.decided.connect(self._retry)
        self.window.cover(page)

    def _reopen(self) -> None:
        backend, self._backend = self._backend, None
        self.window.release()
        self.window.show_starting()
        if backend is not None:
            self.background.run(self, backend.close, lambda _: self._open(), self._failed, key="open")

    def _open(self) -> None:
        self.background.run(self, self._open_backend, self._opened, self._failed, key="open")

    def _failed(self, error: LecternError) -> None:
        self.window.show_failure(error)
        self._tell_crash()
        if self._options.tour is not None or self._options.measure_from is not None:
            # Nobody is there to press Retry.
            sys.stderr.write(f"{error}\n")
            self._end(1)

    def _end(self, code: int) -> None:
        self._exit_code = code
        self._frame.close()

    def _retry(self) -> None:
        self.window.show_starting()
        # the button that was pressed is gone; its ring must not land on another one
        self.window.setFocus()
        self._open()

    def _open_backend(self) -> tuple[Backend, Actor | None, str]:
        # In a worker and after the first paint: these imports take longer than the window.
        from backend_core.backend import open_backend
        from backend_core.errors import InvalidInput
        from backend_core.logs import configure_logging
        from backend_core.settings import SettingsError, load_settings

        try:
            settings = load_settings(home=self._options.home)
        except SettingsError as error:
            raise InvalidInput(str(error)) from error
        configure_logging(settings.log_dir, process="desktop", level=settings.log_level)
        load_pages()
        self._keep_crashes(settings.log_dir)
        if self._backend is None:
            # Kept before anything else can fail, so that stop() closes it even when the window is already gone.
            self._backend = open_backend(settings, application="desktop")
        return self._backend, *who_is_here(self._backend)

    def _opened(self, result: tuple[Backend, Actor | None, str]) -> None:
        self.gate.admit(*result)
        self._tell_crash()
        if self._options.tour is not None:
            QTimer.singleShot(0, self._tour)

    def _tour(self) -> None:
        from desktop.tour import Tour
        from desktop.tour_steps import story

        folder, code = self._options.tour, 1
        try:
            if folder is not None:
                code = Tour(self.window, self.theme, folder, list(story(self.window, folder))).run().exit_code
        finally:
            self._end(code)

    def _measure(self) -> None:
        figures: dict[str, Any] = {"first_paint_ms": self._painted_ms}
        self.window.repaint()
        figures["content_ms"] = (time.time_ns() - (self._options.measure_from or 0)) / _NS_PER_MS

        def load_libraries() -> None:
            # The libraries are what is measured; nothing is opened.
            import backend_core.backend

            load_pages()
            _log.debug("loaded %s", backend_core.backend.__name__)

        def finish(_nothing: object) -> None:
            QTimer.singleShot(_SETTLE_MS, show_figures)

        def show_figures() -> None:
            figures["rss_mb"] = resident_mb()
            try:
                sys.stdout.write(json.dumps(figures) + "\n")
            finally:
                self._end(0)

        self.background.run(self, load_libraries, finish, self._failed)

    def _second_start(self, files: list[Path]) -> None:
        self.window.come_forward()
        self.window.open_files(files)

    def _tell(self, reference: str) -> None:
        self.window.notify(tr("Something went wrong inside Lectern. Reference {id}", id=reference), tone="bad")

    def _keep_crashes(self, folder: Path) -> None:
        if self._crash_file is None:
            from backend_core.logs import log_failure
            from backend_core.monitoring.crashes import last_crash, open_crash_file

            self._crash_report = last_crash(folder)
            try:
                self._crash_file = open_crash_file(folder)
            except OSError as error:
                log_failure(_log, "no crash file", error, level=logging.WARNING)
                return
            faulthandler.enable(self._crash_file)

    def _tell_crash(self) -> None:
        """Say once that the last run ended badly; the report goes nowhere unless somebody copies it."""
        report, self._crash_report = self._crash_report, None
        if report:
            words = tr("Lectern stopped unexpectedly last time. The report stays on this computer.")
            self.window.notify(words, tone="warn", undo=lambda: QGuiApplication.clipboard().setText(report), action=tr("Copy details"))


def resident_mb() -> float | None:
    """Return the memory this process holds in MB (10^6 bytes), None where the system does not tell."""
    if sys.platform == "win32":
        return None
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)
