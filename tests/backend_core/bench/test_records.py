"""Benchmark records are merged by name and rendered with their control."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backend_core.bench import records
from backend_core.errors import InvalidInput


def test_a_new_result_replaces_the_old_one_and_keeps_the_others(tmp_path: Path) -> None:
    records.save([{"name": "a", "value": 1.0, "unit": "s"}, {"name": "b", "value": 2.0, "unit": "s"}], folder=tmp_path)
    records.save([{"name": "a", "value": 3.0, "unit": "s", "control": 6.0}], folder=tmp_path)
    kept = {row["name"]: (row["value"], row["ratio"]) for row in json.loads((tmp_path / records.DATA).read_text(encoding="utf-8"))}
    assert kept == {"a": (3.0, 0.5), "b": (2.0, None)}


def test_the_page_shows_value_control_goal_and_whether_it_was_met(tmp_path: Path) -> None:
    goal = {
        "name": "pool.wait",
        "value": 0.3123,
        "unit": "s",
        "control": 2.5,
        "threshold": "<= 0.5 s",
        "met": True,
        "note": "50 threads | 30 connections",
    }
    records.save([goal, {"name": "late", "value": 9, "unit": "s", "threshold": "<= 1 s", "met": False}], folder=tmp_path)
    page = (tmp_path / records.PAGE).read_text(encoding="utf-8")
    assert "| pool.wait | 0.3123 s | 2.5 | 0.1249 | <= 0.5 s | yes |" in page
    assert "50 threads / 30 connections" in page
    assert "| **no** |" in page


@pytest.mark.parametrize("result", [{"name": "a", "value": 1}, {"name": "a", "value": 1, "unit": "s", "path": "x"}])
def test_a_result_with_missing_or_unknown_fields_is_refused(result: dict[str, object], tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        records.save([result], folder=tmp_path)


def test_outside_a_work_tree_the_version_stands_for_the_commit(tmp_path: Path) -> None:
    assert records.commit_of(tmp_path) == records.__version__


@pytest.mark.trace("A29")
def test_the_kept_record_of_the_document_list_is_within_its_goal_beside_its_control() -> None:
    kept = json.loads((Path(__file__).parents[3] / "docs" / records.DATA).read_text(encoding="utf-8"))
    rows = {row["name"]: row for row in kept if row["name"].startswith("documents.list_p95_")}
    assert all(0 < row["value"] <= 100 for row in rows.values())
    of_hundred = rows["documents.list_p95_100"]
    assert of_hundred["ratio"] == pytest.approx(of_hundred["value"] / of_hundred["control"])
