"""Text of a Word document in reading order: paragraphs, headings, lists, tables and text boxes (runs in the child)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import docx
from docx.opc.exceptions import PackageNotFoundError
from docx.oxml.ns import qn
from lxml import etree

from backend_core.documents.extraction.docx_archive import check_archive
from backend_core.documents.extraction.docx_lists import ListLabels
from backend_core.documents.extraction.refusals import Refusal
from backend_core.documents.extraction.skips import Skip
from backend_core.documents.extraction.text_reader import divided

if TYPE_CHECKING:
    from backend_core.documents.extraction.limits import Limits

_PAGE_BREAK: Final = "\f"
_CELL: Final = "\t"
_P, _TBL, _TR, _TC, _SECT = (qn(f"w:{tag}") for tag in ("p", "tbl", "tr", "tc", "sectPr"))
_TEXT: Final = frozenset({qn("w:t"), qn("m:t")})
_BR, _TYPE, _VAL, _P_PR = qn("w:br"), qn("w:type"), qn("w:val"), qn("w:pPr")
_SIGNS: Final = {qn("w:tab"): "\t", qn("w:ptab"): "\t", qn("w:cr"): "\n", qn("w:noBreakHyphen"): "-"}
# Removed text, the second copy of every text box, and properties (whose tab stops are no tabs).
_IGNORED: Final = frozenset(
    {qn("w:del"), qn("w:moveFrom"), _P_PR, qn("w:rPr"), "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"}
)
_TEXT_BOX: Final = qn("w:txbxContent")
_CONTINUOUS: Final = "continuous"
_OFF: Final = frozenset({"0", "false", "off"})


def read(path: Path, *, limits: Limits, report: Callable[[int, int], None]) -> list[tuple[str, tuple[Skip, ...]]]:
    """Return (text, no skips) for every page: pages end at explicit page and section breaks, and where they grow too long.

    Raises:
        Refusal: not a Word document, damaged, a bomb, blank, or over a limit.
    """
    check_archive(path, limits=limits)
    document = _opened(path)
    return divided("".join(_Walk(document).blocks(document.element.body)).lstrip("\n"), limits=limits, report=report)


def _opened(path: Path) -> Any:
    try:
        return docx.Document(str(path))
    except etree.XMLSyntaxError as error:
        is_memory = error.code == etree.ErrorTypes.ERR_NO_MEMORY
        raise Refusal("memory" if is_memory else "damaged_docx") from None
    except (PackageNotFoundError, KeyError, ValueError, AttributeError):
        raise Refusal("damaged_docx") from None


class _Walk:
    """One walk through a document from top to bottom, counting its lists."""

    def __init__(self, document: Any) -> None:
        self._labels = ListLabels(document)
        # A section says how it begins itself, so whether a page ends here is written in the next one. The list keeps the elements
        # alive, without which their identities would mean nothing.
        self._sections = list(document.element.body.iter(_SECT))
        self._page_ends = {one for one, following in pairwise(self._sections) if _begins_page(following)}

    def blocks(self, parent: Any) -> Iterator[str]:
        """Yield the blocks below an element in order, each with the line ends that part it from the one before."""
        was_item = False
        for element in parent:
            if element.tag == _P:
                label = self._labels.next(element)
                text = "".join(_words(element)).strip("\n ")
                before, after = self._breaks(element)
                if text or before or after:
                    gap = "\n" if label and was_item else "\n\n"
                    yield "".join((before, gap, label if text else "", text, after))
                    was_item = bool(label)
            elif element.tag == _TBL:
                yield "\n\n" + "\n".join(self._rows(element))
                was_item = False
            elif element.tag != _SECT and element.tag not in _IGNORED:
                # Content controls and the like only wrap what they hold.
                yield from self.blocks(element)

    def _rows(self, table: Any) -> Iterator[str]:
        """Yield one line for each row, its cells parted by tabs."""
        for row in _unwrapped(table, _TR):
            yield _CELL.join(" ".join("".join(self.blocks(cell)).split()) for cell in _unwrapped(row, _TC))

    def _breaks(self, paragraph: Any) -> tuple[str, str]:
        """Return the page breaks (before, after) that the paragraph's properties ask for."""
        before = paragraph.find(f"{_P_PR}/{qn('w:pageBreakBefore')}")
        starts_page = before is not None and before.get(_VAL) not in _OFF and paragraph.getprevious() is not None
        ends_page = paragraph.find(f"{_P_PR}/{_SECT}") in self._page_ends
        return (_PAGE_BREAK if starts_page else ""), (_PAGE_BREAK if ends_page else "")


def _unwrapped(parent: Any, tag: str) -> Iterator[Any]:
    """Yield the rows or cells of an element, also those inside content controls, but not those of tables within."""
    for child in parent:
        if child.tag == tag:
            yield child
        elif child.tag not in _IGNORED and child.tag != _TBL:
            yield from _unwrapped(child, tag)


def _begins_page(section: Any) -> bool:
    """Tell whether a section begins on a new page, as it does unless it says otherwise."""
    kind = section.find(_TYPE)
    return kind is None or kind.get(_VAL) != _CONTINUOUS


def _words(element: Any) -> Iterator[str]:
    """Yield the text below `element`; a page break inside a paragraph is a form feed."""
    for child in element:
        if child.tag in _TEXT:
            yield child.text or ""
        elif child.tag in _SIGNS:
            yield _SIGNS[child.tag]
        elif child.tag == _BR:
            yield _PAGE_BREAK if child.get(_TYPE) == "page" else "\n"
        elif child.tag in {_P, _TEXT_BOX}:
            yield "\n"
            yield from _words(child)
        elif child.tag not in _IGNORED:
            yield from _words(child)
