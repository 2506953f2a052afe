"""Episodes of blocking: begun after the threshold, carried on by whoever records, ended when it is over."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from backend_core.backend import Backend, open_backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.db.roles import MONITOR
from backend_core.monitoring.link import MonitorLink
from backend_core.monitoring.server import episodes
from backend_core.monitoring.server.records import Episode
from backend_core.policy import Actor
from backend_core.settings import Settings
from tests.backend_core.monitoring.server.holding import Sessions
from tests.polling import eventually


@pytest.fixture
def link(clean: EmbeddedServer) -> Iterator[MonitorLink]:
    opened = MonitorLink(clean.dsn(MONITOR))
    yield opened
    opened.close()


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def kept(link: MonitorLink) -> list[Episode]:
    found = episodes.listing(link)
    assert found is not None
    return found


def test_a_short_wait_is_no_episode_and_a_long_one_is(link: MonitorLink, sessions: Sessions) -> None:
    first = sessions.hold("LOCK TABLE documents", name="first")
    sessions.wait(sessions.hold(name="second"), "SELECT 'private' FROM documents")
    episodes.watch(now(), link, threshold_s=60.0)
    assert kept(link) == []

    def begun() -> list[Episode]:
        episodes.watch(now(), link, threshold_s=0.1)
        return kept(link)

    eventually(begun)
    (found,) = kept(link)
    assert (found.root_pid, found.most_blocked, found.ended_at) == (first.info.backend_pid, 1, None)
    assert found.began_at < found.last_at
    children: Any = found.tree["children"]
    assert [child["query"] for child in children] == ["SELECT '…' FROM documents"]


def test_an_episode_is_one_row_however_long_it_lasts_and_whoever_records_it(
    link: MonitorLink, sessions: Sessions, clean: EmbeddedServer, backend: Backend, actor: Actor
) -> None:
    first = sessions.hold("LOCK TABLE documents", name="first")
    sessions.wait(sessions.hold(), "SELECT 1 FROM documents")
    episodes.watch(now(), link, threshold_s=0.0)
    begun = kept(link)[0]
    second = sessions.wait(sessions.hold(), "SELECT 2 FROM documents")
    # another process has taken over, and nobody has waited for as long as the threshold since
    other = MonitorLink(clean.dsn(MONITOR))
    episodes.watch(now(), other, threshold_s=0.0)
    episodes.watch(now(), other, threshold_s=60.0)
    other.close()
    (found,) = kept(link)
    assert (found.id, found.began_at, found.ended_at, found.most_blocked) == (begun.id, begun.began_at, None, 2)
    view = backend.server.locks(actor=actor)
    assert (view.episodes, view.episodes_known) == ((found,), True)
    sessions.release(first)
    eventually(lambda: not sessions.waits(second))
    end = now()
    episodes.watch(end, link)
    (found,) = kept(link)
    assert found.ended_at == end
    assert found.most_blocked == 2
    # over is over: the next time is an episode of its own
    sessions.release()
    third = sessions.hold("LOCK TABLE documents", name="third")
    sessions.wait(sessions.hold(), "SELECT 3 FROM documents")
    episodes.watch(now(), link, threshold_s=0.0)
    assert [one.root_pid for one in kept(link)] == [third.info.backend_pid, first.info.backend_pid]


def test_what_ended_while_nobody_recorded_ended_when_it_was_last_seen(link: MonitorLink, sessions: Sessions) -> None:
    first = sessions.hold("LOCK TABLE documents")
    waiter = sessions.wait(sessions.hold(), "SELECT 1 FROM documents")
    seen = now()
    episodes.watch(seen, link, threshold_s=0.0)
    sessions.release(first)
    eventually(lambda: not sessions.waits(waiter))
    episodes.watch(seen + dt.timedelta(hours=3), link)
    assert [one.ended_at for one in kept(link)] == [seen]


def test_the_recorder_keeps_an_episode_once_the_threshold_is_reached(settings: Settings, link: MonitorLink, sessions: Sessions) -> None:
    # what the recorder itself writes is locked as well: an incident does not choose its tables
    first = sessions.hold("LOCK TABLE documents, metric_frames, job_run")
    sessions.wait(sessions.hold(), "SELECT 1 FROM documents")
    with open_backend(settings.model_copy(update={"record_metrics": "figures"}), application="desktop"):
        (found,) = eventually(lambda: kept(link))
    assert found.root_pid == first.info.backend_pid
    assert (found.last_at - found.began_at).total_seconds() >= episodes.THRESHOLD_S


def test_the_locks_are_shown_while_the_episodes_themselves_are_locked(backend: Backend, actor: Actor, sessions: Sessions) -> None:
    sessions.hold("LOCK TABLE blocking_episodes")
    sessions.wait(sessions.hold(), "SELECT 1 FROM blocking_episodes")
    view = backend.server.locks(actor=actor)
    assert (view.episodes_known, len(view.trees)) == (False, 1)
