"""A small hand for drawing pages of a PDF: text, lines and filled boxes in the two typefaces every reader has."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import io
import threading
from collections.abc import Iterator
from typing import Any, Final

import pypdfium2
import pypdfium2.raw as pdfium

WIDTH: Final = 595.0
HEIGHT: Final = 842.0
MARGIN: Final = 48.0
_FACES: Final = {"plain": b"Helvetica", "bold": b"Helvetica-Bold", "mono": b"Courier"}
_AVERAGE: Final = {"plain": 0.5, "bold": 0.53, "mono": 0.6}
"""Width of a letter in its size; lines break by this, so it is rather too much than too little."""

LOCK: Final = threading.Lock()
"""pdfium is not made for several threads at once."""

Colour = tuple[int, int, int]
INK: Final[Colour] = (16, 24, 40)
MUTED: Final[Colour] = (92, 102, 122)


class Drawing:
    """A document that grows downwards; (0, 0) is the upper left corner of a page, sizes are points."""

    def __init__(self) -> None:
        self._document = pypdfium2.PdfDocument.new()
        self._fonts = {name: pdfium.FPDFText_LoadStandardFont(self._document.raw, face) for name, face in _FACES.items()}
        self._page: Any = None
        self.y = HEIGHT

    def room(self, height: float) -> None:
        """Begin another page unless ``height`` still fits on this one."""
        if self._page is None or self.y + height > HEIGHT - MARGIN:
            self.new_page()

    def new_page(self) -> None:
        """Begin another page."""
        self._finish()
        self._page = self._document.new_page(WIDTH, HEIGHT)
        self.y = MARGIN

    def text(self, words: str, *, x: float = MARGIN, size: float = 9.0, face: str = "plain", colour: Colour = INK) -> None:
        """Write one line at the present height."""
        made = pdfium.FPDFPageObj_CreateTextObj(self._document.raw, self._fonts[face], size)
        coded = (words + "\0").encode("utf-16-le")
        pdfium.FPDFText_SetText(made, (ctypes.c_ushort * (len(coded) // 2)).from_buffer_copy(coded))
        pdfium.FPDFPageObj_SetFillColor(made, *colour, 255)
        pdfium.FPDFPageObj_Transform(made, 1, 0, 0, 1, x, HEIGHT - self.y - size)
        pdfium.FPDFPage_InsertObject(self._page.raw, made)

    def paragraph(self, words: str, *, x: float = MARGIN, size: float = 9.0, face: str = "plain", colour: Colour = INK) -> None:
        """Write text over as many lines as it takes, and go on below it."""
        for line in _lines(words, int((WIDTH - MARGIN - x) / (size * _AVERAGE[face]))):
            self.room(size * 1.4)
            self.text(line, x=x, size=size, face=face, colour=colour)
            self.y += size * 1.4

    def box(self, *, x: float, width: float, height: float, colour: Colour) -> None:
        """Fill a box whose upper edge is at the present height."""
        made = pdfium.FPDFPageObj_CreateNewRect(x, HEIGHT - self.y - height, width, height)
        pdfium.FPDFPageObj_SetFillColor(made, *colour, 255)
        pdfium.FPDFPath_SetDrawMode(made, pdfium.FPDF_FILLMODE_WINDING, 0)
        pdfium.FPDFPage_InsertObject(self._page.raw, made)

    def attach(self, name: str, data: bytes) -> None:
        """Put a file into the document."""
        self._document.new_attachment(name).set_data(data)

    def copy(self) -> bytes:
        """Return the document as it is so far; the next thing is drawn on another page."""
        self._finish()
        made = io.BytesIO()
        self._document.save(made)
        return made.getvalue()

    def bytes(self) -> bytes:
        """Return the finished document."""
        data = self.copy()
        self._document.close()
        return data

    def _finish(self) -> None:
        if self._page is not None:
            pdfium.FPDFPage_GenerateContent(self._page.raw)
            self._page.close()
            self._page = None


def attached(data: bytes, name: str) -> bytes | None:
    """Return a file out of a document, or nothing when there is none of that name.

    Raises:
        ValueError: no PDF.
    """
    with _opened(data) as document:
        for number in range(document.count_attachments()):
            found = document.get_attachment(number)
            if found.get_name() == name:
                return bytes(found.get_data())
    return None


def words_sha256(data: bytes, *, last: int = 0) -> str:
    """Return a hash of the words on the pages, the ``last`` ones left out.

    Raises:
        ValueError: no PDF.
    """
    digest = hashlib.sha256()
    with _opened(data) as document:
        for number in range(len(document) - last):
            digest.update(" ".join(document[number].get_textpage().get_text_bounded().split()).encode() + b"\n")
    return digest.hexdigest()


@contextlib.contextmanager
def _opened(data: bytes) -> Iterator[Any]:
    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError:
        message = "not a PDF"
        raise ValueError(message) from None
    try:
        yield document
    finally:
        document.close()


def _lines(words: str, longest: int) -> list[str]:
    lines: list[str] = []
    for part in words.split():
        # what has no space in it, such as a hash, is cut
        for piece in (part[start : start + longest] for start in range(0, len(part), longest)):
            if lines and len(lines[-1]) + 1 + len(piece) <= longest:
                lines[-1] += f" {piece}"
            else:
                lines.append(piece)
    return lines
