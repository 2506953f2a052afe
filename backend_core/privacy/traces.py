"""Where words of a conversation must never be found: other tables, log files, lists; and nothing of a run after its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from psycopg import sql
from sqlalchemy import Connection, text

from backend_core.privacy.catalogue import Checked
from backend_core.privacy.log_mark import spilled
from backend_core.privacy.raw import driver, undone
from backend_core.privacy.records import Evidence
from backend_core.privacy.stage import Stage

LARGEST: Final = 20_000
"""Rows of a table that is looked through; a larger one holds things of its own that no run adds to."""

_OTHERS: Final = """
SELECT c.relname::text AS name FROM pg_class c
 WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND c.reltuples <= :largest
   AND has_table_privilege(c.oid, 'SELECT') AND c.relname <> 'audit_event'
   AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'container_id' AND NOT a.attisdropped)
 ORDER BY 1
"""
_LEFT: Final = """
SELECT 'contacts' AS name, count(*) AS rows FROM contacts WHERE synthetic
UNION ALL SELECT 'personas', count(*) FROM personas WHERE synthetic
UNION ALL SELECT 'conversations', count(*) FROM conversations WHERE synthetic
UNION ALL SELECT 'containers', count(*) FROM containers WHERE synthetic
"""


def no_words_in_logs(stage: Stage) -> Checked:
    """Look through what was logged since the run began."""
    words = stage.people.words()
    found = [
        Evidence(
            place=name, did="read the log file", saw=f"the word of {owner}", rows=1, cause=f"Words of a conversation were logged in {name}."
        )
        for owner, name in spilled(stage.mark, words).items()
    ]
    return Checked(len(words), tuple(found))


def no_words_outside_containers(stage: Stage) -> Checked:
    """Look through every other table that this role may read."""
    pattern = "|".join(stage.people.words().values())
    found = []
    with stage.verbs.database.begin("Privacy run: other tables") as conn:
        names = list(conn.execute(text(_OTHERS), {"largest": LARGEST}).scalars())
        for name in names:
            query = sql.SQL("SELECT count(*) FROM {} t WHERE to_jsonb(t)::text ~ {}").format(sql.Identifier(name), sql.Literal(pattern))
            with undone(driver(conn)):
                row: Any = driver(conn).execute(query).fetchone()
            if row[0]:
                cause = f"Words of a conversation stand in {name}, which no scope closes."
                found.append(Evidence(place=name, did=query.as_string(), saw=f"{row[0]} rows", rows=row[0], cause=cause))
    return Checked(len(names), tuple(found))


def made_up_people_are_hidden(stage: Stage) -> Checked:
    """Look for the made-up people in every list that people see."""
    verbs, actor = stage.verbs, stage.actor
    ours = {str(one) for one in (*stage.people.users.values(), *stage.people.personas.values())}
    ours |= {str(place.container.conversation_id) for place in stage.people.places.values()}
    lists: dict[str, Callable[[], Any]] = {
        "contacts": lambda: verbs.people.contacts("Made-up", actor=actor),
        "contacts by phone": lambda: verbs.people.contacts(stage.people.phone("ana"), actor=actor),
        "personas": lambda: verbs.people.personas(actor=actor),
        "conversations": lambda: verbs.conversations.listing(actor=actor, limit=500),
        "conversations by name": lambda: verbs.conversations.listing(actor=actor, query="Made-up"),
    }
    found = []
    for name, listed in lists.items():
        shown = [str(row.id) for row in listed() if str(row.id) in ours]
        if shown:
            cause = f"The list of {name} shows people whom a privacy run made up."
            found.append(Evidence(place=name, did="list", saw=f"{len(shown)} rows", rows=len(shown), cause=cause))
    return Checked(len(lists), tuple(found))


def left_behind(conn: Connection) -> Checked:
    """Look for anything made up after its removal."""
    rows = conn.execute(text(_LEFT)).all()
    found = [
        Evidence(place=row.name, did=_LEFT, saw=f"{row.rows} rows", rows=row.rows, cause=f"Made-up rows are left in {row.name}.")
        for row in rows
        if row.rows
    ]
    return Checked(len(rows), tuple(found))


TRACE_CASES: Final[Mapping[str, Callable[[Stage], Checked]]] = {
    one.__name__: one for one in (no_words_outside_containers, no_words_in_logs, made_up_people_are_hidden)
}
