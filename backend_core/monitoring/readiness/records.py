"""What readiness hands out: the result of each check, categories, the score and what may be done with it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Literal

from backend_core.audit.sign_off import SignedOff

Status = Literal["pass", "warn", "fail", "unknown", "stale"]
"""``unknown``: nobody could look, or nobody did yet; ``stale``: too old, or found by another version of the program."""

Verdict = Literal["ready", "not ready", "unknown"]
Standing = Literal["met", "below", "unknown"]

KNOWN: frozenset[str] = frozenset({"pass", "warn", "fail"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """The newest answer of one check.

    Attributes:
        id: in words, ``indexes.declared``.
        about: what it looks at and why that matters, one or two plain sentences.
        category: key of its category.
        weight: its part in the score.
        gate: without it the whole is not ready, whatever the score.
        value: what was found, in words; of an unknown check the reason.
        threshold: what passes, in words.
        source: where the value comes from.
        at: when it was found, in UTC; ``None`` when never.
        age_s: seconds since then.
        limit_s: seconds after which the answer is stale.
        evidence: names and values in the order in which they explain the verdict; text from the database is outside data.
        page, target: where to look further: a page key, and what to open there (may be empty).
        seconds: what looking cost.
        version: of the program that found it; empty when never.
        later: what has to be there before anybody can look; empty where one can.
    """

    id: str
    title: str
    about: str
    category: str
    weight: float
    gate: bool
    status: Status
    value: str
    threshold: str
    source: str
    at: dt.datetime | None
    age_s: float | None
    limit_s: float
    evidence: tuple[tuple[str, str], ...]
    page: str
    target: str
    seconds: float | None
    version: str
    later: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """One of the eight categories of the original's table.

    Attributes:
        key: ``content_safety``; ``name``: for people.
        score: 0 to 100 over its known checks; ``None`` when none is known.
        known, total: checks.
        coverage: known of total, 0 to 1.
        before: what the original wrote down before its repairs, by hand.
        target: what it must reach.
        status: ``met``, ``below`` the target or with a failing gate, ``unknown`` while nothing is known.
        gates_failed: ids of its gates that fail.
    """

    key: str
    name: str
    score: float | None
    known: int
    total: int
    coverage: float
    before: int
    target: int
    status: Standing
    gates_failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendPoint:
    """One measurement of the past."""

    id: int
    at: dt.datetime
    version: str
    score: float | None
    coverage: float
    gates_failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything at one moment.

    Attributes:
        score: 0 to 100: weighted share of what passes among the known checks, a warning counting half; ``None`` when nothing is known.
        coverage: known of total, 0 to 1.
        target, before: of the whole: 90 is asked for; the original wrote 65 before its repairs.
        gates_failed: ids of gates that fail; ``gates_open``: of those that nobody knows, or not any more.
        status: ``not ready`` when a gate fails or the score is under its target, ``unknown`` when a gate is open or nothing is known.
        reason: why, one sentence.
        version: of the program.
        trend: when, score, coverage; oldest first.
        signed: the newest sign-off of this version.
        may_sign: whether this person could sign ``go`` now; ``why_not``: one sentence, empty when they may.
        run_id: of the newest measurement; ``None`` before the first.
    """

    score: float | None
    coverage: float
    known: int
    total: int
    target: int
    before: int
    gates_failed: tuple[str, ...]
    gates_open: tuple[str, ...]
    status: Verdict
    reason: str
    categories: tuple[Category, ...]
    checks: tuple[CheckResult, ...]
    version: str
    trend: tuple[tuple[dt.datetime, float | None, float], ...]
    signed: SignedOff | None
    may_sign: bool
    why_not: str
    run_id: int | None
    at: dt.datetime

    def check(self, check_id: str) -> CheckResult:
        """Return one check by its id.

        Raises:
            KeyError: there is none of that id.
        """
        for one in self.checks:
            if one.id == check_id:
                return one
        raise KeyError(check_id)


def plain(value: Any) -> Any:
    """Return a record as JSON knows it, times as ISO 8601 text."""
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    fields = getattr(type(value), "__dataclass_fields__", None)
    return {name: plain(getattr(value, name)) for name in fields} if fields else value
