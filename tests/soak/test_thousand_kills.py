"""A thousand kills of desktops, workers, voice processes and database servers, with a seed nobody used before."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import pytest

from tests.faults.campaign import kill_databases, kill_processes
from tests.faults.conftest import make_home, new_seed  # noqa: F401  # fixtures
from tests.faults.harness import Home, points

pytestmark = [pytest.mark.soak, pytest.mark.skipif(sys.platform != "linux", reason="finds voice processes and dead servers through /proc")]
KILLS = int(os.environ.get("KILLS", "1000"))


@pytest.mark.trace("A77")
def test_nothing_is_lost_doubled_or_orphaned_in_a_thousand_kills(make_home: Callable[..., Home], new_seed: int) -> None:  # noqa: F811  # fixtures
    home = make_home(seed=new_seed)
    while home.kills.total() < KILLS:
        kill_processes(home)
        kill_processes(home)
        kill_databases(home)
        print(f"killed: {dict(home.kills)}", flush=True)
    assert {step for _, step in home.steps} >= set(points())
