"""Failed sign-ins counted in the database, by its clock, per account and per workstation: who guesses waits longer and longer."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, case, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from backend_core.access.tables import sign_in_failure

FREE: Final = 5
LONGEST_S: Final = 900
FORGET_S: Final = 24 * 3600.0
_ROWS: Final = sign_in_failure.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether an attempt is looked at.

    Attributes:
        wait_s: seconds until one is; 0 when this one is.
        first: the first that is refused in this wait, so it is worth a row in the audit log.
        refused: attempts refused since the last that was looked at.
        next_wait_s: seconds to wait if this attempt fails.
    """

    wait_s: float
    first: bool
    refused: int
    next_wait_s: float


def account_key(name: str) -> str:
    """Return the key of an account; names that nobody has count too, and none is kept as it was typed."""
    return f"account:{hashlib.sha256(name.casefold().encode()).hexdigest()}"


def login_key(login: str) -> str:
    """Return the key of a login of a shared server, which may count only itself."""
    return f"login:{login}"


def workstation_key(workstation: str) -> str:
    """Return the key of a workstation."""
    return f"workstation:{hashlib.sha256(workstation.casefold().encode()).hexdigest()}"


def wait_after(failures: int) -> int:
    """Return the seconds to wait after so many failures in a row: none for the first five, then 1, 2, 4 ... 900.

    >>> [wait_after(failures) for failures in (1, 5, 6, 7, 8, 15, 16, 1000)]
    [0, 0, 1, 2, 4, 512, 900, 900]
    """
    return 0 if failures <= FREE else min(LONGEST_S, 2 ** min(failures - FREE - 1, 10))


def admit(conn: Connection, keys: Sequence[str]) -> Verdict:
    """Count an attempt as failed before it is looked at, or refuse it; commit before looking.

    Whoever guesses in many places at once gains nothing: each attempt that is looked at was counted first.
    """
    rows = _locked(conn, keys)
    wait = max(float(row.wait_s) for row in rows)
    if wait > 0:
        waiting = [row.key for row in rows if row.wait_s > 0]
        conn.execute(update(sign_in_failure).where(_ROWS.key.in_(waiting)).values(refused=_ROWS.refused + 1))
        return Verdict(wait_s=wait, first=max(row.refused for row in rows if row.wait_s > 0) == 0, refused=0, next_wait_s=wait)
    longest = 0
    for row in rows:
        failures = 1 if row.old else row.failures + 1
        longest = max(longest, wait_after(failures))
        until = func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, wait_after(failures))
        facts = {"failures": failures, "refused": 0, "last_failed_at": func.clock_timestamp(), "wait_until": until}
        conn.execute(update(sign_in_failure).where(_ROWS.key == row.key).values(facts))
    return Verdict(wait_s=0.0, first=False, refused=max(row.refused for row in rows), next_wait_s=float(longest))


def _locked(conn: Connection, keys: Sequence[str]) -> Sequence[Any]:
    wanted = sorted(set(keys))
    conn.execute(upsert(sign_in_failure).on_conflict_do_nothing(), [{"key": key} for key in wanted])
    now = func.clock_timestamp()
    wait = case((_ROWS.wait_until > now, func.extract("epoch", _ROWS.wait_until - now)), else_=0.0)
    old = _ROWS.last_failed_at < now - func.make_interval(0, 0, 0, 0, 0, 0, FORGET_S)
    query = select(_ROWS.key, _ROWS.failures, _ROWS.refused, wait.label("wait_s"), old.label("old")).where(_ROWS.key.in_(wanted))
    # lock: attempts on one account, or from one workstation, are counted one after the other; in order, so that two cannot deadlock
    return conn.execute(query.order_by(_ROWS.key).with_for_update()).all()


def succeeded(conn: Connection, *, account: str, workstation: str | None) -> None:
    """Forget the failures of an account whose password was given; take back this one attempt of the workstation.

    The workstation's earlier failures stay: who guesses others' passwords must not wipe them out by signing in as themself.
    """
    calm = {"failures": 0, "refused": 0, "wait_until": None}
    conn.execute(update(sign_in_failure).where(_ROWS.key == account).values(calm))
    if workstation is not None:
        fewer = {"failures": func.greatest(_ROWS.failures - 1, 0), "wait_until": None}
        conn.execute(update(sign_in_failure).where(_ROWS.key == workstation).values(fewer))


def forget_old(conn: Connection) -> None:
    """Remove what no longer counts; run by the program now and then."""
    now = func.clock_timestamp()
    conn.execute(delete(sign_in_failure).where(_ROWS.last_failed_at < now - func.make_interval(0, 0, 0, 0, 0, 0, FORGET_S)))
