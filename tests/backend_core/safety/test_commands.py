"""lecternctl safety, egress and tokens."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from backend_core.backend import open_backend
from backend_core.conversations.records import IncomingMessage
from backend_core.credentials.token_records import Grant
from backend_core.settings import load_settings
from tests.backend_core.verb_calls import LATER
from tests.command import Ctl, call

CANARY = "canaryWords"


@pytest.mark.trace("B58")
def test_a_text_is_judged_without_being_kept(ctl: Ctl) -> None:  # the fixture
    verdict = ctl("safety", "check", f"I'll kill you {CANARY}", "--json").value
    assert (verdict["action"], verdict["provider"], verdict["low_recall"]) == ("blocked", "local", True)
    assert verdict["categories"]["violence"]["over"]
    assert "988" in ctl("safety", "check", "Ich will nicht mehr leben", "--language", "de").out
    assert ctl("safety", "check", "you are stupid", "--output", "--json").value["direction"] == "output"
    assert ctl("safety", "queue", "--json").value == []


def test_a_finding_is_listed_opened_with_a_reason_and_reviewed(ctl: Ctl, variables: dict[str, str]) -> None:  # the fixtures
    home = Path(variables["LECTERN_HOME"])
    with open_backend(load_settings(home=home)) as backend:
        admin = replace(backend.actor(), reason="a test", proven_until=LATER)
        backend.people.save_persona("sage", name="Sage", passport={}, version=0, actor=admin)
        user = backend.people.add_contact("Ana", phone="+15550100001", actor=admin).id
        message = IncomingMessage(text=f"I'll kill you {CANARY}", sender="+15550100001", persona="sage")
        backend.conversations.receive(message, actor=admin)
        backend.tokens.save(user, "bank", Grant(access="secretAccess", expires_at=LATER), actor=admin)
    (row,) = ctl("safety", "queue", "--json").value
    assert CANARY not in ctl("safety", "queue").out
    assert call("safety", "open", row["id"], variables=variables).code == 1
    assert CANARY in ctl("safety", "open", row["id"], "--reason", "Ticket 4").out
    assert ctl("safety", "review", row["id"], "right", "--reason", "Ticket 4", "--json").value["verdict"] == "right"
    assert "0 to review" in ctl("safety", "status").out
    (token,) = ctl("tokens", "list", "--json").value
    assert token["provider"] == "bank"
    assert "secretAccess" not in ctl("tokens", "list").out
    assert ctl("tokens", "rotate", "--json").value["tokens"] == 1
    assert ctl("tokens", "revoke", token["id"], "--json").value["revoked_at"]


def test_egress_is_allowed_listed_and_withdrawn(ctl: Ctl, variables: dict[str, str], tmp_path: Path) -> None:  # the fixtures
    assert ctl("egress", "allow", "moderation", "API.example.com", "--json").value["host"] == "api.example.com"
    assert call("egress", "allow", "moderation", "169.254.169.254", variables=variables).code == 1
    assert call("egress", "allow", "gossip", "api.example.com", variables=variables).code == 2
    assert [one["purpose"] for one in ctl("egress", "list", "--json").value] == ["moderation"]
    key = tmp_path / "key"
    key.write_text("sk-canaryKey\n", encoding="utf-8")
    assert ctl("safety", "key", "--file", str(key), "--json").value == {"key": True}
    assert ctl("safety", "status", "--json").value["status"]["key"] is True
    assert "canaryKey" not in ctl("safety", "status").out
    assert ctl("safety", "key", "--remove", "--json").value == {"key": False}
    ctl("egress", "withdraw", "moderation", "api.example.com")
    assert ctl("egress", "list", "--json").value == []
    assert len(ctl("egress", "list", "--all", "--json").value) == 1
    assert ctl("egress", "ledger", "--json").value == []
    made = ctl("tokens", "service", "bank", "--token-url", "https://bank.example.com/t", "--client-id", "x", "--public", "--json").value
    assert made == {"service": "bank", "host": "bank.example.com", "allowed": False}


@pytest.mark.trace("B69")
def test_a_photo_is_taken_in_waited_for_and_counted(ctl: Ctl, variables: dict[str, str]) -> None:  # the fixtures
    with open_backend(load_settings(home=Path(variables["LECTERN_HOME"]))) as backend:
        admin = replace(backend.actor(), reason="a test", proven_until=LATER)
        backend.people.save_persona("sage", name="Sage", passport={}, version=0, actor=admin)
        backend.people.add_contact("Ana", phone="+15550100001", actor=admin)
        picture = str(Path(__file__).parents[3] / "docs" / "pictures" / "documents-light.png")
        made = ctl("photos", "add", picture, "--direct", "+15550100001", "sage", "--guid", "a-1", "--json").value
        assert made["status"] == "pending"
        assert "Still looking" in ctl("photos", "status", made["photo_id"]).out
        backend.conversations.receive(IncomingMessage(text="what do you think?", sender="+15550100001", persona="sage"), actor=admin)
    figures = ctl("photos", "follow-ups", "--json").value
    assert (figures["share"], figures["figures"]["questions"], figures["figures"]["waiting"]) == (1.0, 1, 1)
