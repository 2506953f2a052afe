"""The normaliser keeps order, numbers and exact ranges, whatever the text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend_core.speech.normalise import normalise
from backend_core.speech.script import write
from backend_core.speech.segment import MAX_SENTENCE, segment, sentences

LANGUAGES = ("en-GB", "en-US", "de", "fr-FR", "es", "hi", "cmn", "ar", "ru")
PIECES = re.split(
    r" ",
    "3.14 1,234 1.234,56 12 345 -5 Dr. Smith z. B. p. ej. e.g. c.-à-d. M. No. 5 etc. U.S. J. R. $5 5 € 45 % 10 °C 14:30 14h30 "
    "2026-03-14 3.10.2026 31/12/2025 http://a.b/c?d=1. a.b@c.de www.x.org well-known don’t co\u0002op dis\u00adtinct line-\nbreak "
    "你好。 नमस्ते। مرحبا؟ ﬁsh x² m² ½ 😀 \ud800 \x00 \x01400S \n\n « » “ ” ( ) ... … ! ? ; : , — – - _ * [[ ]] \u200b \u202e 5 km/h "
    "1st XXe 2ª 3.\nOktober Ⅷ ｱ 가나 ไทย \u0301 a\u0301 \ue000 ´ ===== §",
)


def spoken(text: str, language: str = "en-GB", skips: tuple[tuple[int, int, str], ...] = ()) -> list[str]:
    return [token.spoken for token in normalise(text, language=language, skips=skips).tokens]


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, tuple[tuple[int, int, str], ...]]:
    parts = draw(st.lists(st.one_of(st.sampled_from(PIECES), st.text(st.characters(), max_size=12)), max_size=25))
    text = draw(st.sampled_from(["", " ", "\n"])).join(parts)
    cuts = sorted(draw(st.lists(st.integers(0, len(text)), max_size=4)))
    reasons = draw(st.sampled_from(["header", "hyphen", "footnote marker"]))
    return text, tuple((low, high, reasons) for low, high in zip(cuts[::2], cuts[1::2], strict=False))


@settings(max_examples=300, deadline=None)
@given(texts(), st.sampled_from(LANGUAGES))
def test_tokens_keep_the_order_of_the_text_and_cover_every_letter_and_digit(
    made: tuple[str, tuple[tuple[int, int, str], ...]], language: str
) -> None:
    text, skips = made
    tokens = normalise(text, language=language, skips=skips).tokens
    position = 0
    for token in tokens:
        assert position <= token.start < token.end <= len(text)
        position = token.end
    covered = {index for token in tokens for index in range(token.start, token.end)}
    skipped = {index for low, high, _ in skips for index in range(low, high)}
    missed = [index for index, char in enumerate(text) if char.isalnum() and index not in skipped and index not in covered]
    assert not missed, [text[index] for index in missed]
    assert not any(index in covered for low, high, reason in skips if reason != "hyphen" for index in range(low, high))


@settings(max_examples=300, deadline=None)
@given(texts(), st.sampled_from(LANGUAGES))
def test_every_token_is_in_exactly_one_sentence_and_the_engine_sees_no_control_character(
    made: tuple[str, tuple[tuple[int, int, str], ...]], language: str
) -> None:
    text, skips = made
    normalised = normalise(text, language=language, skips=skips)
    cuts = segment(normalised)
    assert [index for cut in cuts for index in range(cut.first, cut.last)] == list(range(len(normalised.tokens)))
    position = 0
    for cut in cuts:
        assert position <= cut.start < cut.end <= len(text)
        assert normalised.tokens[cut.last - 1].end - normalised.tokens[cut.first].start <= MAX_SENTENCE
        position = cut.end
    for line in write(normalised, cuts):
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", line.text)
        for offset, token in zip(line.offsets, normalised.tokens[line.first :], strict=False):
            assert line.text.startswith(re.sub(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", "", token.spoken), offset)


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en-GB", "Pi is 3.14.", ["Pi", "is", "3.14"]),
        ("en-GB", "1,234 and 1,234,567.89", ["1234", "and", "1234567.89"]),
        ("en-GB", "Dr. Smith, e.g. No. 5", ["Doctor", "Smith", "for example", "number", "5"]),
        ("en-GB", "I said no. Fine", ["I", "said", "no", "Fine"]),
        ("en-GB", "$3.50, €5 million, £1", ["3 dollars 50", "5 million euros", "1 pound"]),
        ("en-GB", "45 %, 5 km/h, -5 °C, 1 m", ["45 percent", "5 kilometres per hour", "minus 5 degrees Celsius", "1 metre"]),
        ("en-US", "5 km on 12/31/2025", ["5 kilometers", "on", "December 31, 2025"]),
        ("en-GB", "the 3rd on 2026-03-14 at 14:30", ["the", "3rd", "on", "14 March 2026", "at", "14:30"]),
        ("en-GB", "2026-13-45 is no date", ["2026-13-45", "is", "no", "date"]),
        ("en-GB", "See https://www.example.org/a/b?c=1#d.", ["See", "example dot org"]),
        ("en-GB", "Mail jane.doe@example.com!", ["Mail", "jane dot doe at example dot com"]),
        ("en-GB", "J. R. Hartley of the U.S.A.", ["J", "R", "Hartley", "of", "the", "U S A"]),
        ("en-GB", "don’t well-known v1.2 3-year", ["don’t", "well-known", "v1.2", "3-year"]),
        ("en-GB", "AT&T uses C++ & C# if x=y < 3, see <a>", ["AT&T", "uses", "C++", "&", "C#", "if", "x=y", "<", "3", "see", "a"]),
        ("de", "z. B. am 3. Oktober, 1.234,56 €", ["zum Beispiel", "am", "dritten", "Oktober", "1234 Euro 56"]),
        ("de", "3.14 und 3,14; um 14:30 Uhr; 14.03.2026", ["3,14", "und", "3,14", "um", "14 Uhr 30", "vierzehnten März 2026"]),
        ("de", "d.h. S. 12, 5 Mio. €", ["das heißt", "Seite", "12", "5 Mio. Euro"]),
        ("fr-FR", "M. Dupont, le 1er mai, XXe siècle", ["Monsieur", "Dupont", "le", "1er", "mai", "20ème", "siècle"]),
        ("fr-FR", "1 234,56 € à 14h30", ["1234 euros 56", "à", "14 heures 30"]),
        ("es", "El Sr. Pérez, p. ej. 1.º en EE. UU.", ["El", "señor", "Pérez", "por ejemplo", "1º", "en", "Estados Unidos"]),
        ("ru", "3,14 и 1.234", ["3,14", "и", "1.234"]),
    ],
)
def test_what_is_written_short_is_said_in_full(language: str, text: str, expected: list[str]) -> None:
    assert spoken(text, language) == expected


def test_broken_lines_and_soft_hyphens_give_one_word_with_its_whole_range() -> None:
    text = "co\u0002operate dis\u00adtinct ham-\nmer Anglo-\nSaxon"
    tokens = normalise(text, language="en").tokens
    assert [token.spoken for token in tokens] == ["cooperate", "distinct", "hammer", "Anglo", "Saxon"]
    assert text[tokens[2].start : tokens[2].end] == "ham-\nmer"


def test_control_characters_and_half_pairs_are_not_spoken_and_cut_nothing_off() -> None:
    assert spoken("one\x00two \x01400S three\x1b[0x \ud800four \x85five") == ["one", "two", "400S", "three", "0x", "four", "five"]


def test_indic_and_arabic_words_stay_whole() -> None:
    assert spoken("नमस्ते दुनिया। آج", "hi") == ["नमस्ते", "दुनिया", "آج"]


def test_skipped_ranges_are_silent_and_leave_no_paragraph_break() -> None:
    text = "The tide\n12\nturned1 at\nnoon."
    skips = ((9, 11, "page number"), (18, 19, "footnote marker"))
    assert spoken(text, skips=skips) == ["The", "tide", "turned", "at", "noon"]
    assert len(sentences(text, language="en", skips=skips)) == 1


def test_a_skipped_hyphen_joins_its_word() -> None:
    text = "a ham-\nMer"
    assert spoken(text, skips=((5, 7, "line-end hyphen"),)) == ["a", "hamMer"]


def test_a_very_long_run_of_letters_is_spoken_in_pieces_without_losing_one() -> None:
    assert "".join(spoken("a" * 1234)) == "a" * 1234
