"""Seals of the audit log: made by the worker, verified by whoever may read the log, witnessed outside it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, insert, select

from backend_core.audit import sealer, trust
from backend_core.audit.key_statements import KeyStatement
from backend_core.audit.keys import UNKNOWN, Keys, statements
from backend_core.audit.report import Problem, VerifyReport, WitnessFacts
from backend_core.audit.sealer import Sealer, SealLag
from backend_core.audit.service import Audit
from backend_core.audit.tables import audit_seal, audit_verification
from backend_core.audit.verify import Progress, Verification
from backend_core.audit.witnesses import Place, Witness, Witnesses, facts
from backend_core.db.database import Database
from backend_core.errors import LecternError, NotFound, Unavailable
from backend_core.logs import get_logger
from backend_core.policy import Actor, Target, authorize

__all__ = ["Problem", "SealLag", "Seals", "VerifyReport", "Witness", "WitnessFacts"]

log = get_logger(__name__)
LOG: Final = Target(kind="audit")
MOST_KEPT: Final = 50


class Seals:
    """Sealing and verification of one database."""

    def __init__(
        self, database: Database, audit: Audit, keys: Keys, *, places: Sequence[Place] = (), name: str = "embedded", folder: Path
    ) -> None:
        """Take this host's key, the places of witnesses, a lasting name of the database, and the home."""
        self._database = database
        self._audit = audit
        self._keys = keys
        self._witnesses = Witnesses(places, database=name, folder=folder)
        self._sealer = Sealer(database, self._keys, on_sealed=self._tell)

    def seal(self, *, actor: Actor | None = None) -> int:
        """Seal what was committed, and tell the witnesses; the worker calls this every second. Return how many rows were sealed.

        Args:
            actor: the program itself, where somebody else asks for it.

        Raises:
            Unavailable: the key of this computer cannot be read.
        """
        if actor is not None:
            authorize(actor, "audit.seal", LOG)
        sealed = self._sealer.seal()
        if self._witnesses.due():
            self._tell(None)
        return sealed

    def lag(self) -> SealLag:
        """Return how far the seals are behind."""
        with self._database.begin("Measure seal lag") as conn:
            return sealer.lag(conn)

    def sign(self, payload: bytes) -> tuple[str, bytes]:
        """Return the id of this host's key and its signature, for exports and tombstones.

        Raises:
            Unavailable: the log does not know this host's key, so nobody would believe it.
        """
        with self._database.begin("Sign") as conn:
            sealer.wait(conn)
            key = self._keys.ready(conn)
        if key is None:
            raise Unavailable(UNKNOWN)
        return key.id, key.sign(payload)

    def verify(
        self,
        *,
        actor: Actor,
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
        quick: bool = False,
    ) -> VerifyReport:
        """Check the whole log, and record that it was checked.

        Args:
            actor: administrator, auditor or the program itself.
            progress: given rows done and rows in all, from time to time.
            cancelled: asked from time to time.
            quick: every seal, but only the newest rows.

        Raises:
            Cancelled: ``cancelled`` said so.
        """
        authorize(actor, "audit.verify", LOG)
        began = time.perf_counter()
        walk = Verification(self._database, accepted=self._witnesses.accepted(), quick=quick, progress=progress, cancelled=cancelled)
        rows, last = walk.run()
        with self._database.begin("Ask witnesses") as conn:
            said = self._witnesses.ask(conn)
        seconds = max(time.perf_counter() - began, 1e-6)
        problems = (*walk.findings.all(), *(problem for one in said for problem in one.problems))
        report = VerifyReport(
            ok=not problems,
            rows=rows,
            problems=problems,
            witnesses=facts(said),
            rows_per_second=round(rows / seconds),
            verified_to=last,
            seconds=round(seconds, 3),
        )
        self._keep(report, actor=actor, quick=quick)
        return report

    def latest_verification(self, *, actor: Actor) -> VerifyReport | None:
        """Return what the last verification found, whoever ran it."""
        authorize(actor, "audit.list", LOG)
        with self._database.begin("Read latest verification") as conn:
            one = conn.execute(select(audit_verification).order_by(audit_verification.c.id.desc()).limit(1)).first()
        if one is None:
            return None
        return VerifyReport(
            ok=one.ok,
            rows=one.rows,
            problems=tuple(Problem(kind=str(found["kind"]), detail=str(found["detail"])) for found in one.problems),
            witnesses=WitnessFacts(total=one.witnesses, off_machine=one.off_machine, agreeing=one.agreeing),
            rows_per_second=round(one.rows / max(one.seconds, 1e-6)),
            verified_to=one.verified_to,
            seconds=one.seconds,
        )

    def witnesses(self, *, actor: Actor) -> tuple[Witness, ...]:
        """Return what each witness says."""
        authorize(actor, "audit.list", LOG)
        with self._database.begin("Ask witnesses") as conn:
            return self._witnesses.ask(conn)

    def accept(self, *, actor: Actor) -> int:
        """Let every witness take the log as it is now, after a restore or a change of keys; recorded. Return how many did."""
        authorize(actor, "audit.rotate", LOG)
        with self._database.begin("Accept audit log") as conn:
            note = conn.execute(select(audit_seal.c.checkpoint).order_by(audit_seal.c.id.desc()).limit(1)).scalar()
            if note is None:
                raise NotFound("The log has no seal that a witness could remember.")
            before = [f"{problem.kind}: {problem.detail}" for one in self._witnesses.ask(conn) for problem in one.problems]
            self._audit.record(conn, actor=actor, action="audit.witness", target=LOG, before={"problems": before[:MOST_KEPT]})
            return self._witnesses.accept(note, roots=_roots(conn))

    def keys(self, *, actor: Actor) -> tuple[KeyStatement, ...]:
        """Return every statement about keys, oldest first."""
        authorize(actor, "audit.list", LOG)
        with self._database.begin("List sealing keys") as conn:
            return statements(conn)

    def rotate(self, *, actor: Actor) -> str:
        """Replace this host's key; return the id of the new one.

        Raises:
            Unavailable: the log does not know the old one.
        """
        authorize(actor, "audit.rotate", LOG)
        with self._database.begin("Rotate sealing key") as conn:
            sealer.wait(conn)
            made = self._keys.rotate(conn)
            self._audit.record(conn, actor=actor, action="audit.rotate", target=Target(kind="key", id=made))
        with self._database.begin("Rotate sealing key") as conn:
            self._keys.settle(conn)
        return made

    def introduce(self, key_id: str, *, actor: Actor) -> None:
        """Vouch with this host's key for that of another host."""
        authorize(actor, "audit.rotate", LOG)
        with self._database.begin("Introduce sealing key") as conn:
            sealer.wait(conn)
            self._keys.introduce(conn, key_id)
            after = {"introduced": key_id}
            self._audit.record(conn, actor=actor, action="audit.rotate", target=Target(kind="key", id=key_id), after=after)

    def adopt(self, *, actor: Actor) -> str:
        """Let this host seal although no key is left to introduce its own; every witness says so until it is told to accept."""
        authorize(actor, "audit.rotate", LOG)
        with self._database.begin("Adopt sealing key") as conn:
            sealer.wait(conn)
            made = self._keys.adopt(conn)
            self._audit.record(conn, actor=actor, action="audit.rotate", target=Target(kind="key", id=made), after={"adopted": made})
        return made

    def close(self) -> None:
        """Let the witnesses remember what this process wrote last; one that only read has nothing to add."""
        writers = self._audit.writers.acknowledged()
        if not writers and not self._witnesses.behind():
            return
        try:
            self._tell(None, last=True)
        except LecternError as error:
            # a server that is away cannot be asked; what it lost shows in the seals
            log.info("witnesses not told at the end", error_code=error.code)

    def _tell(self, note: str | None, *, last: bool = False) -> None:
        with self._database.begin("Tell witnesses") as conn:
            self._witnesses.update(conn, note, roots=_roots(conn), writers=self._audit.writers.acknowledged(), last=last)

    def _keep(self, report: VerifyReport, *, actor: Actor, quick: bool) -> None:
        listed = [{"kind": one.kind, "detail": one.detail} for one in report.problems[:MOST_KEPT]]
        values = {
            "verified_by": actor.name[:200],
            "quick": quick,
            "ok": report.ok,
            "rows": report.rows,
            "verified_to": report.verified_to,
            "seconds": report.seconds,
            "problems": listed,
            "witnesses": report.witnesses.total,
            "off_machine": report.witnesses.off_machine,
            "agreeing": report.witnesses.agreeing,
        }
        with self._database.begin("Keep verification") as conn:
            conn.execute(insert(audit_verification).values(values).inline())
            after = {"ok": report.ok, "rows": report.rows, "problems": len(report.problems), "quick": quick}
            self._audit.record(conn, actor=actor, action="audit.verify", target=LOG, after=after)


def _roots(conn: Connection) -> tuple[str, ...]:
    return tuple(trust.read(statements(conn), accepted=frozenset()).roots)
