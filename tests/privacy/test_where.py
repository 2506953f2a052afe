"""With the program's own ``container_id = ...`` taken out of every statement, each way to look still sees one container only."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from backend_core.db.embedded import EmbeddedServer
from tests.privacy.raw import as_superuser, closed_tables
from tests.privacy.stripped import stripping, without_container
from tests.privacy.town import CANARY, QUESTIONS, Quarter, Town, Where, canonical, outcome, unpacked


def searched(mode: str, memory: Any) -> Any:
    return [memory.search(question, limit=50, mode=mode) for question in QUESTIONS]


def looks(town: Town, where: Where, folder: Path) -> dict[str, Callable[[], Any]]:
    """Return every way to look into a container, by name."""
    conversation, backend, actor = town.container(where).conversation_id, town.backend, town.actor

    def inside(verb: Callable[[Any], Any], action: str = "memory.read") -> Callable[[], Any]:
        def act() -> Any:
            with town.open(where, action) as memory:
                return verb(memory)

        return act

    def exported(memory: Any) -> bool:
        path = folder / f"{uuid.uuid4()}.zip"
        memory.export(path)
        return CANARY.encode() in unpacked(path)

    return {
        **{mode: inside(partial(searched, mode)) for mode in ("lexical", "hybrid", "vector")},
        "list": inside(lambda m: m.list(limit=500, include_forgotten=True)),
        "paging": inside(lambda m: [m.list(limit=2, before=(one.said_at, one.id)) for one in m.list(limit=1)]),
        "get": inside(lambda m: [m.get(one.id) for one in m.list(limit=50)]),
        "history": inside(lambda m: [m.history(one.id) for one in m.list(limit=3)]),
        "neighbours": inside(lambda m: [m.neighbours(one.id) for one in m.list(limit=3)]),
        "count": inside(lambda m: (m.count(), m.facets())),
        "autocomplete": inside(lambda m: [m.autocomplete(prefix) for prefix in ("har", "k", CANARY[:4])]),
        "export": inside(exported, "memory.export"),
        "messages": lambda: backend.conversations.messages(conversation, actor=actor),
        "reply": lambda: [town.reply(where, question).partition("ms=")[0] for question in QUESTIONS],
        "boundaries": lambda: backend.forgetting.boundaries(where, actor=actor),
        "erasures": lambda: backend.forgetting.erasures(where, actor=actor),
        "preview": lambda: backend.forgetting.preview(where, "forget what I said about the harbour", actor=actor),
    }  # fmt: skip


@pytest.fixture
def lively(quarter: Quarter) -> Quarter:
    """The seven contexts after everybody but Ann talked."""
    quarter.stir("d1")
    quarter.town.say(quarter.viewers["d1"], quarter.ann, "Never mention the lighthouse")
    return quarter


@pytest.mark.trace("B30", "B64")
def test_every_query_path_without_where(lively: Quarter, tmp_path: Path) -> None:
    ways = looks(lively.town, lively.viewers["d1"], tmp_path)
    honest = {name: outcome(look) for name, look in ways.items()}
    assert [name for name, answer in honest.items() if isinstance(answer, dict) and "error" in answer] == []
    with stripping(lively.town.backend.database.engine) as found:
        stripped = {name: outcome(look) for name, look in ways.items()}
    assert {name: answer for name, answer in stripped.items() if answer != honest[name]} == {}
    assert CANARY not in repr(stripped)
    # the conditions are there to be stripped: each way has at least one
    assert len(found) >= len(ways)


@pytest.mark.trace("B30", "B64")
def test_every_change_without_where_touches_one_container(lively: Quarter, tmp_path: Path) -> None:
    town, d1 = lively.town, lively.viewers["d1"]
    before = {name: contents(town, where) for name, where in lively.viewers.items() if name != "d1"}
    with stripping(town.backend.database.engine) as found:
        with town.open(d1, "memory.edit") as memory:
            first = memory.list(limit=1)[0]
            memory.update(first.id, text="A harbour of my own", version=first.version)
            memory.duplicates()
        town.remember(d1, "Another harbour")
        town.say(d1, lively.ann, "Remind me of the harbour tomorrow")
        town.backend.forgetting.forget(d1, "forget what I said about the harbour", actor=town.actor)
        town.backend.forgetting.forget(d1, "forget what I said about kites", hard=True, actor=town.actor)
        town.backend.forgetting.purge_due(actor=town.backend.system())
    assert found
    assert {name: contents(town, where) for name, where in lively.viewers.items() if name != "d1"} == before


def contents(town: Town, where: Where) -> Any:
    with town.open(where) as memory:
        found = canonical((memory.list(limit=500, include_forgotten=True), memory.facets()))
    return found, town.search(where, "harbour kites")


@pytest.mark.logs("privacy boundary held", "privacy")
def test_without_the_policies_the_same_statements_would_have_shown_everything(
    lively: Quarter, clean: EmbeddedServer, tmp_path: Path
) -> None:
    ways = looks(lively.town, lively.viewers["d1"], tmp_path)
    wanted = ("lexical", "list", "messages", "export", "reply")
    with as_superuser(clean) as conn:
        tables = closed_tables(conn)
        for table in tables:
            conn.execute(sql.SQL("ALTER TABLE {} DISABLE ROW LEVEL SECURITY").format(sql.Identifier(table)))
    try:
        with stripping(lively.town.backend.database.engine):
            shown = {name: repr(outcome(ways[name])) for name in wanted}
    finally:
        with as_superuser(clean) as conn:
            for table in tables:
                conn.execute(sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(sql.Identifier(table)))
    assert [name for name, answer in shown.items() if CANARY in answer or answer == "True"]


def test_only_conditions_are_stripped() -> None:
    kept = ("INSERT INTO m (container_id, id) VALUES (%(c)s, 1)", "UPDATE m SET container_id = %(c)s", "SELECT container_id FROM m")
    assert [without_container(statement) for statement in kept] == [(statement, 0) for statement in kept]
    assert without_container("SELECT 1 FROM a JOIN b ON b.container_id = a.container_id WHERE a.container_id = %(c)s::INTEGER")[1] == 2
