"""Readiness as a feature: measure it, read it, sign a release by it, hand it on."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import Connection

from backend_core import __version__
from backend_core.audit.key_statements import INTRODUCED
from backend_core.audit.keys import Keys, statements
from backend_core.audit.service import Audit
from backend_core.audit.sign_off import Judgement, SignedOff, SignOffs
from backend_core.db.database import Database
from backend_core.errors import Cancelled, LecternError, NotAllowed, NotFound
from backend_core.logs import at_boundary, get_logger, log_failure
from backend_core.monitoring.readiness import exporting, score, store
from backend_core.monitoring.readiness.categories import BEFORE, TARGET
from backend_core.monitoring.readiness.check import Check, Finding, unknown
from backend_core.monitoring.readiness.records import KNOWN, CheckResult, Report
from backend_core.policy import Actor, Target, authorize, may
from backend_core.privacy.records import ReportVerdict
from backend_core.privacy.signed_report import ending

if TYPE_CHECKING:
    from backend_core.monitoring.readiness.around import Around

log = get_logger(__name__)
NOTE_EVERY: Final = dt.timedelta(hours=1)
NOT_PERMITTED: Final = (("error", NotAllowed.code),)
READINESS: Final = Target(kind="readiness")

Progress = Callable[[int, int, str], None]
"""Given how many checks are done, how many there are, and the title of the next."""


class Readiness:
    """Readiness of one profile.

    Args:
        around: makes what the checks look at; only asked when something is measured.
        keys: sign a report.
        version: of the program.
    """

    def __init__(
        self,
        database: Database,
        audit: Audit,
        *,
        around: Callable[[], Around],
        keys: Keys,
        releases: SignOffs,
        version: str = __version__,
        checks: Sequence[Check] | None = None,
    ) -> None:
        self._database = database
        self._audit = audit
        self._make_around = around
        self._around: Around | None = None
        self._keys = keys
        self._releases = releases
        self._version = version
        self._given = checks
        releases.judge = self.judgement

    @property
    def checks(self) -> tuple[Check, ...]:
        """Every declared check, in the order of the categories."""
        if self._given is not None:
            return tuple(self._given)
        # what the probes try out is nothing a window needs to start
        from backend_core.monitoring.readiness.catalogue import CHECKS

        return CHECKS

    @property
    def around(self) -> Around:
        """What the checks look at, made when somebody first asks."""
        if self._around is None:
            self._around = self._make_around()
        return self._around

    # -- reading

    def report(self, *, actor: Actor) -> Report:
        """Return the newest answer of every check, and what they make of the whole.

        Raises:
            DatabaseAway: it cannot be read.
        """
        authorize(actor, "readiness.read", READINESS)
        signed = self._signed(actor)
        with self._database.begin("Read readiness") as conn:
            return self._report(conn, actor=actor, signed=signed)

    def _signed(self, actor: Actor) -> SignedOff | None:
        if not may(actor.role, "release.list"):
            return None
        return next((one for one in self._releases.sign_offs(actor=actor) if one.version == self._version), None)

    def _report(self, conn: Connection, *, actor: Actor, signed: SignedOff | None) -> Report:
        now, results = store.read(conn, self.checks, version=self._version)
        whole, newest = score.total(results), store.newest(conn)
        why_not = self._why_not(whole, actor)
        return Report(
            score=whole.score,
            coverage=whole.coverage,
            known=whole.known,
            total=whole.total,
            target=TARGET,
            before=BEFORE,
            gates_failed=whole.gates_failed,
            gates_open=whole.gates_open,
            status=whole.status,
            reason=whole.reason,
            categories=score.categories(results),
            checks=results,
            version=self._version,
            trend=tuple((one.at, one.score, one.coverage) for one in store.trend(conn)),
            signed=signed,
            may_sign=not why_not,
            why_not=why_not,
            run_id=None if newest is None else newest.id,
            at=now,
        )

    @staticmethod
    def _why_not(whole: score.Total, actor: Actor) -> str:
        if not may(actor.role, "release.sign_off"):
            return "Only administrators sign off a release."
        return "" if whole.status == "ready" else whole.reason

    def judgement(self, conn: Connection, version: str) -> Judgement:
        """Return whether ``go`` may be said to a version now, and by which measurement."""
        if version != self._version:
            return Judgement(why_not=f"Readiness is that of {self._version}, which runs here; {version} is signed off by its own program.")
        _, results = store.read(conn, self.checks, version=self._version)
        whole, newest = score.total(results), store.newest(conn)
        why_not = "" if whole.status == "ready" else whole.reason
        return Judgement(why_not=why_not, score=whole.score, coverage=whole.coverage, run_id=None if newest is None else newest.id)

    # -- measuring

    def measure(
        self,
        *,
        actor: Actor,
        only: Collection[str] | None = None,
        progress: Progress | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Report:
        """Look again at everything, or at some checks; each answer is kept as soon as all of them are there.

        Args:
            actor: an administrator, or the program itself.
            only: ids of checks.
            progress: told before each.
            cancelled: asked before each; what was found so far is kept.

        Raises:
            NotFound: no check of that id.
            Cancelled: ``cancelled`` said so.
        """
        authorize(actor, "readiness.measure", READINESS)
        chosen = self._chosen(only)
        found: list[tuple[Check, Finding, float]] = []
        try:
            for number, check in enumerate(chosen):
                if cancelled is not None and cancelled():
                    raise Cancelled("Measuring was stopped.")
                if progress is not None:
                    progress(number, len(chosen), check.title)
                found.append(self._look(check))
        finally:
            self._keep(found, actor=actor, always=only is None)
        return self.report(actor=actor)

    def _chosen(self, only: Collection[str] | None) -> list[Check]:
        if only is None:
            return list(self.checks)
        known = {check.id: check for check in self.checks}
        missing = sorted(set(only) - known.keys())
        if missing:
            raise NotFound(f"There is no check {missing[0][:60]!r}.")
        return [check for check in self.checks if check.id in set(only)]

    def _look(self, check: Check) -> tuple[Check, Finding, float]:
        began = time.perf_counter()
        try:
            finding = check.run(self.around)
        except LecternError as error:
            finding = unknown(str(error), error=error.code)
        except Exception as error:  # noqa: BLE001  # boundary: a check that breaks costs its own answer, not those of the others
            finding = unknown(str(at_boundary(log, "readiness check failed", error, facts={"check": check.id})))
        return check, finding, time.perf_counter() - began

    def _keep(self, found: Sequence[tuple[Check, Finding, float]], *, actor: Actor, always: bool) -> None:
        if not found:
            return
        with self._database.begin("Keep readiness") as conn:
            _, known = store.read(conn, self.checks, version=self._version)
            store.keep(conn, [one for one in found if not _outranked(one, known)], version=self._version)
            now, results = store.read(conn, self.checks, version=self._version)
            whole, last = score.total(results), store.newest(conn)
            same = last is not None and _same(last, whole, self._version) and now - last.at < NOTE_EVERY
            if always or not same:
                store.note(conn, whole, results, version=self._version, started_by=actor.name)

    def duty(self, *, actor: Actor, should_stop: Callable[[], bool] | None = None) -> int:
        """Look again at what is due, cheap checks each minute and dear ones less often; return how many. The worker calls this."""
        authorize(actor, "readiness.measure", READINESS)
        found: list[tuple[Check, Finding, float]] = []
        try:
            for check in self._due():
                if should_stop is not None and should_stop():
                    break
                found.append(self._look(check))
            self._keep(found, actor=actor, always=False)
            if found:
                with self._database.begin("Forget old readiness") as conn:
                    store.forget_old(conn)
        except LecternError as error:
            # the next minute may find the database again; until then the answers age, and age counts
            log_failure(log, "readiness not measured", error)
        return len(found)

    def _due(self) -> list[Check]:
        with self._database.begin("Which checks are due") as conn:
            _, results = store.read(conn, self.checks, version=self._version)
        return [check for check, known in zip(self.checks, results, strict=True) if _is_due(check, known, self._version)]

    # -- signing and handing on

    def sign_off(self, reviewer: str, *, actor: Actor, verdict: str = "go") -> SignedOff:
        """Record in the audit log that ``reviewer`` looked at this version and what they say; the actor's reason holds remarks.

        Raises:
            NotReady: ``go`` while a gate fails or is unknown, or the score is under its target; ``no-go`` is always recorded.
            InvalidInput: no name, or another verdict.
        """
        authorize(actor, "release.sign_off", Target(kind="release", id=self._version))
        self._releases.sign_off(self._version, reviewer=reviewer, verdict=verdict, actor=actor)
        return self._releases.sign_offs(actor=actor, limit=1)[0]

    def export(self, path: Path, *, actor: Actor) -> Path:
        """Write the report as it is now as a signed file; ``path`` ends in ``.pdf`` or ``.json``.

        Raises:
            NotFound: nothing was measured yet.
            InvalidInput: another ending, or no file.
            StorageFailed: it cannot be written.
            SecretsLocked, Unavailable: the key of this computer cannot be read.
        """
        authorize(actor, "readiness.export", READINESS)
        signed = self._signed(actor)
        kind = ending(path).lstrip(".")
        with self._database.begin("Export readiness") as conn:
            report = self._report(conn, actor=actor, signed=signed)
            if report.run_id is None:
                raise NotFound("Nothing was measured yet.")
            # the first report of a new home may come before its first seal
            signer = self._keys.ready(conn) or self._keys.own()
            after: dict[str, Any] = {"format": kind, "run": report.run_id, "score": report.score}
            self._audit.record(conn, actor=actor, action="readiness.export", target=READINESS, after=after)
            exporting.write(report, path, signer=signer)
        return path

    def verify_report(self, path: Path, *, actor: Actor) -> ReportVerdict:
        """Check an exported report against the keys that the audit log knows.

        Raises:
            InvalidInput: no report.
        """
        authorize(actor, "readiness.read", READINESS)
        with self._database.begin("Check readiness report") as conn:
            trusted = {one.key_id for one in statements(conn) if one.event == INTRODUCED}
        return exporting.verify(path, trusted=trusted)


def _is_due(check: Check, known: CheckResult, version: str) -> bool:
    if check.later and known.version == version:
        # nothing to look at, but the row says that it was known to be so
        return known.age_s is None or known.age_s >= check.limit_s
    return known.age_s is None or known.version != version or known.age_s >= check.every_s


def _outranked(found: tuple[Check, Finding, float], known: Sequence[CheckResult]) -> bool:
    """Tell whether the account could not look, where another one did lately: on a shared server a person may less than the worker."""
    check, finding, _ = found
    return finding.evidence == NOT_PERMITTED and any(one.id == check.id and one.status in KNOWN for one in known)


def _same(last: Any, whole: score.Total, version: str) -> bool:
    return bool(
        (last.version, last.score, last.coverage, last.gates_failed) == (version, whole.score, whole.coverage, len(whole.gates_failed))
    )
