"""Rights: one table, and no verb that forgets to ask it."""

from __future__ import annotations

import ast
import datetime as dt
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from backend_core.errors import NotAllowed, ProofNeeded, ReasonNeeded
from backend_core.policy import (
    ADMIN,
    ALLOWED,
    AUDITOR,
    OWNED,
    PERSONAL,
    PROVEN,
    READS,
    REASONED,
    ROLES,
    SUPPORT,
    SYSTEM,
    Actor,
    Target,
    authorize,
    may,
)  # fmt: skip

CORE = Path(__file__).parents[2] / "backend_core"
# verbs that only read about the person themself, are called by the worker for the program, or run inside another verb's transaction
INTERNAL = {
    "SignIn.sign_in_here", "SignIn.sign_in", "SignIn.resume", "SignIn.check", "SignIn.needs_password", "SignIn.actor",
    "Operators.ensure", "Access.tidy", "Access.recover",
    "Audit.record", "Audit.record_many", "Seals.seal", "Seals.lag", "Seals.sign", "Seals.close", "TrailExport.write",
    "Jobs.defer", "Jobs.open_count", "Jobs.cancel_requested", "Jobs.settle",
    "Documents.purge", "Audios.purge", "Monitoring.close",
    "Storage.stage", "Storage.attach", "Storage.release", "Storage.path_of", "Storage.sweep", "Storage.orphans",
    "Speech.voices", "Speech.voice", "Speech.default_voice", "Speech.synthesize", "Speech.preview",
    "House.current", "House.within",
    "Backups.health", "Backups.duty", "Backups.tidy",
    "Forgetting.obey", "Forgetting.preview_in", "Forgetting.forget_in", "Purging.purge_in",
    "Safety.check", "Safety.note", "Safety.health", "Egress.hosts", "Egress.send", "Egress.announce", "OAuthServices.find",
    "Notices.health", "Readiness.judgement",
    "Photos.follow", "Photos.container_of", "MemoryService.within", "MemoryService.meaning", "MemoryService.remember",
    "Privacy.gate", "Privacy.health", "Privacy.duty", "Scopes.directory", "Scopes.resolve",
}  # fmt: skip
# folders without verbs: what runs them has asked already, or is a tool
ELSEWHERE = {"bench", "cli", "db", "profiles", "seed"}
# The rights as people were told them, written out once more: a change of the table is a change here too.
EVERYBODY = {
    "document.list", "document.read", "audio.play", "job.list", "pool.read", "health.read",
    "operator.sign_in", "operator.sign_out", "operator.unlock", "operator.password", "session.list", "session.revoke", "settings.read",
    "persona.list",
    "receipt.list", "receipt.verify",
    "privacy.list",
    "metrics.read", "slo.read", "notice.list", "notice.acknowledge", "job_alert.list", "readiness.read",
}  # fmt: skip
SUPPORT_AND_ADMIN = {
    "document.import", "document.rename", "document.delete", "document.restore", "document.retry", "document.extract",
    "audio.generate", "audio.export", "audio.delete", "audio.restore", "audio.speak", "voice.preview", "job.cancel", "job.retry",
    "document.keep", "contact.list", "contact.read", "contact.reveal", "contact.add", "contact.edit", "conversation.list",
    "conversation.read", "conversation.add", "conversation.members", "message.receive", "message.import", "reminder.edit",
    "photo.attach", "photo.analyse", "photo.read", "safety.check", "safety.list", "safety.review",
    "memory.read", "memory.add", "memory.edit", "memory.export", "memory.import", "memory.forget", "memory.restore", "boundary.edit",
    "memory.open", "reply.preview", "job_alert.update",
}  # fmt: skip
ADMIN_AND_AUDITOR = {
    "log.read", "operator.list", "operator.review", "audit.list", "audit.verify", "audit.export", "audit.evidence", "audit.hold",
    "alert.list", "alert.acknowledge", "view.list", "view.save", "view.delete", "release.list", "backup.list",
    "egress.list", "privacy.export", "metrics.export", "server.read", "index.read", "migration.read", "readiness.export",
}  # fmt: skip
ADMIN_ONLY = {
    "operator.add", "operator.edit", "operator.role", "operator.disable", "operator.enable", "operator.reset", "operator.hand_over",
    "audit.rotate", "audit.retain", "release.sign_off", "settings.update", "backup.create", "backup.verify", "backup.restore", "backup.key",
    "contact.disable", "persona.edit", "contact.export", "contact.erase", "privacy.run",
    "egress.allow", "egress.withdraw", "token.list", "token.save", "token.revoke", "token.rotate",
    "server.cancel", "index.prove", "index.change", "migration.run", "notice.silence", "notice.test", "readiness.measure",
}  # fmt: skip
PROGRAM_ONLY = {
    "operator.recover",
    "audit.seal",
    "audit.watch",
    "token.refresh",
    "memory.purge",
    "notice.raise",
    "notice.deliver",
    "job.watch",
}
SUPPORT_ONLY_THEIR_OWN = {"document.rename", "document.delete", "document.restore", "audio.delete", "audio.restore"}
ONLY_ABOUT_THEMSELVES = {"operator.password", "session.list", "session.revoke", "view.list", "view.save", "view.delete"}
AFTER_PROOF = {
    "operator.add", "operator.edit", "operator.role", "operator.disable", "operator.enable", "operator.reset", "operator.hand_over",
    "audit.export", "audit.evidence", "audit.rotate", "audit.retain", "backup.create", "backup.restore", "backup.key",
    "egress.allow", "token.rotate", "contact.export", "contact.erase", "memory.export",
    "index.change", "migration.run",
}  # fmt: skip
WITH_A_REASON = {
    "audit.export", "audit.evidence", "audit.hold", "operator.disable", "operator.role", "operator.hand_over",
    "contact.reveal", "conversation.read", "photo.read", "safety.review", "contact.export", "contact.erase",
    "memory.open", "memory.read", "memory.export", "reply.preview",
    "server.cancel", "index.change", "migration.run", "notice.silence",
}  # fmt: skip
LOOKS = {
    "voice.preview", "contact.list", "contact.read", "contact.reveal", "conversation.list", "conversation.read",
    "photo.read", "safety.check", "safety.list", "memory.open", "memory.read", "reply.preview",
}  # fmt: skip
CHANGES = (
    SUPPORT_AND_ADMIN - LOOKS | PROGRAM_ONLY
    | ADMIN_ONLY - {"backup.verify", "token.list", "privacy.run", "index.prove", "readiness.measure"}
    | {"operator.password", "session.revoke", "audit.export", "audit.evidence", "audit.hold", "privacy.export", "readiness.export"}
)  # fmt: skip
ACTIONS = {
    ADMIN: EVERYBODY | SUPPORT_AND_ADMIN | ADMIN_AND_AUDITOR | ADMIN_ONLY,
    SUPPORT: EVERYBODY | SUPPORT_AND_ADMIN,
    AUDITOR: EVERYBODY | ADMIN_AND_AUDITOR,
    SYSTEM: set(ALLOWED),
}
LATER = dt.datetime.max.replace(tzinfo=dt.UTC)


def classes() -> Iterator[ast.ClassDef]:
    """Yield each class that offers verbs: those of every service.py, and whatever else asks the table."""
    for path in sorted(CORE.glob("*/**/*.py")):
        if path.parent.name in ELSEWHERE:
            continue
        for cls in (node for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.ClassDef)):
            # a task asks with the rights of whoever queued it, and is given no actor
            if not cls.decorator_list and path.name != "tasks.py" and (path.name == "service.py" or "authorize" in calls(cls)):
                yield cls


def verbs() -> dict[str, ast.FunctionDef]:
    """Return every public method of the classes that offer verbs."""
    return {
        f"{cls.name}.{node.name}": node
        for cls in classes()
        for node in cls.body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_") and not facts(node)
    }


def facts(node: ast.FunctionDef) -> bool:
    """Tell whether this is a property, or needs no object: nothing that acts."""
    return any(isinstance(mark, ast.Name) and mark.id in {"property", "staticmethod", "classmethod"} for mark in node.decorator_list)


def calls(node: ast.AST) -> set[str]:
    return {
        call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id
        for call in ast.walk(node)
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute | ast.Name)
    }


@pytest.mark.trace("A84")
def test_every_verb_takes_an_actor_and_asks_the_table() -> None:
    forgetful = [
        name
        for name, node in verbs().items()
        if name not in INTERNAL
        and not ("authorize" in calls(node) and "actor" in {arg.arg for arg in (*node.args.args, *node.args.kwonlyargs)})
    ]
    assert forgetful == []
    assert len(verbs()) > 80


def test_the_list_of_internal_verbs_names_only_what_exists() -> None:
    assert set(verbs()) >= INTERNAL


def test_every_action_that_is_asked_for_is_in_the_table_and_none_is_left_over() -> None:
    asked = set()
    for path in (*CORE.rglob("*.py"), *(CORE.parent / "desktop").rglob("*.py")):
        for node in (one for one in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(one, ast.Call)):
            if isinstance(node.func, ast.Name) and node.func.id == "authorize":
                asked |= {arg.value for arg in node.args if isinstance(arg, ast.Constant)}
            if isinstance(node.func, ast.Attribute) and node.func.attr == "scope":
                # memory is opened for what the caller names
                asked |= {word.value.value for word in node.keywords if word.arg == "action" and isinstance(word.value, ast.Constant)}
    assert asked == set(ALLOWED)


def test_the_table_has_the_roles_and_actions_of_the_matrix() -> None:
    assert set(ACTIONS) == {*ROLES, SYSTEM}
    assert set(ALLOWED) == ACTIONS[ADMIN] | PROGRAM_ONLY
    assert (OWNED, PERSONAL, PROVEN, REASONED) == (SUPPORT_ONLY_THEIR_OWN, ONLY_ABOUT_THEMSELVES, AFTER_PROOF, WITH_A_REASON)
    assert set(ALLOWED) - READS == CHANGES


@pytest.mark.trace("A84")
@pytest.mark.parametrize("action", sorted(ALLOWED))
@pytest.mark.parametrize("role", [*ROLES, SYSTEM, "nobody"])
@pytest.mark.parametrize("owner", ["own", "other", "none"])
def test_roles_by_actions_by_owner(action: str, role: str, owner: str) -> None:
    actor = Actor(operator_id=1, name="x", role=role, workstation="ws", reason="because", proven_until=LATER)
    target = Target(kind="thing", id="1", owner_id={"own": 1, "other": 2, "none": None}[owner])
    expected = action in ACTIONS.get(role, set())
    assert may(role, action) == expected
    if owner == "other":
        expected = expected and not (role == SUPPORT and action in SUPPORT_ONLY_THEIR_OWN)
        expected = expected and not (role not in {ADMIN, SYSTEM} and action in ONLY_ABOUT_THEMSELVES)
    if expected:
        authorize(actor, action, target)
    else:
        with pytest.raises(NotAllowed):
            authorize(actor, action, target)


@pytest.mark.trace("A84")
@pytest.mark.parametrize("action", sorted(ALLOWED))
def test_some_actions_ask_for_proof_or_a_reason_and_production_asks_one_for_every_change(action: str) -> None:
    target = Target(kind="thing")
    proven = Actor(operator_id=1, name="x", role=ADMIN, workstation="ws", reason="because", proven_until=LATER)
    if action in PROGRAM_ONLY:
        authorize(replace(proven, role=SYSTEM, reason=None, proven_until=None, reason_required=True), action, target)
        return
    for until in (None, dt.datetime.now(dt.UTC)):
        outcome(replace(proven, proven_until=until), action, target, ProofNeeded if action in AFTER_PROOF else None)
    for reason in (None, "", "  "):
        silent = replace(proven, reason=reason)
        outcome(silent, action, target, ReasonNeeded if action in WITH_A_REASON else None)
        outcome(replace(silent, reason_required=True), action, target, ReasonNeeded if action in CHANGES | WITH_A_REASON else None)


def outcome(actor: Actor, action: str, target: Target, error: type[NotAllowed] | None) -> None:
    if error is None:
        authorize(actor, action, target)
    else:
        with pytest.raises(error):
            authorize(actor, action, target)
