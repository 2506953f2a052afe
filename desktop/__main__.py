"""The ``lectern`` command: reads the arguments and opens the window."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from backend_core.homes import home_folder, profile_name


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``lectern`` with ``arguments`` (by default the process's own) and return its exit code.

    Usage errors end the process with code 2, as argparse does.
    """
    parsed = _parser().parse_args(arguments)
    if not _prepare_display(tour=parsed.tour is not None):
        sys.stderr.write("There is no display. Set DISPLAY, or use --tour DIR to run the window without one.\n")
        return 1
    # Imported after the arguments are known, so that --help and mistakes answer at once.
    from desktop.app import Options, run

    files = tuple(path.absolute() for path in parsed.files)
    # A tour adds documents: it gets a home of its own unless it was told which one to use.
    own = parsed.tour is not None and parsed.profile is None and not os.environ.get("LECTERN_HOME")
    home = Path(tempfile.mkdtemp(prefix="lectern-tour-")) if own else home_folder(parsed.profile)
    try:
        return run(Options(home=home, files=files, tour=parsed.tour, measure_from=parsed.measure_start))
    finally:
        if own:
            _erase(home)


def _erase(home: Path) -> None:
    from backend_core.backend import erase_home

    erase_home(home)


def _parser() -> argparse.ArgumentParser:
    from backend_core import __version__

    parser = argparse.ArgumentParser(prog="lectern", description="Documents to speech, in a window.")
    parser.add_argument("--profile", metavar="NAME", type=_profile, help="work on another set of data, kept beside the first")
    parser.add_argument("--tour", metavar="DIR", type=Path, help="walk through every page, write pictures to DIR, and end")
    parser.add_argument("--version", action="version", version=f"lectern {__version__}")
    parser.add_argument("--measure-start", metavar="NS", type=int, help=argparse.SUPPRESS)
    parser.add_argument("files", metavar="FILES", nargs="*", type=Path, help="documents to import")
    return parser


def _profile(name: str) -> str:
    try:
        return profile_name(name)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _prepare_display(*, tour: bool) -> bool:
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM"):
        return True
    if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return True
    if tour:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    return tour


if __name__ == "__main__":
    sys.exit(main())
