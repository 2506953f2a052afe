"""The control: the same work done the obvious way, which loses its promises as soon as somebody pulls the plug.

It checks before it inserts, gives each file a random name, puts the file before its row, and commits each step by itself.
"""

from __future__ import annotations

import os
import secrets
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psycopg

from backend_core import faults
from tests.faults.promises import Object, Spoken, State, hashes

TABLES = """
CREATE SCHEMA naive
CREATE TABLE job (id int GENERATED ALWAYS AS IDENTITY, page int, status text DEFAULT 'todo')
CREATE TABLE audio (id int GENERATED ALWAYS AS IDENTITY, page int, key text, sha256 text)
CREATE TABLE record (action text, target text)
"""
VOICE = "naive"


def connect(dsn: str) -> psycopg.Connection[Any]:
    """Return a connection on which each statement is committed by itself."""
    return psycopg.connect(dsn, autocommit=True, options="-c search_path=naive")


def ask(environment: Mapping[str, str], dsn: str, page: int) -> None:
    """Ask for a page to be spoken, unless it seems to have been asked for before."""
    os.environ.update(environment)
    with connect(dsn) as conn:
        if conn.execute("SELECT 1 FROM job WHERE page = %s", (page,)).fetchone():
            return
        faults.point("naive.asked")
        conn.execute("INSERT INTO record VALUES ('audio.generate', 'document:1')")
        conn.execute("INSERT INTO job (page) VALUES (%s)", (page,))


def work(environment: Mapping[str, str], dsn: str, folder: Path) -> None:
    """Do every job that waits."""
    os.environ.update(environment)
    claim = "UPDATE job SET status = 'doing' WHERE id = (SELECT min(id) FROM job WHERE status = 'todo') RETURNING id, page"
    with connect(dsn) as conn:
        while job := conn.execute(claim).fetchone():
            faults.point("naive.claimed")
            key = f"{job[1] % 10}x/{secrets.token_hex(16)}"
            path = folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(f"audio of page {job[1]}".encode())
            faults.point("naive.put")
            sha256 = hashes(folder)[key]
            audio = conn.execute("INSERT INTO audio (page, key, sha256) VALUES (%s, %s, %s) RETURNING id", (job[1], key, sha256)).fetchone()
            faults.point("naive.row")
            conn.execute("INSERT INTO record VALUES ('audio.speak', %s)", (f"audio:{audio[0] if audio else 0}",))
            faults.point("naive.recorded")
            conn.execute("UPDATE job SET status = 'done' WHERE id = %s", (job[0],))
            faults.point("naive.done")


def recover(dsn: str) -> int:
    """Hand the jobs of dead workers to the next one; return how many jobs are left to do."""
    with connect(dsn) as conn:
        conn.execute("UPDATE job SET status = 'todo' WHERE status = 'doing'")
        row = conn.execute("SELECT count(*) FROM job WHERE status <> 'done'").fetchone()
    return int(row[0]) if row else 0


def state(dsn: str, folder: Path) -> State:
    """Return everything that is stored, as the checker wants it."""
    with connect(dsn) as conn:
        audios = conn.execute("SELECT id, page, key, sha256 FROM audio").fetchall()
        audited = conn.execute("SELECT action, target, count(*) FROM record GROUP BY 1, 2").fetchall()
    return State(
        audios=[Spoken(number, 1, page, VOICE, "COMPLETED", key) for number, page, key, _ in audios],
        objects=[Object(key, sha256, 1, 1) for _, _, key, sha256 in audios],
        files=hashes(folder),
        audited=Counter({(action, target): count for action, target, count in audited}),
    )
