"""How loud a job is: what goes on is INFO, a retry is WARNING, the end of the retries is ERROR."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from backend_core.backend import open_backend
from backend_core.settings import Settings
from backend_core.worker import run_once
from tests.backend_core.jobs.fakes import Scripted, broken
from tests.backend_core.log_forms import captured


@pytest.mark.trace("A62")
@pytest.mark.logs("job will be retried", "job failed")
def test_a_job_that_fails_for_good_warns_at_each_retry_and_ends_in_one_error(settings: Settings, tmp_path: Path) -> None:
    once = settings.model_copy(update={"retry_limit": 2})
    path = tmp_path / "Sample.txt"
    path.write_text("One short page to speak.", encoding="utf-8")
    with open_backend(once, engines=[Scripted(broken)]) as backend, captured() as stream:
        actor = backend.actor()
        document = backend.documents.import_file(path, actor=actor).document
        while backend.jobs.open_count():
            run_once(backend, once)
        backend.audios.generate(document.id, actor=actor)
        while backend.jobs.open_count():
            run_once(backend, once)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    levels = {event: {line["level"] for line in lines if line["event"] == event} for event in {line["event"] for line in lines}}
    assert levels["job finished"] == levels["document imported"] == {"info"}
    assert levels["job will be retried"] == {"warning"}
    assert levels["job failed"] == {"error"}
    assert sum(line["event"] == "job will be retried" for line in lines) == 2
    failed = [line for line in lines if line["event"] == "job failed"]
    assert len(failed) == 1
    assert (failed[0]["error_type"], failed[0]["error_code"]) == ("VoiceFailed", "voice_failed")
    assert failed[0]["correlation_id"]
    assert failed[0]["operator_id"] == actor.operator_id
    # every further line that warns is about a retry, every further error about an end
    assert {line["event"] for line in lines if line["level"] == "warning"} == {"job will be retried"}
    assert {line["event"] for line in lines if line["level"] == "error"} == {"job failed"}
