"""Printed lines flow in the reading view without moving a character."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.widgets.flow import flowing

PAGE = """Saltmere Harbour Board
The harbour at Saltmere has been kept by a board of seven since
1868, and each spring the board tells the town what it did with
the year before. The rules have not changed.
• One thing that is a list and is as long as a line can possibly
• Another thing

The next paragraph begins here and reaches the edge of the paper
and ends here."""


def test_lines_of_one_paragraph_flow_and_everything_else_stays() -> None:
    shown = flowing(PAGE)
    assert len(shown) == len(PAGE)
    assert "since 1868, and each spring the board tells the town what it did with the year before." in shown
    assert "\n• One thing" in shown
    assert "\n• Another thing\n\nThe next" in shown
    assert "Board\nThe harbour" in shown


def test_a_line_end_beside_a_header_stays() -> None:
    place = PAGE.index("since") + len("since")
    assert flowing(PAGE, kept=(place,))[place] == "\n"
    assert flowing(PAGE)[place] == " "


@pytest.mark.parametrize("text", ["", "one line", "a\nb\nc\nd\ne", "\n".join(["a whole paragraph in one line " * 10] * 6)])
def test_text_that_was_not_printed_is_left_alone(text: str) -> None:
    assert flowing(text) == text


@given(st.text(alphabet="ab \n•", max_size=400))
def test_only_line_ends_ever_change(text: str) -> None:
    shown = flowing(text)
    assert len(shown) == len(text)
    assert all(now == before or (before, now) == ("\n", " ") for before, now in zip(text, shown, strict=True))
