"""The error tree: every error has a title, a sentence and a next step fit for people."""

from __future__ import annotations

import re

import pytest

from backend_core import errors

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
