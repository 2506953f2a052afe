"""Signs in a memory and in a question that tell whether the one may answer the other, in English and German."""

from __future__ import annotations

import re
from typing import Final

_TIMES: Final = (
    r"yesterday|today|tonight|tomorrow|ago|last|next|weeks?|months?|years?|weekends?|days?|recently|since|early|earlier|late|just|"
    r"this (?:morning|summer|winter|spring|fall)|(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|march|april|june|july|august|"
    r"september|october|november|december|summer|winter|spring|autumn|\d{4}|"
    r"gestern|vorgestern|heute|morgen|vor|letzte[nrs]?|nächste[nrs]?|wochen?|monate?|jahren?|tagen?|tage|seit|neulich|kürzlich|"
    r"(?:mon|diens|donners|frei|sams|sonn)tag|mittwoch|januar|februar|märz|juni|juli|oktober|dezember|frühling|sommer|herbst"
)
_TIME: Final = re.compile(rf"\b(?:{_TIMES})\b", re.IGNORECASE)
_NUMBER: Final = re.compile(
    r"\b(?:\d+|one|two|three|four|five|six|seven|eight|nine|ten|dozen|couple|few|several|once|twice|"
    r"eins?|zwei|drei|vier|fünf|sechs|sieben|acht|neun|zehn|dutzend|paar|mehrere|einmal|zweimal)\b",
    re.IGNORECASE,
)
_FIRST_PERSON: Final = re.compile(r"\b(?:i|my|me|we|our|us|ich|mein\w*|mir|mich|wir|unser\w*|uns)\b", re.IGNORECASE)
_ASKS_WHEN: Final = re.compile(
    r"^\s*(?:when|wann)\b|\bhow long\b|\b(?:what|which) (?:date|day|month|year)\b|"
    r"\bwie lange\b|\bseit wann\b|\bwelche[smnr]? (?:tag|monat|jahr)\b",
    re.IGNORECASE,
)
_ASKS_HOW_MANY: Final = re.compile(r"\bhow (?:many|much|old|often|long)\b|\bwie ?(?:viele?|oft|alt|lange|hoch)\b", re.IGNORECASE)


def tells_time(text: str) -> bool:
    """Return whether a text says when."""
    return _TIME.search(text) is not None


def tells_number(text: str) -> bool:
    """Return whether a text says how many."""
    return _NUMBER.search(text) is not None


def in_first_person(text: str) -> bool:
    """Return whether somebody speaks of themselves.

    >>> in_first_person("Ich war in Rom"), in_first_person("Great idea!")
    (True, False)
    """
    return _FIRST_PERSON.search(text) is not None


def only_asks(text: str) -> bool:
    """Return whether a text ends in a question."""
    return text.rstrip().endswith(("?", "？", "؟"))


def asks_when(question: str) -> bool:
    """Return whether a question wants a time.

    >>> asks_when("When did Ana move?"), asks_when("Seit wann wohnt Ana hier?"), asks_when("Who moved when Ana left?")
    (True, True, False)
    """
    return _ASKS_WHEN.search(question) is not None


def asks_how_many(question: str) -> bool:
    """Return whether a question wants a number."""
    return _ASKS_HOW_MANY.search(question) is not None
