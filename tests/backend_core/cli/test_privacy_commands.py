"""lecternctl privacy: run, look, hand on and check; the exit code is the verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from tests.backend_core.privacy.breaches import BREACHES, broken
from tests.command import Ctl

VIEW = next(one for one in BREACHES if "view" in one.name)


@pytest.mark.trace("B41", "B42", "B45")
@pytest.mark.logs("privacy run failed")
def test_a_run_with_a_planted_view_exits_1_and_names_the_rule_and_without_it_0(
    backend: Backend,
    clean: EmbeddedServer,
    ctl: Ctl,  # the fixture
    tmp_path: Path,
) -> None:
    assert ctl("privacy", "status", "--json").value["gate"] == "never"
    with broken(clean, VIEW):
        red = ctl("privacy", "run", "--json")
    assert (red.code, red.value["cells"], red.value["failed"] >= 1) == (1, 1024, True)
    assert VIEW.case in [one["case"] for one in red.value["failures"]]
    assert ctl("privacy", "status").code == 1
    shown = ctl("privacy", "show", str(red.value["run"]))
    assert "BROKEN" in shown.out
    assert VIEW.word in shown.out
    alerts = ctl("audit", "alerts", "--json").value
    assert [one["rule"] for one in alerts] == ["privacy_run"]
    green = ctl("privacy", "run", "--json")
    assert (green.code, green.value["failed"], green.value["leaks"], green.value["cells"]) == (0, 0, 0, 1024)
    assert [one["outcome"] for one in ctl("privacy", "history", "--json").value] == ["pass", "fail"]
    assert ctl("privacy", "status", "--json").value["gate"] == "ok"
    path = tmp_path / "run.pdf"
    assert ctl("privacy", "export", str(green.value["run"]), str(path)).code == 0
    assert ctl("privacy", "verify", str(path), "--json").value["ok"] is True
    assert backend.privacy.gate() == "ok"


def test_a_target_that_does_not_answer_is_one_sentence(ctl: Ctl) -> None:  # the fixture
    told = ctl("privacy", "run", "--target", "host=127.0.0.1 port=1 dbname=x user=x")
    assert (told.code, told.out) == (1, "")
    assert "The database server does not answer" in told.err
