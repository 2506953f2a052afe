"""Events for tests of the audit log: written as the program writes them, at times and by people of the test's choice, and sealed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace

from backend_core.audit.service import Entry, _facts, _insert
from backend_core.backend import Backend
from backend_core.policy import Actor, Target

HOUR = dt.timedelta(hours=1)
ANA = Actor(operator_id=11, name="Ana Silva", role="support", workstation="ws-1")
BEN = Actor(operator_id=12, name="Ben Cole", role="support", workstation="ws-2")
INES = Actor(operator_id=13, name="Ines Carvalho", role="auditor", workstation="ws-3", reason="Review")


def entry(actor: Actor, action: str, target: str, *, outcome: str = "done", after: dict[str, object] | None = None) -> Entry:
    """Return one event; ``target`` is ``kind`` or ``kind:id``."""
    kind, _, number = target.partition(":")
    return Entry(actor=actor, action=action, target=Target(kind=kind, id=number or None), outcome=outcome, after=after)


def record(
    backend: Backend, entries: Iterable[Entry], *, at: dt.datetime | None = None, every: dt.timedelta = dt.timedelta(seconds=1)
) -> int:
    """Write events, chained, the first at ``at`` and one ``every`` so often; now, when left out. Return how many."""
    count = 0
    with backend.database.begin("Write test events") as conn:
        for one in entries:
            if at is None:
                facts = one
                backend.audit.record(
                    conn, actor=facts.actor, action=facts.action, target=facts.target, outcome=facts.outcome, after=facts.after
                )
            else:
                writer = backend.audit.writers.on(conn)
                row, link = writer.link(_facts(one), at + count * every)
                _insert(conn, row)
                writer.add(link, conn.get_transaction())
            count += 1
    return count


def fill(backend: Backend, *, rows: int, begin: dt.datetime, every: dt.timedelta = HOUR) -> None:
    """Write a mixture of events and seal them."""
    people = (ANA, BEN, replace(ANA, name="Chi Wong", operator_id=14))
    actions = ("audio.play", "audio.generate", "document.rename", "operator.sign_in")
    made = (
        entry(
            people[n % 3],
            actions[n % 4],
            f"document:{n % 7}" if n % 2 else f"audio:{n}",
            outcome="refused" if n % 10 == 9 else "done",
            after={"n": n, "part": n / 8} if n % 3 else None,
        )
        for n in range(rows)
    )
    record(backend, made, at=begin, every=every)
    seal(backend)


def seal(backend: Backend) -> None:
    """Seal everything that is committed."""
    while backend.seals.seal():
        pass
