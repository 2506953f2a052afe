"""What runs in the process of one command; see ``tests/command.py``. Imported once by the server those processes are forked from."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence

from backend_core.cli.__main__ import main


def run(arguments: Sequence[str], variables: Mapping[str, str], out: str, err: str) -> None:
    """Be ``lecternctl``: its arguments, its environment, nothing to read, files as output.

    Args:
        arguments: what follows the program's name.
        variables: the whole environment.
        out, err: paths that get the two outputs.
    """
    os.environ.clear()
    os.environ.update(variables)
    if hasattr(time, "tzset"):
        time.tzset()
    for number, path, flags in ((0, os.devnull, os.O_RDONLY), (1, out, os.O_WRONLY), (2, err, os.O_WRONLY)):
        opened = os.open(path, flags)
        os.dup2(opened, number)
        os.close(opened)
    sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)
    sys.argv = ["lecternctl", *arguments]
    sys.exit(main(list(arguments)))
