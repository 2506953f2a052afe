"""The benchmark of the Audit log page measures the real window over the log of a home."""

from __future__ import annotations

import sys

from backend_core.backend import Backend
from backend_core.bench import audit_page
from backend_core.db.embedded import EmbeddedServer
from backend_core.policy import Actor
from tests.desktop.pages.audit_scene import add_events


def test_a_short_round_gives_frames_jumps_and_memory_beside_offset(backend: Backend, actor: Actor, clean: EmbeddedServer) -> None:
    add_events(clean.admin_dsn, 3000)
    found = {record["name"]: record for record in audit_page.run(rounds=2, home=clean.cluster.home)}
    names = [f"audit_page.{kind}" for kind in ("wheel", "page", "drag", "jump", "date", "filtered", "first")]
    memory = ["audit_page.memory", "audit_page.leak"] if sys.platform == "linux" else []
    assert list(found) == [*names, *memory]
    assert all(found[name]["value"] > 0 and found[name]["control"] > 0 for name in names)
    assert all("events; " in record["note"] for record in found.values())


def test_the_control_reads_the_same_rows_as_the_list(backend: Backend, actor: Actor, clean: EmbeddedServer) -> None:
    add_events(clean.admin_dsn, 700)
    total = backend.trail.summary(actor=actor).total
    ours = backend.trail.page(total - 300, 20, actor=actor)
    # the sign-in of this test came before the rows and yet later than their times, so by time it is the first row
    control = audit_page.offset_page(backend.database, 301, 20)
    assert [row.id for row in ours] == [row.id for row in control]
