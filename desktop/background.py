"""Runs work off the GUI thread and brings its result back; the only file of the desktop that starts threads.

``background.run(self, work, done, failed)`` calls ``work()`` in a worker and then ``done(result)`` or ``failed(error)`` on the GUI thread.
Both are dropped when the owner is gone, when the job was cancelled, or when a newer job of the same owner and key was started.
Everything that may hold a widget (work, callbacks, results) stays in tables that only the GUI thread empties,
so that the last reference to a widget is never dropped in a worker.
"""

from __future__ import annotations

import itertools
import logging
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

import shiboken6
from PySide6.QtCore import QObject, Qt, Signal, Slot

from backend_core.errors import Cancelled, LecternError, ProofNeeded, ReasonNeeded, SignInNeeded

T = TypeVar("T")
_log = logging.getLogger(__name__)

Asker = Callable[[LecternError, Context, Callable[[], object], Callable[[LecternError], object]], None]
"""Gets the error, the context of the work, how to start it again, and how to give it up."""

THREADS: Final = 4
"""Enough for one page's queries and a long import; the pool of a desktop process holds few connections."""


class Token:
    """Asks one job to stop and carries its progress."""

    def __init__(self, report: Callable[[object], None]) -> None:
        self._report = report
        self._lock = threading.Lock()
        self._hook: Callable[[], object] | None = None
        self._cancelled = threading.Event()

    @property
    def cancelled(self) -> bool:
        """Whether somebody asked this job to stop."""
        return self._cancelled.is_set()

    def raise_if_cancelled(self) -> None:
        """Leave the job here when it was asked to stop.

        Raises:
            Cancelled: it was.
        """
        if self.cancelled:
            message = "Stopped on request."
            raise Cancelled(message)

    def report(self, value: object) -> None:
        """Send ``value`` to the ``progress`` callback; values sent faster than the screen can show are merged."""
        self._report(value)

    @contextmanager
    def on_cancel(self, hook: Callable[[], object]) -> Iterator[None]:
        """Call ``hook`` in another thread if the job is cancelled inside the block, never after it."""
        with self._lock:
            self._hook = hook
        try:
            self.raise_if_cancelled()
            yield
        finally:
            with self._lock:
                self._hook = None

    def _stop(self) -> None:
        with self._lock:
            hook, self._hook = self._hook, None
            self._cancelled.set()
            if hook is not None:
                try:
                    hook()
                except Exception as error:  # noqa: BLE001 - a hook that fails must not take the canceller thread down
                    from backend_core.logs import log_failure

                    log_failure(_log, "a cancel hook failed", error, level=logging.WARNING)


_current: ContextVar[Token | None] = ContextVar("desktop_token", default=None)


def current() -> Token | None:
    """Return the token of the job this worker runs, None on the GUI thread."""
    return _current.get()


@dataclass(slots=True)
class _Job:
    owner: weakref.ref[QObject]
    slot: tuple[int, object]
    work: Callable[[], Any]
    done: Callable[[Any], object]
    failed: Callable[[LecternError], object] | None
    progress: Callable[[Any], object] | None
    token: Token
    context: Context
    correlation_id: str
    future: Future[None] | None = None


class Handle:
    """What ``run`` returns: the way to stop that job."""

    def __init__(self, background: Background, job_id: int) -> None:
        self._background = weakref.ref(background)
        self._id = job_id

    def cancel(self) -> None:
        """Ask the job to stop; neither callback is called afterwards."""
        background = self._background()
        if background is not None:
            background.cancel_job(self._id)

    @property
    def running(self) -> bool:
        """Whether a callback is still to come."""
        background = self._background()
        return background is not None and background.is_pending(self._id)


class Background(QObject):
    """The workers of one application. Create, use and close it on the GUI thread."""

    crashed = Signal(str)
    """A callback raised and had no ``failed`` to tell; carries the correlation id."""
    session_ended = Signal()
    """Some work was refused because nobody is signed in any more."""
    _finished = Signal(object)
    _progressed = Signal(object)

    def __init__(self, parent: QObject | None = None, *, threads: int = THREADS) -> None:
        super().__init__(parent)
        self._workers = ThreadPoolExecutor(threads, thread_name_prefix="lectern")
        self._canceller = ThreadPoolExecutor(1, thread_name_prefix="lectern-cancel")
        self._ids = itertools.count(1)
        self._jobs: dict[int, _Job] = {}
        self._newest: dict[tuple[int, object], int] = {}
        self._outcomes: dict[int, tuple[bool, Any]] = {}
        self._progress: dict[int, object] = {}
        self._progress_lock = threading.Lock()
        self._closed = False
        self.asker: Asker | None = None
        """Asked when work needs a reason or a proof; it starts the work again, or gives it up."""
        self._finished.connect(self._deliver, Qt.ConnectionType.QueuedConnection)
        self._progressed.connect(self._deliver_progress, Qt.ConnectionType.QueuedConnection)

    def run(
        self,
        owner: QObject,
        work: Callable[[], T],
        done: Callable[[T], object],
        failed: Callable[[LecternError], object] | None = None,
        *,
        key: object = None,
        progress: Callable[[Any], object] | None = None,
    ) -> Handle:
        """Call ``work`` in a worker, then ``done`` or ``failed`` on this thread while ``owner`` lives.

        Args:
            owner: the widget that asks; when it is deleted both callbacks are dropped.
            work: must not touch widgets.
            done: gets what ``work`` returned.
            failed: gets a ``LecternError`` whose sentence may be shown.
            key: a newer job of the same owner and key replaces this one (its callbacks are dropped, its query cancelled).
            progress: gets what the work sends by ``current().report(value)``.

        Returns:
            a handle to cancel the job.
        """
        job_id = next(self._ids)
        slot = (id(owner), job_id if key is None else key)
        earlier = self._newest.get(slot)
        if earlier is not None:
            self.cancel_job(earlier)
        token = Token(lambda value: self._note_progress(job_id, value))
        job = _Job(weakref.ref(owner), slot, work, done, failed, progress, token, copy_context(), new_reference())
        self._jobs[job_id] = job
        self._newest[slot] = job_id
        if not self._closed:
            job.future = self._workers.submit(self._work, job_id)
        return Handle(self, job_id)

    def cancel_job(self, job_id: int) -> None:
        """Ask one job to stop and drop its callbacks."""
        job = self._jobs.get(job_id)
        if job is None:
            return
        if self._newest.get(job.slot) == job_id:
            del self._newest[job.slot]
        if job.future is not None and job.future.cancel():
            del self._jobs[job_id]
        elif not job.token.cancelled:
            # Cancelling a query is network traffic, so it never happens on the GUI thread.
            self._canceller.submit(job.token._stop)

    def cancel_owner(self, owner: QObject) -> None:
        """Ask every job of ``owner`` to stop."""
        for job_id, job in list(self._jobs.items()):
            if job.slot[0] == id(owner):
                self.cancel_job(job_id)

    def is_pending(self, job_id: int) -> bool:
        """Return whether a callback of that job is still to come."""
        job = self._jobs.get(job_id)
        return job is not None and self._newest.get(job.slot) == job_id

    @property
    def pending(self) -> int:
        """How many jobs have neither finished nor been dropped."""
        return len(self._jobs)

    def close(self) -> None:
        """Cancel everything, wait for the workers, and drop all results. Calling it again does nothing."""
        if self._closed:
            return
        self._closed = True
        for job_id in list(self._jobs):
            self.cancel_job(job_id)
        self._workers.shutdown(wait=True, cancel_futures=True)
        self._canceller.shutdown(wait=True)
        for table in (self._jobs, self._newest, self._outcomes, self._progress):
            cast("dict[Any, Any]", table).clear()

    def _work(self, job_id: int) -> None:
        # Only ids live in this frame: it must not hold the last reference to anything a widget owns.
        self._outcomes[job_id] = self._perform(job_id)
        self._finished.emit(job_id)

    def _perform(self, job_id: int) -> tuple[bool, Any]:
        job = self._jobs.get(job_id)
        if job is None or job.token.cancelled:
            return False, Cancelled("Stopped on request.")
        return job.context.run(_call, job)

    def _note_progress(self, job_id: int, value: object) -> None:
        with self._progress_lock:
            fresh = job_id not in self._progress
            self._progress[job_id] = value
        if fresh:
            self._progressed.emit(job_id)

    @Slot(object)
    def _deliver_progress(self, job_id: int) -> None:
        with self._progress_lock:
            value = self._progress.pop(job_id, None)
        job = self._jobs.get(job_id)
        if job is None or job.progress is None or not self._wanted(job_id, job):
            return
        self._guarded(job.progress, value, job)

    @Slot(object)
    def _deliver(self, job_id: int) -> None:
        good, value = self._outcomes.pop(job_id, (False, None))
        job = self._jobs.get(job_id)
        if job is None:
            return
        wanted = self._wanted(job_id, job)
        del self._jobs[job_id]
        if self._newest.get(job.slot) == job_id:
            del self._newest[job.slot]
        if not wanted:
            return
        if good:
            self._guarded(job.done, value, job)
        elif not self._asked(job, value) and job.failed is not None:
            self._guarded(job.failed, value, job, last=True)

    def _asked(self, job: _Job, error: LecternError) -> bool:
        if isinstance(error, SignInNeeded):
            self.session_ended.emit()
        owner, asker = job.owner(), self.asker
        if asker is None or owner is None or not isinstance(error, ReasonNeeded | ProofNeeded):
            return False

        def again() -> None:
            if shiboken6.isValid(owner):
                self.run(owner, job.work, job.done, job.failed, key=job.slot[1], progress=job.progress)

        def give_up(stopped: LecternError) -> None:
            if shiboken6.isValid(owner) and job.failed is not None:
                self._guarded(job.failed, stopped, job, last=True)

        asker(error, job.context, again, give_up)
        return True

    def _wanted(self, job_id: int, job: _Job) -> bool:
        owner = job.owner()
        alive = owner is not None and shiboken6.isValid(owner)
        return alive and not job.token.cancelled and self._newest.get(job.slot) == job_id

    def _guarded(self, callback: Callable[[Any], object], value: object, job: _Job, *, last: bool = False) -> None:
        try:
            callback(value)
        except Exception as error:  # noqa: BLE001 - an exception in a slot must reach the user, not the event loop
            known = _safe("a callback raised", error, job)
            if job.failed is None or last:
                self.crashed.emit(job.correlation_id)
            else:
                self._guarded(job.failed, known, job, last=True)


def _call(job: _Job) -> tuple[bool, Any]:
    # Imported here because the log library must not delay the first paint.
    from backend_core.logs import correlated

    _current.set(job.token)
    with correlated(job.correlation_id):
        try:
            return True, job.work()
        except Exception as error:  # noqa: BLE001 - the thread boundary: whatever happened becomes one safe sentence
            known = _safe("work raised", error, job)
    # Frames hold the widgets that closures name; they must not die in this thread.
    known.__cause__ = known.__context__ = None
    return False, known.with_traceback(None)


def new_reference() -> str:
    """Return an id under which a log line can be found, short enough to read out."""
    digits = os.urandom(4).hex()
    return f"{digits[:4]}-{digits[4:]}"


def _safe(event: str, error: Exception, job: _Job) -> LecternError:
    from backend_core.logs import at_boundary

    return at_boundary(_log, event, error, correlation_id=job.correlation_id)
