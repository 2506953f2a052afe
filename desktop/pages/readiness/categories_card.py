"""The categories with what they were before, are now and must reach; choosing one narrows the checks to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QWidget

from desktop.i18n import number, tr
from desktop.pages.readiness import painting, words
from desktop.style import colour
from desktop.widgets import paint
from desktop.widgets.card import Card
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import rule
from desktop.widgets.table import Column, Table

if TYPE_CHECKING:
    from backend_core.monitoring.readiness.records import Category, Report

ROW_HIGH: Final = 42
_ROW_MOST: Final = 58
_LEGEND_HIGH: Final = 36
_SWATCH: Final = 18


class CategoriesCard(Card):
    """``chosen`` carries the key of a category, empty for all of them."""

    chosen = Signal(str)

    def __init__(self) -> None:
        self.count = PlainLabel("", "small")
        super().__init__(tr("Categories"), icon_name="chart-bar-big", right=(self.count,), flush=True)
        self.table = _EvenTable(
            (Column("category", tr("Category"), category_words, painting.draw_category),),
            name=tr("Categories"),
            row_height=ROW_HIGH,
            key=lambda one: one.key,
        )
        self.table.horizontalHeader().hide()
        self.table.setFrameShape(QFrame.Shape.NoFrame)
        self.table.selected.connect(lambda one: self.chosen.emit(one.key if one is not None else ""))
        self.table.opened.connect(lambda one: self.chosen.emit(one.key))
        self.add(rule(), (self.table, 1), rule(), _Legend())

    def show_report(self, report: Report) -> None:
        """Show the categories of ``report``."""
        self.table.set_rows(report.categories)
        # the card is as high as its rows: a list of eight needs no bar to scroll with
        self.table.setMinimumHeight(len(report.categories) * ROW_HIGH)
        self.table.share_out()
        met = sum(one.status == "met" for one in report.categories)
        self.count.setText(tr("{n} of {all} on target", n=number(met), all=number(len(report.categories))))

    def clear(self) -> None:
        """Choose none."""
        self.table.clearSelection()
        self.table.setCurrentIndex(self.table.rootIndex())


class _EvenTable(Table):
    """Its rows share the height of the card, within reason."""

    def share_out(self) -> None:
        count = max(1, len(self.rows))
        self.verticalHeader().setDefaultSectionSize(min(max(ROW_HIGH, self.viewport().height() // count), _ROW_MOST))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.share_out()


class _Legend(QWidget):
    """Says what the marks on the bars mean."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(_LEGEND_HIGH)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint.begin(painter)
        left, middle = 16.0, self.height() / 2
        for kind, said in (
            ("before", tr("before")),
            ("now", tr("now")),
            ("target", tr("target")),
            ("unknown", tr("unknown, never a pass")),
        ):
            self._swatch(painter, QRectF(left, middle - painting.BAR_HIGH / 2, _SWATCH, painting.BAR_HIGH), kind)
            width = paint.advance(said, 12)
            paint.text(painter, QRectF(left + _SWATCH + 6, 0, width + 2, self.height()), said, size=12, tone="muted", elide=False)
            left += _SWATCH + 6 + width + 14

    @staticmethod
    def _swatch(painter: QPainter, rect: QRectF, kind: str) -> None:
        middle = round(rect.center().x()) + 0.5
        if kind == "unknown":
            paint.hatch(painter, rect, rect.height() / 2)
            return
        if kind in {"before", "now"}:
            paint.box(painter, rect, rect.height() / 2, fill="accent")
        if kind == "now":
            return
        beyond = 4 if kind == "target" else 0
        painter.setPen(QPen(colour("text" if kind == "target" else "surface"), 2, Qt.PenStyle.SolidLine))
        painter.drawLine(QPointF(middle, rect.top() - beyond), QPointF(middle, rect.bottom() + beyond))


def category_words(one: Category) -> str:
    """Return a category in a line, as a screen reader says it."""
    return tr(
        "{name}: {score}, {known} of {all} known, {note}; before {before}, target {target}",
        name=one.name,
        score=words.points(one.score) if one.score is not None else tr("unknown"),
        known=number(one.known),
        all=number(one.total),
        note=words.category_note(one).words,
        before=number(one.before),
        target=number(one.target),
    )
