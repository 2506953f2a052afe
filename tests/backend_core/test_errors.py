"""The error tree: every error has a title, a sentence and a next step fit for people."""

from __future__ import annotations

import re

import pytest

from backend_core import errors
from tests.house import error_page

TREE = [error for error in errors.every_error() if error.__module__ == errors.__name__]


@pytest.mark.trace("A25")
@pytest.mark.parametrize("error", errors.every_error(), ids=lambda error: error.__name__)
def test_every_error_says_what_and_what_next_without_naming_a_class(error: type[errors.LecternError]) -> None:
    for text in (error.title, error.next_step):
        assert re.match(r"^[A-Z].{5,}", text)
        assert not any(other.__name__ in text.split() for other in errors.every_error() if len(other.__name__) > len("Cancelled"))
        assert "Error" not in text
        assert "Exception" not in text
    assert error.code == error.code.lower()


def test_codes_are_unique() -> None:
    codes = [error.code for error in TREE]
    assert len(codes) == len(set(codes)) == len(TREE)


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = re.findall(r"(?:├──|└──|^)\s*(\w+)", errors.__doc__ or "", flags=re.MULTILINE)
    assert {error.__name__ for error in TREE} <= set(drawn)


@pytest.mark.trace("A25")
def test_the_page_of_errors_is_the_tree() -> None:
    assert error_page.PAGE.read_text(encoding="utf-8") == error_page.page(), "run python -m tests.house.error_page"
    assert all(f"`{error.code}`" in error_page.page() for error in TREE)


@pytest.mark.trace("A45", "A54")
@pytest.mark.parametrize("raised", [ValueError("password=hunter2"), KeyError("x"), OSError(2, "gone", "secret.txt"), RuntimeError()])
def test_what_is_not_of_the_tree_becomes_one_sentence_and_an_id(raised: Exception) -> None:
    told = errors.payload(raised, correlation_id="c7f1-92ab")
    assert (told.code, told.sentence, told.correlation_id) == ("unexpected", errors.INSIDE, "c7f1-92ab")
    assert "reference c7f1-92ab" in told.lines()
    assert not any(word in told.lines() for word in ("hunter2", "secret.txt", type(raised).__name__))


def test_an_error_of_the_tree_crosses_a_boundary_as_it_is() -> None:
    error = errors.VoiceInUse(page=3, voice="local:en-gb")
    assert errors.safe(error, correlation_id="c7f1-92ab") is error
    assert errors.payload(error).correlation_id == "c7f1-92ab"
    assert errors.safe(error, correlation_id="other").correlation_id == "c7f1-92ab"
