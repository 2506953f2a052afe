"""Numbers, sizes and times as people read them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from PySide6.QtCore import QLocale

from desktop.i18n import ago, byte_size, clock, date_time, duration, number, short_number, tr

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _british() -> Iterator[None]:
    before = QLocale()
    QLocale.setDefault(QLocale(QLocale.Language.English, QLocale.Country.UnitedKingdom))
    yield
    QLocale.setDefault(before)


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (812, "812"), (4_200, "4.2 k"), (40_000, "40 k"), (1_900_000, "1.9 M"), (3_000_000_000, "3 G")]
)
def test_short_numbers_keep_to_four_characters_and_a_suffix(value: float, shown: str) -> None:
    assert short_number(value) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.4, "0.4 s"), (48, "48 s"), (1_320, "22 min"), (9_660, "2 h 41 min"), (190_000, "2 d 4 h")]
)
def test_durations_use_at_most_two_units(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


@pytest.mark.parametrize(("seconds", "shown"), [(-1, "0:00"), (48.9, "0:48"), (725, "12:05"), (3_729, "1:02:09")])
def test_positions_in_audio_look_like_a_clock(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


def test_ages_and_dates_are_relative_near_now() -> None:
    assert [ago(NOW - timedelta(seconds=age), now=NOW) for age in (0, 40, 240, 93_600, 400_000)] == [
        "just now",
        "40 s ago",
        "4 min ago",
        "26 h ago",
        "4 d ago",
    ]
    assert date_time(NOW, now=NOW).startswith("Today ")
    assert date_time(NOW - timedelta(days=1), now=NOW).startswith("Yesterday ")
    assert date_time(NOW - timedelta(days=400), now=NOW).endswith("2025")


def test_numbers_sizes_and_places_follow_the_locale() -> None:
    assert number(1284) == "1,284"
    assert byte_size(412_000) == "412 kB"
    assert tr("{n} pages of {title}", n=3, title="{x}") == "3 pages of {x}"
