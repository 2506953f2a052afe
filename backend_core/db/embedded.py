"""The embedded PostgreSQL server: made on first use, shared by all local processes of one home, stopped when idle or on request.

Liveness is decided by connecting, never by a process id alone. One lock per home orders starts and stops.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from backend_core.db import postmaster
from backend_core.db.cluster import Address, Cluster, admin_dsn, find, find_or_choose, lock_file, prepare_home
from backend_core.db.conninfo import LAUNCHER, Holder, application_name, holders_of
from backend_core.db.file_lock import locked
from backend_core.db.idle_spawn import keep_watch
from backend_core.db.roles import ADMIN, add_missing, create_all, is_ready
from backend_core.errors import Conflict, DatabaseAway, Unavailable

CONNECT_S = 5
STOP_S = 30.0
POLL_S = 0.05
IDLE_MINUTES = 30.0


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """A running server that accepted a connection a moment ago."""

    cluster: Cluster
    address: Address
    version: str
    pid: int

    @property
    def data_dir(self) -> Path:
        """PostgreSQL's data folder."""
        return self.cluster.data_dir

    def dsn(self, role: str) -> str:
        """Return the libpq connection string of a role, with ``passfile`` instead of a password."""
        return self.cluster.dsn(self.address, role)

    @property
    def admin_dsn(self) -> str:
        """Connection string of the bootstrap superuser."""
        return self.dsn(ADMIN)


def ensure_running(
    home: Path, *, timeout_s: float = 60.0, extra_settings: Mapping[str, str] | None = None, idle_minutes: float | None = IDLE_MINUTES
) -> EmbeddedServer:
    """Return the running server of ``home``; make and start it first where needed.

    Args:
        home: Lectern's home folder; created if missing.
        timeout_s: seconds until a start counts as failed.
        extra_settings: server settings for a start made by this call, over the tuned ones.
        idle_minutes: minutes without any Lectern process after which the server stops; None for never.

    Raises:
        StorageFailed: the folder is full, read-only or somebody else's.
        DatabaseAway: the server did not come up in time.
    """
    deadline = time.monotonic() + timeout_s
    with _storage_errors():
        home = prepare_home(home)
        server = _attach(find(home))
        if server is None:
            with _starting(home, timeout_s):
                server = _start(find_or_choose(home), extra_settings or {}, deadline)
        if idle_minutes is not None:
            keep_watch(home, minutes=idle_minutes)
    return server


def _start(cluster: Cluster, extra: Mapping[str, str], deadline: float) -> EmbeddedServer:
    """Return the server, started unless another process did so before this one got the lock."""
    if not cluster.exists:
        postmaster.create(cluster)
    while True:
        server = _attach(cluster)
        if server is not None:
            return server
        left = deadline - time.monotonic()
        if left <= 0:
            raise DatabaseAway("The embedded database is still starting; try again in a minute.")
        if _is_down(cluster):
            address = postmaster.start(cluster, extra=extra, timeout_s=left)
            _bootstrap(cluster, address)
        else:
            time.sleep(POLL_S)


def _is_down(cluster: Cluster) -> bool:
    address = cluster.address()
    if address is None or postmaster.running_pid(cluster) is None:
        return True
    # One that answers, if only to refuse, is recovering or full and is waited for.
    if psycopg.pq.PGconn.ping(admin_dsn(cluster, address, database="postgres").encode()) != psycopg.pq.Ping.NO_RESPONSE:
        return False
    # Alive without a reachable socket, because somebody removed it: nobody else can be using it.
    return postmaster.stop(cluster, mode="fast", timeout_s=STOP_S)


def _bootstrap(cluster: Cluster, address: Address) -> None:
    with _connect(cluster, address) as conn:
        if not is_ready(conn):
            create_all(conn, passwords=cluster.passwords())


def _attach(cluster: Cluster | None) -> EmbeddedServer | None:
    """Return the server if it answers, lets us in and serves this very folder."""
    address = None if cluster is None else cluster.address()
    if cluster is None or address is None:
        return None
    cluster.passwords()  # says so if they are gone, where a connection would only be refused
    try:
        with _connect(cluster, address) as conn:
            row = conn.execute("SELECT current_setting('data_directory'), current_setting('server_version')").fetchone()
            ready = is_ready(conn)
            if ready:
                # a server made by an earlier version
                add_missing(conn)
    except psycopg.Error:
        return None
    pid = postmaster.recorded_pid(cluster)
    if row is None or pid is None or not ready or Path(row[0]).resolve() != cluster.data_dir.resolve():
        return None
    return EmbeddedServer(cluster=cluster, address=address, version=str(row[1]), pid=pid)


def _connect(cluster: Cluster, address: Address) -> psycopg.Connection[Any]:
    return psycopg.connect(
        admin_dsn(cluster, address, database="postgres"),
        autocommit=True,
        connect_timeout=CONNECT_S,
        application_name=application_name(LAUNCHER),
    )


def stop(home: Path, *, force: bool = False) -> bool:
    """Stop the server of ``home`` and return whether one was running.

    Raises:
        Conflict: other Lectern processes are connected and ``force`` is not set; the sentence names them.
        DatabaseAway: it did not stop in time.
    """
    with _storage_errors():
        cluster = find(home.resolve())
        if cluster is None:
            return False
        with _starting(home.resolve(), STOP_S):
            server = _attach(cluster)
            if server is None and postmaster.running_pid(cluster) is None:
                return False
            if not force:
                _refuse_while_held(server)
            if not any(postmaster.stop(cluster, mode=mode, timeout_s=STOP_S) for mode in ("fast", "immediate")):
                raise DatabaseAway("The embedded database did not stop in time.")
            return True


def erase(home: Path) -> None:
    """Stop the server of ``home`` and remove its cluster for good, wherever it lies; for homes made only for a while."""
    cluster = find(home)
    if cluster is not None:
        postmaster.stop(cluster, mode="immediate", timeout_s=STOP_S)
        cluster.user.remove(cluster.folder)


def status(home: Path) -> dict[str, Any]:
    """Return {running, version, data_dir, dsn, holders: [{application, pid}]} without starting anything.

    ``dsn`` is of the role ``lectern_admin``, holds no password, and is None while the server is down.
    """
    with _storage_errors():
        cluster = find(home.resolve())
        server = _attach(cluster)
    data_dir = None if cluster is None else str(cluster.data_dir)
    facts: dict[str, Any] = {"running": False, "version": None, "data_dir": data_dir, "dsn": None, "holders": []}
    if server is None:
        return facts
    try:
        holders = [{"application": holder.application, "pid": holder.pid} for holder in _holders(server)]
    except DatabaseAway:
        # It stopped between the two questions.
        return facts
    return facts | {"running": True, "version": server.version, "dsn": server.admin_dsn, "holders": holders}


def _holders(server: EmbeddedServer) -> list[Holder]:
    try:
        with _connect(server.cluster, server.address) as conn:
            return holders_of(conn)
    except psycopg.Error as exc:
        raise DatabaseAway("The embedded database does not answer.") from exc


def _refuse_while_held(server: EmbeddedServer | None) -> None:
    if server is None:
        raise Conflict("The database runs but lets nobody in right now. Try again, or stop with force.")
    others = [holder for holder in _holders(server) if holder.pid != os.getpid()]
    if others:
        names = ", ".join(f"{holder.application} (process {holder.pid})" for holder in others)
        raise Conflict(f"The database is in use by {names}. Close it first, or stop with force.")


@contextlib.contextmanager
def _starting(home: Path, timeout_s: float) -> Iterator[None]:
    try:
        with locked(lock_file(home), timeout_s=timeout_s):
            yield
    except TimeoutError:
        raise Unavailable("Another Lectern process is still starting or stopping the database.") from None


@contextlib.contextmanager
def _storage_errors() -> Iterator[None]:
    try:
        yield
    except OSError as exc:
        raise postmaster.storage_error(exc) from exc
