"""Each means of security has one place; nobody writes a second one."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.house.rules import PACKAGES, python_files

# The library that does the work, and the modules that may use it.
LIBRARIES = {
    # people's passwords, and the passphrase of a sealed file
    "argon2": {"backend_core/access/passwords.py", "backend_core/credentials/sealed.py"},
    "keyring": {"backend_core/credentials/os_keyring.py"},
    "pyrage": {"backend_core/backup/archive.py", "backend_core/backup/keys.py", "backend_core/backup/unpack.py"},
    "cryptography": {
        "backend_core/audit/key_statements.py",
        "backend_core/audit/keys.py",
        # each value of a token under a key of its own
        "backend_core/credentials/envelope.py",
        "backend_core/credentials/sealed.py",
    },
    "hmac": {
        "backend_core/backup/keys.py",
        "backend_core/backup/manifest.py",
        "backend_core/backup/vouching.py",
        # what is posted says who sent it
        "backend_core/notices/webhook.py",
    },
}
# What everybody calls, and where it is written.
FUNCTIONS = {
    "authorize": "backend_core/policy.py",
    "redact": "backend_core/redaction.py",
    "payload": "backend_core/errors.py",
    "check_signature": "backend_core/audit/key_statements.py",
    "session_valid": "backend_core/access/sessions.py",
}


def imported(source: str) -> Iterator[str]:
    """Yield the first part of every module a text imports, inside functions too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def defined(source: str) -> Iterator[str]:
    """Yield the name of every function a text defines outside classes."""
    yield from (node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))


@pytest.mark.trace("A60")
@pytest.mark.parametrize("library", sorted(LIBRARIES))
def test_a_library_of_security_is_used_in_its_place_only(library: str) -> None:
    users = {path.as_posix() for path, text in python_files(*PACKAGES) if library in set(imported(text))}
    assert users == LIBRARIES[library]


@pytest.mark.trace("A60")
@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_a_function_of_security_is_written_once(function: str) -> None:
    places = [path.as_posix() for path, text in python_files(*PACKAGES) if function in set(defined(text))]
    assert places == [FUNCTIONS[function]]


def test_a_copy_would_be_noticed() -> None:
    assert set(imported("def f():\n    from argon2 import PasswordHasher\n")) == {"argon2"}
    assert set(defined("def redact(text):\n    return text\n")) == {"redact"}
