"""The SQL behind the list of the audit log: which columns, in which order, and how any depth is reached at once."""

from __future__ import annotations

import contextlib
import datetime as dt
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import Any, Final

from sqlalchemy import (
    ClauseElement,
    ColumnElement,
    Connection,
    Executable,
    Row,
    Select,
    and_,
    bindparam,
    func,
    or_,
    select,
    tuple_,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler

from backend_core.audit.export_rows import entries, entry_of
from backend_core.audit.merkle import leaf_hash, proof
from backend_core.audit.query import AuditFilter, conditions
from backend_core.audit.rows import Anchor, AuditRow, SealFacts, TrailEstimate, TrailPlan
from backend_core.audit.tables import audit_event, audit_position, audit_seal
from backend_core.audit.upkeep_tables import audit_erased
from backend_core.db.failures import translated
from backend_core.errors import Cancelled, LimitReached

STEP: Final = 4096
MOST_IDS: Final = 65_536
SCAN_ROWS: Final = 2_000_000
NEAR: Final = 10_000
SEARCH_MS: Final = 60_000
CANCELLED: Final = 2.0
GONE: Final = "(erased)"
_WORDS: Final = ("actor", "role", "action", "target", "outcome", "workstation", "client_version", "correlation_id")

OnCancel = Callable[[Callable[[], object]], contextlib.AbstractContextManager[None]]
"""Calls the hook it is given when the caller's work is cancelled inside the block; ``Token.on_cancel`` of the window is one."""

_EVENT = tuple(audit_event.c[name] for name in AuditRow.__dataclass_fields__ if name in audit_event.c)
_NEWEST_FIRST = (audit_event.c.at.desc(), audit_event.c.id.desc())
_place = tuple_(audit_event.c.at, audit_event.c.id)
TOP = select(func.coalesce(func.max(audit_position.c.position), 0))
NEWEST = select(audit_event.c.id, audit_event.c.at).order_by(*_NEWEST_FIRST).limit(1)
NEWEST_ID = select(func.coalesce(func.max(audit_event.c.id), 0))
OLDEST = select(audit_event.c.at).order_by(audit_event.c.at, audit_event.c.id).limit(1)


def rows() -> Select[Any]:
    """Return the query of whole rows with their position, in no order."""
    placed = audit_event.outerjoin(audit_position, audit_position.c.event_id == audit_event.c.id)
    return select(*_EVENT, audit_position.c.position).select_from(placed)


def newest_first(query: Select[Any]) -> Select[Any]:
    """Return the query in the order of every list: by time, then id."""
    return query.order_by(*_NEWEST_FIRST)


def by_position(lowest: int, top: int) -> Select[Any]:
    """Return the query of the rows above ``lowest`` up to ``top``; an erased row has only what ``audit_erased`` kept of it."""
    gone = audit_erased.c
    kept = (gone.at.label("gone_at"), gone.writer.label("gone_writer"), gone.wseq.label("gone_wseq"), gone.leaf.label("gone_leaf"))
    place = audit_position.c.position
    joined = audit_position.outerjoin(audit_event, audit_event.c.id == audit_position.c.event_id)
    joined = joined.outerjoin(audit_erased, gone.event_id == audit_position.c.event_id)
    query = select(*_EVENT, place, audit_position.c.event_id, *kept).select_from(joined)
    return query.where(place > lowest, place <= top).order_by(place.desc())


def row(found: Row[Any]) -> AuditRow:
    """Return what one of the queries above found as a row."""
    facts = dict(found._mapping)
    leaf = facts.pop("leaf")
    facts = {name: facts[name] for name in AuditRow.__dataclass_fields__ if name in facts}
    return AuditRow(**facts, leaf=bytes(leaf).hex()) if facts["id"] is not None else _erased(found)


def _erased(found: Row[Any]) -> AuditRow:
    words: dict[str, Any] = dict.fromkeys(_WORDS, GONE)
    nothing: dict[str, Any] = dict.fromkeys(("actor_id", "reason", "before", "after"))
    return AuditRow(
        id=found.event_id,
        position=found.position,
        at=found.gone_at,
        writer=found.gone_writer,
        wseq=found.gone_wseq,
        leaf=bytes(found.gone_leaf).hex(),
        erased=True,
        **words,
        **nothing,
    )


class _Explained(Executable, ClauseElement):
    inherit_cache = False

    def __init__(self, query: Select[Any]) -> None:
        self.query = query


@compiles(_Explained)
def _explain(element: _Explained, compiler: SQLCompiler, **options: Any) -> str:
    return "EXPLAIN (FORMAT JSON) " + compiler.process(element.query, **options)


def estimate(conn: Connection, wanted: list[ColumnElement[bool]]) -> TrailEstimate:
    """Return what the planner expects of a list."""
    plan: dict[str, Any] = conn.execute(_Explained(newest_first(select(audit_event.c.id).where(*wanted)))).scalar_one()[0]["Plan"]
    size = conn.exec_driver_sql("SELECT reltuples FROM pg_class WHERE oid = 'audit_event'::regclass").scalar_one()
    reads = size if _sequential(plan) else plan["Plan Rows"]
    return TrailEstimate(rows=int(plan["Plan Rows"]), scans=reads > SCAN_ROWS)


def _sequential(node: dict[str, Any]) -> bool:
    return node["Node Type"] == "Seq Scan" or any(_sequential(inner) for inner in node.get("Plans", ()))


def plan(conn: Connection, wanted: AuditFilter) -> TrailPlan:
    """Return where the rows of a filter are, in the transaction of ``conn``."""
    now = conn.execute(select(func.now())).scalar_one()
    fixed = wanted.fixed(now)
    newest_id = conn.execute(NEWEST_ID).scalar_one()
    where = [*conditions(fixed, conn, now=now), audit_event.c.id <= newest_id]
    upper = conn.execute(TOP).scalar_one()
    listed = newest_first(select(audit_event.c.id).where(*where))
    # few rows: their ids are the whole plan; many: one pass over the index notes every STEP-th
    ids = tuple(conn.execute(listed.limit(MOST_IDS + 1)).scalars())
    if len(ids) <= MOST_IDS:
        return TrailPlan(total=len(ids), step=STEP, anchors=(), ids=ids, upper=upper, newest_id=newest_id, filter=fixed)
    total, anchors = anchors_of(conn, where)
    return TrailPlan(total=total, step=STEP, anchors=anchors, ids=(), upper=upper, newest_id=newest_id, filter=fixed)


def anchors_of(conn: Connection, where: list[ColumnElement[bool]], *, step: int = STEP) -> tuple[int, tuple[Anchor, ...]]:
    """Return how many rows there are, and every ``step``-th of them, in one pass over an index; at least one row is there."""
    number = func.row_number().over(order_by=_NEWEST_FIRST).label("number")
    following = func.lead(audit_event.c.id).over(order_by=_NEWEST_FIRST).label("following")
    listed = select(audit_event.c.at, audit_event.c.id, number, following).where(*where).subquery()
    chosen = or_(listed.c.number % step == 1, listed.c.following.is_(None))
    found = conn.execute(select(listed.c.at, listed.c.id, listed.c.number).where(chosen).order_by(listed.c.number)).all()
    return found[-1].number, tuple((one.at, one.id) for one in found if one.number % step == 1)


def planned(conn: Connection, made: TrailPlan, first: int, count: int) -> Select[Any] | None:
    """Return the query of the rows ``first`` to ``first + count - 1`` of a plan, or nothing when there are none."""
    last = min(first + count, made.total)
    if first >= last:
        return None
    if made.ids:
        return newest_first(rows().where(audit_event.c.id.in_(made.ids[first:last])))
    block, skipped = divmod(first, made.step)
    where = [*conditions(made.filter, conn, now=dt.datetime.now(dt.UTC)), audit_event.c.id <= made.newest_id, _between(made, block, last)]
    listed = newest_first(select(audit_event.c.id).where(*where)).offset(skipped).limit(last - first)
    return newest_first(rows().where(audit_event.c.id.in_(listed)))


def place_in(conn: Connection, made: TrailPlan, at: dt.datetime) -> int:
    """Return the number in a planned list of the last row at or before ``at``."""
    if not made.anchors:
        moment = select(audit_event.c.at).where(audit_event.c.id == bindparam("id"))
        later = bisect_left(made.ids, -at.timestamp(), key=lambda one: -_moment(conn.execute(moment, {"id": one}).scalar()))
    else:
        block = max(0, bisect_left(made.anchors, -at.timestamp(), key=lambda anchor: -anchor[0].timestamp()) - 1)
        where = [*conditions(made.filter, conn, now=dt.datetime.now(dt.UTC)), audit_event.c.id <= made.newest_id, audit_event.c.at > at]
        inside = _between(made, block, min(made.total, (block + 1) * made.step))
        counted: int = conn.execute(select(func.count()).select_from(audit_event).where(*where, inside)).scalar_one()
        later = block * made.step + counted
    return min(max(0, made.total - 1), later)


def _moment(at: dt.datetime | None) -> float:
    # a row that was erased since then is older than all that are left
    return at.timestamp() if at is not None else 0.0


def position_at(at: dt.datetime) -> Select[Any]:
    """Return the query of the position of the last sealed row, erased or not, at or before ``at``."""
    placed = audit_event.join(audit_position, audit_position.c.event_id == audit_event.c.id)
    kept = select(audit_event.c.at, audit_position.c.position).select_from(placed).where(audit_event.c.at <= at)
    gone = select(audit_erased.c.at, audit_erased.c.position).where(audit_erased.c.at <= at)
    one = gone.order_by(audit_erased.c.at.desc(), audit_erased.c.event_id.desc()).limit(1)
    both = newest_first(kept).limit(1).subquery().select().union_all(one.subquery().select()).subquery()
    return select(both.c.position).order_by(both.c.at.desc()).limit(1)


def neighbour(conn: Connection, this: AuditRow, step: int) -> AuditRow | None:
    """Return the row of the same writer one before or after; no index serves that, so rows nearby and of the same person are looked at."""
    if this.wseq + step < 1:
        return None
    event = audit_event.c
    wanted = rows().where(event.writer == this.writer, event.wseq == this.wseq + step)
    span = (this.id - NEAR, this.id - 1) if step < 0 else (this.id + 1, this.id + NEAR)
    near = wanted.where(event.id.between(*span))
    same = wanted.where(event.actor == this.actor, event.at <= this.at if step < 0 else event.at >= this.at)
    for query in (near, same.order_by(event.at.desc() if step < 0 else event.at)):
        found = conn.execute(query.limit(1)).one_or_none()
        if found is not None:
            return row(found)
    return None


def seal_of(conn: Connection, this: AuditRow) -> SealFacts | None:
    """Return the seal over a row; nothing while it has none."""
    if this.position is None:
        return None
    seal = audit_seal.c
    found = conn.execute(select(audit_seal).where(seal.first_position <= this.position).order_by(seal.id.desc()).limit(1)).one_or_none()
    if found is None:
        # somebody removed the seals: verification says so, and reading the row goes on
        return None
    index = this.position - found.first_position
    leaves = [leaf_hash(entry_of(one)) for one in conn.execute(entries(found.first_position, found.size))]
    return SealFacts(
        seal_id=found.id,
        position=this.position,
        size=found.size,
        index=index,
        root=bytes(found.root).hex(),
        head=bytes(found.head).hex(),
        key_id=found.key_id,
        at=found.at,
        lag_s=(found.at - this.at).total_seconds(),
        proof=tuple(one.hex() for one in proof(leaves, index)),
    )


def _between(made: TrailPlan, block: int, last: int) -> ColumnElement[bool]:
    after = -(-last // made.step)
    newest = made.anchors[block]
    # the times once more by themselves: the planner makes nothing of the comparison of pairs
    upper = and_(_place <= newest, audit_event.c.at <= newest[0])
    if after >= len(made.anchors):
        return upper
    oldest = made.anchors[after]
    return and_(upper, _place > oldest, audit_event.c.at >= oldest[0])


@contextlib.contextmanager
def limited(conn: Connection, on_cancel: OnCancel | None, *, limit_ms: int = SEARCH_MS) -> Iterator[None]:
    """Let statements in the block end after a while, or when the caller gives up.

    Raises:
        LimitReached: it took too long.
        Cancelled: the caller gave up.
    """
    driver: Any = conn.connection.driver_connection
    gave_up: list[bool] = []

    def stop() -> None:
        gave_up.append(True)
        driver.cancel_safe(timeout=CANCELLED)

    conn.execute(select(func.set_config("statement_timeout", str(limit_ms), True)))  # noqa: FBT003  # "local", as SQL has it
    try:
        with on_cancel(stop) if on_cancel else contextlib.nullcontext(), translated():
            yield
    except Cancelled as error:
        # without a cause it did not come from the database
        if gave_up or error.__cause__ is None:
            raise
        raise LimitReached("The search took too long; name an actor, an action, a target or a shorter time.") from None
