"""What the backup page says about a backup."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Final

from backend_core.homes import PROFILES, default_home
from desktop.i18n import byte_size, date_time, number, tr

if TYPE_CHECKING:
    from pathlib import Path

    from backend_core.backup.records import BackupRow, BackupView

_KINDS: Final = {
    "manual": lambda: tr("by hand"),
    "scheduled": lambda: tr("by itself"),
    "migration": lambda: tr("before an update"),
    "found": lambda: tr("found here"),
}


def kind(row: BackupRow) -> str:
    """Return how it came to be."""
    return _KINDS[row.kind]()


def made(row: BackupRow) -> str:
    """Return when it was made, and how."""
    return f"{date_time(row.at)} · {kind(row)}"


def contents(row: BackupRow) -> str:
    """Return what is in it; for a failed attempt why there is nothing."""
    if row.error is not None:
        return row.error
    if row.rows is None:
        return tr("nobody has looked into it")
    parts = [tr("{n} rows", n=number(row.rows)), files(row.objects or 0)]
    if row.damaged:
        parts.append(tr("{n} damaged left out", n=number(row.damaged)))
    if row.elsewhere:
        parts.append(tr("{n} on other computers", n=number(row.elsewhere)))
    return " · ".join(parts)


def files(count: int) -> str:
    """Return how many files there are."""
    return tr("1 file") if count == 1 else tr("{n} files", n=number(count))


def size(row: BackupRow) -> str:
    """Return how large the file is."""
    return "" if row.bytes is None else byte_size(row.bytes)


def state(row: BackupRow) -> tuple[str, str]:
    """Return in a word, with a tone, whether it can be relied on; the tone ``unknown`` is for one that nobody verified."""
    if row.error is not None:
        return tr("failed"), "bad"
    if not row.present:
        return tr("not here"), "none"
    if row.verify_ok is None:
        return tr("not verified"), "unknown"
    return (tr("verified"), "ok") if row.verify_ok else (tr("not sound"), "bad")


def overall(view: BackupView) -> tuple[str, str]:
    """Return in a word, with a tone, how the backups are."""
    if view.problem:
        return tr("needs attention"), "bad"
    if view.last_good is None:
        return tr("none yet"), "unknown"
    if view.last_good.verify_ok:
        return tr("newest verified"), "ok"
    return tr("newest not verified"), "unknown"


def restore_command(path: Path, *, home: Path) -> str:
    """Return what to type in a terminal to bring a backup back into ``home``."""
    usual = default_home()
    profile = ""
    if home != usual:
        profile = f"--profile {home.name} " if home.parent == usual / PROFILES else f"--set home={_quoted(home)} "
    return f"lecternctl {profile}restore {_quoted(path)} --replace"


def _quoted(path: Path) -> str:
    return f'"{path}"' if sys.platform == "win32" else shlex.quote(str(path))
