"""Cases of ``test_fail_closed``: a privacy run, its report, and the report of readiness."""

from __future__ import annotations

import contextlib

from backend_core.errors import Cancelled
from backend_core.privacy import history
from tests.backend_core.audit.closed_cases import Act, World, case


@case("Privacy._begin")
def _begin(world: World) -> Act:
    def act() -> None:
        # one that is stopped before its first step
        with contextlib.suppress(Cancelled):
            world.backend.privacy.run(actor=world.actor, trigger="ci", cancelled=lambda: True)

    return act


@case("Privacy.export")
def _export(world: World) -> Act:
    with world.backend.database.begin("Pretend") as conn:
        number = history.begin(conn, trigger="ci", started_by="Ana", role="lectern_app", target="", revision="1")
        history.finish(conn, number, outcome="pass", error=None, seconds=1.0, cases=(), cells=())
    return lambda: world.backend.privacy.export(number, world.folder / "run.json", actor=world.actor)


@case("Readiness.export")
def _export_readiness(world: World) -> Act:
    world.backend.readiness.measure(actor=world.actor, only=["errors.sentences"])
    return lambda: world.backend.readiness.export(world.folder / "readiness.json", actor=world.actor)
