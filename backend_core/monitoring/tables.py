"""SQL shape of the figures each process reports about its own connection pool."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, DateTime, Float, Integer, String, Table, func
from sqlalchemy.dialects.postgresql import JSONB

from backend_core.db.schema import metadata

process_report = Table(
    "process_report",
    metadata,
    Column("application", String(63), primary_key=True),
    Column("host", String(200), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("base", Integer, nullable=False),
    Column("in_use", Integer, nullable=False),
    Column("waiting", Integer, nullable=False),
    Column("timeouts", BigInteger, nullable=False),
    Column("wait_p50_ms", Float),
    Column("wait_p95_ms", Float),
    Column("wait_p99_ms", Float),
    Column("longest_ms", Float),
    Column("histogram", JSONB, nullable=False),
    Column("holders", JSONB, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    # gone after a crash, which is right: nothing here is older than a few seconds
    prefixes=["UNLOGGED"],
)
