"""What a run plays on: the database and the program's own verbs, the made-up people, and who looks."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from backend_core.errors import Cancelled
from backend_core.memory.scoped import ScopedMemory
from backend_core.policy import ADMIN, Actor
from backend_core.privacy import contexts
from backend_core.privacy.log_mark import LogMark
from backend_core.privacy.people import Place, Population
from backend_core.privacy.verbs import Verbs

Progress = Callable[[int, int, str], None]
"""Told how many steps are done, how many there are, and what is being tried."""

LOOKING = "memory.read"
_FOR_EVER: Final = dt.datetime.max.replace(tzinfo=dt.UTC)


@dataclass(slots=True)
class Stage:
    """One run in progress.

    Attributes:
        actor: the program itself.
        number: of the run, for the reasons it gives.
        since: the last row of the audit log before the run.
        reads_audit: whether the tested role may read the audit log.
        scratch: a private folder for exports, empty.
        mark: how long the log files were before the run.
    """

    verbs: Verbs
    people: Population
    actor: Actor
    number: int
    since: int
    reads_audit: bool
    scratch: Path
    mark: LogMark
    progress: Progress | None = None
    cancelled: Callable[[], bool] | None = None
    total: int = 1
    done: int = 0

    @property
    def reason(self) -> str:
        """What every opening gives as its reason."""
        return f"privacy run {self.number}"

    @property
    def administrator(self) -> Actor:
        """A made-up administrator, who says why."""
        return replace(self.actor, name="Made-up administrator", role=ADMIN, reason=self.reason, session=None, proven_until=_FOR_EVER)

    def step(self, what: str) -> None:
        """Say what comes next.

        Raises:
            Cancelled: somebody wants the run to end.
        """
        if self.cancelled is not None and self.cancelled():
            raise Cancelled("The privacy run was stopped.")
        self.done += 1
        if self.progress is not None:
            self.progress(min(self.done, self.total), self.total, what)

    def place(self, code: str) -> Place:
        """Return the container of a context."""
        return self.people.places[code]

    @contextlib.contextmanager
    def open(self, code: str, *, viewer: str | None = None, action: str = LOOKING) -> Iterator[ScopedMemory]:
        """Open a made-up container as its own people do, or as an administrator does."""
        actor = self.administrator if viewer == contexts.ADMIN else self.actor
        with self.verbs.memory.scope(self.place(code).where, actor=actor, reason=self.reason, action=action) as memory:
            yield memory
