"""How numbers, dates, money, units and addresses are read aloud in a language."""

from __future__ import annotations

import re
from typing import Final

from backend_core.speech.language_words import LanguageWords

_MONTHS_IN_YEAR: Final = 12
_DAYS_IN_MONTH: Final = 31
_GROUP_DIGITS: Final = 3
_AMOUNT: Final = re.compile(r"[-−]?[0-9](?:[0-9.,\u00a0\u202f\u2009 ]*[0-9])?")
_ROMAN: Final = {"I": 1, "V": 5, "X": 10}
_GERMAN_ORDINALS: Final = {1: "ersten", 3: "dritten", 7: "siebten", 8: "achten"}
_GERMAN_TENS: Final = {20: "zwanzigsten", 30: "dreißigsten"}
_GERMAN_UNITS: Final = (
    *("null", "ein", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf"),
    *("dreizehn", "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn"),
)
_FIRST_TENTH: Final = 20


def number(raw: str, words: LanguageWords) -> str:
    """Return ``raw`` without group signs and with the language's decimal sign, ``1.234,5`` becoming ``1234,5`` in German."""
    sign = ""
    if raw[0] in "-−":
        sign, raw = (f"{words.minus} " if words.minus else "-"), raw[1:]
    if not words.decimal:
        return sign + raw
    grouped = re.compile(rf"[0-9]{{1,3}}(?:[{re.escape(words.grouping)}][0-9]{{3}})+(?:{re.escape(words.decimal)}[0-9]+)?")
    if grouped.fullmatch(raw):
        return sign + re.sub(rf"[{re.escape(words.grouping)}]", "", raw)
    whole, dot, fraction = raw.partition(".")
    if dot and words.decimal == "," and whole.isdigit() and fraction.isdigit():
        return f"{sign}{whole},{fraction}"
    return sign + raw


def percent(raw: str, words: LanguageWords) -> str:
    """Return ``45 %`` as a number and the word for it."""
    return f"{number(_amount(raw), words)} {words.percent}"


def measure(raw: str, words: LanguageWords) -> str:
    """Return ``5 km`` as ``5 kilometres``."""
    amount = _amount(raw)
    one, many = words.units[raw[len(amount) :].strip()]
    return f"{number(amount, words)} {one if amount == '1' else many}"


def money(raw: str, words: LanguageWords) -> str:
    """Return ``$3.50`` as ``3 dollars 50`` and ``€5 million`` as ``5 million euros``."""
    sign = next(symbol for symbol in words.currencies if symbol in raw)
    bare = raw.replace(sign, "").strip()
    amount = _amount(bare)
    magnitude = bare[len(amount) :].strip()
    one, many = words.currencies[sign]
    value = number(amount, words)
    whole, _, cents = value.partition(words.decimal)
    unit = one if whole == "1" else many
    if magnitude:
        return f"{value} {magnitude} {many}"
    return f"{whole} {unit} {cents}".strip() if len(cents) in {0, 2} else f"{value} {many}"


def date(raw: str, words: LanguageWords, language: str) -> str:
    """Return an ISO date or one with dots or slashes in words; what is no date is returned unchanged."""
    first, second, third = (int(part) for part in re.split(r"[-./]", raw))
    if "-" in raw:
        year, month, day = first, second, third
    else:
        year = third
        day, month = (second, first) if words.month_first or second > _MONTHS_IN_YEAR else (first, second)
    if not (1 <= month <= _MONTHS_IN_YEAR and 1 <= day <= _DAYS_IN_MONTH and words.months):
        return raw
    name = words.months[month - 1]
    if language == "de":
        return f"{_german_ordinal(day)} {name} {year}"
    if language == "es":
        return f"{day} de {name} de {year}"
    if language == "fr":
        return f"{'1er' if day == 1 else day} {name} {year}"
    return f"{name} {day}, {year}" if words.month_first else f"{day} {name} {year}"


def time(raw: str, words: LanguageWords) -> str:
    """Return ``14:30 Uhr`` as ``14 Uhr 30`` where the language puts a word between."""
    if not words.hour:
        return raw
    hour, minute = re.findall(r"[0-9]+", raw)[:2]
    return f"{int(hour)} {words.hour}" + (f" {int(minute)}" if int(minute) else "")


def ordinal(raw: str, language: str) -> str:
    """Return a German, French or Spanish ordinal as the engine or a listener expects it."""
    if language == "de":
        return _german_ordinal(int(raw.rstrip(".")))
    if language == "es":
        return raw.replace(".", "")
    digits = re.match(r"[0-9]+", raw)
    value = int(digits[0]) if digits else _roman(re.sub(r"[^XVI]", "", raw))
    return "1er" if value == 1 and raw.endswith("er") else "1re" if value == 1 and raw.endswith("re") else f"{value}ème"


def address(raw: str, words: LanguageWords) -> str:
    """Return the host of a web address, its dots said: nobody wants to hear the rest."""
    host = re.sub(r"^(?:https?://)?(?:[^/@]*@)?(?:www\.)?", "", raw, flags=re.IGNORECASE)
    host = re.split(r"[/:?#]", host, maxsplit=1)[0]
    return _dots(host, words) or "link"


def mail(raw: str, words: LanguageWords) -> str:
    """Return an e-mail address with its dots and its at sign said."""
    name, _, host = raw.partition("@")
    return f"{_dots(name, words)} {words.at or '@'} {_dots(host, words)}"


def letters(raw: str) -> str:
    """Return ``U.S.A.`` as single letters."""
    return " ".join(raw.replace(".", " ").split())


def _dots(name: str, words: LanguageWords) -> str:
    return name.replace(".", f" {words.dot} ") if words.dot else name


def _amount(raw: str) -> str:
    found = _AMOUNT.match(raw)
    return found[0] if found else ""


def _german_ordinal(value: int) -> str:
    if value < _FIRST_TENTH:
        return _GERMAN_ORDINALS.get(value, f"{_GERMAN_UNITS[value]}ten")
    tens, units = value // 10 * 10, value % 10
    if tens not in _GERMAN_TENS:
        return f"{value}."
    return f"{_GERMAN_UNITS[units]}und{_GERMAN_TENS[tens]}" if units else _GERMAN_TENS[tens]


def _roman(numeral: str) -> int:
    values = [_ROMAN[letter] for letter in numeral]
    return sum(-value if index + 1 < len(values) and values[index + 1] > value else value for index, value in enumerate(values))
