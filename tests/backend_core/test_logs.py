"""Logs: nothing secret in them, one correlation id from the click to the last line."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from pathlib import Path

import pytest

from backend_core.logs import configure_logging, correlated, correlation_id, get_logger, log_failure, redact

SECRETS = {
    "aws id": "AKIAIOSFODNN7EXAMPLE",
    "aws secret": "aws_secret_access_key=wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY",
    "dsn": "postgresql://ana:hunter2@db.example.org/lectern",
    "bearer": "Authorization: Bearer abcdef0123456789abcdef",
    "jwt": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "e-mail": "ana.silva@example.org",
    "phone": "+1 (555) 010-1234",
    "pgpassword": "PGPASSWORD=hunter2",
    "json password": '{"password": "hunter2"}',
    "presigned": "https://bucket/key?X-Amz-Signature=0123456789abcdef0123456789abcdef",
}
HARMLESS = (
    "2026-11-21T09:03:06.123456Z",
    "job 4711 took 1732181234567 ms",
    "ISBN 978-3-16-148410-0",
    "token_count=12 tokens in page 3",
    "Page 12 of 48, 3.14 %",
)


def secret_part(text: str) -> str:
    """Return the piece of an example that must not survive."""
    for piece in ("hunter2", "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY", "abcdef0123456789", "dozjgNryP4J3", "ana.silva", "010-1234"):
        if piece in text:
            return piece
    return text[-16:]


@pytest.fixture
def log_file(tmp_path: Path) -> Path:
    before = logging.getLogger().level
    path = configure_logging(tmp_path, process="probe")
    yield path
    configure_logging(tmp_path, process="after")
    logging.getLogger().setLevel(before)


@pytest.mark.trace("A26", "A82")
@pytest.mark.logs("probe")
@pytest.mark.parametrize("kind", SECRETS)
def test_no_secret_reaches_the_log_by_any_way(log_file: Path, kind: str) -> None:
    log = get_logger("probe")
    secret = SECRETS[kind]
    log.info("probe value", value=secret)
    log.warning("probe", more=[secret])
    logging.getLogger("library.child").warning("probe %s", secret)
    try:
        raise ValueError(secret)
    except ValueError as error:
        log_failure(log, "probe failed", error)
    text = log_file.read_text(encoding="utf-8")
    assert text.count("\n") == 4
    assert secret_part(secret) not in text


@pytest.mark.parametrize("line", HARMLESS)
def test_ordinary_lines_are_left_alone(line: str) -> None:
    assert redact(line) == line


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


@pytest.mark.logs("no such place")
def test_a_folder_that_cannot_be_written_costs_only_the_file(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("", encoding="utf-8")
    configure_logging(blocked / "logs", process="probe")
    get_logger("probe").warning("no such place")
