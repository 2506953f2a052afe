"""Thirty connections beside ten, under the same clients; what the benchmark measures at length."""

from __future__ import annotations

import pytest

from backend_core.bench.pool_capacity import BEFORE, NOW, Load, load, opened, use_of
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import APP

CLIENTS = 50
KEEP_S = 0.5
WAIT_S = 1.25
"""Fifty clients on thirty connections wait for one turn of the others, on ten connections for four."""


def loaded(server: EmbeddedServer, size: tuple[int, int]) -> Load:
    with opened(server.dsn(APP), size, wait_s=WAIT_S) as database:
        return load(database, clients=CLIENTS, hold_s=KEEP_S, requests=1)


@pytest.mark.trace("B87", "B88", "B89")
def test_thirty_connections_serve_fifty_clients_without_an_error_where_ten_fail_and_are_three_times_as_many(server: EmbeddedServer) -> None:
    before, now = loaded(server, BEFORE), loaded(server, NOW)
    assert (before.connections, now.connections) == (10, 30)
    assert now.connections / before.connections == 3
    assert (now.errors, now.done) == (0, CLIENTS)
    assert before.errors > 0
    assert before.errors + before.done == CLIENTS


@pytest.mark.trace("B105")
def test_users_with_pauses_need_far_less_than_the_expected_share_and_users_without_need_all(server: EmbeddedServer) -> None:
    with opened(server.dsn(APP), NOW, wait_s=30.0) as database:
        usual = use_of(database, users=20, hold_s=0.02, think_s=0.5, seconds=1.0)
        always = use_of(database, users=40, hold_s=0.02, think_s=0.0, seconds=0.5)
    assert 0 < usual <= 30 < always <= 100
