"""Fifty clients for five minutes and a hundred for one, on thirty connections: not one error, and nothing left out."""

from __future__ import annotations

import os

import psycopg
import pytest

from backend_core.db.conninfo import application_name
from backend_core.db.database import Database
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import APP
from tests.polling import eventually
from tests.pool_clients import run_clients

pytestmark = pytest.mark.soak
MINUTE_S = float(os.environ.get("MINUTE", "60"))
NAME = "lectern-soak"


@pytest.mark.trace("B4", "B13", "B88")
@pytest.mark.parametrize(("clients", "minutes"), [(50, 5), (100, 1)])
def test_clients_that_outnumber_the_connections_for_minutes_meet_no_error(server: EmbeddedServer, clients: int, minutes: int) -> None:
    database = Database.open(server.dsn(APP), application=NAME)
    try:
        found = run_clients(database, clients=clients, seconds=minutes * MINUTE_S)
        with psycopg.connect(server.admin_dsn) as admin:
            row = admin.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", (application_name(NAME),)).fetchone()
        eventually(lambda: database.pool.snapshot().idle == database.pool.snapshot().size)
        snapshot = database.pool.snapshot()
    finally:
        database.close()
    waits = f"wait p99 {snapshot.wait.p99} ms, longest {snapshot.wait.longest} ms"
    print(f"{clients} clients, {minutes * MINUTE_S:g} s: {found.done} operations, {waits}")
    assert found.errors == ()
    assert found.done > clients * minutes
    assert row is not None
    assert 0 < row[0] <= 30
    assert (snapshot.in_use, snapshot.waiting, snapshot.timeouts, snapshot.lost, snapshot.leaked) == (0, 0, 0, 0, 0)
