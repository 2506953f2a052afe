"""The erasure receipts that were kept, and whether a receipt is one this database's keys signed."""

from __future__ import annotations

import base64
import json
import uuid
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Row, func, select

from backend_core.audit import keys, trust
from backend_core.audit.export import private
from backend_core.audit.tables import audit_key
from backend_core.errors import NotFound, UnreadableFile
from backend_core.memory.exporting import writing_to
from backend_core.memory.forget_base import ForgetBase
from backend_core.memory.forget_records import Receipt, ReceiptVerdict
from backend_core.memory.receipts import LONGEST, canonical, verify
from backend_core.memory.tables import erasure_receipts
from backend_core.policy import Actor, Target, authorize

MOST: Final = 500


class ReceiptBook(ForgetBase):
    """Erasure receipts of one database."""

    def receipts(self, *, actor: Actor, limit: int = 50) -> tuple[Receipt, ...]:
        """Return the newest receipts first, at most ``limit`` (1 to 500)."""
        authorize(actor, "receipt.list", Target(kind="receipt"))
        query = select(erasure_receipts).order_by(erasure_receipts.c.at.desc(), erasure_receipts.c.id)
        with self._database.begin("List erasure receipts") as conn:
            return tuple(map(_receipt, conn.execute(query.limit(max(1, min(limit, MOST))))))

    def receipt(self, receipt_id: uuid.UUID, *, actor: Actor) -> Receipt:
        """Return one receipt.

        Raises:
            NotFound: there is none with this id.
        """
        authorize(actor, "receipt.list", Target(kind="receipt", id=str(receipt_id)))
        with self._database.begin("Read erasure receipt") as conn:
            row = conn.execute(select(erasure_receipts).where(erasure_receipts.c.id == receipt_id)).one_or_none()
        if row is None:
            raise NotFound("There is no such receipt.")
        return _receipt(row)

    def save_receipt(self, receipt_id: uuid.UUID, path: Path, *, actor: Actor) -> Receipt:
        """Write a receipt to a file that proves itself.

        Raises:
            NotFound: there is none with this id.
            InvalidInput: ``path`` is a folder or a device.
            StorageFailed: it cannot be written there.
        """
        authorize(actor, "receipt.list", Target(kind="receipt", id=str(receipt_id)))
        found = self.receipt(receipt_id, actor=actor)
        write_whole(path, found.document.encode())
        return found

    def verify_receipt(self, given: Path | str, *, actor: Actor | None = None) -> ReceiptVerdict:
        """Check a receipt: that nothing in it was changed, and that a key known to the audit log signed it.

        On a shared server only administrators and auditors see those keys; to others ``known_key`` of another computer's is None.

        Args:
            given: the file, or its text.
            actor: who asks; anybody may, and what is looked up is public.

        Raises:
            UnreadableFile: there is no such file.
        """
        if actor is not None:
            authorize(actor, "receipt.verify", Target(kind="receipt"))
        with self._database.begin("Read known keys") as conn:
            known = _known_keys(conn)
        text, own = _text(given), self._keys.own().id
        found = verify(text)
        if known is None and found.key_id != own:
            return found
        # a key that has not sealed anything yet is still this computer's own
        return verify(text, trusted={*(known or ()), own})


def verify_alone(path: Path, *, key_id: str | None = None) -> ReceiptVerdict:
    """Check a receipt without a database; ``key_id`` is the key somebody remembers.

    Raises:
        UnreadableFile: there is no such file.
    """
    return verify(_text(path), trusted=None if key_id is None else {key_id})


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is complete or not there, readable by its owner only.

    Raises:
        InvalidInput: ``path`` is a folder or a device.
        StorageFailed: it cannot be written there.
    """
    with writing_to(path) as made, private(made) as file:
        file.write(content)


def _known_keys(conn: Connection) -> frozenset[str] | None:
    """Return the keys the audit log ever believed; None where this account may not see them."""
    if not conn.execute(select(func.has_table_privilege(audit_key.name, "SELECT"))).scalar_one():
        return None
    return frozenset(trust.read(keys.statements(conn), accepted=frozenset()).keys)


def _text(given: Path | str) -> str | bytes:
    if isinstance(given, str):
        return given
    try:
        with given.open("rb") as file:
            return file.read(LONGEST + 1)
    except OSError:
        raise UnreadableFile("That file cannot be opened.") from None


def _receipt(row: Row[Any]) -> Receipt:
    signed = {"receipt": json.loads(row.document), "signature": base64.b64encode(row.signature).decode()}
    return Receipt(id=row.id, at=row.at, kind=row.kind, key_id=row.key_id, document=canonical(signed) + "\n")
