"""Privacy: the boundary between conversations holds, what was forgotten is gone, secrets stay where they belong."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from backend_core import __version__
from backend_core.errors import LecternError, NotAllowed
from backend_core.monitoring.log_files import backwards, end_of, processes
from backend_core.monitoring.readiness.around import Around
from backend_core.monitoring.readiness.categories import PRIVACY
from backend_core.monitoring.readiness.check import DAY, HOUR, MINUTE, Check, Finding, failed, judged, listed, passed, unknown, warned
from backend_core.privacy import catalogue
from backend_core.privacy.cell_cases import FORGETTING
from backend_core.safety.egress import MODERATION
from backend_core.safety.transport import Request

LEAST_CASES: Final = 15
LONGEST_S: Final = 25 * HOUR
MOST_LINES: Final = 60_000
MOST_INCIDENTS: Final = 20
NOBODY: Final = "https://readiness.invalid/"

_LEAKS: Final = """
SELECT 'messages' AS place, count(*) AS n FROM messages x LEFT JOIN containers c ON c.id = x.container_id
 WHERE c.id IS NULL OR c.conversation_id IS DISTINCT FROM x.conversation_id
UNION ALL
SELECT 'photos', count(*) FROM photos x LEFT JOIN containers c ON c.id = x.container_id
 WHERE c.id IS NULL OR c.conversation_id IS DISTINCT FROM x.conversation_id
UNION ALL
SELECT 'reminders', count(*) FROM reminders x LEFT JOIN containers c ON c.id = x.container_id
 WHERE c.id IS NULL OR c.conversation_id IS DISTINCT FROM x.conversation_id
UNION ALL
SELECT 'containers', count(*) FROM containers c LEFT JOIN conversations v ON v.id = c.conversation_id
 WHERE v.id IS NULL OR v.kind <> c.kind OR v.user_id IS DISTINCT FROM c.user_id AND c.kind = 'direct'
"""
_INCIDENTS: Final = """
SELECT kind, count(*) AS n FROM privacy_incidents WHERE at > clock_timestamp() - interval '24 hours' GROUP BY kind ORDER BY kind
"""
_TOLD: Final = """
SELECT sentence, detail FROM job_failure WHERE at > clock_timestamp() - interval '7 days' ORDER BY id DESC LIMIT 2000
"""


def suite(around: Around) -> Finding:
    """Look whether the last privacy run passed, of this version and these tables, and lately."""
    standing = around.privacy.standing(actor=around.actor)
    run = standing.run
    if run is None or run.finished_at is None:
        return unknown(standing.reason)
    age = (around.clock() - run.finished_at).total_seconds()
    good = standing.gate == "ok" and run.passed >= LEAST_CASES and run.version == __version__
    value = f"{run.passed} of {run.passed + run.failed} rules hold, {run.leaks} leaks in {run.cells} cells"
    facts = {"run": run.id, "gate": standing.reason, "version": run.version, "hours_ago": f"{age / HOUR:.1f}"}
    # the next run begins when this one is a day old, and takes a moment
    return judged(value, good=good and age < DAY, bearable=good and age < LONGEST_S, **facts)


def leaks(around: Around) -> Finding:
    """Count rows whose container is not that of their conversation."""
    with around.scopes.directory("Readiness: leak probe") as conn:
        rows = conn.exec_driver_sql(_LEAKS).mappings().all()
    wrong = sum(row["n"] for row in rows)
    return listed("fail" if wrong else "pass", f"{wrong} rows", [(row["place"], f"{row['n']} rows") for row in rows])


def forgotten(around: Around) -> Finding:
    """Read what became of the words that the last privacy run had somebody made up forget."""
    run = around.privacy.latest(actor=around.actor)
    if run is None or run.finished_at is None:
        return unknown("No privacy run has come to an end yet.")
    if (around.clock() - run.finished_at).total_seconds() >= LONGEST_S:
        return unknown("The last privacy run is over a day old.")
    cases = [one for one in around.privacy.run_details(run.id, actor=around.actor).cases if one.group == FORGETTING]
    if not cases:
        return unknown("The last privacy run did not come that far.")
    broken = sum(not one.ok for one in cases)
    pairs = [(one.title, "holds" if one.ok else one.cause) for one in cases]
    return listed("fail" if broken else "pass", f"{len(cases) - broken} of {len(cases)} rules hold", pairs)


def closed(around: Around) -> Finding:
    """Ask the catalogue whether every table of a conversation is closed, by exactly our policies, for our own role too."""
    with around.database.begin("Readiness: row security") as conn:
        looks = (catalogue.own_role(conn), catalogue.row_security(conn), catalogue.policies(conn))
    found = [one for look in looks for one in look.found]
    probes = sum(look.probes for look in looks)
    if not found:
        return passed(f"{probes} things looked at, all as they must be")
    return listed("fail", f"{len(found)} of {probes} are wrong", [(one.place, one.cause) for one in found])


def incidents(around: Around) -> Finding:
    """Count attempts at the boundary that the database refused within a day."""
    rows = around.link.rows(_INCIDENTS)
    total = sum(row["n"] for row in rows)
    pairs = [(row["kind"], f"{row['n']} times") for row in rows]
    return listed("pass" if not total else "warn" if total < MOST_INCIDENTS else "fail", f"{total} within 24 h", pairs)


def consent(around: Around) -> Finding:
    """Try to send a made-up word to a host nobody consented to."""
    try:
        around.egress.send(MODERATION, Request(url=NOBODY, body=b"made up"), actor=around.actor)
    except NotAllowed:
        return passed("refused before a byte left")
    except LecternError as error:
        return failed("sending was tried", outcome=error.code)
    return failed("it was sent")


def kept(around: Around) -> Finding:
    """Look how secrets of this computer are kept."""
    vault = around.credentials
    return warned(vault.sentence, kind=vault.kind) if vault.kind == "file" else passed(vault.sentence, kind=vault.kind)


def told(around: Around) -> Finding:
    """Look for secrets in the log and in what was kept of failed jobs; what is found is named by its place only."""
    found, looked = [], 0
    for place, line in itertools.chain(_lines(around.log_dir), _payloads(around)):
        looked += 1
        if around.parts.redact(line) != line:
            found.append(place)
    if not looked:
        return unknown("There is neither a log nor a failed job yet.")
    pairs = [(place, f"{found.count(place)} lines") for place in sorted(set(found))]
    return listed("fail" if found else "pass", f"{len(found)} in {looked} lines", pairs)


def _lines(folder: Path) -> Iterator[tuple[str, str]]:
    for process, paths in processes(folder).items():
        with contextlib.suppress(OSError):
            for one in itertools.islice(backwards(process, paths, start=end_of(process, paths)), MOST_LINES):
                yield f"log of {process}", one.text


def _payloads(around: Around) -> Iterator[tuple[str, str]]:
    for row in around.rows(_TOLD):
        yield "failed jobs", row["sentence"]
        yield "failed jobs", row["detail"]


CHECKS: Final = (
    Check(
        id="privacy.suite",
        title="The privacy suite passes",
        about="Made-up people try every way from one conversation into another. The last run found none.",
        category=PRIVACY,
        threshold=f"all rules hold, at least {LEAST_CASES}; this version; under a day old, fails an hour later",
        source="privacy_runs",
        run=suite,
        weight=3,
        gate=True,
        page="privacy",
    ),
    Check(
        id="privacy.leaks",
        title="No row lies in another conversation",
        about="Every message, photo and reminder must be tagged with the container of its own conversation.",
        category=PRIVACY,
        threshold="0 rows",
        source="live count over all containers, without a word of what was said",
        run=leaks,
        weight=3,
        gate=True,
        limit_s=HOUR,
        every_s=10 * MINUTE,
        page="privacy",
    ),
    Check(
        id="privacy.forgotten",
        title="What was forgotten is gone",
        about="In the last privacy run made-up people had words forgotten; none of them may be found again, by word or by meaning.",
        category=PRIVACY,
        threshold="all rules of forgetting hold; under a day old",
        source="cases of the last privacy run",
        run=forgotten,
        weight=2,
        page="privacy",
    ),
    Check(
        id="privacy.closed",
        title="Every table of a conversation is closed",
        about="Row security is on and forced, the policies are exactly ours, and they bind the role this program uses.",
        category=PRIVACY,
        threshold="nothing found",
        source="catalogue of the database",
        run=closed,
        weight=3,
        gate=True,
        page="privacy",
    ),
    Check(
        id="privacy.incidents",
        title="Nobody tries the boundary",
        about="Attempts the database refused: no scope, a scope of somebody else, a write elsewhere.",
        category=PRIVACY,
        threshold=f"none within 24 h; fails at {MOST_INCIDENTS}",
        source="privacy_incidents",
        run=incidents,
        page="privacy",
    ),
    Check(
        id="privacy.consent",
        title="Nothing leaves without consent",
        about="A made-up word for a host nobody consented to must be refused before a byte leaves.",
        category=PRIVACY,
        threshold="refused",
        source="live probe",
        run=consent,
        weight=2,
        gate=True,
        limit_s=HOUR,
        every_s=10 * MINUTE,
        page="safety",
    ),
    Check(
        id="secrets.kept",
        title="Secrets are in a keyring",
        about="Tokens and keys of this computer: in a keyring or a sealed file; file permissions alone are the weakest way.",
        category=PRIVACY,
        threshold="keyring or sealed file",
        source="the vault of this computer",
        run=kept,
        page="health",
    ),
    Check(
        id="secrets.logs",
        title="No secret in logs and failures",
        about="Every line of the log and of what was kept of failed jobs is searched for passwords, keys, tokens, addresses and numbers.",
        category=PRIVACY,
        threshold="0 lines",
        source="log files, job_failure of 7 days",
        run=told,
        weight=3,
        gate=True,
        limit_s=DAY,
        every_s=6 * HOUR,
        page="logs",
    ),
)
