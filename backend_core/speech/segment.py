"""Cut normalised text into sentences: the pieces the engine speaks one by one and the window highlights.

Cuts fall only between tokens, so a decimal, an abbreviation or an address is never torn, and nothing changes its place.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from backend_core.speech.normalise import Normalised, Token, normalise

MAX_SENTENCE: Final = 600
"""Characters; longer sentences are cut at a clause, else between words."""
_SHORT_LINE: Final = 0.6
"""A line that ends before this part of the longest line, with a capital after it, is a heading or a list item."""
_LIST_NUMBER_LENGTH: Final = 3
_ORDINAL_DIGITS: Final = 2
_DOT_ORDINALS: Final = frozenset({"de", "da", "nb", "nn", "fi", "cs", "sk", "hu", "pl", "et", "lv", "is"})

_PARAGRAPH: Final = re.compile(r"\n[^\S\n]*\n|[\f\u2029]")
_ITEM: Final = re.compile(r"\n\s*(?:[-*•·–▪◦‣+]\s)")
_LIST_LABEL: Final = re.compile(r"[0-9]{1,3}|[A-Za-z]|[ivx]{1,4}|[IVX]{1,4}")
_FULL_WIDTH_STOP: Final = re.compile(r"[。！？｡؟۔।॥።፧]")
_BLANK: Final = "[ \u00a0\u202f\u2009]"
"""French sets one before ! and ? and inside « »."""
_STOP: Final = re.compile(rf"^(?:[^\w\s]*[.!?…‽⁇⁈⁉]|{_BLANK}[!?…])[^\w\s]*(?:{_BLANK}»)?(?=\s)")
_GLUED_STOP: Final = re.compile(r"^[.!?…][\"'”’»)]?$")
_TRAILING: Final = re.compile(rf"(?:{_BLANK}(?=[!?…»]))?[^\w\s]*(?:{_BLANK}»)?")
_OPENING: Final = "“‘«„‹([{¿¡「『（〈《"
_MOST_OPENING: Final = 8
_OPENED: Final = re.compile(rf"(?:«{_BLANK}|[\"'{re.escape(_OPENING)}])+$")
_CLAUSE: Final = re.compile(r"[,;:—–)»、，；：،؛]|\s-\s")


class Sentence(NamedTuple):
    """Tokens ``first`` to ``last`` (exclusive) and their range in the text with the punctuation that belongs to them."""

    first: int
    last: int
    start: int
    end: int


def sentences(text: str, *, language: str, skips: Sequence[tuple[int, int, str]] = ()) -> tuple[tuple[int, int], ...]:
    """Return the (start, end) range of each sentence of ``text``, in order.

    >>> text = "Dr. Smith measured 3.14! Really?"
    >>> [text[start:end] for start, end in sentences(text, language="en")]
    ['Dr. Smith measured 3.14!', 'Really?']
    """
    return tuple((cut.start, cut.end) for cut in segment(normalise(text, language=language, skips=skips)))


def segment(normalised: Normalised) -> tuple[Sentence, ...]:
    """Return the sentences; every token is in exactly one, in the order of the text."""
    tokens = normalised.tokens
    if not tokens:
        return ()
    rules = _Rules(normalised)
    firsts = [0]
    for index in range(1, len(tokens)):
        if rules.ends_before(index, opened=firsts[-1]):
            firsts.append(index)
    cuts = [
        piece for first, last in zip(firsts, [*firsts[1:], len(tokens)], strict=True) for piece in _short_enough(normalised, first, last)
    ]
    return tuple(_sentence(normalised, first, last) for first, last in cuts)


class _Rules:
    """Decides whether a sentence ends between two tokens."""

    def __init__(self, normalised: Normalised) -> None:
        self._tokens = normalised.tokens
        self._shaped = normalised.shaped
        self._between = normalised.between
        self._language = normalised.language
        self._starters = normalised.words.starters
        self._short = _SHORT_LINE * max((len(line) for line in normalised.shaped.split("\n")), default=0)

    def ends_before(self, index: int, *, opened: int) -> bool:
        """Return True if the sentence that began with token ``opened`` ends before token ``index``."""
        before, after = self._tokens[index - 1], self._tokens[index]
        gap = self._between(before.end, after.start)
        if gap == " " and before.kind == "word":
            return False
        if _PARAGRAPH.search(gap) or _FULL_WIDTH_STOP.search(gap):
            return True
        if "\n" in gap and self._line_ends(gap, before, after, index):
            return True
        first = self._shaped[after.start]
        if _STOP.match(gap):
            return not first.islower() and not self._is_number_with_dot(gap, before, after, alone=index - 1 == opened)
        if _GLUED_STOP.match(gap):
            return first.isupper() and self._shaped[before.end - 1].islower()
        return self._abbreviation_ends(before, after, capital=first.isupper())

    def _line_ends(self, gap: str, before: Token, after: Token, index: int) -> bool:
        if _ITEM.search(gap):
            return True
        if after.kind in {"number", "initial"} and index + 1 < len(self._tokens):
            following = self._between(after.end, self._tokens[index + 1].start)
            if following.startswith((". ", ") ")) and len(after.spoken) <= _LIST_NUMBER_LENGTH:
                return True
        line = before.end - (self._shaped.rfind("\n", 0, before.end) + 1)
        first = self._shaped[after.start]
        return line < self._short and (first.isupper() or first.isdigit())

    def _is_number_with_dot(self, gap: str, before: Token, after: Token, *, alone: bool) -> bool:
        """Return True for ``1. Introduction`` and, where ordinals are written with a dot, ``der 3. Platz``."""
        if not gap.startswith(".") or gap.startswith(("..", '."', ".”")):
            return False
        if alone and _LIST_LABEL.fullmatch(before.spoken):
            return True
        short = before.kind == "number" and before.spoken.isdigit() and len(before.spoken) <= _ORDINAL_DIGITS
        return short and self._language in _DOT_ORDINALS and not self._starts_sentence(after)

    def _abbreviation_ends(self, before: Token, after: Token, *, capital: bool) -> bool:
        if before.kind not in {"may_end", "acronym", "initial"} or not capital:
            return False
        if before.kind == "may_end" and before.spoken.startswith("et") and self._language != "de":
            return True
        return self._starts_sentence(after)

    def _starts_sentence(self, token: Token) -> bool:
        return token.spoken.lower().partition("'")[0].partition("’")[0] in self._starters


def _short_enough(normalised: Normalised, first: int, last: int) -> list[tuple[int, int]]:
    """Cut the tokens ``first`` to ``last`` into pieces of at most ``MAX_SENTENCE`` characters each."""
    tokens, pieces = normalised.tokens, []
    while tokens[last - 1].end - tokens[first].start > MAX_SENTENCE:
        fitting, clause = first + 1, 0
        for index in range(first + 1, last):
            if tokens[index - 1].end - tokens[first].start > MAX_SENTENCE:
                break
            fitting = index
            if _CLAUSE.search(normalised.between(tokens[index - 1].end, tokens[index].start)):
                clause = index
        pieces.append((first, clause or fitting))
        first = clause or fitting
    return [*pieces, (first, last)]


def _sentence(normalised: Normalised, first: int, last: int) -> Sentence:
    tokens, shaped = normalised.tokens, normalised.shaped
    floor = tokens[first - 1].end if first else 0
    opening = _OPENED.search(shaped[max(floor, tokens[first].start - _MOST_OPENING) : tokens[first].start])
    start = tokens[first].start - (len(opening[0]) if opening else 0)
    ceiling = tokens[last].start if last < len(tokens) else len(shaped)
    trailing = _TRAILING.match(shaped, tokens[last - 1].end, ceiling)
    tail = trailing[0] if trailing else ""
    if last < len(tokens):
        # A straight quote right after the stop closes; anything that only opens belongs to the next sentence.
        tail = tail.rstrip(_OPENING)
    return Sentence(first, last, start, tokens[last - 1].end + len(tail))
