"""The document list in three statements, however many documents there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, func, or_, select

from backend_core.access.tables import operators
from backend_core.documents.records import AudioSummary, DocumentPage, DocumentRow
from backend_core.documents.tables import audios, documents
from backend_core.errors import InvalidInput

MOST_ROWS: Final = 500
_COLUMNS: Final = tuple(name for name in DocumentRow.__dataclass_fields__ if name not in {"owner", "audio"})


def _matching(search: str, status: str | None, owner_id: int | None) -> list[ColumnElement[bool]]:
    where: list[ColumnElement[bool]] = [documents.c.deleted_at.is_(None)]
    title, filename = documents.c.title, documents.c.filename
    where.extend(or_(title.icontains(word, autoescape=True), filename.icontains(word, autoescape=True)) for word in search.split())
    if status is not None:
        where.append(documents.c.status == status)
    if owner_id is not None:
        where.append(documents.c.owner_id == owner_id)
    return where


def rows_query() -> Select[Any]:
    """Return the query for document rows without their audio."""
    columns = [documents.c[name] for name in _COLUMNS]
    return select(*columns, operators.c.name.label("owner")).join(operators, operators.c.id == documents.c.owner_id)


def to_row(row: Mapping[str, Any], audio: AudioSummary) -> DocumentRow:
    """Build a record from a row of ``rows_query``."""
    return DocumentRow(**row, audio=audio)


def summaries(conn: Connection, ids: Iterable[int]) -> dict[int, AudioSummary]:
    """Return the audio summary of each document that has active audio, in one statement."""
    active = audios.c
    ready = active.status == "COMPLETED"
    query = (
        select(
            active.document_id,
            func.count().filter(ready).label("ready"),
            func.count().filter(active.status.in_(("PENDING", "GENERATING"))).label("working"),
            func.count().filter(active.status == "FAILED").label("failed"),
            func.count(active.page_id.distinct()).filter(ready).label("pages_ready"),
            func.coalesce(func.sum(active.seconds).filter(ready), 0.0).label("seconds"),
        )
        .where(active.document_id.in_(list(ids)), active.lifetime == "ACTIVE")
        .group_by(active.document_id)
    )
    return {row.pop("document_id"): AudioSummary(**row) for row in (dict(found) for found in conn.execute(query).mappings())}


def list_documents(  # one argument per filter
    conn: Connection, *, search: str, status: str | None, owner_id: int | None, after: str | None, limit: int
) -> DocumentPage:
    """Return one slice, newest first, in exactly three statements.

    Raises:
        InvalidInput: ``after`` did not come from an earlier slice.
    """
    where = _matching(search, status, owner_id)
    limit = max(1, min(limit, MOST_ROWS))
    query = rows_query().where(*where).order_by(documents.c.id.desc()).limit(limit + 1)
    if after is not None:
        if not after.isdecimal():
            raise InvalidInput("That place in the list does not exist.")
        query = query.where(documents.c.id < int(after))
    found = conn.execute(query).mappings().all()
    shown = found[:limit]
    audio = summaries(conn, [row["id"] for row in shown])
    total = conn.execute(select(func.count()).select_from(documents).where(*where)).scalar_one()
    rows = tuple(to_row(dict(row), audio.get(row["id"], AudioSummary())) for row in shown)
    return DocumentPage(rows=rows, next_cursor=str(rows[-1].id) if len(found) > limit else None, total=total)
