"""Subtitles from speech marks: one cue per sentence, long sentences in pieces, times over all pages."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from backend_core.documents.records import PlayableAudio

CUE_CHARACTERS: Final = 84
LINE_CHARACTERS: Final = 42


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle: milliseconds from the start, and its text."""

    start_ms: int
    end_ms: int
    text: str


def _cues(pages: Sequence[PlayableAudio]) -> Iterator[Cue]:
    offset = 0
    for playable in pages:
        starts = [mark[0] for mark in playable.marks]
        for start, end in playable.sentences:
            marks = playable.marks[bisect_left(starts, start) : bisect_left(starts, end)]
            yield from _sentence(playable.page.text, marks, offset, end=end)
        offset += round((playable.audio.seconds or 0.0) * 1000)


def _sentence(text: str, marks: Sequence[tuple[int, int, int, int]], offset: int, *, end: int) -> Iterator[Cue]:
    first = 0
    for place in range(1, len(marks) + 1):
        full = place == len(marks) or marks[place][1] - marks[first][0] > CUE_CHARACTERS
        if full:
            # up to the next piece, so that punctuation between and after the words is kept
            until = end if place == len(marks) else marks[place][0]
            piece = " ".join(text[marks[first][0] : until].split())
            yield Cue(offset + marks[first][2], offset + marks[place - 1][3], piece)
            first = place


def _lines(text: str) -> str:
    if len(text) <= LINE_CHARACTERS:
        return text
    middle = text.rfind(" ", 0, len(text) // 2 + LINE_CHARACTERS // 4)
    return text if middle < 0 else f"{text[:middle]}\n{text[middle + 1 :]}"


def _clock(milliseconds: int, separator: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}{separator}{rest:03d}"


def to_srt(pages: Sequence[PlayableAudio]) -> str:
    """Return SubRip subtitles."""
    cues = enumerate(_cues(pages), start=1)
    return "\n".join(f"{n}\n{_clock(cue.start_ms, ',')} --> {_clock(cue.end_ms, ',')}\n{_lines(cue.text)}\n" for n, cue in cues)


def to_vtt(pages: Sequence[PlayableAudio]) -> str:
    """Return WebVTT subtitles."""
    # in WebVTT these three start markup
    cues = [f"{_clock(cue.start_ms, '.')} --> {_clock(cue.end_ms, '.')}\n{_lines(_escaped(cue.text))}\n" for cue in _cues(pages)]
    return "\n".join(["WEBVTT\n", *cues])


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
