"""What a reader of the audit log gets: rows, plans of long lists, summaries, details."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

from backend_core.audit.query import AuditFilter


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """One recorded action.

    Attributes:
        position: its place in the sealed log, gapless from 1; ``None`` while it is not sealed yet.
        at: when, in UTC, by the database's clock.
        target: ``kind:id``, or the kind alone.
        before: the fields that changed, as they were; never document or memory content.
        after: the same fields, as they became.
        writer: the connection that wrote it; ``wseq`` counts its rows.
        leaf: hash over this row and the one before it of the same writer, in hexadecimal digits.
        erased: removed when its retention ended; only the hash, the writer and the time are left.
    """

    id: int
    position: int | None
    at: dt.datetime
    actor: str
    actor_id: int | None
    role: str
    action: str
    target: str
    outcome: str
    reason: str | None
    before: Mapping[str, object] | None
    after: Mapping[str, object] | None
    workstation: str
    client_version: str
    correlation_id: str
    writer: str
    wseq: int
    leaf: str
    erased: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailSummary:
    """The audit log as a whole.

    Attributes:
        total: sealed rows; their positions are 1 to ``total`` without a gap.
        unsealed: rows that the sealer has not reached.
        seal_lag_s: age of the oldest of them in seconds; ``None`` when there is none.
        newest_id: to be given to ``tail``.
    """

    total: int
    unsealed: int
    oldest: dt.datetime | None
    newest: dt.datetime | None
    seal_lag_s: float | None
    newest_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailEstimate:
    """What the database expects of a filter before it looks: about how many rows, and whether most of the log has to be read."""

    rows: int
    scans: bool


Anchor = tuple[dt.datetime, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailPlan:
    """Where the rows of a filtered list are: enough to fetch any of them at once.

    Attributes:
        total: rows in the list.
        step: rows from one anchor to the next.
        anchors: time and id of every ``step``-th row, newest first; empty when ``ids`` holds them all.
        ids: every row of a list that is not long, newest first.
        upper: the last position when the plan was made.
        newest_id: the last id when the plan was made, to be given to ``tail``.
        filter: with relative times replaced by what they were.
    """

    total: int
    step: int
    anchors: tuple[Anchor, ...]
    ids: tuple[int, ...]
    upper: int
    newest_id: int
    filter: AuditFilter


@dataclass(frozen=True, slots=True, kw_only=True)
class SealFacts:
    """The seal over one row.

    Attributes:
        position: of the row.
        size: rows in the batch; ``index`` is the row's place among them, from 0.
        root, head: of the batch's tree, and of all seals up to this one; hexadecimal digits.
        lag_s: seconds from the row's time to its seal.
        proof: hashes that lead from the row to the root.
    """

    seal_id: int
    position: int
    size: int
    index: int
    root: str
    head: str
    key_id: str
    at: dt.datetime
    lag_s: float
    proof: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditDetails:
    """One row with its neighbours in the chain of its writer (previous, this, next), and its seal."""

    row: AuditRow
    neighbours: tuple[AuditRow | None, AuditRow, AuditRow | None]
    seal: SealFacts | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedView:
    """A filter under a name, of one operator."""

    id: int
    name: str
    query: str
