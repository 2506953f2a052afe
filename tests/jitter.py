"""``--jitter SEED``: what pages read in the background answers in any order, some of it late, so that nothing may lean on an order."""

from __future__ import annotations

import random
import time
from typing import Any

import pytest

from desktop.background import Background

USUAL_S = 0.08
LATE_S = 0.5
LATE_SHARE = 0.1


class Jittery(Background):
    """Workers whose answers come late by chance."""

    dice: random.Random

    def _perform(self, job_id: int) -> tuple[bool, Any]:
        outcome = super()._perform(job_id)
        time.sleep(LATE_S if self.dice.random() < LATE_SHARE else self.dice.uniform(0, USUAL_S))
        return outcome


def workers(request: pytest.FixtureRequest) -> Background:
    """Return workers, late ones when that was asked for; the tests of the workers themselves say what they take."""
    seed = request.config.getoption("--jitter")
    if seed is None or request.path.name == "test_background.py":
        return Background()
    made = Jittery()
    made.dice = random.Random(f"{seed} {request.node.nodeid}")
    return made
