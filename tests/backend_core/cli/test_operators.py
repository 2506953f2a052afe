"""operators, sign-in and sign-out from a terminal: passwords come from a file or a prompt, never from an argument."""

from __future__ import annotations

import argparse
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from backend_core.cli.__main__ import parser
from backend_core.db.embedded import EmbeddedServer
from tests.backend_core.cli.test_cli import leaves
from tests.command import Answer, call

GOOD = "a blue horse at 7"
OTHER = "two grey herons, 4"
Ctl = Callable[..., Answer]


@pytest.fixture
def home(clean: EmbeddedServer, tmp_path: Path) -> Path:
    """A home of its own on the server of this test process: its database is shared, its secrets are not."""
    return clean.cluster.home


@pytest.fixture
def ctl(home: Path, tmp_path: Path) -> Ctl:
    """Return a function that runs one command; ``password`` and ``new`` are put into files for it."""
    for name in ("signed-in",):
        (home / "config" / name).unlink(missing_ok=True)

    def run(*arguments: str, password: str | None = None, new: str | None = None) -> Answer:
        variables = {"LECTERN_HOME": str(home), "LECTERN_OBJECTS": str(tmp_path / "objects"), "LECTERN_POOL_SIZE": "1"}
        for variable, text in (("LECTERN_PASSWORD_FILE", password), ("LECTERN_NEW_PASSWORD_FILE", new)):
            if text is not None:
                path = tmp_path / variable
                path.write_text(text + "\n", encoding="utf-8")
                variables[variable] = str(path)
        return call(*arguments, variables=variables)

    return run


def done(answer: Answer) -> Answer:
    assert (answer.code, answer.err) == (0, ""), answer.err
    return answer


def test_every_command_can_be_run_as_somebody_and_none_takes_a_password() -> None:
    for command in leaves(parser()):
        assert "--as" in command._option_string_actions, command.prog
        # a switch may ask for one; a value would stand in the history of the shell and in the list of processes
        valued = [action for action in command._actions if isinstance(action, argparse._StoreAction)]
        named = {name for action in valued for name in (action.dest, *action.option_strings)}
        assert not {name for name in named if name.strip("-") in {"password", "token", "secret", "passphrase"}}, command.prog


@pytest.mark.trace("A4")
def test_an_operator_is_added_signs_in_works_and_signs_out(ctl: Ctl, home: Path) -> None:
    added = done(ctl("operators", "add", "Ana", "--role", "auditor", "--email", "ana@example.org", "--json", new=GOOD)).value
    assert {"id", "name", "role", "email", "disabled", "has_password", "last_sign_in"} <= added.keys()
    assert (added["has_password"], added["disabled"], added["last_sign_in"]) == (True, False, None)
    # for one command
    listed = done(ctl("operators", "list", "--as", "ana", "--json", password=GOOD)).value
    assert "Ana" in {row["name"] for row in listed if row["last_sign_in"]}
    assert done(ctl("operators", "sessions", "--json")).value == []
    refused = ctl("operators", "list", "--as", "Ana", password="wrong")
    assert (refused.code, refused.out) == (1, "")
    assert "wrong" in refused.err
    nobody = ctl("operators", "list", "--as", "Ana")
    assert nobody.code == 1
    assert "LECTERN_PASSWORD_FILE" in nobody.err
    # for the commands that follow
    signed = done(ctl("sign-in", "--as", "ana@example.org", "--json", password=GOOD))
    assert signed.value["name"] == "Ana"
    assert signed.value["must_change"]
    sessions = done(ctl("operators", "sessions", "--json")).value
    assert [(row["operator"], row["current"]) for row in sessions] == [("Ana", True)]
    forbidden = ctl("operators", "add", "Eve", "--role", "admin", new=GOOD, password=GOOD)
    assert forbidden.code == 1
    assert "role" in forbidden.err
    assert done(ctl("sign-out", "--json")).value == {"signed_out": True}
    assert done(ctl("operators", "sessions", "--json")).value == []


@pytest.mark.trace("A4")
def test_a_kept_session_is_a_secret_and_ends_when_it_is_revoked(ctl: Ctl, home: Path, clean: EmbeddedServer) -> None:
    done(ctl("operators", "add", "Ana", "--role", "support", new=GOOD))
    done(ctl("sign-in", "--as", "Ana", password=GOOD))
    with psycopg.connect(clean.admin_dsn) as conn:
        row = conn.execute("SELECT id FROM auth_session").fetchone()
    assert row is not None
    if sys.platform != "win32":
        for path in (home / "secrets").rglob("*"):
            assert path.is_dir() or stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert (home / "config" / "signed-in").read_text(encoding="utf-8") == "Ana\n"
    done(ctl("operators", "revoke", str(row[0])))
    # whoever the computer knows takes over again
    assert ctl("operators", "list", "--json").code == 0


def test_roles_passwords_and_documents_change_hands(ctl: Ctl) -> None:
    for name in ("Ana", "Ben"):
        done(ctl("operators", "add", name, "--role", "support", new=GOOD))
    silent = ctl("operators", "role", "Ana", "auditor")
    assert silent.code == 1
    assert "reason" in silent.err
    assert done(ctl("operators", "role", "Ana", "auditor", "--reason", "moves to assurance", "--json")).value["role"] == "auditor"
    done(ctl("operators", "reset", "Ana", new=OTHER))
    assert done(ctl("operators", "edit", "Ben", "--name", "Benno", "--email", "b@example.org", "--json")).value["email"] == "b@example.org"
    done(ctl("operators", "disable", "Benno", "--reason", "left"))
    assert done(ctl("operators", "hand-over", "Benno", "Ana", "--reason", "left", "--json")).value["documents"] == 0
    done(ctl("operators", "enable", "Benno"))
    assert ctl("sign-in", "--as", "Ana", password=GOOD).code == 1
    done(ctl("operators", "password", "--as", "Ana", password=OTHER, new=GOOD))
    assert done(ctl("operators", "list", "--json")).value[0]["name"] == "Ana"
    done(ctl("sign-out"))
    assert ctl("operators", "disable", "Nobody", "--reason", "x").code == 1


def test_the_review_and_the_recovery(ctl: Ctl, clean: EmbeddedServer) -> None:
    done(ctl("operators", "list"))
    review = done(ctl("operators", "review", "--json")).value
    assert {"name", "role", "action", "since", "last_used"} <= review[0].keys()
    assert done(ctl("operators", "review", "--as-of", "2020-01-31", "--json")).value == []
    assert ctl("operators", "review", "--as-of", "yesterday").code == 2
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute("UPDATE operators SET disabled_at = now()")
    assert ctl("operators", "list").code == 1
    recovered = done(ctl("operators", "recover", "Zoe", "--reason", "the only administrator left", "--json", new=GOOD)).value
    assert (recovered["name"], recovered["role"]) == ("Zoe", "admin")
    done(ctl("operators", "list", "--as", "Zoe", password=GOOD))


@pytest.mark.trace("A4")
def test_somebody_with_a_password_is_asked_for_it_unless_the_window_keeps_a_session(ctl: Ctl, home: Path) -> None:
    name = done(ctl("operators", "list", "--json")).value[0]["name"]
    # a first password needs no older one, and begins a session
    done(ctl("operators", "password", new=GOOD))
    assert done(ctl("operators", "sessions", "--json")).value[0]["operator"] == name
    # as the window leaves it, which writes no mark
    (home / "config" / "signed-in").unlink()
    assert done(ctl("operators", "list", "--json")).value
    added = ctl("operators", "add", "Ana", "--role", "support", new=OTHER)
    assert added.code == 1
    assert "LECTERN_PASSWORD_FILE" in added.err
    done(ctl("operators", "add", "Ana", "--role", "support", new=OTHER, password=GOOD))
    done(ctl("sign-out"))
    refused = ctl("documents")
    assert refused.code == 1
    assert "sign-in --as" in refused.err
    done(ctl("documents", "--as", name, password=GOOD))
