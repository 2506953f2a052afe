"""Keep the profiles of one person: list, add, edit, try, remove; each lives in a folder that is its home."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.conninfo import make_conninfo

from backend_core.credentials.key_file import read_private, write_private
from backend_core.credentials.vault import Vault
from backend_core.db import embedded
from backend_core.db.conninfo import keywords, refuse_unprotected
from backend_core.errors import Conflict, InvalidInput, LecternError, NotFound, SecretsLocked, StorageFailed
from backend_core.homes import PROFILES, profile_name
from backend_core.logs import get_logger
from backend_core.profiles.records import EMBEDDED, SERVER, STORED, ProfileFacts, checked, default_profile, from_stored
from backend_core.profiles.trial import OK, Finding, Trial, try_server
from backend_core.settings import CONFIG, PROFILE_FILE, Settings

log = get_logger(__name__)
PASSWORD: Final = "server-password"  # noqa: S105 - the name it is kept under
REMOVED: Final = "removed"
DESKTOP_LOCK: Final = "desktop.lock"
KEEP: Final = object()


class Profiles:
    """The profiles below one root; the root itself is this computer's own data, with the name ``""``.

    Args:
        root: ``home_folder(None)``.
        vault: opens the secrets of a home.
    """

    def __init__(self, root: Path, *, vault: Callable[[Path], Vault] = Vault) -> None:
        self._root = root
        self._vault = vault

    def home(self, name: str) -> Path:
        """Return the folder of a profile.

        Raises:
            InvalidInput: no possible name.
        """
        try:
            return self._root / PROFILES / profile_name(name) if name else self._root
        except ValueError as error:
            raise InvalidInput(f"That cannot name a profile: {error}.") from None

    def listing(self) -> tuple[ProfileFacts, ...]:
        """Return every profile, this computer's own first, the others by title."""
        names: list[str] = []
        with contextlib.suppress(OSError):
            names = [path.name for path in (self._root / PROFILES).iterdir() if path.is_dir() and _is_name(path.name)]
        found = [facts for name in names if (facts := self._read(name)) is not None]
        return (self._read("") or default_profile(""), *sorted(found, key=lambda facts: (facts.title.lower(), facts.name)))

    def get(self, name: str) -> ProfileFacts:
        """Return one profile.

        Raises:
            NotFound: there is none of this name.
        """
        found = self._read(name) if self.home(name).is_dir() or not name else None
        if found is None and name:
            raise NotFound(f"There is no profile {name}.")
        return found or default_profile("")

    def add(self, facts: ProfileFacts, *, password: str | None = None) -> ProfileFacts:
        """Make a profile; its password goes into the vault of its home and nowhere else.

        Raises:
            InvalidInput: a value that may not stand, or no name.
            Conflict: there is one of this name.
        """
        home = self.home(facts.name)
        if not facts.name:
            raise InvalidInput("A new profile needs a name of its own.")
        if home.is_dir() and self._read(facts.name) is not None:
            raise Conflict(f"There is a profile {facts.name} already.")
        self._write(checked(facts))
        self._keep(home, password)
        log.info("profile added", profile=facts.name, kind=facts.kind)
        return facts

    def edit(self, name: str, *, password: str | object | None = KEEP, **changes: Any) -> ProfileFacts:
        """Change some values of a profile.

        Args:
            password: a new one, None to forget it; kept when left out, unless the profile leads elsewhere now.

        Raises:
            NotFound: there is none of this name.
            InvalidInput: a value that may not stand.
        """
        before = self.get(name)
        unknown = sorted(set(changes) - set(STORED))
        if unknown:
            raise InvalidInput(f"A profile has no {unknown[0][:40]}.")
        after = checked(replace(before, **changes))
        elsewhere = after.leads_to != before.leads_to
        if password is not KEEP or elsewhere:
            # first: a password must never be sent to a server it was not given for
            self._keep(self.home(name), password if isinstance(password, str) else None)
        self._write(after)
        log.info("profile changed", profile=name, names=sorted(changes))
        return after

    def test(self, facts: ProfileFacts, *, password: str | None = None) -> Trial:
        """Try what a profile leads to, before or after it is kept; without ``password`` the kept one is used where it belongs to it.

        Raises:
            InvalidInput: a value that may not stand.
        """
        checked(facts)
        if facts.dsn is None:
            return self._test_embedded(self.home(facts.name))
        if password is None:
            password = self.password(facts)
        return try_server(facts.dsn, password=password)

    def password(self, facts: ProfileFacts) -> str | None:
        """Return the kept password for what ``facts`` lead to, None when there is none or it is for something else."""
        home = self.home(facts.name)
        kept = self._read(facts.name) if home.is_dir() else None
        if kept is None or kept.leads_to != facts.leads_to or kept.kind != SERVER:
            return None
        return self._vault(home).get(PASSWORD)

    def remove(self, name: str, *, erase: bool = False) -> None:
        """Take a profile off the list and forget its secrets.

        Args:
            erase: remove its folder too, with database and files, for good.

        Raises:
            NotFound: there is none of this name.
            Conflict: a window or its database is running.
            InvalidInput: this computer's own data cannot be removed.
        """
        if not name:
            raise InvalidInput("This computer's own data cannot be taken off the list.")
        facts, home = self.get(name), self.home(name)
        self._refuse_running(home, facts)
        self._vault(home).erase()
        if erase:
            embedded.erase(home)
            _remove_folder(home)
        else:
            write_private(home / CONFIG / PROFILE_FILE, json.dumps({REMOVED: True, "title": facts.title}).encode())
        log.info("profile removed", profile=name, erased=erase)

    def command(self, name: str) -> list[str]:
        """Return the command that opens the window of a profile."""
        program = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "desktop"]
        return [*program, "--profile", name] if self.get(name).name else program

    def _test_embedded(self, home: Path) -> Trial:
        try:
            running = embedded.status(home)["running"]
        except LecternError as error:
            return Trial(findings=(Finding(name="reachable", status="bad", sentence=str(error)),))
        words = "Its database runs on this computer." if running else "Its database starts on this computer when it is opened."
        return Trial(findings=(Finding(name="reachable", status=OK, sentence=words),))

    def _keep(self, home: Path, password: str | None) -> None:
        vault = self._vault(home)
        if password is None:
            vault.delete(PASSWORD)
        else:
            vault.set(PASSWORD, password)

    def _read(self, name: str) -> ProfileFacts | None:
        """Return what is kept of a profile; None when it was taken off the list."""
        path = self.home(name) / CONFIG / PROFILE_FILE
        try:
            content = read_private(path)
            stored = {} if content is None else json.loads(content)
        except (SecretsLocked, ValueError):
            # it still has to be seen to be mended or removed
            return replace(default_profile(name), title=f"{name or 'This computer'} (cannot be read)")
        if not isinstance(stored, dict) or stored.get(REMOVED):
            return None
        return from_stored(name, stored)

    def _write(self, facts: ProfileFacts) -> None:
        values = {key: value for key, value in asdict(facts).items() if key in STORED}
        write_private(self.home(facts.name) / CONFIG / PROFILE_FILE, json.dumps(values, indent=1, ensure_ascii=False).encode())

    @staticmethod
    def _refuse_running(home: Path, facts: ProfileFacts) -> None:
        if facts.kind == EMBEDDED and embedded.status(home)["running"]:
            raise Conflict(f"The database of {facts.title} is running; close its window, then `lecternctl --profile {facts.name} down`.")
        if _window_open(home):
            raise Conflict(f"The window of {facts.title} is open; close it first.")


def profile_of(home: Path) -> ProfileFacts:
    """Return the profile whose home this is; one that nobody described is this computer's own data."""
    name = home.name if home.parent.name == PROFILES and _is_name(home.name) else ""
    return Profiles(home.parent.parent if name else home).get(name)


def connection_string(settings: Settings, vault: Vault) -> str | None:
    """Return how to reach the shared server of these settings, with the password the vault keeps for it; None for the embedded one.

    Raises:
        InvalidInput: no connection string, or one that leaves this computer unprotected.
        SecretsLocked: the vault does not open.
    """
    if settings.dsn is None:
        return None
    try:
        given = keywords(settings.dsn)
    except psycopg.ProgrammingError:
        raise InvalidInput("LECTERN_DSN is not a connection string that PostgreSQL understands.") from None
    # before the secret is even looked at
    refuse_unprotected(given)
    facts = profile_of(settings.home)
    # what the environment names is another server than the one the password was given for
    if "password" in given or facts.dsn != settings.dsn:
        return settings.dsn
    password = vault.get(PASSWORD)
    return settings.dsn if password is None else make_conninfo(settings.dsn, password=password)


def _is_name(text: str) -> bool:
    try:
        return bool(profile_name(text))
    except ValueError:
        return False


def _window_open(home: Path) -> bool:
    """Return whether the process that wrote the window's lock lives; its first line is the process id."""
    try:
        lines = (home / CONFIG / DESKTOP_LOCK).read_text(encoding="utf-8", errors="replace").splitlines()
        pid = int(lines[0])
    except (OSError, ValueError, IndexError):
        return False
    if sys.platform == "win32":
        # the lock file cannot be removed there while its process lives, and is removed when it ends
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _remove_folder(home: Path) -> None:
    try:
        shutil.rmtree(home)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StorageFailed("Some files of the profile could not be removed.") from error
