"""Eleven hostile files, made here: none hangs, takes over 512 MB, or gives more than one plain sentence."""

from __future__ import annotations

import hashlib
import io
import sys
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from backend_core.documents.extraction import ExtractedPage, Limits, extract, kind_of
from backend_core.documents.extraction.reader import CHILD
from backend_core.errors import InvalidInput, LecternError, TooLarge, UnreadableFile
from backend_core.processes import LimitedChild, child_environment

MEMORY = 512 * 2**20
HANGS_AFTER_S = 30.0
CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
WORD_XML = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
PADDING = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")


def pdf(objects: list[bytes], *, trailer: bytes = b"") -> bytes:
    """Write numbered objects, a cross-reference table and a trailer; object 1 is the catalogue."""
    out, offsets = io.BytesIO(), []
    out.write(b"%PDF-1.4\n")
    for number, body in enumerate(objects, start=1):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.writelines(b"%010d 00000 n \n" % offset for offset in offsets)
    out.write(b"trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, start))
    return out.getvalue()


def stream(content: bytes, *, extra: bytes = b"") -> bytes:
    """Return a stream object."""
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), extra, content)


def pdf_of(texts: list[str]) -> bytes:
    """Return a plain PDF with one line of text on each page."""
    first = 4
    kids = b" ".join(b"%d 0 R" % (first + 2 * page) for page in range(len(texts)))
    objects = [CATALOG, b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(texts)), FONT]
    for page, text in enumerate(texts):
        resources = b"/Resources << /Font << /F1 3 0 R >> >> /MediaBox [0 0 595 842]"
        objects.append(b"<< /Type /Page /Parent 2 0 R %s /Contents %d 0 R >>" % (resources, first + 2 * page + 1))
        objects.append(stream(b"BT /F1 12 Tf 72 700 Td (%s) Tj ET" % text.encode("latin-1")))
    return pdf(objects)


def rc4(key: bytes, data: bytes) -> bytes:
    """Encrypt as the first PDF security handler does."""
    state, j = list(range(256)), 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    out, i, j = bytearray(), 0, 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)


def protected(user: bytes, owner: bytes) -> bytes:
    """Return a PDF under 40-bit encryption (revision 2) with a user and an owner password."""
    ident, permissions = b"0123456789abcdef", -4
    owner_entry = rc4(hashlib.md5((owner + PADDING)[:32]).digest()[:5], (user + PADDING)[:32])
    seed = (user + PADDING)[:32] + owner_entry + permissions.to_bytes(4, "little", signed=True) + ident
    key = hashlib.md5(seed).digest()[:5]
    entries = b"/O <%s> /U <%s> /P %d" % (owner_entry.hex().encode(), rc4(key, PADDING).hex().encode(), permissions)
    content = rc4(hashlib.md5(key + b"\x05\0\0" + b"\0\0").digest()[:10], b"BT /F1 12 Tf 72 700 Td (For members only.) Tj ET")
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 4 0 R >> >> /Contents 5 0 R >>"
    objects = [CATALOG, b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", page, FONT, stream(content)]
    trailer = b"/Encrypt << /Filter /Standard /V 1 /R 2 %s >> /ID [<%s> <%s>]" % (entries, ident.hex().encode(), ident.hex().encode())
    return pdf(objects, trailer=trailer)


def kids_loop() -> bytes:
    """Return a page tree whose node is its own child."""
    return pdf([CATALOG, b"<< /Type /Pages /Kids [3 0 R] /Count 5 >>", b"<< /Type /Pages /Parent 2 0 R /Kids [3 0 R 2 0 R] /Count 5 >>"])


def stream_bomb() -> bytes:
    """Return about 400 kB that inflate to 210 MB of drawing operators on one page."""
    line = b"BT /F1 12 Tf 72 700 Td (All work and no play makes a dull page.) Tj ET\n"
    packer = zlib.compressobj(9)
    block = line * 14_000
    parts = [packer.compress(block) for _ in range(210 * 2**20 // len(block))]
    parts.append(packer.flush())
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 4 0 R >> >> /Contents 5 0 R >>"
    content = stream(b"".join(parts), extra=b"/Filter /FlateDecode")
    return pdf([CATALOG, b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>", page, FONT, content])


def docx_of(body: Callable[[io.BufferedIOBase], None], *, names: tuple[str, ...] = ()) -> bytes:
    """Return a minimal DOCX whose document part is written by `body`, with further members of the given names."""
    types = (
        '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/word/document.xml" '
        'ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
    )
    relations = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://'
        'schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>'
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        archive.writestr("[Content_Types].xml", types)
        archive.writestr("_rels/.rels", relations)
        with archive.open("word/document.xml", "w", force_zip64=True) as part:
            part.write(f'<w:document xmlns:w="{WORD_XML}"><w:body>'.encode())
            body(part)  # type: ignore[arg-type]  # a writable member is not declared as a buffer
            part.write(b"</w:body></w:document>")
        for name in names:
            archive.writestr(name, "x")
    return out.getvalue()


def one_node(part: io.BufferedIOBase) -> None:
    """Write one text node of 512 MB."""
    part.write(b"<w:p><w:r><w:t>")
    for _ in range(512):
        part.write(b"A" * 2**20)
    part.write(b"</w:t></w:r></w:p>")


def many_paragraphs(part: io.BufferedIOBase) -> None:
    """Write 262 MB of small paragraphs."""
    paragraph = b"<w:p><w:r><w:t>Nothing to see here.</w:t></w:r></w:p>"
    for _ in range(262):
        part.write(paragraph * (2**20 // len(paragraph)))


def plain(part: io.BufferedIOBase) -> None:
    """Write one harmless paragraph."""
    part.write(b"<w:p><w:r><w:t>Harmless words.</w:t></w:r></w:p>")


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "password.pdf": (lambda: protected(b"secret", b"owner"), "This PDF is protected by a password."),
    "truncated.pdf": (lambda: pdf_of(["Words."] * 40)[:900], "This PDF is damaged or cut short."),
    "page.pdf": (lambda: b"<!DOCTYPE html><title>Report</title>" * 50, "This file is named .pdf but does not hold a PDF."),
    "empty.pdf": (lambda: b"", "This file is empty."),
    "nul.pdf": (lambda: bytes(100_000), "This file is named .pdf but does not hold a PDF."),
    "loop.pdf": (kids_loop, "A page of this PDF is damaged and cannot be read."),
    "bomb.pdf": (stream_bomb, "This file is damaged, or reading it needs more memory than allowed."),
    "node.docx": (lambda: docx_of(one_node), "This Word document unpacks to far more than its size and was not opened."),
    "paragraphs.docx": (lambda: docx_of(many_paragraphs), "This Word document unpacks to far more than its size and was not opened."),
    "climbing.docx": (
        lambda: docx_of(plain, names=("../../evil.txt",)),
        "This Word document holds unsafe file names and was not opened.",
    ),
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write every hostile file once, into a folder of its own."""
    folder = tmp_path_factory.mktemp("hostile")
    for name, (make, _) in HOSTILE.items():
        (folder / name).write_bytes(make())
    return folder


def pages_of(path: Path) -> list[ExtractedPage]:
    """Read a file the way an import does."""
    return list(extract(path, kind=kind_of(path, filename=path.name)))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_gives_one_sentence_in_time(files: Path, name: str) -> None:
    started = time.monotonic()
    with pytest.raises(InvalidInput) as caught:
        pages_of(files / name)
    assert time.monotonic() - started < HANGS_AFTER_S
    assert str(caught.value) == HOSTILE[name][1]
    assert not {"\n", "/"} & set(str(caught.value))
    # Nothing was unpacked, left behind or written beside the file.
    assert sorted(path.name for path in files.iterdir()) == sorted(HOSTILE)
    assert not list(files.parent.glob("**/evil.txt"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows tells no peak memory here")
@pytest.mark.parametrize("name", ["loop.pdf", "bomb.pdf", "node.docx", "paragraphs.docx"])
def test_no_hostile_file_takes_more_than_512_megabytes(files: Path, name: str) -> None:
    with LimitedChild(CHILD, memory_bytes=MEMORY, cpu_s=60, wall_s=HANGS_AFTER_S) as child:
        child.send({"path": str(files / name), "kind": name.rpartition(".")[2], "limits": asdict(Limits())})
        answers = list(child.messages())
        outcome = child.finish()
    assert outcome.peak_bytes is not None
    assert outcome.peak_bytes < MEMORY
    assert outcome.code < 0 or "refused" in answers[-1]


def test_ten_thousand_pages_are_read(tmp_path: Path) -> None:
    path = tmp_path / "long.pdf"
    path.write_bytes(pdf_of([f"Sheet {number} of the register." for number in range(1, 10_001)]))
    started = time.monotonic()
    pages = pages_of(path)
    assert time.monotonic() - started < HANGS_AFTER_S
    assert [page.number for page in pages] == list(range(1, 10_001))
    assert pages[9_999].text == "Sheet 10000 of the register."


def test_an_owner_password_alone_does_not_close_a_document(tmp_path: Path) -> None:
    path = tmp_path / "owner.pdf"
    path.write_bytes(protected(b"", b"owner"))
    assert [page.text for page in pages_of(path)] == ["For members only."]


def test_an_archive_that_lies_about_its_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "liar.docx"
    honest = docx_of(lambda part: part.write(b" " * (40 * 2**20)) and None)
    path.write_bytes(honest)
    with zipfile.ZipFile(path) as archive:
        declared = archive.getinfo("word/document.xml").file_size
    path.write_bytes(honest.replace(declared.to_bytes(4, "little"), (1000).to_bytes(4, "little")))
    with pytest.raises(LecternError, match=r"^This Word document .*\.$"):
        pages_of(path)


def test_an_archive_of_too_many_members_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "crowd.docx"
    path.write_bytes(docx_of(plain, names=tuple(f"word/{number}.xml" for number in range(10_001))))
    with pytest.raises(TooLarge, match=r"holds more than 10,000 parts"):
        pages_of(path)


def test_a_document_just_inside_the_archive_limits_still_meets_the_memory_limit(tmp_path: Path) -> None:
    paragraph = b"<w:p/>" * 20_000
    path = tmp_path / "wide.docx"
    path.write_bytes(docx_of(lambda part: [part.write(paragraph) for _ in range(600)] and None))
    limits = Limits(ratio=100_000)
    started = time.monotonic()
    with pytest.raises(InvalidInput) as caught:
        list(extract(path, kind="docx", limits=limits))
    assert time.monotonic() - started < HANGS_AFTER_S
    assert str(caught.value).count(".") == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Windows tells no peak memory here")
def test_without_limits_the_naive_parser_takes_more_than_512_megabytes(files: Path) -> None:
    """The control: the limits above are what keeps the bombs small."""
    naive = [sys.executable, "-c", "import sys, docx; docx.Document(sys.argv[1])", str(files / "node.docx")]
    with LimitedChild(naive, wall_s=HANGS_AFTER_S, env=child_environment()) as child:
        assert list(child.messages()) == []
        outcome = child.finish()
    assert outcome.peak_bytes is not None
    assert outcome.peak_bytes > MEMORY


def test_a_crash_of_the_reader_is_one_sentence_too(tmp_path: Path) -> None:
    path = tmp_path / "tight.pdf"
    path.write_bytes(pdf_of(["Words."]))
    with pytest.raises((UnreadableFile, TooLarge)) as caught:
        list(extract(path, kind="pdf", limits=Limits(memory_bytes=24 * 2**20)))
    assert str(caught.value).count(".") == 1
