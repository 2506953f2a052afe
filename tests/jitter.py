"""``--jitter SEED``: what pages read in the background answers in any order, some of it late, so that nothing may lean on an order."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

import pytest

USUAL_S = 0.08
LATE_S = 0.5
LATE_SHARE = 0.1


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the option."""
    parser.addoption("--jitter", type=int, default=None, metavar="SEED", help="delay the answers pages wait for, at random")


@pytest.fixture(autouse=True)
def _jitter(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    seed = request.config.getoption("--jitter")
    # the tests of the workers themselves say what they take
    if seed is not None and request.path.name != "test_background.py":
        from desktop.background import Background

        perform, dice = Background._perform, random.Random(f"{seed} {request.node.nodeid}")

        def later(self: Background, job_id: int) -> tuple[bool, object]:
            outcome = perform(self, job_id)
            time.sleep(LATE_S if dice.random() < LATE_SHARE else dice.uniform(0, USUAL_S))
            return outcome

        monkeypatch.setattr(Background, "_perform", later)
    yield
