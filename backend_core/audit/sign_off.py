"""Sign-off of a release: who reviewed which version, when, and with which verdict, kept in the audit log like every other act."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from backend_core.audit.service import Audit
from backend_core.audit.tables import audit_event
from backend_core.db.database import Database
from backend_core.errors import InvalidInput
from backend_core.policy import Actor, Target, authorize

ACTION: Final = "release.sign_off"
VERDICTS: Final = ("go", "no-go")
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
    """

    version: str
    reviewer: str
    verdict: str
    at: dt.datetime
    recorded_by: str
    reason: str | None


class SignOffs:
    """Sign-offs of one database; they live only in the audit log, so nobody can change them afterwards."""

    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit

    def sign_off(self, version: str, *, reviewer: str, verdict: str, actor: Actor) -> None:
        """Record that ``reviewer`` looked at ``version`` and said ``verdict``; the actor's reason holds the remarks.

        Raises:
            InvalidInput: no version number, no name, or an unknown verdict.
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
            after = {"reviewer": name, "verdict": verdict}
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
            )
            for row in rows
        )
