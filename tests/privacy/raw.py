"""The database as somebody with a password and ``psql`` sees it: what the catalogue holds, and rows put there behind the program's back."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
import psycopg.errors
from psycopg import sql
from psycopg.rows import dict_row

from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import APP

Connection = psycopg.Connection[Any]

CLOSED = "SELECT c.relname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE a.attname = 'container_id'"
# what a generated value would not be allowed in
VALUES: Mapping[str, object] = {
    "messages.direction": "in", "photos.status": "pending", "relationship_state.stage": "friend", "memories.type": "factual",
    "boundaries.kind": "hide", "safety_events.direction": "input", "safety_events.action": "blocked",
}  # fmt: skip
_KINDS: Mapping[str, object] = {
    "integer": 1, "smallint": 1, "bigint": 1, "real": 0.5, "double precision": 0.5, "boolean": True, "jsonb": "{}", "bytea": b"x",
    "timestamp with time zone": "2026-01-01T00:00:00Z",
}  # fmt: skip
# rows of a container that exist only under conditions of their own; what is null says that the condition does not hold
_EMPTY = ("reviewed_at", "verdict", "reviewed_by", "lifted_at", "forgotten_at", "object_id", "user_id")


@dataclass(frozen=True)
class Walled:
    """A server with two containers, each with one row in every table of containers; their texts are their names."""

    server: EmbeddedServer
    mine: int
    theirs: int

    @property
    def tables(self) -> list[str]:
        """Every table of containers."""
        with as_superuser(self.server) as conn:
            return closed_tables(conn)


@contextlib.contextmanager
def as_app(server: EmbeddedServer, *, autocommit: bool = False) -> Iterator[Connection]:
    """Connect as the application's role, the way ``psql`` would."""
    with psycopg.connect(server.dsn(APP), autocommit=autocommit) as conn:
        yield conn


@contextlib.contextmanager
def as_superuser(server: EmbeddedServer) -> Iterator[Connection]:
    """Connect as nobody of Lectern does: past every policy."""
    with psycopg.connect(server.admin_dsn, autocommit=True) as conn:
        yield conn


def closed_tables(conn: Connection) -> list[str]:
    """Return every table and view of the program with a column ``container_id``, from the catalogue."""
    query = sql.SQL(
        CLOSED + " AND c.relkind IN ('r', 'p', 'v', 'm') AND c.relnamespace = 'public'::regnamespace AND NOT a.attisdropped ORDER BY 1"
    )
    return [row[0] for row in conn.execute(query)]


def count(conn: Connection, table: str) -> int:
    """Return how many rows of a table the connection sees."""
    row = conn.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
    assert row is not None
    return int(row[0])


def container(conn: Connection, canary: str) -> int:
    """Make a direct conversation with its container, as the superuser, and return the id of the container."""
    phone = f"+49{uuid.uuid4().int % 10**11:011d}"
    person, talk = uuid.uuid4(), uuid.uuid4()
    conn.execute("INSERT INTO personas (id, name) VALUES ('sage', 'Sage') ON CONFLICT DO NOTHING")
    conn.execute("INSERT INTO contacts (id, phone, display_name) VALUES (%s, %s, %s)", (person, phone, canary))
    conn.execute("INSERT INTO conversations (id, kind, persona_id, user_id) VALUES (%s, 'direct', 'sage', %s)", (talk, person))
    query = "INSERT INTO containers (kind, tag, user_id, persona_id, conversation_id) VALUES ('direct', %s, %s, 'sage', %s) RETURNING id"
    row = conn.execute(query, (f"user_{phone}_persona_sage", person, talk)).fetchone()
    assert row is not None
    return int(row[0])


def public_id(conn: Connection, container_id: int) -> uuid.UUID:
    """Return the name of a container outside the database layer."""
    row = conn.execute("SELECT public_id FROM containers WHERE id = %s", (container_id,)).fetchone()
    assert row is not None
    found: uuid.UUID = row[0]
    return found


def fill(conn: Connection, container_id: int, canary: str) -> None:
    """Put one row with ``canary`` as its text into every table of a container, as the superuser.

    Foreign keys are left aside, so that a new table needs at most a line of ``VALUES``.
    """
    conn.execute("SET session_replication_role = replica")
    try:
        for table in closed_tables(conn):
            if conn.execute("SELECT relkind FROM pg_class WHERE oid = %s::regclass", (table,)).fetchone() == ("r",):
                _add(conn, table, container_id, canary)
    finally:
        conn.execute("RESET session_replication_role")


def _add(conn: Connection, table: str, container_id: int, canary: str) -> None:
    columns = conn.cursor(row_factory=dict_row).execute(
        "SELECT column_name::text AS name, data_type::text AS kind, character_maximum_length AS length"
        " FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s AND is_generated = 'NEVER'",
        (table,),
    )
    given = [column for column in columns if column["name"] not in _EMPTY or table == "relationship_state"]
    row = {column["name"]: _value(table, column, canary) for column in given}
    row["container_id"] = container_id
    names = sql.SQL(", ").join(map(sql.Identifier, row))
    marks = sql.SQL(", ").join(sql.Placeholder() for _ in row)
    conn.execute(sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(sql.Identifier(table), names, marks), list(row.values()))


def _value(table: str, column: Mapping[str, Any], canary: str) -> object:
    given = VALUES.get(f"{table}.{column['name']}")
    if given is not None:
        return given
    if column["kind"] == "uuid":
        return uuid.uuid4()
    return _KINDS.get(column["kind"], canary[: column["length"] or len(canary)])


def enter(conn: Connection, container_id: int, reason: str | None = "why") -> str:
    """Open a scope by hand; return what the transaction carries from then on."""
    conn.execute("SELECT enter_scope(%s, %s)", (container_id, reason))
    return carried(conn)


def carried(conn: Connection) -> str:
    """Return what the transaction carries as its scope."""
    row = conn.execute("SELECT coalesce(current_setting('lectern.scope', true), '')").fetchone()
    assert row is not None
    return str(row[0])


def carry(conn: Connection, value: str) -> None:
    """Claim a scope without having entered it."""
    # so that the transaction has an id, as one inside a scope has
    conn.execute("SELECT pg_current_xact_id(), set_config('lectern.scope', %s, true)", (value,))


def visible(conn: Connection, tables: list[str]) -> dict[str, int]:
    """Return how many rows of each table the connection sees, those with none left out."""
    return {table: rows for table in tables if (rows := count(conn, table))}


def state(conn: Connection, statement: sql.Composed | LiteralString, values: tuple[object, ...] = ()) -> str | None:
    """Run a statement that is taken back; return its SQLSTATE, nothing when it was let pass."""
    try:
        with conn.transaction(force_rollback=True):
            conn.execute(statement, values)
    except psycopg.Error as error:
        return error.sqlstate
    return None
