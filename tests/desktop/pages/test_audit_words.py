"""What the Audit log page writes: chips, times, titles, differences."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from backend_core.audit.query import AuditFilter
from backend_core.policy import ALLOWED
from desktop.pages.audit.diff import DiffView, diff_lines
from desktop.pages.audit.lines import time_text
from desktop.pages.audit.tail_bar import news_words
from desktop.pages.audit.words import action_icon, chip_words, event_title, filter_parts, filter_words, grave, problem_title
from desktop.style import Theme
from desktop.style.resources import resource


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Every event"),
        ("since:24h", "Last 24 hours"),
        ("since:1h", "Last hour"),
        ("since:2026-11-01 until:2026-11-20", "Since 2026-11-01 · Until 2026-11-20"),
        ("actor:ana,ben action:memory.*,settings.update", "Actor: ana, ben · Action: memory, settings.update"),
        ("correlation:c7f1-92ab role:admin", "Role: admin · Correlation: c7f1-92ab"),
    ],
)
def test_a_filter_is_said_in_words(qapp: QApplication, text: str, words: str) -> None:
    assert filter_words(AuditFilter.parse(text)) == words
    assert qapp is not None


def test_each_part_of_a_filter_has_a_chip(qapp: QApplication) -> None:
    wanted = AuditFilter.parse("actor:a action:b target:c outcome:done correlation:d workstation:e role:f since:1d until:2099-01-01")
    parts = filter_parts(wanted)
    assert len(parts) == len(AuditFilter.__dataclass_fields__)
    assert len({chip_words(key, values) for key, values in parts}) == len(parts)
    assert qapp is not None


def test_every_action_of_the_policy_has_a_title_and_an_icon(qapp: QApplication) -> None:
    for action in ALLOWED:
        assert event_title(action)[0].isupper()
        assert resource(f"icons/{action_icon(action)}.svg").is_file()
    assert event_title("memory.expire_old") == "Memory expire old"
    assert grave("document.delete")
    assert not grave("document.rename")
    assert qapp is not None


def test_a_problem_of_any_kind_has_words(qapp: QApplication) -> None:
    assert problem_title("witness") == "A witness remembers another history"
    assert problem_title("something_new") == "Something new"
    assert qapp is not None


def test_times_say_as_much_as_their_age_needs() -> None:
    now = datetime(2026, 11, 21, 14, 0, tzinfo=UTC).astimezone()
    at = now.replace(hour=9, minute=5, second=1, microsecond=208_000)
    assert time_text(at, now) == "09:05:01.208"
    assert time_text(at - timedelta(days=1), now) == "20 Nov 09:05:01"
    assert time_text(at - timedelta(days=400), now) == "2025-10-17 09:05"


def test_a_difference_shows_what_went_and_what_came_and_keeps_control_characters_visible() -> None:
    assert diff_lines(None, {"a": 1}) == [("+", '"a": 1')]
    assert diff_lines({"a": 1}, None) == [("-", '"a": 1')]
    assert diff_lines({"x": [1, 2]}, {"x": [1, 2]}) == [(" ", line) for line in ('"x": [', "  1,", "  2", "]")]
    assert diff_lines(None, {"a": "b\u202ec"}) == [("+", '"a": "b\\u202ec"')]
    assert diff_lines(None, None) == []


def test_long_lines_of_a_difference_go_on_below_and_very_many_are_counted(qtbot: QtBot, theme: Theme) -> None:
    view = DiffView()
    qtbot.addWidget(view)
    view.resize(300, 10)
    view.show_lines([("+", "x" * 200)])
    assert view.height() > 5 * 21
    view.show_lines([(" ", "y")] * 500)
    assert view.height() == 201 * 21 + 16
    assert theme is not None


def test_news_are_counted_in_words(qapp: QApplication) -> None:
    assert news_words(1, 0, filtered=False, more=False) == "1 newer event"
    assert news_words(6, 2, filtered=True, more=False) == "6 newer events match, 2 still sealing"
    assert news_words(512, 0, filtered=False, more=True) == "512+ newer events"
    assert qapp is not None
