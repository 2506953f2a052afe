"""Words broken at line ends, joined exactly: pdfium marks each hyphen at a line end, this decides which ones were only typography."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

MARK: Final = "\ufffe"
# The bounded text call of pdfium writes U+0002 for the same thing.
OTHER_MARK: Final = "\x02"
_OPENING: Final = "([{<\"'“‘„‚«‹¿¡"
_LEFT_WORD: Final = re.compile(r"\S*\Z")
_RIGHT_WORD: Final = re.compile(r"[^\W\d_]*")
# "twenty-four" keeps its hyphen in English, and the words are too common to be left to chance.
_TENS: Final = frozenset({"twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"})
# Enough to hold any word; longer runs without a blank are not words.
_REACH: Final = 80


def join_hyphens(pages: Sequence[str]) -> list[str]:
    """Return the pages with every marked hyphen dropped (``dis-tribution``) or kept (``Half-Configured``, ``day-to-day``).

    A hyphen stays where the next part is not lower case, where the part before is not a plain word (an option, a path, a word that
    already has a hyphen), or where the document elsewhere writes the word with a hyphen and nowhere without.
    """
    broken = {parts for page in pages if MARK in page for parts in _broken_words(page)}
    if not broken:
        return [page.replace(MARK, "-") for page in pages]
    kept = {(left, right) for left, right in _written_with_hyphen(pages, broken) if not any(left + right in page for page in pages)}
    return [_joined(page, kept) if MARK in page else page for page in pages]


def _joined(page: str, kept: set[tuple[str, str]]) -> str:
    """Join the marks of one page from left to right, so that a word broken twice is seen whole."""
    first, *rest = page.split(MARK)
    done = first
    for part in rest:
        parts = _plain_parts(done, part)
        done += part if parts and parts not in kept else f"-{part}"
    return done


def _broken_words(page: str) -> Iterator[tuple[str, str]]:
    """Yield (part before, part after) for each mark that may be dropped."""
    pieces = page.split(MARK)
    for left, right in pairwise(pieces):
        parts = _plain_parts(left, right)
        if parts:
            yield parts


def _plain_parts(left: str, right: str) -> tuple[str, str] | None:
    """Return the two parts of a word if both are plain, the second in lower case; None if the hyphen has to stay."""
    before = _LEFT_WORD.search(left[-_REACH:])
    after = _RIGHT_WORD.match(right[:_REACH])
    word = before[0].lstrip(_OPENING) if before else ""
    rest = after[0] if after else ""
    is_plain = word.isalpha() and rest[:1].islower() and word.lower() not in _TENS
    return (word, rest) if is_plain else None


def _written_with_hyphen(pages: Sequence[str], broken: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return those of the broken words that stand somewhere inside a line with their hyphen."""
    # Two letters on either side rule out nearly every hyphen of the document without a regular expression.
    likely = {(left[-2:], right[:2]) for left, right in broken}
    found = set()
    for page in pages:
        for left, right in pairwise(page.split("-")):
            if (left[-2:], right[:2]) in likely:
                parts = _plain_parts(left, right)
                if parts in broken:
                    found.add(parts)
    return found
