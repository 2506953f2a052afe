"""What one check found: value, threshold, source, age, its evidence line by line, and the way to where it is mended."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QRectF, QSize, Signal
from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.i18n import date_time, duration, number, tr
from desktop.pages.readiness import painting, words
from desktop.widgets import paint
from desktop.widgets.button import Button
from desktop.widgets.drawer import Drawer
from desktop.widgets.key_values import Fact, KeyValues
from desktop.widgets.label import IconLabel, PlainLabel, over
from desktop.widgets.layout import clear_layout, column, holder, row

if TYPE_CHECKING:
    from backend_core.monitoring.readiness.records import Category, CheckResult

WIDTH: Final = 384
MOST_EVIDENCE: Final = 40


class CheckDrawer(Drawer):
    """``step_wanted`` asks for the check before (-1) or after (1), ``measure_wanted`` for a new look, ``linked`` for its page."""

    step_wanted = Signal(int)
    measure_wanted = Signal(object)
    linked = Signal(object)

    def __init__(self) -> None:
        super().__init__(width=WIDTH)
        self.check: CheckResult | None = None
        self._shown: tuple[tuple[str, str], ...] | None = None
        self.state = StatusPill()
        self.gate = PlainLabel(tr("gate"), "key")
        self.about = PlainLabel("", "small", wrap=True)
        self.uncounted = PlainLabel("", "smalltext", wrap=True)
        self.why = holder(row(IconLabel("info"), (self.uncounted, 1), gap=10, margins=(12, 10, 12, 10)), name="inset")
        self.facts = KeyValues(name_width=84)
        self.value = PlainLabel("", "heading", wrap=True, selectable=True)
        self.threshold = PlainLabel("", "small", wrap=True, selectable=True)
        self.evidence = column(gap=8)
        self.link = Button("", "primary", icon_name="arrow-right", on_click=self._go)
        self.again = Button(tr("Measure this"), icon_name="refresh-cw", on_click=lambda: self.measure_wanted.emit(self.check))
        self._steps = (self._step("chevron-up", tr("Check before"), -1), self._step("chevron-down", tr("Next check"), 1))
        copy = Button("", "ghost", icon_name="copy", name=tr("Copy as text"), on_click=self.copy)
        # titles of checks are sentences: they get lines of their own below the tools
        self.name = PlainLabel("", "title", wrap=True, selectable=True)
        self.id = PlainLabel("", "mono", selectable=True)
        self.title.hide()
        self.subtitle.hide()
        self.tools.setSpacing(6)
        self.tools.addWidget(self.state)
        self.tools.addWidget(self.gate)
        self.tools.addStretch(1)
        for part in (*self._steps, copy):
            self.tools.addWidget(part)
        self._fill()

    def show_check(self, check: CheckResult, category: Category | None, *, may_measure: bool) -> None:
        """Explain ``check``."""
        self.check = check
        self.show_titles(check.title)
        self.name.setText(check.title)
        self.id.setText(check.id)
        self.state.show_status(check.status)
        self.gate.setVisible(check.gate)
        self.about.setText(check.about)
        self.uncounted.setText(words.uncounted(check))
        self.why.setVisible(bool(self.uncounted.text()))
        self.value.setText(words.value_words(check))
        tone = {"fail": "bad", "warn": "warn", "pass": ""}.get(check.status, "none")
        self.value.set_tone(tone)
        self.threshold.setText(tr("must be {threshold}", threshold=check.threshold) if check.threshold else "")
        self.facts.set_facts(_facts(check, category))
        self._show_evidence(check.evidence)
        said = words.link_words(check)
        self.link.set_caption(tr("Open {place}", place=said))
        self.link.setVisible(bool(said))
        self.again.setVisible(may_measure and not check.later)

    def copy(self) -> None:
        """Put everything the drawer says on the clipboard."""
        if self.check is not None:
            QGuiApplication.clipboard().setText(check_text(self.check))

    def _fill(self) -> None:
        box = holder(column(self.value, self.threshold, gap=2, margins=(12, 10, 12, 10)), name="inset")
        self.body.addLayout(column(self.name, self.id, gap=2))
        for part in (self.about, box, self.why, self.facts):
            self.body.addWidget(part)
        self.body.addWidget(over(tr("Evidence")))
        self.body.addLayout(self.evidence)
        self.body.addStretch(1)
        self.body.addLayout(row(self.link, self.again, None))

    def _step(self, icon_name: str, name: str, by: int) -> Button:
        return Button("", "ghost", icon_name=icon_name, name=name, on_click=lambda: self.step_wanted.emit(by))

    def _go(self) -> None:
        if self.check is not None:
            self.linked.emit(self.check)

    def _show_evidence(self, rows: Sequence[tuple[str, str]]) -> None:
        if self._shown is not None and tuple(rows) == self._shown:
            # a refresh that found the same keeps selection and place
            return
        self._shown = tuple(rows)
        clear_layout(self.evidence)
        if not rows:
            self.evidence.addWidget(PlainLabel(tr("This check keeps no more than its value."), "small", wrap=True))
            return
        lines: list[QWidget] = []
        for name, value in rows[:MOST_EVIDENCE]:
            said = PlainLabel(value or tr("nothing"), "smalltext", wrap=True, selectable=True)
            lines.append(holder(column(PlainLabel(name, "tiny", wrap=True), said, gap=1)))
        if len(rows) > MOST_EVIDENCE:
            lines.append(PlainLabel(tr("and {n} more, in the export", n=number(len(rows) - MOST_EVIDENCE)), "small"))
        self.evidence.addWidget(holder(column(*lines, gap=8, margins=(12, 10, 12, 10)), name="inset"))


class StatusPill(QWidget):
    """The status of a check as the list draws it."""

    def __init__(self) -> None:
        super().__init__()
        self.status = "unknown"
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.show_status("unknown")

    def show_status(self, status: str) -> None:
        """Show ``status``."""
        self.status = status
        self.setAccessibleName(words.name_of(status))
        self.setFixedSize(self.sizeHint())
        self.update()

    def sizeHint(self) -> QSize:
        """Return the room of the widest of the two looks."""
        return QSize(round(paint.advance(words.name_of(self.status), 12, 500)) + 37, 22)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw it."""
        painter = QPainter(self)
        paint.begin(painter)
        painting.status_pill(painter, 0, QRectF(self.rect()).center().y(), self.status)


def check_text(check: CheckResult) -> str:
    """Return a check as lines for a message to somebody."""
    lines = [f"{check.title} ({check.id}): {words.name_of(check.status)}"]
    lines += [f"value: {check.value}", f"threshold: {check.threshold}", f"source: {check.source}"]
    lines.append(f"measured: {check.at.isoformat(timespec='seconds') if check.at is not None else 'never'}")
    lines += [f"  {name}: {value}" for name, value in check.evidence]
    return "\n".join(lines) + "\n"


def _facts(check: CheckResult, category: Category | None) -> list[Fact]:
    when = tr("never") if check.at is None else tr("{when}, {age}", when=date_time(check.at), age=words.age_words(check.age_s))
    facts = [Fact(tr("Measured"), when), Fact(tr("Good for"), words.short_age(check.limit_s)), Fact(tr("Source"), check.source)]
    if category is not None:
        facts.append(Fact(tr("Category"), tr("{name}, weight {n}", name=category.name, n=f"{check.weight:g}")))
    if check.seconds is not None:
        took = tr("{n} ms", n=number(check.seconds * 1000)) if check.seconds < 1 else duration(check.seconds)
        facts.append(Fact(tr("Looking took"), took))
    if check.version:
        facts.append(Fact(tr("Build"), check.version, mono=True))
    return facts
