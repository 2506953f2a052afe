"""What each schema revision is for and the SQL it runs, written out without touching a database."""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parent / "migrations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One step of the schema.

    Attributes:
        id: four digits, in order.
        title: what it is for.
        sql_lines: what it runs.
    """

    id: str
    title: str
    sql_lines: tuple[str, ...]


@functools.cache
def revisions() -> tuple[Revision, ...]:
    """Return every revision this program knows, oldest first."""
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    known = reversed(list(ScriptDirectory.from_config(config).walk_revisions()))
    return tuple(
        Revision(id=one.revision, title=one.doc.splitlines()[0].rstrip("."), sql_lines=_sql(str(one.down_revision or "base"), one.revision))
        for one in known
    )


def _sql(before: str, revision: str) -> tuple[str, ...]:
    """Return what going from ``before`` to ``revision`` runs."""
    from alembic import command
    from alembic.config import Config

    written = io.StringIO()
    config = Config(output_buffer=written)
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    command.upgrade(config, f"{before}:{revision}", sql=True)
    return tuple(line for line in written.getvalue().splitlines() if line.strip())
