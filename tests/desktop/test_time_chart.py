"""Charts of several lines: where nobody measured nothing is drawn, and every line can be told apart without its colour."""

from __future__ import annotations

from PySide6.QtGui import QColor
from pytestqt.qtbot import QtBot

from desktop.style import Theme, colour
from desktop.widgets.chart import Limit
from desktop.widgets.time_chart import Line, Mark, TimeChart


def shown(qtbot: QtBot, *lines: Line, limit: Limit | None = None, marks: tuple[Mark, ...] = ()) -> TimeChart:
    chart = TimeChart(name="Pool", limit=limit, whole=True)
    qtbot.addWidget(chart)
    chart.resize(400, 200)
    chart.set_lines(lines, start=0.0, end=100.0, marks=marks)
    return chart


def inked(chart: TimeChart, tone: QColor) -> set[int]:
    """Return at which x a colour of a line appears, give or take smooth edges."""
    image = chart.grab().toImage()

    def near(x: int, y: int) -> bool:
        seen = image.pixelColor(x, y)
        return abs(seen.red() - tone.red()) + abs(seen.green() - tone.green()) + abs(seen.blue() - tone.blue()) < 60

    return {x for x in range(image.width()) if any(near(x, y) for y in range(40, image.height() - 24))}


def test_a_line_stops_where_nobody_measured_and_goes_on_after_it(theme: Theme, qtbot: QtBot) -> None:
    whole = Line("In use", "bad", tuple((float(at), 5.0) for at in range(101)))
    gap = Line("In use", "bad", tuple((float(at), None if 40 <= at <= 60 else 5.0) for at in range(101)))
    full, broken = inked(shown(qtbot, whole), colour("bad_fill")), inked(shown(qtbot, gap), colour("bad_fill"))
    left, right = min(full), max(full)
    middle = {x for x in full if left + 0.45 * (right - left) < x < left + 0.55 * (right - left)}
    assert middle
    assert not middle & broken
    assert {left + 20, right - 20} <= broken


def test_one_reading_between_two_gaps_is_a_dot_and_no_reading_is_said(theme: Theme, qtbot: QtBot) -> None:
    one = Line("In use", "bad", tuple((float(at), 5.0 if at == 50 else None) for at in range(101)))
    assert inked(shown(qtbot, one), colour("bad_fill"))
    none = shown(qtbot, Line("In use", "bad", tuple((float(at), None) for at in range(101))))
    assert not none.known
    assert not inked(none, colour("bad_fill"))
    assert none.accessibleName() == "Pool: In use no data yet"


def test_the_name_tells_newest_and_highest_of_each_line_and_what_happened(theme: Theme, qtbot: QtBot) -> None:
    used = Line("In use", "info", ((0.0, 9.0), (50.0, 2.0), (100.0, None)))
    waiting = Line("Waiting", "bad", ((0.0, 0.0), (50.0, 1.0), (100.0, None)))
    marks = (Mark(20.0, "counters fell"), Mark(400.0, "later than the axis"))
    chart = shown(qtbot, used, waiting, limit=Limit(8.0, "80 %"), marks=marks)
    assert chart.accessibleName() == "Pool: In use now 2, highest 9; Waiting now 1, highest 1; counters fell"
    assert theme is not None
