"""Find the days and months that a text names, in English, German and ISO notation."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from typing import Final

_NAMES: Final = (
    "january januar jan", "february februar feb", "march marz mar", "april apr", "may mai", "june juni jun", "july juli jul",
    "august aug", "september sept sep", "october oktober oct okt", "november nov", "december dezember dec dez",
)  # fmt: skip
_MONTHS: Final = {name: number for number, names in enumerate(_NAMES, start=1) for name in names.split()}
_NAME: Final = "|".join(sorted(_MONTHS, key=len, reverse=True))
_FORMS: Final = (
    re.compile(r"\b(?P<year>\d{4})-(?P<number>\d{1,2})(?:-(?P<day>\d{1,2}))?\b"),
    re.compile(r"\b(?P<day>\d{1,2})\.\s?(?P<number>\d{1,2})\.\s?(?P<year>\d{4})\b"),
    re.compile(rf"\b(?P<day>\d{{1,2}})(?:st|nd|rd|th|\.)?(?: of)? (?P<name>{_NAME})\b\.?,? ?(?P<year>\d{{4}})?"),
    re.compile(rf"\b(?P<name>{_NAME})\b\.? (?P<day>\d{{1,2}})(?:st|nd|rd|th)?\b(?!\d|:)(?:,? (?P<year>\d{{4}}))?"),
    re.compile(rf"\b(?P<name>{_NAME})\b\.?,? (?:of )?(?P<year>\d{{4}})\b"),
)
_MARK: Final = "@"
_MONTHS_IN_YEAR: Final = 12


def date_terms(text: str, *, year: int | None = None) -> tuple[str, ...]:
    """Return the days and months that ``text`` names, as terms of the index; a day also stands for its month.

    Args:
        text: what somebody said or looks for.
        year: of dates without one; they are left out where it is not known.

    >>> date_terms("the game on 8 May, 2023"), date_terms("Am 3. März 2024 oder 2022-07")
    (('@2023-05', '@2023-05-08'), ('@2022-07', '@2024-03', '@2024-03-03'))
    """
    # most texts name none
    if not any(character.isdigit() for character in text):
        return ()
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    found: set[str] = set()
    for form in _FORMS:
        for match in form.finditer(plain):
            found.update(_terms(match.groupdict(), year))
    return tuple(sorted(found))


def day_terms(day: dt.date) -> tuple[str, str]:
    """Return the terms of one day: its month and itself.

    >>> day_terms(dt.date(2023, 5, 8))
    ('@2023-05', '@2023-05-08')
    """
    return f"{_MARK}{day:%Y-%m}", f"{_MARK}{day:%Y-%m-%d}"


def is_date(term: str) -> bool:
    """Return whether a term of the index stands for a day or month."""
    return term.startswith(_MARK)


def _terms(found: dict[str, str | None], year: int | None) -> tuple[str, ...]:
    number = int(found.get("number") or _MONTHS[found.get("name") or "january"])
    which = int(found.get("year") or year or 0) or None
    if which is None or not 1 <= number <= _MONTHS_IN_YEAR:
        return ()
    try:
        day = dt.date(which, number, int(found.get("day") or 1))
    except ValueError:
        return ()
    return day_terms(day) if found.get("day") else day_terms(day)[:1]
