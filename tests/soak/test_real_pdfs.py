"""PDFs that nobody here wrote: page counts and words as poppler sees them, and twenty pages spoken.

Needs Debian's packages poppler-utils, debian-policy, developers-reference and gnuplot-doc.
"""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import miniaudio
import pytest

from backend_core.backend import Backend
from backend_core.documents.records import PlayableAudio
from backend_core.policy import Actor

SHARE = Path("/usr/share")
PATTERNS = ("doc/debian-policy/policy.pdf*", "developers-reference/*.pdf*", "doc/gnuplot*/gnuplot.pdf*")
FOUND = sorted({path.name: path for pattern in PATTERNS for path in SHARE.glob(pattern)}.values())
SPOKEN = 20
WORD = re.compile(r"\w+")

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(not FOUND or not shutil.which("pdftotext"), reason="needs the Debian packages named above"),
]


@pytest.fixture(params=FOUND, ids=lambda path: path.name)
def pdf(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    source: Path = request.param
    path = tmp_path / source.name.removesuffix(".gz")
    path.write_bytes(gzip.decompress(source.read_bytes()) if source.suffix == ".gz" else source.read_bytes())
    return path


def imported(backend: Backend, actor: Actor, run_jobs: Callable[[], None], path: Path) -> int:
    document_id = backend.documents.import_file(path, actor=actor).document.id
    run_jobs()
    return document_id


def words(text: str) -> Counter[str]:
    return Counter(word.lower() for word in WORD.findall(text))


def test_pages_and_words_are_those_poppler_finds(backend: Backend, actor: Actor, run_jobs: Callable[[], None], pdf: Path) -> None:
    document_id = imported(backend, actor, run_jobs, pdf)
    row = backend.documents.get(document_id, actor=actor)
    info = subprocess.run(["pdfinfo", str(pdf)], capture_output=True, text=True, check=True).stdout
    assert re.findall(r"Pages:\s+(\d+)", info) == [str(row.page_count)]
    reference = words(subprocess.run(["pdftotext", str(pdf), "-"], capture_output=True, text=True, check=True).stdout)
    ours: Counter[str] = Counter()
    for number in range(1, row.page_count + 1):
        text = backend.documents.page(document_id, number, actor=actor).text
        assert "\x02" not in text
        ours.update(words(text))
    found = sum((reference & ours).values())
    assert found / reference.total() >= 0.995


def test_twenty_pages_are_spoken_completely(backend: Backend, actor: Actor, run_jobs: Callable[[], None], pdf: Path) -> None:
    document_id = imported(backend, actor, run_jobs, pdf)
    long_pages = [page.number for page in backend.documents.pages(document_id, actor=actor) if page.characters > 400]
    pages = long_pages[:SPOKEN]
    backend.audios.generate(document_id, actor=actor, pages=pages)
    run_jobs()
    rows = backend.audios.listing(document_id, actor=actor)
    assert [row.status for row in rows] == ["COMPLETED"] * len(pages)
    assert len({row.pcm_sha256 for row in rows}) == len(pages)
    starts = good = 0
    pace = []
    for row in rows:
        playable = backend.audios.play(row.id, actor=actor)
        check_length(playable)
        text = playable.page.text
        starts += len(playable.marks)
        good += sum(start == 0 or not (text[start - 1].isalnum() and text[start].isalnum()) for start, *_ in playable.marks)
        # letters and digits: the dots that lead to a page number in a table of contents take no time
        skipped = sum(words(text[begin:end]).total() for begin, end, _ in playable.page.skips)
        pace.append((row.seconds or 0) / (words(text).total() - skipped))
    assert good / starts >= 0.99
    assert max(pace) < 3 * min(pace)


def check_length(playable: PlayableAudio) -> None:
    seconds = playable.audio.seconds or 0
    decoded = miniaudio.decode_file(str(playable.path))
    assert abs(decoded.duration - playable.encoder_delay / playable.sample_rate - seconds) < 0.1
    assert seconds - 1 <= playable.marks[-1][3] / 1000 <= seconds
    assert max(abs(sample) for sample in decoded.samples) > 1000
    assert max(playable.peaks) > 20


def test_the_same_page_twice_gives_the_same_samples(backend: Backend, actor: Actor, run_jobs: Callable[[], None], pdf: Path) -> None:
    document_id = imported(backend, actor, run_jobs, pdf)
    page = max(backend.documents.pages(document_id, actor=actor), key=lambda page: page.characters).number
    hashes = set()
    for _ in range(2):
        backend.audios.generate(document_id, actor=actor, pages=[page])
        run_jobs()
        row = backend.audios.listing(document_id, actor=actor)[0]
        hashes.add(row.pcm_sha256)
        backend.audios.delete(row.id, actor=actor)
    assert len(hashes) == 1
