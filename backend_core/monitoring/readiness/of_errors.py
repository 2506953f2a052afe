"""Error handling: what fails is told plainly, tried again, and looked into by a person."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from backend_core.errors import INSIDE, Unavailable
from backend_core.monitoring.crashes import FILE, LAST
from backend_core.monitoring.readiness.around import Around
from backend_core.monitoring.readiness.categories import ERRORS
from backend_core.monitoring.readiness.check import DAY, HOUR, MINUTE, Check, Finding, failed, judged, listed, not_yet, passed
from backend_core.safety.breaker import FAILURES

PLANTED: Final = "hunter2-readiness"
POLLY: Final = "Speech from Amazon Polly is not part of this version."
LAG_S: Final = 60.0
WAITING_S: Final = 300.0
STALLED_S: Final = 60.0
RATE: Final = 0.01
MOST_TOLD: Final = 5

_QUEUE: Final = """
SELECT count(*) FILTER (WHERE j.status = 'todo' AND coalesce(j.scheduled_at, now()) <= now()) AS waiting,
       extract(epoch FROM max(clock_timestamp() - greatest(r.created_at, coalesce(j.scheduled_at, r.created_at)))
           FILTER (WHERE j.status = 'todo' AND coalesce(j.scheduled_at, now()) <= now())) AS oldest_s,
       count(*) FILTER (WHERE j.status IN ('doing', 'aborting')
           AND coalesce(w.last_heartbeat < now() - make_interval(secs => %(stalled)s), true)) AS stalled
  FROM procrastinate_jobs j LEFT JOIN job_run r ON r.job_id = j.id LEFT JOIN procrastinate_workers w ON w.id = j.worker_id
 WHERE j.status IN ('todo', 'doing', 'aborting')
"""
_LAG: Final = """
SELECT count(*) AS n, percentile_cont(0.95) WITHIN GROUP (ORDER BY extract(epoch FROM started_at - created_at)) AS p95
  FROM job_run WHERE started_at > now() - interval '24 hours' AND attempt <= 1
"""
_FAILED: Final = """
SELECT (SELECT count(*) FROM job_failure WHERE retry_at IS NULL AND at > now() - interval '24 hours') AS failed,
       (SELECT count(*) FROM job_failure WHERE retry_at IS NULL AND at > now() - interval '24 hours'
           AND error_code = 'unexpected') AS unclassified,
       (SELECT count(*) FROM job_run WHERE finished_at > now() - interval '24 hours') AS ended
"""


def sentences(around: Around) -> Finding:
    """Look whether every failure has a heading, a next step, and a code that no other has."""
    kinds = around.parts.every_error()
    own = [kind.code for kind in kinds if "code" in vars(kind)]
    bad = [(kind.__name__, "no words") for kind in kinds if not (kind.code and kind.title.strip() and kind.next_step.strip())]
    bad += [(kind.__name__, f"the code {kind.code} of another") for kind in kinds if "code" in vars(kind) and own.count(kind.code) > 1]
    if bad:
        return listed("fail", f"{len(bad)} of {len(kinds)} lack words or a code of their own", bad)
    return passed(f"{len(kinds)} failures, each with its words")


def boundary(around: Around) -> Finding:
    """Let something fail that nobody expected, with a secret in its text, and read what people are told."""
    told = around.parts.payload(ValueError(f"password={PLANTED}"), correlation_id="0000-0000")
    words = told.lines()
    good = PLANTED not in words and told.sentence == INSIDE and "0000-0000" in words
    return judged("a plain sentence and a reference" if good else "more than people may see", good=good, code=told.code)


def crashes(around: Around) -> Finding:
    """Look for reports of a window that died within a day."""
    now = around.clock().timestamp()
    found = [path for path in (around.log_dir / FILE, around.log_dir / LAST) if _fresh(path, now)]
    pairs = [(path.name, f"{path.stat().st_size} bytes") for path in found]
    return listed("fail", "a report of the last 24 h", pairs) if pairs else passed("none within 24 h")


def _fresh(path: Path, now: float) -> bool:
    try:
        status = path.stat()
    except OSError:
        return False
    return status.st_size > 0 and now - status.st_mtime < DAY


def breakers(around: Around) -> Finding:
    """Let a made-up service fail until it is left alone; then look whether a real one is."""
    made = around.parts.breaker("readiness", clock=lambda: 0.0, logged=False)
    asked = [0]

    def fail() -> None:
        asked[0] += 1
        raise Unavailable("Made up.")

    for _ in range(2 * FAILURES):
        try:
            made.call(fail)
        except Unavailable:
            continue
    real = around.safety.moderation.breaker.state
    if asked[0] != FAILURES:
        return failed(f"a failing service was asked {asked[0]} times", moderation=real)
    return judged(f"left alone after {FAILURES} failures", good=real == "closed", bearable=True, moderation=real)


def queue(around: Around) -> Finding:
    """Look how long work waits, and whether somebody left it lying."""
    row = around.link.rows(_QUEUE, {"stalled": STALLED_S})[0]
    oldest = float(row["oldest_s"] or 0.0)
    lag = around.link.rows(_LAG)[0]
    p95 = 0.0 if lag["p95"] is None else float(lag["p95"])
    good = oldest < WAITING_S and p95 < LAG_S and not row["stalled"]
    value = f"oldest waits {oldest:.0f} s, 95 % begin within {p95:.1f} s, {row['stalled']} stalled"
    return judged(value, good=good, bearable=not row["stalled"] and oldest < 4 * WAITING_S, waiting=row["waiting"], begun=lag["n"])


def failures(around: Around) -> Finding:
    """Count the jobs that were given up within a day, and those nobody can tell the kind of."""
    row = around.link.rows(_FAILED)[0]
    lost, ended = row["failed"], max(row["ended"], row["failed"])
    share = lost / ended if ended else 0.0
    value = f"{lost} of {ended} failed, {row['unclassified']} without a class"
    # of a handful one failure is much, and says little
    good = not row["unclassified"] and (share < RATE or not lost)
    return judged(value, good=good, bearable=not row["unclassified"] and lost <= MOST_TOLD, share=f"{100 * share:.1f} %")


def voice(around: Around) -> Finding:
    """Ask the local voice process what it can speak."""
    voices = around.speech.voices()
    return passed(f"{len(voices)} voices") if voices else failed("no voice answers")


def worker(around: Around) -> Finding:
    """Look whether somebody is there to do the work."""
    alive, waiting = around.workers_alive(), around.jobs.open_count()
    return judged(f"{alive} alive, {waiting} jobs wait", good=bool(alive), bearable=not waiting)


CHECKS: Final = (
    Check(
        id="errors.sentences",
        title="Every failure has its own words",
        about="Each kind of failure has a code of its own, a heading and a next step that people can act on.",
        category=ERRORS,
        threshold="all of them",
        source="the error tree of this program",
        run=sentences,
        limit_s=DAY,
        every_s=6 * HOUR,
    ),
    Check(
        id="errors.boundary",
        title="Nothing inside is told outside",
        about="A made-up failure with a secret in its text is turned into what people see: a sentence and a reference, and no secret.",
        category=ERRORS,
        threshold="no text of the failure",
        source="live probe",
        run=boundary,
        weight=2,
        gate=True,
        limit_s=DAY,
        every_s=6 * HOUR,
    ),
    Check(
        id="errors.crashes",
        title="The window did not die",
        about="Reports that the interpreter writes when the window dies without a word.",
        category=ERRORS,
        threshold="none within 24 h",
        source="crash report in the log folder",
        run=crashes,
        page="logs",
    ),
    Check(
        id="errors.breakers",
        title="A failing service is left alone",
        about="A made-up service that always fails must not be asked after five failures; a real one that is left alone is a warning.",
        category=ERRORS,
        threshold=f"not asked after {FAILURES} failures; none open",
        source="live probe; breakers of this process",
        run=breakers,
        limit_s=HOUR,
        every_s=5 * MINUTE,
        page="safety",
    ),
    Check(
        id="jobs.worker",
        title="Somebody works on the jobs",
        about="Background work waits for ever where no worker is alive.",
        category=ERRORS,
        threshold="a worker is alive; none, while nothing waits, is a warning",
        source="server sessions of workers",
        run=worker,
        page="jobs",
    ),
    Check(
        id="jobs.lag",
        title="Work begins soon",
        about="How long the oldest job waits, how soon jobs begin, and whether one lies with a worker that is gone.",
        category=ERRORS,
        threshold="oldest under 5 min, 95 % within 60 s, none stalled",
        source="job queue, last 24 h",
        run=queue,
        page="jobs",
    ),
    Check(
        id="jobs.failed",
        title="Few jobs fail, each with its class",
        about="Jobs given up within a day; one whose kind of failure nobody knows is a mistake in the program.",
        category=ERRORS,
        threshold="under 1 %, none unclassified",
        source="job_failure, last 24 h",
        run=failures,
        page="jobs",
    ),
    Check(
        id="providers.voice",
        title="The local voice answers",
        about="The voice process of this computer names its voices; without one no page is spoken.",
        category=ERRORS,
        threshold="at least one voice",
        source="live probe of the voice process",
        run=voice,
        limit_s=6 * HOUR,
        every_s=HOUR,
        page="health",
    ),
    Check(
        id="providers.polly",
        title="Amazon Polly answers",
        about="The cloud voice answers, and its error budget is not used up.",
        category=ERRORS,
        threshold="answers; error budget left",
        source="live probe",
        run=not_yet(POLLY),
        later=POLLY,
    ),
)
