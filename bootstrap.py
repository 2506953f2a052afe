"""Makes or repairs ``.venv`` so that the next command can run; standard library only, and silent when there is nothing to do.

Steps: find a Python that can make environments, install the packages of ``requirements.lock`` by hash, install Lectern itself in place,
and see whether the window's system libraries are there. ``.venv/.ready`` records what was installed and where.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
READY = VENV / ".ready"
BUILDING = VENV / ".building"
OLDEST, NEWEST = (3, 11), (3, 13)  # the embedded server's wheel exists for these
PROBE = "import sys, venv, ensurepip; print(*sys.version_info[:2], getattr(sys, '_base_executable', sys.executable))"

# Shared libraries that Qt takes from the system, and the Debian package that carries each.
DEBIAN = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libOpenGL.so.0": "libopengl0",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libX11.so.6": "libx11-6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxcb.so.1": "libxcb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxkbcommon.so.0": "libxkbcommon0",
}


class CannotSetUp(Exception):
    """The machine lacks something; the text says what to do about it."""


def say(line: str) -> None:
    """Print one line at once, also into a pipe."""
    print(line, flush=True)


def clean_environment() -> dict[str, str]:
    """Return the environment without the variables that redirect Python or pip to another place."""
    unwanted = {"PYTHONHOME", "PYTHONPATH", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PIP_REQUIRE_VIRTUALENV", "__PYVENV_LAUNCHER__"}
    return {name: value for name, value in os.environ.items() if name not in unwanted}


def candidates() -> Iterator[str]:
    """Yield the interpreters worth trying: the one running this file, then every one on PATH."""
    yield sys.executable
    names = ["python.exe"] if sys.platform == "win32" else ["python3", "python3.13", "python3.12", "python3.11"]
    for folder in [*os.environ.get("PATH", "").split(os.pathsep), "/usr/local/bin", "/usr/bin"]:
        for name in names:
            path = Path(folder) / name
            # A folder of another user's home may not be looked into.
            with contextlib.suppress(OSError):
                if folder and path.is_file():
                    yield str(path)


def find_python(tried: Iterable[str]) -> str:
    """Return the path of the first Python that can make environments; raises CannotSetUp naming what to install."""
    without_venv = ""
    for candidate in dict.fromkeys(tried):
        try:
            done = subprocess.run(
                [candidate, "-c", PROBE], capture_output=True, text=True, env=clean_environment(), timeout=60, check=False
            )
        except (OSError, subprocess.SubprocessError):
            continue
        if done.returncode == 0:
            major, minor, base = done.stdout.strip().split(" ", 2)
            if OLDEST <= (int(major), int(minor)) <= NEWEST:
                return base if Path(base).is_file() else candidate
        elif "ensurepip" in done.stderr or "venv" in done.stderr:
            without_venv = candidate
    if without_venv:
        raise CannotSetUp(f"{without_venv} cannot make environments. On Debian or Ubuntu: apt-get install python3-venv")
    span = f"{OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}"
    raise CannotSetUp(f"Lectern needs Python {span} and found none. On Debian or Ubuntu: apt-get install python3 python3-venv")


def wanted() -> dict[str, str]:
    """Return what has to be installed, as hashes: the packages, and Lectern itself at this path."""
    packages = hashlib.sha256((ROOT / "requirements.lock").read_bytes()).hexdigest()
    project = hashlib.sha256((ROOT / "pyproject.toml").read_bytes() + str(ROOT).encode()).hexdigest()
    return {"packages": packages, "project": project}


def installed() -> dict[str, str]:
    """Return what the last set-up recorded, or nothing when it did not finish or its Python is gone."""
    if BUILDING.exists() or not PYTHON.exists():
        return {}
    try:
        recorded = json.loads(READY.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return recorded if isinstance(recorded, dict) else {}


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Hold the set-up lock of this folder, so that two commands started together build once."""
    folder = ROOT / "build"
    folder.mkdir(exist_ok=True)
    with (folder / "set-up.lock").open("a+") as file:
        lock(file)
        yield


def lock(file: IO[str]) -> None:
    """Wait for an exclusive lock on an open file; it ends when the file is closed."""
    if sys.platform == "win32":
        import msvcrt

        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
    else:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX)


def pip(*arguments: str) -> None:
    """Run pip in the environment, twice if need be; raises CannotSetUp with the end of its output."""
    command = [str(PYTHON), "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input", *arguments]
    for attempt in (1, 2):
        done = subprocess.run(command, cwd=ROOT, env=clean_environment(), capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        if attempt == 1:
            say("set-up: pip failed, trying once more")
    tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
    raise CannotSetUp(f"pip could not install the packages:\n{tail}")


def make_environment() -> None:
    """Create an empty ``.venv``, replacing one that is broken or half built."""
    usable = PYTHON.exists() and not BUILDING.exists()
    if usable and subprocess.run([str(PYTHON), "-m", "pip", "--version"], capture_output=True, check=False).returncode == 0:
        return
    python = find_python(candidates())
    say(f"set-up: creating .venv with {python}")
    shutil.rmtree(VENV, ignore_errors=True)
    done = subprocess.run([python, "-m", "venv", str(VENV)], env=clean_environment(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotSetUp(f"{python} could not create {VENV}:\n{(done.stdout + done.stderr).strip()}")


def install(missing: set[str]) -> None:
    """Install what differs from the record: ``packages``, ``project``, or both."""
    BUILDING.touch()
    if "packages" in missing:
        count = len(re.findall(r"^[A-Za-z0-9]", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE))
        say(f"set-up: installing {count} packages from requirements.lock (a minute or two)")
        # The lock is complete, so there is nothing to resolve; modules are compiled when first used.
        pip("install", "--require-hashes", "--no-deps", "--no-compile", "-r", "requirements.lock")
    say("set-up: installing Lectern into .venv")
    pip("install", "--no-deps", "--no-build-isolation", "--no-compile", "-e", ".")
    BUILDING.unlink()


def missing_libraries() -> list[str]:
    """Return the system libraries that the window needs and the loader does not find (Linux only)."""
    code = (
        "import PySide6, PySide6.QtCore as core; print(PySide6.__path__[0]); print(core.QLibraryInfo.path(core.QLibraryInfo.PluginsPath))"
    )
    done = subprocess.run([str(PYTHON), "-c", code], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return re.findall(r"lib[\w.+-]+\.so[.\d]*", done.stderr) or [done.stderr.strip().splitlines()[-1]]
    package, plugins = (Path(line) for line in done.stdout.splitlines()[:2])
    files = [*package.glob("QtGui.*so"), *package.glob("QtWidgets.*so"), *package.glob("QtSvg.*so"), plugins / "platforms/libqoffscreen.so"]
    if os.environ.get("DISPLAY"):
        files.append(plugins / "platforms/libqxcb.so")
    if os.environ.get("WAYLAND_DISPLAY"):
        files.append(plugins / "platforms/libqwayland.so")
    report = subprocess.run(["ldd", *map(str, filter(Path.exists, files))], capture_output=True, text=True, check=False).stdout  # noqa: S607 - part of libc
    return sorted(set(re.findall(r"(\S+) => not found", report)))


def check_libraries() -> None:
    """Raise CannotSetUp with the command that installs the missing system libraries."""
    if not sys.platform.startswith("linux") or not shutil.which("ldd"):
        return
    missing = missing_libraries()
    if missing:
        packages = " ".join(sorted({DEBIAN.get(name, name) for name in missing}))
        raise CannotSetUp(
            f"the window needs system libraries that are missing: {', '.join(missing)}. On Debian or Ubuntu: apt-get install {packages}"
        )


def set_up() -> None:
    """Bring ``.venv`` to what the lock and the project file ask for; raises CannotSetUp."""
    if installed() == wanted():
        return
    with alone():
        target, present = wanted(), installed()
        if present == target:
            return
        make_environment()
        install({part for part in target if present.get(part) != target[part]})
        check_libraries()
        READY.write_text(json.dumps(target), encoding="utf-8")
        say("set-up: ready")


if __name__ == "__main__":
    try:
        set_up()
    except CannotSetUp as reason:
        sys.exit(f"set-up: {reason}")
