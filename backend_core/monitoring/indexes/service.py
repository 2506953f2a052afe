"""Every index of the database: the view with its verdicts, the promised ones, a proof, and changes as jobs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, insert, select

from backend_core.access.logins import ServerLogin
from backend_core.audit.service import Audit
from backend_core.db.database import Database
from backend_core.db.schema import metadata
from backend_core.errors import Conflict, InvalidInput, NotFound
from backend_core.jobs.service import Jobs
from backend_core.monitoring.indexes import evidence
from backend_core.monitoring.indexes.catalogue import Catalogue, RawIndex, Relation, read
from backend_core.monitoring.indexes.evidence import Patience
from backend_core.monitoring.indexes.proofs import adding, hiding, prove, recorded
from backend_core.monitoring.indexes.records import DeclaredIndex, IndexChange, IndexView, Proof
from backend_core.monitoring.indexes.tasks import ACTION, CREATE, DROP, OPEN, REBUILD, ChangeIndex, request, require_owner
from backend_core.monitoring.indexes.verdicts import must_stay
from backend_core.monitoring.indexes.view import Reader, declared_names
from backend_core.monitoring.indexes.wanted import LONGEST, Wanted, parse
from backend_core.monitoring.link import MonitorLink
from backend_core.monitoring.recording import Hook
from backend_core.monitoring.tables import index_changes
from backend_core.policy import Actor, Target, authorize

MOST_CHANGES: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the indexes need besides the database of the application's role.

    Attributes:
        link: connection of the monitoring role.
        owner: connection string of who may change tables.
        superuser: returns the connection string of the embedded server's superuser; ``None`` on a shared server.
        login: of a shared server; nothing for the embedded one.
        reader: connection string of who may read the tables, for plans on a shared server.
        patience: how much has to be known before anything is called unused.
    """

    link: MonitorLink
    owner: str
    superuser: Callable[[], str] | None
    login: ServerLogin | None
    reader: str
    patience: Patience = dataclasses.field(default_factory=Patience)

    def __repr__(self) -> str:
        """Leave connection strings out of logs and tracebacks."""
        return "Surroundings()"


class Indexes:
    """The indexes of one database.

    Attributes:
        hook: keeps the counters; for the recorder.
        task: carries out changes; for the worker.
    """

    def __init__(self, database: Database, audit: Audit, *, jobs: Jobs, around: Surroundings) -> None:
        self._database = database
        self._audit = audit
        self._jobs = jobs
        self._around = around
        self._declared = declared_names(metadata.tables.values())
        self._reader = Reader(around.link, self._declared, around.patience)
        self.hook = Hook("index snapshots", evidence.SNAPSHOT_EVERY_S, evidence.hook)
        self.task = ChangeIndex(database, audit, jobs=jobs, owner=around.owner, shared=around.login is not None)

    def view(self, *, actor: Actor) -> IndexView:
        """Return every index with a verdict, and those that are missing.

        Raises:
            DatabaseAway: the server does not answer.
        """
        authorize(actor, "index.read", Target(kind="index"))
        return self._reader.read()

    def declared(self, *, actor: Actor) -> tuple[DeclaredIndex, ...]:
        """Return the promised indexes, each compared to the catalogue."""
        authorize(actor, "index.read", Target(kind="index"))
        return self._reader.promised(metadata.tables.values())

    def prove(self, *, actor: Actor, hide: str | None = None, add: str | None = None, statements: Sequence[str] | None = None) -> Proof:
        """Return what would become of the plans if an index were gone or added; nothing stays changed.

        Args:
            actor: an administrator.
            hide: name of an index.
            add: statement that would make one; exactly one of the two.
            statements: as the program sends them; those the recorder knows of the table when left out.

        Raises:
            NotFound: no such index, or no such table.
            InvalidInput: the statement makes no index.
            Conflict: somebody holds the table.
        """
        authorize(actor, "index.prove", Target(kind="index", id=hide))
        if (hide is None) == (add is None):
            raise InvalidInput("Name an index to hide, or give the statement of one to add.")
        catalogue = read(self._around.link)
        superuser = self._around.superuser
        ours = superuser is not None
        if add is not None:
            wanted = parse(add)
            trial = adding(wanted, _table(catalogue, wanted), may=ours)
        else:
            trial = hiding(_find(catalogue, hide or ""), may=ours)
        chosen = recorded(self._around.link, trial.table) if statements is None else tuple(statements)
        return prove(self._around.reader if superuser is None else superuser(), trial, chosen)

    def change(self, action: str, what: str, *, actor: Actor, proof: Proof | None = None) -> int:
        """Queue making, dropping or rebuilding an index while everybody goes on working; return the job's id.

        Args:
            action: ``create``, ``drop`` or ``rebuild``.
            what: the statement that makes it; otherwise its name.
            actor: an administrator, with a reason, who has just proven who they are.
            proof: kept beside the request.

        Raises:
            NotFound: no such index, or no such table.
            InvalidInput: it must not be dropped, or the statement makes no index.
            Conflict: a change of this index is waiting or running, or it exists already.
            ServerAdministratorNeeded: this login may not act as the owner of the tables; holds the statement to be run.
        """
        target = Target(kind="index", id=None if action == CREATE else what)
        authorize(actor, "index.change", target)
        facts = self._asked(action, what, read(self._around.link))
        with self._database.begin("Queue index change") as conn:
            if self._around.login is not None:
                require_owner(conn, facts["statement"])
            _alone(conn, facts["index_name"])
            values = {name: value for name, value in facts.items() if name != "statement"}
            kept = None if proof is None else dataclasses.asdict(proof)
            row = values | {"action": action, "reason": actor.reason or "", "proof": kept, "created_by": actor.name}
            change_id = conn.execute(insert(index_changes).values(row).returning(index_changes.c.id)).scalar_one()
            after = {"action": action, "table": facts["table_name"], "definition": facts["definition"], "status": "WAITING"}
            self._audit.record(conn, actor=actor, action=ACTION, target=Target(kind="index", id=facts["index_name"]), after=after)
            return self._jobs.defer(conn, [request(change_id, action, facts["index_name"])], actor=actor)[0]

    def _asked(self, action: str, what: str, catalogue: Catalogue) -> dict[str, Any]:
        if action == CREATE:
            return _to_create(parse(what), catalogue)
        if action not in {DROP, REBUILD}:
            raise InvalidInput("An index is created, dropped or rebuilt.")
        index = _find(catalogue, what)
        stays = must_stay(index, self._declared) if index.valid else ""
        if action == DROP and stays:
            raise InvalidInput(f"{index.name} is not dropped here. {stays}")
        if action == REBUILD and index.exclusion:
            raise InvalidInput(f"{index.name} cannot be rebuilt while others write. It enforces an exclusion.")
        statement = f"{'DROP' if action == DROP else 'REINDEX'} INDEX CONCURRENTLY {index.full};"
        return _facts(index.table, index.name, statement, definition=self._reader.definition_of(catalogue, index)[:LONGEST])

    def changes(self, *, actor: Actor, limit: int = 50) -> tuple[IndexChange, ...]:
        """Return what was to be changed, newest first, at most ``limit`` (1 to 500)."""
        authorize(actor, "index.read", Target(kind="index"))
        query = select(index_changes).order_by(index_changes.c.id.desc()).limit(max(1, min(limit, MOST_CHANGES)))
        with self._database.begin("List index changes") as conn:
            return tuple(_change(row) for row in conn.execute(query).all())


def _find(catalogue: Catalogue, name: str) -> RawIndex:
    found = [one for one in catalogue.indexes if name in {one.name, f"{one.table.schema}.{one.name}"}]
    if not found:
        raise NotFound(f"There is no index {name}.")
    if len(found) > 1:
        raise InvalidInput(f"There is more than one index {name}; write its schema before it.")
    return found[0]


def _table(catalogue: Catalogue, wanted: Wanted) -> Relation:
    for table in catalogue.tables.values():
        if (table.schema, table.name) == (wanted.schema, wanted.table):
            return table
    raise NotFound(f"There is no table {wanted.table}.")


def _to_create(wanted: Wanted, catalogue: Catalogue) -> dict[str, Any]:
    table = _table(catalogue, wanted)
    if table.kind == "p":
        raise InvalidInput(f"{table.shown} is partitioned; make the index on each of its parts.")
    if any((one.table.schema, one.name) == (wanted.schema, wanted.name) for one in catalogue.indexes):
        raise Conflict(f"There is an index {wanted.name} already.")
    return _facts(table, wanted.name, f"{wanted.concurrently};", definition=wanted.plain)


def _facts(table: Relation, name: str, statement: str, *, definition: str) -> dict[str, Any]:
    place = {"schema_name": table.schema, "table_name": table.name, "index_name": name}
    return place | {"definition": definition, "statement": statement}


def _alone(conn: Connection, name: str) -> None:
    open_ = select(index_changes.c.id).where(index_changes.c.index_name == name, index_changes.c.status.in_(OPEN)).limit(1)
    if conn.execute(open_).first() is not None:
        raise Conflict(f"A change of {name} is waiting or running.")


def _change(row: Any) -> IndexChange:
    return IndexChange(
        id=row.id,
        action=row.action,
        table=row.table_name if row.schema_name == "public" else f"{row.schema_name}.{row.table_name}",
        index=row.index_name,
        definition=row.definition,
        reason=row.reason,
        status=row.status,
        error=row.error,
        created_by=row.created_by,
        created_at=row.created_at,
        finished_at=row.finished_at,
    )
