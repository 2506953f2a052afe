"""On a shared server the database itself refuses what a role may not do: every role, every table, every privilege, by raw SQL."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg
import psycopg.errors
import pytest
from psycopg import sql

from backend_core.audit.tables import audit_event
from backend_core.backend import Backend
from backend_core.conversations.records import IncomingMessage
from backend_core.db.roles import GROUPS
from backend_core.policy import ADMIN, ALLOWED, AUDITOR, SUPPORT, Actor
from tests.backend_core.access.conftest import Team, trusted

PEOPLE = {"ana": SUPPORT, "adm": ADMIN, "aud": AUDITOR}
EVERYBODY = "everybody"
"""Stands for what belongs to signing in, recording and being recorded, which is no action of its own."""


@dataclass(frozen=True)
class Rights:
    """Which actions of the policy justify a privilege on a table; nobody has one that no action justifies.

    Attributes:
        columns: the only columns that may be changed; all when empty.
        hidden: columns nobody of a role may read, by role.
    """

    select: tuple[str, ...] = ()
    insert: tuple[str, ...] = ()
    update: tuple[str, ...] = ()
    delete: tuple[str, ...] = ()
    columns: dict[str, tuple[str, ...]] | None = None
    hidden: dict[str, tuple[str, ...]] | None = None


READ = ("document.list",)
WORK = ("document.import",)
EVENT = tuple(column.name for column in audit_event.c if column.name != "id")
DOCUMENT = ("title", "status", "error", "error_code", "correlation_id", "version", "updated_at", "deleted_at", "on_behalf_of")
CONTACT = ("phone", "display_name", "email", "language", "version")
# What a contact said: the policy of its table opens one container in one transaction, and none to whoever has not entered its scope.
SAID = Rights(
    select=("conversation.read",), insert=("message.receive", "memory.add"), update=("memory.edit",), delete=("memory.forget",),
)  # fmt: skip
RIGHTS = {
    "alembic_version": Rights(select=(EVERYBODY,)),
    "operators": Rights(
        select=(EVERYBODY,), insert=("operator.add",), update=("operator.edit",), hidden={SUPPORT: ("email",)},
        columns={ADMIN: ("name", "os_user", "role", "disabled_at", "email", "db_login", "version")},
    ),
    "operator_password": Rights(),
    "auth_session": Rights(
        select=(EVERYBODY,), insert=(EVERYBODY,), update=(EVERYBODY,), hidden=dict.fromkeys((SUPPORT, ADMIN, AUDITOR), ("token",)),
        columns=dict.fromkeys((SUPPORT, ADMIN, AUDITOR), ("last_seen_at", "revoked_at")),
    ),
    "sign_in_failure": Rights(select=(EVERYBODY,), insert=(EVERYBODY,), update=(EVERYBODY,)),
    "audit_event": Rights(select=(EVERYBODY,), insert=(EVERYBODY,), hidden={SUPPORT: EVENT}),
    "documents": Rights(
        select=READ, insert=WORK, update=("document.rename",),
        columns={
            SUPPORT: DOCUMENT,
            ADMIN: (*DOCUMENT, "owner_id"),
        },
    ),
    "document_pages": Rights(
        select=READ, insert=("operator.add",), update=("audio.generate",), delete=("document.retry",),
        columns=dict.fromkeys((SUPPORT, ADMIN), ("revision",)),
    ),
    "audios": Rights(
        select=READ, insert=("audio.generate",), update=("audio.play",),
        columns={
            AUDITOR: ("last_played_at",),
            **dict.fromkeys(
                (SUPPORT, ADMIN),
                (
                    "document_id", "voice", "rate", "pitch", "created_by", "status", "lifetime", "correlation_id", "error", "error_code",
                    "created_at", "job_id", "last_played_at", "deleted_at",
                ),
            ),
        },
    ),
    "objects": Rights(select=READ, insert=WORK, update=WORK, columns=dict.fromkeys((SUPPORT, ADMIN), ("refs", "released_at"))),
    "object_intents": Rights(select=WORK, insert=WORK, delete=WORK),
    "job_run": Rights(select=("job.list",), insert=WORK, update=("job.cancel",), columns=dict.fromkeys((SUPPORT, ADMIN), ("finished_at",))),
    "job_failure": Rights(select=("job.list",), hidden={SUPPORT: ("detail",)}),
    "process_report": Rights(),
    **{f"audit_{name}": Rights(select=("audit.list",)) for name in ("position", "seal", "key", "generation")},
    "audit_verification": Rights(select=("audit.list",), insert=("audit.verify",)),
    "audit_tombstone": Rights(select=("audit.list",)),
    "audit_erased": Rights(select=("audit.list",)),
    "audit_monthly": Rights(select=("audit.list",)),
    "audit_hold": Rights(
        select=("audit.list",), insert=("audit.hold",), update=("audit.hold",),
        columns=dict.fromkeys((ADMIN, AUDITOR), ("released_by", "released_at", "release_reason")),
    ),
    "audit_view": Rights(
        select=("view.list",), insert=("view.save",), update=("view.save",), delete=("view.delete",),
        columns=dict.fromkeys((ADMIN, AUDITOR), ("query",)),
    ),
    "audit_alert": Rights(
        select=("alert.list",), insert=("privacy.run",), update=("alert.acknowledge",),
        columns=dict.fromkeys((ADMIN, AUDITOR), ("acknowledged_by", "acknowledged_at", "note")),
    ),
    "house_settings": Rights(select=("settings.read",), insert=("settings.update",), update=("settings.update",)),
    "backups": Rights(select=("backup.list",), insert=("backup.create",), update=("backup.create",)),
    "contacts": Rights(
        select=("contact.list",), insert=("contact.add",), update=("contact.edit",),
        columns={SUPPORT: CONTACT, ADMIN: (*CONTACT, "disabled_at", "deletion_requested_at", "erased_at")},
    ),
    "personas": Rights(select=("persona.list",), insert=("persona.edit",), update=("persona.edit",)),
    "persona_passports": Rights(select=("persona.list",), insert=("persona.edit",)),
    "conversations": Rights(
        select=("conversation.list",), insert=("conversation.add",), update=("conversation.add",), delete=("conversation.add",),
        columns=dict.fromkeys((SUPPORT, ADMIN), ("title", "persona_id")),
    ),
    "memberships": Rights(
        select=("conversation.list",), insert=("conversation.members",), update=("conversation.members",), delete=("conversation.members",),
        columns=dict.fromkeys((SUPPORT, ADMIN), ("left_at", "role")),
    ),
    "containers": Rights(select=("conversation.list",), insert=("conversation.add",), delete=("conversation.add",)),
    "scope_key": Rights(),
    "scope_writer": Rights(),
    **dict.fromkeys(
        (
            "messages", "photos", "reminders", "relationship_state", "memories", "postings", "container_stats", "memory_history",
            "memory_vectors", "boundaries", "erasures", "safety_events",
        ),
        SAID,
    ),
    "erasure_receipts": Rights(select=("receipt.list",), insert=("memory.forget",)),
    "person_erasures": Rights(
        select=("contact.read", "audit.list"), insert=("contact.erase",), update=("contact.erase",),
        columns={ADMIN: ("begun_at", "counts", "cancelled_at", "done_at", "receipt_id")},
    ),
    "oauth_tokens": Rights(
        select=("contact.read",), insert=("token.save",), update=("token.save",), delete=("token.revoke",),
        hidden={SUPPORT: ("enc_access", "enc_refresh", "key_id")},
    ),
    "privacy_incidents": Rights(select=("audit.list",), insert=(EVERYBODY,)),
    "privacy_runs": Rights(select=("privacy.list",), insert=("privacy.run",), update=("privacy.run",)),
    "privacy_results": Rights(select=("privacy.list",), insert=("privacy.run",)),
    "egress_consent": Rights(
        select=("safety.check", "egress.list"), insert=("egress.allow",), update=("egress.withdraw",),
        columns={ADMIN: ("withdrawn_by", "withdrawn_at")},
    ),
    "egress_ledger": Rights(select=("safety.check", "egress.list"), insert=("safety.check",)),
    "procrastinate_jobs": Rights(
        select=("job.list",), insert=WORK, update=("job.cancel",), columns=dict.fromkeys((SUPPORT, ADMIN), ("status", "abort_requested"))
    ),
    "procrastinate_events": Rights(insert=WORK),
    "procrastinate_workers": Rights(),
    "procrastinate_periodic_defers": Rights(),
}  # fmt: skip
# what everybody may do while acting as the monitor: see how the server does, and say so about oneself
MONITOR = {
    "process_report": {"SELECT", "INSERT", "UPDATE", "DELETE"},
    **{name: {"SELECT"} for name in ("alembic_version", "job_run", "job_failure", "backups")},
    **{name: {"SELECT"} for name in ("privacy_incidents", "privacy_runs", "privacy_results")},
    **{f"procrastinate_{name}": {"SELECT"} for name in ("jobs", "events", "workers")},
}
# what support and administrators may do while acting as the directory: see who wrote when and where
DIRECTORY = {
    **dict.fromkeys(("contacts", "personas", "conversations", "memberships", "containers")),
    "messages": {"container_id", "id", "conversation_id", "sender", "user_id", "direction", "timestamp", "forgotten_at", "purge_after"},
    "photos": {
        "container_id", "id", "conversation_id", "sender", "user_id", "object_id", "status", "content_type", "size_bytes", "width",
        "height", "error_code", "error", "correlation_id", "received_at", "ready_at", "asked_early", "answered_late", "forgotten_at",
        "purge_after",
    },
    "reminders": {
        "container_id", "id", "conversation_id", "user_id", "due_at", "rule", "created_at", "sent_at", "cancelled_at", "forgotten_at",
        "purge_after",
    },
    "relationship_state": {"container_id", "user_id", "persona_id", "stage", "messages", "updated_at"},
    "memories": {
        "container_id", "id", "type", "source_message_id", "expires_at", "version", "created_at", "updated_at", "forgotten_at",
        "purge_after",
    },
    "container_stats": {"container_id", "memories", "tokens"},
    "boundaries": {"container_id", "id", "kind", "active", "created_at", "lifted_at"},
    "erasures": {
        "container_id", "id", "asked_by", "asked_at", "hard", "purge_after", "restored_at", "purged_at", "counts", "receipt_id",
    },
    "safety_events": {
        "container_id", "id", "message_id", "direction", "category", "score", "limit", "action", "provider", "created_at", "reviewed_by",
        "reviewed_at", "verdict",
    },
}  # fmt: skip
PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE")


def wanted(rights: Rights, role: str, privilege: str) -> bool:
    """Tell whether the policy gives ``role`` an action that needs this privilege."""
    actions = getattr(rights, privilege.lower(), ())
    return any(action == EVERYBODY or role in ALLOWED[action] for action in actions)


def columns_of(conn: psycopg.Connection[tuple[str, ...]], table: str) -> list[str]:
    query = "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
    return [str(row[0]) for row in conn.execute(query, (table,))]


def attempts(table: str, columns: list[str]) -> Iterator[tuple[str, str, sql.Composable]]:
    """Yield privilege, column and a statement that needs just that privilege and touches no row."""
    name = sql.Identifier(table)
    yield "DELETE", "", sql.SQL("DELETE FROM {}").format(name)
    yield "TRUNCATE", "", sql.SQL("TRUNCATE {}").format(name)
    for text in columns:
        column = sql.Identifier(text)
        yield "SELECT", text, sql.SQL("SELECT {} FROM {}").format(column, name)
        yield "UPDATE", text, sql.SQL("UPDATE {} SET {} = DEFAULT").format(name, column)
        yield "INSERT", text, sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT NULL WHERE false").format(name, column)


def permitted(conn: psycopg.Connection[tuple[str, ...]], statement: sql.Composable) -> bool:
    """Run a statement that is taken back, and tell whether the server let it pass."""
    try:
        with conn.transaction(force_rollback=True):
            conn.execute(statement)
    except psycopg.errors.InsufficientPrivilege:
        return False
    except psycopg.Error:
        # it was let pass, and failed on what it said
        return True
    return True


def held(conn: psycopg.Connection[tuple[str, ...]], tables: list[str]) -> set[tuple[str, str, str]]:
    """Return (table, privilege, column) of everything the server lets this connection do."""
    return {
        (table, privilege, column)
        for table in tables
        for privilege, column, statement in attempts(table, columns_of(conn, table))
        if permitted(conn, statement)
    }


def mistakes(found: set[tuple[str, str, str]], role: str) -> list[str]:
    """Return what was let pass without an action that justifies it, and what is missing."""
    wrong = []
    for table, privilege, column in sorted(found):
        rights = RIGHTS.get(table)
        if rights is None or not wanted(rights, role, privilege):
            wrong.append(f"{role} may {privilege} {table} {column}")
        elif privilege == "UPDATE" and rights.columns is not None and column not in rights.columns.get(role, ()):
            wrong.append(f"{role} may UPDATE {table} {column}")
        elif privilege == "SELECT" and column in (rights.hidden or {}).get(role, ()):
            wrong.append(f"{role} may SELECT {table} {column}")
    there = {(table, privilege) for table, privilege, _column in found}
    for table, rights in RIGHTS.items():
        missing = [privilege for privilege in PRIVILEGES if wanted(rights, role, privilege) and (table, privilege) not in there]
        wrong.extend(f"{role} may not {privilege} {table}" for privilege in missing)
    return wrong


@contextlib.contextmanager
def raw(team: Team, login: str) -> Iterator[psycopg.Connection[tuple[str, ...]]]:
    """Connect as the person would with psql."""
    with psycopg.connect(team.dsn(login), autocommit=True) as conn:
        yield conn


def tables_of(team: Team) -> list[str]:
    query = "SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm') AND relnamespace = 'public'::regnamespace ORDER BY 1"
    return [str(row[0]) for row in team.admin(query)]


@pytest.mark.trace("A84")
def test_raw_sql_can_do_nothing_to_any_table_that_the_policy_forbids(team: Team) -> None:
    tables = tables_of(team)
    assert set(tables) >= set(RIGHTS)
    assert sorted(set(tables) - set(RIGHTS)) == []
    for login, role in PEOPLE.items():
        with raw(team, login) as conn:
            cells = held(conn, tables)
            assert mistakes(cells, role) == []
            assert len(cells) > 30
            assert permitted(conn, sql.SQL("SELECT lectern_last_sign_in(1)")) == (role in ALLOWED["operator.list"])
            # with SET ROLE nothing more is to be had than from the group itself, and what the monitor may see
            for other in ("lectern_support", "lectern_administrator", "lectern_auditor", "lectern_app", "lectern_owner", "lectern_admin"):
                if other != dict(zip((SUPPORT, ADMIN, AUDITOR), GROUPS[:1] + GROUPS[1:], strict=True))[role]:
                    assert not permitted(conn, sql.SQL("SET ROLE {}").format(sql.Identifier(other))), other
            conn.execute("SET ROLE lectern_monitor")
            for table, privilege, _column in held(conn, tables):
                assert privilege in MONITOR.get(table, set()), (login, table, privilege)
            conn.execute("RESET ROLE")
            assert permitted(conn, sql.SQL("SET ROLE lectern_directory")) == (role in ALLOWED["conversation.list"])


@pytest.mark.trace("B30")
def test_the_directory_sees_who_and_when_and_never_what_was_said(team: Team) -> None:
    tables = tables_of(team)
    with raw(team, "ana") as conn:
        conn.execute("SET ROLE lectern_directory")
        seen = held(conn, tables)
    everything = {name for name, columns in DIRECTORY.items() if columns is None}
    told = {(table, "SELECT", column) for table, columns in DIRECTORY.items() for column in columns or ()}
    assert {cell for cell in seen if cell[0] not in everything} == told
    assert {privilege for table, privilege, _column in seen if table in everything} == {"SELECT"}
    assert {table for table, _privilege, _column in seen} == set(DIRECTORY)


@pytest.mark.trace("B30", "B90")
def test_raw_sql_without_a_scope_reads_and_changes_no_row_of_what_was_said(staffed: Team) -> None:
    closed = sorted(name for name, rights in RIGHTS.items() if rights is SAID)
    assert len(closed) == 12
    with staffed.open("adm") as backend:
        actor = trusted(backend.access.sign_in_here())
        backend.people.save_persona("sage", name="Sage", passport={}, version=0, actor=actor)
        said = backend.conversations.receive(IncomingMessage(text="between us", sender="+15551234567", persona="sage"), actor=actor)
        backend.conversations.add_reminder(said.conversation_id, "call back", due_at=dt.datetime.now(dt.UTC), actor=actor)
    for login in ("ana", "adm"):
        with raw(staffed, login) as conn:
            for table in closed:
                name = sql.Identifier(table)
                assert conn.execute(sql.SQL("SELECT container_id FROM {}").format(name)).fetchall() == []
                assert conn.execute(sql.SQL("DELETE FROM {}").format(name)).rowcount == 0
                forged = sql.SQL("INSERT INTO {} (container_id) SELECT min(id) FROM containers").format(name)
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    conn.execute(forged)
    for table in ("messages", "reminders", "relationship_state"):
        assert staffed.admin(f"SELECT count(*) FROM {table}") == [(1,)]


@pytest.mark.trace("A84")
@pytest.mark.parametrize(
    ("grant", "revoke", "login"),
    [
        ("GRANT SELECT (actor) ON audit_event TO lectern_support", "REVOKE SELECT (actor) ON audit_event FROM lectern_support", "ana"),
        ("GRANT DELETE ON audit_event TO lectern_administrator", "REVOKE DELETE ON audit_event FROM lectern_administrator", "adm"),
        ("GRANT UPDATE (owner_id) ON documents TO lectern_support", "REVOKE UPDATE (owner_id) ON documents FROM lectern_support", "ana"),
        ("GRANT SELECT (token) ON auth_session TO lectern_auditor", "REVOKE SELECT (token) ON auth_session FROM lectern_auditor", "aud"),
        ("GRANT TRUNCATE ON documents TO lectern_support", "REVOKE TRUNCATE ON documents FROM lectern_support", "ana"),
        ("REVOKE DELETE ON object_intents FROM lectern_support", "GRANT DELETE ON object_intents TO lectern_support", "ana"),
        ("CREATE TABLE forgotten (n int); GRANT SELECT ON forgotten TO PUBLIC", "DROP TABLE forgotten", "ana"),
    ],
)
def test_one_wrong_right_is_found(team: Team, grant: str, revoke: str, login: str) -> None:
    with raw(team, login) as conn:
        before = mistakes(held(conn, tables_of(team)), PEOPLE[login])
        team.admin(grant)
        try:
            after = mistakes(held(conn, tables_of(team)), PEOPLE[login])
        finally:
            team.admin(revoke)
    assert len(set(after) - set(before)) == 1


@pytest.mark.trace("A84")
def test_raw_sql_reaches_no_session_and_no_failure_of_others(signed_in: Callable[[str], tuple[Backend, Actor]], staffed: Team) -> None:
    actors = {login: signed_in(login)[1] for login in ("adm", "ana", "aud")}
    for login, count in (("ana", 1), ("aud", 1), ("adm", 3)):
        with raw(staffed, login) as conn:
            assert len(conn.execute("SELECT id FROM auth_session").fetchall()) == count
    with raw(staffed, "ana") as conn:
        stolen = sql.SQL("INSERT INTO auth_session (operator_id, kind, workstation, expires_at) VALUES ({}, 'login', 'x', now())")
        assert not permitted(conn, stolen.format(sql.Literal(actors["adm"].operator_id)))
        assert permitted(conn, stolen.format(sql.Literal(actors["ana"].operator_id)))
        assert (
            conn.execute("UPDATE auth_session SET revoked_at = now() WHERE operator_id <> %s", (actors["ana"].operator_id,)).rowcount == 0
        )
        own = "UPDATE auth_session SET revoked_at = {}"
        conn.execute(sql.SQL(own).format(sql.SQL("now()")))
        assert not permitted(conn, sql.SQL(own).format(sql.SQL("NULL")))
        assert not permitted(conn, sql.SQL("INSERT INTO sign_in_failure (key) VALUES ('login:adm')"))
        assert permitted(conn, sql.SQL("INSERT INTO sign_in_failure (key) VALUES ('login:ana')"))


@pytest.mark.trace("A84")
def test_raw_sql_cannot_queue_a_job_in_somebody_elses_name(signed_in: Callable[[str], tuple[Backend, Actor]], staffed: Team) -> None:
    actors = {login: signed_in(login)[1] for login in ("adm", "ana")}
    job = sql.SQL("INSERT INTO procrastinate_jobs (queue_name, task_name, args) VALUES ('q', 't', {})")
    with raw(staffed, "ana") as conn:
        for forged in ("{}", '{"actor_id": null}', f'{{"actor_id": {actors["adm"].operator_id}}}', '{"actor_id": "1 "}'):
            assert not permitted(conn, job.format(sql.Literal(forged))), forged
        assert permitted(conn, job.format(sql.Literal(f'{{"actor_id": {actors["ana"].operator_id}}}')))
    staffed.admin(f"UPDATE operators SET disabled_at = now() WHERE id = {actors['ana'].operator_id}")
    with raw(staffed, "ana") as conn:
        assert not permitted(conn, job.format(sql.Literal(f'{{"actor_id": {actors["ana"].operator_id}}}')))
