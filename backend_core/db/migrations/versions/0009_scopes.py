"""Containers, the one door into them, and what was said in them."""

from __future__ import annotations

from typing import Final

from alembic import op

from backend_core.db.migrations.closed import close_table

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLES: Final = (
    r"""
    CREATE TABLE containers (
        id INTEGER GENERATED ALWAYS AS IDENTITY,
        public_id UUID DEFAULT gen_random_uuid() NOT NULL,
        kind VARCHAR(10) NOT NULL,
        tag VARCHAR(320) NOT NULL,
        user_id UUID,
        persona_id VARCHAR(40),
        chat_guid VARCHAR(255),
        conversation_id UUID NOT NULL,
        synthetic BOOLEAN DEFAULT false NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_containers PRIMARY KEY (id),
        CONSTRAINT ck_containers_direct_or_group CHECK (kind = 'direct' AND user_id IS NOT NULL AND persona_id IS NOT NULL
            AND chat_guid IS NULL OR kind = 'group' AND user_id IS NULL AND persona_id IS NULL AND chat_guid IS NOT NULL),
        CONSTRAINT ck_containers_tag_grammar CHECK (kind = 'direct' AND tag ~ '^user_\+[1-9][0-9]{6,14}_persona_[a-z0-9][a-z0-9-]*$'
            OR kind = 'group' AND tag = 'group_' || chat_guid),
        CONSTRAINT uq_containers_public_id UNIQUE (public_id),
        CONSTRAINT uq_containers_tag UNIQUE (tag),
        CONSTRAINT uq_containers_conversation_id UNIQUE (conversation_id),
        CONSTRAINT uq_containers_id_conversation_id UNIQUE (id, conversation_id),
        CONSTRAINT uq_containers_id_user_id_persona_id UNIQUE (id, user_id, persona_id),
        CONSTRAINT fk_containers_user_id_contacts FOREIGN KEY(user_id) REFERENCES contacts (id),
        CONSTRAINT fk_containers_persona_id_personas FOREIGN KEY(persona_id) REFERENCES personas (id),
        CONSTRAINT fk_containers_conversation_id_conversations FOREIGN KEY(conversation_id) REFERENCES conversations (id)
    )
    """,
    "CREATE UNIQUE INDEX uq_containers_direct ON containers (user_id, persona_id) WHERE kind = 'direct'",
    "CREATE UNIQUE INDEX uq_containers_group ON containers (chat_guid) WHERE kind = 'group'",
    """
    CREATE TABLE scope_key (
        id INTEGER NOT NULL,
        key BYTEA NOT NULL,
        CONSTRAINT pk_scope_key PRIMARY KEY (id),
        CONSTRAINT ck_scope_key_one_row CHECK (id = 1)
    )
    """,
    """
    CREATE UNLOGGED TABLE scope_writer (
        pid INTEGER NOT NULL,
        writer VARCHAR(80) NOT NULL,
        wseq BIGINT NOT NULL,
        leaf BYTEA NOT NULL,
        CONSTRAINT pk_scope_writer PRIMARY KEY (pid)
    )
    """,
    """
    CREATE TABLE privacy_incidents (
        id UUID DEFAULT gen_random_uuid() NOT NULL,
        at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        kind VARCHAR(40) NOT NULL,
        actor VARCHAR(200) NOT NULL,
        workstation VARCHAR(200) NOT NULL,
        detail VARCHAR(300) NOT NULL,
        correlation_id VARCHAR(40) NOT NULL,
        CONSTRAINT pk_privacy_incidents PRIMARY KEY (id),
        CONSTRAINT ck_privacy_incidents_kind_known CHECK (kind IN ('no_scope', 'scope_refused', 'foreign_write', 'wrong_conversation'))
    )
    """,
    "CREATE INDEX idx_privacy_incident_at ON privacy_incidents (at)",
    """
    CREATE TABLE messages (
        container_id INTEGER NOT NULL,
        id UUID DEFAULT gen_random_uuid() NOT NULL,
        conversation_id UUID NOT NULL,
        sender VARCHAR(80) NOT NULL,
        user_id UUID,
        direction VARCHAR(3) NOT NULL,
        body TEXT NOT NULL,
        timestamp TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        external_id VARCHAR(200),
        reply_to_photo UUID,
        correlation_id VARCHAR(40) NOT NULL,
        forgotten_at TIMESTAMP WITH TIME ZONE,
        purge_after TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_messages PRIMARY KEY (container_id, id),
        CONSTRAINT ck_messages_direction_known CHECK (direction IN ('in', 'out')),
        CONSTRAINT uq_messages_container_id_external_id UNIQUE (container_id, external_id),
        CONSTRAINT fk_messages_container_id_conversation_id_containers FOREIGN KEY(container_id, conversation_id)
            REFERENCES containers (id, conversation_id) ON DELETE CASCADE,
        CONSTRAINT fk_messages_user_id_contacts FOREIGN KEY(user_id) REFERENCES contacts (id)
    )
    """,
    "CREATE INDEX idx_message_conversation_timestamp ON messages (conversation_id, timestamp DESC)",
    "CREATE INDEX idx_message_purge ON messages (purge_after) WHERE purge_after IS NOT NULL",
    "CREATE INDEX idx_message_sender ON messages (sender)",
    "CREATE INDEX idx_message_user ON messages (user_id)",
    """
    CREATE TABLE photos (
        container_id INTEGER NOT NULL,
        id UUID DEFAULT gen_random_uuid() NOT NULL,
        conversation_id UUID NOT NULL,
        sender VARCHAR(80) NOT NULL,
        user_id UUID,
        attachment_guid VARCHAR(200) NOT NULL,
        object_id BIGINT,
        status VARCHAR(12) DEFAULT 'pending' NOT NULL,
        caption TEXT,
        content_type VARCHAR(80),
        size_bytes BIGINT,
        width INTEGER,
        height INTEGER,
        summary TEXT,
        recognised_text TEXT,
        error_code VARCHAR(40),
        error VARCHAR(300),
        correlation_id VARCHAR(40) NOT NULL,
        received_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        ready_at TIMESTAMP WITH TIME ZONE,
        asked_early INTEGER DEFAULT '0' NOT NULL,
        answered_late INTEGER DEFAULT '0' NOT NULL,
        forgotten_at TIMESTAMP WITH TIME ZONE,
        purge_after TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_photos PRIMARY KEY (container_id, id),
        CONSTRAINT ck_photos_status_known CHECK (status IN ('deferred', 'pending', 'processing', 'ready', 'failed')),
        CONSTRAINT fk_photos_container_id_conversation_id_containers FOREIGN KEY(container_id, conversation_id)
            REFERENCES containers (id, conversation_id) ON DELETE CASCADE,
        CONSTRAINT fk_photos_user_id_contacts FOREIGN KEY(user_id) REFERENCES contacts (id),
        CONSTRAINT fk_photos_object_id_objects FOREIGN KEY(object_id) REFERENCES objects (id)
    )
    """,
    """
    CREATE INDEX idx_photo_conversation_open ON photos (conversation_id, received_at DESC) WHERE status IN ('pending', 'processing')
    """,
    "CREATE INDEX idx_photo_object ON photos (object_id)",
    "CREATE INDEX idx_photo_purge ON photos (purge_after) WHERE purge_after IS NOT NULL",
    "CREATE INDEX idx_photo_user ON photos (user_id)",
    "CREATE UNIQUE INDEX uq_photo_attachment ON photos (container_id, attachment_guid)",
    """
    CREATE TABLE reminders (
        container_id INTEGER NOT NULL,
        id UUID DEFAULT gen_random_uuid() NOT NULL,
        conversation_id UUID NOT NULL,
        user_id UUID,
        text TEXT NOT NULL,
        due_at TIMESTAMP WITH TIME ZONE NOT NULL,
        rule VARCHAR(100),
        source_message_id UUID,
        created_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        sent_at TIMESTAMP WITH TIME ZONE,
        cancelled_at TIMESTAMP WITH TIME ZONE,
        forgotten_at TIMESTAMP WITH TIME ZONE,
        purge_after TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_reminders PRIMARY KEY (container_id, id),
        CONSTRAINT fk_reminders_container_id_conversation_id_containers FOREIGN KEY(container_id, conversation_id)
            REFERENCES containers (id, conversation_id) ON DELETE CASCADE,
        CONSTRAINT fk_reminders_user_id_contacts FOREIGN KEY(user_id) REFERENCES contacts (id)
    )
    """,
    "CREATE INDEX idx_reminder_due ON reminders (due_at) WHERE sent_at IS NULL",
    "CREATE INDEX idx_reminder_purge ON reminders (purge_after) WHERE purge_after IS NOT NULL",
    "CREATE INDEX idx_reminder_user ON reminders (user_id)",
    """
    CREATE TABLE relationship_state (
        container_id INTEGER NOT NULL,
        user_id UUID NOT NULL,
        persona_id VARCHAR(40) NOT NULL,
        trust INTEGER DEFAULT '0' NOT NULL,
        rapport INTEGER DEFAULT '0' NOT NULL,
        stage VARCHAR(20) DEFAULT 'stranger' NOT NULL,
        messages INTEGER DEFAULT '0' NOT NULL,
        updated_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_relationship_state PRIMARY KEY (container_id),
        CONSTRAINT ck_relationship_state_within_bounds CHECK (trust BETWEEN 0 AND 100 AND rapport BETWEEN 0 AND 100),
        CONSTRAINT ck_relationship_state_stage_known CHECK (stage IN ('stranger', 'acquaintance', 'friend', 'best_friend')),
        CONSTRAINT fk_relationship_state_container_id_user_id_persona_id_c_7750
            FOREIGN KEY(container_id, user_id, persona_id) REFERENCES containers (id, user_id, persona_id) ON DELETE CASCADE
    )
    """,
    "CREATE INDEX idx_relationship_state_user_persona ON relationship_state (user_id, persona_id)",
)

PEOPLE: Final = "lectern_support, lectern_administrator"

# The tag is a label made of what the row says; nobody writes it by hand.
TAG: Final = """
CREATE FUNCTION label_container() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    found_phone text;
BEGIN
    IF NEW.kind = 'group' THEN
        NEW.tag := 'group_' || NEW.chat_guid;
        RETURN NEW;
    END IF;
    SELECT phone INTO found_phone FROM public.contacts WHERE id = NEW.user_id;
    IF found_phone IS NULL THEN
        RAISE EXCEPTION 'a contact without a phone has no direct container' USING ERRCODE = 'check_violation';
    END IF;
    NEW.tag := 'user_' || found_phone || '_persona_' || NEW.persona_id;
    RETURN NEW;
END $$
"""
RELABEL: Final = """
CREATE FUNCTION relabel_containers() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    UPDATE public.containers SET tag = tag WHERE user_id = NEW.id;
    RETURN NULL;
END $$
"""

# With a container everything in it goes, past every policy; so that too takes its scope, and leaves a row. Not so where everybody is
# made up: nobody can turn a real container into such a one.
KEEP: Final = """
CREATE FUNCTION keep_container() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT OLD.synthetic AND OLD.id IS DISTINCT FROM public.scope_id() THEN
        RAISE EXCEPTION 'a container is removed inside its scope' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN OLD;
END $$
"""

# Whose words may be seen: of the container, the transaction, the server process and the login that ``enter_scope`` signed together.
SCOPE_ID: Final = """
CREATE FUNCTION scope_id() RETURNS integer LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    given text := current_setting('lectern.scope', true);
    named integer;
    mine xid8 := pg_current_xact_id_if_assigned();
    secret bytea;
BEGIN
    IF mine IS NULL OR given IS NULL OR given !~ '^[0-9]{1,9}\\.[0-9a-f]{64}$' THEN
        RETURN NULL;
    END IF;
    named := split_part(given, '.', 1)::integer;
    SELECT key INTO secret FROM public.scope_key WHERE id = 1;
    -- the body of scope_signature: calling it would cost more than all the rest
    IF secret IS NULL OR split_part(given, '.', 2) <> encode(sha256(secret || sha256(secret
        || convert_to(named || '.' || mine || '.' || pg_backend_pid() || '.' || session_user, 'UTF8'))), 'hex') THEN
        RETURN NULL;
    END IF;
    RETURN named;
END $$
"""
SIGNATURE: Final = """
CREATE FUNCTION scope_signature(secret bytea, named integer, transaction xid8) RETURNS text LANGUAGE sql STABLE
SET search_path = pg_catalog, public, pg_temp AS $$
    SELECT encode(sha256(secret || sha256(secret
        || convert_to(named || '.' || transaction || '.' || pg_backend_pid() || '.' || session_user, 'UTF8'))), 'hex')
$$
"""
ENTER: Final = """
CREATE FUNCTION enter_scope(container integer, reason text, facts jsonb DEFAULT NULL) RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    opened integer := public.scope_id();
    handle uuid;
    secret bytea;
BEGIN
    IF coalesce(enter_scope.reason, '') !~ '[^[:space:]]' THEN
        RAISE EXCEPTION 'a scope is opened with a reason' USING ERRCODE = 'LS001';
    END IF;
    IF NOT pg_has_role(session_user, 'lectern_app', 'MEMBER') AND public.lectern_operator_id() IS NULL THEN
        RAISE EXCEPTION 'only an operator opens a scope' USING ERRCODE = 'LS001';
    END IF;
    SELECT c.public_id INTO handle FROM public.containers c WHERE c.id = enter_scope.container;
    IF handle IS NULL THEN
        RAISE EXCEPTION 'there is no such container' USING ERRCODE = 'LS001';
    END IF;
    IF opened IS NOT NULL THEN
        IF opened = enter_scope.container THEN
            RETURN true;
        END IF;
        RAISE EXCEPTION 'a transaction opens one scope' USING ERRCODE = 'LS001';
    END IF;
    PERFORM public.record_scope(handle, enter_scope.reason, coalesce(enter_scope.facts, '{}'::jsonb));
    SELECT key INTO secret FROM public.scope_key WHERE id = 1;
    IF secret IS NULL THEN
        INSERT INTO public.scope_key (id, key)
        VALUES (1, decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex')) ON CONFLICT DO NOTHING;
        SELECT key INTO secret FROM public.scope_key WHERE id = 1;
    END IF;
    PERFORM set_config('lectern.scope', enter_scope.container || '.'
        || public.scope_signature(secret, enter_scope.container, pg_current_xact_id()), true);
    -- containers differ a hundredfold in size: a plan made for the average one reads the biggest from end to end
    PERFORM set_config('plan_cache_mode', 'force_custom_plan', true);
    RETURN true;
END $$
"""

# The row of the audit log, chained as every writer chains its own; the bytes are those of audit/chain.py. One writer per server process.
RECORD: Final = """
CREATE FUNCTION record_scope(handle uuid, given_reason text, facts jsonb) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    head public.scope_writer%ROWTYPE;
    event public.audit_event%ROWTYPE;
    stamp bigint;
BEGIN
    SELECT * INTO head FROM public.scope_writer WHERE pid = pg_backend_pid();
    IF NOT FOUND THEN
        head.writer := 'database:' || gen_random_uuid();
        head.wseq := 0;
        head.leaf := sha256(convert_to(E'lectern-writer\\n' || head.writer, 'UTF8'));
    END IF;
    stamp := (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;
    event.at := 'epoch'::timestamptz + stamp * interval '1 microsecond';
    event.writer := head.writer;
    event.wseq := head.wseq + 1;
    event.actor := left(coalesce(facts ->> 'actor', session_user), 200);
    event.actor_id := (facts ->> 'actor_id')::bigint;
    event.role := left(coalesce(facts ->> 'role', 'database'), 20);
    event.action := left(coalesce(facts ->> 'action', 'memory.open'), 80);
    event.target := 'container:' || handle;
    event.outcome := 'done';
    event.reason := left(given_reason, 500);
    event.after := jsonb_build_object('login', session_user);
    event.workstation := left(coalesce(facts ->> 'workstation', host(inet_client_addr()), 'local'), 200);
    event.client_version := left(coalesce(facts ->> 'client_version', current_setting('application_name'), ''), 40);
    event.correlation_id := left(coalesce(facts ->> 'correlation_id', ''), 40);
    event.leaf := sha256(head.leaf || convert_to(json_build_array(
        event.writer, event.wseq, stamp, event.actor, event.actor_id, event.role, event.action, event.target, event.outcome, event.reason,
        event.before::text, event.after::text, event.workstation, event.client_version, event.correlation_id)::text, 'UTF8'));
    INSERT INTO public.audit_event (at, writer, wseq, leaf, actor, actor_id, role, action, target, outcome, reason, before, after,
                                    workstation, client_version, correlation_id)
    VALUES (event.at, event.writer, event.wseq, event.leaf, event.actor, event.actor_id, event.role, event.action, event.target,
            event.outcome, event.reason, event.before, event.after, event.workstation, event.client_version, event.correlation_id);
    INSERT INTO public.scope_writer (pid, writer, wseq, leaf) VALUES (pg_backend_pid(), event.writer, event.wseq, event.leaf)
    ON CONFLICT (pid) DO UPDATE SET wseq = excluded.wseq, leaf = excluded.leaf;
END $$
"""
FUNCTIONS: Final = {
    "label_container()": TAG,
    "relabel_containers()": RELABEL,
    "keep_container()": KEEP,
    "scope_signature(bytea, integer, xid8)": SIGNATURE,
    "scope_id()": SCOPE_ID,
    "record_scope(uuid, text, jsonb)": RECORD,
    "enter_scope(integer, text, jsonb)": ENTER,
}
CLOSED: Final = {
    "messages": "container_id, id, conversation_id, sender, user_id, direction, timestamp, forgotten_at, purge_after",
    "photos": (
        "container_id, id, conversation_id, sender, user_id, object_id, status, content_type, size_bytes, width, height, error_code, error,"
        " correlation_id, received_at, ready_at, asked_early, answered_late, forgotten_at, purge_after"
    ),
    "reminders": "container_id, id, conversation_id, user_id, due_at, rule, created_at, sent_at, cancelled_at, forgotten_at, purge_after",
    "relationship_state": "container_id, user_id, persona_id, stage, messages, updated_at",
}


def upgrade() -> None:
    """Add containers, scopes and what is kept in them."""
    for statement in (*TABLES, *FUNCTIONS.values()):
        op.execute(statement)
    op.execute("CREATE TRIGGER containers_keep BEFORE DELETE ON containers FOR EACH ROW EXECUTE FUNCTION keep_container()")
    op.execute("CREATE TRIGGER containers_label BEFORE INSERT OR UPDATE ON containers FOR EACH ROW EXECUTE FUNCTION label_container()")
    op.execute(
        "CREATE TRIGGER contacts_relabel AFTER UPDATE OF phone ON contacts FOR EACH ROW"
        " WHEN (OLD.phone IS DISTINCT FROM NEW.phone) EXECUTE FUNCTION relabel_containers()"
    )
    for table, columns in CLOSED.items():
        close_table(table, metadata=columns)
    _rights()


def _rights() -> None:
    for name in FUNCTIONS:
        op.execute(f"REVOKE EXECUTE ON FUNCTION {name} FROM PUBLIC, lectern_app")
    # a policy is checked with the rights of whoever asks; a definer function is not
    op.execute(f"GRANT EXECUTE ON FUNCTION scope_id(), enter_scope(integer, text, jsonb) TO lectern_app, {PEOPLE}")
    op.execute(f"GRANT EXECUTE ON FUNCTION label_container() TO lectern_app, {PEOPLE}")
    op.execute("REVOKE ALL ON scope_key, scope_writer FROM lectern_app")
    # whose words a container holds is settled when it is made
    op.execute("REVOKE UPDATE, TRUNCATE ON containers FROM lectern_app")
    op.execute(f"GRANT SELECT, INSERT, DELETE ON containers TO {PEOPLE}")
    op.execute("GRANT SELECT ON containers TO lectern_directory")
    op.execute("REVOKE UPDATE, DELETE, TRUNCATE ON privacy_incidents FROM lectern_app")
    op.execute("GRANT INSERT ON privacy_incidents TO lectern_support, lectern_administrator, lectern_auditor")
    op.execute("GRANT SELECT ON privacy_incidents TO lectern_administrator, lectern_auditor, lectern_monitor")


def downgrade() -> None:
    """Take everything away again."""
    op.execute("DROP TRIGGER contacts_relabel ON contacts")
    for table in ("relationship_state", "reminders", "photos", "messages", "privacy_incidents", "scope_writer", "scope_key", "containers"):
        op.drop_table(table)
    for name in FUNCTIONS:
        op.execute(f"DROP FUNCTION {name}")
