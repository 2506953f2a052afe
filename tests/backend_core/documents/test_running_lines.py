"""What stands at the edges of pages: broken words are joined, running lines are marked, and nothing else is touched."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend_core.documents.extraction.hyphens import MARK, join_hyphens
from backend_core.documents.extraction.skips import find_skips


@pytest.mark.parametrize(
    ("page", "joined"),
    [
        (f"dis{MARK}tribution.", "distribution."),
        (f"(dis{MARK}tribution)", "(distribution)"),
        (f"the “Half{MARK}Configured” state", "the “Half-Configured” state"),
        (f"day-to{MARK}day use", "day-to-day use"),
        (f"--alloc{MARK}fn=malloc", "--alloc-fn=malloc"),
        (f"pages 12{MARK}14", "pages 12-14"),
        (f"twenty{MARK}four", "twenty-four"),
        (f"Donau{MARK}dampf{MARK}schiff", "Donaudampfschiff"),
        (f"happens-before, or happens{MARK}before", "happens-before, or happens-before"),
        (f"well-known and wellknown; well{MARK}known", "well-known and wellknown; wellknown"),
        ("nothing to join", "nothing to join"),
        (f"{MARK}", "-"),
    ],
)
def test_a_hyphen_at_a_line_end_goes_only_if_it_was_typography(page: str, joined: str) -> None:
    assert join_hyphens([page]) == [joined]


def test_the_rest_of_the_document_tells_how_a_word_is_written() -> None:
    assert join_hyphens([f"soname{MARK}synonyms", "see soname-synonyms"])[0] == "soname-synonyms"
    assert join_hyphens([f"soname{MARK}synonyms", "see sonamesynonyms"])[0] == "sonamesynonyms"


def book(pages: int, *, header: str = "The Book of Tides", footer: str = "{number}") -> list[str]:
    """Return pages with a running header, different text and a footer."""
    return [
        f"{header}\nUnique {chr(97 + page % 26) * 9} opening.\nBody {page * 7919}.\nEnd of {chr(122 - page % 26) * 5}.\n"
        + footer.format(number=page + 1)
        for page in range(pages)
    ]


@pytest.mark.parametrize("footer", ["{number}", "- {number} -", "Page {number} of 12", "Seite {number} von 12", "стр. {number}"])
def test_headers_and_page_numbers_are_marked_in_place(footer: str) -> None:
    pages = book(12, footer=footer)
    for number, (text, skips) in enumerate(zip(pages, find_skips(pages), strict=True), start=1):
        found = [(reason, text[start:end]) for start, end, reason in skips]
        assert found == [("header", "The Book of Tides"), ("page number", footer.format(number=number))]


def test_roman_page_numbers_and_alternating_headers_are_found() -> None:
    romans = ["i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x"]
    pages = [
        f"{'Left side' if page % 2 else 'Right side'}\nText {chr(97 + page) * 6}\nmore {chr(105 + page) * 4}\n{roman}"
        for page, roman in enumerate(romans)
    ]
    found = [[text[start:end] for start, end, _ in skips] for text, skips in zip(pages, find_skips(pages), strict=True)]
    assert found == [["Left side" if page % 2 else "Right side", roman] for page, roman in enumerate(romans)]


def test_a_chapter_name_beside_the_page_number_is_a_footer() -> None:
    pages = [
        f"Opening {chr(97 + page) * 5}\nBody {chr(98 + page) * 6}\nClosing {chr(99 + page) * 3}\n{page + 3} Chapter {page // 3}"
        for page in range(12)
    ]
    assert all([reason for *_, reason in skips] == ["footer"] for skips in find_skips(pages))


TITLES = ("Aims", "Means", "Ends", "Risks", "Costs", "Thanks")


@pytest.mark.parametrize(
    "pages",
    [
        pytest.param(["Same line\nA", "Same line\nB"], id="two pages prove nothing"),
        pytest.param(["Amen."] * 9, id="the only text of a page"),
        pytest.param([f"Total\n{value}" for value in (17, 4, 99, 3, 58, 21)], id="numbers that do not count on"),
        pytest.param([f"{page}. {name}\nText {name * 3}" for page, name in enumerate(TITLES, start=1)], id="numbered slides"),
        pytest.param(
            [f"{chr(97 + at) * 4}\nx{at * at}x\nNote\n{chr(110 + at) * 4}\n{chr(112 + at) * 3}" for at in range(9)], id="the middle"
        ),
        pytest.param([f"{page} {page + 1} {page + 2} {page + 3}\n{chr(97 + page) * 9}" for page in range(9)], id="a table of numbers"),
        pytest.param(["#\n" + chr(97 + page) * 9 for page in range(9)], id="a line without a word"),
    ],
)
def test_what_only_looks_like_a_running_line_is_left_alone(pages: list[str]) -> None:
    found = [[text[start:end] for start, end, _ in skips] for text, skips in zip(pages, find_skips(pages), strict=True)]
    assert [line for lines in found for line in lines if line != "Total"] == []


@given(st.lists(st.text(alphabet="ab1ix \n", max_size=40), max_size=12))
@settings(max_examples=200, deadline=None)
def test_skips_never_overlap_leave_a_page_or_empty_it(pages: list[str]) -> None:
    for text, skips in zip(pages, find_skips(pages), strict=True):
        kept, at = [], 0
        for start, end, _ in skips:
            assert at <= start < end <= len(text)
            kept.append(text[at:start])
            at = end
        assert not skips or "".join([*kept, text[at:]]).strip()
