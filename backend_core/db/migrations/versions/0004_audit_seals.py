"""Audit log: writers' chains, seals, positions, keys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import UserDefinedType

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

WRITTEN = (
    "at, writer, wseq, leaf, actor, actor_id, role, action, target, outcome, reason, before, after, workstation, client_version,"
    " correlation_id"
)
SEALED = ("audit_position", "audit_seal", "audit_key", "audit_generation", "audit_verification")
GROUPS = "lectern_support, lectern_administrator, lectern_auditor"


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id, as it was when this revision was written."""

    cache_ok = True

    def get_col_spec(self, **_kw: object) -> str:
        """Return the SQL name of the type."""
        return "xid8"


def upgrade() -> None:
    """Chain what is recorded so far, and add what seals it."""
    _chain_what_is_there()
    _positions_and_seals()
    _keys_and_generations()
    _verifications()
    _rights()


def _chain_what_is_there() -> None:
    # the bytes are those of audit/chain.py
    op.execute("ALTER TABLE audit_event DISABLE TRIGGER audit_event_append_only")
    op.execute("UPDATE audit_event SET before = nullif(before, 'null'::jsonb), after = nullif(after, 'null'::jsonb) WHERE leaf IS NULL")
    op.execute(
        """
        DO $$
        DECLARE
            one record;
            chain text;
            number bigint;
            previous bytea;
        BEGIN
            FOR one IN SELECT * FROM audit_event WHERE leaf IS NULL ORDER BY writer, id LOOP
                IF chain IS DISTINCT FROM one.writer THEN
                    chain := one.writer;
                    number := 0;
                    previous := sha256(convert_to(E'lectern-writer\\n' || one.writer, 'UTF8'));
                END IF;
                number := number + 1;
                previous := sha256(previous || convert_to(json_build_array(
                    one.writer, number, (extract(epoch FROM one.at) * 1000000)::bigint, one.actor, one.actor_id, one.role, one.action,
                    one.target, one.outcome, one.reason, one.before::text, one.after::text, one.workstation, one.client_version,
                    one.correlation_id)::text, 'UTF8'));
                UPDATE audit_event SET wseq = number, leaf = previous WHERE id = one.id;
            END LOOP;
        END $$
        """
    )
    # also what the statements above left to be checked at the end of the transaction
    op.execute("SET CONSTRAINTS ALL IMMEDIATE")
    op.execute("ALTER TABLE audit_event ENABLE TRIGGER audit_event_append_only")
    op.alter_column("audit_event", "wseq", existing_type=sa.BigInteger(), nullable=False)
    op.alter_column("audit_event", "leaf", existing_type=sa.LargeBinary(), nullable=False)


def _positions_and_seals() -> None:
    op.create_table(
        "audit_position",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("seal_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_audit_position")),
        sa.UniqueConstraint("event_id", name=op.f("uq_audit_position_event_id")),
    )
    op.create_table(
        "audit_seal",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("first_position", sa.BigInteger(), nullable=False),
        sa.Column("last_position", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("head", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key_id", sa.String(length=80), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("checkpoint", sa.Text(), nullable=False),
        sa.Column("horizon", Xid8(), nullable=False),
        sa.Column("seen_id", sa.BigInteger(), nullable=True),
        sa.Column("seen_xid", Xid8(), nullable=True),
        sa.CheckConstraint("size > 0 AND last_position = first_position + size - 1", name=op.f("ck_audit_seal_size_counted")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_seal")),
    )


def _keys_and_generations() -> None:
    op.create_table(
        "audit_key",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("key_id", sa.String(length=80), nullable=False),
        sa.Column("event", sa.String(length=20), nullable=False),
        sa.Column("public", sa.LargeBinary(), nullable=False),
        sa.Column("signed_by", sa.String(length=80), nullable=False),
        sa.Column("after_seal", sa.BigInteger(), nullable=False),
        sa.Column("host", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("event IN ('introduced', 'requested', 'retired')", name=op.f("ck_audit_key_event_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_key")),
    )
    op.create_table(
        "audit_generation",
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("log", sa.String(length=80), nullable=False),
        sa.Column("server", sa.String(length=40), nullable=False),
        sa.Column("after_seal", sa.BigInteger(), nullable=False),
        sa.Column("previous_head", sa.LargeBinary(), nullable=False),
        sa.Column("restored_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key_id", sa.String(length=80), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("generation", name=op.f("pk_audit_generation")),
    )


def _verifications() -> None:
    op.create_table(
        "audit_verification",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("verified_by", sa.String(length=200), nullable=False),
        sa.Column("quick", sa.Boolean(), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("verified_to", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("problems", JSONB(), nullable=False),
        sa.Column("witnesses", sa.Integer(), nullable=False),
        sa.Column("off_machine", sa.Integer(), nullable=False),
        sa.Column("agreeing", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_verification")),
    )


def _rights() -> None:
    for table in SEALED:
        op.execute(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM lectern_app")
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()"
        )
        op.execute(f"GRANT SELECT ON {table} TO lectern_administrator, lectern_auditor")
    op.execute("GRANT INSERT ON audit_verification TO lectern_administrator, lectern_auditor")
    # nobody chooses the number or the transaction of a row
    op.execute(f"REVOKE INSERT ON audit_event FROM lectern_app, {GROUPS}")
    op.execute(f"GRANT INSERT ({WRITTEN}) ON audit_event TO lectern_app, {GROUPS}")


def downgrade() -> None:
    """Drop seals, positions and keys; rows stay chained."""
    op.execute(f"REVOKE INSERT ({WRITTEN}) ON audit_event FROM lectern_app, {GROUPS}")
    op.execute(f"GRANT INSERT ON audit_event TO lectern_app, {GROUPS}")
    for table in SEALED:
        op.drop_table(table)
    op.alter_column("audit_event", "leaf", existing_type=sa.LargeBinary(), nullable=True)
    op.alter_column("audit_event", "wseq", existing_type=sa.BigInteger(), nullable=True)
