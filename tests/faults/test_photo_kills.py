"""A process killed at any step of a photo or a token leaves one photo, no stray file, and tokens that open."""

from __future__ import annotations

import datetime as dt
import signal
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

import backend_core.conversations
import backend_core.credentials
from backend_core.backend import Backend
from backend_core.conversations.photo_rows import in_scope
from backend_core.credentials.token_keys import load
from backend_core.credentials.token_records import Grant
from backend_core.settings import Settings
from tests.faults import photo_children
from tests.faults.harness import points, start
from tests.faults.photo_children import GUID, SAGE, admin, job, tokens_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills with SIGKILL")
PICTURE = Path(__file__).parents[2] / "docs" / "pictures" / "documents-light.png"
LIMIT_S = 120.0
TAKING_IN = ("photo.staged", "photo.commit")
LOOKING = ("photo.claimed", "photo.ready", "photo.done")
TOKENS = ("token.taken", "token.renewed", "token.key")


def killed(target: Callable[..., None], settings: Settings, fault: str, *arguments: object) -> bool:
    """Run a child that dies at a step; return whether it got there."""
    environment = {"LECTERN_HOME": str(settings.home), "LECTERN_OBJECTS": str(settings.objects), "LECTERN_FAULT": fault}
    child = start(target, environment, *arguments)
    child.join(LIMIT_S)
    return child.exitcode == -signal.SIGKILL


def found(backend: Backend, sentence: str) -> list[tuple[object, ...]]:
    with backend.database.begin("Look") as conn:
        return [tuple(row) for row in conn.execute(sa.text(sentence))]


@pytest.fixture
def user(backend: Backend) -> uuid.UUID:
    actor = admin(backend)
    backend.people.save_persona("sage", name="Sage", passport={}, version=0, actor=actor)
    return backend.people.add_contact("Ana", phone=photo_children.PHONE, actor=actor).id


def test_the_steps_here_are_all_there_are() -> None:
    there = {*points(Path(backend_core.conversations.__file__).parent), *points(Path(backend_core.credentials.__file__).parent)}
    assert {*TAKING_IN, *LOOKING, *TOKENS} == there


@pytest.mark.trace("A77")
@pytest.mark.parametrize("step", TAKING_IN)
def test_a_photo_cut_off_while_it_is_taken_in_is_taken_in_once(backend: Backend, settings: Settings, user: uuid.UUID, step: str) -> None:
    assert killed(photo_children.attach, settings, step, PICTURE)
    assert backend.jobs.open_count() == 0
    photo = backend.photos.attach(SAGE, PICTURE, attachment_guid=GUID, actor=admin(backend))
    again = backend.photos.attach(SAGE, PICTURE, attachment_guid=GUID, actor=admin(backend))
    assert again.id == photo.id
    assert backend.jobs.open_count() == 1
    backend.storage.sweep(older_than_s=0)
    assert backend.storage.orphans() == ((), ())
    assert backend.photos.picture(photo.id, actor=admin(backend)).is_file()


@pytest.mark.parametrize("step", LOOKING)
def test_a_photo_whose_worker_died_is_looked_at_by_the_next(backend: Backend, settings: Settings, user: uuid.UUID, step: str) -> None:
    photo = backend.photos.attach(SAGE, PICTURE, attachment_guid=GUID, actor=admin(backend))
    assert killed(photo_children.look, settings, step, str(photo.id))
    backend.handlers["photos.analyse"].run(job(backend, photo.id))
    with backend.scopes.open(SAGE, actor=admin(backend), action="photo.read") as scope:
        ready = in_scope(scope, photo.id)
    assert ready is not None
    assert (ready.status, ready.error) == ("ready", None)


@pytest.mark.parametrize(("step", "act"), [("token.taken", "renew"), ("token.renewed", "renew"), ("token.key", "rotate")])
def test_a_token_opens_whenever_its_process_died_and_is_renewed_or_sealed_anew_later(
    backend: Backend, settings: Settings, user: uuid.UUID, step: str, act: str
) -> None:
    tokens, ends = tokens_of(backend), dt.datetime.now(dt.UTC) + dt.timedelta(minutes=5)
    tokens.save(user, "bank", Grant(access="first", refresh="buys", expires_at=ends), actor=admin(backend))
    assert killed(getattr(photo_children, act), settings, step)
    expected = "after-buys" if step == "token.renewed" else "first"
    assert tokens.access_token(user, "bank", actor=backend.system()) == expected
    # the lease of the dead is over after a while
    with backend.database.begin("Wait") as conn:
        conn.execute(sa.text("UPDATE oauth_tokens SET next_try_at = NULL, expires_at = now() + interval '1 minute'"))
    assert tokens.refresh_due(actor=backend.system()).renewed == 1
    tokens.rotate(actor=admin(backend))
    assert tokens.access_token(user, "bank", actor=backend.system()) == "after-buys"
    assert len(load(backend.credentials).keys) == 1
