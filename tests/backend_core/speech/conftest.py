"""What the speech tests share: one local engine, and the voice processes this test process has started."""

from __future__ import annotations

import psutil
import pytest

from backend_core.speech import LocalEngine


@pytest.fixture(scope="session")
def engine() -> LocalEngine:
    return LocalEngine()


def voice_processes() -> list[psutil.Process]:
    """Return the voice processes of this test process; xdist gives each worker its own."""
    found = []
    for child in psutil.Process().children(recursive=True):
        try:
            if any(part.endswith("voice_process.py") for part in child.cmdline()) and child.status() != psutil.STATUS_ZOMBIE:
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found
