"""What runs in the processes that are killed while they take in a photo, look at it, renew a token or change its key."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from backend_core.backend import Backend, open_backend
from backend_core.credentials.token_records import Grant
from backend_core.credentials.tokens import Tokens
from backend_core.jobs.runner import JobRun, Subject
from backend_core.policy import Actor
from backend_core.scopes.records import Direct
from tests.backend_core.verb_calls import LATER
from tests.faults.children import become

PHONE = "+15550100001"
SAGE = Direct(PHONE, "sage")
GUID = "attachment-1"


class Bank:
    """A service that renews tokens."""

    def refresh(self, token: str) -> Grant:
        ends = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
        return Grant(access=f"after-{token}", refresh=token, expires_at=ends)


def admin(backend: Backend) -> Actor:
    return replace(backend.actor(), reason="a test", proven_until=LATER)


def tokens_of(backend: Backend) -> Tokens:
    bank = Bank()
    return Tokens(backend.database, backend.audit, secrets=backend.credentials, find=lambda _name: bank)


def job(backend: Backend, photo_id: uuid.UUID) -> JobRun:
    """Return the job of a photo as a worker would run it."""
    facts = {"job_id": 1, "attempt": 0, "actor": backend.system(), "database": backend.database}
    limits = {"soft_limit_s": 60.0, "hard_limit_s": 60.0}
    return JobRun(subject=Subject(photo_id=photo_id), aborted=lambda: False, interrupted=lambda: False, **facts, **limits)  # type: ignore[arg-type]  # as it wants


def attach(environment: Mapping[str, str], path: Path) -> None:
    """Take in a photo."""
    with open_backend(become(environment), application="command") as backend:
        backend.photos.attach(SAGE, path, attachment_guid=GUID, actor=admin(backend))


def look(environment: Mapping[str, str], photo_id: str) -> None:
    """Look at a photo."""
    with open_backend(become(environment), application="worker") as backend:
        backend.handlers["photos.analyse"].run(job(backend, uuid.UUID(photo_id)))


def renew(environment: Mapping[str, str]) -> None:
    """Renew what is due."""
    with open_backend(become(environment), application="worker") as backend:
        tokens_of(backend).refresh_due(actor=backend.system())


def rotate(environment: Mapping[str, str]) -> None:
    """Change the key of the tokens."""
    with open_backend(become(environment), application="command") as backend:
        tokens_of(backend).rotate(actor=admin(backend))
