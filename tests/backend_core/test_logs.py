"""Logs: nothing secret in them, one correlation id from the click to the last line."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path

import pytest
import sqlalchemy as sa

from backend_core.db.database import Database
from backend_core.errors import DatabaseAway, LecternError, NotFound
from backend_core.logs import HANDLER, at_boundary, configure_logging, correlated, correlation_id, get_logger, log_failure, note_operator


@pytest.fixture
def log_file(tmp_path: Path) -> Path:
    before = logging.getLogger().level
    path = configure_logging(tmp_path, process="probe")
    yield path
    configure_logging(tmp_path, process="after")
    logging.getLogger().setLevel(before)


def test_each_line_is_one_json_object_whatever_is_in_it(log_file: Path) -> None:
    get_logger("probe").info('line\nbreak "quote" \x1b[31m', value="a\r\nb")
    lines = log_file.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1
    assert json.loads(lines[0])["value"] == "a\r\nb"


def test_everything_inside_one_action_shares_its_id(log_file: Path) -> None:
    log = get_logger("probe")
    with correlated() as outer:
        log.info("here")
        with correlated() as inner, ThreadPoolExecutor(1) as pool:
            context = copy_context()
            pool.submit(context.run, log.info, "there").result()
        assert inner == outer
    ids = [json.loads(line)["correlation_id"] for line in log_file.read_text(encoding="utf-8").splitlines()]
    assert ids == [outer, outer]
    assert correlation_id() != outer


@pytest.mark.trace("A44", "A89")
@pytest.mark.logs("probe failed")
@pytest.mark.parametrize("structured", [True, False])
def test_a_failure_is_logged_with_type_code_action_and_operator(log_file: Path, structured: bool) -> None:
    logger = get_logger("probe") if structured else logging.getLogger("probe")
    with correlated("c7f1-92ab"):
        note_operator(7)
        log_failure(logger, "probe failed", NotFound("No such page."), facts={"page": 3})
    get_logger("probe").info("afterwards")
    line, after = [json.loads(text) for text in log_file.read_text(encoding="utf-8").splitlines()]
    facts = {
        "error_type": "NotFound",
        "error_code": "not_found",
        "correlation_id": "c7f1-92ab",
        "operator_id": 7,
        "page": 3,
        "level": "error",
    }
    assert facts.items() <= line.items()
    assert after.get("operator_id") != 7


@pytest.mark.logs("it failed")
def test_what_a_database_error_quotes_of_a_row_does_not_reach_the_log(log_file: Path, database: Database) -> None:
    refused = (
        "INSERT INTO operators (name, role) VALUES ('canary words', 'nobody')",
        "SELECT CAST('canary words' AS integer)",
        "DO $$ BEGIN RAISE EXCEPTION 'stopped' USING DETAIL = E'canary\nwords'; END $$",
    )
    for statement in refused:
        with pytest.raises(LecternError) as caught, database.begin("Fail") as conn:
            conn.execute(sa.text(statement))
        assert "canary" in str(caught.value.__cause__)
        log_failure(get_logger("probe"), "it failed", caught.value)
    text = log_file.read_text(encoding="utf-8")
    assert text.count("it failed") == len(refused)
    assert "exc_value" in text
    assert "words" not in text


@pytest.mark.trace("A44", "A54")
@pytest.mark.logs("probe")
def test_at_a_boundary_the_cause_goes_to_the_log_and_a_sentence_to_the_person(log_file: Path) -> None:
    log = get_logger("probe")
    try:
        try:
            raise OSError("disk /dev/sdz is gone")
        except OSError as lower:
            raise DatabaseAway("The database does not answer.") from lower
    except DatabaseAway as error:
        expected = at_boundary(log, "probe", error)
    surprise = at_boundary(log, "probe", ValueError("disk /dev/sdz"))
    first, second = [json.loads(text) for text in log_file.read_text(encoding="utf-8").splitlines()]
    assert (first["level"], first["cause_type"], first["correlation_id"]) == ("info", "OSError", expected.correlation_id)
    assert (second["level"], second["error_type"], second["correlation_id"]) == ("error", "ValueError", surprise.correlation_id)
    assert "sdz" in json.dumps(first["exception"])
    assert "sdz" not in f"{expected}{expected.next_step}{surprise}{surprise.next_step}"


def test_a_record_that_cannot_be_rendered_costs_its_values_not_the_line(log_file: Path) -> None:
    record = logging.LogRecord("probe", logging.WARNING, "", 0, "probe %d of %d", ("password=hunter2hunter2",), None)
    handler = next(one for one in logging.getLogger().handlers if one.get_name() == HANDLER)
    handler.handle(record)
    get_logger("probe").info("keys", value={(1, 2): 3})
    text = log_file.read_text(encoding="utf-8")
    assert [json.loads(line)["event"] for line in text.splitlines()] == ["probe %d of %d", "keys"]
    assert "hunter2hunter2" not in text


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file modes")
def test_nobody_else_may_read_the_log(log_file: Path) -> None:
    get_logger("probe").info("here")
    assert log_file.stat().st_mode & 0o777 == 0o600


def test_warnings_of_libraries_go_to_the_log_not_to_the_terminal(tmp_path: Path) -> None:
    code = (
        "import sys, warnings; from pathlib import Path; from backend_core.logs import configure_logging\n"
        "path = configure_logging(Path(sys.argv[1]), process='probe'); warnings.warn('password=hunter2hunter2')"
    )
    done = subprocess.run([sys.executable, "-W", "always", "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    text = (tmp_path / "probe.log").read_text(encoding="utf-8")
    assert "py.warnings" in text
    assert "hunter2hunter2" not in text


@pytest.mark.logs("no such place")
def test_a_folder_that_cannot_be_written_costs_only_the_file(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    configure_logging(blocked / "logs", process="probe")
    get_logger("probe").warning("no such place")
