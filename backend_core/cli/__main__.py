"""Entry point of lecternctl: parse, run one command, turn any failure into one clear sentence."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys

from backend_core import __version__
from backend_core.cli import (
    audit,
    backup,
    documents,
    indexes,
    jobs,
    logs,
    memory,
    metrics,
    monitoring,
    notices,
    operators,
    people,
    photos,
    privacy,
    profiles,
    readiness,
    releases,
    safety,
    samples,
    server,
    server_watch,
    settings,
    speech,
)
from backend_core.cli.context import Context, profile
from backend_core.cli.output import Output
from backend_core.errors import DatabaseAway, InvalidInput, LecternError, Unavailable, payload
from backend_core.homes import home_folder
from backend_core.logs import at_boundary, configure_logging, correlated, get_logger
from backend_core.settings import Settings, SettingsError, load_settings

log = get_logger(__name__)
EXPECTED_FAILURE = 1
WRONG_USAGE = 2
INTERRUPTED = 130


def parser() -> argparse.ArgumentParser:
    """Return the parser with every command."""
    root = argparse.ArgumentParser(prog="lecternctl", description="Everything Lectern does, from a terminal.")
    root.add_argument("--version", action="version", version=f"Lectern {__version__}")
    root.add_argument("--profile", metavar="NAME", type=profile, help="work on another set of data; `profiles list` names them")
    setting = "a process setting for this call only; `settings list --process` names them"
    root.add_argument("--set", metavar="NAME=VALUE", dest="overrides", type=override, action="append", default=[], help=setting)
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    work = (server, documents, speech, jobs, logs, monitoring, server_watch, indexes, metrics, notices, people, photos, memory)
    trust = (audit, backup, operators, privacy, readiness, releases, safety)
    for module in (*work, *trust, settings, profiles, samples):
        module.register(commands)
    return root


def override(text: str) -> tuple[str, str]:
    """Parse NAME=VALUE."""
    name, found, value = text.partition("=")
    if not found or not name:
        message = "write NAME=VALUE"
        raise argparse.ArgumentTypeError(message)
    return name, value


def settings_for(parsed: argparse.Namespace) -> Settings:
    """Return the settings that the arguments ask for.

    Raises:
        SettingsError: one that cannot be used.
    """
    home = {} if parsed.profile is None else {"home": home_folder(parsed.profile)}
    return load_settings(**(dict(parsed.overrides) | home))


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return 0 on success, 1 on an expected failure, 2 on wrong usage."""
    try:
        return _run(parser().parse_args(arguments))
    finally:
        _flush()


def _run(parsed: argparse.Namespace) -> int:
    output = Output(as_json=parsed.json)
    try:
        chosen = settings_for(parsed)
    except SettingsError as error:
        _say(InvalidInput(str(error)), output)
        return WRONG_USAGE
    configure_logging(chosen.log_dir, process="command", level=chosen.log_level, else_stderr=False)
    with correlated() as correlation:
        try:
            code: int = parsed.run(Context(settings=chosen, output=output, arguments=parsed))
        except KeyboardInterrupt:
            sys.stderr.write("\nStopped.\n")
            return INTERRUPTED
        except BrokenPipeError:
            # the reader of our output went away; nothing is wrong
            return EXPECTED_FAILURE
        except Exception as error:  # noqa: BLE001  # boundary: a person sees a sentence and an id, the log has the rest
            sentence = f"Something went wrong. `lecternctl logs --correlation {correlation}` shows more."
            event = "command refused" if isinstance(error, LecternError) else "command failed"
            _say(at_boundary(log, event, error, sentence=sentence, facts={"command": parsed.command}), output)
            return EXPECTED_FAILURE
    return code


def _say(error: LecternError, output: Output) -> None:
    # the window keeps trying when the database is away; a command has ended
    told = payload(error, next_step=Unavailable.next_step if isinstance(error, DatabaseAway) else "")
    sys.stderr.write(f"{told.sentence} {told.next_step}\n")
    if output.as_json:
        # an output that takes nothing has been complained about already
        with contextlib.suppress(LecternError, BrokenPipeError):
            output.result({"error": told}, text="")


def _flush() -> None:
    """Empty the output; what nobody can take any more must not make Python complain at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
