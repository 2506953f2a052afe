"""The review of the suite's own logs finds what was written past the formatter, and nothing else."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from backend_core.logs import configure_logging, get_logger
from tests.backend_core.secret_corpus import secrets
from tests.house.log_review import leaks


@pytest.mark.trace("A26", "A67")
def test_the_review_finds_a_line_that_was_written_past_the_formatter(tmp_path: Path) -> None:
    before = logging.getLogger().level
    configure_logging(tmp_path, process="probe")
    for secret in secrets(300):
        get_logger("probe").info("probe", value=secret.text)
    configure_logging(tmp_path / "after", process="tests")
    logging.getLogger().setLevel(before)
    assert (tmp_path / "probe.log").read_text(encoding="utf-8").count("\n") == 300
    assert leaks(tmp_path) == []
    with (tmp_path / "probe.log").open("a", encoding="utf-8") as file:
        file.write('{"event": "password=hunter2"}\n')
    assert leaks(tmp_path) == ["probe.log:301"]
