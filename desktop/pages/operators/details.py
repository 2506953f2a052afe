"""What the operators page shows of a person, in words."""

from __future__ import annotations

import csv
import io
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from backend_core.audit.cells import safe
from desktop.i18n import ago, date_time, tr

if TYPE_CHECKING:
    from backend_core.access.records import Operator, ReviewRow, SessionRow

ROLES: Final = ("support", "admin", "auditor")
ROLE_TONES: Final = {"support": "info", "admin": "warn", "auditor": "ok"}
# no characters that look alike when they are read out
ALPHABET: Final = "abcdefghjkmnpqrstuvwxyz23456789"
GROUPS: Final = 4
GROUP_LENGTH: Final = 5


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the table: an operator and the sessions that are open."""

    operator: Operator
    sessions: tuple[SessionRow, ...]

    @property
    def id(self) -> int:
        """The operator's id."""
        return self.operator.id

    @property
    def last_seen(self) -> datetime | None:
        """When a session of this person was last used, or began."""
        times = [row.last_seen_at for row in self.sessions]
        if self.operator.last_sign_in is not None:
            times.append(self.operator.last_sign_in)
        return max(times, default=None)


def role_words(role: str) -> str:
    """Return a role as people say it."""
    return {"support": tr("Support"), "admin": tr("Administrator"), "auditor": tr("Auditor")}.get(role, role)


def role_sentence(role: str) -> str:
    """Return in one sentence what a role is for."""
    return {
        "support": tr("Works with documents and audio; changes only what is their own."),
        "admin": tr("May do everything but alter the audit log."),
        "auditor": tr("Reads everything, the audit log included; changes nothing."),
    }.get(role, "")


def state_words(line: Line) -> tuple[str, str]:
    """Return word and tone of whether this person may come in."""
    return (tr("Disabled"), "bad") if line.operator.disabled else (tr("Active"), "ok")


def way_in(operator: Operator) -> str:
    """Return how this person proves who they are."""
    if operator.db_login is not None:
        return tr("Database login {name}", name=operator.db_login)
    if operator.has_password:
        return tr("Password")
    if operator.os_user is not None and operator.os_user.startswith("sample:"):
        return tr("Sample, cannot sign in")
    if operator.os_user is not None:
        return tr("User {name} of this computer, no password", name=operator.os_user)
    return tr("None yet: set a password")


def seen_words(line: Line, *, now: datetime) -> str:
    """Return when this person was last seen."""
    seen = line.last_seen
    return tr("never") if seen is None else ago(seen, now=now)


def search_lines(lines: Iterable[Line], search: str) -> list[Line]:
    """Return the lines with every word of ``search`` in name, role or address."""
    words = search.casefold().split()

    def text(line: Line) -> str:
        one = line.operator
        return f"{one.name} {role_words(one.role)} {one.role} {one.email or ''} {one.db_login or ''}".casefold()

    return [line for line in lines if all(word in text(line) for word in words)]


def one_time_password() -> str:
    """Return a random password that can be read out, about 98 bits.

    >>> len(one_time_password())
    23
    """
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(GROUP_LENGTH)) for _ in range(GROUPS))


def review_csv(rows: Sequence[ReviewRow], *, as_of: datetime | None) -> str:
    """Return the review as CSV with every cell quoted; a name that a spreadsheet would take for a formula gets an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL)
    writer.writerow(["as of", "operator", "role", "state", "action", "whose", "since", "last used"])
    day = (as_of or datetime.now(UTC)).isoformat(timespec="seconds")
    for row in rows:
        state = "disabled" if row.disabled else "active"
        used = "" if row.last_used is None else row.last_used.isoformat(timespec="seconds")
        whose = "own" if row.own_only else "any"
        writer.writerow([day, safe(row.name), row.role, state, row.action, whose, row.since.isoformat(timespec="seconds"), used])
    return text.getvalue()


def used_words(row: ReviewRow) -> str:
    """Return when a kind of action was last used."""
    return tr("never") if row.last_used is None else date_time(row.last_used)
