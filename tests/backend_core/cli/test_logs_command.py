"""lecternctl logs, and what a command says when a lower layer talks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from backend_core.backend import Backend
from backend_core.cli.__main__ import main
from backend_core.db.embedded import EmbeddedServer
from backend_core.logs import configure_logging, correlated, get_logger
from backend_core.settings import Settings
from tests.lectern import MakeDocument

CANARY = "canaryHunter22"


@pytest.fixture
def ctl(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., tuple[int, str, str]]:
    """Run one command on the test's own server; returns exit code, output and complaints."""
    monkeypatch.setenv("LECTERN_HOME", str(settings.home))
    monkeypatch.setenv("LECTERN_OBJECTS", str(settings.objects))

    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(list(arguments))
        said = capsys.readouterr()
        configure_logging(tmp_path / "after", process="tests")
        return code, said.out, said.err

    return run


def test_the_lines_of_one_action_are_found_by_its_id(
    ctl: Callable[..., tuple[int, str, str]], settings: Settings, backend: Backend, tmp_path: Path
) -> None:
    configure_logging(settings.log_dir, process="worker")
    with correlated() as correlation:
        get_logger("probe").info("spoke a page", page=3)
        get_logger("probe").info("stored", note=f"password={CANARY}")
    configure_logging(tmp_path / "after", process="tests")
    code, out, _ = ctl("logs", "--correlation", correlation)
    assert code == 0
    assert [line.split()[-3:] for line in out.splitlines()[1:]] == [
        ["a", "page", "page=3"],
        [correlation, "stored", "note=password=[secret]"],
    ]
    code, out, _ = ctl("logs", "--correlation", correlation, "--json", "--process", "worker", "--since", "1h", "--level", "info")
    assert [(line["event"], line["correlation_id"]) for line in json.loads(out)] == [("stored", correlation), ("spoke a page", correlation)]
    assert ctl("logs", "--correlation", "0000-0000", "--level", "error")[1].strip() == "No such lines."
    assert ctl("logs", "--since", "yesterday")[0] == 1


@pytest.mark.trace("A5", "A54")
@pytest.mark.logs("command failed", "command refused")
def test_a_command_whose_statement_talks_says_one_sentence_with_an_id(
    ctl: Callable[..., tuple[int, str, str]], make_document: MakeDocument, clean: EmbeddedServer, settings: Settings
) -> None:
    document_id = make_document()
    talk = f"""
        CREATE FUNCTION talk() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'password={CANARY} of Marta' USING DETAIL = 'postgresql://ana:{CANARY}@db/x'; END $$;
        CREATE TRIGGER talk BEFORE UPDATE ON documents FOR EACH ROW EXECUTE FUNCTION talk();
    """
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute(talk)  # type: ignore[call-overload]  # the statement is made up of literals
        try:
            code, out, err = ctl("rename", str(document_id), "Another title", "--json")
        finally:
            conn.execute("DROP TRIGGER talk ON documents; DROP FUNCTION talk()")
    answer = json.loads(out)["error"]
    assert code == 1
    assert set(answer) == {"code", "title", "sentence", "next_step", "correlation_id"}
    assert err.count("\n") == 1
    assert not any(word in out + err for word in (CANARY, "Marta", "RaiseException", "Traceback", "Error"))
    log = (settings.log_dir / "command.log").read_text(encoding="utf-8")
    assert answer["correlation_id"] in log
    assert "RaiseException" in log
    assert CANARY not in log


def test_the_log_is_readable_while_the_database_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LECTERN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LECTERN_DSN", "postgresql://nobody@127.0.0.1:1/none?connect_timeout=2")
    configure_logging(tmp_path / "home" / "logs", process="worker")
    get_logger("probe").info("spoke a page")
    assert main(["logs"]) == 0
    configure_logging(tmp_path / "after", process="tests")
    said = capsys.readouterr()
    assert "spoke a page" in said.out
    assert "does not answer" in said.err
