"""Database: the schema is the one this program was written for, its indexes are there, and nobody overwrites somebody else's work."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection, event

from backend_core.db.migrate import head, include_object
from backend_core.db.schema import metadata
from backend_core.errors import StaleVersion
from backend_core.monitoring.readiness.around import Around
from backend_core.monitoring.readiness.categories import DATABASE
from backend_core.monitoring.readiness.check import HOUR, MINUTE, Check, Finding, failed, judged, listed, passed, unknown

MOST_STATEMENTS: Final = 3
LARGE_TABLE: Final = 10_000

_VERSION: Final = "SELECT coalesce(max(version), 0) FROM house_settings"
_REVISION: Final = "SELECT version_num FROM alembic_version"
_COLUMNS: Final = """
SELECT c.relname::text AS table, a.attname::text AS name, a.attnotnull AS filled
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace
"""
_INDEXES: Final = """
SELECT c.relname::text AS name FROM pg_class c WHERE c.relkind IN ('i', 'I') AND c.relnamespace = 'public'::regnamespace
"""


def schema(around: Around) -> Finding:
    """Compare the revision of the tables with the newest this program knows."""
    found, newest = str(around.link.rows(_REVISION)[0]["version_num"]), head()
    return judged(f"revision {found} of {newest}", good=found == newest)


def drift(around: Around) -> Finding:
    """Compare every table, column and index of the catalogue with the program's own list."""
    there: dict[str, dict[str, bool]] = {}
    for row in around.link.rows(_COLUMNS):
        there.setdefault(row["table"], {})[row["name"]] = row["filled"]
    indexes = {row["name"] for row in around.link.rows(_INDEXES)}
    wrong = [*_differences(there), *_lacking(indexes)]
    tables = len(metadata.tables)
    return listed("fail" if wrong else "pass", f"{len(wrong)} differences in {tables} tables", wrong)


def _differences(there: dict[str, dict[str, bool]]) -> Iterator[tuple[str, str]]:
    for table in metadata.sorted_tables:
        found = there.get(table.name)
        if found is None:
            yield table.name, "the table is missing"
            continue
        for column in table.columns:
            if column.name not in found:
                yield f"{table.name}.{column.name}", "the column is missing"
            elif found[column.name] == column.nullable:
                yield f"{table.name}.{column.name}", "may be empty, or may not, other than declared"
        for name in found.keys() - set(table.columns.keys()):
            yield f"{table.name}.{name}", "a column nobody declared"
    for name in there.keys() - {table.name for table in metadata.sorted_tables}:
        if name != "alembic_version" and include_object(None, name, "table", True, None):  # noqa: FBT003  # Alembic's signature
            yield name, "a table nobody declared"


def _lacking(indexes: set[str]) -> Iterator[tuple[str, str]]:
    for table in metadata.sorted_tables:
        for index in table.indexes:
            if index.name not in indexes:
                yield str(index.name), f"the index on {table.name} is missing"


def declared(around: Around) -> Finding:
    """Look whether each promised index is there, valid, and as declared."""
    rows = around.indexes.declared(actor=around.actor)
    due = [row for row in rows if row.status != "later"]
    if not due:
        return unknown("No index is declared.")
    wrong = [row for row in due if row.status != "present"]
    pairs = [(row.name, f"{row.status}: {row.reason}" if row.reason else row.status) for row in (*wrong, *due) if row in wrong or not wrong]
    return listed("fail" if wrong else "pass", f"{len(due) - len(wrong)} of {len(due)} there, {len(rows) - len(due)} come later", pairs)


def foreign_keys(around: Around) -> Finding:
    """Look for foreign keys that no index serves: removing what they refer to reads the whole table."""
    missing = [row for row in around.indexes.view(actor=around.actor).missing if row.constraint is not None]
    large = [row for row in missing if row.rows > LARGE_TABLE]
    pairs = [(f"{row.table} ({', '.join(row.columns)})", f"about {max(0, row.rows)} rows, {row.constraint}") for row in missing]
    return listed("fail" if large else "pass", f"{len(large)} on large tables, {len(missing)} in all", pairs)


def listing(around: Around) -> Finding:
    """Count the statements that one page of the document list takes."""
    with counted(around.database.engine) as statements:
        page = around.documents.listing(actor=around.actor, limit=200)
    value = f"{len(statements)} statements for {len(page.rows)} documents"
    return judged(value, good=len(statements) <= MOST_STATEMENTS, rows=len(page.rows))


@contextmanager
def counted(engine: Any) -> Iterator[list[str]]:
    """Collect the statements this thread runs meanwhile."""
    mine, found = threading.get_ident(), list[str]()

    def note(_conn: object, _cursor: object, statement: str, _values: object, _context: object, _many: object) -> None:
        if threading.get_ident() == mine:
            found.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


def stale_write(around: Around) -> Finding:
    """Write the house settings as somebody would who read them before they were changed; the transaction is rolled back."""
    with around.undone() as conn:
        return _stale_write(around, conn)
    return failed("the probe ended early")


def _stale_write(around: Around, conn: Connection) -> Finding:
    write, actor = around.parts.write_house, around.actor
    # whatever is stored, a version far ahead is where two people who read the same one would be
    first = conn.exec_driver_sql(_VERSION).scalar_one()
    now = write(conn, {"warning_days": 7}, version=first, actor=actor).version
    try:
        again = write(conn, {"warning_days": 9}, version=first, actor=actor)
    except StaleVersion:
        return passed("the second writer is refused", first=first, second=now)
    return failed("the second writer overwrote the first", version=again.version)


CHECKS: Final = (
    Check(
        id="schema.head",
        title="The tables are of this version",
        about="The revision of the database is the newest this program knows; otherwise `lecternctl migrate` was not run.",
        category=DATABASE,
        threshold="the newest revision",
        source="alembic_version",
        run=schema,
        weight=2,
        gate=True,
        page="database",
        target="migrations",
    ),
    Check(
        id="schema.drift",
        title="Nobody changed the tables by hand",
        about="Tables, columns and indexes of the catalogue are compared with the program's own list.",
        category=DATABASE,
        threshold="no difference",
        source="catalogue of the database",
        run=drift,
        weight=2,
        limit_s=HOUR,
        every_s=5 * MINUTE,
        page="database",
        target="migrations",
    ),
    Check(
        id="indexes.declared",
        title="The promised indexes are there",
        about="Each index that the original's migration promised is there, valid and as declared; those of tables to come are named.",
        category=DATABASE,
        threshold="none missing, invalid or different",
        source="catalogue of the database",
        run=declared,
        weight=2,
        page="database",
        target="indexes",
    ),
    Check(
        id="indexes.foreign_keys",
        title="Foreign keys have an index",
        about="Without one, removing a row that others refer to reads their whole table. Small tables do not matter.",
        category=DATABASE,
        threshold=f"none without on tables over {LARGE_TABLE:,} rows",
        source="catalogue of the database",
        run=foreign_keys,
        limit_s=HOUR,
        every_s=10 * MINUTE,
        page="database",
        target="indexes",
    ),
    Check(
        id="documents.statements",
        title="A list takes few statements",
        about="One page of the document list is read while its statements are counted: their number must not grow with the documents.",
        category=DATABASE,
        threshold=f"at most {MOST_STATEMENTS}",
        source="live read of the document list",
        run=listing,
        limit_s=HOUR,
        every_s=10 * MINUTE,
        page="database",
        target="statements",
    ),
    Check(
        id="locking.stale_write",
        title="Nobody overwrites somebody else",
        about="Two people read the same settings and both write: in a transaction that is rolled back the second one must be refused.",
        category=DATABASE,
        threshold="the second writer is refused",
        source="live probe, rolled back",
        run=stale_write,
        weight=2,
        gate=True,
        limit_s=HOUR,
        every_s=10 * MINUTE,
        page="settings",
    ),
)
