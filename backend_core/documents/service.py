"""What people do with documents: import, find, read, rename, delete, restore, retry."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select, update

from backend_core import faults
from backend_core.audit.service import Audit
from backend_core.db.database import Database
from backend_core.documents.extraction import kind_of
from backend_core.documents.limits import check_imports
from backend_core.documents.listing import list_documents, rows_query, summaries, to_row
from backend_core.documents.names import safe_name, title_from
from backend_core.documents.records import AudioSummary, DocumentPage, DocumentRow, Imported, PageRow, PageText
from backend_core.documents.tables import audios, document_pages, documents
from backend_core.errors import Conflict, InvalidInput, NotFound, StaleVersion, TooLarge, UnreadableFile
from backend_core.house.service import House
from backend_core.jobs.runner import Subject
from backend_core.jobs.service import JobRequest, Jobs
from backend_core.logs import correlated, correlation_id, get_logger
from backend_core.policy import Actor, Target, authorize
from backend_core.settings import MEBIBYTE, Settings
from backend_core.storage.service import Storage

log = get_logger(__name__)
EXTRACT: Final = "documents.extract"
TITLE_LENGTH: Final = 255
CONTENT_TYPES: Final = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "md": "text/markdown",
    "txt": "text/plain",
}


def clean_title(title: str) -> str:
    """Return a title with its white space tidied.

    Raises:
        InvalidInput: nothing is left, or it is longer than 255 characters.
    """
    cleaned = " ".join("".join(" " if character.isspace() else character for character in title if character.isprintable()).split())
    if not cleaned:
        raise InvalidInput("A title needs at least one character.")
    if len(cleaned) > TITLE_LENGTH:
        raise InvalidInput(f"A title can have at most {TITLE_LENGTH} characters.")
    return cleaned


class Documents:
    """Documents of one database."""

    def __init__(self, database: Database, audit: Audit, *, storage: Storage, jobs: Jobs, settings: Settings, house: House) -> None:
        self._database = database
        self._audit = audit
        self._storage = storage
        self._jobs = jobs
        self._settings = settings
        self._house = house

    def import_file(self, path: Path, *, actor: Actor, title: str | None = None) -> Imported:
        """Take in a file; its pages are read by a job that starts when this returns.

        Raises:
            UnsupportedFile: not a PDF, DOCX, Markdown or text file.
            UnreadableFile: it cannot be opened.
            TooLarge: over the limit.
            TooManyImports: this operator imported too many within an hour, on whichever computer.
            StorageFailed: the file could not be stored; nothing was imported.
        """
        authorize(actor, "document.import", Target(kind="document"))
        with correlated():
            size = self._readable_size(path)
            filename = safe_name(path.name)
            kind = kind_of(path, filename=path.name)
            wanted = clean_title(title) if title is not None else title_from(filename)
            self._check_imports(actor)
            staged = self._storage.stage(path)
            with self._database.begin("Import document") as conn:
                check_imports(conn, actor=actor, most=self._house.within(conn).uploads_per_hour, lock=True)
                object_id = self._storage.attach(conn, staged, content_type=CONTENT_TYPES[kind])
                values = {"title": wanted, "filename": filename, "kind": kind, "size_bytes": size, "object_id": object_id}
                values |= {"owner_id": actor.operator_id, "status": "PENDING", "correlation_id": correlation_id()}
                document_id = conn.execute(insert(documents).values(values).returning(documents.c.id)).scalar_one()
                faults.point("import.row")
                job_id = self._queue_extraction(conn, document_id, wanted, actor=actor)
                target = Target(kind="document", id=str(document_id))
                # not its name: that may be a contact's, and what the log keeps for years holds no names
                after = {"kind": kind, "size_bytes": size, "sha256": staged.sha256}
                self._audit.record(conn, actor=actor, action="document.import", target=target, after=after)
                faults.point("import.commit")
                row = self._read(conn, document_id)
            faults.point("import.done")
            log.info("document imported", document_id=document_id, kind=kind, size_bytes=size)
        return Imported(document=row, job_id=job_id)

    def _check_imports(self, actor: Actor) -> None:
        # asked before the file is copied too, so that a refusal costs nothing
        most = self._house.current().uploads_per_hour
        if most:
            with self._database.begin("Count imports") as conn:
                check_imports(conn, actor=actor, most=most, lock=False)

    def _readable_size(self, path: Path) -> int:
        try:
            if not path.is_file():
                raise UnreadableFile("That is not a file that can be opened.")
            size = path.stat().st_size
            with path.open("rb"):
                pass
        except OSError:
            raise UnreadableFile("That file cannot be opened.") from None
        if size == 0:
            raise UnreadableFile("The file is empty.")
        if size > self._settings.max_file_bytes:
            raise TooLarge(f"The file has {size / MEBIBYTE:.0f} MiB; at most {self._settings.max_file_mib} MiB can be imported.")
        return size

    def _queue_extraction(self, conn: Connection, document_id: int, title: str, *, actor: Actor) -> int:
        request = JobRequest(task=EXTRACT, title=f"Read pages of {title}"[:300], subject=Subject(document_id=document_id), priority=10)
        return self._jobs.defer(conn, [request], actor=actor)[0]

    def listing(  # one argument per filter
        self,
        *,
        actor: Actor,
        search: str = "",
        status: str | None = None,
        owner_id: int | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> DocumentPage:
        """Return a slice of the documents, newest first, in three statements at any size.

        Args:
            search: words that must all occur in the title or file name.
            status: only documents in this state.
            after: ``next_cursor`` of the slice before.
            limit: 1 to 500 rows.
        """
        authorize(actor, "document.list", Target(kind="document"))
        with self._database.begin("List documents") as conn:
            return list_documents(conn, search=search, status=status, owner_id=owner_id, after=after, limit=limit)

    def get(self, document_id: int, *, actor: Actor) -> DocumentRow:
        """Return one document.

        Raises:
            NotFound: no such document, or it was deleted.
        """
        authorize(actor, "document.read", Target(kind="document", id=str(document_id)))
        with self._database.begin("Read document") as conn:
            return self._read(conn, document_id)

    def pages(self, document_id: int, *, actor: Actor) -> tuple[PageRow, ...]:
        """Return an overview of the pages of a document, by number."""
        authorize(actor, "document.read", Target(kind="document", id=str(document_id)))
        active = audios.c.lifetime == "ACTIVE"
        rank = func.array_position(["COMPLETED", "GENERATING", "PENDING", "FAILED"], audios.c.status)
        best = (
            select(audios.c.status, audios.c.seconds)
            .where(audios.c.page_id == document_pages.c.id, active)
            .order_by(rank, audios.c.id.desc())
            .limit(1)
            .lateral()
        )
        query = (
            select(
                document_pages.c.id,
                document_pages.c.number,
                func.length(document_pages.c.text).label("characters"),
                best.c.status.label("audio_status"),
                best.c.seconds,
            )
            .outerjoin(best, onclause=document_pages.c.id.is_not(None))
            .where(document_pages.c.document_id == document_id)
            .order_by(document_pages.c.number)
        )
        with self._database.begin("List pages") as conn:
            self._read(conn, document_id)
            return tuple(PageRow(**row) for row in conn.execute(query).mappings())

    def page(self, document_id: int, number: int, *, actor: Actor) -> PageText:
        """Return the text of one page.

        Raises:
            NotFound: no such document or page.
        """
        authorize(actor, "document.read", Target(kind="document", id=str(document_id)))
        query = select(document_pages).where(document_pages.c.document_id == document_id, document_pages.c.number == number)
        with self._database.begin("Read page") as conn:
            self._read(conn, document_id)
            row = conn.execute(query).mappings().one_or_none()
        if row is None:
            raise NotFound(f"The document has no page {number}.")
        return page_text(row)

    def rename(self, document_id: int, title: str, *, actor: Actor, version: int) -> DocumentRow:
        """Give a document another title.

        Raises:
            InvalidInput: an empty or too long title.
            StaleVersion: somebody else changed the document since ``version`` was read.
            NotFound: it was deleted.
        """
        title = clean_title(title)
        with self._database.begin("Rename document") as conn:
            row = self._locked(conn, document_id)
            target = Target(kind="document", id=str(document_id), owner_id=row["owner_id"])
            authorize(actor, "document.rename", target)
            if row["version"] != version:
                raise StaleVersion("The document was changed by somebody else meanwhile.")
            self._change(conn, document_id, title=title)
            before, after = _named(row, row["title"]), _named(row, title)
            self._audit.record(conn, actor=actor, action="document.rename", target=target, before=before, after=after)
            return self._read(conn, document_id)

    def delete(self, document_id: int, *, actor: Actor, typed_title: str) -> None:
        """Delete a document with its pages and audio; ``restore`` brings it back until it is purged.

        Raises:
            InvalidInput: ``typed_title`` is not the title.
            NotFound: no such document.
        """
        with self._database.begin("Delete document") as conn:
            row = self._locked(conn, document_id)
            target = Target(kind="document", id=str(document_id), owner_id=row["owner_id"])
            authorize(actor, "document.delete", target)
            if typed_title != row["title"]:
                raise InvalidInput("The title you typed is not the title of this document.")
            self._change(conn, document_id, deleted_at=func.now())
            self._audit.record(conn, actor=actor, action="document.delete", target=target, before=_named(row, row["title"]))

    def restore(self, document_id: int, *, actor: Actor) -> DocumentRow:
        """Bring back a deleted document that was not purged yet.

        Raises:
            NotFound: no such document, or it was purged.
            Conflict: it is not deleted.
        """
        with self._database.begin("Restore document") as conn:
            # lock: the sweeper must not remove the document while it is being restored
            query = select(documents).where(documents.c.id == document_id).with_for_update()
            row = conn.execute(query).mappings().one_or_none()
            if row is None:
                raise NotFound("The document is gone for good.")
            target = Target(kind="document", id=str(document_id), owner_id=row["owner_id"])
            authorize(actor, "document.restore", target)
            if row["deleted_at"] is None:
                raise Conflict("The document is not deleted.")
            self._change(conn, document_id, deleted_at=None)
            self._audit.record(conn, actor=actor, action="document.restore", target=target)
            return self._read(conn, document_id)

    def retry(self, document_id: int, *, actor: Actor) -> int:
        """Read the pages of a failed document again; return the job's id.

        Raises:
            Conflict: it has not failed.
        """
        with correlated(), self._database.begin("Retry document") as conn:
            row = self._locked(conn, document_id)
            target = Target(kind="document", id=str(document_id), owner_id=row["owner_id"])
            authorize(actor, "document.retry", target)
            if row["status"] != "FAILED":
                raise Conflict("Only a document that failed can be read again.")
            conn.execute(delete(document_pages).where(document_pages.c.document_id == document_id))
            self._change(conn, document_id, status="PENDING", error=None, error_code=None, correlation_id=correlation_id())
            self._audit.record(conn, actor=actor, action="document.retry", target=target)
            return self._queue_extraction(conn, document_id, row["title"], actor=actor)

    def purge(self, *, older_than_s: float, limit: int = 100) -> int:
        """Remove for good what was deleted long enough ago; return how many documents went. Run by the worker."""
        age = func.now() - func.make_interval(0, 0, 0, 0, 0, 0, older_than_s)
        with self._database.begin("Purge documents") as conn:
            old = select(documents.c.id, documents.c.object_id).where(documents.c.deleted_at <= age).limit(limit)
            # lock: what is being restored right now is left to the next round
            rows = conn.execute(old.with_for_update(skip_locked=True)).all()
            for row in rows:
                held = select(audios.c.object_id).where(audios.c.document_id == row.id, audios.c.object_id.is_not(None))
                for object_id in [*conn.execute(held).scalars(), row.object_id]:
                    self._storage.release(conn, object_id)
                conn.execute(delete(documents).where(documents.c.id == row.id))
        return len(rows)

    @staticmethod
    def _change(conn: Connection, document_id: int, **values: Any) -> None:
        change = update(documents).where(documents.c.id == document_id)
        conn.execute(change.values(version=documents.c.version + 1, updated_at=func.now(), **values))

    @staticmethod
    def _locked(conn: Connection, document_id: int) -> dict[str, Any]:
        # lock: changes of one document follow one another, each checked against the state the last one left
        query = select(documents).where(documents.c.id == document_id, documents.c.deleted_at.is_(None)).with_for_update()
        row = conn.execute(query).mappings().one_or_none()
        if row is None:
            raise NotFound(f"There is no document {document_id}.")
        return dict(row)

    @staticmethod
    def _read(conn: Connection, document_id: int) -> DocumentRow:
        query = rows_query().where(documents.c.id == document_id, documents.c.deleted_at.is_(None))
        row = conn.execute(query).mappings().one_or_none()
        if row is None:
            raise NotFound(f"There is no document {document_id}.")
        return to_row(dict(row), summaries(conn, [document_id]).get(document_id, AudioSummary()))


def _named(row: Mapping[str, Any], title: str) -> dict[str, str]:
    """Return what the audit log keeps of a title: nothing where the document is kept on behalf of a contact."""
    return {"title": title} if row["on_behalf_of"] is None else {}


def page_text(row: Any) -> PageText:
    """Build the record of a page from its row."""
    skips = tuple((start, end, reason) for start, end, reason in row["skips"])
    return PageText(
        id=row["id"], document_id=row["document_id"], number=row["number"], text=row["text"], skips=skips, revision=row["revision"]
    )
