"""The part of the tour about the program itself: the server tab by tab, jobs, alerts, health, and readiness really measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, cast

from desktop.i18n import number, tr
from desktop.main_window import MainWindow
from desktop.pages.database.page import DatabasePage
from desktop.pages.readiness.page import ReadinessPage
from desktop.tour import Step, Wait, Walk, page_step

MEASURE_S: Final = 120.0
TABS: Final = ("pool", "activity", "locks", "indexes", "tables", "statements", "migrations")


def watching_story() -> Iterator[Step]:
    """Return the steps, in their order."""
    for key in TABS:
        yield Step(f"database-{key}", _tab(key))
    yield page_step("jobs")
    yield page_step("alerts")
    yield page_step("health")
    yield Step("readiness", _readiness)


def _tab(key: str) -> Callable[[MainWindow], Walk]:
    def walk(window: MainWindow) -> Walk:
        window.navigate("database", tab=key)
        page = cast(DatabasePage, window.page)
        yield Wait(lambda: page.loaded and page.tabs.current == key and page.tab.good_at is not None, f"the {key} tab")
        return tr("shown")

    return walk


def _readiness(window: MainWindow) -> Walk:
    window.navigate("readiness")
    page = cast(ReadinessPage, window.page)
    yield Wait(lambda: page.loaded, "the readiness page")
    page.measure()
    yield Wait(lambda: not page.measuring.on, "readiness is measured", MEASURE_S)
    report = page.report
    if report is None or report.score is None:
        raise RuntimeError("readiness was not measured")
    return tr("{score} of 100 on {known} of {total} checks: {reason}", score=number(round(report.score)), known=report.known,
              total=report.total, reason=report.reason)  # fmt: skip
