"""Writes ``docs/errors.md`` from the error tree; ``python -m tests.house.error_page``."""

from __future__ import annotations

import sys
from pathlib import Path

from backend_core.errors import LecternError, every_error

PAGE = Path(__file__).parents[2] / "docs" / "errors.md"
HEAD = """# Errors

Every failure people can meet: the code that scripts and failed jobs carry, the heading, and what to do. Each comes with one sentence about
the case at hand, and with the correlation id under which the log and the audit log know it. What a lower layer said stays in the log.

Made by `python -m tests.house.error_page` from `backend_core/errors.py`; do not edit.

| code | heading | what it means | what to do | may succeed later by itself |
| --- | --- | --- | --- | --- |
"""


def errors() -> list[type[LecternError]]:
    """Return the classes of the tree itself, parents before children."""
    return [error for error in every_error() if error.__module__ == LecternError.__module__]


def page() -> str:
    """Return the whole page."""
    rows = [
        (
            f"`{error.code}`",
            error.title,
            (error.__doc__ or "").strip().partition("\n")[0],
            error.next_step,
            "yes" if error.retriable else "",
        )
        for error in errors()
    ]
    return HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.exit(0)
