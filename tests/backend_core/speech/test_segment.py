"""Sentences are whole, in order, and keep their stops."""

from __future__ import annotations

import pytest

from backend_core.speech.normalise import normalise
from backend_core.speech.script import write
from backend_core.speech.segment import MAX_SENTENCE, segment, sentences


def cut(text: str, language: str = "en") -> list[str]:
    return [text[start:end] for start, end in sentences(text, language=language)]


def said(text: str, language: str = "en") -> list[str]:
    normalised = normalise(text, language=language)
    return [line.text for line in write(normalised, segment(normalised))]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "Dr. Smith left. He ran!", ["Dr. Smith left.", "He ran!"]),
        ("en", "It is 3.14 or 1.5. Is it?", ["It is 3.14 or 1.5.", "Is it?"]),
        ("en", "The U.S. Army met J. R. Lee. It was 5 p.m. We left.", ["The U.S. Army met J. R. Lee.", "It was 5 p.m.", "We left."]),
        ("en", "See Fig. 3 vs. No. 5. Go.", ["See Fig. 3 vs. No. 5.", "Go."]),
        ("en", "I said no. He went.", ["I said no.", "He went."]),
        ("en", "Slowly... then fast… And on.", ["Slowly... then fast…", "And on."]),
        ("en", "“Stop!” he said. “Why?” (Yes.) End", ["“Stop!” he said.", "“Why?”", "(Yes.)", "End"]),
        ("en", "A heading\n\nits text", ["A heading", "its text"]),
        ("en", "1. Introduction\n2. Methods", ["1. Introduction", "2. Methods"]),
        ("en", "We need:\n- bread\n- salt", ["We need:", "bread", "salt"]),
        ("en", "It ended.Then rain.", ["It ended.", "Then rain."]),
        ("en", "one line\nwraps here. Two", ["one line\nwraps here.", "Two"]),
        (
            "de",
            "Am 3. Oktober kam er, z. B. spät. Er blieb usw. Der Rest.",
            ["Am 3. Oktober kam er, z. B. spät.", "Er blieb usw.", "Der Rest."],
        ),
        ("fr", "M. Dupont arrive. Où ? Ici.", ["M. Dupont arrive.", "Où ?", "Ici."]),
        ("fr", "« Bonjour ! » Il part.", ["« Bonjour ! »", "Il part."]),
        ("es", "¿Qué? ¡No! El Sr. Paz.", ["¿Qué?", "¡No!", "El Sr. Paz."]),
        ("cmn", "你好。今天3.14！「好。」他说？", ["你好。", "今天3.14！", "「好。」", "他说？"]),
        ("ar", "مرحبا؟ نعم۔ هذا", ["مرحبا؟", "نعم۔", "هذا"]),
        ("hi", "नमस्ते। ठीक॥ हाँ", ["नमस्ते।", "ठीक॥", "हाँ"]),
    ],
)
def test_a_sentence_ends_where_a_reader_would_say_so(language: str, text: str, expected: list[str]) -> None:
    assert cut(text, language) == expected


def test_a_long_sentence_is_cut_at_a_clause_and_stays_in_order() -> None:
    clause = "the boat came in with the tide and the clerk wrote it down"
    text = ", ".join([clause] * 40) + ". Short one! Another?"
    parts = cut(text)
    assert all(len(part) <= MAX_SENTENCE + 1 for part in parts)
    assert " ".join(parts) == text
    assert all(part.endswith(",") for part in parts[:-3])
    assert parts[-2:] == ["Short one!", "Another?"]


def test_a_long_sentence_without_clauses_is_cut_between_words() -> None:
    text = " ".join(f"word{number}" for number in range(400))
    parts = cut(text)
    assert " ".join(parts) == text
    assert max(map(len, parts)) <= MAX_SENTENCE


def test_questions_exclamations_and_decimals_reach_the_engine_as_they_are() -> None:
    assert said("Really? Yes! It is 3.14.") == ["Really?", "Yes!", "It is 3.14."]


def test_rules_and_markup_are_not_read_out() -> None:
    assert said("Chapter 1 ........ 12 ===== *bold* a|b [[x]]") == ["Chapter 1, 12 bold a b (x)"]


def test_a_span_of_years_is_said_as_one() -> None:
    assert said("from 1990–1995") == ["from 1990 to 1995"]
