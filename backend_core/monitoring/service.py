"""Connection pools and health of one profile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from backend_core.audit.sealer import SealLag
from backend_core.db.database import Database, hurried
from backend_core.db.migrate import head
from backend_core.jobs.service import Jobs
from backend_core.monitoring import health
from backend_core.monitoring.health import Finding
from backend_core.monitoring.link import MonitorLink
from backend_core.monitoring.pools import read_pools
from backend_core.monitoring.recorder import Recorder, report
from backend_core.monitoring.records import HealthView, PoolSample, PoolView
from backend_core.monitoring.slow_statements import StatementRow, read_statements
from backend_core.policy import Actor, Target, authorize
from backend_core.speech.service import Speech
from backend_core.storage.service import Storage

LOCK_WAIT_MS: Final = 250
_REVISION: Final = "SELECT version_num FROM alembic_version"
_FAILED_TODAY: Final = """
SELECT count(*) AS n FROM job_failure WHERE retry_at IS NULL AND at > now() - interval '24 hours'
"""


class Monitoring:
    """What the system is doing, read over its own connection so that it works when the pool does not.

    Args:
        link: connection of the monitoring role.
        workers_alive: how many workers serve our queue.
        application: this process's name on the server.
        embedded: whether the database is the embedded one.
        secrets: how secrets of this home are kept: kind, and a sentence for people.
        backups: how the backups are: status, and a line for people.
        unsealed: how far the seals of the audit log are behind.
        moderation: whether messages are judged as they should be: status, and a line for people.
        privacy: whether the boundary between conversations can be relied on: status, and a line for people.
        notices: whether notices leave by mail and webhook: status, and a line for people.
    """

    def __init__(  # one argument per thing that is watched
        self,
        database: Database,
        link: MonitorLink,
        *,
        storage: Storage,
        jobs: Jobs,
        speech: Speech,
        workers_alive: Callable[[], int],
        application: str,
        embedded: bool,
        secrets: Callable[[], tuple[str, str]],
        backups: Callable[[], tuple[str, str]],
        unsealed: Callable[[], SealLag],
        moderation: Callable[[], tuple[str, str]],
        privacy: Callable[[], tuple[str, str]],
        notices: Callable[[], tuple[str, str]],
    ) -> None:
        self._database = database
        self._link = link
        self._storage = storage
        self._jobs = jobs
        self._speech = speech
        self._workers_alive = workers_alive
        self._application = application
        self._embedded = embedded
        self._secrets = secrets
        self._backups = backups
        self._unsealed = unsealed
        self._moderation = moderation
        self._privacy = privacy
        self._notices = notices
        self._recorder = Recorder(database.pool, link, application=application)

    def pool(self, *, actor: Actor) -> PoolView:
        """Return the pools of every process.

        Raises:
            DatabaseAway: the server does not answer.
        """
        authorize(actor, "pool.read", Target(kind="server"))
        return read_pools(self._link, report(self._database.pool.snapshot(), application=self._application))

    def samples(self, *, actor: Actor) -> tuple[PoolSample, ...]:
        """Return this process's pool, one sample a second for up to 15 minutes, oldest first."""
        authorize(actor, "pool.read", Target(kind="server"))
        return self._recorder.samples()

    def statements(self, *, actor: Actor, hours: int = 24, limit: int = 100) -> tuple[StatementRow, ...]:
        """Return the statements that took most time in the last hours, in all processes.

        Raises:
            DatabaseAway: the server does not answer.
        """
        authorize(actor, "server.read", Target(kind="server"))
        return read_statements(self._link, hours=hours, limit=limit)

    def health(self, *, actor: Actor) -> HealthView:
        """Look at everything Lectern needs; never raises for what it finds."""
        authorize(actor, "health.read", Target(kind="server"))
        checks: dict[str, health.Check] = {
            "Database": lambda: health.database(self._link),
            "Schema": lambda: health.schema(self._link.rows(_REVISION)[0]["version_num"], head()),
            "Passwords": lambda: health.passwords(embedded=self._embedded),
            "Secrets": lambda: health.secrets_kept(*self._secrets()),
            "Connection pool": self._pool_check,
            "Worker": lambda: health.workers(self._workers_alive(), self._jobs.open_count()),
            "Object store": lambda: health.disk(self._storage.store.probe()),
            "Voices": lambda: health.voices(len(self._speech.voices())),
            "Backup": lambda: Finding(*self._backups()),
            "Audit seal": lambda: health.audit_seal(self._unsealed(), workers=self._workers_alive()),
            "Moderation": lambda: Finding(*self._moderation()),
            "Notices": lambda: Finding(*self._notices()),
            "Privacy": lambda: Finding(*self._privacy()),
            "Jobs": lambda: health.failures(self._link.rows(_FAILED_TODAY)[0]["n"]),
        }
        # who only looks does not wait for who has a table locked, and says so
        with hurried(lock_wait_ms=LOCK_WAIT_MS):
            return health.run_checks(checks)

    def _pool_check(self) -> Finding:
        snapshot = self._database.pool.snapshot()
        return health.pool(snapshot.in_use, snapshot.capacity, snapshot.timeouts)

    def close(self) -> None:
        """Stop reporting."""
        self._recorder.close()
        self._link.close()
