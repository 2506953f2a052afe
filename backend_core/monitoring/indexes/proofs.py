"""What would become of the plans without an index, or with one more: tried in a transaction that is rolled back."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import psycopg

from backend_core.db.conninfo import complete
from backend_core.db.failures import translated
from backend_core.errors import InvalidInput
from backend_core.monitoring.indexes.catalogue import RawIndex, Relation
from backend_core.monitoring.indexes.plans import explain, side
from backend_core.monitoring.indexes.records import Proof, StatementPlan
from backend_core.monitoring.indexes.wanted import Wanted
from backend_core.monitoring.link import MonitorLink

MOST_STATEMENTS: Final = 50
MOST_ROWS: Final = 500_000
"""Rows of a table up to which an index is built for a proof; it blocks writers meanwhile."""

WORSE: Final = 1.01
HIDDEN: Final = "hidden"
ADDED: Final = "added"
EXPLAINED: Final = "explained"
APPLICATION: Final = "lectern-proof"
SHARED: Final = "On a shared server nothing is changed, not even for a moment; these are the plans as they are."
PARTIAL: Final = "It is partial: plans made without values may not use it where a value decides."
NOTHING: Final = "No statement on this table has been recorded yet, so there is nothing to compare."

_RECORDED: Final = """
SELECT x.text FROM statement_texts x JOIN statement_figures f USING (fingerprint)
 WHERE x.text ~* %(pattern)s AND x.text ~* '^\\s*(select|update|delete|insert|with)'
 GROUP BY x.text ORDER BY sum(f.total_ms) DESC LIMIT %(most)s
"""
_NOT_BUILT: Final = (psycopg.ProgrammingError, psycopg.DataError, psycopg.errors.QueryCanceled)
_HIDE: Final = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = %s"
_LIMITS: Final = "SET LOCAL lock_timeout = '250ms'; SET LOCAL statement_timeout = '5s'"


@dataclass(frozen=True, slots=True)
class Try:
    """What is tried: the index and its table, and how to bring about the other state.

    Attributes:
        method: ``hidden`` or ``added``.
        change: carried out between the two looks at the plans.
        refused: why the other state is not brought about, or nothing.
        note: said beside the proof.
    """

    index: str
    table: Relation
    method: str
    change: Callable[[psycopg.Connection[Any]], object]
    refused: str = ""
    note: str = ""


def hiding(index: RawIndex, *, may: bool) -> Try:
    """Return how to prove that ``index`` is not needed; ``may`` says whether the server is ours alone."""

    def hide(conn: psycopg.Connection[Any]) -> None:
        conn.execute(_HIDE, (index.oid,))

    note = PARTIAL if index.predicate else ""
    return Try(index.name, index.table, HIDDEN, hide, refused="" if may else SHARED, note=note)


def adding(wanted: Wanted, table: Relation, *, may: bool) -> Try:
    """Return how to prove what one more index would do."""

    def add(conn: psycopg.Connection[Any]) -> None:
        # prepared: one statement, whatever stands in it
        conn.execute(wanted.plain.encode(), prepare=True)

    large = f"{table.shown} has {table.rows} rows; up to {MOST_ROWS} an index is built for a proof, because writers wait meanwhile."
    refused = SHARED if not may else large if table.rows > MOST_ROWS else ""
    return Try(wanted.name, table, ADDED, add, refused=refused, note=PARTIAL if wanted.partial else "")


def recorded(link: MonitorLink, table: Relation) -> tuple[str, ...]:
    """Return the statements on a table that took most time, as the recorder knows them."""
    escaped = "".join(char if char.isalnum() or char == "_" else f"\\{char}" for char in table.name)
    rows = link.rows(_RECORDED, {"pattern": rf"\m{escaped}\M", "most": MOST_STATEMENTS})
    return tuple(row["text"] for row in rows)


def prove(dsn: str, trial: Try, statements: Sequence[str]) -> Proof:
    """Return the plans of ``statements`` before and after; everything is rolled back.

    Args:
        dsn: of the superuser of the embedded server, or of whoever may read the tables of a shared one.
        trial: what is tried.
        statements: as the program sends them.

    Raises:
        Conflict: somebody holds the table.
        InvalidInput: the index cannot be built.
        DatabaseAway: the server does not answer.
    """
    with translated(), psycopg.connect(complete(dsn, application=APPLICATION)) as conn:
        conn.execute(_LIMITS)
        before = explain(conn, statements)
        if trial.refused:
            conn.rollback()
            return _proof(trial, before, before, None)
        began = time.perf_counter()
        try:
            trial.change(conn)
        except (psycopg.ProgrammingError, psycopg.DataError, psycopg.errors.QueryCanceled) as error:
            raise InvalidInput(
                "The server cannot build this index here: its statement is wrong, or it takes more than 5 seconds."
            ) from error
        build_ms = round((time.perf_counter() - began) * 1000, 1)
        after = explain(conn, statements)
        conn.rollback()
    return _proof(trial, before, after, build_ms if trial.method == ADDED else None)


def _proof(trial: Try, before: Mapping[str, StatementPlan], after: Mapping[str, StatementPlan], build_ms: float | None) -> Proof:
    both = [(before[text], after[text]) for text in before if text in after]
    return Proof(
        index=trial.index,
        before=side({one.text: one for one, _ in both}),
        after=side({one.text: one for _, one in both}),
        statements_checked=len(both),
        slower=tuple(new.text for old, new in both if new.cost > old.cost * WORSE),
        faster=tuple(new.text for old, new in both if old.cost > new.cost * WORSE),
        build_ms=build_ms,
        method=EXPLAINED if trial.refused else trial.method,
        refused_reason=" ".join(part for part in (trial.refused, trial.note, "" if both else NOTHING) if part),
    )
