"""Purging: after it no store holds a byte of what was forgotten; before it every store does, and the scan sees it."""

from __future__ import annotations

import datetime as dt
import os
import uuid
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from psycopg import sql

from backend_core.audit.keys import SECRET
from backend_core.backend import Backend
from backend_core.conversations.tables import messages, photos, reminders
from backend_core.db.embedded import EmbeddedServer
from backend_core.errors import NotAllowed, Unavailable
from backend_core.memory.boundaries import set_about_memory
from backend_core.memory.tables import memories, memory_history, memory_vectors
from backend_core.safety.tables import safety_events
from backend_core.scopes.records import Direct
from backend_core.settings import Settings
from tests.backend_core.memory.gossip import ANA, START, Gossip, first_kept, traces

CANARY = "xylocanary7319"
SAGE, ECHO = Direct(ANA, "sage"), Direct(ANA, "echo")
STORES = {
    "memories.text", "memory_history.text", "postings.term", "memory_vectors.embedding", "messages.body", "photos.caption",
    "photos.summary", "photos.recognised_text", "reminders.text", "safety_events.note", "boundaries.topic", "boundaries.topic_key",
}  # fmt: skip


@pytest.fixture
def gossip(backend: Backend) -> Gossip:
    """People and personas, nothing said."""
    return Gossip.of(backend)


def everywhere(gossip: Gossip, tmp_path: Path, where: Direct = SAGE, persona: str = "sage") -> None:
    """Put the canary into every store a conversation has."""
    gossip.say("I like tea", persona=persona)
    told = gossip.say(f"My {CANARY} is ill", persona=persona)
    gossip.answer(f"Your {CANARY}? I am sorry", persona=persona)
    (memory,) = told.memory_ids
    picture = tmp_path / "picture.bin"
    picture.write_bytes(b"pixels " + CANARY.encode())
    staged = gossip.backend.storage.stage(picture)
    with gossip.backend.scopes.open(where, actor=gossip.actor, action="memory.edit") as scope:
        here = {"container_id": scope.container_id}
        talk = here | {"conversation_id": scope.container.conversation_id}
        kept = gossip.backend.storage.attach(scope.conn, staged, content_type="image/png")
        texts = {"caption": CANARY, "summary": f"a {CANARY}", "recognised_text": CANARY}
        shown = talk | texts | {"sender": ANA, "attachment_guid": "a1", "correlation_id": "x", "object_id": kept}
        scope.conn.execute(sa.insert(photos).values(shown))
        due = {"text": f"feed the {CANARY}", "due_at": START, "source_message_id": told.message_id}
        scope.conn.execute(sa.insert(reminders).values(talk | due))
        old = {"version": 1, "text": f"{CANARY} old", "type": "factual", "changed_by": "x"}
        scope.conn.execute(sa.insert(memory_history).values(here | {"memory_id": memory} | old))
        vector = {"model": "m", "turn": 1, "scale": 1.0, "embedding": CANARY.encode()}
        scope.conn.execute(sa.insert(memory_vectors).values(here | {"memory_id": memory} | vector))
        event = {"message_id": told.message_id, "direction": "input", "category": "hate", "action": "allowed", "provider": "local"}
        judged = {"verdict": "right", "reviewed_at": START, "reviewed_by": "x", "note": f"about {CANARY}"}
        scope.conn.execute(sa.insert(safety_events).values(here | event | judged))
        set_about_memory(scope, "hide", memory, f"My {CANARY} is ill", by="contact")


def on_disk(settings: Settings) -> list[str]:
    """Return the stored objects and log files that hold the canary; the log of the tests themselves is among them."""
    folders = (settings.objects_dir, settings.log_dir, Path(os.environ["LECTERN_HOME"]) / "logs")
    found = [path for folder in folders for path in folder.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]
    return sorted(path.name for path in found)


def age(server: EmbeddedServer) -> None:
    """Let 31 days pass for everything that waits to be erased."""
    with psycopg.connect(server.admin_dsn, autocommit=True) as conn:
        for table in ("erasures", "memories", "messages", "photos", "reminders"):
            conn.execute(sql.SQL("UPDATE {} SET purge_after = purge_after - interval '31 days'").format(sql.Identifier(table)))


def vacuum(server: EmbeddedServer) -> None:
    with psycopg.connect(server.admin_dsn, autocommit=True) as conn:
        conn.execute("VACUUM")


@pytest.mark.parametrize("hard", [True, False])
def test_after_the_purge_no_store_holds_a_byte_of_it(
    gossip: Gossip, clean: EmbeddedServer, settings: Settings, tmp_path: Path, hard: bool
) -> None:
    everywhere(gossip, tmp_path)
    before = traces(clean, CANARY)
    # the control: the scan sees it in every store, the object too
    assert set(before) >= STORES - {"boundaries.topic_key"}
    assert len(on_disk(settings)) == 1
    words = f"forget what I said about my {CANARY}"
    if hard:
        done = gossip.backend.forgetting.forget(SAGE, words, hard=True, actor=gossip.actor)
        assert done.receipt is not None
    else:
        assert gossip.say(words).forget.did == "forgot"
        assert gossip.backend.forgetting.purge_due(actor=gossip.backend.system()) == 0
        assert set(traces(clean, CANARY)) >= {"memories.text", "messages.body", "boundaries.topic"}
        age(clean)
        assert gossip.backend.forgetting.purge_due(actor=gossip.backend.system()) == 1
        assert gossip.backend.forgetting.purge_due(actor=gossip.backend.system()) == 0
    gossip.backend.storage.sweep(older_than_s=0)
    vacuum(clean)
    assert traces(clean, CANARY) == {}
    assert on_disk(settings) == []
    assert gossip.known(SAGE) == gossip.heard(SAGE) == ["I like tea"]
    (receipt,) = gossip.backend.forgetting.receipts(actor=gossip.actor)
    counts = gossip.backend.forgetting.verify_receipt(receipt.document).facts["counts"]
    assert {store for store, count in counts.items() if count} == {
        "memories", "versions", "postings", "vectors", "messages", "photos", "objects", "reminders", "safety", "boundaries",
    }  # fmt: skip


def test_the_data_files_hold_it_no_more_once_they_are_rewritten(gossip: Gossip, clean: EmbeddedServer, tmp_path: Path) -> None:
    everywhere(gossip, tmp_path)
    gossip.backend.forgetting.forget(SAGE, f"forget what I said about my {CANARY}", hard=True, actor=gossip.actor)
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        for table in ("memories", "messages", "memory_history", "postings", "memory_vectors", "photos", "reminders", "safety_events"):
            conn.execute(sql.SQL("VACUUM FULL {}").format(sql.Identifier(table)))
        for table in ("erasures", "boundaries"):
            conn.execute(sql.SQL("VACUUM FULL {}").format(sql.Identifier(table)))
        conn.execute("CHECKPOINT")
        pages = [row[0] for row in conn.execute("SELECT pg_relation_filepath(oid) FROM pg_class WHERE relkind IN ('r', 't', 'i')")]
        folder = Path(str(conn.execute("SHOW data_directory").fetchone()[0]))  # type: ignore[index]  # one row
        held = [page for page in pages if page and CANARY.encode() in (folder / page).read_bytes()]
    assert held == []


def test_the_same_words_elsewhere_are_not_touched(gossip: Gossip, clean: EmbeddedServer, tmp_path: Path) -> None:
    everywhere(gossip, tmp_path)
    gossip.say(f"My {CANARY} is ill", persona="echo")
    gossip.backend.forgetting.forget(SAGE, f"forget what I said about my {CANARY}", hard=True, actor=gossip.actor)
    assert traces(clean, CANARY) == {"memories.text": 1, "messages.body": 1, "postings.term": 1}
    assert gossip.known(ECHO) == [f"My {CANARY} is ill"]


def test_what_was_restored_is_not_purged(gossip: Gossip, clean: EmbeddedServer) -> None:
    gossip.say(f"My {CANARY} is ill")
    done = gossip.say("forget that").forget
    gossip.backend.forgetting.restore(SAGE, done.erasure_id, actor=gossip.actor)
    age(clean)
    assert gossip.backend.forgetting.purge_due(actor=gossip.backend.system()) == 0
    assert gossip.known(SAGE) == [f"My {CANARY} is ill"]


def test_a_picture_somebody_else_stored_too_stays_for_them(gossip: Gossip, settings: Settings, tmp_path: Path) -> None:
    everywhere(gossip, tmp_path)
    gossip.backend.conversations.create_direct(ANA, "echo", actor=gossip.actor)
    staged = gossip.backend.storage.stage(tmp_path / "picture.bin")
    with gossip.backend.scopes.open(ECHO, actor=gossip.actor, action="photo.attach") as scope:
        gossip.backend.storage.attach(scope.conn, staged, content_type="image/png")
    gossip.backend.forgetting.forget(SAGE, f"forget what I said about my {CANARY}", hard=True, actor=gossip.actor)
    gossip.backend.storage.sweep(older_than_s=0)
    assert len(on_disk(settings)) == 1


def test_nothing_is_erased_that_cannot_be_receipted(gossip: Gossip, clean: EmbeddedServer) -> None:
    gossip.say(f"My {CANARY} is ill")
    vault = gossip.backend.credentials
    kept = vault.get(SECRET) or gossip.backend.sealing.own().text()
    vault.set(SECRET, "no key")
    gossip.backend.sealing._own = None  # as in a process that just started
    try:
        with pytest.raises(Unavailable):
            gossip.backend.forgetting.forget(SAGE, "forget that", hard=True, actor=gossip.actor)
    finally:
        vault.set(SECRET, kept)
    assert gossip.known(SAGE) == [f"My {CANARY} is ill"]


@pytest.mark.logs("erasure not carried out")
def test_one_that_cannot_be_carried_out_does_not_keep_the_others_and_goes_next_time(gossip: Gossip, clean: EmbeddedServer) -> None:
    for persona in ("sage", "echo"):
        gossip.say(f"My {CANARY} is ill", persona=persona)
        gossip.say("forget that", persona=persona)
    age(clean)
    with first_kept(clean):
        assert gossip.backend.forgetting.purge_due(actor=gossip.backend.system()) == 1
    assert gossip.backend.forgetting.purge_due(actor=gossip.backend.system()) == 1
    assert traces(clean, CANARY) == {}


def test_nothing_that_stays_points_at_what_is_gone(gossip: Gossip) -> None:
    told = gossip.say(f"My {CANARY} is ill")
    other = gossip.note(SAGE, "Has a new job", source_message_id=told.message_id)
    with gossip.backend.scopes.open(SAGE, actor=gossip.actor, action="memory.edit") as scope:
        mine = (memories.c.container_id == scope.container_id, memories.c.id == other)
        scope.conn.execute(sa.update(memories).where(*mine).values(conflicts_with=told.memory_ids[0]))
    gossip.backend.forgetting.forget(SAGE, f"forget what I said about my {CANARY}", hard=True, actor=gossip.actor)
    with gossip.backend.scopes.open(SAGE, actor=gossip.actor, action="memory.read") as scope:
        query = sa.select(memories.c.source_message_id, memories.c.conflicts_with).where(memories.c.container_id == scope.container_id)
        assert set(scope.conn.execute(query).all()) == {(None, None)}
        assert scope.conn.execute(sa.select(messages.c.id).where(messages.c.container_id == scope.container_id)).all() == []


def test_only_the_program_itself_purges(gossip: Gossip) -> None:
    with pytest.raises(NotAllowed):
        gossip.backend.forgetting.purge_due(actor=gossip.actor)


def test_a_receipt_says_how_long_backups_may_hold_it(gossip: Gossip, clean: EmbeddedServer) -> None:
    insert = "INSERT INTO backups (kind, workstation, folder, file_name, bytes, sha256, made_by) VALUES (%s, 'w', '/b', %s, 1, 'x', 'Ana')"
    said = []
    for kinds in ((), ("scheduled",), ("manual",)):
        with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
            for kind in kinds:
                conn.execute(insert, (kind, uuid.uuid4().hex))
        gossip.say(f"My {CANARY} is ill {kinds}")
        done = gossip.backend.forgetting.forget(SAGE, "forget that", hard=True, actor=gossip.actor)
        assert done.receipt is not None
        facts = gossip.backend.forgetting.verify_receipt(done.receipt.document).facts
        (backups,) = (one for one in facts["remains"] if one["where"] == "backups")
        until = None if backups["until"] is None else dt.datetime.fromisoformat(backups["until"]) - done.receipt.at
        said.append(until)
    # every 7 days, 3 kept
    assert said == [dt.timedelta(0), dt.timedelta(days=28), None]


def test_the_worker_erases_what_is_due_when_it_sweeps(gossip: Gossip, clean: EmbeddedServer, settings: Settings, tmp_path: Path) -> None:
    everywhere(gossip, tmp_path)
    gossip.say(f"forget what I said about my {CANARY}")
    gossip.say(f"My {CANARY} is ill", persona="echo")
    gossip.backend.forgetting.request_erasure(gossip.person(), "Ana", actor=gossip.actor)
    gossip.backend.sweep()
    assert len(on_disk(settings)) == 1
    age(clean)
    gossip.backend.sweep()
    # one round for the rows and their files
    assert traces(clean, CANARY) == {"memories.text": 1, "messages.body": 1, "postings.term": 1}
    assert on_disk(settings) == []
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        conn.execute("UPDATE person_erasures SET due_at = due_at - interval '31 days'")
    gossip.backend.sweep()
    assert traces(clean, CANARY) == {}
