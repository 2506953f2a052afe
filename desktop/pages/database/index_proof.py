"""What would become of the plans: before and after beside the bars of their costs, and which statements would be slower."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QPointF, QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.i18n import number, tr
from desktop.style import SEMIBOLD
from desktop.widgets import paint
from desktop.widgets.label import IconLabel, PlainLabel, over, plain_tip
from desktop.widgets.layout import column, row

if TYPE_CHECKING:
    from backend_core.monitoring.indexes.records import PlanSide, Proof

_LINE: Final = 17
_TOP: Final = 44
_MOST_LINES: Final = 3
_MOST_SLOWER: Final = 3
_SHORT: Final = 160
_TENTH: Final = 10


class ProofPanel(QWidget):
    """Empty until ``show_proof``."""

    def __init__(self) -> None:
        super().__init__()
        self.heading = over(tr("Proof"))
        self.took = PlainLabel("", "small")
        self.before, self.after = SideBox("eye"), SideBox("eye-off")
        self.icon = IconLabel("circle-check", "ok", size=14)
        self.verdict = PlainLabel("", "smalltext", wrap=True)
        self.slower = PlainLabel("", "mono", wrap=True, selectable=True)
        self.note = PlainLabel("", "small", wrap=True)
        judged = row(self.icon, (self.verdict, 1))
        head = row((self.heading, 1), self.took)
        self.setLayout(column(head, self.before, self.after, judged, self.slower, self.note, gap=8))
        self.hide()

    def show_proof(self, proof: Proof) -> None:
        """Show what was found."""
        self.heading.setText(_method_words(proof.method).upper())
        self.took.setText(tr("built in {n} ms", n=number(proof.build_ms)) if proof.build_ms is not None else "")
        most = max(proof.before.cost, proof.after.cost, 1e-9)
        added = proof.method == "added"
        after = tr("After, with it") if added else tr("After, without it") if proof.method == "hidden" else tr("After")
        self.before.show_side(tr("Before, without it") if added else tr("Before, with it"), proof.before, most, tone="none")
        worse = proof.after.cost > proof.before.cost
        self.after.show_side(after, proof.after, most, tone="bad" if worse else "ok")
        tried = proof.statements_checked > 0
        self.before.setVisible(tried)
        # plans as they are have no after
        self.after.setVisible(tried and proof.method != "explained")
        self._show_verdict(proof)
        self.note.setText(proof.refused_reason)
        self.note.setVisible(bool(proof.refused_reason))
        self.show()

    def _show_verdict(self, proof: Proof) -> None:
        total, slower = proof.statements_checked, len(proof.slower)
        if not total:
            self.icon.set_icon("circle-dashed", "muted")
            self.verdict.setText(tr("No recorded statement reads this table, so nothing could be tried."))
        elif proof.method == "explained":
            self.icon.set_icon("info", "accent")
            self.verdict.setText(tr("{n} recorded statements explained as they are", n=number(total)))
        else:
            self.icon.set_icon("triangle-alert" if slower else "circle-check", "warn" if slower else "ok")
            fine = number(total - slower)
            self.verdict.setText(tr("{n} of {all} recorded statements as fast or faster", n=fine, all=number(total)))
        self.slower.setText("\n".join(text[:_SHORT] for text in proof.slower[:_MOST_SLOWER]))
        self.slower.setVisible(bool(proof.slower))


class SideBox(QWidget):
    """One side: its cost as a figure and a bar, and the nodes that read tables."""

    def __init__(self, icon_name: str) -> None:
        super().__init__()
        self._icon, self._title, self._tone = icon_name, "", "none"
        self._cost, self._share = "", 0.0
        self._lines: tuple[str, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_side(self, title: str, side: PlanSide, most: float, *, tone: str) -> None:
        """Show ``side``; its bar is long as its cost is beside ``most``."""
        self._title, self._tone, self._share = title, tone, side.cost / most
        self._cost = tr("cost {n}", n=number(side.cost, decimals=0 if side.cost >= _TENTH else 2))
        self._lines = tuple(dict.fromkeys(how for plan in side.plans for how in plan.how))[:_MOST_LINES]
        self.setFixedHeight(self.sizeHint().height())
        self.setAccessibleName(f"{title}: {self._cost}. {'; '.join(self._lines)}")
        self.setToolTip(plain_tip("\n".join(self._lines)))
        self.update()

    def sizeHint(self) -> QSize:
        """Return room for the lines."""
        return QSize(280, _TOP + _LINE * max(1, len(self._lines)) + 9)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the box."""
        painter = QPainter(self)
        paint.begin(painter)
        whole = QRectF(self.rect())
        ink = {"none": "muted"}.get(self._tone, self._tone)
        paint.box(painter, whole, 8, fill="bg", line="line")
        paint.icon(painter, QPointF(12, 10), self._icon, ink, size=14)
        paint.text(painter, QRectF(32, 8, whole.width() - 130, 18), self._title, size=12, weight=SEMIBOLD)
        paint.text(painter, QRectF(0, 8, whole.width() - 12, 18), self._cost, size=12, tone=ink, weight=SEMIBOLD, align=paint.RIGHT)
        paint.bar(painter, QRectF(12, 32, whole.width() - 24, 5), self._share, self._tone)
        for place, words in enumerate(self._lines or (tr("no table is read"),)):
            line = QRectF(12, _TOP + place * _LINE, whole.width() - 24, _LINE)
            paint.text(painter, line, words, size=11, tone="muted" if place else "text", mono=True)


def _method_words(method: str) -> str:
    names = {"hidden": tr("Proof: hidden, explained, rolled back"), "added": tr("Proof: built, explained, rolled back")}
    return names.get(method, tr("Plans as they are"))
