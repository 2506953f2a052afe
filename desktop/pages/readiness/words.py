"""What the readiness page says: the state of checks, categories and the whole in words, with tones and icons that only repeat them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from desktop.i18n import date_time, number, tr

if TYPE_CHECKING:
    from datetime import datetime

    from backend_core.monitoring.readiness.records import Category, CheckResult, Report

ORDER: Final = ("fail", "warn", "unknown", "stale", "pass")
"""Worst first; what nobody knows may be anything, so it stands before what is known to be well."""
KNOWN: Final = frozenset({"pass", "warn", "fail"})
TONES: Final = {"pass": "ok", "warn": "warn", "fail": "bad"}
"""Unknown and stale have none: they are hatched, never coloured."""
ICONS: Final = {"pass": "circle-check", "warn": "triangle-alert", "fail": "circle-x", "unknown": "circle-dashed", "stale": "clock"}
_NAMES: Final[dict[str, Callable[[], str]]] = {
    "pass": lambda: tr("Pass"),
    "warn": lambda: tr("Warn"),
    "fail": lambda: tr("Fail"),
    "unknown": lambda: tr("Unknown"),
    "stale": lambda: tr("Stale"),
}
_CATEGORY_ICONS: Final = {
    "content_safety": "flag",
    "rate_limiting": "gauge",
    "error_handling": "life-buoy",
    "input_validation": "text-cursor-input",
    "observability": "activity",
    "database": "database",
    "privacy": "shield-check",
    "websocket_security": "plug-zap",
}
_GATE_ICONS: Final = (
    ("leak", "radar"),
    ("privacy", "shield-check"),
    ("socket", "plug-zap"),
    ("secret", "lock"),
    ("auth", "key-round"),
    ("sign", "key-round"),
    ("database", "key-round"),
    ("audit", "scroll-text"),
    ("backup", "archive"),
)
_PAGES: Final[dict[str, Callable[[], str]]] = {
    "alerts": lambda: tr("Alerts"),
    "audit": lambda: tr("Audit log"),
    "backup": lambda: tr("Backup"),
    "conversations": lambda: tr("Conversations"),
    "database": lambda: tr("Database"),
    "documents": lambda: tr("Documents"),
    "health": lambda: tr("Health"),
    "jobs": lambda: tr("Jobs"),
    "logs": lambda: tr("Logs"),
    "memory": lambda: tr("Memory"),
    "operators": lambda: tr("Operators"),
    "overview": lambda: tr("Overview"),
    "people": lambda: tr("People"),
    "privacy": lambda: tr("Privacy"),
    "safety": lambda: tr("Safety review"),
    "settings": lambda: tr("Settings"),
}
_TABS: Final[dict[str, Callable[[], str]]] = {
    "pool": lambda: tr("Pool"),
    "activity": lambda: tr("Activity"),
    "locks": lambda: tr("Locks"),
    "indexes": lambda: tr("Indexes"),
    "tables": lambda: tr("Tables"),
    "statements": lambda: tr("Statements"),
    "migrations": lambda: tr("Migrations"),
}
_MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86_400
_DAYS_FROM: Final = 2 * _DAY
_EDGE: Final = 1e-9
_NEARLY_A_DAY: Final = 20 * _HOUR


@dataclass(frozen=True, slots=True)
class Note:
    """A word about something, and its tone; an empty tone for what nobody knows."""

    words: str
    tone: str


def name_of(status: str) -> str:
    """Return a status in a word."""
    return _NAMES[status]()


def worst_first(checks: Iterable[CheckResult]) -> list[CheckResult]:
    """Return the checks with the worst first, gates before others of the same status."""
    return sorted(checks, key=lambda one: (ORDER.index(one.status), not one.gate, one.category, one.id))


def counts(checks: Iterable[CheckResult]) -> dict[str, int]:
    """Return how many checks there are of each status."""
    found = dict.fromkeys(ORDER, 0)
    for one in checks:
        found[one.status] += 1
    return found


def points(score: float | None) -> str:
    """Return a score without decimals; 89.9 is not yet 90."""
    return "–" if score is None else number(int(score + _EDGE))


def category_icon(key: str) -> str:
    """Return the icon of a category."""
    return _CATEGORY_ICONS.get(key, "list-checks")


def gate_icon(check_id: str) -> str:
    """Return the icon of a gate."""
    return next((icon for part, icon in _GATE_ICONS if part in check_id), "lock-keyhole")


def category_note(one: Category) -> Note:
    """Return how a category stands to its target and to what it was before."""
    if one.score is None:
        return Note(tr("no reading"), "")
    if one.gates_failed:
        return Note(tr("a gate fails"), "bad")
    if one.score < one.before:
        return Note(tr("{n} below before", n=points(one.before - one.score)), "bad")
    if one.score < one.target:
        return Note(tr("{n} to go", n=number(one.target - int(one.score + _EDGE))), "warn")
    return Note(tr("on target"), "ok")


def short_age(seconds: float | None) -> str:
    """Return an age in the room of a narrow column: 4 s, 13 min, 26 h, 3 d, never."""
    if seconds is None:
        return tr("never")
    if seconds < _MINUTE:
        return tr("{n} s", n=int(seconds))
    if seconds < _HOUR:
        return tr("{n} min", n=int(seconds // _MINUTE))
    if seconds < _DAYS_FROM:
        return tr("{n} h", n=int(seconds // _HOUR))
    return tr("{n} d", n=int(seconds // _DAY))


def age_words(seconds: float | None) -> str:
    """Return an age as part of a sentence."""
    return tr("no reading yet") if seconds is None else tr("{age} ago", age=short_age(seconds))


def badge_note(report: Report) -> Note:
    """Return the verdict on the whole in a line; an empty tone where nobody can say."""
    if report.status == "ready":
        return Note(tr("Ready"), "ok")
    found = counts(report.checks)
    parts = []
    if report.gates_failed:
        parts.append(_counted(len(report.gates_failed), tr("1 gate fails"), tr("{n} gates fail")))
    if report.gates_open:
        parts.append(_counted(len(report.gates_open), tr("1 gate unknown"), tr("{n} gates unknown")))
    failing = found["fail"] - len(report.gates_failed)
    if failing > 0:
        parts.append(_counted(failing, tr("1 check fails"), tr("{n} checks fail")))
    if not parts and report.score is not None and report.score < report.target:
        parts.append(tr("score under {n}", n=report.target))
    if report.status == "unknown":
        return Note(tr("Not known: {why}", why=", ".join(parts)) if report.known and parts else tr("Not measured yet"), "")
    return Note(tr("Not ready: {why}", why=", ".join(parts)) if parts else tr("Not ready"), "bad" if report.gates_failed else "warn")


def short_badge(report: Report) -> str:
    """Return the verdict where there is little room."""
    names = {"ready": tr("Ready"), "not ready": tr("Not ready"), "unknown": tr("Not known")}
    return names[report.status]


def change_words(trend: tuple[tuple[datetime, float | None, float], ...]) -> str:
    """Return how the score moved since a day ago, or since the measurement before where there is none so old."""
    if len(trend) < 2:  # noqa: PLR2004  # one point has nothing before it
        return tr("the first measurement") if trend else tr("never measured")
    at, now, _ = trend[-1]
    old = [point for point in trend[:-1] if (at - point[0]).total_seconds() >= _NEARLY_A_DAY]
    then = (old or trend[:-1])[-1]
    since = tr("since {when}", when=_day(then[0]))
    if now is None or then[1] is None:
        return tr("no score {since}", since=since) if now is None else tr("first score {since}", since=since)
    moved = int(now + _EDGE) - int(then[1] + _EDGE)
    if moved == 0:
        return tr("unchanged {since}", since=since)
    return tr("up {n} {since}", n=moved, since=since) if moved > 0 else tr("down {n} {since}", n=-moved, since=since)


def link_words(check: CheckResult) -> str:
    """Return where a check leads; empty where it leads nowhere."""
    if check.page == "database" and check.target in _TABS:
        return _TABS[check.target]()
    return _PAGES[check.page]() if check.page in _PAGES else ""


def target_of(check: CheckResult) -> dict[str, object]:
    """Return what to hand to the page a check leads to."""
    if not check.target:
        return {}
    kind = {"database": "tab", "safety": "tab", "alerts": "tab", "audit": "query", "health": "slo"}.get(check.page, "target")
    return {kind: check.target}


def value_words(check: CheckResult) -> str:
    """Return what was found; of a check that nobody could look at, that there is nothing."""
    return check.value if check.value and (check.at is not None or check.later) else tr("no reading")


def uncounted(check: CheckResult) -> str:
    """Return why a check does not count; empty for one that does."""
    if check.status == "stale":
        limit = short_age(check.limit_s)
        return tr("This answer holds for {limit} and is {age} old: it does not count as a pass.", limit=limit, age=short_age(check.age_s))
    if check.status == "unknown":
        if check.later:
            return tr("Nobody can look yet: {what}. It does not count as a pass.", what=check.later.rstrip("."))
        return tr("Nobody knows. It does not count as a pass.")
    return ""


def _counted(count: int, one: str, many: str) -> str:
    return one if count == 1 else many.format(n=number(count))


def _day(moment: datetime) -> str:
    said = date_time(moment)
    day, _, time = said.partition(" ")
    # the words of date_time; another language says the time as well, which is right too
    return {"Today": time, "Yesterday": tr("yesterday")}.get(day, said)
