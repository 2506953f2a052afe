"""Who acts: the person who is signed in, and for one retried action the same person with a reason or a fresh proof."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backend_core.policy import Actor

# Workers run in a copy of the context in which their job was started, so the override reaches the work and nothing else.
_override: ContextVar[Actor | None] = ContextVar("desktop_actor", default=None)


class Acting:
    """Holds the signed-in person for every page of a window.

    Attributes:
        signed_in: the person, as the last sign-in or proof left them.
    """

    def __init__(self, actor: Any) -> None:
        self.signed_in = actor

    @property
    def actor(self) -> Any:
        """Whom to pass to a service verb now."""
        return _override.get() or self.signed_in


@contextmanager
def acting_as(actor: Actor) -> Iterator[None]:
    """Jobs started inside the block act as ``actor``."""
    token = _override.set(actor)
    try:
        yield
    finally:
        _override.reset(token)


def actor_in(context: Context) -> Actor | None:
    """Return as whom a job with this context acts, None where nothing was overridden."""
    return context.get(_override)
