"""The checker itself: a naive pipeline under the same kills breaks its promises, and each kind of damage is named."""

from __future__ import annotations

import signal
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from backend_core.db.embedded import EmbeddedServer
from tests.faults import naive
from tests.faults.harness import points, start
from tests.faults.promises import Document, Object, Promised, Spoken, State, check

KILLS_EACH = 3


@pytest.fixture
def naive_dsn(server: EmbeddedServer) -> Iterator[str]:
    """A database with the tables of the naive pipeline."""
    with psycopg.connect(server.admin_dsn, autocommit=True) as conn:
        conn.execute(naive.TABLES)
        yield server.admin_dsn
        conn.execute("DROP SCHEMA naive CASCADE")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL to survive")
@pytest.mark.trace("A77")
def test_a_naive_pipeline_under_the_same_kills_breaks_its_promises(naive_dsn: str, tmp_path: Path) -> None:
    promised = Promised()
    kills = Counter[str]()
    for step in points(Path(naive.__file__).parent):
        for nth in range(1, KILLS_EACH + 1):
            fault = {"LECTERN_FAULT": f"{step}:{nth}"}
            pages = range(len(promised.audios), len(promised.audios) + KILLS_EACH)
            asked = start(naive.ask, fault, naive_dsn, pages[0])
            asked.join()
            kills["desktop"] += asked.exitcode == -signal.SIGKILL
            for page in pages:
                # those that answer promise the page
                start(naive.ask, {}, naive_dsn, page).join()
                promised.audios.add((1, page, naive.VOICE))
            worker = start(naive.work, fault, naive_dsn, tmp_path)
            worker.join()
            kills["worker"] += worker.exitcode == -signal.SIGKILL
            if naive.recover(naive_dsn):
                start(naive.work, {}, naive_dsn, tmp_path).join()
    broken = Counter(violation.kind for violation in check(naive.state(naive_dsn, tmp_path), promised))
    print(f"killed: {dict(kills)}, broken promises: {dict(broken)}")
    assert kills["desktop"] >= 1
    assert kills["worker"] == KILLS_EACH * 5
    assert broken["orphaned"] > 0
    assert broken["doubled"] > 0
    assert broken["unaudited"] > 0


WHOLE = State(
    documents=[Document(1, "COMPLETED", 2, (1, 2), "aa/1")],
    audios=[Spoken(7, 1, 1, "v", "COMPLETED", "bb/2")],
    objects=[Object("aa/1", "1", 1, 1), Object("bb/2", "2", 1, 1)],
    files={"aa/1": "1", "bb/2": "2"},
    audited=Counter(
        {
            ("document.import", "document:1"): 1,
            ("document.extract", "document:1"): 1,
            ("audio.generate", "document:1"): 1,
            ("audio.speak", "audio:7"): 1,
        }
    ),
)
PROMISED = Promised(imports={1: 2}, audios={(1, 1, "v")})


def test_a_whole_state_keeps_every_promise() -> None:
    assert check(WHOLE, PROMISED) == []


@pytest.mark.parametrize(
    ("kind", "damage"),
    [
        ("lost", {"documents": []}),
        ("lost", {"documents": [Document(1, "PROCESSING", 2, (1, 2), "aa/1")]}),
        ("lost", {"documents": [Document(1, "COMPLETED", 2, (1,), "aa/1")]}),
        ("lost", {"audios": []}),
        ("lost", {"audios": [Spoken(7, 1, 1, "v", "FAILED", None)]}),
        ("doubled", {"audios": [Spoken(7, 1, 1, "v", "COMPLETED", "bb/2"), Spoken(8, 1, 1, "v", "COMPLETED", "bb/2")]}),
        ("doubled", {"documents": [Document(1, "COMPLETED", 2, (1, 2, 2), "aa/1")]}),
        ("doubled", {"audited": WHOLE.audited + Counter({("audio.speak", "audio:7"): 1})}),
        ("orphaned", {"files": WHOLE.files | {"cc/3": "3"}}),
        ("orphaned", {"files": {"aa/1": "1"}}),
        ("orphaned", {"objects": [*WHOLE.objects, Object("cc/3", "3", 0, 0)]}),
        ("orphaned", {"objects": [Object("aa/1", "1", 2, 1), WHOLE.objects[1]]}),
        ("orphaned", {"leftovers": ["intent"]}),
        ("corrupt", {"files": WHOLE.files | {"aa/1": "other"}}),
        ("unaudited", {"audited": WHOLE.audited - Counter({("audio.speak", "audio:7"): 1})}),
        ("unaudited", {"audited": WHOLE.audited - Counter({("document.import", "document:1"): 1})}),
    ],
)
def test_each_damage_is_named(kind: str, damage: dict[str, object]) -> None:
    assert kind in {violation.kind for violation in check(replace(WHOLE, **damage), PROMISED)}  # type: ignore[arg-type]  # one field each


def test_the_steps_are_found_in_the_source() -> None:
    assert {"import.row", "storage.put", "extract.commit", "generate.locked", "speech.started", "speak.commit"} <= set(points())
