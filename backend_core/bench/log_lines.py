"""Made-up log lines without a secret: what a redactor must leave alone, and what its speed is measured on."""

from __future__ import annotations

import base64
import json
import random
import uuid
from typing import Final

PROSE: Final = (
    "Die Seite {n} wurde in {m} ms gesprochen; der Schlüssel des Objekts liegt unter {hex}.",
    "Le document « Rapport {n} » compte {m} pages, dont {k} sans texte.",
    "Das Passwort wurde geändert.",
    "Le mot de passe a été refusé.",
    "password changed by an administrator",
    "token expired, asking again",
    "The author's secretary passed {n} keys to the basic information desk.",
    "authorization asked for page {n}",
    "no cookie was set",
    "phone call took {m} ms",
    "Telefonkonferenz am {day}.11.2026 um {hour}:30",
    "session ended after {k} minutes",
    "signed in, session {k} of 4",
    "ISBN 978-3-16-148410-0, Seite {n}",
    "ticket 2026{n:06d} closed",
    "ticket {m}-{n} reopened",
    "Order 555-{n:04d} printed",
    "key=objects/ab/{hex}.mp3",
    "primary key {n} exists",
    "foreign key documents.owner_id -> operators.id",
    "keyset page after {n}",
)
FACTS: Final = (
    "rev {hex}",
    "sha256 {sha}",
    "request {uuid} took {m}.{k} ms",
    "epoch {epoch} ms, {k} retries",
    "at {epoch}.{n:06d}",
    "file Bericht_2026-11-{day:02d}_v{k}.{n}.pdf, {m} bytes",
    "lectern-{k}.{day}.{n}-py3-none-any.whl",
    "PySide6 6.11.{k}, Python 3.11.{day}",
    "peer 192.168.{k}.{day}:{port}",
    "listening on [::1]:{port}",
    "client 10.{k}.{day}.7 closed",
    "fe80::1ff:fe23:4567:890a%2",
    "{k}.{day} % of {m} pages",
    "pages {k}-{day} of {m}",
    "range bytes={n}-{m}/{epoch}",
    "pool 4+{k} busy, longest wait {k}.{day} ms",
    "cursor {b64}",
    "correlation {b64}",
    "SELECT id, title FROM documents WHERE owner_id = %(owner_id)s AND deleted_at IS NULL ORDER BY id DESC LIMIT {k}",
    "UPDATE job_run SET done = %s, total = %s WHERE job_id = %s",
    "INSERT INTO audit (actor_id, action) VALUES ($1, $2)",
    'psycopg.errors.UniqueViolation: duplicate key value violates unique constraint "documents_pkey"',
    'File "backend_core/jobs/runner.py", line {n}, in run',
    "KeyError: 'page'",
    "tokens={n} max_tokens={m}",
    "token_count={n} in page {k}",
    "GET /documents?page={k}&sort=title 200 {m}",
    "ws://localhost:{port}/events opened",
    "https://example.org/docs/{n}#part-{k}",
    "http://localhost:{port}/status 200",
    "elapsed 00:{day:02d}:{k:02d}.{n:03d}",
    "2026-11-{day:02d}T{hour:02d}:{day:02d}:07.{n:06d}+01:00",
    "2026-11-{day:02d} {hour:02d}:00:00 UTC",
    "coverage {k}/{day}/{m}",
    "voice local:en-gb at rate {n}",
    "audio {k}h {day}m, {m} Hz",
    "worker lectern-worker@host-{k}.example.org:{port}",
    "@dataclass(frozen=True)",
    "icon@2x.png loaded",
    "npm install left-pad@1.{k}.{day}",
    "diff +{k} -{day}",
    "utc offset +0{k}00",
    "UTC+1, drift +{k}.{day} ms",
    "a + b = {n}",
    "C:\\Users\\ana\\Dokumente\\Bericht {n}.docx",
    "PWD=/home/ana/lectern",
    "path /srv/lectern/objects/ab/cd/{sha}",
    "memory 0x{hex}",
    "size {m} kB",
    "{n:,} rows, {m:,} bytes",
    "pass {k} of 3",
    "passed={n} failed={k}",
    "secretariat page {n}",
    "sha1 {sha1}",
    "commit {sha1} by ana",
    'etag "{md5}"',
    "md5 {md5}",
)


EVENTS: Final = (
    "job finished",
    "job will be retried",
    "job handed back",
    "document imported",
    "pages extracted",
    "audio stored",
    "object released",
    "sweep done",
    "worker started",
    "worker stopping",
    "work raised",
    "connection replaced",
    "embedded server started",
    "hints lost",
)
NUMBERS: Final = ("document_id", "audio_id", "page", "pages", "bytes", "wait_ms", "attempt", "operator_id", "rows", "seconds")


def benign_lines(count: int, *, seed: int = 11) -> list[str]:
    """Return ``count`` lines as Lectern logs them, half of them JSON, none with a secret in it."""
    rng = random.Random(seed)  # noqa: S311 - made-up lines, not keys
    return [_json(rng, _text(rng)) if place % 2 else _text(rng) for place in range(count)]


def typical_lines(count: int, *, seed: int = 12) -> list[str]:
    """Return ``count`` lines of an ordinary day, as they stand in the file: what a job, a click and a duty leave behind."""
    rng = random.Random(seed)  # noqa: S311 - made-up lines, not keys
    return [_json(rng, rng.choice(EVENTS), **{name: rng.randint(1, 9999) for name in rng.sample(NUMBERS, 3)}) for _ in range(count)]


def _text(rng: random.Random) -> str:
    value = rng.getrandbits(256)
    return rng.choice(PROSE + FACTS).format(
        n=rng.randint(1, 999),
        m=rng.randint(1000, 999_999),
        k=rng.randint(1, 9),
        day=rng.randint(10, 28),
        hour=rng.randint(0, 23),
        epoch=rng.randint(1_700_000_000_000, 1_799_999_999_999),
        port=rng.randint(1024, 65_535),
        hex=f"{value:016x}"[:16],
        sha=f"{value:064x}",
        sha1=f"{value:064x}"[:40],
        md5=f"{value:064x}"[:32],
        uuid=uuid.UUID(int=value % 2**128),
        b64=base64.urlsafe_b64encode(rng.randbytes(rng.choice((12, 16, 18, 24, 33)))).decode(),
    )


def _json(rng: random.Random, event: str, **facts: int) -> str:
    line = {
        "event": event,
        "job_id": rng.randint(1, 10**6),
        "task": rng.choice(("speak_page", "extract_pages")),
        "level": "info",
        "logger": rng.choice(("backend_core.jobs.runner", "backend_core.storage.service", "desktop.background")),
        "timestamp": f"2026-11-21T09:{rng.randint(0, 59):02d}:06.{rng.randint(0, 999_999):06d}Z",
        "correlation_id": f"{rng.getrandbits(16):04x}-{rng.getrandbits(16):04x}",
        **facts,
    }
    return json.dumps(line, ensure_ascii=False)
