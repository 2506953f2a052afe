"""The suite is not a constant: whole it is green, and each way to open the boundary turns it red, under the right rule."""

from __future__ import annotations

import psycopg
import pytest

from backend_core.backend import Backend
from backend_core.conversations.records import IncomingMessage
from backend_core.db.embedded import EmbeddedServer
from backend_core.privacy import catalogue
from backend_core.privacy.cases import BY_ID, CASES
from backend_core.privacy.contexts import CELLS, CODES, OPERATION_CODES, expected
from backend_core.privacy.records import RunDetails
from backend_core.privacy.suite import CATALOGUE
from tests.backend_core.privacy.breaches import BREACHES, Breach, broken, details, failures, made_up, run

SEED = (
    "test_group_memory_not_visible_in_direct_search", "test_direct_memory_not_visible_in_group_search",
    "test_multiple_group_chats_isolated", "test_container_tag_generation", "test_boundary_commands_respect_mode",
    "test_real_world_scenarios",
)  # fmt: skip
SECRET = "The real diary lies under the real mattress."
EXPECTED_LOGS = "privacy run failed|privacy run could not go on|privacy case could not be tried|privacy boundary held"


def real_talk(backend: Backend, server: EmbeddedServer) -> list[tuple[object, ...]]:
    """Let a real person say something where there is nothing yet, and return all that is kept of it."""
    if not backend.people.contacts(actor=backend.system()):
        backend.people.save_persona("sage", name="Sage", passport={}, version=0, actor=backend.system())
        message = IncomingMessage(text=SECRET, sender="+4915112345678", persona="sage")
        backend.conversations.receive(message, actor=backend.system())
    with psycopg.connect(server.admin_dsn, autocommit=True) as conn:
        found: list[tuple[object, ...]] = []
        for table in ("contacts", "personas", "conversations", "containers", "messages", "memories", "postings", "container_stats"):
            found += conn.execute(f"SELECT to_jsonb(t)::text FROM {table} t ORDER BY 1".encode()).fetchall()
    return found


@pytest.mark.trace("B29", "B31", "B32", "B33", "B43", "B64", "B90", "B100", "B104")
def test_a_whole_boundary_passes_every_rule_in_every_cell_and_real_people_are_as_they_were(backend: Backend, clean: EmbeddedServer) -> None:
    before = real_talk(backend, clean)
    assert backend.privacy.gate() == "never"
    made = run(backend)
    found = details(backend, made)
    assert failures(found) == {}
    assert (made.outcome, made.failed, made.leaks, made.cells, made.database_role) == ("pass", 0, 0, CELLS, "lectern_app")
    assert made.passed == len(CASES) == len(found.cases) >= 50
    assert [one.id for one in found.cases][: len(SEED)] == list(SEED)
    assert all(one.rule.endswith(".") and one.probes for one in found.cases)
    assert {(one.viewer, one.owner, one.operation) for one in found.cells} == {
        (viewer, owner, code) for viewer in CODES for owner in CODES for code in OPERATION_CODES
    }
    seen = [one for one in found.cells if one.expected == "own"]
    assert seen
    assert all(one.rows for one in seen), "what a conversation does not see itself proves nothing"
    assert real_talk(backend, clean) == before
    assert made_up(clean) == 0
    assert backend.privacy.gate() == "ok"


@pytest.mark.trace("B42", "B100")
@pytest.mark.logs(EXPECTED_LOGS)
@pytest.mark.parametrize("breach", [one for one in BREACHES if one.whole], ids=str)
def test_an_open_boundary_turns_the_run_red_under_the_right_rule(backend: Backend, clean: EmbeddedServer, breach: Breach) -> None:
    real_talk(backend, clean)
    with broken(clean, breach):
        made = run(backend)
    found = details(backend, made)
    assert (made.outcome, backend.privacy.gate()) == ("fail", "failed")
    assert breach.word in failures(found)[breach.case]
    alerts = [one for one in backend.upkeep.watch.alerts(actor=backend.system()) if one.rule == "privacy_run"]
    assert [one.subject for one in alerts] == [f"privacy:{made.id}"]
    # whatever was open, nothing real was read into the record of the run
    assert "mattress" not in repr(found)
    assert made_up(clean) == 0
    if "messages" in breach.broken:
        shows_in_the_cells(found)


def shows_in_the_cells(found: RunDetails) -> None:
    told = failures(found)
    assert {"groups_are_closed_to_direct", "direct_is_closed_to_groups", "shared_member_is_no_bridge", "no_scope_no_rows"} <= set(told)
    leak = next(one for one in found.cells if (one.viewer, one.owner, one.operation) == ("D1", "GB", "get"))
    assert leak.evidence is not None
    assert (leak.ok, leak.worlds, leak.evidence.rows > 0) == (False, "differs", True)
    assert leak.evidence.with_sha != leak.evidence.without_sha
    assert leak.evidence.cause == "The table messages shows every row to everybody."
    assert "zq" in leak.evidence.saw
    words = next(one for one in found.cells if (one.viewer, one.owner, one.operation) == ("D1", "GB", "search_words"))
    assert words.ok, "a search does not read that table"


@pytest.mark.parametrize("breach", [one for one in BREACHES if not one.whole], ids=str)
def test_every_other_way_to_open_the_boundary_stands_in_the_catalogue(backend: Backend, clean: EmbeddedServer, breach: Breach) -> None:
    look = CATALOGUE[breach.case]
    with backend.database.begin("Look") as conn:
        assert look(conn).found == ()
    with broken(clean, breach), backend.database.begin("Look") as conn:
        assert breach.word in " ".join(one.cause for one in look(conn).found)


@pytest.mark.trace("B42")
@pytest.mark.logs(EXPECTED_LOGS)
def test_a_role_that_no_policy_binds_is_refused(backend: Backend, clean: EmbeddedServer) -> None:
    right = Breach("", "ALTER ROLE lectern_app BYPASSRLS", "ALTER ROLE lectern_app NOBYPASSRLS", "own_role_is_bound", "")
    with broken(clean, right):
        made = run(backend)
    told = failures(details(backend, made))
    assert (made.outcome, backend.privacy.gate()) == ("refused", "failed")
    assert made.error == "No policy binds the role lectern_app: it has BYPASSRLS. Nothing it shows proves anything."
    assert {"own_role_is_bound", "roles_are_bound", "no_scope_no_rows", "without_where_isolated"} <= set(told)
    assert made.leaks > CELLS / 4


def test_a_view_that_asks_with_its_users_rights_is_let_be_and_as_definer_it_is_not(backend: Backend, clean: EmbeddedServer) -> None:
    view = "CREATE VIEW recent WITH (security_invoker = {}) AS SELECT text FROM memories; GRANT SELECT ON recent TO lectern_app"
    found = {}
    for invoker in ("true", "false"):
        planted = Breach("", view.format(invoker), "DROP VIEW recent", "", "", owner=True)
        with broken(clean, planted), backend.database.begin("Look") as conn:
            found[invoker] = [one.place for one in catalogue.above(conn).found]
    assert found == {"true": [], "false": ["recent"]}


def test_every_rule_has_a_name_of_its_own_and_every_pair_one_expectation() -> None:
    assert len(BY_ID) == len(CASES)
    assert CELLS == 1024
    assert {expected(viewer, owner) for viewer in CODES for owner in CODES} == {"own", "closed", "audited"}
    assert [expected("NONE", owner) for owner in CODES] == ["closed"] * len(CODES)
