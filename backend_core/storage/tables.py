"""SQL shape of stored objects, of uploads under way and of deletions still to be carried out."""

from __future__ import annotations

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Identity, Index, Integer, String, Table, UniqueConstraint, func, text

from backend_core.db.schema import metadata

objects = Table(
    "objects",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    # which store holds it: two computers on one server may each have a folder of their own
    Column("store", String(40), nullable=False),
    Column("key", String(200), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("content_type", String(100), nullable=False),
    # how many documents and audios point here; at 0 the sweeper removes the object
    Column("refs", Integer, nullable=False, server_default="0"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("released_at", DateTime(timezone=True)),
    UniqueConstraint("store", "key"),
    CheckConstraint("refs >= 0", name="refs_counted"),
    Index("idx_object_released", "released_at", postgresql_where=text("refs = 0")),
)

object_intents = Table(
    "object_intents",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("store", String(40), nullable=False),
    Column("key", String(200), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Index("idx_object_intent_key", "store", "key"),
)
