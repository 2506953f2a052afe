"""Sixteen leaks that memory products really had, each as a small change to this program that brings it back.

Where the database alone would still stop it, the change takes that away too: what is brought back is the leak, not only the mistake.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

Edit = tuple[str, str, str]
"""A file, a piece of it that stands there once, and what it becomes."""

CLOSED: Final = "backend_core/db/migrations/closed.py"
SCOPES: Final = "backend_core/db/migrations/versions/0009_scopes.py"
MEMORY: Final = "backend_core/db/migrations/versions/0010_memory.py"
POLICY: Final = 'op.execute(f"CREATE POLICY {table}_scope ON {table} TO {PEOPLE} USING ({scope}) WITH CHECK ({scope})")'
SCOPE: Final = 'scope = "container_id = (SELECT scope_id())"'


CONTAINERS: Final = "backend_core/scopes/containers.py"
FOUND: Final = "conn.execute(_query().where(_condition(conn, where)))"
FIRST: Final = FOUND[:-1] + ".order_by(containers.c.id).limit(1))"
SEEN: Final = POLICY.replace("USING ({scope})", "USING ({seen})")


def policies(using: str, *, only: str) -> Edit:
    """Return the change that lets a condition other than the scope decide which rows of one table are seen."""
    return (CLOSED, POLICY, f'seen = "{using}" if table == "{only}" else scope\n    {SEEN}')


@dataclass(frozen=True, slots=True)
class Leak:
    """One leak.

    Attributes:
        story: what went wrong elsewhere.
        tests: those below ``tests/privacy`` that look for it.
        live: whether the suite that runs on a live database sees it, too.
    """

    id: str
    story: str
    edits: tuple[Edit, ...]
    tests: tuple[str, ...]
    live: bool = True


LEAKS: Final = (
    Leak(
        "L1",
        "one way to search lacked the filter its siblings had",
        (
            policies("true", only="postings"),
            ("backend_core/memory/search.py", " WHERE p.container_id = :container AND p.term = ANY(:terms)", " WHERE p.term = ANY(:terms)"),
        ),
        ("test_ni.py",),
    ),
    Leak(
        "L2",
        "no group meant every group",
        ((CLOSED, SCOPE, 'scope = "container_id = coalesce((SELECT scope_id()), container_id)"'),),
        ("test_raw_sql.py",),
    ),
    Leak(
        "L3",
        "one client for everybody was pointed at another group while the first was writing",
        (
            (SCOPES, "TABLES: Final = (\n", 'TABLES: Final = (\n    "CREATE SEQUENCE scope_shared",\n'),
            (SCOPES, "    RETURN named;\n", "    RETURN (SELECT last_value FROM public.scope_shared);\n"),
            (
                SCOPES,
                "    PERFORM set_config('lectern.scope', enter_scope.container",
                "    PERFORM setval('public.scope_shared', enter_scope.container);\n"
                "    PERFORM set_config('lectern.scope', enter_scope.container",
            ),
        ),
        ("test_interleavings.py",),
        live=False,
    ),
    Leak(
        "L4",
        "a name was looked up as the beginning of names",
        (
            (
                CONTAINERS,
                "containers.c.chat_guid == chat_guid(where.guid)",
                'containers.c.chat_guid.like(chat_guid(where.guid) + "%")',
            ),
            (CONTAINERS, f"    row = {FOUND}.one_or_none()\n", f"    row = {FIRST}.one_or_none()\n"),
            (CONTAINERS, f"    found = {FOUND}.one_or_none()\n", f"    found = {FIRST}.one_or_none()\n"),
        ),
        ("test_tags.py",),
    ),
    Leak(
        "L5",
        "a list and a clearing matched the beginning of a label, a single look-up the whole",
        (
            (
                CLOSED,
                SCOPE,
                'scope = (\n        "container_id IN (SELECT c.id FROM containers c JOIN containers own ON starts_with(c.tag, own.tag)"\n'
                '        " WHERE own.id = (SELECT scope_id()))"\n    )',
            ),
        ),
        ("test_tags.py",),
    ),
    Leak(
        "L6",
        "to delete everything of one person wiped everybody",
        (
            (CLOSED, POLICY, POLICY + '\n    op.execute(f"CREATE POLICY {table}_wipe ON {table} FOR DELETE TO {PEOPLE} USING (true)")'),
            (
                "backend_core/memory/purge.py",
                "delete(store).where(store.c.container_id == scope.container_id, which)",
                "delete(store) if which is not None else delete(store).where(store.c.container_id == scope.container_id)",
            ),
        ),
        ("test_forgetting.py",),
    ),
    Leak(
        "L7",
        "what was deleted was still found",
        (
            (
                "backend_core/memory/rows.py",
                "COUNTS: Final = (memories.c.forgotten_at.is_(None), ",
                "COUNTS: Final = (memories.c.text.is_not(None), ",
            ),
            ("backend_core/memory/forget.py", "    unindex(scope.conn, scope.container_id, list(found.memories))\n", ""),
        ),
        ("test_forgetting.py",),
    ),
    Leak(
        "L8",
        "lists, exports and imports asked nobody who they were",
        (
            ("backend_core/policy.py", '        "memory.open", "memory.read", "memory.export", "reply.preview", "safety.review",\n', ""),
            ("backend_core/policy.py", '    "memory.read": _WORKERS,\n', '    "memory.read": _EVERYBODY,\n'),
            ("backend_core/memory/importing.py", "if manifest.container != container.tag:", "if not container.tag:"),
        ),
        ("test_doors.py",),
    ),
    Leak(
        "L9",
        "a memory was read by its id, whosever it was",
        (
            policies("true", only="memories"),
            (
                "backend_core/memory/writing.py",
                "select(*FIELDS).where(memories.c.container_id == container_id, memories.c.id == memory_id)",
                "select(*FIELDS).where(memories.c.id == memory_id)",
            ),
        ),
        ("test_ni.py", "test_catalogue.py"),
    ),
    Leak(
        "L10",
        "the filter named the wrong field and so was none",
        (policies("conversation_id = conversation_id", only="messages"),),
        ("test_raw_sql.py", "test_where.py"),
    ),
    Leak(
        "L11",
        "what was said in a group came up in private, and the other way round",
        (
            (CONTAINERS, "select, table\n", "or_, select, table, text\n"),
            (
                CONTAINERS,
                '    return and_(containers.c.kind == "direct", containers.c.user_id == user,'
                " containers.c.persona_id == persona_slug(where.persona))\n",
                '    shared = text("conversation_id IN (SELECT conversation_id FROM memberships WHERE user_id = :who)")\n'
                "    own = and_(containers.c.user_id == user, containers.c.persona_id == persona_slug(where.persona))\n"
                "    return or_(shared.bindparams(who=user), own)\n",
            ),
            (CONTAINERS, f"    row = {FOUND}.one_or_none()\n", f"    row = {FIRST}.one_or_none()\n"),
            (CONTAINERS, f"    found = {FOUND}.one_or_none()\n", f"    found = {FIRST}.one_or_none()\n"),
        ),
        ("test_scenarios.py",),
    ),
    Leak(
        "L12",
        "an answer was kept for the next who asks the same",
        (
            ("backend_core/memory/scoped.py", "Position = tuple[", "_ANSWERS: dict[object, tuple[Hit, ...]] = {}\nPosition = tuple["),
            (
                "backend_core/memory/scoped.py",
                "        return search(self._conn, self._id, question, ranking=self.ranking)\n",
                "        key = (query, limit, mode)\n        if key not in _ANSWERS:\n"
                "            _ANSWERS[key] = search(self._conn, self._id, question, ranking=self.ranking)\n        return _ANSWERS[key]\n",
            ),
        ),
        ("test_ni.py",),
    ),
    Leak(
        "L13",
        "the same text was kept once for all, so that its owner gave itself away",
        (
            (
                MEMORY,
                '"CREATE INDEX idx_memory_content ON memories (container_id, content_hash)"',
                '"CREATE UNIQUE INDEX idx_memory_content ON memories (content_hash)"',
            ),
        ),
        ("test_catalogue.py", "test_ni.py"),
    ),
    Leak(
        "L14",
        "a name made for it was taken for an internal one",
        (
            (
                SCOPES,
                "NEW.tag := 'group_' || NEW.chat_guid;",
                "NEW.tag := CASE WHEN starts_with(NEW.chat_guid, 'user_') THEN '' ELSE 'group_' END || NEW.chat_guid;",
            ),
            (SCOPES, "kind = 'group' AND tag = 'group_' || chat_guid)", "kind = 'group' AND tag LIKE '%' || chat_guid)"),
            (
                CONTAINERS,
                'and_(containers.c.kind == "group", containers.c.chat_guid == chat_guid(where.guid))',
                "(containers.c.chat_guid == chat_guid(where.guid)) | (containers.c.tag == where.guid)",
            ),
        ),
        ("test_tags.py",),
    ),
    Leak(
        "L15",
        "forgetting said it was done and left the words in another store",
        (
            (
                "backend_core/memory/purge.py",
                'messages=_remove(scope, messages, messages.c.id.in_(ids["messages"])),',
                'messages=len(ids["messages"]),',
            ),
        ),
        ("test_forgetting.py",),
        live=False,
    ),
    Leak(
        "L16",
        "the nearest of all were looked up first and those of others left out after",
        (
            policies("true", only="memory_vectors"),
            (
                "backend_core/memory/search.py",
                "  FROM memory_vectors\n WHERE container_id = :container AND model = :model\n",
                "  FROM (SELECT * FROM memory_vectors ORDER BY memory_id LIMIT 5) v\n WHERE container_id = :container AND model = :model\n",
            ),
        ),
        ("test_ni.py",),
    ),
)
