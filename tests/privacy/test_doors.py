"""The ways in and out of a container: imports, exports, backups, edits, and operators who look."""

from __future__ import annotations

import contextlib
import hashlib
import json
import statistics
import time
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from backend_core.errors import InvalidInput, LecternError, NotAllowed, NotFound, ReasonNeeded
from backend_core.policy import AUDITOR, SUPPORT, Actor
from tests.privacy.town import CANARY, SAID, Quarter, Town, Where, unpacked


@pytest.mark.trace("B30")
def test_update_keeps_container(quarter: Quarter) -> None:
    town, d1, ga = quarter.town, quarter.viewers["d1"], quarter.viewers["ga"]
    before = {name: town.texts(where) for name, where in quarter.viewers.items() if name != "d1"}
    with town.open(d1, "memory.edit") as memory:
        first = memory.list(limit=1)[0]
        changed = memory.update(first.id, text=f"{CANARY} now", version=first.version)
    assert (changed.id, changed.text) == (first.id, f"{CANARY} now")
    with town.open(d1) as memory:
        assert memory.get(first.id).text == f"{CANARY} now"
        assert [version.text for version in memory.history(first.id)][-1] in {first.text, f"{CANARY} now"}
    assert {name: town.texts(where) for name, where in quarter.viewers.items() if name != "d1"} == before
    with town.open(ga) as memory, pytest.raises(NotFound):
        memory.get(first.id)


@pytest.mark.trace("B30")
def test_import_cannot_change_container(quarter: Quarter, tmp_path: Path) -> None:
    town, d1, d2, ga = quarter.town, quarter.viewers["d1"], quarter.viewers["d2"], quarter.viewers["ga"]
    path = tmp_path / "ga.zip"
    with town.open(ga, "memory.export") as memory:
        memory.export(path)
    before = {name: town.texts(where) for name, where in quarter.viewers.items()}
    with town.open(d2, "memory.import") as memory, pytest.raises(InvalidInput):
        memory.import_(path)
    assert {name: town.texts(where) for name, where in quarter.viewers.items()} == before
    # with its label changed to that of where it goes, it goes there; whatever else it names is no container
    labels = [town.container(where).tag for where in (ga, d2, d1)]
    with town.open(d2, "memory.import") as memory:
        memory.import_(relabelled(path, labels[0], labels[1], tmp_path))
    assert sorted(town.texts(d2)) == sorted(SAID)
    for field in (f'"container": "{labels[2]}"', '"container_id": 1', f'"conversation_id": "{town.container(d1).conversation_id}"'):
        with contextlib.suppress(LecternError), town.open(d2, "memory.import") as memory:
            memory.import_(relabelled(path, labels[0], labels[1], tmp_path, smuggled=field))
    assert {name: town.texts(where) for name, where in quarter.viewers.items() if name != "d2"} == {
        name: texts for name, texts in before.items() if name != "d2"
    }


def relabelled(path: Path, old: str, new: str, folder: Path, *, smuggled: str = "") -> Path:
    """Return a copy of an export that claims to be of another container, and whose lines name one more thing."""
    made = folder / f"{uuid.uuid4()}.zip"
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    lines = {name: part for name, part in parts.items() if not name.startswith("manifest")}
    if smuggled:
        lines = {name: part.replace('{"', "{" + smuggled + ', "', 1).replace(SAID[0], f"{CANARY} smuggled") for name, part in lines.items()}
    (name,) = set(parts) - set(lines)
    manifest = json.loads(parts[name]) | {"container": new}
    for part in parts.values():
        for key, digest in list(manifest.items()):
            if digest == hashlib.sha256(part.encode()).hexdigest():
                manifest[key] = next(hashlib.sha256(text.encode()).hexdigest() for other, text in lines.items() if parts[other] == part)
    assert old != new
    with zipfile.ZipFile(made, "w") as archive:
        for other, text in {**lines, name: json.dumps(manifest)}.items():
            archive.writestr(other, text)
    return made


@pytest.mark.trace("B30", "B31")
def test_backup_export_of_container_has_no_canary(quarter: Quarter, tmp_path: Path) -> None:
    town = quarter.town
    quarter.stir("d1")
    for name, where in quarter.viewers.items():
        path = tmp_path / f"{name}.zip"
        with town.open(where, "memory.export") as memory:
            memory.export(path)
        assert (CANARY.encode() in unpacked(path)) == (name != "d1")
    assert [path.name for path in tmp_path.glob("*.zip") if b"container_id" in unpacked(path)] == []


@pytest.mark.trace("B30", "B45")
def test_admin_view_needs_reason_and_audits(quarter: Quarter) -> None:
    town, d1 = quarter.town, quarter.viewers["d1"]
    conversation = town.container(d1)

    def opened() -> int:
        rows = town.backend.audit.latest(actor=town.backend.system(), limit=500)
        return sum(row.target == f"container:{conversation.public_id}" for row in rows)

    before = opened()
    silent = replace(town.actor, reason=None)
    looks: list[Callable[[], object]] = [
        lambda: look(town, silent, d1),
        lambda: town.backend.conversations.messages(conversation.conversation_id, actor=silent),
        lambda: town.replies.reply_context(conversation.conversation_id, "harbour", actor=silent),
        lambda: town.backend.forgetting.preview(d1, "forget that", actor=silent),
        lambda: town.backend.forgetting.boundaries(d1, actor=silent),
    ]
    for one in looks:
        with pytest.raises(ReasonNeeded):
            one()
    for role in (AUDITOR,):
        with pytest.raises(NotAllowed):
            look(town, replace(town.actor, role=role), d1)
    assert opened() == before
    assert look(town, replace(town.actor, role=SUPPORT, reason="complaint 7"), d1)
    (row,) = [row for row in town.backend.audit.latest(actor=town.backend.system(), limit=5) if row.reason == "complaint 7"]
    assert (row.actor, row.action, row.target) == (town.actor.name, "memory.read", f"container:{conversation.public_id}")
    assert opened() == before + 1


def look(town: Town, actor: Actor, where: Where) -> object:
    with town.memory.scope(where, actor=actor, reason=None, action="memory.read") as memory:
        return memory.list(limit=5)


@pytest.mark.logs("privacy boundary held")
def test_a_memory_used_after_its_scope_gives_nothing_and_is_counted(quarter: Quarter) -> None:
    with quarter.town.open(quarter.viewers["d1"]) as memory:
        assert memory.list(limit=1)
    for verb in (lambda: memory.list(limit=1), lambda: memory.search("harbour"), memory.count, lambda: memory.add("x")):
        with pytest.raises(LecternError):
            verb()


def test_timing_foreign_vs_missing(quarter: Quarter, record_property: Callable[[str, object], None]) -> None:
    """Report how long a foreign and a missing id take; a figure, and no assertion about it."""
    foreign = quarter.stir("d1")[0]
    taken: dict[str, list[float]] = {"foreign": [], "missing": []}
    with quarter.town.open(quarter.viewers["d1"]) as memory:
        for _ in range(40):
            for name, identity in (("foreign", foreign), ("missing", uuid.uuid4())):
                began = time.perf_counter()
                with pytest.raises(NotFound):
                    memory.get(identity)
                taken[name].append(time.perf_counter() - began)
    for name, seconds in taken.items():
        record_property(f"{name}_us", round(statistics.median(seconds) * 1e6))
    assert all(len(seconds) == 40 for seconds in taken.values())
