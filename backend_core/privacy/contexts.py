"""Who looks, whose memory is looked at, and by which operations: the axes of the matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from backend_core.privacy.records import Expected


@dataclass(frozen=True, slots=True)
class Context:
    """A place from which memory is seen, played by made-up people.

    Attributes:
        code: short name in the matrix.
        title: who it is.
        about: one sentence.
    """

    code: str
    title: str
    about: str


D1, D2, D3, GA, GB, GC, NONE, ADMIN = "D1", "D2", "D3", "GA", "GB", "GC", "NONE", "ADMIN"

CONTEXTS: Final = (
    Context(D1, "Ana with Sage", "Ana, alone with the persona Sage."),
    Context(D2, "Ana with Milo", "Ana again, alone with another persona."),
    Context(D3, "Ben with Sage", "Another person, alone with the persona that Ana talks to."),
    Context(GA, "Flat share", "A group with Ana and Ben."),
    Context(GB, "Party plan", "Another group with Ana, and with Cleo."),
    Context(GC, "Book club", "A group that has no member in common with the others."),
    Context(NONE, "No scope", "A program that opened no scope; as an owner: words that somebody tried to keep without one."),
    Context(ADMIN, "With reason", "An administrator who gives a reason; as an owner: a container that only an administrator opened."),
)
CODES: Final = tuple(context.code for context in CONTEXTS)
DIRECT: Final = (D1, D2, D3)
GROUPS: Final = (GA, GB, GC)
INSIDE: Final = DIRECT + GROUPS
"""Contexts that are one conversation each."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A way to come by what is remembered."""

    code: str
    title: str


OPERATIONS: Final = (
    Operation("search_words", "Search, words"),
    Operation("search_vectors", "Search, vectors"),
    Operation("search_hybrid", "Search, hybrid"),
    Operation("list", "List and page"),
    Operation("get", "Get by id"),
    Operation("count", "Count and facets"),
    Operation("aggregate", "Aggregate views"),
    Operation("export", "Export"),
    Operation("update", "Update"),
    Operation("forget", "Forget"),
    Operation("autocomplete", "Autocomplete"),
    Operation("neighbours", "Neighbours"),
    Operation("deduplicate", "Deduplicate"),
    Operation("error_text", "Error text"),
    Operation("audit_logs", "Audit and logs"),
    Operation("cache", "Cache"),
)
OPERATION_CODES: Final = tuple(operation.code for operation in OPERATIONS)
CELLS: Final = len(CONTEXTS) ** 2 * len(OPERATIONS)
TITLES: Final = {context.code: context.title for context in CONTEXTS} | {operation.code: operation.title for operation in OPERATIONS}


def expected(viewer: str, owner: str) -> Expected:
    """Return what ``viewer`` may see of the memory of ``owner``.

    >>> expected("D1", "D1"), expected("D1", "GA"), expected("NONE", "NONE"), expected("ADMIN", "GB")
    ('own', 'closed', 'closed', 'audited')
    """
    if viewer == ADMIN:
        return "audited"
    return "own" if viewer == owner and viewer != NONE else "closed"


def between(viewers: tuple[str, ...], owners: tuple[str, ...]) -> frozenset[tuple[str, str]]:
    """Return the pairs of different contexts, viewer first."""
    return frozenset((viewer, owner) for viewer in viewers for owner in owners if viewer != owner)
