"""The matrix: eight viewers, eight owners, sixteen operations; what each cell must be, and what it was."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Final

from backend_core.privacy.canaries import Sought
from backend_core.privacy.contexts import CODES, NONE, OPERATION_CODES, expected
from backend_core.privacy.raw import PROGRAM, SQL, TRACE, Seen
from backend_core.privacy.records import Cell, Evidence
from backend_core.privacy.worlds import Worlds, digest

SHOWN: Final = 300
_TABLE: Final = re.compile(r"\b(?:FROM|JOIN|UPDATE|INTO) ([a-z_]+)")
Causes = Mapping[str, str]
"""Why a table may be open, by its name, as the catalogue told; under ``*`` what opens all of them."""

Wrong = tuple[Seen, str]
"""What was seen, and why it should not have been so."""


def judge(worlds: Worlds, *, causes: Causes, spilled: Mapping[str, str]) -> tuple[Cell, ...]:
    """Return every cell.

    Args:
        worlds: what was observed.
        causes: what the catalogue says.
        spilled: owners whose words were found in the log, and where.
    """
    return tuple(_cell(worlds, viewer, owner, code, causes, spilled) for viewer in CODES for owner in CODES for code in OPERATION_CODES)


def _cell(worlds: Worlds, viewer: str, owner: str, operation: str, causes: Causes, spilled: Mapping[str, str]) -> Cell:
    must = expected(viewer, owner)
    seen = worlds.full[viewer, owner][operation]
    empty = worlds.other.get((viewer, owner))
    twin = None if empty is None else empty[operation]
    visible = must == "own" or (must == "audited" and owner != NONE)
    wrong = _spilled(seen, operation, spilled.get(owner)) or (_missing(seen, operation) if visible else _showing(seen, worlds.asked[owner]))
    if wrong is None and twin is not None:
        wrong = _different(seen, twin)
    equal = "-" if twin is None else "equal" if digest(seen) == digest(twin) else "differs"
    evidence = None if wrong is None else _evidence(f"{viewer} > {owner}: {operation}", wrong, causes, seen, twin)
    rows = max((one.rows for one in seen if one.way != TRACE), default=0)
    facts = {"viewer": viewer, "owner": owner, "operation": operation, "expected": must}
    return Cell(**facts, ok=wrong is None, rows=rows, worlds=equal, evidence=evidence)  # type: ignore[arg-type]  # literals, as made above


def _spilled(seen: Iterable[Seen], operation: str, where: str | None) -> Wrong | None:
    for one in seen:
        if one.way == TRACE and one.rows:
            return one, "Words of a container stand where no words may stand."
    if where is not None and operation == "audit_logs":
        return Seen(TRACE, "read the log files", where, 1), "Words of a container stand in the log."
    return None


def _missing(seen: Iterable[Seen], operation: str) -> Wrong | None:
    ways = [one for one in seen if one.way != TRACE]
    if not ways:
        return Seen(PROGRAM, operation, None, 0), "Nothing could be tried."
    for one in ways:
        if one.rows == 0:
            return one, "A conversation does not see its own memory."
        if operation == "audit_logs" and one.rows != 1:
            return one, "An opening left more than one row in the audit log."
    return None


def _showing(seen: Iterable[Seen], sought: Sought) -> Wrong | None:
    for one in seen:
        if one.rows or sought.word in _text(one.value):
            return one, _REASONS[one.way]
    return None


_REASONS: Final = {
    SQL: "The database shows rows of another container.",
    PROGRAM: "The program answers with what another container holds.",
    TRACE: "Words of a container stand where no words may stand.",
}


def _different(seen: tuple[Seen, ...], twin: tuple[Seen, ...]) -> Wrong | None:
    if digest(seen) == digest(twin):
        return None
    pairs = zip(seen, twin, strict=False)
    one = next((one for one, other in pairs if digest((one,)) != digest((other,))), seen[0])
    return one, "The answer depends on what another container holds."


def _evidence(place: str, wrong: Wrong, causes: Causes, seen: tuple[Seen, ...], twin: tuple[Seen, ...] | None) -> Evidence:
    one, reason = wrong
    tables = _TABLE.findall(one.did) if one.way == SQL else []
    known = [causes[table] for table in ("*", *tables) if table in causes]
    return Evidence(
        place=place,
        did=one.did,
        saw=_text(one.value)[:SHOWN],
        rows=one.rows,
        with_sha=digest(seen),
        without_sha="" if twin is None else digest(twin),
        cause=known[0] if known else reason,
    )


def _text(value: object) -> str:
    return json.dumps(value, default=str, ensure_ascii=False)
