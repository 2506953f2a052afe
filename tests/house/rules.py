"""The house rules that no linter knows, each a function from the project's files to a list of problems."""

from __future__ import annotations

import ast
import contextlib
import functools
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("backend_core", "desktop")
LONGEST_FILE = 400
LONGEST_FUNCTION = 30
LONGEST_SLEEP_S = 0.2
LOCKS_WITH_HOSTS = {"uv.lock", "poetry.lock", "Pipfile.lock", "pylock.toml"}
EMPTY_NAMES = {"utils", "common", "helpers", "manager", "controller"}
LOG_METHODS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
SQL_CALLS = {"text", "execute", "exec_driver_sql", "SQL"}
PAGES = ("ARCHITECTURE.md", "CONTRIBUTING.md", "README.md", "SECURITY.md")
WORDS_THAT_ARE_NOT_PATHS = {"and/or", "input/output", "client/server"}

_SILENCED = re.compile(r"#\s*(noqa|type: ignore|nosec|pragma: no cover|fmt: off|pyright)\b(?P<rest>.*)$")
_CODES = re.compile(r"^\s*(?::\s*[A-Z]+\d+(?:\s*,\s*[A-Z]+\d+)*|\[[\w\-, ]+\])?")
_ONE_MACHINE = re.compile(r"(^|[^A-Za-z0-9_.])/(work|root|farm)/[A-Za-z0-9_.]")
_PATH_IN_PROSE = re.compile(r"`([\w.*-]+(?:/[\w.<>*-]*)+|[\w-]+\.(?:md|py|toml|lock|json|cmd|yaml|spec))`")
_LINK = re.compile(r"\]\(([^)#\s]+)")
_UNEXPLAINED = re.compile(r"\b(TODO|FIXME|XXX)\b|pytest\.(skip|xfail)\(\s*\)|mark\.(skip|xfail)(?!\w|\([^)]*reason)")
_LOCK = re.compile(r"with_for_update\(|pg_(try_)?advisory_(xact_)?lock|\bFOR (NO KEY )?(UPDATE|SHARE)\b")
_PATCHED = re.compile(r"monkeypatch\.setattr\(|\bmocker\b|unittest\.mock|\bpatch\.object\(")


@functools.cache
def listed() -> tuple[Path, ...]:
    """Return every path that is or would be committed."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(ROOT / line for line in found.splitlines())


def files() -> list[Path]:
    """Return every file among them."""
    return [path for path in listed() if path.is_file()]


def python_files(*folders: str) -> Iterator[tuple[Path, str]]:
    """Yield path and text of each Python file below the folders of the project; one that does not parse is the linter's to report."""
    yield from ((path, text) for path, text in _sources() if path.parts[0] in folders)


@functools.cache
def _sources() -> tuple[tuple[Path, str], ...]:
    # kept, as every rule looks at all of them
    found = []
    for path in files():
        if path.suffix == ".py":
            text = path.read_text(encoding="utf-8")
            with contextlib.suppress(SyntaxError):
                ast.parse(text)
                found.append((path.relative_to(ROOT), text))
    return tuple(found)


def silenced_without_reason(text: str) -> Iterator[int]:
    """Yield the numbers of the lines that silence a tool without codes or without saying why."""
    for number, line in enumerate(text.splitlines(), 1):
        match = _SILENCED.search(line)
        if match is None or "`" in line:
            continue
        rest = match["rest"]
        codes = _CODES.match(rest)
        reason = rest[codes.end() :] if codes else rest
        has_codes = match[1] not in {"noqa", "type: ignore"} or bool(codes and codes.group().strip())
        if not has_codes or not re.search(r"[A-Za-z]{3,}", reason):
            yield number


def built_from_parts(node: ast.expr) -> bool:
    """Tell whether an expression builds text at run time: an f-string, ``%``, ``+`` or ``.format`` on a literal.

    An f-string of constants only (names in capitals) is text that was known when it was written.
    """
    if isinstance(node, ast.JoinedStr):
        parts = [part.value for part in node.values if isinstance(part, ast.FormattedValue)]
        return not all(isinstance(part, ast.Name) and part.id.isupper() for part in parts)
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Mod, ast.Add)):
        return any(isinstance(side, (ast.Constant, ast.JoinedStr)) or built_from_parts(side) for side in (node.left, node.right))
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "format"
        and isinstance(node.func.value, ast.Constant)
    )


def called_name(call: ast.Call) -> str:
    """Return the last part of the name that is called: ``execute`` for ``conn.execute(...)``."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def text_built_in_calls(source: str, *, names: set[str], receiver: str = "") -> Iterator[int]:
    """Yield the lines where one of the named calls gets, as its first argument, text built at run time."""
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or called_name(node) not in names or not node.args:
            continue
        owner = ast.unparse(node.func.value).lower() if isinstance(node.func, ast.Attribute) else ""
        if receiver in owner and built_from_parts(node.args[0]) and "noqa: S608" not in lines[node.lineno - 1]:
            yield node.lineno


def long_functions(source: str) -> Iterator[tuple[int, str, int]]:
    """Yield line, name and length of each function whose body is over the limit, its docstring not counted."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            length = (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
            if length > LONGEST_FUNCTION:
                yield node.lineno, node.name, length


def sleeps(source: str) -> Iterator[int]:
    """Yield the lines that sleep for a fixed time longer than one turn of a polling loop."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and called_name(node) in {"sleep", "qWait", "wait"} and node.args:
            value = node.args[0]
            limit = LONGEST_SLEEP_S if called_name(node) == "sleep" else 1000 * LONGEST_SLEEP_S
            if (
                called_name(node) != "wait"
                and isinstance(value, ast.Constant)
                and isinstance(value.value, (int, float))
                and value.value > limit
            ):
                yield node.lineno


def reasons() -> list[str]:
    """Every silenced warning names its code and its reason (A51)."""
    found = [(path, text) for path, text in python_files(*PACKAGES, "tests", "bootstrap.py") if path.stem != "test_rules"]
    return [f"{path}:{line}: silences a tool without a code or a reason" for path, text in found for line in silenced_without_reason(text)]


def queries() -> list[str]:
    """No SQL text is put together at run time (A76); revisions are exempt, as no value from outside reaches them."""
    found = [(path, text) for path, text in python_files(*PACKAGES) if "migrations" not in path.parts]
    return [f"{path}:{line}: SQL built from parts" for path, text in found for line in text_built_in_calls(text, names=SQL_CALLS)]


def log_calls() -> list[str]:
    """No log text is put together at run time, so redaction sees the values (A82)."""
    found = python_files(*PACKAGES)
    return [
        f"{path}:{line}: log text built" for path, text in found for line in text_built_in_calls(text, names=LOG_METHODS, receiver="log")
    ]


def sizes() -> list[str]:
    """Files stay under 400 lines and functions of the program under 30."""
    problems = []
    for path, text in python_files(*PACKAGES, "tests", "bootstrap.py"):
        count = text.count("\n")
        if count > LONGEST_FILE:
            problems.append(f"{path}: {count} lines")
        if path.parts[0] in PACKAGES and "migrations" not in path.parts:
            problems += [f"{path}:{line}: {name} has {length} lines" for line, name, length in long_functions(text)]
    return problems


def names() -> list[str]:
    """No module is called utils, common, helpers, manager or controller."""
    return [str(path) for path, _ in python_files(*PACKAGES, "tests") if EMPTY_NAMES & {*path.parts[:-1], path.stem}]


def honest_tests() -> list[str]:
    """No fixed sleeps, no patching, and no skip, xfail or TODO without a reason (A95)."""
    problems = []
    for path, text in python_files(*PACKAGES, "tests"):
        if path.parts[:2] == ("tests", "house"):
            continue
        problems += [f"{path}:{number}: unexplained" for number, line in enumerate(text.splitlines(), 1) if _UNEXPLAINED.search(line)]
        if path.parts[0] == "tests":
            problems += [f"{path}:{line}: fixed sleep; poll with a deadline" for line in sleeps(text)]
            problems += [
                f"{path}:{n}: patches code; hand in a fake" for n, line in enumerate(text.splitlines(), 1) if _PATCHED.search(line)
            ]
    return problems


def links(paths: Iterable[Path]) -> list[Path]:
    """Return those that only lead to another place."""
    return [path for path in paths if path.is_symlink()]


def portable() -> list[str]:
    """No file names a folder of one machine, none is a link, and no lock file names a host."""
    problems = [f"{path.name} names hosts" for path in files() if path.name in LOCKS_WITH_HOSTS]
    problems += [f"{path.relative_to(ROOT)}: a link, which leads nowhere on another machine" for path in links(listed())]
    if "://" in (ROOT / "requirements.lock").read_text(encoding="utf-8"):
        problems.append("requirements.lock names a host")
    for path in files():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if path.suffix != ".svg":
            relative = path.relative_to(ROOT)
            problems += [f"{relative}:{n}: path of one machine" for n, line in enumerate(text.splitlines(), 1) if _ONE_MACHINE.search(line)]
    return problems


def paths_in(text: str) -> set[str]:
    """Return what a page links to, or names between backticks, that looks like a path of the project."""
    found = {*_PATH_IN_PROSE.findall(text), *_LINK.findall(text)} - WORDS_THAT_ARE_NOT_PATHS
    return {path for path in found if not path.startswith(("http", ".venv", "mailto"))}


def lock_lines(text: str) -> Iterator[int]:
    """Yield the lines that take a row or advisory lock."""
    for number, line in enumerate(text.splitlines(), 1):
        if _LOCK.search(line.partition("#")[0]):
            yield number


def locks_without_reason(text: str) -> Iterator[int]:
    """Yield those that say neither there nor in the comment above why."""
    lines = text.splitlines()
    for number in lock_lines(text):
        if "lock: " not in lines[number - 1] + (lines[number - 2] if number > 1 else ""):
            yield number


def locks() -> list[str]:
    """Every lock gives its reason (A51)."""
    found = [(path, text) for path, text in python_files(*PACKAGES) if "migrations" not in path.parts]
    return [f"{path}:{line}: a lock without `# lock: reason`" for path, text in found for line in locks_without_reason(text)]


def true_pages() -> list[str]:
    """Every path that the pages for readers name exists (A93)."""
    problems, names_in_use = [], {path.name for path in files()}
    for page in PAGES:
        for path in sorted(paths_in((ROOT / page).read_text(encoding="utf-8"))):
            pattern = re.sub(r"<[^>]*>", "*", path.rstrip("/"))
            there = any(ROOT.glob(pattern)) if "/" in path else path in names_in_use
            if not there and not path.startswith("build/"):
                problems.append(f"{page}: there is no {path}")
    return problems


def version() -> list[str]:
    """The project file, the package and the change log agree on the version."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    places = {"CHANGELOG.md": f"## [{declared}]", "backend_core/__init__.py": f'__version__ = "{declared}"'}
    return [f"{path} does not name version {declared}" for path, words in places.items() if words not in (ROOT / path).read_text("utf-8")]


RULES: tuple[Callable[[], list[str]], ...] = (reasons, locks, queries, log_calls, sizes, names, honest_tests, portable, true_pages, version)


def main() -> int:
    """Print every problem, or one line when there is none."""
    problems = [problem for rule in RULES for problem in rule()]
    print("\n".join(problems) or f"{len(RULES)} rules hold")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
