"""The keyring of the operating system, asked in a thread with a deadline: a locked one waits for a person and must not stop the program."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

from backend_core.errors import SecretsLocked
from backend_core.logs import get_logger

log = get_logger(__name__)
T = TypeVar("T")
SERVICE: Final = "lectern"
FIND_S: Final = 10.0
CALL_S: Final = 20.0
"""Long enough to type the password of a keyring that asks for it."""
PAUSE_S: Final = 30.0
"""How long a keyring that did not answer is not asked again."""
# Named one by one: whatever else may be installed is not known to protect what it keeps.
REAL: Final = {
    "keyring.backends.macOS": "the macOS keychain",
    "keyring.backends.Windows": "the Windows credential store",
    "keyring.backends.SecretService": "the keyring of this desktop (Secret Service)",
    "keyring.backends.libsecret": "the keyring of this desktop (libsecret)",
    "keyring.backends.kwallet": "KWallet",
}
_CHAIN: Final = "keyring.backends.chainer"


class Keyring(Protocol):
    """The part of a backend of the ``keyring`` library that is used."""

    def get_password(self, service: str, username: str) -> str | None:
        """Return the secret, or None."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Keep the secret."""

    def delete_password(self, service: str, username: str) -> None:
        """Forget the secret; raises when there is none."""


def accepted(backend: Any) -> Keyring | None:
    """Return ``backend``, or the best part of a chain, when it is the keyring of an operating system; otherwise None."""
    if type(backend).__module__ == _CHAIN:
        return next((part for part in backend.backends if type(part).__module__ in REAL), None)
    return backend if type(backend).__module__ in REAL else None


def find() -> Keyring | None:
    """Return this system's keyring, None if it has none.

    Raises:
        SecretsLocked: it has one that does not answer.
    """

    def look() -> Keyring | None:
        import keyring

        backend = accepted(keyring.get_keyring())
        if backend is not None:
            # a Secret Service without a collection, or one nobody unlocks, shows itself here
            backend.get_password(SERVICE, "probe")
        return backend

    return within(FIND_S, look)


def words_for(backend: Keyring) -> str:
    """Return what people call it."""
    return REAL.get(type(backend).__module__, "the keyring of this system")


class OsKeyring:
    """Secrets of one home in the keyring.

    Args:
        backend: a backend of the ``keyring`` library.
        home: short stable name of the home, so that homes do not see one another's secrets.
        call_s: seconds it gets for one answer.
    """

    def __init__(self, backend: Keyring, *, home: str, call_s: float = CALL_S) -> None:
        self._backend = backend
        self._home = home
        self._call_s = call_s
        self._silent_until = 0.0

    @property
    def words(self) -> str:
        """What people call it."""
        return words_for(self._backend)

    def get(self, name: str) -> str | None:
        """Return a secret, or None.

        Raises:
            SecretsLocked: the keyring does not answer or refuses.
        """
        return self._ask(lambda: self._backend.get_password(SERVICE, f"{self._home}:{name}"))

    def set(self, name: str, secret: str) -> None:
        """Keep a secret.

        Raises:
            SecretsLocked: the keyring does not answer or refuses.
        """
        self._ask(lambda: self._backend.set_password(SERVICE, f"{self._home}:{name}", secret))

    def delete(self, name: str) -> None:
        """Forget a secret; one that is not there is fine.

        Raises:
            SecretsLocked: the keyring does not answer or refuses.
        """
        if self.get(name) is not None:
            self._ask(lambda: self._backend.delete_password(SERVICE, f"{self._home}:{name}"))

    def _ask(self, call: Callable[[], T]) -> T:
        if time.monotonic() < self._silent_until:
            raise SecretsLocked("The keyring of this system does not answer.")
        began = time.monotonic()
        try:
            return within(self._call_s, call)
        except SecretsLocked:
            if time.monotonic() - began >= self._call_s:
                self._silent_until = time.monotonic() + PAUSE_S
            raise


def within(seconds: float, call: Callable[[], T]) -> T:
    """Return ``call()``, run in a thread that is left behind when it takes longer.

    Raises:
        SecretsLocked: too late, or it failed.
    """
    answers: list[T] = []
    failures: list[str] = []

    def run() -> None:
        try:
            answers.append(call())
        except Exception as error:  # noqa: BLE001  # boundary: every backend has errors of its own, and their text may hold the secret
            failures.append(type(error).__name__)

    # no pool: its threads would be waited for at the end of the program
    thread = threading.Thread(target=run, name="keyring", daemon=True)
    thread.start()
    thread.join(seconds)
    if answers:
        return answers[0]
    if failures:
        log.warning("keyring refused", error_type=failures[0])
        raise SecretsLocked("The keyring of this system refused; unlock it and try again.")
    raise SecretsLocked("The keyring of this system does not answer; unlock it and try again.")
