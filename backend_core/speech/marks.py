"""From the engine's word events to one mark for each token: ordered, without gaps in time, each at the start of its token."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

from backend_core.speech.engine import Mark
from backend_core.speech.normalise import Token
from backend_core.speech.script import Line

_FIELDS = 3
_MS = 1000


def marks(tokens: Sequence[Token], lines: Sequence[Line], *, events: Sequence[int], samples: int, sample_rate: int) -> tuple[Mark, ...]:
    """Return one mark per token.

    Args:
        tokens: all tokens of the text.
        lines: what was said, together naming every token once.
        events: line number, character in the line (from 0) and sample, three values for each word the engine began.
        samples: length of the audio.
        sample_rate: samples per second.

    The engine begins several words inside a token such as ``1,234`` and none for a token it joins to its neighbour: the first event
    counts, and tokens without one share the time between their neighbours by their length.
    """
    if not tokens:
        return ()
    begins = _filled(_first_events(len(tokens), tokens, lines, events), tokens, samples)
    edges = [sample * _MS // sample_rate for sample in (*begins, samples)]
    return tuple(
        Mark(start=token.start, end=token.end, start_ms=low, end_ms=high)
        for token, (low, high) in zip(tokens, pairwise(edges), strict=True)
    )


def _first_events(count: int, tokens: Sequence[Token], lines: Sequence[Line], events: Sequence[int]) -> list[int | None]:
    """Return the sample of each token's first event, never before an earlier token's."""
    begins: list[int | None] = [None] * count
    latest = 0
    for number, character, sample in zip(*(events[part::_FIELDS] for part in range(_FIELDS)), strict=True):
        line = lines[number]
        place = max(bisect_right(line.offsets, character) - 1, 0)
        ended = character >= line.offsets[place] + len(tokens[line.first + place].spoken)
        if ended and place + 1 < len(line.offsets):
            place += 1
        index = line.first + place
        latest = max(latest, sample)
        if begins[index] is None:
            begins[index] = latest
    begins[0] = 0
    return _ordered(begins)


def _ordered(begins: list[int | None]) -> list[int | None]:
    """Drop events that came out of order, as in scripts the engine rearranges."""
    latest = 0
    for index, sample in enumerate(begins):
        if sample is None:
            continue
        if sample < latest:
            begins[index] = None
        else:
            latest = sample
    return begins


def _filled(begins: list[int | None], tokens: Sequence[Token], samples: int) -> list[int]:
    """Give every token without an event its share of the time between its neighbours."""
    filled: list[int] = []
    index = 0
    while index < len(begins):
        last = index + 1
        while last < len(begins) and begins[last] is None:
            last += 1
        low = begins[index] or 0
        following = begins[last] if last < len(begins) else None
        high = samples if following is None else following
        weights = [len(token.spoken) + 1 for token in tokens[index:last]]
        spent = 0
        for weight in weights:
            filled.append(min(low + (high - low) * spent // sum(weights), samples))
            spent += weight
        index = last
    return filled
