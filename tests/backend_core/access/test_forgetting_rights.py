"""On a shared server people forget, restore and erase with the rights of their own accounts, and the worker does what is due."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from backend_core.backend import Backend
from backend_core.policy import Actor
from backend_core.scopes.records import Direct
from tests.backend_core.access.conftest import Team
from tests.backend_core.memory.gossip import ANA, Gossip, traces
from tests.backend_core.memory.test_purge import CANARY, everywhere

SAGE = Direct(ANA, "sage")
SignedIn = Callable[[str], tuple[Backend, Actor]]


@pytest.fixture
def talked(signed_in: SignedIn) -> Gossip:
    """What an administrator of the shared server took in."""
    return Gossip.of(*signed_in("adm"))


@pytest.mark.parametrize("login", ["ana", "adm"])
def test_support_and_administrators_forget_restore_and_erase_at_once(
    talked: Gossip, signed_in: SignedIn, staffed: Team, tmp_path: Path, login: str
) -> None:
    everywhere(talked, tmp_path)
    backend, actor = signed_in(login)
    actor = dataclasses.replace(actor, reason="a test")
    words = f"forget what I said about my {CANARY}"
    shown = backend.forgetting.preview(SAGE, words, actor=actor)
    hidden = backend.forgetting.forget(SAGE, shown, actor=actor)
    assert hidden.erasure_id is not None
    backend.forgetting.restore(SAGE, hidden.erasure_id, actor=actor)
    rule = backend.forgetting.add_boundary(SAGE, "never", "tea", actor=actor)
    backend.forgetting.lift_boundary(SAGE, rule.id, actor=actor)
    done = backend.forgetting.forget(SAGE, words, hard=True, actor=actor)
    assert done.receipt is not None
    assert backend.forgetting.verify_receipt(done.receipt.document, actor=actor).ok
    assert traces(staffed.server, CANARY) == {}


def test_an_administrator_asks_for_an_erasure_and_the_worker_carries_it_out(talked: Gossip, signed_in: SignedIn, staffed: Team) -> None:
    talked.say(f"My {CANARY} is ill")
    talked.say(f"My {CANARY} is ill", guid="party")
    backend, actor = signed_in("adm")
    who = dataclasses.replace(talked.actor, name=actor.name)
    talked.backend.forgetting.export_person(talked.person(), staffed.folder / "ana.zip", actor=who)
    asked = talked.backend.forgetting.request_erasure(talked.person(), "Ana", actor=who)
    talked.backend.forgetting.cancel_erasure(asked.user_id, actor=who)
    talked.backend.forgetting.request_erasure(asked.user_id, "Ana", actor=who)
    with psycopg.connect(staffed.server.admin_dsn, autocommit=True) as conn:
        conn.execute("UPDATE person_erasures SET due_at = due_at - interval '31 days'")
    with staffed.open("wrk") as worker:
        assert worker.forgetting.erase_due(actor=worker.system()) == 1
    assert traces(staffed.server, CANARY) == {}
    assert backend.forgetting.receipts(actor=actor)[0].kind == "person"


def test_an_auditor_reads_receipts_and_nothing_else_of_it(talked: Gossip, signed_in: SignedIn) -> None:
    talked.say(f"My {CANARY} is ill")
    done = talked.backend.forgetting.forget(SAGE, "forget that", hard=True, actor=talked.actor)
    backend, actor = signed_in("aud")
    assert backend.forgetting.receipts(actor=actor) == (done.receipt,)
    assert backend.forgetting.verify_receipt(done.receipt.document, actor=actor).facts["counts"]["memories"] == 1  # type: ignore[union-attr]  # it is hard
