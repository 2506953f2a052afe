"""What the database's own catalogue must say for the boundary to hold, whichever tables, views and functions are added later."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, text

from backend_core.db.roles import ADMINISTRATOR, APP, AUDITOR, BACKUP, DIRECTORY, MONITOR, OWNER, SUPPORT
from backend_core.privacy.records import Evidence

SCOPED: Final = "(container_id = ( SELECT scope_id() AS scope_id))"
PEOPLE: Final = frozenset({APP, SUPPORT, ADMINISTRATOR})
BOUND: Final = (OWNER, APP, SUPPORT, ADMINISTRATOR, AUDITOR, MONITOR, DIRECTORY, BACKUP)
"""Roles that policies have to bind."""

DEFINERS: Final = frozenset(
    {
        "enter_scope(integer,text,jsonb)", "scope_id()", "record_scope(uuid,text,jsonb)", "relabel_containers()",
        "erase_audit(text,timestamp with time zone,bigint[],bytea,text,bytea,timestamp with time zone)",
        "lectern_last_sign_in(bigint)", "remove_made_up()",
    }
)  # fmt: skip
"""Functions that may run with their owner's rights: none of them returns a word of what a contact said."""

OPEN_COLUMNS: Final = frozenset(
    {
        "type", "status", "kind", "direction", "sender", "stage", "rule", "category", "action", "provider", "verdict", "note",
        "content_type", "error_code", "error", "correlation_id", "asked_by", "reviewed_by", "counts", "persona_id",
    }
)  # fmt: skip
"""Columns of letters or bytes that the role for lists across containers may read: they say who and how, never what."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What one look at the catalogue found.

    Attributes:
        probes: how many things were looked at.
        found: one per thing that is not as it must be.
    """

    probes: int
    found: tuple[Evidence, ...]


_ROLE: Final = """
SELECT r.rolname::text AS name, r.rolsuper, r.rolbypassrls FROM pg_roles r WHERE r.rolname = current_user OR r.rolname = ANY(:bound)
"""
_REACH: Final = """
SELECT m.name AS role, o.rolname::text AS other FROM unnest(CAST(:roles AS text[])) AS m(name) JOIN pg_roles me ON me.rolname = m.name
  JOIN pg_roles o ON o.rolsuper OR o.rolbypassrls OR o.rolname = ANY(:past)
 WHERE o.rolname <> m.name AND NOT me.rolsuper AND pg_has_role(me.oid, o.oid, 'MEMBER')
"""
_INHERITED: Final = """
SELECT m.name AS role, o.rolname::text AS other FROM unnest(CAST(:roles AS text[])) AS m(name) JOIN pg_roles me ON me.rolname = m.name
  JOIN pg_roles o ON o.rolname = ANY(:readers)
 WHERE NOT me.rolsuper AND pg_has_role(me.oid, o.oid, 'USAGE')
"""
_TABLES: Final = """
SELECT c.oid::integer AS oid, n.nspname::text AS schema, c.relname::text AS name,
       c.relrowsecurity AS closed, c.relforcerowsecurity AS forced
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'container_id' AND NOT a.attisdropped
 WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' ORDER BY 2, 3
"""
_POLICIES: Final = """
SELECT c.relname::text AS table, p.polname::text AS name, p.polpermissive AS permissive, p.polcmd::text AS command,
       pg_get_expr(p.polqual, p.polrelid) AS using, pg_get_expr(p.polwithcheck, p.polrelid) AS checking,
       (SELECT array_agg(coalesce(r.rolname::text, 'public') ORDER BY 1)
          FROM unnest(p.polroles) o LEFT JOIN pg_roles r ON r.oid = o) AS roles
  FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE p.polrelid = ANY(CAST(:tables AS oid[]))
"""
_VIEWS: Final = """
SELECT n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind, r.rolname::text AS owner,
       r.rolsuper OR r.rolbypassrls AS above,
       coalesce(c.reloptions && '{security_invoker=true,security_invoker=on,security_invoker=1}', false) AS invoker
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles r ON r.oid = c.relowner
 WHERE c.relkind IN ('v', 'm') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
"""
_OWNERS: Final = """
SELECT n.nspname::text AS schema, c.relname::text AS name, r.rolname::text AS owner
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles r ON r.oid = c.relowner
 WHERE c.relkind IN ('r', 'p', 'S', 'f') AND (r.rolsuper OR r.rolbypassrls)
   AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
"""
_FUNCTIONS: Final = """
SELECT p.oid::regprocedure::text AS name, r.rolname::text AS owner, r.rolsuper OR r.rolbypassrls AS above,
       coalesce(array_to_string(p.proconfig, ',') LIKE '%search_path=%', false) AS pinned
  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_roles r ON r.oid = p.proowner
 WHERE p.prosecdef AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
"""
_UNIQUE: Final = """
SELECT c.relname::text AS table, x.relname::text AS name FROM pg_index i
  JOIN pg_class c ON c.oid = i.indrelid JOIN pg_class x ON x.oid = i.indexrelid
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'container_id'
 WHERE i.indrelid = ANY(CAST(:tables AS oid[])) AND i.indisunique AND i.indkey[0] <> a.attnum
"""
_FOREIGN: Final = """
SELECT c.relname::text AS table, k.conname::text AS name FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'container_id'
 WHERE k.contype = 'f' AND k.conrelid = ANY(CAST(:tables AS oid[])) AND k.confrelid = ANY(CAST(:tables AS oid[]))
   AND k.conkey[1] <> a.attnum
"""
_KEYS: Final = """
SELECT count(*) FROM pg_constraint k WHERE k.contype IN ('p', 'u', 'f') AND k.conrelid = ANY(CAST(:tables AS oid[]))
"""
_COUNTERS: Final = """
SELECT c.relname::text AS table, a.attname::text AS name FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
 WHERE a.attrelid = ANY(CAST(:tables AS oid[])) AND a.attnum > 0 AND NOT a.attisdropped
   AND (a.attidentity <> '' OR pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%')
"""
_DIRECTORY: Final = """
SELECT c.relname::text AS table, a.attname::text AS name FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
  JOIN pg_type t ON t.oid = a.atttypid
 WHERE a.attrelid = ANY(CAST(:tables AS oid[])) AND a.attnum > 0 AND NOT a.attisdropped
   AND (t.typcategory IN ('S', 'A', 'U') AND t.typname <> 'uuid' OR t.typname IN ('bytea', 'json', 'jsonb'))
   AND has_column_privilege(CAST(:directory AS text), a.attrelid, a.attnum, 'SELECT') AND NOT a.attname = ANY(CAST(:open AS text[]))
"""
_PUBLIC: Final = """
SELECT c.relname::text AS table, g.privilege_type::text AS name FROM pg_class c, aclexplode(c.relacl) g
 WHERE c.oid = ANY(CAST(:tables AS oid[])) AND g.grantee = 0
"""


def _rows(conn: Connection, statement: str, **values: object) -> list[Any]:
    return list(conn.execute(text(statement), values))


def _wrong(place: str, saw: str, cause: str) -> Evidence:
    return Evidence(place=place, did="read the catalogue", saw=saw, cause=cause)


def _checked(probes: int, found: Iterable[Evidence]) -> Checked:
    return Checked(probes, tuple(found))


def acting_as(conn: Connection) -> tuple[str, str]:
    """Return the role that is tested, and the login behind it."""
    row = conn.execute(text("SELECT current_user::text, session_user::text")).one()
    return row[0], row[1]


def own_role(conn: Connection) -> Checked:
    """Look whether policies bind the role that is tested."""
    rows = _rows(conn, _ROLE, bound=[])
    return _checked(len(rows), [_unbound(row) for row in rows if row.rolsuper or row.rolbypassrls])


def _unbound(row: Any) -> Evidence:
    saw = "is a superuser" if row.rolsuper else "has BYPASSRLS"
    return _wrong(row.name, saw, f"No policy binds the role {row.name}: it {saw}.")


def roles(conn: Connection) -> Checked:
    """Look whether policies bind every role of Lectern, and whether none of them may become one that they do not bind."""
    known = _rows(conn, _ROLE, bound=list(BOUND))
    found = [_unbound(row) for row in known if row.rolsuper or row.rolbypassrls]
    people = [*sorted(PEOPLE), AUDITOR, MONITOR, DIRECTORY]
    found += [
        _wrong(row.role, f"may act as {row.other}", f"{row.role} can become {row.other}, which sees every container.")
        for row in _rows(conn, _REACH, roles=people, past=[OWNER, BACKUP])
    ]
    found += [
        _wrong(row.role, f"inherits {row.other}", f"{row.role} has the rights of {row.other} all the time, and with them its policies.")
        for row in _rows(conn, _INHERITED, roles=people[:-1], readers=[DIRECTORY, BACKUP])
    ]
    return _checked(len(known) + len(people), found)


def tables(conn: Connection) -> list[tuple[int, str]]:
    """Return every table of a container: its oid and its name."""
    return [(row.oid, row.name) for row in _rows(conn, _TABLES)]


def row_security(conn: Connection) -> Checked:
    """Look whether every table with a container is closed, for its owner too."""
    rows = _rows(conn, _TABLES)
    found = [
        _wrong(row.name, "row security is off", f"The table {row.name} shows every row to everybody.") for row in rows if not row.closed
    ]
    found += [
        _wrong(row.name, "row security is not forced", f"The owner of {row.name}, and every view it owns, sees every row.")
        for row in rows
        if row.closed and not row.forced
    ]
    return _checked(2 * len(rows), found)


def policies(conn: Connection) -> Checked:
    """Look whether the policies are exactly the ones they should be."""
    names = dict(tables(conn))
    rows = _rows(conn, _POLICIES, tables=list(names))
    found = [_odd(row) for row in rows if not _ours(row)]
    scoped = {row.table for row in rows if _ours(row) and row.command == "*"}
    found += [
        _wrong(name, "no policy for a scope", f"{name} has lost the policy that shows a scope its own rows.")
        for name in sorted(set(names.values()) - scoped)
    ]
    return _checked(len(rows) + len(names), found)


def _ours(row: Any) -> bool:
    if row.command == "*":
        return bool(row.permissive and set(row.roles) == PEOPLE and row.using == SCOPED and row.checking == SCOPED)
    reader = row.command == "r" and row.checking is None and row.using == "true"
    return bool(row.permissive and reader and row.roles in ([DIRECTORY], [BACKUP]))


def _odd(row: Any) -> Evidence:
    words = f"{row.name} to {', '.join(row.roles)}: {row.using or row.checking or ''}"
    return _wrong(row.table, words, f"A policy on {row.table} is not one of Lectern's; it may show rows of other containers.")


def above(conn: Connection) -> Checked:
    """Look for views, functions and tables that run or are read with more rights than whoever uses them."""
    views, functions, owners = _rows(conn, _VIEWS), _rows(conn, _FUNCTIONS), _rows(conn, _OWNERS)
    found = []
    for row in views:
        if row.kind == "m":
            found.append(_wrong(row.name, f"owned by {row.owner}", f"{row.name} is a copy of rows that no policy guards."))
        elif not row.invoker or row.above:
            cause = f"{row.name} runs as definer: it shows what its owner {row.owner} may see."
            found.append(_wrong(row.name, f"owned by {row.owner}, security_invoker {'on' if row.invoker else 'off'}", cause))
    for row in functions:
        if row.name not in DEFINERS or row.above or not row.pinned:
            cause = f"{row.name} runs as definer with the rights of {row.owner}, and is not one of the functions that may."
            found.append(_wrong(row.name, f"owned by {row.owner}, search_path {'set' if row.pinned else 'not set'}", cause))
    found += [_wrong(row.name, f"owned by {row.owner}", f"{row.owner}, who owns {row.name}, is not bound by policies.") for row in owners]
    return _checked(len(views) + len(functions) + 1, found)


def keys(conn: Connection) -> Checked:
    """Look whether every unique and foreign key begins with the container: another one tells by its refusal what is elsewhere."""
    ours = [oid for oid, _ in tables(conn)]
    rows = _rows(conn, _UNIQUE, tables=ours) + _rows(conn, _FOREIGN, tables=ours)
    found = [_wrong(row.table, row.name, f"The key {row.name} spans containers; its refusal tells what another one holds.") for row in rows]
    return _checked(int(_rows(conn, _KEYS, tables=ours)[0][0]), found)


def counters(conn: Connection) -> Checked:
    """Look whether no table of a container counts its rows across all of them: gaps in the numbers would tell."""
    ours = tables(conn)
    rows = _rows(conn, _COUNTERS, tables=[oid for oid, _ in ours])
    found = [_wrong(row.table, row.name, f"{row.table}.{row.name} counts over all containers.") for row in rows]
    return _checked(len(ours), found)


def directory(conn: Connection) -> Checked:
    """Look whether the role that lists across containers can read no words, and everybody else nothing at all."""
    ours = tables(conn)
    oids = [oid for oid, _ in ours]
    rows = _rows(conn, _DIRECTORY, tables=oids, directory=DIRECTORY, open=sorted(OPEN_COLUMNS))
    found = [_wrong(f"{row.table}.{row.name}", f"readable by {DIRECTORY}", f"A list can show {row.table}.{row.name}.") for row in rows]
    found += [
        _wrong(row.table, f"PUBLIC has {row.name}", f"Every login of the server may use {row.table}.")
        for row in _rows(conn, _PUBLIC, tables=oids)
    ]
    return _checked(2 * len(ours), found)
