"""The benchmark of memory at scale, run small: it measures inside scopes what is measured without policies, and keeps the plans."""

from __future__ import annotations

from backend_core.bench import memory_scale


def test_a_small_run_measures_each_look_and_sees_no_foreign_row() -> None:
    found = {row["name"]: row for row in memory_scale.run(memories=400, containers=8, rounds=4)}
    looks = {f"memory_scale.{look}_{place}" for look in ("get", "count", "newest", "search", "vectors") for place in ("middle", "biggest")}
    assert set(found) == looks | {f"{name}_p95" for name in looks} | {"memory_scale.newest_without_where"}
    assert "0 foreign" in found["memory_scale.newest_without_where"]["note"]
    assert "idx_posting_term" in memory_scale.evidence()[memory_scale.PLANS]
