"""What people do with audio: generate, list, play, delete, restore; each page has at most one active audio per voice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import BigInteger, Column, ColumnElement, Connection, Select, any_, bindparam, func, literal, select, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import insert as upsert

from backend_core import faults
from backend_core.access.tables import operators
from backend_core.audit.service import Audit
from backend_core.db.database import Database
from backend_core.documents.limits import audios_made, check_generation, pages_with_room
from backend_core.documents.records import AudioQuota, AudioRow, Generated, PlayableAudio
from backend_core.documents.service import page_text
from backend_core.documents.tables import audios, document_pages, documents
from backend_core.errors import Conflict, InvalidInput, NotFound, VoiceInUse
from backend_core.house.service import House
from backend_core.jobs.runner import Subject
from backend_core.jobs.service import JobRequest, Jobs
from backend_core.logs import correlated, correlation_id, get_logger
from backend_core.policy import Actor, Target, authorize
from backend_core.speech.service import Speech
from backend_core.storage.service import Storage
from backend_core.storage.tables import objects

log = get_logger(__name__)
SPEAK: Final = "documents.speak"
RATES: Final = (50, 300)
PITCHES: Final = (0, 99)


class Audios:
    """Audio of the documents of one database."""

    def __init__(self, database: Database, audit: Audit, *, storage: Storage, jobs: Jobs, speech: Speech, house: House) -> None:
        self._database = database
        self._audit = audit
        self._storage = storage
        self._jobs = jobs
        self._speech = speech
        self._house = house

    def generate(  # one argument per choice of the user
        self,
        document_id: int,
        *,
        actor: Actor,
        voice: str | None = None,
        pages: Sequence[int] | None = None,
        rate: int = 100,
        pitch: int = 50,
    ) -> Generated:
        """Queue audio for some or all pages; whoever asks second gets the existing audio instead.

        Args:
            voice: a voice id, or ``None`` for the default of the document's language.
            pages: page numbers, or ``None`` for every page with text.
            rate: per cent of normal speed, 50 to 300.
            pitch: 0 to 99.

        Returns:
            What was queued, and what was there before.

        Raises:
            VoiceInUse: every page asked for already has audio in this voice.
            QuotaUsed: every page asked for has had as many audios as it may.
            NotAllowed: making audio is switched off, or not for this role.
            InvalidInput: a number out of range, or nothing to speak.
            NotFound: no such document, page or voice.
            Conflict: the pages are not read yet.
        """
        _check_range("Speed", rate, RATES)
        _check_range("Pitch", pitch, PITCHES)
        with correlated(), self._database.begin("Generate audio") as conn:
            document = self._document(conn, document_id)
            authorize(actor, "audio.generate", Target(kind="document", id=str(document_id)))
            house = self._house.within(conn)
            check_generation(house)
            chosen = self._speech.voice(voice) if voice else self._speech.default_voice(document["language"])
            asked = self._lock_pages(conn, document_id, pages)
            faults.point("generate.locked")
            wanted = pages_with_room(conn, asked, voice=chosen.id, most=house.max_audios_per_page)
            values = {"document_id": document_id, "voice": chosen.id, "rate": rate, "pitch": pitch, "created_by": actor.operator_id}
            new = self._create(conn, wanted, values)
            faults.point("generate.rows")
            rows = self._rows(conn, _among(audios.c.page_id, wanted), audios.c.voice == chosen.id)
            if not new:
                first = rows[0]
                raise VoiceInUse(page=first.page, voice=chosen.label, audio_id=first.id)
            queued = self._queue(conn, [row for row in rows if row.id in new], title=document["title"], actor=actor)
            target = Target(kind="document", id=str(document_id))
            after = {"voice": chosen.id, "pages": [row.page for row in queued], "rate": rate, "pitch": pitch}
            self._audit.record(conn, actor=actor, action="audio.generate", target=target, after=after)
            faults.point("generate.commit")
        existing = tuple(row for row in rows if row.id not in new)
        log.info("audio queued", document_id=document_id, voice=chosen.id, pages=len(queued))
        return Generated(queued=queued, existing=existing, full=len(asked) - len(wanted))

    @staticmethod
    def _document(conn: Connection, document_id: int) -> Mapping[str, Any]:
        query = select(documents).where(documents.c.id == document_id, documents.c.deleted_at.is_(None))
        row = conn.execute(query).mappings().one_or_none()
        if row is None:
            raise NotFound(f"There is no document {document_id}.")
        if row["status"] != "COMPLETED":
            raise Conflict("The pages of this document have not been read yet.")
        return dict(row)

    @staticmethod
    def _lock_pages(conn: Connection, document_id: int, pages: Sequence[int] | None) -> dict[int, int]:
        """Lock the pages, so that two requests for one page wait for each other; return the revision of each page id."""
        columns = document_pages.c
        query = select(columns.id, columns.number, columns.revision, _has_text()).where(columns.document_id == document_id)
        if pages is not None:
            query = query.where(columns.number.in_(list(pages)))
        # lock: one request at a time may look for audio of these pages and add it; in page order, so that two cannot deadlock
        rows = conn.execute(query.order_by(columns.number).with_for_update()).all()
        missing = set(pages or ()) - {row.number for row in rows}
        if missing:
            raise NotFound(f"The document has no page {min(missing)}.")
        spoken = {row.id: row.revision for row in rows if row.has_text}
        if not spoken:
            raise InvalidInput("There is no text to speak." if pages is None else f"Page {rows[0].number} has no text to speak.")
        return spoken

    def _create(self, conn: Connection, pages: Mapping[int, int], values: Mapping[str, Any]) -> set[int]:
        """Insert a pending audio for each page that has none in this voice; revive failed ones; return the ids."""
        fresh = dict(values) | {"status": "PENDING", "lifetime": "ACTIVE", "correlation_id": correlation_id()}
        # one statement with few parameters, however many pages there are: a statement takes 65,535
        constant = [literal(value, audios.c[name].type) for name, value in fresh.items()]
        source = select(document_pages.c.id, document_pages.c.revision, *constant).where(_among(document_pages.c.id, pages))
        # the page is locked; should anything else ever insert here, the unique index answers and nothing crashes
        new = upsert(audios).from_select(["page_id", "page_revision", *fresh], source)
        new = new.on_conflict_do_nothing(index_elements=[audios.c.page_id, audios.c.voice], index_where=audios.c.lifetime == "ACTIVE")
        created = set(conn.execute(new.returning(audios.c.id)).scalars())
        failed = update(audios).where(_among(audios.c.page_id, pages), audios.c.voice == values["voice"])
        failed = failed.where(audios.c.lifetime == "ACTIVE", audios.c.status == "FAILED")
        revived = failed.values(fresh | {"error": None, "error_code": None, "created_at": func.now()}).returning(audios.c.id)
        return created | set(conn.execute(revived).scalars())

    def _queue(self, conn: Connection, queued: Sequence[AudioRow], *, title: str, actor: Actor) -> tuple[AudioRow, ...]:
        requests = [
            JobRequest(
                task=SPEAK,
                title=f"Speak page {row.page} of {title}"[:300],
                subject=Subject(document_id=row.document_id, audio_id=row.id),
            )
            for row in queued
        ]
        job_ids = self._jobs.defer(conn, requests, actor=actor)
        known = update(audios).where(audios.c.id == bindparam("audio")).values(job_id=bindparam("job"))
        conn.execute(known, [{"audio": row.id, "job": job_id} for row, job_id in zip(queued, job_ids, strict=True)])
        return tuple(replace(row, job_id=job_id) for row, job_id in zip(queued, job_ids, strict=True))

    def requeue(self, audio_id: int, *, actor: Actor) -> int:
        """Queue a failed audio again; return the job's id.

        Raises:
            NotFound: it was deleted.
            Conflict: it has not failed.
        """
        with correlated(), self._database.begin("Retry audio") as conn:
            row = self._locked(conn, audio_id)
            target = Target(kind="audio", id=str(audio_id))
            authorize(actor, "audio.generate", target)
            check_generation(self._house.within(conn))
            if row["status"] != "FAILED":
                raise Conflict("Only audio that failed can be retried.")
            values = {"status": "PENDING", "error": None, "error_code": None, "correlation_id": correlation_id()}
            conn.execute(update(audios).where(audios.c.id == audio_id).values(values))
            found = self._rows(conn, audios.c.id == audio_id)
            title = conn.execute(select(documents.c.title).where(documents.c.id == row["document_id"])).scalar_one()
            queued = self._queue(conn, found, title=title, actor=actor)[0]
            self._audit.record(conn, actor=actor, action="audio.generate", target=target, after={"retry": True})
        return queued.job_id or 0

    def quota(self, document_id: int, page: int, *, actor: Actor) -> AudioQuota:
        """Return how many audios a page ever had, and may have: the very count that ``generate`` enforces.

        Raises:
            NotFound: no such page.
        """
        authorize(actor, "document.read", Target(kind="document", id=str(document_id)))
        query = select(document_pages.c.id).where(document_pages.c.document_id == document_id, document_pages.c.number == page)
        with self._database.begin("Read quota") as conn:
            page_id = conn.execute(query).scalar_one_or_none()
            if page_id is None:
                raise NotFound(f"The document has no page {page}.")
            used = audios_made(conn, audios.c.page_id == page_id).get(page_id, 0)
            return AudioQuota(used=used, most=self._house.within(conn).max_audios_per_page)

    def listing(self, document_id: int, *, actor: Actor, page: int | None = None) -> tuple[AudioRow, ...]:
        """Return the active audio of a document, or of one page, by page and voice."""
        authorize(actor, "document.read", Target(kind="document", id=str(document_id)))
        where = [audios.c.document_id == document_id]
        if page is not None:
            where.append(document_pages.c.number == page)
        with self._database.begin("List audio") as conn:
            return self._rows(conn, *where)

    def play(self, audio_id: int, *, actor: Actor) -> PlayableAudio:
        """Return verified audio with its text and marks, and note that it was played.

        Raises:
            NotFound: deleted, expired, or never existed.
            Conflict: not finished.
            DamagedObject: the stored file is missing or was changed.
        """
        target = Target(kind="audio", id=str(audio_id))
        authorize(actor, "audio.play", target)
        with correlated(), self._database.begin("Play audio") as conn:
            row = self._locked(conn, audio_id)
            if row["status"] != "COMPLETED":
                raise Conflict("This audio is not finished yet.")
            conn.execute(update(audios).where(audios.c.id == audio_id).values(last_played_at=func.now()))
            # the record of the access is committed before anybody hears a word
            self._audit.record(conn, actor=actor, action="audio.play", target=target)
            page = conn.execute(select(document_pages).where(document_pages.c.id == row["page_id"])).mappings().one()
            title = conn.execute(select(documents.c.title).where(documents.c.id == row["document_id"])).scalar_one()
            shown = self._rows(conn, audios.c.id == audio_id)[0]
        return PlayableAudio(
            audio=shown,
            document_title=title,
            page=page_text(page),
            path=self._storage.path_of(row["object_id"]),
            marks=tuple((a, b, c, d) for a, b, c, d in row["marks"]),
            sentences=tuple((start, end) for start, end in row["sentences"]),
            peaks=tuple(row["peaks"]),
            sample_rate=row["sample_rate"],
            encoder_delay=row["encoder_delay"],
        )

    def delete(self, audio_id: int, *, actor: Actor) -> None:
        """Take audio out of use; ``restore`` brings it back until it is purged.

        Raises:
            NotFound: no such active audio.
        """
        with correlated(), self._database.begin("Delete audio") as conn:
            row = self._locked(conn, audio_id)
            target = Target(kind="audio", id=str(audio_id), owner_id=row["created_by"])
            authorize(actor, "audio.delete", target)
            conn.execute(update(audios).where(audios.c.id == audio_id).values(lifetime="DELETED", deleted_at=func.now()))
            self._audit.record(conn, actor=actor, action="audio.delete", target=target, before={"voice": row["voice"]})

    def restore(self, audio_id: int, *, actor: Actor) -> AudioRow:
        """Bring deleted audio back.

        Raises:
            NotFound: it was purged, or its document is deleted.
            VoiceInUse: the page got new audio in the same voice meanwhile.
        """
        with correlated(), self._database.begin("Restore audio") as conn:
            query = select(audios).join(documents, documents.c.id == audios.c.document_id).where(audios.c.id == audio_id)
            # lock: the sweeper must not take the file away while it is being restored
            query = query.where(audios.c.lifetime == "DELETED", documents.c.deleted_at.is_(None)).with_for_update(of=audios)
            row = conn.execute(query).mappings().one_or_none()
            if row is None or row["object_id"] is None:
                raise NotFound("This audio is gone for good.")
            target = Target(kind="audio", id=str(audio_id), owner_id=row["created_by"])
            authorize(actor, "audio.restore", target)
            # lock: nobody may add audio in this voice between the look and the change
            conn.execute(select(document_pages.c.id).where(document_pages.c.id == row["page_id"]).with_for_update())
            taken = self._rows(conn, audios.c.page_id == row["page_id"], audios.c.voice == row["voice"])
            if taken:
                raise VoiceInUse(page=taken[0].page, voice=self._speech.voice(row["voice"]).label, audio_id=taken[0].id)
            conn.execute(update(audios).where(audios.c.id == audio_id).values(lifetime="ACTIVE", deleted_at=None))
            self._audit.record(conn, actor=actor, action="audio.restore", target=target)
            return self._rows(conn, audios.c.id == audio_id)[0]

    def purge(self, *, older_than_s: float, limit: int = 500) -> int:
        """Give up the files of audio deleted long enough ago; its row stays and counts. Run by the worker."""
        age = func.now() - func.make_interval(0, 0, 0, 0, 0, 0, older_than_s)
        query = select(audios.c.id, audios.c.object_id).where(audios.c.lifetime == "DELETED", audios.c.deleted_at <= age)
        # lock: what is being restored right now is left to the next round
        query = query.where(audios.c.object_id.is_not(None)).limit(limit).with_for_update(skip_locked=True)
        with self._database.begin("Purge audio") as conn:
            rows = conn.execute(query).all()
            for row in rows:
                self._storage.release(conn, row.object_id)
                empty = {"object_id": None, "marks": None, "sentences": None, "peaks": None}
                conn.execute(update(audios).where(audios.c.id == row.id).values(empty))
        return len(rows)

    @staticmethod
    def _locked(conn: Connection, audio_id: int) -> Mapping[str, Any]:
        query = select(audios).join(documents, documents.c.id == audios.c.document_id)
        query = query.where(audios.c.id == audio_id, audios.c.lifetime == "ACTIVE", documents.c.deleted_at.is_(None))
        # lock: retry and delete of one audio follow one another
        row = conn.execute(query.with_for_update(of=audios)).mappings().one_or_none()
        if row is None:
            raise NotFound("There is no such audio; it may have been deleted.")
        return dict(row)

    @staticmethod
    def _rows(conn: Connection, *where: Any) -> tuple[AudioRow, ...]:
        query = _audio_query().where(audios.c.lifetime == "ACTIVE", *where).order_by(document_pages.c.number, audios.c.voice)
        return tuple(AudioRow(**row) for row in conn.execute(query).mappings())


def _among(column: Column[int], ids: Iterable[int]) -> ColumnElement[bool]:
    return column == any_(literal(list(ids), ARRAY(BigInteger)))


def _has_text() -> Any:
    # \S: anything but white space; whether it can be spoken is the engine's business
    return document_pages.c.text.regexp_match(r"\S").label("has_text")


def _check_range(name: str, value: int, bounds: tuple[int, int]) -> None:
    low, high = bounds
    if not low <= value <= high:
        raise InvalidInput(f"{name} must be between {low} and {high}.")


def _audio_query() -> Select[Any]:
    computed = {"page", "outdated", "bytes", "sha256", "created_by"}
    plain = [audios.c[name] for name in AudioRow.__dataclass_fields__ if name not in computed]
    query = select(
        *plain,
        document_pages.c.number.label("page"),
        (audios.c.page_revision < document_pages.c.revision).label("outdated"),
        objects.c.bytes,
        objects.c.sha256,
        operators.c.name.label("created_by"),
    )
    query = query.join(document_pages, document_pages.c.id == audios.c.page_id)
    return query.join(operators, operators.c.id == audios.c.created_by).outerjoin(objects, objects.c.id == audios.c.object_id)
