"""Waiting for something that another thread or process does, with a deadline instead of a fixed pause."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(look: Callable[[], T], *, within_s: float = 20.0) -> T:
    """Return the first true result of ``look``; fail after ``within_s`` seconds without one."""
    deadline = time.monotonic() + within_s
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {within_s} s"
        time.sleep(0.01)
