"""One window per profile: a second start hands its files over."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
import shiboken6
from PySide6.QtWidgets import QApplication

from desktop.single_instance import SingleInstance, socket_name
from tests.polling import eventually

ROOT = Path(__file__).parents[2]
SECOND = """
import json, sys
from pathlib import Path
from PySide6.QtCore import QCoreApplication
from desktop.single_instance import SingleInstance
app = QCoreApplication([])
instance = SingleInstance(Path(sys.argv[1]))
print(json.dumps([instance.claim(), instance.hand_over([Path(name) for name in sys.argv[2:]])]))
"""


@pytest.fixture
def first(tmp_path: Path, qapp: QApplication) -> SingleInstance:
    made = SingleInstance(tmp_path / "home")
    assert made.claim()
    made.listen()
    yield made
    made.close()
    shiboken6.delete(made)


def test_a_second_start_passes_its_files_and_is_told_that_it_is_the_second(
    first: SingleInstance, tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    got: list[list[Path]] = []
    first.files_received.connect(got.append)
    names = ["/a b.pdf", "/Οδηγός\n2.md"]
    with subprocess.Popen(
        [sys.executable, "-c", SECOND, str(tmp_path / "home"), *names], stdout=subprocess.PIPE, cwd=ROOT, text=True
    ) as second:
        wait_until(lambda: second.poll() is not None, timeout=20)
        assert second.stdout is not None
        assert json.loads(second.stdout.read()) == [False, True]
    assert got == [[Path(name) for name in names]]


def test_the_lock_of_a_killed_process_does_not_keep_the_next_one_out(tmp_path: Path, qapp: QApplication) -> None:
    home = tmp_path / "home"
    script = SECOND.replace("print(json", "instance.claim(); instance.listen(); print('up', flush=True); app.exec(); (json")
    with subprocess.Popen([sys.executable, "-c", script, str(home)], stdout=subprocess.PIPE, cwd=ROOT, text=True) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == "up\n"
        other = SingleInstance(home)
        assert not other.claim()
        killed.kill()
    eventually(other.claim)
    other.listen()
    other.close()


@pytest.mark.parametrize("message", [b"not json\n", b'{"a": 1}\n', b"[1, null]\n"])
def test_a_strange_message_does_no_harm(first: SingleInstance, tmp_path: Path, wait_until: Callable[..., None], message: bytes) -> None:
    from PySide6.QtNetwork import QLocalSocket

    got: list[list[Path]] = []
    first.files_received.connect(got.append)
    socket = QLocalSocket()
    socket.connectToServer(socket_name(tmp_path / "home"))
    assert socket.waitForConnected(2000)
    socket.write(message)
    socket.flush()
    wait_until(lambda: got or socket.state() == QLocalSocket.LocalSocketState.UnconnectedState)
    assert got in ([], [[]])


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes have no folder")
def test_the_socket_lies_where_nobody_else_can_reach_it(tmp_path: Path) -> None:
    # pytest's own folder may already be too long for a socket
    with tempfile.TemporaryDirectory(prefix="near-") as near:
        assert socket_name(Path(near)) == str(Path(near) / "config" / "desktop.sock")
    far = tmp_path / ("x" * 120)
    place = Path(socket_name(far))
    assert len(str(place)) < 108
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
    assert place.parent.stat().st_uid == os.getuid()
