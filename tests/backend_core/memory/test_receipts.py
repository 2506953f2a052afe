"""Erasure receipts: they say what was done and nothing of what it was about, and no change to one goes unnoticed."""

from __future__ import annotations

import base64
import datetime as dt
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend_core.audit.key_statements import check_signature, key_id_of
from backend_core.audit.keys import SealKey
from backend_core.backend import Backend
from backend_core.errors import NotFound, UnreadableFile
from backend_core.memory.forget import LAST
from backend_core.memory.receipt_book import verify_alone
from backend_core.memory.receipts import Facts, Remains, canonical, document, file_text, is_about, signed_bytes, verify
from backend_core.scopes.records import Direct
from tests.backend_core.memory.gossip import ANA, Gossip

AT = dt.datetime(2026, 11, 21, 9, 30, tzinfo=dt.UTC)
KEY = SealKey(b"k" * 32)
SUBJECT = uuid.UUID(int=7)
SAGE = Direct(ANA, "sage")


def signed(key: SealKey = KEY, **changed: Any) -> str:
    facts: dict[str, Any] = {
        "id": uuid.UUID(int=1), "kind": "memory", "subject": SUBJECT, "asked_by": "Ärmel", "asked_at": AT, "erased_at": AT, "hard": True,
        "counts": {"memories": 2, "messages": 3}, "remains": (Remains(where="backups", until=AT, note="Three."),),
    }  # fmt: skip
    content = document(Facts(**facts | changed), public=key.public)
    return file_text(content, key.sign(signed_bytes(content)))


def changes(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value in a JSON value."""
    if isinstance(value, (dict, list)):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from changes(inner, (*path, key))
    else:
        yield path


def changed(text: str, path: tuple[Any, ...]) -> str:
    copy = json.loads(text)
    target = copy
    for key in path[:-1]:
        target = target[key]
    old = target[path[-1]]
    target[path[-1]] = (not old) if isinstance(old, bool) else old + 1 if isinstance(old, int) else f"{old}0"
    return json.dumps(copy)


def test_a_receipt_verifies_from_its_text_alone() -> None:
    found = verify(signed())
    assert (found.ok, found.problems, found.key_id, found.known_key) == (True, (), KEY.id, None)
    assert found.facts["counts"] == {"memories": 2, "messages": 3}
    assert is_about(found.facts, SUBJECT)
    assert not is_about(found.facts, uuid.UUID(int=8))


def test_no_value_of_it_can_be_changed() -> None:
    text = signed()
    paths = list(changes(json.loads(text)))
    assert len(paths) > 15
    assert [path for path in paths if verify(changed(text, path)).ok] == []


def test_nothing_can_be_left_out_added_or_given_twice() -> None:
    whole = json.loads(signed())
    broken = [{**whole, "note": 1}, {"receipt": whole["receipt"]}, {"signature": whole["signature"]}, [whole], None, 1, "x"]
    for name in whole["receipt"]:
        left_out = {key: value for key, value in whole["receipt"].items() if key != name}
        broken += [{**whole, "receipt": left_out}, {**whole, "receipt": {**whole["receipt"], "extra": 1}}]
    for one in broken:
        found = verify(json.dumps(one))
        assert (found.ok, found.problems[0][0]) == (False, "unreadable"), one
    twice = signed().replace('"hard":true', '"hard":false,"hard":true')
    assert verify(twice).problems[0][0] == "unreadable"


def test_a_receipt_signed_anew_by_another_key_is_as_it_was_signed_but_nobody_vouches_for_it() -> None:
    forged = signed(SealKey(b"f" * 32), counts={"memories": 99})
    assert verify(forged).ok
    found = verify(forged, trusted={KEY.id})
    assert (found.ok, found.known_key, [kind for kind, _ in found.problems]) == (False, False, ["unknown_key"])
    assert verify(signed(), trusted={KEY.id}).ok


def test_a_key_in_it_under_the_name_of_another_is_noticed() -> None:
    other = SealKey(b"f" * 32)
    whole = json.loads(signed(other))
    whole["receipt"]["key"]["id"] = KEY.id
    forged = file_text(whole["receipt"], other.sign(signed_bytes(whole["receipt"])))
    found = verify(forged, trusted={KEY.id})
    assert [kind for kind, _ in found.problems] == ["key"]


def test_how_the_json_is_written_does_not_matter_and_the_signature_is_plain_ed25519() -> None:
    text = signed()
    whole = json.loads(text)
    assert verify(json.dumps(whole, indent=4, sort_keys=False)).ok
    public = base64.b64decode(whole["receipt"]["key"]["public"])
    message = b"lectern-erasure/1\n" + json.dumps(whole["receipt"], ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    assert key_id_of(public) == KEY.id
    assert check_signature(public, message, base64.b64decode(whole["signature"]))
    assert canonical(whole) + "\n" == text


@given(st.text(max_size=200) | st.binary(max_size=200))
def test_anything_else_is_no_receipt(text: str | bytes) -> None:
    assert not verify(text).ok


@pytest.mark.parametrize("text", ["[" * 90_000, "{}", "", '{"receipt":1e999,"signature":"x"}', "x" * 200_000])
def test_hostile_files_are_refused(text: str) -> None:
    assert verify(text).problems[0][0] == "unreadable"


@pytest.fixture
def gossip(backend: Backend) -> Gossip:
    """People and personas, nothing said."""
    return Gossip.of(backend)


def test_erasing_keeps_a_receipt_that_names_nobody_and_says_where_copies_may_be(gossip: Gossip, tmp_path: Path) -> None:
    gossip.say("I stole a bicycle")
    done = gossip.backend.forgetting.forget(SAGE, LAST, hard=True, actor=gossip.actor)
    assert done.receipt is not None
    (kept,) = gossip.backend.forgetting.receipts(actor=gossip.actor)
    assert kept == done.receipt == gossip.backend.forgetting.receipt(kept.id, actor=gossip.actor)
    found = gossip.backend.forgetting.verify_receipt(kept.document, actor=gossip.actor)
    assert (found.ok, found.known_key) == (True, True)
    assert is_about(found.facts, gossip.backend.scopes.resolve(SAGE).public_id)
    assert [one["where"] for one in found.facts["remains"]] == ["write-ahead log", "data files", "backups"]
    assert found.facts["counts"]["memories"] == done.counts["memories"] == 1
    for secret in ("bicycle", "Ana", ANA, "persona_", str(gossip.backend.scopes.resolve(SAGE).public_id)):
        assert secret not in kept.document
    path = tmp_path / "receipt.json"
    assert gossip.backend.forgetting.save_receipt(kept.id, path, actor=gossip.actor) == kept
    assert verify_alone(path, key_id=kept.key_id).ok
    assert not verify_alone(path, key_id=KEY.id).ok
    with pytest.raises(NotFound):
        gossip.backend.forgetting.receipt(uuid.uuid4(), actor=gossip.actor)
    with pytest.raises(UnreadableFile):
        verify_alone(tmp_path / "missing")
