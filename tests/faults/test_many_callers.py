"""Fifty callers in threads, processes and homes ask for one audio: one row, one object, one engine call, 49 clear answers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from backend_core.backend import Backend, open_backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.policy import Actor
from backend_core.settings import Settings, load_settings
from backend_core.worker import run_once
from tests.faults import children
from tests.faults.callers import ask_at_once, caller
from tests.faults.harness import start
from tests.lectern import MakeDocument
from tests.polling import eventually

HERE, ELSEWHERE = 20, 15
LOGIN = "caller"
COMMANDS = 6


@pytest.fixture
def login(clean: EmbeddedServer) -> Iterator[str]:
    """The connection string of an administrator of a team's server, whose computer also carries out background work."""
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute(f"CREATE ROLE {LOGIN} LOGIN PASSWORD '{LOGIN}' IN ROLE lectern_administrator, lectern_app, lectern_monitor")
        yield make_conninfo(clean.admin_dsn, user=LOGIN, password=LOGIN, passfile="")
        conn.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", (LOGIN,))
        conn.execute(f"DROP ROLE {LOGIN}")


@pytest.fixture
def settings(login: str, tmp_path: Path) -> Settings:
    """Settings of a home of its own on a shared server, reached through its connection string."""
    return load_settings(home=tmp_path / "home-0", dsn=login, pool_size=1, max_overflow=9, retry_base_s=0.01)


def work_off(settings: Settings) -> None:
    """Run what waits, with the rights of a worker."""
    with open_backend(settings, application="worker") as worker:
        run_once(worker, settings)


@pytest.fixture
def run_jobs(settings: Settings) -> Callable[[], None]:
    """Return a function that runs every waiting job: the person who asked may not on a shared server."""
    return lambda: work_off(settings)


@pytest.fixture
def environment(settings: Settings, tmp_path: Path) -> Callable[[int], dict[str, str]]:
    """Return the variables of a process that lives in home 0, 1, ... on the same server."""

    def variables(home: int) -> dict[str, str]:
        given = {"LECTERN_DSN": str(settings.dsn), "LECTERN_HOME": str(tmp_path / f"home-{home}"), "LECTERN_POOL_SIZE": "1"}
        return given | {"LECTERN_MAX_OVERFLOW": "9", "LECTERN_ENGINE_CALLS": str(tmp_path / "calls"), "LECTERN_HEARTBEAT_S": "0.5"}

    return variables


@pytest.fixture
def workers(environment: Callable[[int], dict[str, str]]) -> Iterator[None]:
    """A worker for each of the two homes."""
    running = [start(children.work, environment(home)) for home in (0, 1)]
    yield
    for child in running:
        child.terminate()
        child.join()


def column(clean: EmbeddedServer, query: str) -> list[Any]:
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        return [row[0] for row in conn.execute(query).fetchall()]  # type: ignore[call-overload]  # fixed texts of this file


def finished(clean: EmbeddedServer) -> bool:
    return column(clean, "SELECT status FROM audios") == ["COMPLETED"] and not column(
        clean, "SELECT id FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
    )


def check_one_audio(clean: EmbeddedServer, tmp_path: Path) -> None:
    assert column(clean, "SELECT status FROM audios") == ["COMPLETED"]
    assert column(clean, "SELECT refs FROM objects WHERE content_type = 'audio/mpeg'") == [1]
    files = [path for home in tmp_path.glob("home-*") for path in home.glob("objects/??/*")]
    # the document and its one audio
    assert len(files) == 2
    assert len((tmp_path / "calls").read_text().splitlines()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="forks its callers")
@pytest.mark.trace("A2")
def test_fifty_callers_in_three_processes_and_two_homes_make_one_audio(
    backend: Backend, make_document: MakeDocument, environment: Callable[[int], dict[str, str]], workers: None, clean: EmbeddedServer,
    tmp_path: Path,
) -> None:  # fmt: skip
    document_id = make_document()
    others = [start(caller, environment(home) | {"CALLER": str(home)}, document_id, ELSEWHERE, tmp_path) for home in (0, 1)]
    eventually(lambda: len(list(tmp_path.glob("*.ready"))) == len(others))
    moment = time.time() + 0.3
    partial = tmp_path / "moment.partial"
    partial.write_text(str(moment))
    partial.rename(tmp_path / "moment")
    answers = ask_at_once(backend, document_id, callers=HERE, start_at=moment)
    for child in others:
        child.join()
    for path in tmp_path.glob("*.answers"):
        answers += json.loads(path.read_text())
    assert Counter(answers) == {"queued": 1, "voice_in_use": HERE + 2 * ELSEWHERE - 1}
    eventually(lambda: finished(clean))
    check_one_audio(clean, tmp_path)


def test_commands_that_speak_the_same_page_at_once_all_answer_with_the_same_audio(
    settings: Settings, actor_document: int, environment: Callable[[int], dict[str, str]], clean: EmbeddedServer, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "backend_core.cli", "speak", str(actor_document), "--wait", "--json"]
    variables = {**os.environ, **environment(0)}
    running = [subprocess.Popen(command, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(COMMANDS)]
    answers = [child.communicate(timeout=90) for child in running]
    assert [(child.returncode, said) for child, (_, said) in zip(running, answers, strict=True)] == [(0, "")] * COMMANDS
    audios = [json.loads(answer)["audios"] for answer, _ in answers]
    assert {audio["status"] for rows in audios for audio in rows} == {"COMPLETED"}
    assert len({(audio["audio_id"], audio["sha256"]) for rows in audios for audio in rows}) == 1
    check_one_audio(clean, tmp_path)


@pytest.fixture
def actor_document(settings: Settings, tmp_path: Path) -> int:
    """A document that was imported by a process that has left since."""
    path = tmp_path / "page.txt"
    path.write_text("One short page to speak.", encoding="utf-8")
    with open_backend(settings) as backend:
        actor: Actor = backend.actor()
        document = backend.documents.import_file(path, actor=actor).document
    work_off(settings)
    return document.id
