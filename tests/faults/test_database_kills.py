"""The database server killed with SIGKILL at every named step: workers start it again and nothing is lost."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from tests.faults.campaign import kill_databases
from tests.faults.harness import Home, points

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds voice processes and dead servers through /proc")


@pytest.mark.trace("A77")
def test_nothing_is_lost_doubled_or_orphaned_when_the_server_dies_at_any_step(make_home: Callable[..., Home]) -> None:
    home = make_home()
    kill_databases(home)
    print(f"killed: {dict(home.kills)}")
    assert {step for _, step in home.steps} >= set(points())
    assert home.kills["database"] >= len(points())
