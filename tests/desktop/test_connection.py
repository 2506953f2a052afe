"""Whether the database answers: how often it is asked, and what one answer ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import shiboken6
from PySide6.QtCore import QObject

from backend_core.errors import DatabaseAway
from desktop.background import Background
from desktop.connection import BEAT_MS, RETRY_MS, Connection, Link

Wait = Callable[..., None]


class Server:
    """Answers or does not."""

    def __init__(self) -> None:
        self.worker = self
        self.answers = True
        self.fails = False
        self.ensured = 0

    def heal(self) -> bool:
        if self.fails:
            raise DatabaseAway("The database does not answer.")
        return self.answers

    def ensure(self) -> None:
        self.ensured += 1


@pytest.fixture
def connection(background: Background) -> Iterator[Connection]:
    parent = QObject()
    made = Connection(background, parent=parent)
    yield made
    made.stop()
    shiboken6.delete(parent)


def answer(connection: Connection, wait_until: Wait) -> Link:
    """Ask once and return what came of it."""
    seen: list[Link] = []
    connection.changed.connect(seen.append)
    connection.ask()
    wait_until(lambda: seen)
    connection.changed.disconnect(seen.append)
    return seen[-1]


@pytest.mark.parametrize("how", ["answers", "fails"])
def test_questions_without_an_answer_grow_apart_and_one_answer_ends_that(connection: Connection, how: str, wait_until: Wait) -> None:
    server = Server()
    connection.start(server)
    wait_until(lambda: connection.link.state == "connected")
    assert connection.wait_ms == BEAT_MS
    good_at = connection.link.good_at
    setattr(server, how, how == "fails")
    waits = []
    for _ in range(6):
        assert answer(connection, wait_until).state == "offline"
        waits.append(connection.wait_ms)
    assert waits == [*RETRY_MS, RETRY_MS[-1], RETRY_MS[-1]]
    assert connection.link.good_at == good_at
    setattr(server, how, how != "fails")
    assert answer(connection, wait_until).state == "connected"
    assert connection.wait_ms == BEAT_MS


def test_a_worker_is_kept_alive_only_while_the_database_answers(connection: Connection, wait_until: Wait) -> None:
    server = Server()
    server.answers = False
    connection.start(server)
    wait_until(lambda: connection.link.state == "offline")
    assert server.ensured == 0
    server.answers = True
    assert answer(connection, wait_until).state == "connected"
    assert server.ensured == 1
