"""The evidence of one cell or one case: what was tried, what came back, why, and how it was before."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from backend_core.privacy.contexts import TITLES
from desktop.i18n import date_time, number, tr
from desktop.pages.privacy.answers import Answers, EarlierRuns
from desktop.pages.privacy.picture import Pair
from desktop.pages.privacy.words import case_words, group_words, pair_sentence, pair_title, pair_words, probe_words, trigger_words
from desktop.widgets.badge import Badge
from desktop.widgets.button import Button
from desktop.widgets.drawer import Drawer
from desktop.widgets.key_values import Fact, KeyValues
from desktop.widgets.label import PlainLabel, over
from desktop.widgets.layout import clear_layout, column, holder, row

if TYPE_CHECKING:
    from backend_core.privacy.records import CaseResult, Cell, Evidence, Run

MOST_EVIDENCE: Final = 6


class EvidenceDrawer(Drawer):
    """``step_wanted`` carries -1 or 1 for the cell before or after."""

    step_wanted = Signal(int)

    def __init__(self) -> None:
        super().__init__(width=344)
        self.state = Badge()
        self.heading = PlainLabel("", "heading", wrap=True)
        self.sentence = PlainLabel("", "small", wrap=True)
        self.answers, self.earlier = Answers(), EarlierRuns()
        self.facts = KeyValues(name_width=72)
        self.evidence = column(gap=8)
        self.span = PlainLabel("", "small")
        self._text = ""
        self._steps = tuple(
            Button("", "ghost", icon_name=icon, name=name, on_click=self._step(by))
            for icon, name, by in (("chevron-up", tr("Cell before"), -1), ("chevron-down", tr("Cell after"), 1))
        )
        for button in self._steps:
            self.tools.addWidget(button)
        self.copy = Button(tr("Copy evidence"), icon_name="copy", on_click=self.copy_evidence)
        self._history = holder(column(row(over(tr("This cell")), None, self.span), self.earlier, gap=6))
        self._build()

    def show_pair(self, pair: Pair, cells: Sequence[Cell], run: Run) -> None:
        """Show one cell of a run."""
        viewer, owner = pair.place
        self.show_titles(f"{viewer} → {owner}", tr("{viewer} looks into {owner}", viewer=tr(TITLES[viewer]), owner=tr(TITLES[owner])))
        self.setAccessibleName(pair_title(viewer, owner))
        self.state.show_state(*pair_words(pair), unknown=not cells)
        self.sentence.setText(pair_sentence(viewer, owner))
        self.answers.show_cells(cells)
        self._show_parts(pair=True)
        found = [cell.evidence for cell in cells if cell.evidence is not None]
        none = tr("Every answer was as it must be; of those nothing is kept.") if cells else tr("Nothing was tried.")
        self._show_evidence(found, none=none)
        self.facts.set_facts(run_facts(run))
        lines = [f"{TITLES[cell.operation]}: {'ok' if cell.ok else 'WRONG'}, rows {cell.rows}, worlds {cell.worlds}" for cell in cells]
        self._text = "\n".join([self.title.text(), self.state.text(), *lines, *_evidence_lines(found), *_run_lines(run)])

    def show_earlier(self, marks: Sequence[bool | None]) -> None:
        """Show how the cell fared in the last runs, oldest first."""
        self.earlier.show_marks(marks)
        self.span.setText(tr("last run") if len(marks) == 1 else tr("last {n} runs", n=number(len(marks))))

    def show_case(self, case: CaseResult, run: Run) -> None:
        """Show one case of a run."""
        self.show_titles(tr("Case"), group_words(case.group))
        self.heading.setText(case.title)
        self.state.show_state(*case_words(case))
        self.sentence.setText(case.rule)
        self._show_parts(pair=False)
        self._show_evidence(case.evidence, none=tr("It held in every probe; of those nothing is kept."))
        facts = [Fact(tr("Probes"), number(case.probes)), Fact(tr("Leaks"), number(case.leaks)), Fact(tr("Id"), case.id, mono=True)]
        self.facts.set_facts([*facts, *run_facts(run)])
        head = [case.title, case.rule, f"{case_words(case)[0]}, {probe_words(case.probes)}", *([case.cause] if case.cause else [])]
        self._text = "\n".join([*head, *_evidence_lines(case.evidence), *_run_lines(run)])

    def copy_evidence(self) -> None:
        """Put everything the drawer shows on the clipboard; only made-up people are in it."""
        QGuiApplication.clipboard().setText(self._text)

    def _build(self) -> None:
        above: tuple[QWidget, ...] = (holder(row(self.state, None)), self.heading, self.sentence, self.answers, over(tr("Evidence")))
        for part in above:
            self.body.addWidget(part)
        self.body.addLayout(self.evidence)
        below: tuple[QWidget, ...] = (self.facts, self._history, holder(row(self.copy, None)))
        for part in below:
            self.body.addWidget(part)
        self.body.addStretch(1)

    def _step(self, by: int) -> Callable[[], object]:
        return lambda: self.step_wanted.emit(by)

    def _show_parts(self, *, pair: bool) -> None:
        parts: tuple[QWidget, ...] = (self.answers, self._history, *self._steps)
        for part in parts:
            part.setVisible(pair)
        self.heading.setVisible(not pair)

    def _show_evidence(self, found: Sequence[Evidence], *, none: str) -> None:
        clear_layout(self.evidence)
        if not found:
            self.evidence.addWidget(PlainLabel(none, "small", wrap=True))
        for one in found[:MOST_EVIDENCE]:
            self.evidence.addWidget(evidence_box(one))
        if len(found) > MOST_EVIDENCE:
            words = tr("… and {n} more, in the export", n=number(len(found) - MOST_EVIDENCE))
            self.evidence.addWidget(PlainLabel(words, "small"))


def evidence_box(one: Evidence) -> QWidget:
    """Return what one failed probe saw, as plain text."""
    lines: list[QWidget] = [PlainLabel(one.place, "smallstrong", wrap=True, selectable=True)]
    lines += [PlainLabel(words, "mono", wrap=True, selectable=True) for words in (one.did, one.saw) if words]
    if one.with_sha or one.without_sha:
        same = one.with_sha == one.without_sha
        worlds = tr("with    {a}\nwithout {b}", a=one.with_sha[:12], b=one.without_sha[:12])
        lines.append(PlainLabel(worlds, "mono", tone="" if same else "bad", wrap=True, selectable=True))
    if one.cause:
        lines.append(PlainLabel(one.cause, "small", tone="bad", wrap=True, selectable=True))
    return holder(column(*lines, gap=4, margins=(12, 8, 12, 8)), name="inset")


def run_facts(run: Run) -> list[Fact]:
    """Return what identifies a run."""
    when = run.finished_at or run.started_at
    return [
        Fact(tr("Role"), run.database_role, mono=True),
        Fact(tr("Run"), tr("{n}, {when}, {how}", n=number(run.id), when=date_time(when), how=trigger_words(run.trigger))),
        Fact(tr("Schema"), run.schema_revision or tr("unknown"), mono=True),
    ]


def _evidence_lines(found: Sequence[Evidence]) -> list[str]:
    lines: list[str] = []
    for one in found:
        lines += [one.place, f"  did: {one.did}", f"  saw: {one.saw} ({one.rows} rows)"]
        lines += [f"  with: {one.with_sha} without: {one.without_sha}", f"  cause: {one.cause}"]
    return lines


def _run_lines(run: Run) -> list[str]:
    when = (run.finished_at or run.started_at).isoformat(timespec="seconds")
    return [f"run {run.id}, {when}, role {run.database_role}, schema {run.schema_revision}, version {run.version}"]
