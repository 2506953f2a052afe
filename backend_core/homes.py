"""Where Lectern keeps everything: the home of each profile and its short name; light, because the window starts with it."""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Final

HOME_VARIABLE: Final = "LECTERN_HOME"
PROFILES: Final = "profiles"
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


def default_home() -> Path:
    """Return the folder that holds everything Lectern keeps when ``LECTERN_HOME`` is not set."""
    import platformdirs

    return Path(platformdirs.user_data_dir("lectern", appauthor=False, roaming=False))


def home_folder(profile: str | None) -> Path:
    """Return the folder of a profile: ``LECTERN_HOME`` or the user's data folder, or ``profiles/NAME`` in it."""
    given = os.environ.get(HOME_VARIABLE)
    home = (Path(given) if given else default_home()).expanduser().absolute()
    return home / PROFILES / profile if profile else home


def split_home(home: Path) -> tuple[Path, str]:
    """Return the root that ``home`` belongs to and the name of its profile, ``""`` for the root itself."""
    named = home.parent.name == PROFILES and _NAME.fullmatch(home.name)
    return (home.parent.parent, home.name) if named else (home, "")


def profile_name(text: str) -> str:
    """Return ``text`` if it can name a profile.

    Raises:
        ValueError: anything but up to 40 small letters, digits, - and _; the text says so.
    """
    if not _NAME.fullmatch(text):
        raise ValueError("use up to 40 small letters, digits, - and _")
    return text


def digest_of(home: Path) -> str:
    """Return the short stable name of a home."""
    return hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:12]
