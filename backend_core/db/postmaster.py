"""Makes, starts and stops the server of one cluster; every step runs as the account of the server."""

from __future__ import annotations

import contextlib
import errno
import logging
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from backend_core.db.cluster import Address, Cluster
from backend_core.db.roles import ADMIN
from backend_core.db.server_binaries import program
from backend_core.db.server_settings import configuration
from backend_core.errors import DatabaseAway, StorageFailed

LOG_LIMIT_BYTES = 5_000_000
RETRY_S = 0.1
# No process has this id; the server then treats its old lock file as left behind, after its own check of shared memory.
_NO_PROCESS = 2**31 - 1
_SETTINGS_FILE = "lectern.conf"
_FULL_OR_CLOSED = {
    "No space left on device": "The disk that holds the database is full.",
    "Disk quota exceeded": "The disk quota for the database is used up.",
    "Read-only file system": "The folder of the database cannot be written to.",
    "Permission denied": "The folder of the database cannot be written to.",
}
# Left over by a server that was killed a moment ago; its children let go by themselves.
_PASSING = ("pre-existing shared memory block", "is being used by another process", "Address already in use")
_log = logging.getLogger(__name__)


def create(cluster: Cluster) -> None:
    """Make the data folder; an interrupted attempt leaves nothing behind that counts.

    Raises:
        StorageFailed: the disk is full or may not be written to.
        DatabaseAway: initdb failed for another reason.
    """
    partial = cluster.folder / "data.partial"
    password = cluster.folder / "password"
    cluster.user.remove(partial)
    if not cluster.passfile.exists():
        cluster.create_passwords()
    cluster.user.write(password, cluster.passwords()[ADMIN] + "\n")
    try:
        done = cluster.user.run(
            [
                program("initdb", user=cluster.user),
                "--pgdata", partial,
                "--username", ADMIN,
                "--auth", "scram-sha-256",
                "--pwfile", password,
                "--encoding", "UTF8",
                "--locale", "C",
                "--locale-provider", "builtin",
                "--builtin-locale", "C.UTF-8",
                "--data-checksums",
                "--no-instructions",
            ]
        )  # fmt: skip
    finally:
        password.unlink(missing_ok=True)
    if done.code != 0:
        cluster.user.remove(partial)
        raise _explained(done.output, sentence="The embedded database could not be created.")
    _include_settings(cluster, partial)
    partial.rename(cluster.data_dir)


def _include_settings(cluster: Cluster, data_dir: Path) -> None:
    own = (data_dir / "postgresql.conf").read_text(encoding="utf-8")
    cluster.user.write(data_dir / "postgresql.conf", f"{own}\ninclude_if_exists = '{_SETTINGS_FILE}'\n")


def start(cluster: Cluster, *, extra: Mapping[str, str], timeout_s: float) -> Address:
    """Start the server and return where it listens once it accepts connections.

    Raises:
        StorageFailed: the disk is full or may not be written to.
        DatabaseAway: it did not come up in time.
    """
    deadline = time.monotonic() + timeout_s
    cap_log(cluster)
    while True:
        address = cluster.choose_address(extra)
        cluster.user.write(cluster.data_dir / _SETTINGS_FILE, configuration(address, extra=extra))
        cluster.record(address)
        _release_lock_files(cluster, address)
        before = cluster.log.stat().st_size if cluster.log.exists() else 0
        left = max(1, int(deadline - time.monotonic()))
        done = cluster.user.run(
            [program("pg_ctl", user=cluster.user), "start", "-D", cluster.data_dir, "-l", cluster.log, "-w", "-s", "-t", str(left)],
            limit_s=left + timeout_s,
        )
        if done.code == 0:
            return address
        said = done.output + _log_since(cluster, before)
        if time.monotonic() >= deadline or not any(text in said for text in _PASSING):
            raise _explained(said, sentence="The embedded database did not start; its log file says why.")
        time.sleep(RETRY_S)


def stop(cluster: Cluster, *, mode: str, timeout_s: float) -> bool:
    """Stop the server with pg_ctl's ``mode`` ("fast" or "immediate") and return whether it is down."""
    done = cluster.user.run(
        [program("pg_ctl", user=cluster.user), "stop", "-D", cluster.data_dir, "-m", mode, "-w", "-s", "-t", str(int(timeout_s))],
        limit_s=timeout_s * 2,
    )
    address = cluster.address()
    if address is not None and address.is_socket and not Path(address.host).is_relative_to(cluster.folder):
        # A folder outside the cluster's own is left as it was found: not there.
        with contextlib.suppress(OSError):
            Path(address.host).rmdir()
    return done.code == 0


def recorded_pid(cluster: Cluster) -> int | None:
    """Return the process id in the server's lock file, whether or not that process lives."""
    try:
        return int((cluster.data_dir / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None


def running_pid(cluster: Cluster) -> int | None:
    """Return the recorded process id if that process is this cluster's server, not another that got the number."""
    pid = recorded_pid(cluster)
    if pid is None or pid <= 0 or not _serves(pid, cluster.data_dir):
        return None
    return pid


def _serves(pid: int, data_dir: Path) -> bool:
    """Return whether process ``pid`` is a server of ``data_dir``; unknown counts as yes, because a wrong no could do harm."""
    if sys.platform == "win32":
        return True
    if sys.platform == "linux":
        try:
            # The server works in its data folder, which no other program does.
            return (Path("/proc") / str(pid) / "cwd").resolve(strict=True) == data_dir.resolve()
        except PermissionError:
            return True
        except OSError:
            return False
    listed = subprocess.run(["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return str(data_dir) in listed.stdout


def _release_lock_files(cluster: Cluster, address: Address) -> None:
    """Make left-over lock files harmless when their number now belongs to another program, to a zombie, or is unreadable.

    The server alone removes the one in its data folder, after checking that no child of the dead server still uses the shared
    memory named in it.
    """
    if running_pid(cluster) is not None:
        return
    if address.is_socket:
        # The folder is this cluster's own, so nothing else can listen there.
        (Path(address.host) / f".s.PGSQL.{address.port}.lock").unlink(missing_ok=True)
    path = cluster.data_dir / "postmaster.pid"
    if not path.exists():
        return
    if recorded_pid(cluster) is None:
        path.unlink(missing_ok=True)
        return
    rest = path.read_text(encoding="utf-8").split("\n", 1)[1:]
    cluster.user.write(path, "\n".join([str(_NO_PROCESS), *rest]))


def cap_log(cluster: Cluster, *, limit_bytes: int = LOG_LIMIT_BYTES) -> None:
    """Keep at most one older log beside the current one; the running server goes on writing to the emptied file."""
    if not cluster.log.exists() or cluster.log.stat().st_size <= limit_bytes:
        return
    older = cluster.log.with_suffix(".log.1")
    if sys.platform == "win32":
        older.write_bytes(cluster.log.read_bytes())
        cluster.log.write_bytes(b"")
        return
    cluster.user.run(["/bin/sh", "-c", 'umask 077; cat "$1" > "$2"; : > "$1"', "sh", cluster.log, older])


def _log_since(cluster: Cluster, offset: int) -> str:
    try:
        with cluster.log.open("rb") as file:
            file.seek(offset)
            return file.read(LOG_LIMIT_BYTES).decode(errors="replace")
    except OSError:
        return ""


def _explained(output: str, *, sentence: str) -> StorageFailed | DatabaseAway:
    _log.info("the embedded server said: %s", output[-2000:])
    for text, meaning in _FULL_OR_CLOSED.items():
        if text in output:
            return StorageFailed(meaning)
    return DatabaseAway(sentence)


def storage_error(exc: OSError) -> StorageFailed:
    """Return the typed error for a file operation that failed."""
    if exc.errno in {errno.ENOSPC, errno.EDQUOT}:
        return StorageFailed("The disk that holds the database is full.")
    return StorageFailed("The folder of the database cannot be used: it may be read-only or belong to another user.")
