"""What the worker does for the audit log now and then: watch rules, monthly exports, retention."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from backend_core.audit.evidence import Evidence
from backend_core.audit.holds import Holds
from backend_core.audit.keys import Keys
from backend_core.audit.monthly import Monthly, ObjectStore
from backend_core.audit.retention import Retention
from backend_core.audit.seals import Seals
from backend_core.audit.service import Audit
from backend_core.audit.watch import Watch, WatchLimits
from backend_core.db.database import Database
from backend_core.errors import LecternError
from backend_core.logs import get_logger, log_failure
from backend_core.policy import Actor

log = get_logger(__name__)
MONTHLY_EVERY_S: Final = 600.0
RETAIN_EVERY_S: Final = 24 * 3600.0


class HouseRules(Protocol):
    """The house settings that speak of the audit log; times are ``HH:MM`` in UTC."""

    @property
    def audit_retention_changes_months(self) -> int:
        """Months that changes are kept."""
        ...

    @property
    def audit_retention_reads_months(self) -> int:
        """Months that reads are kept."""
        ...

    @property
    def audit_retention_sign_ins_months(self) -> int:
        """Months that sign-ins are kept."""
        ...

    @property
    def watch_mass_reads(self) -> int:
        """Reads by one operator within ten minutes that are too many."""
        ...

    @property
    def office_hours_start(self) -> str:
        """Exports before it are reported."""
        ...

    @property
    def office_hours_end(self) -> str:
        """Exports after it are reported."""
        ...


@dataclass(slots=True)
class Upkeep:
    """Exports, holds, retention, watch rules and monthly exports of one audit log, and when each is due."""

    exports: Evidence
    holds: Holds
    retention: Retention
    watch: Watch
    monthly: Monthly
    _next_month: float = field(default=0.0, init=False)
    _next_retention: float = field(default=0.0, init=False)

    @classmethod
    def of(
        cls,
        database: Database,
        audit: Audit,
        *,
        keys: Keys,
        seals: Seals,
        store: ObjectStore,
        scratch: Path,
        rules: Callable[[], HouseRules],
    ) -> Upkeep:
        """Put it together.

        Args:
            database: the log.
            audit: its recorder.
            keys: of this computer.
            seals: check the log for an evidence pack.
            store: where monthly exports go.
            scratch: folder for files on their way.
            rules: the house settings of this moment.
        """
        exports = Evidence(database, audit, sign=keys.sign, verify=lambda actor: seals.verify(actor=actor, quick=True))
        return cls(
            exports=exports,
            holds=Holds(database, audit),
            retention=Retention(database, audit, keys=keys, months=lambda: _months(rules())),
            watch=Watch(database, audit, limits=lambda: _limits(rules())),
            monthly=Monthly(database, audit, exports=exports, store=store, scratch=scratch),
        )

    def look_after(self, *, actor: Actor) -> None:
        """Do what is due; one duty that fails is logged and tried again, and does not keep the others from their turn."""
        for alert in self.watch.check(actor=actor):
            log.warning("watch rule raised an alert", rule=alert.rule, count=alert.count, threshold=alert.threshold)
        now = time.monotonic()
        if now >= self._next_month:
            self._next_month = now + MONTHLY_EVERY_S
            self._try("monthly export", lambda: self.monthly.export_months(actor=actor))
        if now >= self._next_retention:
            self._next_retention = now + RETAIN_EVERY_S
            self._try("retention", lambda: self.retention.retain(actor=actor))

    def _try(self, what: str, work: Callable[[], object]) -> None:
        try:
            work()
        except LecternError as error:
            log_failure(log, "audit upkeep failed", error, facts={"duty": what})


def _months(rules: HouseRules) -> Mapping[str, int]:
    return {
        "changes": rules.audit_retention_changes_months,
        "reads": rules.audit_retention_reads_months,
        "sign_ins": rules.audit_retention_sign_ins_months,
    }


def _limits(rules: HouseRules) -> WatchLimits:
    start, end = (dt.time.fromisoformat(text) for text in (rules.office_hours_start, rules.office_hours_end))
    return WatchLimits(mass_reads=rules.watch_mass_reads, office_start=start, office_end=end)
