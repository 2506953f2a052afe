"""What the page says about checks and objectives; no widgets here."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from desktop.i18n import byte_size, duration, number, tr

if TYPE_CHECKING:
    from backend_core.monitoring.records import HealthCheck
    from backend_core.monitoring.slo import Objective

_THOUSAND: Final = 1000.0
_HUNDRED: Final = 100.0
_FEW: Final = 10.0
SHARE_UNITS: Final = frozenset({"share", "%", "percent"})


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do about a check that is not well, and the page where it is done."""

    words: Callable[[], str]
    page: str
    target: dict[str, object] = field(default_factory=dict)


ADVICE: Final[dict[str, Advice]] = {
    "Database": Advice(lambda: tr("See who holds or blocks what; if nothing answers, start the server."), "database", {"tab": "activity"}),
    "Schema": Advice(lambda: tr("Apply the missing migrations, or start the newest Lectern."), "database", {"tab": "migrations"}),
    "Passwords": Advice(lambda: tr("Give the database an authentication that asks for a password."), "settings"),
    "Secrets": Advice(lambda: tr("Unlock or set up the vault of this computer."), "settings"),
    "Connection pool": Advice(lambda: tr("See who holds connections and for how long."), "database", {"tab": "pool"}),
    "Worker": Advice(lambda: tr("Start a worker, or see why the last one ended."), "jobs"),
    "Object store": Advice(lambda: tr("Free disk space, or point Lectern to another disk."), "settings"),
    "Voices": Advice(lambda: tr("Install a voice."), "settings"),
    "Backup": Advice(lambda: tr("Back up now and verify it."), "backup"),
    "Audit seal": Advice(lambda: tr("Verify the audit log; a worker seals it."), "audit"),
    "Moderation": Advice(lambda: tr("See what moderation could not judge."), "safety"),
    "Jobs": Advice(lambda: tr("Look into the failed jobs."), "jobs", {"state": "failed"}),
}


def advice_words(check: HealthCheck) -> str:
    """Return what to do about ``check``; empty when it is well."""
    found = ADVICE.get(check.name)
    return found.words() if found is not None and check.status != "ok" else ""


def share_words(value: float, *, decimals: int = 1) -> str:
    """Return a share (0 to 1) in per cent."""
    return tr("{n} %", n=number(value * _HUNDRED, decimals=0 if (value * _HUNDRED).is_integer() else decimals))


def milliseconds(value: float) -> str:
    """Return a length of time given in milliseconds."""
    if value >= _THOUSAND:
        return duration(value / _THOUSAND)
    return tr("{n} ms", n=number(value, decimals=0 if value >= _FEW or value == 0 else 1))


def seconds(value: float) -> str:
    """Return a length of time given in seconds."""
    return tr("0 s") if value == 0 else duration(value)


def whole(value: float) -> str:
    """Return a count."""
    return number(value, decimals=0 if value == int(value) else 1)


def bytes_words(value: float) -> str:
    """Return an amount of bytes."""
    return byte_size(int(value))


def measured(value: float, unit: str) -> str:
    """Return a value in its unit."""
    if unit in SHARE_UNITS:
        return share_words(value, decimals=2)
    if unit == "ms":
        return milliseconds(value)
    if unit == "s":
        return seconds(value)
    return " ".join(filter(None, (whole(value), unit)))


def target_words(one: Objective) -> str:
    """Return what is promised, and over which days."""
    return tr("of {target} in {n} d", target=measured(one.target, one.unit), n=one.window_days)


def value_words(one: Objective) -> str:
    """Return what was reached; unknown is said, never shown as 0."""
    return measured(one.value, one.unit) if one.value is not None else tr("not measured")


def burn_words(burn: float | None) -> str:
    """Return how many times faster than planned the budget is used up."""
    if burn is None:
        return "–"
    return tr("{n}×", n="∞" if math.isinf(burn) else number(burn, decimals=1))


def objective_state(one: Objective) -> tuple[str, str]:
    """Return word and tone of an objective's status; ``none`` is drawn as unknown."""
    words = {"ok": tr("met"), "warn": tr("at risk"), "bad": tr("missed")}
    return words.get(one.status, tr("unknown")), one.status if one.status in words else "none"


def counted_words(one: Objective) -> str:
    """Return how many events there were and how many of them were bad."""
    total = one.good + one.bad
    return tr("{bad} of {n} bad", bad=number(one.bad), n=number(total)) if total else ""
