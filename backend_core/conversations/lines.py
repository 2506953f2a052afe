"""The lines of a file of messages: one JSON object each, checked before anything is looked up (docs/messages.md)."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from backend_core.conversations.records import IncomingMessage
from backend_core.errors import InvalidInput

LONGEST_LINE: Final = 200_000
MOST_MEMBERS: Final = 1000
_DERIVED: Final = "line:"
_FIELDS: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = {
    "contact": (frozenset({"phone", "name"}), frozenset({"email", "language"})),
    "persona": (frozenset({"id", "name"}), frozenset({"passport"})),
    "group": (frozenset({"chat_guid", "title"}), frozenset({"persona", "members"})),
    "message": (frozenset({"text", "at"}), frozenset({"id", "chat_guid", "sender", "phone", "persona"})),
}
"""Of each type of line the fields it must have, and those it may have."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line that can be used.

    Attributes:
        type: ``contact``, ``persona``, ``group`` or ``message``.
        values: its other fields.
    """

    number: int
    type: str
    values: Mapping[str, Any]


def read_line(file: IO[bytes]) -> bytes | None:
    """Return the next line of a file, cut when it is too long to be used; None at the end."""
    line = file.readline(LONGEST_LINE + 1)
    rest = line
    while len(rest) > LONGEST_LINE and not rest.endswith(b"\n"):
        rest = file.readline(LONGEST_LINE + 1)
    return line or None


def parse(number: int, raw: bytes) -> Line | None:
    """Return what a line says; None for an empty one.

    Raises:
        InvalidInput: it cannot be used; the sentence says why, without its content.
    """
    if len(raw) > LONGEST_LINE:
        raise InvalidInput(f"The line has more than {LONGEST_LINE:,} bytes.")
    if not raw.strip():
        return None
    try:
        found = json.loads(raw.decode("utf-8-sig" if number == 1 else "utf-8"))
    except (ValueError, RecursionError):
        raise InvalidInput("The line is not JSON in UTF-8.") from None
    if not isinstance(found, dict) or not isinstance(found.get("type"), str) or found["type"] not in _FIELDS:
        raise InvalidInput(f"The line is not an object with a type: {', '.join(_FIELDS)}.")
    kind = found.pop("type")
    _check(kind, found)
    return Line(number, kind, found)


def _check(kind: str, values: Mapping[str, Any]) -> None:
    must, may = _FIELDS[kind]
    missing = sorted(must - set(values))
    unknown = len(set(values) - must - may)
    if missing or unknown:
        raise InvalidInput(f"A {kind} has {', '.join(sorted(must))}, and may have {', '.join(sorted(may))}; nothing else.")
    for name, value in values.items():
        if name == "passport" and isinstance(value, dict):
            continue
        if name == "members" and isinstance(value, list) and len(value) <= MOST_MEMBERS and all(isinstance(one, str) for one in value):
            continue
        if not isinstance(value, str):
            raise InvalidInput(f"{name} is not what it has to be.")


def message_of(values: Mapping[str, str]) -> IncomingMessage:
    """Return a line of type ``message`` as a message; without an id of its own it gets one from what it says.

    Raises:
        InvalidInput: it is neither of a group nor direct, or its time is none.
    """
    group = "chat_guid" in values
    if group and ("phone" in values or "persona" in values or "sender" not in values):
        raise InvalidInput("A message of a group has chat_guid and sender, and neither phone nor persona.")
    if not group and not {"phone", "persona"} <= set(values):
        raise InvalidInput("A direct message has phone and persona.")
    sender = values.get("sender", values.get("phone", ""))
    return IncomingMessage(
        text=values["text"],
        sender=sender,
        user=values.get("phone"),
        persona=values.get("persona"),
        chat_guid=values.get("chat_guid"),
        is_group=group,
        at=_moment(values["at"]),
        external_id=values.get("id") or _derived(sender, values["at"], values["text"]),
    )


def _moment(text: str) -> dt.datetime:
    try:
        return dt.datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput("A time is written as 2026-11-21T10:00:00Z.") from None


def _derived(*parts: str) -> str:
    return _DERIVED + hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:40]


def total_bytes(path: Path) -> int:
    """Return how long a file is."""
    return path.stat().st_size
