"""Notices with their silences and deliveries, and alerts of jobs that were given up."""

from __future__ import annotations

from typing import Final

from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TABLES: Final = (
    """
    CREATE TABLE notices (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        kind VARCHAR(60) NOT NULL,
        subject VARCHAR(200) NOT NULL,
        severity VARCHAR(4) NOT NULL,
        title VARCHAR(200) NOT NULL,
        body VARCHAR(1000) NOT NULL,
        page VARCHAR(40) NOT NULL,
        target JSONB NOT NULL,
        operator_id BIGINT,
        correlation_id VARCHAR(40) NOT NULL,
        times INTEGER DEFAULT '1' NOT NULL,
        raised_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        last_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        resolved_at TIMESTAMP WITH TIME ZONE,
        acknowledged_at TIMESTAMP WITH TIME ZONE,
        acknowledged_by VARCHAR(200),
        note VARCHAR(500),
        silenced INTEGER DEFAULT '0' NOT NULL,
        CONSTRAINT pk_notices PRIMARY KEY (id),
        CONSTRAINT ck_notices_severity_known CHECK (severity IN ('info', 'warn', 'bad')),
        CONSTRAINT fk_notices_operator_id_operators FOREIGN KEY(operator_id) REFERENCES operators (id) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX idx_notice_operator ON notices (operator_id)",
    "CREATE INDEX idx_notice_raised ON notices (raised_at DESC)",
    "CREATE UNIQUE INDEX uq_notice_live ON notices (kind, subject) WHERE resolved_at IS NULL",
    """
    CREATE TABLE notice_silences (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        kind VARCHAR(60) NOT NULL,
        subject VARCHAR(200) DEFAULT '' NOT NULL,
        until TIMESTAMP WITH TIME ZONE NOT NULL,
        reason VARCHAR(500) NOT NULL,
        created_by VARCHAR(200) NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        lifted_at TIMESTAMP WITH TIME ZONE,
        lifted_by VARCHAR(200),
        CONSTRAINT pk_notice_silences PRIMARY KEY (id)
    )
    """,
    "CREATE INDEX idx_notice_silence_until ON notice_silences (until) WHERE lifted_at IS NULL",
    """
    CREATE TABLE notice_deliveries (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        notice_id BIGINT NOT NULL,
        channel VARCHAR(8) NOT NULL,
        event VARCHAR(8) NOT NULL,
        status VARCHAR(8) DEFAULT 'WAITING' NOT NULL,
        attempts INTEGER DEFAULT '0' NOT NULL,
        next_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        sent_at TIMESTAMP WITH TIME ZONE,
        error VARCHAR(300),
        CONSTRAINT pk_notice_deliveries PRIMARY KEY (id),
        CONSTRAINT ck_notice_deliveries_channel_known CHECK (channel IN ('email', 'webhook')),
        CONSTRAINT ck_notice_deliveries_event_known CHECK (event IN ('raised', 'resolved')),
        CONSTRAINT ck_notice_deliveries_status_known CHECK (status IN ('WAITING', 'SENT', 'FAILED')),
        CONSTRAINT fk_notice_deliveries_notice_id_notices FOREIGN KEY(notice_id) REFERENCES notices (id) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX idx_notice_delivery_due ON notice_deliveries (next_at) WHERE status = 'WAITING'",
    "CREATE UNIQUE INDEX uq_notice_delivery ON notice_deliveries (notice_id, channel, event)",
    """
    CREATE TABLE notice_seen (
        operator_id BIGINT NOT NULL,
        seen_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        CONSTRAINT pk_notice_seen PRIMARY KEY (operator_id),
        CONSTRAINT fk_notice_seen_operator_id_operators FOREIGN KEY(operator_id) REFERENCES operators (id) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE job_alerts (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        job_id BIGINT NOT NULL,
        task VARCHAR(80) NOT NULL,
        title VARCHAR(300) NOT NULL,
        error_code VARCHAR(40) NOT NULL,
        safe_message VARCHAR(500) NOT NULL,
        detail VARCHAR(4000) NOT NULL,
        attempt INTEGER NOT NULL,
        correlation_id VARCHAR(40) NOT NULL,
        operator_id BIGINT,
        status VARCHAR(13) DEFAULT 'NEW' NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        resolved_at TIMESTAMP WITH TIME ZONE,
        resolver VARCHAR(200),
        version INTEGER DEFAULT '1' NOT NULL,
        CONSTRAINT pk_job_alerts PRIMARY KEY (id),
        CONSTRAINT ck_job_alerts_status_known CHECK (status IN ('NEW', 'ACKNOWLEDGED', 'INVESTIGATING', 'RESOLVED', 'IGNORED')),
        CONSTRAINT ck_job_alerts_resolved_dated CHECK ((status IN ('RESOLVED', 'IGNORED')) = (resolved_at IS NOT NULL))
    )
    """,
    "CREATE INDEX idx_job_alert_open ON job_alerts (created_at DESC) WHERE status IN ('NEW', 'ACKNOWLEDGED', 'INVESTIGATING')",
    "CREATE UNIQUE INDEX uq_job_alert_job ON job_alerts (job_id)",
    """
    CREATE TABLE job_alert_notes (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        alert_id BIGINT NOT NULL,
        at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        author VARCHAR(200) NOT NULL,
        status VARCHAR(13) NOT NULL,
        text VARCHAR(1000) NOT NULL,
        CONSTRAINT pk_job_alert_notes PRIMARY KEY (id),
        CONSTRAINT fk_job_alert_notes_alert_id_job_alerts FOREIGN KEY(alert_id) REFERENCES job_alerts (id) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX idx_job_alert_note_alert ON job_alert_notes (alert_id, at)",
)


GRANTS: Final = (
    "GRANT SELECT ON notices, notice_silences, notice_seen, job_alert_notes"
    " TO lectern_support, lectern_administrator, lectern_auditor, lectern_monitor",
    "GRANT UPDATE (acknowledged_at, acknowledged_by, note) ON notices TO lectern_support, lectern_administrator, lectern_auditor",
    # whoever watches says what it finds, and that it is over; what people say about it stays theirs
    """
    GRANT INSERT (kind, subject, severity, title, body, page, target, operator_id, correlation_id, silenced) ON notices TO lectern_monitor
    """,
    """
    GRANT UPDATE (severity, title, body, page, target, times, silenced, last_at, resolved_at) ON notices TO lectern_monitor
    """,
    # that there is an alert, not whom it is about
    "GRANT SELECT (id, rule, count, raised_at, acknowledged_at) ON audit_alert TO lectern_monitor",
    "GRANT INSERT, UPDATE (seen_at) ON notice_seen TO lectern_support, lectern_administrator, lectern_auditor",
    "GRANT INSERT, UPDATE (lifted_at, lifted_by) ON notice_silences TO lectern_administrator",
    "GRANT SELECT ON notice_deliveries TO lectern_administrator, lectern_auditor, lectern_monitor",
    # everything but the detail, which is for administrators
    """
    GRANT SELECT (
        id, job_id, task, title, error_code, safe_message, attempt, correlation_id, operator_id, status, created_at, updated_at,
        resolved_at, resolver, version
    ) ON job_alerts TO lectern_support, lectern_monitor
    """,
    "GRANT SELECT ON job_alerts TO lectern_administrator, lectern_auditor",
    """
    GRANT UPDATE (status, updated_at, resolved_at, resolver, version) ON job_alerts TO lectern_support, lectern_administrator
    """,
    "GRANT INSERT ON job_alert_notes TO lectern_support, lectern_administrator",
)


def upgrade() -> None:
    """Add the tables."""
    for statement in (*TABLES, *GRANTS):
        op.execute(statement)


def downgrade() -> None:
    """Take everything away again."""
    op.execute("REVOKE SELECT (id, rule, count, raised_at, acknowledged_at) ON audit_alert FROM lectern_monitor")
    op.drop_table("job_alert_notes")
    op.drop_table("job_alerts")
    op.drop_table("notice_seen")
    op.drop_table("notice_deliveries")
    op.drop_table("notice_silences")
    op.drop_table("notices")
