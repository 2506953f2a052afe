"""Starts the process that stops an idle embedded server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import backend_core
from backend_core.db.file_lock import try_lock


def watch_lock(home: Path) -> Path:
    """Return the file whose lock the watcher of ``home`` holds."""
    return home / "database.watch"


def keep_watch(home: Path, *, minutes: float) -> None:
    """Start the watcher of ``home`` in a process of its own, unless one is there."""
    try:
        free = try_lock(watch_lock(home))
    except OSError:
        # A disk that became full or read-only is no reason to refuse a server that runs.
        return
    if free is None:
        return
    os.close(free)
    command = [sys.executable, "-m", "backend_core.db.idle_watch", str(home), str(minutes)]
    path = [str(Path(backend_core.__file__).parent.parent), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))}
    if sys.platform == "win32":
        detached = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
        _started.append(subprocess.Popen(command, env=environment, close_fds=True, creationflags=detached))
        return
    # Started through a shell that ends at once, so that it is nobody's child and no terminal's job.
    subprocess.run(
        ["/bin/sh", "-c", '"$@" &', "sh", *command],
        env=environment,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        check=False,
    )


_started: list[subprocess.Popen[bytes]] = []
