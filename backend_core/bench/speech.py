"""What speaking costs: CPU of a page and of a whole book to MP3, beside the command line programs ``espeak-ng`` and ``lame``."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import cycle
from pathlib import Path
from typing import Any, Final

from backend_core.speech import LocalEngine, SpeechRequest

PAGE_CHARACTERS: Final = 2000
PAGE_LIMIT_CPU_S: Final = 0.35
PAGE_LIMIT_RATIO: Final = 1.15
BOOK_LIMIT_CPU_S: Final = 110.0
BOOK_LIMIT_MB: Final = 200.0
VOICE: Final = "local:en-gb"
_HARD_LIMIT_S: Final = 60.0
_SENTENCES: Final = (
    "The harbour office opened at seven, an hour before the first boat came in, and the clerk set out the forms in three neat piles.",
    "Nobody had asked for a fourth pile, but by the end of the week there was one all the same.",
    "It held the letters that fitted nowhere: a question about the tide tables, a complaint about the bell, a drawing by a child.",
    "She read each of them twice, once for what it said and once for what it wanted.",
    "When the wind turned to the north the gulls moved inland, and the town, which lived by them more than it knew, grew quiet.",
    "In the afternoon the mechanic brought the engine back; he had taken it apart on the kitchen table and found nothing wrong.",
    "That, he said, was the trouble with engines: they broke in company and ran well alone.",
    "Later, over tea, they agreed on the price, on the weather, and on very little else.",
)


def run(*, rounds: int = 5, pages: int = 300) -> list[dict[str, Any]]:
    """Measure a page in ``rounds`` and a book of ``pages`` pages; return one record per figure, none on Windows.

    CPU seconds are those of this process and of the voice processes together.
    """
    if sys.platform == "win32":
        return []
    with tempfile.TemporaryDirectory() as folder:
        return [_page(Path(folder), rounds), *_book(Path(folder), pages)]


def prose(page: int) -> str:
    """Return ``PAGE_CHARACTERS`` characters of English prose, other sentences first on each page."""
    text, sentences = "", cycle(_SENTENCES[page % len(_SENTENCES) :] + _SENTENCES[: page % len(_SENTENCES)])
    while len(text) < PAGE_CHARACTERS:
        text += f"{next(sentences)} "
    return text[:PAGE_CHARACTERS]


def _page(folder: Path, rounds: int) -> dict[str, Any]:
    engine = LocalEngine()
    engine.voices()
    ours, controls, audible = [], [], 0.0
    for _ in range(rounds):
        before = _cpu_s()
        audible = _speak(engine, 0, folder)
        ours.append(_cpu_s() - before)
        controls += _control(folder)
    value, control = statistics.median(ours), statistics.median(controls) if controls else None
    ratio = round(value / control, 3) if control else None
    return {
        "name": "speech.page_cpu",
        "value": round(value, 4),
        "unit": "s",
        "control": round(control, 4) if control else None,
        "ratio": ratio,
        "threshold": f"<= {PAGE_LIMIT_CPU_S} and <= {PAGE_LIMIT_RATIO} x control",
        "met": value <= PAGE_LIMIT_CPU_S and (ratio is None or ratio <= PAGE_LIMIT_RATIO),
        "note": f"{PAGE_CHARACTERS} characters of English, {audible:.0f} s of audio, MP3 64 kbit/s quality 7, median of {rounds}; "
        "control: espeak-ng | lame -b 64 -q 7",
    }


def _book(folder: Path, pages: int) -> list[dict[str, Any]]:
    engine = LocalEngine()
    engine.voices()
    before, began = _cpu_s(), time.perf_counter()
    audible = sum(_speak(engine, page, folder) for page in range(pages))
    spent, wall = _cpu_s() - before, time.perf_counter() - began
    peak = _peak_mb()
    size = f"{pages} pages of {PAGE_CHARACTERS} characters, {audible / 3600:.1f} h of audio"
    return [
        {
            "name": "speech.book_cpu",
            "value": round(spent, 2),
            "unit": "s",
            "threshold": f"<= {BOOK_LIMIT_CPU_S:g} for 300 pages",
            "met": spent <= BOOK_LIMIT_CPU_S,
            "note": f"{size}, one after the other in {wall:.0f} s",
        },
        {
            "name": "speech.book_peak_memory",
            "value": round(peak, 1),
            "unit": "MB",
            "threshold": f"<= {BOOK_LIMIT_MB:g}",
            "met": peak <= BOOK_LIMIT_MB,
            "note": f"largest resident size of this process and of any voice process; {size}",
        },
    ]


def _speak(engine: LocalEngine, page: int, folder: Path) -> float:
    """Speak one page, drop the file and return the seconds of audio."""
    audio = engine.synthesize(SpeechRequest(text=prose(page), voice=VOICE, title=f"Page {page}"), into=folder, hard_limit_s=_HARD_LIMIT_S)
    audio.path.unlink()
    return audio.seconds


def _control(folder: Path) -> list[float]:
    """Return the CPU seconds of the two programs for the same page; nothing where they are not installed."""
    speak, encode = shutil.which("espeak-ng"), shutil.which("lame")
    if not speak or not encode:
        return []
    page = folder / "page.txt"
    page.write_text(prose(0), encoding="utf-8")
    before = _cpu_s()
    with subprocess.Popen([speak, "-v", "en-gb", "--stdout", "-f", str(page)], stdout=subprocess.PIPE) as voice:
        options = ["--quiet", "-m", "m", "-b", "64", "-q", "7"]
        subprocess.run([encode, *options, "-", str(folder / "control.mp3")], stdin=voice.stdout, check=True)
    return [_cpu_s() - before]


def _cpu_s() -> float:
    """Return the CPU seconds of this process and of the children it has waited for."""
    if sys.platform == "win32":
        return 0.0
    import resource  # not on Windows

    both = (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in both)


def _peak_mb() -> float:
    """Return the largest resident size reached by this process or one of its children."""
    if sys.platform == "win32":
        return 0.0
    import resource  # not on Windows

    kilobytes = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return kilobytes / 1024 if sys.platform == "linux" else kilobytes / 2**20
