"""The Audit log page on the screen over a real backend, for its tests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
from PySide6.QtWidgets import QApplication, QDialog
from pytestqt.qtbot import QtBot

from backend_core.backend import Backend
from backend_core.errors import DatabaseAway
from backend_core.policy import Actor, Target
from desktop.pages.audit.lines import AuditLine
from desktop.pages.audit.page import AuditPage
from desktop.widgets.page import PageContext
from tests.desktop.conftest import Desk

Wait = Callable[..., None]


class Switchable:
    """A backend whose database can be taken away, and parts of which can be replaced."""

    def __init__(self, backend: Backend, **parts: object) -> None:
        self._backend = backend
        self._parts = parts
        self.away = False
        self.asked_in: set[threading.Thread] = set()

    def __getattr__(self, name: str) -> Any:
        self.asked_in.add(threading.current_thread())
        if self.away:
            raise DatabaseAway("The database does not answer.")
        return self._parts[name] if name in self._parts else getattr(self._backend, name)


@dataclass
class Scene:
    """A page on the screen with everything around it."""

    backend: Switchable
    desk: Desk
    wait: Wait
    page: AuditPage = field(init=False)
    undos: list[Callable[[], object]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def lines(self) -> list[AuditLine]:
        """What is in view, from the top."""
        table = self.page.list.table
        first, last = table.visible()
        return [table.row_at(number) for number in range(first, last + 1)]

    @property
    def actions(self) -> list[str]:
        """The actions in view, from the top."""
        return [line.action for line in self.lines if line is not None]

    def settle(self) -> None:
        """Wait until the list that was asked for is on the screen, every row of it."""
        self.wait(lambda: self._answered() and self.page.list.table.settled)

    def ask(self, text: str) -> None:
        """Type a filter and wait for its list."""
        self.page.filters.type_text(text)
        self.settle()

    def refresh(self) -> None:
        """Refresh and wait until the answer was shown."""
        before = self.page.list.news_count
        self.page.refresh()
        self.wait(lambda: self.page.list.news_count > before)

    def dialog(self) -> Any:
        """Return the dialog that is open."""
        found = [one for one in QApplication.topLevelWidgets() if isinstance(one, QDialog) and one.isVisible()]
        assert len(found) == 1
        return found[0]

    def _answered(self) -> bool:
        listing = self.page.list.listing
        return listing is not None and listing.wanted == self.page.filters.wanted


@contextmanager
def audit_scene(
    qtbot: QtBot, make_desk: Callable[..., Desk], backend: Switchable, *, actor: Actor, wait: Wait, load: bool = True
) -> Iterator[Scene]:
    """Show the page until the block ends."""
    desk = make_desk(backend, actor=actor)
    scene = Scene(backend, desk, wait)

    def notify(words: str, *, tone: str = "ok", undo: Callable[[], object] | None = None, action: str = "") -> None:
        scene.said.append(f"{tone}: {words}{action}")
        if undo is not None:
            scene.undos.append(undo)

    given = desk.context
    scene.page = AuditPage(PageContext(backend, actor, given.background, given.changes, given.commands, notify, given.navigate, given.dock))
    qtbot.addWidget(scene.page)
    scene.page.resize(1228, 846)
    scene.page.show()
    if load:
        wait(lambda: scene.page.loaded)
        scene.settle()
    yield scene
    scene.page.hide()
    QApplication.processEvents()
    wait(lambda: not scene.page.context.background.pending)


@contextmanager
def scene_maker(qtbot: QtBot, make_desk: Callable[..., Desk], backend: Backend, actor: Actor, wait: Wait) -> Iterator[Callable[..., Scene]]:
    """Give a function that shows the page: as ``role`` or ``who``, with parts of the backend replaced, and loaded unless told otherwise."""
    with ExitStack() as scenes:

        def make(*, role: str = "", who: Actor | None = None, load: bool = True, **parts: object) -> Scene:
            person = who or (replace(actor, role=role) if role else actor)
            return scenes.enter_context(audit_scene(qtbot, make_desk, Switchable(backend, **parts), actor=person, wait=wait, load=load))

        yield make


def record(backend: Backend, actor: Actor, *actions: str, **more: Any) -> None:
    """Write one event for each action, in one transaction."""
    with backend.database.begin("Record") as conn:
        for number, action in enumerate(actions):
            target = Target(kind=action.partition(".")[0], id=str(number))
            backend.audit.record(conn, actor=actor, action=action, target=target, **more)


def add_events(dsn: str, count: int, *, action: str = "audio.play", actor: str = "Mara Koch", seconds: int = 60) -> None:
    """Insert sealed events straight into the tables, ``seconds`` apart, the newest now; their chain is not genuine."""
    events = """
        INSERT INTO audit_event
            (at, writer, wseq, leaf, actor, role, action, target, outcome, workstation, client_version, correlation_id)
        SELECT now() - make_interval(secs => (%(count)s - n) * %(seconds)s), 'w', n, sha256(n::text::bytea), %(actor)s, 'admin', %(action)s,
               'audio:' || n, 'done', 'WS-1', '0.1.0', 'many'
        FROM generate_series(1, %(count)s) AS n
    """
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute(events, {"count": count, "seconds": seconds, "actor": actor, "action": action})
    place_all(dsn)


def place_all(dsn: str) -> None:
    """Give every event that has none its position under one seal, as the sealer does, but without a genuine signature."""
    positions = """
        WITH top AS (SELECT coalesce(max(position), 0) AS position, coalesce(max(seal_id), 0) + 1 AS seal FROM audit_position)
        INSERT INTO audit_position (position, event_id, seal_id)
        SELECT top.position + row_number() OVER (ORDER BY id), id, top.seal
        FROM audit_event, top WHERE id NOT IN (SELECT event_id FROM audit_position)
    """
    seal = """
        INSERT INTO audit_seal
            (id, generation, size, first_position, last_position, root, head, at, key_id, signature, checkpoint, horizon)
        SELECT seal_id, 1, count(*), min(position), max(position), sha256('root'), sha256('head'), now(), 'key', 'x', 'x', '1'
        FROM audit_position WHERE seal_id = (SELECT max(seal_id) FROM audit_position) GROUP BY seal_id
    """
    with psycopg.connect(dsn, autocommit=True) as conn:
        if conn.execute(positions).rowcount:
            conn.execute(seal)
