"""The benchmark of the look-up by sender: with the index it is read, without it the whole table is; figures are no tests."""

from __future__ import annotations

import pytest

from backend_core.bench.records import record
from backend_core.bench.sender_lookup import run


@pytest.mark.trace("B24", "B85")
def test_the_index_serves_the_look_up_and_the_control_reads_everything() -> None:
    (found,) = run(sizes=(20_000,), rounds=5)
    kept = record(found, commit="abc", date="2026-11-21")
    ours, _, control = kept.note.partition("control:")
    assert "idx_message_sender" in ours
    assert "Seq Scan" in control
    assert kept.name == "conversations.sender_lookup_20000"
    assert kept.control is not None
