"""Rights: one table, and no verb that forgets to ask it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from backend_core.errors import NotAllowed
from backend_core.policy import ADMIN, ALLOWED, AUDITOR, ROLES, SUPPORT, SYSTEM, Actor, Target, authorize

CORE = Path(__file__).parents[2] / "backend_core"
# verbs that only read about the person themself, are called by the worker for the program, or run inside another verb's transaction
INTERNAL = {
    "Access.sign_in_os_user", "Access.actor", "Access.ensure",
    "Audit.record", "Jobs.defer", "Jobs.open_count", "Jobs.cancel_requested", "Jobs.settle",
    "Documents.purge", "Audios.purge", "Monitoring.close",
    "Storage.stage", "Storage.attach", "Storage.release", "Storage.path_of", "Storage.sweep", "Storage.orphans",
    "Speech.voices", "Speech.voice", "Speech.default_voice", "Speech.synthesize", "Speech.preview",
}  # fmt: skip
# The rights as people were told them, written out once more: a change of the table is a change here too.
EVERYBODY = {
    "document.list", "document.read", "audio.play", "job.list", "pool.read", "health.read", "operator.sign_in",
}  # fmt: skip
SUPPORT_AND_ADMIN = {
    "document.import", "document.rename", "document.delete", "document.restore", "document.retry", "document.extract",
    "audio.generate", "audio.export", "audio.delete", "audio.restore", "audio.speak", "voice.preview", "job.cancel", "job.retry",
}  # fmt: skip
ADMIN_AND_AUDITOR = {"operator.list", "audit.list"}
SUPPORT_ONLY_THEIR_OWN = {"document.rename", "document.delete", "document.restore", "audio.delete", "audio.restore"}
ACTIONS = {
    ADMIN: EVERYBODY | SUPPORT_AND_ADMIN | ADMIN_AND_AUDITOR,
    SUPPORT: EVERYBODY | SUPPORT_AND_ADMIN,
    AUDITOR: EVERYBODY | ADMIN_AND_AUDITOR,
}
FILES = sorted(CORE.glob("*/service.py")) + [CORE / "documents" / name for name in ("audio.py", "export.py", "previews.py")]


def verbs() -> dict[str, ast.FunctionDef]:
    found = {}
    for path in FILES:
        if path.parent.name == "seed":
            continue
        for cls in (node for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.ClassDef)):
            if cls.decorator_list:
                continue
            for node in cls.body:
                if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                    found[f"{cls.name}.{node.name}"] = node
    return found


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
        if name not in INTERNAL and not ("authorize" in calls(node) and "actor" in {arg.arg for arg in node.args.kwonlyargs})
    ]
    assert forgetful == []
    assert len(verbs()) > 30


def test_the_list_of_internal_verbs_names_only_what_exists() -> None:
    assert set(verbs()) >= INTERNAL


def test_every_action_that_is_asked_for_is_in_the_table_and_none_is_left_over() -> None:
    asked = set()
    for path in CORE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "authorize":
                asked |= {arg.value for arg in node.args if isinstance(arg, ast.Constant)}
    assert asked == set(ALLOWED)


def test_the_table_has_the_roles_and_actions_of_the_matrix() -> None:
    assert set(ACTIONS) == set(ROLES)
    assert set(ALLOWED) == ACTIONS[ADMIN]


@pytest.mark.trace("A84")
@pytest.mark.parametrize("action", sorted(ACTIONS[ADMIN]))
@pytest.mark.parametrize("role", [*ROLES, SYSTEM, "nobody"])
@pytest.mark.parametrize("own", [True, False])
def test_roles_by_actions(action: str, role: str, own: bool) -> None:
    actor = Actor(operator_id=1, name="x", role=role, workstation="ws")
    target = Target(kind="document", id="1", owner_id=1 if own else 2)
    expected = action in ACTIONS.get(role, ACTIONS[ADMIN] if role == SYSTEM else set())
    if role == SUPPORT and not own and action in SUPPORT_ONLY_THEIR_OWN:
        expected = False
    if expected:
        authorize(actor, action, target)
    else:
        with pytest.raises(NotAllowed):
            authorize(actor, action, target)
