"""The benchmark of the view of all indexes reads every one of them, and its control the same; figures are no tests."""

from __future__ import annotations

from backend_core.bench.index_view import run
from backend_core.bench.records import record


def test_the_view_of_all_indexes_is_measured_beside_reading_table_by_table() -> None:
    (found,) = run(sizes=(250,), rounds=1)
    kept = record(found, commit="abc", date="2026-11-21")
    assert kept.name == "monitoring.index_view_250"
    assert 240 <= int(kept.note.split(" ", 1)[0]) <= 250
    assert kept.control is not None
    assert kept.met is None
