"""The tests of the window hold in whatever order what its pages read in the background answers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SEEDS = (1, 2, 3)


@pytest.mark.soak
@pytest.mark.parametrize("seed", SEEDS)
def test_no_test_of_the_window_leans_on_the_order_of_answers(seed: int) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "--no-header", "-n", "2", "--dist", "loadfile", "tests/desktop", "--jitter", str(seed)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR "))]
    assert (done.returncode, failed) == (0, []), done.stdout[-2_000:]
