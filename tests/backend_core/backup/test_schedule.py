"""When a backup is due, which are kept, and what is a problem."""

from __future__ import annotations

import datetime as dt

import pytest

from backend_core.backup.records import BackupRow, Schedule
from backend_core.backup.schedule import newest_good, next_at, problem, to_remove, to_verify

NOW = dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
DAILY = Schedule(every_days=1, keep=2)
LONG_AGO = NOW - 100 * DAY


def row(days: float, **facts: object) -> BackupRow:
    """Return a backup made ``days`` ago."""
    known: dict[str, object] = {
        "id": int(days * 10) + 1, "at": NOW - days * DAY, "kind": "scheduled", "workstation": "ws", "folder": "/b", "file_name": f"{days}",
        "bytes": 1, "sha256": "x", "schema_revision": "0007", "rows": 1, "objects": 0, "object_bytes": 0, "damaged": 0, "elsewhere": 0,
        "key_id": "k", "seconds": 1.0, "error": None, "made_by": "ana", "verified_at": None, "verify_ok": None, "verify_error": None,
        "present": True, "ours": True,
    }  # fmt: skip
    return BackupRow(**known | facts)  # type: ignore[arg-type]  # facts of the row


FAILED = {"error": "The disk is full.", "sha256": None, "bytes": None, "present": False}


def test_a_backup_is_due_an_interval_after_the_last_good_one() -> None:
    assert next_at([row(3), row(5)], DAILY, since=LONG_AGO) == NOW - 2 * DAY
    assert next_at([row(3, present=False), row(5)], DAILY, since=LONG_AGO) == NOW - 4 * DAY
    assert next_at([row(3, verified_at=NOW, verify_ok=False), row(5)], DAILY, since=LONG_AGO) == NOW - 4 * DAY


def test_a_new_home_is_not_backed_up_at_once() -> None:
    assert next_at([], DAILY, since=NOW) == NOW + DAY


def test_never_is_never() -> None:
    assert next_at([], Schedule(every_days=0, keep=1), since=LONG_AGO) is None


def test_after_a_failure_the_next_try_waits_an_hour() -> None:
    assert next_at([row(0, **FAILED), row(9)], DAILY, since=LONG_AGO) == NOW + dt.timedelta(hours=1)


def test_the_newest_is_verified_once_a_week() -> None:
    assert to_verify([row(0), row(1)], now=NOW) == row(0)
    assert to_verify([row(0), row(1, verified_at=NOW - DAY, verify_ok=True)], now=NOW) is None
    assert to_verify([row(0), row(1, verified_at=NOW - 8 * DAY, verify_ok=True)], now=NOW) == row(0)
    assert to_verify([row(0, ours=False)], now=NOW) is None
    assert to_verify([row(0, verified_at=NOW - 9 * DAY, verify_ok=True)], now=NOW) is None
    assert to_verify([], now=NOW) is None


def test_the_newest_are_kept_and_what_people_made_stays() -> None:
    rows = [row(0), row(1), row(2), row(3, kind="manual"), row(4, kind="migration"), row(5), row(6, present=False)]
    assert to_remove(rows, DAILY) == (row(2), row(5))


def test_the_newest_verified_backup_stays_however_old_it_is() -> None:
    proven = row(9, verified_at=NOW - 8 * DAY, verify_ok=True)
    assert to_remove([row(0), row(1), row(2), proven], DAILY) == (row(2),)
    newer = row(1, verified_at=NOW, verify_ok=True)
    assert to_remove([row(0), newer, row(2), proven], DAILY) == (row(2), proven)


def test_even_with_nothing_to_keep_the_last_one_stays() -> None:
    assert to_remove([row(0)], Schedule(every_days=1, keep=0)) == ()


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([row(1)], ""),
        ([row(0, **FAILED), row(1)], "The last backup failed: The disk is full."),
        ([row(1), row(1.5, **FAILED)], ""),
        ([row(5)], "older than it should be"),
        ([], "no backup yet"),
        ([row(0, verified_at=NOW, verify_ok=False, verify_error="It is cut off."), row(1)], "cannot be relied on: It is cut off."),
        ([row(0), row(1, verified_at=NOW, verify_ok=False, verify_error="It is cut off.")], ""),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(rows: list[BackupRow], said: str) -> None:
    found = problem(rows, DAILY, since=LONG_AGO, now=NOW)
    assert (said in found) if said else (found == "")


def test_nothing_is_wrong_with_a_new_home_or_where_nobody_wants_backups() -> None:
    assert problem([], DAILY, since=NOW, now=NOW) == ""
    assert problem([], Schedule(every_days=0, keep=1), since=LONG_AGO, now=NOW) == ""


def test_a_backup_before_a_migration_is_not_the_newest_good_one() -> None:
    assert newest_good([row(0, kind="migration"), row(1)]) == row(1)
