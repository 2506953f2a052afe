"""Regular expressions that are compiled when they are first used: large ones cost more than most programs that import them ever gain."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cached_property


class LazyPattern:
    """What is used of ``re.Pattern``, which does the work.

    Args:
        pattern: the expression; a wrong one raises ``re.error`` at its first use.
        flags: of ``re.compile``.

    >>> LazyPattern(r"[a-z]+").search("12 ab")[0]
    'ab'
    """

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self.pattern, self.flags = pattern, flags

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The expression itself. Two threads may both compile it the first time; either result will do."""
        return re.compile(self.pattern, self.flags)

    def search(self, text: str) -> re.Match[str] | None:
        """Find the first place."""
        return self.compiled.search(text)

    def match(self, text: str) -> re.Match[str] | None:
        """Try the beginning."""
        return self.compiled.match(text)

    def fullmatch(self, text: str) -> re.Match[str] | None:
        """Try the whole."""
        return self.compiled.fullmatch(text)

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """Find every place."""
        return self.compiled.finditer(text)

    def sub(self, new: str | Callable[[re.Match[str]], str], text: str) -> str:
        """Replace every place."""
        return self.compiled.sub(new, text)
