"""Lines that repeat at the edges of pages: running headers, footers and page numbers, found conservatively.

The text stays whole; a skip only says which characters are not to be spoken, and why.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, NamedTuple

Skip = tuple[int, int, str]

PAGE_NUMBER: Final = "page number"
EDGE_LINES: Final = 2
MIN_PAGES: Final = 3
MIN_SHARE: Final = 0.4
# Chapter names change, so the text beside a page number need not be frequent, only not unique.
_ALIKE: Final = 2
# A running line is short; a long one is text, even if it repeats.
_MAX_LINE: Final = 160
# Every word of roman digits counts as a number: this only decides which lines are alike.
# Digits inside a word ("A4", "SKU1234") are part of its name.
_NUMBER: Final = re.compile(r"((?<![^\W_])\d+(?![^\W_])|\b[ivxlcIVXLC]+\b)")
_ROMAN_VALUES: Final = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
_MAX_DIGITS: Final = 9
# "3 of 12" has two; more of them are a row of a table.
_MAX_NUMBERS: Final = 2
# What may stand around a bare page number: "Page 3 of 12", "- 3 -", "Seite 3 von 12", "стр. 3", "σελ. 3".
_NUMBER_WORDS: Final = frozenset(
    {"page", "pages", "p", "of", "seite", "von", "s", "página", "pagina", "pag", "pág", "de", "di", "sur"}
    | {"стр", "страница", "из", "σελ", "σελίδα", "από"}
)  # fmt: skip
_WORD: Final = re.compile(r"[^\W\d_]+")


class _Edge(NamedTuple):
    """One line near the top or bottom of a page; `masked` has # for every number, `numbers` are the outer ones."""

    page: int
    start: int
    end: int
    side: str
    masked: str
    numbers: tuple[int, ...]
    reason: str


def find_skips(pages: Sequence[str]) -> list[tuple[Skip, ...]]:
    """Return for each page the character ranges of its running lines.

    A line among the first or last two of a page counts when, on at least 40 % of the pages that have text and on at least three,

    * the same text, numbers masked, stands at the same edge; a bare page number must also count on with the pages; or
    * a line at that edge begins or ends with the page's number, and its own text stands on another page too ("30  Chapter 5").

    A page is never skipped whole.
    """
    edges = [edge for number, text in enumerate(pages) for edge in _edges(number, text)]
    needed = max(MIN_PAGES, MIN_SHARE * sum(1 for text in pages if text.strip()))
    share = Counter((side, masked) for side, masked, _ in {(edge.side, edge.masked, edge.page) for edge in edges})
    paging = Counter(offset for offset, _ in {(offset, edge.page) for edge in edges for offset in _offsets(edge)})
    found: list[dict[tuple[int, int], str]] = [{} for _ in pages]
    for edge in edges:
        alike = share[edge.side, edge.masked]
        steady = max((paging[offset] for offset in _offsets(edge)), default=0)
        is_repeated = alike >= needed and (edge.reason != PAGE_NUMBER or steady >= MIN_PAGES)
        if is_repeated or (steady >= needed and alike >= _ALIKE):
            found[edge.page].setdefault((edge.start, edge.end), edge.reason)
    return [_unless_all(text, lines) for text, lines in zip(pages, found, strict=True)]


def _offsets(edge: _Edge) -> set[tuple[str, int]]:
    """Return how far the outer numbers of a line are from the page's place; page numbers keep that distance from page to page."""
    return {(edge.side, number - edge.page) for number in edge.numbers}


def _unless_all(text: str, lines: dict[tuple[int, int], str]) -> tuple[Skip, ...]:
    """Return the lines in order, or nothing where they would leave no text on the page."""
    skips = sorted((start, end, reason) for (start, end), reason in lines.items())
    left = text
    for start, end, _ in reversed(skips):
        left = left[:start] + left[end:]
    return tuple(skips) if left.strip() else ()


def _edges(page: int, text: str) -> Iterator[_Edge]:
    """Yield the first and last lines that hold something; on a short page a line can be both."""
    for side, spans in (("header", _first_lines(text)), ("footer", _last_lines(text))):
        for start, end in islice(((start, end) for start, end in spans if text[start:end].strip()), EDGE_LINES):
            line = text[start:end]
            if len(line) <= _MAX_LINE:
                parts = _NUMBER.split(line)
                masked = " ".join("#".join(parts[::2]).lower().split())
                reason = _reason(masked, side)
                if reason:
                    yield _Edge(page, start, end, side, masked, _numbers(parts, is_bare=reason == PAGE_NUMBER), reason)


def _numbers(parts: Sequence[str], *, is_bare: bool) -> tuple[int, ...]:
    """Return the numbers at the ends of a line, or all of a bare page number ("3 of 12"); `parts` alternates text and number."""
    numbers = parts[1::2]
    if not is_bare:
        numbers = [*([] if parts[0].strip() else numbers[:1]), *([] if parts[-1].strip() else numbers[-1:])]
    return tuple(map(_value, numbers))


def _reason(masked: str, side: str) -> str | None:
    """Return why the line would be skipped if it repeats; None if it holds neither a word nor a number."""
    words = set(_WORD.findall(masked))
    if 1 <= masked.count("#") <= _MAX_NUMBERS and words <= _NUMBER_WORDS:
        return PAGE_NUMBER
    return side if words else None


def _first_lines(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each line from the top."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield start, end
        start = end + 1


def _last_lines(text: str) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of each line from the bottom."""
    end = len(text)
    while end > 0:
        start = text.rfind("\n", 0, end) + 1
        yield start, end
        end = start - 1


def _value(number: str) -> int:
    """Return the value of a decimal or roman number."""
    if number.isdigit():
        # Longer ones are no page numbers, and int() of a very long one is slow.
        return int(number[:_MAX_DIGITS])
    values = [_ROMAN_VALUES[letter] for letter in number[:_MAX_DIGITS].lower()]
    return sum(-value if value < max(values[place:]) else value for place, value in enumerate(values))
