"""The judge of the matrix: what each cell must be, tried with observations made by hand, and what finds words in a log."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from backend_core.privacy.canaries import Sought, canary
from backend_core.privacy.contexts import CELLS, CODES, OPERATION_CODES, TITLES, expected
from backend_core.privacy.log_mark import LogMark, spilled
from backend_core.privacy.matrix import judge
from backend_core.privacy.raw import PROGRAM, SQL, TRACE, Seen
from backend_core.privacy.records import Cell
from backend_core.privacy.worlds import Observation, Worlds

NOTHING = Seen(SQL, "SELECT text FROM memories WHERE id = ANY(%(memories)s)", [], 0)
SOMETHING = replace(NOTHING, value=[["own words"]], rows=1)
CLEAN_TRACE = Seen(TRACE, "SELECT count(*) FROM audit_event", [[0]], 0)


def word(owner: str) -> str:
    return canary("hand", owner)


def observation(seen: Seen) -> Observation:
    return {code: (seen, CLEAN_TRACE) if code == "audit_logs" else (seen,) for code in OPERATION_CODES}


def whole() -> Worlds:
    """Return what is observed where everything is as it must be."""
    worlds = Worlds()
    for owner in CODES:
        facts = {"memories": (), "messages": (), "hashes": (), "text": "x", "target": "-"}
        worlds.asked[owner] = Sought(owner=owner, word=word(owner), number=1, **facts)  # type: ignore[arg-type]  # as above
        for viewer in CODES:
            visible = expected(viewer, owner) == "own" or (viewer == "ADMIN" and owner != "NONE")
            worlds.full[viewer, owner] = observation(SOMETHING if visible else NOTHING)
            if expected(viewer, owner) == "closed" and owner != "NONE":
                worlds.other[viewer, owner] = observation(NOTHING)
    return worlds


def changed(worlds: Worlds, place: tuple[str, str], operation: str, *seen: Seen) -> Worlds:
    """Return the same with one cell observed otherwise."""
    other = dict(worlds.full[place]) | {operation: seen}
    worlds.full[place] = other
    return worlds


def wrong(worlds: Worlds, **given: dict[str, str]) -> list[Cell]:
    facts: dict[str, dict[str, str]] = {"causes": {}, "spilled": {}} | given
    return [cell for cell in judge(worlds, **facts) if not cell.ok]


def test_a_whole_boundary_has_no_wrong_cell_and_every_cell_is_judged() -> None:
    cells = judge(whole(), causes={}, spilled={})
    assert len(cells) == CELLS
    assert all(cell.ok for cell in cells)
    assert {cell.worlds for cell in cells} == {"equal", "-"}


@pytest.mark.parametrize(
    ("place", "operation", "seen", "cause"),
    [
        (("D1", "GB"), "get", SOMETHING, "The database shows rows of another container."),
        (("GB", "D1"), "list", replace(SOMETHING, way=PROGRAM), "The program answers with what another container holds."),
        (("D1", "GA"), "error_text", replace(NOTHING, value=f"22012: {word('GA')}"), "The database shows rows of another container."),
        (("D2", "D1"), "count", replace(NOTHING, value=[[7]]), "The answer depends on what another container holds."),
        (("NONE", "NONE"), "get", SOMETHING, "The database shows rows of another container."),
        (("NONE", "D1"), "get", SOMETHING, "The database shows rows of another container."),
        (("D1", "D1"), "get", NOTHING, "A conversation does not see its own memory."),
        (("ADMIN", "D3"), "search_words", NOTHING, "A conversation does not see its own memory."),
        (("ADMIN", "NONE"), "get", SOMETHING, "The database shows rows of another container."),
        (("ADMIN", "D3"), "audit_logs", replace(SOMETHING, rows=2), "An opening left more than one row in the audit log."),
        (("D1", "D1"), "audit_logs", replace(CLEAN_TRACE, rows=1), "Words of a container stand where no words may stand."),
    ],
)
def test_each_way_to_be_wrong_is_told_from_the_others(place: tuple[str, str], operation: str, seen: Seen, cause: str) -> None:
    (cell,) = wrong(changed(whole(), place, operation, seen))
    assert (cell.viewer, cell.owner, cell.operation) == (*place, operation)
    assert cell.evidence is not None
    assert cell.evidence.cause == cause
    assert cell.evidence.place == f"{place[0]} > {place[1]}: {operation}"


def test_a_cell_where_nothing_could_be_tried_is_not_taken_for_one_that_is_closed_to_itself() -> None:
    (cell,) = wrong(changed(whole(), ("GC", "GC"), "search_vectors"))
    assert cell.evidence is not None
    assert cell.evidence.cause == "Nothing could be tried."


def test_the_catalogue_knows_the_cause_better() -> None:
    causes = {"memories": "The table memories shows every row to everybody."}
    (cell,) = wrong(changed(whole(), ("D1", "GB"), "get", SOMETHING), causes=causes)
    assert cell.evidence is not None
    assert cell.evidence.cause == causes["memories"]


def test_a_word_in_the_log_is_wrong_for_everybody_who_might_read_it(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    log.write_text(f"before the run {word('D2')}\n", encoding="utf-8")
    mark = LogMark.now(tmp_path)
    words = {code: word(code) for code in CODES}
    assert spilled(mark, words) == {}
    with log.open("a", encoding="utf-8") as file:
        file.write(f"during the run {word('GA')}\n")
    (tmp_path / "new.log").write_text(f"in a new file {word('GC')}\n", encoding="utf-8")
    found = spilled(mark, words)
    assert found == {"GA": "worker.log", "GC": "new.log"}
    cells = wrong(whole(), spilled=found)
    assert {(cell.owner, cell.operation) for cell in cells} == {("GA", "audit_logs"), ("GC", "audit_logs")}
    assert len(cells) == 2 * len(CODES)
    assert set(TITLES) >= {cell.viewer for cell in cells}


def test_a_log_that_was_begun_anew_is_read_from_its_start(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    log.write_text("x" * 1000, encoding="utf-8")
    mark = LogMark.now(tmp_path)
    log.write_text(word("GA"), encoding="utf-8")
    assert spilled(mark, {"GA": word("GA")}) == {"GA": "worker.log"}
