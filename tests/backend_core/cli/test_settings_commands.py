"""lecternctl settings and profiles: one value, one sentence, and a page of the documents that is always current."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from backend_core.cli.settings_document import document
from backend_core.db.embedded import EmbeddedServer
from backend_core.house.declaration import FIELDS
from backend_core.settings import Settings
from tests.command import Ctl, call

ROOT = Path(__file__).parents[3]
PASSWORD = "hunter2-canary"


@pytest.mark.trace("A61")
def test_the_page_of_the_documents_lists_every_setting_as_it_is_declared() -> None:
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert page == document(), "run `lecternctl settings list --markdown > docs/settings.md`"
    for name in (*Settings.model_fields, *FIELDS):
        assert page.count(f"| `{name}` |") == 1
    assert all(f"`LECTERN_{name.upper()}`" in page for name in Settings.model_fields)


@pytest.mark.trace("A61")
def test_a_process_setting_comes_from_the_argument_the_environment_or_the_file(tmp_path: Path) -> None:
    home = {"LECTERN_HOME": str(tmp_path), "LECTERN_POOL_SIZE": ""}
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "lectern.toml").write_text("pool_size = 3\n", encoding="utf-8")

    def pool_size(*arguments: str, **more: str) -> tuple[str, str]:
        value = call(*arguments, "settings", "get", "pool_size", "--json", variables=home | more).value
        return value["value"], value["source"]

    assert pool_size() == ("3", "file")
    assert pool_size(LECTERN_POOL_SIZE="4") == ("4", "environment")
    assert pool_size("--set", "pool_size=5", LECTERN_POOL_SIZE="4") == ("5", "argument")


@pytest.mark.parametrize(
    ("arguments", "file", "words"),
    [
        (("--set", "nonsense=1"), "", "There is no setting nonsense."),
        ((), "nonsense = 1", "There is no setting nonsense ("),
        (("--set", "pool_size=0"), "", "A setting cannot be used. pool_size: "),
        ((), "pool_size = 0", "pool_size in config/lectern.toml"),
    ],
)
def test_a_setting_that_cannot_be_used_is_wrong_usage_with_one_sentence(
    tmp_path: Path, arguments: tuple[str, ...], file: str, words: str
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "lectern.toml").write_text(file, encoding="utf-8")
    answer = call(*arguments, "settings", "list", "--process", variables={"LECTERN_HOME": str(tmp_path)})
    assert (answer.code, answer.out) == (2, "")
    assert words in answer.err
    assert answer.err.count("\n") == 1


def test_house_settings_are_read_changed_together_and_reset(ctl: Ctl) -> None:  # the fixture
    delivered = ctl("settings", "get", "--json").value
    assert delivered["version"] == 0
    assert delivered["values"] == {name: field.default for name, field in FIELDS.items()}
    changed = ctl("settings", "set", "warning_days", "14", "monthly_budget", "7.5", "--json", "--reason", "agreed").value
    assert changed == {"version": 1, "values": {"warning_days": 14, "monthly_budget": "7.50"}}
    assert ctl("settings", "get", "warning_days").out.strip() == "14"
    assert ctl("settings", "reset", "warning_days", "--json").value == {"version": 2, "values": {"warning_days": 30}}
    stale = ctl("settings", "set", "warning_days", "3", "--version", "1")
    assert stale.code == 1
    assert "changed the settings meanwhile" in stale.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("set", "warning_days", "91"), "Warn before must be a whole number from 1 to 90 days."),
        (("set", "warning_days", "٣"), "Warn before must be"),
        (("set", "auto_delete", "maybe"), "Delete expired audio must be on or off."),
        (("set", "warning_days", "3", "auto_delete"), "There is no value for auto_delete."),
        (("set", "nonsense", "3"), "There is no setting 'nonsense'"),
        (("get", "nonsense"), "There is no setting 'nonsense'"),
    ],
)
def test_a_house_setting_that_is_refused_changes_nothing(ctl: Ctl, arguments: tuple[str, ...], words: str) -> None:  # the fixture
    answer = ctl("settings", *arguments)
    assert (answer.code, answer.out) == (1, "")
    assert words in answer.err
    assert ctl("settings", "get", "--json").value["version"] == 0


def files_with(folder: Path, text: str) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


@pytest.mark.trace("A4")
def test_a_profile_is_added_shown_changed_and_removed_and_its_password_is_in_no_file(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text(PASSWORD, encoding="utf-8")
    home = tmp_path / "home"
    here = {"LECTERN_HOME": str(home), "LECTERN_PASSWORD_FILE": str(secret), "PYTHON_KEYRING_BACKEND": os.environ["PYTHON_KEYRING_BACKEND"]}

    def run(*arguments: str) -> object:
        answer = call("profiles", *arguments, "--json", variables=here)
        assert answer.code == 0, answer.err
        return answer.value

    run("add", "team", "--title", "Team", "--host", "db.example", "--database", "lectern", "--user", "ana", "--password", "--production")
    assert [row["name"] for row in run("list")] == ["", "team"]  # type: ignore[attr-defined]  # a list
    shown = run("show", "team")
    assert isinstance(shown, dict)
    assert (shown["kind"], shown["sslmode"], shown["production"]) == ("server", "verify-full", True)
    assert files_with(home, PASSWORD) == []
    dsn = call("--profile", "team", "settings", "get", "dsn", "--json", variables=here).value
    assert dsn["source"] == "profile"
    assert PASSWORD not in dsn["value"]
    changed = run("edit", "team", "--read-only", "--no-production")
    assert isinstance(changed, dict)
    assert (changed["read_only"], changed["production"]) == (True, False)
    run("remove", "team", "--erase")
    assert [row["name"] for row in run("list")] == [""]  # type: ignore[attr-defined]  # a list
    assert files_with(home, PASSWORD) == []


@pytest.mark.parametrize("name", ["../x", "A", "a b"])
def test_a_name_that_is_no_profile_is_wrong_usage(tmp_path: Path, name: str) -> None:
    for arguments in (("--profile", name, "profiles", "list"), ("profiles", "show", name)):
        answer = call(*arguments, variables={"LECTERN_HOME": str(tmp_path)})
        assert answer.code == 2
        assert "use up to 40 small letters" in answer.err


def test_trying_a_profile_that_leads_nowhere_fails_with_the_reason(tmp_path: Path) -> None:
    here = {"LECTERN_HOME": str(tmp_path)}
    made = call(
        "profiles", "add", "team", "--host", str(tmp_path), "--database", "x", "--user", "ana", "--sslmode", "prefer", variables=here
    )
    assert made.code == 0
    tried = call("profiles", "test", "team", "--json", variables=here)
    assert (tried.code, tried.value["ok"]) == (1, False)
    assert tried.value["findings"][0]["name"] == "reachable"


def test_a_profile_has_a_home_of_its_own(ctl: Ctl, clean: EmbeddedServer) -> None:  # the fixture
    value = ctl("--profile", "other", "settings", "get", "home", "--json").value
    assert value["value"] == str(clean.cluster.home / "profiles" / "other")
