"""Rows of the page as they are painted; every word is made in the worker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from desktop.pages.conversations.words import day_words


@dataclass(frozen=True, slots=True)
class TalkLine:
    """One conversation in the list; nothing of what was said.

    Attributes:
        below: “Direct · +44•••••4821” or “Group · 5 members”.
        cursor: asks for what follows it.
    """

    key: str
    value: object
    container: object
    kind: str
    title: str
    below: str
    persona: str
    contact: object
    members: int
    messages: int
    last: str
    cursor: str


@dataclass(frozen=True, slots=True)
class PhotoLine:
    """A photo of a conversation and how far looking at it has come."""

    key: str
    status: str
    words: str
    tone: str
    icon: str
    summary: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class MessageLine:
    """One message.

    Attributes:
        mine: a persona wrote it.
        photo: what it speaks of.
        first: the message before it has another sender or is long ago, so the name stands above this one.
    """

    key: str
    sender: str
    below: str
    mine: bool
    text: str
    time: str
    at: datetime
    photo: PhotoLine | None = None
    first: bool = True


@dataclass(frozen=True, slots=True)
class DayLine:
    """The heading of a day."""

    words: str


Row = DayLine | MessageLine


def with_days(lines: Sequence[MessageLine]) -> list[Row]:
    """Return the messages, oldest first, under headings of their local days."""
    rows: list[Row] = []
    for _day, inside in groupby(lines, key=lambda line: line.at.astimezone().date()):
        members = list(inside)
        rows.append(DayLine(day_words(members[0].at)))
        rows += members
    return rows
