"""Random lives in two worlds that differ only in what others say and do: the viewer cannot tell which one it is in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from backend_core.backend import open_backend
from backend_core.db import migrate
from backend_core.db.roles import OWNER
from backend_core.settings import load_settings
from tests.postgres import StartServer
from tests.privacy.machine import machine_of
from tests.privacy.town import Town

EXAMPLES, STEPS = 60, 20
LONG_EXAMPLES, LONG_STEPS = 5_000, 12


@pytest.fixture(scope="module")
def worlds(start_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Town, Town]]:
    """Two databases on servers of their own."""
    with ExitStack() as stack:
        towns = []
        for name in ("left", "right"):
            home = tmp_path_factory.mktemp(name) / "home"
            migrate.upgrade(start_server(home).dsn(OWNER))
            opened = open_backend(load_settings(home=home, pool_size=1, max_overflow=2), application="desktop")
            towns.append(Town.of(stack.enter_context(opened)))
        yield towns[0], towns[1]


def explore(worlds: tuple[Town, Town], *, examples: int, steps: int) -> None:
    """Let Hypothesis try."""
    run_state_machine_as_test(
        machine_of(*worlds),
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck), database=None,
            phases=[Phase.generate, Phase.shrink], print_blob=False,
        ),
    )  # fmt: skip


@pytest.mark.trace("B30", "B64")
def test_the_viewer_cannot_tell_two_worlds_apart(worlds: tuple[Town, Town]) -> None:
    explore(worlds, examples=EXAMPLES, steps=STEPS)


@pytest.mark.soak
@pytest.mark.trace("B30", "B64")
def test_the_viewer_cannot_tell_two_worlds_apart_in_five_thousand_lives(worlds: tuple[Town, Town]) -> None:
    explore(worlds, examples=LONG_EXAMPLES, steps=LONG_STEPS)
