"""Desktops, workers and voice processes killed with SIGKILL at every named step: nothing is lost, doubled or orphaned."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from tests.faults.campaign import kill_processes, repair
from tests.faults.harness import Home, points

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds voice processes and dead servers through /proc")
ROUNDS = 2
LEAST_KILLS = 80


@pytest.mark.trace("A77")
def test_nothing_is_lost_doubled_or_orphaned_however_often_processes_are_killed(make_home: Callable[..., Home]) -> None:
    home = make_home()
    for _ in range(ROUNDS):
        kill_processes(home)
    while home.kills.total() < LEAST_KILLS:
        repair(home)
    print(f"killed: {dict(home.kills)}")
    assert {step for _, step in home.steps} >= set(points())
    assert min(home.kills[kind] for kind in ("desktop", "worker", "voice")) >= 10
