"""The background host: runs jobs and the regular duties, each duty on one host at a time."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import functools
import importlib
import os
import selectors
import signal
import socket
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final

import procrastinate
import psycopg
from procrastinate import exceptions as queue_errors
from procrastinate import jobs as queue_jobs
from procrastinate import worker as queue_worker
from procrastinate.job_context import AbortReason

from backend_core.backend import Backend, open_backend
from backend_core.errors import Cancelled, Conflict, DatabaseAway, LecternError, StorageFailed, Unavailable
from backend_core.homes import home_folder, profile_name
from backend_core.jobs.as_told import AsTold
from backend_core.jobs.identity import Identity
from backend_core.jobs.retry import Backoff
from backend_core.jobs.runner import Runner, Subject, TaskHandler
from backend_core.logs import configure_logging, get_logger, log_failure
from backend_core.settings import Settings, load_settings

log = get_logger(__name__)
POLL_S: Final = 1.0
GRACE_S: Final = 10.0
QUEUE_WAIT_S: Final = 10.0
RECONNECT_S: Final = (0.5, 1.0, 2.0, 5.0)
RECOVER_EVERY_S: Final = 2.0
WATCH_EVERY_S: Final = 0.5
STOP_AGAIN_S: Final = 0.5
SWEEP_EVERY_S: Final = 60.0
SEAL_EVERY_S: Final = 0.75
BACKUP_EVERY_S: Final = 60.0
AUDIT_EVERY_S: Final = 10.0
RENEW_EVERY_S: Final = 60.0
PRIVACY_EVERY_S: Final = 60.0
READINESS_EVERY_S: Final = 15.0
DELIVER_EVERY_S: Final = 2.0
NUMBER_EVERY_S: Final = 0.1


class Worker:
    """One worker process."""

    def __init__(self, backend: Backend, settings: Settings) -> None:
        self._backend = backend
        self._settings = settings
        backoff = Backoff(base_s=settings.retry_base_s, jitter=settings.retry_jitter, limit=settings.retry_limit)
        self._runner = Runner(
            backend.database,
            backoff=backoff,
            soft_limit_s=settings.job_soft_limit_s,
            hard_limit_s=settings.job_hard_limit_s,
            find_actor=backend.access.actor,
            told=backend.job_notices,
        )

    def _app(self) -> procrastinate.App:
        name = f"lectern-queue@{socket.gethostname()[:30]}:{os.getpid()}"
        connector = procrastinate.PsycopgConnector(
            conninfo=self._backend.connection_string(),
            kwargs={"application_name": name},
            min_size=1,
            max_size=self._settings.worker_concurrency + 2,
            timeout=QUEUE_WAIT_S,
        )
        app = procrastinate.App(connector=connector)
        for handler in self._backend.handlers.values():
            app.task(name=handler.name, pass_context=True, retry=AsTold())(self._task(handler))
        return app

    def _task(self, handler: TaskHandler) -> Callable[..., None]:
        def run(context: procrastinate.JobContext, **args: Any) -> None:
            job = context.job
            try:
                self._runner.run(
                    handler,
                    job_id=job.id or 0,
                    attempt=job.attempts,
                    args=args,
                    aborted=lambda: context.abort_reason() is AbortReason.USER_REQUEST,
                    interrupted=lambda: context.abort_reason() is AbortReason.SHUTDOWN,
                )
            except Cancelled:
                raise queue_errors.JobAborted from None

        return run

    async def serve(self, stopping: asyncio.Event | None = None) -> None:
        """Run jobs until ``stopping`` is set, or until cancelled; raise when the database goes away."""
        stopping = stopping or asyncio.Event()
        identity = await asyncio.to_thread(Identity, self._backend.connection_string(), queue=self._backend.jobs.queue)
        app = self._app()
        try:
            async with _opened(app):
                duties = [
                    asyncio.create_task(_watch(identity)),
                    asyncio.create_task(self._recover_for_ever(app)),
                    asyncio.create_task(self._sweep_for_ever(identity)),
                    asyncio.create_task(self._seal_for_ever()),
                    asyncio.create_task(self._back_up_for_ever()),
                    asyncio.create_task(self._look_after_audit(identity)),
                    asyncio.create_task(self._renew_tokens()),
                    asyncio.create_task(self._try_boundary()),
                    asyncio.create_task(self._measure_readiness()),
                ]
                queue = self._queue(app)
                work = asyncio.create_task(queue.run())  # type: ignore[no-untyped-call]  # the library's
                duties += [asyncio.create_task(self._tell_number(identity, queue)), asyncio.create_task(self._deliver_for_ever())]
                asked = asyncio.create_task(stopping.wait())
                try:
                    await asyncio.wait({work, asked, *duties}, return_when=asyncio.FIRST_COMPLETED)
                    if not stopping.is_set():
                        # what ends by itself has lost its database: with the server back, running jobs can still say how they ended
                        await asyncio.to_thread(self._backend.revive)
                finally:
                    await _end(queue, work, [asked, *duties])
        finally:
            identity.close()

    async def drain(self) -> None:
        """Run what waits now, and return when nothing is left that could run at once."""
        app = self._app()
        async with _opened(app):
            await self._queue(app, wait=False).run()  # type: ignore[no-untyped-call]  # the library's

    def _queue(self, app: procrastinate.App, *, wait: bool = True) -> queue_worker.Worker:
        return queue_worker.Worker(
            app,
            queues=[self._backend.jobs.queue],
            wait=wait,
            listen_notify=wait,
            concurrency=self._settings.worker_concurrency,
            install_signal_handlers=False,
            fetch_job_polling_interval=POLL_S,
            abort_job_polling_interval=POLL_S / 2,
            # whoever waits for the end of the work has no reason to interrupt it
            shutdown_graceful_timeout=GRACE_S if wait else self._settings.job_hard_limit_s + GRACE_S,
            update_heartbeat_interval=self._settings.heartbeat_s,
            stalled_worker_timeout=self._settings.stalled_after_s,
        )

    async def _recover_for_ever(self, app: procrastinate.App) -> None:
        while True:
            stalled = await app.job_manager.get_stalled_jobs(
                queue=self._backend.jobs.queue, seconds_since_heartbeat=self._settings.stalled_after_s
            )
            for job in stalled:
                await self._recover(app, job)
            await app.job_manager.prune_stalled_workers(self._settings.stalled_after_s)
            await asyncio.sleep(min(RECOVER_EVERY_S, self._settings.stalled_after_s / 2))

    async def _recover(self, app: procrastinate.App, job: queue_jobs.Job) -> None:
        """Hand the job of a dead worker to a live one; a job that outlived its retries is given up."""
        handler = self._backend.handlers.get(job.task_name)
        subject = Subject.of(job.task_kwargs)
        log.warning("job taken over from a dead worker", job_id=job.id, task=job.task_name, attempt=job.attempts)
        cancelled = await asyncio.to_thread(self._backend.jobs.cancel_requested, job.id or 0)
        if handler is None or cancelled or job.attempts >= self._settings.retry_limit:
            if handler is not None:
                error = Cancelled("Cancelled.") if cancelled else Unavailable("The background worker stopped each time it worked on this.")
                await asyncio.to_thread(self._runner.abandon, handler, subject, error, job_id=job.id or 0, attempt=job.attempts)
            # last, so that a worker that dies before it leaves the job to the next one
            await app.job_manager.finish_job(job, queue_jobs.Status.ABORTED if cancelled else queue_jobs.Status.FAILED, delete_job=False)
            return
        try:
            await app.job_manager.retry_job(job)
        except (queue_errors.UniqueViolation, queue_errors.ConnectorException):
            # somebody else recovered it first, or queued the same work anew
            log.info("job was already taken over", job_id=job.id)

    async def _back_up_for_ever(self, *, every_s: float = BACKUP_EVERY_S) -> None:
        ending = threading.Event()
        try:
            while True:
                await asyncio.sleep(every_s)
                # not under the lock of the other duties: it may take long, and sees to it itself that only one host is at it
                await asyncio.to_thread(self._backend.backups.duty, actor=self._backend.system(), should_stop=ending.is_set)
        finally:
            ending.set()

    async def _look_after_audit(self, identity: Identity) -> None:
        while True:
            await asyncio.sleep(AUDIT_EVERY_S)
            duty = functools.partial(self._backend.upkeep.look_after, actor=self._backend.system())
            await asyncio.to_thread(identity.on_duty, "audit", duty)

    async def _try_boundary(self, *, every_s: float = PRIVACY_EVERY_S) -> None:
        ending = threading.Event()
        try:
            while True:
                await asyncio.sleep(every_s)
                # a run takes seconds, and sees to it itself that only one host is at it
                await asyncio.to_thread(self._backend.privacy.duty, actor=self._backend.system(), cancelled=ending.is_set)
        finally:
            ending.set()

    async def _measure_readiness(self, *, every_s: float = READINESS_EVERY_S) -> None:
        ending = threading.Event()
        try:
            while True:
                await asyncio.sleep(every_s)
                # two hosts that look at the same thing do no harm; the newer answer stays
                await asyncio.to_thread(self._backend.readiness.duty, actor=self._backend.system(), should_stop=ending.is_set)
        finally:
            ending.set()

    async def _renew_tokens(self) -> None:
        ending = threading.Event()
        try:
            while True:
                await asyncio.sleep(RENEW_EVERY_S)
                try:
                    # not under the lock of the other duties: a service may be slow, and each token is taken by one host at a time anyway
                    await asyncio.to_thread(self._backend.tokens.refresh_due, actor=self._backend.system(), should_stop=ending.is_set)
                except LecternError as error:
                    # the next round may find the vault open; the database's absence ends the worker elsewhere
                    log_failure(log, "tokens not renewed", error)
        finally:
            ending.set()

    @staticmethod
    async def _tell_number(identity: Identity, queue: queue_worker.Worker) -> None:
        while queue.worker_id is None:
            await asyncio.sleep(NUMBER_EVERY_S)
        await asyncio.to_thread(identity.known_as, queue.worker_id)
        # whoever ends first among the duties ends the worker
        await asyncio.Event().wait()

    async def _deliver_for_ever(self, *, every_s: float = DELIVER_EVERY_S) -> None:
        ending = threading.Event()
        told = False
        try:
            while True:
                await asyncio.sleep(every_s)
                try:
                    # not under the lock of the other duties: a mail server may be slow, and each message is taken by one host at a time
                    await asyncio.to_thread(self._backend.notices.deliver_due, actor=self._backend.system(), should_stop=ending.is_set)
                    told = False
                except LecternError as error:
                    # what waits is still there in the next round; the database's absence ends the worker elsewhere
                    if not told and not isinstance(error, DatabaseAway | Conflict):
                        log_failure(log, "notices not delivered", error)
                        told = True
        finally:
            ending.set()

    async def _seal_for_ever(self) -> None:
        # not as one of the duties above, which wait for one another: the sealer has a lock of its own, and may not wait for a long sweep
        told = False
        while True:
            try:
                await asyncio.to_thread(self._backend.seals.seal)
                told = False
            except LecternError as error:
                # rows wait meanwhile, which the health check shows; the database's absence ends the worker elsewhere
                if not told and not isinstance(error, DatabaseAway | Conflict):
                    log_failure(log, "audit log not sealed", error)
                    told = True
            await asyncio.sleep(SEAL_EVERY_S)

    async def _sweep_for_ever(self, identity: Identity) -> None:
        while True:
            try:
                await asyncio.to_thread(self._backend.tidy)
                await asyncio.to_thread(identity.on_duty, f"sweep:{self._backend.jobs.queue}", self._backend.sweep)
            except StorageFailed as error:
                # the next round may find the folder again; jobs that do not need it go on
                log_failure(log, "sweep failed", error)
            await asyncio.sleep(min(SWEEP_EVERY_S, max(1.0, self._settings.sweep_after_s)))


@contextlib.asynccontextmanager
async def _opened(app: procrastinate.App) -> AsyncIterator[None]:
    try:
        await app.open_async()
        yield
    finally:
        # also when stopped while opening: tasks of a pool left half open outlive their cancellation, and the process with them
        await app.close_async()


async def _watch(identity: Identity) -> None:
    """Fail soon after the server died, where the queue's pool would go on trying for a while."""
    while True:
        await asyncio.to_thread(identity.check)
        await asyncio.sleep(WATCH_EVERY_S)


async def _end(queue: queue_worker.Worker, work: asyncio.Task[None], duties: Sequence[asyncio.Task[Any]]) -> None:
    """Stop the queue's worker and the duties; raise the first failure among them."""
    pending: set[asyncio.Task[Any]] = {work, *duties}
    while pending:
        # again and again: the driver loses a cancellation that comes at the wrong moment, and a worker that just starts a stop
        queue.stop()  # type: ignore[no-untyped-call]  # the library's
        for duty in pending - {work}:
            duty.cancel()
        _, pending = await asyncio.wait(pending, timeout=STOP_AGAIN_S)
    for task in (work, *duties):
        error = None if task.cancelled() else task.exception()
        if error is not None:
            raise error


def _follow_stdin(stop: Callable[[], object]) -> None:
    # whoever started us holds the other end; when it dies, however it dies, we read an end of file
    def read() -> None:
        with contextlib.suppress(OSError, ValueError):
            while sys.stdin.buffer.read(1):
                pass
        stop()

    threading.Thread(target=read, name="follow stdin", daemon=True).start()


async def _main(settings: Settings, *, follow_stdin: bool) -> None:
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    if follow_stdin:
        _follow_stdin(lambda: loop.call_soon_threadsafe(stopping.set))
    if sys.platform != "win32":
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
    failures = -1
    while not stopping.is_set():
        began = time.monotonic()
        try:
            await _serve_until(stopping, settings)
        except (LecternError, psycopg.Error, queue_errors.ProcrastinateException, OSError) as error:
            log_failure(log, "worker lost its database", error)
            failures = 0 if time.monotonic() - began > RECONNECT_S[-1] else min(failures + 1, len(RECONNECT_S) - 1)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), RECONNECT_S[failures])


async def _serve_until(stopping: asyncio.Event, settings: Settings) -> None:
    backend = await asyncio.to_thread(open_backend, settings, application="worker")
    try:
        await Worker(backend, settings).serve(stopping)
    finally:
        await asyncio.to_thread(backend.close)


def new_loop() -> asyncio.AbstractEventLoop:
    """Return an event loop that psycopg can use; it refuses Windows' default one."""
    return asyncio.SelectorEventLoop(selectors.DefaultSelector())


def run_worker(settings: Settings, *, follow_stdin: bool = False) -> None:
    """Run jobs in this process until a signal, or the end of standard input, says stop."""
    configure_logging(settings.log_dir, process="worker", level=settings.log_level)
    log.info("worker starts", concurrency=settings.worker_concurrency)
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(_main(settings, follow_stdin=follow_stdin))
    log.info("worker stopped")


def run_once(backend: Backend, settings: Settings) -> None:
    """Run the jobs that wait now in this process, then return."""
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(Worker(backend, settings).drain())


def main() -> int:
    """Run as ``python -m backend_core.worker``."""
    parser = argparse.ArgumentParser(prog="lectern-worker", description="Run background jobs.")
    parser.add_argument("--follow-stdin", action="store_true", help="stop when standard input closes")
    parser.add_argument("--profile", metavar="NAME", help="work for another set of data")
    arguments = parser.parse_args()
    try:
        name = None if arguments.profile is None else profile_name(arguments.profile)
        settings = load_settings(**({} if name is None else {"home": home_folder(name)}))
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    run_worker(settings, follow_stdin=arguments.follow_stdin)
    return 0


if __name__ == "__main__":
    # under its own name: the queue warns when its application is made in the main module
    sys.exit(importlib.import_module("backend_core.worker").main())
