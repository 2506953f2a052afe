"""The benchmark of the panels under locks holds what it says it holds."""

from __future__ import annotations

from backend_core.bench.panels import PANELS, run


def test_each_panel_is_measured_with_and_without_the_locks() -> None:
    records = run(rounds=1)
    assert [record["name"] for record in records] == [f"monitoring.panel_{name}_under_locks" for name in PANELS]
    assert all(record["value"] > 0 and record["control"] > 0 for record in records)
