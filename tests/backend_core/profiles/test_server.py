"""Profiles on a real server: what trying one says, and what read-only and production mean once it is open."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from backend_core.backend import Backend, migrate_safely, open_backend, owner_dsn
from backend_core.credentials.vault import Vault
from backend_core.db import migrate
from backend_core.db.cluster import free_port
from backend_core.db.embedded import EmbeddedServer
from backend_core.errors import DatabaseAway, NotAllowed, ReasonNeeded
from backend_core.profiles.records import ProfileFacts
from backend_core.profiles.service import Profiles
from backend_core.settings import load_settings
from tests.backend_core.access.conftest import Team, staffed, team  # noqa: F401  # fixtures


def vault_of(home: Path) -> Vault:
    return Vault(home, find=lambda: None, environ={})


@pytest.fixture
def profiles(tmp_path: Path) -> Profiles:
    return Profiles(tmp_path / "root", vault=vault_of)


@pytest.fixture
def facts(staffed: Team) -> ProfileFacts:  # noqa: F811  # the fixture
    given = conninfo_to_dict(staffed.server.admin_dsn)
    return ProfileFacts(
        name="team", title="Team", kind="server", host=str(given["host"]), port=int(given["port"]), database=str(given["dbname"]),
        user="adm", sslmode="prefer", sslrootcert="",
    )  # fmt: skip


@pytest.fixture
def kept(profiles: Profiles, facts: ProfileFacts) -> ProfileFacts:
    return profiles.add(facts, password="pass-adm")


@contextlib.contextmanager
def opened(profiles: Profiles) -> Iterator[Backend]:
    home = profiles.home("team")
    settings = load_settings(home=home, objects=home.parent / "objects", pool_size=1, max_overflow=4)
    with open_backend(settings, application="desktop", credentials=vault_of(home)) as backend:
        yield backend


def sentences(profiles: Profiles, facts: ProfileFacts, *, password: str | None = None) -> dict[str, tuple[str, str]]:
    found = profiles.test(facts, password=password).findings
    return {finding.name: (finding.status, finding.sentence) for finding in found}


def test_a_server_that_is_ready_gets_a_good_word_for_everything(profiles: Profiles, kept: ProfileFacts) -> None:
    found = sentences(profiles, kept)
    assert profiles.test(kept).ok
    assert set(found) == {"reachable", "protected", "version", "role", "schema", "latency"}
    assert found["role"] == ("ok", "The login works as administrator.")
    assert found["schema"] == ("ok", "The database is of this version.")
    assert found["version"][1].startswith("PostgreSQL ")


@pytest.mark.parametrize(
    ("login", "words"),
    [
        ("ana", "works as support"),
        ("aud", "works as auditor"),
        ("wrk", "for background work, not for a person"),
    ],
)
def test_what_a_login_is_here_is_said(profiles: Profiles, facts: ProfileFacts, login: str, words: str) -> None:
    assert words in sentences(profiles, replace(facts, user=login), password=f"pass-{login}")["role"][1]


def test_a_login_without_a_role_is_told_so(profiles: Profiles, facts: ProfileFacts, clean: EmbeddedServer) -> None:
    with psycopg.connect(clean.admin_dsn, autocommit=True) as admin:
        admin.execute("CREATE ROLE out LOGIN PASSWORD 'pass-out'")
        admin.execute("GRANT CONNECT ON DATABASE lectern TO out")
        try:
            found = sentences(profiles, replace(facts, user="out"), password="pass-out")
        finally:
            admin.execute("REVOKE CONNECT ON DATABASE lectern FROM out")
            admin.execute("DROP ROLE out")
    assert found["role"] == ("bad", "The login has no role of Lectern; an administrator of the server grants one.")
    assert "schema" not in found


def test_each_thing_that_is_wrong_has_its_own_words(profiles: Profiles, facts: ProfileFacts) -> None:
    wrong = {
        "The login or its password is wrong.": (facts, "hunter2"),
        "The server has no such database or login.": (replace(facts, database="none"), "pass-adm"),
        "Nothing answers at this address and port.": (replace(facts, host="127.0.0.1", port=free_port()), "x"),
        "There is no computer of this name.": (replace(facts, host="nowhere.invalid", sslmode="verify-full"), "x"),
    }
    for words, (tried, password) in wrong.items():
        assert sentences(profiles, tried, password=password) == {"reachable": ("bad", words)}


def test_the_state_of_the_tables_is_said(profiles: Profiles, kept: ProfileFacts, clean: EmbeddedServer) -> None:
    with psycopg.connect(clean.admin_dsn, autocommit=True) as admin:
        try:
            for revision, words in (("0001", "older version"), ("9999", "newer version")):
                admin.execute("UPDATE alembic_version SET version_num = %s", (revision,))
                assert words in sentences(profiles, kept)["schema"][1]
        finally:
            admin.execute("UPDATE alembic_version SET version_num = %s", (migrate.head(),))


@pytest.mark.trace("A4")
def test_a_profile_opens_with_the_password_of_the_vault_and_never_shows_it(profiles: Profiles, kept: ProfileFacts) -> None:
    with opened(profiles) as backend:
        assert backend.actor().name == "adm"
        assert backend.profile.name == "Team"
        assert "pass-adm" not in backend.dsn + repr(backend.settings) + repr(backend.profile) + repr(vars(backend.access))
        assert "pass-adm" in backend.connection_string()
    profiles.edit("team", password=None)
    with pytest.raises(DatabaseAway, match="asks for a password, and none is kept here"), opened(profiles):
        pass


def test_a_read_only_profile_reads_and_changes_nothing(profiles: Profiles, kept: ProfileFacts, tmp_path: Path) -> None:
    profiles.edit("team", read_only=True)
    path = tmp_path / "page.txt"
    path.write_text("A page.", encoding="utf-8")
    with opened(profiles) as backend:
        actor = backend.actor()
        assert backend.profile.read_only
        assert not backend.profile.newer_schema
        assert backend.documents.listing(actor=actor).total == 0
        with pytest.raises(NotAllowed, match="reading only"):
            backend.documents.import_file(path, actor=actor)
        with pytest.raises(NotAllowed, match="reading only"):
            backend.house.update({"warning_days": 3}, version=0, actor=actor)
        assert not backend.worker.ensure()


def test_a_production_profile_asks_a_reason_for_every_change_and_none_for_reading(profiles: Profiles, kept: ProfileFacts) -> None:
    profiles.edit("team", production=True, colour="bad")
    with opened(profiles) as backend:
        actor = backend.actor()
        assert (backend.profile.production, backend.profile.colour) == (True, "bad")
        assert backend.house.read(actor).version == 0
        with pytest.raises(ReasonNeeded):
            backend.house.update({"warning_days": 3}, version=0, actor=actor)
        assert backend.house.update({"warning_days": 3}, version=0, actor=replace(actor, reason="agreed on Monday")).version == 1


def test_an_older_schema_is_left_to_its_owner_and_a_read_only_profile_migrates_nothing(
    profiles: Profiles, kept: ProfileFacts, clean: EmbeddedServer
) -> None:
    home = profiles.home("team")
    with psycopg.connect(clean.admin_dsn, autocommit=True) as admin:
        admin.execute("UPDATE alembic_version SET version_num = '0001'")
        try:
            with pytest.raises(NotAllowed, match="lecternctl migrate"), opened(profiles):
                pass
            profiles.edit("team", read_only=True)
            with pytest.raises(NotAllowed, match="read-only"):
                migrate_safely(load_settings(home=home), vault_of(home))
            assert admin.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
        finally:
            admin.execute("UPDATE alembic_version SET version_num = %s", (migrate.head(),))


def test_a_newer_schema_is_only_read(profiles: Profiles, kept: ProfileFacts, clean: EmbeddedServer) -> None:
    with psycopg.connect(clean.admin_dsn, autocommit=True) as admin:
        admin.execute("UPDATE alembic_version SET version_num = '9999'")
        try:
            with opened(profiles) as backend:
                assert (backend.profile.read_only, backend.profile.newer_schema) == (True, True)
                assert backend.documents.listing(actor=backend.actor()).total == 0
        finally:
            admin.execute("UPDATE alembic_version SET version_num = %s", (migrate.head(),))


def test_the_owner_is_reached_with_the_kept_password_too(profiles: Profiles, kept: ProfileFacts, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "pass-adm" in owner_dsn(load_settings(home=profiles.home("team")))
