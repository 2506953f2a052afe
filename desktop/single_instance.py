"""Lets one window per profile run: a second start hands its files to the first and leaves."""

from __future__ import annotations

import json
import logging
import os
import stat
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QLockFile, QObject, Signal

if TYPE_CHECKING:
    from PySide6.QtNetwork import QLocalServer

_log = logging.getLogger(__name__)
_LONGEST_SOCKET_PATH: Final = 100
_LONGEST_MESSAGE: Final = 1_000_000
_ANSWER_MS: Final = 2_000
_PAUSE_S: Final = 0.05
_THANKS: Final = b"ok\n"


class SingleInstance(QObject):
    """Holds the profile for this process; ``files_received`` carries the paths a later start was given (may be empty)."""

    files_received = Signal(list)

    def __init__(self, home: Path) -> None:
        super().__init__()
        folder = home / "config"
        for part in (home, folder):
            part.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._home = home
        self._lock = QLockFile(str(folder / "desktop.lock"))
        self._lock.setStaleLockTime(0)
        self._server: QLocalServer | None = None

    def claim(self) -> bool:
        """Return whether this process is the first one.

        Raises:
            OSError: the folder cannot be written to.
        """
        if not self._lock.tryLock(0):
            if self._lock.error() == QLockFile.LockError.LockFailedError:
                return False
            message = "the profile folder cannot be written to"
            raise OSError(message)
        return True

    def listen(self) -> None:
        """Wait for later starts; call it after ``claim`` said yes. The network library loads only here, after the first paint."""
        from PySide6.QtNetwork import QLocalServer

        # Whoever listened before is dead: the lock says so.
        QLocalServer.removeServer(socket_name(self._home))
        self._server = QLocalServer(self)
        self._server.setSocketOptions(QLocalServer.SocketOption.UserAccessOption)
        self._server.newConnection.connect(self._accept)
        if not self._server.listen(socket_name(self._home)):
            _log.warning("later starts cannot reach this window: %s", self._server.errorString())

    def hand_over(self, files: list[Path]) -> bool:
        """Send ``files`` to the first window and return whether it took them."""
        from PySide6.QtNetwork import QLocalSocket

        socket = QLocalSocket()
        deadline = time.monotonic() + _ANSWER_MS / 1000
        socket.connectToServer(socket_name(self._home))
        # The first window may be between taking the lock and listening.
        while not socket.waitForConnected(_ANSWER_MS):
            if time.monotonic() > deadline:
                return False
            time.sleep(_PAUSE_S)
            socket.connectToServer(socket_name(self._home))
        socket.write(json.dumps([str(path) for path in files]).encode() + b"\n")
        socket.flush()
        taken = socket.waitForReadyRead(_ANSWER_MS) and socket.readAll().data() == _THANKS
        socket.disconnectFromServer()
        return taken

    def close(self) -> None:
        """Let the next start be the first."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self._lock.unlock()

    def _accept(self) -> None:
        socket = self._server.nextPendingConnection() if self._server is not None else None
        if socket is not None:
            socket.disconnected.connect(socket.deleteLater)
            socket.readyRead.connect(self._read)

    def _read(self) -> None:
        from PySide6.QtNetwork import QLocalSocket

        socket = self.sender()
        if not isinstance(socket, QLocalSocket):
            return
        if socket.bytesAvailable() > _LONGEST_MESSAGE:
            socket.abort()
        elif socket.canReadLine():
            try:
                found = json.loads(bytes(socket.readLine().data()))
            except ValueError:
                socket.abort()
                return
            socket.write(_THANKS)
            socket.flush()
            self.files_received.emit([Path(name) for name in found if isinstance(name, str)] if isinstance(found, list) else [])


def socket_name(home: Path) -> str:
    """Return where the first window of ``home`` listens: in its own folder, or in a private one where that path is too long."""
    import hashlib
    import tempfile

    digest = hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:16]
    if sys.platform == "win32":
        return f"lectern-{digest}"
    inside = str(home / "config" / "desktop.sock")
    if len(inside.encode()) <= _LONGEST_SOCKET_PATH:
        return inside
    folder = Path(tempfile.gettempdir()) / f"lectern-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    # Somebody else may have made the folder first; then the name leads nowhere and every start is the first.
    safe = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
    return str(folder / digest) if safe else str(home / "config" / "d")
