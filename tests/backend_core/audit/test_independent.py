"""The second verification shares no comparison with the first, and finds the same."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backend_core.audit.independent import IndependentVerification
from tests.backend_core.audit.staged_log import StagedLog, stage
from tests.backend_core.audit.tamperings import TAMPERINGS
from tests.postgres import StartServer

SEALED = {
    "edit `actor` of a sealed event": {"changed"},
    "edit `before` of a sealed event": {"changed"},
    "swap empty text and NULL": {"changed"},
    "swap NULL and JSON null": {"changed"},
    "delete a sealed event": {"missing", "seal"},
    "edit a sealed event and compute its writer's chain anew": {"seal"},
    "edit `root` of a seal": {"seal", "signature"},
    "edit `signature` of a seal": {"signature"},
    "delete a seal in the middle": {"seal_missing"},
    "add a position after the last seal": {"gap"},
    "introduce a key that signs for itself": {"key"},
}


@pytest.fixture(scope="module")
def log(start_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StagedLog]:
    folder = tmp_path_factory.mktemp("independent")
    made = stage(start_server(folder / "server"), folder)
    yield made
    made.database.close()


def found(log: StagedLog) -> set[str]:
    walk = IndependentVerification(log.database)
    walk.run()
    return {problem.kind for problem in walk.findings.all()}


def test_a_log_that_nobody_touched_is_whole(log: StagedLog) -> None:
    walk = IndependentVerification(log.database)
    with log.attacker() as conn:
        sealed = conn.execute("SELECT count(*) FROM audit_position").fetchone()
    assert (walk.run(),) == sealed
    assert walk.findings.all() == ()


@pytest.mark.parametrize("words", SEALED)
def test_what_was_done_to_sealed_rows_is_found(log: StagedLog, words: str) -> None:
    tampering = next(one for one in TAMPERINGS if one.words == words)
    try:
        with log.attacker() as attacker:
            tampering.do(log, attacker)
        assert found(log) >= SEALED[words]
    finally:
        log.put_back("whole")
    assert found(log) == set()
