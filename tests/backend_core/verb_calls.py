"""Calls any verb of any service with arguments that get it as far as its first statement."""

from __future__ import annotations

import ast
import datetime as dt
import inspect
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from backend_core import __version__
from backend_core.audit.query import AuditFilter
from backend_core.audit.service import Entry
from backend_core.backend import Backend
from backend_core.conversations.records import Arrived, IncomingMessage
from backend_core.credentials.token_records import Grant
from backend_core.jobs.runner import Subject
from backend_core.jobs.service import JobRequest
from backend_core.memory.forget import LAST
from backend_core.memory.forget_selection import Selection
from backend_core.monitoring.logbook import LogFilter
from backend_core.notices.records import NewNotice
from backend_core.policy import Actor, Target
from backend_core.safety.moderation import Moderation
from backend_core.safety.transport import Request
from backend_core.scopes.records import Container, Direct
from backend_core.scopes.service import Scope
from backend_core.speech.engine import SpeechRequest
from backend_core.storage.service import StagedObject

LATER = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)


class NoWayToCall(AssertionError):
    """A new verb, or a new argument: say here how to call it."""


def proven(actor: Actor) -> Actor:
    """Return the actor with a reason and a proof, so that no verb stops before its work."""
    return replace(actor, reason="fault injection", proven_until=LATER)


def instance(backend: Backend, class_name: str) -> Any:
    """Return the object of the backend that has the methods of a class."""
    seen: list[Any] = [backend]
    for owner in seen:
        if any(base.__name__ == class_name for base in type(owner).__mro__):
            return owner
        parts = (
            list(vars(owner).values()) if hasattr(owner, "__dict__") else [getattr(owner, n, None) for n in getattr(owner, "__slots__", ())]
        )
        fresh = [part for part in parts if type(part).__module__.startswith("backend_core.") and not any(part is one for one in seen)]
        seen += fresh
    raise NoWayToCall(f"no object of the backend is a {class_name}")


class Calls:
    """Makes arguments by their name, and by their type where the name says nothing.

    Args:
        ids: ids of what exists: document_id, audio_id, job_id, page ...
    """

    def __init__(self, backend: Backend, actor: Actor, folder: Path, *, ids: dict[str, int], owner_dsn: str = "") -> None:
        self.owner_dsn = owner_dsn
        self.backend, self.actor, self.folder, self.ids = backend, proven(actor), folder, ids

    def call(self, verb: str, node: ast.FunctionDef, *, conn: Connection | None) -> object:
        """Call ``Class.verb``; an unknown argument without a default raises ``NoWayToCall``."""
        owner = instance(self.backend, verb.partition(".")[0])
        method: Callable[..., object] = getattr(owner, node.name)
        given = {}
        plain: list[object] = []
        for parameter in inspect.signature(method).parameters.values():
            if parameter.default is not parameter.empty and parameter.name not in ("version", "typed_title"):
                continue
            value = self._argument(verb, parameter, conn)
            if parameter.kind is parameter.POSITIONAL_ONLY or parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
                plain.append(value)
            elif parameter.kind is parameter.KEYWORD_ONLY:
                given[parameter.name] = value
        return method(*plain, **given)

    def _argument(self, verb: str, parameter: inspect.Parameter, conn: Connection | None) -> object:
        name, kind = parameter.name, str(parameter.annotation).split("|")[0].strip().rpartition(".")[2]
        file = self.folder / "given.txt"
        file.write_text("One short page to speak.", encoding="utf-8")
        known: dict[str, object] = {
            "actor": self.actor,
            "conn": conn,
            "name": "x",
            "names": ["pool.in_use"],
            "role": "support",
            "owner_dsn": self.owner_dsn,
            "path": self.folder / "made",
            "to": self.folder / "made.wav",
            "into": self.folder / "made.wav",
            "source": file,
            "format": "mp3",
            "version": 1,
            "changes": {},
            "since": LATER - dt.timedelta(days=30),
            "until": LATER,
            "at": LATER,
            "pid": 1,
            "started_at": LATER,
            "session_id": "00000000-0000-0000-0000-000000000000",
            "target": Target(kind="document", id="1"),
            "entries": [Entry(actor=self.actor, action="document.rename", target=Target(kind="document", id="1"))],
            "payload": b"x",
            "made": self.folder / "made",
            "voice": "local:en-gb",
            "voice_id": "local:en-gb",
            "title": "New title",
            "typed_title": "Sample",
            "query": "actor:ana",
            "verdict": "go",
            "reviewer": "Ana",
            "request": SpeechRequest(text="One.", voice="local:en-gb"),
            "hard_limit_s": 5.0,
            "older_than_s": 0.0,
            "plan": None,
            "requests": [JobRequest(task="speak_page", title="x", subject=Subject(document_id=1))],
            "staged": StagedObject(key="x", sha256="x", bytes=1, intent_id=1),
            "content_type": "text/plain",
            "wanted": LogFilter() if verb.startswith("Logbook.") else AuditFilter(),
            "kind": "manual",
            "correlation_id": "c7f1-92ab",
            "progress": _nothing,
            "should_stop": lambda: False,
            "token": "x" * 40,
            "older": 0.0,
            "contact_id": uuid.uuid4(),
            "conversation_id": uuid.uuid4(),
            "reminder_id": uuid.uuid4(),
            "user": "+15551234567",
            "persona": "sage",
            "persona_id": "sage",
            "guid": "chat-1",
            "passport": {},
            "due_at": LATER,
            "where": Direct("+15551234567", "sage"),
            "attachment_guid": "attachment-1",
            "photo_id": uuid.uuid4(),
            "event_id": uuid.uuid4(),
            "token_id": uuid.uuid4(),
            "user_id": uuid.uuid4(),
            "purpose": "moderation",
            "host": "api.example.com",
            "provider": "bank",
            "grant": Grant(access="x", expires_at=LATER),
            "token_url": "https://api.example.com/token",
            "trigger": "ci",
        }
        if verb in {"Privacy.export", "Readiness.export"}:
            known["path"] = self.folder / "made.json"
        if verb == "Importing.import_messages":
            known["path"] = file
        if verb == "Intake.receive":
            known["message"] = IncomingMessage(text="hello", sender="+15551234567", chat_guid="chat-1", is_group=True)
        if verb == "Photos.attach":
            known["path"] = Path(__file__).parents[2] / "docs" / "pictures" / "documents-light.png"
        if verb == "ReviewQueue.review":
            known["verdict"] = "right"
        if verb in {"Safety.note", "Photos.follow", "MemoryService.remember"}:
            known |= {"arrived": self._arrived(), "verdict": Moderation().check("I'll kill you")}
        if verb.startswith(("Forgetting.", "Boundaries.", "Purging.", "Expiring.", "ReceiptBook.", "Persons.")):
            known |= self._forgetting(verb)
        if verb == "MemoryService.within":
            known["scope"] = self._arrived().scope
        if verb == "Egress.send":
            known["request"] = Request(url="https://api.example.com/", body=b"x")
        if verb == "OAuthServices.set_up":
            known["name"] = "bank"
        if verb in {"Tokens.refresh_due", "Tokens.access_token"}:
            known["actor"] = self.backend.system()
        if verb == "Documents.import_file":
            known["path"] = file
        if verb == "SignIn.sign_out":
            known["actor"] = replace(self.actor, session=str(known["session_id"]))
        if verb == "Watch.check":
            known["actor"] = self.backend.system()
        if verb == "Indexes.change":
            known |= {"action": "create", "what": "CREATE INDEX probe_title ON documents (title, id)"}
        if verb == "SignOffs.sign_off":
            known |= {"version": "1.2.3", "verdict": "no-go"}
        if verb == "Readiness.judgement":
            known["version"] = __version__
        if verb.startswith(("Notices.", "JobAlerts.", "JobWatch.")):
            known |= self._noticing(verb)
        if name in self.ids:
            return self.ids[name]
        if name in known:
            return known[name]
        by_kind: dict[str, object] = {"int": 1, "str": "x", "float": 1.0, "bool": False, "Path": self.folder / "made", "Progress": _nothing}
        if kind in by_kind:
            return by_kind[kind]
        raise NoWayToCall(f"{verb}: how is {parameter} given?")

    def _noticing(self, verb: str) -> dict[str, object]:
        facts = {"kind": "probe", "severity": "info", "title": "Probe", "body": "Nothing.", "page": "health"}
        soon = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
        given = {"notice": NewNotice(**facts, subject="x"), "kind": "probe", "until": soon, "channel": "email", "secret": ""}
        program = {"Notices.raise_", "Notices.resolve", "Notices.deliver_due", "JobWatch.troubles"}
        more: dict[str, object] = {"ids": [1], "status": "ACKNOWLEDGED", "rows": self.backend.monitor_link.rows}
        return given | more | ({"actor": self.backend.system()} if verb in program else {})

    def _forgetting(self, verb: str) -> dict[str, object]:
        arrived = replace(self._arrived(), text="forget that")
        ids = {name: uuid.uuid4() for name in ("erasure_id", "boundary_id", "receipt_id")}
        found = Selection(memories={uuid.uuid4(): "chosen"})
        given = {"arrived": arrived, "scope": arrived.scope, "what": LAST, "found": found, "topic": "Tom", "typed_name": "Ana"}
        program = {"actor": self.backend.system()} if verb in {"Purging.purge_due", "Expiring.expire_due", "Persons.erase_due"} else {}
        return ids | given | program | {"kind": "never", "given": "{}", "by": "Ana"}

    def _arrived(self) -> Arrived:
        """Return a message whose scope has ended: whoever uses it is refused, and the attempt is noted."""
        names = {"tag": "group_chat-1", "kind": "group", "user_id": None, "persona_id": None, "chat_guid": "chat-1"}
        container = Container(public_id=uuid.uuid4(), conversation_id=uuid.uuid4(), **names)
        scope = Scope(1, container, self.actor, None, self.backend.scopes.guard, _open=False)  # type: ignore[arg-type]  # never used
        facts = {"message_id": uuid.uuid4(), "conversation_id": container.conversation_id, "user_id": None, "from_persona": False}
        return Arrived(scope=scope, speaker="Ana", text="what do you think?", at=LATER, **facts)


def _nothing(*_values: object) -> None:
    return None
