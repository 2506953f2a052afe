"""The lines handed to the voice: each sentence as it is said, and where each token stands in it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from backend_core.speech.normalise import Normalised, Token
from backend_core.speech.segment import Sentence

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_UNSPOKEN: Final = re.compile(r"[^.,;:!?…()'\"“”‘’«»„‹›—–\-¿¡、。，；：！？؟،؛۔।॥။።]+")
_REPEATED: Final = re.compile(r"([^\w\s])\1+")
_DOT_LEADER: Final = re.compile(r"\.{4,}|(?:\s?\.){4,}")
_BRACKETS: Final = str.maketrans("[]{}", "()()")


class Line(NamedTuple):
    """One sentence to say: its text, and for each of its tokens, from number ``first`` on, where it begins in that text."""

    text: str
    first: int
    offsets: tuple[int, ...]


def write(normalised: Normalised, sentences: Sequence[Sentence]) -> tuple[Line, ...]:
    """Return the line of each sentence."""
    return tuple(_line(normalised, sentence) for sentence in sentences)


def _line(normalised: Normalised, sentence: Sentence) -> Line:
    tokens = normalised.tokens
    parts = [_between(normalised.between(sentence.start, tokens[sentence.first].start))]
    length, offsets = len(parts[0]), []
    for index in range(sentence.first, sentence.last):
        if index > sentence.first:
            parts.append(_joint(normalised, tokens[index - 1], tokens[index]))
            length += len(parts[-1])
        offsets.append(length)
        # The last fence: whatever a reading returned, the engine must never see one of its embedded commands.
        parts.append(_CONTROL.sub("", tokens[index].spoken))
        length += len(parts[-1])
    parts.append(_between(normalised.between(tokens[sentence.last - 1].end, sentence.end)))
    return Line("".join(parts), sentence.first, tuple(offsets))


def _joint(normalised: Normalised, before: Token, after: Token) -> str:
    """Return what is said between two tokens of a sentence."""
    gap = normalised.between(before.end, after.start)
    if gap == " ":
        return gap
    if before.kind == "number" and gap == "–" and after.kind == "number" and normalised.words.until:
        return f" {normalised.words.until} "
    if before.kind == "number" and gap == ". " and normalised.language == "de":
        # A dot would end the clause in the middle of "der 3. Platz".
        return " "
    said = _between(gap)
    # Two words never run into one: a skipped footnote mark or an underscore leaves a blank.
    return said if said or before.kind == "ideograph" else " "


@lru_cache(maxsize=4096)
def _between(gap: str) -> str:
    """Return the punctuation of ``gap`` that shapes the melody, without what would be read out as a name."""
    text = _DOT_LEADER.sub(", ", gap).translate(_BRACKETS)
    text = _REPEATED.sub(lambda run: "…" if run[0] == "..." else run[1], text)
    return re.sub(r"\s+(?=[.,;:!?…)])", "", re.sub(r"\s+", " ", _UNSPOKEN.sub(" ", text)))
