"""Audit log: retention with tombstones, holds, saved views, alerts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import UserDefinedType

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NOW = sa.text("now()")


class Xid8(UserDefinedType[int]):
    """PostgreSQL's 64-bit transaction id, as it was when this revision was written."""

    cache_ok = True

    def get_col_spec(self, **_kw: object) -> str:
        """Return the SQL name of the type."""
        return "xid8"


def upgrade() -> None:
    """Add what surrounds the log, indexes in the order of its lists, and the only way in which a row ever leaves it."""
    _indexes()
    _erased()
    _holds()
    _views()
    _alerts()
    _monthly()
    _only_with_a_tombstone()
    _held()
    _erase()
    _rights()


def _indexes() -> None:
    for name in ("idx_audit_action_at", "idx_audit_actor_at", "idx_audit_target"):
        op.drop_index(name, table_name="audit_event")
    op.create_index("idx_audit_at", "audit_event", ["at", "id"], unique=False)
    op.create_index("idx_audit_action_at", "audit_event", ["action", "at", "id"], unique=False)
    op.create_index("idx_audit_actor_at", "audit_event", ["actor", "at", "id", "action"], unique=False)
    op.create_index(
        "idx_audit_target", "audit_event", ["target", "at", "id"], unique=False, postgresql_ops={"target": "varchar_pattern_ops"}
    )
    op.create_index(
        "idx_audit_outcome", "audit_event", ["outcome", "at", "id"], unique=False, postgresql_where=sa.text("outcome::text <> 'done'::text")
    )


def _erased() -> None:
    op.create_table(
        "audit_tombstone",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("retention_class", sa.String(length=40), nullable=False),
        sa.Column("cutoff", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("skeletons_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key_id", sa.String(length=80), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("rows > 0", name=op.f("ck_audit_tombstone_rows_counted")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_tombstone")),
    )
    op.create_table(
        "audit_erased",
        sa.Column("event_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("xid", Xid8(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("writer", sa.String(length=80), nullable=False),
        sa.Column("wseq", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("tombstone_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tombstone_id"], ["audit_tombstone.id"], name=op.f("fk_audit_erased_tombstone_id_audit_tombstone")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_audit_erased")),
        sa.UniqueConstraint("position", name=op.f("uq_audit_erased_position")),
    )
    op.create_index("idx_audit_erased_at", "audit_erased", ["at", "event_id"], unique=False)
    op.create_index("idx_audit_erased_tombstone", "audit_erased", ["tombstone_id"], unique=False)


def _holds() -> None:
    lists = ("actor", "action", "target", "outcome", "correlation", "workstation", "role")
    op.create_table(
        "audit_hold",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("query", sa.String(length=1000), nullable=False),
        *(sa.Column(name, ARRAY(sa.Text()), nullable=True) for name in lists),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("placed_by", sa.String(length=200), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.Column("released_by", sa.String(length=200), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("release_reason", sa.String(length=500), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_hold")),
    )


def _views() -> None:
    op.create_table(
        "audit_view",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("owner_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("query", sa.String(length=1000), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_view")),
        sa.UniqueConstraint("owner_id", "name", name=op.f("uq_audit_view_owner_id_name")),
    )


def _alerts() -> None:
    op.create_table(
        "audit_alert",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("rule", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("window_start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("threshold", sa.Integer(), nullable=False),
        sa.Column("facts", JSONB(), nullable=False),
        sa.Column("raised_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("acknowledged_by", sa.String(length=200), nullable=True),
        sa.Column("acknowledged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_alert")),
        sa.UniqueConstraint("rule", "subject", "window_start", name=op.f("uq_audit_alert_rule_subject_window_start")),
    )
    op.create_index("idx_audit_alert_open", "audit_alert", ["raised_at"], unique=False, postgresql_where=sa.text("acknowledged_at IS NULL"))


def _monthly() -> None:
    op.create_table(
        "audit_monthly",
        sa.Column("month", sa.Date(), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("proofs_key", sa.String(length=200), nullable=False),
        sa.Column("manifest_key", sa.String(length=200), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), server_default=NOW, nullable=False),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_audit_monthly")),
    )


def _only_with_a_tombstone() -> None:
    # a row may leave the log only when its skeleton stands in audit_erased, which erase_audit() alone writes
    op.execute("DROP TRIGGER audit_event_append_only ON audit_event")
    op.execute(
        """
        CREATE FUNCTION refuse_unkept_audit_removal() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public AS $$
        BEGIN
            IF EXISTS (SELECT FROM audit_erased e WHERE e.event_id = OLD.id AND e.leaf = OLD.leaf AND e.xid = OLD.xid
                       AND e.writer = OLD.writer AND e.wseq = OLD.wseq AND e.at = OLD.at) THEN
                RETURN OLD;
            END IF;
            RAISE EXCEPTION 'the audit log can only be appended to' USING ERRCODE = 'insufficient_privilege';
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR TRUNCATE ON audit_event"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()"
    )
    op.execute(
        "CREATE TRIGGER audit_event_removal BEFORE DELETE ON audit_event FOR EACH ROW EXECUTE FUNCTION refuse_unkept_audit_removal()"
    )
    for table in ("audit_erased", "audit_tombstone"):
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()"
        )


def _held() -> None:
    # the same meaning as a filter of the list, or wider: an actor is held by the beginning of any word of the name
    op.execute(
        """
        CREATE FUNCTION audit_held(h audit_hold, e audit_event) RETURNS boolean LANGUAGE sql STABLE AS $$
            SELECT h.released_at IS NULL
               AND (h.actor IS NULL OR EXISTS (
                    SELECT FROM unnest(h.actor) v WHERE position(' ' || lower(v) IN ' ' || lower(e.actor)) > 0))
               AND (h.action IS NULL OR EXISTS (
                    SELECT FROM unnest(h.action) v
                     WHERE e.action = v OR (right(v, 1) = '*' AND starts_with(e.action, left(v, -1)))))
               AND (h.target IS NULL OR EXISTS (
                    SELECT FROM unnest(h.target) v WHERE e.target = v OR (position(':' IN v) = 0 AND starts_with(e.target, v || ':'))))
               AND (h.outcome IS NULL OR e.outcome = ANY (h.outcome))
               AND (h.correlation IS NULL OR e.correlation_id = ANY (h.correlation))
               AND (h.workstation IS NULL OR e.workstation = ANY (h.workstation))
               AND (h.role IS NULL OR e.role = ANY (h.role))
               AND (h.since IS NULL OR e.at >= h.since)
               AND (h.until IS NULL OR e.at < h.until)
        $$
        """
    )


def _erase() -> None:
    op.execute(
        """
        CREATE FUNCTION audit_skeletons(ids bigint[], OUT rows bigint, OUT digest bytea) LANGUAGE plpgsql STABLE AS $$
        BEGIN
            SELECT count(*), sha256(convert_to(string_agg(concat_ws(':',
                       p.position, e.id, e.xid, (extract(epoch FROM e.at) * 1000000)::bigint, e.wseq, encode(e.leaf, 'hex'),
                       encode(convert_to(e.writer, 'UTF8'), 'hex')), E'\\n' ORDER BY p.position), 'UTF8'))
              INTO rows, digest
              FROM audit_event e JOIN audit_position p ON p.event_id = e.id WHERE e.id = ANY (ids);
        END $$
        """
    )
    op.execute(
        """
        CREATE FUNCTION erase_audit(class text, until timestamptz, ids bigint[], digest bytea, key text, signed bytea,
                                    signed_at timestamptz)
        RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
        DECLARE
            found record;
            stone bigint;
        BEGIN
            IF until > now() - interval '1 month' THEN
                RAISE EXCEPTION 'rows younger than a month stay' USING ERRCODE = 'insufficient_privilege';
            END IF;
            IF abs(extract(epoch FROM clock_timestamp() - signed_at)) > 600 THEN
                RAISE EXCEPTION 'the signature is not of now' USING ERRCODE = 'insufficient_privilege';
            END IF;
            -- nobody places a hold while rows leave
            LOCK TABLE audit_hold IN SHARE MODE;
            IF EXISTS (SELECT FROM audit_event e JOIN audit_hold h ON audit_held(h, e) WHERE e.id = ANY (ids)) THEN
                RAISE EXCEPTION 'a row is under a hold' USING ERRCODE = 'insufficient_privilege';
            END IF;
            IF EXISTS (SELECT FROM audit_event e WHERE e.id = ANY (ids) AND e.at >= until) THEN
                RAISE EXCEPTION 'a row is younger than that' USING ERRCODE = 'insufficient_privilege';
            END IF;
            SELECT * INTO found FROM audit_skeletons(ids);
            IF found.rows <> cardinality(ids) OR found.digest IS DISTINCT FROM erase_audit.digest THEN
                RAISE EXCEPTION 'what was signed is not what is there' USING ERRCODE = 'insufficient_privilege';
            END IF;
            INSERT INTO audit_tombstone (retention_class, cutoff, rows, skeletons_sha256, at, key_id, signature)
                VALUES (class, until, found.rows, found.digest, signed_at, key, signed) RETURNING id INTO stone;
            INSERT INTO audit_erased (event_id, position, xid, at, writer, wseq, leaf, tombstone_id)
                SELECT e.id, p.position, e.xid, e.at, e.writer, e.wseq, e.leaf, stone
                  FROM audit_event e JOIN audit_position p ON p.event_id = e.id WHERE e.id = ANY (ids);
            DELETE FROM audit_event e WHERE e.id = ANY (ids);
            RETURN stone;
        END $$
        """
    )


def _rights() -> None:
    readers = "lectern_administrator, lectern_auditor"
    op.execute("REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON audit_erased, audit_tombstone FROM lectern_app")
    op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON audit_hold, audit_alert, audit_monthly FROM lectern_app")
    op.execute("GRANT UPDATE (released_by, released_at, release_reason) ON audit_hold TO lectern_app")
    op.execute("GRANT UPDATE (acknowledged_by, acknowledged_at, note) ON audit_alert TO lectern_app")
    op.execute(f"GRANT SELECT ON audit_erased, audit_tombstone, audit_hold, audit_view, audit_alert, audit_monthly TO {readers}")
    op.execute(f"GRANT INSERT ON audit_hold TO {readers}")
    op.execute(f"GRANT UPDATE (released_by, released_at, release_reason) ON audit_hold TO {readers}")
    op.execute(f"GRANT INSERT, DELETE, UPDATE (query) ON audit_view TO {readers}")
    op.execute(f"GRANT UPDATE (acknowledged_by, acknowledged_at, note) ON audit_alert TO {readers}")
    op.execute("ALTER TABLE audit_view ENABLE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY audit_view_program ON audit_view TO lectern_app USING (true) WITH CHECK (true)")
    op.execute("CREATE POLICY audit_view_administrators ON audit_view TO lectern_administrator USING (true) WITH CHECK (true)")
    own = "owner_id = lectern_operator_id()"
    op.execute(f"CREATE POLICY audit_view_own ON audit_view TO lectern_auditor USING ({own}) WITH CHECK ({own})")
    erase = "erase_audit(text, timestamptz, bigint[], bytea, text, bytea, timestamptz)"
    op.execute(f"REVOKE EXECUTE ON FUNCTION {erase} FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION {erase} TO lectern_app")


def downgrade() -> None:
    """Drop it again; what was erased stays erased, and its tombstones go."""
    op.execute("DROP FUNCTION erase_audit(text, timestamptz, bigint[], bytea, text, bytea, timestamptz)")
    op.execute("DROP FUNCTION audit_skeletons(bigint[])")
    op.execute("DROP FUNCTION audit_held(audit_hold, audit_event)")
    op.execute("DROP TRIGGER audit_event_removal ON audit_event")
    op.execute("DROP FUNCTION refuse_unkept_audit_removal()")
    op.execute("DROP TRIGGER audit_event_append_only ON audit_event")
    op.execute(
        "CREATE TRIGGER audit_event_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_event"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()"
    )
    for table in ("audit_monthly", "audit_alert", "audit_view", "audit_hold", "audit_erased", "audit_tombstone"):
        op.drop_table(table)
    for name in ("idx_audit_outcome", "idx_audit_target", "idx_audit_actor_at", "idx_audit_action_at", "idx_audit_at"):
        op.drop_index(name, table_name="audit_event")
    op.create_index("idx_audit_action_at", "audit_event", ["action", "at"], unique=False)
    op.create_index("idx_audit_actor_at", "audit_event", ["actor", "at"], unique=False)
    op.create_index("idx_audit_target", "audit_event", ["target"], unique=False)
