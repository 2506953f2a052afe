"""Pages of a PDF by pdfium, running lines found and broken words joined (runs in the child)."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pypdfium2
import pypdfium2.raw as pdfium

from backend_core.documents.extraction.cleaning import clean
from backend_core.documents.extraction.hyphens import MARK, OTHER_MARK, join_hyphens
from backend_core.documents.extraction.refusals import Refusal
from backend_core.documents.extraction.skips import Skip, find_skips

if TYPE_CHECKING:
    from backend_core.documents.extraction.limits import Limits


def read(path: Path, *, limits: Limits, report: Callable[[int, int], None]) -> list[tuple[str, tuple[Skip, ...]]]:
    """Return (text, skips) for every page, empty pages included.

    Raises:
        Refusal: protected, damaged, without text, or over a limit.
    """
    document = _opened(path)
    total = len(document)
    if total == 0:
        raise Refusal("no_pages")
    if total > limits.pages:
        raise Refusal("too_many_pages")
    texts: list[str] = []
    characters = 0
    for number in range(total):
        text = _page_text(document, number, limits=limits)
        characters += len(text)
        if characters > limits.total_chars:
            raise Refusal("too_long")
        texts.append(text)
        report(number + 1, total)
    if not any(text.strip() for text in texts):
        raise Refusal("no_text_layer")
    texts = [clean(text) for text in join_hyphens(texts)]
    return list(zip(texts, find_skips(texts), strict=True))


def _opened(path: Path) -> pypdfium2.PdfDocument:
    """Open the document, telling a password from damage."""
    try:
        return pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        is_protected = getattr(error, "err_code", None) in {pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY}
        raise Refusal("password" if is_protected else "damaged_pdf") from None


def _page_text(document: pypdfium2.PdfDocument, number: int, *, limits: Limits) -> str:
    """Return the raw text of one page, hyphens at line ends marked.

    Straight calls instead of the page objects of the wrapper, which cost up to six per cent.
    """
    page = pdfium.FPDF_LoadPage(document.raw, number)
    text_page = pdfium.FPDFText_LoadPage(page) if page else None
    if not text_page:
        raise Refusal("damaged_page")
    count = pdfium.FPDFText_CountChars(text_page)
    if count > limits.page_chars:
        raise Refusal("page_too_long")
    # Two units for each character, should one need a surrogate pair, and the terminating zero.
    units = (ctypes.c_ushort * (2 * max(count, 0) + 1))()
    written = pdfium.FPDFText_GetText(text_page, 0, count, units) if count > 0 else 0
    pdfium.FPDFText_ClosePage(text_page)
    pdfium.FPDF_ClosePage(page)
    text = bytes(memoryview(units)[: max(written - 1, 0)]).decode("utf-16-le", errors="ignore")
    return text.replace(OTHER_MARK, MARK)
