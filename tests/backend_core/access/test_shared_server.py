"""People of a team on one server: each does what their login permits, as the server says, and no more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from backend_core.access.logins import ServerAdministratorNeeded
from backend_core.backend import Backend, open_backend
from backend_core.errors import Conflict, DatabaseAway, InvalidInput, NotAllowed, SignInFailed, SignInNeeded, Unavailable
from backend_core.policy import ADMIN, AUDITOR, SUPPORT, SYSTEM, Actor
from backend_core.worker import run_once
from tests.backend_core.access.conftest import GOOD, OTHER, Team, recorded, trusted
from tests.command import Answer, call


@pytest.mark.trace("A84")
def test_people_of_a_team_do_their_work_and_no_more(
    signed_in: Callable[[str], tuple[Backend, Actor]], staffed: Team, tmp_path: Path
) -> None:
    (backend, ana), (others, ben), (watching, aud), (keeping, adm) = (signed_in(login) for login in ("ana", "ben", "aud", "adm"))
    assert [actor.role for actor in (ana, ben, aud, adm)] == [SUPPORT, SUPPORT, AUDITOR, ADMIN]
    path = tmp_path / "Sample.txt"
    path.write_text("One short page to speak.\fAnd another one.", encoding="utf-8")
    document = backend.documents.import_file(path, actor=ana).document
    work(staffed)
    backend.audios.generate(document.id, actor=ana, voice="local:en-gb")
    work(staffed)
    audio = backend.audios.listing(document.id, actor=ana)
    assert [row.status for row in audio] == ["COMPLETED", "COMPLETED"]
    for somebody, actor in ((backend, ana), (watching, aud), (keeping, adm)):
        assert somebody.documents.listing(actor=actor).rows[0].owner == "Ana"
        assert somebody.documents.page(document.id, 1, actor=actor).text
        assert somebody.audios.play(audio[0].id, actor=actor).marks
        assert somebody.jobs.listing(actor=actor)
        assert somebody.monitoring.health(actor=actor).checks
        assert somebody.access.sessions(actor=actor)
    renamed = backend.documents.rename(document.id, "Mine", actor=ana, version=backend.documents.get(document.id, actor=ana).version)
    for somebody, actor in ((others, ben), (watching, aud)):
        with pytest.raises(NotAllowed):
            somebody.documents.rename(document.id, "Not mine", actor=actor, version=renamed.version)
    keeping.documents.rename(document.id, "Tidied", actor=adm, version=renamed.version)
    backend.audios.delete(audio[0].id, actor=ana)
    backend.audios.restore(audio[0].id, actor=ana)
    backend.documents.delete(document.id, actor=ana, typed_title="Tidied")
    backend.documents.restore(document.id, actor=ana)
    assert keeping.access.hand_over(ana.operator_id or 0, ben.operator_id or 0, actor=adm) == 1
    others.documents.rename(document.id, "Mine now", actor=ben, version=others.documents.get(document.id, actor=ben).version)
    assert watching.audit.latest(actor=aud)[0].action == "document.rename"
    assert {row.name for row in watching.access.review(actor=aud)} == {"adm", "Ana", "Ben", "Aud"}
    assert all(operator.last_sign_in for operator in watching.access.listing(actor=aud))
    with pytest.raises(NotAllowed):
        backend.audit.latest(actor=ana)


def work(team: Team) -> None:
    """Let a worker of the team do what waits."""
    with team.open("wrk", application="worker") as backend:
        while backend.jobs.open_count():
            run_once(backend, team.settings("wrk"))


@pytest.mark.trace("A84")
def test_where_the_service_errs_the_database_still_refuses(signed_in: Callable[[str], tuple[Backend, Actor]], tmp_path: Path) -> None:
    """The control of the two walls: the same verbs with a role that only the program believes in."""
    backend, aud = signed_in("aud")
    path = tmp_path / "Sample.txt"
    path.write_text("One short page to speak.", encoding="utf-8")
    for role in (SUPPORT, ADMIN, SYSTEM):
        forged = Actor(
            operator_id=aud.operator_id, name=aud.name, role=role, workstation=aud.workstation, reason="x", proven_until=aud.proven_until
        )
        with pytest.raises(NotAllowed, match="database does not permit"):
            backend.documents.import_file(path, actor=forged)
        if role != SUPPORT:
            with pytest.raises(NotAllowed, match="database does not permit"):
                backend.access.add("Mallory", role="admin", actor=forged)
            with pytest.raises(NotAllowed, match="database does not permit"):
                backend.access.set_role(aud.operator_id or 0, "admin", actor=forged)


def test_a_login_without_an_operator_or_a_group_is_refused(staffed: Team) -> None:
    staffed.admin("CREATE ROLE eve LOGIN PASSWORD 'pass-eve'; GRANT CONNECT ON DATABASE lectern TO eve")
    try:
        with pytest.raises(NotAllowed, match="none of Lectern's roles"), staffed.open("eve"):
            pass
        staffed.admin("GRANT lectern_support TO eve")
        with staffed.open("eve") as backend, pytest.raises(NotAllowed, match="not an operator"):
            backend.access.sign_in_here()
        staffed.admin("GRANT lectern_administrator TO eve")
        with pytest.raises(NotAllowed, match="must be one of them"), staffed.open("eve"):
            pass
    finally:
        staffed.admin("DROP OWNED BY eve; DROP ROLE eve")
    with staffed.open("wrk", application="desktop") as backend, pytest.raises(NotAllowed, match="no operator's login"):
        backend.access.sign_in_here()
    with pytest.raises(NotAllowed, match="background work"), staffed.open("ana", application="worker"):
        pass


def test_a_window_that_may_run_no_worker_starts_none_and_says_so(staffed: Team) -> None:
    with staffed.open("ana") as backend:
        assert not backend.worker.ensure()
        with pytest.raises(Unavailable, match="whoever runs it"):
            backend.worker.wait_alive(timeout_s=0.01)


def test_the_password_of_the_login_proves_who_somebody_is(staffed: Team) -> None:
    with staffed.open("ana") as backend:
        actor = backend.access.sign_in_here()
        assert backend.access.needs_password(actor)
        with pytest.raises(SignInFailed):
            backend.access.prove(actor, "not the password")
        assert backend.access.prove(actor, "pass-ana").proven_until is not None
        with pytest.raises(InvalidInput, match="login of the server"):
            backend.access.sign_in("Ana", "pass-ana")
        backend.access.change_password("pass-ana", GOOD, actor=actor)
    with pytest.raises(DatabaseAway), staffed.open("ana"):
        pass


def test_a_session_is_kept_for_a_login_and_ends_when_it_is_revoked(staffed: Team) -> None:
    with staffed.open("ana") as backend, staffed.open("adm") as keeping:
        adm = trusted(keeping.access.sign_in_here())
        first, second = backend.access.sign_in_here(), backend.access.sign_in_here()
        assert first.session == second.session
        assert [row.actor for row in recorded(keeping, "operator.sign_in")].count("Ana") == 1
        keeping.access.revoke_session(first.session or "", actor=adm)
        with pytest.raises(SignInNeeded):
            backend.access.check(first)
        assert backend.access.sign_in_here().session != first.session


def test_without_the_right_to_make_logins_the_statements_are_named(staffed: Team) -> None:
    with staffed.open("adm") as backend:
        adm = trusted(backend.access.sign_in_here())
        with pytest.raises(ServerAdministratorNeeded, match='CREATE ROLE "zoe" LOGIN') as needed:
            backend.access.add("Zoe", role="auditor", actor=adm, db_login="zoe")
        assert "Zoe" not in {operator.name for operator in backend.access.listing(actor=adm)}
        ana = next(operator for operator in backend.access.listing(actor=adm) if operator.name == "Ana")
        with pytest.raises(ServerAdministratorNeeded, match="NOLOGIN"):
            backend.access.disable(ana.id, actor=adm)
        # what the program can do is done all the same
        with staffed.open("ana") as other, pytest.raises(NotAllowed):
            other.access.sign_in_here()
        for statement in needed.value.statements:
            staffed.admin(statement)
        try:
            assert backend.access.add("Zoe", role="auditor", actor=adm, db_login="zoe").role == AUDITOR
        finally:
            staffed.admin("DROP ROLE zoe")


def test_with_the_right_to_make_logins_an_administrator_keeps_them_from_here(staffed: Team) -> None:
    staffed.admin("ALTER ROLE adm CREATEROLE")
    staffed.admin("GRANT lectern_support, lectern_auditor, lectern_administrator TO adm WITH ADMIN TRUE, INHERIT FALSE, SET FALSE")
    staffed.admin("GRANT lectern_administrator TO adm WITH INHERIT TRUE, SET TRUE")
    try:
        with staffed.open("adm") as backend:
            adm = trusted(backend.access.sign_in_here())
            zoe = backend.access.add("Zoe", role="support", actor=adm, db_login="zoe", password="pass-zoe and more")
            dsn = psycopg.conninfo.make_conninfo(staffed.dsn("zoe"), password="pass-zoe and more")
            settings = staffed.settings("zoe").model_copy(update={"dsn": dsn})
            with open_backend(settings, application="desktop") as other:
                actor = other.access.sign_in_here()
                assert actor.role == SUPPORT
                assert backend.access.set_role(zoe.id, AUDITOR, actor=adm).role == AUDITOR
                with pytest.raises(SignInNeeded):
                    other.access.check(actor)
            with open_backend(settings, application="desktop") as other:
                assert other.access.sign_in_here().role == AUDITOR
            backend.access.disable(zoe.id, actor=adm)
            with pytest.raises(DatabaseAway), open_backend(settings):
                pass
            assert backend.access.set_role(zoe.id, SUPPORT, actor=adm).disabled
            backend.access.enable(zoe.id, actor=adm)
            with open_backend(settings) as other:
                other.access.sign_in_here()
            with pytest.raises(Conflict, match="remain an administrator"):
                backend.access.disable(adm.operator_id or 0, actor=adm)
    finally:
        staffed.admin("DROP OWNED BY zoe; DROP ROLE zoe")


def test_the_list_shows_the_role_the_server_gives(staffed: Team) -> None:
    staffed.admin("REVOKE lectern_support FROM ana")
    staffed.admin("GRANT lectern_auditor TO ana")
    staffed.admin("ALTER ROLE ben NOLOGIN")
    with staffed.open("adm") as backend:
        adm = trusted(backend.access.sign_in_here())
        found = {operator.name: operator for operator in backend.access.listing(actor=adm)}
        assert found["Ana"].role == AUDITOR
        assert found["Ben"].disabled
        assert backend.access.actor(found["Ana"].id, workstation="x").role == AUDITOR
        with pytest.raises(NotAllowed):
            backend.access.actor(found["Ben"].id, workstation="x")


def test_whoever_owns_the_database_makes_a_lost_administrator_anew(staffed: Team) -> None:
    staffed.admin("CREATE ROLE own LOGIN PASSWORD 'pass-own' IN ROLE lectern_owner; GRANT CONNECT ON DATABASE lectern TO own")
    staffed.admin("UPDATE operators SET disabled_at = now(), role = 'support' WHERE db_login = 'adm'")
    try:
        with staffed.open("own") as backend:
            with pytest.raises(NotAllowed, match="no operator's login"):
                backend.access.sign_in_here()
            recovered = backend.access.recover("adm", staffed.dsn("own"), reason="the only administrator left")
            assert (recovered.role, recovered.disabled, recovered.db_login) == (ADMIN, False, "adm")
            # a login that is no administrator's has to be moved first, by whoever may
            with pytest.raises(ServerAdministratorNeeded, match="GRANT lectern_administrator"):
                backend.access.recover("Ana", staffed.dsn("own"))
        with staffed.open("adm") as backend:
            assert backend.access.sign_in_here().role == ADMIN
    finally:
        staffed.admin("DROP OWNED BY own; DROP ROLE own")


def test_the_first_administrator_of_a_server_keeps_what_was_theirs_before_logins_counted(team: Team) -> None:
    team.admin("INSERT INTO operators (name, os_user, role) VALUES ('ADM', 'somebody', 'support'), ('Old', 'other', 'admin')")
    with team.open("ana") as backend, pytest.raises(NotAllowed):
        backend.access.sign_in_here()
    with team.open("adm") as backend:
        actor = trusted(backend.access.sign_in_here())
        assert (actor.name, actor.role) == ("ADM", ADMIN)
        assert len(backend.access.listing(actor=actor)) == 2


def test_a_profile_for_reading_only_lets_people_in_and_writes_nothing(staffed: Team) -> None:
    with staffed.open("ana") as backend:
        backend.access.sign_in_here()
    staffed.admin("ALTER ROLE ana SET default_transaction_read_only = on")
    before = staffed.admin("SELECT count(*) FROM auth_session")
    with staffed.open("ana") as backend:
        actor = backend.access.sign_in_here()
        assert actor.session is None
        assert backend.documents.listing(actor=actor).total == 0
    assert staffed.admin("SELECT count(*) FROM auth_session") == before


def test_guesses_at_the_password_of_a_login_are_throttled(staffed: Team) -> None:
    with staffed.open("ana") as backend:
        actor = backend.access.sign_in_here()
        for _ in range(6):
            with pytest.raises(SignInFailed, match="wrong"):
                backend.access.prove(actor, OTHER)
        with pytest.raises(SignInFailed, match="Too many"):
            backend.access.prove(actor, "pass-ana")


def test_the_command_line_acts_as_the_login_of_the_server(staffed: Team) -> None:
    def run(login: str, *arguments: str) -> Answer:
        settings = staffed.settings(login)
        places = {"LECTERN_HOME": str(settings.home), "LECTERN_OBJECTS": str(settings.objects), "LECTERN_DSN": settings.dsn or ""}
        return call(*arguments, variables=places)

    signed = run("ana", "sign-in", "--json")
    assert (signed.code, signed.value) == (0, {"name": "Ana", "role": "support"}), signed.err
    refused = run("ana", "operators", "list")
    assert (refused.code, refused.out) == (1, "")
    assert "role" in refused.err
    other = run("ana", "documents", "--as", "Adm")
    assert other.code == 1
    assert "you are Ana" in other.err
    assert [row["name"] for row in run("aud", "operators", "list", "--json").value] == ["adm", "Ana", "Aud", "Ben"]
    assert run("wrk", "jobs", "run-worker", "--once", "--json").value["open_jobs"] == 0
    assert run("wrk", "documents").code == 1
