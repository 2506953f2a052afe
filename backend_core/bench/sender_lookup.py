"""How long finding the messages of one sender takes among a thousand to a million, with and without the index on the sender.

The look-up crosses containers, so it runs as the directory does: it sees who wrote when and where, never what.
"""

from __future__ import annotations

import random
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy import text

from backend_core.backend import Backend, open_backend
from backend_core.db import embedded
from backend_core.policy import Actor
from backend_core.scopes.records import Direct
from backend_core.settings import load_settings

SIZES: Final = (1_000, 10_000, 100_000, 1_000_000)
CONTAINERS: Final = 200
EACH: Final = 20
"""How many messages a sender wrote, whatever the size: what is found stays the same while what is searched grows."""

SEED: Final = 7
GOAL: Final = 0.1
MANY: Final = 10_000
"""From how many messages on the goal counts; fewer are read whole in a moment."""

_FILL: Final = text(
    """
    INSERT INTO messages (container_id, conversation_id, sender, direction, body, timestamp, correlation_id)
    SELECT :container, :conversation, '+1555' || lpad((hashint4(g + :first) & 2147483647) % :senders || '', 7, '0'), 'in',
           'What was said here is of no interest to whoever looks for a sender, number ' || g, now() - g * interval '1 minute', 'bench'
      FROM generate_series(1, :rows) AS g
    """
)
_FIND: Final = "SELECT id, conversation_id, direction, timestamp FROM messages WHERE sender = %s"
_EXPLAIN: Final = "EXPLAIN SELECT id, conversation_id, direction, timestamp FROM messages WHERE sender = %s"


def run(*, sizes: tuple[int, ...] = SIZES, rounds: int = 30) -> list[dict[str, Any]]:
    """Return the median of finding one sender, in milliseconds, with the same without its index as control."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        with open_backend(load_settings(home=home, dsn=None, objects=None)) as backend:
            actor = backend.actor()
            backend.people.save_persona("sage", name="Sage", passport={}, version=0, actor=actor)
            people = [_person(backend, number, actor) for number in range(CONTAINERS)]
            made, records = 0, []
            for size in sizes:
                _fill(backend, people, made, size - made, actor)
                made = size
                records.append(_measure(embedded.ensure_running(home).admin_dsn, size, rounds))
        embedded.erase(home)
    return records


def _person(backend: Backend, number: int, actor: Actor) -> Direct:
    made = backend.people.add_contact(f"Person {number}", phone=f"+1444{number:07d}", actor=actor)
    backend.conversations.create_direct(made.id, "sage", actor=actor)
    return Direct(made.id, "sage")


def _fill(backend: Backend, people: list[Direct], made: int, rows: int, actor: Actor) -> None:
    for place, where in enumerate(people):
        with backend.scopes.open(where, actor=actor, action="message.import", reason="Measuring", deadline_s=60) as scope:
            values = {"container": scope.container_id, "conversation": scope.container.conversation_id, "first": made + place * rows}
            scope.conn.execute(_FILL, values | {"senders": (made + rows) // EACH, "rows": rows // len(people)})


def _measure(dsn: str, size: int, rounds: int) -> dict[str, Any]:
    rng = random.Random(SEED)  # noqa: S311  # the same senders every time
    wanted = [f"+1555{rng.randrange(size // EACH):07d}" for _ in range(rounds)]
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("VACUUM ANALYZE messages")
        with conn.transaction(force_rollback=True):
            conn.execute("SET LOCAL ROLE lectern_directory")
            ours, plan = _median_ms(conn, wanted), _plan(conn, wanted[0])
        with conn.transaction(force_rollback=True):
            conn.execute("DROP INDEX idx_message_sender")
            conn.execute("SET LOCAL ROLE lectern_directory")
            naive, without = _median_ms(conn, wanted[: max(3, rounds // 5)]), _plan(conn, wanted[0])
    ratio = round(ours / naive, 6)
    return {
        "name": f"conversations.sender_lookup_{size}",
        "value": ours,
        "unit": "ms",
        "control": naive,
        "ratio": ratio,
        "threshold": f"<= {GOAL} of control" if size >= MANY else "",
        "met": ratio <= GOAL if size >= MANY else None,
        "note": f"{size:,} messages of {size // EACH:,} senders in {CONTAINERS} containers; {plan}; control: the index dropped, {without}",
    }


def _median_ms(conn: psycopg.Connection[Any], wanted: list[str]) -> float:
    taken = []
    for sender in wanted:
        began = time.perf_counter()
        conn.execute(_FIND, (sender,)).fetchall()
        taken.append((time.perf_counter() - began) * 1000)
    return round(statistics.median(taken), 3)


def _plan(conn: psycopg.Connection[Any], sender: str) -> str:
    """Return the kind of scan, and the index it uses."""
    found = conn.execute(_EXPLAIN, (sender,)).fetchall()
    lines = [str(row[0]).strip().removeprefix("->  ").partition("  (")[0] for row in found]
    scans = [line for line in lines if "Scan" in line]
    return next((line for line in scans if "idx_" in line), scans[0])
