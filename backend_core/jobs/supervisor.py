"""Start a worker process where none serves our queue, and end it with us."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, Self

from backend_core.db.database import Database
from backend_core.errors import LecternError, Unavailable
from backend_core.jobs.liveness import workers_alive
from backend_core.logs import get_logger
from backend_core.settings import Settings

log = get_logger(__name__)
GRACE_S: Final = 15.0
START_S: Final = 20.0
POLL_S: Final = 0.1


def settings_environment(settings: Settings) -> dict[str, str]:
    """Return this process's environment with every setting in it, for a child that shall use the same ones."""
    given = {name: value for name, value in settings.model_dump().items() if value is not None}
    return os.environ | {f"LECTERN_{name.upper()}": str(value) for name, value in given.items()}


def worker_command() -> list[str]:
    """Return the command that starts a worker which ends when its standard input closes."""
    if getattr(sys, "frozen", False):
        return [sys.executable, "--worker"]
    return [sys.executable, "-m", "backend_core.worker", "--follow-stdin"]


class WorkerSupervisor:
    """Keeps one worker alive for as long as this object is open.

    Args:
        alive: how many workers serve the queue now; anybody's count.
        may_start: whether this process may run a worker; on a shared server only some logins may.
    """

    def __init__(
        self, settings: Settings, *, alive: Callable[[], int], command: Sequence[str] | None = None, may_start: bool = True
    ) -> None:
        self._settings = settings
        self._alive = alive
        self._may_start = may_start
        self._command = list(command or worker_command())
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def ensure(self) -> bool:
        """Start a worker if none is alive; return whether one was started. Call it every few seconds."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                return False
            if self._process is not None:
                log.warning("worker ended", exit_code=self._process.returncode)
                self._process = None
            if not self._may_start or self._alive():
                return False
            self._process = subprocess.Popen(  # our own interpreter and module, no user text
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=settings_environment(self._settings),
                start_new_session=sys.platform != "win32",
            )
            log.info("worker started", worker_pid=self._process.pid)
            return True

    def wait_alive(self, *, timeout_s: float = START_S) -> None:
        """Start a worker if needed and wait until one serves the queue.

        Raises:
            Unavailable: none came up in time.
        """
        limit = time.monotonic() + timeout_s
        while time.monotonic() < limit:
            self.ensure()
            if self._alive():
                return
            time.sleep(POLL_S)
        if not self._may_start:
            raise Unavailable("No background worker serves this server; whoever runs it starts one with `lecternctl jobs run-worker`.")
        raise Unavailable("The background worker does not start; the log file worker.log says why.")

    def pid(self) -> int | None:
        """Return the process id of the worker this object started, if it runs."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def close(self) -> None:
        """End the worker we started: it finishes its current steps, and is killed if it does not."""
        with self._lock:
            process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(OSError):
            if process.stdin is not None:
                process.stdin.close()
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            log.warning("worker killed", worker_pid=process.pid)
            process.kill()
            process.wait()

    def __enter__(self) -> Self:
        """Return the supervisor."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End the worker."""
        self.close()


def alive_in(database: Database, *, queue: str) -> Callable[[], int]:
    """Return a function that counts the live workers of ``queue``; an unreachable database counts as none."""

    def count() -> int:
        try:
            with database.begin("Count workers") as conn:
                return workers_alive(conn, queue=queue)
        except LecternError:
            return 0

    return count
