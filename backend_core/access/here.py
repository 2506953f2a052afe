"""Who is at this computer, as the operating system knows it."""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
import sys

from backend_core.policy import SYSTEM, Actor

if sys.platform != "win32":
    import pwd


def workstation() -> str:
    """Return the name of this computer."""
    return socket.gethostname()


def os_user() -> str:
    """Return the name of the person at this computer, as the operating system knows it."""
    if sys.platform != "win32":
        # not `getpass.getuser`: it believes LOGNAME and USER, which anybody can set; a container may run under an id that has no name
        with contextlib.suppress(KeyError):
            return pwd.getpwuid(os.getuid()).pw_name
        return f"uid-{os.getuid()}"
    with contextlib.suppress(OSError, KeyError, ImportError):
        return getpass.getuser()
    return "unknown"


def system_actor(*, reason: str | None = None) -> Actor:
    """Return the program itself, for work nobody asked for."""
    return Actor(operator_id=None, name="Lectern", role=SYSTEM, workstation=workstation(), reason=reason)
