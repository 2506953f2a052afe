"""One run from beginning to end: the catalogue, the made-up people, the matrix, the stories, the traces, and the removal of everything."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psycopg
import sqlalchemy
from sqlalchemy import Connection, func, select

from backend_core.access.service import system_actor
from backend_core.audit.tables import audit_event
from backend_core.db.roles import SUPPORT
from backend_core.errors import Cancelled, LecternError, safe
from backend_core.logs import get_logger, log_failure
from backend_core.privacy import catalogue, people
from backend_core.privacy.canaries import new_token
from backend_core.privacy.cases import CASES, IN_FORGETTING, IN_STORIES
from backend_core.privacy.catalogue import Checked
from backend_core.privacy.cell_cases import Case
from backend_core.privacy.forgetting_cases import FORGETTING_CASES
from backend_core.privacy.log_mark import LogMark, spilled
from backend_core.privacy.matrix import judge
from backend_core.privacy.records import CaseResult, Cell, Evidence, Outcome
from backend_core.privacy.sql_cases import SQL_CASES
from backend_core.privacy.stage import Progress, Stage
from backend_core.privacy.stories import STORIES, tags
from backend_core.privacy.traces import TRACE_CASES, left_behind
from backend_core.privacy.verbs import Verbs
from backend_core.privacy.worlds import Worlds, observe

log = get_logger(__name__)
Try = Callable[[Stage], Checked]
CATALOGUE: Final[Mapping[str, Callable[[Connection], Checked]]] = {
    "own_role_is_bound": catalogue.own_role,
    "roles_are_bound": catalogue.roles,
    "row_security_is_forced": catalogue.row_security,
    "policies_are_ours": catalogue.policies,
    "nothing_runs_with_more_rights": catalogue.above,
    "keys_begin_with_container": catalogue.keys,
    "no_counter_spans_containers": catalogue.counters,
    "directory_reads_no_words": catalogue.directory,
}
TRIED: Final[Mapping[str, Try]] = {
    "test_container_tag_generation": tags, **SQL_CASES, **STORIES, **FORGETTING_CASES, **TRACE_CASES,
}  # fmt: skip
TOGETHER: Final[Mapping[str, tuple[Case, ...]]] = {
    "test_boundary_commands_respect_mode": IN_FORGETTING, "test_real_world_scenarios": IN_STORIES,
}  # fmt: skip
LEFT_BEHIND: Final = "nothing_is_left_behind"
STEPS_OF_WORLDS: Final = 15
MOST_EVIDENCE: Final = 12
Failures = (LecternError, sqlalchemy.exc.SQLAlchemyError, psycopg.Error)


@dataclass(frozen=True, slots=True)
class Findings:
    """What a run came to.

    Attributes:
        failure: to be raised once everything is written down; nothing where the run came to a verdict.
    """

    outcome: Outcome
    error: str | None
    seconds: float
    cases: tuple[CaseResult, ...]
    cells: tuple[Cell, ...]
    failure: LecternError | None = None


def play(
    verbs: Verbs,
    number: int,
    *,
    scratch: Path,
    log_dir: Path,
    progress: Progress | None,
    cancelled: Callable[[], bool] | None,
) -> Findings:
    """Try everything once, and leave nothing behind."""
    return _Play(verbs, number, scratch=scratch, log_dir=log_dir).run(progress, cancelled)


class _Play:
    def __init__(self, verbs: Verbs, number: int, *, scratch: Path, log_dir: Path) -> None:
        self._verbs = verbs
        self._number = number
        self._scratch = scratch
        self._mark = LogMark.now(log_dir)
        self._found: dict[str, Checked] = {}
        self._worlds: Worlds | None = None
        self._words: dict[str, str] = {}

    def run(self, progress: Progress | None, cancelled: Callable[[], bool] | None) -> Findings:
        began = time.monotonic()
        failure: LecternError | None = None
        error = None
        try:
            self._remove()
            with self._verbs.database.begin("Privacy run: catalogue") as conn:
                self._found |= {name: look(conn) for name, look in CATALOGUE.items()}
            self._perform(self._stage(progress, cancelled))
        except Failures as problem:
            failure, error = self._stopped(problem)
        finally:
            self._removed()
        cells = self._cells()
        cases = tuple(self._result(case, cells, error) for case in CASES)
        outcome, error = self._verdict(cases, failure, error)
        return Findings(outcome, error, time.monotonic() - began, cases if self._found else (), cells, failure)

    def _stage(self, progress: Progress | None, cancelled: Callable[[], bool] | None) -> Stage:
        with self._verbs.database.begin("Privacy run: people") as conn:
            role = catalogue.acting_as(conn)[0]
            population = people.settle(conn, new_token())
            since = 0 if role == SUPPORT else conn.execute(select(func.coalesce(func.max(audit_event.c.id), 0))).scalar_one()
        total = STEPS_OF_WORLDS + len(TRIED) + 1
        self._words = population.words()
        return Stage(
            verbs=self._verbs, people=population, actor=system_actor(), number=self._number, since=since, reads_audit=role != SUPPORT,
            scratch=self._scratch, mark=self._mark, progress=progress, cancelled=cancelled, total=total,
        )  # fmt: skip

    def _perform(self, stage: Stage) -> None:
        stage.step("Made-up people talk")
        people.talk(stage.open, stage.people)
        self._worlds = observe(stage)
        titles = {case.id: case.title for case in CASES}
        for name, tried in TRIED.items():
            stage.step(titles[name])
            self._found[name] = _attempt(name, tried, stage)

    def _remove(self) -> None:
        with self._verbs.database.begin("Remove made-up people") as conn:
            people.remove(conn)
            self._found[LEFT_BEHIND] = left_behind(conn)

    def _removed(self) -> None:
        try:
            self._remove()
        except Failures as problem:
            log_failure(log, "made-up people not removed", problem)
            cause = "What was made up could not be removed; the next run tries again."
            wrong = Evidence(place="made-up people", did="remove", saw=type(problem).__name__, cause=cause)
            self._found[LEFT_BEHIND] = Checked(1, (wrong,))

    def _stopped(self, problem: Exception) -> tuple[LecternError | None, str]:
        if isinstance(problem, Cancelled):
            return problem, str(problem)
        log_failure(log, "privacy run could not go on", problem)
        words = str(problem) if isinstance(problem, LecternError) else "The database refused what the run needs to do."
        return None, f"The made-up people could not talk, so the matrix was not tried: {words}"

    def _cells(self) -> tuple[Cell, ...]:
        if self._worlds is None:
            return ()
        return judge(self._worlds, causes=self._causes(), spilled=spilled(self._mark, self._words))

    def _causes(self) -> dict[str, str]:
        told = {one.place: one.cause for name in CATALOGUE for one in self._told(name)}
        unbound = self._told("own_role_is_bound")
        return told | ({"*": unbound[0].cause} if unbound else {})

    def _told(self, name: str) -> tuple[Evidence, ...]:
        return self._found[name].found if name in self._found else ()

    def _result(self, case: Case, cells: tuple[Cell, ...], error: str | None) -> CaseResult:
        if case.pairs:
            covered = [one for one in cells if case.covers(one)]
            found = [one.evidence for one in covered if one.evidence is not None]
            return _case(case, Checked(len(covered), tuple(found)), error)
        parts = [self._found.get(one.id) for one in TOGETHER.get(case.id, (case,))]
        known = [one for one in parts if one is not None]
        together = Checked(sum(one.probes for one in known), tuple(evidence for one in known for evidence in one.found))
        return _case(case, together, error)

    def _verdict(self, cases: Iterable[CaseResult], failure: LecternError | None, error: str | None) -> tuple[Outcome, str | None]:
        if failure is not None:
            return "stopped", error
        unbound = self._told("own_role_is_bound")
        if unbound:
            return "refused", f"{unbound[0].cause} Nothing it shows proves anything."
        return ("pass", None) if error is None and all(one.ok for one in cases) else ("fail", error)


def _case(case: Case, checked: Checked, error: str | None) -> CaseResult:
    cause = checked.found[0].cause if checked.found else ""
    if checked.probes == 0:
        cause = error or "Nothing of it could be tried."
    return CaseResult(
        id=case.id,
        title=case.title,
        rule=case.rule,
        group=case.group,
        ok=not checked.found and checked.probes > 0,
        probes=checked.probes,
        leaks=len(checked.found),
        cause=cause,
        evidence=checked.found[:MOST_EVIDENCE],
    )


def _attempt(name: str, tried: Try, stage: Stage) -> Checked:
    try:
        return tried(stage)
    except Cancelled:
        raise
    except Failures as problem:
        # a rule that cannot be tried does not hold
        log_failure(log, "privacy case could not be tried", problem)
        words = safe(problem, sentence="The database refused it.")
        return Checked(1, (Evidence(place=name, did="try the rule", saw=type(problem).__name__, cause=f"It could not be tried: {words}"),))
