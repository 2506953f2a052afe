"""Everything about one contact: given to them as a file that proves itself, or erased from everywhere, and nothing of anybody else."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import uuid
import zipfile
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from backend_core.audit.key_statements import check_signature
from backend_core.backend import Backend
from backend_core.conversations.tables import messages, photos, reminders
from backend_core.credentials.tables import oauth_tokens
from backend_core.db.embedded import EmbeddedServer
from backend_core.documents.tables import documents
from backend_core.errors import Conflict, InvalidInput, NotAllowed, NotFound, ReasonNeeded
from backend_core.memory.person_export import manifest_bytes
from backend_core.memory.receipts import is_about
from backend_core.scopes.records import Direct, Group
from backend_core.settings import Settings
from tests.backend_core.audit.test_fail_closed import nothing_recorded
from tests.backend_core.memory.gossip import ANA, BEN, LATER, START, Gossip, traces
from tests.lectern import MakeDocument

CANARY = "quokkaname8842"
SAGE, PARTY = Direct(ANA, "sage"), Group("party")


@pytest.fixture
def gossip(backend: Backend) -> Gossip:
    """People and personas, nothing said."""
    return Gossip.of(backend)


@pytest.fixture
def lived(gossip: Gossip, make_document: MakeDocument, tmp_path: Path) -> Gossip:
    """Ana has said and stored things everywhere, and Ben beside her."""
    for place in ({}, {"persona": "echo"}, {"guid": "party"}):
        gossip.say(f"I am {CANARY}", **place)
        gossip.say("Ben likes boats", sender=BEN, **place)
    gossip.say(f"never mention {CANARY}", guid="party")
    attach(gossip, SAGE, tmp_path, f"alone {CANARY}")
    attach(gossip, PARTY, tmp_path, f"grouped {CANARY}")
    document = make_document(f"The diary of {CANARY}", title=f"Diary {CANARY}")
    with gossip.backend.database.begin("Set") as conn:
        mine = sa.update(documents).where(documents.c.id == document)
        conn.execute(mine.values(on_behalf_of=gossip.person()))
        token = {"user_id": gossip.person(), "provider": "calendar", "enc_access": CANARY.encode(), "key_id": "k", "expires_at": LATER}
        conn.execute(sa.insert(oauth_tokens).values(token))
    return gossip


def attach(gossip: Gossip, where: Direct | Group, tmp_path: Path, text: str) -> None:
    """Add a photo and a reminder of Ana's."""
    path = tmp_path / f"{uuid.uuid4().hex}.bin"
    path.write_bytes(text.encode())
    staged = gossip.backend.storage.stage(path)
    with gossip.backend.scopes.open(where, actor=gossip.actor, action="memory.edit") as scope:
        kept = gossip.backend.storage.attach(scope.conn, staged, content_type="image/png")
        talk = {"container_id": scope.container_id, "conversation_id": scope.container.conversation_id, "user_id": gossip.person()}
        shown = {"sender": ANA, "attachment_guid": "a1", "correlation_id": "x", "object_id": kept, "caption": text}
        scope.conn.execute(sa.insert(photos).values(talk | shown))
        scope.conn.execute(sa.insert(reminders).values(talk | {"text": text, "due_at": START}))


def due(server: EmbeddedServer) -> None:
    """Let 31 days pass for every erasure of a person."""
    with psycopg.connect(server.admin_dsn, autocommit=True) as conn:
        conn.execute("UPDATE person_erasures SET due_at = due_at - interval '31 days'")


def on_disk(settings: Settings) -> list[str]:
    return [path.name for path in settings.objects_dir.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]


def ask(gossip: Gossip) -> Any:
    return gossip.backend.forgetting.request_erasure(gossip.person(), "Ana", actor=gossip.actor)


def test_erasing_a_person_leaves_no_byte_of_them_and_all_of_everybody_else(
    lived: Gossip, clean: EmbeddedServer, settings: Settings
) -> None:
    user = lived.person()
    stores = {table.partition(".")[0] for table in traces(clean, CANARY)}
    # the control: it is everywhere before
    assert stores >= {
        "memories", "messages", "postings", "photos", "reminders", "boundaries", "documents", "document_pages", "job_run", "oauth_tokens",
    }  # fmt: skip
    assert len(on_disk(settings)) == 3
    asked = ask(lived)
    assert (asked.state, asked.asked_by, asked.reason) == ("waiting", lived.actor.name, "a test")
    system = lived.backend.system()
    assert lived.backend.forgetting.erase_due(actor=system) == 0
    due(clean)
    assert lived.backend.forgetting.erase_due(actor=system) == 1
    assert lived.backend.forgetting.erase_due(actor=system) == 0
    lived.backend.storage.sweep(older_than_s=0)
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute("VACUUM")
    assert traces(clean, CANARY) == {}
    assert traces(clean, ANA[1:]) == {}
    assert traces(clean, "Ana") == {}
    assert on_disk(settings) == []
    assert lived.known(PARTY) == lived.heard(PARTY) == ["Ben likes boats"]
    assert lived.known(Direct(BEN, "sage")) == ["Ben likes boats"]
    with pytest.raises(NotFound):
        lived.backend.scopes.resolve(SAGE)
    (done,) = lived.backend.forgetting.person_erasures(actor=lived.actor, user_id=user)
    assert done.state == "done"
    counts = done.counts
    named = ("containers", "memories", "messages", "photos", "objects", "reminders", "documents", "tokens", "memberships", "contacts")
    assert {name: counts[name] for name in named} == {
        "containers": 2, "memories": 3, "messages": 4, "photos": 2, "objects": 3, "reminders": 2, "documents": 1, "tokens": 1,
        "memberships": 1, "contacts": 1,
    }  # fmt: skip


def test_the_erasure_of_a_person_has_a_receipt_that_names_nobody(lived: Gossip, clean: EmbeddedServer) -> None:
    user = lived.person()
    ask(lived)
    due(clean)
    lived.backend.forgetting.erase_due(actor=lived.backend.system())
    (receipt,) = lived.backend.forgetting.receipts(actor=lived.actor)
    found = lived.backend.forgetting.verify_receipt(receipt.document, actor=lived.actor)
    assert (found.ok, receipt.kind) == (True, "person")
    assert is_about(found.facts, user)
    for secret in ("Ana", ANA, CANARY, str(user)):
        assert secret not in receipt.document
    with psycopg.connect(clean.admin_dsn) as conn:
        query = "SELECT after ->> 'step' FROM audit_event WHERE target = %s AND action = 'contact.erase' ORDER BY id"
        assert conn.execute(query, (f"contact:{user}",)).fetchall() == [("asked for",), ("erased",)]


def test_it_asks_for_the_name_a_reason_a_proof_and_an_administrator_and_only_once(gossip: Gossip) -> None:
    gossip.say("hi")
    forgetting, user = gossip.backend.forgetting, gossip.person()
    with pytest.raises(InvalidInput):
        forgetting.request_erasure(user, "ana", actor=gossip.actor)
    with pytest.raises(ReasonNeeded):
        forgetting.request_erasure(user, "Ana", actor=dataclasses.replace(gossip.actor, reason=None))
    with pytest.raises(NotAllowed):
        forgetting.request_erasure(user, "Ana", actor=dataclasses.replace(gossip.actor, role="support"))
    with pytest.raises(NotFound):
        forgetting.request_erasure(uuid.uuid4(), "Ana", actor=gossip.actor)
    ask(gossip)
    with pytest.raises(Conflict):
        ask(gossip)


def test_until_it_begins_it_can_be_called_off_and_asked_for_again(gossip: Gossip, clean: EmbeddedServer) -> None:
    gossip.say("I like tea")
    ask(gossip)
    assert gossip.backend.people.contact(gossip.person(), actor=gossip.actor).contact.deletion_requested_at is not None
    cancelled = gossip.backend.forgetting.cancel_erasure(gossip.person(), actor=gossip.actor)
    assert cancelled.state == "cancelled"
    assert gossip.backend.people.contact(gossip.person(), actor=gossip.actor).contact.deletion_requested_at is None
    due(clean)
    assert gossip.backend.forgetting.erase_due(actor=gossip.backend.system()) == 0
    assert gossip.known(SAGE) == ["I like tea"]
    with pytest.raises(NotFound):
        gossip.backend.forgetting.cancel_erasure(gossip.person(), actor=gossip.actor)
    assert ask(gossip).state == "waiting"


@pytest.mark.logs("erasure of a contact not completed")
def test_an_erasure_that_was_interrupted_goes_on_counts_everything_and_cannot_be_called_off(lived: Gossip, clean: EmbeddedServer) -> None:
    user = lived.person()
    ask(lived)
    due(clean)
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute("CREATE FUNCTION keep_group() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'kept'; END $$")
        number = conn.execute("SELECT id FROM containers WHERE kind = 'group'").fetchone()
        held = "CREATE TRIGGER keep_group BEFORE DELETE ON messages FOR EACH ROW WHEN (OLD.container_id = {}) EXECUTE FUNCTION keep_group()"
        conn.execute(sql.SQL(held).format(sql.Literal(number and number[0])))
        try:
            assert lived.backend.forgetting.erase_due(actor=lived.backend.system()) == 0
        finally:
            conn.execute("DROP FUNCTION keep_group() CASCADE")
    with pytest.raises(NotFound, match="begun"):
        lived.backend.forgetting.cancel_erasure(user, actor=lived.actor)
    assert lived.backend.forgetting.erase_due(actor=lived.backend.system()) == 1
    (done,) = lived.backend.forgetting.person_erasures(actor=lived.actor)
    assert (done.counts["containers"], done.counts["memories"], done.counts["messages"]) == (2, 3, 4)
    assert traces(clean, CANARY) == {}


def test_the_export_holds_what_is_theirs_and_nothing_of_anybody_else(lived: Gossip, tmp_path: Path) -> None:
    path = tmp_path / "ana.zip"
    made = lived.backend.forgetting.export_person(lived.person(), path, actor=lived.actor)
    with zipfile.ZipFile(path) as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    assert len(files) == made.files
    assert hashlib.sha256(path.read_bytes()).hexdigest() == made.sha256
    whole = b"".join(files.values())
    assert b"Ben likes boats" not in whole
    assert b"Ben" not in b"".join(content for name, content in files.items() if name.startswith("groups/"))
    signed = json.loads(files.pop("manifest.json"))
    manifest = signed["manifest"]
    assert {one["name"]: one["sha256"] for one in manifest["files"]} == {
        name: hashlib.sha256(content).hexdigest() for name, content in files.items()
    }
    public, signature = (base64.b64decode(signed[name]) for name in ("public", "signature"))
    assert check_signature(public, manifest_bytes(manifest), signature)
    assert not check_signature(public, manifest_bytes(manifest | {"contact": "x"}), signature)
    counts = {kind: manifest["counts"][kind] for kind in ("memories", "messages", "photos", "reminders", "documents", "tokens", "files")}
    assert counts == {"memories": 3, "messages": 4, "photos": 2, "reminders": 2, "documents": 1, "tokens": 1, "files": 3}
    token = json.loads(files["tokens.jsonl"])
    assert token["provider"] == "calendar"
    assert CANARY not in files["tokens.jsonl"].decode()
    assert json.loads(files["contact.json"])["phone"] == ANA
    assert sum(b"container_id" in content for content in files.values()) == 0


def test_every_container_that_an_export_opens_is_audited_with_its_reason(lived: Gossip, clean: EmbeddedServer, tmp_path: Path) -> None:
    lived.backend.forgetting.export_person(lived.person(), tmp_path / "ana.zip", actor=lived.actor)
    with psycopg.connect(clean.admin_dsn) as conn:
        rows = conn.execute("SELECT split_part(target, ':', 1) FROM audit_event WHERE action = 'contact.export' ORDER BY id").fetchall()
    assert [row[0] for row in rows] == ["contact", "container", "container", "container"]


def test_a_failed_export_leaves_no_file(lived: Gossip, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        lived.backend.forgetting.export_person(lived.person(), tmp_path, actor=lived.actor)

    def stop(_done: int, _total: int) -> None:
        raise NotFound("stopped")

    with pytest.raises(NotFound, match="stopped"):
        lived.backend.forgetting.export_person(lived.person(), tmp_path / "ana.zip", actor=lived.actor, progress=stop)
    assert [one for one in tmp_path.iterdir() if "ana.zip" in one.name] == []


def test_a_group_they_left_long_ago_is_theirs_too(gossip: Gossip, clean: EmbeddedServer) -> None:
    said = gossip.say(f"I am {CANARY}", guid="party")
    gossip.say("Ben likes boats", sender=BEN, guid="party")
    gossip.backend.conversations.leave(said.conversation_id, ANA, actor=gossip.actor)
    ask(gossip)
    due(clean)
    assert gossip.backend.forgetting.erase_due(actor=gossip.backend.system()) == 1
    assert traces(clean, CANARY) == {}
    with gossip.backend.scopes.open(PARTY, actor=gossip.actor, action="memory.read") as scope:
        query = sa.select(sa.func.count()).where(messages.c.container_id == scope.container_id)
        assert scope.conn.execute(query).scalar_one() == 1


@pytest.mark.logs("erasure of a contact not completed", "privacy (boundary|incident)")
def test_an_erasure_whose_end_cannot_be_recorded_does_not_end(gossip: Gossip, clean: EmbeddedServer) -> None:
    gossip.say(f"I am {CANARY}", guid="party")
    ask(gossip)
    due(clean)
    with nothing_recorded(clean):
        assert gossip.backend.forgetting.erase_due(actor=gossip.backend.system()) == 0
        # what goes container by container is recorded by the database itself
        assert traces(clean, CANARY) == {}
        assert traces(clean, ANA) == {"contacts.phone": 1}
        assert gossip.backend.forgetting.receipts(actor=gossip.actor) == ()
    assert gossip.backend.forgetting.erase_due(actor=gossip.backend.system()) == 1
    assert traces(clean, CANARY) == traces(clean, ANA) == {}
