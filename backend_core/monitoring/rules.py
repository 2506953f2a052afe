"""Alert rules: each compares what it reads with one declared limit, raises a notice when that holds, and resolves it when it is over.

A rule speaks after its reading was over the limit for ``hold_s`` and is silent again after it was under ``clear`` for ``rest_s``,
so that a value that moves about its limit makes one notice and not many. What cannot be read changes nothing.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, LiteralString

from backend_core.errors import LecternError
from backend_core.logs import correlated, get_logger, log_failure
from backend_core.monitoring.link import MonitorLink
from backend_core.monitoring.recording import Hook
from backend_core.notices import rows as notice_rows
from backend_core.notices.records import NewNotice
from backend_core.notices.rows import Run

log = get_logger(__name__)
EVERY_S: Final = 5.0
AGAIN_S: Final = 60.0
TOLERANCE_S: Final = 0.5
_LIVE: Final = "SELECT kind, subject FROM notices WHERE resolved_at IS NULL AND kind = ANY(%(kinds)s)"
Key = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a rule read about one subject.

    Attributes:
        value: compared with the limit; larger is worse.
        body: the sentence people read while it is over the limit.
        target, title, severity: in place of those of the rule.
        operator_id: whom it concerns; everybody when left out.
    """

    subject: str
    value: float
    body: str
    target: Mapping[str, Any] | None = None
    title: str = ""
    severity: str = ""
    operator_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule, declared once.

    Attributes:
        kind: of the notices it raises; no other rule has it.
        limit: it speaks from here on.
        clear: it is over below or at this; less than ``limit``.
        unit: of both, for documents.
        hold_s: seconds the reading has to be over the limit.
        rest_s: seconds it has to be over.
        every_s: seconds between two readings.
        page, target: where its notices lead.
        read: returns a reading for each subject there is; a subject without one is well.
    """

    kind: str
    title: str
    severity: str
    limit: float
    clear: float
    unit: str
    page: str
    read: Callable[[Run], Iterable[Reading]]
    target: Mapping[str, Any] = field(default_factory=dict)
    hold_s: float = 0.0
    rest_s: float = 0.0
    every_s: float = EVERY_S


@dataclass(frozen=True, slots=True)
class Round:
    """What one round did: (kind, subject) of what was raised and resolved, and the kinds that could not be read."""

    raised: tuple[Key, ...]
    resolved: tuple[Key, ...]
    unknown: tuple[str, ...]


class AlertRules:
    """Carries out the rules of one database; of all processes the one that records does.

    Args:
        announce: sends the hint that a table changed.
    """

    def __init__(self, rules: Sequence[Rule], *, announce: Callable[[Iterable[str]], None] = lambda _tables: None) -> None:
        self.rules = tuple(rules)
        self._announce = announce
        self._lock = threading.Lock()
        self._ran: dict[str, dt.datetime] = {}
        self._red: dict[Key, dt.datetime] = {}
        self._green: dict[Key, dt.datetime] = {}
        self._told: dict[Key, dt.datetime] = {}
        self._failing: set[str] = set()

    @property
    def hook(self) -> Hook:
        """What the recorder calls."""

        def run(now: dt.datetime, link: MonitorLink) -> None:
            self.look(now, link)

        return Hook("alert rules", EVERY_S, run)

    def look(self, now: dt.datetime, link: MonitorLink) -> Round:
        """Carry out what is due.

        Args:
            now: time of the server; tests move it on.

        Raises:
            DatabaseAway: the server does not answer.
        """
        with self._lock, correlated():
            due = [rule for rule in self.rules if self._due(rule, now)]
            once = _once(link.rows)
            read = {rule.kind: found for rule in due if (found := self._read(rule, once)) is not None}
            live = {(row["kind"], row["subject"]) for row in link.rows(_LIVE, {"kinds": list(read)})}
            raised: list[Key] = []
            resolved: list[Key] = []
            for rule in (rule for rule in due if rule.kind in read):
                raised += self._raise(rule, read[rule.kind], live, now, link.rows)
                resolved += self._resolve(rule, read[rule.kind], live, now, link.rows)
        if raised or resolved:
            self._announce(["notices"])
            log.info("alert rules spoke", raised=[f"{kind} {subject}" for kind, subject in raised], resolved=len(resolved))
        return Round(tuple(raised), tuple(resolved), tuple(rule.kind for rule in due if rule.kind not in read))

    def _due(self, rule: Rule, now: dt.datetime) -> bool:
        last = self._ran.get(rule.kind)
        return last is None or (now - last).total_seconds() >= rule.every_s - TOLERANCE_S

    def _read(self, rule: Rule, rows: Run) -> dict[str, Reading] | None:
        """Return the readings by subject; None when they cannot be had, which says neither that all is well nor that it is not."""
        try:
            found = {reading.subject: reading for reading in rule.read(rows)}
        except Exception as error:  # noqa: BLE001  # boundary: one rule that cannot read must not silence the others
            if rule.kind not in self._failing:
                self._failing.add(rule.kind)
                level = logging.INFO if isinstance(error, LecternError) else logging.ERROR
                log_failure(log, "alert rule cannot read", error, facts={"rule": rule.kind}, level=level)
            return None
        self._failing.discard(rule.kind)
        return found

    def _raise(self, rule: Rule, found: Mapping[str, Reading], live: set[Key], now: dt.datetime, rows: Run) -> list[Key]:
        """Raise what has been over the limit for long enough; return what is new."""
        self._ran[rule.kind] = now
        new: list[Key] = []
        for subject, reading in found.items():
            key = (rule.kind, subject)
            if not is_red(rule, reading.value, live=key in live):
                self._red.pop(key, None)
                continue
            self._green.pop(key, None)
            since = self._red.setdefault(key, now)
            told = self._told.get(key)
            fresh = told is not None and (now - told).total_seconds() < AGAIN_S
            if (now - since).total_seconds() < rule.hold_s or (key in live and fresh):
                continue
            # what is only still there brings its words and its time up to date, and is not counted
            notice_rows.begin(rows, notice(rule, reading), again=key not in live)
            self._told[key] = now
            new += [] if key in live else [key]
        for key in [key for key in self._red if key[0] == rule.kind and key[1] not in found]:
            del self._red[key]
        return new

    def _resolve(self, rule: Rule, found: Mapping[str, Reading], live: set[Key], now: dt.datetime, rows: Run) -> list[Key]:
        """Resolve what has been well for long enough; return it."""
        over: list[Key] = []
        for key in sorted(key for key in live if key[0] == rule.kind):
            reading = found.get(key[1])
            if reading is not None and is_red(rule, reading.value, live=True):
                continue
            since = self._green.setdefault(key, now)
            if (now - since).total_seconds() >= rule.rest_s:
                notice_rows.end(rows, *key)
                self._green.pop(key, None)
                self._told.pop(key, None)
                over.append(key)
        return over


def _once(rows: Run) -> Run:
    """Return what asks the server each question once: several rules read the same, and would wait for the same lock."""
    answers: dict[str, Sequence[Mapping[str, Any]] | LecternError] = {}

    def ask(query: LiteralString, given: Mapping[str, object]) -> Sequence[Mapping[str, Any]]:
        question = f"{query} {sorted(given.items())}"
        if question not in answers:
            try:
                answers[question] = rows(query, given)
            except LecternError as error:
                answers[question] = error
        answer = answers[question]
        if isinstance(answer, LecternError):
            # raised anew for each rule, without the frames of the one before
            raise answer.with_traceback(None)
        return answer

    return ask


def is_red(rule: Rule, value: float, *, live: bool) -> bool:
    """Tell whether a reading is over the limit; what has a notice already stays so until it is at ``clear``."""
    return value >= rule.limit or (live and value > rule.clear)


def notice(rule: Rule, reading: Reading) -> NewNotice:
    """Return what is raised."""
    return NewNotice(
        kind=rule.kind,
        subject=reading.subject,
        severity=reading.severity or rule.severity,
        title=reading.title or rule.title,
        body=reading.body,
        page=rule.page,
        target=dict(rule.target) | dict(reading.target or {}),
        operator_id=reading.operator_id,
    )
