"""Homes with durable servers of their own, whose processes are killed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.harness import Home

SEED = 20_261_121


@pytest.fixture
def make_home(tmp_path: Path) -> Iterator[Callable[..., Home]]:
    """Return a function that makes a home; the kills of one seed can be repeated, as far as timing allows."""
    homes: list[Home] = []

    def make(*, seed: int | None = None) -> Home:
        chosen = int(os.environ.get("KILL_SEED", seed or SEED))
        print(f"KILL_SEED={chosen}")
        homes.append(Home(tmp_path / f"kills-{len(homes)}", seed=chosen))
        homes[-1].prepare()
        return homes[-1]

    yield make
    for home in homes:
        home.close()


@pytest.fixture
def new_seed() -> int:
    """A seed nobody used before."""
    return time.time_ns() % 10**9
