"""Background work on documents: read the pages of a file, speak one page."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from itertools import chain, islice
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select, update

from backend_core import faults
from backend_core.audit.service import Audit
from backend_core.db.database import Database
from backend_core.documents.audio import Audios
from backend_core.documents.extraction import ExtractedPage, Limits, extract, language_of
from backend_core.documents.service import EXTRACT, Documents
from backend_core.documents.tables import audios, document_pages, documents
from backend_core.errors import Cancelled, LecternError, NotFound, UnreadableFile
from backend_core.jobs.runner import JobRun, Subject
from backend_core.logs import get_logger
from backend_core.policy import Actor, Target, authorize
from backend_core.settings import MEBIBYTE, Settings
from backend_core.speech.engine import Mark, SpeechRequest, SpokenAudio
from backend_core.speech.service import Speech
from backend_core.storage.service import StagedObject, Storage

log = get_logger(__name__)
BATCH: Final = 200
SAMPLE_CHARACTERS: Final = 20_000
MIME: Final = "audio/mpeg"


class ExtractPages:
    """Reads the pages of an imported file into rows, all of them or none."""

    name = EXTRACT

    def __init__(self, database: Database, audit: Audit, *, storage: Storage, documents_service: Documents, settings: Settings) -> None:
        self._database = database
        self._audit = audit
        self._storage = storage
        self._documents = documents_service
        self._settings = settings

    def run(self, job: JobRun) -> None:
        """Read the pages; a document that was deleted or is already read needs nothing."""
        target = Target(kind="document", id=str(job.subject.document_id))
        authorize(job.actor, "document.extract", target)
        row = self._claim(job)
        if row is None:
            return
        faults.point("extract.claimed")
        path = self._storage.path_of(row["object_id"])
        limits = Limits(
            file_bytes=self._settings.max_file_bytes,
            memory_bytes=self._settings.extraction_memory_mib * MEBIBYTE,
            cpu_s=round(self._settings.extraction_limit_s),
            wall_s=min(job.hard_limit_s(), 2 * self._settings.extraction_limit_s),
            pages=self._settings.max_pages,
        )
        pages = extract(path, kind=row["kind"], limits=limits, should_stop=job.should_stop, progress=job.progress)
        # the first page comes when all are read: until then nobody has to wait for our lock on the document
        first = next(pages, None)
        if first is None:
            raise UnreadableFile("This file has no pages.")
        self._store(job, row, chain([first], pages))
        faults.point("extract.done")

    def _claim(self, job: JobRun) -> Mapping[str, Any] | None:
        with self._database.begin("Claim document") as conn:
            query = select(documents).where(documents.c.id == job.subject.document_id, documents.c.deleted_at.is_(None))
            # lock: two workers with the same job cannot both find the document unread
            row = conn.execute(query.with_for_update()).mappings().one_or_none()
            if row is None or row["status"] == "COMPLETED":
                return None
            change = update(documents).where(documents.c.id == row["id"])
            conn.execute(change.values(status="PROCESSING", error=None, error_code=None, updated_at=func.now()))
        return dict(row)

    def _store(self, job: JobRun, row: Mapping[str, Any], pages: Iterator[ExtractedPage]) -> None:
        document_id = row["id"]
        count = characters = 0
        sample = ""
        # the transaction stays open while the pages arrive, so that a failure leaves none of them
        with self._database.begin("Store pages", deadline_s=self._settings.job_hard_limit_s) as conn:
            # lock: a delete waits until the pages are stored, and then takes them along
            locked = select(documents.c.id).where(documents.c.id == document_id, documents.c.status == "PROCESSING").with_for_update()
            if conn.execute(locked).one_or_none() is None:
                return
            conn.execute(delete(document_pages).where(document_pages.c.document_id == document_id))
            while batch := list(islice(pages, BATCH)):
                conn.execute(insert(document_pages), [_page_row(document_id, page) for page in batch])
                count += len(batch)
                characters += sum(len(page.text) for page in batch)
                sample += "".join(page.text for page in batch)[: SAMPLE_CHARACTERS - len(sample)]
                faults.point("extract.batch")
            self._complete(conn, job, document_id, count=count, characters=characters, language=language_of(sample))
            faults.point("extract.commit")
        log.info("document read", document_id=document_id, pages=count)

    def _complete(self, conn: Connection, job: JobRun, document_id: int, **facts: Any) -> None:
        values = {"page_count": facts["count"], "characters": facts["characters"], "language": facts["language"], "status": "COMPLETED"}
        change = update(documents).where(documents.c.id == document_id)
        conn.execute(change.values(version=documents.c.version + 1, updated_at=func.now(), **values))
        target = Target(kind="document", id=str(document_id))
        self._audit.record(conn, actor=job.actor, action="document.extract", target=target, after={"pages": facts["count"]})

    def give_up(self, conn: Connection, subject: Subject, error: LecternError, *, actor: Actor) -> None:
        """Mark the document as failed, with the one sentence that is safe to show."""
        target = Target(kind="document", id=str(subject.document_id))
        change = update(documents).where(documents.c.id == subject.document_id, documents.c.status.in_(("PENDING", "PROCESSING")))
        values = {"status": "FAILED", "error": str(error), "error_code": error.code, "updated_at": func.now()}
        if conn.execute(change.values(version=documents.c.version + 1, **values)).rowcount:
            after = {"error_code": error.code}
            self._audit.record(conn, actor=actor, action="document.extract", target=target, outcome="failed", after=after)

    def again(self, subject: Subject, *, actor: Actor) -> int:
        """Queue the reading anew."""
        return self._documents.retry(subject.document_id or 0, actor=actor)


class SpeakPage:
    """Turns one page into one audio file."""

    name = "documents.speak"

    def __init__(  # one argument per neighbour
        self, database: Database, audit: Audit, *, storage: Storage, audios_service: Audios, speech: Speech, scratch: Path
    ) -> None:
        self._database = database
        self._audit = audit
        self._storage = storage
        self._audios = audios_service
        self._speech = speech
        self._scratch = scratch

    def run(self, job: JobRun) -> None:
        """Speak the page, unless the audio was finished, deleted or taken over meanwhile."""
        authorize(job.actor, "audio.speak", Target(kind="audio", id=str(job.subject.audio_id)))
        row = self._claim(job)
        if row is None:
            return
        faults.point("speak.claimed")
        self._scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=self._scratch, prefix="speak-") as folder:
            spoken = self._speak(job, row, Path(folder))
            faults.point("speak.spoken")
            staged = self._storage.stage(spoken.path)
            self._finish(job, row, spoken, staged)
        faults.point("speak.done")

    def _claim(self, job: JobRun) -> Mapping[str, Any] | None:
        query = (
            select(audios, document_pages.c.text, document_pages.c.skips, document_pages.c.number, documents.c.title)
            .join(document_pages, document_pages.c.id == audios.c.page_id)
            .join(documents, documents.c.id == audios.c.document_id)
            .where(audios.c.id == job.subject.audio_id, audios.c.lifetime == "ACTIVE", documents.c.deleted_at.is_(None))
        )
        with self._database.begin("Claim audio") as conn:
            # lock: of two workers with the same job each gets a fence number of its own
            row = conn.execute(query.with_for_update(of=audios)).mappings().one_or_none()
            if row is None or row["status"] == "COMPLETED":
                return None
            change = update(audios).where(audios.c.id == row["id"])
            conn.execute(change.values(status="GENERATING", fence=audios.c.fence + 1, error=None, error_code=None))
        return dict(row)

    def _speak(self, job: JobRun, row: Mapping[str, Any], folder: Path) -> SpokenAudio:
        request = SpeechRequest(
            text=row["text"],
            skips=tuple((start, end, reason) for start, end, reason in row["skips"]),
            voice=row["voice"],
            rate=row["rate"],
            pitch=row["pitch"],
            title=f"{row['title']}, page {row['number']}",
        )
        return self._speech.synthesize(
            request,
            into=folder,
            should_stop=job.should_stop,
            progress=lambda part: job.progress(round(part * 100), 100),
            hard_limit_s=job.hard_limit_s(),
        )

    def _finish(self, job: JobRun, row: Mapping[str, Any], spoken: SpokenAudio, staged: StagedObject) -> None:
        with self._database.begin("Finish audio") as conn:
            ours = (audios.c.id == row["id"], audios.c.fence == row["fence"] + 1, audios.c.lifetime == "ACTIVE")
            # lock: only the worker with the latest fence may finish, whatever happens between the look and the change
            held = select(audios.c.id).where(*ours, audios.c.status == "GENERATING").with_for_update()
            if conn.execute(held).one_or_none() is None:
                if job.cancelled():
                    raise Cancelled("Cancelled.")
                log.warning("audio was taken over", audio_id=row["id"])
                return
            object_id = self._storage.attach(conn, staged, content_type=MIME)
            faults.point("speak.attached")
            conn.execute(update(audios).where(audios.c.id == row["id"]).values(_facts(spoken) | {"object_id": object_id}))
            target = Target(kind="audio", id=str(row["id"]))
            after = {"voice": row["voice"], "seconds": round(spoken.seconds, 2), "sha256": spoken.sha256}
            self._audit.record(conn, actor=job.actor, action="audio.speak", target=target, after=after)
            faults.point("speak.commit")

    def give_up(self, conn: Connection, subject: Subject, error: LecternError, *, actor: Actor) -> None:
        """Mark the audio as failed; one that was cancelled leaves no row at all."""
        unfinished = (audios.c.id == subject.audio_id, audios.c.status.in_(("PENDING", "GENERATING")))
        if isinstance(error, Cancelled):
            conn.execute(delete(audios).where(*unfinished))
            return
        if conn.execute(update(audios).where(*unfinished).values(status="FAILED", error=str(error), error_code=error.code)).rowcount:
            target, after = Target(kind="audio", id=str(subject.audio_id)), {"error_code": error.code}
            self._audit.record(conn, actor=actor, action="audio.speak", target=target, outcome="failed", after=after)

    def again(self, subject: Subject, *, actor: Actor) -> int:
        """Queue the page anew; what was cancelled left nothing to queue."""
        try:
            return self._audios.requeue(subject.audio_id or 0, actor=actor)
        except NotFound:
            raise NotFound("The audio of this job was cancelled or deleted; generate it again.") from None


def _page_row(document_id: int, page: ExtractedPage) -> dict[str, Any]:
    return {"document_id": document_id, "number": page.number, "text": page.text, "skips": [list(skip) for skip in page.skips]}


def _facts(spoken: SpokenAudio) -> dict[str, Any]:
    return {
        "status": "COMPLETED",
        "completed_at": func.now(),
        "seconds": spoken.seconds,
        "sample_rate": spoken.sample_rate,
        "encoder_delay": spoken.encoder_delay_samples,
        "pcm_sha256": spoken.pcm_sha256,
        "marks": [_mark(mark) for mark in spoken.marks],
        "sentences": [list(sentence) for sentence in spoken.sentences],
        "peaks": bytes(spoken.peaks),
    }


def _mark(mark: Mark) -> list[int]:
    return [mark.start, mark.end, mark.start_ms, mark.end_ms]
