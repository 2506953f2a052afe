"""Everything the drawer shows of one document, read and put into words in one piece of work."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QLocale

from desktop.i18n import byte_size, clock, date_time, duration, number, tr

if TYPE_CHECKING:
    from backend_core.documents.records import AudioRow, DocumentRow, PageRow, PageText
    from backend_core.jobs.service import JobRow
    from backend_core.speech.engine import Voice

OPEN_STATES: Final = frozenset({"waiting", "running", "retrying"})
MOST_JOBS: Final = 200
MOST_OPEN_JOBS: Final = 500
SPEAK: Final = "documents.speak"
_BEST_FIRST: Final = ("COMPLETED", "GENERATING", "PENDING", "FAILED")
_JOB_LOOK: Final[dict[str, tuple[str, str]]] = {
    "waiting": ("hourglass", "none"),
    "running": ("loader", "info"),
    "retrying": ("history", "warn"),
    "done": ("circle-check", "ok"),
    "failed": ("circle-alert", "bad"),
    "cancelled": ("ban", "none"),
}
_AUDIO_LOOK: Final[dict[str, tuple[str, str]]] = {
    "PENDING": ("hourglass", "none"),
    "GENERATING": ("loader", "info"),
    "COMPLETED": ("circle-check", "ok"),
    "FAILED": ("circle-alert", "bad"),
}


@dataclass(frozen=True, slots=True)
class PageLine:
    """One page in the strip.

    Attributes:
        state: ``ready``, ``working``, ``outdated``, ``failed`` or ``none``.
        label: what stands below its number.
        audio: the audio the state speaks of.
        share: how far it is spoken, 0 to 1.
    """

    number: int
    characters: int
    state: str
    label: str
    audio: AudioRow | None
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class AudioLine:
    """One row of the audio list."""

    audio: AudioRow
    voice: str
    icon: str
    words: str
    tone: str
    below: str

    @property
    def id(self) -> int:
        """The audio's id."""
        return self.audio.id


@dataclass(frozen=True, slots=True)
class JobLine:
    """One row of the list of jobs; ``share`` is None unless it runs and says how far."""

    job: JobRow
    icon: str
    words: str
    tone: str
    below: str
    share: float | None

    @property
    def id(self) -> int:
        """The job's id."""
        return self.job.job_id


@dataclass(frozen=True, slots=True)
class Details:
    """One document for the drawer.

    Attributes:
        meta: the line below the title.
        text: the page that is read, None while there is none.
        suggested: the voice that fits: most used here, else the default of the language; None without voices.
        open_jobs: ids of what can be cancelled.
        batch: pages done and pages asked for, of the generation that runs; (0, 0) when none does.
        spoken: page numbers that have or will soon have audio, by voice id.
    """

    document: DocumentRow
    meta: str
    pages: tuple[PageLine, ...]
    text: PageText | None
    audios: tuple[AudioLine, ...]
    jobs: tuple[JobLine, ...]
    voices: tuple[Voice, ...]
    suggested: Voice | None
    open_jobs: tuple[int, ...]
    batch: tuple[float, int]
    spoken: Mapping[str, frozenset[int]]

    def page(self, wanted: int) -> PageLine | None:
        """Return the line of a page."""
        return self.pages[wanted - 1] if 1 <= wanted <= len(self.pages) and self.pages[wanted - 1].number == wanted else None


def read_details(backend: Any, *, actor: Any, document_id: int, page_number: int) -> Details:
    """Read one document with its pages, audio and jobs, and the text of one page; runs in a worker.

    Raises:
        NotFound: the document is gone.
    """
    document = backend.documents.get(document_id, actor=actor)
    read = document.status == "COMPLETED"
    pages = backend.documents.pages(document_id, actor=actor) if read else ()
    wanted = min(max(1, page_number), max(1, len(pages)))
    text = backend.documents.page(document_id, wanted, actor=actor) if pages else None
    audios = backend.audios.listing(document_id, actor=actor)
    jobs = backend.jobs.listing(actor=actor, document_id=document_id, limit=MOST_JOBS)
    working = [job for job in jobs if job.state in OPEN_STATES]
    if len(working) == len(jobs) == MOST_JOBS:
        working = list(backend.jobs.listing(actor=actor, document_id=document_id, open_only=True, limit=MOST_OPEN_JOBS))
    voices = backend.speech.voices()
    labels = {voice.id: voice.label for voice in voices}
    return Details(
        document=document,
        meta=meta_line(document),
        pages=_page_lines(pages, audios, {job.audio_id: job for job in working}),
        text=text,
        audios=tuple(_audio_line(row, labels) for row in audios),
        jobs=tuple(_job_line(row) for row in jobs),
        voices=voices,
        suggested=_suggested(backend, document, audios, voices),
        open_jobs=tuple(job.job_id for job in working),
        batch=_batch(audios, working),
        spoken=_spoken(audios),
    )


def meta_line(document: DocumentRow) -> str:
    """Return the line below the title: kind, pages, language, size, owner."""
    pages = tr("1 page") if document.page_count == 1 else tr("{n} pages", n=number(document.page_count))
    parts = [document.kind.upper(), pages if document.page_count else "", language_name(document.language)]
    parts += [byte_size(document.size_bytes), tr("owner {name}", name=document.owner)]
    return " · ".join(part for part in parts if part)


def language_name(code: str | None) -> str:
    """Return the name of a BCP 47 language in English, or the code when Qt does not know it.

    >>> language_name("pt-BR")
    'Portuguese'
    """
    if not code:
        return ""
    found = QLocale(code.replace("-", "_"))
    if found.language() == QLocale.Language.C:
        return code
    return QLocale.languageToString(found.language())


def seconds_to_speak(pages: Sequence[PageLine]) -> float:
    """Return about how long the local voice takes for those pages: 0.1 s each and 0.12 ms for each character, measured on two cores."""
    return sum(0.1 + 0.00012 * page.characters for page in pages)


def audio_line_words(row: AudioRow) -> str:
    """Return the state of an audio in words."""
    if row.status == "COMPLETED":
        return tr("Outdated") if row.outdated else clock(row.seconds or 0)
    return {"PENDING": tr("Waiting"), "GENERATING": tr("Speaking"), "FAILED": tr("Failed")}.get(row.status, row.status)


def _suggested(backend: Any, document: DocumentRow, audios: Sequence[AudioRow], voices: Sequence[Voice]) -> Voice | None:
    if not voices:
        return None
    used = Counter(row.voice for row in audios).most_common(1)
    found = next((voice for voice in voices if used and voice.id == used[0][0]), None)
    chosen: Voice = found or backend.speech.default_voice(document.language)
    return chosen


def _spoken(audios: Sequence[AudioRow]) -> dict[str, frozenset[int]]:
    found: dict[str, set[int]] = defaultdict(set)
    for row in audios:
        if row.status != "FAILED":
            found[row.voice].add(row.page)
    return {voice: frozenset(pages) for voice, pages in found.items()}


def _batch(audios: Sequence[AudioRow], working: Sequence[JobRow]) -> tuple[float, int]:
    """Return how many pages of the running request are done; all audio of one request was created at one moment."""
    moments = {row.created_at for row in audios if row.status in {"PENDING", "GENERATING"}}
    batch = [row for row in audios if row.created_at in moments]
    done = float(sum(row.status in {"COMPLETED", "FAILED"} for row in batch))
    running = {row.job_id for row in batch if row.status == "GENERATING"}
    done += sum(_share(job) or 0.0 for job in working if job.job_id in running)
    return (done, len(batch)) if batch else (0.0, 0)


def _share(job: JobRow) -> float | None:
    return min(1.0, job.done / job.total) if job.total else None


def _page_lines(pages: Sequence[PageRow], audios: Sequence[AudioRow], jobs: Mapping[int | None, JobRow]) -> tuple[PageLine, ...]:
    best: dict[int, AudioRow] = {}
    for row in audios:
        known = best.get(row.page)
        if known is None or _BEST_FIRST.index(row.status) < _BEST_FIRST.index(known.status):
            best[row.page] = row
    return tuple(_page_line(page, best.get(page.number), jobs) for page in pages)


def _page_line(page: PageRow, audio: AudioRow | None, jobs: Mapping[int | None, JobRow]) -> PageLine:
    if audio is None:
        return PageLine(page.number, page.characters, "none", "" if page.characters else tr("Empty"), None)
    if audio.status == "COMPLETED":
        return PageLine(page.number, page.characters, "outdated" if audio.outdated else "ready", audio_line_words(audio), audio)
    if audio.status == "FAILED":
        return PageLine(page.number, page.characters, "failed", tr("Retry"), audio)
    job = jobs.get(audio.id)
    share = (_share(job) if job is not None else None) or 0.0
    label = f"{share:.0%}".replace("%", "\u202f%") if share else audio_line_words(audio)
    return PageLine(page.number, page.characters, "working", label, audio, share)


def _audio_line(row: AudioRow, labels: Mapping[str, str]) -> AudioLine:
    icon, tone = _AUDIO_LOOK.get(row.status, ("circle-dashed", "none"))
    if row.status == "COMPLETED" and row.outdated:
        icon, tone = "history", "warn"
    parts = [row.error or ""] if row.status == "FAILED" else [labels.get(row.voice, row.voice)]
    if row.status != "FAILED" and row.rate != 100:  # noqa: PLR2004 - the normal rate is not worth a word
        parts.append(tr("rate {n} %", n=row.rate))
    if row.bytes is not None:
        parts.append(byte_size(row.bytes))
    return AudioLine(row, labels.get(row.voice, row.voice), icon, audio_line_words(row), tone, " · ".join(part for part in parts if part))


def _job_line(row: JobRow) -> JobLine:
    icon, tone = _JOB_LOOK.get(row.state, ("circle-dashed", "none"))
    words = {
        "waiting": tr("Waiting"),
        "running": tr("Running"),
        "retrying": tr("Trying again"),
        "done": tr("Done"),
        "failed": tr("Failed"),
        "cancelled": tr("Cancelled"),
    }.get(row.state, row.state)
    parts = [date_time(row.created_at)]
    if row.finished_at is not None and row.started_at is not None and row.state == "done":
        parts.append(duration((row.finished_at - row.started_at).total_seconds()))
    if row.error and row.state in {"failed", "retrying"}:
        parts = [row.error]
    elif row.note and row.state == "running":
        parts = [row.note]
    return JobLine(row, icon, words, tone, " · ".join(parts), _share(row) if row.state == "running" else None)
