"""What the checks look at: the services of one profile, its connections, and the functions that are tried out."""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from backend_core.access.service import system_actor
from backend_core.monitoring.readiness.parts import Parts
from backend_core.policy import Actor

if TYPE_CHECKING:
    from backend_core.audit.seals import Seals
    from backend_core.backup.service import Backups
    from backend_core.credentials.vault import Vault
    from backend_core.db.database import Database
    from backend_core.documents.service import Documents
    from backend_core.house.service import House
    from backend_core.jobs.service import Jobs
    from backend_core.monitoring.indexes.service import Indexes
    from backend_core.monitoring.link import MonitorLink
    from backend_core.monitoring.service import Monitoring
    from backend_core.monitoring.slo import Objective
    from backend_core.privacy.service import Privacy
    from backend_core.safety.egress import Egress
    from backend_core.safety.service import Safety
    from backend_core.scopes.service import Scopes
    from backend_core.settings import Settings
    from backend_core.speech.service import Speech
    from backend_core.storage.service import Storage


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


class _UndoneError(Exception):
    """Ends a transaction that must leave nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """Everything checks look at.

    Attributes:
        link: the monitor's own connection.
        dsn: how the program itself signs in; never shown.
        workers_alive: how many workers serve our queue.
        objectives: how each objective stands.
        longest_transaction_s, longest_idle_s: how long a transaction may stay open, and do nothing meanwhile.
        clock: time of this computer, in UTC.
        disk_usage: of the disk a folder is on.
        parts: functions that are tried out.
    """

    database: Database
    link: MonitorLink
    settings: Settings
    log_dir: Path
    dsn: str = field(repr=False)
    storage: Storage
    jobs: Jobs
    workers_alive: Callable[[], int]
    documents: Documents
    scopes: Scopes
    safety: Safety
    egress: Egress
    privacy: Privacy
    backups: Backups
    seals: Seals
    house: House
    credentials: Vault
    speech: Speech
    monitoring: Monitoring
    indexes: Indexes
    objectives: Callable[[], Sequence[Objective]]
    longest_transaction_s: float = 300.0
    longest_idle_s: float = 60.0
    clock: Callable[[], dt.datetime] = _now
    disk_usage: Callable[[Path], shutil._ntuple_diskusage] = shutil.disk_usage
    parts: Parts = field(default_factory=Parts)

    @property
    def actor(self) -> Actor:
        """The program itself, which looks."""
        return system_actor()

    def rows(self, statement: str, **values: object) -> Sequence[Mapping[Any, Any]]:
        """Return the rows of a query as the program's own role sees them."""
        with self.database.begin("Readiness check") as conn:
            return conn.execute(text(statement), values).mappings().all()

    def one(self, statement: str, **values: object) -> Mapping[Any, Any]:
        """Return the only row of a query."""
        return self.rows(statement, **values)[0]

    @contextlib.contextmanager
    def undone(self) -> Iterator[Connection]:
        """Let the body do what it likes in a transaction that is rolled back in any case."""
        with contextlib.suppress(_UndoneError), self.database.begin("Readiness probe, rolled back") as conn:
            yield conn
            raise _UndoneError
