"""Cases from published collections of privacy norms, read from beside the repository; they are never part of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

DATA = Path(__file__).parents[3] / "shared" / "data" / "privacy"
PRIVACYLENS = DATA / "privacylens_dev.json"
# told by a third person in one company, asked about in another: the third tier of that collection
CONFAIDE = DATA / "confaide_tier3.json"


@dataclass(frozen=True, slots=True)
class Story:
    """Who told what to whom, and who may not hear of it.

    Attributes:
        name: of the case in its collection.
        secret: what was told in confidence.
        asked: what the wrong company asks.
    """

    name: str
    teller: str
    subject: str
    secret: str
    company: str
    asked: str


def privacylens() -> list[Story]:
    """Return the cases of PrivacyLens, or skip the test where they are not installed."""
    return [_story(case) for case in _read(PRIVACYLENS)]


def _story(case: dict[str, dict[str, str]]) -> Story:
    seed, told = case["seed"], case["vignette"]
    secret = f"{told['data_subject_concrete']}: {told['data_type_concrete']}"
    asked = f"{seed['data_recipient']}: what do you know about {seed['data_subject']} and {seed['data_type']}? {told['data_type_concrete']}"
    return Story(
        name=str(case["name"]),
        teller=str(seed["data_sender_name"]),
        subject=str(seed["data_subject"]),
        secret=secret,
        company=str(seed["data_recipient"]),
        asked=asked,
    )


def _read(path: Path) -> list[dict[str, dict[str, str]]]:
    if not path.is_file():
        pytest.skip(f"{path.name} is not beside the repository, in shared/data/privacy")
    found: list[dict[str, dict[str, str]]] = json.loads(path.read_text(encoding="utf-8"))
    return found


def words(text: str) -> list[str]:
    """Return the words of a text that carry meaning, longest first."""
    return sorted({word.lower() for word in re.findall(r"[^\W\d_]{5,}", text)}, key=lambda word: (-len(word), word))
