"""People and talk: contacts, personas, conversations, and the tokens by which the program acts for a contact elsewhere."""

from __future__ import annotations

from typing import Final

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLES: Final = (
    r"""
    CREATE TABLE contacts (
        id UUID DEFAULT gen_random_uuid() NOT NULL,
        phone VARCHAR(16),
        display_name VARCHAR(200) NOT NULL,
        email VARCHAR(320),
        language VARCHAR(16),
        synthetic BOOLEAN DEFAULT false NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        disabled_at TIMESTAMP WITH TIME ZONE,
        deletion_requested_at TIMESTAMP WITH TIME ZONE,
        erased_at TIMESTAMP WITH TIME ZONE,
        version INTEGER DEFAULT '1' NOT NULL,
        CONSTRAINT pk_contacts PRIMARY KEY (id),
        CONSTRAINT ck_contacts_phone_e164 CHECK (phone ~ '^\+[1-9][0-9]{6,14}$'),
        CONSTRAINT uq_contacts_phone UNIQUE (phone)
    )
    """,
    "CREATE INDEX idx_contact_email ON contacts (lower(email::text))",
    "CREATE INDEX idx_contact_name ON contacts (lower(display_name::text))",
    """
    CREATE TABLE personas (
        id VARCHAR(40) NOT NULL,
        name VARCHAR(80) NOT NULL,
        version INTEGER DEFAULT '1' NOT NULL,
        passport JSONB DEFAULT '{}'::jsonb NOT NULL,
        enabled BOOLEAN DEFAULT true NOT NULL,
        synthetic BOOLEAN DEFAULT false NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_personas PRIMARY KEY (id),
        CONSTRAINT ck_personas_id_slug CHECK (id ~ '^[a-z0-9][a-z0-9-]*$')
    )
    """,
    """
    CREATE TABLE persona_passports (
        persona_id VARCHAR(40) NOT NULL,
        version INTEGER NOT NULL,
        passport JSONB NOT NULL,
        changed_by VARCHAR(200) NOT NULL,
        at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_persona_passports PRIMARY KEY (persona_id, version),
        CONSTRAINT fk_persona_passports_persona_id_personas FOREIGN KEY(persona_id) REFERENCES personas (id) ON DELETE CASCADE
    )
    """,
    """
    CREATE TABLE conversations (
        id UUID DEFAULT gen_random_uuid() NOT NULL,
        kind VARCHAR(10) NOT NULL,
        persona_id VARCHAR(40),
        user_id UUID,
        title VARCHAR(200),
        synthetic BOOLEAN DEFAULT false NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_conversations PRIMARY KEY (id),
        CONSTRAINT ck_conversations_direct_or_group CHECK (kind IN ('direct', 'group') AND (kind = 'direct') = (user_id IS NOT NULL)),
        CONSTRAINT fk_conversations_persona_id_personas FOREIGN KEY(persona_id) REFERENCES personas (id),
        CONSTRAINT fk_conversations_user_id_contacts FOREIGN KEY(user_id) REFERENCES contacts (id)
    )
    """,
    "CREATE INDEX idx_conversation_user ON conversations (user_id)",
    """
    CREATE TABLE memberships (
        id UUID DEFAULT gen_random_uuid() NOT NULL,
        conversation_id UUID NOT NULL,
        user_id UUID NOT NULL,
        role VARCHAR(20) DEFAULT 'member' NOT NULL,
        joined_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        left_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_memberships PRIMARY KEY (id),
        CONSTRAINT ck_memberships_role_known CHECK (role IN ('member', 'owner')),
        CONSTRAINT fk_memberships_conversation_id_conversations FOREIGN KEY(conversation_id)
            REFERENCES conversations (id) ON DELETE CASCADE,
        CONSTRAINT fk_memberships_user_id_contacts FOREIGN KEY(user_id) REFERENCES contacts (id)
    )
    """,
    "CREATE INDEX idx_membership_user ON memberships (user_id, conversation_id) WHERE left_at IS NULL",
    "CREATE UNIQUE INDEX uq_membership_live ON memberships (conversation_id, user_id) WHERE left_at IS NULL",
    """
    CREATE TABLE oauth_tokens (
        id UUID DEFAULT gen_random_uuid() NOT NULL,
        user_id UUID NOT NULL,
        provider VARCHAR(60) NOT NULL,
        scopes VARCHAR(500) DEFAULT '' NOT NULL,
        enc_access BYTEA NOT NULL,
        enc_refresh BYTEA,
        key_id VARCHAR(40) NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        refreshed_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        failures INTEGER DEFAULT '0' NOT NULL,
        error_code VARCHAR(40),
        next_try_at TIMESTAMP WITH TIME ZONE,
        revoked_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_oauth_tokens PRIMARY KEY (id),
        CONSTRAINT uq_oauth_tokens_user_id_provider UNIQUE (user_id, provider),
        CONSTRAINT fk_oauth_tokens_user_id_contacts FOREIGN KEY(user_id) REFERENCES contacts (id)
    )
    """,
    "CREATE INDEX idx_oauth_token_expiry ON oauth_tokens (expires_at)",
)

PEOPLE: Final = "lectern_support, lectern_administrator"


def upgrade() -> None:
    """Add the tables, and whom a document is kept for."""
    # what a backup of a shared server reads, and what a list across all containers reads
    op.execute("GRANT USAGE ON SCHEMA public TO lectern_backup, lectern_directory")
    op.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO lectern_backup")
    op.execute("GRANT SELECT ON ALL SEQUENCES IN SCHEMA public TO lectern_backup")
    op.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO lectern_backup")
    op.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON SEQUENCES TO lectern_backup")
    op.execute("CREATE POLICY auth_session_backup ON auth_session FOR SELECT TO lectern_backup USING (true)")
    op.execute("CREATE POLICY sign_in_failure_backup ON sign_in_failure FOR SELECT TO lectern_backup USING (true)")
    op.execute("CREATE POLICY audit_view_backup ON audit_view FOR SELECT TO lectern_backup USING (true)")
    for statement in TABLES:
        op.execute(statement)
    op.execute("ALTER TABLE documents ADD COLUMN on_behalf_of UUID")
    op.execute(
        "ALTER TABLE documents ADD CONSTRAINT fk_documents_on_behalf_of_contacts FOREIGN KEY (on_behalf_of) REFERENCES contacts (id)"
    )
    op.execute("CREATE INDEX idx_document_on_behalf ON documents (on_behalf_of) WHERE on_behalf_of IS NOT NULL")
    _rights()


def _rights() -> None:
    op.execute(f"GRANT SELECT, INSERT ON contacts, conversations, memberships TO {PEOPLE}")
    op.execute(f"GRANT SELECT ON personas, persona_passports TO {PEOPLE}, lectern_auditor")
    op.execute("GRANT INSERT ON personas, persona_passports TO lectern_administrator")
    # whoever looks after people sees that there is access to another service, never the token
    seen = "id, user_id, provider, scopes, expires_at, refreshed_at, failures, error_code, revoked_at"
    op.execute(f"GRANT SELECT ({seen}) ON oauth_tokens TO lectern_support")
    op.execute("GRANT SELECT, INSERT ON oauth_tokens TO lectern_administrator")
    op.execute(f"GRANT UPDATE (phone, display_name, email, language, version) ON contacts TO {PEOPLE}")
    op.execute("GRANT UPDATE (disabled_at, deletion_requested_at, erased_at) ON contacts TO lectern_administrator")
    op.execute(f"GRANT UPDATE (title, persona_id) ON conversations TO {PEOPLE}")
    op.execute(f"GRANT UPDATE (left_at, role) ON memberships TO {PEOPLE}")
    op.execute(f"GRANT DELETE ON conversations, memberships TO {PEOPLE}")
    op.execute("GRANT UPDATE ON personas, oauth_tokens TO lectern_administrator")
    op.execute("GRANT DELETE ON oauth_tokens TO lectern_administrator")
    op.execute(f"GRANT UPDATE (on_behalf_of) ON documents TO {PEOPLE}")
    op.execute("GRANT SELECT ON contacts, personas, conversations, memberships TO lectern_directory")


def downgrade() -> None:
    """Take everything away again."""
    op.execute("ALTER TABLE documents DROP COLUMN on_behalf_of")
    for table in ("oauth_tokens", "memberships", "conversations", "persona_passports", "personas", "contacts"):
        op.drop_table(table)
    for table in ("auth_session", "sign_in_failure", "audit_view"):
        op.execute(f"DROP POLICY {table}_backup ON {table}")
    op.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE SELECT ON TABLES FROM lectern_backup")
    op.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE SELECT ON SEQUENCES FROM lectern_backup")
    op.execute("REVOKE SELECT ON ALL TABLES IN SCHEMA public FROM lectern_backup")
    op.execute("REVOKE SELECT ON ALL SEQUENCES IN SCHEMA public FROM lectern_backup")
    op.execute("REVOKE USAGE ON SCHEMA public FROM lectern_backup, lectern_directory")
