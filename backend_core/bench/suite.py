"""All benchmarks by name, each returning records with a control measured in the same run."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from backend_core.bench.records import save
from backend_core.errors import InvalidInput

Note = Callable[[str], None]
Records = list[dict[str, Any]]

DOCS: Final = Path(__file__).resolve().parents[2] / "docs"
NAMES: Final = (
    "audit_append",
    "audit_page",
    "audit_search",
    "backup",
    "documents",
    "extraction",
    "index_view",
    "indexes",
    "memory_scale",
    "moderation",
    "panels",
    "pool",
    "pool_capacity",
    "recorder",
    "redaction",
    "sender_lookup",
    "sign_in",
    "speech",
    "startup",
)
"""Each is a module beside this one with a function ``run``, some with ``evidence`` that is kept beside the figures.

A module is loaded when it is asked for.
"""


def run(name: str, *, keep: bool, note: Note) -> Records:
    """Run one benchmark, or ``all``; with ``keep`` the records also go to ``docs/benchmarks.json``.

    Raises:
        InvalidInput: records are to be kept, but this is no checkout.
    """
    if keep and not DOCS.is_dir():
        raise InvalidInput("Figures can only be kept in a checkout of the source.")
    found: Records = []
    for wanted in NAMES if name == "all" else (name,):
        note(f"Measuring {wanted} …")
        module = import_module(f"backend_core.bench.{wanted}")
        made: Records = module.run()
        found.extend(made)
        if keep:
            save(made, folder=DOCS)
            for file, text in getattr(module, "evidence", dict)().items():
                (DOCS / file).write_text(text, encoding="utf-8")
    return found
