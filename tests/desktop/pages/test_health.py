"""The Health page over a real server: checks with what to do, objectives that never invent a figure, and history with its gaps."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import time
from pathlib import Path

import psycopg
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.errors import DatabaseAway
from backend_core.monitoring.slo import Objective
from backend_core.policy import Actor
from desktop.pages.health.history import POINTS, RANGES, read_history
from desktop.pages.health.page import HealthPage
from desktop.pages.health.words import burn_words, objective_state, share_words, target_words, value_words
from tests.desktop.conftest import Stall
from tests.desktop.pages.document_scene import Wait
from tests.desktop.pages.watch_scene import ShowPage, settled

NOW = dt.datetime.now(dt.UTC)
GAP = (20, 35)
"""Minutes ago between which nobody measured."""


_SERIES = """
INSERT INTO metric_series (name, unit, fold)
SELECT * FROM (VALUES ('pool.in_use', '', 'max'), ('server.cache_hit', 'share', 'mean'), ('jobs.lag_s', 's', 'max'))
    AS given (name, unit, fold)
WHERE NOT EXISTS (SELECT FROM metric_series s WHERE s.name = given.name)
"""
_FRAMES = """
WITH places AS (
    SELECT max(id) AS top, max(id) FILTER (WHERE name = 'pool.in_use') AS pool,
           max(id) FILTER (WHERE name = 'server.cache_hit') AS hit
    FROM metric_series
)
INSERT INTO metric_frames (resolution_s, slot, at, figures)
SELECT 1, n, clock_timestamp() - n * interval '1 s',
       ARRAY(SELECT CASE p WHEN pool THEN 3 + (n = 600)::int * 6 WHEN hit THEN 0.99 END FROM generate_series(1, top) AS p)
FROM generate_series(0, 3599) AS n, places WHERE n NOT BETWEEN %s AND %s
"""
_FALL = """
INSERT INTO counter_falls (at, what, cause, detail) VALUES (clock_timestamp() - interval '25 min', 'statistics', 'crash', '{}')
"""


@pytest.fixture
def recorded(clean: EmbeddedServer, backend: Backend) -> None:
    """An hour of seconds of three series, a quarter of an hour missing, and a crash 25 minutes ago."""
    assert backend.recording is not None
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute(_SERIES)
        conn.execute(_FRAMES, (GAP[0] * 60, GAP[1] * 60))
        conn.execute(_FALL)


def objective(**facts: object) -> Objective:
    """Return an objective that is met, with other facts where given."""
    given = {
        "key": "database", "title": "Database", "target": 0.95, "unit": "share", "window_days": 30, "good": 98, "bad": 2, "value": 0.98,
        "budget_left": 0.6, "burn_short": 0.4, "burn_long": 0.5, "status": "ok", "reason": "", "at": NOW,
    }  # fmt: skip
    return Objective(**(given | facts))  # type: ignore[arg-type]  # facts of a test


def test_a_fresh_server_shows_checks_with_their_age_and_nothing_recorded(
    show_page: ShowPage, backend: Backend, actor: Actor, flashes: list[str]
) -> None:
    page = show_page(HealthPage).page
    assert list(page.checks.lines) == [check.name for check in backend.monitoring.health(actor=actor).checks]
    assert page.checks.lines["Database"].status == "ok"
    assert page.checks.lines["Database"].age.text()
    assert not any(card.chart.known for card in page.charts.cards.values())
    assert (
        page.charts.cards["pool"].chart.accessibleName() == "Connection pool: In use no data yet; Waiting no data yet; Capacity no data yet"
    )
    assert len(page.objectives.table.rows) >= 6
    unknown = {one.key for one in page.objectives.table.rows if one.budget_left is None}
    assert "sockets" in unknown, "nobody measures sockets before there are any"
    assert flashes == ["QWidget"], "only the window of this test"


def test_a_check_that_is_not_well_says_what_to_do_and_leads_there(show_page: ShowPage, backend: Backend) -> None:
    # what other tests of this home backed up
    shutil.rmtree(backend.settings.backups_dir, ignore_errors=True)
    shown = show_page(HealthPage)
    backup = shown.page.checks.lines["Backup"]
    assert backup.status != "ok"
    assert backup.advice.text() == "Back up now and verify it."
    backup.open.click()
    assert shown.gone_to == [("backup", {})]


@pytest.mark.usefixtures("recorded")
def test_history_keeps_peaks_gaps_and_the_moment_counters_fell(backend: Backend, actor: Actor) -> None:
    now = dt.datetime.now(dt.UTC)
    history = read_history(backend, actor, RANGES[0], now=now)
    used = history.lines["pool"][0].points
    assert len(used) == POINTS
    at = {round((now.timestamp() - moment) / 60, 2): value for moment, value in used}
    assert max(value for value in at.values() if value is not None) == 9, "one second of many is not lost"
    missing = [minutes for minutes, value in at.items() if value is None and minutes > 0.5]
    assert min(missing) == pytest.approx(GAP[0], abs=0.5)
    assert max(missing) == pytest.approx(GAP[1], abs=0.5)
    assert all(value is None for _, value in history.lines["lag"][0].points), "a series without a reading has no zeros"
    assert [mark.words for mark in history.marks] == ["counters fell: after a crash"]


@pytest.mark.usefixtures("recorded")
def test_the_readout_follows_mouse_and_keyboard_and_names_what_was_not_measured(show_page: ShowPage) -> None:
    chart = show_page(HealthPage).page.charts.cards["pool"].chart
    chart.setFocus()
    QTest.keyClick(chart, Qt.Key.Key_Left)
    assert chart.readout[1:] == ("In use  3", "Waiting  not measured", "Capacity  not measured")
    QTest.mouseMove(chart, chart.rect().center())
    QTest.keyClick(chart, Qt.Key.Key_Escape)
    assert chart.readout == ()
    chart.grab()
    assert chart.accessibleName().startswith("Connection pool: In use now 3, highest 9")


@pytest.mark.usefixtures("recorded")
def test_another_range_is_read_and_another_answer_never_stands_below_it(show_page: ShowPage, wait_until: Wait) -> None:
    page = show_page(HealthPage).page
    page.open_target(range="24h")
    wait_until(lambda: page.history.range_key == "24h")
    assert page.history.end - page.history.start == pytest.approx(86_400)


@pytest.mark.usefixtures("recorded")
def test_what_was_recorded_is_exported_by_those_who_may(show_page: ShowPage, tmp_path: Path, wait_until: Wait) -> None:
    shown = show_page(HealthPage)
    for name in ("metrics.csv", "metrics.json"):
        shown.page.export_to(tmp_path / name)
        wait_until(lambda name=name: f"Exported to {name}." in shown.said)
    assert "pool.in_use" in (tmp_path / "metrics.csv").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "metrics.json").read_text(encoding="utf-8"))
    assert not show_page(HealthPage, role="support").page.export.isVisible()


def test_an_objective_reads_as_it_stands_and_unknown_is_never_a_number() -> None:
    assert (target_words(objective()), value_words(objective())) == ("of 95 % in 30 d", "98 %")
    assert objective_state(objective(status="warn")) == ("at risk", "warn")
    nothing = objective(value=None, budget_left=None, burn_short=None, burn_long=None, status="unknown")
    assert (value_words(nothing), burn_words(nothing.burn_short), objective_state(nothing)) == ("not measured", "–", ("unknown", "none"))
    assert burn_words(14.4) == "14.4×"
    assert share_words(0.9912) == "99.1 %"


def test_an_objective_of_a_notice_is_chosen_and_tells_its_whole_reason(show_page: ShowPage) -> None:
    page = show_page(HealthPage).page
    page.open_target(slo="sockets")
    chosen = page.objectives.table.current()
    assert chosen.key == "sockets"
    assert page.objectives.reason.text() == chosen.reason


@pytest.mark.usefixtures("recorded")
def test_without_the_database_the_last_good_figures_stay_and_say_their_age(show_page: ShowPage, wait_until: Wait) -> None:
    shown = show_page(HealthPage)
    page = shown.page
    shown.backend.away = True
    for part in page._parts.values():
        part.ask()
    wait_until(lambda: not shown.desk.context.background.pending)
    assert page.stale.text().startswith("last answer ")
    assert page.charts.cards["pool"].chart.known
    assert page.checks.lines["Database"].status == "ok"
    shown.backend.away = False
    for part in page._parts.values():
        part.ask()
    settled(shown, wait_until)
    assert not page.stale.isVisible()


class Slow:
    """A backend that takes its time; asked in the window's own thread it would freeze it."""

    def __init__(self, backend: Backend, seconds: float) -> None:
        self._backend, self.seconds = backend, seconds

    def __getattr__(self, name: str) -> object:
        time.sleep(self.seconds)
        raise DatabaseAway("The database does not answer.")


def test_a_server_that_takes_its_time_never_freezes_the_window(
    show_page: ShowPage, backend: Backend, stall: Stall, wait_until: Wait
) -> None:
    shown = show_page(HealthPage)
    slow = Slow(backend, 0.6)
    shown.backend._backend = slow  # type: ignore[assignment]  # as slow as a server under load
    stall.longest_ms = 0.0
    for part in shown.page._parts.values():
        part.ask()
    wait_until(lambda: not shown.desk.context.background.pending, timeout=10)
    assert stall.longest_ms < slow.seconds * 1000
    assert shown.page.loaded
    with pytest.raises(DatabaseAway):
        _ = slow.monitoring
    # asked in the window's own thread it would have frozen
    wait_until(lambda: stall.longest_ms >= slow.seconds * 900)
