"""What the privacy page says: viewers, operations, answers and runs in plain words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from backend_core.privacy.contexts import CONTEXTS, TITLES, expected
from desktop.i18n import date_time, number, tr
from desktop.pages.privacy import picture as pic
from desktop.pages.privacy.picture import Pair

if TYPE_CHECKING:
    from backend_core.privacy.records import CaseResult, Run, RunDetails, Standing
    from desktop.pages.privacy.reading import View

_MOST_CAUSES: Final = 2


def pair_title(viewer: str, kept_in: str) -> str:
    """Return what a cell is about."""
    return tr("{viewer} looks at memories of {kept_in}", viewer=viewer, kept_in=kept_in)


def pair_words(pair: Pair) -> tuple[str, str]:
    """Return the state of a cell and its tone."""
    good = tr("{n} of {all}", n=pair.done - len(pair.wrong), all=pic.TICKS)
    lost = tr("Not as it must be, {good}", good=good)
    leaks = leak_words(len(pair.wrong))
    return {
        pic.CLOSED: (tr("Closed, {good}", good=good), "ok"),
        pic.OWN: (tr("Own, visible, {good}", good=good), "info"),
        pic.AUDITED: (tr("Audited, {good}", good=good), "info"),
        pic.LEAK: (leaks, "bad"),
        pic.LOST: (lost, "warn"),
        pic.RUNNING: (tr("Running, {n} of {all}", n=pair.done, all=pic.TICKS), "info"),
        pic.WAITING: (tr("Tried, not judged yet") if pair.done else tr("Not reached yet"), "none"),
    }.get(pair.kind, (tr("Not known"), "none"))


def kind_words(kind: str) -> str:
    """Return a kind of cell for the legend."""
    return {
        pic.CLOSED: tr("Closed"),
        pic.OWN: tr("Own, visible"),
        pic.AUDITED: tr("Audited"),
        pic.RUNNING: tr("Running"),
        pic.LEAK: tr("Leak"),
        pic.LOST: tr("Not as it must be"),
    }[kind]


def pair_sentence(viewer: str, kept_in: str) -> str:
    """Return who looks, whose memory it is, and what the answer must be."""
    must = {
        "own": tr("It is its own memory: all of it must be visible, and nothing else."),
        "audited": tr("It must be visible, and every look must leave a row in the audit log."),
        "closed": tr("The answer must be nothing, as if there were nothing."),
    }[expected(viewer, kept_in)]
    about = {one.code: tr(one.about) for one in CONTEXTS}
    if viewer == kept_in:
        return f"{about[viewer]} {must}"
    whose = tr("Looks for what belongs to “{name}”.", name=tr(TITLES[kept_in]))
    return f"{about[viewer]} {whose} {must}"


def trigger_words(trigger: str) -> str:
    """Return what started a run."""
    return {
        "window": tr("from the window"),
        "command": tr("from the command line"),
        "ci": tr("by the release check"),
        "migration": tr("after a migration"),
        "schedule": tr("on schedule"),
    }.get(trigger, trigger)


def leak_words(leaks: int) -> str:
    """Return how many cells leak."""
    return tr("1 leak") if leaks == 1 else tr("{n} leaks", n=number(leaks))


def outcome_words(outcome: str, *, leaks: int) -> str:
    """Return how a run ended; an empty outcome is a run that goes on."""
    return {
        "pass": tr("passed"),
        "fail": leak_words(leaks) if leaks else tr("failed"),
        "refused": tr("refused to pass"),
        "stopped": tr("stopped before its end"),
    }.get(outcome, tr("running"))


def case_words(case: CaseResult) -> tuple[str, str]:
    """Return how a case ended and the tone of it."""
    if case.ok:
        return tr("Pass"), "ok"
    return (leak_words(case.leaks) if case.leaks else tr("Failed")), "bad"


def probe_words(probes: int) -> str:
    """Return how much a case tried."""
    return tr("1 probe") if probes == 1 else tr("{n} probes", n=number(probes))


def world_words(worlds: str) -> str:
    """Return whether two worlds looked the same."""
    return {"equal": tr("equal"), "differs": tr("differs")}.get(worlds, "–")


def group_words(group: str) -> str:
    """Return what a group of cases is about."""
    return {
        "boundary": tr("The boundary itself"),
        "stories": tr("Stories from life"),
        "forgetting": tr("Forgetting"),
        "database": tr("How the database is built"),
        "traces": tr("Traces that could tell"),
    }.get(group, group)


@dataclass(frozen=True, slots=True)
class Said:
    """What the band above the picture says."""

    heading: str
    sentence: str
    tone: str
    action: str = ""


def badge_words(standing: Standing) -> tuple[str, str, bool]:
    """Return words and tone of the badge in the title, and whether it stands for something unknown."""
    run = standing.run
    if standing.gate == "never" or run is None:
        return tr("Never run"), "none", True
    when = date_time(run.finished_at or run.started_at)
    if standing.gate == "stale":
        return tr("Stale, last run {when}", when=when), "none", True
    if standing.gate == "ok":
        return tr("0 leaks, last run {when}", when=when), "ok", False
    if run.outcome == "fail":
        return tr("{leaks} in {cells} cells", leaks=leak_words(run.leaks), cells=number(run.cells)), "bad", False
    return (tr("Refused to pass") if run.outcome == "refused" else tr("Not known")), "bad", False


def strip_words(view: View) -> Said | None:
    """Return what has to be said before anything else; None where all is well."""
    shown, going = view.shown, view.going
    if going is not None:
        heading = tr("Run {n} goes on, {how}", n=number(going.id), how=trigger_words(going.trigger))
        return Said(heading, tr("Started by {who} {when}.", who=going.started_by, when=date_time(going.started_at)), "info")
    if shown is None:
        return None
    if not view.newest:
        run = shown.run
        heading = tr("You look at run {n} of {when}", n=number(run.id), when=date_time(run.started_at))
        return Said(heading, _run_sentence(run), "info", tr("Show the newest"))
    if shown.run.outcome == "pass":
        return None if view.standing.gate == "ok" else Said(tr("Nobody knows whether this still holds"), view.standing.reason, "warn")
    return _failed_words(shown)


def _run_sentence(run: Run) -> str:
    state = outcome_words(run.outcome or "", leaks=run.leaks)
    return tr("It was started {how} by {who} and {state}.", how=trigger_words(run.trigger), who=run.started_by, state=state)


def _failed_words(details: RunDetails) -> Said:
    run = details.run
    if run.outcome == "refused":
        heading = tr("Run {n} refused to pass", n=number(run.id))
        return Said(heading, run.error or tr("Its database role is not bound by the policies."), "bad")
    if run.outcome == "stopped":
        return Said(tr("Run {n} was stopped before its end", n=number(run.id)), run.error or tr("Nothing was concluded."), "warn")
    pairs = len({(cell.viewer, cell.owner) for cell in details.cells if not cell.ok})
    if run.leaks:
        heading = tr("Run {n} found {leaks} in {pairs} of 64 pairs", n=number(run.id), leaks=leak_words(run.leaks), pairs=pairs)
    else:
        heading = tr("Run {n}: {failed} of {all} cases do not hold", n=number(run.id), failed=run.failed, all=run.failed + run.passed)
    causes = dict.fromkeys(case.cause for case in details.cases if not case.ok and case.cause)
    gate = tr("The readiness gate is closed and an alert is open.")
    return Said(heading, " ".join([*list(causes)[:_MOST_CAUSES], gate]), "bad")


def history_words(view: View) -> str:
    """Return how many of the runs passed and when the next one is due."""
    ended = [run for run in view.history if run.outcome is not None]
    if not ended:
        return ""
    passed = tr("{n} of {all} passed", n=number(sum(run.outcome == "pass" for run in ended)), all=number(len(ended)))
    due = view.standing.next_at
    said = passed if due is None else tr("{passed} · next by itself {when}", passed=passed, when=date_time(due))
    return said if view.stopped else tr("{said} · the live guard saw nothing", said=said)


def guard_words(stopped: int) -> str:
    """Return what the live guard stopped."""
    return tr("The live guard stopped 1 attempt") if stopped == 1 else tr("The live guard stopped {n} attempts", n=number(stopped))
