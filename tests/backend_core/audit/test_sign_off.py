"""The sign-off of a release is a row of the audit log: name, date, version."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from backend_core.audit.sign_off import Judgement, SignOffs
from backend_core.backend import Backend
from backend_core.errors import InvalidInput, NotAllowed
from backend_core.policy import AUDITOR, SUPPORT, Actor


@pytest.mark.trace("B112")
def test_a_sign_off_holds_name_date_and_version(backend: Backend, actor: Actor) -> None:
    remarks = replace(actor, reason="All figures met.")
    ready = SignOffs(backend.database, backend.audit, judge=lambda _conn, _version: Judgement(score=93.5, coverage=0.9, run_id=7))
    ready.sign_off("1.2.3", reviewer="  Mara   Koch ", verdict="go", actor=remarks)
    backend.releases.sign_off("1.2.4", reviewer="Ana Silva", verdict="no-go", actor=actor)
    newest, oldest = backend.releases.sign_offs(actor=replace(actor, role=AUDITOR))
    assert (newest.version, newest.reviewer, newest.verdict, newest.reason) == ("1.2.4", "Ana Silva", "no-go", None)
    assert (oldest.version, oldest.reviewer, oldest.verdict, oldest.reason) == ("1.2.3", "Mara Koch", "go", "All figures met.")
    assert (oldest.score, oldest.coverage, oldest.run_id) == (93.5, 0.9, 7)
    assert abs(dt.datetime.now(dt.UTC) - oldest.at) < dt.timedelta(minutes=5)
    recorded = backend.audit.latest(actor=actor, limit=2)
    assert [(row.action, row.target, row.actor) for row in recorded] == [
        ("release.sign_off", "release:1.2.4", actor.name),
        ("release.sign_off", "release:1.2.3", actor.name),
    ]


@pytest.mark.parametrize(
    ("version", "reviewer", "verdict"),
    [
        ("next", "Mara", "go"),
        ("1.2", "Mara", "go"),
        ("1.2.3", "", "go"),
        ("1.2.3", "x" * 201, "go"),
        ("1.2.3", "a\x00b", "go"),
        ("1.2.3", "Mara", "maybe"),
    ],
)
def test_nonsense_is_refused(backend: Backend, actor: Actor, version: str, reviewer: str, verdict: str) -> None:
    with pytest.raises(InvalidInput):
        backend.releases.sign_off(version, reviewer=reviewer, verdict=verdict, actor=actor)
    assert backend.releases.sign_offs(actor=actor) == ()


def test_only_administrators_sign_off(backend: Backend, actor: Actor) -> None:
    for role in (SUPPORT, AUDITOR):
        with pytest.raises(NotAllowed):
            backend.releases.sign_off("1.2.3", reviewer="Mara", verdict="go", actor=replace(actor, role=role))
