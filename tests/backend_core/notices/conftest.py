"""An administrator, notices to raise, and real servers on this computer that take mail and posts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backend_core.backend import Backend
from backend_core.notices.outbox import SECRETS
from backend_core.notices.records import NewNotice
from backend_core.policy import Actor
from tests.backend_core.notices.mail_server import MailServer, make_certificate
from tests.backend_core.safety.conftest import Service
from tests.backend_core.verb_calls import LATER

ADDRESS = "admin@example.org"
Raise = Callable[..., int]


@pytest.fixture
def admin(backend: Backend, actor: Actor) -> Actor:
    """The administrator, with a reason and having just proven who they are; nothing is left of an earlier test's secrets."""
    for name in SECRETS.values():
        backend.credentials.delete(name)
    return replace(actor, reason="a test", proven_until=LATER)


@pytest.fixture
def system(backend: Backend) -> Actor:
    return backend.system()


@pytest.fixture
def notify(backend: Backend, system: Actor) -> Raise:
    """Return a function that raises a notice and returns its id."""

    def call(kind: str = "pool_full", subject: str = "worker", **more: object) -> int:
        facts = {"severity": "warn", "title": "A pool is full", "body": "8 of 10 are in use.", "page": "database"} | more
        return backend.notices.raise_(NewNotice(kind=kind, subject=subject, **facts), actor=system)  # type: ignore[arg-type]  # by name

    return call


@pytest.fixture
def mail() -> Iterator[MailServer]:
    """A mail server without encryption, as only this computer may have."""
    running = MailServer()
    yield running
    running.stop()


@pytest.fixture
def hook() -> Iterator[Service]:
    """A server that takes posts."""
    running = Service()
    running.answer = lambda _path, _body: (200, b"")
    yield running
    running.stop()


@pytest.fixture
def by_mail(backend: Backend, admin: Actor, mail: MailServer) -> MailServer:
    """The mail server, set up and consented to."""
    set_up_mail(backend, admin, mail.port)
    return mail


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate that nobody knows, and its key."""
    return make_certificate(tmp_path)


def set_up_mail(backend: Backend, admin: Actor, port: int, *, security: str = "none", host: str = "127.0.0.1", user: str = "") -> None:
    changes: dict[str, bool | int | str | None] = {
        "notify_email": True, "admin_email": ADDRESS, "mail_host": host, "mail_port": port, "mail_security": security, "mail_user": user,
        "mail_sender": "lectern@example.org",
    }  # fmt: skip
    backend.house.update(changes, version=backend.house.read(admin).version, actor=admin)
    backend.egress.allow("mail", f"{host}:{port}", actor=admin)
