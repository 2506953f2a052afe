"""Sign-off of a release: who reviewed which version, when, and with which verdict, kept in the audit log like every other act."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, select

from backend_core.audit.service import Audit
from backend_core.audit.tables import audit_event
from backend_core.db.database import Database
from backend_core.errors import InvalidInput, NotReady
from backend_core.policy import Actor, Target, authorize

ACTION: Final = "release.sign_off"
GO: Final = "go"
VERDICTS: Final = (GO, "no-go")
LONGEST_NAME: Final = 200
_VERSION: Final = re.compile(r"\d+\.\d+\.\d+(?:[-+.][0-9A-Za-z.-]{1,40})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedOff:
    """One sign-off.

    Attributes:
        version: of Lectern, for example ``0.2.0``.
        reviewer: who reviewed; often but not always the operator who wrote it down.
        verdict: ``go`` or ``no-go``.
        at: when it was recorded, in UTC.
        recorded_by: the operator.
        reason: remarks.
        score, coverage, run_id: of readiness when it was recorded; ``None`` in older rows, and where nothing was measured.
    """

    version: str
    reviewer: str
    verdict: str
    at: dt.datetime
    recorded_by: str
    reason: str | None
    score: float | None = None
    coverage: float | None = None
    run_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Whether ``go`` may be said now.

    Attributes:
        why_not: one sentence; empty when it may.
        score, coverage, run_id: of readiness, to be kept with the verdict.
    """

    why_not: str = ""
    score: float | None = None
    coverage: float | None = None
    run_id: int | None = None


Judge = Callable[[Connection, str], Judgement]
"""Given the transaction of the sign-off and the version."""


def _nobody(_conn: Connection, _version: str) -> Judgement:
    return Judgement(why_not="Nobody measures readiness here.")


class SignOffs:
    """Sign-offs of one database; they live only in the audit log, so nobody can change them afterwards.

    Attributes:
        judge: says whether ``go`` may be said; whoever measures readiness puts itself here.
    """

    def __init__(self, database: Database, audit: Audit, *, judge: Judge = _nobody) -> None:
        self._database = database
        self._audit = audit
        self.judge = judge

    def sign_off(self, version: str, *, reviewer: str, verdict: str, actor: Actor) -> None:
        """Record that ``reviewer`` looked at ``version`` and said ``verdict``; the actor's reason holds the remarks.

        Raises:
            InvalidInput: no version number, no name, or an unknown verdict.
            NotReady: ``go`` while readiness does not allow it; ``no-go`` is always recorded.
        """
        target = Target(kind="release", id=version[:LONGEST_NAME])
        authorize(actor, "release.sign_off", target)
        name = " ".join(reviewer.split())
        if not _VERSION.fullmatch(version):
            raise InvalidInput("A version looks like 1.2.3.")
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            raise InvalidInput(f"The name of the reviewer has 1 to {LONGEST_NAME} characters.")
        if verdict not in VERDICTS:
            raise InvalidInput("The verdict is go or no-go.")
        with self._database.begin("Sign off release") as conn:
            found = self.judge(conn, version)
            if verdict == GO and found.why_not:
                raise NotReady(f"{version} cannot be signed off. {found.why_not}")
            measured: dict[str, object] = {"score": found.score, "coverage": found.coverage, "run": found.run_id}
            after = {"reviewer": name, "verdict": verdict} | measured
            self._audit.record(conn, actor=actor, action=ACTION, target=target, after=after)

    def sign_offs(self, *, actor: Actor, limit: int = 100) -> tuple[SignedOff, ...]:
        """Return the newest sign-offs first."""
        authorize(actor, "release.list", Target(kind="release"))
        columns = (audit_event.c.target, audit_event.c.after, audit_event.c.at, audit_event.c.actor, audit_event.c.reason)
        query = select(*columns).where(audit_event.c.action == ACTION, audit_event.c.outcome == "done")
        with self._database.begin("List sign-offs") as conn:
            rows = conn.execute(query.order_by(audit_event.c.at.desc(), audit_event.c.id.desc()).limit(limit)).all()
        return tuple(
            SignedOff(
                version=row.target.partition(":")[2],
                reviewer=str(row.after["reviewer"]),
                verdict=str(row.after["verdict"]),
                at=row.at,
                recorded_by=row.actor,
                reason=row.reason,
                score=row.after.get("score"),
                coverage=row.after.get("coverage"),
                run_id=row.after.get("run"),
            )
            for row in rows
        )
