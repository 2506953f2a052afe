"""The start benchmark measures the real window beside a bare one."""

from __future__ import annotations

import sys

from backend_core.bench import startup


def test_one_round_gives_a_record_for_time_and_memory_beside_its_control() -> None:
    found = {record["name"]: record for record in startup.run(rounds=1)}
    names = ["desktop.first_paint", "desktop.content"]
    assert list(found) == [*names, "desktop.memory"] if sys.platform == "linux" else names
    assert all(record["value"] > 0 and record["control"] > 0 and record["note"] for record in found.values())
    assert found["desktop.content"]["value"] > found["desktop.first_paint"]["value"]
