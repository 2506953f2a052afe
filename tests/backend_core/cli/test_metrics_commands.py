"""lecternctl metrics and slo: what was recorded, shown and written to a file, and whether promises are kept."""

from __future__ import annotations

import json
from pathlib import Path

from backend_core.backend import Backend
from backend_core.monitoring.measures import ring
from backend_core.monitoring.measures.ring import SECONDS
from tests.command import Ctl


def test_figures_are_listed_shown_and_written(backend: Backend, ctl: Ctl, tmp_path: Path) -> None:  # the fixture
    link = backend.monitor_link
    now = link.rows("SELECT clock_timestamp() AS now")[0]["now"]
    ring.write(link, SECONDS, [(now, ring.packed({"pool.waiting": 7.0}, ring.declare(link)))])
    listed = ctl("metrics", "--json").value
    assert {"name", "unit", "fold", "every_s", "help"} == set(listed[0])
    (shown,) = ctl("metrics", "show", "pool.waiting", "--since", "5m", "--json").value
    assert (shown["resolution_s"], [value for _, value in shown["points"]]) == (1, [7.0])
    assert "pool.waiting (1), 1 points of 1 s" in ctl("metrics", "show", "pool.waiting", "--since", "5m").out
    path = tmp_path / "figures.json"
    done = ctl("metrics", "export", "--format", "json", "-o", str(path), "--json").value
    assert done == {"file": str(path), "format": "json", "values": done["values"]}
    assert "pool.waiting" in json.loads(path.read_text())
    refused = ctl("metrics", "show", "no.such")
    assert (refused.code, refused.out) == (1, "")
    assert "There is no series" in refused.err
    assert ctl("metrics", "show", "--since", "soon").code == 2


def test_promises_are_shown_with_what_is_left(backend: Backend, ctl: Ctl) -> None:  # the fixture
    assert backend.slos.objectives(actor=backend.actor())
    told = ctl("slo", "--json").value
    assert [one["key"] for one in told] == ["database", "sockets", "privacy", "pool", "memory", "jobs"]
    text = ctl("slo").out
    assert "Sockets over 99 %" in text
    assert "sockets: There is no gateway" in text
