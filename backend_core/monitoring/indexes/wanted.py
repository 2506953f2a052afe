"""The statement by which a person asks for an index: taken apart, so that it is that and nothing else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from backend_core.errors import InvalidInput

LONGEST: Final = 4_000
_WORD: Final = r'(?:[A-Za-z_]\w*|"(?:[^"]|"")+")'
_CREATE: Final = re.compile(
    rf"\s*CREATE\s+(?P<unique>UNIQUE\s+)?INDEX\s+(?:CONCURRENTLY\s+)?(?P<name>{_WORD})\s+"
    rf"ON\s+(?P<table>{_WORD}(?:\s*\.\s*{_WORD})?)\s*(?P<rest>(?:USING\s+\w+\s*)?\(.*\).*?)\s*;?\s*",
    re.IGNORECASE | re.DOTALL,
)
_TEXTS: Final = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
_PART: Final = re.compile(_WORD)


@dataclass(frozen=True, slots=True)
class Wanted:
    """An index somebody wants.

    Attributes:
        name, schema, table: without quotes; no schema means ``public``.
        plain: the statement for a transaction; ``concurrently`` the one that lets writers go on.
    """

    name: str
    schema: str
    table: str
    plain: str
    concurrently: str
    partial: bool


def parse(statement: str) -> Wanted:
    """Return what a statement ``CREATE INDEX name ON table (…)`` asks for.

    Raises:
        InvalidInput: it is something else, more than that, or would make a unique index.
    """
    found = _CREATE.fullmatch(statement)
    if found is None or len(statement) > LONGEST:
        raise InvalidInput("Write one statement: CREATE INDEX name ON table (columns), with at most 4,000 characters.")
    rest = _TEXTS.sub("''", found["rest"])
    if ";" in rest or "--" in rest or "/*" in rest or "$" in rest:
        raise InvalidInput("Only one statement, without comments.")
    if found["unique"]:
        raise InvalidInput("A unique index changes what may be stored; that is for a migration.")
    parts = [_plain(part) for part in _PART.findall(found["table"])]
    schema, table = parts if len(parts) > 1 else ["public", *parts]
    where = f"ON {found['table']} {found['rest']}"
    return Wanted(
        name=_plain(found["name"]),
        schema=schema,
        table=table,
        plain=f"CREATE INDEX {found['name']} {where}",
        concurrently=f"CREATE INDEX CONCURRENTLY {found['name']} {where}",
        partial=bool(re.search(r"\bWHERE\b", rest, re.IGNORECASE)),
    )


def _plain(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
