"""The page of the documents that lists every setting, made from the two declarations and kept current by a test."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from backend_core.house.declaration import FIELDS
from backend_core.settings import Settings, describe

_HEAD: Final = """# Settings

Made by `lecternctl settings list --markdown`; do not edit.

## Process settings

They hold for one process. Each is an option of `lecternctl` (`--set NAME=VALUE`), an environment variable, and a key of
`config/lectern.toml` in the home; the first of these that is given wins. `home` itself cannot be in that file. A profile of a server
(`config/profile.json`) gives `dsn` where neither option nor variable does. `LECTERN_PASSPHRASE` and `LECTERN_PASSPHRASE_FILE` are read
from the environment only: they open the sealed secrets where the system has no keyring.
"""
_HOUSE: Final = """
## House settings

They hold for everybody who works on one database, lie in it, and are changed by administrators: on the Settings page or with
`lecternctl settings set NAME VALUE`. Every change is in the audit log with old and new value.
Those marked *later* are kept, but this version does not act on them yet.
"""


def document() -> str:
    """Return the page as Markdown."""
    process = [
        (f"`{fact.name}`", f"`{fact.variable}`", fact.rule, f"`{fact.default}`" if fact.default else "", fact.description)
        for fact in describe(Settings(home=Path()))
    ]
    house = [
        (f"`{field.name}`", field.title, field.rule, f"`{_shown(field.default)}`", field.description + ("" if field.in_use else " *later*"))
        for field in FIELDS.values()
    ]
    return (
        _HEAD
        + _table(("setting", "variable", "accepts", "default", "what"), process)
        + _HOUSE
        + _table(("setting", "title", "accepts", "default", "what"), house)
    )


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n" + "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines) + "\n"


def _shown(value: object) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else str(value) or "empty"
