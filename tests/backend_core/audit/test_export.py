"""Exports: audited, reasoned, proven; all of the files or none."""

from __future__ import annotations

import datetime as dt
import sys
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from backend_core.audit.query import AuditFilter
from backend_core.audit.standalone import MANIFEST, PROOFS, verify_file
from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.errors import Cancelled, InvalidInput, NotAllowed, ProofNeeded, ReasonNeeded, StorageFailed
from backend_core.policy import AUDITOR, SUPPORT, Actor
from tests.backend_core.audit.events import ANA, entry, fill, record, seal

BEGIN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
ALL = AuditFilter()


@pytest.fixture
def who(backend: Backend, actor: Actor) -> Actor:
    fill(backend, rows=40, begin=BEGIN)
    return replace(actor, role=AUDITOR, reason="Quarterly review")


def test_an_export_is_private_and_recorded_with_its_hash(backend: Backend, who: Actor, tmp_path: Path) -> None:
    done = backend.trail_export.export(AuditFilter.parse("actor:ana"), tmp_path / "a.jsonl", actor=who)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["a.jsonl", f"a.jsonl{MANIFEST}", f"a.jsonl{PROOFS}"]
    if sys.platform != "win32":
        assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir() if path.is_file()} == {0o600}
    (row,) = backend.trail.tail(filter=AuditFilter.parse("action:audit.export"), actor=who)
    assert row.after is not None
    assert (row.reason, row.after["rows"], row.after["sha256"]) == ("Quarterly review", done.rows, done.sha256)


def test_it_asks_for_a_reason_and_for_proof_and_for_a_role(backend: Backend, who: Actor, tmp_path: Path) -> None:
    week = {"since": BEGIN, "until": BEGIN + dt.timedelta(days=7)}
    for person, refusal in (
        (replace(who, reason=None), ReasonNeeded),
        (replace(who, proven_until=None), ProofNeeded),
        (replace(who, role=SUPPORT), NotAllowed),
    ):
        with pytest.raises(refusal):
            backend.trail_export.export(ALL, tmp_path / "a.jsonl", actor=person)
        with pytest.raises(refusal):
            backend.trail_export.evidence(tmp_path / "a.zip", **week, actor=person)
    assert [path for path in tmp_path.iterdir() if path.is_file()] == []


def test_giving_up_half_way_leaves_nothing(backend: Backend, who: Actor, tmp_path: Path) -> None:
    def give_up(_done: int, _total: int) -> None:
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        backend.trail_export.export(ALL, tmp_path / "a.jsonl", actor=who, progress=give_up)
    with pytest.raises(Cancelled):
        backend.trail_export.evidence(tmp_path / "a.zip", since=BEGIN, until=BEGIN + dt.timedelta(days=9), actor=who, progress=give_up)
    assert [path for path in tmp_path.iterdir() if path.is_file()] == []
    assert backend.trail.tail(filter=AuditFilter.parse("action:audit.export,audit.evidence"), actor=who) == ()


def test_nothing_leaves_that_cannot_be_recorded(backend: Backend, who: Actor, tmp_path: Path, clean: EmbeddedServer) -> None:
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        granted = conn.execute(
            "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.column_privileges"
            " WHERE table_name = 'audit_event' AND grantee = 'lectern_app' AND privilege_type = 'INSERT'"
        ).fetchone()
        assert granted is not None
        conn.execute("REVOKE INSERT ON audit_event FROM lectern_app")
        try:
            with pytest.raises(NotAllowed):
                backend.trail_export.export(ALL, tmp_path / "a.jsonl", actor=who)
        finally:
            conn.execute(f"GRANT INSERT ({granted[0]}) ON audit_event TO lectern_app".encode())
    assert [path for path in tmp_path.iterdir() if path.is_file()] == []
    assert backend.trail_export.export(ALL, tmp_path / "a.jsonl", actor=who).rows


@pytest.mark.skipif(sys.platform == "win32", reason="needs a file size limit")
def test_a_full_disk_leaves_nothing(backend: Backend, who: Actor, tmp_path: Path) -> None:
    import resource
    import signal

    seal(backend)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, before[1]))
        with pytest.raises(StorageFailed):
            backend.trail_export.export(ALL, tmp_path / "a.jsonl", actor=who)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert [path for path in tmp_path.iterdir() if path.is_file()] == []
    assert backend.trail_export.export(ALL, tmp_path / "a.jsonl", actor=who).rows


def test_a_place_that_is_no_file_is_refused(backend: Backend, who: Actor, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        backend.trail_export.export(ALL, tmp_path, actor=who)
    with pytest.raises(InvalidInput):
        backend.trail_export.export(ALL, tmp_path / "a.xml", format="xml", actor=who)
    with pytest.raises(StorageFailed):
        backend.trail_export.export(ALL, tmp_path / "none" / "a.jsonl", actor=who)
    with pytest.raises(InvalidInput):
        backend.trail_export.evidence(tmp_path / "a.zip", since=BEGIN, until=BEGIN, actor=who)


def test_a_later_export_takes_the_place_of_an_earlier_one(backend: Backend, who: Actor, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    first = backend.trail_export.export(AuditFilter.parse("actor:ana"), path, actor=who)
    second = backend.trail_export.export(ALL, path, actor=who)
    assert second.rows > first.rows
    assert verify_file(path).rows == second.rows


def test_a_filter_and_the_list_mean_the_same_rows(backend: Backend, who: Actor, tmp_path: Path) -> None:
    for text in ("actor:ana", "action:audio.*", "outcome:refused", "target:document:3"):
        done = backend.trail_export.export(AuditFilter.parse(text), tmp_path / "a.jsonl", actor=who)
        assert done.rows == backend.trail.plan(AuditFilter.parse(text), actor=who).total


def test_the_month_before_goes_to_the_object_store_once(backend: Backend, actor: Actor) -> None:
    today = dt.datetime.now(dt.UTC)
    month_before = (today.replace(day=1) - dt.timedelta(days=1)).replace(day=10, hour=12)
    record(backend, (entry(ANA, "audio.play", f"audio:{n}") for n in range(7)), at=month_before)
    seal(backend)
    assert backend.upkeep.monthly.export_months(actor=backend.system()) == (month_before.replace(day=1).date(),)
    assert backend.upkeep.monthly.export_months(actor=backend.system()) == ()
    (month,) = backend.upkeep.monthly.months(actor=actor)
    assert month.rows == 7
    paths = [
        backend.storage.store.verified(key, sha256=key.rpartition("/")[2]) for key in (month.key, month.proofs_key, month.manifest_key)
    ]
    assert [path.stat().st_size > 0 for path in paths] == [True, True, True]
    assert backend.storage.orphans() == ((), ())


def test_months_that_were_missed_are_made_up_for(backend: Backend, actor: Actor, clean: EmbeddedServer) -> None:
    today = dt.datetime.now(dt.UTC).date().replace(day=1)
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute(
            "INSERT INTO audit_monthly (month, rows, sha256, key, proofs_key, manifest_key)"
            " VALUES ((%s::date - interval '4 months')::date, 0, '', '', '', '')",
            (today,),
        )
    assert len(backend.upkeep.monthly.export_months(actor=backend.system())) == 3
    assert len(backend.upkeep.monthly.months(actor=actor)) == 4


def test_the_worker_does_what_is_due_and_a_duty_that_fails_does_not_stop_the_others(backend: Backend, actor: Actor) -> None:
    backend.upkeep.look_after(actor=backend.system())
    assert len(backend.upkeep.monthly.months(actor=actor)) == 1
