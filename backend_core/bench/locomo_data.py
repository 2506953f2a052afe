"""Read chats of the LoCoMo benchmark: turns, and questions with the turns that answer them. The data are not part of Lectern."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from backend_core.errors import InvalidInput, NotFound, UnreadableFile
from backend_core.memory.records import NewMemory

_ID: Final = re.compile(r"D\d+:\d+")
_SESSION: Final = re.compile(r"session_(\d+)")
_WHEN: Final = "%I:%M %p on %d %B, %Y"


@dataclass(frozen=True, slots=True)
class Asked:
    """A question.

    Attributes:
        evidence: places of the turns that answer it.
        category: 1 several turns, 2 time, 3 inference, 4 one turn, 5 wrong premise.
    """

    text: str
    evidence: frozenset[int]
    category: int


@dataclass(frozen=True, slots=True)
class Chat:
    """A chat of two people over months."""

    name: str
    turns: tuple[NewMemory, ...]
    questions: tuple[Asked, ...]


def read_chats(path: Path) -> tuple[Chat, ...]:
    """Return the chats of a file, or of every JSON file of a folder.

    Raises:
        NotFound: there is no such file or folder.
        UnreadableFile: it holds no chats.
    """
    if not path.exists():
        raise NotFound("There is no such file or folder.")
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    try:
        rows = [row for file in files for row in _rows(file)]
        chats = tuple(_chat(row, place) for place, row in enumerate(rows))
    except (OSError, ValueError, KeyError, TypeError, InvalidInput):
        raise UnreadableFile("The file holds no chats in the format of LoCoMo.") from None
    if not chats:
        raise UnreadableFile("There are no chats in that folder.")
    return chats


def _rows(file: Path) -> list[dict[str, Any]]:
    found = json.loads(file.read_text(encoding="utf-8"))
    return found if isinstance(found, list) else [found]


def _chat(row: dict[str, Any], place: int) -> Chat:
    talk = row["conversation"]
    sessions = sorted((int(match[1]), name) for name in talk if (match := _SESSION.fullmatch(name)))
    turns: list[NewMemory] = []
    places: dict[str, int] = {}
    for _, name in sessions:
        when = dt.datetime.strptime(talk[f"{name}_date_time"], _WHEN).replace(tzinfo=dt.UTC)
        for turn in talk[name]:
            places[turn["dia_id"]] = len(turns)
            # what a photo shows is part of what was said with it, as where Lectern looked at the photo
            photo = f" [{turn['blip_caption']}]" if turn.get("blip_caption") else ""
            # in the order of the turns: two of them never share a moment
            at = when + dt.timedelta(seconds=len(turns))
            turns.append(NewMemory(text=f"{turn['text']}{photo}", speaker=turn["speaker"], said_at=at))
    questions = []
    for one in row["qa"]:
        evidence = frozenset(places[key] for part in one.get("evidence", ()) for key in _ID.findall(part) if key in places)
        if evidence:
            questions.append(Asked(one["question"], evidence, int(one["category"])))
    return Chat(str(row.get("sample_id") or f"chat-{place}"), tuple(turns), tuple(questions))
