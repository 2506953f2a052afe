"""When failed jobs come back: 60, 120 and 240 seconds later, spread by a fifth either way."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import psycopg
import pytest

from backend_core.backend import open_backend
from backend_core.db.embedded import EmbeddedServer
from backend_core.errors import Cancelled, Conflict, InvalidInput, NotFound, PoolExhausted, TimedOut, VoiceFailed
from backend_core.jobs.retry import Backoff
from backend_core.settings import Settings
from backend_core.worker import run_once
from tests.backend_core.jobs.fakes import Scripted, broken

SEED = 20_261_121
WINDOWS = ((48, 72), (96, 144), (192, 288))


def ks_probability(sample: Sequence[float], *, low: float, high: float) -> float:
    """Return the Kolmogorov-Smirnov probability that ``sample`` is uniform between ``low`` and ``high`` (asymptotic)."""
    count = len(sample)
    places = [(value - low) / (high - low) for value in sorted(sample)]
    distance = max(max((n + 1) / count - place, place - n / count) for n, place in enumerate(places))
    scaled = (math.sqrt(count) + 0.12 + 0.11 / math.sqrt(count)) * distance
    return min(1.0, 2 * sum((-1) ** (k - 1) * math.exp(-2 * (k * scaled) ** 2) for k in range(1, 101)))


def busiest_second(waits: Sequence[float]) -> float:
    """Return the part of the retries that falls into the fullest second."""
    return max(Counter(math.floor(wait) for wait in waits).values()) / len(waits)


@pytest.mark.trace("A30")
def test_without_jitter_the_waits_are_60_120_and_240_seconds() -> None:
    assert [Backoff(jitter=0).wait_s(attempt) for attempt in range(3)] == [60, 120, 240]


@pytest.mark.trace("A31")
def test_every_wait_stays_within_a_fifth_of_its_middle() -> None:
    backoff = Backoff(random=random.Random(SEED))
    for attempt, (low, high) in enumerate(WINDOWS):
        waits = [backoff.wait_s(attempt) for _ in range(2_000)]
        assert low <= min(waits) < low + (high - low) / 100
        assert high - (high - low) / 100 < max(waits) <= high


@pytest.mark.trace("A10", "A14")
def test_a_thousand_first_retries_are_spread_evenly() -> None:
    backoff = Backoff(random=random.Random(SEED))
    waits = [backoff.wait_s(0) for _ in range(1_000)]
    assert ks_probability(waits, low=48, high=72) > 0.01
    assert busiest_second(waits) <= 0.08
    control = [Backoff(jitter=0).wait_s(0) for _ in range(1_000)]
    assert busiest_second(control) == 1.0
    assert ks_probability(control, low=48, high=72) < 0.01


def test_the_probability_tells_even_from_uneven() -> None:
    rng = random.Random(SEED)
    assert ks_probability([rng.uniform(48, 72) for _ in range(1_000)], low=48, high=72) > 0.01
    assert ks_probability([rng.gauss(60, 5) for _ in range(1_000)], low=48, high=72) < 0.01
    assert ks_probability([rng.uniform(48, 70) for _ in range(1_000)], low=48, high=72) < 0.01


def test_only_what_may_pass_is_tried_again() -> None:
    backoff = Backoff(limit=3)
    passing = (VoiceFailed("x"), TimedOut("x"), PoolExhausted("x"), Conflict("x"), RuntimeError("x"))
    final = (InvalidInput("x"), NotFound("x"), Cancelled("x"))
    assert all(backoff.again(error, attempt=2) for error in passing)
    assert not any(backoff.again(error, attempt=3) for error in passing)
    assert not any(backoff.again(error, attempt=0) for error in final)


@pytest.fixture
def plain_settings(settings: Settings) -> Settings:
    """Settings whose waits are those of a fresh installation."""
    return settings.model_copy(update={"retry_base_s": 60.0})


@pytest.fixture
def admin(clean: EmbeddedServer) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A connection of the superuser, who may move the clock of a job."""
    with psycopg.connect(clean.admin_dsn, autocommit=True) as conn:
        yield conn


@pytest.mark.trace("A30", "A31")
@pytest.mark.logs("job will be retried", "job failed")
def test_a_job_that_fails_waits_three_times_and_is_then_given_up(
    plain_settings: Settings, admin: psycopg.Connection[tuple[object, ...]], tmp_path: Path
) -> None:
    path = tmp_path / "page.txt"
    path.write_text("One short page.")
    with open_backend(plain_settings, engines=[Scripted(broken)]) as backend:
        actor = backend.actor()
        document = backend.documents.import_file(path, actor=actor).document
        run_once(backend, plain_settings)
        audio = backend.audios.generate(document.id, actor=actor).queued[0]
        for low, high in WINDOWS:
            run_once(backend, plain_settings)
            job = backend.jobs.listing(actor=actor)[0]
            assert job.state == "retrying"
            assert job.error == "The voice process stopped before the audio was complete."
            row = admin.execute("SELECT extract(epoch FROM retry_at - at)::float FROM job_failure ORDER BY id DESC LIMIT 1").fetchone()
            queued = admin.execute(
                "SELECT extract(epoch FROM scheduled_at - now())::float FROM procrastinate_jobs WHERE status = 'todo'"
            ).fetchone()
            assert row is not None
            assert queued is not None
            assert low - 0.1 <= float(str(row[0])) <= high + 0.1
            assert low - 5 <= float(str(queued[0])) <= high + 0.1
            admin.execute("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE status = 'todo'")
        run_once(backend, plain_settings)
        row = backend.audios.listing(document.id, actor=actor)[0]
        assert (row.id, row.status, row.error_code) == (audio.id, "FAILED", "voice_failed")
        job = backend.jobs.listing(actor=actor)[0]
        assert (job.state, job.attempt) == ("failed", 3)
        failed = [entry for entry in backend.audit.latest(actor=actor) if entry.outcome == "failed"]
        assert [(entry.action, entry.target) for entry in failed] == [("audio.speak", f"audio:{audio.id}")]
        # a person who tries again gets a new job for the same audio
        assert backend.jobs.retry(job.job_id, actor=actor) > job.job_id
        assert backend.audios.listing(document.id, actor=actor)[0].status == "PENDING"
