"""A careful guess at the language of a text, from its script and its commonest small words."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from typing import Final

_SAMPLE_CHARS: Final = 20_000
_MIN_LETTERS: Final = 20
# A script decides when it holds most letters; documents quote foreign names.
_SCRIPT_SHARE: Final = 0.6
_MIN_HITS: Final = 4
_MIN_HIT_SHARE: Final = 0.08
# Related languages share small words; the winner must be clearly ahead.
_LEAD: Final = 1.25
_WORD: Final = re.compile(r"[^\W\d_]+")

_BY_SCRIPT: Final = {
    "GREEK": "el", "HEBREW": "he", "HIRAGANA": "ja", "KATAKANA": "ja", "HANGUL": "ko", "THAI": "th", "DEVANAGARI": "hi", "BENGALI": "bn",
    "TAMIL": "ta", "TELUGU": "te", "GEORGIAN": "ka", "ARMENIAN": "hy",
}  # fmt: skip
# Letters that only some languages of a script have, the rarest language first; the last one of a script may have none of its own.
_BY_LETTERS: Final = {
    "CYRILLIC": (("be", "ў"), ("uk", "іїєґ"), ("sr", "јљњђћџ"), ("ru", "ыэё"), ("bg", "ъ")),
    "ARABIC": (("ur", "ٹڈںے"), ("fa", "پچژگ"), ("ar", "ةىأإ")),
}
_MIN_LETTER_SHARE: Final = 0.004
# Single letters are left out: they are as likely to be formulas.
_SMALL_WORDS: Final = {
    code: frozenset(words.split())
    for code, words in {
        "en": "the of and to in is that it for was with as on be by this are not or from have which you at an",
        "de": "der die und das ist nicht zu den von mit sich des ein eine auf für dem im auch werden wird oder durch bei nach sind",
        "fr": "le la les des et est une que dans pour qui pas sur au avec ce il sont par plus du ne aux cette ou nous",
        "es": "el la los las de que en un una es por con para se del no su al como más lo son esta este",
        "it": "il la le di che in un una è per con non si del della dei gli sono da al nel anche come più alla",
        "pt": "os as do da em um uma é por com para não se dos das de que no na ao mais como são pelo pela",
        "nl": "de het een van en is dat niet op te in zijn voor met die aan er om ook als bij wordt door naar of",
        "sv": "och att det som en är på av för med den till inte har om ett var de vi kan från ska eller",
        "da": "og at det som en er på af for med den til ikke har om et var de vi kan fra skal eller hvad blev",
        "pl": "na do się nie że jest to jak po przez dla od są oraz lub tym który która które ich może",
        "cs": "na se je že do to pro jako by ve byl jsou které který jsem nebo od po při",
        "tr": "ve bir bu için ile da de olarak daha çok olan gibi kadar sonra ne en var değil ise veya her",
    }.items()
}


def language_of(text: str) -> str | None:
    """Return the two-letter code of the language of `text`, or None when unsure.

    >>> language_of("The harbour was quiet, and the last of the boats came in with the tide as it was getting dark.")
    'en'
    >>> language_of("OK 42") is None
    True
    """
    sample = unicodedata.normalize("NFC", text[:_SAMPLE_CHARS])
    scripts = Counter(unicodedata.name(sign, "").partition(" ")[0] for sign in sample if sign.isalpha())
    if scripts.total() < _MIN_LETTERS:
        return None
    if scripts["HIRAGANA"] + scripts["KATAKANA"] > scripts.total() // 10:
        return "ja"
    script, count = scripts.most_common(1)[0]
    if count < _SCRIPT_SHARE * scripts.total():
        return None
    if script == "CJK":
        return "zh"
    if script == "LATIN":
        return _by_small_words(sample)
    return _BY_SCRIPT.get(script) or _by_letters(sample, script=script, letters=count)


def _by_letters(sample: str, *, script: str, letters: int) -> str | None:
    """Return the language that one of the script's particular letters gives away."""
    text = Counter(sample.lower())
    for code, own in _BY_LETTERS.get(script, ()):
        if sum(text[letter] for letter in own) >= max(1, _MIN_LETTER_SHARE * letters):
            return code
    return None


def _by_small_words(sample: str) -> str | None:
    """Return the language whose small words are clearly the commonest."""
    words = Counter(_WORD.findall(sample.lower()))
    hits = sorted(((sum(words[word] for word in known), code) for code, known in _SMALL_WORDS.items()), reverse=True)
    (best, code), (second, _) = hits[:2]
    is_clear = best >= max(_MIN_HITS, _MIN_HIT_SHARE * words.total()) and best >= _LEAD * second
    return code if is_clear else None
