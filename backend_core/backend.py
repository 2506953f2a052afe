"""The composition root: open one profile's backend; its attributes are the whole API."""

from __future__ import annotations

import contextlib
import functools
import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from backend_core.access.service import Access, system_actor
from backend_core.audit.service import Audit
from backend_core.db import embedded, migrate
from backend_core.db.conninfo import application_name, complete
from backend_core.db.database import Database
from backend_core.db.probe import server_facts
from backend_core.documents.audio import Audios
from backend_core.documents.export import Exports
from backend_core.documents.previews import Previews
from backend_core.documents.service import Documents
from backend_core.documents.tasks import ExtractPages, SpeakPage
from backend_core.errors import LecternError, NotAllowed
from backend_core.jobs.runner import TaskHandler
from backend_core.jobs.service import Jobs
from backend_core.jobs.supervisor import WorkerSupervisor, alive_in
from backend_core.logs import get_logger
from backend_core.monitoring.link import MonitorLink
from backend_core.monitoring.service import Monitoring
from backend_core.policy import Actor
from backend_core.settings import Settings
from backend_core.speech.engine import Engine
from backend_core.speech.local import LocalEngine
from backend_core.speech.service import Speech
from backend_core.storage.folder import FolderStore
from backend_core.storage.scratch import remove_abandoned
from backend_core.storage.service import Storage

log = get_logger(__name__)
COMMAND_POOL: Final = (1, 9)
EMBEDDED_POOL: Final = (4, 6)
SHARED_POOL: Final = (20, 10)
PURGE_AFTER_S: Final = 24 * 3600.0
SCRATCH: Final = "scratch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Which database this is.

    Attributes:
        name: ``This computer`` or the server's host name.
        kind: ``embedded`` or ``server``.
        data: where documents and database are kept, in words for people.
        read_only: a newer program changed the schema, so this one only reads.
    """

    name: str
    kind: str
    server_version: str
    data: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class _Server:
    """How to reach the database as each role."""

    app: str
    monitor: str
    owner: str
    profile: Profile


class Backend:
    """Everything Lectern does for one profile. Close it when done.

    Attributes:
        database, audit, storage, jobs: foundations the features share.
        documents, audios, exports, previews, speech: what support staff use.
        access, monitoring: operators; pools and health.
        changes: hints that a table changed, after COMMIT, from any process.
        worker: starts a background worker where none is alive.
        dsn: connection string of the application's role, without a password.
    """

    def __init__(self, settings: Settings, server: _Server, *, application: str, engines: Sequence[Engine] | None) -> None:
        self.settings = settings
        self.profile = server.profile
        self.dsn = server.app
        pools = {True: EMBEDDED_POOL, False: SHARED_POOL}
        base, overflow = COMMAND_POOL if application == "command" else pools[settings.embedded]
        self.database = Database.open(
            server.app,
            application=f"lectern-{application}",
            base=settings.pool_size or base,
            overflow=overflow if settings.max_overflow is None else settings.max_overflow,
            timeout_s=settings.pool_timeout_s,
            recycle_s=settings.pool_recycle_s,
            read_only=server.profile.read_only,
        )
        with contextlib.ExitStack() as undo:
            undo.callback(self.database.close)
            self._compose(server, application=f"lectern-{application}", engines=engines)
            undo.pop_all()

    def _compose(self, server: _Server, *, application: str, engines: Sequence[Engine] | None) -> None:
        settings, database = self.settings, self.database
        scratch = settings.home / SCRATCH
        self.changes = database.changes
        self.audit = Audit(database)
        self.access = Access(database, self.audit)
        self.storage = Storage(database, FolderStore(settings.objects_dir))
        self.speech = Speech(engines if engines is not None else [LocalEngine()])
        self.handlers: dict[str, TaskHandler] = {}
        # only workers that reach the same files may take a job
        self.jobs = Jobs(database, self.audit, queue=f"store-{self.storage.identity}", handlers=self.handlers)
        self.documents = Documents(database, self.audit, storage=self.storage, jobs=self.jobs, settings=settings)
        self.audios = Audios(database, self.audit, storage=self.storage, jobs=self.jobs, speech=self.speech)
        self.exports = Exports(database, self.audit, audios=self.audios, speech=self.speech, scratch=scratch)
        self.previews = Previews(self.speech, scratch=scratch)
        extract = ExtractPages(database, self.audit, storage=self.storage, documents_service=self.documents, settings=settings)
        speak = SpeakPage(database, self.audit, storage=self.storage, audios_service=self.audios, speech=self.speech, scratch=scratch)
        self.handlers |= {handler.name: handler for handler in (extract, speak)}
        alive = alive_in(database, queue=self.jobs.queue)
        self.worker = WorkerSupervisor(settings, alive=alive)
        self.monitoring = Monitoring(
            database,
            MonitorLink(server.monitor),
            storage=self.storage,
            jobs=self.jobs,
            speech=self.speech,
            workers_alive=alive,
            application=application_name(application),
            embedded=settings.embedded,
        )
        self._actor_lock = threading.Lock()

    @functools.cached_property
    def _signed_in(self) -> Actor:
        return self.access.sign_in_os_user()

    def actor(self) -> Actor:
        """Return the person at this computer as an operator.

        Raises:
            NotAllowed: not an operator of this database.
        """
        with self._actor_lock:
            return self._signed_in

    def system(self) -> Actor:
        """Return the program itself, for regular duties."""
        return system_actor()

    def sweep(self) -> None:
        """Carry out the regular removals; the worker calls this on one host at a time."""
        self.jobs.settle(actor=self.system())
        self.documents.purge(older_than_s=PURGE_AFTER_S)
        self.audios.purge(older_than_s=PURGE_AFTER_S)
        self.storage.sweep(older_than_s=self.settings.sweep_after_s)

    def tidy(self) -> None:
        """Remove what dead processes of this home left behind; every worker calls this."""
        # twice the longest time a job may take: nothing older can still be in use
        remove_abandoned(self.settings.home / SCRATCH, older_than_s=2 * self.settings.job_hard_limit_s)

    def heal(self) -> bool:
        """Start the embedded server again if it died; return whether the database answers now."""
        try:
            with self.database.begin("Check connection"):
                return True
        except LecternError:
            return self.revive()

    def revive(self) -> bool:
        """Start the embedded server if it is down, without waiting for the pool to notice; return whether it runs now."""
        if not self.settings.embedded:
            return False
        try:
            embedded.ensure_running(self.settings.home)
        except LecternError as error:
            log.warning("embedded server does not start", error_code=error.code)
            return False
        return True

    def close(self) -> None:
        """Stop what was started here, in reverse order."""
        self.worker.close()
        self.monitoring.close()
        self.database.close()

    def __enter__(self) -> Backend:
        """Return the backend."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close the backend."""
        self.close()


def open_backend(settings: Settings, *, application: str = "command", engines: Sequence[Engine] | None = None) -> Backend:
    """Open the backend of one profile; starts and prepares the embedded server where needed.

    Args:
        settings: process settings.
        application: ``desktop``, ``worker`` or ``command``; shown in the server's session list.
        engines: speech engines; the local one when left out.

    Raises:
        DatabaseAway: the server does not answer.
        StorageFailed: a folder cannot be used.
        NotAllowed: the schema is missing and this login may not create it.
    """
    server = _embedded_server(settings) if settings.dsn is None else _shared_server(settings.dsn, settings.home)
    return Backend(settings, _with_schema(server, embedded_server=settings.embedded), application=application, engines=engines)


def erase_home(home: Path) -> None:
    """Remove a home that was made only for a while: its server, its files, everything."""
    embedded.erase(home)
    shutil.rmtree(home, ignore_errors=True)


def owner_dsn(settings: Settings) -> str:
    """Return the connection string that may change the schema."""
    server = _embedded_server(settings) if settings.dsn is None else _shared_server(settings.dsn, settings.home)
    return server.owner


def _embedded_server(settings: Settings) -> _Server:
    server = embedded.ensure_running(settings.home)
    profile = Profile(name="This computer", kind="embedded", server_version=server.version, data=str(settings.home))
    return _Server(app=server.dsn("lectern_app"), monitor=server.dsn("lectern_monitor"), owner=server.dsn("lectern_owner"), profile=profile)


def _shared_server(dsn: str, home: Path) -> _Server:
    host, version = server_facts(dsn)
    profile = Profile(name=host, kind="server", server_version=version, data=f"{host}, files in {home}")
    roles = {name: complete(dsn, application="lectern-command", role=f"lectern_{name}") for name in ("app", "monitor", "owner")}
    return _Server(**roles, profile=profile)


def _with_schema(server: _Server, *, embedded_server: bool) -> _Server:
    state = migrate.state(server.app)
    if state is migrate.SchemaState.AHEAD:
        return replace(server, profile=replace(server.profile, read_only=True))
    if state is not migrate.SchemaState.CURRENT:
        if not embedded_server:
            raise NotAllowed("The database has no tables for this version yet; run `lecternctl migrate` as its owner.")
        migrate.upgrade(server.owner)
    return server
