"""Which schema revisions the database has, what the missing ones would run, and running them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from backend_core.audit.service import Audit
from backend_core.db import migrate
from backend_core.db.database import Database
from backend_core.db.revisions import Revision, revisions
from backend_core.errors import Conflict, LecternError
from backend_core.monitoring.link import MonitorLink
from backend_core.policy import Actor, Target, authorize

_CURRENT: Final = "SELECT version_num FROM alembic_version"


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationState:
    """How the schema stands to this program.

    Attributes:
        current: revision of the database; may be newer than ``head``.
        head: newest revision this program knows.
        pending: what the database lacks, in the order it would be run.
        applied: what it has, oldest first.
    """

    current: str
    head: str
    pending: tuple[Revision, ...]
    applied: tuple[Revision, ...]
    at: dt.datetime


class Migrations:
    """Schema revisions of one database.

    Args:
        upgrade: brings the tables to this version, after a backup of what is there.
    """

    def __init__(self, database: Database, audit: Audit, link: MonitorLink, *, upgrade: Callable[[], migrate.Result]) -> None:
        self._database = database
        self._audit = audit
        self._link = link
        self._upgrade = upgrade

    def state(self, *, actor: Actor) -> MigrationState:
        """Return what is applied and what is not.

        Raises:
            DatabaseAway: the server does not answer.
        """
        authorize(actor, "migration.read", _TARGET)
        current = str(self._link.rows(_CURRENT)[0]["version_num"])
        known = revisions()
        return MigrationState(
            current=current,
            head=migrate.head(),
            pending=tuple(one for one in known if one.id > current),
            applied=tuple(one for one in known if one.id <= current),
            at=dt.datetime.now(dt.UTC),
        )

    def dry_run(self, *, actor: Actor) -> str:
        """Return the SQL that ``run`` would run, for reading or for an administrator of the server; empty when nothing is missing."""
        authorize(actor, "migration.read", _TARGET)
        pending = self.state(actor=actor).pending
        return "".join(f"-- {one.id} {one.title}\n" + "\n".join(one.sql_lines) + "\n\n" for one in pending)

    def run(self, *, actor: Actor) -> migrate.Result:
        """Apply what is missing.

        Raises:
            Conflict: nothing is missing.
            RolesMissing: a shared server needs preparing, or this login may not act as the owner.
            StorageFailed: the backup before it could not be made; nothing was changed.
        """
        authorize(actor, "migration.run", _TARGET)
        state = self.state(actor=actor)
        if not state.pending:
            raise Conflict("The tables are of this version already.")
        # the tables are changed by their owner over another connection: that somebody asked for it is on record before the first one is
        self._note(actor, "asked", state)
        try:
            result = self._upgrade()
        except LecternError:
            self._note(actor, "not applied", state, outcome="failed")
            raise
        self._note(actor, "applied", state)
        return result

    def _note(self, actor: Actor, step: str, state: MigrationState, *, outcome: str = "done") -> None:
        before: dict[str, Any] = {"revision": state.current}
        after = {"revision": state.head, "step": step}
        with self._database.begin("Record migration") as conn:
            self._audit.record(conn, actor=actor, action="migration.run", target=_TARGET, outcome=outcome, before=before, after=after)


_TARGET: Final = Target(kind="schema")
