"""What runs in the processes that are killed: a worker, a desktop that asks for work, and the sweeper afterwards."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from backend_core.backend import SCRATCH, Backend, open_backend
from backend_core.errors import LecternError
from backend_core.logs import configure_logging
from backend_core.policy import Actor
from backend_core.settings import Settings, load_settings
from backend_core.storage.scratch import remove_abandoned
from backend_core.worker import run_worker


@dataclass(frozen=True, slots=True)
class Import:
    """Ask for a file to be taken in."""

    path: Path

    def carry_out(self, backend: Backend, actor: Actor) -> Mapping[str, Any]:
        document = backend.documents.import_file(self.path, actor=actor).document
        return {"imported": document.id, "pages": self.path.read_text(encoding="utf-8").count("\f") + 1}


@dataclass(frozen=True, slots=True)
class Generate:
    """Ask for a document to be spoken."""

    document_id: int
    voice: str

    def carry_out(self, backend: Backend, actor: Actor) -> Mapping[str, Any]:
        queued = backend.audios.generate(self.document_id, actor=actor, voice=self.voice).queued
        return {"document": self.document_id, "voice": self.voice, "generated": [row.page for row in queued]}


Order = Import | Generate


def become(environment: Mapping[str, str]) -> Settings:
    """Take over the variables of Lectern, and no others of that name; return what they say."""
    for name in [name for name in os.environ if name.startswith("LECTERN_")]:
        del os.environ[name]
    os.environ.update(environment)
    settings = load_settings()
    configure_logging(settings.log_dir, process="child")
    return settings


def work(environment: Mapping[str, str]) -> None:
    """Be a worker until a signal comes."""
    run_worker(become(environment))


def ask(environment: Mapping[str, str], orders: Iterable[Order], answers: Path) -> None:
    """Be a desktop: carry out each order, and write down each answer the moment it is there."""
    settings = become(environment)
    try:
        with open_backend(settings, application="desktop") as backend:
            for order in orders:
                _append(answers, order.carry_out(backend, backend.actor()))
    except LecternError as error:
        # the database may die under it; what was refused was promised to nobody
        _append(answers, {"refused": error.code})


def sweep(environment: Mapping[str, str]) -> None:
    """Remove what is left over, however young it is: nobody else is at work any more."""
    settings = become({**environment, "LECTERN_SWEEP_AFTER_S": "0"})
    with open_backend(settings, application="command") as backend:
        backend.sweep()
    remove_abandoned(settings.home / SCRATCH, older_than_s=0)


def voices(environment: Mapping[str, str], answers: Path) -> None:
    """Write down the ids of every voice, and let a page be spoken by as many as may be."""
    with open_backend(become(environment), application="command") as backend:
        actor = backend.actor()
        backend.house.update({"max_audios_per_page": 20}, version=backend.house.read(actor).version, actor=actor)
        _append(answers, {"voices": [voice.id for voice in backend.speech.voices()]})


def _append(path: Path, answer: Mapping[str, Any]) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, json.dumps(answer).encode() + b"\n")
    finally:
        os.close(handle)
