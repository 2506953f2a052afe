"""Reports: signed, the same in both forms, and nobody changes one unnoticed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pypdfium2
import pytest

from backend_core.audit.keys import SealKey
from backend_core.backend import Backend
from backend_core.errors import InvalidInput, NotAllowed, NotFound
from backend_core.policy import Actor
from backend_core.privacy import report
from backend_core.privacy.cases import CASES
from backend_core.privacy.contexts import CELLS, CODES, OPERATION_CODES, expected
from backend_core.privacy.history import begin, finish
from backend_core.privacy.records import CaseResult, Cell, Evidence, Run

LEAK = Evidence(
    place="D1 > GB: get", did="SELECT text FROM memories", saw='[["zqbcdf"]]', rows=1, with_sha="a" * 64, without_sha="b" * 64,
    cause="The table memories shows every row to everybody.",
)  # fmt: skip


def cells() -> tuple[Cell, ...]:
    leak = ("D1", "GB", "get")
    return tuple(
        Cell(
            viewer=viewer,
            owner=owner,
            operation=code,
            expected=expected(viewer, owner),
            ok=(viewer, owner, code) != leak,
            rows=0,
            worlds="equal",
            evidence=LEAK if (viewer, owner, code) == leak else None,
        )
        for viewer in CODES
        for owner in CODES
        for code in OPERATION_CODES
    )


def red(backend: Backend) -> Run:
    """Write down a run with one leak."""
    results = tuple(
        CaseResult(
            id=one.id,
            title=one.title,
            rule=one.rule,
            group=one.group,
            ok=bool(number),
            probes=3,
            leaks=int(not number),
            cause="" if number else LEAK.cause,
            evidence=() if number else (LEAK,),
        )
        for number, one in enumerate(CASES)
    )
    with backend.database.begin("Pretend") as conn:
        number = begin(conn, trigger="command", started_by="Ana Šilva", role="lectern_app", target="", revision="0012")
        return finish(conn, number, outcome="fail", error=None, seconds=5.5, cases=results, cells=cells())


@pytest.mark.trace("B43", "B45")
def test_a_run_is_read_back_and_exported_as_it_was(backend: Backend, actor: Actor, tmp_path: Path) -> None:
    made = red(backend)
    found = backend.privacy.run_details(made.id, actor=actor)
    assert (found.run, len(found.cells), found.run.leaks) == (made, CELLS, 1)
    assert found.cells == cells()
    assert found.cases[0].evidence == (LEAK,)
    path = backend.privacy.export(made.id, tmp_path / "run.json", actor=actor)
    content = json.loads(path.read_text("utf-8"))["report"]
    assert [one["title"] for one in content["cases"]] == [one.title for one in CASES]
    assert [one["rule"] for one in content["cases"]] == [one.rule for one in CASES]
    assert content["run"]["leaks"] == 1
    assert sum(not one["ok"] for one in content["cells"]) == 1
    verdict = backend.privacy.verify_report(path, actor=actor)
    assert (verdict.ok, verdict.run, verdict.problems) == (True, made.id, ())


@pytest.mark.trace("B45")
def test_the_pdf_says_it_in_plain_words_and_carries_what_was_signed(backend: Backend, actor: Actor, tmp_path: Path) -> None:
    made = red(backend)
    path = backend.privacy.export(made.id, tmp_path / "run.pdf", actor=actor)
    document = pypdfium2.PdfDocument(path)
    try:
        words = " ".join(" ".join(document[n].get_textpage().get_text_bounded() for n in range(len(document))).split())
        inside = json.loads(bytes(document.get_attachment(0).get_data()))
    finally:
        document.close()
    assert "FAILED" in words
    assert "1 leaks in 1024 cells" in words
    assert "by Ana Šilva" in words
    assert "Group secrets stay out of direct chats" in words
    assert "SELECT text FROM memories" in words
    assert inside["report"]["run"]["id"] == made.id
    assert inside["signature"][:40] in words.replace(" ", "")
    assert backend.privacy.verify_report(path, actor=actor).ok


def test_whatever_is_changed_in_a_report_is_noticed(backend: Backend, actor: Actor, tmp_path: Path) -> None:
    made = red(backend)
    path = backend.privacy.export(made.id, tmp_path / "run.json", actor=actor)
    told = path.read_text("utf-8")
    path.write_text(told.replace('"leaks":1,', '"leaks":0,', 1), encoding="utf-8")
    verdict = backend.privacy.verify_report(path, actor=actor)
    assert (verdict.ok, verdict.problems) == (
        False,
        ("The content was changed after it was signed, or the signature is of something else.",),
    )
    other = tmp_path / "other.json"
    report.write(backend.privacy.run_details(made.id, actor=actor), other, signer=SealKey())
    assert backend.privacy.verify_report(other, actor=actor).problems == ("The audit log does not know the key of the signature.",)
    pdf = backend.privacy.export(made.id, tmp_path / "run.pdf", actor=actor)
    _redrawn(pdf)
    assert backend.privacy.verify_report(pdf, actor=actor).problems == ("The pages do not show what was signed.",)
    for data in (b"", b"{}", b"%PDF-1.7 nothing", b'{"report": 1, "signature": "x"}', b"[" * 100_000):
        other.write_bytes(data)
        with pytest.raises(InvalidInput):
            backend.privacy.verify_report(other, actor=actor)


def _redrawn(path: Path) -> None:
    """Take a page away from a report, as somebody would whom its verdict does not please."""
    document = pypdfium2.PdfDocument(path.read_bytes())
    document.del_page(0)
    document.save(str(path))
    document.close()


def test_a_report_needs_a_known_ending_a_run_that_ended_and_somebody_who_may(backend: Backend, actor: Actor, tmp_path: Path) -> None:
    made = red(backend)
    with pytest.raises(InvalidInput, match="ending"):
        backend.privacy.export(made.id, tmp_path / "run.txt", actor=actor)
    with backend.database.begin("Pretend") as conn:
        going = begin(conn, trigger="command", started_by="Ana", role="lectern_app", target="", revision="0012")
    with pytest.raises(NotFound):
        backend.privacy.export(going, tmp_path / "run.json", actor=actor)
    with pytest.raises(NotAllowed):
        backend.privacy.export(made.id, tmp_path / "run.json", actor=replace(actor, role="support"))
    assert list(tmp_path.glob("run*")) == []
