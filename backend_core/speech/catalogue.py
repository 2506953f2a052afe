"""The voices of espeak-ng under names for people and standard language tags."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final, TypedDict

from backend_core.speech.engine import Voice

_UNUSABLE: Final = frozenset({"gmq/fo", "trk/kaa", "art/xex"})
"""Faroese and Karakalpak come without their dictionaries and are mute; the third is espeak's own test."""
_GENDERS: Final = {1: "male", 2: "female"}
_REGION_LETTERS: Final = 2
_REGION_DIGITS: Final = 3
_SCRIPT_LETTERS: Final = 4
_VARIANT_LETTERS: Final = 5
_PARTS: Final = ("script", "region", "variant")
_NOT_REGIONS: Final = {"ca-ba": "ca-x-balear", "ca-nw": "ca-x-nw", "ca-va": "ca-valencia", "ru-cl": "ru-x-classic"}
"""Two letters of espeak's own that would read as a country in BCP 47: Catalan of Bosnia."""


class RawVoice(TypedDict):
    """One voice as the voice process lists it; ``languages`` best first, ``gender`` 0 unknown, 1 male, 2 female."""

    name: str
    languages: list[str]
    identifier: str
    gender: int


def catalogue(raw: Sequence[RawVoice], *, engine: str) -> tuple[Voice, ...]:
    """Return the voices sorted by label, without the unusable; ids and labels are unique."""
    raw = [voice for voice in raw if voice["identifier"] not in _UNUSABLE]
    codes = Counter(voice["languages"][0].lower() for voice in raw)
    labels = Counter(_name(voice) for voice in raw)
    voices = [
        Voice(
            id=f"{engine}:{_code(voice, codes)}",
            engine=engine,
            code=voice["identifier"],
            language=language_tag(voice["languages"][0]),
            label=_name(voice) if labels[_name(voice)] == 1 else f"{_name(voice)}, {voice['identifier']}",
            gender=_GENDERS.get(voice["gender"]),
            local=True,
        )
        for voice in raw
    ]
    return tuple(sorted(voices, key=lambda voice: voice.label))


def language_tag(espeak_language: str) -> str:
    """Return the BCP 47 tag of espeak's name of a language.

    Parts are put in the standard's order and case, and what it does not allow becomes a private part.

    >>> language_tag("en-us-nyc")
    'en-US-x-nyc'
    """
    if espeak_language in _NOT_REGIONS:
        return _NOT_REGIONS[espeak_language]
    public, _, private = espeak_language.lower().partition("-x-")
    first, *rest = public.split("-")
    parts: dict[str, str] = {}
    extra = private.split("-") if private else []
    for part in rest:
        kind, value = _part(part)
        if kind in parts or kind == "private":
            extra.append(part)
        else:
            parts[kind] = value
    standard = [first, *(parts[kind] for kind in _PARTS if kind in parts)]
    return "-".join([*standard, "x", *extra] if extra else standard)


def _part(part: str) -> tuple[str, str]:
    if len(part) == _SCRIPT_LETTERS and part.isalpha():
        return "script", part.title()
    if (len(part) == _REGION_LETTERS and part.isalpha()) or (len(part) == _REGION_DIGITS and part.isdigit()):
        return "region", part.upper()
    return ("variant" if len(part) >= _VARIANT_LETTERS else "private"), part


def _name(voice: RawVoice) -> str:
    return " ".join(voice["name"].split())


def _code(voice: RawVoice, codes: Counter[str]) -> str:
    """Return the language, or the voice file's own name for the second voice of a language."""
    language, own = voice["languages"][0].lower(), voice["identifier"].rpartition("/")[2].lower()
    return language if codes[language] == 1 or own == language else own
