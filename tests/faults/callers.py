"""Many callers in one further process who ask for the same audio at the same moment."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from backend_core.backend import Backend, open_backend
from backend_core.errors import LecternError
from tests.faults.children import become


def ask_at_once(backend: Backend, document_id: int, *, callers: int, start_at: float) -> list[str]:
    """Let threads ask for the audio of a document at ``start_at`` (seconds since 1970); return ``queued`` or an error's code for each."""
    ready = threading.Barrier(callers)
    actor = backend.actor()

    def ask(_number: int) -> str:
        ready.wait()
        time.sleep(max(0.0, start_at - time.time()))
        try:
            backend.audios.generate(document_id, actor=actor)
        except LecternError as error:
            return error.code
        return "queued"

    with ThreadPoolExecutor(callers) as pool:
        return list(pool.map(ask, range(callers)))


def caller(environment: Mapping[str, str], document_id: int, callers: int, folder: Path) -> None:
    """Say that this process is ready, wait for the moment, and write down the answers."""
    with open_backend(become(environment), application="desktop") as backend:
        # everything that takes time is done before the moment
        backend.speech.voices()
        name = environment["CALLER"]
        (folder / f"{name}.ready").touch()
        moment = folder / "moment"
        while not moment.exists():
            time.sleep(0.01)
        answers = ask_at_once(backend, document_id, callers=callers, start_at=float(moment.read_text()))
    (folder / f"{name}.answers").write_text(json.dumps(answers))
