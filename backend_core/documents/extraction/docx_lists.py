"""Bullets and numbers of Word lists, which the paragraphs themselves do not contain (runs in the child)."""

from __future__ import annotations

from typing import Any, Final

from docx.oxml.ns import qn

_VAL, _NUM_ID, _LEVEL = qn("w:val"), qn("w:numId"), qn("w:ilvl")
_ABC: Final = 26
_MAX_DEPTH: Final = 9
_NO_LIST: Final = "0"


class ListLabels:
    """Counts list items while a document is walked from top to bottom."""

    def __init__(self, document: Any) -> None:
        """Read the list definitions and the styles that refer to them."""
        self._formats = _formats(document)
        self._styles = _style_lists(document)
        self._counts: dict[tuple[str, int], int] = {}

    def next(self, paragraph: Any) -> str:
        """Return the label of `paragraph`, such as ``• `` or ``2. ``; empty if it is no list item."""
        properties = paragraph.find(qn("w:pPr"))
        if properties is None:
            return ""
        own = _list_of(properties)
        style = properties.find(qn("w:pStyle"))
        number, level = own or self._styles.get(style.get(_VAL) if style is not None else "", (_NO_LIST, 0))
        if number == _NO_LIST:
            return ""
        return "  " * level + self._label(number, level)

    def _label(self, number: str, level: int) -> str:
        kind, start = self._formats.get((number, level), ("bullet", 1))
        if kind == "none":
            return ""
        if kind == "bullet":
            return "• "
        count = self._counts.get((number, level), start - 1) + 1
        self._counts[number, level] = count
        for deeper in range(level + 1, _MAX_DEPTH):
            self._counts.pop((number, deeper), None)
        if kind in {"lowerLetter", "upperLetter"} and 1 <= count <= _ABC:
            letter = chr(ord("a") + count - 1)
            return f"{letter if kind == 'lowerLetter' else letter.upper()}. "
        return f"{count}. "


def _list_of(properties: Any) -> tuple[str, int] | None:
    """Return (list, level) from paragraph properties, None if they name no list."""
    found = properties.find(qn("w:numPr"))
    number = None if found is None else found.find(_NUM_ID)
    if number is None:
        return None
    level = found.find(_LEVEL)
    depth = 0 if level is None else _whole(level.get(_VAL), default=0)
    return number.get(_VAL, _NO_LIST), min(max(depth, 0), _MAX_DEPTH - 1)


def _formats(document: Any) -> dict[tuple[str, int], tuple[str, int]]:
    """Return {(list, level): (format, first number)} from the numbering part, if there is one."""
    part = next((rel.target_part for rel in document.part.rels.values() if rel.reltype.endswith("/numbering")), None)
    element = getattr(part, "element", None)
    if element is None:
        return {}
    abstract = {found.get(qn("w:abstractNumId")): found for found in element.iterchildren(qn("w:abstractNum"))}
    formats = {}
    for number in element.iterchildren(qn("w:num")):
        link = number.find(qn("w:abstractNumId"))
        definition = abstract.get(link.get(_VAL)) if link is not None else None
        for level in () if definition is None else definition.iterchildren(qn("w:lvl")):
            kind, start = level.find(qn("w:numFmt")), level.find(qn("w:start"))
            formats[number.get(_NUM_ID), _whole(level.get(_LEVEL), default=0)] = (
                "decimal" if kind is None else kind.get(_VAL),
                1 if start is None else _whole(start.get(_VAL), default=1),
            )
    return formats


def _style_lists(document: Any) -> dict[str, tuple[str, int]]:
    """Return {style: (list, level)} for paragraph styles such as List Bullet."""
    found = {}
    for style in document.styles.element.iterchildren(qn("w:style")):
        properties = style.find(qn("w:pPr"))
        place = None if properties is None else _list_of(properties)
        if place is not None:
            found[style.get(qn("w:styleId"))] = place
    return found


def _whole(text: str | None, *, default: int) -> int:
    """Return a small whole number from an attribute of an untrusted file."""
    return int(text) if text is not None and text.isdecimal() and len(text) <= _MAX_DEPTH else default
