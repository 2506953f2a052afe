"""What the house settings allow: whether audio is made at all, how many audios a page may have, how fast documents come in."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Final

from sqlalchemy import BigInteger, ColumnElement, Connection, any_, func, literal, select, union_all
from sqlalchemy.dialects.postgresql import ARRAY

from backend_core.documents.tables import audios, document_pages, documents
from backend_core.errors import NotAllowed, QuotaUsed, TooManyImports
from backend_core.house.declaration import HouseSettings
from backend_core.policy import Actor

WINDOW_S: Final = 3600
_LIVE_OR_NOT: Final = (documents.c.deleted_at.is_(None), documents.c.deleted_at.is_not(None))


def check_generation(settings: HouseSettings) -> None:
    """Return quietly when audio may be made.

    Raises:
        NotAllowed: an administrator switched it off.
    """
    if not settings.generation_enabled:
        raise NotAllowed("Making audio is switched off in the house settings.")


def audios_made(conn: Connection, where: ColumnElement[bool]) -> dict[int, int]:
    """Return how many audios each page ever had, by page id; the one count that is both shown and enforced."""
    query = select(audios.c.page_id, func.count()).where(where).group_by(audios.c.page_id)
    return {row[0]: row[1] for row in conn.execute(query)}


def pages_with_room(conn: Connection, pages: Mapping[int, int], *, voice: str, most: int) -> dict[int, int]:
    """Return those of ``pages`` (revision by id) that may have another audio, or have one in ``voice`` already; the pages are locked.

    Raises:
        QuotaUsed: none of them may.
    """
    made = audios_made(conn, audios.c.page_id == any_(_ids(pages)))
    full = [page for page in pages if made.get(page, 0) >= most]
    if not full:
        return dict(pages)
    spoken = select(audios.c.page_id).where(audios.c.page_id == any_(_ids(full)), audios.c.voice == voice, audios.c.lifetime == "ACTIVE")
    refused = set(full) - set(conn.execute(spoken).scalars())
    if refused == set(pages):
        number = conn.execute(select(func.min(document_pages.c.number)).where(document_pages.c.id == any_(_ids(refused)))).scalar_one()
        raise QuotaUsed(page=number, most=most)
    return {page: revision for page, revision in pages.items() if page not in refused}


def check_imports(conn: Connection, *, actor: Actor, most: int, lock: bool) -> None:
    """Return quietly when ``actor`` may import another document now.

    Args:
        most: imports within an hour; 0 for no limit.
        lock: nobody else may import for this operator until the transaction ends.

    Raises:
        TooManyImports: with the seconds until the next one is possible.
    """
    if not most or actor.operator_id is None:
        return
    if lock:
        # lock: two computers of one operator must not both get the last place
        conn.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"lectern.imports.{actor.operator_id}", 0))))
    recent = documents.c.created_at > func.now() - func.make_interval(0, 0, 0, 0, 0, 0, WINDOW_S)
    # what was deleted was imported all the same; two parts, so that each has its index
    parts = [select(documents.c.created_at).where(documents.c.owner_id == actor.operator_id, recent, deleted) for deleted in _LIVE_OR_NOT]
    times = union_all(*parts).subquery()
    age = func.extract("epoch", func.now() - times.c.created_at)
    oldest = conn.execute(select(age).order_by(times.c.created_at.desc()).offset(most - 1).limit(1)).scalar_one_or_none()
    if oldest is not None:
        raise TooManyImports(most=most, wait_s=max(1, math.ceil(WINDOW_S - float(oldest))))


def _ids(pages: Iterable[int]) -> ColumnElement[list[int]]:
    return literal(list(pages), ARRAY(BigInteger))
