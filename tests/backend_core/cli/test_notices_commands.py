"""lecternctl notices and jobs: look, keep quiet, try a channel, move and retry; in this process, which costs no start."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backend_core.backend import Backend
from backend_core.cli.__main__ import main
from backend_core.errors import Unavailable
from backend_core.jobs.runner import Runner, Subject
from backend_core.notices.records import NewNotice
from backend_core.policy import Actor
from backend_core.settings import Settings
from backend_core.worker import Worker
from tests.backend_core.notices.conftest import admin, hook  # noqa: F401  # fixtures
from tests.backend_core.safety.conftest import Service

Run = Callable[..., tuple[int, Any]]


@pytest.fixture
def run(backend: Backend, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return a function that runs one command on the backend's own home, and returns its exit code and value."""
    for name in ("home", "objects"):
        monkeypatch.setenv(f"LECTERN_{name.upper()}", str(getattr(settings, name)))

    def call(*arguments: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = main([*arguments, "--json"])
        out = capsys.readouterr().out
        return code, json.loads(out) if out else None

    return call


def test_a_notice_is_listed_acknowledged_silenced_and_told_again(backend: Backend, run: Run) -> None:
    notice = NewNotice(kind="pool_full", subject="worker", severity="warn", title="Full", body="8 of 10.", page="database")
    number = backend.notices.raise_(notice, actor=backend.system())
    assert [one["kind"] for one in run("notices", "list", "--open")[1]] == ["pool_full"]
    assert run("notices", "ack", str(number), "--note", "on it")[1]["acknowledged_by"]
    assert run("notices", "list", "--open")[1] == []
    # a silence asks a reason
    assert run("notices", "silence", "pool_full", "--for", "4h")[0] == 1
    code, silence = run("notices", "silence", "pool_full", "worker", "--for", "4h", "--reason", "load test")
    assert (code, silence["reason"], silence["subject"]) == (0, "load test", "worker")
    assert [one["id"] for one in run("notices", "silences")[1]] == [silence["id"]]
    assert run("notices", "lift", str(silence["id"]), "--reason", "done")[0] == 0
    with pytest.raises(SystemExit):
        run("notices", "silence", "pool_full", "--for", "soon")


@pytest.mark.logs("command refused")
def test_a_channel_is_set_up_and_tried(backend: Backend, admin: Actor, run: Run, hook: Service, tmp_path: Path) -> None:  # noqa: F811  # fixtures
    backend.house.update({"webhook_url": f"http://{hook.host}/"}, version=0, actor=admin)
    assert run("notices", "test", "webhook")[0] == 1
    key = tmp_path / "key.txt"
    key.write_text("canaryHookKey7\n", encoding="utf-8")
    assert run("notices", "secret", "webhook", "--secret-file", str(key))[1] == {"channel": "webhook", "kept": True}
    # nobody consented
    code, channels = run("notices", "channels")
    assert (code, [one["ready"] for one in channels]) == (1, [False, False])
    assert run("notices", "test", "webhook")[0] == 1
    assert hook.requests == []
    backend.egress.allow("webhook", hook.host, actor=admin)
    assert run("notices", "test", "webhook") == (0, {"channel": "webhook", "host": hook.host})
    assert len(hook.requests) == 1
    assert run("notices", "secret", "webhook", "--forget")[1]["kept"] is False


@pytest.mark.trace("A81")
@pytest.mark.logs("command refused")
def test_alerts_of_jobs_are_listed_moved_and_retried_together(
    backend: Backend, actor: Actor, settings: Settings, run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "one.txt"
    path.write_text("A page.", encoding="utf-8")
    document = backend.documents.import_file(path, actor=actor).document.id
    [job] = backend.jobs.listing(actor=actor)
    assert run("jobs", "watch")[1]["waiting"] == 1
    runner: Runner = Worker(backend, settings)._runner
    handler = backend.handlers["documents.extract"]
    runner.abandon(handler, Subject(document_id=document), Unavailable("The worker died."), job_id=job.job_id, attempt=0)
    with backend.database.begin("Fail") as conn:
        conn.exec_driver_sql("SELECT procrastinate_cancel_job_v1(%(job)s, false, false)", {"job": job.job_id})
    [alert] = run("jobs", "alerts")[1]
    number = str(alert["id"])
    assert run("jobs", "alerts", "--move", number)[0] == 1
    assert run("jobs", "alerts", "--move", number, "--to", "RESOLVED")[0] == 1
    assert run("jobs", "alerts", "--move", number, "--to", "ACKNOWLEDGED")[1][0]["status"] == "ACKNOWLEDGED"
    code, [retried] = run("jobs", "retry", "--failed")
    assert (code, retried["job_id"], retried["new_job_id"]) == (0, job.job_id, job.job_id + 1)
    assert run("jobs", "retry", "--failed") == (0, [])
    assert [one["status"] for one in run("jobs", "alerts", "--all")[1]] == ["INVESTIGATING"]
