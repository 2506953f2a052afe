"""A circuit breaker: after enough failures a service is left alone for a while, then one call tries whether it is back."""

from __future__ import annotations

import collections
import threading
import time
from collections.abc import Callable
from typing import Final, Literal, TypeVar

from backend_core.errors import LecternError, Unavailable
from backend_core.logs import get_logger

log = get_logger(__name__)
T = TypeVar("T")
State = Literal["closed", "open", "probing"]
FAILURES: Final = 5
WINDOW_S: Final = 60.0
OPEN_S: Final = 60.0


class Breaker:
    """Counts failures of one service; any number of threads may call through it.

    Args:
        name: of the service, for the log and for people.
        failures: so many within ``window_s`` open it.
        open_s: how long nobody asks then.
        clock: seconds.
        opened: told of the failure that opened it, outside any lock.
        logged: whether opening and closing leave a line in the log; not where somebody only tries a breaker out.
    """

    def __init__(
        self,
        name: str,
        *,
        failures: int = FAILURES,
        window_s: float = WINDOW_S,
        open_s: float = OPEN_S,
        clock: Callable[[], float] = time.monotonic,
        opened: Callable[[LecternError], object] = lambda _error: None,
        logged: bool = True,
    ) -> None:
        self.name = name
        self._logged = logged
        self._opened = opened
        self._window_s, self._open_s, self._clock = window_s, open_s, clock
        self._lock = threading.Lock()
        self._failed_at: collections.deque[float] = collections.deque(maxlen=failures)
        self._opened_at: float | None = None
        self._probing = False

    @property
    def state(self) -> State:
        """``closed``: asked as usual; ``open``: left alone; ``probing``: one call is finding out."""
        with self._lock:
            if self._opened_at is None:
                return "closed"
            return "probing" if self._probing else "open"

    def call(self, work: Callable[[], T]) -> T:
        """Return ``work()``; its failures count, and while open it is not called at all.

        Raises:
            Unavailable: the service is left alone, or another call is finding out.
            LecternError: what ``work`` raised; it counts as a failure of the service.
        """
        probe = self._enter()
        try:
            result = work()
        except LecternError as error:
            self._failed(error, probe=probe)
            raise
        except BaseException:
            # a mistake of ours says nothing about the service, but the probe must not stay taken
            self._leave(probe=probe)
            raise
        self._succeeded(probe=probe)
        return result

    def _enter(self) -> bool:
        """Return whether this call is the one that finds out."""
        with self._lock:
            if self._opened_at is None:
                return False
            if self._probing or self._clock() - self._opened_at < self._open_s:
                raise Unavailable("The service failed several times and is left alone for a minute.")
            self._probing = True
            return True

    def _failed(self, error: LecternError, *, probe: bool) -> None:
        with self._lock:
            now = self._clock()
            self._failed_at.append(now)
            full = len(self._failed_at) == self._failed_at.maxlen and now - self._failed_at[0] <= self._window_s
            opened = self._opened_at is None and full
            # a call that began before the service was given up says nothing new
            if probe or opened:
                self._opened_at = now
            if probe:
                self._probing = False
        if opened:
            if self._logged:
                log.warning("service left alone after failures", service=self.name, error_code=error.code)
            self._opened(error)

    def _leave(self, *, probe: bool) -> None:
        if probe:
            with self._lock:
                self._probing = False

    def _succeeded(self, *, probe: bool) -> None:
        if not probe:
            return
        with self._lock:
            self._opened_at, self._probing = None, False
            self._failed_at.clear()
        if self._logged:
            log.info("service is back", service=self.name)
