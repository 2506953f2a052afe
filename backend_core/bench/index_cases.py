"""For each performance index the question it is for, and rows to ask it of: used by the benchmark and by the tests of plans.

Rows are made up inside the server. ``R`` is their number; the share a question finds stays the same or shrinks as they grow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, LiteralString


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One index and the question it answers.

    Attributes:
        number: among the twenty that the product declares; ``None`` for the others.
        find: the question, as a statement.
    """

    index: str
    table: str
    find: LiteralString
    number: int | None = None


FILLS: Final[dict[str, LiteralString]] = {
    "messages": """
        INSERT INTO messages (container_id, conversation_id, sender, user_id, direction, body, timestamp, correlation_id, purge_after)
        SELECT 1 + g %% greatest(2, R / 500), md5('c' || g %% greatest(2, R / 500))::uuid,
               '+1555' || lpad(((hashint4(g) & 2147483647) %% greatest(2, R / 20))::text, 7, '0'),
               md5('u' || g %% greatest(2, R / 20))::uuid, 'in',
               'What was said here is of no interest, number ' || g, now() - g * interval '1 minute', 'bench',
               CASE WHEN g %% 1000 = 0 THEN now() - interval '1 day' END
          FROM (SELECT %(rows)s::int AS R) AS size, generate_series(1, R) AS g
    """,
    "relationship_state": """
        INSERT INTO relationship_state (container_id, user_id, persona_id)
        SELECT g, md5('u' || g / 2)::uuid, CASE g %% 2 WHEN 0 THEN 'sage' ELSE 'echo' END
          FROM generate_series(1, %(rows)s) AS g
    """,
    "oauth_tokens": """
        INSERT INTO oauth_tokens (user_id, provider, enc_access, key_id, expires_at)
        SELECT md5('u' || g)::uuid, 'calendar', decode(md5(g::text), 'hex'), 'k', now() + (g - 10) * interval '1 minute'
          FROM generate_series(1, %(rows)s) AS g
    """,
    "memories": """
        INSERT INTO memories (container_id, turn, text, content_hash, source_message_id, created_at, forgotten_at, purge_after)
        SELECT 1 + g %% greatest(2, R / 500), g, 'Something that is remembered, number ' || g, decode(md5(g::text), 'hex'),
               md5('m' || g)::uuid, now() - g * interval '1 minute', CASE WHEN g %% 50 = 0 THEN now() END,
               CASE WHEN g %% 1000 = 0 THEN now() - interval '1 hour' END
          FROM (SELECT %(rows)s::int AS R) AS size, generate_series(1, R) AS g
    """,
    "postings": """
        INSERT INTO postings (container_id, memory_id, term, tf, turn, tokens)
        SELECT 1 + g %% greatest(2, R / 2000), md5('m' || g / 8)::uuid, 'w' || (hashint4(g) & 2147483647) %% 500, 1, g, 8
          FROM (SELECT %(rows)s::int AS R) AS size, generate_series(1, R) AS g
    """,
    "boundaries": """
        INSERT INTO boundaries (container_id, kind, topic, topic_key, set_by, active, lifted_at)
        SELECT 1 + g %% greatest(2, R / 100), 'never', 't', 't' || g, 'x', g %% 2 = 1, CASE WHEN g %% 2 = 0 THEN now() END
          FROM (SELECT %(rows)s::int AS R) AS size, generate_series(1, R) AS g
    """,
    "memberships": """
        INSERT INTO memberships (conversation_id, user_id, left_at)
        SELECT md5('c' || g %% greatest(2, R / 10))::uuid, md5('u' || g %% greatest(2, R / 6))::uuid,
               CASE WHEN g %% 3 = 0 THEN now() END
          FROM (SELECT %(rows)s::int AS R) AS size, generate_series(1, R) AS g
        ON CONFLICT DO NOTHING
    """,
    "photos": """
        INSERT INTO photos (container_id, conversation_id, sender, attachment_guid, status, correlation_id, received_at, object_id, user_id)
        SELECT 1 + g %% greatest(2, R / 200), md5('c' || g %% greatest(2, R / 200))::uuid, '+1555', 'a' || g,
               CASE WHEN g %% 20 = 0 THEN 'pending' ELSE 'ready' END, 'bench', now() - g * interval '1 minute', g, md5('u' || g / 20)::uuid
          FROM (SELECT %(rows)s::int AS R) AS size, generate_series(1, R) AS g
    """,
    "reminders": """
        INSERT INTO reminders (container_id, conversation_id, user_id, text, due_at, sent_at)
        SELECT 1 + g %% greatest(2, R / 200), md5('c' || g %% greatest(2, R / 200))::uuid, md5('u' || g / 10)::uuid, 'Call back',
               now() + (g - R + 5) * interval '1 hour', CASE WHEN g < R - 100 THEN now() END
          FROM (SELECT %(rows)s::int AS R) AS size, generate_series(1, R) AS g
    """,
    "safety_events": """
        INSERT INTO safety_events (container_id, direction, category, action, provider, created_at, reviewed_at, verdict)
        SELECT 1 + g %% greatest(2, R / 200), 'input', 'hate', 'blocked', 'rules', now() - g * interval '1 minute',
               CASE WHEN g %% 100 > 0 THEN now() END, CASE WHEN g %% 100 > 0 THEN 'right' END
          FROM (SELECT %(rows)s::int AS R) AS size, generate_series(1, R) AS g
    """,
    "audios": """
        INSERT INTO audios (document_id, page_id, page_revision, voice, rate, pitch, status, lifetime, correlation_id, object_id,
                            created_by, expires_at)
        SELECT g / 20, g / 2, 1, 'local:' || g, 100, 50, 'COMPLETED', 'ACTIVE', 'bench', g, 1 + g %% greatest(2, R / 100),
               now() + (g - 10) * interval '1 hour'
          FROM (SELECT %(rows)s::int AS R) AS size, generate_series(1, R) AS g
    """,
    "audit_event": """
        INSERT INTO audit_event (at, writer, wseq, leaf, actor, role, action, target, outcome, workstation, client_version, correlation_id)
        SELECT now() - g * interval '10 seconds', 'bench', g, decode(md5(g::text), 'hex'), 'a' || g %% greatest(2, R / 50), 'admin',
               'act.' || g %% greatest(2, R / 100), 'document:' || g / 10, CASE WHEN g %% 200 = 0 THEN 'refused' ELSE 'done' END,
               'w', '0', 'c' || g
          FROM (SELECT %(rows)s::int AS R) AS size, generate_series(1, R) AS g
    """,
    "job_alerts": """
        INSERT INTO job_alerts (job_id, task, title, error_code, safe_message, detail, attempt, correlation_id, created_at, status,
                                resolved_at)
        SELECT g, 't', 't', 'timeout', 'm', 'd', 3, 'bench', now() - g * interval '1 minute',
               CASE WHEN g %% 100 = 0 THEN 'NEW' ELSE 'RESOLVED' END, CASE WHEN g %% 100 > 0 THEN now() END
          FROM generate_series(1, %(rows)s) AS g
    """,
    "auth_session": """
        INSERT INTO auth_session (operator_id, kind, token, workstation, created_at, expires_at)
        SELECT 1 + g %% greatest(2, R / 20), 'password', decode(md5(g::text), 'hex'), 'w', now(), now() + interval '1 hour'
          FROM (SELECT %(rows)s::int AS R) AS size, generate_series(1, R) AS g
    """,
    "documents": """
        INSERT INTO documents (owner_id, title, filename, kind, status, correlation_id, size_bytes, object_id, on_behalf_of, created_at)
        SELECT 1 + g %% greatest(2, R / 50), 't', 'f', 'txt', 'COMPLETED', 'bench', 1, g,
               CASE WHEN g %% 10 = 0 THEN md5('u' || g)::uuid END, now() - g * interval '1 minute'
          FROM (SELECT %(rows)s::int AS R) AS size, generate_series(1, R) AS g
    """,
    "job_run": """
        INSERT INTO job_run (job_id, task, title, document_id, correlation_id, created_at)
        SELECT g, 't', 't', g / 10, 'bench', now() - g * interval '1 minute' FROM generate_series(1, %(rows)s) AS g
    """,
    "job_failure": """
        INSERT INTO job_failure (job_id, task, attempt, at, error_code, sentence, detail, correlation_id)
        SELECT g, 't', 0, now() - g * interval '1 minute', 'timeout', 's', 'd', 'bench' FROM generate_series(1, %(rows)s) AS g
    """,
}

CASES: Final = (
    Case(number=1, index="idx_message_sender", table="messages", find="SELECT id, timestamp FROM messages WHERE sender = '+15550000001'"),
    Case(
        number=2, index="idx_message_conversation_timestamp", table="messages",
        find="SELECT id, body FROM messages WHERE conversation_id = md5('c1')::uuid ORDER BY timestamp DESC LIMIT 50",
    ),
    Case(
        number=3, index="idx_relationship_state_user_persona", table="relationship_state",
        find="SELECT trust, rapport, stage FROM relationship_state WHERE user_id = md5('u7')::uuid AND persona_id = 'sage'",
    ),
    Case(
        number=4, index="idx_oauth_token_expiry", table="oauth_tokens",
        find="SELECT id FROM oauth_tokens WHERE expires_at <= now() ORDER BY expires_at LIMIT 100",
    ),
    Case(
        number=6, index="idx_memory_container_live", table="memories",
        find="SELECT id, text FROM memories WHERE container_id = 2 AND forgotten_at IS NULL ORDER BY created_at DESC LIMIT 50",
    ),
    Case(
        number=7, index="idx_memory_purge", table="memories",
        find="SELECT id FROM memories WHERE purge_after IS NOT NULL AND purge_after <= now()",
    ),
    Case(
        number=8, index="idx_posting_term", table="postings",
        find="SELECT memory_id, tf FROM postings WHERE container_id = 2 AND term = ANY ('{w3,w14,w15}')",
    ),
    Case(
        number=9, index="idx_boundary_container", table="boundaries",
        find="SELECT kind, topic FROM boundaries WHERE container_id = 2 AND topic_key = 't1' AND active",
    ),
    Case(
        number=10, index="idx_membership_user", table="memberships",
        find="SELECT conversation_id FROM memberships WHERE user_id = md5('u5')::uuid AND left_at IS NULL",
    ),
    Case(
        number=13, index="idx_photo_conversation_open", table="photos",
        find="SELECT id, received_at FROM photos WHERE conversation_id = md5('c0')::uuid AND status IN ('pending', 'processing')"
        " ORDER BY received_at DESC",
    ),
    Case(
        number=14, index="uq_photo_attachment", table="photos",
        find="SELECT id FROM photos WHERE container_id = 2 AND attachment_guid = 'a1'",
    ),
    Case(number=15, index="idx_reminder_due", table="reminders", find="SELECT id FROM reminders WHERE due_at <= now() AND sent_at IS NULL"),
    Case(
        number=16, index="idx_safety_open", table="safety_events",
        find="SELECT id, category FROM safety_events WHERE reviewed_at IS NULL ORDER BY created_at DESC LIMIT 50",
    ),
    Case(
        number=17, index="uq_audio_active_voice", table="audios",
        find="SELECT id FROM audios WHERE page_id = 50 AND voice = 'local:100' AND lifetime = 'ACTIVE'",
    ),
    Case(
        number=18, index="idx_audio_expiry", table="audios",
        find="SELECT id FROM audios WHERE expires_at <= now() AND lifetime = 'ACTIVE' AND status = 'COMPLETED'",
    ),
    Case(
        number=19, index="idx_audit_action_at", table="audit_event",
        find="SELECT id, actor FROM audit_event WHERE action = 'act.1' ORDER BY at DESC, id DESC LIMIT 50",
    ),
    Case(
        number=20, index="idx_job_alert_open", table="job_alerts",
        find="SELECT id, title FROM job_alerts WHERE status IN ('NEW', 'ACKNOWLEDGED', 'INVESTIGATING') ORDER BY created_at DESC LIMIT 50",
    ),
    Case(index="idx_message_user", table="messages", find="SELECT id FROM messages WHERE user_id = md5('u1')::uuid"),
    Case(
        index="idx_memory_content", table="memories",
        find="SELECT id FROM memories WHERE container_id = 2 AND content_hash = decode(md5('1'), 'hex')",
    ),
    Case(
        index="idx_membership_conversation", table="memberships",
        find="SELECT user_id FROM memberships WHERE conversation_id = md5('c1')::uuid",
    ),
    Case(index="idx_audio_document_any", table="audios", find="SELECT id FROM audios WHERE document_id = 9"),
    Case(index="idx_audio_object", table="audios", find="SELECT id FROM audios WHERE object_id = 99"),
    Case(index="idx_document_owner_any", table="documents", find="SELECT id FROM documents WHERE owner_id = 2"),
    Case(index="idx_document_object", table="documents", find="SELECT id FROM documents WHERE object_id = 77"),
    Case(index="idx_document_on_behalf", table="documents", find="SELECT id FROM documents WHERE on_behalf_of = md5('u70')::uuid"),
    Case(
        index="uq_auth_session_token", table="auth_session",
        find="SELECT operator_id FROM auth_session WHERE token = decode(md5('77'), 'hex')",
    ),
    Case(index="idx_audit_correlation", table="audit_event", find="SELECT id FROM audit_event WHERE correlation_id = 'c77'"),
    Case(
        index="idx_audit_outcome", table="audit_event",
        find="SELECT id FROM audit_event WHERE outcome <> 'done' ORDER BY at DESC, id DESC LIMIT 20",
    ),
    Case(index="idx_job_run_document", table="job_run", find="SELECT job_id FROM job_run WHERE document_id = 8"),
    Case(
        index="idx_job_failure_at", table="job_failure",
        find="SELECT error_code, count(*) FROM job_failure WHERE at > now() - interval '1 hour' GROUP BY error_code",
    ),
)  # fmt: skip
