"""Profiles: what they may hold, where their secret goes, and what becomes of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from backend_core.credentials.vault import Vault
from backend_core.db import embedded
from backend_core.errors import Conflict, InvalidInput, NotFound, SecretsLocked
from backend_core.profiles.records import COLOURS, ProfileFacts
from backend_core.profiles.service import Profiles, connection_string, profile_of
from backend_core.settings import load_settings
from tests.postgres import StartServer

CANARY = "hunter2-canary-secret"
TEAM = ProfileFacts(
    name="team", title="Team", colour="warn", kind="server", host="db.example", database="lectern", user="ana", production=True
)


@pytest.fixture
def profiles(tmp_path: Path) -> Profiles:
    return Profiles(tmp_path / "root", vault=lambda home: Vault(home, find=lambda: None, environ={}))


def holds(folder: Path, text: str) -> bool:
    return any(text.encode() in path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_a_fresh_installation_has_this_computer_and_nothing_else(profiles: Profiles) -> None:
    assert [(one.name, one.title, one.kind) for one in profiles.listing()] == [("", "This computer", "embedded")]


@pytest.mark.trace("A4")
def test_a_profile_is_kept_without_its_password_which_only_the_vault_has(profiles: Profiles, tmp_path: Path) -> None:
    profiles.add(TEAM, password=CANARY)
    assert profiles.listing()[1] == profiles.get("team") == TEAM
    assert profiles.password(TEAM) == CANARY
    assert not holds(tmp_path, CANARY)
    assert CANARY not in repr(profiles.get("team")) + str(TEAM.dsn)
    stored = json.loads((profiles.home("team") / "config" / "profile.json").read_text(encoding="utf-8"))
    assert set(stored) == {
        "title", "colour", "kind", "host", "port", "database", "user", "sslmode", "sslrootcert", "read_only", "production",
    }  # fmt: skip
    if sys.platform != "win32":
        assert (profiles.home("team") / "config" / "profile.json").stat().st_mode & 0o777 == 0o600


def test_profiles_are_listed_by_title_and_folders_without_a_description_too(profiles: Profiles) -> None:
    profiles.add(replace(TEAM, name="b", title="Zebra"))
    profiles.add(replace(TEAM, name="a", title="apple"))
    profiles.home("older").mkdir(parents=True)
    (profiles.home("a").parent / "Not A Name").mkdir()
    assert [one.title for one in profiles.listing()] == ["This computer", "apple", "older", "Zebra"]
    with pytest.raises(Conflict):
        profiles.add(replace(TEAM, name="a"))


@pytest.mark.parametrize("name", ["", "A", "../x", "a/b", "x" * 41, "a b", "-a", "a\n", "é"])
def test_a_name_that_is_no_folder_of_ours_is_refused(profiles: Profiles, name: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        profiles.add(replace(TEAM, name=name))
    assert not list(tmp_path.rglob("profile.json"))


BAD: dict[str, tuple[object, ...]] = {
    "title": ("", " ", "x" * 61, "a\nb", "a\x00", 3),
    "colour": ("", "red", "#ff0000", None),
    "kind": ("", "other", None),
    "host": ("", "a b", "db;x", "db\n", "db,other", "-db", "x" * 300, "a'b"),
    "port": (0, -1, 65_536, 10**30, "5432", True, 5432.0, float("nan"), "٥"),
    "database": ("", "x" * 64, "a\x00b", "a\nb"),
    "user": ("", "x" * 64, "a\x00b"),
    "sslmode": ("", "allow", "verify", "require", "prefer", "disable", "verify-ca"),
    "sslrootcert": ("roots.crt", "x" * 1001, "/a\nb"),
    "read_only": ("yes", 1, None),
    "production": ("no", 0, None),
}
GOOD: dict[str, tuple[object, ...]] = {
    "title": ("x", "x" * 60, "Équipe"),
    "colour": COLOURS,
    "host": ("db", "10.0.0.1", "fe80::1", "a.b-c.example"),
    "port": (1, 65_535),
    "database": ("x", "x" * 63, "it's"),
    "user": ("x", "x" * 63),
    "sslrootcert": ("", "system", "/etc/roots.crt"),
    "read_only": (True, False),
    "production": (True, False),
}


@pytest.mark.trace("A55")
@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in BAD.items() for value in values])
def test_a_value_outside_its_bounds_is_refused_and_changes_nothing(profiles: Profiles, field: str, value: object) -> None:
    profiles.add(TEAM)
    with pytest.raises(InvalidInput):
        profiles.edit("team", **{field: value})
    assert profiles.get("team") == TEAM


@pytest.mark.trace("A55")
@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in GOOD.items() for value in values])
def test_a_value_on_its_bound_is_kept(profiles: Profiles, field: str, value: object) -> None:
    profiles.add(TEAM)
    assert getattr(profiles.edit("team", **{field: value}), field) == value
    assert getattr(profiles.get("team"), field) == value


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "/run/postgresql"])
def test_on_this_computer_no_certificate_is_needed(profiles: Profiles, host: str) -> None:
    profiles.add(replace(TEAM, host=host, sslmode="prefer"))
    with pytest.raises(InvalidInput, match="verify-full"):
        profiles.edit("team", host="db.example")


@pytest.mark.trace("A4")
@pytest.mark.parametrize("change", [{"host": "evil.example"}, {"port": 5433}, {"user": "ben"}, {"database": "other"}])
def test_a_password_is_never_kept_for_another_server_than_it_was_given_for(profiles: Profiles, change: dict[str, object]) -> None:
    profiles.add(TEAM, password=CANARY)
    elsewhere = replace(TEAM, **change)  # type: ignore[arg-type]  # one of the values above
    assert profiles.password(elsewhere) is None
    profiles.edit("team", **change)
    assert profiles.password(profiles.get("team")) is None
    profiles.edit("team", password="new")
    assert profiles.password(profiles.get("team")) == "new"
    profiles.edit("team", title="Renamed")
    assert profiles.password(profiles.get("team")) == "new"
    profiles.edit("team", password=None)
    assert profiles.password(profiles.get("team")) is None


@pytest.mark.trace("A4")
def test_the_kept_password_joins_the_connection_and_nothing_that_is_shown(profiles: Profiles) -> None:
    profiles.add(TEAM, password=CANARY)
    home = profiles.home("team")
    vault = Vault(home, find=lambda: None, environ={})
    settings = load_settings(home=home)
    assert CANARY in str(connection_string(settings, vault))
    assert CANARY not in repr(settings) + str(settings.dsn) + repr(vault)
    # what the environment names is another server
    assert connection_string(load_settings(home=home, dsn="host=/run/other"), vault) == "host=/run/other"
    assert profile_of(home) == TEAM


@pytest.mark.parametrize("dsn", ["host=db.example", "postgresql://ana@db.example/x?sslmode=require", "host=127.0.0.1,db sslmode=prefer"])
def test_a_connection_that_leaves_this_computer_unprotected_is_refused_before_the_secret_is_looked_at(tmp_path: Path, dsn: str) -> None:
    def never() -> None:
        raise AssertionError

    with pytest.raises(InvalidInput, match="sslmode=verify-full"):
        connection_string(load_settings(home=tmp_path, dsn=dsn), Vault(tmp_path, find=never, environ={}))


def test_a_file_that_others_could_have_changed_leads_nowhere(profiles: Profiles) -> None:
    profiles.add(TEAM, password=CANARY)
    (profiles.home("team") / "config" / "profile.json").chmod(0o666)
    if sys.platform != "win32":
        assert profiles.get("team").title == "team (cannot be read)"
        assert profiles.password(TEAM) is None
        settings = load_settings(home=profiles.home("team"))
        assert CANARY not in str(connection_string(settings, Vault(profiles.home("team"), find=lambda: None, environ={})))


def test_a_removed_profile_is_gone_from_the_list_with_its_secrets_and_its_folder_only_on_demand(profiles: Profiles) -> None:
    profiles.add(TEAM, password=CANARY)
    profiles.remove("team")
    assert [one.name for one in profiles.listing()] == [""]
    assert profiles.home("team").is_dir()
    with pytest.raises(NotFound):
        profiles.get("team")
    profiles.add(TEAM)
    assert profiles.password(TEAM) is None
    profiles.remove("team", erase=True)
    assert not profiles.home("team").exists()
    with pytest.raises(NotFound):
        profiles.remove("team")
    with pytest.raises(InvalidInput):
        profiles.remove("", erase=True)


def test_a_profile_whose_window_is_open_is_not_removed(profiles: Profiles) -> None:
    profiles.add(TEAM)
    lock = profiles.home("team") / "config" / "desktop.lock"
    lock.write_text(f"{os.getpid()}\nlectern\nhost\n", encoding="utf-8")
    with pytest.raises(Conflict, match="The window of Team is open"):
        profiles.remove("team", erase=True)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    if sys.platform != "win32":
        lock.write_text(f"{ended.pid}\n", encoding="utf-8")
        profiles.remove("team", erase=True)
        assert not profiles.home("team").exists()


def test_a_profile_whose_database_runs_is_not_removed(profiles: Profiles, start_server: StartServer) -> None:
    profiles.add(ProfileFacts(name="own", title="Own"))
    home = profiles.home("own")
    start_server(home)
    with pytest.raises(Conflict, match="lecternctl --profile own down"):
        profiles.remove("own", erase=True)
    embedded.stop(home, force=True)
    profiles.remove("own", erase=True)
    assert not home.exists()


def test_secrets_that_cannot_be_opened_keep_a_profile_from_being_removed_half(tmp_path: Path) -> None:
    locked = Profiles(tmp_path, vault=lambda home: Vault(home, find=lambda: None, environ={"LECTERN_PASSPHRASE": "x"}))
    locked.add(TEAM, password=CANARY)
    shut = Profiles(tmp_path, vault=lambda home: Vault(home, find=lambda: None, environ={}))
    with pytest.raises(SecretsLocked):
        shut.edit("team", password="other")
    assert shut.get("team") == TEAM


def test_each_profile_names_the_command_of_its_window(profiles: Profiles) -> None:
    profiles.add(TEAM)
    assert profiles.command("team")[-2:] == ["--profile", "team"]
    assert "--profile" not in profiles.command("")
    with pytest.raises(NotFound):
        profiles.command("none")
