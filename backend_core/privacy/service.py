"""The privacy suite as a feature: run it, read what it found, hand it on, and say whether the boundary can be relied on now."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text

from backend_core.audit.key_statements import INTRODUCED
from backend_core.audit.keys import Keys, statements
from backend_core.audit.service import Audit
from backend_core.db.database import Database
from backend_core.errors import Cancelled, Conflict, LecternError, NotFound
from backend_core.logs import get_logger, log_failure
from backend_core.memory.embeddings import Embedder
from backend_core.policy import Actor, Target, authorize
from backend_core.privacy import alerts, history, report
from backend_core.privacy.records import Gate, ReportVerdict, Run, RunDetails, Standing, Trigger
from backend_core.privacy.stage import Progress
from backend_core.privacy.suite import Findings, play
from backend_core.privacy.targets import opened
from backend_core.privacy.verbs import over
from backend_core.scopes.service import Scopes
from backend_core.storage.folder import FolderStore

log = get_logger(__name__)
RUNNING: Final = 0x4C65_7076
"""Advisory lock of the one privacy run a database may have ("Lepv")."""

GRACE: Final = dt.timedelta(hours=1)
AGAIN: Final = dt.timedelta(minutes=10)
"""How soon a run that came to no verdict is tried again by itself."""

_TARGET: Final = Target(kind="privacy")


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the suite needs from everything else.

    Attributes:
        scopes: the door of our own database.
        embedder: returns what makes vectors, if anything does.
        store: where files are.
        keys: sign a report.
        every_hours: how often a run is due.
        log_dir: where this process logs.
        scratch: folder for exports that are made only to be looked at.
    """

    scopes: Scopes
    embedder: Callable[[], Embedder | None]
    store: FolderStore
    keys: Keys
    every_hours: Callable[[], int]
    log_dir: Path
    scratch: Path


class Privacy:
    """The privacy runs of one database."""

    def __init__(self, database: Database, audit: Audit, around: Surroundings) -> None:
        self._database = database
        self._audit = audit
        self._around = around

    # -- running

    def run(
        self,
        *,
        actor: Actor,
        trigger: Trigger,
        target: str | None = None,
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Run:
        """Try every rule of the boundary with made-up people, and return how it went.

        Args:
            actor: who wants it.
            trigger: what started it.
            target: connection string of another database to try; ours when left out.
            progress: told steps done, all steps, and what is being tried.
            cancelled: asked between steps.

        Raises:
            Conflict: a run is going on there.
            Cancelled: somebody wanted it to end; nothing made up is left.
            DatabaseAway, NotAllowed: the target cannot be used.
        """
        authorize(actor, "privacy.run", _TARGET)
        if target is None:
            return self._run(self._database, "", actor=actor, trigger=trigger, progress=progress, cancelled=cancelled)
        with opened(target) as (database, name):
            return self._run(database, name, actor=actor, trigger=trigger, progress=progress, cancelled=cancelled)

    def _run(
        self,
        database: Database,
        name: str,
        *,
        actor: Actor,
        trigger: Trigger,
        progress: Progress | None,
        cancelled: Callable[[], bool] | None,
    ) -> Run:
        with database.begin("Privacy run goes on") as lock:
            # lock: one privacy run at a time, so that what another one left behind is known to be abandoned
            if not lock.execute(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": RUNNING}).scalar_one():
                raise Conflict("A privacy run is going on already; wait for its end.")
            number = self._begin(database, name, actor=actor, trigger=trigger)
            try:
                findings = self._play(database, number, progress=progress, cancelled=cancelled)
            except BaseException:
                # whatever ended it, nobody may think that it goes on
                self._finish(number, Findings("stopped", "The run ended before its verdict.", 0.0, (), ()), actor=actor)
                raise
            made = self._finish(number, findings, actor=actor)
        if findings.failure is not None:
            raise findings.failure
        return made

    def _play(self, database: Database, number: int, *, progress: Progress | None, cancelled: Callable[[], bool] | None) -> Findings:
        around = self._around
        ours: dict[str, Any] = {"scopes": around.scopes} if database is self._database else {}
        with tempfile.TemporaryDirectory(dir=_made(around.scratch), prefix="privacy-") as folder:
            verbs = over(database, store=around.store, keys=around.keys, scratch=Path(folder), embedder=around.embedder(), **ours)
            return play(verbs, number, scratch=Path(folder), log_dir=around.log_dir, progress=progress, cancelled=cancelled)

    def _begin(self, database: Database, name: str, *, actor: Actor, trigger: Trigger) -> int:
        with database.begin("Look at the tables") as conn:
            role, login = conn.execute(text("SELECT current_user::text, session_user::text")).one()
            revision = history.revision(conn)
        with self._database.begin("Begin privacy run") as conn:
            history.abandon(conn, name)
            who = role if role == login else f"{role} by {login}"
            number = history.begin(conn, trigger=trigger, started_by=actor.name, role=who[:63], target=name, revision=revision)
            target = Target(kind="privacy", id=str(number))
            self._audit.record(conn, actor=actor, action="privacy.run", target=target, after={"trigger": trigger, "target": name})
        return number

    def _finish(self, number: int, findings: Findings, *, actor: Actor) -> Run:
        with self._database.begin("Finish privacy run") as conn:
            made = history.finish(
                conn,
                number,
                outcome=findings.outcome,
                error=findings.error,
                seconds=findings.seconds,
                cases=findings.cases,
                cells=findings.cells,
            )
            after = {"outcome": made.outcome, "passed": made.passed, "failed": made.failed, "cells": made.cells, "leaks": made.leaks}
            outcome = "done" if made.outcome == "pass" else "failed"
            target = Target(kind="privacy", id=str(number))
            self._audit.record(conn, actor=actor, action="privacy.run", target=target, outcome=outcome, after=after)
            if made.outcome in ("fail", "refused"):
                alerts.raise_alert(conn, made, findings.cases)
                log.error("privacy run failed", run=number, failed=made.failed, leaks=made.leaks, outcome=made.outcome)
        return made

    # -- reading

    def latest(self, *, actor: Actor) -> Run | None:
        """Return the newest run of this database that came to a verdict; nothing before the first."""
        authorize(actor, "privacy.list", _TARGET)
        with self._database.begin("Newest privacy run") as conn:
            return history.newest(conn)

    def history(self, *, actor: Actor, limit: int = 100) -> tuple[Run, ...]:
        """Return the newest runs first, those that go on and those elsewhere included; at most 500."""
        authorize(actor, "privacy.list", _TARGET)
        with self._database.begin("List privacy runs") as conn:
            return history.runs(conn, limit=limit)

    def run_details(self, run_id: int, *, actor: Actor) -> RunDetails:
        """Return a run with every case, cell and piece of evidence.

        Raises:
            NotFound: no such run.
        """
        authorize(actor, "privacy.list", _TARGET)
        with self._database.begin("Read privacy run") as conn:
            return history.details(conn, run_id)

    def export(self, run_id: int, path: Path, *, actor: Actor) -> Path:
        """Write a finished run as a signed report; ``path`` ends in ``.pdf`` or ``.json``.

        Raises:
            NotFound: no such run, or it is not finished.
            InvalidInput: another ending, or no file.
            StorageFailed: it cannot be written.
            SecretsLocked, Unavailable: the key of this computer cannot be read.
        """
        target = Target(kind="privacy", id=str(run_id))
        authorize(actor, "privacy.export", target)
        with self._database.begin("Export privacy run") as conn:
            details = history.details(conn, run_id)
            if details.run.outcome is None:
                raise NotFound("That privacy run has not ended yet.")
            # the first report of a new home may come before its first seal
            signer = self._around.keys.ready(conn) or self._around.keys.own()
            self._audit.record(conn, actor=actor, action="privacy.export", target=target, after={"format": path.suffix.lower().lstrip(".")})
            report.write(details, path, signer=signer)
        return path

    def verify_report(self, path: Path, *, actor: Actor) -> ReportVerdict:
        """Check an exported report against the keys that the audit log knows.

        Raises:
            InvalidInput: no report.
        """
        authorize(actor, "privacy.list", _TARGET)
        with self._database.begin("Check privacy report") as conn:
            trusted = {one.key_id for one in statements(conn) if one.event == INTRODUCED}
        return report.verify(path, trusted=trusted)

    # -- relying on it

    def standing(self, *, actor: Actor) -> Standing:
        """Return whether the boundary can be relied on now, and why."""
        authorize(actor, "privacy.list", _TARGET)
        return self._standing()

    def gate(self) -> Gate:
        """Return in one word whether the boundary can be relied on now; for readiness and health."""
        return self._standing().gate

    def health(self) -> tuple[str, str]:
        """Return in one word and one line whether the boundary can be relied on; for the health check."""
        standing = self._standing()
        words: dict[Gate, str] = {"ok": "ok", "failed": "failed", "stale": "degraded", "never": "unknown"}
        return words[standing.gate], standing.reason

    def _standing(self) -> Standing:
        with self._database.begin("Privacy gate") as conn:
            run, revision = history.newest(conn), history.revision(conn)
            now: dt.datetime = conn.execute(text("SELECT clock_timestamp()")).scalar_one()
        every = dt.timedelta(hours=self._around.every_hours())
        if run is None or run.finished_at is None:
            return Standing(gate="never", reason="No privacy run has come to an end yet.", run=None, next_at=now)
        if run.outcome != "pass":
            why = run.error or f"{run.failed} rules of the boundary are broken, with {run.leaks} leaks."
            return Standing(gate="failed", reason=why, run=run, next_at=run.finished_at + every)
        if run.schema_revision != revision:
            return Standing(gate="stale", reason="The tables changed since the last privacy run.", run=run, next_at=now)
        if now - run.finished_at > every + GRACE:
            reason = f"The last privacy run is over {self._around.every_hours()} hours old."
            return Standing(gate="stale", reason=reason, run=run, next_at=now)
        return Standing(gate="ok", reason="The last privacy run passed.", run=run, next_at=run.finished_at + every)

    def duty(self, *, actor: Actor, cancelled: Callable[[], bool] | None = None) -> Run | None:
        """Run when a run is due: every so many hours, and after each change of the tables. The worker calls this every minute."""
        trigger = self._due()
        if trigger is None:
            return None
        try:
            return self.run(actor=actor, trigger=trigger, cancelled=cancelled)
        except (Conflict, Cancelled):
            # somebody else is at it, or this worker ends
            return None
        except LecternError as error:
            log_failure(log, "privacy run not possible", error)
            return None

    def _due(self) -> Trigger | None:
        with self._database.begin("Is a privacy run due") as conn:
            run, revision = history.newest(conn), history.revision(conn)
            tried = history.newest_attempt(conn)
            now: dt.datetime = conn.execute(text("SELECT clock_timestamp()")).scalar_one()
        if tried is not None and now - tried < AGAIN:
            return None
        if run is not None and run.schema_revision != revision:
            return "migration"
        every = dt.timedelta(hours=self._around.every_hours())
        old = run is None or run.finished_at is None or now - run.finished_at >= every
        return "schedule" if old else None


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder
