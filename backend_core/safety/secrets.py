"""What safety asks of the place where this home keeps its secrets."""

from __future__ import annotations

from typing import Protocol


class Secrets(Protocol):
    """Secrets by name; the vault of the home is one."""

    def get(self, name: str) -> str | None:
        """Return the secret, or nothing."""
        ...

    def set(self, name: str, secret: str) -> None:
        """Keep a secret."""
        ...

    def delete(self, name: str) -> None:
        """Forget a secret."""
        ...
