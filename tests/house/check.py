"""Everything that can be checked without running the program, two at a time, one line each; ``make check``."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[2]
PYTHON = (sys.executable, "-m")
PACKAGES = ("backend_core", "desktop")
SHOWN_LINES = 40


def mypy(platform: str) -> tuple[str, ...]:
    """Return the type check for one platform; each has its own cache, or they would undo one another's."""
    return (*PYTHON, "mypy", "--platform", platform, "--cache-dir", f".mypy_cache/{platform}")


def doctests() -> tuple[str, ...]:
    """Return the run of every module that has an example in a docstring."""
    found = [
        path.relative_to(ROOT).as_posix()
        for name in PACKAGES
        for path in sorted((ROOT / name).rglob("*.py"))
        if ">>> " in path.read_text("utf-8")
    ]
    return (
        *PYTHON,
        "pytest",
        "-q",
        "--doctest-modules",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:randomly",
        "--no-header",
        *(found or ["no-example-anywhere"]),
    )


CHECKS: dict[str, tuple[str, ...]] = {
    "types on linux": mypy("linux"),
    "types on win32": mypy("win32"),
    "types on darwin": mypy("darwin"),
    "lint": (*PYTHON, "ruff", "check", "--quiet", "."),
    "format": (*PYTHON, "ruff", "format", "--check", "."),
    "layers": (sys.executable, "-c", "from importlinter.cli import lint_imports_command as main; main()", "--no-logo"),
    "docstrings": (*PYTHON, "interrogate", "-q", "backend_core"),
    "dead code": (*PYTHON, "vulture"),
    "security": (*PYTHON, "bandit", "-q", "-r", "--severity-level", "high", *PACKAGES),
    "advisories": (*PYTHON, "tests.house.audit", "--state"),
    "house rules": (*PYTHON, "tests.house.rules"),
    "trace": (*PYTHON, "tests.trace_report"),
    "doctests": doctests(),
}


def run(name: str) -> tuple[str, int, float, str]:
    """Run one check; returns its name, exit status, seconds and output."""
    started = time.monotonic()
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "NO_COLOR": "1"}
    done = subprocess.run(CHECKS[name], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return name, done.returncode, time.monotonic() - started, done.stdout.strip()


def main() -> int:
    """Run all checks; returns 1 if one failed, after showing what it said."""
    failed = False
    with ThreadPoolExecutor(max_workers=max(2, os.cpu_count() or 2)) as pool:
        for name, status, seconds, output in pool.map(run, CHECKS):
            lines = output.splitlines()
            print(f"{'ok  ' if status == 0 else 'FAIL'} {name:16} {seconds:5.1f} s  {lines[-1][:100] if lines else ''}", flush=True)
            if status != 0:
                failed = True
                print("\n".join(f"     {line}" for line in lines[-SHOWN_LINES:]), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
