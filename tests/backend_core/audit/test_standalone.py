"""An exported file proves itself without the database, and every way of changing it is found."""

from __future__ import annotations

import base64
import csv
import datetime as dt
import hashlib
import io
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from backend_core.audit import merkle
from backend_core.audit.key_statements import key_id_of
from backend_core.audit.keys import SealKey
from backend_core.audit.proofs import proof_of_some, root_of_some
from backend_core.audit.query import AuditFilter
from backend_core.audit.standalone import MANIFEST, PROOFS, FileReport, manifest_bytes, verify_file
from backend_core.audit.verifier import MODULES, packed
from backend_core.backend import Backend
from backend_core.policy import Actor
from tests.backend_core.audit.events import ANA, entry, fill, record, seal

BEGIN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
Export = Callable[..., Path]


@pytest.fixture
def export(backend: Backend, actor: Actor, tmp_path: Path) -> Export:
    """Return a function that exports a log of 60 rows under three seals."""
    for part in range(3):
        fill(backend, rows=20, begin=BEGIN + dt.timedelta(days=part))

    def make(text: str = "", kind: str = "jsonl") -> Path:
        path = tmp_path / f"events.{kind}"
        backend.trail_export.export(AuditFilter.parse(text), path, format=kind, actor=replace(actor, reason="Test"))
        return path

    return make


def kinds(report: FileReport) -> set[str]:
    return {kind for kind, _ in report.problems}


@pytest.mark.parametrize("kind", ["jsonl", "csv"])
@pytest.mark.parametrize(
    "text", ["", "actor:ana", "outcome:refused", "since:2026-01-02 until:2026-01-02", "actor:nobody", "action:audio.*"]
)
def test_an_export_proves_itself(export: Export, kind: str, text: str) -> None:
    path = export(text, kind)
    report = verify_file(path)
    assert report.problems == ()
    assert report.rows == json.loads(path.with_name(path.name + MANIFEST).read_text("utf-8"))["manifest"]["rows"]
    assert report.first_key == report.signed_by
    assert verify_file(path, key=report.first_key).ok
    assert kinds(verify_file(path, key="lectern-of-somebody-else")) == {"key"}


def change(path: Path, old: str, new: str, *, count: int = 1) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, count), encoding="utf-8")


def lines(path: Path, order: Callable[[list[str]], list[str]]) -> None:
    path.write_text("".join(order(path.read_text("utf-8").splitlines(keepends=True))), encoding="utf-8")


def rehash(path: Path) -> None:
    """Make the manifest fit the changed files, as somebody without the key could."""
    beside = path.with_name(path.name + MANIFEST)
    signed = json.loads(beside.read_text("utf-8"))
    signed["manifest"]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    signed["manifest"]["proofs_sha256"] = hashlib.sha256(path.with_name(path.name + PROOFS).read_bytes()).hexdigest()
    beside.write_text(json.dumps(signed), encoding="utf-8")


TAMPERINGS: dict[str, tuple[Callable[[Path], None], str]] = {
    "actor": (lambda path: change(path, '"Ana Silva"', '"Ben Cole"'), "row"),
    "outcome": (lambda path: change(path, '"refused"', '"done"'), "row"),
    "time": (lambda path: change(path, '"at": "2026-01-02T', '"at": "2026-01-03T'), "row"),
    "number in after": (lambda path: change(path, '"part": 0.125', '"part": 0.126'), "row"),
    "trailing zero": (lambda path: change(path, '"part": 0.125', '"part": 0.1250'), "row"),
    "null becomes empty": (lambda path: change(path, '"reason": null', '"reason": ""'), "row"),
    "previous": (lambda path: change(path, '"previous": "', '"previous": "00'), "row"),
    "leaf": (lambda path: change(path, '"leaf": "', '"leaf": "00'), "row"),
    "position": (lambda path: change(path, '"position": 5,', '"position": 500,'), "order"),
    "id": (lambda path: change(path, '"id": 12,', '"id": 1200,'), "proof"),
    "transaction": (lambda path: change(path, '"xid": ', '"xid": 9'), "proof"),
    "first row missing": (lambda path: lines(path, lambda all_: all_[1:]), "proof"),
    "middle row missing": (lambda path: lines(path, lambda all_: all_[:20] + all_[21:]), "order"),
    "last row missing": (lambda path: lines(path, lambda all_: all_[:-1]), "count"),
    "rows swapped": (lambda path: lines(path, lambda all_: [*all_[:8], all_[9], all_[8], *all_[10:]]), "order"),
    "row doubled": (lambda path: lines(path, lambda all_: [*all_[:8], all_[8], *all_[8:]]), "order"),
    "row invented": (lambda path: lines(path, lambda all_: [*all_, all_[-1].replace('"position": ', '"position": 9')]), "count"),
    "seal missing": (lambda path: lines(path.with_name(path.name + PROOFS), lambda all_: all_[1:]), "order"),
    "seal's time": (lambda path: change(path.with_name(path.name + PROOFS), "\\nat 1", "\\nat 2"), "seal"),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_a_changed_file_is_found_by_its_rows_and_not_only_by_its_bytes(export: Export, name: str) -> None:
    path = export()
    work, expected = TAMPERINGS[name]
    work(path)
    assert "bytes" in kinds(verify_file(path))
    rehash(path)
    report = verify_file(path)
    assert {expected, "manifest"} <= kinds(report)
    assert "bytes" not in kinds(report)


@pytest.mark.parametrize("field", ["filter", "rows", "complete", "exported_by", "reason", "last_position"])
def test_a_changed_manifest_is_found(export: Export, field: str) -> None:
    path = export("actor:ana")
    beside = path.with_name(path.name + MANIFEST)
    signed = json.loads(beside.read_text("utf-8"))
    signed["manifest"][field] = {"rows": 3, "complete": True, "last_position": 9}.get(field, "somebody else")
    beside.write_text(json.dumps(signed), encoding="utf-8")
    assert "manifest" in kinds(verify_file(path))


def test_somebody_with_a_key_of_their_own_is_found_by_the_first_key(export: Export) -> None:
    path = export()
    real = verify_file(path).first_key
    beside = path.with_name(path.name + MANIFEST)
    signed = json.loads(beside.read_text("utf-8"))
    key = SealKey()
    signed["key_id"], made = key.id, signed["manifest"]
    signed["signature"] = base64.b64encode(key.sign(manifest_bytes(made))).decode()
    beside.write_text(json.dumps(signed), encoding="utf-8")
    assert kinds(verify_file(path)) == {"manifest"}
    assert key_id_of(key.public) != real


def test_erased_rows_are_exported_as_what_is_left_of_them(backend: Backend, actor: Actor, tmp_path: Path) -> None:
    now = dt.datetime.now(dt.UTC)
    record(backend, (entry(ANA, "audio.play", f"audio:{n}") for n in range(5)), at=now - dt.timedelta(days=1000))
    record(backend, (entry(ANA, "document.rename", f"document:{n}") for n in range(5)), at=now - dt.timedelta(days=900))
    seal(backend)
    assert backend.upkeep.retention.retain(actor=backend.system()).tombstones == 1
    seal(backend)
    path = tmp_path / "events.jsonl"
    done = backend.trail_export.export(AuditFilter(), path, actor=replace(actor, reason="Test"))
    assert done.erased == 5
    assert verify_file(path).problems == ()
    change(path, '"wseq": 3', '"wseq": 4')
    rehash(path)
    assert "tombstone" in kinds(verify_file(path))


def test_a_pack_is_checked_by_what_is_in_it(backend: Backend, actor: Actor, tmp_path: Path) -> None:
    fill(backend, rows=30, begin=BEGIN)
    pack = tmp_path / "pack.zip"
    done = backend.trail_export.evidence(pack, since=BEGIN, until=BEGIN + dt.timedelta(days=1), actor=replace(actor, reason="Case 7"))
    assert (done.rows, done.verified) == (24, True)
    with zipfile.ZipFile(pack) as archive:
        (tmp_path / "verify.pyz").write_bytes(archive.read("verify.pyz"))
        assert "Case 7" in archive.read("README.txt").decode()
        assert json.loads(archive.read("verification.json"))["ok"] is True
    first = verify_file(pack).first_key
    # isolated: no Lectern on the path, only Python and the package for signatures
    command = [sys.executable, "-I", str(tmp_path / "verify.pyz"), str(pack), "--key", first]
    answer = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "24 rows under" in answer.stdout
    repack(pack, "verification.json", b'{"ok": true, "rows": 1}')
    answer = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert (answer.returncode, "verification.json is not as it was packed" in answer.stdout) == (1, True)


def repack(pack: Path, name: str, data: bytes) -> None:
    other = pack.with_suffix(".new")
    with zipfile.ZipFile(pack) as old, zipfile.ZipFile(other, "w") as new:
        for one in old.namelist():
            new.writestr(one, data if one == name else old.read(one))
    shutil.move(other, pack)


def test_the_packed_check_is_the_same_each_time_and_knows_nothing_of_the_rest() -> None:
    assert packed() == packed()
    with zipfile.ZipFile(io.BytesIO(packed())) as archive:
        for name in MODULES:
            source = archive.read(f"backend_core/audit/{name}.py").decode()
            assert "sqlalchemy" not in source
            assert "psycopg" not in source


@pytest.mark.parametrize("what", ["missing", "empty", "no export", "no zip", "proofs missing", "not text"])
def test_what_is_no_export_is_refused_in_one_sentence(tmp_path: Path, export: Export, what: str) -> None:
    path = export()
    if what == "missing":
        path = tmp_path / "none.jsonl"
    elif what == "no zip":
        path = tmp_path / "pack.zip"
        path.write_bytes(b"nothing")
    elif what == "proofs missing":
        path.with_name(path.name + PROOFS).unlink()
    else:
        content = {"empty": b"", "no export": b'{"manifest": {"format": "x"}}', "not text": b"\xff\xfe"}[what]
        path.with_name(path.name + MANIFEST).write_bytes(content)
    with pytest.raises(ValueError, match="is no export"):
        verify_file(path)


def test_csv_survives_a_spreadsheet_formula_in_every_cell(backend: Backend, actor: Actor, tmp_path: Path) -> None:
    hostile = [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "＝1",
        "\u200b=1",
        "|calc",
        "%0A",
        ";=1",
        ",=1",
        "'=1",
        '"=1"',
        " =1",
        "−1",
        "a\n=1",
    ]
    for text in hostile:
        person = replace(ANA, name=text, workstation=text, reason=text)
        record(backend, [entry(person, "audio.play", f"audio:{text}", after={"text": text, text: 1})])
    seal(backend)
    path = tmp_path / "events.csv"
    backend.trail_export.export(AuditFilter(), path, format="csv", actor=replace(actor, reason="=Test"))
    assert verify_file(path).problems == ()
    with path.open(encoding="utf-8-sig", newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert all('"' in line for line in path.read_text("utf-8-sig").splitlines()[:1])
    assert not [cell for cell in cells if cell[:1] in set("=+-@|%\t\r\n＝\u200b\u2212")]


def test_one_proof_for_many_rows_holds_for_these_rows_only() -> None:
    for size in range(1, 34):
        hashes = [merkle.leaf_hash(bytes([n])) for n in range(size)]
        for chosen in ({0}, {size - 1}, set(range(size)), set(range(0, size, 3))):
            path = proof_of_some(hashes, chosen)
            leaves = {place: hashes[place] for place in chosen}
            assert root_of_some(leaves, size, path) == merkle.root(hashes)
            assert root_of_some(leaves, size, [*path, b"x" * 32]) is None
            assert root_of_some(leaves | {min(chosen): b"x" * 32}, size, path) != merkle.root(hashes)
            if path:
                assert root_of_some(leaves, size, path[:-1]) is None
