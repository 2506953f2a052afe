"""The history of the whole database: one process at a time reads its figures every second and keeps them in rings of fixed size.

Not to be mixed up with ``recorder``, which tells the others how the pool of its own process is doing; every process has one of those.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from psycopg.conninfo import make_conninfo

from backend_core.db.conninfo import keywords
from backend_core.errors import DatabaseAway, LecternError
from backend_core.jobs.liveness import DUTY_LOCKS, lock_number
from backend_core.logs import get_logger, log_failure
from backend_core.monitoring.link import MonitorLink

log = get_logger(__name__)
APPLICATION: Final = "lectern-recorder"
DUTY: Final = "recorder"
EVERY_S: Final = 1.0
CLOSE_S: Final = 3.0
FLUSH_EVERY_S: Final = 10.0
# A frame lost with the power is a second of a chart. A recorder that hangs, or whose computer went away, loses its place soon.
_OPTIONS: Final = (
    "-c synchronous_commit=off -c idle_session_timeout=15000"
    " -c tcp_keepalives_idle=5 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=2"
)
_NOW: Final = "SELECT clock_timestamp() AS now, pg_backend_pid() AS pid"


@dataclass(frozen=True, slots=True)
class Hook:
    """Something else that the recorder does now and then, by its own connection.

    Attributes:
        name: for the log.
        every_s: seconds between two calls, at least 1.
        run: called with the time of the server and the recorder's connection; what it raises is logged and forgotten.
    """

    name: str
    every_s: float
    run: Callable[[dt.datetime, MonitorLink], None]


class Step(Protocol):
    """What the recorder itself does each second."""

    def __call__(self, now: dt.datetime, link: MonitorLink, *, first: bool) -> None:
        """Read and keep the figures of ``now``; ``first`` says that this process has just become the one that records."""
        ...


class Recording:
    """Records while it leads; of any number of processes on any number of computers one does.

    Attributes:
        hooks: what else is done, by whoever leads.
    """

    def __init__(
        self,
        dsn: str,
        *,
        step: Step | None = None,
        flush: Callable[[MonitorLink], None] | None = None,
        spare: MonitorLink | None = None,
        may_lead: bool = True,
    ) -> None:
        """Take the connection string of the monitoring role.

        Args:
            dsn: of the monitoring role.
            step: what is done each second by whoever leads.
            flush: what each process does every 10 seconds, leading or not, and once more at its end.
            spare: connection for that end in a process too short-lived for one of its own.
            may_lead: whether this process may be the one that records.
        """
        self._link = MonitorLink(recorder_dsn(dsn), application=APPLICATION)
        self._step = step
        self._flush = flush
        self._spare = spare
        self._may_lead = may_lead
        self._leader_pid: int | None = None
        self._ran: dict[str, dt.datetime] = {}
        self._failing: set[str] = set()
        self._flushed: dt.datetime | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.hooks: list[Hook] = []

    @property
    def link(self) -> MonitorLink:
        """The recorder's own connection."""
        return self._link

    @property
    def leads(self) -> bool:
        """Whether this process is the one that records."""
        return self._leader_pid is not None

    def start(self) -> None:
        """Record in a thread until closed."""
        self._thread = threading.Thread(target=self._run, name="recording", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        # the first second belongs to whoever started the program
        while not self._stop.wait(EVERY_S):
            self.step()
        self._end(self._link)

    def step(self) -> bool:
        """Do what is due in this second; return whether this process leads."""
        try:
            now, first = self._now()
        except LecternError as error:
            # that the server is away is shown by the health check; the lock went with the session
            if isinstance(error, DatabaseAway):
                self._leader_pid = None
            return self.leads
        if self._flush is not None and _due(self._flushed, now, FLUSH_EVERY_S):
            self._flushed = now
            self._call("statements", functools.partial(self._flush, self._link))
        if self._leader_pid is not None:
            self._lead(now, first=first)
        return self.leads

    def _now(self) -> tuple[dt.datetime, bool]:
        """Return the time of the server, and whether this process has just begun to lead."""
        row = self._link.rows(_NOW)[0]
        if self._leader_pid == row["pid"] or not self._may_lead:
            return row["now"], False
        key = {"space": DUTY_LOCKS, "name": lock_number(DUTY)}
        # lock: one process records the history of a database at a time
        found = self._link.rows("SELECT pg_try_advisory_lock(%(space)s, %(name)s) AS leads, pg_backend_pid() AS pid", key)[0]
        self._leader_pid = found["pid"] if found["leads"] else None
        return row["now"], self.leads

    def _lead(self, now: dt.datetime, *, first: bool) -> None:
        if self._step is not None:
            self._call("figures", functools.partial(self._step, now, self._link, first=first))
        for hook in tuple(self.hooks):
            if _due(self._ran.get(hook.name), now, hook.every_s):
                self._ran[hook.name] = now
                self._call(hook.name, functools.partial(hook.run, now, self._link))

    def _call(self, name: str, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001  # boundary: what goes wrong in one part must not end the record, nor the other parts
            if name not in self._failing:
                self._failing.add(name)
                level = logging.INFO if isinstance(error, LecternError) else logging.ERROR
                log_failure(log, "recorder part failed", error, facts={"part": name}, level=level)
        else:
            self._failing.discard(name)

    def close(self) -> None:
        """Stop; whoever waits for the place gets it at once."""
        self._stop.set()
        if self._thread is None:
            self._end(self._spare)
        else:
            # a server that went silent must not keep a window from closing; the thread then ends later, or with the process
            self._thread.join(CLOSE_S)

    def _end(self, link: MonitorLink | None) -> None:
        if self._flush is not None and link is not None:
            with contextlib.suppress(LecternError):
                self._flush(link)
        self._link.close()


def _due(last: dt.datetime | None, now: dt.datetime, every_s: float) -> bool:
    """Return whether it is time again; also after the server's clock was put back."""
    # half a second of tolerance, or what comes every 5 s would come every 6
    return last is None or now < last or (now - last).total_seconds() >= every_s - EVERY_S / 2


def recorder_dsn(dsn: str) -> str:
    """Return ``dsn`` with what a connection that only records can do without, and with a short patience for a lost one."""
    given = str(keywords(dsn).get("options") or "")
    return make_conninfo("", **{**keywords(dsn), "options": f"{given} {_OPTIONS}".strip()})
