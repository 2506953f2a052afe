"""What all parts of forgetting share: the foundations, and how a receipt is made."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, func, insert, select, text

from backend_core.audit.keys import Keys
from backend_core.audit.service import Audit
from backend_core.backup.tables import backups
from backend_core.db.database import Database
from backend_core.house.service import House
from backend_core.memory import receipts
from backend_core.memory.forget_records import STORES, Receipt
from backend_core.memory.receipts import Facts, Remains
from backend_core.memory.tables import erasure_receipts
from backend_core.scopes.service import Scopes
from backend_core.storage.service import Storage

GRACE: Final = dt.timedelta(days=30)
CONTACT: Final = "contact"
_DAY: Final = dt.timedelta(days=1)


class ForgetBase:
    """Foundations of forgetting."""

    def __init__(self, database: Database, audit: Audit, *, scopes: Scopes, storage: Storage, keys: Keys, house: House) -> None:
        """Take ``keys``, which sign receipts."""
        self._database = database
        self._audit = audit
        self._scopes = scopes
        self._storage = storage
        self._keys = keys
        self._house = house

    def _issue(
        self,
        conn: Connection,
        *,
        kind: str,
        subject: uuid.UUID,
        asked_by: str,
        asked_at: dt.datetime,
        hard: bool,
        counts: Mapping[str, int],
    ) -> Receipt:
        """Sign and keep a receipt in the transaction that erases; where nothing can be signed nothing is erased.

        Raises:
            SecretsLocked, Unavailable: this computer's sealing key cannot be read.
        """
        now = conn.execute(select(func.clock_timestamp())).scalar_one()
        own = self._keys.own()
        facts = Facts(
            id=uuid.uuid4(),
            kind=kind,
            subject=subject,
            asked_by=asked_by,
            asked_at=asked_at,
            erased_at=now,
            hard=hard,
            counts=counts,
            remains=self._remains(conn, now),
        )
        content = receipts.document(facts, public=own.public)
        signature = own.sign(receipts.signed_bytes(content))
        made = {"id": facts.id, "at": now, "kind": kind, "document": receipts.canonical(content), "key_id": own.id, "signature": signature}
        conn.execute(insert(erasure_receipts).values(made).inline())
        return Receipt(id=facts.id, at=now, kind=kind, key_id=own.id, document=receipts.file_text(content, signature))

    def _remains(self, conn: Connection, now: dt.datetime) -> tuple[Remains, ...]:
        return (_log_remains(conn), _file_remains(), self._backup_remains(conn, now))

    def _backup_remains(self, conn: Connection, now: dt.datetime) -> Remains:
        if not conn.execute(select(func.has_table_privilege(backups.name, "SELECT"))).scalar_one():
            return Remains(where="backups", until=None, note="Backups made before may hold it; this account does not see them.")
        house = self._house.within(conn)
        query = select(backups.c.kind, func.count()).where(backups.c.sha256.is_not(None), backups.c.removed_at.is_(None))
        kept = {row[0]: int(row[1]) for row in conn.execute(query.group_by(backups.c.kind))}
        by_hand = kept.get("manual", 0) + kept.get("migration", 0)
        if not kept:
            return Remains(where="backups", until=now, note="No backup was known when this was erased.")
        if by_hand or not house.backup_every_days:
            scheduled = kept.get("scheduled", 0)
            note = f"{by_hand} backups made by hand and {scheduled} made by themselves may hold it, until somebody deletes them."
            return Remains(where="backups", until=None, note=note)
        until = now + house.backup_every_days * (house.backup_keep + 1) * _DAY
        return Remains(where="backups", until=until, note=f"{kept['scheduled']} backups may hold it until newer ones replace them.")


def counted(**counts: int) -> dict[str, int]:
    """Return counts by store, with every store named."""
    return {store: counts.get(store, 0) for store in STORES}


def _log_remains(conn: Connection) -> Remains:
    settings = text("SELECT current_setting('max_wal_size'), current_setting('archive_mode')")
    size, archive = conn.execute(settings).one()
    note = f"The server overwrites its log of about {size} as it goes on writing."
    if archive != "off":
        note += " Copies of the log that it archives stay as long as its administrator keeps them."
    return Remains(where="write-ahead log", until=None, note=note)


def _file_remains() -> Remains:
    return Remains(
        where="data files",
        until=None,
        note="Freed space in the database's files is overwritten as it is used again; VACUUM FULL removes it at once.",
    )
