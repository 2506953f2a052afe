"""An evidence pack: what was recorded in a period, with proofs, keys, checkpoints, a verification and the check itself, in one file."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import hashlib
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import select

from backend_core.audit.export import LOG, Progress, Sign, TrailExport, beside, private, ready
from backend_core.audit.query import AuditFilter
from backend_core.audit.report import VerifyReport
from backend_core.audit.service import Audit
from backend_core.audit.standalone import MANIFEST, PACK, PROOFS, pack_bytes
from backend_core.audit.tables import audit_seal
from backend_core.audit.verifier import packed
from backend_core.db.database import Database
from backend_core.durable import sync_folder
from backend_core.errors import InvalidInput
from backend_core.policy import Actor, authorize

EVENTS: Final = "events.jsonl"
BLOCK: Final = 1 << 20
Verify = Callable[[Actor], VerifyReport]

README: Final = """Evidence from the audit log of Lectern
======================================

Period        {since} to {until} (UTC)
Rows          {rows}, {erased} of them erased by retention: of those only place, time, writer and hash are left
Made          {at} by {by} on {workstation}
Reason        {reason}

To check it without Lectern, on any computer with Python 3.11 or later and the package "cryptography":

    unzip -p PACK.zip verify.pyz > verify.pyz
    python verify.pyz PACK.zip --key FIRST_KEY

FIRST_KEY is the id of the first key of the log ("signed_by" and "key_id" are the same in the first entry of keys.json). Ask for it
where this pack does not come from: whoever can make a pack from nothing can also make a first key.

events.jsonl                  one row of the log per line, in the order of places
events.jsonl.proofs.jsonl     one line per seal: its signed checkpoint, and the hashes that lead from the rows to its root
events.jsonl.manifest.json    what was exported, signed
keys.json checkpoints.txt     the signed statements about keys; the signed checkpoints of the period and the newest one
verification.json             what a verification of the log found when this was made
verify.pyz                    the check; pack.json holds the hash of each file, signed
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceResult:
    """A pack that was written; ``verified`` says whether the log was whole when it was made."""

    path: Path
    rows: int
    sha256: str
    verified: bool


class Evidence(TrailExport):
    """Exports and evidence packs of one audit log."""

    def __init__(self, database: Database, audit: Audit, *, sign: Sign, verify: Verify) -> None:
        """Take ``sign`` of this computer's key, and ``verify``, which checks the log on behalf of an actor."""
        super().__init__(database, audit, sign=sign)
        self._verify = verify

    def evidence(
        self, path: Path, *, since: dt.datetime, until: dt.datetime, actor: Actor, progress: Progress = lambda _done, _total: None
    ) -> EvidenceResult:
        """Write a pack with everything sealed from ``since`` until before ``until`` to ``path``.

        Raises:
            InvalidInput: the end is before the beginning, or ``path`` is a folder or a device.
            StorageFailed: it cannot be written; nothing is left.
        """
        authorize(actor, "audit.evidence", LOG)
        if since >= until or since.tzinfo is None or until.tzinfo is None:
            raise InvalidInput("The period ends before it begins.")
        wanted = AuditFilter(since=since.isoformat(), until=until.isoformat())
        with ready(path) as made:
            exported = self.write(wanted, made, name=EVENTS, kind="jsonl", actor=actor, progress=progress)
            report = self._verify(actor)
            facts = {"since": since, "until": until, "rows": exported.rows, "erased": exported.erased, "at": dt.datetime.now(dt.UTC)}
            people = {"by": actor.name, "workstation": actor.workstation, "reason": actor.reason or "-"}
            packed_up = beside(made, ".zip")
            sha256 = self._pack(packed_up, made, {**facts, **people}, report)
            after = {"since": since.isoformat(), "until": until.isoformat(), "rows": exported.rows, "sha256": sha256}
            with self._database.begin("Record evidence pack") as conn:
                self._audit.record(conn, actor=actor, action="audit.evidence", target=LOG, after=after)
            packed_up.replace(path)
            sync_folder(path.parent)
        return EvidenceResult(path=path, rows=exported.rows, sha256=sha256, verified=report.ok)

    def _pack(self, to: Path, made: Path, facts: dict[str, Any], report: VerifyReport) -> str:
        manifest = json.loads(beside(made, MANIFEST).read_text("utf-8"))["manifest"]
        texts = {
            "README.txt": README.format(**facts).encode(),
            "keys.json": json.dumps(manifest["keys"], indent=1, ensure_ascii=False).encode(),
            "checkpoints.txt": self._checkpoints(manifest).encode(),
            "verification.json": json.dumps(dataclasses.asdict(report), indent=1, ensure_ascii=False).encode(),
            "verify.pyz": packed(),
        }
        hashes = {name: hashlib.sha256(data).hexdigest() for name, data in texts.items()}
        with private(to) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for ending in ("", PROOFS, MANIFEST):
                hashes[EVENTS + ending] = _hash(beside(made, ending))
                archive.write(beside(made, ending), EVENTS + ending)
            for name, data in texts.items():
                archive.writestr(name, data)
            key_id, signature = self._sign(pack_bytes(hashes))
            pack = {"files": hashes, "key_id": key_id, "signature": base64.b64encode(signature).decode()}
            archive.writestr(PACK, json.dumps(pack, indent=1))
        return _hash(to)

    def _checkpoints(self, manifest: dict[str, Any]) -> str:
        seal = audit_seal.c
        reach = (seal.last_position >= manifest["first_position"], seal.first_position <= manifest["last_position"])
        with self._database.begin("Read checkpoints") as conn:
            found = list(conn.execute(select(seal.checkpoint).where(*reach).order_by(seal.id)).scalars())
        newest = manifest["newest_checkpoint"]
        return "\n".join([*found, *([newest] if newest and newest not in found[-1:] else [])])


def _hash(path: Path) -> str:
    made = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            made.update(block)
    return made.hexdigest()
