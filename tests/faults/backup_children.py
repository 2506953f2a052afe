"""What runs in the processes that are killed while they make, restore or put a backup in place."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

from backend_core import faults
from backend_core.backend import conclude_restore, open_backend
from backend_core.backup import swap
from backend_core.backup.keys import read_key_file
from backend_core.backup.making import Meter
from backend_core.backup.restore import restore
from backend_core.credentials.vault import Vault
from backend_core.policy import SYSTEM, Actor
from tests.faults.children import become

NAIVE = "naive.moved"


def back_up(environment: Mapping[str, str], path: Path) -> None:
    """Make a backup."""
    with open_backend(become(environment), application="command") as backend:
        backend.backups.create(path, actor=backend.actor())


def bring_back(environment: Mapping[str, str], source: Path, key_file: Path) -> None:
    """Restore in the place of what is there."""
    settings = become(environment)
    key = read_key_file(key_file)
    actor = Actor(operator_id=None, name="x", role=SYSTEM, workstation="x")
    conclude = conclude_restore(actor, key, Vault(settings.home))
    restore(source, settings, key, replace=True, conclude=conclude, meter=Meter(None, None))


def put_in_place(environment: Mapping[str, str], home: Path, new: Path) -> None:
    """Let one folder take the place of another."""
    become(environment)
    with swap.alone(home):
        swap.replace(home, new, with_objects=True, backup="then")


def go_on(environment: Mapping[str, str], home: Path) -> None:
    """Start, as every program does first."""
    become(environment)
    swap.settle(home)


def put_in_place_naively(environment: Mapping[str, str], home: Path, new: Path) -> None:
    """Do the same renames without writing down what is to be done: the control."""
    become(environment)
    old = home / "old"
    old.mkdir()
    for name in (*swap.CLUSTER, swap.OBJECTS):
        with contextlib.suppress(FileNotFoundError):
            (home / name).rename(old / name)
        (new / name).rename(home / name)
        faults.point(NAIVE)
