"""Which privileges of which table the actions of the policy justify, role by role, written out by hand."""

from __future__ import annotations

from dataclasses import dataclass

from backend_core.audit.tables import audit_event
from backend_core.policy import ADMIN, AUDITOR, SUPPORT

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
        select=(EVERYBODY,),
        insert=("operator.add",),
        update=("operator.edit",),
        hidden={SUPPORT: ("email",)},
        columns={ADMIN: ("name", "os_user", "role", "disabled_at", "email", "db_login", "version")},
    ),
    "operator_password": Rights(),
    "auth_session": Rights(
        select=(EVERYBODY,),
        insert=(EVERYBODY,),
        update=(EVERYBODY,),
        hidden=dict.fromkeys((SUPPORT, ADMIN, AUDITOR), ("token",)),
        columns=dict.fromkeys((SUPPORT, ADMIN, AUDITOR), ("last_seen_at", "revoked_at")),
    ),
    "sign_in_failure": Rights(select=(EVERYBODY,), insert=(EVERYBODY,), update=(EVERYBODY,)),
    "audit_event": Rights(select=(EVERYBODY,), insert=(EVERYBODY,), hidden={SUPPORT: EVENT}),
    "documents": Rights(
        select=READ,
        insert=WORK,
        update=("document.rename",),
        columns={
            SUPPORT: DOCUMENT,
            ADMIN: (*DOCUMENT, "owner_id"),
        },
    ),
    "document_pages": Rights(
        select=READ,
        insert=("operator.add",),
        update=("audio.generate",),
        delete=("document.retry",),
        columns=dict.fromkeys((SUPPORT, ADMIN), ("revision",)),
    ),
    "audios": Rights(
        select=READ,
        insert=("audio.generate",),
        update=("audio.play",),
        columns={
            AUDITOR: ("last_played_at",),
            **dict.fromkeys(
                (SUPPORT, ADMIN),
                (
                    "document_id",
                    "voice",
                    "rate",
                    "pitch",
                    "created_by",
                    "status",
                    "lifetime",
                    "correlation_id",
                    "error",
                    "error_code",
                    "created_at",
                    "job_id",
                    "last_played_at",
                    "deleted_at",
                ),
            ),
        },
    ),
    "objects": Rights(select=READ, insert=WORK, update=WORK, columns=dict.fromkeys((SUPPORT, ADMIN), ("refs", "released_at"))),
    "object_intents": Rights(select=WORK, insert=WORK, delete=WORK),
    "job_run": Rights(select=("job.list",), insert=WORK, update=("job.cancel",), columns=dict.fromkeys((SUPPORT, ADMIN), ("finished_at",))),
    "job_failure": Rights(select=("job.list",), hidden={SUPPORT: ("detail",)}),
    "job_alerts": Rights(
        select=("job_alert.list",),
        update=("job_alert.update",),
        hidden={SUPPORT: ("detail",)},
        columns=dict.fromkeys((SUPPORT, ADMIN), ("status", "updated_at", "resolved_at", "resolver", "version")),
    ),
    "job_alert_notes": Rights(select=("job_alert.list",), insert=("job_alert.update",)),
    "notices": Rights(
        select=("notice.list",),
        update=("notice.acknowledge",),
        columns=dict.fromkeys((SUPPORT, ADMIN, AUDITOR), ("acknowledged_at", "acknowledged_by", "note")),
    ),
    "notice_silences": Rights(
        select=("notice.list",),
        insert=("notice.silence",),
        update=("notice.silence",),
        columns={ADMIN: ("lifted_at", "lifted_by")},
    ),
    "notice_deliveries": Rights(select=("log.read",)),
    "notice_seen": Rights(
        select=("notice.list",),
        insert=("notice.list",),
        update=("notice.list",),
        columns=dict.fromkeys((SUPPORT, ADMIN, AUDITOR), ("seen_at",)),
    ),
    "process_report": Rights(),
    **dict.fromkeys(("metric_series", "metric_frames"), Rights(select=("metrics.read",))),
    "slo_events": Rights(select=("slo.read",)),
    "blocking_episodes": Rights(select=("server.read",)),
    "index_snapshots": Rights(select=("index.read",)),
    "index_changes": Rights(
        select=("index.read",), insert=("index.change",), update=("index.change",), columns={ADMIN: ("status", "error", "finished_at")},
    ),
    **dict.fromkeys(("counter_falls", "statement_texts", "statement_figures"), Rights(select=("server.read",))),
    "readiness_results": Rights(
        select=("readiness.read",), insert=("readiness.measure",), update=("readiness.measure",), delete=("readiness.measure",),
    ),
    "readiness_runs": Rights(select=("readiness.read",), insert=("readiness.measure",), delete=("readiness.measure",)),
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
    "notices": {"SELECT", "INSERT", "UPDATE"},
    **{f"notice_{name}": {"SELECT"} for name in ("silences", "deliveries", "seen")},
    **{name: {"SELECT"} for name in ("job_alerts", "job_alert_notes", "audit_alert", "audit_verification")},
    **{
        name: {"SELECT", "INSERT", "UPDATE", "DELETE"}
        for name in (
            "metric_series",
            "metric_frames",
            "slo_events",
            "counter_falls",
            "statement_texts",
            "statement_figures",
            "blocking_episodes",
            "index_snapshots",
        )
    },
    "index_changes": {"SELECT"},
    **{name: {"SELECT"} for name in ("alembic_version", "job_run", "job_failure", "backups")},
    **{name: {"SELECT"} for name in ("readiness_results", "readiness_runs")},
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
