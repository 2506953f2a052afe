"""Turn text into the tokens that are spoken, each with the exact range it came from.

Order is the order of the text, always. Numbers, dates, money, units, abbreviations and addresses are one token each, so that nothing
later can split ``3.14`` or ``Dr.``. What is not described for a language passes through to the engine unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

from backend_core.speech import readings
from backend_core.speech.language_words import BEFORE_NUMBER, LanguageWords, primary, words_for
from backend_core.speech.shape import JOIN, shape, written

IDEOGRAPHS: Final = "\u3005\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
"""Scripts without blanks between words: each character is a token."""
EMOJI: Final = "\u2600-\u27bf\u2b50\u2b55\U0001f000-\U0001faff"
_SYMBOLS: Final = "&+=×÷±§©®™#@$€£¥₹%‰°√∞≈≠≤≥"
_SPACE: Final = "[ \u00a0\u2009\u202f]?"
_LETTER: Final = rf"[^\W_{IDEOGRAPHS}]"
_INSIDE: Final = rf"{JOIN}|['’‐‑&+=@#-](?={_LETTER})|\.(?=[a-z0-9])"
_WORD: Final = rf"{_LETTER}+(?:(?:{_INSIDE}){_LETTER}*)*(?:(?:\+\+|[+#%°®™])(?!\w))?"
"""What is written without a blank is one token, so that a mark starts where a word starts: AT&T, C++, x=y, 45%."""
_SIGN: Final = r"(?:(?<![\w.,)\]%°-])[-−](?=[0-9]))?"
_NOT_IN_A_WORD: Final = rf"(?![\w{JOIN}]|['’-][^\W\d_])"


_LONGEST_WORD: Final = 200
"""Characters; longer runs without a blank are spoken in pieces of this length."""

_LONGEST_GAP: Final = 80
"""Characters; the patterns for punctuation may try every pair of positions in a gap."""


class Token(NamedTuple):
    """One spoken token: range in the text, kind (a group name of the pattern) and what is said for it."""

    start: int
    end: int
    kind: str
    spoken: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Normalised:
    """A text made ready: its tokens in order, its shape (same length), and the language it was read as."""

    tokens: tuple[Token, ...]
    shaped: str
    words: LanguageWords
    language: str

    def between(self, low: int, high: int) -> str:
        """Return what stands between two tokens; the middle of a long gap, a border or a rule, is left out."""
        if high - low <= _LONGEST_GAP:
            return self.shaped[low:high]
        return self.shaped[low : low + _LONGEST_GAP // 2] + self.shaped[high - _LONGEST_GAP // 2 : high]


def normalise(text: str, *, language: str, skips: Sequence[tuple[int, int, str]] = ()) -> Normalised:
    """Return the tokens of ``text``, read in the BCP 47 ``language``, without the skipped ranges.

    >>> [token.spoken for token in normalise("Dr. Smith paid $3.50.", language="en-GB").tokens]
    ['Doctor', 'Smith', 'paid', '3 dollars 50']
    """
    words, shaped = words_for(language), shape(text, skips=skips)
    reader = _Reader(words, primary(language))
    found = []
    for match in _pattern(language).finditer(shaped):
        kind = match.lastgroup or "word"
        for start, end in _pieces(*match.span()) if kind == "word" else (match.span(),):
            found.append(Token(start, end, kind, reader.read(kind, written(text[start:end], shaped[start:end]))))
    return Normalised(tokens=tuple(found), shaped=shaped, words=words, language=primary(language))


def _pieces(start: int, end: int) -> Iterator[tuple[int, int]]:
    for low in range(start, end, _LONGEST_WORD):
        yield low, min(low + _LONGEST_WORD, end)


class _Reader:
    """Says a token in one language."""

    def __init__(self, words: LanguageWords, language: str) -> None:
        self._words = words
        self._language = language
        self._abbreviations = {_squeezed(short): spoken for short, (spoken, _) in words.abbreviations.items()}

    def read(self, kind: str, raw: str) -> str:
        """Return what is said for ``raw``."""
        if kind in {"word", "ideograph", "symbol"}:
            return raw
        if kind in {"title", "before_number", "may_end"}:
            return self._abbreviations[_squeezed(raw)]
        if kind in {"acronym", "initial"}:
            return readings.letters(raw)
        return self._figure(kind, raw)

    def _figure(self, kind: str, raw: str) -> str:
        if kind == "date":
            return readings.date(raw, self._words, self._language)
        if kind == "ordinal":
            return readings.ordinal(raw, self._language)
        by_kind = {
            "address": readings.address,
            "mail": readings.mail,
            "time": readings.time,
            "money": readings.money,
            "percent": readings.percent,
            "measure": readings.measure,
            "number": readings.number,
        }
        return by_kind[kind](raw, self._words)


def _squeezed(abbreviation: str) -> str:
    return re.sub(r"\s+", "", abbreviation)


@cache
def _pattern(language: str) -> re.Pattern[str]:
    """Return the pattern of all tokens; the first alternative that fits wins, so the special stand before the general."""
    words = words_for(language)
    amount = _amount(words)
    kinds = [
        ("address", r"(?:https?://|www\.)[^\s<>\"'»“”]{0,500}[\w/]"),
        ("mail", r"(?<!\w)[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}"),
        *_known(words, amount),
        (
            "time",
            rf"(?<![\w:.,])[0-2]?[0-9][{'h:' if words.hour else ':'}][0-5][0-9](?![\w:])"
            + (rf"(?:{_SPACE}{words.hour}(?!\w))?" if words.hour else ""),
        ),
        ("number", rf"{amount}{_NOT_IN_A_WORD}"),
        ("acronym", r"(?<!\w)(?:(?:[A-Z]\.){2,9}(?:[A-Z](?!\w))?|[A-Z]\.[A-Z](?!\w))"),
        ("initial", r"(?<![\w'’])[A-Z]\.(?=\s{1,3}[^\W\d_a-z])"),
        ("ideograph", rf"(?=\w)[{IDEOGRAPHS}][{JOIN}ー]{{0,8}}"),
        ("word", _WORD),
        ("symbol", rf"[{_SYMBOLS}]|(?<=\s)[<>](?=\s)|[{EMOJI}](?:{JOIN}{{1,3}}[{EMOJI}]?|[\U0001f3fb-\U0001f3ff]){{0,8}}"),
    ]
    return re.compile("|".join(f"(?P<{name}>{pattern})" for name, pattern in kinds if pattern))


def _amount(words: LanguageWords) -> str:
    plain = r"[0-9]{1,40}(?:[.,][0-9]{1,40}){0,8}"
    if not words.decimal:
        return f"{_SIGN}(?:{plain})"
    grouped = rf"[0-9]{{1,3}}(?:[{re.escape(words.grouping)}][0-9]{{3}}){{1,12}}(?:{re.escape(words.decimal)}[0-9]{{1,40}})?(?![0-9])"
    return f"{_SIGN}(?:{grouped}|{plain})"


def _known(words: LanguageWords, amount: str) -> list[tuple[str, str]]:
    """Return the kinds that need knowledge of the language; none for a language without."""
    if not words.decimal:
        return []
    signs = "[" + "".join(words.currencies) + "]"
    large = rf"(?:{_SPACE}(?:{words.magnitudes})(?!\w))?"
    units = "|".join(re.escape(unit) for unit in sorted(words.units, key=len, reverse=True))
    return [
        ("date", r"(?<![\w.,/-])(?:[0-9]{4}-[0-9]{2}-[0-9]{2}|[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{4}|[0-9]{1,2}/[0-9]{1,2}/[0-9]{4})(?![\w/-])"),
        ("money", rf"{signs}{_SPACE}{amount}{large}|{amount}{large}{_SPACE}{signs}(?!{_SPACE}[0-9])"),
        ("percent", rf"{amount}{_SPACE}%"),
        ("measure", rf"{amount}{_SPACE}(?:{units})(?![\w²³°/{JOIN}])"),
        ("ordinal", rf"(?<![\w.,]){words.ordinal}(?!\w)" if words.ordinal else ""),
        *(
            (kind, _abbreviation(words, name))
            for kind, name in (("title", "title"), ("before_number", BEFORE_NUMBER), ("may_end", "may_end"))
        ),
    ]


def _abbreviation(words: LanguageWords, kind: str) -> str:
    written_forms = sorted((short for short, (_, found) in words.abbreviations.items() if found == kind), key=len, reverse=True)
    choices = "|".join(re.escape(short).replace(r"\ ", r"\s?") for short in written_forms)
    after = r"(?=\s?[0-9])" if kind == BEFORE_NUMBER else r"(?!\w)"
    return rf"(?<![\w'’.-])(?:{choices}){after}"
