"""Rights: one table, and no verb that forgets to ask it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from backend_core.errors import NotAllowed
from backend_core.policy import ADMIN, ALLOWED, AUDITOR, OWNED, ROLES, SUPPORT, SYSTEM, Actor, Target, authorize

CORE = Path(__file__).parents[2] / "backend_core"
# verbs that only read about the person themself, are called by the worker for the program, or run inside another verb's transaction
INTERNAL = {
    "Access.sign_in_os_user", "Access.actor", "Access.ensure",
    "Audit.record", "Jobs.defer", "Jobs.open_count", "Jobs.cancel_requested", "Jobs.settle",
    "Documents.purge", "Audios.purge", "Monitoring.close",
    "Storage.stage", "Storage.attach", "Storage.release", "Storage.path_of", "Storage.sweep", "Storage.orphans",
    "Speech.voices", "Speech.voice", "Speech.default_voice", "Speech.synthesize", "Speech.preview",
}  # fmt: skip
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


@pytest.mark.trace("A84")
@pytest.mark.parametrize("action", sorted(ALLOWED))
@pytest.mark.parametrize("role", [*ROLES, SYSTEM, "nobody"])
@pytest.mark.parametrize("own", [True, False])
def test_roles_by_actions(action: str, role: str, own: bool) -> None:
    actor = Actor(operator_id=1, name="x", role=role, workstation="ws")
    target = Target(kind="document", id="1", owner_id=1 if own else 2)
    changes = action.split(".")[1] not in {"list", "read", "play", "sign_in"}
    expected = role in ALLOWED[action] and (own or role != SUPPORT or action not in OWNED)
    if role == "nobody":
        assert not expected
    if role == AUDITOR and changes:
        assert not expected
    if role in {ADMIN, SYSTEM}:
        assert expected
    if expected:
        authorize(actor, action, target)
    else:
        with pytest.raises(NotAllowed):
            authorize(actor, action, target)
