"""Runs as they are kept: written when one begins and ends, read back for people and for the gate."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from sqlalchemy import Connection, Row, func, insert, select, update

from backend_core import __version__
from backend_core.errors import NotFound
from backend_core.privacy.cases import BY_ID
from backend_core.privacy.contexts import expected
from backend_core.privacy.records import CaseResult, Cell, Evidence, Outcome, Run, RunDetails, Trigger, plain
from backend_core.privacy.tables import privacy_results, privacy_runs

MOST_RUNS: Final = 500
_COLUMNS: Final = tuple(privacy_runs.c[name] for name in Run.__dataclass_fields__)
_REVISION: Final = "SELECT version_num FROM alembic_version"
_CELL: Final = ("viewer", "owner", "operation", "ok", "rows", "worlds")


def begin(conn: Connection, *, trigger: Trigger, started_by: str, role: str, target: str, revision: str | None) -> int:
    """Add a run that goes on; return its number."""
    facts = {
        "trigger": trigger, "started_by": started_by, "database_role": role, "target": target[:300], "schema_revision": revision,
        "version": __version__,
    }  # fmt: skip
    made: int = conn.execute(insert(privacy_runs).values(facts).returning(privacy_runs.c.id)).scalar_one()
    return made


def revision(conn: Connection) -> str | None:
    """Return which version the tables are of."""
    found: str | None = conn.exec_driver_sql(_REVISION).scalar_one_or_none()
    return found


def finish(
    conn: Connection,
    number: int,
    *,
    outcome: Outcome,
    error: str | None,
    seconds: float,
    cases: tuple[CaseResult, ...],
    cells: tuple[Cell, ...],
) -> Run:
    """Write down how a run ended, with everything it found."""
    if cases:
        conn.execute(insert(privacy_results), [_result(number, one) for one in cases])
    passed = sum(one.ok for one in cases)
    facts = {
        "finished_at": func.clock_timestamp(),
        "passed": passed,
        "failed": len(cases) - passed,
        "cells": len(cells),
        "leaks": sum(not one.ok for one in cells),
        "seconds": round(seconds, 3),
        "outcome": outcome,
        "error": None if error is None else error[:500],
        "matrix": {"cells": [_packed(one) for one in cells]},
    }
    changed = update(privacy_runs).where(privacy_runs.c.id == number).values(facts).returning(*_COLUMNS)
    return _run(conn.execute(changed).one())


def _result(number: int, case: CaseResult) -> dict[str, Any]:
    evidence = {"cause": case.cause, "probes": [plain(one) for one in case.evidence]}
    return {"run_id": number, "case_id": case.id, "ok": case.ok, "probes": case.probes, "leaks": case.leaks, "evidence": evidence}


def _packed(cell: Cell) -> list[Any]:
    return [*(getattr(cell, name) for name in _CELL), plain(cell.evidence)]


def _unpacked(packed: list[Any]) -> Cell:
    facts = dict(zip(_CELL, packed, strict=False))
    told = packed[len(_CELL)]
    must = expected(facts["viewer"], facts["owner"])
    return Cell(**facts, expected=must, evidence=None if told is None else Evidence(**told))


def runs(conn: Connection, *, limit: int) -> tuple[Run, ...]:
    """Return the newest runs of this database and of targets, newest first."""
    query = select(*_COLUMNS).order_by(privacy_runs.c.id.desc()).limit(max(1, min(limit, MOST_RUNS)))
    return tuple(_run(row) for row in conn.execute(query))


def newest(conn: Connection) -> Run | None:
    """Return the newest run of this database that came to a verdict."""
    query = select(*_COLUMNS).where(privacy_runs.c.outcome.in_(("pass", "fail", "refused")), privacy_runs.c.target == "")
    row = conn.execute(query.order_by(privacy_runs.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else _run(row)


def newest_attempt(conn: Connection) -> dt.datetime | None:
    """Return when the newest run of this database ended, whatever came of it."""
    query = select(func.max(privacy_runs.c.finished_at)).where(privacy_runs.c.target == "")
    found: dt.datetime | None = conn.execute(query).scalar_one()
    return found


def details(conn: Connection, number: int) -> RunDetails:
    """Return a run with its cases and cells.

    Raises:
        NotFound: no such run.
    """
    row = conn.execute(select(*_COLUMNS, privacy_runs.c.matrix).where(privacy_runs.c.id == number)).one_or_none()
    if row is None:
        raise NotFound("There is no such privacy run.")
    found = conn.execute(select(privacy_results).where(privacy_results.c.run_id == number))
    cases = sorted((_case(one) for one in found), key=lambda case: list(BY_ID).index(case.id) if case.id in BY_ID else len(BY_ID))
    cells = tuple(_unpacked(one) for one in (row.matrix or {}).get("cells", ()))
    return RunDetails(run=_run(row), cases=tuple(cases), cells=cells)


def abandon(conn: Connection, target: str) -> None:
    """Say of runs that nobody finished that they were stopped; whoever calls this holds the lock of the only run there may be."""
    gone = (privacy_runs.c.outcome.is_(None), privacy_runs.c.target == target[:300])
    ended = {"outcome": "stopped", "finished_at": func.clock_timestamp(), "error": "The program ended during the run."}
    conn.execute(update(privacy_runs).where(*gone).values(ended))


def _case(row: Row[Any]) -> CaseResult:
    known = BY_ID.get(row.case_id)
    words = {"title": row.case_id, "rule": "", "group": "boundary"}
    if known is not None:
        words = {"title": known.title, "rule": known.rule, "group": known.group}
    probes = tuple(Evidence(**one) for one in row.evidence["probes"])
    cause = row.evidence["cause"]
    return CaseResult(id=row.case_id, **words, ok=row.ok, probes=row.probes, leaks=row.leaks, cause=cause, evidence=probes)


def _run(row: Any) -> Run:
    return Run(**{name: row._mapping[name] for name in Run.__dataclass_fields__})
