"""On a shared server the right to stop a session is the server's own: administrators have it, nobody else, with or without Lectern."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest
from psycopg import sql

from backend_core.errors import NotAllowed
from tests.backend_core.access.conftest import Team, trusted


def test_an_administrator_stops_the_session_of_another_login_and_support_does_not_even_with_raw_sql(staffed: Team) -> None:
    with psycopg.connect(staffed.dsn("ben"), autocommit=True) as held:
        pid = held.info.backend_pid
        with psycopg.connect(staffed.dsn("ana"), autocommit=True) as ana:
            for role in ("lectern_support", "lectern_monitor", "lectern_directory"):
                ana.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    ana.execute("SELECT pg_terminate_backend(%s)", (pid,))
        with staffed.open("adm") as backend:
            actor = replace(trusted(backend.access.sign_in_here()), reason="it is in the way")
            session = next(row for row in backend.server.activity(actor=actor).sessions if row.pid == pid)
            assert session.started_at is not None
            with pytest.raises(NotAllowed):
                backend.server.terminate(pid, session.started_at, actor=replace(actor, role="support"))
            assert held.execute("SELECT 1").fetchone() == (1,)
            assert backend.server.terminate(pid, session.started_at, actor=actor).told
            (row,) = [one for one in backend.audit.latest(actor=actor) if one.action == "server.cancel"]
            assert (row.target, row.reason) == (f"session:{pid}", "it is in the way")
            with pytest.raises(psycopg.OperationalError):
                held.execute("SELECT 1")
