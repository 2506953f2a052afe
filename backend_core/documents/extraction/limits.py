"""What reading one document may cost."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds in bytes, seconds, pages and characters; going over one of them refuses the document.

    `unpacked_bytes`, `members` and `ratio` bound the ZIP archive a DOCX is. `wall_s` counts only time spent waiting for the child.
    """

    file_bytes: int = 200 * 2**20
    memory_bytes: int = 512 * 2**20
    cpu_s: int = 60
    wall_s: float = 120.0
    pages: int = 20_000
    page_chars: int = 1_000_000
    total_chars: int = 20_000_000
    unpacked_bytes: int = 200 * 2**20
    members: int = 10_000
    ratio: int = 100
