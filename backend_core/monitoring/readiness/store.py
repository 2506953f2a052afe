"""The newest answer of each check, and each measurement as a whole, as they are kept."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, case, delete, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from backend_core.monitoring.readiness.check import LONGEST_EVIDENCE, MOST_EVIDENCE, MOST_VALUE, Check, Finding
from backend_core.monitoring.readiness.records import CheckResult, Status, TrendPoint
from backend_core.monitoring.readiness.score import Total
from backend_core.monitoring.tables import readiness_results, readiness_runs

KEEP_DAYS: Final = 400
TREND_DAYS: Final = 30
MOST_POINTS: Final = 300
LONGEST_VERSION: Final = 40


def keep(conn: Connection, found: Sequence[tuple[Check, Finding, float]], *, version: str) -> None:
    """Put the newest answers in place of older ones."""
    if not found:
        return
    rows = [
        {
            "check_id": check.id,
            "status": finding.status,
            "value": finding.value[:MOST_VALUE],
            "evidence": [[name, value[:LONGEST_EVIDENCE]] for name, value in finding.evidence[:MOST_EVIDENCE]],
            "seconds": round(seconds, 4),
            "version": version[:LONGEST_VERSION],
        }
        for check, finding, seconds in found
    ]
    new = upsert(readiness_results)
    changed = {name: new.excluded[name] for name in ("status", "value", "evidence", "seconds", "version")}
    replace = new.on_conflict_do_update(index_elements=[readiness_results.c.check_id], set_=changed | {"at": func.clock_timestamp()})
    conn.execute(replace, rows)


def read(conn: Connection, checks: Sequence[Check], *, version: str) -> tuple[dt.datetime, tuple[CheckResult, ...]]:
    """Return the time of the database, and every declared check with its newest answer, stale ones called so."""
    now: dt.datetime = conn.execute(select(func.clock_timestamp())).scalar_one()
    rows = {row["check_id"]: row for row in conn.execute(select(readiness_results)).mappings()}
    return now, tuple(result(check, rows.get(check.id), now=now, version=version) for check in checks)


def result(check: Check, row: Mapping[Any, Any] | None, *, now: dt.datetime, version: str) -> CheckResult:
    """Return a check with its answer; one that is too old, or of another version of the program, is stale."""
    facts: dict[str, Any] = {"status": "unknown", "value": "Not measured yet.", "evidence": ()}
    at, age, seconds, found_by = None, None, None, ""
    if row is not None:
        at, seconds, found_by = row["at"], row["seconds"], row["version"]
        age = max(0.0, (now - at).total_seconds())
        status: Status = row["status"]
        if status != "unknown" and (age > check.limit_s or found_by != version):
            status = "stale"
        facts = {"status": status, "value": row["value"], "evidence": tuple((name, value) for name, value in row["evidence"])}
    return CheckResult(
        id=check.id,
        title=check.title,
        about=check.about,
        category=check.category,
        weight=check.weight,
        gate=check.gate,
        **facts,
        threshold=check.threshold,
        source=check.source,
        at=at,
        age_s=None if age is None else round(age, 1),
        limit_s=check.limit_s,
        page=check.page,
        target=check.target,
        seconds=seconds,
        version=found_by,
        later=check.later,
    )


def note(conn: Connection, whole: Total, checks: Sequence[CheckResult], *, version: str, started_by: str) -> int:
    """Add a measurement to the trend; return its number."""
    facts = {
        "version": version[:LONGEST_VERSION],
        "score": whole.score,
        "coverage": whole.coverage,
        "gates_failed": len(whole.gates_failed),
        "started_by": started_by[:200],
        "results": [[one.id, one.status, one.value] for one in checks],
    }
    made: int = conn.execute(insert(readiness_runs).values(facts).returning(readiness_runs.c.id)).scalar_one()
    return made


def newest(conn: Connection) -> TrendPoint | None:
    """Return the newest measurement."""
    row = conn.execute(select(*_POINT).order_by(readiness_runs.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else TrendPoint(**row._mapping)


def trend(conn: Connection) -> tuple[TrendPoint, ...]:
    """Return the measurements of the last 30 days, oldest first, at most 300; the newest is always among them."""
    rows = readiness_runs.c
    since = func.clock_timestamp() - func.make_interval(0, 0, 0, TREND_DAYS)
    numbered = select(*_POINT, func.row_number().over(order_by=rows.id.desc()).label("place"), func.count().over().label("all"))
    lately = numbered.where(rows.at > since).subquery()
    step = case((lately.c.all > MOST_POINTS, func.ceil(lately.c.all / MOST_POINTS)), else_=1)
    thinned = select(*(lately.c[column.key] for column in _POINT)).where((lately.c.place - 1) % step == 0).order_by(lately.c.id)
    return tuple(TrendPoint(**row._mapping) for row in conn.execute(thinned))


def forget_old(conn: Connection) -> None:
    """Remove measurements nobody compares with any more."""
    conn.execute(delete(readiness_runs).where(readiness_runs.c.at < func.now() - func.make_interval(0, 0, 0, KEEP_DAYS)))


_POINT: Final = tuple(readiness_runs.c[name] for name in TrendPoint.__dataclass_fields__)
