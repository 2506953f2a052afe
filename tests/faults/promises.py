"""The checker: knows what was promised, looks at everything that is stored, and names each promise that was broken."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Spoken:
    """One active audio."""

    id: int
    document: int
    page: int
    voice: str
    status: str
    key: str | None


@dataclass(frozen=True, slots=True)
class Document:
    """One document with the numbers of its pages, as often as they occur."""

    id: int
    status: str
    page_count: int
    pages: tuple[int, ...]
    key: str


@dataclass(frozen=True, slots=True)
class Object:
    """One row about a stored file: how many references it claims, and how many there are."""

    key: str
    sha256: str
    refs: int
    real_refs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Everything that is stored once the dust has settled.

    Attributes:
        files: SHA-256 of the bytes of each complete file, by key.
        leftovers: intents, partial files, scratch folders and open jobs, in words.
        audited: how often each (action, target) was recorded as done.
    """

    documents: Sequence[Document] = ()
    audios: Sequence[Spoken] = ()
    objects: Sequence[Object] = ()
    files: dict[str, str] = field(default_factory=dict)
    leftovers: Sequence[str] = ()
    audited: Counter[tuple[str, str]] = field(default_factory=Counter)


@dataclass(slots=True)
class Promised:
    """What callers were told: pages by imported document, and each (document, page, voice) that was accepted."""

    imports: dict[int, int] = field(default_factory=dict)
    audios: set[tuple[int, int, str]] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Broken:
    """One broken promise: ``lost``, ``doubled``, ``orphaned``, ``corrupt`` or ``unaudited``, and what it is about."""

    kind: str
    about: str


def check(state: State, promised: Promised) -> list[Broken]:
    """Return every broken promise."""
    kinds = {"lost": _lost(state, promised), "doubled": _doubled(state), "orphaned": _orphaned(state), "corrupt": _corrupt(state)}
    kinds["unaudited"] = _unaudited(state)
    return [Broken(kind, about) for kind, found in kinds.items() for about in found]


def _lost(state: State, promised: Promised) -> Iterator[str]:
    documents = {document.id: document for document in state.documents}
    for document_id, pages in promised.imports.items():
        if document_id not in documents or documents[document_id].page_count != pages:
            yield f"document {document_id}"
    for document in state.documents:
        # one that was stored although nobody was told so any more is kept whole as well
        if document.status != "COMPLETED" or set(document.pages) != set(range(1, document.page_count + 1)):
            yield f"document {document.id} is {document.status} with pages {document.pages}"
    there = {(audio.document, audio.page, audio.voice) for audio in state.audios}
    yield from (f"audio {wanted}" for wanted in sorted(promised.audios - there))
    yield from (f"audio {audio.id} is {audio.status}" for audio in state.audios if audio.status != "COMPLETED" or audio.key is None)


def _doubled(state: State) -> Iterator[str]:
    audios = Counter((audio.document, audio.page, audio.voice) for audio in state.audios)
    yield from (f"audio {which} {count} times" for which, count in audios.items() if count > 1)
    pages = Counter((document.id, number) for document in state.documents for number in document.pages)
    yield from (f"page {which} {count} times" for which, count in pages.items() if count > 1)
    once = [item for item in state.audited.items() if item[0][0] in {"audio.speak", "document.extract", "document.import"}]
    yield from (f"record {which} {count} times" for which, count in once if count > 1)


def _orphaned(state: State) -> Iterator[str]:
    keys = {row.key for row in state.objects}
    yield from (f"file {key} without a row" for key in state.files if key not in keys)
    yield from (f"row {row.key} without a file" for row in state.objects if row.key not in state.files)
    yield from (f"row {row.key} counts {row.refs} of {row.real_refs}" for row in state.objects if row.refs != row.real_refs or not row.refs)
    yield from state.leftovers


def _corrupt(state: State) -> Iterator[str]:
    yield from (row.key for row in state.objects if row.key in state.files and state.files[row.key] != row.sha256)


def _unaudited(state: State) -> Iterator[str]:
    for document in state.documents:
        wanted = ("document.import", "document.extract") if document.status == "COMPLETED" else ("document.import",)
        yield from (f"{action} {document.id}" for action in wanted if not state.audited[action, f"document:{document.id}"])
    for audio in state.audios:
        if audio.status == "COMPLETED" and not state.audited["audio.speak", f"audio:{audio.id}"]:
            yield f"audio.speak {audio.id}"
        if not state.audited["audio.generate", f"document:{audio.document}"]:
            yield f"audio.generate {audio.document}"


def hashes(root: Path, pattern: str = "??/*") -> dict[str, str]:
    """Return the SHA-256 of every complete file below ``root``, by key."""
    found = [path for path in root.glob(pattern) if not path.name.startswith(".")]
    return {path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}
