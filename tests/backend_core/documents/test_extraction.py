"""Extraction: every word in order, every page counted, running lines marked, and each refusal one sentence."""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import shutil
import signal
import subprocess
import sys
import unicodedata
from collections import Counter
from pathlib import Path

import docx
import pytest
from docx.enum.section import WD_SECTION
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from hypothesis import given, settings
from hypothesis import strategies as st

from backend_core.documents.extraction import ExtractedPage, Limits, extract, kind_of, language_of
from backend_core.documents.extraction.cleaning import clean
from backend_core.documents.extraction.refusals import Refusal
from backend_core.documents.extraction.text_reader import PAGE_CHARS, decoded, divided
from backend_core.errors import Cancelled, LimitReached, TooLarge, Unavailable, UnreadableFile, UnsupportedFile

SAMPLES = Path(__file__).resolve().parents[3] / "resources" / "samples"
MANUALS = ("debian-policy/policy.pdf.gz", "gnuplot/gnuplot.pdf", "../developers-reference/developers-reference.pdf")
WORD = re.compile(r"\w+")
has_poppler = pytest.mark.skipif(not (shutil.which("pdfinfo") and shutil.which("pdftotext")), reason="needs poppler-utils")


def read(path: Path, limits: Limits | None = None) -> list[ExtractedPage]:
    """Read a file the way an import does."""
    return list(extract(path, kind=kind_of(path, filename=path.name), limits=limits or Limits()))


def written(folder: Path, name: str, content: str | bytes) -> Path:
    """Write a small file."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def skipped(page: ExtractedPage) -> list[tuple[str, str]]:
    """Return (reason, text) of every skip on a page."""
    return [(reason, page.text[start:end]) for start, end, reason in page.skips]


def poppler(*command: str) -> str:
    """Run one of poppler's programs."""
    return subprocess.run(command, capture_output=True, check=True).stdout.decode()


# --- samples -----------------------------------------------------------------------------------------------------------------------


def test_the_sample_pdf_is_read_with_its_running_lines_marked() -> None:
    pages = read(SAMPLES / "harbour-report.pdf")
    assert [page.number for page in pages] == [1, 2, 3, 4, 5, 6, 7]
    for page in pages:
        assert skipped(page) == [("header", "Saltmere Harbour Board Annual report 2025"), ("page number", f"Page {page.number} of 7")]
    assert "Timber, tonnes 8,120 9,450 14,870\nGrain, tonnes 22,300 21,940 18,600" in pages[1].text
    assert "it was photographed by the county archive" in pages[4].text.replace("\n", " ")
    assert "Twenty-four summer berths" in pages[6].text.replace("\n", " ")
    assert pages[4].text.splitlines()[-2].startswith("1 The comparison covers 9,861 days.")


@pytest.mark.parametrize(
    ("name", "pages", "language"),
    [
        ("harbour-report.pdf", 7, "en"),
        ("onboarding-guide.docx", 2, "en"),
        ("release-notes.md", 1, "en"),
        ("odigos-asfaleias.txt", 1, "el"),
        ("satzung.txt", 1, "de"),
    ],
)
def test_every_sample_is_small_and_readable(name: str, pages: int, language: str) -> None:
    found = read(SAMPLES / name)
    assert len(found) == pages
    assert {language_of(page.text) for page in found} == {language}
    assert (SAMPLES / name).stat().st_size < 60_000
    assert all(unicodedata.is_normalized("NFC", page.text) and len(page.text) > 400 for page in found)


@has_poppler
@pytest.mark.parametrize("name", ["harbour-report.pdf", *MANUALS])
def test_words_and_pages_agree_with_poppler(tmp_path: Path, name: str) -> None:
    path = SAMPLES / name if name == "harbour-report.pdf" else Path("/usr/share/doc") / name
    if not path.exists():
        pytest.skip(f"{name} is not installed")
    if path.suffix == ".gz":
        path = written(tmp_path, path.stem, gzip.decompress(path.read_bytes()))
    pages = list(extract(path, kind="pdf"))
    counted = re.search(r"^Pages:\s+(\d+)", poppler("pdfinfo", str(path)), re.MULTILINE)
    assert counted is not None
    assert len(pages) == int(counted[1])
    reference = Counter(WORD.findall(unicodedata.normalize("NFC", poppler("pdftotext", "-enc", "UTF-8", str(path), "-"))))
    ours = Counter(WORD.findall("\n".join(page.text for page in pages)))
    assert (reference - ours).total() <= 0.005 * reference.total()


# --- Word ----------------------------------------------------------------------------------------------------------------------------


def test_a_word_document_keeps_its_order(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_heading("Title", 0)
    document.add_paragraph("First.")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip((cell for row in table.rows for cell in row.cells), ("a", "b", "c", "d e"), strict=True):
        cell.text = text
    document.add_paragraph("one", style="List Bullet")
    document.add_paragraph("two", style="List Number")
    document.add_paragraph("three", style="List Number")
    document.add_paragraph("Soft\tbreak\nhere.")
    path = tmp_path / "order.docx"
    document.save(str(path))
    assert [page.text for page in read(path)] == ["Title\n\nFirst.\n\na\tb\nc\td e\n\n• one\n1. two\n2. three\n\nSoft\tbreak\nhere."]


def test_page_and_section_breaks_part_a_word_document(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("One.")
    document.add_page_break()
    document.add_paragraph("Two.")
    document.add_section(WD_SECTION.NEW_PAGE)
    document.add_paragraph("Three.")
    document.add_section(WD_SECTION.CONTINUOUS)
    document.add_paragraph("Three still.").paragraph_format.page_break_before = False
    document.add_paragraph("Four.").paragraph_format.page_break_before = True
    path = tmp_path / "breaks.docx"
    document.save(str(path))
    assert [page.text for page in read(path)] == ["One.", "Two.", "Three.\n\nThree still.", "Four."]


def test_revisions_controls_and_text_boxes_of_a_word_document_are_read_once(tmp_path: Path) -> None:
    document = docx.Document()
    runs = (
        "<w:r><w:t>Kept</w:t></w:r><w:del><w:r><w:delText> deleted</w:delText><w:t> gone</w:t></w:r></w:del>"
        "<w:ins><w:r><w:t> added</w:t></w:r></w:ins><w:hyperlink><w:r><w:t> linked</w:t></w:r></w:hyperlink>"
        '<w:r><w:noBreakHyphen/></w:r><w:r><mc:AlternateContent xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006">'
        "<mc:Choice><w:txbxContent><w:p><w:r><w:t>boxed</w:t></w:r></w:p></w:txbxContent></mc:Choice>"
        "<mc:Fallback><w:txbxContent><w:p><w:r><w:t>boxed</w:t></w:r></w:p></w:txbxContent></mc:Fallback></mc:AlternateContent></w:r>"
    )
    paragraph = f"<w:p {nsdecls('w')}>{runs}</w:p>"
    document.element.body.insert(0, parse_xml(paragraph))
    control = f"<w:sdt {nsdecls('w')}><w:sdtContent><w:p><w:r><w:t>Controlled</w:t></w:r></w:p></w:sdtContent></w:sdt>"
    document.element.body.insert(1, parse_xml(control))
    path = tmp_path / "revised.docx"
    document.save(str(path))
    assert " ".join(read(path)[0].text.split()) == "Kept added linked- boxed Controlled"


# --- Markdown and text -----------------------------------------------------------------------------------------------------------------


def test_markdown_becomes_the_words_a_reader_hears(tmp_path: Path) -> None:
    source = (
        "# Title\n\nA *soft*\nwrap, `code` and [a link](https://example.org \"t\").\n\n1. one\n2. two\n   - deep\n\n"
        "| a | b |\n|---|---|\n| 1 | 2 |\n\n```\nx = 1\n```\n\n> quoted\n\n![a picture](https://example.org/p.png)\n"
    )  # fmt: skip
    expected = "Title\n\nA soft wrap, code and a link.\n\n1. one\n2. two\n  • deep\n\na\tb\n1\t2\n\nx = 1\n\nquoted\n\na picture"
    assert [page.text for page in read(written(tmp_path, "a.md", source))] == [expected]


def test_html_in_markdown_stays_inert_text(tmp_path: Path) -> None:
    page = read(written(tmp_path, "a.markdown", "Before <script>alert(1)</script> after"))[0]
    assert page.text == "Before <script>alert(1)</script> after"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_text_is_decoded_without_a_replacement(tmp_path: Path, encoding: str) -> None:
    text = "Größe: 3 €, „naïve“ façade – and a plain line of words to go with it."
    assert [page.text for page in read(written(tmp_path, "a.txt", text.encode(encoding)))] == [text]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"abc\0def", "This file is not plain text."),
        (bytes(range(1, 32)) * 20, "This file is not plain text."),
        ("Привет, это старая кодировка и длинный текст".encode("cp1251"), "The encoding of this text file is not known; save it as UTF-8."),
        (b"caf\x81 \x8d", "The encoding of this text file is not known; save it as UTF-8."),
        (b" \n\t \n", "This document has no readable text."),
        (b"%PDF-1.4 text", "This file is named as text but holds another kind of document."),
        (b"", "This file is empty."),
    ],
)
def test_what_is_not_text_is_refused_in_one_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    with pytest.raises(UnreadableFile) as caught:
        read(written(tmp_path, "a.txt", content))
    assert str(caught.value) == sentence


def test_a_form_feed_begins_a_page_and_an_empty_one_counts(tmp_path: Path) -> None:
    assert [page.text for page in read(written(tmp_path, "a.txt", "one\n\f\ftwo\f"))] == ["one", "", "two"]


@given(st.lists(st.text(alphabet="abc .\n", min_size=1, max_size=4000), min_size=1, max_size=30))
@settings(max_examples=25, deadline=None)
def test_a_long_text_is_cut_without_losing_a_word(parts: list[str]) -> None:
    text = "word\n\n" + "\n\n".join(parts) * 3
    pages = [page for page, _ in divided(text, limits=Limits(), report=lambda done, total: None)]
    assert all(len(page) <= PAGE_CHARS for page in pages)
    assert "".join("".join(pages).split()) == "".join(text.split())


def test_a_long_text_is_cut_at_a_paragraph_where_there_is_one() -> None:
    paragraph = "A sentence of some length, again and again. " * 60
    pages = [page for page, _ in divided("\n\n".join([paragraph.strip()] * 40), limits=Limits(), report=lambda done, total: None)]
    assert len(pages) > 4
    assert all(page.endswith("again.") and page.startswith("A sentence") for page in pages)


def test_cleaned_text_has_nothing_that_cannot_be_stored_or_spoken() -> None:
    assert clean("a\x00b\x01400S c\x1b[31m\ufeff\ufffe\ud800") == "ab400S c[31m"
    assert clean("o\u0302 e\ufb03cient soft\u00ad\nware  \n\r\nx\u2028y") == "ô efficient software\n\nx\ny"


def test_binary_and_overlong_bytes_are_refused_before_they_are_decoded() -> None:
    with pytest.raises(Refusal, match="too_long"):
        decoded(b"x" * 500, limits=Limits(total_chars=100))


# --- kinds, limits, stopping ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filename", "content", "kind"),
    [("a.PDF", b"%PDF-1.7", "pdf"), ("a.pdf", b"\n junk %PDF-1.4", "pdf"), ("a.docx", b"PK\x03\x04", "docx"), ("a.markdown", b"# x", "md"),
     ("b.txt", b"x", "txt"), ("b.text", "x".encode("utf-16"), "txt")],
)  # fmt: skip
def test_the_kind_follows_name_and_content(tmp_path: Path, filename: str, content: bytes, kind: str) -> None:
    assert kind_of(written(tmp_path, "stored", content), filename=filename) == kind


@pytest.mark.parametrize("filename", ["a.exe", "a", "pdf", "a.pdf.zip", "a.doc", ""])
def test_another_extension_is_not_supported(tmp_path: Path, filename: str) -> None:
    with pytest.raises(UnsupportedFile, match=r"^Lectern reads files whose name ends in"):
        kind_of(written(tmp_path, "stored", b"%PDF-1.7"), filename=filename)


@pytest.mark.parametrize(
    ("filename", "content"),
    [("a.docx", b"%PDF-1.7"), ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), ("a.md", b"PK\x03\x04x"), ("a.pdf", b"PK\x03\x04")],
)  # fmt: skip
def test_content_of_another_kind_is_unreadable(tmp_path: Path, filename: str, content: bytes) -> None:
    with pytest.raises(UnreadableFile, match=r"^This [^.]+(?:\.docx?\b|\.pdf\b)?[^.]*\.$|old \.doc format\.$"):
        kind_of(written(tmp_path, "stored", content), filename=filename)


def test_a_folder_or_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "gone.pdf"):
        with pytest.raises(UnreadableFile, match="not a file"):
            kind_of(path, filename="gone.pdf")
    with pytest.raises(UnreadableFile, match="could not be opened"):
        next(extract(tmp_path / "gone.pdf", kind="pdf"))


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (Limits(pages=6), "This document has more than 6 pages."),
        (Limits(page_chars=900), "A page of this document holds more than 900 characters."),
        (Limits(total_chars=5000), "This document holds more than 5,000 characters."),
        (Limits(file_bytes=10_000), "This file is larger than the limit of 0 MB."),
    ],
)
def test_each_limit_has_its_sentence(limits: Limits, sentence: str) -> None:
    with pytest.raises(TooLarge) as caught:
        read(SAMPLES / "harbour-report.pdf", limits)
    assert str(caught.value) == sentence


def test_progress_comes_before_the_first_page() -> None:
    seen: list[tuple[int, int]] = []
    pages = extract(SAMPLES / "harbour-report.pdf", kind="pdf", progress=lambda done, total: seen.append((done, total)))
    assert next(pages).number == 1
    assert seen[-1] == (7, 7)
    pages.close()  # type: ignore[attr-defined]  # the iterator is a generator, and leaving it early must reap the child


def test_reading_stops_on_request_and_in_time() -> None:
    with pytest.raises(Cancelled):
        list(extract(SAMPLES / "harbour-report.pdf", kind="pdf", should_stop=lambda: True))
    with pytest.raises(LimitReached, match=r"took longer than 0 seconds"):
        list(extract(SAMPLES / "harbour-report.pdf", kind="pdf", limits=Limits(wall_s=0.001)))


@pytest.mark.skipif(sys.platform != "linux", reason="finds its children in /proc")
def test_a_reader_killed_from_outside_may_be_tried_again() -> None:
    def kill_children() -> bool:
        for task in Path("/proc/self/task").iterdir():
            # a thread that ends meanwhile had no child of ours
            with contextlib.suppress(FileNotFoundError):
                for pid in (task / "children").read_text().split():
                    command = Path(f"/proc/{pid}/cmdline").read_bytes()
                    if b"extraction.child" in command:
                        os.kill(int(pid), signal.SIGKILL)
        return False

    with pytest.raises(Unavailable) as caught:
        list(extract(SAMPLES / "harbour-report.pdf", kind="pdf", should_stop=kill_children))
    assert caught.value.retriable


# --- language -------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Le bateau est arrivé dans le port avec la marée, et les enfants qui étaient sur le quai ont crié pour le saluer.", "fr"),
        ("El barco llegó al puerto con la marea y los niños que estaban en el muelle gritaron para saludar a la tripulación.", "es"),
        ("La barca è arrivata nel porto con la marea e i bambini che erano sul molo hanno gridato per salutare anche il capitano.", "it"),
        (
            "O barco chegou ao porto com a maré e as crianças que estavam no cais gritaram para saudar não só o capitão.",
            "pt",
        ),
        ("De boot kwam met het tij de haven in en de kinderen die op de kade stonden riepen naar de kapitein van het schip.", "nl"),
        ("Лодка вошла в гавань с приливом, и дети, которые стояли на причале, кричали, как только могли, но не от страха.", "ru"),
        ("Човен увійшов у гавань з припливом, і діти, які стояли на причалі, кричали, як могли, але не від страху, що це було.", "uk"),
        ("Το πλοίο μπήκε στο λιμάνι με την παλίρροια και τα παιδιά φώναξαν.", "el"),
        ("船は潮とともに港に入り、桟橋の子どもたちは大きな声で叫んだ。", "ja"),
        ("船随着潮水进入港口，站在码头上的孩子们大声呼喊，向船长和水手们问好，天色渐渐暗了。", "zh"),
        ("OK 42 OK", None),
        ("f(x) = k s t v k s v o k s z o i u a v k s z o", None),
        ("", None),
    ],
)
def test_a_language_is_named_only_when_it_is_clear(text: str, language: str | None) -> None:
    assert language_of(text) == language
