"""What a picture is and shows, told by a limited child process; the file itself is never opened here."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from backend_core.errors import Cancelled, LecternError, LimitReached, TooLarge, Unavailable, UnreadableFile, UnsupportedFile
from backend_core.processes import ChildCancelled, ChildGone, ChildTimedOut, LimitedChild, child_environment, never

CHILD: Final = (sys.executable, "-P", "-m", "backend_core.conversations.pictures.child")
_TYPES: Final = ("image/png", "image/jpeg")
_REFUSALS: Final[Mapping[str, tuple[type[LecternError], str]]] = {
    "heic": (UnsupportedFile, "HEIC photos are not read here; send it as JPEG."),
    "kind": (UnsupportedFile, "That is not a photo of a kind Lectern reads: JPEG, PNG, WebP or GIF."),
    "pixels": (TooLarge, "That photo has more dots than the limit."),
    "memory": (TooLarge, "That photo needs more memory than the limit."),
    "unreadable": (UnreadableFile, "That photo is damaged or cut short."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureLimits:
    """What one picture may cost, in bytes, dots, seconds; and how large the kept copy is at most."""

    file_bytes: int = 25 * 2**20
    pixels: int = 50_000_000
    edge: int = 2048
    memory_bytes: int = 768 * 2**20
    cpu_s: int = 20
    wall_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """A picture written anew.

    Attributes:
        width, height: of the original, upright.
        size_bytes: of the copy.
    """

    path: Path
    width: int
    height: int
    content_type: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """What can be told of a picture without knowing what it shows.

    Attributes:
        light: 0 black to 1 white.
        colours: names and shares, the most first.
        flat: 0 to 1; near 1 for drawings and screens.
        text: what a local engine read in it; empty where there is none.
    """

    light: float
    colours: tuple[tuple[str, float], ...]
    flat: float
    text: str


_DEFAULT: Final = PictureLimits()


def text_engine() -> str | None:
    """Return the program on this computer that reads text in pictures, if there is one."""
    return shutil.which("tesseract")


def clean(path: Path, *, to: Path, limits: PictureLimits = _DEFAULT) -> Cleaned:
    """Write the picture anew without anything but its dots: no place, time, device, name or thumbnail.

    Raises:
        UnsupportedFile: another kind of file.
        UnreadableFile: damaged or cut short.
        TooLarge: over a limit.
        LimitReached: it took too long.
    """
    try:
        size = path.stat().st_size if path.is_file() else 0
    except OSError:
        size = 0
    if not size:
        raise UnreadableFile("That photo cannot be opened.")
    if size > limits.file_bytes:
        raise TooLarge(f"A photo has at most {limits.file_bytes // 2**20} MiB.")
    request = {"task": "clean", "path": str(path.resolve()), "out": str(to.resolve()), "pixels": limits.pixels, "edge": limits.edge}
    answer = _ask(request, limits=limits, should_stop=never)
    try:
        width, height, kind = int(answer["width"]), int(answer["height"]), str(answer["type"])
        made = to.stat().st_size
    except (KeyError, TypeError, ValueError, OSError):
        raise _refusal("unreadable") from None
    if width < 1 or height < 1 or width * height > limits.pixels or kind not in _TYPES:
        raise _refusal("unreadable")
    return Cleaned(path=to, width=width, height=height, content_type=kind, size_bytes=made)


def look(path: Path, *, text_engine: str | None = None, limits: PictureLimits = _DEFAULT, should_stop: Callable[[], bool] = never) -> Looks:
    """Return what can be told of a picture.

    Raises:
        UnreadableFile: it cannot be read any more.
        Cancelled: ``should_stop`` said so.
        LimitReached: it took too long.
    """
    request = {"task": "look", "path": str(path.resolve()), "pixels": limits.pixels, "ocr": text_engine}
    answer = _ask(request, limits=limits, should_stop=should_stop)
    try:
        colours = tuple((str(name), float(share)) for name, share in answer["colours"])
        return Looks(light=float(answer["light"]), colours=colours, flat=float(answer["flat"]), text=str(answer["text"]))
    except (KeyError, TypeError, ValueError):
        raise _refusal("unreadable") from None


def described(looks: Looks, *, width: int, height: int) -> str:
    """Return one sentence about a picture that claims nothing of what it shows.

    >>> looks = Looks(light=0.8, colours=(("blue", 0.6), ("white", 0.3)), flat=0.2, text="")
    >>> described(looks, width=4032, height=3024)
    'A bright landscape photo, 4032 × 3024, mostly blue and white.'
    """
    shape = "square" if width == height else "landscape" if width > height else "portrait"
    light = "bright " if looks.light > _BRIGHT else "dark " if looks.light < _DARK else ""
    what = "drawing or screen picture" if looks.flat > _FLAT else "photo"
    names = [name for name, share in looks.colours if share >= _SEEN][:2]
    colours = f", mostly {' and '.join(names)}" if names else ""
    return f"A {light}{shape} {what}, {width} × {height}{colours}."


_BRIGHT: Final = 0.66
_DARK: Final = 0.3
_FLAT: Final = 0.9
_SEEN: Final = 0.2
_BLANKS: Final = re.compile(r"\s+")


def one_line(text: str, *, longest: int) -> str:
    """Return text from outside on one line, without what cannot be seen."""
    plain = _BLANKS.sub(" ", "".join(mark if mark.isprintable() else " " for mark in text)).strip()
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"


def _ask(request: Mapping[str, Any], *, limits: PictureLimits, should_stop: Callable[[], bool]) -> Mapping[str, Any]:
    with LimitedChild(CHILD, memory_bytes=limits.memory_bytes, cpu_s=limits.cpu_s, wall_s=limits.wall_s, env=child_environment()) as child:
        try:
            child.send(request)
            answer = next(child.messages(should_stop=should_stop), None)
        except ChildCancelled:
            raise Cancelled("Looking at this photo was stopped on request.") from None
        except ChildTimedOut:
            raise LimitReached(f"Looking at this photo took longer than {limits.wall_s:.0f} seconds.") from None
        except ChildGone:
            answer = None
        if answer is None:
            raise _gone(child.finish().code)
    if "refused" in answer:
        raise _refusal(str(answer["refused"]))
    return answer


def _gone(code: int) -> LecternError:
    # a decoder that crashed or ran out of time on this file will do so again; a signal from outside says nothing of the file
    import signal

    outside = {-getattr(signal, name) for name in ("SIGTERM", "SIGHUP", "SIGINT") if hasattr(signal, name)}
    return Unavailable("The process that looks at photos was stopped.") if code in outside else _refusal("unreadable")


def _refusal(code: str) -> LecternError:
    error, sentence = _REFUSALS.get(code, _REFUSALS["unreadable"])
    return error(sentence)
