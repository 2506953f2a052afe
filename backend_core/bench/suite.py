"""All benchmarks by name, each returning records with a control measured in the same run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final


keep_records = print
from backend_core.settings import Settings

Note = Callable[[str], None]
Records = list[dict[str, Any]]

_BENCHES: Final[dict[str, Callable[[], Records]]] = {

}
NAMES: Final = tuple(_BENCHES)


def run(settings: Settings, name: str, *, keep: bool, note: Note) -> Records:
    """Run one benchmark, or ``all``; with ``keep`` the records also go to ``docs/benchmarks.json``."""
    del settings
    found: Records = []
    for wanted in NAMES if name == "all" else (name,):
        note(f"Measuring {wanted} …")
        found.extend(_BENCHES[wanted]())
    if keep:
        keep_records(found)
    return found
