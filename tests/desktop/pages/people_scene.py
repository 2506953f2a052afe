"""People who talk to a persona, on a real backend: two private conversations, two groups, memories, a photo and a reminder."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from PySide6.QtGui import QColor, QImage

from backend_core.backend import Backend
from backend_core.conversations.records import IncomingMessage
from backend_core.memory.records import NewMemory
from backend_core.policy import Actor

REASON: Final = "OPS-331"
NORA: Final = "+442079460821"
INES: Final = "+351912345678"
_START: Final = dt.datetime(2026, 11, 2, 8, 52, tzinfo=dt.UTC)
Said = tuple[float, str, str, str, float, str]
"""days after the start, type, text, speaker, salience, whose words: nora or group"""
MEMORIES: Final[tuple[Said, ...]] = (
    (0.0, "inside_joke", "Calls every delayed train “the Lisbon express”", "Nora Lindqvist", 0.61, "group"),
    (13.1, "factual", "Everyone splits the trip costs through one shared sheet", "Ines Duarte", 0.52, "group"),
    (13.4, "deadline", "Deposit for the Lisbon trip is due on 1 December", "Nora Lindqvist", 0.88, "nora"),
    (13.45, "emotional", "Lisbon is where she wants to tell Sam the news in person", "Nora Lindqvist", 0.96, "nora"),
    (16.46, "emotional", "Is nervous about the trip because of flying alone", "Nora Lindqvist", 0.91, "nora"),
    (16.51, "trip", "Booked the Lisbon flat for the trip, 12 to 16 March", "Nora Lindqvist", 0.84, "group"),
    (9.2, "preference", "Prefers the window seat and tea without milk", "Nora Lindqvist", 0.4, "nora"),
    (8.1, "relationship", "Her sister Astrid moves to Bergen in spring", "Nora Lindqvist", 0.7, "nora"),
    (6.7, "factual", "The flat has one spare key, kept by Ines", "Ines Duarte", 0.45, "group"),
    (5.2, "future_event", "Choir concert on Friday evening, wants company", "Nora Lindqvist", 0.66, "nora"),
)
TALK: Final = (
    ("in", "Morning! I slept badly, I keep thinking about the flight."),
    ("out", "I am sorry to hear that. Is it the flying itself, or being alone up there?"),
    ("in", "Being alone, I think. Sam would laugh about it."),
    ("in", "Anyway: the deposit for the flat in Lisbon is due on 1 December, remind me?"),
    ("out", "I will. And for the flight: a window seat and your tea, then it is only two hours."),
    ("in", "<b>Deal</b> &amp; thanks 😄"),
)


@dataclass(frozen=True, slots=True)
class People:
    """Ids of what was made."""

    nora: uuid.UUID
    ines: uuid.UUID
    direct: Any
    echo: Any
    roommates: Any
    choir: Any


def with_reason(actor: Actor) -> Actor:
    """Return the actor with the reason of these tests."""
    return replace(actor, reason=REASON)


def make_people(backend: Backend, actor: Actor) -> People:
    """Make everybody and what is remembered of them."""
    who = with_reason(actor)
    for key, name in (("sage", "Sage"), ("echo", "Echo")):
        backend.people.save_persona(key, name=name, passport={"tone": "warm"}, version=0, actor=who)
    nora = backend.people.add_contact("Nora Lindqvist", phone=NORA, email="nora@example.org", actor=who).id
    ines = backend.people.add_contact("Ines Duarte", phone=INES, actor=who).id
    direct = backend.conversations.create_direct(nora, "sage", actor=who)
    echo = backend.conversations.create_direct(nora, "echo", actor=who)
    roommates = backend.conversations.create_group(
        "iMessage;+;chat7316", title="Roommates", persona="sage", members=[nora, ines], actor=who
    )
    choir = backend.conversations.create_group("iMessage;+;chat99", title="Choir", persona="echo", members=[ines], actor=who)
    for where, whose in ((direct, "nora"), (roommates, "group")):
        with backend.memory.scope(where.container, actor=who, action="memory.add") as memory:
            memory.add_many([_memory(said) for said in sorted(MEMORIES) if said[5] == whose])
    return People(nora, ines, direct, echo, roommates, choir)


def _memory(said: Said) -> NewMemory:
    days, kind, text, speaker, salience, _ = said
    until = _START + dt.timedelta(days=480) if kind in {"trip", "deadline"} else None
    at = _START + dt.timedelta(days=days)
    return NewMemory(text=text, type=kind, speaker=speaker, salience=salience, said_at=at, expires_at=until)


def say(backend: Backend, actor: Actor, people: People) -> None:
    """Let Nora and Sage talk, and send a photo and a reminder."""
    who, begun = with_reason(actor), dt.datetime.now(dt.UTC) - dt.timedelta(minutes=40)
    for number, (direction, text) in enumerate(TALK):
        sender = None if direction == "in" else "persona:sage"
        at = begun + dt.timedelta(minutes=number * 3)
        message = IncomingMessage(text=text, sender=sender or NORA, user=people.nora, persona="sage", at=at, external_id=f"m{number}")
        backend.conversations.receive(message, actor=who)
    due = dt.datetime.now(dt.UTC) + dt.timedelta(days=9)
    backend.conversations.add_reminder(people.direct.id, "The deposit for the flat in Lisbon is due", due_at=due, actor=who)


def picture(path: Path) -> Path:
    """Write a small picture of a flag to ``path``."""
    image = QImage(120, 80, QImage.Format.Format_RGB32)
    image.fill(QColor("#2e6fd0"))
    image.save(str(path))
    return path
