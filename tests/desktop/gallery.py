"""One page that shows every widget, for the gallery test and for looking at."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QWidget

from backend_core.errors import VoiceFailed
from desktop.widgets import cells
from desktop.widgets.badge import Badge
from desktop.widgets.banner import Banner
from desktop.widgets.bars import Bar, PartsBar, Sparkline
from desktop.widgets.button import Button, SegmentedControl
from desktop.widgets.card import Card
from desktop.widgets.chart import Limit, LineChart, StepChart
from desktop.widgets.drawer import Drawer, DrawerHost
from desktop.widgets.field import Field, SearchField, Select
from desktop.widgets.gauge import Gauge
from desktop.widgets.histogram import Histogram
from desktop.widgets.key_values import Fact, KeyValues
from desktop.widgets.label import PlainLabel, over
from desktop.widgets.layout import column, holder, row
from desktop.widgets.page import side_by_side, title_row
from desktop.widgets.progress_row import ProgressRow
from desktop.widgets.states import EmptyState, ErrorState, Skeleton
from desktop.widgets.table import Column, Table
from desktop.widgets.tabs import Tabs

BOUNDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500]
COUNTS = [8000, 21000, 34000, 30000, 16000, 9000, 5400, 2900, 1400, 500, 300, 200, 0]


@dataclass(frozen=True)
class Row:
    """One invented document."""

    title: str
    below: str
    pages: int
    state: tuple[str, str, str, float | None]
    badge: tuple[str, str]


ROWS = [
    Row("Annual report", "Ana Silva · 3.8 MB", 48, ("loader", "31 of 48", "info", 0.65), ("en", "none")),
    Row(
        "<b>Onboarding</b> & <img src='file:///etc/hostname'>",
        "Ben Cole · 412 kB",
        12,
        ("circle-check", "Ready · 22 min", "ok", None),
        ("en", "none"),
    ),
    Row("Οδηγός ασφάλειας", "Ana Silva · 980 kB", 24, ("circle-alert", "1 page failed", "bad", 0.98), ("failed", "bad")),
    Row(
        "Руководство оператора, dessen Titel deutlich zu lang für die Spalte ist",
        "Tom · 733 kB",
        40,
        ("circle-dashed", "No audio yet", "none", None),
        ("ru", "warn"),
    ),
]


def columns() -> list[Column]:
    """The columns of the sample table."""
    return [
        Column(
            "title", "Title", lambda r: r.title, cells.two_line_cell(lambda r: r.title, lambda r: r.below, icon_name=lambda _r: "file-text")
        ),
        Column(
            "pages",
            "Pages",
            lambda r: str(r.pages),
            cells.text_cell(lambda r: str(r.pages), right=True),
            width=80,
            right=True,
            sortable=True,
        ),
        Column("lang", "Lang", lambda r: r.badge[0], cells.badge_cell(lambda r: r.badge), width=80),
        Column("audio", "Audio", lambda r: r.state[1], cells.progress_cell(lambda r: r.state), width=170),
        Column("use", "In use", lambda r: str(r.state[3]), cells.bar_cell(lambda r: (r.state[3], "27", "info")), width=140),
    ]


def wave(count: int) -> list[tuple[float, float | None]]:
    """A made-up series with a hole."""
    return [(1_700_000_000.0 + 5 * i, None if 70 < i < 80 else 12 + 10 * math.sin(i / 9) + (i % 7)) for i in range(count)]


def figures() -> QWidget:
    """Gauges, charts, histogram, bars."""
    gauge, quiet, line, step, empty, waits = (
        Gauge(name="Pool"),
        Gauge(name="Unknown pool"),
        LineChart(name="Wait", unit="ms", limit=Limit(50, "limit 50 ms")),
        StepChart(name="Waiters", tone="warn"),
        LineChart(name="Empty"),
        Histogram(name="Checkout wait", warn=25, bad=100),
    )
    gauge.set_values(27, base=20, overflow=10)
    line.set_points(wave(160))
    step.set_points([(1_700_000_000.0 + 10 * i, float(max(0, (i * 7) % 5 - 2))) for i in range(90)])
    waits.set_buckets(BOUNDS, COUNTS, {"p50": 0.5, "p95": 8.9, "p99": 43.9})
    parts = PartsBar(name="Pages")
    parts.set_parts([(0.6, "ok", "31 ready"), (0.1, "warn", "1 outdated"), (0.1, "bad", "1 failed")])
    top = side_by_side(
        Card("Capacity", icon_name="gauge", right=(Badge("above 80 % for 3 min", "warn"),)).add(gauge),
        Card("Waiters", icon_name="hourglass", right=(PlainLabel("last 15 min", "small"),)).add(step),
        (Card("Checkout wait", icon_name="chart-column").add(waits), 2),
    )
    bottom = side_by_side(
        (
            Card("Wait p95", icon_name="timer").add(
                row(PlainLabel("8.4", "big"), PlainLabel("ms", "muted"), Badge("12 % below", "ok"), None), line
            ),
            2,
        ),
        Card("Unknown", icon_name="circle-dashed", right=(Badge("stale", unknown=True),)).add(quiet, empty),
        Card("Bars").add(
            Bar(0.6, name="a"), Bar(0.9, name="b", tone="warn"), Bar(None, name="c"), parts, Sparkline([1, 4, 2, 8, 5, 9], name="s"), None
        ),
    )
    return holder(column(top, bottom, gap=16, margins=(24, 18, 24, 16)), name="page")


def controls() -> QWidget:
    """Buttons, fields, badges, tabs, table with drawer."""
    tabs = Tabs([("pool", "Pool"), ("activity", "Activity"), ("locks", "R & D locks")], name="Database")
    tabs.set_count("activity", "14")
    tabs.set_count("locks", "2", tone="warn")
    buttons = row(
        Button("Default"),
        Button("Save & close", "primary", icon_name="save"),
        Button("Delete", "danger", icon_name="trash-2"),
        Button("", "ghost", icon_name="ellipsis", name="More"),
        Button("View all", "link"),
        Button("Language", "chip"),
        Button("Updated: 30 days", "chip", icon_name="x", checkable=True),
        SegmentedControl([(1, "1 h"), (24, "24 h"), (168, "7 d")], name="Range"),
        None,
    )
    fields = row(
        (SearchField(name="Search", hint="Search documents", key="/"), 1),
        Field(name="Title", hint="Title"),
        Select([("a", "Alba"), ("b", "Amy")], name="Voice"),
        *(Badge(tone, tone) for tone in ("none", "info", "ok", "warn", "bad")),
        Badge("unknown", unknown=True),
        Badge("running", "info", icon_name="loader"),
    )
    table = Table(columns(), name="Documents", row_height=51, key=lambda r: r.title)
    table.set_rows(ROWS)
    table.selectRow(0)
    job = ProgressRow("Guide du patient")
    job.show_progress(0.66, detail="page 141 of 212 · local voice", state="running")
    drawer = Drawer()
    drawer.show_titles("Annual report <b>2026</b>", "PDF · 48 pages · English")
    facts = [
        Fact("Role", "lectern_app"),
        Fact("State", "active", tone="info"),
        Fact("Hash", "7d1c40ab" * 8, mono=True),
        Fact("Backup", "never run", unknown=True),
    ]
    drawer.tools.addWidget(Button("", "ghost", icon_name="ellipsis", name="More"))
    for part in (over("Facts"), KeyValues(facts), Button("Generate 16 pages", "primary", icon_name="audio-lines")):
        drawer.body.addWidget(part)
    drawer.body.addStretch()
    banner = Banner()
    listing = (
        Card(flush=True).add(table).add_footer(PlainLabel("4 documents · newest first", "small"), None, PlainLabel("2 generating", "small"))
    )
    page = holder(
        column(
            title_row("Documents", Badge("1,284"), right=(Button("Add documents", "primary", icon_name="plus"),)),
            tabs,
            buttons,
            fields,
            (listing, 1),
            Card("Audio queue", icon_name="audio-lines", right=(Button("View all", "link"),)).add(job),
            gap=12,
            margins=(24, 18, 24, 16),
        ),
        name="page",
    )
    host = DrawerHost(page, drawer)
    whole = holder(column(banner, (host, 1), gap=0), name="page")
    banner.show_state("Offline for 12 s; showing data of 14:04:02.", tone="warn", action="Try now")
    host.open()
    return whole


def states() -> QWidget:
    """Empty, error, skeleton."""
    error = ErrorState(on_retry=lambda: None)
    error.show_error(VoiceFailed("Page 34: the voice process stopped.", correlation_id="7d1c-40ab"))
    empty = EmptyState(
        "file-text", "No documents yet", detail="Drop PDF, DOCX, Markdown or text files anywhere in this window.", action="Add documents"
    )
    cards = side_by_side(Card("Empty").add((empty, 1)), Card("Error").add((error, 1)))
    return holder(column((holder(cards), 1), (Skeleton(), 1), margins=(24, 18, 24, 16)), name="page")


def settle() -> None:
    """Let layouts and deletions finish."""
    for _ in range(3):
        QCoreApplication.processEvents()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest.value)
