"""Audio: exactly one per page and voice, whoever asks and however often."""

from __future__ import annotations

import re
import threading
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import LiteralString

import miniaudio
import psycopg
import pytest
import sqlalchemy as sa

from backend_core.backend import Backend, open_backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.documents.tables import audios
from backend_core.errors import Cancelled, Conflict, DamagedObject, InvalidInput, NotAllowed, NotFound, VoiceInUse
from backend_core.policy import Actor
from backend_core.settings import Settings
from tests.lectern import MakeDocument
from tests.polling import eventually
from tests.watcher import Watcher

RunJobs = Callable[[], None]

REFUSE_AT_COMMIT = """
CREATE FUNCTION refuse_at_commit() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE insufficient_privilege; END $$;
CREATE CONSTRAINT TRIGGER refuse_at_commit AFTER INSERT ON audios DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION refuse_at_commit()
"""


def rows_of(backend: Backend) -> int:
    with backend.database.begin("Count") as conn:
        return int(conn.execute(sa.select(sa.func.count()).select_from(audios)).scalar_one())


@pytest.fixture
def engine_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    path = tmp_path / "calls"
    monkeypatch.setenv("LECTERN_ENGINE_CALLS", str(path))
    return lambda: len(path.read_text().splitlines()) if path.exists() else 0


@pytest.mark.trace("A2", "A35")
def test_twenty_who_ask_at_once_get_one_audio_and_nineteen_conflicts(
    backend: Backend, actor: Actor, make_document: MakeDocument, run_jobs: RunJobs, engine_calls: Callable[[], int]
) -> None:
    document_id = make_document()
    start = threading.Barrier(20)

    def ask() -> tuple[int, str] | None:
        start.wait()
        try:
            backend.audios.generate(document_id, actor=actor)
        except VoiceInUse as error:
            return error.page, error.voice
        return None

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: ask(), range(20)))
    assert (answers.count(None), answers.count((1, "English (Great Britain)"))) == (1, 19)
    run_jobs()
    assert rows_of(backend) == 1
    assert engine_calls() == 1
    assert len(list(backend.storage.store.keys())) == 2, "the imported file and one audio"


@pytest.mark.trace("A21", "A33")
def test_nothing_slips_between_the_check_of_a_page_and_the_insert(
    backend: Backend, actor: Actor, make_document: MakeDocument, watcher: Watcher
) -> None:
    document_id = make_document()
    locked = "FROM pg_locks WHERE relation = 'document_pages'::regclass AND mode = 'RowShareLock' AND granted"
    with ThreadPoolExecutor(2) as pool, watcher.blocking("LOCK TABLE audios IN SHARE MODE"):
        # a table that can be read and not written to stops the first request between its check and its insert
        asked = [pool.submit(backend.audios.generate, document_id, actor=actor)]
        eventually(lambda: watcher.count("FROM pg_locks WHERE NOT granted AND relation = 'audios'::regclass") == 1)
        assert watcher.count(locked) == 1
        with pytest.raises(psycopg.errors.LockNotAvailable):
            watcher.count("FROM (SELECT id FROM document_pages FOR UPDATE NOWAIT) AS page")
        asked.append(pool.submit(backend.audios.generate, document_id, actor=actor))
        # the second request waits for the transaction of the first, not for the table
        eventually(lambda: watcher.count("FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'") == 1)
        assert rows_of(backend) == 0
        watcher.release()
        first, second = (request.exception(10) for request in asked)
    assert first is None
    assert isinstance(second, VoiceInUse)
    assert rows_of(backend) == backend.jobs.open_count() == 1


@pytest.mark.trace("A34")
def test_an_audio_that_appears_before_the_lock_is_a_conflict_and_no_crash(
    backend: Backend, actor: Actor, make_document: MakeDocument, watcher: Watcher
) -> None:
    document_id = make_document()
    with ThreadPoolExecutor(1) as pool, watcher.blocking("SELECT id FROM document_pages FOR UPDATE") as other:
        asked = pool.submit(backend.audios.generate, document_id, actor=actor, voice="local:en-gb")
        eventually(lambda: watcher.count("FROM pg_locks WHERE NOT granted") == 1)
        other.execute(
            "INSERT INTO audios (document_id, page_id, page_revision, voice, rate, pitch, status, lifetime, correlation_id, created_by)"
            " SELECT document_id, p.id, p.revision, 'local:en-gb', 100, 50, 'PENDING', 'ACTIVE', 'x', d.owner_id"
            " FROM document_pages p JOIN documents d ON d.id = p.document_id"
        )
        other.commit()
        with pytest.raises(VoiceInUse) as caught:
            asked.result(10)
    assert (caught.value.page, caught.value.voice) == (1, "English (Great Britain)")
    assert rows_of(backend) == 1
    assert backend.jobs.open_count() == 0


@pytest.mark.trace("A36", "A77")
@pytest.mark.parametrize(
    ("refuse", "allow"),
    [
        pytest.param("REVOKE INSERT ON job_run FROM lectern_app", "GRANT INSERT ON job_run TO lectern_app", id="job"),
        pytest.param("REVOKE INSERT ON audit_event FROM lectern_app", "GRANT INSERT ON audit_event TO lectern_app", id="record"),
        pytest.param(REFUSE_AT_COMMIT, "DROP FUNCTION refuse_at_commit CASCADE", id="commit"),
    ],
)
def test_row_record_and_job_are_all_there_or_none(
    backend: Backend, actor: Actor, make_document: MakeDocument, clean: EmbeddedServer, refuse: LiteralString, allow: LiteralString
) -> None:
    document_id = make_document()
    before = len(backend.audit.latest(actor=actor))
    with psycopg.connect(clean.admin_dsn, autocommit=True) as admin:
        admin.execute(refuse)
        try:
            with pytest.raises(NotAllowed):
                backend.audios.generate(document_id, actor=actor)
        finally:
            admin.execute(allow)
        assert admin.execute("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'").fetchone() == (0,)
    assert rows_of(backend) == 0
    assert len(backend.audit.latest(actor=actor)) == before
    backend.audios.generate(document_id, actor=actor)
    assert rows_of(backend) == 1
    assert backend.audit.latest(actor=actor)[0].action == "audio.generate"
    assert backend.jobs.open_count() == 1


def test_a_finished_audio_plays_and_its_marks_fit_the_text(
    backend: Backend, actor: Actor, make_document: MakeDocument, run_jobs: RunJobs
) -> None:
    text = "Dr. Smith paid 3.14 pounds. Nobody minded!"
    document_id = make_document(text)
    backend.audios.generate(document_id, actor=actor, voice="local:en-gb")
    run_jobs()
    row = backend.audios.listing(document_id, actor=actor)[0]
    playable = backend.audios.play(row.id, actor=actor)
    decoded = miniaudio.decode_file(str(playable.path))
    assert row.seconds is not None
    assert abs(decoded.duration - playable.encoder_delay / playable.sample_rate - row.seconds) < 0.1
    words = [text[start:end] for start, end, _, _ in playable.marks]
    assert words[:4] == ["Dr.", "Smith", "paid", "3.14"]
    assert playable.marks[-1][3] / 1000 <= row.seconds
    assert max(playable.peaks) > 0
    assert backend.audit.latest(actor=actor)[0].action == "audio.play"


def test_the_same_page_spoken_twice_sounds_the_same(backend: Backend, actor: Actor, make_document: MakeDocument, run_jobs: RunJobs) -> None:
    hashes = []
    document_id = make_document("The very same words, twice.")
    for _ in range(2):
        backend.audios.generate(document_id, actor=actor)
        run_jobs()
        row = backend.audios.listing(document_id, actor=actor)[0]
        hashes.append(row.pcm_sha256)
        backend.audios.delete(row.id, actor=actor)
    assert hashes[0] == hashes[1]


def test_deleted_audio_can_be_restored_unless_the_voice_was_used_again(
    backend: Backend, actor: Actor, make_document: MakeDocument, run_jobs: RunJobs
) -> None:
    document_id = make_document()
    backend.audios.generate(document_id, actor=actor)
    run_jobs()
    first = backend.audios.listing(document_id, actor=actor)[0]
    backend.audios.delete(first.id, actor=actor)
    assert backend.audios.listing(document_id, actor=actor) == ()
    assert backend.audios.restore(first.id, actor=actor).id == first.id
    backend.audios.delete(first.id, actor=actor)
    backend.audios.generate(document_id, actor=actor)
    with pytest.raises(VoiceInUse):
        backend.audios.restore(first.id, actor=actor)


def test_audio_of_a_deleted_document_is_not_restored(
    backend: Backend, actor: Actor, make_document: MakeDocument, run_jobs: RunJobs
) -> None:
    document_id = make_document()
    backend.audios.generate(document_id, actor=actor)
    run_jobs()
    audio_id = backend.audios.listing(document_id, actor=actor)[0].id
    backend.audios.delete(audio_id, actor=actor)
    backend.documents.delete(document_id, actor=actor, typed_title=backend.documents.get(document_id, actor=actor).title)
    with pytest.raises(NotFound):
        backend.audios.restore(audio_id, actor=actor)
    backend.documents.restore(document_id, actor=actor)
    assert backend.audios.restore(audio_id, actor=actor).id == audio_id


def test_a_changed_or_missing_file_is_never_played(backend: Backend, actor: Actor, make_document: MakeDocument, run_jobs: RunJobs) -> None:
    document_id = make_document()
    backend.audios.generate(document_id, actor=actor)
    run_jobs()
    row = backend.audios.listing(document_id, actor=actor)[0]
    path = backend.audios.play(row.id, actor=actor).path
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DamagedObject):
        backend.audios.play(row.id, actor=actor)
    path.unlink()
    with pytest.raises(DamagedObject):
        backend.audios.play(row.id, actor=actor)


@pytest.mark.parametrize(("rate", "pitch"), [(49, 50), (301, 50), (100, -1), (100, 100)])
def test_speed_and_pitch_have_bounds(backend: Backend, actor: Actor, make_document: MakeDocument, rate: int, pitch: int) -> None:
    document_id = make_document()
    with pytest.raises(InvalidInput):
        backend.audios.generate(document_id, actor=actor, rate=rate, pitch=pitch)
    for good_rate, good_pitch in ((50, 0), (300, 99)):
        backend.audios.generate(document_id, actor=actor, rate=good_rate, pitch=good_pitch, voice="local:de" if good_rate == 50 else None)


def test_what_does_not_exist_is_said_so(backend: Backend, actor: Actor, make_document: MakeDocument) -> None:
    document_id = make_document()
    for wrong in (
        lambda: backend.audios.generate(10**9, actor=actor),
        lambda: backend.audios.generate(document_id, actor=actor, pages=[2]),
        lambda: backend.audios.generate(document_id, actor=actor, voice="local:klingon-warrior"),
        lambda: backend.audios.play(10**9, actor=actor),
    ):
        with pytest.raises(NotFound):
            wrong()


def test_cancelled_audio_leaves_no_row_and_no_file(backend: Backend, actor: Actor, make_document: MakeDocument, run_jobs: RunJobs) -> None:
    document_id = make_document()
    queued = backend.audios.generate(document_id, actor=actor).queued[0]
    job = backend.jobs.listing(actor=actor, open_only=True)[0]
    backend.jobs.cancel(job.job_id, actor=actor)
    run_jobs()
    assert backend.audios.listing(document_id, actor=actor) == ()
    assert rows_of(backend) == 0
    assert backend.jobs.get(job.job_id, actor=actor).state == "cancelled"
    assert len(list(backend.storage.store.keys())) == 1
    with pytest.raises(Conflict):
        backend.jobs.cancel(job.job_id, actor=actor)
    assert queued.status == "PENDING"


@pytest.mark.parametrize("kind", ["mp3", "flac", "srt", "vtt", "zip"])
def test_every_format_can_be_exported(
    backend: Backend, actor: Actor, make_document: MakeDocument, run_jobs: RunJobs, tmp_path: Path, kind: str
) -> None:
    document_id = make_document("One page.", "And a second one & its <sign>.", title="Two pages")
    backend.audios.generate(document_id, actor=actor)
    run_jobs()
    path = backend.exports.export(document_id, actor=actor, format=kind, to=tmp_path)
    assert path.name == f"Two pages.{kind}"
    seconds = sum(row.seconds or 0 for row in backend.audios.listing(document_id, actor=actor))
    if kind in {"mp3", "flac"}:
        assert abs(miniaudio.decode_file(str(path)).duration - seconds) < 0.25
    elif kind == "zip":
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            assert {"page-0001.mp3", "page-0002.vtt", "manifest.json"} <= set(archive.namelist())
    else:
        text = path.read_text(encoding="utf-8")
        assert ("&lt;sign&gt;" in text) == (kind == "vtt")
        assert "One page." in text


@pytest.mark.trace("A40")
def test_an_export_is_named_after_its_title_in_every_script_without_what_harms(
    backend: Backend, actor: Actor, make_document: MakeDocument, run_jobs: RunJobs, tmp_path: Path
) -> None:
    document_id = make_document()
    version = backend.documents.get(document_id, actor=actor).version
    backend.documents.rename(document_id, 'Отчёт ../"文書"\\रिपोर्ट?.', actor=actor, version=version)
    backend.audios.generate(document_id, actor=actor)
    run_jobs()
    path = backend.exports.export(document_id, actor=actor, format="zip", to=tmp_path)
    assert path == tmp_path / "Отчёт .__文書__रिपोर्ट.zip"
    with zipfile.ZipFile(path) as archive:
        assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in archive.namelist())


def test_two_homes_on_one_server_make_one_audio(
    backend: Backend, settings: Settings, actor: Actor, make_document: MakeDocument, run_jobs: RunJobs, tmp_path: Path
) -> None:
    document_id = make_document()
    elsewhere = settings.model_copy(update={"objects": tmp_path / "other-objects"})
    with open_backend(elsewhere) as other:
        assert other.jobs.queue != backend.jobs.queue
        backend.audios.generate(document_id, actor=actor)
        with pytest.raises(VoiceInUse):
            other.audios.generate(document_id, actor=actor)
        run_jobs()
        row = other.audios.listing(document_id, actor=actor)[0]
        assert row.status == "COMPLETED"
        with pytest.raises(NotFound, match="another computer"):
            other.audios.play(row.id, actor=actor)


def test_an_error_knows_it_was_asked_for() -> None:
    assert not Cancelled("Stopped.").retriable
