"""How fast a backup is made, and restored, beside ``pg_dump`` and ``tar`` without encryption, checks or list."""

from __future__ import annotations

import os
import statistics
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from backend_core.backend import Backend, conclude_restore, erase_home, open_backend
from backend_core.backup.dump import Endpoint, load
from backend_core.backup.keys import BackupKey, BackupKeys
from backend_core.backup.making import Meter
from backend_core.backup.restore import restore
from backend_core.credentials.vault import Vault
from backend_core.db import embedded
from backend_core.db.roles import ADMIN
from backend_core.db.server_binaries import program
from backend_core.db.server_user import ServerUser
from backend_core.policy import Actor
from backend_core.settings import Settings, load_settings

FILES: Final = 120
FILE_BYTES: Final = 2 * 2**20
ROWS: Final = 200_000
ROUNDS: Final = 3
MEGABYTE: Final = 10**6
_DOCUMENT: Final = sa.text(
    "INSERT INTO documents (title, filename, kind, size_bytes, object_id, owner_id, status, correlation_id)"
    " VALUES (:title, :filename, :kind, :size_bytes, :object, :owner, 'COMPLETED', 'bench') RETURNING id"
)
_FILL: Final = sa.text(
    "INSERT INTO document_pages (document_id, number, text)"
    " SELECT :document, n, repeat(md5(n::text), 8) FROM generate_series(1, :rows) AS n"
)


def run() -> list[dict[str, Any]]:
    """Return megabytes per second of both ways; the data are files of random bytes and a table of text."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        settings = load_settings(home=place / "home", dsn=None, objects=None, backup_dir=place / "backups")
        try:
            with open_backend(settings) as backend:
                actor = backend.actor()
                _fill(backend, actor, place)
                return _measure(backend, actor, settings, place)
        finally:
            erase_home(settings.home)


def _fill(backend: Backend, actor: Actor, place: Path) -> None:
    with backend.database.begin("Fill", deadline_s=300) as conn:
        for number in range(FILES):
            path = place / "file"
            path.write_bytes(os.urandom(FILE_BYTES))
            object_id = backend.storage.attach(conn, backend.storage.stage(path), content_type="application/octet-stream")
            facts = {"title": str(number), "filename": "a", "kind": "txt", "size_bytes": FILE_BYTES, "object": object_id}
            document = conn.execute(_DOCUMENT, facts | {"owner": actor.operator_id}).scalar_one()
        conn.execute(_FILL, {"document": document, "rows": ROWS})


def _measure(backend: Backend, actor: Actor, settings: Settings, place: Path) -> list[dict[str, Any]]:
    made: list[Path] = []
    ours = _seconds(lambda: made.append(backend.backups.create(actor=actor).path))
    plain = _seconds(partial(_plain_backup, settings, place))
    key = BackupKeys(backend.credentials, settings.home).needed()
    back = _seconds(partial(_restore, made[0], key, place))
    plain_back = _seconds(partial(_plain_restore, place))
    with backend.database.begin("Measure") as conn:
        held = conn.execute(sa.text("SELECT pg_database_size(current_database())")).scalar_one()
    amount = (FILES * FILE_BYTES + held) / MEGABYTE
    data = f"{amount:.0f} MB, of which {held / MEGABYTE:.0f} MB database"
    return [
        _record("backup.create", amount, ours, plain, f"control: pg_dump -Fc and tar, not encrypted, nothing checked; {data}"),
        _record("backup.restore", amount, back, plain_back, f"control: a new cluster, pg_restore and tar -x, nothing checked; {data}"),
    ]


def _record(name: str, amount: float, seconds: float, control: float, note: str) -> dict[str, Any]:
    speed, other = round(amount / seconds, 1), round(amount / control, 1)
    return {"name": name, "value": speed, "unit": "MB/s", "control": other, "note": note}


def _seconds(work: Callable[[], object]) -> float:
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def _restore(source: Path, key: BackupKey, place: Path) -> None:
    settings = load_settings(home=place / "restored", dsn=None, objects=None)
    actor = Actor(operator_id=None, name="bench", role="system", workstation="bench")
    conclude = conclude_restore(actor, key, Vault(settings.home))
    try:
        restore(source, settings, key, replace=False, conclude=conclude, meter=Meter(None, None))
    finally:
        erase_home(settings.home)


def _plain_backup(settings: Settings, place: Path) -> None:
    dsn, environment = Endpoint(embedded.ensure_running(settings.home).dsn(ADMIN)).for_program()
    dumped = place / "plain.dump"
    command = [str(program("pg_dump", user=ServerUser())), "--format=custom", "--compress=gzip:1", "--file", str(dumped), "--dbname", dsn]
    subprocess.run(command, env=environment, check=True)
    with tarfile.open(place / "plain.tar", "w") as packed:
        packed.add(dumped, "database.dump")
        packed.add(settings.objects_dir, "objects")
    with (place / "plain.tar").open("rb") as file:
        os.fsync(file.fileno())


def _plain_restore(place: Path) -> None:
    home = place / "plain"
    try:
        home.mkdir()
        with tarfile.open(place / "plain.tar") as packed:
            packed.extractall(home, filter="data")
        load(Endpoint(embedded.ensure_running(home).dsn(ADMIN)), home / "database.dump", alive=lambda: None)
        embedded.stop(home, force=True)
    finally:
        erase_home(home)
