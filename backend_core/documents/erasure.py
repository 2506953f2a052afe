"""Remove for good what is kept on behalf of one contact: documents, their pages, audio and jobs."""

from __future__ import annotations

import uuid

from sqlalchemy import Connection, delete, func, or_, select

from backend_core.documents.tables import audios, document_pages, documents
from backend_core.jobs.tables import job_failure, job_run, queue_jobs
from backend_core.storage.service import Storage


def erase_documents(conn: Connection, user_id: uuid.UUID, *, storage: Storage) -> dict[str, int]:
    """Remove the contact's documents in the caller's transaction, deleted ones too; return how many rows went, by kind.

    The files go with the sweeper once nobody else refers to the same content. A job that is running finds nothing and ends.
    """
    rows = conn.execute(select(documents.c.id, documents.c.object_id).where(documents.c.on_behalf_of == user_id)).all()
    ids = [row.id for row in rows]
    spoken = conn.execute(select(audios.c.id, audios.c.object_id).where(audios.c.document_id.in_(ids))).all()
    held = [row.object_id for row in (*rows, *spoken) if row.object_id is not None]
    for object_id in held:
        storage.release(conn, object_id)
    pages = conn.execute(select(func.count()).select_from(document_pages).where(document_pages.c.document_id.in_(ids))).scalar_one()
    jobs = _erase_jobs(conn, ids, [row.id for row in spoken])
    conn.execute(delete(documents).where(documents.c.id.in_(ids)))
    return {"documents": len(ids), "pages": pages, "audios": len(spoken), "objects": len(held), "jobs": jobs}


def _erase_jobs(conn: Connection, document_ids: list[int], audio_ids: list[int]) -> int:
    """Remove the record of jobs, whose titles name documents, and what of them still waits."""
    about = or_(job_run.c.document_id.in_(document_ids), job_run.c.audio_id.in_(audio_ids))
    jobs = list(conn.execute(delete(job_run).where(about).returning(job_run.c.job_id)).scalars())
    conn.execute(delete(job_failure).where(job_failure.c.job_id.in_(jobs)))
    conn.execute(delete(queue_jobs).where(queue_jobs.c.id.in_(jobs), queue_jobs.c.status != "doing"))
    return len(jobs)
