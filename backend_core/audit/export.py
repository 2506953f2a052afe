"""Let part of the audit log leave as a file that proves itself: rows, proofs, and a signed manifest, all of them or none."""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, func, select

from backend_core.audit import keys, trust
from backend_core.audit.export_rows import FORMATS, Hashed, Slice, Written, choose, write
from backend_core.audit.key_statements import KeyStatement
from backend_core.audit.query import AuditFilter
from backend_core.audit.sealer import lag
from backend_core.audit.service import Audit
from backend_core.audit.standalone import EXPORT, MANIFEST, PROOFS, manifest_bytes
from backend_core.audit.tables import audit_seal
from backend_core.audit.upkeep_tables import audit_tombstone
from backend_core.db.database import Database
from backend_core.durable import sync_folder
from backend_core.errors import InvalidInput, StorageFailed
from backend_core.policy import Actor, Target, authorize

DEADLINE_S: Final = 600.0
LOG: Final = Target(kind="audit")
Sign = Callable[[bytes], tuple[str, bytes]]
Progress = Callable[[int, int], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportResult:
    """An export that was written.

    Attributes:
        rows: rows in the file, erased ones included.
        sha256: of the file, in hexadecimal digits.
        known_key: whether the log knows this computer's key; the rows prove themselves without it, the manifest does not.
    """

    rows: int
    erased: int
    path: Path
    manifest: Path
    proofs: Path
    sha256: str
    known_key: bool


class TrailExport:
    """Exports of one audit log."""

    def __init__(self, database: Database, audit: Audit, *, sign: Sign) -> None:
        """Take ``sign``, which returns the id of this computer's key and its signature."""
        self._database = database
        self._audit = audit
        self._sign = sign

    def export(
        self,
        wanted: AuditFilter,
        path: Path,
        *,
        format: str = "jsonl",  # noqa: A002  # the word people use
        actor: Actor,
        progress: Progress = lambda _done, _total: None,
    ) -> ExportResult:
        """Write the sealed rows a filter means to ``path``, with proofs and a signed manifest beside it.

        A progress that raises stops it; then, as after any failure, no file is left.

        Raises:
            InvalidInput: an unknown format, or ``path`` is a folder or a device.
            StorageFailed: the files cannot be written.
        """
        authorize(actor, "audit.export", LOG)
        if format not in FORMATS:
            raise InvalidInput(f"Choose one of {', '.join(FORMATS)}.")
        with ready(path) as made:
            result = self.write(wanted, made, name=path.name, kind=format, actor=actor, progress=progress)
            after = {"format": format, "filter": wanted.text(), "rows": result.rows, "sha256": result.sha256}
            # the row is there before the file can be seen; if it cannot be written, nothing leaves
            with self._database.begin("Record audit export") as conn:
                self._audit.record(conn, actor=actor, action="audit.export", target=LOG, after=after)
            _publish(made, path)
        return replace(result, path=path, proofs=beside(path, PROOFS), manifest=beside(path, MANIFEST))

    def write(self, wanted: AuditFilter, made: Path, *, name: str, kind: str, actor: Actor, progress: Progress) -> ExportResult:
        """Write the three files of an export; who asked was authorized, and is recorded by the caller."""
        with self._database.begin("Export audit log", deadline_s=DEADLINE_S) as conn:
            conn.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            part = choose(conn, wanted)
            with private(made) as file, private(beside(made, PROOFS)) as proofs:
                hashed, proved = Hashed(file), Hashed(proofs)
                done = write(conn, part, kind=kind, file=hashed, proofs=proved, progress=progress)
            facts = self._facts(conn, part, done, actor) | {
                "file": name,
                "kind": kind,
                "sha256": hashed.sha256,
                "proofs_sha256": proved.sha256,
            }
            known = keys.statements(conn)
        key_id, signature = self._sign(manifest_bytes(facts))
        signed = {"manifest": facts, "key_id": key_id, "signature": base64.b64encode(signature).decode()}
        with private(beside(made, MANIFEST)) as file:
            file.write(json.dumps(signed, indent=1, ensure_ascii=False).encode() + b"\n")
        believed = key_id in trust.read(known, accepted=frozenset()).keys
        return ExportResult(
            rows=done.rows,
            erased=done.erased,
            path=made,
            manifest=beside(made, MANIFEST),
            proofs=beside(made, PROOFS),
            sha256=hashed.sha256,
            known_key=believed,
        )

    def _facts(self, conn: Connection, part: Slice, done: Written, actor: Actor) -> dict[str, Any]:
        newest = conn.execute(select(audit_seal.c.checkpoint).order_by(audit_seal.c.id.desc()).limit(1)).scalar()
        now: dt.datetime = conn.execute(select(func.clock_timestamp())).scalar_one()
        stones = select(audit_tombstone).where(audit_tombstone.c.id.in_(sorted(done.tombstones))).order_by(audit_tombstone.c.id)
        return {
            "format": EXPORT,
            "filter": part.wanted.text(),
            "complete": part.complete,
            "first_position": part.first,
            "last_position": part.last,
            "rows": done.rows,
            "erased": done.erased,
            "unsealed_rows_left_out": lag(conn).rows,
            "exported_at": now.isoformat(),
            "exported_by": actor.name,
            "workstation": actor.workstation,
            "reason": actor.reason,
            "newest_checkpoint": newest,
            "keys": [_key(one) for one in keys.statements(conn)],
            "tombstones": [_tombstone(dict(one)) for one in conn.execute(stones).mappings()],
        }


@contextlib.contextmanager
def ready(path: Path) -> Iterator[Path]:
    """Return the path under which a file is written before it gets its name; nothing under it stays.

    Raises:
        InvalidInput: ``path`` is a folder or a device.
        StorageFailed: the block could not write.
    """
    if path.is_dir() or (path.exists() and not path.is_file()):
        raise InvalidInput("That is not a file; name a file.")
    made = path.with_name(f".{path.name}.{secrets.token_hex(6)}.part")
    try:
        yield made
    except OSError as error:
        raise StorageFailed("The export cannot be written there, or the disk is full.") from error
    finally:
        for ending in ("", PROOFS, MANIFEST, ".zip"):
            with contextlib.suppress(OSError):
                beside(made, ending).unlink(missing_ok=True)


def _key(one: KeyStatement) -> dict[str, Any]:
    facts = {name: getattr(one, name) for name in KeyStatement.__dataclass_fields__}
    coded = {name: base64.b64encode(facts[name]).decode() for name in ("public", "signature")}
    return {**facts, **coded, "at": one.at.isoformat()}


def _tombstone(one: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": one["id"],
        "class": one["retention_class"],
        "cutoff": one["cutoff"].isoformat(),
        "rows": one["rows"],
        "sha256": bytes(one["skeletons_sha256"]).hex(),
        "at": one["at"].isoformat(),
        "key_id": one["key_id"],
        "signature": base64.b64encode(one["signature"]).decode(),
    }


def beside(path: Path, ending: str) -> Path:
    """Return the path of a companion of an export."""
    return path.with_name(path.name + ending)


@contextlib.contextmanager
def private(path: Path) -> Iterator[Any]:
    """Open a new file that nobody else may read; its bytes are on the disk when the block ends."""
    with os.fdopen(
        os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600), "wb", buffering=1 << 20
    ) as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _publish(made: Path, path: Path) -> None:
    """Give the three files their names, the one people look for last; when that fails none of them stays."""
    done: list[Path] = []
    try:
        for ending in (PROOFS, MANIFEST, ""):
            beside(made, ending).replace(beside(path, ending))
            done.append(beside(path, ending))
    except OSError:
        for one in done:
            one.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)
