"""The filter of the audit log as text: what it accepts, what it refuses, and that text and filter are the same thing."""

from __future__ import annotations

import datetime as dt

import pytest

from backend_core.audit.query import AuditFilter
from backend_core.errors import InvalidInput

NOW = dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.UTC)


def test_every_field_is_read() -> None:
    text = "actor:ana action:memory.*,share.* since:7d outcome:refused target:document:12 correlation:c7f1-92ab workstation:ws-1 role:admin"
    wanted = AuditFilter.parse(text)
    assert wanted == AuditFilter(
        actor=("ana",),
        action=("memory.*", "share.*"),
        target=("document:12",),
        outcome=("refused",),
        correlation=("c7f1-92ab",),
        workstation=("ws-1",),
        role=("admin",),
        since="7d",
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        'actor:"Ana Silva",ben',
        "until:2026-11-21 since:2026-11-01T10:30",
        'target:document:1 target:"a b:2"',
        "ACTION:audio.*",
        'actor:a,"b, c"',
    ],
)
def test_text_and_filter_are_the_same_thing(text: str) -> None:
    wanted = AuditFilter.parse(text)
    assert AuditFilter.parse(wanted.text()) == wanted
    assert wanted.empty == (not text.strip())


def test_times_are_utc_and_a_day_lasts_until_its_end() -> None:
    since, until = AuditFilter.parse("since:2026-11-01 until:2026-11-02").times(NOW)
    assert (since, until) == (dt.datetime(2026, 11, 1, tzinfo=dt.UTC), dt.datetime(2026, 11, 3, tzinfo=dt.UTC))
    since, until = AuditFilter.parse("since:24h until:2026-11-21T14:00+02:00").times(NOW + dt.timedelta(minutes=1))
    assert since == NOW - dt.timedelta(hours=23, minutes=59)
    assert until == NOW


def test_a_fixed_filter_no_longer_moves_with_the_clock() -> None:
    fixed = AuditFilter.parse("since:7d").fixed(NOW)
    assert fixed.times(NOW + dt.timedelta(days=90)) == (NOW - dt.timedelta(days=7), None)
    assert AuditFilter.parse(fixed.text()) == fixed


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("harbour", "harbour"),
        ("actor:Ana Silva", "Silva"),
        ("colour:red", "colour"),
        ("actor:", "actor"),
        ('actor:""', "actor"),
        ("since:yesterday", "yesterday"),
        ("since:7d since:8d", "since"),
        ("since:7d,8d", "since"),
        ("since:99999999d", "99999999d"),
        ("since:2026-13-01", "2026-13-01"),
        ("since:1d until:2d", "end"),
        ("outcome:maybe", "maybe"),
        ("action:*.play", "end"),
        ("actor:" + ",".join(f"a{n}" for n in range(51)), "50"),
        ("actor:" + "x" * 1000, "1000"),
        ('actor:"', "actor"),
        ("actor:a\x00b", "actor"),
    ],
)
def test_what_is_no_filter_is_refused_in_one_sentence_that_names_it(text: str, said: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        AuditFilter.parse(text)
    assert said in str(refusal.value)
    assert "\n" not in str(refusal.value)
