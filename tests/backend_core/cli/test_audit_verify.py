"""audit verify, seal, keys, rotate-key, witness: stable keys, exit codes, and plain words about what cannot be detected."""

from __future__ import annotations

from pathlib import Path

import psycopg

from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.policy import Actor
from tests.command import Ctl


def test_a_log_is_sealed_verified_and_found_out_when_it_was_changed(
    backend: Backend, actor: Actor, ctl: Ctl, clean: EmbeddedServer, tmp_path: Path  # the fixture
) -> None:  # fmt: skip
    assert actor.name
    backend.close()
    stick = {"LECTERN_WITNESS": str(tmp_path / "stick" / "witness.json"), "LECTERN_OBJECTS": ""}
    assert ctl("audit", "seal", "--json", **stick).value["sealed"] >= 1
    whole = ctl("audit", "verify", "--json", **stick)
    assert whole.code == 0
    assert set(whole.value) >= {"ok", "rows", "problems", "witnesses", "rows_per_second"}
    assert (whole.value["ok"], whole.value["problems"]) == (True, [])
    assert whole.value["witnesses"] == {"total": 2, "off_machine": 1, "agreeing": 2}
    assert "cannot be detected" not in ctl("audit", "verify", "--quick", **stick).out
    assert [(one["name"], one["outside"]) for one in ctl("audit", "witness", "--json", **stick).value] == [
        ("data folder", False), ("chosen file", True),
    ]  # fmt: skip
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute("SET session_replication_role = replica; UPDATE audit_event SET actor = 'Eve' WHERE id = 1")
    changed = ctl("audit", "verify", "--json", **stick)
    assert (changed.code, changed.value["ok"]) == (1, False)
    assert {one["kind"] for one in changed.value["problems"]} == {"changed"}
    words = ctl("audit", "verify", LECTERN_OBJECTS="")
    assert words.code == 1
    assert "putting back an old copy of the whole folder cannot be detected" in words.out


def test_keys_are_listed_and_replaced(backend: Backend, actor: Actor, ctl: Ctl) -> None:  # the fixture
    assert actor.name
    backend.close()
    assert ctl("audit", "keys", "--json").value == []
    assert ctl("audit", "rotate-key", "--json").code in {0, 1}
    ctl("audit", "seal")
    rotated = ctl("audit", "rotate-key", "--json")
    assert rotated.code == 0
    assert [one["event"] for one in rotated.value][-2:] == ["retired", "introduced"]
    refused = ctl("audit", "rotate-key", "--introduce", "lectern-unknown")
    assert (refused.code, "No key with this name" in refused.err) == (1, True)
    assert ctl("audit", "verify").code == 0
    assert ctl("audit", "witness-accept", "--json").value["accepted"] >= 1
