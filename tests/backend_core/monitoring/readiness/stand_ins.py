"""Parts of the program that do not do their work, to be tried out in place of those that do."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import text

from backend_core.documents.records import DocumentPage
from backend_core.documents.service import Documents
from backend_core.errors import ErrorPayload, Unavailable, every_error
from backend_core.house.service import HouseState, write
from backend_core.policy import Actor
from backend_core.safety.breaker import Breaker
from backend_core.safety.limits import CATEGORIES
from backend_core.safety.moderation import Moderation
from backend_core.safety.rules import LocalRules
from backend_core.safety.transport import Request
from backend_core.speech.service import Speech


class Deaf(LocalRules):
    """Rules that find nothing."""

    def scores(self, text: str) -> Mapping[str, float]:  # the rules' signature
        """Return nothing found."""
        return dict.fromkeys(CATEGORIES, 0.0)


class Dead:
    """A way out that leads nowhere."""

    def post(self, request: Request) -> bytes:
        """Never answer."""
        raise Unavailable(f"{request.url} does not answer.")


class Chatty(Documents):
    """A list that asks once more for each document, as if there were many."""

    def __init__(self, documents: Documents) -> None:
        vars(self).update(vars(documents))

    def listing(self, **filters: Any) -> DocumentPage:
        """Return the list."""
        for _ in range(4):
            super().listing(**filters)
        return super().listing(**filters)


def careless(conn: Any, wanted: dict[str, Any], *, version: int, actor: Actor) -> HouseState:
    """Write whatever was written meanwhile."""
    conn.execute(text("UPDATE house_settings SET version = :version"), {"version": version})
    return write(conn, wanted, version=version, actor=actor)


class Nameless:
    """A failure without a heading."""

    code, title, next_step = "nameless", "", ""


def talkative(error: BaseException, *, correlation_id: str | None = None) -> ErrorPayload:
    """Tell people what a lower layer said."""
    return ErrorPayload("unexpected", "x", str(error), "x", correlation_id)


def patient(*_values: object, **_more: object) -> Breaker:
    """Return a breaker that never opens."""
    return Breaker("made up", failures=1000)


def full(folder: Path) -> Any:
    """Say that a disk is full."""
    return shutil.disk_usage(folder)._replace(total=100, used=98, free=2)


def accepting(*_values: object, **_more: object) -> Any:
    """Accept anything."""
    return None


PARTS = (
    "safety.rules", "safety.minors", "safety.crisis", "errors.sentences", "errors.boundary", "errors.breakers", "inputs.names",
    "inputs.archives", "inputs.files", "inputs.identifiers", "inputs.settings", "locking.stale_write", "documents.statements",
    "providers.voice", "disk.free",
)  # fmt: skip
"""Checks whose subject is the program itself, or this computer: they are handed a broken part."""


def broken_parts(world: Any) -> dict[str, dict[str, Any]]:
    """Return what to put in place of the parts a check tries out, by check; what is not of ``Parts`` stands by its own name."""
    deaf = Moderation(local=Deaf())
    return {
        "safety.rules": {"moderation": deaf},
        "safety.minors": {"minors": {"input": 0.1, "output": 0.0}},
        "safety.crisis": {"moderation": deaf},
        "errors.sentences": {"every_error": lambda: (*every_error(), Nameless)},
        "errors.boundary": {"payload": talkative},
        "errors.breakers": {"breaker": patient},
        "inputs.names": {"safe_name": str},
        "inputs.archives": {"check_archive": accepting},
        "inputs.files": {"kind_of": accepting},
        "inputs.identifiers": {"identifiers": dict.fromkeys(("phone", "persona", "chat"), str)},
        "inputs.settings": {"accepts": lambda _name, _value: True},
        "locking.stale_write": {"write_house": careless},
        "documents.statements": {"documents": Chatty(world.backend.documents)},
        "providers.voice": {"speech": Speech([])},
        "disk.free": {"disk_usage": full},
    }
