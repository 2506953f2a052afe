"""What a check is: a small declared object that looks at one thing, says what it found, and can turn red."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from backend_core.monitoring.readiness.around import Around

Outcome = Literal["pass", "warn", "fail", "unknown"]

MINUTE: Final = 60.0
HOUR: Final = 3600.0
DAY: Final = 86_400.0

MOST_VALUE: Final = 300
MOST_EVIDENCE: Final = 40
LONGEST_EVIDENCE: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a check found.

    Attributes:
        status: ``unknown`` when nobody could look; the value then says why.
        value: in words, short.
        evidence: names and values; no words of a contact, no secret.
    """

    status: Outcome
    value: str
    evidence: tuple[tuple[str, str], ...] = ()


def passed(value: str, **evidence: object) -> Finding:
    """Return a finding that meets its threshold."""
    return Finding(status="pass", value=value, evidence=_pairs(evidence))


def warned(value: str, **evidence: object) -> Finding:
    """Return a finding that is not yet wrong; it counts half."""
    return Finding(status="warn", value=value, evidence=_pairs(evidence))


def failed(value: str, **evidence: object) -> Finding:
    """Return a finding that misses its threshold."""
    return Finding(status="fail", value=value, evidence=_pairs(evidence))


def unknown(value: str, **evidence: object) -> Finding:
    """Return that nobody could look, and why."""
    return Finding(status="unknown", value=value, evidence=_pairs(evidence))


def judged(value: str, *, good: bool, bearable: bool = False, **evidence: object) -> Finding:
    """Return pass when ``good``, a warning when at least ``bearable``, else a failure."""
    status: Outcome = "pass" if good else "warn" if bearable else "fail"
    return Finding(status=status, value=value, evidence=_pairs(evidence))


def listed(status: Outcome, value: str, pairs: list[tuple[str, str]]) -> Finding:
    """Return a finding with one line of evidence per thing looked at."""
    return Finding(status=status, value=value, evidence=tuple(pairs[:MOST_EVIDENCE]))


def _pairs(evidence: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((name.replace("_", " "), str(value)) for name, value in evidence.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check.

    Attributes:
        id: in words, ``indexes.declared``; stored and shown, so never renamed.
        about: what it looks at and why that matters, in plain words.
        category: key of one of ``categories.CATEGORIES``.
        threshold: what passes, in words.
        source: where the value comes from.
        run: looks; its ``LecternError`` means that nobody could.
        weight: its part in the score; 3 for what the rest rests upon.
        gate: without it the whole is not ready.
        limit_s: age after which an answer is stale.
        every_s: how often the worker looks by itself.
        page, target: where to look further.
        later: what has to be there before anybody can look; such a check reads unknown.
    """

    id: str
    title: str
    about: str
    category: str
    threshold: str
    source: str
    run: Callable[[Around], Finding]
    weight: float = 1.0
    gate: bool = False
    limit_s: float = 10 * MINUTE
    every_s: float = MINUTE
    page: str = "readiness"
    target: str = ""
    later: str = ""


def not_yet(what: str) -> Callable[[Around], Finding]:
    """Return the run of a check whose subject is not there yet."""

    def run(_around: Around) -> Finding:
        return unknown(what)

    return run
