"""Named points at which a test can stop the process dead, to prove that nothing is lost there.

``LECTERN_FAULT=name`` or ``name:3`` kills the process with SIGKILL the first (or third) time it reaches ``point("name")``.
``LECTERN_FAULT_PID`` names another process to kill there instead, once: the database server, say.
Without that variable a point costs one dictionary look-up.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

_seen: Counter[str] = Counter()


def point(name: str) -> None:
    """Die here if ``LECTERN_FAULT`` names this point."""
    wanted = os.environ.get("LECTERN_FAULT")
    if not wanted:
        return
    target, _, nth = wanted.partition(":")
    if target != name:
        return
    _seen[name] += 1
    victim = os.environ.get("LECTERN_FAULT_PID")
    if victim is None and _seen[name] >= int(nth or 1):
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
    if victim is not None and _seen[name] == int(nth or 1):
        os.kill(int(victim), getattr(signal, "SIGKILL", signal.SIGTERM))
