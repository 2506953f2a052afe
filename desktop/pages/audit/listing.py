"""The list as the worker reads it: a long body that does not move, and a head of what happened since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Final

from desktop.background import current
from desktop.pages.audit.lines import AuditLine, audit_lines
from desktop.widgets.sparse_table import PAGE_ROWS

if TYPE_CHECKING:
    from backend_core.audit.query import AuditFilter
    from backend_core.audit.rows import TrailPlan, TrailSummary

HEAD_ROWS: Final = 512
"""So many newer rows are kept above the body; with more, the list is read anew."""
_OVERLAP: Final = 256


@dataclass(frozen=True, slots=True)
class Listing:
    """One list.

    Attributes:
        wanted: the filter.
        plan: where the rows of a filtered list are; None for the whole log, whose rows are found by position.
        count: rows of the body.
        top: the highest position when the list was made.
        after_id: rows of the head have a higher id.
        head: newer rows, newest first.
        first: the first page of the body.
        summary: of the whole log.
    """

    wanted: AuditFilter
    plan: TrailPlan | None
    count: int
    top: int
    after_id: int
    head: tuple[AuditLine, ...]
    first: tuple[AuditLine, ...]
    summary: TrailSummary


@dataclass(frozen=True, slots=True)
class News:
    """What changed above a list: its head anew, the first page anew where its rows were not sealed, the log as a whole."""

    head: tuple[AuditLine, ...]
    first: tuple[AuditLine, ...] | None
    summary: TrailSummary

    @property
    def overflow(self) -> bool:
        """Whether so much happened that the list has to be read anew."""
        return len(self.head) >= HEAD_ROWS


def read_listing(backend: Any, *, actor: Any, wanted: AuditFilter) -> Listing:
    """Find where the rows of ``wanted`` are, and read the first of them; runs in a worker."""
    trail = backend.trail
    summary = trail.summary(actor=actor)
    # Without a sealer most rows have no position, so the whole log is then planned like a filtered list.
    if wanted.empty and summary.unsealed < HEAD_ROWS // 2:
        rows = trail.page(summary.total, PAGE_ROWS, actor=actor) if summary.total else ()
        after = max(0, rows[0].id - _OVERLAP) if rows else 0
        return _with_head(backend, actor, Listing(wanted, None, summary.total, summary.total, after, (), audit_lines(rows), summary))
    token = current()
    plan = trail.plan(wanted, actor=actor, on_cancel=token.on_cancel if token is not None else None)
    rows = trail.planned_page(plan, 0, min(PAGE_ROWS, plan.total), actor=actor) if plan.total else ()
    return Listing(wanted, plan, plan.total, plan.upper, plan.newest_id, (), audit_lines(rows), summary)


def read_first(backend: Any, *, actor: Any, wanted: AuditFilter) -> tuple[AuditLine, ...]:
    """Read the first rows of ``wanted`` without counting the rest, which takes seconds where millions match; runs in a worker."""
    token = current()
    rows = backend.trail.tail(filter=wanted, limit=PAGE_ROWS, actor=actor, on_cancel=token.on_cancel if token is not None else None)
    return audit_lines(rows)


def read_page(backend: Any, *, actor: Any, listing: Listing, first: int, count: int) -> tuple[AuditLine, ...]:
    """Read ``count`` rows of the body from row ``first``; runs in a worker."""
    if listing.plan is None:
        return audit_lines(backend.trail.page(listing.top - first, count, actor=actor))
    return audit_lines(backend.trail.planned_page(listing.plan, first, count, actor=actor))


def read_news(backend: Any, *, actor: Any, listing: Listing, first: Sequence[AuditLine]) -> News:
    """Read what happened since ``listing`` was made; runs in a worker."""
    summary = backend.trail.summary(actor=actor)
    again = None
    if any(line.position is None for line in first):
        again = read_page(backend, actor=actor, listing=listing, first=0, count=len(first))
    return News(_read_head(backend, actor, listing), again, summary)


@dataclass(frozen=True, slots=True)
class Place:
    """A row of the body with its whole page, so that going there shows it at once."""

    row: int
    page: int
    lines: tuple[AuditLine, ...]


def read_place(backend: Any, *, actor: Any, listing: Listing, at: datetime, grown: int) -> Place:
    """Find the row of the body that was the last at ``at``; ``grown`` is by how much the log is longer than when the list was made."""
    row: int = backend.trail.place_of(at, filter_plan=listing.plan, actor=actor)
    row = max(0, min(row - (grown if listing.plan is None else 0), listing.count - 1))
    page = row // PAGE_ROWS
    first = page * PAGE_ROWS
    lines = read_page(backend, actor=actor, listing=listing, first=first, count=min(PAGE_ROWS, listing.count - first))
    # rows that came since ``grown`` was known put the place too low by as many
    above = [line.at <= at for line in reversed(lines[: row - first])]
    return Place(row - len(list(takewhile(bool, above))), page, lines)


def _with_head(backend: Any, actor: Any, listing: Listing) -> Listing:
    head = _read_head(backend, actor, listing)
    fields = (listing.wanted, listing.plan, listing.count, listing.top, listing.after_id, head, listing.first, listing.summary)
    return Listing(*fields)


def _read_head(backend: Any, actor: Any, listing: Listing) -> tuple[AuditLine, ...]:
    rows = backend.trail.tail(after_id=listing.after_id, filter=listing.wanted, limit=HEAD_ROWS + _OVERLAP, actor=actor)
    if listing.plan is None:
        # ids are given out before the commit, so a row of the body can have a higher id than one that is not sealed yet
        rows = [row for row in rows if row.position is None or row.position > listing.top]
    return audit_lines(rows)[:HEAD_ROWS]
