"""What an answer to a wrong sign-in gives away by its time: a name that exists beside one that does not, and what a guess costs."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from backend_core.access.tables import operator_password, sign_in_failure
from backend_core.backend import Backend, open_backend
from backend_core.db import embedded
from backend_core.errors import SignInFailed
from backend_core.settings import load_settings

KNOWN: Final = "Known person"
UNKNOWN: Final = "Nobody at all"
GUESSES: Final = 1000


def run(*, rounds: int = 40) -> list[dict[str, Any]]:
    """Return the ratio of the times for unknown and known names, the time of one look, and what 1,000 guesses came to."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        with open_backend(load_settings(home=home, dsn=None, objects=None)) as backend:
            admin = replace(backend.actor(), reason="measure")
            backend.access.add(KNOWN, role="support", actor=admin, password="a blue horse at 7")  # noqa: S106  # of a home made for this
            records = [*_times(backend, rounds), _guesses(backend)]
        embedded.stop(home, force=True)
    return records


def _times(backend: Backend, rounds: int) -> list[dict[str, Any]]:
    names = {"known": KNOWN, "unknown": UNKNOWN}
    taken: dict[str, list[float]] = {name: [] for name in (*names, "control")}
    for _ in range(rounds):
        for kind, name in names.items():
            taken[kind].append(_one(backend, name))
        # without the work for nobody: what a program that looks for the name first would give away
        taken["control"].append(_find(backend, UNKNOWN))
    known, unknown, control = (statistics.median(taken[name]) for name in (*names, "control"))
    note = f"medians of {rounds} alternating pairs; control: a reply as soon as the name is not found"
    ratio = {"name": "sign_in.unknown_to_known_time", "value": unknown / known, "unit": "ratio", "control": control / known}
    look = {"name": "sign_in.look_ms", "value": known * 1000, "unit": "ms", "control": None, "ratio": None}
    return [
        ratio | {"ratio": None, "threshold": "0.9 .. 1.1", "note": note},
        look | {"threshold": ">= 50", "note": "one wrong password, Argon2id with the library's parameters"},
    ]


def _one(backend: Backend, name: str) -> float:
    """Return the seconds of one attempt that is looked at."""
    with backend.database.begin("Let time pass") as conn:
        conn.execute(sa.delete(sign_in_failure))
    started = time.perf_counter()
    _refused(backend, name)
    return time.perf_counter() - started


def _find(backend: Backend, name: str) -> float:
    started = time.perf_counter()
    with backend.database.begin("Find operator") as conn:
        conn.execute(sa.select(operator_password.c.hash).where(sa.literal(name) == KNOWN)).first()
    return time.perf_counter() - started


def _refused(backend: Backend, name: str) -> str:
    try:
        backend.access.sign_in(name, "not the password")
    except SignInFailed as error:
        return str(error)
    return ""


def _guesses(backend: Backend) -> dict[str, Any]:
    with backend.database.begin("Let time pass") as conn:
        conn.execute(sa.delete(sign_in_failure))
    started = time.perf_counter()
    replies: Sequence[str] = [_refused(backend, KNOWN) for _ in range(GUESSES)]
    took = time.perf_counter() - started
    looked = sum(reply.startswith("Name or password") for reply in replies)
    note = f"{GUESSES} guesses at one name in {took:.1f} s; control: every guess looked at"
    record = {"name": "sign_in.guesses_looked_at", "value": looked, "unit": "guesses", "control": GUESSES, "ratio": looked / GUESSES}
    return record | {"threshold": "<= 20", "note": note}
