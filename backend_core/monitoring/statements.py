"""Every statement this program sends, counted by its text: how often, how long, how many failed; never what it was given."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Final

import sqlalchemy
from sqlalchemy import event

from backend_core.db.database import Database
from backend_core.db.pool import current_purpose
from backend_core.errors import DatabaseAway, LecternError, PoolExhausted
from backend_core.monitoring.link import MonitorLink
from backend_core.monitoring.measures.tally import Tally, array, empty_bars, parameters, step_of

STATEMENT_LIMIT_MS: Final = 50.0
MEMORY_LIMIT_MS: Final = 300.0
MOST_STATEMENTS: Final = 500
MOST_TEXTS: Final = 1000
LONGEST_TEXT: Final = 4000
LONGEST_KEPT: Final = 8000
OTHER: Final = "0" * 16
OTHER_TEXT: Final = "(further statements)"
SCOPE: Final = "Scope: "
# they carry whole histories at once, or wait for a service: nobody waits for them with a hand on the mouse
LONG_WORK: Final = frozenset({
    "message.import", "memory.import", "memory.export", "memory.purge", "contact.export", "contact.erase", "photo.analyse",
})  # fmt: skip
_SPACE: Final = re.compile(r"\s+")
_LITERAL: Final = re.compile(r"'(?:[^']|'')*'|(?<![\w$])\d+(?:\.\d+)?\b")
_LIST: Final = re.compile(r"\(%\((\w+)_1\)s((?:::[\w\[\]]+)?)(?:, %\(\1_\d+\)s(?:::[\w\[\]]+)?)+\)")
_NUMBERED: Final = re.compile(r"\b(sa_savepoint_)\d+")
_WRITE: Final = """
WITH texts AS (
    INSERT INTO statement_texts (fingerprint, text, label)
    SELECT * FROM unnest(%(fingerprints)s::text[], %(texts)s::text[], %(labels)s::text[]) ORDER BY 1
    ON CONFLICT (fingerprint) DO NOTHING
), figures AS (
    INSERT INTO statement_figures (fingerprint, hour, calls, failed, rows, total_ms, longest_ms, bars)
    SELECT fingerprint, date_trunc('hour', clock_timestamp()), calls, failed, rows, total_ms, longest_ms, bars::bigint[]
    FROM unnest(%(fingerprints)s::text[], %(calls)s::bigint[], %(failed)s::bigint[], %(rows)s::bigint[], %(total_ms)s::float[],
                %(longest_ms)s::float[], %(figure_bars)s::text[])
        AS given (fingerprint, calls, failed, rows, total_ms, longest_ms, bars)
    ORDER BY fingerprint
    ON CONFLICT (fingerprint, hour) DO UPDATE SET
        calls = statement_figures.calls + EXCLUDED.calls, failed = statement_figures.failed + EXCLUDED.failed,
        rows = statement_figures.rows + EXCLUDED.rows, total_ms = statement_figures.total_ms + EXCLUDED.total_ms,
        longest_ms = greatest(statement_figures.longest_ms, EXCLUDED.longest_ms),
        bars = ARRAY(SELECT a + b FROM unnest(statement_figures.bars, EXCLUDED.bars) WITH ORDINALITY AS both_bars (a, b, n) ORDER BY n)
)
INSERT INTO slo_events (objective, minute, good, bad, bars)
SELECT objective, date_trunc('minute', clock_timestamp()), good, bad, bars::bigint[]
FROM unnest(%(objectives)s::text[], %(good)s::bigint[], %(bad)s::bigint[], %(bars)s::text[]) AS given (objective, good, bad, bars)
ORDER BY objective
ON CONFLICT (objective, minute) DO UPDATE SET
    good = slo_events.good + EXCLUDED.good, bad = slo_events.bad + EXCLUDED.bad,
    bars = ARRAY(SELECT a + b FROM unnest(slo_events.bars, EXCLUDED.bars) WITH ORDINALITY AS both_bars (a, b, n) ORDER BY n)
"""


@dataclass(slots=True)
class _Figures:
    text: str
    label: str
    calls: int = 0
    failed: int = 0
    rows: int = 0
    total_ms: float = 0.0
    longest_ms: float = 0.0
    bars: list[int] = field(default_factory=empty_bars)

    def add(self, milliseconds: float, rows: int, *, failed: bool) -> None:
        self.calls += 1
        self.failed += failed
        self.rows += rows
        self.total_ms += milliseconds
        self.longest_ms = max(self.longest_ms, milliseconds)
        self.bars[step_of(milliseconds)] += 1

    def merge(self, other: _Figures) -> None:
        self.calls += other.calls
        self.failed += other.failed
        self.rows += other.rows
        self.total_ms += other.total_ms
        self.longest_ms = max(self.longest_ms, other.longest_ms)
        self.bars = [a + b for a, b in zip(self.bars, other.bars, strict=True)]


class StatementCounter:
    """Counts the statements of one process in bounded memory, and writes them down when asked."""

    def __init__(self, database: Database) -> None:
        """Listen to every statement and every transaction of ``database`` from now on."""
        self._lock = threading.Lock()
        self._fingerprints: dict[str, tuple[str, str]] = {}
        self._figures: dict[str, _Figures] = {}
        self._tallies: dict[str, Tally] = {}
        event.listen(database.engine, "before_cursor_execute", self._begins)
        event.listen(database.engine, "after_cursor_execute", self._ended)
        event.listen(database.engine, "handle_error", self._failed)
        database.timers.append(self._transaction)

    def _begins(self, _conn: object, _cursor: object, _statement: str, _parameters: object, context: Any, _many: bool) -> None:  # noqa: FBT001  # SQLAlchemy's signature
        # on the execution itself, which ends with it; a connection lives on
        context.lectern_began = time.perf_counter()

    def _ended(self, _conn: object, cursor: Any, statement: str, _parameters: object, context: Any, _many: bool) -> None:  # noqa: FBT001  # SQLAlchemy's signature
        self._count(statement, _since(context), rows=max(0, cursor.rowcount), failed=False, lost=False)

    def _failed(self, error: Any) -> None:
        # a statement that another listener refused was never sent
        if hasattr(error.execution_context, "lectern_began") and error.statement is not None:
            lost = isinstance(error.sqlalchemy_exception, sqlalchemy.exc.OperationalError)
            self._count(error.statement, _since(error.execution_context), rows=0, failed=True, lost=lost)

    def _count(self, statement: str, milliseconds: float, *, rows: int, failed: bool, lost: bool) -> None:
        fingerprint, text = self._fingerprint(statement)
        with self._lock:
            if fingerprint not in self._figures and len(self._figures) >= MOST_STATEMENTS:
                fingerprint, text = OTHER, OTHER_TEXT
            figures = self._figures.get(fingerprint)
            if figures is None:
                figures = self._figures[fingerprint] = _Figures(text, current_purpose())
            figures.add(milliseconds, rows, failed=failed)
            self._tally("statements").add(milliseconds, good=not failed)
            self._tally("database").add(milliseconds, good=milliseconds < STATEMENT_LIMIT_MS and not lost)

    def _transaction(self, label: str, milliseconds: float, error: LecternError | None) -> None:
        if label.startswith(SCOPE) and label[len(SCOPE) :] not in LONG_WORK:
            good = milliseconds < MEMORY_LIMIT_MS and not isinstance(error, DatabaseAway | PoolExhausted)
            with self._lock:
                self._tally("memory").add(milliseconds, good=good)

    def _tally(self, objective: str) -> Tally:
        return self._tallies.setdefault(objective, Tally())

    def _fingerprint(self, statement: str) -> tuple[str, str]:
        known = self._fingerprints.get(statement)
        if known is None:
            text = normalised(statement)
            known = hashlib.sha256(text.encode()).hexdigest()[:16], text[:LONGEST_TEXT]
            if len(self._fingerprints) >= MOST_TEXTS:
                self._fingerprints.clear()
            if len(statement) <= LONGEST_KEPT:
                self._fingerprints[statement] = known
        return known

    def flush(self, link: MonitorLink) -> None:
        """Write down what was counted since the last time.

        Raises:
            LecternError: the server does not answer; what was counted is kept for the next time.
        """
        with self._lock:
            figures, self._figures = self._figures, {}
            tallies, self._tallies = self._tallies, {}
        if not figures and not tallies:
            return
        try:
            link.rows(_WRITE, _columns(figures) | parameters(tallies))
        except LecternError:
            self._take_back(figures, tallies)
            raise

    def _take_back(self, figures: dict[str, _Figures], tallies: dict[str, Tally]) -> None:
        with self._lock:
            for fingerprint, old in figures.items():
                # while the server is away there may be more of them than are kept
                if fingerprint in self._figures:
                    self._figures[fingerprint].merge(old)
                elif len(self._figures) < MOST_STATEMENTS:
                    self._figures[fingerprint] = old
            for objective, tally in tallies.items():
                self._tally(objective).merge(tally)


def _since(context: Any) -> float:
    return (time.perf_counter() - float(context.lectern_began)) * 1000


def _columns(figures: dict[str, _Figures]) -> dict[str, Any]:
    found = sorted(figures.items())
    return {
        "fingerprints": [fingerprint for fingerprint, _ in found],
        "texts": [one.text for _, one in found],
        "labels": [one.label[:200] for _, one in found],
        "calls": [one.calls for _, one in found],
        "failed": [one.failed for _, one in found],
        "rows": [one.rows for _, one in found],
        "total_ms": [one.total_ms for _, one in found],
        "longest_ms": [one.longest_ms for _, one in found],
        "figure_bars": [array(one.bars) for _, one in found],
    }


def normalised(statement: str) -> str:
    r"""Return a statement without what differs from call to call: values written into it, and how many there are of the same.

    >>> normalised("SELECT a FROM t\n WHERE id IN (%(id_1_1)s::BIGINT, %(id_1_2)s::BIGINT) AND kind = 'x' LIMIT 10")
    'SELECT a FROM t WHERE id IN (%(id_1_1)s::BIGINT) AND kind = ? LIMIT ?'
    """
    text = _one_row(statement)[:LONGEST_KEPT]
    text = _LIST.sub(r"(%(\1_1)s\2)", _SPACE.sub(" ", text).strip())
    return _NUMBERED.sub(r"\1?", _LITERAL.sub("?", text)).replace("\0", "")


def _one_row(statement: str) -> str:
    """Return an INSERT of many rows as one of a single row; SQLAlchemy numbers their values ``__0``, ``__1`` and so on."""
    second, last = statement.find("__1)s"), statement.rfind(")s")
    begin = statement.rfind("), (", 0, max(0, second))
    if second < 0 or begin < 0:
        return statement
    # the last row begins where the last value's does
    end = _closing(statement, statement.rfind("), (", 0, last) + 3)
    return statement[: begin + 1] + statement[end:]


def _closing(statement: str, opening: int) -> int:
    """Return the place behind the bracket that closes the one at ``opening``."""
    depth = 0
    for place in range(opening, len(statement)):
        depth += {"(": 1, ")": -1}.get(statement[place], 0)
        if depth == 0:
            return place + 1
    return len(statement)
