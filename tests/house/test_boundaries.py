"""One maker of error answers, one writer of failure lines, nobody who repeats what an exception says."""

from __future__ import annotations

import pytest

from tests.house import boundaries


@pytest.mark.trace("A45", "A88", "A89")
def test_nothing_goes_around_the_one_answer_and_the_one_log_line() -> None:
    assert boundaries.problems() == []


@pytest.mark.trace("A45", "A88")
@pytest.mark.parametrize("source", ["raise Unexpected('x')", "x = {'code': c, 'next_step': n}", "ErrorPayload('a', 'b', 'c', 'd', None)"])
def test_a_home_made_answer_is_noticed(source: str) -> None:
    assert list(boundaries.home_made_answers(source)) == [1]


@pytest.mark.trace("A89")
@pytest.mark.parametrize("source", ["log.exception('x')", "_log.warning('x', exc_info=True)", "self._log.error('x', exc_info=error)"])
def test_a_home_made_failure_line_is_noticed(source: str) -> None:
    assert list(boundaries.home_made_failure_lines(source)) == [1]


@pytest.mark.trace("A88")
@pytest.mark.parametrize("words", ["f'no: {error}'", "str(error)", "repr(error)"])
def test_words_of_a_lower_layer_in_a_new_sentence_are_noticed(words: str) -> None:
    source = "try:\n    f()\nexcept {kind} as error:\n    raise NotFound({words})\n"
    assert list(boundaries.repeated_words(source.format(kind="OSError", words=words))) == [4]
    assert list(boundaries.repeated_words(source.format(kind="(LecternError, OSError)", words=words))) == [4]
    assert list(boundaries.repeated_words(source.format(kind="LecternError", words=words))) == []
