"""Operators: passwords, sessions, throttled sign-in, and a database role for each role."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NOW = sa.text("now()")


def upgrade() -> None:
    """Add what people sign in with, and the rights of each group of people on a shared server."""
    _operators()
    _passwords()
    _sessions()
    _failures()
    _own_rows()
    _jobs_of_their_own()
    _reading()
    _support_work()
    _administration()


def _operators() -> None:
    op.add_column("operators", sa.Column("email", sa.String(length=320), nullable=True))
    op.add_column("operators", sa.Column("db_login", sa.String(length=63), nullable=True))
    op.add_column("operators", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    # people sign in by name from now on, so two may not share one
    op.execute(
        "UPDATE operators o SET name = left(o.name, 170) || ' (' || o.id || ')'"
        " WHERE EXISTS (SELECT FROM operators p WHERE lower(p.name) = lower(o.name) AND p.id < o.id)"
    )
    op.create_index("uq_operators_db_login", "operators", ["db_login"], unique=True)
    op.create_index("uq_operators_name", "operators", [sa.text("lower(name::text)")], unique=True)
    op.create_index("uq_operators_email", "operators", [sa.text("lower(email::text)")], unique=True)


def _passwords() -> None:
    op.create_table(
        "operator_password",
        sa.Column("operator_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=300), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("must_change", sa.Boolean(), server_default="false", nullable=False),
        sa.ForeignKeyConstraint(["operator_id"], ["operators.id"], name=op.f("fk_operator_password_operator_id_operators")),
        sa.PrimaryKeyConstraint("operator_id", name=op.f("pk_operator_password")),
    )


def _sessions() -> None:
    op.create_table(
        "auth_session",
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("operator_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=True),
        sa.Column("workstation", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("kind IN ('password', 'login')", name=op.f("ck_auth_session_kind_known")),
        sa.CheckConstraint("(kind = 'password') = (token IS NOT NULL)", name=op.f("ck_auth_session_token_given")),
        sa.CheckConstraint("expires_at <= created_at + interval '1 day'", name=op.f("ck_auth_session_life_limited")),
        sa.ForeignKeyConstraint(["operator_id"], ["operators.id"], name=op.f("fk_auth_session_operator_id_operators")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_auth_session")),
    )
    op.create_index("uq_auth_session_token", "auth_session", ["token"], unique=True)
    op.create_index("idx_auth_session_operator", "auth_session", ["operator_id"], unique=False)
    op.execute(
        """
        CREATE FUNCTION refuse_session_revival() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'an ended session stays ended' USING ERRCODE = 'insufficient_privilege';
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER auth_session_stays_ended BEFORE UPDATE ON auth_session FOR EACH ROW"
        " WHEN (OLD.revoked_at IS NOT NULL AND NEW.revoked_at IS DISTINCT FROM OLD.revoked_at)"
        " EXECUTE FUNCTION refuse_session_revival()"
    )


def _failures() -> None:
    op.create_table(
        "sign_in_failure",
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("refused", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_failed_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("wait_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sign_in_failure")),
    )


def _own_rows() -> None:
    # who a login is; nobody for a login that is disabled or unknown
    op.execute(
        """
        CREATE FUNCTION lectern_operator_id() RETURNS bigint LANGUAGE sql STABLE AS $$
            SELECT o.id FROM public.operators o WHERE o.db_login = session_user AND o.disabled_at IS NULL
        $$
        """
    )
    # what the list of operators tells of a session nobody else may see; not a subquery of the list, which row security would empty
    op.execute(
        """
        CREATE FUNCTION lectern_last_sign_in(operator bigint) RETURNS timestamptz
        LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public AS $$
            SELECT max(s.created_at) FROM public.auth_session s WHERE s.operator_id = operator
        $$
        """
    )
    op.execute("REVOKE EXECUTE ON FUNCTION lectern_last_sign_in(bigint) FROM PUBLIC")
    op.execute("GRANT EXECUTE ON FUNCTION lectern_last_sign_in(bigint) TO lectern_app, lectern_administrator, lectern_auditor")
    for table, own in (("auth_session", "operator_id = lectern_operator_id()"), ("sign_in_failure", "key = 'login:' || session_user")):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY {table}_program ON {table} TO lectern_app USING (true) WITH CHECK (true)")
        op.execute(f"CREATE POLICY {table}_own ON {table} TO lectern_support, lectern_auditor USING ({own}) WITH CHECK ({own})")
    op.execute("CREATE POLICY auth_session_administrators ON auth_session TO lectern_administrator USING (true) WITH CHECK (true)")
    own = "key = 'login:' || session_user"
    op.execute(f"CREATE POLICY sign_in_failure_administrators ON sign_in_failure TO lectern_administrator USING ({own}) WITH CHECK ({own})")


def _jobs_of_their_own() -> None:
    # the worker acts with the rights of whom a job names, so a login may name nobody but itself
    op.execute(
        """
        CREATE FUNCTION refuse_job_for_others() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF NOT pg_has_role('lectern_app', 'MEMBER') AND NOT pg_has_role('lectern_owner', 'MEMBER')
               AND (NEW.args ->> 'actor_id')::bigint IS DISTINCT FROM lectern_operator_id() THEN
                RAISE EXCEPTION 'a job is queued in one''s own name' USING ERRCODE = 'insufficient_privilege';
            END IF;
            RETURN NEW;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER jobs_in_own_name BEFORE INSERT OR UPDATE OF args ON procrastinate_jobs"
        " FOR EACH ROW EXECUTE FUNCTION refuse_job_for_others()"
    )


def _reading() -> None:
    everybody = "lectern_support, lectern_administrator, lectern_auditor"
    op.execute("GRANT USAGE ON SCHEMA public TO lectern_support, lectern_administrator")
    op.execute(f"GRANT SELECT ON alembic_version, documents, document_pages, audios, objects, job_run, procrastinate_jobs TO {everybody}")
    told = "id, job_id, task, attempt, at, error_code, sentence, retry_at, correlation_id"
    op.execute(f"GRANT SELECT ({told}) ON job_failure TO lectern_support")
    op.execute("GRANT SELECT ON job_failure TO lectern_administrator, lectern_auditor")
    op.execute("GRANT SELECT (id, name, os_user, role, created_at, disabled_at, db_login, version) ON operators TO lectern_support")
    op.execute("GRANT SELECT ON operators TO lectern_administrator, lectern_auditor")
    op.execute("GRANT SELECT ON audit_event TO lectern_administrator")
    op.execute(f"GRANT INSERT ON audit_event TO {everybody}")
    # the number of a row one has just written
    op.execute("GRANT SELECT (id) ON audit_event TO lectern_support")
    # each row of a session but the hash of its token
    seen = "id, operator_id, kind, workstation, created_at, last_seen_at, expires_at, revoked_at"
    op.execute(f"GRANT SELECT ({seen}) ON auth_session TO {everybody}")
    op.execute(f"GRANT INSERT (operator_id, kind, workstation, expires_at) ON auth_session TO {everybody}")
    op.execute(f"GRANT UPDATE (last_seen_at, revoked_at) ON auth_session TO {everybody}")
    op.execute(f"GRANT SELECT, INSERT, UPDATE ON sign_in_failure TO {everybody}")
    # that somebody listened is noted beside the audio too
    op.execute("GRANT UPDATE (last_played_at) ON audios TO lectern_auditor")


def _support_work() -> None:
    workers = "lectern_support, lectern_administrator"
    op.execute(f"GRANT INSERT ON documents, audios, objects, job_run TO {workers}")
    changes = "title, status, error, error_code, correlation_id, version, updated_at, deleted_at"
    op.execute(f"GRANT UPDATE ({changes}) ON documents TO {workers}")
    # to read a document again its pages go first; a page is locked while audio is asked for, which takes a right to change it
    op.execute(f"GRANT DELETE, UPDATE (revision) ON document_pages TO {workers}")
    changes = "document_id, voice, rate, pitch, created_by, status, lifetime, correlation_id, error, error_code, created_at, job_id"
    op.execute(f"GRANT UPDATE ({changes}, last_played_at, deleted_at) ON audios TO {workers}")
    op.execute(f"GRANT UPDATE (refs, released_at) ON objects TO {workers}")
    op.execute(f"GRANT SELECT, INSERT, DELETE ON object_intents TO {workers}")
    op.execute(f"GRANT UPDATE (finished_at) ON job_run TO {workers}")
    asked = "queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at"
    op.execute(f"GRANT INSERT ({asked}) ON procrastinate_jobs TO {workers}")
    op.execute(f"GRANT UPDATE (status, abort_requested) ON procrastinate_jobs TO {workers}")
    op.execute(f"GRANT INSERT (job_id, type, at) ON procrastinate_events TO {workers}")
    op.execute(f"GRANT USAGE ON SEQUENCE procrastinate_jobs_id_seq, procrastinate_events_id_seq TO {workers}")


def _administration() -> None:
    op.execute("GRANT INSERT ON operators, document_pages TO lectern_administrator")
    op.execute("GRANT UPDATE (name, os_user, role, disabled_at, email, db_login, version) ON operators TO lectern_administrator")
    op.execute("GRANT UPDATE (owner_id) ON documents TO lectern_administrator")


def downgrade() -> None:
    """Take everything away again, passwords and sessions included."""
    op.execute("DROP TRIGGER jobs_in_own_name ON procrastinate_jobs")
    op.execute("DROP FUNCTION lectern_last_sign_in(bigint)")
    for table in ("sign_in_failure", "auth_session", "operator_password"):
        op.drop_table(table)
    for function in ("refuse_job_for_others", "refuse_session_revival", "lectern_operator_id"):
        op.execute(f"DROP FUNCTION {function}()")
    for name in ("uq_operators_email", "uq_operators_name", "uq_operators_db_login"):
        op.drop_index(name, table_name="operators")
    for column in ("version", "db_login", "email"):
        op.drop_column("operators", column)
    op.execute("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM lectern_support, lectern_administrator, lectern_auditor")
    op.execute("REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM lectern_support, lectern_administrator")
    op.execute("REVOKE USAGE ON SCHEMA public FROM lectern_support, lectern_administrator")
    op.execute("GRANT SELECT ON audit_event TO lectern_auditor")
