"""Last steps in a restored database: nobody is signed in any more, files are found, and the audit log says what happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import sqlalchemy as sa

from backend_core.audit.keys import Keys
from backend_core.audit.sealer import Sealer
from backend_core.audit.service import Audit
from backend_core.audit.verify import Verification
from backend_core.backup.keys import BackupKey
from backend_core.backup.restore import Verdict
from backend_core.backup.staging import Staged
from backend_core.backup.vouching import vouch
from backend_core.db.database import Database
from backend_core.jobs.tables import queue_jobs
from backend_core.policy import Actor, Target
from backend_core.storage.tables import object_intents, objects

APPLICATION: Final = "lectern-restore"
QUEUE: Final = "store-"
LONG_S: Final = 600.0
Verify = Callable[[Database], Verdict]
_SESSIONS: Final = sa.table("auth_session", sa.column("revoked_at"))


def conclude(staged: Staged, store: str, *, actor: Actor, key: BackupKey, sealing: Keys, verify: Verify) -> Verdict:
    """Make a restored database ready for use and return what its audit log says about itself.

    Args:
        staged: the restored database.
        store: identity of the object store it will use.
        actor: who restores; allowed by whoever may say so, before anything was done.
        key: opened the backup.
        sealing: key of this computer's seals.
        verify: checks the audit log, the new entry included.
    """
    target = Target(kind="backup")
    manifest = staged.manifest
    facts = {
        "made_at": manifest.created_at.isoformat(),
        "version": manifest.version,
        "schema": manifest.schema,
        "audit_rows": manifest.audit.get("rows"),
        "database": manifest.database.get("server"),
    }
    database = Database.open(staged.app, application=APPLICATION, base=1, overflow=3)
    try:
        with database.begin("Conclude restore", deadline_s=LONG_S) as conn:
            _end_sessions(conn)
            _rename_store(conn, manifest.store, store)
            # a session of the database that is replaced says nothing here
            Audit(database).record(conn, actor=replace(actor, session=None), action="backup.restore", target=target, after=facts)
            vouch(conn, key, sealing)
        Sealer(database, sealing).seal()
        return verify(database)
    finally:
        database.close()


def _end_sessions(conn: sa.Connection) -> None:
    # a token that was revoked since the backup was made must not come back to life
    conn.execute(sa.update(_SESSIONS).where(_SESSIONS.c.revoked_at.is_(None)).values(revoked_at=sa.func.clock_timestamp()))


def _rename_store(conn: sa.Connection, old: str, new: str) -> None:
    if old == new:
        return
    for table in (objects, object_intents):
        conn.execute(sa.update(table).where(table.c.store == old).values(store=new))
    queue = queue_jobs.c.queue_name
    conn.execute(sa.update(queue_jobs).where(queue == f"{QUEUE}{old}").values(queue_name=f"{QUEUE}{new}"))


def verify_log(database: Database) -> Verdict:
    """Check every row, chain and seal of a restored audit log."""
    verification = Verification(database)
    rows, _ = verification.run()
    problems = verification.findings.all()
    return Verdict(ok=not problems, rows=rows, problems=tuple(problem.detail for problem in problems))
