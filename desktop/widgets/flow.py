"""Let the lines of a printed page flow: a line end that only marks the edge of the paper becomes a blank, character for character."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

SHORTEST_LINE: Final = 30
LONGEST_LINE: Final = 140
FULL_PART: Final = 0.75
FEWEST_LINES: Final = 4
_LISTS: Final = ("•", "–", "-", "*", "·", "◦", "▪")


def flowing(text: str, *, kept: Iterable[int] = ()) -> str:
    r"""Return ``text`` with the line ends inside paragraphs replaced by blanks; its length and every place in it stay.

    Args:
        text: a page as it was read. One whose lines are whole paragraphs, or that has few lines, is returned as it is.
        kept: places of line ends that stay, such as those beside a header.

    >>> flowing("a line that reaches the very edge\nof the paper goes on here and on.\n\nNext.\nEnd.")[33]
    ' '
    """
    lines = text.split("\n")
    lengths = sorted(len(line) for line in lines if line.strip())
    if len(lengths) < FEWEST_LINES:
        return text
    usual = lengths[(len(lengths) - 1) * 9 // 10]
    if not SHORTEST_LINE <= usual <= LONGEST_LINE:
        return text
    stays, at, parts = set(kept), 0, []
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        at += len(line)
        begins_anew = not following.strip() or following.lstrip().startswith(_LISTS) or at in stays
        parts += [line, "\n" if begins_anew or len(line) < usual * FULL_PART else " "]
        at += 1
    return "".join(parts[:-1])
