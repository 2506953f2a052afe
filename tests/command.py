"""Running lecternctl in a process of its own, and fixtures that do it on the server of this test process.

A command spends most of its time on imports, so each is forked from a server that has done them (``multiprocessing``'s fork server).
Where a system cannot fork, and where the start itself is the subject, it is started as a person starts it.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from backend_core.db.embedded import EmbeddedServer
from tests import command_child

PASSWORD = "hunter2-canary"
ANSWER_S = 60
FORKS = "forkserver" in multiprocessing.get_all_start_methods()


@dataclass(frozen=True, slots=True)
class Answer:
    """How one command ended."""

    code: int
    out: str
    err: str

    @property
    def value(self) -> Any:
        """The one JSON value on standard output."""
        return json.loads(self.out)


Ctl = Callable[..., Answer]


def call(*arguments: str, variables: Mapping[str, str], started: bool = False) -> Answer:
    """Run one command and return how it ended.

    Args:
        arguments: what follows ``lecternctl``.
        variables: added to the environment of this process.
        started: start it as a person does instead of forking it.
    """
    run = _started if started or not FORKS else _forked
    answer = run(arguments, {**os.environ, **variables})
    for text in (answer.out, answer.err):
        assert "Traceback" not in text
        assert PASSWORD not in text
    return answer


def _started(arguments: Sequence[str], variables: Mapping[str, str]) -> Answer:
    done = subprocess.run(
        [sys.executable, "-m", "backend_core.cli", *arguments],
        env=variables,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=ANSWER_S,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def _forked(arguments: Sequence[str], variables: Mapping[str, str]) -> Answer:
    server = multiprocessing.get_context("forkserver")
    server.set_forkserver_preload([command_child.__name__])
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        for path in (out, err):
            path.touch()
        child = server.Process(target=command_child.run, args=(arguments, dict(variables), str(out), str(err)))
        child.start()
        child.join(ANSWER_S)
        if child.exitcode is None:
            child.kill()
            child.join()
            raise TimeoutError(f"lecternctl {' '.join(arguments)} did not end")
        return Answer(child.exitcode, out.read_text(encoding="utf-8"), err.read_text(encoding="utf-8"))


@pytest.fixture
def variables(clean: EmbeddedServer, tmp_path: Path) -> dict[str, str]:
    """Variables of a home on the server of this test process, with files of its own."""
    return {"LECTERN_HOME": str(clean.cluster.home), "LECTERN_OBJECTS": str(tmp_path / "objects"), "LECTERN_POOL_SIZE": "1"}


@pytest.fixture
def ctl(variables: dict[str, str]) -> Ctl:
    """Return a function that runs one command."""

    def run(*arguments: str, **more: str) -> Answer:
        return call(*arguments, variables=variables | more)

    return run


def together(ctl: Ctl, commands: Sequence[Sequence[str]]) -> list[Answer]:
    """Run commands two at a time."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(lambda arguments: ctl(*arguments), commands))
