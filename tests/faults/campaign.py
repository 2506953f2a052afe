"""Rounds of kills over every named step, each batch followed by a sweep and the checker."""

from __future__ import annotations

from tests.faults.harness import Home, points

BATCH = 4
VOICE_KILLS = 4


def kill_processes(home: Home) -> None:
    """Kill a desktop and a worker at every step that they reach, and at random; voice processes during the repairs."""
    steps = points()
    home.random.shuffle(steps)
    for done, step in enumerate(steps, start=1):
        for role, attempt in (("desktop", home.kill_desktop_at), ("worker", home.kill_worker_at)):
            if (role, step) not in home.unreached:
                attempt(step)
        if done % BATCH == 0 or done == len(steps):
            repair(home)


def repair(home: Home) -> None:
    """Kill once more at random, let a worker do what is left while its voices are killed, and check every promise."""
    home.kill_randomly()
    home.feed(each=VOICE_KILLS)
    home.drain(voice_kills=VOICE_KILLS)
    check(home)


def kill_databases(home: Home) -> None:
    """Kill the database server at every step, and at random."""
    steps = points()
    home.random.shuffle(steps)
    for done, step in enumerate(steps, start=1):
        home.kill_database_at(step)
        if done % BATCH == 0 or done == len(steps):
            home.kill_database_randomly()
            check(home)


def check(home: Home) -> None:
    """Fail with every broken promise."""
    broken = home.settle()
    assert not broken, "\n".join(f"{promise.kind}: {promise.about}" for promise in broken)
