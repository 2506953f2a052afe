"""Readiness as a whole: what is not known never counts, gates cap, versions and ages make answers stale, and a release is signed by it."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import re
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text

from backend_core import __version__
from backend_core.audit.sign_off import SignOffs
from backend_core.cli.__main__ import main
from backend_core.errors import Cancelled, InvalidInput, NotAllowed, NotFound, NotReady
from backend_core.monitoring.readiness import score
from backend_core.monitoring.readiness.catalogue import CHECKS
from backend_core.monitoring.readiness.categories import BEFORE, CATEGORIES, TARGET
from backend_core.monitoring.readiness.check import Check, Finding, failed, passed, unknown
from backend_core.monitoring.readiness.records import CheckResult, Report
from backend_core.monitoring.readiness.service import Readiness
from backend_core.policy import AUDITOR, SUPPORT
from backend_core.worker import Worker
from tests.backend_core.monitoring.readiness.breaks import BREAKS
from tests.backend_core.monitoring.readiness.world import World

PAGE = (Path(__file__).parents[4] / "docs" / "readiness.md").read_text(encoding="utf-8")
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
LATER = {check.id for check in CHECKS if check.later}


def result(status: str, *, weight: float = 1.0, gate: bool = False, category: str = "database", name: str = "x") -> CheckResult:
    facts = {"id": name, "title": "x", "about": "x.", "value": "x", "threshold": "x", "source": "x", "page": "readiness", "target": ""}
    known = {"status": status, "weight": weight, "gate": gate, "category": category}
    return CheckResult(at=NOW, age_s=0.0, limit_s=60.0, evidence=(), seconds=0.0, version=__version__, **facts, **known)  # type: ignore[arg-type]  # words by name


def declared(name: str, found: str = "pass", **more: object) -> Check:
    run = {"pass": passed, "fail": failed, "unknown": unknown}[found]
    facts = {"title": name, "about": "x.", "category": "database", "threshold": "x", "source": "x", "run": lambda _around: run("found")}
    return Check(id=name, **facts | more)  # type: ignore[arg-type]  # words by name


def over(world: World, *checks: Check, version: str = __version__) -> Readiness:
    backend = world.backend
    with backend.database.begin("Forget answers") as conn:
        conn.execute(text("DELETE FROM readiness_results"))
        conn.execute(text("DELETE FROM readiness_runs"))
    releases = SignOffs(backend.database, backend.audit)
    around = lambda: world.around  # noqa: E731  # as the backend gives it
    return Readiness(
        backend.database, backend.audit, around=around, keys=backend.sealing, releases=releases, version=version, checks=checks
    )


@pytest.mark.trace("B66")
def test_the_score_is_the_formula_of_the_document() -> None:
    example = [result("pass", weight=2), result("warn"), result("fail"), result("unknown", weight=5)]
    total = score.total(example)
    assert (total.score, total.known, total.total) == (62.5, 3, 4)
    assert "100 × (2 × 1 + 1 × 0.5 + 1 × 0) / 4 = 62.5 on 3 of 4" in " ".join(PAGE.split())
    before, target = (sum(getattr(kind, name) for kind in CATEGORIES) / len(CATEGORIES) for name in ("before", "target"))
    # the original's own table: neither mean is what it calls overall
    assert (round(before, 1), round(target, 1), BEFORE, TARGET) == (40.6, 90.6, 65, 90)
    assert "the mean of its categories is 40.6 before and 90.6 after" in " ".join(PAGE.split())


def test_the_document_names_every_check_with_what_passes() -> None:
    for check in CHECKS:
        assert re.search(rf"^\| `{re.escape(check.id)}`.*\| {re.escape(check.threshold)}", PAGE, re.MULTILINE), check.id


@pytest.mark.parametrize("status", ["unknown", "stale"])
def test_what_is_not_known_never_counts_as_passed(status: str) -> None:
    assert score.total([result(status, weight=9), result("fail")]).score == 0.0
    alone = score.total([result(status)])
    assert (alone.score, alone.coverage, alone.status) == (None, 0.0, "unknown")
    opened = score.total([result("pass", weight=9), result(status, gate=True, name="gate")])
    assert (opened.score, opened.status, opened.gates_open) == (100.0, "unknown", ("gate",))


def test_a_failing_gate_caps_the_whole_whatever_the_score() -> None:
    checks = [result("pass", weight=99), result("fail", gate=True, name="gate")]
    total = score.total(checks)
    assert (total.score, total.status, total.gates_failed) == (99.0, "not ready", ("gate",))
    assert "gate" in total.reason
    mended = score.total([checks[0], result("pass", gate=True, name="gate")])
    assert mended.status == "ready"
    database = next(one for one in score.categories(checks) if one.key == "database")
    assert (database.score, database.status) == (99.0, "below")
    under = score.total([result("pass"), result("fail")])
    assert (under.status, under.reason) == ("not ready", "The score is 50, under its target of 90.")


def test_an_answer_grows_stale_with_age_and_with_another_version(world: World) -> None:
    readiness = over(world, declared("young"), declared("old", limit_s=60.0))
    assert {one.status for one in readiness.measure(actor=world.actor).checks} == {"pass"}
    world.sql("UPDATE readiness_results SET at = at - interval '90 seconds'")
    aged = readiness.report(actor=world.actor)
    assert [(one.id, one.status) for one in aged.checks] == [("young", "pass"), ("old", "stale")]
    assert (aged.known, aged.coverage) == (1, 0.5)
    world.sql("UPDATE readiness_results SET version = '0.0.9'")
    assert {one.status for one in readiness.report(actor=world.actor).checks} == {"stale"}


def test_the_duty_looks_again_at_what_is_due_and_only_then(world: World) -> None:
    system = world.backend.system()
    readiness = over(world, declared("quick", every_s=60.0), declared("dear", every_s=3600.0, limit_s=86_400.0))
    assert readiness.duty(actor=system) == 2
    assert readiness.duty(actor=system) == 0
    world.sql("UPDATE readiness_results SET at = at - interval '2 minutes'")
    assert readiness.duty(actor=system) == 1
    assert readiness.duty(actor=system, should_stop=lambda: True) == 0
    # the same result again is no new point of the trend
    assert len(readiness.report(actor=system).trend) == 1
    with pytest.raises(NotAllowed):
        readiness.duty(actor=replace(world.actor, role=SUPPORT))


def test_the_trend_is_thinned_and_keeps_the_newest(world: World) -> None:
    readiness = over(world, declared("x"))
    world.sql(
        "INSERT INTO readiness_runs (at, version, score, coverage, gates_failed, started_by, results)"
        " SELECT now() - make_interval(mins => 1000 - n), '1', n, 1, 0, 'x', '[]' FROM generate_series(1, 700) n"
    )
    scores = [one[1] or 0.0 for one in readiness.report(actor=world.actor).trend]
    assert len(scores) in range(200, 301)
    assert (scores[-1], sorted(scores)) == (700, scores)


@pytest.mark.logs("readiness check failed")
def test_a_check_that_breaks_costs_its_own_answer_only(world: World) -> None:
    broken = replace(declared("broken"), run=lambda _around: passed(str(1 // 0)))
    report = over(world, broken, declared("whole")).measure(actor=world.actor)
    assert [one.status for one in report.checks] == ["unknown", "pass"]
    assert "division" not in report.check("broken").value


def test_an_account_that_may_not_look_takes_nothing_away_from_one_that_may(world: World) -> None:
    allowed = [True]

    def run(_around: object) -> Finding:
        if allowed[0]:
            return passed("seen")
        raise NotAllowed("Not for this account.")

    readiness = over(world, replace(declared("closed"), run=run))
    allowed[0] = False
    assert readiness.measure(actor=world.actor).check("closed").status == "unknown"
    allowed[0] = True
    readiness.measure(actor=world.actor)
    allowed[0] = False
    assert readiness.measure(actor=world.actor).check("closed").value == "seen"
    world.sql("UPDATE readiness_results SET at = at - interval '1 day'")
    assert readiness.measure(actor=world.actor).check("closed").status == "unknown"


def test_measuring_some_leaves_the_others_and_can_be_stopped(world: World) -> None:
    readiness, told = over(world, declared("a"), declared("b", "fail"), declared("c")), []
    report = readiness.measure(actor=world.actor, only=["b"], progress=lambda done, total, what: told.append((done, total, what)))
    assert ([one.status for one in report.checks], told) == (["unknown", "fail", "unknown"], [(0, 1, "b")])
    with pytest.raises(Cancelled):
        readiness.measure(actor=world.actor, cancelled=iter([False, True]).__next__)
    assert readiness.report(actor=world.actor).check("a").status == "pass"
    with pytest.raises(NotFound):
        readiness.measure(actor=world.actor, only=["nothing"])


def test_a_go_is_refused_until_everything_is_ready_and_a_no_go_never(world: World) -> None:
    opened = over(world, declared("gate", "unknown", gate=True), declared("other"))
    opened.measure(actor=world.actor)
    with pytest.raises(NotReady, match="1 gate is unknown: gate"):
        opened.sign_off("Mara Koch", actor=world.actor)
    recorded = opened.sign_off("Mara Koch", actor=world.actor, verdict="no-go")
    assert (recorded.verdict, recorded.score, recorded.coverage) == ("no-go", 100.0, 0.5)
    ready = over(world, declared("gate", gate=True), declared("other"))
    assert ready.measure(actor=world.actor).may_sign
    assert not ready.report(actor=replace(world.actor, role=AUDITOR)).may_sign
    signed = ready.sign_off("Mara Koch", actor=world.actor)
    report = ready.report(actor=world.actor)
    assert (signed.verdict, signed.version, signed.run_id, report.signed) == ("go", __version__, report.run_id, signed)
    with pytest.raises(NotReady, match="runs here"):
        SignOffs(world.backend.database, world.backend.audit, judge=ready.judgement).sign_off(
            "9.9.9", reviewer="Mara", verdict="go", actor=world.actor
        )


def test_a_report_is_signed_and_shows_that_it_was_changed(world: World, tmp_path: Path) -> None:
    readiness = over(world, declared("shown", "fail", gate=True))
    with pytest.raises(NotFound):
        readiness.export(tmp_path / "early.json", actor=world.actor)
    readiness.measure(actor=world.actor)
    for name in ("report.json", "report.pdf"):
        assert readiness.verify_report(readiness.export(tmp_path / name, actor=world.actor), actor=world.actor).ok
    content = json.loads((tmp_path / "report.json").read_bytes())
    assert content["content"]["report"]["gates_failed"] == ["shown"]
    content["content"]["report"]["score"] = 100.0
    (tmp_path / "report.json").write_text(json.dumps(content), encoding="utf-8")
    assert not readiness.verify_report(tmp_path / "report.json", actor=world.actor).ok
    with pytest.raises(InvalidInput):
        readiness.export(tmp_path / "report.txt", actor=world.actor)
    with pytest.raises(InvalidInput):
        readiness.verify_report(tmp_path / "early.json", actor=world.actor)


def whole(world: World) -> Report:
    # rows that other tests left dead on this server, which tidies nothing by itself
    with psycopg.connect(world.server.admin_dsn, autocommit=True) as conn:
        conn.execute("VACUUM")
    return world.measured().measure(actor=world.actor)


@pytest.mark.trace("B1", "B2", "B63")
def test_in_order_the_whole_scores_a_hundred_and_a_dropped_index_shows_down_to_its_evidence(world: World) -> None:
    report = whole(world)
    assert {one.id: one.value for one in report.checks if one.status != "pass"}.keys() == LATER
    assert (report.score, report.total - report.known, report.status) == (100.0, len(LATER), "unknown")
    assert report.gates_open == ("sockets.refuses",)
    # the four that the original calls critical, each with where to look
    critical = [report.check(name) for name in ("pool.configured", "indexes.declared", "privacy.suite", "sockets.refuses")]
    assert [one.status for one in critical] == ["pass", "pass", "pass", "unknown"]
    assert all(one.page and one.evidence for one in critical[:3])
    with BREAKS["indexes.declared"](world):
        broken = world.measured().measure(actor=world.actor, only=["indexes.declared"])
    database = {one.key: one for one in broken.categories}["database"]
    assert database.score is not None
    assert database.score < 100.0 > (broken.score or 100.0)
    evidence = broken.check("indexes.declared").evidence
    assert any(name == "idx_message_sender" and "missing" in told for name, told in evidence)


def test_the_privacy_gate_is_part_of_health(world: World) -> None:
    def status() -> str:
        return next(one.status for one in world.backend.monitoring.health(actor=world.actor).checks if one.name == "Privacy")

    assert status() == "ok"
    with BREAKS["privacy.suite"](world):
        assert status() == "failed"


def test_the_worker_measures_by_itself(world: World) -> None:
    world.sql("DELETE FROM readiness_results")
    readiness = world.backend.readiness

    async def work() -> None:
        loop = asyncio.create_task(Worker(world.backend, world.backend.settings)._measure_readiness(every_s=0.01))
        while not loop.done() and readiness.report(actor=world.actor).run_id is None:
            await asyncio.sleep(0.05)
        loop.cancel()
        await asyncio.wait({loop})

    world.sql("DELETE FROM readiness_runs")
    asyncio.run(work())
    assert readiness.report(actor=world.actor).known > len(CHECKS) / 2


def test_the_command_prints_the_keys_others_rely_on(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("LECTERN_HOME", str(world.server.cluster.home))
    monkeypatch.setenv("LECTERN_OBJECTS", str(world.backend.settings.objects_dir))
    world.backend.readiness.measure(actor=world.actor, only=["schema.head", "disk.free"])
    assert main(["readiness", "--json", "--only", "schema.head", "--export", str(tmp_path / "made.pdf")]) == 1
    told = json.loads(capsys.readouterr().out)
    assert {"score", "coverage", "gates_failed", "categories", "checks"} <= told.keys()
    assert {"name", "score", "coverage", "before", "target"} <= told["categories"][0].keys()
    found = next(one for one in told["checks"] if one["id"] == "schema.head")
    assert {"id", "status", "value", "threshold", "source", "at"} <= found.keys()
    assert found["status"] == "pass"
    assert main(["readiness", "--verify", str(tmp_path / "made.pdf")]) == 0
    assert "as it was signed" in capsys.readouterr().out
