"""The operating-system account that runs the embedded server: the caller's own, or an unprivileged one when the caller is root."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from backend_core.errors import Unavailable

SYSTEM_USER = "lectern"
FALLBACK_USER = "nobody"
COMMAND_LIMIT_S = 120.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended."""

    code: int
    output: str


@dataclass(frozen=True, slots=True)
class ServerUser:
    """Account of the server; without ids it is the caller's own account."""

    uid: int | None = None
    gid: int | None = None

    def run(self, command: Sequence[str | Path], *, text: str = "", limit_s: float = COMMAND_LIMIT_S) -> Outcome:
        """Run a command under this account, give it ``text`` on standard input and return its output.

        Raises:
            Unavailable: it did not end within ``limit_s`` seconds.
        """
        # A file, not a pipe: the server outlives the command and would keep a pipe open.
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as given:
            given.write(text.encode())
            given.seek(0)
            try:
                done = subprocess.run(
                    [str(part) for part in command],
                    stdin=given,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=_environment(),
                    cwd=Path(command[0]).anchor,
                    timeout=limit_s,
                    check=False,
                    user=self.uid,
                    group=self.gid,
                    extra_groups=None if self.uid is None else [],
                )
            except subprocess.TimeoutExpired:
                raise Unavailable("A step of the embedded database took too long.") from None
            output.seek(0)
            return Outcome(code=done.returncode, output=output.read().decode(errors="replace"))

    def may_enter(self, folder: Path) -> bool:
        """Return whether this account can reach ``folder``, tried as that account because modes alone do not tell."""
        if self.uid is None:
            return os.access(folder, os.X_OK)
        return self.run(["/bin/sh", "-c", 'cd "$1"', "sh", folder]).code == 0

    def write(self, path: Path, text: str) -> None:
        """Write a private file as this account, so that root never follows a link the account could have placed."""
        if self.uid is None:
            path.touch(mode=0o600)
            path.write_text(text, encoding="utf-8")
            return
        done = self.run(["/bin/sh", "-c", 'umask 077; cat > "$1"', "sh", path], text=text)
        if done.code != 0:
            raise OSError(done.output)

    def own(self, folder: Path) -> None:
        """Create a private folder that belongs to this account; an existing one must already be so."""
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            self.verify_own(folder)
            return
        if self.uid is not None and sys.platform != "win32":
            os.chown(folder, self.uid, self.gid or -1)

    def verify_own(self, folder: Path) -> None:
        """Raise PermissionError unless ``folder`` is a real folder of this account that nobody else may enter."""
        if sys.platform == "win32":
            return
        found = folder.lstat()
        owner = os.getuid() if self.uid is None else self.uid
        if folder.is_symlink() or not folder.is_dir() or found.st_uid != owner or found.st_mode & 0o077:
            raise PermissionError(f"{folder.name} is not a private folder of its owner")

    def remove(self, folder: Path) -> None:
        """Remove a folder and everything in it, as this account."""
        if self.uid is None:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            self.run(["/bin/rm", "-rf", folder])
            # Its own parent folder is not the account's to change.
            with contextlib.suppress(OSError):
                folder.rmdir()


def server_user(data_dir: Path | None = None) -> ServerUser:
    """Return the account for a cluster: the caller's own, or for root the owner of ``data_dir`` or a system user.

    Raises:
        Unavailable: root, and neither a system user nor ``nobody`` can be had.
    """
    if sys.platform == "win32" or os.geteuid() != 0:
        return ServerUser()
    if data_dir is not None and data_dir.exists():
        found = data_dir.stat()
        if found.st_uid != 0:
            return ServerUser(uid=found.st_uid, gid=found.st_gid)
    return _look_up(SYSTEM_USER) or _create() or _look_up(FALLBACK_USER) or _refuse()


def _look_up(name: str) -> ServerUser | None:
    if sys.platform == "win32":
        return None
    import pwd

    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return ServerUser(uid=entry.pw_uid, gid=entry.pw_gid)


def _create() -> ServerUser | None:
    program = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if program is None:
        return None
    # Several processes may try at once; whichever wins, the account exists afterwards.
    ServerUser().run([program, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent", SYSTEM_USER])
    return _look_up(SYSTEM_USER)


def _refuse() -> ServerUser:
    raise Unavailable("The embedded database never runs as root, and no other account could be used for it.")


def _environment() -> dict[str, str]:
    """Return the caller's environment without PostgreSQL's own variables and with messages in English, which are compared."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C", "LANG": "C"}
