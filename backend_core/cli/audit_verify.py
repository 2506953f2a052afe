"""audit verify | seal | rotate-key | witness: is the record whole, and who remembers it."""

from __future__ import annotations

from collections.abc import Sequence

from backend_core.audit.key_statements import KeyStatement
from backend_core.audit.seals import VerifyReport, Witness
from backend_core.cli.context import Context, Subcommands, command
from backend_core.cli.output import table

NOT_WHOLE = 1
SHOWN = 20
NO_WITNESS = (
    "No witness is kept outside the data folder: putting back an old copy of the whole folder cannot be detected. "
    "Set LECTERN_WITNESS to a file on another disk or computer."
)


def register(verbs: Subcommands) -> None:
    """Add these verbs to ``lecternctl audit``."""
    verify = command(verbs, "verify", _verify, help="check every row, chain, seal and signature; exit 1 when something was changed")
    verify.add_argument("--quick", action="store_true", help="check every seal, but only the newest rows")
    command(verbs, "seal", _seal, help="seal what was recorded since the last seal")
    command(verbs, "keys", _keys, help="list every statement about keys that sign seals")
    rotate = command(verbs, "rotate-key", _rotate, help="replace the key of this computer that signs seals", action="audit.rotate")
    other = rotate.add_mutually_exclusive_group()
    other.add_argument("--introduce", metavar="KEY", help="vouch for the key of another computer that asked")
    other.add_argument("--adopt", action="store_true", help="let this computer seal although no key that was known is left")
    command(verbs, "witness", _witness, help="what remembers the log, and whether it agrees")
    accepting = "let every witness take the log as it is now, after a restore or a lost key; recorded"
    command(verbs, "witness-accept", _accept, help=accepting, action="audit.rotate")


def _verify(context: Context) -> int:
    with context.backend() as (backend, actor):
        quick = context.arguments.quick
        report = backend.seals.verify(
            actor=actor, quick=quick, progress=lambda done, total: context.output.progress(done, total, what="verify")
        )
    context.output.result(report, text=_words(report))
    return 0 if report.ok else NOT_WHOLE


def _words(report: VerifyReport) -> str:
    lines = [f"Whole: {report.rows:,} rows, sealed to {report.verified_to:,}." if report.ok else f"{len(report.problems)} problems:"]
    lines += [f"  {problem.kind}: {problem.detail}" for problem in report.problems[:SHOWN]]
    found = report.witnesses
    lines.append(f"{found.agreeing} of {found.total} witnesses agree, {found.off_machine} outside the data folder.")
    if not found.off_machine:
        lines.append(NO_WITNESS)
    lines.append(f"{report.rows_per_second:,} rows a second.")
    return "\n".join(lines)


def _seal(context: Context) -> int:
    with context.backend() as (backend, _):
        total = 0
        while count := backend.seals.seal(actor=backend.system()):
            total += count
        lag = backend.seals.lag()
    text = f"{total} rows sealed." + (f" {lag.rows} wait for transactions that are still running." if lag.rows else "")
    context.output.result({"sealed": total, "waiting": lag.rows}, text=text)
    return 0


def _rotate(context: Context) -> int:
    arguments = context.arguments
    with context.backend() as (backend, actor):
        seals = backend.seals
        if arguments.introduce:
            seals.introduce(arguments.introduce, actor=actor)
        elif arguments.adopt:
            seals.adopt(actor=actor)
        else:
            seals.rotate(actor=actor)
        keys = seals.keys(actor=actor)
    return _list_keys(context, keys)


def _keys(context: Context) -> int:
    with context.backend() as (backend, actor):
        keys = backend.seals.keys(actor=actor)
    return _list_keys(context, keys)


def _list_keys(context: Context, keys: Sequence[KeyStatement]) -> int:
    rows = [(one.id, one.key_id, one.event, one.signed_by, one.host, f"{one.at:%Y-%m-%d %H:%M}") for one in keys]
    listed = [
        {"id": one.id, "key": one.key_id, "event": one.event, "signed_by": one.signed_by, "host": one.host, "at": one.at} for one in keys
    ]
    text = table(("no", "key", "event", "signed by", "computer", "at (UTC)"), rows, empty="No key has signed yet.")
    context.output.result(listed, text=text)
    return 0


def _accept(context: Context) -> int:
    with context.backend() as (backend, actor):
        count = backend.seals.accept(actor=actor)
    context.output.result({"accepted": count}, text=f"{count} witnesses take the log as it is.")
    return 0


def _witness(context: Context) -> int:
    with context.backend() as (backend, actor):
        said = backend.seals.witnesses(actor=actor)
    rows = [(one.name, "yes" if one.outside else "no", "" if one.seal is None else one.seal, _opinion(one)) for one in said]
    context.output.result(
        said, text=table(("witness", "outside", "seal", "says"), rows, empty=f"Nothing remembers the log yet. {NO_WITNESS}")
    )
    return 0 if all(not one.problems for one in said) else NOT_WHOLE


def _opinion(one: Witness) -> str:
    return "; ".join(problem.detail for problem in one.problems) or "agrees"
