"""The cards of the overview that tell how the program itself is: indexes, readiness, traffic, the privacy boundary, alerts."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from backend_core.backend import Backend
from backend_core.monitoring.metrics import Series
from backend_core.notices.records import NewNotice
from backend_core.policy import SUPPORT, Actor
from backend_core.privacy.records import Run, Standing
from desktop.pages.overview.page import WIDE_FROM
from desktop.pages.overview.privacy_card import PrivacyCard
from desktop.pages.overview.readiness_card import ReadinessCard
from desktop.pages.overview.traffic_card import TrafficCard
from desktop.style import Theme

Wait = Callable[..., None]
NOW = dt.datetime.now(dt.UTC)


def test_what_nobody_measured_yet_is_unknown_and_never_a_nought(backend: Backend, actor: Actor, open_overview: Any) -> None:
    page, _ = open_overview(backend, actor)
    assert not page.readiness.score.isVisible()
    assert page.readiness.of.text() == "no check was run yet"
    assert page.readiness.state.text() == "not all gates known"
    assert page.traffic.state.text() == "not recorded yet"
    assert page.privacy.state.text() == "not tried yet"
    assert not page.privacy.heading.isVisible()
    assert page.alerts.empty.isVisible()


def test_an_alert_is_shown_worst_first_and_leads_to_its_page_until_it_is_over(
    backend: Backend, actor: Actor, open_overview: Any, wait_until: Wait
) -> None:
    system = backend.system()
    for kind, severity, title in (("disk", "warn", "Little room"), ("worker", "bad", "No <b>worker</b>")):
        new = NewNotice(kind=kind, subject="", severity=severity, title=title, body="See to it.", page="jobs", target={"tab": "x"})
        backend.notices.raise_(new, actor=system)
    page, desk = open_overview(backend, actor)
    assert page.alerts.titles == ("No <b>worker</b>", "Little room")
    assert page.alerts.state.text() == "2 open"
    page.alerts.opened.emit(backend.notices.listing(actor=actor)[0])
    assert desk.navigated == [("jobs", {"tab": "x"})]
    for kind in ("disk", "worker"):
        backend.notices.resolve(kind, "", actor=system)
    desk.context.changes.hint("notices")
    wait_until(page.alerts.empty.isVisible, timeout=15)


def test_support_staff_see_no_card_that_they_may_not_read(backend: Backend, actor: Actor, open_overview: Any) -> None:
    page, _ = open_overview(backend, dataclasses.replace(actor, role=SUPPORT))
    assert not page.indexes.isVisible()
    assert page.health.isVisible()
    other, _ = open_overview(backend, actor)
    assert other.indexes.isVisible()
    assert other.indexes.lines
    assert not any(name.startswith(("pk_", "uq_")) for name in other.indexes.lines)


def test_in_a_narrow_window_no_card_is_cut_off(backend: Backend, actor: Actor, open_overview: Any, wait_until: Wait) -> None:
    page, _ = open_overview(backend, actor)
    page.resize(WIDE_FROM - 280, 600)
    cards = (page.pool, page.wait, page.indexes, page.readiness, page.traffic, page.privacy, page.health, page.jobs, page.alerts)
    wait_until(lambda: all(card.isVisible() for card in cards))
    wait_until(lambda: all(card.mapTo(page, card.rect().topRight()).x() < page.width() for card in cards))
    assert page.wait.y() == page.pool.y()
    assert page.indexes.parentWidget() is not page.pool.parentWidget()


def test_seconds_become_minutes_and_a_pause_stays_a_pause(theme: Theme, qtbot: QtBot) -> None:
    card = TrafficCard(on_range=lambda: None)
    qtbot.addWidget(card)
    at = [NOW - dt.timedelta(minutes=n) for n in (3, 2, 1)]
    calls = Series(name="statements.calls", unit="1", points=((at[0], 30.0), (at[1], None), (at[2], 90.0)), resolution_s=60)
    p95 = Series(name="statements.p95_ms", unit="ms", points=((at[0], 4.0), (at[1], None), (at[2], 12.0)), resolution_s=60)
    card.show_series((calls, p95), NOW)
    assert card.about.text() == "slowest p95 12 ms"
    assert card.state.text() == ""
    hourly = dataclasses.replace(calls, points=((at[2], 7200.0),), resolution_s=3600)
    card.show_series((hourly, dataclasses.replace(p95, points=())), NOW)
    assert "120" in card.chart.toolTip()
    assert theme is not None


@pytest.mark.parametrize(
    ("gate", "leaks", "words"), [("ok", 0, "0 leaks"), ("failed", 1, "1 leak"), ("stale", 0, "not current"), ("never", 0, "not tried yet")]
)
def test_the_boundary_is_called_whole_only_when_it_is(theme: Theme, qtbot: QtBot, gate: Any, leaks: int, words: str) -> None:
    card = PrivacyCard(on_open=lambda: None)
    qtbot.addWidget(card)
    run = Run(
        id=1, started_at=NOW, finished_at=NOW, trigger="window", started_by="x", database_role="lectern_app", schema_revision="1",
        version="1", target="", passed=73 - leaks, failed=leaks, cells=1024, leaks=leaks, seconds=7.0,
        outcome="fail" if leaks else "pass", error=None,
    )  # fmt: skip
    runs = () if gate == "never" else (run,)
    card.show_standing(Standing(gate=gate, reason="Because.", run=runs[0] if runs else None, next_at=None), runs)
    assert card.state.text() == words
    assert card.reason.text() == ("" if gate == "ok" else "Because.")
    assert card.marks.accessibleName() == ("0 runs, 0 failed" if gate == "never" else f"1 runs, {leaks} failed")
    assert theme is not None


def test_readiness_names_a_failing_gate_whatever_the_score(theme: Theme, qtbot: QtBot, backend: Backend, actor: Actor) -> None:
    card = ReadinessCard(on_open=lambda: None)
    qtbot.addWidget(card)
    report = dataclasses.replace(backend.readiness.report(actor=actor), score=97.0, known=60)
    card.show_report(dataclasses.replace(report, gates_failed=("privacy.suite",), status="not ready"))
    assert (card.score.text(), card.state.text()) == ("97", "1 gate fails")
    card.show_report(dataclasses.replace(report, gates_open=(), status="ready"))
    assert card.state.text() == "gates passed"
    assert theme is not None
