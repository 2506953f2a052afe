"""Indexes behind foreign keys, built while everybody goes on working."""

from __future__ import annotations

from typing import Final

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# name of the index, and what it is on
INDEXES: Final = {
    "idx_document_owner_any": "documents (owner_id)",
    "idx_document_object": "documents (object_id)",
    "idx_audio_document_any": "audios (document_id)",
    "idx_audio_object": "audios (object_id) WHERE object_id IS NOT NULL",
    "idx_audio_created_by": "audios (created_by)",
    "idx_conversation_persona": "conversations (persona_id)",
    "idx_membership_conversation": "memberships (conversation_id)",
    "idx_membership_contact": "memberships (user_id)",
    "idx_container_contact": "containers (user_id) WHERE user_id IS NOT NULL",
    "idx_container_persona": "containers (persona_id) WHERE persona_id IS NOT NULL",
    "idx_person_erasure_user": "person_erasures (user_id)",
}


def upgrade() -> None:
    """Build each without stopping writers; one that an interrupted run left half built is built anew."""
    with op.get_context().autocommit_block():
        for name, what in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {what}")


def downgrade() -> None:
    """Drop them without stopping anybody."""
    with op.get_context().autocommit_block():
        for name in reversed(INDEXES):
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
