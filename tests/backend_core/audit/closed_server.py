"""The ways into what records that a session of the server was stopped or its schema changed; importing this adds them to the cases."""

from __future__ import annotations

import datetime as dt

import psycopg

from backend_core.backend import owner_dsn
from backend_core.db import migrate
from backend_core.db.revisions import revisions
from backend_core.db.roles import APP
from tests.backend_core.audit.closed_cases import Act, World, case
from tests.backend_core.verb_calls import proven


@case("ServerMonitor._recorded")
def _stop(world: World) -> Act:
    conn = psycopg.connect(world.server.dsn(APP), autocommit=True)
    row = conn.execute("SELECT pg_backend_pid(), backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid()").fetchone()
    assert row is not None
    pid, started = int(row[0]), row[1].astimezone(dt.UTC)

    def act() -> None:
        world.backend.server.terminate(pid, started, actor=proven(world.actor))
        conn.close()

    return act


@case("Migrations._note")
def _migrate(world: World) -> Act:
    owner = owner_dsn(world.backend.settings)
    migrate.downgrade(owner, target=revisions()[-2].id)
    return lambda: world.backend.migrations.run(actor=proven(world.actor))
