"""How the server would run statements whose values are not known: their generic plans."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import psycopg
from psycopg import sql

from backend_core.monitoring.indexes.records import PlanSide, StatementPlan

_NAME: Final = sql.Identifier("lectern_proof")
_PARAMETER: Final = re.compile(r"%\((?P<name>\w+)\)[sbt]|%[sbt]|(?<=[\s(,=])\?(?=[\s),:]|$)|%%")
_USING: Final = re.compile(r" using (?P<index>\S+)")
_READS: Final = ("Relation Name", "Index Name")


def numbered(text: str) -> tuple[str, int]:
    """Return a statement with its parameters as the server writes them, and how many there are.

    >>> numbered("SELECT a FROM t WHERE b = %(b)s::INT AND c > %(b)s LIMIT ?")
    ('SELECT a FROM t WHERE b = $1::INT AND c > $1 LIMIT $2', 2)
    """
    numbers: dict[str, int] = {}

    def one(found: re.Match[str]) -> str:
        if found.group() == "%%":
            return "%"
        name = found["name"] or f"?{found.start()}"
        return f"${numbers.setdefault(name, len(numbers) + 1)}"

    return _PARAMETER.sub(one, text.strip().rstrip(";")), len(numbers)


def explain(conn: psycopg.Connection[Any], statements: Sequence[str]) -> Mapping[str, StatementPlan]:
    """Return the generic plan of each statement that can be planned, inside the open transaction of ``conn``; none is carried out."""
    conn.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    found: dict[str, StatementPlan] = {}
    for text in statements:
        try:
            with conn.transaction():
                found[text] = _plan(conn, text)
        except psycopg.Error:
            # not of this database any more, or nothing the server can plan without values
            continue
    return found


def _plan(conn: psycopg.Connection[Any], text: str) -> StatementPlan:
    statement, count = numbered(text)
    # prepared, so that it is one statement whatever stands in it; anew each time, because a plan is kept
    conn.execute(sql.SQL("PREPARE {} AS ").format(_NAME).as_bytes(conn) + statement.encode(), prepare=True)
    nothing = sql.SQL("({})").format(sql.SQL(", ").join([sql.SQL("NULL")] * count)) if count else sql.SQL("")
    row = conn.execute(sql.SQL("EXPLAIN (FORMAT JSON) EXECUTE {}").format(_NAME) + nothing).fetchone()
    conn.execute(sql.SQL("DEALLOCATE {}").format(_NAME))
    told = row[0] if row else []
    plan = (json.loads(told) if isinstance(told, str) else told)[0]["Plan"]
    return StatementPlan(text=text, cost=float(plan["Total Cost"]), how=tuple(_nodes(plan)))


def _nodes(plan: Mapping[str, Any]) -> Iterator[str]:
    table, index = (plan.get(part) for part in _READS)
    if index:
        yield f"{plan['Node Type']} using {index}" + (f" on {table}" if table else "")
    elif table:
        yield f"{plan['Node Type']} on {table}"
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


def side(plans: Mapping[str, StatementPlan]) -> PlanSide:
    """Return all plans together."""
    used = {found["index"] for plan in plans.values() for node in plan.how if (found := _USING.search(node))}
    return PlanSide(cost=round(sum(plan.cost for plan in plans.values()), 2), indexes=tuple(sorted(used)), plans=tuple(plans.values()))
