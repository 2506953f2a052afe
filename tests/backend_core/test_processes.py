"""Limited children: they answer, they are stopped, and nothing of them is left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from backend_core.processes import ChildCancelled, ChildGone, ChildTimedOut, LimitedChild, child_environment

DEADLINE_S = 20.0
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits and signals")
ECHO = "import sys\nfor line in sys.stdin: print(line, end='', flush=True)"
SLEEP = "import time\ntime.sleep(600)"


def python(program: str, *arguments: str) -> list[str]:
    """Return the command of a small Python child."""
    return [sys.executable, "-c", program, *arguments]


def is_running(pid: int) -> bool:
    """Tell whether a process lives; one that waits for its parent to notice is dead."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout.strip()
    return bool(state) and not state.startswith("Z")


def ends(pid: int) -> bool:
    """Wait for a process to end."""
    deadline = time.monotonic() + DEADLINE_S
    while is_running(pid):
        if time.monotonic() > deadline:
            return False
    return True


def test_messages_come_back_whole_and_in_order() -> None:
    with LimitedChild(python(ECHO), wall_s=DEADLINE_S) as child:
        messages = child.messages()
        for number in range(50):
            child.send({"number": number, "text": "Größe\n\u2028" * number})
            assert next(messages) == {"number": number, "text": "Größe\n\u2028" * number}


def test_a_child_that_ends_by_itself_reports_its_code_and_what_it_used() -> None:
    with LimitedChild(python("print('{\"a\": 1}')\nraise SystemExit(7)"), wall_s=DEADLINE_S) as child:
        assert list(child.messages()) == [{"a": 1}]
        outcome = child.finish()
    assert (outcome.code, outcome.stopped) == (7, False)
    if sys.platform != "win32":
        assert outcome.cpu_s is not None
        assert 0 < outcome.cpu_s < DEADLINE_S


def test_a_flood_on_stderr_neither_blocks_nor_piles_up() -> None:
    flood = "import sys\nfor _ in range(3000): sys.stderr.write('x' * 1000)\nsys.stderr.write('the end')\nprint('{}')"
    with LimitedChild(python(flood), wall_s=DEADLINE_S) as child:
        assert list(child.messages()) == [{}]
        outcome = child.finish()
    assert outcome.stderr.endswith("the end")
    assert len(outcome.stderr) == 4096


def test_a_reader_that_stops_in_the_middle_of_a_flood_leaves_nothing() -> None:
    flood = "while True: print('{\"text\": \"' + 'x' * 1000 + '\"}')"
    with LimitedChild(python(flood), wall_s=DEADLINE_S) as child:
        pid = child.pid
        assert len(next(child.messages())["text"]) == 1000
    assert ends(pid)


@posix_only
def test_the_memory_limit_holds() -> None:
    greedy = "try:\n    x = bytearray(300 * 2**20)\nexcept MemoryError:\n    print('{\"refused\": true}')"
    with LimitedChild(python(greedy), memory_bytes=128 * 2**20, wall_s=DEADLINE_S) as child:
        assert list(child.messages()) == [{"refused": True}]
    with LimitedChild(python(greedy), wall_s=DEADLINE_S) as unlimited:
        assert list(unlimited.messages()) == []


@posix_only
def test_the_cpu_limit_holds() -> None:
    with LimitedChild(python("while True: pass"), cpu_s=1, wall_s=DEADLINE_S) as child:
        assert list(child.messages()) == []
        outcome = child.finish()
    assert outcome.code == -signal.SIGXCPU
    assert not outcome.stopped


def test_the_time_limit_ends_a_silent_child() -> None:
    with LimitedChild(python(SLEEP), wall_s=0.2, grace_s=0.1) as child:
        pid = child.pid
        with pytest.raises(ChildTimedOut):
            next(child.messages())
    assert ends(pid)


def test_time_the_reader_needs_itself_is_not_counted() -> None:
    with LimitedChild(python(ECHO), wall_s=5.0) as child:
        messages = child.messages()
        child.send({"first": 1})
        next(messages)
        left = child._wall_left
        deadline = time.monotonic() + 0.3
        while time.monotonic() < deadline:
            pass
        assert child._wall_left == left


def test_a_request_to_stop_ends_the_child() -> None:
    with LimitedChild(python(SLEEP), wall_s=DEADLINE_S, grace_s=0.1) as child:
        pid = child.pid
        with pytest.raises(ChildCancelled):
            next(child.messages(should_stop=lambda: True))
        outcome = child.finish()
    assert outcome.stopped
    assert ends(pid)


@posix_only
def test_a_child_that_ignores_every_request_is_killed() -> None:
    stubborn = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('{}', flush=True)\nwhile True: time.sleep(600)"
    with LimitedChild(python(stubborn), wall_s=DEADLINE_S, grace_s=0.1) as child:
        assert next(child.messages()) == {}
        child.stop()
        outcome = child.finish()
    assert outcome.code == -signal.SIGKILL
    assert not is_running(child.pid)


@posix_only
def test_what_a_child_started_goes_with_it() -> None:
    spawner = (
        "import json, subprocess, sys, time\n"
        "inner = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(json.dumps({'pid': inner.pid}), flush=True)\ntime.sleep(600)"
    )
    with LimitedChild(python(spawner), wall_s=DEADLINE_S, grace_s=0.1) as child:
        inner = next(child.messages())["pid"]
    assert ends(inner)


def test_an_exception_in_the_reader_still_reaps_the_child() -> None:
    with pytest.raises(ZeroDivisionError), LimitedChild(python(SLEEP), wall_s=DEADLINE_S, grace_s=0.1) as child:
        raise ZeroDivisionError
    assert ends(child.pid)


@pytest.mark.parametrize("nonsense", ["print('not json')", "print('[1, 2]')", "import sys; sys.stdout.buffer.write(b'\\xff\\xfe')"])
def test_an_answer_that_is_no_object_is_refused(nonsense: str) -> None:
    with LimitedChild(python(nonsense), wall_s=DEADLINE_S) as child, pytest.raises(ChildGone):
        list(child.messages())


def test_a_child_that_is_gone_cannot_be_asked() -> None:
    with LimitedChild(python(""), wall_s=DEADLINE_S) as child:
        assert list(child.messages()) == []
        child.finish()
        with pytest.raises(ChildGone):
            child.send({"hello": 1})


def test_no_secret_reaches_a_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECTERN_PASSPHRASE", "canary")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    tell = "import json, os\nprint(json.dumps(dict(os.environ)))"
    with LimitedChild(python(tell), wall_s=DEADLINE_S) as child:
        (environment,) = child.messages()
    assert "canary" not in str(environment)
    assert environment["PYTHONPATH"] == child_environment()["PYTHONPATH"]


@posix_only
def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    """The parent dies without any chance to clean up; its reading child sees the end of its input."""
    parent = (
        "import time\nfrom backend_core.documents.extraction.reader import CHILD\nfrom backend_core.processes import LimitedChild\n"
        "child = LimitedChild(CHILD)\n"
        # A named pipe that nobody writes keeps the child waiting inside its reader.
        f"child.send({{'path': {str(tmp_path / 'pipe')!r}, 'kind': 'txt', 'limits': {{}}}})\n"
        "print(child.pid, flush=True)\ntime.sleep(600)"
    )
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen(python(parent), stdout=subprocess.PIPE, env=child_environment()) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert is_running(pid)
        process.kill()
    assert ends(pid)
