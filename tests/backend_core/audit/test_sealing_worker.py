"""The worker seals within a second of a commit, whatever else it does; health says when nobody does."""

from __future__ import annotations

import datetime as dt

from backend_core.audit.sealer import SealLag
from backend_core.backend import Backend
from backend_core.monitoring import health
from backend_core.policy import Actor, Target
from backend_core.settings import Settings
from tests.backend_core.jobs.conftest import Serve, serving  # noqa: F401  # a fixture
from tests.polling import eventually


def write(backend: Backend, actor: Actor) -> None:
    with backend.database.begin("Test") as conn:
        backend.audit.record(conn, actor=actor, action="document.read", target=Target(kind="document", id="1"))


def test_a_worker_seals_what_was_committed_and_goes_on_doing_so(
    backend: Backend, actor: Actor, settings: Settings, serving: Serve  # noqa: F811  # the fixture
) -> None:  # fmt: skip
    write(backend, actor)
    assert backend.seals.lag().rows >= 1
    with serving(backend, settings):
        for _ in range(3):
            eventually(lambda: backend.seals.lag().rows == 0)
            write(backend, actor)
        eventually(lambda: backend.seals.lag().rows == 0)
    assert backend.seals.verify(actor=actor).ok


def test_health_says_how_far_the_seals_are_behind(backend: Backend, actor: Actor) -> None:
    write(backend, actor)
    found = {check.name: check for check in backend.monitoring.health(actor=actor).checks}["Audit seal"]
    assert found.status == "ok"
    assert "no worker is alive" in found.detail
    assert health.audit_seal(SealLag(rows=0, seconds=0), workers=1).status == "ok"
    assert health.audit_seal(SealLag(rows=3, seconds=2), workers=1).status == "ok"
    late = health.audit_seal(SealLag(rows=3, seconds=11), workers=1)
    assert (late.status, late.detail) == ("degraded", "3 rows wait for 11 s")


def test_a_transaction_that_stays_open_shows_as_lag(backend: Backend, actor: Actor) -> None:
    backend.seals.seal()
    with backend.database.begin("Slow") as slow:
        backend.audit.record(slow, actor=actor, action="document.read", target=Target(kind="document", id="1"))
        began = dt.datetime.now(dt.UTC)
        write(backend, actor)
        backend.seals.seal()
        lag = backend.seals.lag()
        assert lag.rows == 1
        assert 0 <= lag.seconds <= (dt.datetime.now(dt.UTC) - began).total_seconds() + 1
    backend.seals.seal()
    assert backend.seals.lag().rows == 0
