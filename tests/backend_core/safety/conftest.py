"""People, conversations and a service on this computer that speaks as a moderation endpoint does."""

from __future__ import annotations

import http.server
import json
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from backend_core.backend import Backend
from backend_core.conversations.records import IncomingMessage, Received
from backend_core.policy import Actor
from tests.backend_core.verb_calls import LATER

PHONE = "+15550100001"
OTHER = "+15550100002"
GUID = "iMessage;+;chat-safety"


class Service:
    """A real HTTP server that answers as it is told and keeps what it was sent.

    Attributes:
        answer: returns status and body for a request.
        requests: path, headers and body of each.
    """

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.answer: Callable[[str, bytes], tuple[int, bytes]] = lambda _path, _body: (200, scored())
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                outer.requests.append((self.path, dict(self.headers), body))
                status, content = outer.answer(self.path, body)
                self.send_response(status)
                if status in (301, 302, 307):
                    self.send_header("Location", f"http://{outer.host}/elsewhere")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_args: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


CATEGORIES = (
    "harassment", "harassment/threatening", "hate", "hate/threatening", "self-harm", "self-harm/intent", "self-harm/instructions", "sexual",
    "sexual/minors", "violence", "violence/graphic",
)  # fmt: skip


def scored(pieces: int = 1, flagged: tuple[str, ...] = (), **scores: float) -> bytes:
    """Return an answer of the endpoint; names of categories have ``_`` for ``/`` and ``-``."""
    known = dict.fromkeys(CATEGORIES, 0.0001)
    known |= {
        next(full for full in CATEGORIES if full.replace("/", "_").replace("-", "_") == name): score for name, score in scores.items()
    }
    result = {"flagged": bool(flagged), "categories": {name: name in flagged for name in CATEGORIES}, "category_scores": known}
    return json.dumps({"id": "modr-1", "model": "m", "results": [result] * pieces}).encode()


@pytest.fixture
def service() -> Iterator[Service]:
    """A service on this computer."""
    running = Service()
    yield running
    running.stop()


@pytest.fixture
def admin(actor: Actor) -> Actor:
    """The administrator, with a reason and having just proven who they are."""
    return replace(actor, reason="a test", proven_until=LATER)


@pytest.fixture
def people(backend: Backend, admin: Actor) -> uuid.UUID:
    """Two contacts, the persona Sage, and a group with both; return the first contact's id."""
    backend.people.save_persona("sage", name="Sage", passport={}, version=0, actor=admin)
    first = backend.people.add_contact("Ana", phone=PHONE, actor=admin)
    backend.people.add_contact("Ben", phone=OTHER, actor=admin)
    backend.conversations.create_group(GUID, title="Trip", persona="sage", members=(PHONE, OTHER), actor=admin)
    return first.id


Say = Callable[..., Received]


@pytest.fixture
def say(backend: Backend, admin: Actor, people: uuid.UUID) -> Say:
    """Return a function that takes in a message, direct to Sage or in the group."""

    def take(text: str, *, group: bool = False, **more: Any) -> Received:
        where: dict[str, Any] = {"chat_guid": GUID, "is_group": True} if group else {}
        return backend.conversations.receive(IncomingMessage(text=text, sender=PHONE, persona="sage", **where, **more), actor=admin)

    return take
