"""Schema revisions as an administrator sees them: what is there, what would be run, and running it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from backend_core.backend import Backend, owner_dsn
from backend_core.db import migrate
from backend_core.db.revisions import revisions
from backend_core.errors import Conflict, NotAllowed, ProofNeeded, ReasonNeeded
from backend_core.policy import AUDITOR, SUPPORT, Actor

INDEXES = "0015"
"""The revision that builds indexes, which a dry run has to show whole."""
FRAME = ("BEGIN", "COMMIT", "--")
LATER = dt.datetime.max.replace(tzinfo=dt.UTC)


@pytest.fixture
def admin(actor: Actor) -> Actor:
    return replace(actor, reason="Ticket 12", proven_until=LATER)


@pytest.mark.trace("B77")
def test_the_newest_revision_is_applied_and_nothing_waits(backend: Backend, actor: Actor) -> None:
    state = backend.migrations.state(actor=actor)
    assert state.current == state.head == migrate.head()
    assert [one.id for one in state.applied] == [one.id for one in revisions()]
    assert state.pending == ()
    assert backend.migrations.dry_run(actor=actor) == ""


@pytest.mark.trace("B28", "B77")
def test_a_dry_run_shows_the_sql_and_changes_nothing_and_a_run_applies_it(backend: Backend, admin: Actor) -> None:
    kept, waiting = ([one.id for one in revisions() if (one.id >= INDEXES) is later] for later in (False, True))
    migrate.downgrade(owner_dsn(backend.settings), target=kept[-1])
    try:
        state = backend.migrations.state(actor=admin)
        assert [one.id for one in state.pending] == waiting
        shown = backend.migrations.dry_run(actor=admin)
        assert "CREATE INDEX CONCURRENTLY idx_audio_object" in shown
        assert [one for one in waiting if f"version_num='{one}'" not in shown] == []
        assert backend.migrations.state(actor=admin).current == state.current
        backend.migrations.run(actor=admin)
        assert backend.migrations.state(actor=admin).pending == ()
        rows = [row for row in backend.audit.latest(actor=admin) if row.action == "migration.run"]
        assert [(row.outcome, row.after["step"], row.reason) for row in reversed(rows) if row.after] == [
            ("done", "asked", "Ticket 12"),
            ("done", "applied", "Ticket 12"),
        ]
    finally:
        migrate.upgrade(owner_dsn(backend.settings))


def test_nothing_is_run_when_nothing_is_missing_or_the_person_may_not(backend: Backend, admin: Actor) -> None:
    with pytest.raises(Conflict, match="of this version already"):
        backend.migrations.run(actor=admin)
    for person, refusal in (
        (replace(admin, role=AUDITOR), NotAllowed),
        (replace(admin, reason=None), ReasonNeeded),
        (replace(admin, proven_until=None), ProofNeeded),
    ):
        with pytest.raises(refusal):
            backend.migrations.run(actor=person)
    with pytest.raises(NotAllowed):
        backend.migrations.state(actor=replace(admin, role=SUPPORT))


def test_every_revision_says_what_it_is_for_and_what_it_runs() -> None:
    for one in revisions():
        assert one.title
        assert any("alembic_version" in line for line in one.sql_lines)
        work = [line for line in one.sql_lines if not line.startswith(FRAME) and "alembic_version" not in line]
        assert work, one.id
