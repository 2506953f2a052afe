"""Takes the program's own ``container_id = ...`` conditions out of every statement, so that only the database keeps containers apart."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

_COLUMN = r"(?:\b\w+\.)?\bcontainer_id\b"
_VALUE = r"(?:%\(\w+\)s|%s|\$\d+|(?:\b\w+\.)?\bcontainer_id\b|\(\s*SELECT\s+scope_id\(\)\s*\)|scope_id\(\))(?:::\w+)?"
_EITHER = re.compile(rf"{_COLUMN}\s*=\s*(?P<value>{_VALUE})|(?P<first>%\(\w+\)s)(?:::\w+)?\s*=\s*{_COLUMN}", re.IGNORECASE)
_ASSIGNED = re.compile(r"\b(?:SET|,)\s*$", re.IGNORECASE)


def without_container(statement: str) -> tuple[str, int]:
    """Return a statement whose conditions on ``container_id`` always hold, and how many there were.

    >>> without_container("SELECT 1 FROM m WHERE m.container_id = %(c)s AND x = 1")
    ('SELECT 1 FROM m WHERE (true) AND x = 1', 1)
    >>> without_container("SELECT 1 FROM m JOIN t ON t.container_id = m.container_id WHERE container_id = %s")
    ('SELECT 1 FROM m JOIN t ON (true) WHERE (%s::text IS NOT NULL OR true)', 2)
    >>> without_container("UPDATE m SET container_id = %(c)s")
    ('UPDATE m SET container_id = %(c)s', 0)
    """
    count = 0

    def always(match: re.Match[str]) -> str:
        nonlocal count
        if _ASSIGNED.search(statement[: match.start()]):
            return match[0]
        count += 1
        # a positional value still has to be taken
        return "(%s::text IS NOT NULL OR true)" if "%s" in (match["value"] or "") else "(true)"

    return _EITHER.sub(always, statement), count


@contextlib.contextmanager
def stripping(engine: sa.Engine) -> Iterator[list[str]]:
    """Strip every statement of ``engine`` in the body; the list receives those in which a condition was found."""
    found: list[str] = []

    def strip(_conn: sa.Connection, _cursor: object, statement: str, parameters: Any, _context: object, _many: bool) -> tuple[str, Any]:
        changed, count = without_container(statement)
        if count:
            found.append(changed)
        return changed, parameters

    sa.event.listen(engine, "before_cursor_execute", strip, retval=True)
    try:
        yield found
    finally:
        sa.event.remove(engine, "before_cursor_execute", strip)
