"""Photos: taken in once, without their maker's traces, looked at in the background, and never pretended to be known before."""

from __future__ import annotations

import datetime as dt
import json
import threading
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from backend_core.backend import Backend
from backend_core.conversations.photo_records import Photo
from backend_core.conversations.photo_rows import in_scope, latest
from backend_core.conversations.records import IncomingMessage
from backend_core.conversations.tasks import AnalysePhoto
from backend_core.errors import Conflict, InvalidInput, LecternError, NotFound, ReasonNeeded, UnreadableFile, UnsupportedFile
from backend_core.policy import Actor
from backend_core.scopes.records import Direct, Group
from tests.backend_core.safety.conftest import GUID, OTHER, PHONE, Service, admin, people, service

__all__ = ["admin", "people", "service"]
CANARY = b"canaryCamera"
SAGE = Direct(PHONE, "sage")
TRIP = Group(GUID)
Take = Callable[..., Photo]
LOOKS = pytest.mark.logs("photo described without")


def picture(path: Path, *, size: tuple[int, int] = (64, 48), orientation: int = 1, colour: str = "#2050e0") -> Path:
    """Write a photo with everything a camera adds: place, device, thumbnail-like comment, orientation."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0112], exif[0x9286] = CANARY.decode(), orientation, CANARY.decode()
    exif.get_ifd(0x8825)[29] = CANARY.decode()
    Image.new("RGB", size, colour).save(path, "JPEG", exif=exif, comment=CANARY, xmp=b"<x>" + CANARY + b"</x>", icc_profile=CANARY * 20)
    return path


@pytest.fixture
def take(backend: Backend, admin: Actor, people: uuid.UUID, tmp_path: Path) -> Take:
    """Return a function that attaches a photo."""

    made = picture(tmp_path / "a.jpg")

    def attach(where: Any = SAGE, *, guid: str = "att-1", path: Path | None = None, **more: Any) -> Photo:
        given = path or made
        return backend.photos.attach(where, given, attachment_guid=guid, actor=admin, **more)

    return attach


@pytest.fixture
def read(backend: Backend, admin: Actor) -> Callable[[uuid.UUID], Photo]:
    """Return a function that reads a photo inside its scope."""

    def find(photo_id: uuid.UUID) -> Photo:
        with backend.scopes.open(backend.photos.container_of(photo_id), actor=admin, action="photo.read") as scope:
            found = in_scope(scope, photo_id)
        assert found is not None
        return found

    return find


def said(backend: Backend, actor: Actor, text: str, *, group: bool = False, sender: str = PHONE, **more: Any) -> uuid.UUID:
    where: dict[str, Any] = {"chat_guid": GUID, "is_group": True} if group else {}
    user = PHONE if sender.startswith("persona:") and not group else None
    message = IncomingMessage(text=text, sender=sender, user=user, persona="sage", **where, **more)
    return backend.conversations.receive(message, actor=actor).message_id


def test_a_photo_is_taken_in_looked_at_and_ready(backend: Backend, take: Take, run_jobs: Callable[[], None], admin: Actor) -> None:
    photo = take(caption="Our tent")
    assert (photo.status, photo.width, photo.height, photo.caption) == ("pending", 64, 48, "Our tent")
    run_jobs()
    (ready,) = backend.photos.photos(SAGE, actor=admin)
    assert ready.status == "ready"
    assert ready.summary == "A landscape drawing or screen picture, 64 × 48, mostly blue."
    assert ready.ready_at is not None
    (row,) = backend.jobs.listing(actor=admin)
    assert (row.title, row.state) == ("Look at a photo", "done")


def test_nothing_of_the_camera_is_kept_anywhere(backend: Backend, take: Take, tmp_path: Path, admin: Actor) -> None:
    original = picture(tmp_path / "a.jpg", size=(80, 40), orientation=6)
    assert CANARY in original.read_bytes()
    photo = take(path=original)
    assert (photo.width, photo.height) == (40, 80)
    kept = backend.photos.picture(photo.id, actor=admin)
    with Image.open(kept) as image:
        assert image.size == (40, 80)
        assert dict(image.getexif()) == {}
        assert not {"icc_profile", "comment", "xmp", "exif"} & set(image.info)
    stored = [path for path in backend.settings.objects_dir.rglob("*") if path.is_file()]
    assert stored
    assert [path for path in stored if CANARY in path.read_bytes()] == []


def test_the_same_attachment_is_taken_in_once_per_conversation(backend: Backend, take: Take, admin: Actor, tmp_path: Path) -> None:
    first = take()
    again = take(path=picture(tmp_path / "other.jpg", colour="#ff0000"))
    assert again.id == first.id
    elsewhere = take(TRIP, sender=PHONE)
    assert elsewhere.id != first.id
    assert len(backend.photos.photos(SAGE, actor=admin)) == 1
    assert backend.jobs.open_count() == 1


def test_many_who_bring_the_same_attachment_at_once_make_one_photo(backend: Backend, take: Take) -> None:
    found: list[uuid.UUID] = []
    threads = [threading.Thread(target=lambda: found.append(take().id)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 4
    assert len(set(found)) == 1
    assert backend.jobs.open_count() == 1


def test_a_photo_in_a_group_waits_until_somebody_asks_the_persona(
    backend: Backend, take: Take, admin: Actor, read: Callable[[uuid.UUID], Photo], run_jobs: Callable[[], None]
) -> None:
    photo = take(TRIP, sender=PHONE, caption="look at this")
    assert (photo.status, backend.jobs.open_count()) == ("deferred", 0)
    said(backend, admin, "What do you think?", group=True, sender=OTHER)
    assert (read(photo.id).status, backend.jobs.open_count()) == ("deferred", 0)
    said(backend, admin, "Sage, what is this?", group=True, sender=OTHER)
    assert read(photo.id).status == "pending"
    run_jobs()
    assert read(photo.id).status == "ready"
    assert take(TRIP, guid="att-2", sender=PHONE, caption="sage, look at this").status == "pending"
    assert take(TRIP, guid="att-3", sender=PHONE, caption="sagebrush", mentioned=False).status == "deferred"


@pytest.mark.trace("B67")
def test_a_question_right_after_a_photo_speaks_of_it_and_hears_that_it_is_still_being_looked_at(
    backend: Backend, take: Take, admin: Actor, read: Callable[[uuid.UUID], Photo], run_jobs: Callable[[], None]
) -> None:
    photo = take()
    message = said(backend, admin, "what do you think?")
    with backend.scopes.open(SAGE, actor=admin, action="memory.read") as scope:
        row = scope.conn.exec_driver_sql("SELECT reply_to_photo FROM messages WHERE id = %s", (message,)).scalar_one()
        found = latest(scope)
        assert found is not None
        words = found.words(dt.datetime.now(dt.UTC))
    assert row == photo.id
    assert words.startswith("Still looking at the photo sent")
    assert read(photo.id).asked_early == 1
    run_jobs()
    assert "64 × 48" in read(photo.id).words(dt.datetime.now(dt.UTC))


@pytest.mark.trace("B69")
def test_questions_asked_too_early_are_counted_and_so_are_those_that_were_answered(
    backend: Backend, take: Take, admin: Actor, run_jobs: Callable[[], None]
) -> None:
    take()
    said(backend, admin, "what do you think?")
    said(backend, admin, "Who is this?")
    said(backend, admin, "I am off to bed now")
    take(guid="att-2")
    early = backend.photos.follow_ups(actor=admin)
    assert (early.photos, early.asked, early.questions, early.waiting, early.resolved) == (2, 1, 2, 2, 0)
    run_jobs()
    unanswered = backend.photos.follow_ups(actor=admin)
    assert (unanswered.waiting, unanswered.resolved, unanswered.unresolved) == (0, 0, 2)
    said(backend, admin, "It is a lovely blue!", sender="persona:sage")
    answered = backend.photos.follow_ups(actor=admin)
    assert (answered.resolved, answered.unresolved, answered.share) == (2, 0, 0.5)
    assert answered.p50_s is not None
    said(backend, admin, "what do you think now?")
    assert backend.photos.follow_ups(actor=admin).questions == 2


def test_an_answer_to_a_photo_counts_as_a_question_about_that_one(
    backend: Backend, take: Take, admin: Actor, read: Callable[[uuid.UUID], Photo]
) -> None:
    first, second = take(), take(guid="att-2")
    said(backend, admin, "hm", reply_to_photo=first.id)
    assert (read(first.id).asked_early, read(second.id).asked_early) == (1, 0)
    said(backend, admin, "hm", reply_to_photo=uuid.uuid4())
    assert backend.photos.follow_ups(actor=admin).questions == 1


def test_words_before_any_photo_and_of_another_conversation_speak_of_none(backend: Backend, take: Take, admin: Actor) -> None:
    take(TRIP, sender=PHONE)
    message = said(backend, admin, "what do you think?")
    with backend.scopes.open(SAGE, actor=admin, action="memory.read") as scope:
        assert scope.conn.exec_driver_sql("SELECT reply_to_photo FROM messages WHERE id = %s", (message,)).scalar_one() is None
        assert latest(scope) is None


@pytest.mark.trace("B68")
def test_waiting_ends_at_its_limit_with_the_truth_and_as_soon_as_the_photo_is_ready(
    backend: Backend, take: Take, admin: Actor, run_jobs: Callable[[], None]
) -> None:
    photo = take()
    seen: list[tuple[float, float]] = []
    waited = backend.photos.wait_ready(photo.id, actor=admin, timeout_s=0.3, progress=lambda *at: seen.append(at))
    assert (waited.status, waited.settled, waited.sentence) == ("pending", False, "Still looking at the photo.")
    assert waited.waited_s >= 0.3
    assert seen[-1] == (0.3, 0.3)
    assert [at for at, _ in seen] == sorted(at for at, _ in seen)
    worker = threading.Thread(target=run_jobs)
    worker.start()
    done = backend.photos.wait_ready(photo.id, actor=admin, timeout_s=60)
    worker.join(60)
    assert (done.status, done.sentence) == ("ready", "The photo is ready.")
    assert done.waited_s < 60
    assert backend.photos.wait_ready(photo.id, actor=admin, timeout_s=60).waited_s < 30
    stopped = backend.photos.wait_ready(take(guid="att-2").id, actor=admin, timeout_s=60, should_stop=lambda: True)
    assert stopped.waited_s < 30


def test_waiting_reads_nothing_of_the_photo_and_leaves_no_scope_behind(backend: Backend, take: Take, admin: Actor) -> None:
    photo = take(caption="canaryCaption")
    before = len(backend.audit.latest(actor=admin, limit=500))
    status = backend.photos.wait_ready(photo.id, actor=admin, timeout_s=0.2)
    assert "canaryCaption" not in repr(status)
    assert len(backend.audit.latest(actor=admin, limit=500)) == before


def test_reading_photos_asks_a_reason(backend: Backend, take: Take, admin: Actor) -> None:
    photo = take()
    silent = replace(admin, reason=None)
    for act in (lambda: backend.photos.photos(SAGE, actor=silent), lambda: backend.photos.picture(photo.id, actor=silent)):
        with pytest.raises(ReasonNeeded):
            act()
    assert backend.photos.photos(SAGE, actor=silent, reason="Ticket 3")[0].id == photo.id


def harmed(tmp_path: Path, kind: str) -> Path:
    """Return a file that only calls itself a photo."""
    path = picture(tmp_path / "whole.jpg", size=(400, 300))
    content = {
        "cut": path.read_bytes()[:700], "text": b"Just words.", "empty": b"", "heic": b"\0\0\0\x18ftypheic" + b"\0" * 99,
        "svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>", "tiff": b"II*\0" + b"\0" * 99,
    }[kind]  # fmt: skip
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("cut", UnreadableFile),
        ("text", UnsupportedFile),
        ("empty", UnreadableFile),
        ("heic", UnsupportedFile),
        ("svg", UnsupportedFile),
        ("tiff", UnsupportedFile),
    ],
)
def test_what_is_no_photo_is_refused_and_leaves_nothing(
    backend: Backend, take: Take, tmp_path: Path, admin: Actor, kind: str, error: type[LecternError]
) -> None:
    with pytest.raises(error):
        take(path=harmed(tmp_path, kind))
    backend.conversations.create_direct(PHONE, "sage", actor=admin)
    assert backend.photos.photos(SAGE, actor=admin) == ()
    assert backend.jobs.open_count() == 0


def test_what_a_consented_service_says_comes_first_and_its_absence_is_no_failure(
    backend: Backend, take: Take, admin: Actor, service: Service, run_jobs: Callable[[], None], read: Callable[[uuid.UUID], Photo]
) -> None:
    photo = take()
    run_jobs()
    assert service.requests == []
    backend.egress.allow("vision", service.host, actor=admin)
    service.answer = lambda _path, _body: (200, json.dumps({"choices": [{"message": {"content": "A blue\n sheet\u202e"}}]}).encode())
    second = take(guid="att-2")
    run_jobs()
    assert read(second.id).summary == "A blue sheet. A landscape drawing or screen picture, 64 × 48, mostly blue."
    (path, headers, body) = service.requests[0]
    assert path == "/v1/chat/completions"
    assert "data:image/jpeg;base64," in body.decode()
    assert PHONE not in body.decode() + repr(headers)
    assert [row.purpose for row in backend.egress.ledger(actor=admin)] == ["vision"]
    assert read(photo.id).summary == "A landscape drawing or screen picture, 64 × 48, mostly blue."


@LOOKS
def test_a_service_that_is_away_leaves_what_can_be_told_here(
    backend: Backend, take: Take, admin: Actor, service: Service, run_jobs: Callable[[], None], read: Callable[[uuid.UUID], Photo]
) -> None:
    backend.egress.allow("vision", service.host, actor=admin)
    service.answer = lambda _path, _body: (500, b"")
    photo = take()
    run_jobs()
    assert read(photo.id).status == "ready"
    assert read(photo.id).summary == "A landscape drawing or screen picture, 64 × 48, mostly blue."


@pytest.mark.logs("job failed")
def test_a_photo_whose_file_is_gone_fails_with_a_sentence_and_can_be_tried_again(
    backend: Backend, take: Take, admin: Actor, run_jobs: Callable[[], None], read: Callable[[uuid.UUID], Photo]
) -> None:
    photo = take()
    kept = backend.photos.picture(photo.id, actor=admin)
    content = kept.read_bytes()
    kept.unlink()
    run_jobs()
    failed = read(photo.id)
    assert (failed.status, failed.error_code) == ("failed", "damaged_object")
    assert "could not be looked at" in failed.words(dt.datetime.now(dt.UTC))
    kept.write_bytes(content)
    (job,) = [row for row in backend.jobs.listing(actor=admin) if row.state == "failed"]
    backend.jobs.retry(job.job_id, actor=admin)
    run_jobs()
    assert read(photo.id).status == "ready"
    with pytest.raises(Conflict):
        backend.photos.analyse(photo.id, actor=admin)


def test_a_cancelled_look_leaves_the_photo_to_be_asked_about(
    backend: Backend, take: Take, admin: Actor, read: Callable[[uuid.UUID], Photo]
) -> None:
    photo = take()
    (job,) = backend.jobs.listing(actor=admin)
    backend.jobs.cancel(job.job_id, actor=admin)
    assert read(photo.id).status == "deferred"
    backend.photos.analyse(photo.id, actor=admin)
    assert read(photo.id).status == "pending"


def test_a_forgotten_photo_is_not_looked_at(backend: Backend, take: Take, admin: Actor, run_jobs: Callable[[], None]) -> None:
    photo = take()
    with backend.scopes.open(SAGE, actor=admin, action="memory.forget") as scope:
        scope.conn.exec_driver_sql("UPDATE photos SET forgotten_at = now()")
    run_jobs()
    assert backend.photos.photos(SAGE, actor=admin) == ()
    for act in (lambda: backend.photos.picture(photo.id, actor=admin), lambda: backend.photos.status(photo.id, actor=admin)):
        with pytest.raises(NotFound):
            act()


def test_the_job_carries_the_id_and_no_word(backend: Backend, take: Take) -> None:
    photo = take(caption="canaryCaption")
    with backend.database.begin("Look") as conn:
        (args,) = conn.exec_driver_sql("SELECT args FROM procrastinate_jobs").scalars()
    assert args["photo_id"] == str(photo.id)
    assert "canaryCaption" not in json.dumps(args)
    assert "+1555" not in json.dumps(args)
    assert AnalysePhoto.name in backend.handlers


@pytest.mark.parametrize(("where", "sender"), [(SAGE, OTHER), (TRIP, None), (TRIP, "+15550109999")])
def test_a_photo_comes_from_somebody_who_is_known_there(take: Take, where: Any, sender: str | None) -> None:
    with pytest.raises(InvalidInput):
        take(where, sender=sender)
