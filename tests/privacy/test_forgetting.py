"""Forgetting reaches what was meant, in every store, in the one conversation it was asked in, and nowhere else."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from backend_core.db.embedded import EmbeddedServer
from backend_core.memory.forget_records import Obeyed
from backend_core.settings import Settings
from tests.privacy.raw import as_superuser
from tests.privacy.test_scenarios import Cast
from tests.privacy.town import Town, Where, unpacked

SECRET = "quetzalwort"
SAID = f"I met the {SECRET} dealer by the canal"
OTHER = "The dentist moved my appointment to Monday"


@pytest.fixture
def cast(town: Town) -> Cast:
    """Alice, Ben and Dana."""
    return Cast(town, *(town.person(name) for name in ("Alice", "Ben", "Dana")))


@pytest.fixture
def both(cast: Cast) -> dict[str, Where]:
    """A group and a direct conversation of Ben's in which the same was said."""
    places: dict[str, Where] = {"group": cast.town.group("team", cast.ben, cast.alice), "direct": cast.town.direct(cast.ben)}
    for where in places.values():
        cast.town.say(where, cast.ben, OTHER)
        cast.town.say(where, cast.ben, SAID)
    return places


def only_there(cast: Cast, both: dict[str, Where], mode: str) -> None:
    """Say "forget that" in one mode; the other keeps everything."""
    other = next(where for name, where in both.items() if name != mode)
    before = cast.town.texts(other)
    received = cast.town.say(both[mode], cast.ben, "Forget that.")
    assert isinstance(received.forget, Obeyed)
    assert received.forget.did == "forgot"
    assert SECRET not in cast.town.knows(both[mode], "dealer", "canal")
    assert [text for text in cast.town.texts(both[mode]) if OTHER in text]
    assert cast.town.texts(other) == before
    assert SECRET in cast.town.knows(other, "dealer", "canal")


@pytest.mark.trace("B36")
def test_forget_in_group_only_group(cast: Cast, both: dict[str, Where]) -> None:
    only_there(cast, both, "group")


@pytest.mark.trace("B37")
def test_forget_in_direct_only_direct(cast: Cast, both: dict[str, Where]) -> None:
    only_there(cast, both, "direct")


@pytest.mark.trace("B36", "B37")
def test_forget_that_resolves_last_memory_of_this_context(cast: Cast, both: dict[str, Where]) -> None:
    # what was said last of all was said elsewhere
    cast.town.say(both["direct"], cast.ben, "The very last thing of all")
    cast.town.say(both["group"], cast.ben, "forget that")
    assert SECRET not in cast.town.knows(both["group"], "dealer")
    assert any("very last" in text for text in cast.town.texts(both["direct"]))
    assert SECRET in cast.town.knows(both["direct"], "dealer")


@pytest.mark.parametrize("words", ["Forget everything", "Forget it, but keep the rest", "Should I forget that?", "Vergiss es"])
def test_forget_ambiguous_asks_and_changes_nothing(cast: Cast, both: dict[str, Where], words: str) -> None:
    before = {name: cast.town.texts(where) for name, where in both.items()}
    received = cast.town.say(both["direct"], cast.ben, words)
    if isinstance(received.forget, Obeyed):
        assert received.forget.did == "asked"
        assert received.forget.sentence.endswith(("?", "."))
        assert not received.forget.erasure_id
    after = {name: [text for text in cast.town.texts(where) if words not in text] for name, where in both.items()}
    assert after == before


def traces(server: EmbeddedServer, word: str) -> dict[str, int]:
    """Return in which tables a word stands, whatever the column and the container, and how often."""
    found = {}
    with as_superuser(server) as conn:
        tables = conn.execute("SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace")
        for (table,) in tables.fetchall():
            query = sql.SQL("SELECT count(*) FROM {} t WHERE t::text ILIKE %s").format(sql.Identifier(table))
            row = conn.execute(query, (f"%{word}%",)).fetchone()
            if row and row[0]:
                found[table] = row[0]
    return found


def files_with(folder: Path, word: bytes) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and word in path.read_bytes())


@pytest.mark.trace("B36", "B37")
def test_forget_removes_from_every_store(cast: Cast, clean: EmbeddedServer, settings: Settings, tmp_path: Path) -> None:
    town, direct = cast.town, cast.town.direct(cast.ben)
    # digits have no endings, which a stem would lose
    word = f"{SECRET}{uuid.uuid4().int % 10**6:06}"
    town.say(direct, cast.ben, OTHER)
    received = town.say(direct, cast.ben, f"Remind me of the {word} on Friday at nine, I met it by the canal")
    (first, *_) = received.memory_ids
    with town.open(direct, "memory.edit") as memory:
        changed = memory.get(first)
        memory.update(first, text=f"{changed.text} and the {word} twin", version=changed.version)
    town.search(direct, word)
    town.reply(direct, f"what of the {word}?")
    before = traces(clean, word)
    assert {"memories", "messages", "postings", "memory_history"} <= set(before)
    done = town.backend.forgetting.forget(direct, f"forget what I said about the {word}", hard=True, actor=town.actor)
    assert done.hard
    assert done.receipt is not None
    # the question itself was said too, and it is an operator's: nothing keeps its words either
    assert traces(clean, word) == {}
    path = tmp_path / "export.zip"
    with town.open(direct, "memory.export") as memory:
        memory.export(path)
    assert word.encode() not in unpacked(path)
    assert list(files_with(settings.objects_dir, word.encode())) == []
    assert list(files_with(settings.log_dir, word.encode())) == []
    assert word not in town.knows(direct, "canal", "Friday")


def test_forget_reports_true_count(cast: Cast, both: dict[str, Where]) -> None:
    town = cast.town
    for number in range(3):
        town.remember(both["direct"], f"Note {number} on the {SECRET}")
    preview = town.backend.forgetting.preview(both["direct"], f"forget what I said about the {SECRET}", actor=town.actor)
    before = len(town.texts(both["direct"]))
    done = town.backend.forgetting.forget(both["direct"], preview, actor=town.actor)
    assert dict(done.counts) == dict(preview.counts)
    assert done.counts["memories"] == before - len(town.texts(both["direct"]))
    assert done.counts["memories"] == len(preview.ids("memories")) >= 4
    # nothing twice, and nothing where there is nothing
    again = town.backend.forgetting.forget(both["direct"], f"forget what I said about the {SECRET}", actor=town.actor)
    assert again.counts.get("memories", 0) == 0
    nothing = town.backend.forgetting.forget(both["direct"], "forget what I said about the unheard-of thing", actor=town.actor)
    assert sum(nothing.counts.values()) == 0


def test_forget_idempotent_and_receipt_verifies(cast: Cast, both: dict[str, Where], tmp_path: Path) -> None:
    town, forgetting = cast.town, cast.town.backend.forgetting
    done = forgetting.forget(both["direct"], f"forget what I said about the {SECRET}", hard=True, actor=town.actor)
    state = {name: town.texts(where) for name, where in both.items()}
    again = forgetting.forget(both["direct"], f"forget what I said about the {SECRET}", hard=True, actor=town.actor)
    assert {name: town.texts(where) for name, where in both.items()} == state
    assert again.counts.get("memories", 0) == 0
    assert done.receipt is not None
    path = tmp_path / "receipt.json"
    path.write_text(done.receipt.document, encoding="utf-8")
    verdict = forgetting.verify_receipt(path)
    assert (verdict.ok, verdict.problems) == (True, ())
    assert SECRET not in done.receipt.document
    for forged in tampered(done.receipt.document):
        path.write_text(forged, encoding="utf-8")
        assert not forgetting.verify_receipt(path).ok


def tampered(document: str) -> list[str]:
    """Return the receipt with one fact changed at a time."""
    found: list[Any] = json.loads(document)
    changed = []

    def walk(value: Any, path: tuple[Any, ...]) -> None:
        if isinstance(value, (dict, list)):
            for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
                walk(inner, (*path, key))
            return
        copy = json.loads(document)
        target = copy
        for key in path[:-1]:
            target = target[key]
        target[path[-1]] = value + 1 if isinstance(value, int) else f"{value}0" if isinstance(value, str) else "x"
        changed.append(json.dumps(copy))

    walk(found, ())
    return changed


@pytest.mark.trace("B30")
def test_delete_all_touches_one_container(cast: Cast, both: dict[str, Where]) -> None:
    town = cast.town
    others = {"echo": town.direct(cast.ben, "echo"), "alice": town.direct(cast.alice)}
    for where in others.values():
        town.say(where, cast.ben if where is others["echo"] else cast.alice, SAID)
    before = {name: town.texts(where) for name, where in {**both, **others}.items() if name != "direct"}
    with town.open(both["direct"]) as memory:
        everything = tuple(found.id for found in memory.list(limit=500))
    done = town.backend.forgetting.forget(both["direct"], everything, hard=True, actor=town.actor)
    assert done.counts["memories"] == len(everything) > 1
    assert town.texts(both["direct"]) == []
    assert {name: town.texts(where) for name, where in {**both, **others}.items() if name != "direct"} == before


@pytest.mark.trace("B36", "B37")
def test_what_is_forgotten_softly_is_gone_from_every_read_and_comes_back_only_when_restored(cast: Cast, both: dict[str, Where]) -> None:
    town = cast.town
    done = town.backend.forgetting.forget(both["direct"], f"forget what I said about the {SECRET}", actor=town.actor)
    assert SECRET not in town.knows(both["direct"], "dealer", "canal")
    assert done.erasure_id is not None
    town.backend.forgetting.restore(both["direct"], done.erasure_id, actor=town.actor)
    assert SECRET in town.knows(both["direct"], "dealer", "canal")
