"""A child process that cannot outlive its parent, its time or its memory, spoken to in JSON lines.

The child reads requests from standard input and treats its end as the order to stop, so a parent that dies takes its children with it.
It answers on standard output; standard error is drained and kept only as a short tail for the log.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

Message = dict[str, Any]

_POLL_S: Final = 0.05
_REAP_POLL_S: Final = 0.002
_MAX_LINE_BYTES: Final = 16 * 2**20
_STDERR_BYTES: Final = 4096
_WAITING_LINES: Final = 256
# Room for a handler of the soft CPU limit before the kernel kills.
_CPU_KILL_AFTER_S: Final = 2
# The shell sets the limits and becomes the child: no code of ours runs between fork and exec, which is unsafe in a threaded parent.
# Some systems refuse a memory limit; time limits and the parent's own deadline still hold there.
_LIMITER: Final = (
    'ulimit -c 0; [ "$1" = 0 ] || ulimit -v "$1" 2>/dev/null; '
    '[ "$2" = 0 ] || { ulimit -S -t "$2" && ulimit -H -t "$3"; }; shift 3; exec "$@"'
)
_KEPT_ENVIRONMENT: Final = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "TEMP", "TMP", "SYSTEMROOT", "WINDIR")


class ChildError(Exception):
    """The conversation with a child ended before its time; the child is stopped."""


class ChildGone(ChildError):
    """The child stopped by itself, or answered with something that is not a JSON object."""


class ChildTimedOut(ChildError):
    """More time was spent waiting for the child than allowed."""


class ChildCancelled(ChildError):
    """The caller's `should_stop` said so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a child ended.

    Attributes:
        code: exit code; negative is the number of the signal that killed it.
        stopped: whether this side ended it.
        cpu_s: CPU seconds used, None where the system does not tell.
        peak_bytes: largest resident memory, an upper bound because the system starts counting at the parent's own size.
        stderr: last 4 kB of standard error; may quote the input, so for logs with redaction only.
    """

    code: int
    stopped: bool
    cpu_s: float | None
    peak_bytes: int | None
    stderr: str


def never() -> bool:
    """Never ask to stop; the default of every `should_stop`."""
    return False


def child_environment(**extra: str) -> dict[str, str]:
    """Return the few harmless variables a child needs, this package on its path, and `extra`; no secret is handed on."""
    kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    root = str(Path(__file__).resolve().parent.parent)
    # One allocator arena: each further one reserves 64 MB of the address space that the memory limit counts.
    return {**kept, "PYTHONPATH": root, "PYTHONUTF8": "1", "MALLOC_ARENA_MAX": "1", **extra}


class LimitedChild:
    """A child process with limits; use it as a context manager, and from one thread.

    On POSIX `memory_bytes` limits the address space and `cpu_s` the CPU time. On Windows only `wall_s` holds: a job object would be
    needed for the other two.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        memory_bytes: int | None = None,
        cpu_s: int | None = None,
        wall_s: float | None = None,
        grace_s: float = 0.5,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Start `command`; `wall_s` bounds the seconds spent waiting for answers, `grace_s` each step of stopping."""
        self._wall_left = wall_s
        self._grace_s = grace_s
        self._lines: queue.Queue[bytes | None] = queue.Queue(maxsize=_WAITING_LINES)
        self._closing = threading.Event()
        self._stderr = b""
        self._asked_at = 0.0
        self._stopped = False
        self._usage: tuple[float, int] | None = None
        self._process = _start(command, memory_bytes=memory_bytes, cpu_s=cpu_s, env=child_environment() if env is None else env)
        readers = (self._read_stdout, self._read_stderr)
        self._threads = [threading.Thread(target=reader, daemon=True, name="child-pipe") for reader in readers]
        for thread in self._threads:
            thread.start()

    def __enter__(self) -> Self:
        """Return the running child."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop and reap the child if it still runs, and close its pipes."""
        self.stop()

    @property
    def pid(self) -> int:
        """Process id, valid until the child is reaped."""
        return self._process.pid

    def send(self, message: Mapping[str, Any]) -> None:
        """Write one JSON line; keep it small (a pipe holds 64 kB) or be sure the child is reading.

        Raises:
            ChildGone: the child has stopped.
        """
        stdin = _pipe(self._process.stdin)
        try:
            stdin.write(json.dumps(message).encode() + b"\n")
            stdin.flush()
        except (BrokenPipeError, ValueError, OSError):
            raise ChildGone("stopped before it was asked") from None

    def messages(self, *, should_stop: Callable[[], bool] = never) -> Iterator[Message]:
        """Yield the JSON objects the child writes, until it closes its output.

        Args:
            should_stop: asked at most 20 times a second; True stops the child.

        Raises:
            ChildCancelled: `should_stop` said so.
            ChildTimedOut: more than `wall_s` seconds were spent waiting.
            ChildGone: the child wrote something that is not a JSON object.
        """
        while (line := self._next_line(should_stop)) is not None:
            yield _decoded(line)

    def finish(self) -> Outcome:
        """Return how the child ended; one that closed its output but does not exit is stopped."""
        if not self._reap(self._grace_s):
            self.stop()
        self._close_pipes()
        cpu_s, peak = self._usage or (None, None)
        stderr = self._stderr.decode(errors="replace")
        return Outcome(code=self._process.returncode, stopped=self._stopped, cpu_s=cpu_s, peak_bytes=peak, stderr=stderr)

    def stop(self) -> None:
        """End the child if it runs: close its input, then terminate, then kill; always reaps."""
        if self._process.returncode is None and not self._reap(0):
            self._stopped = True
            self._close_stdin()
            if not self._reap(self._grace_s):
                self._signal(signal.SIGTERM)
                if not self._reap(self._grace_s):
                    self._signal(getattr(signal, "SIGKILL", signal.SIGTERM))
                    self._reap(None)
        self._close_pipes()

    def _next_line(self, should_stop: Callable[[], bool]) -> bytes | None:
        """Return the next line, or None at the end of output."""
        while True:
            self._check_stop(should_stop)
            started = time.monotonic()
            try:
                return self._lines.get(timeout=_POLL_S)
            except queue.Empty:
                continue
            finally:
                self._spend(time.monotonic() - started)

    def _check_stop(self, should_stop: Callable[[], bool]) -> None:
        """Ask `should_stop` now and then; asking may cost a database query."""
        now = time.monotonic()
        if now - self._asked_at >= _POLL_S:
            self._asked_at = now
            if should_stop():
                self.stop()
                raise ChildCancelled("stopped on request")

    def _spend(self, seconds: float) -> None:
        """Count waiting time; the reader's own work between two messages is not the child's."""
        if self._wall_left is not None:
            self._wall_left -= seconds
            if self._wall_left <= 0:
                self.stop()
                raise ChildTimedOut("took longer than its time limit")

    def _read_stdout(self) -> None:
        """Move lines from the pipe to the bounded queue (thread)."""
        stdout = _pipe(self._process.stdout)
        with contextlib.suppress(OSError, ValueError):
            while line := stdout.readline(_MAX_LINE_BYTES):
                self._offer(line)
        self._offer(None)

    def _offer(self, line: bytes | None) -> None:
        """Queue a line, giving up once nobody reads any more."""
        while not self._closing.is_set():
            with contextlib.suppress(queue.Full):
                self._lines.put(line, timeout=_POLL_S)
                return

    def _read_stderr(self) -> None:
        """Keep the last bytes of standard error (thread); an undrained pipe would stop the child."""
        stderr = _pipe(self._process.stderr)
        with contextlib.suppress(OSError, ValueError):
            while block := os.read(stderr.fileno(), _STDERR_BYTES):
                self._stderr = (self._stderr + block)[-_STDERR_BYTES:]

    def _reap(self, timeout: float | None) -> bool:
        """Wait up to `timeout` seconds (None: for ever) for the end; True once reaped."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self._reaped():
            if deadline is not None and time.monotonic() >= deadline:
                return False
            time.sleep(_REAP_POLL_S)
        return True

    def _reaped(self) -> bool:
        """Collect the exit status if there is one, with the resources used where the system tells."""
        process = self._process
        if sys.platform == "win32":
            return process.poll() is not None
        if process.returncode is None:
            try:
                pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            except ChildProcessError:
                # Somebody else waited for all children of this process: the status is lost, the child is not running.
                process.returncode = -signal.SIGKILL
                return True
            if pid:
                process.returncode = os.waitstatus_to_exitcode(status)
                unit = 1 if sys.platform == "darwin" else 1024
                self._usage = (usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit)
        return process.returncode is not None

    def _signal(self, number: int) -> None:
        """Signal the child and whatever it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                self._process.terminate()
            else:
                os.killpg(self._process.pid, number)

    def _close_stdin(self) -> None:
        with contextlib.suppress(OSError):
            _pipe(self._process.stdin).close()

    def _close_pipes(self) -> None:
        """Let the reader threads end, then close what they read."""
        self._closing.set()
        self._close_stdin()
        for thread, pipe in zip(self._threads, (self._process.stdout, self._process.stderr), strict=True):
            thread.join(self._grace_s)
            # Closing under a thread that still reads would block; such a pipe is held open by a grandchild and goes with it.
            if not thread.is_alive():
                _pipe(pipe).close()


def _start(command: Sequence[str], *, memory_bytes: int | None, cpu_s: int | None, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start `command` under its limits, in its own session, with three pipes."""
    pipe = subprocess.PIPE
    if sys.platform == "win32":
        flags = subprocess.CREATE_NO_WINDOW
        return subprocess.Popen(list(command), stdin=pipe, stdout=pipe, stderr=pipe, env=dict(env), creationflags=flags)
    limits = [str((memory_bytes or 0) // 1024), str(cpu_s or 0), str((cpu_s or 0) + _CPU_KILL_AFTER_S)]
    # The arguments reach the shell as "$@", never as its program text.
    limited = ["/bin/sh", "-c", _LIMITER, "limited", *limits, *command]
    return subprocess.Popen(limited, stdin=pipe, stdout=pipe, stderr=pipe, env=dict(env), start_new_session=True)


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    """Narrow the type: all three streams are pipes."""
    if stream is None:
        raise ChildGone("has no pipe")
    return stream


def _decoded(line: bytes) -> Message:
    """Return the JSON object on `line`."""
    with contextlib.suppress(ValueError):
        message = json.loads(line)
        if isinstance(message, dict):
            return message
    raise ChildGone("gave an answer that is not a JSON object")
