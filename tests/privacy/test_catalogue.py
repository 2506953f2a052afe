"""What the catalogue of a migrated database must say, whichever tables are added later; each rule is shown to notice its breach."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import sql

from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import APP, OWNER, REQUIRED_ROLES
from tests.privacy.raw import Connection, as_superuser, closed_tables

# what each role may be let through by; anything wider is a hole
SCOPED = "(container_id = ( SELECT scope_id() AS scope_id))"
READERS = {"lectern_directory", "lectern_backup"}


def unforced(conn: Connection) -> list[str]:
    """Return the tables of containers whose row security is off, or does not bind their owner."""
    query = """
        SELECT relname::text FROM pg_class
         WHERE oid = %s::regclass AND relkind IN ('r', 'p') AND NOT (relrowsecurity AND relforcerowsecurity)
    """
    return [row[0] for table in closed_tables(conn) for row in conn.execute(query, (table,))]


def wide_policies(conn: Connection) -> list[tuple[str, str]]:
    """Return the policies on tables of containers that let anybody but the two readers of metadata past a scope."""
    query = """
        SELECT polname::text, polpermissive, polcmd::text, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid),
               (SELECT array_agg(coalesce(r.rolname::text, 'public')) FROM unnest(polroles) o LEFT JOIN pg_roles r ON r.oid = o)
          FROM pg_policy WHERE polrelid = %s::regclass AND polpermissive
    """
    wide = []
    for table in closed_tables(conn):
        for name, _permissive, command, using, check, roles in conn.execute(query, (table,)).fetchall():
            reads_metadata = set(roles) <= READERS and command == "r"
            if not reads_metadata and {expression for expression in (using, check) if expression is not None} != {SCOPED}:
                wide.append((table, name))
    return wide


def without_policy(conn: Connection) -> list[str]:
    """Return the tables of containers that have no policy for the application, and so could not be used at all."""
    query = "SELECT 1 FROM pg_policy WHERE polrelid = %s::regclass AND %s::regrole = ANY(polroles)"
    kind = "SELECT 1 FROM pg_class WHERE oid = %s::regclass AND relkind IN ('r', 'p')"
    tables = [table for table in closed_tables(conn) if conn.execute(kind, (table,)).fetchone()]
    return [table for table in tables if conn.execute(query, (table, APP)).fetchone() is None]


def loose_objects(conn: Connection) -> list[tuple[str, str]]:
    """Return relations and functions that run with more rights than their caller and are not made safe for it."""
    relations = """
        SELECT 'relation', c.relname::text FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm', 'S') AND (r.rolsuper OR r.rolbypassrls)
        UNION ALL
        SELECT 'view', c.relname::text FROM pg_class c
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'v'
           AND NOT coalesce(c.reloptions @> '{security_invoker=true}' OR c.reloptions @> '{security_invoker=on}', false)
        UNION ALL
        SELECT 'materialized view', c.relname::text FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'm'
    """
    functions = """
        SELECT 'function', p.proname::text FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner
         WHERE p.pronamespace = 'public'::regnamespace
           -- a session's own types come first where its schema is not named last
           AND (r.rolsuper OR r.rolbypassrls
                OR p.prosecdef AND p.prolang <> (SELECT oid FROM pg_language WHERE lanname = 'sql')
                   AND NOT coalesce(array_to_string(p.proconfig, ';') ~ 'search_path=[^;]*, pg_temp(;|$)', false)
                OR p.prosecdef AND NOT coalesce(array_to_string(p.proconfig, ';') ~ 'search_path=', false))
           -- what an extension brings is not ours, and runs with the caller's rights
           AND NOT (NOT p.prosecdef AND EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e'))
    """
    return [tuple(row) for query in (relations, functions) for row in conn.execute(query.encode())]


def loose_keys(conn: Connection) -> list[tuple[str, str]]:
    """Return unique indexes and foreign keys between tables of containers that do not start with the container.

    A key that does not would tell by its refusal what another container holds.
    """
    unique = """
        SELECT c.relname::text, x.relname::text
          FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'container_id'
         WHERE c.relnamespace = 'public'::regnamespace AND i.indisunique AND i.indkey[0] <> a.attnum
    """
    foreign = """
        SELECT c.relname::text, k.conname::text FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'container_id'
         WHERE k.contype = 'f' AND k.conkey[1] <> a.attnum
           AND EXISTS (SELECT FROM pg_attribute t WHERE t.attrelid = k.confrelid AND t.attname = 'container_id')
    """
    return [tuple(row) for query in (unique, foreign) for row in conn.execute(query.encode())]


@contextlib.contextmanager
def changed(server: EmbeddedServer, *statements: str, role: str = "lectern_owner") -> Iterator[Connection]:
    """Change the schema in a transaction that is taken back."""
    with psycopg.connect(server.admin_dsn) as conn:
        conn.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
        for statement in statements:
            conn.execute(statement.encode())
        conn.execute("RESET ROLE")
        yield conn
        conn.rollback()


@pytest.mark.trace("B64")
def test_every_table_with_container_id_has_forced_rls(server: EmbeddedServer) -> None:
    with as_superuser(server) as conn:
        assert len(closed_tables(conn)) >= 12
        assert unforced(conn) == []
        assert wide_policies(conn) == []
        assert without_policy(conn) == []


@pytest.mark.parametrize(
    "breach",
    [
        "ALTER TABLE memories DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE postings NO FORCE ROW LEVEL SECURITY",
        "CREATE TABLE diary (container_id int)",
        "CREATE POLICY wide ON messages TO lectern_app USING (true)",
        "CREATE POLICY everybody ON messages FOR SELECT USING (container_id > 0)",
        "CREATE POLICY lenient ON boundaries FOR INSERT TO lectern_app WITH CHECK (true)",
    ],
)
def test_a_table_that_row_security_does_not_close_is_found(server: EmbeddedServer, breach: str) -> None:
    with changed(server, breach) as conn:
        assert unforced(conn) or wide_policies(conn)


def test_a_table_that_lost_its_policy_is_found(server: EmbeddedServer) -> None:
    with as_superuser(server) as conn:
        names = conn.execute("SELECT polname::text FROM pg_policy WHERE polrelid = 'memories'::regclass").fetchall()
    with changed(server, *(f"DROP POLICY {name} ON memories" for (name,) in names)) as conn:
        assert without_policy(conn) == ["memories"]


@pytest.mark.trace("B64")
def test_no_superuser_owned_view_or_definer_function(server: EmbeddedServer) -> None:
    with as_superuser(server) as conn:
        assert loose_objects(conn) == []


@pytest.mark.parametrize(
    ("breach", "role"),
    [
        ("CREATE VIEW everything AS SELECT * FROM memories", "lectern_owner"),
        ("CREATE VIEW everything WITH (security_invoker = true) AS SELECT * FROM memories", "lectern_admin"),
        ("CREATE MATERIALIZED VIEW everything AS SELECT * FROM memories", "lectern_owner"),
        ("CREATE FUNCTION everything() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM memories'", "lectern_owner"),
        ("CREATE FUNCTION everything() RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'", "lectern_admin"),
        (
            "CREATE FUNCTION everything() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public"
            " AS 'BEGIN RETURN 1; END'",
            "lectern_owner",
        ),
    ],
)
def test_an_object_that_runs_with_more_rights_than_its_caller_is_found(server: EmbeddedServer, breach: str, role: str) -> None:
    with changed(server, breach, role=role) as conn:
        assert [name for _kind, name in loose_objects(conn)] == ["everything"]


@pytest.mark.trace("B64")
def test_unique_and_fk_start_with_container_id(server: EmbeddedServer) -> None:
    with as_superuser(server) as conn:
        assert loose_keys(conn) == []


@pytest.mark.parametrize(
    "breach",
    [
        "CREATE UNIQUE INDEX breach ON memories (id, content_hash)",
        "ALTER TABLE photos ADD CONSTRAINT breach UNIQUE (attachment_guid)",
        "CREATE UNIQUE INDEX other ON messages (id); ALTER TABLE messages ADD CONSTRAINT breach UNIQUE USING INDEX other;"
        " ALTER TABLE reminders ADD CONSTRAINT pointing FOREIGN KEY (source_message_id) REFERENCES messages (id)",
    ],
)
def test_a_key_that_spans_containers_is_found(server: EmbeddedServer, breach: str) -> None:
    with changed(server, *breach.split(";")) as conn:
        assert loose_keys(conn) != []


@pytest.mark.trace("B64")
def test_no_role_of_the_program_is_above_the_policies(server: EmbeddedServer) -> None:
    with as_superuser(server) as conn:
        query = "SELECT rolname::text FROM pg_roles WHERE rolname = ANY(%s) AND (rolsuper OR rolbypassrls)"
        assert conn.execute(query, ([*REQUIRED_ROLES, "lectern_directory", "lectern_backup"],)).fetchall() == []
        # nor may the application become anybody who owns the tables or reads past them
        for role in (OWNER, "lectern_backup", "lectern_admin"):
            assert conn.execute("SELECT pg_has_role(%s, %s, 'SET')", (APP, role)).fetchone() == (False,)
