"""The rules about errors and the log that keep what a lower layer says away from people."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from backend_core.errors import every_error
from tests.house.rules import PACKAGES, called_name, python_files

# Modules that may make the answer people get, and the log line that goes with it.
MAKES_ANSWERS = Path("backend_core/errors.py")
LOGS_FAILURES = Path("backend_core/logs.py")
# What these say was written by Lectern for people, so it may be repeated.
OUR_WORDS = {error.__name__ for error in every_error()} | {"SettingsError"}
# Text of others that is shown nonetheless, each with its reason.
REPEATED = {
    "backend_core/audit/standalone.py": "its own sentence about a file it cannot verify",
    "backend_core/cli/audit.py": "the sentence of that verifier",
    "backend_core/cli/context.py": "the name rule of profiles",
    "backend_core/profiles/service.py": "the name rule of profiles",
    "backend_core/settings.py": "the place in a settings file that cannot be read, which its owner wrote",
    "backend_core/worker.py": "the name rule of profiles, and settings that cannot be used",
    "backend_core/bench": "printed for developers",
    "desktop/__main__.py": "the name rule of profiles",
    "desktop/tour.py": "printed for developers by the scripted walk",
}


def home_made_answers(source: str) -> Iterator[int]:
    """Yield the lines that build ``Unexpected`` themselves, or an answer with a ``next_step`` of their own."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and called_name(node) in {"Unexpected", "ErrorPayload"}:
            yield node.lineno
        if isinstance(node, ast.Dict) and {"next_step", "sentence"} & {getattr(key, "value", None) for key in node.keys}:
            yield node.lineno


def home_made_failure_lines(source: str) -> Iterator[int]:
    """Yield the log calls that render an exception themselves: without its code, and without the operator."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or "log" not in ast.unparse(node.func).lower():
            continue
        if called_name(node) == "exception" or any(word.arg == "exc_info" for word in node.keywords):
            yield node.lineno


def repeated_words(source: str) -> Iterator[int]:
    """Yield the lines that put the text of somebody else's exception into new text."""
    for handler in [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ExceptHandler) and node.name]:
        kinds = {ast.unparse(kind).rpartition(".")[2] for kind in getattr(handler.type, "elts", [handler.type]) if kind is not None}
        if kinds <= OUR_WORDS:
            continue
        inside = [inner for statement in handler.body for inner in ast.walk(statement)]
        compared = {id(part) for node in inside if isinstance(node, ast.Compare) for part in ast.walk(node)}
        for node in inside:
            if id(node) in compared:
                continue
            shown = node.value if isinstance(node, ast.FormattedValue) else None
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"str", "repr"} and node.args:
                shown = node.args[0]
            if isinstance(shown, ast.Name) and shown.id == handler.name:
                yield node.lineno


def problems() -> list[str]:
    """Every place of the program that goes around the one answer and the one log line (A45, A88, A89)."""
    found = []
    for path, text in python_files(*PACKAGES):
        if path != MAKES_ANSWERS and path.parts[1] != "bench":
            found += [f"{path}:{line}: makes an error answer; use backend_core.errors.safe or payload" for line in home_made_answers(text)]
        if path != LOGS_FAILURES:
            found += [f"{path}:{line}: logs an exception; use backend_core.logs.log_failure" for line in home_made_failure_lines(text)]
        if not any(path.as_posix().startswith(known) for known in REPEATED):
            found += [f"{path}:{line}: repeats what somebody else's exception says" for line in repeated_words(text)]
    return found
