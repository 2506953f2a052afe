"""The score: weighted share of what passes among the checks whose answer is known; docs/readiness.md explains every step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from backend_core.monitoring.readiness.categories import CATEGORIES, TARGET, Kind
from backend_core.monitoring.readiness.records import KNOWN, Category, CheckResult, Standing, Verdict

CREDIT: Final = {"pass": 1.0, "warn": 0.5, "fail": 0.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Total:
    """The whole at one moment, as ``records.Report`` has it."""

    score: float | None
    known: int
    total: int
    coverage: float
    gates_failed: tuple[str, ...]
    gates_open: tuple[str, ...]
    status: Verdict
    reason: str


def share(checks: Iterable[CheckResult]) -> float | None:
    """Return 0 to 100 over the known ones, to one decimal; ``None`` when none is known."""
    known = [one for one in checks if one.status in KNOWN]
    weight = sum(one.weight for one in known)
    if not weight:
        return None
    return round(100 * sum(one.weight * CREDIT[one.status] for one in known) / weight, 1)


def category(kind: Kind, checks: Sequence[CheckResult]) -> Category:
    """Return one category over its own checks."""
    mine = [one for one in checks if one.category == kind.key]
    score, known = share(mine), sum(one.status in KNOWN for one in mine)
    gates = tuple(one.id for one in mine if one.gate and one.status == "fail")
    met = score is not None and score >= kind.target and not gates
    status: Standing = "unknown" if score is None else "met" if met else "below"
    return Category(
        key=kind.key,
        name=kind.name,
        score=score,
        known=known,
        total=len(mine),
        coverage=_part(known, len(mine)),
        before=kind.before,
        target=kind.target,
        status=status,
        gates_failed=gates,
    )


def categories(checks: Sequence[CheckResult]) -> tuple[Category, ...]:
    """Return all eight."""
    return tuple(category(kind, checks) for kind in CATEGORIES)


def total(checks: Sequence[CheckResult]) -> Total:
    """Return the whole: every known check counts by its weight, whatever its category."""
    score, known = share(checks), sum(one.status in KNOWN for one in checks)
    failing = tuple(one.id for one in checks if one.gate and one.status == "fail")
    opened = tuple(one.id for one in checks if one.gate and one.status not in KNOWN)
    status, reason = _verdict(score, failing, opened)
    return Total(
        score=score,
        known=known,
        total=len(checks),
        coverage=_part(known, len(checks)),
        gates_failed=failing,
        gates_open=opened,
        status=status,
        reason=reason,
    )


def _verdict(score: float | None, failing: tuple[str, ...], opened: tuple[str, ...]) -> tuple[Verdict, str]:
    if failing:
        return "not ready", f"{_gates(failing)}: {', '.join(failing)}."
    if score is None:
        return "unknown", "Nothing was measured yet, or all of it is too old."
    if score < TARGET:
        return "not ready", f"The score is {score:g}, under its target of {TARGET}."
    if opened:
        return "unknown", f"{_gates(opened, 'is unknown', 'are unknown')}: {', '.join(opened)}."
    return "ready", f"The score is {score:g}, and every gate passes."


def _gates(ids: tuple[str, ...], one: str = "fails", several: str = "fail") -> str:
    return f"1 gate {one}" if len(ids) == 1 else f"{len(ids)} gates {several}"


def _part(known: int, total: int) -> float:
    return round(known / total, 4) if total else 0.0
