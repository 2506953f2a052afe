"""Every check turns red when its subject is broken, and green again: none of them is constant."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import fields, replace
from typing import Any

import pytest

from backend_core import __version__
from backend_core.monitoring.readiness.catalogue import BY_ID, CHECKS
from backend_core.monitoring.readiness.categories import CATEGORIES
from backend_core.monitoring.readiness.parts import Parts
from tests.backend_core.monitoring.readiness.breaks import BREAKS
from tests.backend_core.monitoring.readiness.stand_ins import PARTS, broken_parts
from tests.backend_core.monitoring.readiness.world import World
from tests.polling import eventually

LIVE = [check.id for check in CHECKS if not check.later]
# a subject that can be broken only so far
WARNS = {"safety.moderation", "secrets.kept"}
PROVES = {
    "pool.configured": ("B73",),
    "indexes.declared": ("B63", "B74"),
    "privacy.suite": ("B75", "B78"),
    "schema.head": ("B77",),
    "locking.stale_write": ("B63",),
    "pool.waits": ("B63",),
}


def broken(world: World, check_id: str) -> AbstractContextManager[Mapping[str, Any] | None]:
    """Return the block in which the subject of a check is broken."""
    if check_id in BREAKS:
        return BREAKS[check_id](world)
    changes = broken_parts(world)[check_id]
    if changes.keys() <= {field.name for field in fields(Parts)}:
        return nullcontext({"parts": replace(world.around.parts, **changes)})
    return nullcontext(changes)


@pytest.mark.parametrize(
    "check_id", [pytest.param(name, marks=pytest.mark.trace(*PROVES[name])) if name in PROVES else name for name in LIVE]
)
def test_a_check_turns_red_with_its_subject_and_green_again(world: World, check_id: str) -> None:
    # each process tells its figures every few seconds
    before = eventually(lambda: found if (found := world.look(check_id)).status != "unknown" else None)
    assert (before.status, before.value) == ("pass", before.value)
    with broken(world, check_id) as changes:
        found = world.look(check_id, changes)
    assert (found.status, found.value) == ("warn" if check_id in WARNS else "fail", found.value)
    after = eventually(lambda: found if (found := world.look(check_id)).status != "unknown" else None)
    assert (after.status, after.value) == ("pass", after.value)


@pytest.mark.trace("B75")
def test_a_privacy_run_of_a_day_ago_is_no_longer_green(world: World) -> None:
    world.change("privacy_runs", "finished_at = finished_at - interval '24.1 hours'")
    assert world.look("privacy.suite").status == "warn"
    world.change("privacy_runs", "finished_at = finished_at + interval '24.1 hours'")
    assert world.look("privacy.suite").status == "pass"


@pytest.mark.trace("B75", "B78")
@pytest.mark.parametrize(
    ("worse", "better"),
    [
        ("finished_at = finished_at - interval '26 hours'", "finished_at = finished_at + interval '26 hours'"),
        ("version = '0.0.9'", f"version = '{__version__}'"),
        ("schema_revision = '0001'", "schema_revision = (SELECT version_num FROM alembic_version)"),
        ("passed = 14", "passed = 40"),
    ],
    ids=["too old", "of another version", "of other tables", "too few rules"],
)
def test_a_privacy_run_that_passed_counts_only_while_it_is_of_now(world: World, worse: str, better: str) -> None:
    world.change("privacy_runs", worse)
    assert world.look("privacy.suite").status == "fail"
    world.change("privacy_runs", better)
    assert world.look("privacy.suite").status == "pass"


def test_every_check_whose_subject_exists_is_broken_once() -> None:
    assert set(BREAKS) | set(PARTS) == set(LIVE)
    assert not set(BREAKS) & set(PARTS)


def test_a_check_without_a_subject_is_declared_and_unknown_with_its_reason(world: World) -> None:
    later = [check for check in CHECKS if check.later]
    assert {check.id for check in later} >= {"sockets.refuses", "sockets.success", "limits.messages", "storage.s3", "providers.polly"}
    for check in later:
        found = world.look(check.id)
        assert (found.status, found.value) == ("unknown", check.later)


@pytest.mark.trace("B1")
def test_each_category_has_at_least_three_checks_with_words_a_threshold_and_a_source() -> None:
    assert len(BY_ID) == len(CHECKS) >= 27
    for kind in CATEGORIES:
        assert sum(check.category == kind.key for check in CHECKS) >= 3
    assert {check.category for check in CHECKS} == {kind.key for kind in CATEGORIES}
    for check in CHECKS:
        assert all((check.title, check.about.endswith("."), check.threshold, check.source, check.weight > 0)), check.id
        assert 0 < check.every_s <= check.limit_s / 2 or check.later
