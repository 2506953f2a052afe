"""SQL shape of what monitoring keeps: pool reports, metric history, statements, index history, episodes, readiness."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Float,
    Identity,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

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
    # usage and connect times, recycled, invalidated, leaks: {"usage": [...], "connect": [...], "recycled": n, ...}
    Column("more", JSONB, nullable=False, server_default="{}"),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    # gone after a crash, which is right: nothing here is older than a few seconds
    prefixes=["UNLOGGED"],
)

metric_series = Table(
    "metric_series",
    metadata,
    Column("id", SmallInteger, Identity(always=True), primary_key=True),
    Column("name", String(80), nullable=False, unique=True),
    Column("unit", String(20), nullable=False),
    # how several readings become one of a coarser ring
    Column("fold", String(4), nullable=False),
    CheckConstraint("fold IN ('sum', 'max', 'mean', 'last')", name="fold_known"),
)

# A ring per resolution: a row is overwritten when its slot comes round again, so that the table never grows past its rings.
metric_frames = Table(
    "metric_frames",
    metadata,
    Column("resolution_s", Integer, primary_key=True),
    Column("slot", Integer, primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    # by id of the series, from 1; NULL where nothing was measured
    Column("figures", ARRAY(Float), nullable=False),
    Index("idx_metric_frame_at", "resolution_s", "at"),
)

# What people did, in minutes, as events and not as averages: an objective counts the bad among all.
slo_events = Table(
    "slo_events",
    metadata,
    Column("objective", String(40), primary_key=True),
    Column("minute", DateTime(timezone=True), primary_key=True),
    Column("good", BigInteger, nullable=False),
    Column("bad", BigInteger, nullable=False),
    # counts per bucket of records.BOUNDS_MS, one more for everything above
    Column("bars", ARRAY(BigInteger), nullable=False),
    Index("idx_slo_event_minute", "minute"),
)

# Moments at which counters of the server were smaller than before: a crash, a reset. What was counted before says nothing about after.
counter_falls = Table(
    "counter_falls",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("what", String(40), nullable=False),
    Column("cause", String(20), nullable=False),
    Column("detail", JSONB, nullable=False),
    Index("idx_counter_fall_at", "at"),
)

index_snapshots = Table(
    "index_snapshots",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    # start of the server and of its statistics as they were then: a later pair that differs makes the counters incomparable
    Column("server_started", DateTime(timezone=True), nullable=False),
    Column("stats_reset", DateTime(timezone=True)),
    # scans by oid of the index
    Column("scans", JSONB, nullable=False),
    # sequential scans and rows read by them, by oid of the table
    Column("tables", JSONB, nullable=False),
    Index("idx_index_snapshot_at", "at"),
)

# An index to be made or dropped by a job, with who asked, why, and what the proof said.
index_changes = Table(
    "index_changes",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("action", String(10), nullable=False),
    Column("schema_name", String(63), nullable=False),
    Column("table_name", String(63), nullable=False),
    Column("index_name", String(63), nullable=False),
    Column("definition", String(4000), nullable=False),
    Column("reason", String(500), nullable=False),
    Column("proof", JSONB),
    Column("status", String(10), nullable=False, server_default="WAITING"),
    Column("error", String(500)),
    Column("created_by", String(200), nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    Column("finished_at", DateTime(timezone=True)),
    CheckConstraint("action IN ('create', 'drop', 'rebuild')", name="action_known"),
    CheckConstraint("status IN ('WAITING', 'RUNNING', 'DONE', 'FAILED')", name="status_known"),
    Index("idx_index_change_at", "created_at"),
)

blocking_episodes = Table(
    "blocking_episodes",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("began_at", DateTime(timezone=True), nullable=False),
    Column("last_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    # process id and start of the session at the root: a pid alone may be somebody else's later
    Column("root_pid", Integer, nullable=False),
    Column("root_started", DateTime(timezone=True), nullable=False),
    Column("most_blocked", Integer, nullable=False),
    Column("tree", JSONB, nullable=False),
    Index("idx_blocking_episode_began", "began_at"),
    Index("uq_blocking_episode_open", "root_pid", "root_started", unique=True, postgresql_where=text("ended_at IS NULL")),
)

statement_texts = Table(
    "statement_texts",
    metadata,
    Column("fingerprint", String(16), primary_key=True),
    # without a value: values are bound
    Column("text", String(4000), nullable=False),
    Column("label", String(200), nullable=False),
    Column("first_at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
)

statement_figures = Table(
    "statement_figures",
    metadata,
    Column("fingerprint", String(16), primary_key=True),
    Column("hour", DateTime(timezone=True), primary_key=True),
    Column("calls", BigInteger, nullable=False),
    Column("failed", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("total_ms", Float, nullable=False),
    Column("longest_ms", Float, nullable=False),
    Column("bars", ARRAY(BigInteger), nullable=False),
    Index("idx_statement_figure_hour", "hour"),
)

# The last answer of each readiness check; its age decides whether it still counts.
readiness_results = Table(
    "readiness_results",
    metadata,
    Column("check_id", String(60), primary_key=True),
    Column("status", String(8), nullable=False),
    Column("value", String(300), nullable=False),
    Column("evidence", JSONB, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("version", String(40), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    CheckConstraint("status IN ('pass', 'warn', 'fail', 'unknown')", name="status_known"),
)

# One row per measurement, for the trend and for sign-off.
readiness_runs = Table(
    "readiness_runs",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    Column("version", String(40), nullable=False),
    Column("score", Float),
    Column("coverage", Float, nullable=False),
    Column("gates_failed", Integer, nullable=False),
    Column("started_by", String(200), nullable=False),
    Column("results", JSONB, nullable=False),
    Index("idx_readiness_run_at", "at"),
)
