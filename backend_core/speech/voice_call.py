"""One conversation with a voice process: start it, follow it, stop or kill it, and turn its end into our errors."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any, Final

from backend_core.errors import Cancelled, LecternError, LimitReached, NotFound, StorageFailed, VoiceFailed

_POLL_S: Final = 0.1
_GRACE_S: Final = 0.4
"""Time a process has to stop by itself; after it, it is killed."""
_INHERITED: Final = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""Nothing else of the environment reaches the process: it may hold passphrases and keys."""

if sys.platform == "win32":
    _NO_WINDOW = subprocess.CREATE_NO_WINDOW
else:
    _NO_WINDOW = 0

_END = None
_EVENTS: Final = ("progress", "voices", "result", "error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How a conversation is steered and bounded."""

    should_stop: Callable[[], bool]
    progress: Callable[[float], None]
    hard_limit_s: float


def converse(command: Sequence[str], request: Mapping[str, object], *, limits: Limits, environment: Mapping[str, str]) -> dict[str, Any]:
    """Send ``request`` to a new voice process and return its result; the process is gone when this returns or raises.

    Raises:
        Cancelled: stopped on request.
        LimitReached: over the hard limit, or out of memory.
        NotFound: no such voice.
        StorageFailed: the audio could not be written.
        VoiceFailed: the process could not start, broke or was killed.
    """
    until = time.monotonic() + limits.hard_limit_s
    process = _start(command, environment)
    call = _Call(process, json.dumps(request).encode("ascii") + b"\n")
    try:
        return call.follow(limits, until)
    finally:
        call.end()


def _start(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    try:
        # Its own session: Ctrl+C in a terminal is the parent's to handle, and the end of stdin ends the process in any case.
        return subprocess.Popen(
            list(command),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**inherited, "OPENBLAS_NUM_THREADS": "1", **environment},
            start_new_session=True,
            creationflags=_NO_WINDOW,
        )
    except OSError as error:
        raise VoiceFailed("The voice process could not be started.") from error


class _Call:
    """The process, its two pipes, and the thread that serves them."""

    def __init__(self, process: subprocess.Popen[bytes], line: bytes) -> None:
        self._process = process
        self._line = line
        self._sent = threading.Event()
        self._events: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._pump = threading.Thread(target=self._serve, name="voice-pipes", daemon=True)
        self._pump.start()

    def follow(self, limits: Limits, until: float) -> dict[str, Any]:
        """Return the first event that is an answer."""
        while True:
            if limits.should_stop():
                raise Cancelled("Speaking was stopped.")
            if time.monotonic() >= until:
                self._process.kill()
                raise LimitReached(f"Speaking took longer than {limits.hard_limit_s:g} seconds and was stopped.")
            try:
                event = self._events.get(timeout=_POLL_S)
            except queue.Empty:
                continue
            if event is _END:
                raise self._died()
            if event["event"] == "error":
                raise _error(event)
            if event["event"] != "progress":
                return event
            limits.progress(event["done"])

    def end(self) -> None:
        """Make sure that the process is gone: ask first, then kill."""
        streams = (self._process.stdin, self._process.stdout)
        if self._sent.is_set() and self._process.stdin:
            _close(self._process.stdin)
        try:
            self._process.wait(timeout=_GRACE_S if self._sent.is_set() else 0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._pump.join()
        for stream in streams:
            if stream:
                _close(stream)

    def _serve(self) -> None:
        """Write the request and read every event; a text longer than a pipe must not block the caller."""
        stdin, stdout = self._process.stdin, self._process.stdout
        try:
            if stdin and stdout:
                stdin.write(self._line)
                stdin.flush()
                self._sent.set()
                for raw in stdout:
                    self._events.put(_event(raw))
        except (OSError, ValueError):
            # A process that dies in mid-word, or no voice process at all: its exit code says more than this exception.
            return
        finally:
            self._events.put(_END)

    def _died(self) -> LecternError:
        try:
            code = self._process.wait(timeout=_GRACE_S)
        except subprocess.TimeoutExpired:
            return VoiceFailed("The voice process stopped answering.")
        if sys.platform != "win32" and code == -signal.SIGXCPU:
            return LimitReached("Speaking used up its processor time and was stopped.")
        return VoiceFailed("The voice process stopped before the audio was complete.")


def _event(raw: bytes) -> dict[str, Any]:
    event = json.loads(raw)
    if not isinstance(event, dict) or event.get("event") not in _EVENTS:
        raise ValueError("not an event of the protocol")
    return event


def _close(stream: IO[bytes]) -> None:
    try:
        stream.close()
    except OSError:
        # The other end is gone; nothing was left to say.
        return


def _error(event: Mapping[str, Any]) -> LecternError:
    errors: dict[str, LecternError] = {
        "voice": NotFound("There is no such voice."),
        "disk": StorageFailed("The audio could not be written; the disk may be full."),
        "length": LimitReached("The audio would be longer than eight hours."),
        "memory": LimitReached("Speaking this text needs too much memory."),
    }
    return errors.get(event["kind"], VoiceFailed("The voice could not speak this text."))
