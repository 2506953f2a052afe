"""Whether what was said stays where it was said: the last runs of the privacy suite and what they found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QPointF, QRectF
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.i18n import ago, date_time, number, tr
from desktop.pages.overview.live_card import LiveCard
from desktop.widgets import paint
from desktop.widgets.button import Button
from desktop.widgets.key_values import Fact, KeyValues
from desktop.widgets.label import PlainLabel, plain_tip
from desktop.widgets.layout import row

if TYPE_CHECKING:
    from backend_core.privacy.records import Run, Standing

SHOWN: Final = 14
_TONES: Final = {"ok": "ok", "failed": "bad", "stale": "warn", "never": "none"}
_HEIGHT: Final = 22


class RunMarks(QWidget):
    """A mark for each of the last runs, oldest first; a pass is filled, a failure is filled and crossed, the rest is hatched."""

    def __init__(self) -> None:
        super().__init__()
        self.runs: tuple[Run, ...] = ()
        self.setFixedHeight(_HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.show_runs(())

    def show_runs(self, runs: Sequence[Run]) -> None:
        """Show the newest of ``runs``, which are given newest first."""
        self.runs = tuple(reversed(runs[:SHOWN]))
        failed = sum(run.outcome == "fail" for run in self.runs)
        words = tr("{n} runs, {failed} failed", n=len(self.runs), failed=failed)
        self.setAccessibleName(words)
        self.setToolTip(plain_tip(words))
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the marks."""
        painter = QPainter(self)
        paint.begin(painter)
        wide = min(26.0, (self.width() - 4 * (SHOWN - 1)) / SHOWN)
        for place, run in enumerate(self.runs):
            box = QRectF(place * (wide + 4), 0, wide, self.height())
            if run.outcome in {"pass", "fail"}:
                good = run.outcome == "pass"
                paint.box(painter, box, 3, fill="ok" if good else "bad_solid")
                if not good:
                    paint.icon(painter, box.center() - QPointF(6, 6), "x", "white", size=12)
            else:
                paint.hatch(painter, box, 3)


class PrivacyCard(LiveCard):
    """The newest run in figures, and the runs before it as marks."""

    def __init__(self, *, on_open: Callable[[], object]) -> None:
        super().__init__(tr("Privacy boundary"), icon_name="shield-check")
        self.facts = KeyValues([], name_width=84)
        self.marks = RunMarks()
        self.next = PlainLabel("", "small")
        link = Button(tr("Matrix"), "link", name=tr("Open the privacy page"), on_click=on_open)
        self.heading = PlainLabel(tr("Last runs"), "small")
        self.heading.hide()
        self.reason = PlainLabel("", "muted", wrap=True)
        self.add(self.facts, self.reason, None, self.heading, self.marks, row(self.next, None, link, gap=4))
        self.show_words(tr("not tried yet"), unknown=True)

    def show_standing(self, standing: Standing, runs: Sequence[Run]) -> None:
        """Show how the boundary stands, and the ``runs``, newest first."""
        run = standing.run
        tone = _TONES.get(standing.gate, "none")
        if run is None:
            self.show_words(tr("not tried yet"), unknown=True)
            self.facts.set_facts([Fact(tr("Leaks"), tr("never tried"), unknown=True)])
        else:
            words = tr("1 leak") if run.leaks == 1 else tr("{n} leaks", n=number(run.leaks))
            self.show_words(words if standing.gate in {"ok", "failed"} else tr("not current"), tone, unknown=tone == "none")
            self.facts.set_facts(_facts(run))
        self.setToolTip(plain_tip(standing.reason))
        self.reason.setText("" if standing.gate == "ok" else standing.reason)
        self.reason.setVisible(bool(self.reason.text()))
        self.marks.show_runs(runs)
        self.heading.setVisible(bool(runs))
        self.next.setText(tr("Next {time}", time=date_time(standing.next_at)) if standing.next_at is not None else "")


def _facts(run: Run) -> list[Fact]:
    cases = run.passed + run.failed
    return [
        Fact(tr("Leaks"), tr("{n} of {cells} cells", n=number(run.leaks), cells=number(run.cells)), tone="bad" if run.leaks else ""),
        Fact(tr("Cases"), tr("{n} of {all} pass", n=number(run.passed), all=number(cases)), tone="bad" if run.failed else ""),
        Fact(tr("Tried"), ago(run.started_at)),
    ]
