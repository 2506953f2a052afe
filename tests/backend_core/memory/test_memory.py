"""What can be done with the memories of one container, and that nothing can be done once its scope is closed."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import uuid
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from backend_core.backend import Backend
from backend_core.errors import InvalidInput, NotFound, ReasonNeeded, ScopeNeeded, StaleVersion, UnreadableFile
from backend_core.memory.records import Memory, NewMemory
from backend_core.memory.scoped import ScopedMemory
from backend_core.policy import Actor
from backend_core.scopes.records import Group

CLUB, PARTY = Group("club"), Group("party")
NOON = dt.datetime(2026, 5, 8, 12, tzinfo=dt.UTC)
LATER = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def who(actor: Actor) -> Actor:
    """The operator, with a reason and just signed in."""
    return replace(actor, reason="a test", proven_until=LATER)


@pytest.fixture
def add(backend: Backend, who: Actor) -> Callable[..., Memory]:
    """Return a function that remembers one text."""

    def remember(text: str, where: Group = CLUB, **facts: object) -> Memory:
        with backend.memory.scope(where, actor=who, action="memory.add", create=True) as memory:
            return memory.add(text, **facts)  # type: ignore[arg-type]  # as the test wants it

    return remember


def stored(backend: Backend, who: Actor, query: str, where: Group = CLUB) -> list[tuple[object, ...]]:
    """Return rows as they are in the database, seen from inside the container."""
    with backend.scopes.open(where, actor=who, action="memory.read") as scope:
        return [tuple(row) for row in scope.conn.execute(sa.text(query))]


def test_what_is_added_is_listed_newest_first_page_by_page(backend: Backend, who: Actor, add: Callable[..., Memory]) -> None:
    made = [add(f"Turn {n}", speaker="Ana", said_at=NOON + dt.timedelta(minutes=n)) for n in range(5)]
    with backend.memory.scope(CLUB, actor=who) as memory:
        first = memory.list(limit=2)
        second = memory.list(limit=10, before=(first[-1].said_at, first[-1].id))
        assert memory.get(made[0].id) == made[0]
        assert memory.count() == 5
    assert [one.text for one in (*first, *second)] == ["Turn 4", "Turn 3", "Turn 2", "Turn 1", "Turn 0"]


def test_a_memory_of_another_container_is_a_missing_one(backend: Backend, who: Actor, add: Callable[..., Memory]) -> None:
    mine, foreign = add("The club meets on Monday"), add("The party is a surprise", PARTY)
    refused = []
    with backend.memory.scope(CLUB, actor=who) as memory:
        assert memory.search("surprise party") == ()
        for one in (foreign.id, uuid.uuid4()):
            for act in (memory.get, memory.history, memory.around, memory.neighbours):
                with pytest.raises(NotFound) as error:
                    act(one)
                refused.append(str(error.value))
            with pytest.raises(NotFound) as error:
                memory.update(one, text="x", version=1)
            refused.append(str(error.value))
        assert memory.list() == (mine,)
    assert len(set(refused)) == 1


def test_the_same_fact_is_kept_once_in_a_container_but_in_each_of_two(backend: Backend, who: Actor, add: Callable[..., Memory]) -> None:
    first, again = add("Ana likes tea"), add("  ana LIKES tea ")
    elsewhere = add("Ana likes tea", PARTY)
    assert first == again
    assert elsewhere.id != first.id
    assert stored(backend, who, "SELECT count(*) FROM memories") == [(1,)]


def test_the_same_words_said_twice_are_two_turns(backend: Backend, who: Actor, add: Callable[..., Memory]) -> None:
    one, two = (add("Yes!", speaker="Ana", said_at=NOON + dt.timedelta(minutes=n)) for n in range(2))
    assert one.id != two.id
    assert two.turn == one.turn + 1


def test_a_noted_fact_stands_apart_from_what_was_said(add: Callable[..., Memory]) -> None:
    turns = [add("Hello", speaker="Ana").turn, add("Ana likes tea").turn, add("Bye", speaker="Ana").turn]
    assert turns[1] - turns[0] > 3
    assert turns[2] - turns[1] > 3


def test_an_update_keeps_the_former_text_and_the_container_and_is_found_by_its_new_words(
    backend: Backend, who: Actor, add: Callable[..., Memory]
) -> None:
    made = add("Ana plays the violin")
    with backend.memory.scope(CLUB, actor=who, action="memory.edit") as memory:
        changed = memory.update(made.id, text="Ana plays the cello", version=1)
    with backend.memory.scope(CLUB, actor=who) as memory:
        assert changed.version == 2
        assert [hit.memory.id for hit in memory.search("cello")] == [made.id]
        assert memory.search("violin") == ()
        history = memory.history(made.id)
        assert [(one.version, one.text, one.changed_by) for one in history] == [
            (2, "Ana plays the cello", who.name),
            (1, "Ana plays the violin", who.name),
        ]
    assert stored(backend, who, "SELECT memories, tokens FROM container_stats") == [(1, 3)]


def test_an_update_of_what_somebody_else_changed_is_refused(backend: Backend, who: Actor, add: Callable[..., Memory]) -> None:
    made = add("Ana plays the violin")
    with backend.memory.scope(CLUB, actor=who, action="memory.edit") as memory:
        memory.update(made.id, text="Ana plays the cello", version=1)
    with pytest.raises(StaleVersion), backend.memory.scope(CLUB, actor=who, action="memory.edit") as memory:
        memory.update(made.id, text="Ana plays the flute", version=1)
    with backend.memory.scope(CLUB, actor=who) as memory:
        assert memory.get(made.id).text == "Ana plays the cello"
        assert len(memory.history(made.id)) == 2


def test_a_newer_fact_that_contradicts_an_older_one_is_noted_at_the_older(backend: Backend, who: Actor, add: Callable[..., Memory]) -> None:
    old, other = add("Ana lives in Berlin"), add("Ana likes Berlin")
    new = add("Ana lives in Hamburg")
    add("Ana lives in Rome", PARTY)
    with backend.memory.scope(CLUB, actor=who) as memory:
        assert memory.get(old.id).conflicts_with == new.id
        assert memory.get(other.id).conflicts_with is None
        assert memory.facets().conflicts == 1
        assert memory.search("Where does Ana live?")[0].memory.text == "Ana lives in Hamburg"


def test_what_is_over_no_longer_counts(backend: Backend, who: Actor, add: Callable[..., Memory]) -> None:
    gone = add("The exam is soon", expires_at=NOON - dt.timedelta(days=3000))
    stays = add("The exam was hard", expires_at=LATER)
    with backend.memory.scope(CLUB, actor=who) as memory:
        assert [hit.memory.id for hit in memory.search("exam")] == [stays.id]
        assert [one.id for one in memory.list()] == [stays.id]
        assert {one.id for one in memory.list(include_forgotten=True)} == {stays.id, gone.id}
        assert memory.count() == 1


def test_counts_by_type_and_speaker_are_of_this_container(backend: Backend, who: Actor, add: Callable[..., Memory]) -> None:
    add("I will go to Rome", type="trip", speaker="Ana", said_at=NOON)
    add("Ana has a dog")
    add("Secret", PARTY, speaker="Ben", type="emotional")
    with backend.memory.scope(CLUB, actor=who) as memory:
        found = memory.facets()
    assert (found.total, dict(found.types), dict(found.speakers)) == (2, {"factual": 1, "trip": 1}, {"Ana": 1})
    assert found.first_at == NOON


def test_words_are_completed_from_this_container_only(backend: Backend, who: Actor, add: Callable[..., Memory]) -> None:
    add("Ana went hiking with Hilda")
    add("The hideout", PARTY)
    with backend.memory.scope(CLUB, actor=who) as memory:
        assert set(memory.autocomplete("hi")) == {"hiking", "hilda"}
        assert memory.autocomplete("hid") == ()
        assert memory.autocomplete("") == ()


def test_facts_that_say_the_same_are_found_and_merged_but_turns_never(backend: Backend, who: Actor, add: Callable[..., Memory]) -> None:
    first = add("Ana has two small dogs", salience=0.3)
    second = add("ana has 2 small dogs.", salience=0.9)
    add("Ana has a cat")
    for n in range(2):
        add("Good night!", speaker="Ana", said_at=NOON + dt.timedelta(minutes=n))
    with backend.memory.scope(CLUB, actor=who) as memory:
        assert [[one.id for one in group] for group in memory.duplicates()] == [[first.id, second.id]]
        kept = memory.merge(first.id, [second.id])
        assert kept.salience == pytest.approx(0.9)
        assert memory.duplicates() == ()
        with pytest.raises(NotFound):
            memory.get(second.id)
        said = next(one for one in memory.list() if one.speaker == "Ana")
        with pytest.raises(InvalidInput):
            memory.merge(first.id, [said.id])
    assert stored(backend, who, "SELECT memories FROM container_stats") == [(4,)]


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("", {}),
        ("   ", {}),
        ("x" * 20_001, {}),
        ("a\0b", {}),
        ("a\ud800b", {}),
        ("fine", {"type": "gossip"}),
        ("fine", {"salience": 1.1}),
        ("fine", {"speaker": " "}),
        ("fine", {"said_at": dt.datetime(2026, 1, 1)}),  # noqa: DTZ001  # what is refused
    ],
)
def test_what_cannot_be_kept_is_refused_with_a_sentence(text: str, facts: dict[str, object], add: Callable[..., Memory]) -> None:
    with pytest.raises(InvalidInput, match=r"\.$"):
        add(text, **facts)


def test_to_read_needs_a_reason_and_every_look_and_change_is_in_the_audit_log_without_its_words(
    backend: Backend, actor: Actor, who: Actor, add: Callable[..., Memory]
) -> None:
    add("canaryword in a text")
    with pytest.raises(ReasonNeeded), backend.memory.scope(CLUB, actor=actor):
        pass
    # whoever opens it to add something does not read along
    with backend.memory.scope(CLUB, actor=actor, action="memory.add") as memory, pytest.raises(ReasonNeeded):
        memory.list()
    with backend.memory.scope(CLUB, actor=actor, reason="she asked why") as memory:
        memory.search("canaryword")
    rows = backend.audit.latest(actor=who)
    assert [row.action for row in rows][:2] == ["memory.read", "memory.add"]
    assert rows[0].reason == "she asked why"
    assert "canaryword" not in json.dumps([repr(row) for row in rows])


@pytest.mark.logs("privacy boundary held")
def test_after_its_scope_nothing_can_be_done_and_the_attempt_is_noted(backend: Backend, who: Actor, add: Callable[..., Memory]) -> None:
    made = add("Ana likes tea")
    with backend.memory.scope(CLUB, actor=who) as memory:
        pass
    for act in (memory.list, memory.count, lambda: memory.get(made.id), lambda: memory.search("tea"), lambda: memory.add("x")):
        with pytest.raises(ScopeNeeded):
            act()
    assert backend.scopes.guard.counts(since=NOON - dt.timedelta(days=9999))["no_scope"] == 5


def test_an_export_holds_everything_and_comes_back_into_the_same_container_only(
    backend: Backend, who: Actor, add: Callable[..., Memory], tmp_path: Path
) -> None:
    made, turn = add("Ana plays the violin"), add("Good night", speaker="Ana", said_at=NOON)
    add("Secret", PARTY)
    with backend.memory.scope(CLUB, actor=who, action="memory.edit") as memory:
        memory.update(made.id, text="Ana plays the cello", version=1)
    with backend.memory.scope(CLUB, actor=who, action="memory.export") as memory:
        manifest = memory.export(tmp_path / "club.zip")
    assert (manifest.container, manifest.memories, manifest.versions) == ("group_club", 2, 1)
    with zipfile.ZipFile(tmp_path / "club.zip") as archive:
        assert b"Secret" not in b"".join(archive.read(name) for name in archive.namelist())
    with (
        pytest.raises(InvalidInput, match="another conversation"),
        backend.memory.scope(PARTY, actor=who, action="memory.import") as memory,
    ):
        memory.import_(tmp_path / "club.zip")
    _erase_all(backend, who)
    with backend.memory.scope(CLUB, actor=who, action="memory.import") as memory:
        assert (memory.import_(tmp_path / "club.zip").added, memory.import_(tmp_path / "club.zip").known) == (2, 2)
    with backend.memory.scope(CLUB, actor=who) as memory:
        assert [one.text for one in memory.history(made.id)] == ["Ana plays the cello", "Ana plays the violin"]
        assert memory.get(turn.id).said_at == NOON
        assert [hit.memory.id for hit in memory.search("cello")] == [made.id]


def _erase_all(backend: Backend, who: Actor) -> None:
    with backend.scopes.open(CLUB, actor=who, action="memory.edit") as scope:
        scope.conn.execute(sa.text("DELETE FROM memories"))
        scope.conn.execute(sa.text("UPDATE container_stats SET memories = 0, tokens = 0"))


@pytest.mark.parametrize("harm", ["text", "container", "extra", "cut", "bomb"])
def test_an_export_that_was_changed_is_refused_whole(
    backend: Backend, who: Actor, add: Callable[..., Memory], tmp_path: Path, harm: str
) -> None:
    add("Ana likes tea")
    add("Secret", PARTY)
    path = tmp_path / "club.zip"
    with backend.memory.scope(CLUB, actor=who, action="memory.export") as memory:
        memory.export(path)
    harmed = _harmed(path, harm)
    where = PARTY if harm == "container" else CLUB
    before = stored(backend, who, "SELECT count(*) FROM memories", where)
    with pytest.raises((UnreadableFile, InvalidInput)), backend.memory.scope(where, actor=who, action="memory.import") as memory:
        memory.import_(harmed)
    assert stored(backend, who, "SELECT count(*) FROM memories", where) == before


def _harmed(path: Path, harm: str) -> Path:
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    if harm == "text":
        parts["memories.jsonl"] = parts["memories.jsonl"].replace(b"tea", b"gin")
    if harm == "extra":
        line = json.loads(parts["memories.jsonl"]) | {"container_id": 2, "id": str(uuid.uuid4())}
        parts["memories.jsonl"] = json.dumps(line).encode() + b"\n"
    if harm == "bomb":
        del parts["history.jsonl"]
    made = path.with_name("harmed.zip")
    with zipfile.ZipFile(made, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    if harm == "cut":
        made.write_bytes(made.read_bytes()[:-40])
    return made


def test_a_line_that_names_a_container_is_refused_even_when_the_manifest_vouches_for_it(
    backend: Backend, who: Actor, add: Callable[..., Memory], tmp_path: Path
) -> None:
    add("Ana likes tea")
    path = tmp_path / "club.zip"
    with backend.memory.scope(CLUB, actor=who, action="memory.export") as memory:
        memory.export(path)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    line = json.loads(parts["memories.jsonl"]) | {"id": str(uuid.uuid4()), "text": "new", "container_id": 2}
    content = json.dumps(line).encode() + b"\n"
    manifest = json.loads(parts["manifest.json"]) | {"sha256": hashlib.sha256(content).hexdigest()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in (parts | {"memories.jsonl": content, "manifest.json": json.dumps(manifest).encode()}).items():
            archive.writestr(name, data)
    with pytest.raises(UnreadableFile), backend.memory.scope(CLUB, actor=who, action="memory.import") as memory:
        memory.import_(path)


def test_many_are_added_in_their_order_in_one_transaction(backend: Backend, who: Actor) -> None:
    given = [NewMemory(text=f"Turn {n}", speaker="Ana", said_at=NOON + dt.timedelta(seconds=n)) for n in range(300)]
    with backend.memory.scope(CLUB, actor=who, action="memory.add", create=True) as memory:
        made = memory.add_many(given)
    assert [one.text for one in made] == [one.text for one in given]
    assert [one.turn for one in made] == list(range(1, 301))
    with backend.memory.scope(CLUB, actor=who) as memory:
        assert isinstance(memory, ScopedMemory)
        assert [one.text for one in memory.around(made[10].id, distance=1)] == ["Turn 9", "Turn 10", "Turn 11"]


def test_two_who_add_at_once_get_places_of_their_own(backend: Backend, who: Actor) -> None:
    def add(name: str) -> list[int]:
        turns = []
        for n in range(15):
            with backend.memory.scope(CLUB, actor=who, action="memory.add") as memory:
                turns.append(memory.add(f"{name} {n}", speaker=name).turn)
        return turns

    with backend.memory.scope(CLUB, actor=who, action="memory.add", create=True) as memory:
        memory.add("Hello", speaker="Ana")
    with ThreadPoolExecutor(3) as threads:
        turns = [turn for found in threads.map(add, ("Ana", "Ben", "Eva")) for turn in found]
    assert sorted(turns) == list(range(2, 47))
    assert stored(backend, who, "SELECT memories, next_turn FROM container_stats") == [(46, 47)]
