"""Whatever a lower layer says when it fails, people read a sentence without a secret, and the log has the rest without one too."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy import event

from backend_core.backend import Backend, open_backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.errors import DatabaseAway, LecternError, Unexpected, every_error, payload
from backend_core.logs import at_boundary, correlated, get_logger
from backend_core.policy import Actor
from backend_core.settings import Settings
from tests.backend_core.log_forms import captured
from tests.backend_core.test_policy import verbs
from tests.backend_core.verb_calls import Calls, NoWayToCall
from tests.lectern import add_documents

log = get_logger("probe")
PASSWORD, AWS, TEXT = "canaryHunter22word", "AKIACANARYCANARY2345", "the patient canaryMarta was told on Monday"
PATH = "/home/canaryAna/lectern/objects"
CANARIES = ("canaryHunter", "AKIACANARY", "canaryMarta", "canaryAna")
SECRETS = ("canaryHunter", "AKIACANARY")
DSN = f"postgresql://ana:{PASSWORD}@db.example.org/lectern"
FAULTS: dict[str, Callable[[], Exception]] = {
    "connection lost": lambda: psycopg.OperationalError(f"connection to {DSN} failed"),
    "statement refused": lambda: psycopg.errors.RaiseException(f"{TEXT} aws_access_key_id={AWS}"),
    "not the driver": lambda: ValueError(f"{TEXT}: password={PASSWORD} in {PATH}"),
    "disk": lambda: OSError(28, f"No space left on device {AWS}", PATH),
}
STATEMENTS = (1, 2, 4)
# Verbs that send no statement over the application's pool: what they do below is tested beside them, and by the tests further down.
WITHOUT_STATEMENTS = {
    "Speech.voices", "Speech.voice", "Speech.default_voice", "Speech.synthesize", "Speech.preview", "Previews.preview",
    "Logbook.processes", "Logbook.search", "Monitoring.close", "Seals.close", "Seals.witnesses", "SignIn.needs_password",
    "House.current", "Access.recover", "Backups.tidy", "Backups.verify", "Backups.confirm_key_kept",
    "Monitoring.pool", "Monitoring.samples", "Monitoring.statements", "Seals.sign",
    "Metrics.names", "Metrics.series", "Metrics.newest", "Metrics.export", "Metrics.falls", "Objectives.objectives",
    "Indexes.view", "Indexes.declared", "Indexes.prove", "Migrations.state", "Migrations.dry_run", "Migrations.run",
    "MemoryService.scope", "MemoryService.within", "MemoryService.meaning", "MemoryService.embed", "MemoryService.extract",
    "Scopes.open", "Scopes.directory",
    "Safety.check", "Safety.judge", "Egress.hosts", "OAuthServices.find",
    "JobWatch.state", "JobWatch.troubles", "Notices.health",
    "ServerMonitor.activity", "ServerMonitor.locks", "ServerMonitor.tables", "ServerMonitor.cancel", "ServerMonitor.terminate",
}  # fmt: skip
CLASSES = sorted({name.split(".")[0] for name in verbs()})
CLASS_NAMES = {error.__name__ for error in every_error()} | {"ValueError", "OSError", "OperationalError", "RaiseException", "Exception"}
CLASS_NAMES -= {"Cancelled", "Conflict", "Unavailable", "Unexpected"}  # words of ordinary English too


@contextmanager
def failing(backend: Backend, fault: Callable[[], Exception], *, at: int) -> Iterator[Counter[str]]:
    """Let the ``at``-th statement of this backend, and every one after it, end in ``fault``."""
    seen: Counter[str] = Counter()

    def strike(*_call: object) -> None:
        seen["statements"] += 1
        if seen["statements"] >= at:
            seen["struck"] += 1
            raise fault()

    event.listen(backend.database.engine, "before_cursor_execute", strike)
    try:
        yield seen
    finally:
        event.remove(backend.database.engine, "before_cursor_execute", strike)


def shown(error: LecternError) -> str:
    """Return everything about an error that any window, terminal or clipboard gets."""
    told = payload(error)
    return "\n".join((json.dumps(asdict(told)), told.lines(), str(error), repr(str(error)), error.title, error.next_step))


def complaints(where: str, raised: Exception, known: LecternError, logged: str) -> list[str]:
    words = shown(known)
    problems = [f"{where}: people read {canary}" for canary in CANARIES if canary in words]
    problems += [f"{where}: people read {name}" for name in CLASS_NAMES if re.search(rf"\b{name}\b", words)]
    problems += [f"{where}: people read a stack"] if "Traceback" in words or 'File "' in words else []
    problems += [f"{where}: the log holds {canary}" for canary in SECRETS if canary in logged]
    if str(known.correlation_id) not in logged:
        problems.append(f"{where}: the log does not know {known.correlation_id}")
    if isinstance(known, Unexpected) and f'"{type(raised).__name__}"' not in logged:
        problems.append(f"{where}: the log does not say {type(raised).__name__}")
    return problems


@pytest.fixture
def calls(backend: Backend, actor: Actor, tmp_path: Path, settings: Settings) -> Calls:
    path = tmp_path / "Sample.txt"
    path.write_text("One short page to speak.", encoding="utf-8")
    waiting = backend.documents.import_file(path, actor=actor, title="Sample").document.id
    add_documents(backend, actor, 1)
    with backend.database.begin("Find") as conn:
        audio_id, document_id = conn.execute(sa.text("SELECT id, document_id FROM audios LIMIT 1")).one()
        job_id = conn.execute(sa.text("SELECT max(job_id) FROM job_run")).scalar_one()
    assert waiting != document_id
    ids = {
        "document_id": document_id,
        "audio_id": audio_id,
        "job_id": job_id,
        "page": 1,
        "number": 1,
        "object_id": 1,
        "from_id": 1,
        "to_id": 2,
    }
    return Calls(backend, actor, tmp_path, ids=ids, owner_dsn=f"postgresql://ana:{PASSWORD}@127.0.0.1:1/x?connect_timeout=1")


def attempt(calls: Calls, verb: str, node: ast.FunctionDef, fault: Callable[[], Exception], *, at: int) -> tuple[int, list[str]]:
    """Call a verb under a fault, through the boundary; return how often it struck and what is wrong."""
    backend = calls.backend
    wants_conn = "conn" in {arg.arg for arg in (*node.args.args, *node.args.kwonlyargs)}
    with captured() as stream, correlated() as reference, failing(backend, fault, at=at) as seen:
        try:
            if wants_conn:
                with backend.database.begin("Probe") as conn:
                    result = calls.call(verb, node, conn=conn)
            else:
                result = calls.call(verb, node, conn=None)
        except NoWayToCall:
            raise
        except Exception as error:  # noqa: BLE001  # this is the boundary under test
            known = at_boundary(log, "verb failed", error, correlation_id=reference)
            return seen["struck"], complaints(f"{verb} at {at}", error, known, stream.getvalue())
        text = repr(result)
        return seen["struck"], [f"{verb} at {at}: returns {canary}" for canary in CANARIES if canary in text]


@pytest.mark.trace("A5", "A13", "A19", "A54")
@pytest.mark.logs(".")
@pytest.mark.parametrize("owner", CLASSES)
def test_no_verb_lets_a_secret_of_a_lower_layer_through(calls: Calls, owner: str) -> None:
    problems, silent = [], set()
    for verb, node in verbs().items():
        if verb.split(".")[0] != owner:
            continue
        struck = 0
        for fault in FAULTS.values():
            for at in STATEMENTS:
                times, found = attempt(calls, verb, node, fault, at=at)
                struck += times
                problems += found
        if not struck:
            silent.add(verb)
    assert problems == []
    assert silent <= WITHOUT_STATEMENTS, f"no fault reached {sorted(silent - WITHOUT_STATEMENTS)}"


def test_every_verb_is_enumerated_from_the_code_and_none_is_left_over() -> None:
    assert set(verbs()) >= WITHOUT_STATEMENTS
    assert len(verbs()) > 100


@pytest.mark.logs(".")
def test_a_boundary_that_shows_what_was_raised_leaks(calls: Calls) -> None:
    node = verbs()["Documents.get"]
    leaked = set()
    for name, fault in FAULTS.items():
        with suppress(LecternError), failing(calls.backend, fault, at=1):
            try:
                calls.call("Documents.get", node, conn=None)
            except LecternError as error:
                leaked |= {name} if any(canary in str(error.__cause__) for canary in CANARIES) else set()
            except Exception as error:  # noqa: BLE001  # the naive boundary is the control
                leaked |= {name} if any(canary in str(error) for canary in CANARIES) else set()
    assert leaked == set(FAULTS)


@pytest.mark.trace("A8")
@pytest.mark.logs(".")
def test_an_operator_is_looked_up_over_a_dropped_connection_with_a_sentence_to_try_again(calls: Calls) -> None:
    backend = calls.backend
    with captured() as stream, failing(backend, FAULTS["connection lost"], at=1), correlated() as reference:
        with pytest.raises(DatabaseAway) as caught:
            backend.access.sign_in_here()
        known = at_boundary(log, "sign-in failed", caught.value)
    assert known.retriable
    assert complaints("sign-in", caught.value, known, stream.getvalue()) == []
    assert reference in stream.getvalue()
    assert backend.access.sign_in_here().name


@pytest.mark.trace("A5")
@pytest.mark.logs(".")
def test_a_revoked_privilege_and_a_trigger_that_talks_reach_nobody(calls: Calls, clean: EmbeddedServer) -> None:
    backend, document_id = calls.backend, calls.ids["document_id"]
    talk = f"""
        CREATE FUNCTION talk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '{TEXT} {DSN}'; END $$;
        CREATE TRIGGER talk BEFORE UPDATE ON documents FOR EACH ROW EXECUTE FUNCTION talk();
    """
    problems = []
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        for harm, mend in (
            (talk, "DROP TRIGGER talk ON documents; DROP FUNCTION talk()"),
            ("REVOKE UPDATE ON documents FROM lectern_app", "GRANT UPDATE ON documents TO lectern_app"),
        ):
            conn.execute(harm)  # type: ignore[call-overload]  # one of two literals
            try:
                with captured() as stream, correlated(), pytest.raises(LecternError) as caught:
                    backend.documents.rename(document_id, "Other", actor=calls.actor, version=1)
                with captured() as stream:
                    known = at_boundary(log, "rename failed", caught.value)
                problems += complaints("rename", caught.value, known, stream.getvalue())
            finally:
                conn.execute(mend)
    assert problems == []


class Talking:
    """A speech engine that fails with everything it knows."""

    name = "local"

    def __getattr__(self, name: str) -> Callable[..., object]:
        def fail(*_values: object, **_named: object) -> object:
            raise RuntimeError(f"{name}: {TEXT} {DSN} {AWS} {PATH}")

        return fail


@pytest.mark.trace("A5")
@pytest.mark.logs(".")
@pytest.mark.parametrize("verb", sorted(name for name in WITHOUT_STATEMENTS if name.startswith(("Speech.", "Previews."))))
def test_a_speech_engine_that_talks_reaches_nobody(settings: Settings, actor: Actor, tmp_path: Path, verb: str) -> None:
    found: list[str] = []
    with open_backend(settings, engines=[Talking()]) as backend, captured() as stream, correlated():  # type: ignore[list-item]  # it has every method there is
        try:
            Calls(backend, actor, tmp_path, ids={}).call(verb, verbs()[verb], conn=None)
        except NoWayToCall:
            raise
        except Exception as error:  # noqa: BLE001  # this is the boundary under test
            found = complaints(verb, error, at_boundary(log, "verb failed", error), stream.getvalue())
    assert found == []
