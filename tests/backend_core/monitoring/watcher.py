"""A further process that looks at every pool five times a second and compares it with what the server itself counts."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path

import psycopg

from backend_core.backend import open_backend
from tests.faults.children import become

INTERVAL_S = 0.2
COUNTED = """
SELECT application_name, count(*), count(*) FILTER (WHERE state <> 'idle') FROM pg_stat_activity
WHERE backend_type = 'client backend' AND datname = current_database() AND application_name LIKE 'lectern-%' GROUP BY 1
"""


def watch(environment: Mapping[str, str], admin_dsn: str, samples: int, result: Path) -> None:
    """Write one line for each sample: sizes and use by application, as Lectern and as the server have them, and who waits."""
    with open_backend(become(environment)) as backend, psycopg.connect(admin_dsn, autocommit=True) as conn, result.open("w") as file:
        actor = backend.actor()
        pause = threading.Event()
        for _ in range(samples):
            view = backend.monitoring.pool(actor=actor)
            counted = {name: (size, busy) for name, size, busy in conn.execute(COUNTED).fetchall()}
            shown = {process.application: (process.size, process.in_use) for process in view.processes}
            waiting = {process.application: process.waiting for process in view.processes}
            file.write(json.dumps({"shown": shown, "counted": counted, "waiting": waiting}) + "\n")
            file.flush()
            pause.wait(INTERVAL_S)
