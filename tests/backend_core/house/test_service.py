"""House settings: one version wins, every change leaves who, when, old and new, and nobody else may change them."""

from __future__ import annotations

import datetime as dt
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest
import sqlalchemy as sa

from backend_core.audit.tables import audit_event
from backend_core.backend import Backend, open_backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.errors import InvalidInput, LecternError, NotAllowed, StaleVersion
from backend_core.house.service import FRESH_S, House
from backend_core.house.tables import house_settings
from backend_core.policy import AUDITOR, SUPPORT, Actor
from backend_core.settings import Settings


def changes_recorded(backend: Backend) -> list[tuple[object, ...]]:
    columns = (audit_event.c.actor, audit_event.c.before, audit_event.c.after, audit_event.c.reason, audit_event.c.at)
    with backend.database.begin("Read") as conn:
        rows = conn.execute(sa.select(*columns).where(audit_event.c.action == "settings.update").order_by(audit_event.c.id))
        return [tuple(row) for row in rows]


def test_a_fresh_database_has_the_delivered_settings(backend: Backend, actor: Actor) -> None:
    state = backend.house.read(actor)
    assert (state.version, state.changed_at, state.changed_by) == (0, None, None)
    assert state.values == backend.house.current()
    assert all(state.value(field.name) == field.default for field in backend.house.fields)


@pytest.mark.trace("A79")
def test_a_change_is_recorded_with_actor_time_old_and_new_of_what_changed_only(backend: Backend, actor: Actor) -> None:
    first = backend.house.update({"retention_months": 12, "monthly_budget": "7.50"}, version=0, actor=actor)
    careful = replace(actor, reason="too many mails")
    second = backend.house.update({"retention_months": 24, "warning_days": 30}, version=first.version, actor=careful)
    assert (second.version, second.changed_by, second.values.retention_months) == (2, actor.name, 24)
    assert second.changed_at is not None
    one, two = changes_recorded(backend)
    assert one[:4] == (
        actor.name,
        {"retention_months": 6, "monthly_budget": "20.00"},
        {"retention_months": 12, "monthly_budget": "7.50"},
        None,
    )
    assert two[:4] == (actor.name, {"retention_months": 12}, {"retention_months": 24}, "too many mails")
    assert two[4] is not None


@pytest.mark.trace("A79")
def test_a_recorded_change_cannot_be_edited(backend: Backend, actor: Actor, clean: EmbeddedServer) -> None:
    backend.house.update({"retention_months": 12}, version=0, actor=actor)
    for statement in ("UPDATE audit_event SET actor = 'x'", "DELETE FROM audit_event"):
        with pytest.raises(NotAllowed), backend.database.begin("Tamper") as conn:
            conn.exec_driver_sql(statement)
    assert len(changes_recorded(backend)) == 1


def test_setting_what_holds_already_changes_and_records_nothing(backend: Backend, actor: Actor) -> None:
    first = backend.house.update({"retention_months": 12}, version=0, actor=actor)
    assert backend.house.update({"retention_months": 12}, version=first.version, actor=actor) == first
    assert len(changes_recorded(backend)) == 1


def test_a_setting_goes_back_to_what_is_delivered(backend: Backend, actor: Actor) -> None:
    first = backend.house.update({"retention_months": 12}, version=0, actor=actor)
    again = backend.house.update({"retention_months": None}, version=first.version, actor=actor)
    assert again.values.retention_months == 6
    assert changes_recorded(backend)[-1][1:3] == ({"retention_months": 12}, {"retention_months": 6})


@pytest.mark.trace("A15")
@pytest.mark.parametrize("version", [0, 1])
def test_of_twenty_writers_of_one_version_exactly_one_wins(backend: Backend, actor: Actor, version: int) -> None:
    if version:
        backend.house.update({"warning_days": 5}, version=0, actor=actor)
    start = threading.Barrier(20)

    def write(number: int) -> int | None:
        start.wait()
        try:
            return backend.house.update({"retention_months": number + 10}, version=version, actor=actor).values.retention_months
        except StaleVersion:
            return None

    with ThreadPoolExecutor(20) as pool:
        answers = [answer for answer in pool.map(write, range(20)) if answer is not None]
    state = backend.house.read(actor)
    assert answers == [state.values.retention_months]
    assert state.version == version + 1
    assert len(changes_recorded(backend)) == version + 1


def test_who_comes_second_is_told_who_was_first(backend: Backend, actor: Actor) -> None:
    backend.house.update({"retention_months": 12}, version=0, actor=actor)
    with pytest.raises(StaleVersion, match=f"{actor.name} changed the settings meanwhile"):
        backend.house.update({"retention_months": 24}, version=0, actor=actor)


@pytest.mark.parametrize("role", [SUPPORT, AUDITOR])
def test_only_administrators_change_them_and_everybody_reads_them(backend: Backend, actor: Actor, role: str) -> None:
    other = replace(actor, role=role)
    assert backend.house.read(other).version == 0
    with pytest.raises(NotAllowed):
        backend.house.update({"retention_months": 12}, version=0, actor=other)
    assert backend.house.read(actor).version == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"retention_months": 121}, "Keep audio must be a whole number from 1 to 120 months"),
        ({"retention_months": "12"}, "Keep audio"),
        ({"nonsense": 1}, "There is no house setting 'nonsense'"),
        ({"warning_days": 1, "admin_email": "a@b\nBcc: x@y"}, "Administrator's e-mail must be an e-mail address"),
    ],
)
def test_one_bad_value_refuses_the_whole_change_and_names_the_setting(
    backend: Backend, actor: Actor, changes: dict[str, int | str], words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        backend.house.update(changes, version=0, actor=actor)
    assert backend.house.read(actor).version == 0
    assert changes_recorded(backend) == []


def test_what_a_newer_version_stored_survives_and_what_is_unusable_does_no_harm(backend: Backend, actor: Actor) -> None:
    with backend.database.begin("Of a newer version") as conn:
        stored = {"of_tomorrow": {"a": [1]}, "retention_months": 9000}
        conn.execute(sa.insert(house_settings).values(id=1, values=stored, version=7, changed_by="Mara"))
    state = backend.house.read(actor)
    assert (state.values.retention_months, state.unusable) == (6, ("retention_months",))
    backend.house.update({"warning_days": 5}, version=7, actor=actor)
    with backend.database.begin("Look") as conn:
        kept = conn.execute(sa.select(house_settings.c["values"])).scalar_one()
    assert kept == stored | {"warning_days": 5}


def test_the_table_itself_holds_one_row_and_lectern_app_cannot_remove_it(backend: Backend, actor: Actor, clean: EmbeddedServer) -> None:
    backend.house.update({"retention_months": 12}, version=0, actor=actor)
    with pytest.raises(NotAllowed), backend.database.begin("Remove") as conn:
        conn.execute(sa.delete(house_settings))
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        with pytest.raises(psycopg.errors.CheckViolation):
            conn.execute("INSERT INTO house_settings (id, version, changed_by) VALUES (2, 1, 'x')")
        with pytest.raises(psycopg.errors.CheckViolation):
            conn.execute("UPDATE house_settings SET values = '[]'")


def test_a_change_elsewhere_holds_here_within_five_seconds(backend: Backend, actor: Actor, settings: Settings) -> None:
    now = [0.0]
    with open_backend(settings) as other:
        watching = House(other.database, other.audit, clock=lambda: now[0])
        assert watching.current().idle_lock_minutes == 10
        backend.house.update({"idle_lock_minutes": 3}, version=0, actor=actor)
        now[0] = FRESH_S - 0.1
        assert watching.current().idle_lock_minutes == 10
        now[0] = FRESH_S
        assert watching.current().idle_lock_minutes == 3
        fresh = House(other.database, other.audit)
    # closed: nothing answers any more, and a lock that forgot its time would never lock
    now[0] = 60
    assert watching.current().idle_lock_minutes == 3
    with pytest.raises(LecternError):
        fresh.current()


def test_a_change_and_its_record_are_one(backend: Backend, actor: Actor, clean: EmbeddedServer) -> None:
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute("REVOKE INSERT ON audit_event FROM lectern_app")
        try:
            with pytest.raises(NotAllowed):
                backend.house.update({"retention_months": 12}, version=0, actor=actor)
        finally:
            conn.execute("GRANT INSERT ON audit_event TO lectern_app")
    assert backend.house.read(actor).version == 0


def test_a_session_lasts_as_long_as_the_house_says(backend: Backend, actor: Actor) -> None:
    careful = replace(actor, reason="new here")
    backend.access.add("Ana", role=SUPPORT, actor=careful, password="a long enough passphrase")
    for version, hours in enumerate((1, 24)):
        backend.house.update({"session_hours": hours}, version=version, actor=actor)
        left = backend.access.sign_in("Ana", "a long enough passphrase").expires_at - dt.datetime.now(dt.UTC)
        assert dt.timedelta(hours=hours, minutes=-5) < left <= dt.timedelta(hours=hours)
