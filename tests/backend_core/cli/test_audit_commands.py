"""lecternctl audit: search, export and check, hold and release, alerts and saved filters, each one sentence and one JSON value."""

from __future__ import annotations

from pathlib import Path

from backend_core.backend import Backend
from backend_core.policy import Actor
from tests.backend_core.audit.events import ANA, entry, record, seal
from tests.command import Ctl


def test_rows_are_searched_exported_and_checked(backend: Backend, actor: Actor, ctl: Ctl, tmp_path: Path) -> None:  # the fixture
    record(backend, (entry(ANA, "audio.play", f"audio:{n}") for n in range(5)))
    seal(backend)
    assert actor.name
    rows = ctl("audit", "list", "actor:Ana Silva", "action:audio.*", "--limit", "3", "--json").value
    assert [row["target"] for row in rows] == ["audio:4", "audio:3", "audio:2"]
    refused = ctl("audit", "list", "colour:red")
    assert (refused.code, refused.out) == (1, "")
    assert "There is no filter “colour”" in refused.err
    path = tmp_path / "rows.csv"
    assert ctl("audit", "export", "actor:ana", "-o", str(path), "--format", "csv").code == 1
    done = ctl("audit", "export", "actor:ana", "-o", str(path), "--format", "csv", "--reason", "Review", "--json").value
    assert (done["rows"], done["known_key"]) == (5, True)
    checked = ctl("audit", "verify-file", str(path), "--json").value
    assert (checked["ok"], checked["rows"], checked["problems"]) == (True, 5, [])
    path.write_text(path.read_text("utf-8").replace("Ana Silva", "Ben Cole", 1), encoding="utf-8")
    changed = ctl("audit", "verify-file", str(path), "--json")
    assert (changed.code, changed.value["ok"]) == (1, False)


def test_holds_views_and_alerts_are_kept_from_a_terminal(backend: Backend, actor: Actor, ctl: Ctl) -> None:  # the fixture
    record(backend, (entry(ANA, "audio.play", f"audio:{n}") for n in range(300)))
    seal(backend)
    assert len(backend.upkeep.watch.check(actor=backend.system())) >= 1
    alert = next(one for one in ctl("audit", "alerts", "--json").value if one["rule"] == "mass_reads")
    assert ctl("audit", "acknowledge", str(alert["id"]), "A planned check").code == 0
    assert alert["id"] not in [one["id"] for one in ctl("audit", "alerts", "--json").value]
    held = ctl("audit", "hold", "actor:ana", "--reason", "Lawsuit", "--json").value
    assert [one["query"] for one in ctl("audit", "holds", "--json").value] == ["actor:ana"]
    assert ctl("audit", "release", str(held["id"]), "--reason", "Settled").code == 0
    assert ctl("audit", "save-view", "Mine", "actor:ana", "since:7d").code == 0
    (view,) = ctl("audit", "views", "--json").value
    assert view["query"] == "actor:ana since:7d"
    assert ctl("audit", "delete-view", str(view["id"])).code == 0
    assert "Removed nothing" in ctl("audit", "retain").out
    assert actor.name
