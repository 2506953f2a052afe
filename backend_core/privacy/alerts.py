"""A failed run as an alert that somebody has to acknowledge."""

from __future__ import annotations

import datetime as dt
from typing import Final

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from backend_core.audit.upkeep_tables import audit_alert
from backend_core.audit.watch import WINDOW
from backend_core.privacy.records import CaseResult, Run

RULE: Final = "privacy_run"
MOST_NAMED: Final = 20
_START: Final = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)


def raise_alert(conn: Connection, run: Run, cases: tuple[CaseResult, ...]) -> None:
    """Add the alert of a run in the transaction that writes down its end; the watch over the audit log finds it there already."""
    now: dt.datetime = conn.execute(select(func.clock_timestamp())).scalar_one()
    broken = [one.id for one in cases if not one.ok]
    values = {
        "rule": RULE,
        "subject": f"privacy:{run.id}",
        "window_start": now - (now - _START) % WINDOW,
        "count": max(1, run.failed),
        "threshold": 1,
        "facts": {"run": run.id, "leaks": run.leaks, "outcome": run.outcome, "target": run.target, "cases": broken[:MOST_NAMED]},
    }
    conn.execute(insert(audit_alert).values(values).on_conflict_do_nothing(index_elements=["rule", "subject", "window_start"]).inline())
