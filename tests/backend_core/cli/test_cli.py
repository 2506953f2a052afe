"""lecternctl as scripts and people use it: one JSON value, three exit codes, one sentence for each failure."""

from __future__ import annotations

import argparse
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from backend_core.backend import Backend
from backend_core.cli.__main__ import parser
from backend_core.db import embedded
from backend_core.db.cluster import free_port
from backend_core.policy import Actor
from tests.command import PASSWORD, Ctl, call, together
from tests.lectern import SAMPLES, MakeDocument


def leaves(root: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """Yield the parser of every command."""
    groups = [action for action in root._actions if isinstance(action, argparse._SubParsersAction)]
    for group in groups:
        for command in group.choices.values():
            yield from leaves(command)
    if not groups:
        yield root


def test_every_command_takes_json_and_a_reason_and_says_what_it_does() -> None:
    found = list(leaves(parser()))
    names = {command.prog.removeprefix("lecternctl ") for command in found}
    assert names >= {
        "up", "down", "status", "migrate", "seed", "import", "documents", "speak", "export", "pool", "health", "jobs list", "jobs retry",
        "jobs cancel", "jobs run-worker", "bench", "voices", "audit list",
    }  # fmt: skip
    for command in found:
        assert {"--json", "--reason"} <= command._option_string_actions.keys(), command.prog
        assert command.description, command.prog


def test_seed_makes_documents_in_several_languages_and_every_reading_command_gives_its_keys(ctl: Ctl, tmp_path: Path) -> None:
    seeded = ctl("seed", "--size", "small", "--json")
    assert (seeded.code, seeded.err) == (0, "")
    assert seeded.value["documents"] >= 20
    commands = [["documents"], ["status"], ["pool"], ["health"], ["jobs", "list"], ["voices"], ["audit", "list"], ["migrate", "--dry-run"]]
    documents, status, pool, health, jobs, voices, audit, migrate = together(ctl, [[*command, "--json"] for command in commands])
    assert {answer.code for answer in (documents, status, pool, jobs, voices, audit, migrate)} == {0}
    rows = documents.value
    assert len(rows) >= 20
    assert {"document_id", "title", "pages", "status", "audios"} <= rows[0].keys()
    assert {row["status"] for row in rows} == {"COMPLETED"}
    assert len({row["language"] for row in rows}) >= 4
    assert {"running", "version", "data_dir", "dsn"} <= status.value.keys()
    assert "passfile=" in status.value["dsn"]
    assert "password" not in status.value["dsn"]
    assert {"capacity", "in_use", "waiting", "wait_ms", "timeouts", "processes"} <= pool.value.keys()
    assert {"application", "pid", "size", "overflow", "in_use", "waiting"} <= pool.value["processes"][0].keys()
    assert {"status", "checks"} <= health.value.keys()
    assert {"name", "status", "age_s", "detail"} <= health.value["checks"][0].keys()
    assert health.code == (1 if health.value["status"] == "failed" else 0)
    assert all({"job_id", "state", "title"} <= row.keys() for row in jobs.value)
    assert all(row["local"] for row in voices.value)
    assert {"at", "actor", "action", "target", "outcome"} <= audit.value[0].keys()
    assert migrate.value["applied"] == []


def test_a_document_goes_in_and_comes_out_as_audio(ctl: Ctl, tmp_path: Path) -> None:
    page = tmp_path / "A page.txt"
    page.write_text("One short page to speak.", encoding="utf-8")
    imported = ctl("import", str(page), "--json")
    assert (imported.code, imported.err) == (0, "")
    (row,) = imported.value
    assert {"file", "document_id", "pages", "status", "error"} <= row.keys()
    assert (row["file"], row["pages"], row["status"], row["error"]) == (str(page), 1, "COMPLETED", None)
    number = str(row["document_id"])
    spoken = ctl("speak", number, "--wait", "--json")
    (audio,) = spoken.value["audios"]
    assert {"audio_id", "page", "voice", "status", "seconds", "bytes", "sha256"} <= audio.keys()
    assert (audio["page"], audio["status"]) == (1, "COMPLETED")
    exported, again, renamed = together(
        ctl,
        [
            ["export", number, "--format", "mp3", "-o", str(tmp_path), "--json"],
            ["speak", number],
            ["rename", number, "Another \x1b[31mtitle", "--json"],
        ],
    )
    assert Path(exported.value["path"]).stat().st_size == exported.value["bytes"] > 0
    # asking twice is no mistake
    assert again.code == 0
    assert "Nothing new was queued." in again.err
    assert renamed.value["title"] == "Another [31mtitle"
    shown, deleted = together(ctl, [["documents"], ["delete", number, "--title", "Another [31mtitle", "--json"]])
    assert all(character.isprintable() for line in shown.out.splitlines() for character in line)
    assert deleted.value == {"deleted": int(number)}


def test_a_folder_of_good_and_bad_files_gives_one_result_for_each(ctl: Ctl, tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "good.txt").write_text("A page.")
    (folder / "empty.txt").write_bytes(b"")
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7\n" + bytes(100))
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(64))
    (folder / "evil\x1b]0;title\x07\x1b[2Jname.txt").write_text("Hello.")
    files = [str(path) for path in sorted(folder.iterdir())] + [str(folder), str(tmp_path / "none.pdf")]
    answer, text = ctl("import", *files, "--json"), ctl("documents")
    assert answer.code == 1
    results = {row["file"]: row for row in answer.value}
    assert list(results) == files
    assert {name for name, row in results.items() if row["status"] == "COMPLETED"} == {
        str(folder / "good.txt"), str(folder / "evil\x1b]0;title\x07\x1b[2Jname.txt"),
    }  # fmt: skip
    assert all(row["error"] for row in results.values() if row["status"] == "FAILED")
    assert not any(str(tmp_path) in (row["error"] or "") for row in results.values())
    # a name from outside cannot steer the terminal
    assert "\x1b" not in text.out
    assert "\x07" not in text.out


def test_every_expected_failure_is_one_sentence_and_exit_status_1(
    ctl: Ctl, backend: Backend, actor: Actor, make_document: MakeDocument
) -> None:
    document_id = str(make_document())
    commands = {
        ("speak", "99999999"): "not_found",
        ("speak", document_id, "--page", "7"): "not_found",
        ("speak", document_id, "--voice", "local:none"): "not_found",
        ("speak", document_id, "--rate", "1000"): "invalid_input",
        ("export", document_id): "not_found",
        ("delete", document_id, "--title", "wrong"): "invalid_input",
        ("rename", document_id, " "): "invalid_input",
        ("jobs", "cancel", "99999999"): "not_found",
        ("jobs", "retry", "99999999"): "not_found",
        # this very process holds the server
        ("down",): "conflict",
    }
    answers = together(ctl, [[*command, "--json"] for command in commands])
    for (command, code), answer in zip(commands.items(), answers, strict=True):
        assert answer.code == 1, command
        assert answer.value["error"]["code"] == code, command
        assert answer.value["error"]["sentence"] in answer.err
        assert answer.err.count("\n") == 1, command
        assert answer.err[0].isupper() or answer.err[0].isdigit()
    assert "lectern-desktop" in answers[-1].err
    assert backend.heal()


def test_wrong_usage_and_unusable_settings_are_exit_status_2(ctl: Ctl, variables: dict[str, str]) -> None:
    commands = [[], ["nonsense"], ["speak"], ["speak", "x"], ["speak", "0"], ["export", "1", "--format", "wav"], ["seed", "--size", "huge"]]
    for answer in together(ctl, commands):
        assert (answer.code, answer.out) == (2, "")
        assert "usage: lecternctl" in answer.err
    with ThreadPoolExecutor(2) as pool:
        bad = [{"LECTERN_POOL_SIZE": "abc"}, {"LECTERN_RETRY_JITTER": "2"}, {"LECTERN_LOG_LEVEL": PASSWORD}]
        answers = list(pool.map(lambda more: call("status", "--json", variables=variables | more), bad))
    for more, answer in zip(bad, answers, strict=True):
        assert answer.code == 2
        assert next(iter(more)) in answer.err
        assert answer.err.count("\n") == 1


def test_a_server_that_is_away_is_said_so_soon_and_without_its_password(tmp_path: Path) -> None:
    closed = f"postgresql://ana:{PASSWORD}@127.0.0.1:{free_port()}/lectern"
    with socket.socket() as silent:
        # accepts nobody and answers nothing
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)
        deaf = f"postgresql://ana:{PASSWORD}@127.0.0.1:{silent.getsockname()[1]}/lectern"
        began = time.monotonic()
        with ThreadPoolExecutor(2) as pool:
            given = [{"LECTERN_DSN": dsn, "LECTERN_HOME": str(tmp_path / "home")} for dsn in (closed, deaf)]
            answers = list(pool.map(lambda more: call("documents", "--json", variables=more), given))
    for answer in answers:
        assert answer.code == 1
        assert answer.value["error"]["code"] == "database_away"
        assert answer.err.count("\n") == 1
    # far below the 30 seconds that a caller waits for a connection
    assert time.monotonic() - began < 25
    logs = "".join(path.read_text() for path in (tmp_path / "home" / "logs").glob("*"))
    assert PASSWORD not in logs


def test_a_home_is_started_and_stopped_and_says_so(tmp_path: Path) -> None:
    home = {"LECTERN_HOME": str(tmp_path / "home")}
    try:
        before, stopped = together(lambda *arguments: call(*arguments, variables=home), [["status", "--json"], ["down", "--json"]])
        assert before.value == {"running": False, "version": None, "data_dir": None, "dsn": None, "holders": []}
        assert stopped.value == {"stopped": False}
        # what stays behind must not hang on how it was started
        up = call("up", "--json", variables=home, started=True)
        assert (up.code, up.value["running"]) == (0, True)
        down = call("down", "--json", variables=home)
        assert (down.code, down.value) == (0, {"stopped": True})
        assert call("status", variables=home).out == "Not running.\n"
    finally:
        embedded.erase(tmp_path / "home")


@pytest.mark.parametrize("arguments", [["--version"], ["status", "--json"], ["speak", "x"], ["jobs", "cancel", "99999999"]])
def test_started_by_a_person_it_says_what_it_says_forked(variables: dict[str, str], arguments: list[str]) -> None:
    started, forked = (call(*arguments, variables=variables, started=how) for how in (True, False))
    assert started == forked


def test_a_home_that_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("in the way")
    answer = call("documents", variables={"LECTERN_HOME": str(tmp_path / "home")})
    assert answer.code == 1
    assert answer.out == ""
    assert len(answer.err.splitlines()) == 1


def test_waiting_jobs_are_done_by_a_worker_that_leaves_again(ctl: Ctl, backend: Backend, actor: Actor) -> None:
    document = backend.documents.import_file(SAMPLES / sorted(path.name for path in SAMPLES.glob("*.md"))[0], actor=actor).document
    done = ctl("jobs", "run-worker", "--once")
    assert (done.code, done.out, done.err) == (0, "", "")
    assert backend.documents.get(document.id, actor=actor).status == "COMPLETED"
