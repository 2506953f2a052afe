"""What moderation finds reaches a person, who sees no word of it without a reason."""

from __future__ import annotations

import uuid
from dataclasses import replace

import pytest

from backend_core.backend import Backend
from backend_core.errors import Conflict, InvalidInput, NotAllowed, NotFound, ReasonNeeded
from backend_core.policy import AUDITOR, SUPPORT, Actor
from tests.backend_core.safety.conftest import Say

CANARY = "canaryViolet"
THREAT = f"I'll kill you, {CANARY}"


@pytest.mark.trace("B58")
def test_a_message_over_a_limit_waits_in_the_queue_without_a_word_of_it(backend: Backend, say: Say, admin: Actor) -> None:
    assert say("Dinner at seven?").safety.action == "allowed"  # type: ignore[attr-defined]  # a verdict
    taken = say(THREAT)
    assert taken.safety.action == "blocked"  # type: ignore[attr-defined]  # a verdict
    assert taken.memory_ids == ()
    (row,) = backend.safety.review_queue(actor=admin)
    assert (row.category, row.action, row.direction, row.provider, row.limit) == (
        "violence",
        "blocked",
        "input",
        "local",
        pytest.approx(0.6),
    )
    assert row.conversation_id == taken.conversation_id
    assert "5550100001" not in row.tag
    assert CANARY not in repr(row)
    counts = backend.safety.counts(actor=admin)
    assert (counts.open, counts.unchecked, counts.wrong) == (1, 0, 0)


@pytest.mark.trace("B58")
def test_opening_the_text_asks_a_reason_and_is_recorded(backend: Backend, say: Say, admin: Actor) -> None:
    say(THREAT)
    (row,) = backend.safety.review_queue(actor=admin)
    with pytest.raises(ReasonNeeded):
        backend.safety.open_text(row.id, actor=replace(admin, reason=None))
    opened = backend.safety.open_text(row.id, actor=replace(admin, reason=None), reason="Ticket 17")
    assert opened.text == THREAT
    events = [one for one in backend.audit.latest(actor=admin) if one.action == "safety.review"]
    assert [(one.target, one.reason, one.outcome) for one in events] == [(f"container:{row.container}", "Ticket 17", "done")]
    assert CANARY not in repr(backend.audit.latest(actor=admin))


@pytest.mark.trace("B58")
def test_a_finding_is_reviewed_once_and_the_verdict_is_recorded(backend: Backend, say: Say, admin: Actor) -> None:
    say(THREAT)
    (row,) = backend.safety.review_queue(actor=admin)
    for verdict, note in (("perhaps", ""), ("right", "x" * 501)):
        with pytest.raises(InvalidInput):
            backend.safety.review(row.id, verdict, note, actor=admin)
    done = backend.safety.review(row.id, "wrong", "a  figure of speech", actor=admin)
    assert (done.verdict, done.reviewed_by) == ("wrong", admin.name)
    assert backend.safety.open_text(row.id, actor=admin).note == "a figure of speech"
    with pytest.raises(Conflict):
        backend.safety.review(row.id, "right", actor=admin)
    assert backend.safety.review_queue(actor=admin) == ()
    assert [one.id for one in backend.safety.review_queue(actor=admin, reviewed=True)] == [row.id]
    assert backend.safety.counts(actor=admin).wrong == 1
    recorded = [one for one in backend.audit.latest(actor=admin) if one.target == f"safety:{row.id}"]
    assert [one.after and one.after["verdict"] for one in recorded] == ["wrong"]
    assert "figure" not in repr(backend.audit.latest(actor=admin))


def test_a_message_that_was_forgotten_shows_no_text(backend: Backend, say: Say, admin: Actor) -> None:
    taken = say(THREAT)
    (row,) = backend.safety.review_queue(actor=admin)
    with backend.scopes.open(taken.conversation_id, actor=admin, action="memory.forget") as scope:
        scope.conn.exec_driver_sql("UPDATE messages SET forgotten_at = now() WHERE id = %s", (taken.message_id,))
    assert backend.safety.open_text(row.id, actor=admin).text is None


def test_a_finding_that_is_not_there_is_not_found(backend: Backend, admin: Actor) -> None:
    with pytest.raises(NotFound):
        backend.safety.open_text(uuid.uuid4(), actor=admin)


def test_an_auditor_does_not_open_what_people_said(backend: Backend, say: Say, admin: Actor) -> None:
    say(THREAT)
    (row,) = backend.safety.review_queue(actor=replace(admin, role=SUPPORT))
    with pytest.raises(NotAllowed):
        backend.safety.open_text(row.id, actor=replace(admin, role=AUDITOR))


def test_findings_of_a_group_and_of_a_direct_conversation_are_told_apart(backend: Backend, say: Say, admin: Actor) -> None:
    say(THREAT, group=True)
    say("bring dich um")
    rows = backend.safety.review_queue(actor=admin)
    assert [(row.kind, row.category) for row in rows] == [("direct", "harassment"), ("group", "violence")]
    assert [row.kind for row in backend.safety.review_queue(actor=admin, limit=1)] == ["direct"]
    assert [row.kind for row in backend.safety.review_queue(actor=admin, before=rows[0].at)] == ["group"]


@pytest.mark.trace("B58")
def test_somebody_in_crisis_is_answered_with_the_fixed_words_and_the_house_line(backend: Backend, say: Say, admin: Actor) -> None:
    version = backend.house.read(admin).version
    backend.house.update({"crisis_line": "Telefonseelsorge 0800 111 0 111"}, version=version, actor=admin)
    verdict = say("I want to kill myself").safety
    assert verdict is not None
    assert verdict.action == "crisis"  # type: ignore[attr-defined]  # a verdict
    reply = verdict.crisis_reply  # type: ignore[attr-defined]  # a verdict
    assert "988" in reply
    assert "741741" in reply
    assert "Telefonseelsorge 0800 111 0 111." in reply
    assert [row.action for row in backend.safety.review_queue(actor=admin)] == ["crisis"]
