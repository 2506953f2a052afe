"""Entry point of lecternctl: parse, run one command, turn any failure into one clear sentence."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys

import pydantic

from backend_core import __version__
from backend_core.cli import audit, documents, jobs, monitoring, samples, server, speech
from backend_core.cli.context import Context
from backend_core.cli.output import Output
from backend_core.errors import DatabaseAway, InvalidInput, LecternError, Unavailable, Unexpected
from backend_core.logs import configure_logging, correlated, get_logger, log_failure
from backend_core.settings import complaint, load_settings

log = get_logger(__name__)
EXPECTED_FAILURE = 1
WRONG_USAGE = 2
INTERRUPTED = 130


def parser() -> argparse.ArgumentParser:
    """Return the parser with every command."""
    root = argparse.ArgumentParser(prog="lecternctl", description="Everything Lectern does, from a terminal.")
    root.add_argument("--version", action="version", version=f"Lectern {__version__}")
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in (server, documents, speech, jobs, monitoring, audit, samples):
        module.register(commands)
    return root


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return 0 on success, 1 on an expected failure, 2 on wrong usage."""
    try:
        return _run(parser().parse_args(arguments))
    finally:
        _flush()


def _run(parsed: argparse.Namespace) -> int:
    output = Output(as_json=parsed.json)
    try:
        settings = load_settings()
    except pydantic.ValidationError as error:
        _say(InvalidInput(complaint(error)), "", output)
        return WRONG_USAGE
    configure_logging(settings.log_dir, process="command", level=settings.log_level, else_stderr=False)
    with correlated() as correlation:
        try:
            code: int = parsed.run(Context(settings=settings, output=output, arguments=parsed))
        except LecternError as error:
            log.warning("command refused", error_code=error.code, sentence=str(error))
            _say(error, error.correlation_id or correlation, output)
            return EXPECTED_FAILURE
        except KeyboardInterrupt:
            sys.stderr.write("\nStopped.\n")
            return INTERRUPTED
        except BrokenPipeError:
            # the reader of our output went away; nothing is wrong
            return EXPECTED_FAILURE
        except Exception as error:  # noqa: BLE001  # boundary: a person sees a sentence and an id, the log has the rest
            log_failure(log, "command failed", error, facts={"command": parsed.command})
            sentence = f"Something went wrong. The log in {settings.log_dir} has more under {correlation}."
            _say(Unexpected(sentence), correlation, output)
            return EXPECTED_FAILURE
    return code


def _say(error: LecternError, correlation: str, output: Output) -> None:
    # the window keeps trying when the database is away; a command has ended
    next_step = Unavailable.next_step if isinstance(error, DatabaseAway) else error.next_step
    sys.stderr.write(f"{error} {next_step}\n")
    if output.as_json:
        facts = {"code": error.code, "sentence": str(error), "next_step": next_step, "correlation_id": correlation}
        # an output that takes nothing has been complained about already
        with contextlib.suppress(LecternError, BrokenPipeError):
            output.result({"error": facts}, text="")


def _flush() -> None:
    """Empty the output; what nobody can take any more must not make Python complain at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
