"""Rate limiting: who asks too often waits, whichever process or computer they ask through."""

from __future__ import annotations

import secrets
from typing import Any, Final

from sqlalchemy import Connection, text

from backend_core.access import throttle
from backend_core.errors import TooManyImports
from backend_core.monitoring.readiness.around import Around
from backend_core.monitoring.readiness.categories import RATES
from backend_core.monitoring.readiness.check import HOUR, MINUTE, Check, Finding, failed, judged, not_yet, passed, unknown, warned
from backend_core.policy import ADMIN, Actor

TRIES: Final = throttle.FREE + 3
GATEWAY: Final = "The gateway is not part of this version."

_COUNTED: Final = "SELECT failures, refused FROM sign_in_failure WHERE key = :key"
_OPERATOR: Final = "SELECT min(id) AS id FROM operators"
_OBJECT: Final = """
INSERT INTO objects (store, key, sha256, bytes, content_type, refs)
VALUES ('readiness', :key, 'none', 1, 'text/plain', 1) RETURNING id
"""
_DOCUMENT: Final = """
INSERT INTO documents (owner_id, title, filename, kind, status, correlation_id, size_bytes, object_id)
VALUES (:owner, 'Readiness probe', 'probe.txt', 'txt', 'PENDING', 'readiness', 1, :object)
"""
_ROOM: Final = """
SELECT coalesce(sum(capacity), 0)::integer AS wanted, count(*)::integer AS processes,
       current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer AS most
  FROM process_report WHERE at > clock_timestamp() - interval '30 seconds'
"""
FULL: Final = 0.9


def sign_in(around: Around) -> Finding:
    """Guess the password of somebody who does not exist, and take it all back."""
    key = throttle.account_key(f"readiness {secrets.token_hex(8)}")
    with around.undone() as conn:
        waits = [around.parts.admit(conn, [key]).wait_s for _ in range(TRIES)]
        row = conn.execute(text(_COUNTED), {"key": key}).mappings().one_or_none()
    first = next((number for number, wait in enumerate(waits, 1) if wait > 0), None)
    counted = 0 if row is None else row["failures"]
    if first is None or row is None:
        return failed(f"{TRIES} attempts in a row, none of them had to wait", counted_in_database=counted)
    good = first <= throttle.FREE + 2 and counted > throttle.FREE
    return judged(f"attempt {first} had to wait", good=good, attempts=TRIES, counted_in_database=counted, refused=row["refused"])


def imports(around: Around) -> Finding:
    """Import one document too many in somebody's name, and take it back."""
    most = around.house.current().uploads_per_hour
    with around.undone() as conn:
        owner = conn.execute(text(_OPERATOR)).scalar_one()
        if owner is None:
            return unknown("There is no operator yet in whose name to try.")
        refused = _one_too_many(around, conn, owner)
    if not refused:
        return failed("an import over the limit was accepted", limit_in_force=most)
    if not most:
        return warned("works, but no limit is set", limit_in_force="none")
    return passed(f"refused over the limit; {most} an hour in force", limit_in_force=most)


def _one_too_many(around: Around, conn: Connection, owner: int) -> bool:
    made: Any = conn.execute(text(_OBJECT), {"key": secrets.token_hex(8)}).scalar_one()
    conn.execute(text(_DOCUMENT), {"owner": owner, "object": made})
    somebody = Actor(operator_id=owner, name="readiness", role=ADMIN, workstation="")
    try:
        around.parts.check_imports(conn, actor=somebody, most=1, lock=False)
    except TooManyImports as error:
        return error.wait_s > 0
    return False


def connections(around: Around) -> Finding:
    """Add up what every process may open, against what the server lets in."""
    row = around.link.rows(_ROOM)[0]
    wanted, most = row["wanted"], row["most"]
    if not row["processes"]:
        return unknown("No process has told its figures lately.")
    value = f"{wanted} wanted of {most}"
    return judged(value, good=wanted <= FULL * most, bearable=wanted <= most, processes=row["processes"])


CHECKS: Final = (
    Check(
        id="limits.sign_in",
        title="Guessing passwords gets slower",
        about="Eight wrong passwords for a made-up name, in a transaction that is rolled back: the database must make the next one wait.",
        category=RATES,
        threshold=f"waits after {throttle.FREE} failures, counted in the database",
        source="live probe, rolled back",
        run=sign_in,
        weight=2,
        gate=True,
        limit_s=HOUR,
        every_s=10 * MINUTE,
        page="operators",
    ),
    Check(
        id="limits.imports",
        title="Imports per hour are limited",
        about="One import more than allowed, in a transaction that is rolled back, must be refused; and a limit should be set.",
        category=RATES,
        threshold="refused over the limit; a limit is set",
        source="live probe, rolled back; house settings",
        run=imports,
        limit_s=HOUR,
        every_s=10 * MINUTE,
        page="settings",
        target="uploads_per_hour",
    ),
    Check(
        id="limits.connections",
        title="No process can use up the server",
        about="What all processes together may open must fit what the server lets in; else one of them keeps the others out.",
        category=RATES,
        threshold="at most 90 % of the server's connections",
        source="process_report, max_connections",
        run=connections,
        page="database",
        target="pool",
    ),
    Check(
        id="limits.messages",
        title="Messages per contact are limited",
        about="5 in 30 s, 10 a minute, 60 an hour and 200 a day, counted in the database for all processes.",
        category=RATES,
        threshold="the next message is refused",
        source="live probe of the gateway",
        run=not_yet(GATEWAY),
        weight=2,
        later=GATEWAY,
    ),
    Check(
        id="limits.gateway",
        title="A burst on the gateway is refused",
        about="A burst of requests of one address must be answered with 429 and a time to wait.",
        category=RATES,
        threshold="429 with Retry-After",
        source="live probe of the gateway",
        run=not_yet(GATEWAY),
        later=GATEWAY,
    ),
)
