"""SQL shape of the tokens by which the program acts for a contact at another service; only sealed values are stored."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, ForeignKey, Index, Integer, LargeBinary, String, Table, UniqueConstraint, Uuid, func

from backend_core.db.schema import metadata

oauth_tokens = Table(
    "oauth_tokens",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
    Column("user_id", Uuid, ForeignKey("contacts.id"), nullable=False),
    Column("provider", String(60), nullable=False),
    Column("scopes", String(500), nullable=False, server_default=""),
    Column("enc_access", LargeBinary, nullable=False),
    Column("enc_refresh", LargeBinary),
    Column("key_id", String(40), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("refreshed_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("error_code", String(40)),
    # until when nobody else tries, or why not yet again
    Column("next_try_at", DateTime(timezone=True)),
    Column("revoked_at", DateTime(timezone=True)),
    UniqueConstraint("user_id", "provider"),
    Index("idx_oauth_token_expiry", "expires_at", info={"number": 4, "purpose": "tokens that have to be renewed soon"}),
)
