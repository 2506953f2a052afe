"""Cut text into the pieces of words that a sentence model of the BERT family knows."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Final

MOST_PIECES: Final = 254
_BEGIN: Final = "[CLS]"
_END: Final = "[SEP]"
_UNKNOWN: Final = "[UNK]"
_LONGEST_WORD: Final = 100
_IDEOGRAPHS: Final = ((0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2FA1F))


class WordPieces:
    """The vocabulary of one model.

    Args:
        vocabulary: number of each piece; a piece inside a word begins with ``##``.

    Raises:
        KeyError: a mark that every model has is missing.
    """

    def __init__(self, vocabulary: Mapping[str, int]) -> None:
        self._known = vocabulary
        self._begin, self._end, self._unknown = (vocabulary[mark] for mark in (_BEGIN, _END, _UNKNOWN))

    def numbers(self, text: str) -> list[int]:
        """Return the numbers of the pieces of a text, between a begin and an end; what is too long is cut."""
        found = [number for word in _words(text) for number in self._pieces(word)]
        return [self._begin, *found[:MOST_PIECES], self._end]

    def _pieces(self, word: str) -> list[int]:
        if len(word) > _LONGEST_WORD:
            return [self._unknown]
        found: list[int] = []
        start = 0
        while start < len(word):
            end = len(word)
            while end > start and (number := self._known.get(("##" if start else "") + word[start:end])) is None:
                end -= 1
            if end == start or number is None:
                return [self._unknown]
            found.append(number)
            start = end
        return found


def _words(text: str) -> list[str]:
    """Return words and signs in order, small and without accents, as these models were taught."""
    plain = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(c) != "Mn")
    return "".join(_apart(character) for character in plain).split()


def _apart(character: str) -> str:
    kind = unicodedata.category(character)
    if kind.startswith("C") and not character.isspace():
        return ""
    sign = kind.startswith("P") or (character.isascii() and not character.isalnum() and not character.isspace())
    alone = sign or any(low <= ord(character) <= high for low, high in _IDEOGRAPHS)
    return f" {character} " if alone else character
