"""A backend in which every readiness check passes, and an administrator of the server who can break what the checks look at."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from sqlalchemy import text

from backend_core import __version__
from backend_core.access.here import workstation
from backend_core.audit.sign_off import SignOffs
from backend_core.backend import Backend
from backend_core.credentials.vault import Vault
from backend_core.db.embedded import EmbeddedServer
from backend_core.monitoring.readiness.check import Finding
from backend_core.monitoring.readiness.service import Readiness
from backend_core.policy import Actor
from backend_core.privacy import history
from backend_core.privacy.cases import CASES
from backend_core.privacy.records import CaseResult
from backend_core.worker import Identity

SERIES = ("pool.in_use_peak", "pool.capacity")


class World:
    """Everything the checks look at, in order.

    Attributes:
        changes: what takes the place of a part that this computer cannot offer in order, such as a keyring.
    """

    def __init__(self, backend: Backend, actor: Actor, server: EmbeddedServer, folder: Path) -> None:
        self.backend, self.actor, self.server, self.folder = backend, actor, server, folder
        self.admin = psycopg.connect(server.admin_dsn, autocommit=True)
        # what the runner keeps beside its own log would not be ours to judge
        self.around = replace(backend.readiness.around, log_dir=folder / "logs")
        self.changes: dict[str, Any] = {"credentials": Vault(folder, find=lambda: None, environ={"LECTERN_PASSPHRASE": "made up"})}
        self.worker: Identity | None = None

    def sql(self, statement: LiteralString, *values: object) -> Any:
        """Run a statement as the administrator of the server; return the first column of its first row."""
        cursor = self.admin.execute(statement, values or None)
        row = cursor.fetchone() if cursor.description else None
        return None if row is None else row[0]

    def change(self, table: str, values: str) -> None:
        """Change every row of a table."""
        cast: Any = f"UPDATE {table} SET {values}"
        self.sql(cast)

    def past_rules(self, statement: LiteralString, *values: object) -> Any:
        """Run a statement past triggers and foreign keys, as somebody who tampers would."""
        with self.admin.transaction():
            self.admin.execute("SET LOCAL session_replication_role = replica")
            return self.sql(statement, *values)

    def look(self, check_id: str, changes: Mapping[str, Any] | None = None) -> Finding:
        """Return what a check finds now, with some of what it looks at replaced."""
        check = next(one for one in self.backend.readiness.checks if one.id == check_id)
        return check.run(replace(self.around, **{**self.changes, **(changes or {})}))

    def measured(self, **changes: Any) -> Readiness:
        """Return readiness over this world, with some of what it looks at replaced."""
        backend, around = self.backend, replace(self.around, **{**self.changes, **changes})
        releases = SignOffs(backend.database, backend.audit)
        return Readiness(backend.database, backend.audit, around=lambda: around, keys=backend.sealing, releases=releases)

    def clock_in(self) -> None:
        """Let a worker be alive."""
        self.worker = Identity(self.backend.connection_string(), queue=self.backend.jobs.queue)

    def clock_out(self) -> None:
        """Let it end."""
        if self.worker is not None:
            self.worker.close()
            self.worker = None

    def close(self) -> None:
        """End everything."""
        self.clock_out()
        self.admin.close()

    # -- putting in order

    def arrange(self) -> None:
        """Make every check pass whose subject exists."""
        self.clock_in()
        self._log()
        self._history()
        self._conversation()
        self._privacy_run()
        self._backup()
        self.sql(
            "INSERT INTO house_settings (id, values, version, changed_by) VALUES (1, %s, 1, 'Ana')", json.dumps({"uploads_per_hour": 50})
        )
        notice = self.sql(
            "INSERT INTO notices (kind, subject, severity, title, body, page, target, correlation_id, resolved_at)"
            " VALUES ('test', 'x', 'info', 'x', 'x', 'alerts', '{}', 'x', now()) RETURNING id"
        )
        self.sql(
            "INSERT INTO notice_deliveries (notice_id, channel, event, status, sent_at) VALUES (%s, 'email', 'raised', 'SENT', now())",
            notice,
        )
        self.backend.seals.seal()

    def _log(self) -> None:
        logs = self.folder / "logs"
        logs.mkdir()
        (logs / "desktop.log").write_text('{"event": "started", "level": "info"}\n', encoding="utf-8")
        (logs / "desktop.log").chmod(0o600)

    def _history(self) -> None:
        for name in SERIES:
            self.sql("INSERT INTO metric_series (name, unit, fold) VALUES (%s, 'connections', 'max') ON CONFLICT DO NOTHING", name)
        peak, capacity = (self.sql("SELECT id FROM metric_series WHERE name = %s", name) for name in SERIES)
        self.places = (peak, capacity)
        for resolution in (1, 60):
            self.sql(
                "INSERT INTO metric_frames (resolution_s, slot, at, figures) VALUES (%s, 1, clock_timestamp(), %s)",
                resolution, self.figures(5, 30),
            )  # fmt: skip
        self.sql("INSERT INTO statement_texts (fingerprint, text, label) VALUES ('made up', 'SELECT 1', 'x')")
        self.sql(
            "INSERT INTO statement_figures (fingerprint, hour, calls, failed, rows, total_ms, longest_ms, bars)"
            " VALUES ('made up', date_trunc('hour', now()), 100, 0, 100, 100, 2, %s)",
            self.bars(quick=100),
        )  # fmt: skip
        self.sql(
            "INSERT INTO slo_events (objective, minute, good, bad, bars) VALUES ('database', date_trunc('minute', now()), 1000, 0, %s)",
            self.bars(quick=1000),
        )

    def figures(self, peak: float, capacity: float) -> list[float | None]:
        """Return a frame of the recorder."""
        made: list[float | None] = [None] * max(self.places)
        for place, value in zip(self.places, (peak, capacity), strict=True):
            made[place - 1] = value
        return made

    @staticmethod
    def bars(*, quick: int = 0, slow: int = 0) -> list[int]:
        """Return counts of times: under a millisecond, and over half a second."""
        return [0, 0, 0, quick, 0, 0, 0, 0, 0, 0, 0, 0, slow]

    def _conversation(self) -> None:
        self.sql("INSERT INTO personas (id, name) VALUES ('sage', 'Sage') ON CONFLICT DO NOTHING")
        user = self.sql("INSERT INTO contacts (phone, display_name) VALUES ('+15551234567', 'Ana') RETURNING id")
        self.conversation = self.sql(
            "INSERT INTO conversations (kind, persona_id, user_id) VALUES ('direct', 'sage', %s) RETURNING id", user
        )
        self.container = self.sql(
            "INSERT INTO containers (kind, tag, user_id, persona_id, conversation_id) VALUES ('direct', '', %s, 'sage', %s) RETURNING id",
            user, self.conversation,
        )  # fmt: skip

    def _privacy_run(self) -> None:
        results = tuple(CaseResult(id=one.id, title=one.title, rule=one.rule, group=one.group, ok=True, probes=1, leaks=0) for one in CASES)
        with self.backend.database.begin("A privacy run") as conn:
            revision = history.revision(conn)
            number = history.begin(conn, trigger="ci", started_by="ci", role="lectern_app", target="", revision=revision)
            history.finish(conn, number, outcome="pass", error=None, seconds=1.0, cases=results, cells=())
            assert conn.execute(text("SELECT version FROM privacy_runs")).scalar_one() == __version__

    def _backup(self) -> None:
        (self.folder / "made.lectern-backup").write_bytes(b"x")
        self.sql(
            "INSERT INTO backups (kind, workstation, folder, file_name, bytes, sha256, made_by, verified_at, verify_ok)"
            " VALUES ('manual', %s, %s, 'made.lectern-backup', 1, 'x', 'Ana', now(), true)",
            workstation(), str(self.folder),
        )  # fmt: skip


Broken = AbstractContextManager[Mapping[str, Any] | None]
"""A subject that is broken inside the block; what is yielded takes the place of what the check looks at."""
