"""What plain SQL gets to see: statements of the application's own role, without the program's conditions and past its checks.

Every statement is limited to the made-up rows of the run, so that even a broken boundary shows nothing real.
"""

from __future__ import annotations

import contextlib
import hashlib
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql
from sqlalchemy import Connection

from backend_core.errors import DatabaseAway
from backend_core.privacy.canaries import Sought

Driver = psycopg.Connection[Any]
SQL: Final = "SQL"
PROGRAM: Final = "program"
TRACE: Final = "trace"
"""Words where no words may stand, whoever looks."""

DENIED: Final = "42501"


@dataclass(frozen=True, slots=True)
class Seen:
    """What one way of asking returned.

    Attributes:
        way: ``SQL``, ``program`` or ``trace``.
        did: the statement or call, for the evidence.
        value: everything that came back.
        rows: how much of the owner's was in it; of nothing but refusals 0.
    """

    way: str
    did: str
    value: object
    rows: int


def driver(conn: Connection) -> Driver:
    """Return the connection below SQLAlchemy, which the program's guard does not watch.

    Raises:
        DatabaseAway: it was lost.
    """
    found: Driver | None = conn.connection.driver_connection
    if found is None:
        raise DatabaseAway("The connection to the database was lost.")
    return found


@contextlib.contextmanager
def undone(conn: Driver) -> Iterator[None]:
    """Run the body and take back whatever it did."""
    with conn.transaction(force_rollback=True):
        yield


_Values = dict[str, Any]
Answer = list[list[Any]] | int | str
"""Rows, how many were changed, or a refusal."""
_SELECTS: Final[dict[str, tuple[LiteralString, ...]]] = {
    "search_words": (
        "SELECT p.memory_id::text, p.term, m.text FROM postings p JOIN memories m ON m.id = p.memory_id"
        " WHERE starts_with(p.term, %(word)s)",
    ),
    "search_vectors": ("SELECT memory_id::text, model, encode(embedding, 'hex') FROM memory_vectors WHERE memory_id = ANY(%(memories)s)",),
    "search_hybrid": (
        "SELECT m.id::text, m.text, v.model FROM memories m LEFT JOIN memory_vectors v ON v.memory_id = m.id"
        " WHERE m.text LIKE %(like)s AND m.container_id = ANY(%(ours)s)",
    ),
    "list": (
        "SELECT id::text, turn, text FROM memories WHERE container_id = ANY(%(ours)s) AND id = ANY(%(memories)s) ORDER BY turn LIMIT 2",
        "SELECT id::text, turn, text FROM memories WHERE container_id = ANY(%(ours)s) AND id = ANY(%(memories)s) ORDER BY turn OFFSET 2",
        "SELECT id::text, body FROM messages WHERE container_id = ANY(%(ours)s) AND id = ANY(%(messages)s)",
    ),
    "get": (
        "SELECT text, speaker FROM memories WHERE id = ANY(%(memories)s)",
        "SELECT body, sender FROM messages WHERE id = ANY(%(messages)s)",
        "SELECT text FROM memory_history WHERE memory_id = ANY(%(memories)s)",
    ),
    "autocomplete": ("SELECT DISTINCT term FROM postings WHERE starts_with(term, %(beginning)s) ORDER BY term",),
    "neighbours": (
        "SELECT b.id::text, b.text FROM memories a JOIN memories b ON b.container_id = a.container_id AND b.turn > a.turn"
        " WHERE a.id = ANY(%(memories)s) ORDER BY b.turn, a.turn",
    ),
}
_COUNTS: Final[dict[str, tuple[LiteralString, ...]]] = {
    "count": (
        "SELECT count(*) FROM memories WHERE container_id = %(number)s",
        "SELECT count(*) FROM messages WHERE container_id = %(number)s",
        "SELECT count(DISTINCT type) FROM memories WHERE container_id = %(number)s",
    ),
    "aggregate": (
        "SELECT coalesce(sum(memories), 0) FROM container_stats WHERE container_id = %(number)s",
        "SELECT coalesce(max(length(text)), 0) FROM memories WHERE container_id = %(number)s",
        "SELECT count(*) FROM reminders WHERE container_id = %(number)s",
        "SELECT count(*) FROM boundaries WHERE container_id = %(number)s",
    ),
    "audit_logs": ("SELECT count(*) FROM audit_event WHERE id > %(since)s AND xid = pg_current_xact_id() AND target = %(target)s",),
    "cache": (
        "SELECT count(*) FROM (SELECT current_setting('lectern.scope', true) AS s) x WHERE split_part(s, '.', 1) = %(number)s::text",
    ),
}
_WRITES: Final[dict[str, tuple[LiteralString, ...]]] = {
    "update": (
        "UPDATE memories SET salience = salience WHERE id = ANY(%(memories)s)",
        "UPDATE messages SET direction = direction WHERE id = ANY(%(messages)s)",
        "UPDATE container_stats SET tokens = tokens WHERE container_id = %(number)s",
    ),
    "forget": (
        "UPDATE memories SET forgotten_at = now() WHERE id = ANY(%(memories)s)",
        "DELETE FROM messages WHERE id = ANY(%(messages)s)",
        "DELETE FROM memories WHERE id = ANY(%(memories)s)",
    ),
}
# nothing of these is ever to be seen, whoever asks
_TRACES: Final[tuple[LiteralString, ...]] = (
    "SELECT count(*) FROM audit_event WHERE id > %(since)s AND concat_ws(' ', target, reason, before, after) LIKE %(like)s",
    "SELECT count(*) FROM pg_stats WHERE tablename = 'memories' AND most_common_vals::text LIKE %(like)s",
)
_SAME: Final[LiteralString] = "SELECT id::text FROM memories WHERE content_hash = ANY(%(hashes)s) AND container_id = %(number)s"
_TWIN: Final[LiteralString] = (
    "INSERT INTO memories (container_id, id, turn, text, content_hash)"
    " SELECT %(own)s, m, -1, 'x', '\\x00' FROM unnest(%(memories)s) m LIMIT 1 ON CONFLICT (container_id, id) DO NOTHING"
)
_DIVIDED: Final[LiteralString] = (
    "SELECT 1 / (CASE WHEN text LIKE %(like)s THEN 0 ELSE 1 END) FROM memories"
    " WHERE container_id = ANY(%(ours)s) AND id = ANY(%(memories)s)"
)
_READ_AS_NUMBER: Final[LiteralString] = "SELECT CAST(text AS integer) FROM memories WHERE id = ANY(%(memories)s)"
_POINTED: Final[LiteralString] = (
    "INSERT INTO memory_vectors (container_id, memory_id, model, turn, scale, embedding)"
    " SELECT %(own)s, m, 'pointed', 1, 1, '\\x00' FROM unnest(%(memories)s) m LIMIT 1"
)


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks the database as one viewer.

    Attributes:
        conn: with the viewer's scope open, or none.
        own: number of the viewer's container; 0 without a scope.
        ours: numbers of every made-up container.
        since: the last row of the audit log before the run.
        reads_audit: whether the role may read the audit log.
    """

    conn: Driver
    own: int
    ours: tuple[int, ...]
    since: int
    reads_audit: bool = True

    def ask(self, operation: str, sought: Sought) -> list[Seen]:
        """Return what ``operation`` shows of what ``sought`` describes."""
        values = self._values(sought)
        other = _OTHERS.get(operation)
        if other is not None:
            return other(self, values)
        counts = () if operation == "audit_logs" and not self.reads_audit else _COUNTS.get(operation, ())
        statements = (*_SELECTS.get(operation, ()), *counts, *_WRITES.get(operation, ()))
        answers = self._answers(statements, values)
        return [Seen(SQL, one, answer, _size(answer, counted=one in counts)) for one, answer in zip(statements, answers, strict=True)]

    def traces(self, sought: Sought) -> list[Seen]:
        """Return how often words of the owner stand where none may stand."""
        statements = [one for one in _TRACES if self.reads_audit or "audit_event" not in one]
        answers = self._answers(statements, self._values(sought))
        return [Seen(TRACE, one, answer, _size(answer, counted=True)) for one, answer in zip(statements, answers, strict=True)]

    def _answers(self, statements: Sequence[LiteralString], values: _Values) -> list[Answer]:
        """Run statements and take them back, all at once where none is refused."""
        try:
            with undone(self.conn):
                return [_answer(self.conn.execute(one, values)) for one in statements]
        except psycopg.Error as error:
            if len(statements) == 1:
                return [refusal(error)]
            return [self._answers([one], values)[0] for one in statements]

    def _values(self, sought: Sought) -> _Values:
        return {
            "word": sought.word,
            "like": f"%{sought.word}%",
            "beginning": sought.word[:-2],
            "memories": [uuid.UUID(one) for one in sought.memories],
            "messages": [uuid.UUID(one) for one in sought.messages],
            "hashes": list(sought.hashes),
            "number": sought.number,
            "ours": list(self.ours),
            "own": self.own,
            "since": self.since,
            "target": sought.target,
        }

    def export(self, values: _Values) -> list[Seen]:
        """Copy out whatever of the owner can be copied."""
        statement = sql.SQL("COPY (SELECT id, text FROM memories WHERE container_id = {number} ORDER BY turn) TO STDOUT")
        made = statement.format(number=sql.Literal(values["number"]))
        try:
            with undone(self.conn), self.conn.cursor().copy(made) as copied:
                data = b"".join(bytes(part) for part in copied)
        except psycopg.Error as error:
            return [Seen(SQL, made.as_string(self.conn), refusal(error), 0)]
        return [Seen(SQL, made.as_string(self.conn), hashlib.sha256(data).hexdigest(), data.count(b"\n"))]

    def deduplicate(self, values: _Values) -> list[Seen]:
        """Look for the same words, and put a row beside the owner's."""
        rows = self._answers([_SAME], values)[0]
        seen = [Seen(SQL, _SAME, rows, _size(rows, counted=False))]
        if not self.own:
            return seen
        twin = self._answers([_TWIN], values)[0]
        # a row that is there already is not added: who learns that has seen it
        return [*seen, Seen(SQL, _TWIN, twin, int(twin == 0 and bool(values["memories"])))]

    def error_text(self, values: _Values) -> list[Seen]:
        """Make the database complain about the owner's rows."""
        seen = []
        for statement in (_DIVIDED, _READ_AS_NUMBER):
            told = self._answers([statement], values)[0]
            seen.append(Seen(SQL, statement, told, int(isinstance(told, str) and not told.startswith(DENIED))))
        if self.own:
            pointed = self._answers([_POINTED], values)[0]
            seen.append(Seen(SQL, _POINTED, pointed, _size(pointed, counted=False)))
        return seen


_OTHERS: Final[dict[str, Callable[[Asker, _Values], list[Seen]]]] = {
    "export": Asker.export,
    "deduplicate": Asker.deduplicate,
    "error_text": Asker.error_text,
}


def refusal(error: psycopg.Error) -> str:
    """Return what whoever is refused gets to read: state and message, without the ids they asked with."""
    return f"{error.sqlstate}: {error.diag.message_primary}"


def _answer(cursor: psycopg.Cursor[Any]) -> Answer:
    return cursor.rowcount if cursor.description is None else [list(row) for row in cursor]


def _size(answer: Answer, *, counted: bool) -> int:
    """Return how much an answer shows: rows, changed rows, or the number that was counted; a refusal shows nothing."""
    if isinstance(answer, str):
        return 0
    if isinstance(answer, int):
        return answer
    return int(answer[0][0]) if counted else len(answer)
