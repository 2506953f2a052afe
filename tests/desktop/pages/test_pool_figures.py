"""What the pool page computes, writes into files, and says where there is nothing to say."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import json
from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog, QPushButton

from backend_core.backend import Backend
from backend_core.monitoring.records import BOUNDS_MS, Histogram
from backend_core.policy import Actor
from desktop.i18n import number
from desktop.pages.database.figures import agreement, capacity, slowest
from desktop.pages.database.frame_list import taken_here
from tests.desktop.pages.pool_scene import LABEL, Holding, OpenPage, Wait, view_of

ACTIVE = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'lectern-desktop@%' AND state = 'idle in transaction'"


def test_export_writes_what_is_shown(
    backend: Backend, actor: Actor, holding: Holding, open_database_page: OpenPage, wait_until: Wait, tmp_path: Path
) -> None:
    page, desk = open_database_page(backend, actor)
    holding.set(2)
    wait_until(lambda: view_of(page).in_use == 2)
    page.toggle_pause()
    page.export.click()
    dialog = page.findChild(QFileDialog)
    assert dialog is not None
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    dialog.fileSelected.emit(str(tmp_path / "pool.json"))
    dialog.reject()
    wait_until(lambda: desk.notified == [("Exported to pool.json.", "ok")])
    written = json.loads((tmp_path / "pool.json").read_text(encoding="utf-8"))
    assert written["pool"]["in_use"] == 2
    assert [found["label"] for found in written["pool"]["holders"]] == [LABEL, LABEL]
    assert dt.datetime.fromisoformat(written["pool"]["at"]) == view_of(page).at
    assert written["agreement"]["problems"] == []


def test_export_as_csv_has_a_row_for_each_process(
    backend: Backend, actor: Actor, holding: Holding, open_database_page: OpenPage, wait_until: Wait, tmp_path: Path
) -> None:
    page, desk = open_database_page(backend, actor)
    holding.set(2)
    wait_until(lambda: view_of(page).in_use == 2)
    page.toggle_pause()
    page.export_to(tmp_path / "pool.csv")
    wait_until(lambda: desk.notified == [("Exported to pool.csv.", "ok")])
    with (tmp_path / "pool.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["application"]: row for row in csv.DictReader(file)}
    assert rows.keys() == {process.application for process in view_of(page).processes}
    own = next(process for process in view_of(page).processes if process.capacity is not None)
    row = rows[own.application]
    assert (row["in_use"], row["capacity"], row["leaks"]) == ("2", "10", "0")
    assert float(row["usage_p95_ms"]) == own.usage_ms.p95


def test_times_in_use_and_to_connect_stand_beside_the_waits(
    backend: Backend, actor: Actor, holding: Holding, open_database_page: OpenPage, wait_until: Wait
) -> None:
    page, _ = open_database_page(backend, actor)
    holding.set(1)
    holding.set(0)
    card = page.pool.waits
    wait_until(lambda: view_of(page).usage_histogram.total > 0)
    page.toggle_pause()
    wait_until(lambda: page.context.background.pending == 0)
    view = dataclasses.replace(view_of(page), leaks=1, leaked=2, recycled=41, invalidated=6)
    assert page.reading is not None
    page.pool.show_reading(dataclasses.replace(page.reading, view=view))
    shown = {}
    for button in card.kinds.findChildren(QPushButton):
        button.click()
        shown[card.title.text()] = (card.histogram.accessibleName().partition(":")[0], card.caption.text())
    assert shown.keys() == {"Checkout wait", "Time in use", "Time to connect"}
    assert all(title == name for title, (name, _) in shown.items())
    assert shown["Time in use"][1].endswith("1 kept over 60 s now, 2 since the start")
    assert shown["Time to connect"][1].endswith("since the start 41 recycled, 6 invalidated")
    assert view.connect_ms.p95 is not None
    assert f"p95 {number(view.connect_ms.p95, decimals=1)}" in card.histogram.accessibleName()


def test_a_pool_nobody_has_used_shows_no_invented_waiting_time(
    backend: Backend, open_database_page: OpenPage, actor: Actor, wait_until: Wait
) -> None:
    page, _ = open_database_page(backend, actor)
    empty = Histogram(bounds_ms=BOUNDS_MS, counts=(0,) * (len(BOUNDS_MS) + 1))
    page.toggle_pause()
    wait_until(lambda: page.context.background.pending == 0)
    assert page.reading is not None
    unused = dataclasses.replace(page.reading.view, histogram=empty, wait_ms=empty.percentiles(), longest_wait_ms=None, holders=())
    page.pool.show_reading(dataclasses.replace(page.reading, view=unused, samples=()))
    assert page.pool.waits.histogram.accessibleName() == "Checkout wait: no data yet"
    assert page.pool.waits.caption.text() == "no checkouts in the last 15 minutes"
    assert page.pool.waiters.detail.text() == "0 timeouts · limit 10 s"
    assert page.pool.holders.empty.isVisible()


def test_a_pool_that_disagrees_or_stopped_reporting_is_named(backend: Backend, actor: Actor) -> None:
    view = backend.monitoring.pool(actor=actor)
    own = next(row for row in view.processes if row.capacity is not None)
    liar = dataclasses.replace(own, in_use=own.size + 2)
    silent = dataclasses.replace(own, reported_age_s=12.0)
    many = dataclasses.replace(own, size=(own.capacity or 0) + 2)
    assert agreement(dataclasses.replace(view, processes=(own,))).words == "agrees with pg_stat_activity"
    found = agreement(dataclasses.replace(view, processes=(liar,)))
    assert found.words == "1 pool disagrees with pg_stat_activity"
    assert found.problems == (f"Desktop {own.host}:{own.pid}: {liar.in_use} in use, {own.size} on the server",)
    assert agreement(dataclasses.replace(view, processes=(silent,))).words == "1 report is old"
    assert agreement(dataclasses.replace(view, processes=(many, liar))).words == "2 pools disagree with pg_stat_activity"


def test_capacity_adds_up_pool_by_pool(backend: Backend, actor: Actor) -> None:
    view = backend.monitoring.pool(actor=actor)
    own = next(row for row in view.processes if row.capacity is not None)
    busy = dataclasses.replace(own, application="busy", size=9, in_use=8, waiting=2, base=2, capacity=10)
    idle = dataclasses.replace(own, application="idle", size=2, in_use=0, waiting=0, base=2, capacity=10)
    both = dataclasses.replace(view, processes=(busy, idle))
    found = capacity(both)
    assert (found.in_use, found.base, found.overflow, found.base_used, found.overflow_used, found.idle, found.waiting) == (
        8,
        4,
        16,
        2,
        6,
        3,
        2,
    )
    assert capacity(both, "busy").share == 0.8


@pytest.mark.parametrize(("longest", "words"), [(None, ""), (0.04, "longest 0.0 ms"), (2.46, "longest 2.5 ms"), (512.4, "longest 512 ms")])
def test_the_longest_wait_is_told(backend: Backend, actor: Actor, longest: float | None, words: str) -> None:
    view = backend.monitoring.pool(actor=actor)
    assert slowest(dataclasses.replace(view, longest_wait_ms=longest)) == words


def test_the_marked_frame_is_the_first_of_ours_outside_the_plumbing() -> None:
    frames = [("site-packages/x.py:1", "f"), ("backend_core/db/database.py:9", "begin"), ("backend_core/jobs/service.py:4", "listing")]
    assert taken_here(frames) == 2
    assert taken_here(frames[:2]) is None
