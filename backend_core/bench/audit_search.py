"""How long the first rows of a search in the audit log of this home take, and a page at any depth, beside a scan and an OFFSET.

Seed the log first; the note of each record says how many rows it had.
"""

from __future__ import annotations

import datetime as dt
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from backend_core.audit.query import AuditFilter
from backend_core.audit.rows import AuditRow
from backend_core.audit.standalone import verify_file
from backend_core.audit.tables import audit_event
from backend_core.backend import Backend, open_backend
from backend_core.policy import Actor
from backend_core.settings import load_settings

SHOWN: Final = 256
SEED: Final = 7
CONTROLS: Final = 3
MONTH: Final = dt.timedelta(days=30)


def run(*, rounds: int = 100, home: Path | None = None) -> list[dict[str, Any]]:
    """Return p95 in milliseconds of searches of several kinds and of pages at any depth, and rows a second of an export and its check.

    Args:
        rounds: searches of each kind, each for something else.
        home: whose log is searched; this one's when left out.
    """
    with open_backend(load_settings(home=home) if home else load_settings()) as backend:
        actor = replace(backend.actor(), reason="Measuring")
        sample = _sample(backend, actor, rounds)
        total = backend.trail.summary(actor=actor).total
        found = [_search(backend, actor, name, [make(row) for row in sample], total) for name, make in _SEARCHES.items()]
        return [*found, _deep(backend, actor, total, rounds), *_export(backend, actor)]


_SEARCHES: Final[dict[str, Callable[[AuditRow], AuditFilter]]] = {
    "actor": lambda row: AuditFilter(actor=(row.actor,)),
    "action": lambda row: AuditFilter(action=(f"{row.action.partition('.')[0]}.*",)),
    "time": lambda row: AuditFilter(since=(row.at - MONTH).isoformat(), until=row.at.isoformat()),
    "target": lambda row: AuditFilter(target=(row.target,)),
    "correlation": lambda row: AuditFilter(correlation=(row.correlation_id,)),
    "actor_action_time": lambda row: AuditFilter(actor=(row.actor,), action=(row.action,), until=row.at.isoformat()),
}


def _sample(backend: Backend, actor: Actor, count: int) -> list[AuditRow]:
    """Return rows from all over the log."""
    rng = random.Random(SEED)  # noqa: S311  # the same questions every time
    total = backend.trail.summary(actor=actor).total
    return [row for _ in range(count) for row in backend.trail.page(rng.randint(1, total), 1, actor=actor)]


def _search(backend: Backend, actor: Actor, name: str, filters: list[AuditFilter], total: int) -> dict[str, Any]:
    ours = _p95_ms([partial(backend.trail.tail, filter=one, limit=SHOWN, actor=actor) for one in filters])
    scan = _p95_ms([partial(_scan, backend, one) for one in filters[:CONTROLS]])
    note = f"first {SHOWN} rows of {total:,}; control: the same statement without indexes"
    return _record(f"audit.search_{name}_p95", ours, scan, "<= 100", note)


def _scan(backend: Backend, wanted: AuditFilter) -> None:
    """Search without any index: what a table without them would do."""
    with backend.database.begin("Scan", deadline_s=120) as conn:
        for name in ("enable_indexscan", "enable_indexonlyscan", "enable_bitmapscan"):
            conn.execute(sa.select(sa.func.set_config(name, "off", True)))  # noqa: FBT003  # "local", as SQL has it
        since, until = wanted.times(dt.datetime.now(dt.UTC))
        event = audit_event.c
        parts: list[sa.ColumnElement[bool]] = [event.action.startswith(one.rstrip("*")) for one in wanted.action]
        exact = ((event.actor, wanted.actor), (event.target, wanted.target), (event.correlation_id, wanted.correlation))
        parts += [column.in_(values) for column, values in exact if values]
        parts += [event.at >= since] if since else []
        parts += [event.at < until] if until else []
        query = sa.select(audit_event).where(*parts)
        conn.execute(query.order_by(event.at.desc(), event.id.desc()).limit(SHOWN)).all()


def _deep(backend: Backend, actor: Actor, total: int, rounds: int) -> dict[str, Any]:
    rng = random.Random(SEED)  # noqa: S311  # the same places every time
    places = [rng.randint(SHOWN, total) for _ in range(rounds)]
    ours = _p95_ms([partial(backend.trail.page, top, SHOWN, actor=actor) for top in places])
    naive = _p95_ms([partial(_offset, backend, total - top) for top in places[:CONTROLS]])
    return _record("audit.page_any_depth_p95", ours, naive, "<= 100", f"{SHOWN} rows of {total:,} at random depths; control: OFFSET")


def _offset(backend: Backend, skipped: int) -> None:
    with backend.database.begin("Offset", deadline_s=120) as conn:
        conn.execute(sa.select(audit_event).order_by(audit_event.c.id.desc()).offset(skipped).limit(SHOWN)).all()


def _export(backend: Backend, actor: Actor) -> list[dict[str, Any]]:
    now = dt.datetime.now(dt.UTC)
    wanted = AuditFilter(since=(now - MONTH / 2).isoformat())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "export.jsonl"
        began = time.process_time()
        made = backend.trail_export.export(wanted, path, actor=actor)
        written = time.process_time() - began
        began = time.process_time()
        report = verify_file(path)
        checked = time.process_time() - began
    note = f"{made.rows:,} rows, ok: {report.ok}"
    fast = {"unit": "rows/CPU s", "control": None, "ratio": None}
    return [
        {"name": "audit.export", "value": round(made.rows / written), **fast, "note": f"{note}; with proofs and hashes"},
        {
            "name": "audit.verify_file",
            "value": round(made.rows / checked),
            **fast,
            "threshold": ">= 30000",
            "met": made.rows / checked >= 30_000,  # noqa: PLR2004  # the goal beside it
            "note": f"{note}; row, chain, proof, seal and signature, without a database",
        },
    ]


def _p95_ms(work: list[Callable[[], object]]) -> float:
    taken = []
    for one in work:
        began = time.perf_counter()
        one()
        taken.append((time.perf_counter() - began) * 1000)
    return round(statistics.quantiles(taken, n=20)[-1] if len(taken) > CONTROLS else statistics.median(taken), 2)


def _record(name: str, ours: float, control: float, threshold: str, note: str) -> dict[str, Any]:
    met = ours <= float(threshold.removeprefix("<= "))
    goal = {"threshold": threshold, "met": met, "note": note}
    return {"name": name, "value": ours, "unit": "ms", "control": control, "ratio": round(ours / control, 6), **goal}
