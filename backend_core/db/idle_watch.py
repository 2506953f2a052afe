"""A small process that stops the embedded server after half an hour without any Lectern process.

Run as ``python -m backend_core.db.idle_watch HOME MINUTES``.
One runs per home, holds a lock while it lives, and ends with the server.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from backend_core.db import embedded, postmaster
from backend_core.db.cluster import Cluster, find
from backend_core.db.file_lock import try_lock
from backend_core.db.idle_spawn import watch_lock
from backend_core.errors import LecternError

POLL_S = 60.0
POLLS_PER_LIMIT = 30


def watch(home: Path, *, minutes: float, poll_s: float | None = None) -> None:
    """Poll until the server is down; stop it after ``minutes`` without a Lectern process, or once its home is gone."""
    cluster = find(home)
    held = None if cluster is None else try_lock(watch_lock(home))
    if held is None or cluster is None:
        return
    pause = min(POLL_S, minutes * 60 / POLLS_PER_LIMIT) if poll_s is None else poll_s
    quiet_since = time.monotonic()
    while True:
        time.sleep(pause)
        try:
            holders = _holders_now(home, cluster)
            if holders:
                quiet_since = time.monotonic()
            if holders is None or (time.monotonic() - quiet_since >= minutes * 60 and embedded.stop(home)):
                os.close(held)
                return
        except LecternError:
            # Away or busy for the moment; the next round sees.
            continue


def _holders_now(home: Path, cluster: Cluster) -> list[dict[str, Any]] | None:
    """Return who is connected, or None when there is nothing left to watch."""
    if not cluster.passfile.exists():
        # The home was removed; nobody can sign in any more.
        postmaster.stop(cluster, mode="immediate", timeout_s=POLL_S)
        return None
    found = embedded.status(home)
    postmaster.cap_log(cluster)
    holders: list[dict[str, Any]] = found["holders"]
    return holders if found["running"] else None


if __name__ == "__main__":
    watch(Path(sys.argv[1]), minutes=float(sys.argv[2]))
