"""Where nothing can be recorded nothing is done: every place in the program that records an action, with the right to insert taken away."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from backend_core.backend import Backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.errors import LecternError, SignInFailed
from backend_core.policy import Actor
from tests.backend_core.audit import (
    closed_forgetting,
    closed_indexes,
    closed_memory,
    closed_notices,
    closed_people,
    closed_privacy,
    closed_safety,
    closed_server,
)
from tests.backend_core.audit.closed_cases import CASES, World
from tests.lectern import MakeDocument

CORE = Path(__file__).parents[3] / "backend_core"
PASSWORD = "correct horse battery 7"
# each adds its cases to those of closed_cases when it is imported
MORE = (closed_forgetting, closed_indexes, closed_memory, closed_notices, closed_people, closed_privacy, closed_safety, closed_server)
# Written before an action and swept when it does not happen, or a protection that must count although the attempt is refused.
BESIDE = {"audit_event", "process_report", "object_intents", "sign_in_failure"}
ELSEWHERE = {
    "SignIn._by_login": "on a shared server; the tests of database roles are there",
    "Access.recover": "acts as the owner of the tables, whose rights nobody takes away",
    "Backups._note_failure": "tells of a backup that was not made; nothing is done",
    "Backups._note_verdict": "tells of a check that has changed nothing",
    "BeforeMigration.record": "tells, after a migration by the owner, of the backup made before it",
    "conclude": "writes into a database that was just restored and that nobody uses yet",
    "Guard.note": "tells of an attempt that was refused already; where it cannot be kept the log file has it",
    "Privacy._finish": "tells how a run ended whose beginning was recorded, and which left nothing else behind",
    "Safety._alarm": "tells of a judge that is away; what it was asked about waits for review",
    "_add": "sample data",
    "_add_people": "sample data",
}
WORK = {
    "ExtractPages._complete",
    "ExtractPages.give_up",
    "SpeakPage._finish",
    "SpeakPage.give_up",
    "AnalysePhoto.give_up",
    "Tokens._failed",
    "Persons._complete",
}


def recorders() -> set[str]:
    """Return every function of the program that records an action."""
    found = set()
    for path in (one for one in CORE.rglob("*.py") if one.parent.name != "bench"):
        for outer in ast.parse(path.read_text("utf-8")).body:
            inside = outer.body if isinstance(outer, ast.ClassDef) else [outer]
            prefix = f"{outer.name}." if isinstance(outer, ast.ClassDef) else ""
            found |= {f"{prefix}{node.name}" for node in inside if isinstance(node, ast.FunctionDef) and _records(node)}
    return found


def _records(node: ast.FunctionDef) -> bool:
    calls = (call for call in ast.walk(node) if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute))
    return any(
        call.func.attr == "record_many" or (call.func.attr == "record" and "action" in {word.arg for word in call.keywords})
        for call in calls
        if isinstance(call.func, ast.Attribute)
    )


@pytest.fixture
def world(
    backend: Backend, actor: Actor, clean: EmbeddedServer, make_document: MakeDocument, run_jobs: Callable[[], None], tmp_path: Path
) -> World:
    return World(backend, actor, clean, make_document, run_jobs, tmp_path)


@contextmanager
def nothing_recorded(server: EmbeddedServer) -> Iterator[None]:
    """Take away the application's right to add to the audit log, and give it back."""
    with psycopg.connect(server.admin_dsn, autocommit=True) as conn:
        granted = conn.execute(
            "SELECT string_agg(quote_ident(column_name), ', ') FROM information_schema.column_privileges"
            " WHERE table_name = 'audit_event' AND grantee = 'lectern_app' AND privilege_type = 'INSERT'"
        ).fetchone()
        assert granted is not None
        conn.execute("REVOKE INSERT ON audit_event FROM lectern_app")
        try:
            yield
        finally:
            conn.execute(f"GRANT INSERT ({granted[0]}) ON audit_event TO lectern_app".encode())


def contents(world: World) -> dict[str, object]:
    """Return a hash over every row of every table, and the names of the files people see."""
    tables = world.sql("SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname")
    found: dict[str, object] = {
        str(name): world.sql(f"SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {name} t")
        for (name,) in tables
        if name not in BESIDE
    }
    return found | {"files": sorted(path.name for path in world.folder.iterdir() if path.is_file())}


def test_no_place_that_records_is_forgotten_here() -> None:
    assert recorders() == set(CASES) | set(ELSEWHERE) | WORK
    assert len(CASES) > 40


@pytest.mark.logs("a backup was not made", "backup failed", "command refused", "privacy (boundary|incident)")
@pytest.mark.parametrize("name", CASES)
def test_what_cannot_be_recorded_is_refused_and_changes_nothing(world: World, name: str) -> None:
    act = CASES[name](world)
    before = contents(world)
    with nothing_recorded(world.server):
        with pytest.raises(LecternError) as refusal:
            act()
        after = contents(world)
    assert after == before
    sentence = str(refusal.value)
    assert sentence
    assert "\n" not in sentence
    assert "audit_event" not in sentence
    # granted again it works
    if name == "Attempts._record_failure":
        with pytest.raises(SignInFailed):
            act()
    else:
        act()


@pytest.mark.logs("job failed", "failure of a job not recorded", "job given up")
def test_work_in_the_background_that_cannot_be_recorded_does_not_happen(world: World) -> None:
    path = world.folder / "new.txt"
    path.write_text("Something new to read.", encoding="utf-8")
    document = world.backend.documents.import_file(path, actor=world.actor).document.id
    with nothing_recorded(world.server):
        world.run_jobs()
        assert world.sql("SELECT count(*) FROM document_pages") == [(0,)]
        assert world.sql("SELECT status FROM documents") != [("COMPLETED",)]
    other = world.document()
    audio = world.backend.audios.generate(other, actor=world.actor).queued[0].id
    with nothing_recorded(world.server):
        world.run_jobs()
        assert world.sql("SELECT status, object_id FROM audios WHERE id = %s", audio)[0][1] is None
    assert document != other
