"""When a backup is due, which ones are kept, and what is wrong with them: rules without a database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

from backend_core.backup.records import BackupRow, Schedule

DAY: Final = dt.timedelta(days=1)
VERIFY_EVERY: Final = dt.timedelta(days=7)
TRY_AGAIN: Final = dt.timedelta(hours=1)
LATE: Final = 2
"""A backup that is this many times as old as it should be is a problem."""


def newest_good(rows: Sequence[BackupRow]) -> BackupRow | None:
    """Return the newest backup that counts."""
    return next((row for row in rows if row.good and row.kind != "migration"), None)


def next_at(rows: Sequence[BackupRow], schedule: Schedule, *, since: dt.datetime) -> dt.datetime | None:
    """Return when the next backup is due; None for never.

    Args:
        rows: newest first.
        schedule: of the house.
        since: when there was first something to lose; a new home is not backed up at once.
    """
    if not schedule.every_days:
        return None
    last = newest_good(rows)
    due = (since if last is None else last.at) + schedule.every_days * DAY
    failed = next((row for row in rows if row.error is not None), None)
    return due if failed is None else max(due, failed.at + TRY_AGAIN)


def to_verify(rows: Sequence[BackupRow], *, now: dt.datetime) -> BackupRow | None:
    """Return the backup that is to be verified now: the newest, once a week."""
    looked = [row.verified_at for row in rows if row.verified_at is not None]
    if looked and now - max(looked) < VERIFY_EVERY:
        return None
    newest = newest_good(rows)
    return newest if newest is not None and newest.id is not None and newest.verified_at is None and newest.ours else None


def to_remove(rows: Sequence[BackupRow], schedule: Schedule) -> tuple[BackupRow, ...]:
    """Return the scheduled backups that are too many; the newest verified one stays, however old it is."""
    ours = [row for row in rows if row.kind == "scheduled" and row.present and row.error is None]
    proven = next((row for row in ours if row.verify_ok), None)
    return tuple(row for row in ours[max(1, schedule.keep) :] if row is not proven)


def problem(rows: Sequence[BackupRow], schedule: Schedule, *, since: dt.datetime, now: dt.datetime) -> str:
    """Return what is wrong with the backups in one sentence, empty when nothing is."""
    last = rows[0] if rows else None
    if last is not None and last.error is not None:
        return f"The last backup failed: {last.error}"
    bad = next((row for row in rows if row.verify_ok is False and row.present), None)
    newest = newest_good(rows)
    if bad is not None and (newest is None or bad.at > newest.at):
        return f"The newest backup cannot be relied on: {bad.verify_error}"
    if schedule.every_days and now - (since if newest is None else newest.at) > LATE * schedule.every_days * DAY:
        return "There is no backup yet." if newest is None else "The newest backup is older than it should be."
    return ""
