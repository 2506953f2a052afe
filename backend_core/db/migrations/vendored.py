"""SQL of other projects that revisions apply, kept here so that an upgrade of the package never changes an old revision."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent / "sql"


def procrastinate_schema() -> str:
    """Return the schema of procrastinate 3.10 as its package ships it."""
    return (_FOLDER / "procrastinate_3_10.sql").read_text(encoding="utf-8")


def drop_procrastinate() -> str:
    """Return a script that drops every table, function and type whose name begins with ``procrastinate_``."""
    return (_FOLDER / "drop_procrastinate.sql").read_text(encoding="utf-8")
