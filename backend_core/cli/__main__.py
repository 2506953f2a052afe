"""Entry point of lecternctl: parse, run one command, turn any failure into one clear sentence."""

from __future__ import annotations

import argparse
import json
import os
import sys

import pydantic

from backend_core import __version__
from backend_core.cli import audit, documents, jobs, monitoring, samples, server, speech
from backend_core.cli.context import Context
from backend_core.cli.output import Output
from backend_core.errors import LecternError
from backend_core.logs import configure_logging, correlated, get_logger, log_failure
from backend_core.settings import load_settings

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
    parsed = parser().parse_args(arguments)
    output = Output(as_json=parsed.json)
    try:
        settings = load_settings()
    except pydantic.ValidationError as error:
        names = ", ".join(f"LECTERN_{str(part['loc'][0]).upper()}: {part['msg']}" for part in error.errors())
        sys.stderr.write(f"A setting cannot be used. {names}\n")
        return WRONG_USAGE
    configure_logging(settings.log_dir, process="command", level=settings.log_level)
    with correlated() as correlation:
        try:
            code: int = parsed.run(Context(settings=settings, output=output, arguments=parsed))
            sys.stdout.flush()
        except LecternError as error:
            return _failed(error, error.correlation_id or correlation, as_json=parsed.json)
        except KeyboardInterrupt:
            sys.stderr.write("\nStopped.\n")
            return INTERRUPTED
        except BrokenPipeError:
            # the reader of our output went away; nothing is wrong, and Python must not complain at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return EXPECTED_FAILURE
        except Exception as error:  # noqa: BLE001  # boundary: a person sees a sentence and an id, the log has the rest
            log_failure(log, "command failed", error, facts={"command": parsed.command})
            sentence = f"Something went wrong. The log in {settings.log_dir} has more under {correlation}."
            sys.stderr.write(sentence + "\n")
            return EXPECTED_FAILURE
    return code


def _failed(error: LecternError, correlation: str, *, as_json: bool) -> int:
    log.warning("command refused", error_code=error.code, sentence=str(error))
    if as_json:
        facts = {"error": {"code": error.code, "sentence": str(error), "next_step": error.next_step, "correlation_id": correlation}}
        sys.stdout.write(json.dumps(facts, ensure_ascii=False) + "\n")
    sys.stderr.write(f"{error} {error.next_step}\n")
    return EXPECTED_FAILURE


if __name__ == "__main__":
    sys.exit(main())
