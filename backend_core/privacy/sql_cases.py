"""Rules that plain SQL tries to break: no scope, a forged, replayed or borrowed one, a forgotten condition, a write elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql

from backend_core.privacy.catalogue import Checked
from backend_core.privacy.contexts import D1, D2, GA
from backend_core.privacy.people import closed_tables
from backend_core.privacy.raw import Driver, driver, refusal, undone
from backend_core.privacy.records import Evidence
from backend_core.privacy.stage import Stage

REFUSED: Final = "LS001"
DENIED: Final = "42501"
_ENTER: Final[LiteralString] = "SELECT enter_scope(%s, %s)"
_SET: Final[LiteralString] = "SELECT set_config('lectern.scope', %s, true), pg_current_xact_id()"
_GET: Final[LiteralString] = "SELECT current_setting('lectern.scope', true)"
_SEES: Final[LiteralString] = "SELECT count(*) FROM memories WHERE container_id = ANY(%s)"


def _wrong(place: str, did: str, saw: object, cause: str, rows: int = 1) -> Evidence:
    return Evidence(place=place, did=did, saw=str(saw)[:300], rows=rows, cause=cause)


def _one(conn: Driver, statement: LiteralString | sql.Composed, *values: object) -> Any:
    row = conn.execute(statement, values or None).fetchone()
    return None if row is None else row[0]


def no_scope_no_rows(stage: Stage) -> Checked:
    """Ask every table with a container without a scope whether it has a row."""
    found = []
    with stage.verbs.database.begin("Privacy run: no scope") as conn:
        for one in closed_tables():
            query = sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(one.name))
            with undone(driver(conn)):
                saw = _one(driver(conn), query)
            if saw is not False:
                found.append(_wrong(one.name, query.as_string(), saw, f"{one.name} shows rows to whoever opened no conversation."))
    return Checked(len(closed_tables()), tuple(found))


def without_where_isolated(stage: Stage) -> Checked:
    """Ask every table, with a scope and without a condition, for a row of another container."""
    found, probes = [], 0
    for code in (D1, GA):
        number = stage.place(code).number
        with stage.open(code) as memory:
            conn = driver(memory.scope.conn)
            for one in closed_tables():
                query = sql.SQL("SELECT EXISTS (SELECT FROM {} WHERE container_id <> {})")
                made = query.format(sql.Identifier(one.name), sql.Literal(number))
                probes += 1
                if _one(conn, made) is not False:
                    cause = f"Without its condition a query on {one.name} returns other conversations."
                    found.append(_wrong(f"{code}: {one.name}", made.as_string(), "a row of another container", cause))
    return Checked(probes, tuple(found))


def forged_scope_is_nothing(stage: Stage) -> Checked:
    """Write the setting of a scope by hand."""
    numbers = list(stage.people.numbers)
    forms = [
        f"{numbers[0]}",
        f"{numbers[0]}.",
        f"{numbers[0]}.{'0' * 64}",
        f"{numbers[0]}.{'f' * 64}",
        "",
        "*",
        "%",
        f"{numbers[0]} OR true",
    ]
    found = []
    with stage.verbs.database.begin("Privacy run: forged scope") as conn:
        for form in forms:
            saw = _seen_with(driver(conn), form, numbers)
            if saw:
                found.append(_wrong("memories", f"set lectern.scope to {form!r}", f"{saw} rows", "A scope can be made by hand.", saw))
    return Checked(len(forms), tuple(found))


def _seen_with(conn: Driver, scope: str, numbers: list[int]) -> int:
    with undone(conn):
        conn.execute(_SET, (scope,))
        return int(_one(conn, _SEES, numbers) or 0)


def _lent(stage: Stage, code: str) -> str:
    with stage.open(code) as memory:
        return str(_one(driver(memory.scope.conn), _GET))


def replayed_scope_is_nothing(stage: Stage) -> Checked:
    """Use a scope again after its transaction."""
    used = _lent(stage, D1)
    with stage.verbs.database.begin("Privacy run: replayed scope") as conn:
        saw = _seen_with(driver(conn), used, list(stage.people.numbers))
    did = "set lectern.scope to that of an ended transaction"
    found = [_wrong("memories", did, f"{saw} rows", "A used scope opens its conversation again.", saw)] if saw else []
    return Checked(1, tuple(found))


def borrowed_scope_is_nothing(stage: Stage) -> Checked:
    """Use a scope in another session while its owner still works."""
    with stage.open(D1) as memory, stage.verbs.database.begin("Privacy run: borrowed scope") as conn:
        given = str(_one(driver(memory.scope.conn), _GET))
        saw = _seen_with(driver(conn), given, list(stage.people.numbers))
    did = "set lectern.scope to that of another session"
    found = [_wrong("memories", did, f"{saw} rows", "A scope works in a session that did not open it.", saw)] if saw else []
    return Checked(1, tuple(found))


def _state(conn: Driver, statement: LiteralString | sql.Composed, *values: object) -> str:
    """Return the SQLSTATE that a statement, which is taken back, was refused with; empty when it was let pass."""
    try:
        with undone(conn):
            conn.execute(statement, values or None)
    except psycopg.Error as error:
        return refusal(error)
    return ""


def _refused(place: str, tries: Mapping[str, str], state: str, cause: str) -> Checked:
    found = [_wrong(place, did, saw or "let pass", cause) for did, saw in tries.items() if not saw.startswith(state)]
    return Checked(len(tries), tuple(found))


def one_scope_per_transaction(stage: Stage) -> Checked:
    """Open a second conversation inside the first."""
    tries = {}
    with stage.open(D1) as memory:
        for code in (D2, GA):
            tries[f"open {code} inside D1"] = _state(driver(memory.scope.conn), _ENTER, stage.place(code).number, stage.reason)
    return _refused("enter_scope", tries, REFUSED, "One transaction can see two conversations.")


def scope_ends_with_transaction(stage: Stage) -> Checked:
    """Look again on the same connection after the transaction that opened a conversation."""
    number = stage.place(D1).number
    with stage.verbs.database.engine.connect() as conn:
        with conn.begin():
            driver(conn).execute(_ENTER, (number, stage.reason))
        with conn.begin():
            driver(conn).execute("SELECT pg_current_xact_id()")
            saw = int(_one(driver(conn), _SEES, list(stage.people.numbers)) or 0)
    found = [_wrong("memories", "query after COMMIT", f"{saw} rows", "A scope outlives its transaction.", saw)] if saw else []
    return Checked(1, tuple(found))


def foreign_write_is_refused(stage: Stage) -> Checked:
    """Move own rows into another conversation, and add a row there."""
    other = stage.place(GA).number
    tries: dict[str, str] = {}
    with stage.open(D1) as memory:
        conn = driver(memory.scope.conn)
        for one in closed_tables():
            if _one(conn, sql.SQL("SELECT EXISTS (SELECT FROM {})").format(sql.Identifier(one.name))):
                move = sql.SQL("UPDATE {} SET container_id = {}").format(sql.Identifier(one.name), sql.Literal(other))
                tries[move.as_string()] = _state(conn, move)
        for name, statement in _ADDED.items():
            tries[f"add to {name} of another container"] = _state(conn, statement, other)
    return _refused("another container", tries, DENIED, "A conversation can write into another one.")


_ADDED: Final[dict[str, LiteralString]] = {
    "memories": "INSERT INTO memories (container_id, turn, text, content_hash) VALUES (%s, -7, 'x', '\\x00')",
    "boundaries": "INSERT INTO boundaries (container_id, kind, topic, topic_key, set_by) VALUES (%s, 'hide', 'x', 'x', 'x')",
}


def scope_needs_a_reason(stage: Stage) -> Checked:
    """Open a conversation without saying why."""
    number = stage.place(D1).number
    with stage.verbs.database.begin("Privacy run: no reason") as conn:
        tries = {f"enter_scope with reason {why!r}": _state(driver(conn), _ENTER, number, why) for why in (None, "", "  ")}
    return _refused("enter_scope", tries, REFUSED, "A conversation can be opened without a reason.")


_HIDDEN: Final[tuple[LiteralString, ...]] = (
    "SELECT key FROM scope_key",
    "UPDATE scope_key SET key = '\\x00'",
    "DELETE FROM scope_key",
    "INSERT INTO scope_key (id, key) VALUES (1, '\\x00')",
    "SELECT * FROM scope_writer",
    "SELECT scope_signature('\\x00', 1, pg_current_xact_id())",
    "SELECT record_scope(gen_random_uuid(), 'x', '{}')",
    # a real conversation cannot be passed off as a made-up one, which anybody may remove
    "UPDATE containers SET synthetic = true WHERE false",
)


def scope_key_is_hidden(stage: Stage) -> Checked:
    """Read, replace and use what signs a scope."""
    with stage.verbs.database.begin("Privacy run: key of the scopes") as conn:
        tries = {statement: _state(driver(conn), statement) for statement in _HIDDEN}
    return _refused("scope_key", {str(did): saw for did, saw in tries.items()}, DENIED, "The application can reach what signs a scope.")


SQL_CASES: Final[Mapping[str, Callable[[Stage], Checked]]] = {
    one.__name__: one
    for one in (
        no_scope_no_rows,
        without_where_isolated,
        forged_scope_is_nothing,
        replayed_scope_is_nothing,
        borrowed_scope_is_nothing,
        one_scope_per_transaction,
        scope_ends_with_transaction,
        foreign_write_is_refused,
        scope_needs_a_reason,
        scope_key_is_hidden,
    )
}
