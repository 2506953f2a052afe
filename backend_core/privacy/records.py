"""What a privacy run tells: its cells, its cases, its evidence, and how it ended."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Expected = Literal["own", "closed", "audited"]
"""``own``: visible to itself; ``closed``: nothing may show; ``audited``: visible to an administrator, who leaves one audit row."""

Outcome = Literal["pass", "fail", "refused", "stopped"]
Gate = Literal["ok", "failed", "stale", "never"]
Trigger = Literal["window", "command", "ci", "migration", "schedule"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one failed probe saw.

    Attributes:
        place: where: ``D1 > GB: search_words``, a table, a function, a role.
        did: the statement or call.
        saw: what came back, cut; made-up text only.
        rows: how many rows came back that should not have.
        with_sha, without_sha: of what the viewer observed in the world with the other container's words and in the one without.
        cause: why, in plain words.
    """

    place: str
    did: str
    saw: str
    rows: int = 0
    with_sha: str = ""
    without_sha: str = ""
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One operation of one viewer, about the memory of one owner.

    Attributes:
        viewer, owner: codes of ``contexts.CONTEXTS``.
        operation: code of ``contexts.OPERATIONS``.
        ok: what was seen is what was expected.
        rows: rows of the owner that the viewer got; 0 where closed.
        worlds: whether the viewer's observations were the same with and without the owner's words; ``-`` where nobody compared.
        evidence: of a cell that is not ok.
    """

    viewer: str
    owner: str
    operation: str
    expected: Expected
    ok: bool
    rows: int
    worlds: Literal["equal", "differs", "-"]
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """One rule in plain words and whether it held.

    Attributes:
        group: ``boundary``, ``stories``, ``forgetting``, ``database`` or ``traces``.
        rule: what must be true, one sentence.
        probes: how many things were tried.
        leaks: how many of them showed what they should not.
        cause: of a failure, in plain words; empty when ok.
    """

    id: str
    title: str
    rule: str
    group: str
    ok: bool
    probes: int
    leaks: int
    cause: str = ""
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of the suite.

    Attributes:
        database_role: the role that was tested.
        target: server and database of a run elsewhere; empty for our own.
        passed, failed: cases.
        cells: cells of the matrix that were tried; 1,024 in a whole run.
        leaks: cells that were not as they should be.
        outcome: nothing while it runs; ``refused`` when its own role is not bound by the policies.
        error: one sentence, why it was refused or stopped.
    """

    id: int
    started_at: dt.datetime
    finished_at: dt.datetime | None
    trigger: Trigger
    started_by: str
    database_role: str
    schema_revision: str | None
    version: str
    target: str
    passed: int
    failed: int
    cells: int
    leaks: int
    seconds: float | None
    outcome: Outcome | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDetails:
    """A run with everything it found."""

    run: Run
    cases: tuple[CaseResult, ...]
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Whether the boundary can be relied on now.

    Attributes:
        gate: ``ok`` only when the newest run passed, is recent enough, and was of the tables as they are.
        reason: one sentence for people.
        run: the newest finished run.
        next_at: when the next one is due by itself.
    """

    gate: Gate
    reason: str
    run: Run | None
    next_at: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportVerdict:
    """What came of checking an exported report.

    Attributes:
        ok: nothing was changed since it was signed, by a key that the audit log knows.
        problems: one sentence each.
    """

    ok: bool
    run: int
    key_id: str
    problems: tuple[str, ...]


def plain(value: Any) -> Any:
    """Return a record as JSON knows it, times as ISO 8601 text."""
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    fields = getattr(type(value), "__dataclass_fields__", None)
    return {name: plain(getattr(value, name)) for name in fields} if fields else value
