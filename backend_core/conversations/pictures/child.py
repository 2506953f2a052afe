"""The process that opens one hostile picture: one request on standard input, facts or a refusal on standard output.

It ends at once when its input closes, which is how a parent stops it, and how it notices a dead one.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from PIL import Image

# no other decoder is ever tried, whatever the file claims to be
FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF")
_ORPHANED: Final = 3
_QUALITY: Final = 88
_SMALL: Final = 96
_OCR_S: Final = 40
_LONGEST_TEXT: Final = 4_000
_HEIC: Final = (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypmsf1", b"ftyphevc")


class Refusal(Exception):
    """Raised here; its one word is all that leaves this process."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


def main() -> None:
    """Read the request, answer it, and never show a traceback."""
    gc.disable()
    request = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_die_with_parent, daemon=True).start()
    warnings.simplefilter("error")
    try:
        answer = _clean(request) if request["task"] == "clean" else _look(request)
    except Refusal as refused:
        answer = {"refused": refused.word}
    except MemoryError:
        answer = {"refused": "memory"}
    except Exception as error:  # noqa: BLE001 - process boundary: whatever a decoder throws at a hostile file, the parent gets one word
        sys.stderr.write(type(error).__name__)
        answer = {"refused": "unreadable"}
    sys.stdout.buffer.write(json.dumps(answer, ensure_ascii=False).encode() + b"\n")
    sys.stdout.buffer.flush()
    # the answer is out; skipping the interpreter's clean-up also skips what a broken native library might do in it
    os._exit(0)


def _clean(request: Mapping[str, Any]) -> dict[str, Any]:
    """Write the picture anew from its dots alone: nothing of the file's own words, places, times or thumbnails comes along."""
    from PIL import ImageOps

    picture, kind = _opened(Path(request["path"]), pixels=request["pixels"])
    size = picture.size
    upright = ImageOps.exif_transpose(picture)
    upright.thumbnail((request["edge"], request["edge"]))
    keep_exact = kind in {"PNG", "GIF"} or "A" in upright.getbands() or "transparency" in upright.info
    mode = "RGBA" if keep_exact and ("A" in upright.getbands() or "transparency" in upright.info) else "RGB"
    plain = upright.convert(mode)
    bare = _bare(plain)
    if keep_exact:
        bare.save(request["out"], "PNG", optimize=False)
    else:
        bare.save(request["out"], "JPEG", quality=_QUALITY)
    turned = upright.width * size[1] != upright.height * size[0] and (upright.width > upright.height) != (size[0] > size[1])
    width, height = (size[1], size[0]) if turned else size
    return {"width": width, "height": height, "type": "image/png" if keep_exact else "image/jpeg", "kind": kind}


def _bare(picture: Image.Image) -> Image.Image:
    from PIL import Image

    bare = Image.new(picture.mode, picture.size)
    bare.paste(picture)
    return bare


def _opened(path: Path, *, pixels: int) -> tuple[Image.Image, str]:
    from PIL import Image, UnidentifiedImageError

    # our own limit below: what Pillow warns of is an error here
    Image.MAX_IMAGE_PIXELS = pixels
    try:
        with path.open("rb") as file:
            head = file.read(32)
        if any(mark in head for mark in _HEIC):
            raise Refusal("heic")
        picture = Image.open(path, formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Refusal("pixels") from None
    except UnidentifiedImageError:
        raise Refusal("kind") from None
    if picture.width * picture.height > pixels or not picture.width or not picture.height:
        raise Refusal("pixels")
    picture.load()
    return picture, str(picture.format)


def _look(request: Mapping[str, Any]) -> dict[str, Any]:
    picture, _ = _opened(Path(request["path"]), pixels=request["pixels"])
    small = picture.convert("RGB")
    small.thumbnail((_SMALL, _SMALL))
    dots: list[tuple[int, int, int]] = list(small.get_flattened_data())  # type: ignore[arg-type]  # three bands, so three numbers a dot
    light = sum((299 * red + 587 * green + 114 * blue) / 255_000 for red, green, blue in dots) / len(dots)
    return {
        "light": round(light, 3),
        "colours": _colours(dots),
        "flat": round(1 - len(set(dots)) / len(dots), 3),
        "text": _text(request),
    }


def _colours(dots: list[tuple[int, int, int]]) -> list[tuple[str, float]]:
    """Return the names of the colours and their shares, the most first."""
    counts: dict[str, int] = {}
    for dot in dots:
        name = _name(*dot)
        counts[name] = counts.get(name, 0) + 1
    shares = sorted(((name, round(count / len(dots), 3)) for name, count in counts.items()), key=lambda one: -one[1])
    return shares[:4]


def _name(red: int, green: int, blue: int) -> str:
    import colorsys

    hue, saturation, value = colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255)
    if value < 0.18:  # noqa: PLR2004  # where a colour can no longer be told
        return "black"
    if saturation < 0.16:  # noqa: PLR2004  # where grey begins
        return "white" if value > 0.85 else "grey"  # noqa: PLR2004  # and ends
    degrees = hue * 360
    if 15 <= degrees < 45 and value < 0.65:  # noqa: PLR2004  # dark orange has a name of its own
        return "brown"
    bounds = (
        (15, "red"),
        (45, "orange"),
        (70, "yellow"),
        (165, "green"),
        (200, "turquoise"),
        (255, "blue"),
        (290, "purple"),
        (345, "pink"),
    )
    return next((name for bound, name in bounds if degrees < bound), "red")


def _text(request: Mapping[str, Any]) -> str:
    """Return what a local engine reads in the picture; nothing where there is none, or it fails."""
    engine = request.get("ocr")
    if not engine:
        return ""
    try:
        done = subprocess.run(
            [engine, request["path"], "stdout"], capture_output=True, timeout=_OCR_S, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    words = " ".join(done.stdout.decode("utf-8", "replace").split()) if done.returncode == 0 else ""
    return "".join(mark for mark in words if mark.isprintable())[:_LONGEST_TEXT]


def _die_with_parent() -> None:
    """End this process as soon as standard input ends (thread)."""
    while os.read(sys.stdin.fileno(), 1):
        pass
    os._exit(_ORPHANED)


if __name__ == "__main__":
    main()
