"""Database, the server: connections, waits, transactions, space, who gets in, and whether a copy of it can be relied on."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Final

import psycopg
from psycopg.conninfo import make_conninfo

from backend_core.db.conninfo import complete, keywords, local
from backend_core.monitoring.readiness.around import Around
from backend_core.monitoring.readiness.categories import DATABASE
from backend_core.monitoring.readiness.check import HOUR, MINUTE, Check, Finding, Outcome, failed, judged, listed, not_yet, passed, unknown
from backend_core.monitoring.records import BOUNDS_MS, Histogram

S3: Final = "An object store at S3 is not part of this version."
PROBE: Final = "lectern-probe"
FULL: Final = 0.8
WAIT_MS: Final = 100.0
LEAK_S: Final = 60.0
LONGEST_TIMEOUT_S: Final = 60.0
LONGEST_LIFE_S: Final = 2 * HOUR
STATEMENT_MS: Final = 50.0
WRAPAROUND: Final = 0.5
SEQUENCES: Final = 0.75
DEAD: Final = 0.2
MANY_ROWS: Final = 10_000
TESTED: Final = dt.timedelta(days=7)
FREE: Final = 0.15
LITTLE: Final = 0.05

_PEAK: Final = """
SELECT max(f.figures[p.id]) AS peak, max(f.figures[c.id]) AS capacity, count(f.figures[p.id]) AS frames
  FROM metric_frames f, (SELECT id FROM metric_series WHERE name = 'pool.in_use_peak') p,
       (SELECT id FROM metric_series WHERE name = 'pool.capacity') c
 WHERE f.resolution_s = 60 AND f.at > clock_timestamp() - interval '24 hours'
"""
_BARS: Final = """
SELECT bar.place::integer AS place, sum(bar.n)::bigint AS n
  FROM statement_figures f, unnest(f.bars) WITH ORDINALITY AS bar(n, place)
 WHERE f.hour > now() - interval '24 hours' GROUP BY 1 ORDER BY 1
"""
_SESSIONS: Final = """
SELECT coalesce(extract(epoch FROM max(clock_timestamp() - xact_start)), 0)::float AS oldest_s,
       coalesce(extract(epoch FROM max(clock_timestamp() - state_change)
           FILTER (WHERE state LIKE 'idle in transaction%%')), 0)::float AS idle_s,
       count(*) FILTER (WHERE xact_start IS NOT NULL) AS open
  FROM pg_stat_activity WHERE backend_type = 'client backend' AND datname = current_database() AND pid <> pg_backend_pid()
"""
_AGE: Final = """
SELECT (age(datfrozenxid) / 2147483647.0)::float AS used FROM pg_database WHERE datname = current_database()
"""
_SEQUENCE: Final = """
SELECT schemaname || '.' || sequencename AS name, (last_value::numeric / max_value)::float AS used
  FROM pg_sequences WHERE last_value IS NOT NULL ORDER BY 2 DESC LIMIT 5
"""
_DEAD: Final = """
SELECT relname::text AS table, n_live_tup AS live, n_dead_tup AS dead, coalesce(last_autovacuum, last_vacuum) AS vacuumed
  FROM pg_stat_user_tables WHERE n_live_tup + n_dead_tup > %(many)s ORDER BY n_dead_tup DESC LIMIT 20
"""


def configured(around: Around) -> Finding:
    """Look whether this process's pool is bounded: its size, the wait for it, and the life of its connections."""
    pool = around.database.pool
    good = pool.base > 0 and pool.capacity > pool.base and 0 < pool.timeout_s <= LONGEST_TIMEOUT_S and 0 < pool.recycle_s <= LONGEST_LIFE_S
    value = f"{pool.base} kept open, {pool.capacity} at most"
    return judged(value, good=good, wait_s=f"{pool.timeout_s:g}", renewed_after_s=f"{pool.recycle_s:g}")


def peak(around: Around) -> Finding:
    """Look how full the pools were within a day."""
    rows = around.link.rows(_PEAK)
    row = rows[0]
    if row["peak"] is None or not row["capacity"]:
        return unknown("Nothing was recorded yet.")
    part = row["peak"] / row["capacity"]
    value = f"{row['peak']:g} of {row['capacity']:g}"
    return judged(value, good=part < FULL, bearable=part < 1, share=f"{100 * part:.0f} %", minutes=row["frames"])


def waits(around: Around) -> Finding:
    """Look how long callers waited for a connection, and whether one of them waited in vain."""
    view = around.monitoring.pool(actor=around.actor)
    p99 = view.wait_ms.p99
    if p99 is None:
        return unknown("Nobody asked for a connection within 15 minutes.")
    value = f"99 % within {p99:.1f} ms, {view.timeouts} timeouts"
    return judged(value, good=p99 < WAIT_MS and not view.timeouts, bearable=not view.timeouts, waiting=view.waiting)


def leaks(around: Around) -> Finding:
    """Look for connections that somebody keeps."""
    held = [one for one in around.monitoring.pool(actor=around.actor).holders if one.held_s > LEAK_S]
    pairs = [(f"{one.label} in {one.application}", f"{one.held_s:.0f} s") for one in held]
    return listed("fail" if held else "pass", f"{len(held)} kept over {LEAK_S:.0f} s", pairs)


def statements(around: Around) -> Finding:
    """Look how long statements took within a day, all processes together."""
    counts = [0] * (len(BOUNDS_MS) + 1)
    for row in around.link.rows(_BARS):
        counts[min(row["place"], len(counts)) - 1] += row["n"]
    times = Histogram(bounds_ms=BOUNDS_MS, counts=tuple(counts))
    p95 = times.percentile(0.95)
    if p95 is None:
        return unknown("No statement was counted yet.")
    return judged(f"95 % within {p95:.1f} ms", good=p95 < STATEMENT_MS, bearable=p95 < 2 * STATEMENT_MS, counted=times.total)


def transactions(around: Around) -> Finding:
    """Look for transactions that stay open."""
    row = around.link.rows(_SESSIONS)[0]
    good = row["oldest_s"] < around.longest_transaction_s and row["idle_s"] < around.longest_idle_s
    return judged(f"oldest {row['oldest_s']:.0f} s, idle {row['idle_s']:.0f} s", good=good, open=row["open"])


def wraparound(around: Around) -> Finding:
    """Look how many transaction numbers and sequence values are used up."""
    used = around.link.rows(_AGE)[0]["used"]
    # as the program itself: the monitor may not see how far a sequence is
    sequences = around.rows(_SEQUENCE)
    most = max((row["used"] for row in sequences), default=0.0)
    pairs = [("transaction numbers", f"{100 * used:.2f} %"), *((row["name"], f"{100 * row['used']:.4f} %") for row in sequences)]
    good = used < WRAPAROUND and most < SEQUENCES
    return listed("pass" if good else "fail", f"{100 * used:.1f} % of the numbers, {100 * most:.1f} % of a sequence", pairs)


def dead_rows(around: Around) -> Finding:
    """Look how much of the large tables is rows that are gone."""
    rows = around.link.rows(_DEAD, {"many": MANY_ROWS})
    shares = {row["table"]: row["dead"] / (row["live"] + row["dead"]) for row in rows}
    worst = max(shares.values(), default=0.0)
    pairs = [(row["table"], f"{100 * shares[row['table']]:.0f} % dead, vacuumed {row['vacuumed'] or 'never'}") for row in rows]
    status: Outcome = "pass" if worst < DEAD else "warn" if worst < 2 * DEAD else "fail"
    return listed(status, f"at most {100 * worst:.0f} %", pairs)


def authentication(around: Around) -> Finding:
    """Try to get in as the program without a password; and look whether the way to a server elsewhere is encrypted."""
    given = keywords(around.dsn)
    bare = {name: value for name, value in given.items() if name not in {"password", "passfile"}}
    nowhere = str(Path(around.settings.home) / "no-password-file")
    dsn = make_conninfo("", **{**bare, "passfile": nowhere, "application_name": PROBE, "connect_timeout": 3})
    remote = not local(str(given.get("host") or given.get("hostaddr") or ""))
    if remote and not around.one("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")["ssl"]:
        return failed("the way to the server is not encrypted")
    try:
        psycopg.connect(complete(dsn, application=PROBE), autocommit=True).close()
    except psycopg.OperationalError:
        return passed("nobody gets in without a password", encrypted="yes" if remote else "never leaves this computer")
    return failed("the server lets anybody in without a password")


def tested(around: Around) -> Finding:
    """Look when a backup was last restored to see that it can be."""
    view = around.backups.view(actor=around.actor)
    good = [row for row in view.rows if row.verify_ok and row.verified_at is not None]
    newest = max(good, key=lambda row: row.verified_at or row.at, default=None)
    if newest is None or newest.verified_at is None:
        return failed("no backup was ever restored as a test") if view.rows else failed("there is no backup yet")
    age = around.clock() - newest.verified_at
    days = age / dt.timedelta(days=1)
    return judged(
        f"restored as a test {days:.1f} days ago",
        good=age < TESTED and newest.present,
        file=newest.file_name,
        problem=view.problem or "none",
    )


def orphans(around: Around) -> Finding:
    """Compare files and rows, both ways."""
    files, rows = around.storage.orphans()
    pairs = [(key[:16], "a file without a row") for key in files] + [(key[:16], "a row without its file") for key in rows]
    # the sweeper removes the first; the second is a loss
    status: Outcome = "fail" if rows else "warn" if files else "pass"
    return listed(status, f"{len(files)} files without a row, {len(rows)} rows without a file", pairs)


def disk(around: Around) -> Finding:
    """Look how much room the disks of files and database have."""
    places = {"files": around.settings.objects_dir, "home": around.settings.home}
    free = {}
    for name, folder in places.items():
        there = next((one for one in (folder, *folder.parents) if one.exists()), folder)
        usage = around.disk_usage(there)
        free[name] = usage.free / usage.total
    least = min(free.values())
    pairs = {name: f"{100 * part:.0f} % free" for name, part in free.items()}
    return judged(f"{100 * least:.0f} % free", good=least > FREE, bearable=least > LITTLE, **pairs)


def _check(check_id: str, title: str, about: str, threshold: str, source: str, run: object, **more: object) -> Check:
    facts = {"page": "database", "target": "pool"} | more
    return Check(id=check_id, title=title, about=about, category=DATABASE, threshold=threshold, source=source, run=run, **facts)  # type: ignore[arg-type]  # words in the order of the table below


CHECKS: Final = (
    _check(
        "pool.configured", "The pool is bounded",
        "Connections are kept open and reused, their number, the wait for one and the life of each is limited.",
        "base and overflow set, wait at most 60 s, renewed within 2 h", "pool of this process", configured,
    ),
    _check(
        "pool.peak", "The pools have room", "The most connections in use at once within a day, of all processes together.",
        "under 80 % within 24 h", "recorder", peak, weight=2,
    ),
    _check(
        "pool.waits", "Nobody waits for a connection", "How long callers waited, and whether one of them waited in vain.",
        "99 % within 100 ms, no timeout", "process reports, 15 min", waits,
    ),
    _check(
        "pool.leaks", "Nobody keeps a connection", "Connections in use for over a minute, with who holds them.",
        "none over 60 s", "process reports", leaks,
    ),
    _check(
        "statements.p95", "Statements are quick", "How long 95 of 100 statements took at most, of all processes.",
        "95 % within 50 ms", "statement_figures, 24 h", statements, weight=2, target="statements",
    ),
    _check(
        "transactions.oldest", "No transaction stays open", "Open transactions keep old rows alive and locks held.",
        "oldest under 5 min, idle under 1 min", "pg_stat_activity", transactions, target="activity",
    ),
    _check(
        "server.wraparound", "Numbers do not run out", "Transaction numbers and sequences that are used up stop every write.",
        "under 50 % and 75 %", "pg_database, pg_sequences", wraparound, target="tables", limit_s=HOUR, every_s=10 * MINUTE,
    ),
    _check(
        "tables.dead", "Tables are tidied", f"Share of rows that are gone but not removed, in tables over {MANY_ROWS:,} rows.",
        "under 20 %", "pg_stat_user_tables", dead_rows, target="tables", limit_s=HOUR, every_s=10 * MINUTE,
    ),
    _check(
        "server.authentication", "Nobody gets in without a password",
        "The program's own account is tried without its password; and the way to a server elsewhere must be encrypted.",
        "refused; encrypted beyond this computer", "live probe", authentication, weight=3, gate=True, limit_s=HOUR,
        every_s=10 * MINUTE, page="health", target="",
    ),
    _check(
        "backups.tested", "A backup was restored as a test", "A copy that nobody ever restored may be none.",
        "within 7 days", "register of backups", tested, weight=2, page="backup", target="",
    ),
    _check(
        "storage.orphans", "Files and rows agree", "Files no row refers to, and rows whose file is gone.",
        "none either way", "object store and database", orphans, page="documents", target="", limit_s=6 * HOUR, every_s=HOUR,
    ),
    _check(
        "disk.free", "The disk has room", "A full disk stops the database.", "over 15 %; fails at 5 %", "disks of files and database", disk,
        page="health", target="",
    ),
    _check(
        "storage.s3", "The cloud store answers", "An object store at S3 takes, gives back and removes a probe.", "all three", "live probe",
        not_yet(S3), later=S3, page="documents", target="",
    ),
)  # fmt: skip
