"""Words that nobody says: whoever finds one has seen something of its container."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

# no vowels and no endings of a language, so that no stemmer changes a word made of them
_LETTERS: Final = "bcdfghjklmnpqvwx"
_LENGTH: Final = 12
_TOKEN_BYTES: Final = 5
PREFIX: Final = "zq"


def new_token() -> str:
    """Return what tells this run from every other."""
    return secrets.token_hex(_TOKEN_BYTES)


def canary(token: str, place: str) -> str:
    """Return the word of one place in one run.

    >>> canary("00", "GA") != canary("00", "GB"), canary("00", "GA").startswith("zq"), len(canary("00", "GA"))
    (True, True, 14)
    """
    digest = hashlib.sha256(f"{token}:{place}".encode()).hexdigest()
    return PREFIX + "".join(_LETTERS[int(digit, 16)] for digit in digest[:_LENGTH])


@dataclass(frozen=True, slots=True)
class Sought:
    """What a viewer asks for of one owner.

    Attributes:
        owner: code of the context.
        word: its canary.
        number: of its container inside the database; 0 where there is none.
        memories: ids of its memories as text, the one with the canary first.
        messages: ids of its messages as text.
        hashes: content hashes of its memories.
        text: of the memory that every container holds in the same words.
        target: of its openings in the audit log.
    """

    owner: str
    word: str
    number: int
    memories: tuple[str, ...]
    messages: tuple[str, ...]
    hashes: tuple[bytes, ...]
    text: str
    target: str

    @property
    def question(self) -> str:
        """A question in words: some that every container knows, and the one that only this one does."""
        return f"What about the party on the rooftop, {self.word}?"
