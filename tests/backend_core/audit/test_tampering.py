"""Whatever somebody with every right on the database does to the log, a verification with one witness outside finds it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.backend_core.audit.plain_chain import PlainChain
from tests.backend_core.audit.staged_log import StagedLog, stage
from tests.backend_core.audit.tamperings import TAMPERINGS, Tampering
from tests.postgres import StartServer

PAGE = Path(__file__).parents[3] / "docs" / "audit-tampering.md"
HEAD = """# What is found when the audit log is tampered with

Made by `tests/backend_core/audit/test_tampering.py`; do not edit. Each line was done with the rights of the database's superuser, triggers
off, to a log that several connections wrote, with aborted transactions, a change of keys, rows of an older version, erased rows and rows
that no seal covered yet. *Witness* is one file outside the data folder that remembers the newest checkpoint; *alone* is the database
without any witness; *plain chain* is a control: one hash chain over the rows in the order of their numbers, as most logs have it.

| done | witness | alone | plain chain |
| --- | --- | --- | --- |
"""


@dataclass(frozen=True)
class Result:
    words: str
    witnessed: tuple[str, ...]
    alone: tuple[str, ...]
    plain: bool


@pytest.fixture(scope="module")
def log(start_server: StartServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StagedLog]:
    folder = tmp_path_factory.mktemp("tampering")
    made = stage(start_server(folder / "server"), folder)
    yield made
    made.database.close()


def tried(log: StagedLog, control: PlainChain, tampering: Tampering) -> Result:
    try:
        with log.attacker() as attacker:
            tampering.do(log, attacker)
            if tampering.rewrites:
                control.compute(attacker)
            plain = control.broken(attacker)
        witnessed = log.problems(log.inside, log.outside) if not tampering.everything else log.problems(log.outside)
        alone = log.problems(log.inside) if tampering.everything else log.problems()
        return Result(tampering.words, tuple(sorted({one.kind for one in witnessed})), tuple(sorted({one.kind for one in alone})), plain)
    finally:
        log.put_back("whole", witnesses=(log.inside, log.outside))
        with log.attacker() as attacker:
            control.compute(attacker)


def test_every_tampering_is_found_with_one_witness_outside_the_data_folder(log: StagedLog) -> None:
    control = PlainChain()
    with log.attacker() as attacker:
        control.compute(attacker)
        assert not control.broken(attacker)
    assert log.problems(log.inside, log.outside) == ()
    results = [tried(log, control, one) for one in TAMPERINGS]
    missed = [one.words for one in results if not one.witnessed]
    assert missed == []
    assert len(results) >= 40
    assert len({one.words for one in results}) == len(results)
    # the control has to miss some, or finding them would prove nothing
    assert 0 < sum(one.plain for one in results) < len(results) * 0.75
    # without a witness some cannot be found, and the page says which
    assert {one.words for one in results if not one.alone} >= {"put back an older copy of the whole data folder", "empty the log"}
    text = page(results)
    if os.environ.get("WRITE_PAGES"):
        PAGE.write_text(text, encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == text
    assert log.problems(log.inside, log.outside) == ()


def page(results: list[Result]) -> str:
    rows = "".join(f"| {one.words} | {_word(bool(one.witnessed))} | {_word(bool(one.alone))} | {_word(one.plain)} |\n" for one in results)
    found = [
        sum(bool(kinds) for kinds in column) for column in zip(*((one.witnessed, one.alone, one.plain) for one in results), strict=True)
    ]
    total = f"| **{len(results)} in all** | **{found[0]}** | **{found[1]}** | **{found[2]}** |\n"
    return HEAD + rows + total + TAIL


def _word(found: bool) -> str:
    return "found" if found else "**not found**"


TAIL = """
What no verification finds: whoever may write to the database can add an event of a *new* writer, or after the last event of one that has
ended, and it stands in the log like any other, with the time and the transaction in which it was added. The log proves that nothing was
changed, removed, moved or dated back; it does not prove that what an administrator of the database wrote into it is true. Without a
witness outside the data folder, `verify` says so each time.
"""


def test_a_forged_event_after_a_living_writer_is_found_when_it_writes_again(log: StagedLog) -> None:
    try:
        with log.attacker() as attacker:
            writer = attacker.execute("SELECT writer FROM audit_event ORDER BY id DESC LIMIT 1").fetchone()
            columns = "actor, role, action, target, outcome, workstation, client_version, correlation_id"
            attacker.execute(
                f"INSERT INTO audit_event (at, writer, wseq, leaf, {columns}) SELECT at, writer, wseq + 1, leaf, {columns}"
                " FROM audit_event ORDER BY id DESC LIMIT 1"
            )
            log.rechain(writer[0] if writer else "")
            # what the writer itself writes next, which follows from what it remembers
            attacker.execute(
                f"INSERT INTO audit_event (at, writer, wseq, leaf, {columns}) SELECT at, writer, wseq, sha256(leaf), {columns}"
                " FROM audit_event ORDER BY id DESC LIMIT 1"
            )
        assert {one.kind for one in log.problems()} == {"order"}
    finally:
        log.put_back("whole", witnesses=(log.inside, log.outside))


def test_nobody_but_the_superuser_gets_as_far_as_that(log: StagedLog) -> None:
    with psycopg.connect(log.server.dsn("lectern_owner"), autocommit=True) as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
        conn.execute("SET session_replication_role = replica")
