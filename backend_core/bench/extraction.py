"""How fast PDF pages are read: the whole limited child beside bare pdfium in a bare process, and ten thousand pages by the clock."""

from __future__ import annotations

import io
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Final

from backend_core.documents.extraction import Limits, extract
from backend_core.documents.extraction.reader import CHILD
from backend_core.errors import Unexpected
from backend_core.processes import LimitedChild, Outcome, child_environment

BOOK_PAGES: Final = 400
LONG_PAGES: Final = 10_000
ROUNDS: Final = 5
GOAL_PAGES_PER_CPU_S: Final = 400.0
GOAL_RATIO: Final = 0.9
GOAL_LONG_S: Final = 5.0
_WALL_S: Final = 120.0
# What anybody would write without limits, running lines and hyphens: open, loop, take the text.
_RAW: Final = """
import sys, pypdfium2
document = pypdfium2.PdfDocument(sys.argv[1])
for number in range(len(document)):
    page = document[number]
    text_page = page.get_textpage()
    text_page.get_text_range()
    text_page.close()
    page.close()
print('{"end": %d}' % len(document))
"""
_PROSE: Final = (
    "The ledger of the harbour opens with the weather, because everything else in it follows from that.",
    "On the third page there is a list of ropes, their lengths, and the names of those who spliced them.",
    "A later hand has corrected two of the lengths and none of the names.",
    "Whoever kept it in the spring wrote small, to save paper, and pressed hard, to save ink for nobody.",
    "Between the tides the clerk drew a heron in the margin; it is the only bird in four hundred pages.",
    "The sums at the foot of each page agree, which was checked again for this edition and cost a week.",
    "Where the water came in, the lines run together, and the printer has set them as they stand.",
)
_LINES: Final = 34
_PAGE: Final = b"/MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >>"


def run(*, paths: Sequence[Path] = ()) -> list[dict[str, Any]]:
    """Return pages per CPU second for each PDF (a made book of 400 pages where none is given) and the time for 10,000 pages.

    Each process is measured whole, start included, as the best of five rounds taken in turns with its control.
    """
    with tempfile.TemporaryDirectory(prefix="lectern-bench-") as folder:
        book, long = Path(folder, "book.pdf"), Path(folder, "long.pdf")
        book.write_bytes(made_pdf(BOOK_PAGES, lines=_LINES))
        long.write_bytes(made_pdf(LONG_PAGES, lines=1))
        # CPU seconds of a child are not known on Windows.
        rates = [] if sys.platform == "win32" else [_rate(path, name=path.stem if paths else "book") for path in paths or (book,)]
        return [*rates, _long(long)]


def made_pdf(pages: int, *, lines: int) -> bytes:
    """Return a PDF of `pages` pages of prose, each with a header, `lines` lines and its number."""
    prose = cycle(_PROSE)
    out, offsets = io.BytesIO(b"%PDF-1.4\n"), []
    out.seek(0, io.SEEK_END)
    first = 4
    kids = b" ".join(b"%d 0 R" % (first + 2 * page) for page in range(pages))
    objects: list[bytes] = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, pages)]
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Times-Roman >>")
    for page in range(pages):
        objects.append(b"<< /Type /Page /Parent 2 0 R %s /Contents %d 0 R >>" % (_PAGE, first + 2 * page + 1))
        text = b"".join(_text_lines(page, islice(prose, lines)))
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text))
    for number, body in enumerate(objects, start=1):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.writelines(b"%010d 00000 n \n" % offset for offset in offsets)
    out.write(b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start))
    return out.getvalue()


def _text_lines(page: int, prose: Iterator[str]) -> Iterator[bytes]:
    """Yield the drawing operators of one page: header, body, number."""
    yield b"BT /F1 9 Tf 72 800 Td (The Ledger of the Harbour) Tj ET\nBT /F1 11 Tf 16 TL 72 760 Td\n"
    for line in prose:
        yield b"(%s) Tj T*\n" % line.encode("ascii")
    yield b"ET\nBT /F1 9 Tf 290 40 Td (%d) Tj ET" % (page + 1)


def _rate(path: Path, *, name: str) -> dict[str, Any]:
    """Measure one PDF in turns with its control."""
    raw_s, our_s, pages = [], [], 0
    for _ in range(ROUNDS):
        raw_s.append(_raw(path).cpu_s or 0.0)
        outcome, pages = _whole(path)
        our_s.append(outcome.cpu_s or 0.0)
    rate, control = pages / min(our_s), pages / min(raw_s)
    return {
        "name": f"extraction.{name}",
        "value": round(rate, 1),
        "unit": "pages/CPU s",
        "control": round(control, 1),
        "ratio": round(rate / control, 3),
        "threshold": f">= {GOAL_PAGES_PER_CPU_S:g} and >= {GOAL_RATIO:g} of the control",
        "met": rate >= GOAL_PAGES_PER_CPU_S and rate >= GOAL_RATIO * control,
        "note": f"{pages} pages, whole limited child; control: bare pypdfium2 in a bare process; best of {ROUNDS} in turns",
    }


def _long(path: Path) -> dict[str, Any]:
    """Measure the clock time of ten thousand pages as an import sees it, beside bare pdfium."""
    started = time.perf_counter()
    _raw(path)
    control = time.perf_counter() - started
    started = time.perf_counter()
    pages = sum(1 for _ in extract(path, kind="pdf"))
    seconds = time.perf_counter() - started
    return {
        "name": "extraction.long",
        "value": round(seconds, 3),
        "unit": "s",
        "control": round(control, 3),
        "ratio": round(seconds / control, 3),
        "threshold": f"<= {GOAL_LONG_S:g}",
        "met": seconds <= GOAL_LONG_S,
        "note": f"{pages:,} short pages by the clock, read and handed over; control: bare pypdfium2 in a bare process",
    }


def _raw(path: Path) -> Outcome:
    """Read every page with bare pdfium in a process of its own."""
    with LimitedChild([sys.executable, "-c", _RAW, str(path)], wall_s=_WALL_S, env=child_environment()) as child:
        if not list(child.messages()):
            raise Unexpected("The control of the extraction benchmark did not finish.")
        return child.finish()


def _whole(path: Path) -> tuple[Outcome, int]:
    """Read a PDF with the child that imports use; return how it ended and the number of pages."""
    limits = Limits()
    with LimitedChild(CHILD, memory_bytes=limits.memory_bytes, cpu_s=limits.cpu_s, wall_s=limits.wall_s) as child:
        child.send({"path": str(path.resolve()), "kind": "pdf", "limits": asdict(limits)})
        pages = sum("text" in message for message in child.messages())
        return child.finish(), pages
