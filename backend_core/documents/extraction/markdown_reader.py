"""Markdown as the text a reader would hear: headings, paragraphs, lists, code and tables in order (runs in the child)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from backend_core.documents.extraction.skips import Skip
from backend_core.documents.extraction.text_reader import decoded, divided

if TYPE_CHECKING:
    from backend_core.documents.extraction.limits import Limits

_PAGE_BREAK: Final = "\f"
_INLINE_BREAKS: Final = {"softbreak": " ", "hardbreak": "\n"}
_CELL: Final = "\t"
_LIST: Final = "list"


def read(path: Path, *, limits: Limits, report: Callable[[int, int], None]) -> list[tuple[str, tuple[Skip, ...]]]:
    """Return (text, no skips) for every page of a Markdown file.

    Raises:
        Refusal: binary, in an unknown encoding, blank, or over a limit.
    """
    source = decoded(path.read_bytes(), limits=limits)
    # This preset escapes HTML instead of passing it through.
    parser = MarkdownIt("js-default")
    return divided(_PAGE_BREAK.join(_Writer().text(parser.parse(part)) for part in source.split(_PAGE_BREAK)), limits=limits, report=report)


class _Writer:
    """Turns tokens into blocks of text; list items keep their bullet or number, table cells are parted by tabs."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._lists: list[int | None] = []
        self._label = ""
        self._table: Token | None = None
        self._row: list[str] | None = None
        # Blocks of one list or table are not parted by blank lines.
        self._group: Token | str | None = None

    def text(self, tokens: Iterable[Token]) -> str:
        """Return the text of a whole document."""
        for token in tokens:
            self._take(token)
        return "".join(self._parts).strip("\n")

    def _take(self, token: Token) -> None:
        if token.type == "inline":
            self._inline(_inline_text(token))
        elif token.type in {"fence", "code_block"}:
            self._block(token.content.rstrip("\n"))
        elif token.type in {"bullet_list_open", "ordered_list_open"}:
            self._lists.append(int(token.attrs.get("start", 1)) if token.type.startswith("ordered") else None)
        elif token.type in {"bullet_list_close", "ordered_list_close"}:
            self._lists.pop()
        elif token.type == "list_item_open":
            self._label = self._next_label()
        elif token.type == "table_open":
            self._table = token
        elif token.type == "tr_open":
            self._row = []
        elif token.type == "tr_close":
            self._block(_CELL.join(self._row or []), group=self._table)
            self._row = None

    def _inline(self, text: str) -> None:
        """Add a cell to the open row, or a block."""
        if self._row is None:
            self._block(text, group=_LIST if self._label else None)
        else:
            self._row.append(text)

    def _block(self, text: str, *, group: Token | str | None = None) -> None:
        """Add a block after a blank line, or after a line end inside its list or table."""
        if text.strip():
            joined = group is not None and group is self._group
            self._parts.append(("\n" if joined else "\n\n") + self._label + text)
            self._label = ""
            self._group = group

    def _next_label(self) -> str:
        """Return the bullet or number of the next item, indented by depth, and count on."""
        indent = "  " * (len(self._lists) - 1)
        number = self._lists[-1]
        if number is None:
            return f"{indent}• "
        self._lists[-1] = number + 1
        return f"{indent}{number}. "


def _inline_text(token: Token) -> str:
    """Return the words of one inline token: link texts without their targets, pictures by their description."""
    return "".join(_INLINE_BREAKS.get(child.type, child.content) for child in token.children or [])
