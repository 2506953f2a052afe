"""Answers for actions that were stopped by "why?" or "who are you?": asks the person once, then starts the same action again."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass, replace
from typing import Any, Final

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from backend_core.errors import Cancelled, LecternError, ProofNeeded, ReasonNeeded
from desktop.acting import Acting, acting_as, actor_in
from desktop.background import Background
from desktop.i18n import tr
from desktop.widgets.asking import ProofDialog, ReasonDialog

KEEP_S: Final = 15 * 60.0


@dataclass(frozen=True, slots=True)
class _Stopped:
    """An action that waits for an answer."""

    error: LecternError
    actor: Any
    again: Callable[[], object]
    give_up: Callable[[LecternError], object]


class Asking(QObject):
    """One question at a time, whatever was started meanwhile.

    Args:
        window: whom the dialogs belong to.
        prove: returns the actor as somebody who has just proven who they are; runs in a worker.
    """

    def __init__(self, window: QWidget, background: Background, acting: Acting, *, prove: Callable[[Any, str], Any]) -> None:
        super().__init__(window)
        self._window, self._background, self._acting, self._prove = window, background, acting, prove
        self._waiting: deque[_Stopped] = deque()
        self._current: _Stopped | None = None
        self._kept: tuple[str, float] | None = None
        self.dialog: ReasonDialog | ProofDialog | None = None
        background.asker = self.ask

    def close(self) -> None:
        """Ask nothing any more; what waits is given up."""
        self._background.asker = None
        waiting, self._current = [*self._waiting], None
        self._waiting.clear()
        if self.dialog is not None:
            self.dialog.close()
        for one in waiting:
            one.give_up(_stopped())

    def ask(self, error: LecternError, context: Context, again: Callable[[], object], give_up: Callable[[LecternError], object]) -> None:
        """Find an answer to ``error`` and start the action again, or give it up."""
        before = actor_in(context)
        if before is not None and (before.reason if isinstance(error, ReasonNeeded) else before.proven_until) is not None:
            # the answer was given and did not reach the verb: asking again would never end
            give_up(error)
            return
        self._waiting.append(_Stopped(error, before or self._acting.signed_in, again, give_up))
        self._next()

    def _next(self) -> None:
        if self._current is not None or not self._waiting:
            return
        self._current = self._waiting.popleft()
        if isinstance(self._current.error, ReasonNeeded):
            self._ask_reason(self._current)
        elif isinstance(self._current.error, ProofNeeded):
            self._ask_proof(self._current)

    def _ask_reason(self, one: _Stopped) -> None:
        if self._kept is not None and time.monotonic() < self._kept[1]:
            self._go_on(replace(one.actor, reason=self._kept[0]))
            return
        self.dialog = ReasonDialog(self._window, _sentence(one.error), on_reason=self._reason_given, on_cancel=self._cancelled)
        self.dialog.open()

    def _reason_given(self, words: str, keep: bool) -> None:  # noqa: FBT001  # the dialog's two answers
        self._kept = (words, time.monotonic() + KEEP_S) if keep else None
        if self._current is not None:
            self._go_on(replace(self._current.actor, reason=words))

    def _ask_proof(self, one: _Stopped) -> None:
        fresh = self._acting.signed_in.proven_until
        if fresh is not None and fresh != one.actor.proven_until:
            # somebody proved it for an action that was asked about just before
            self._go_on(replace(one.actor, proven_until=fresh))
            return
        sentence = tr("This needs your password once more, so that nobody does it at a desk you left open.")
        self.dialog = ProofDialog(self._window, sentence, name=one.actor.name, on_password=self._password_given, on_cancel=self._cancelled)
        self.dialog.open()

    def _password_given(self, password: str) -> None:
        one = self._current
        if one is not None:
            self._background.run(self, lambda: self._prove(one.actor, password), self._proven, self._not_proven, key="prove")

    def _proven(self, actor: Any) -> None:
        self._acting.signed_in = replace(self._acting.signed_in, proven_until=actor.proven_until)
        dialog, self.dialog = self.dialog, None
        if dialog is not None:
            dialog.accept()
        self._go_on(actor)

    def _not_proven(self, error: LecternError) -> None:
        if isinstance(self.dialog, ProofDialog):
            self.dialog.show_problem(f"{error} {error.next_step}")

    def _go_on(self, actor: Any) -> None:
        one, self._current = self._current, None
        self.dialog = None
        if one is not None:
            with acting_as(actor):
                one.again()
        self._next()

    def _cancelled(self) -> None:
        one, self._current = self._current, None
        self.dialog = None
        if one is not None:
            one.give_up(_stopped())
        self._next()


def _stopped() -> Cancelled:
    return Cancelled("Nothing was changed.")


def _sentence(error: LecternError) -> str:
    return tr("{sentence} It is kept with what you do.", sentence=str(error))
