"""The main surface of the privacy page: band, picture, cases and runs, or an empty state before the first run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QStackedWidget

from desktop.i18n import number, tr
from desktop.pages.privacy import picture as pic
from desktop.pages.privacy.case_list import CaseList
from desktop.pages.privacy.legend import Legend
from desktop.pages.privacy.matrix import Matrix
from desktop.pages.privacy.runs_strip import RunBar, RunsStrip
from desktop.pages.privacy.state_strip import StateStrip
from desktop.pages.privacy.trying import Trying
from desktop.pages.privacy.words import guard_words, history_words
from desktop.widgets.button import Button
from desktop.widgets.card import Card
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import column, holder, rule
from desktop.widgets.long_run import Step
from desktop.widgets.page import side_by_side
from desktop.widgets.scroll import scrolling
from desktop.widgets.states import EmptyState

if TYPE_CHECKING:
    from backend_core.privacy.records import RunDetails
    from desktop.pages.privacy.reading import View


class Board(QStackedWidget):
    """Shows what it is given; the page decides."""

    def __init__(self, *, on_run: Callable[[], object] | None) -> None:
        super().__init__()
        self._trying = Trying()
        self.strip, self.matrix, self.legend = StateStrip(), Matrix(), Legend()
        self.cases, self.runs = CaseList(), RunsStrip()
        self.pairs, self.span = PlainLabel("", "small"), PlainLabel("", "small")
        self.empty = EmptyState(
            "shield-check",
            tr("The privacy suite has never run here"),
            detail=tr(
                "It makes up people and conversations in this database, tries 1,024 ways to see what must stay apart, "
                "and removes everything again. Real conversations are neither read nor changed."
            ),
            action=tr("Run now") if on_run is not None else "",
            action_icon="play",
            on_action=on_run,
        )
        picture = Card(tr("Who can see whose memory"), icon_name="grid-3x3", right=(self.pairs,))
        picture.add((self.matrix, 1), rule(), 2, self.legend)
        self.guard = Button("", "link", icon_name="shield-alert")
        self.guard.hide()
        self.history = Card(tr("Runs, last 30 days"), icon_name="history", right=(self.guard, self.span))
        self.history.add(self.runs)
        cards = side_by_side((picture, 3), (self.cases, 2), gap=12)
        whole = holder(column(self.strip, (holder(cards), 1), self.history, gap=12, margins=(24, 0, 24, 16)))
        self.addWidget(scrolling(whole, name=tr("Privacy")))
        self.addWidget(self.empty)

    def show_run(self, details: RunDetails | None, *, stale: bool = False) -> None:
        """Show what a run found; None where there has been none, ``stale`` where that no longer counts."""
        if details is None:
            self.setCurrentWidget(self.empty)
            return
        self.setCurrentIndex(0)
        self._show_picture(pic.picture_of(details.cells), stale=stale)
        self.cases.empty.set_words(tr("This run tried nothing"))
        self.cases.show_cases(details.cases)

    def show_running(self) -> None:
        """Show that a run begins: nothing of it is known yet."""
        self.setCurrentIndex(0)
        self._trying = Trying()
        self._show_picture(pic.blank(pic.WAITING))
        self.cases.empty.set_words(tr("The cases follow when the run has ended"))
        self.cases.show_cases(())

    def show_progress(self, step: Step) -> None:
        """Show whose turn it is and what was tried."""
        self._show_picture(self._trying.follow(step))

    def show_history(self, view: View) -> None:
        """Show the runs, oldest on the left."""
        bars = [RunBar(run.id, run.started_at, run.seconds, run.outcome or "", run.leaks, run.trigger) for run in reversed(view.history)]
        self.runs.show_bars(bars, current=view.shown.run.id if view.shown is not None else None)
        self.span.setText(history_words(view))
        self.guard.set_caption(guard_words(view.stopped), name=tr("Show in the audit log what the live guard stopped"))
        self.guard.setVisible(bool(view.stopped))

    def _show_picture(self, picture: pic.Picture, *, stale: bool = False) -> None:
        self.matrix.show_picture(picture, stale=stale)
        self.legend.show_kinds(frozenset(pair.kind for pair in picture.pairs))
        all_pairs = number(len(picture.pairs))
        kinds = {pair.kind for pair in picture.pairs}
        if kinds <= {pic.WAITING, pic.RUNNING, pic.UNKNOWN}:
            words = tr("judged at the end of the run") if any(pair.done for pair in picture.pairs) else tr("nothing tried yet")
        elif picture.wrong:
            words = tr("{n} of {all} pairs not as they must be", n=number(picture.wrong), all=all_pairs)
        else:
            words = tr("{n} of {all} pairs as they must be", n=number(picture.expected), all=all_pairs)
        self.pairs.setText(words)
