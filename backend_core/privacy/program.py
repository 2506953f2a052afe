"""What the program's own verbs show to one viewer of one owner's memory; every change they make is taken back."""

from __future__ import annotations

import contextlib
import hashlib
import uuid
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import sqlalchemy

from backend_core.db.failures import sqlstate
from backend_core.errors import LecternError, NotFound, Unavailable
from backend_core.memory.forget import Forgetting
from backend_core.memory.forget_selection import chosen
from backend_core.memory.scoped import ScopedMemory
from backend_core.privacy.canaries import Sought
from backend_core.privacy.raw import PROGRAM, Seen

MOST: Final = 50
PAGE: Final = 2
ENOUGH: Final = 1
"""Memories of an owner that are asked for one by one."""

STALE: Final = 10**6
Told = tuple[object, int]
"""What an operation returned, and how much of the owner's was in it."""


@dataclass(slots=True)
class Program:
    """Asks the program as one viewer.

    Attributes:
        memory: of the viewer's container.
        forgetting: takes things away.
        scratch: folder for an export that is only looked at.
    """

    memory: ScopedMemory
    forgetting: Forgetting
    scratch: Path
    _same: dict[str, Any] = field(default_factory=dict)

    def ask(self, operation: str, sought: Sought) -> list[Seen]:
        """Return what ``operation`` shows of what ``sought`` describes."""
        found = _VERBS.get(operation)
        if found is None:
            return []
        did, verb = found
        try:
            with self._undone():
                value, rows = verb(self, sought)
        except Unavailable:
            # an optional part is not installed; the statements below the program are tried all the same
            return []
        except (LecternError, sqlalchemy.exc.DBAPIError) as error:
            return [Seen(PROGRAM, did, _refusal(error), 0)]
        return [Seen(PROGRAM, did, value, rows)]

    @contextlib.contextmanager
    def _undone(self) -> Iterator[None]:
        # a savepoint that the audit log's chain knows of, so that it forgets the rows which go with it
        nested = self.memory.scope.conn.begin_nested()
        try:
            yield
        finally:
            nested.rollback()

    def mine(self, sought: Sought) -> bool:
        """Return whether the owner is the viewer."""
        return self.memory.scope.container_id == sought.number

    def once(self, name: str, made: Callable[[], object]) -> Any:
        """Return what does not depend on the owner, made once per opening."""
        if name not in self._same:
            self._same[name] = made()
        return self._same[name]

    def search(self, sought: Sought, mode: Any) -> Told:
        """Search for what the owner knows."""
        hits = self.memory.search(sought.question, limit=MOST, mode=mode)
        found = [[str(hit.memory.id), hit.memory.text, hit.score, hit.rank] for hit in hits]
        return found, sum(one[0] in sought.memories for one in found)

    def pages(self, sought: Sought) -> Told:
        """List everything, page after page."""

        def listed() -> object:
            first = self.memory.list(limit=PAGE)
            rest = self.memory.list(limit=MOST, before=(first[-1].said_at, first[-1].id)) if first else ()
            return [[str(one.id), one.text] for one in (*first, *rest)]

        found = self.once("list", listed)
        return found, sum(one[0] in sought.memories for one in found)

    def get(self, sought: Sought) -> Told:
        """Read each memory of the owner by its id."""
        return self._each(sought, lambda one: self.memory.get(one).text)

    def count(self, sought: Sought) -> Told:
        """Count everything."""
        total = self.once("count", self.memory.count)
        return total, total if self.mine(sought) else 0

    def facets(self, sought: Sought) -> Told:
        """Count by type and speaker."""
        found = self.once("facets", self.memory.facets)
        return repr(found), found.total if self.mine(sought) else 0

    def export(self, sought: Sought) -> Told:
        """Export everything, and look at the bytes."""
        found: dict[str, bytes] = self.once("export", self._exported)
        told = {name: hashlib.sha256(data).hexdigest() for name, data in found.items() if "manifest" not in name}
        return told, sum(data.count(sought.word.encode()) for data in found.values())

    def _exported(self) -> dict[str, bytes]:
        path = self.scratch / f"{uuid.uuid4().hex}.zip"
        try:
            self.memory.export(path)
            with zipfile.ZipFile(path) as made:
                return {name: made.read(name) for name in sorted(made.namelist())}
        finally:
            path.unlink(missing_ok=True)

    def update(self, sought: Sought) -> Told:
        """Change each memory of the owner."""
        return self._each(sought, lambda one: self.memory.update(one, text="Changed.", version=1).version)

    def forget(self, sought: Sought) -> Told:
        """Forget every memory of the owner."""
        scope = self.memory.scope
        found = chosen(scope, [uuid.UUID(one) for one in sought.memories])
        done = self.forgetting.forget_in(scope, found, topic=None, by="privacy run")
        return dict(done.counts), int(done.counts.get("memories", 0))

    def complete(self, sought: Sought) -> Told:
        """Complete the owner's word."""
        found = list(self.memory.autocomplete(sought.word[:-2]))
        return found, len(found)

    def neighbours(self, sought: Sought) -> Told:
        """Look around the owner's memories."""
        told, _ = self._each(sought, lambda one: [hit.memory.text for hit in self.memory.neighbours(one)])
        around, rows = self._each(sought, lambda one: [near.text for near in self.memory.around(one)])
        return [told, around], rows

    def again(self, sought: Sought) -> Told:
        """Remember the owner's words once more."""
        known = str(self.memory.add(sought.text).id) in sought.memories
        return {"known": known}, int(known)

    def refusals(self, sought: Sought) -> Told:
        """Make the program complain about the owner's memories."""
        stale, rows = self._each(sought, lambda one: self.memory.update(one, text="Changed.", version=STALE).version)
        past, older = self._each(sought, lambda one: [version.text for version in self.memory.history(one)])
        return [stale, past], rows + older

    def _each(self, sought: Sought, verb: Callable[[uuid.UUID], object]) -> Told:
        """Return what a verb answers for each memory of the owner; all answers but "not found" tell that it is there."""
        told, rows = [], 0
        for one in sought.memories[:ENOUGH]:
            try:
                told.append(verb(uuid.UUID(one)))
                rows += 1
            except LecternError as error:
                told.append(_refusal(error))
                rows += not isinstance(error, NotFound)
        return told, rows


def _refusal(error: Exception) -> str:
    if isinstance(error, LecternError):
        return f"{error.code}: {error}"
    return f"{sqlstate(error)}: refused by the database"


_VERBS: Final[dict[str, tuple[str, Callable[[Program, Sought], Told]]]] = {
    "search_words": ("memory.search(question, mode='lexical')", lambda program, one: program.search(one, "lexical")),
    "search_vectors": ("memory.search(question, mode='vector')", lambda program, one: program.search(one, "vector")),
    "search_hybrid": ("memory.search(question, mode='hybrid')", lambda program, one: program.search(one, "hybrid")),
    "list": ("memory.list(limit, before)", Program.pages),
    "get": ("memory.get(id)", Program.get),
    "count": ("memory.count()", Program.count),
    "aggregate": ("memory.facets()", Program.facets),
    "export": ("memory.export(path)", Program.export),
    "update": ("memory.update(id, text, version)", Program.update),
    "forget": ("forgetting.forget(ids)", Program.forget),
    "autocomplete": ("memory.autocomplete(prefix)", Program.complete),
    "neighbours": ("memory.neighbours(id), memory.around(id)", Program.neighbours),
    "deduplicate": ("memory.add(the same words)", Program.again),
    "error_text": ("memory.update(id, stale version), memory.history(id)", Program.refusals),
    "cache": ("memory.search(question) once more", lambda program, one: program.search(one, "lexical")),
}
