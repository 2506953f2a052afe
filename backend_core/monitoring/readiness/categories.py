"""The eight categories of the original's table, with what it wrote down before its repairs and what each must reach."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CONTENT: Final = "content_safety"
RATES: Final = "rate_limiting"
ERRORS: Final = "error_handling"
INPUTS: Final = "input_validation"
OBSERVING: Final = "observability"
DATABASE: Final = "database"
PRIVACY: Final = "privacy"
SOCKETS: Final = "websocket_security"

BEFORE: Final = 65
"""What the original wrote for the whole before its repairs; the mean of its eight categories was 40.6."""

TARGET: Final = 90
"""What the whole must reach; the mean of the eight targets is 90.6."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One category: how programs and people call it, the original's figure before, and the target."""

    key: str
    name: str
    before: int
    target: int


CATEGORIES: Final = (
    Kind(CONTENT, "Content safety", 0, 90),
    Kind(RATES, "Rate limiting", 30, 95),
    Kind(ERRORS, "Error handling", 40, 85),
    Kind(INPUTS, "Input validation", 50, 90),
    Kind(OBSERVING, "Observability", 60, 90),
    Kind(DATABASE, "Database", 70, 90),
    Kind(PRIVACY, "Privacy", 75, 95),
    Kind(SOCKETS, "WebSocket security", 0, 90),
)
