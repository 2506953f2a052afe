"""Turn text into the terms that stand in the index: the same way for what was said and for what is looked for.

One way for every language, so that nobody has to say which one a text is in: words of Latin script pass the English and then the
German stemmer, which takes endings of most European languages off alike; other scripts have their own.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import Counter
from typing import Any, Final

from backend_core.memory.word_forms import FORMS, STOP

LONGEST: Final = 80
_NUMBER_GROUPS: Final = re.compile(r"(?<=\d)[.,](?=\d{3}(?!\d))")
_COMMA: Final = re.compile(r"(?<=\d),(?=\d)")
_WORD: Final = re.compile(r"\d+(?:[.:]\d+)+|[^\W_]+(?:['’][^\W_]+)*")
_ORDINAL: Final = re.compile(r"(\d+)(?:st|nd|rd|th)")
_SHORT_FORM: Final = re.compile(r"['’](?:s|t|m|d|re|ve|ll)$")
# letters that no decomposition leads back to their base
_LIGATURES: Final = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th", "ð": "d"})
_STEMMED: Final = {
    "CYRILLIC": "russian",
    "GREEK": "greek",
    "ARABIC": "arabic",
    "DEVANAGARI": "hindi",
    "TAMIL": "tamil",
    "ARMENIAN": "armenian",
}
# scripts that put no space between words
_UNSPACED: Final = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO", "KHMER", "MYANMAR")
_VOCABULARY: Final = 1 << 16


def words(text: str) -> list[str]:
    """Return the words of a text in order, folded but whole.

    >>> words("Caroline’s 2nd café, 1,500 m – sie aß “Äpfel”")
    ['caroline', '2', 'cafe', '1500', 'm', 'sie', 'ass', 'apfel']
    """
    plain = _COMMA.sub(".", _NUMBER_GROUPS.sub("", unicodedata.normalize("NFKC", text).casefold()))
    return [word for found in _WORD.findall(plain) if (word := _folded(found))]


def terms(text: str) -> list[str]:
    """Return the terms of a text in order, those that say nothing left out.

    >>> terms("When did Caroline's children go swimming?") == terms("caroline, child: went, swims")
    True
    >>> terms("Die Häuser sind größer") == terms("die haus, GROSS")
    True
    """
    return [term for word in words(text) for term in _terms_of(word)]


def counted(text: str) -> Counter[str]:
    """Return how often each term stands in a text."""
    return Counter(terms(text))


def asked(text: str) -> dict[str, str]:
    """Return the terms of a question and how each was written there, in its order.

    >>> asked("Who went hiking?")
    {'go': 'went', 'hik': 'hiking'}
    """
    found: dict[str, str] = {}
    for word in words(text):
        for term in _terms_of(word):
            found.setdefault(term, word)
    return found


def _folded(word: str) -> str:
    word = _SHORT_FORM.sub("", word).replace("'", "").replace("’", "")
    ordinal = _ORDINAL.fullmatch(word)
    if ordinal:
        return ordinal[1]
    if word.isascii():
        return word
    if _script(word) != "LATIN":
        return word
    return "".join(c for c in unicodedata.normalize("NFKD", word.translate(_LIGATURES)) if not unicodedata.combining(c))


def _script(word: str) -> str:
    return unicodedata.name(word[0], "").partition(" ")[0].partition("-")[0]


@functools.lru_cache(maxsize=_VOCABULARY)
def _terms_of(word: str) -> tuple[str, ...]:
    if word in STOP:
        return ()
    word = FORMS.get(word, word)
    if word.isascii():
        return (_stem("german", _stem("english", word))[:LONGEST],)
    script = _script(word)
    if script in _UNSPACED:
        return tuple(dict.fromkeys(word[i : i + 2] for i in range(max(1, len(word) - 1))))
    language = _STEMMED.get(script)
    return ((_stem(language, word) if language else word)[:LONGEST],)


@functools.cache
def _stemmer(language: str) -> Any:
    # on first use: it loads a module for each of 36 languages
    import snowballstemmer

    return snowballstemmer.stemmer(language)


def _stem(language: str, word: str) -> str:
    stem: str = _stemmer(language).stemWord(word)
    return stem
