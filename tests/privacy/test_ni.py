"""Non-interference: whatever is said, changed or searched in other containers, what one container answers stays the same to the last digit.

Each test asks a container, has everybody else say and do everything there is, and asks again.
"""

from __future__ import annotations

import gc
import logging
import re
import uuid
from collections.abc import Callable
from functools import _lru_cache_wrapper, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

from backend_core.backend import open_backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.settings import Settings
from tests.privacy.raw import as_app, as_superuser, closed_tables, enter
from tests.privacy.town import CANARY, QUESTIONS, SAID, Quarter, Town, canonical, outcome, unpacked

Look = Callable[[Any], Any]
VIEWERS = ("d1", "ga")


def number_of(server: EmbeddedServer, public: uuid.UUID) -> int:
    with as_superuser(server) as conn:
        row = conn.execute("SELECT id FROM containers WHERE public_id = %s", (public,)).fetchone()
    assert row is not None
    return int(row[0])


def unmoved(quarter: Quarter, look: Look) -> Any:
    """Assert that each viewer gets the same before and after the others stirred; return what the last one got."""
    found = None
    for viewer in VIEWERS:
        with quarter.town.open(quarter.viewers[viewer]) as memory:
            found = look(memory)
        quarter.stir(viewer)
        with quarter.town.open(quarter.viewers[viewer]) as memory:
            assert look(memory) == found, viewer
        if viewer != VIEWERS[-1]:
            assert CANARY not in repr(found)
    return found


def searched(mode: str) -> Look:
    return lambda memory: [memory.search(question, limit=20, mode=mode) for question in QUESTIONS]


@pytest.mark.trace("B30")
def test_ni_search_lexical(quarter: Quarter) -> None:
    found = unmoved(quarter, searched("lexical"))
    assert len(found[0]) > 1
    # the same question finds the canary where it was said
    assert quarter.town.search(quarter.viewers["d2"], CANARY)


@pytest.mark.trace("B30")
def test_ni_search_vector(quarter: Quarter) -> None:
    assert unmoved(quarter, searched("vector"))[0]


@pytest.mark.trace("B30")
def test_ni_search_hybrid_scores_equal(quarter: Quarter) -> None:
    scores = unmoved(quarter, lambda memory: [[(hit.score, hit.parts) for hit in memory.search(q, mode="hybrid")] for q in QUESTIONS])
    assert scores[0]


@pytest.mark.trace("B30")
def test_ni_list_order_and_paging(quarter: Quarter) -> None:
    def pages(memory: Any) -> list[Any]:
        first = memory.list(limit=2)
        second = memory.list(limit=2, before=(first[-1].said_at, first[-1].id))
        return [
            first,
            second,
            memory.list(limit=500),
            memory.list(limit=500, types=("factual",)),
            memory.list(limit=500, include_forgotten=True),
        ]

    assert [len(page) for page in unmoved(quarter, pages)[:2]] == [2, 2]


@pytest.mark.trace("B30")
def test_ni_count_and_facets(quarter: Quarter) -> None:
    # the canaries of the first round are in the second viewer's own container
    assert unmoved(quarter, lambda memory: (memory.count(), memory.facets()))[0] >= len(SAID)


@pytest.mark.trace("B30")
def test_ni_autocomplete(quarter: Quarter) -> None:
    found = unmoved(quarter, lambda memory: [memory.autocomplete(prefix) for prefix in ("har", "k", CANARY[:4], "%", "_", "")])
    assert found[0]


@pytest.mark.trace("B30")
def test_ni_embedding_neighbours(quarter: Quarter) -> None:
    assert unmoved(quarter, lambda memory: [memory.neighbours(one.id) for one in memory.list(limit=5)])


@pytest.mark.trace("B30")
def test_ni_bm25_statistics_per_container(quarter: Quarter) -> None:
    d1 = quarter.viewers["d1"]
    with quarter.town.open(d1) as memory:
        before = [(hit.memory.text, hit.score) for hit in memory.search("harbour kites")]
    # words that were rare become common everywhere else, and every other container long
    for name in ("d2", "d3", "gb", "gc"):
        for _ in range(5):
            quarter.town.remember(quarter.viewers[name], "harbour kites " * 60)
    with quarter.town.open(d1) as memory:
        assert [(hit.memory.text, hit.score) for hit in memory.search("harbour kites")] == before
    # the control: in its own container it does matter
    quarter.town.remember(d1, "harbour kites " * 60)
    with quarter.town.open(d1) as memory:
        assert [(hit.memory.text, hit.score) for hit in memory.search("harbour kites")][: len(before)] != before


@pytest.mark.trace("B30")
def test_ni_aggregate_views(quarter: Quarter, clean: EmbeddedServer) -> None:
    viewer = number_of(clean, quarter.town.container(quarter.viewers["d1"]).public_id)

    def aggregates() -> list[Any]:
        with as_app(clean) as conn:
            enter(conn, viewer)
            query = "SELECT count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) FROM {} t"
            tables = closed_tables(conn)
            return [(table, *conn.execute(sql.SQL(query).format(sql.Identifier(table))).fetchall()) for table in tables]

    before = aggregates()
    quarter.stir("d1")
    assert aggregates() == before
    assert sum(rows[0] for _table, rows in before) > 20


@pytest.mark.trace("B30", "B31")
def test_ni_export_bytes(quarter: Quarter, tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.zip" for number in range(2)]
    for path in paths:
        with quarter.town.open(quarter.viewers["d1"], "memory.export") as memory:
            memory.export(path)
        if path == paths[0]:
            quarter.stir("d1")
    first, second = (timeless(unpacked(path)) for path in paths)
    assert first == second
    assert CANARY.encode() not in first
    assert SAID[0].encode() in first


def timeless(content: bytes) -> bytes:
    """Return an export without the moment it was made and what depends on it."""
    return re.sub(rb'"(exported_at|at|sha256|signature)": ?"[^"]*"', b"", content)


@pytest.mark.trace("B30", "B31")
def test_ni_get_by_id_foreign_equals_missing(quarter: Quarter) -> None:
    foreign_equals_missing(quarter, "memory.read", [lambda m, i: m.get(i), lambda m, i: m.history(i), lambda m, i: m.neighbours(i)])


@pytest.mark.trace("B30")
def test_ni_update_foreign_equals_missing(quarter: Quarter) -> None:
    foreign_equals_missing(quarter, "memory.edit", [lambda m, i: m.update(i, text="changed", version=1)])


def inside(quarter: Quarter, action: str, verb: Look) -> Any:
    """Return what a verb gives in the first viewer's container."""
    with quarter.town.open(quarter.viewers["d1"], action) as memory:
        return verb(memory)


def call(verb: Callable[[Any, uuid.UUID], Any], identity: uuid.UUID, memory: Any) -> Any:
    return verb(memory, identity)


def foreign_equals_missing(quarter: Quarter, action: str, verbs: list[Callable[[Any, uuid.UUID], Any]]) -> None:
    """Assert that an id of another container is answered as one that nobody has, and that its owner notices nothing."""
    foreign = quarter.stir("d1")
    everything = {name: quarter.town.texts(where) for name, where in quarter.viewers.items()}
    for verb in verbs:
        tried = [partial(inside, quarter, action, partial(call, verb, identity)) for identity in (uuid.uuid4(), *foreign[:8])]
        answers = [outcome(one) for one in tried]
        assert "error" in answers[0] or answers[0] in ([], None)
        assert [answer for answer in answers if answer != answers[0]] == []
    assert {name: quarter.town.texts(where) for name, where in quarter.viewers.items()} == everything


@pytest.mark.trace("B30")
def test_ni_forget_foreign_equals_missing(quarter: Quarter) -> None:
    foreign = quarter.stir("d1")
    everything = {name: quarter.town.texts(where) for name, where in quarter.viewers.items()}
    answers = [forgotten(quarter, ids=(identity,), hard=hard) for hard in (False, True) for identity in (uuid.uuid4(), *foreign[:4])]
    for half in (answers[:5], answers[5:]):
        assert [answer for answer in half if answer != half[0]] == []
    assert {name: quarter.town.texts(where) for name, where in quarter.viewers.items()} == everything


def forgotten(quarter: Quarter, *, ids: tuple[uuid.UUID, ...], hard: bool) -> Any:
    return outcome(lambda: quarter.town.backend.forgetting.forget(quarter.viewers["d1"], ids, hard=hard, actor=quarter.town.actor))


@pytest.mark.trace("B30")
def test_ni_dedup_no_global_unique(quarter: Quarter) -> None:
    town, d1 = quarter.town, quarter.viewers["d1"]
    quarter.stir("d1")
    answers = []
    # one text nobody ever said, and one that stands in every other container
    for text in ("A perfectly new thing", f"Ann and {CANARY} fly kites in ga"):
        with town.open(d1, "memory.add") as memory:
            added = memory.add(text)
            again = memory.add(text)
            facts = canonical(added)
            answers.append(({**facts, "text": "", "turn": 0}, added.id == again.id))
    assert answers[0] == answers[1]
    with town.open(d1, "memory.edit") as memory:
        assert CANARY not in repr([group for group in memory.duplicates() if len(group) > 2])
    assert town.search(quarter.viewers["ga"], CANARY)


@pytest.mark.trace("B30")
def test_ni_fk_no_existence_oracle(quarter: Quarter, clean: EmbeddedServer) -> None:
    foreign = quarter.stir("d1")[0]
    mine, other = (quarter.town.container(quarter.viewers[name]) for name in ("d1", "ga"))
    statements = {
        "postings": ("INSERT INTO postings (container_id, memory_id, term, tf, turn, tokens) VALUES (%s, %s, 'x', 1, 1, 1)", foreign),
        "history": (
            "INSERT INTO memory_history (container_id, memory_id, version, text, type, changed_by) VALUES (%s, %s, 1, '', '', '')",
            foreign,
        ),
        "vectors": (
            "INSERT INTO memory_vectors (container_id, memory_id, model, turn, scale, embedding) VALUES (%s, %s, 'x', 1, 1, '')",
            foreign,
        ),
        "messages": (
            "INSERT INTO messages (container_id, conversation_id, sender, direction, body, correlation_id)"
            " VALUES (%s, %s, '', 'in', '', '')",
            other.conversation_id,
        ),
    }
    number = number_of(clean, mine.public_id)
    for statement, taken in statements.values():
        answers = []
        for identity in (uuid.uuid4(), taken):
            with as_app(clean) as conn:
                enter(conn, number)
                conn.execute("SET CONSTRAINTS ALL IMMEDIATE")
                with pytest.raises(psycopg.Error) as refused:
                    conn.execute(statement.encode(), (number, identity))
            answers.append((refused.value.sqlstate, str(refused.value).replace(str(identity), "ID")))
        assert answers[0] == answers[1]
        assert answers[0][0] == "23503"


@pytest.mark.trace("B30")
def test_ni_error_text(quarter: Quarter, tmp_path: Path) -> None:
    foreign = quarter.stir("d1")[0]
    town, d1 = quarter.town, quarter.viewers["d1"]
    conversation = town.container(d1).conversation_id
    forgetting = town.backend.forgetting

    def tried(identity: uuid.UUID) -> list[Any]:
        return [
            outcome(lambda: inside(quarter, "memory.read", lambda m: m.get(identity))),
            outcome(lambda: inside(quarter, "memory.read", lambda m: m.around(identity))),
            outcome(lambda: inside(quarter, "memory.add", lambda m: m.add("An answer to something", source_message_id=identity))),
            outcome(lambda: forgetting.restore(d1, identity, actor=town.actor)),
            outcome(lambda: forgetting.lift_boundary(d1, identity, actor=town.actor)),
            outcome(lambda: town.backend.conversations.messages(conversation, before=str(identity), actor=town.actor)),
        ]

    answers = {identity: tried(identity) for identity in (uuid.uuid4(), foreign)}
    one, other = (without_turns(answer) for answer in answers.values())
    assert one == other
    assert CANARY not in repr(answers)


def without_turns(answers: list[Any]) -> list[Any]:
    return [
        {key: value for key, value in answer.items() if key not in {"turn", "text"}} if isinstance(answer, dict) else answer
        for answer in answers
    ]


@pytest.mark.trace("B30")
def test_ni_audit_rows_seen_by_viewer(quarter: Quarter) -> None:
    town = quarter.town
    target = f"container:{town.container(quarter.viewers['d1']).public_id}"

    def rows() -> list[tuple[Any, ...]]:
        found = town.backend.audit.latest(actor=town.backend.system(), limit=500)
        return [(row.id, row.action, row.reason, row.before, row.after) for row in found if row.target == target]

    before = rows()
    quarter.stir("d1")
    assert rows() == before
    everything = town.backend.audit.latest(actor=town.backend.system(), limit=500)
    assert before
    assert CANARY not in repr(everything)
    assert [text for text in SAID if text in repr(everything)] == []


@pytest.mark.trace("B30")
def test_ni_log_lines_contain_no_foreign_text(quarter: Quarter, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="backend_core")
    quarter.stir("d1")
    d1 = quarter.viewers["d1"]
    for message in (CANARY, f"tell me about {CANARY}"):
        quarter.town.say(d1, quarter.ann, message)
        quarter.town.reply(d1, message)
    for verb in (lambda m: m.update(uuid.uuid4(), text=CANARY, version=1), lambda m: m.add(CANARY + "\0"), lambda m: m.add(CANARY * 2000)):
        answer = outcome(partial(inside, quarter, "memory.edit", verb))
        assert "error" in answer
        assert CANARY not in repr(answer)
    lines = [record.getMessage() for record in caplog.records] + [str(record.__dict__) for record in caplog.records]
    assert [line for line in lines if CANARY in line] == []


@pytest.mark.trace("B30")
def test_ni_cache_keys_and_hits(quarter: Quarter, settings: Settings) -> None:
    town, d1, ga = quarter.town, quarter.viewers["d1"], quarter.viewers["ga"]
    quarter.stir("d1")
    alternating = [town.search(where, question) for question in QUESTIONS for where in (d1, ga, d1, ga)]
    with open_backend(settings, application="desktop") as fresh:
        other = Town.of(fresh)
        # from here the first question of each container is asked in the other order
        assert [other.search(where, question) for question in QUESTIONS for where in (ga, d1)] == [
            alternating[4 * number + place] for number in range(len(QUESTIONS)) for place in (1, 0)
        ]
    assert alternating[0::4] == alternating[2::4]
    # single words are kept with their stems, whoever said them; nothing anybody said, and no name of a container
    handles = [str(town.container(where).public_id) for where in quarter.viewers.values()]
    assert [one for one in cached() if any(text in one for text in (*SAID, f"{CANARY} at the", *handles))] == []


def cached() -> list[str]:
    """Return every result that a function of the program keeps for whoever calls it next, as text."""
    # the run put what was there at its beginning out of sight of the collector
    gc.unfreeze()
    wrappers = [
        found for found in gc.get_objects() if isinstance(found, _lru_cache_wrapper) and found.__module__.startswith("backend_core")
    ]
    gc.freeze()
    assert wrappers, "there are such functions"
    return [repr(gc.get_referents(wrapper)) for wrapper in wrappers]


@pytest.mark.trace("B30")
def test_ni_id_gaps(quarter: Quarter) -> None:
    town, d1 = quarter.town, quarter.viewers["d1"]
    found = []
    for number in range(4):
        with town.open(d1, "memory.add") as memory:
            found.append(memory.add(f"Thing {number} of mine"))
        quarter.stir("d1")
    # facts stand apart from one another, by as much as where nobody else ever did anything
    gaps = {later.turn - earlier.turn for earlier, later in pairwise(found)}
    with town.open(town.direct(town.person("Zoe")), "memory.add") as memory:
        alone = [memory.add(f"Thing {number} of mine") for number in range(4)]
    assert gaps == {later.turn - earlier.turn for earlier, later in pairwise(alone)}
    # an id that counts, or tells the time, would tell of those between
    assert {one.id.version for one in found} == {4}
    received = town.say(d1, quarter.ann, "Hello there")
    assert received.message_id.version == 4
    assert town.container(d1).public_id.version == 4
    integers = {key: value for key, value in canonical(found[-1]).items() if type(value) is int}
    assert set(integers) <= {"turn", "version"}
