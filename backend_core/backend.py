"""The composition root: open one profile's backend; its attributes are the whole API."""

from __future__ import annotations

import contextlib
import functools
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from backend_core.access.service import Access, system_actor
from backend_core.access.sessions import session_valid
from backend_core.audit.keys import Keys
from backend_core.audit.seals import Seals
from backend_core.audit.service import Audit
from backend_core.audit.sign_off import SignOffs
from backend_core.audit.trail import Trail
from backend_core.audit.upkeep import Upkeep
from backend_core.backup.conclude import conclude, verify_log
from backend_core.backup.keys import BackupKey
from backend_core.backup.records import Schedule
from backend_core.backup.restore import Conclude
from backend_core.backup.service import Backups, Surroundings
from backend_core.credentials.vault import Vault
from backend_core.db import embedded, migrate
from backend_core.db.conninfo import without_password
from backend_core.db.database import Database
from backend_core.documents.audio import Audios
from backend_core.documents.export import Exports
from backend_core.documents.ownership import reassign
from backend_core.documents.previews import Previews
from backend_core.documents.service import Documents
from backend_core.documents.tasks import ExtractPages, SpeakPage
from backend_core.errors import LecternError, NotAllowed
from backend_core.house.service import House
from backend_core.jobs.runner import TaskHandler
from backend_core.jobs.service import Jobs
from backend_core.jobs.supervisor import WorkerSupervisor, alive_in
from backend_core.logs import get_logger
from backend_core.policy import Actor
from backend_core.profiles.service import connection_string
from backend_core.reach import (
    Server,
    any_server,
    as_login,
    described,
    embedded_server,
    endpoint_of,
    lasting_name,
    migrated,
    with_schema,
    witnesses,
)
from backend_core.settings import Settings
from backend_core.speech.engine import Engine
from backend_core.speech.local import LocalEngine
from backend_core.speech.service import Speech
from backend_core.storage.folder import FolderStore
from backend_core.storage.scratch import remove_abandoned
from backend_core.storage.service import Storage
from backend_core.talk import SCRATCH
from backend_core.watching import Watching

log = get_logger(__name__)
COMMAND_POOL: Final = (1, 9)
EMBEDDED_POOL: Final = (4, 6)
SHARED_POOL: Final = (20, 10)
PURGE_AFTER_S: Final = 24 * 3600.0


class Backend(Watching):
    """Everything Lectern does for one profile. Close it when done.

    Attributes:
        database, audit, storage, jobs: foundations the features share.
        documents, audios, exports, previews, speech: what support staff use.
        scopes: the only door to what a contact said.
        memory, replies: what is remembered, opened one container at a time; what a reply would be given of it.
        privacy: the suite that tries the boundary on this very database, and what it found.
        safety, photos: moderation and its review; what people send to be looked at.
        egress, tokens, oauth: what may leave for whom; access to other services in a contact's name.
        access, monitoring, logbook: operators; pools and health; the log of every process of this home.
        changes: hints that a table changed, after COMMIT, from any process.
        worker: starts a background worker where none is alive.
        credentials: secrets of this home.
        backups: copies of everything, and whether they can be relied on.
        house: settings that hold for everybody on this database.
        dsn: connection string of the application's role, without a password.
    """

    def __init__(
        self, settings: Settings, server: Server, *, application: str, engines: Sequence[Engine] | None, credentials: Vault
    ) -> None:
        self.settings = settings
        self.credentials = credentials
        self.profile = server.profile
        self.dsn = without_password(server.app)
        self._connection_string = server.app
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

    def _compose(self, server: Server, *, application: str, engines: Sequence[Engine] | None) -> None:
        self.changes = self.database.changes
        self._compose_trust(server)
        self.compose_people()
        self._compose_documents(engines)
        self.compose_words()
        self._compose_running(server, application=application)
        self._actor_lock = threading.Lock()

    def _compose_trust(self, server: Server) -> None:
        settings, database = self.settings, self.database
        self.audit = Audit(database, session_valid=session_valid)
        # one for all who sign: a rotation changes the key under each of them
        self.sealing = Keys(self.credentials)
        places, name = witnesses(settings, self.credentials), lasting_name(settings)
        self.seals = Seals(database, self.audit, self.sealing, places=places, name=name, folder=settings.home)
        self.releases = SignOffs(database, self.audit)
        self.trail = Trail(database, self.audit)
        self.house = House(database, self.audit)
        self.access = Access(
            database,
            self.audit,
            login=server.login,
            reassign=reassign,
            reason_required=self.profile.production,
            session_hours=lambda conn: self.house.within(conn).session_hours,
        )

    def _compose_documents(self, engines: Sequence[Engine] | None) -> None:
        settings, database, audit = self.settings, self.database, self.audit
        scratch = settings.home / SCRATCH
        self.storage = Storage(database, FolderStore(settings.objects_dir))
        self.speech = Speech(engines if engines is not None else [LocalEngine()])
        self.handlers: dict[str, TaskHandler] = {}
        # only workers that reach the same files may take a job
        self.jobs = Jobs(database, audit, queue=f"store-{self.storage.identity}", handlers=self.handlers)
        self.documents = Documents(database, audit, storage=self.storage, jobs=self.jobs, settings=settings, house=self.house)
        self.audios = Audios(database, audit, storage=self.storage, jobs=self.jobs, speech=self.speech, house=self.house)
        self.exports = Exports(database, audit, audios=self.audios, speech=self.speech, scratch=scratch)
        self.previews = Previews(self.speech, scratch=scratch)
        extract = ExtractPages(database, audit, storage=self.storage, documents_service=self.documents, settings=settings)
        speak = SpeakPage(database, audit, storage=self.storage, audios_service=self.audios, speech=self.speech, scratch=scratch)
        self.handlers |= {handler.name: handler for handler in (extract, speak)}
        self.upkeep = Upkeep.of(
            database, audit, keys=self.sealing, seals=self.seals, store=self.storage, scratch=scratch, rules=self.house.current
        )
        self.trail_export = self.upkeep.exports

    def _compose_running(self, server: Server, *, application: str) -> None:
        settings, database = self.settings, self.database
        self.backups = Backups(database, self.audit, self._around_backups(server))
        alive = alive_in(database, queue=self.jobs.queue)
        self.worker = WorkerSupervisor(settings, alive=alive, may_start=server.may_work and not self.profile.read_only)
        self.compose_watching(server, application=application)

    def _around_backups(self, server: Server) -> Surroundings:
        return Surroundings(
            settings=self.settings,
            endpoint=endpoint_of(self.settings, server),
            vault=self.credentials,
            storage=self.storage,
            schedule=self._schedule,
            verify_log=verify_log,
            sealing=Keys(self.credentials),
            workstation=system_actor().workstation,
            note=server.note,
        )

    def _schedule(self) -> Schedule:
        house = self.house.current()
        return Schedule(every_days=house.backup_every_days, keep=house.backup_keep)

    def connection_string(self) -> str:
        """Return how to connect as the application's role, with the password where there is one: never shown, never logged."""
        return self._connection_string

    @functools.cached_property
    def _signed_in(self) -> Actor:
        return self.access.sign_in_here()

    def actor(self) -> Actor:
        """Return the person at this computer as an operator.

        Raises:
            NotAllowed: not an operator of this database.
        """
        with self._actor_lock:
            return self._signed_in

    def sweep(self) -> None:
        """Say what is due and carry out the regular removals; the worker calls this on one host at a time."""
        self.conversations.send_due(actor=self.system())
        self.jobs.settle(actor=self.system())
        self.documents.purge(older_than_s=PURGE_AFTER_S)
        self.audios.purge(older_than_s=PURGE_AFTER_S)
        # before the files: what is erased now gives its own up
        self.forgetting.erase_due(actor=self.system())
        self.forgetting.purge_due(actor=self.system())
        self.forgetting.expire_due(actor=self.system())
        self.storage.sweep(older_than_s=self.settings.sweep_after_s)
        self.access.tidy()

    def tidy(self) -> None:
        """Remove what dead processes of this home left behind; every worker calls this."""
        # twice the longest time a job may take: nothing older can still be in use
        self.backups.tidy()
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
        self.close_watching()
        self.seals.close()
        self.database.close()

    def __enter__(self) -> Backend:
        """Return the backend."""
        return self

    def __exit__(self, *_error: object) -> None:
        """Close the backend."""
        self.close()


def open_backend(
    settings: Settings, *, application: str = "command", engines: Sequence[Engine] | None = None, credentials: Vault | None = None
) -> Backend:
    """Open the backend of one profile; starts and prepares the embedded server where needed.

    Args:
        settings: process settings.
        application: ``desktop``, ``worker`` or ``command``; shown in the server's session list.
        engines: speech engines; the local one when left out.
        credentials: where secrets are kept; this home's own place when left out.

    Raises:
        DatabaseAway: the server does not answer.
        StorageFailed: a folder cannot be used.
        NotAllowed: the schema is missing and this login may not create it.
    """
    vault = credentials or Vault(settings.home)
    dsn = connection_string(settings, vault)
    server = embedded_server(settings) if dsn is None else as_login(dsn, settings.home, application=application)
    ready = with_schema(described(server, settings.home), settings, vault)
    return Backend(settings, ready, application=application, engines=engines, credentials=vault)


def erase_home(home: Path) -> None:
    """Remove a home that was made only for a while: its server, its files, everything."""
    embedded.erase(home)
    shutil.rmtree(home, ignore_errors=True)


def owner_dsn(settings: Settings) -> str:
    """Return the connection string that may change the schema."""
    return any_server(settings, Vault(settings.home)).owner


def migrate_safely(settings: Settings, vault: Vault | None = None) -> migrate.Result:
    """Bring the tables to this version, after a backup of what is there.

    Raises:
        StorageFailed: the backup could not be made; nothing was changed.
        RolesMissing, NotAllowed, Unavailable: as ``migrate.upgrade``.
    """
    vault = vault or Vault(settings.home)
    server = described(any_server(settings, vault), settings.home)
    if server.profile.read_only:
        raise NotAllowed("This profile is read-only; open the database through another one to change its tables.")
    return migrated(server, settings, vault)


def conclude_restore(actor: Actor, key: BackupKey, vault: Vault) -> Conclude:
    """Return the last steps of a restore by ``actor``, the check of the audit log included.

    Args:
        actor: who restores.
        key: opens the backup.
        vault: of the home that is restored into.
    """
    return functools.partial(conclude, actor=actor, key=key, sealing=Keys(vault), verify=verify_log)
