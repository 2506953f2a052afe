"""What the documents service hands out: plain frozen records, never rows or connections."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

Range = tuple[int, int]
Skip = tuple[int, int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioSummary:
    """Active audio of one document, by state.

    Attributes:
        pages_ready: pages with at least one finished audio.
        seconds: length of all finished audio.
    """

    ready: int = 0
    working: int = 0
    failed: int = 0
    pages_ready: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRow:
    """One document as lists show it.

    Attributes:
        kind: ``pdf``, ``docx``, ``md`` or ``txt``.
        status: ``PENDING``, ``PROCESSING``, ``COMPLETED`` or ``FAILED``.
        error: one safe sentence when it failed.
        language: BCP 47 code, or ``None`` when unsure.
        version: grows with each change; pass it back when renaming.
    """

    id: int
    title: str
    filename: str
    kind: str
    status: str
    error: str | None
    error_code: str | None
    correlation_id: str
    size_bytes: int
    language: str | None
    page_count: int
    characters: int
    version: int
    owner: str
    owner_id: int
    created_at: dt.datetime
    updated_at: dt.datetime
    audio: AudioSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentPage:
    """A slice of the document list.

    Attributes:
        next_cursor: pass as ``after`` for the following slice; ``None`` at the end.
        total: documents that match, over all slices.
    """

    rows: tuple[DocumentRow, ...]
    next_cursor: str | None
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRow:
    """One page in an overview of pages.

    Attributes:
        audio_status: best state over its active audio: ``COMPLETED``, ``GENERATING``, ``PENDING``, ``FAILED`` or ``None``.
        seconds: length of its finished audio.
    """

    id: int
    number: int
    characters: int
    audio_status: str | None
    seconds: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PageText:
    """The text of one page.

    Attributes:
        skips: character ranges that are shown but not spoken, each with its reason.
    """

    id: int
    document_id: int
    number: int
    text: str
    skips: tuple[Skip, ...]
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioRow:
    """One spoken version of a page.

    Attributes:
        status: ``PENDING``, ``GENERATING``, ``COMPLETED`` or ``FAILED``.
        outdated: the page was changed after this was spoken.
        sha256: of the stored file; ``pcm_sha256`` of the samples before encoding.
    """

    id: int
    document_id: int
    page: int
    voice: str
    status: str
    lifetime: str
    outdated: bool
    rate: int
    pitch: int
    seconds: float | None
    bytes: int | None
    sha256: str | None
    pcm_sha256: str | None
    error: str | None
    error_code: str | None
    correlation_id: str
    job_id: int | None
    created_by: str
    created_at: dt.datetime
    completed_at: dt.datetime | None
    last_played_at: dt.datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayableAudio:
    """Everything a player needs.

    Attributes:
        path: a verified MP3 file; read it, never change it.
        marks: ``(start, end, start_ms, end_ms)`` per spoken token, in characters of ``page.text``.
        peaks: loudness from 0 to 255 in equal steps over the whole length.
        encoder_delay: samples of silence the encoder put in front.
    """

    audio: AudioRow
    document_title: str
    page: PageText
    path: Path
    marks: tuple[tuple[int, int, int, int], ...]
    sentences: tuple[Range, ...]
    peaks: tuple[int, ...]
    sample_rate: int
    encoder_delay: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Generated:
    """The answer to one request for audio: what was queued and what was already there.

    Attributes:
        full: how many pages got none because they have had as many audios as they may.
    """

    queued: tuple[AudioRow, ...]
    existing: tuple[AudioRow, ...]
    full: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioQuota:
    """How many audios a page ever had, deleted and expired ones included, and how many it may have."""

    used: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A document that was accepted; its pages follow when its job is done."""

    document: DocumentRow
    job_id: int
