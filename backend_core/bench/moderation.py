"""How many messages a second the local rules judge, beside one plain list of words; and how much of a small labelled set they find."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable
from typing import Any, Final

from backend_core.bench.moderation_set import FINE, FOUND, PLAIN
from backend_core.safety.moderation import Moderation
from backend_core.safety.words import SEXUAL

MESSAGES: Final = 4_000
ROUNDS: Final = 3
LONGEST: Final = 20_000
# Each could send a careless pattern back and forth over the whole text.
HOSTILE: Final = (
    "1", "a1", "a ", "kid ", "sex ", "you are so ", "ich will einfach nur noch ", "du bist so nur doch ", "i can't ", "all the ", "\u0301",
    "ß",
)  # fmt: skip
_SEED: Final = 20_261
# What one writes first: single words, looked for anywhere.
FIRST_DRAFT: Final = re.compile(
    r"kill|suicid|die\b|murder|bomb|stab|rape|shoot|idiot|bitch|stupid|hate|umbring|selbstmord|sterben|toet|töt|schlampe|hasse|"
    + SEXUAL.removeprefix(r"\b"),
    re.IGNORECASE,
)


def run() -> list[dict[str, Any]]:
    """Return messages a second, and the share of a labelled set that is found and of harmless ones that are stopped."""
    messages, moderation = _messages(), Moderation()
    ours, draft = _fastest((lambda text: moderation.check(text).passed, lambda text: FIRST_DRAFT.search(text) is None), messages)
    note = (
        f"{MESSAGES} messages of {sum(map(len, messages)) // MESSAGES} characters in English and German, best of {ROUNDS} rounds, CPU time"
    )
    found, found_first = (100 * sum(not fine(text) for text in FOUND) / len(FOUND) for fine in _judges(moderation))
    alarms, alarms_first = (100 * sum(not fine(text) for text in FINE) / len(FINE) for fine in _judges(moderation))
    small = (
        f"{len(FOUND)} harmful and {len(FINE)} harmless sentences of our own; the rules were written with the plain {len(PLAIN)} in sight"
    )
    control = "control: a list of single words"
    slowest, usual = _slowest(moderation)
    longest = f"a message of {LONGEST} characters made to be slow, the worst of {len(HOSTILE)}; control: plain sentences of that length"
    return [
        _record("moderation.messages", "messages/CPU s", ours, draft, ">= 500", f"{note}; {control}"),
        _record("moderation.hostile", "ms", slowest, usual, "<= 1000", longest),
        _record("moderation.recall", "%", found, found_first, "", f"{small}; low by design; {control}"),
        _record("moderation.false_alarms", "%", alarms, alarms_first, "<= 5", f"{small}; {control}"),
    ]


def _judges(moderation: Moderation) -> tuple[Callable[[str], bool], ...]:
    return (lambda text: moderation.check(text).passed, lambda text: FIRST_DRAFT.search(text) is None)


def _messages() -> list[str]:
    """Return messages as people write them: mostly harmless, one to four sentences."""
    pick = random.Random(_SEED)  # noqa: S311  # the same messages each time, no secret
    return [" ".join(pick.choices((*FINE, *FINE, *FINE, *FOUND), k=pick.randint(1, 4))) for _ in range(MESSAGES)]


def _fastest(judges: tuple[Callable[[str], bool], ...], messages: list[str]) -> list[float]:
    """Return messages per CPU second of each, the best of rounds in which they take turns."""
    best = [0.0] * len(judges)
    for _ in range(ROUNDS):
        for place, judge in enumerate(judges):
            begun = time.thread_time()
            for text in messages:
                judge(text)
            best[place] = max(best[place], len(messages) / (time.thread_time() - begun))
    return best


def _slowest(moderation: Moderation) -> tuple[float, float]:
    """Return CPU milliseconds of the slowest message there may be, and of a plain one as long."""

    def took(word: str) -> float:
        text = (word * LONGEST)[:LONGEST]
        begun = time.thread_time()
        moderation.check(text)
        return 1000 * (time.thread_time() - begun)

    return max(took(word) for word in HOSTILE), took(" ".join(FINE) + " ")


def _record(name: str, unit: str, value: float, control: float, threshold: str, note: str) -> dict[str, Any]:
    goal = threshold.removeprefix(">= ").removeprefix("<= ")
    met = None if not goal else value >= float(goal) if ">=" in threshold else value <= float(goal)
    return {
        "name": name, "value": round(value, 1), "unit": unit, "control": round(control, 1), "threshold": threshold, "met": met,
        "note": note,
    }  # fmt: skip
