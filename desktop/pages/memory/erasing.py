"""What forgetting would take and what it took, in the words of the window; runs in workers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from backend_core.errors import InvalidInput
from desktop.i18n import number, tr
from desktop.pages.memory.forget_panel import Item, Preview, Receipt, Stay
from desktop.pages.memory.lines import DIRECT, Place
from desktop.pages.memory.words import store_words

if TYPE_CHECKING:
    from backend_core.memory.forget_records import Forgotten, ReceiptVerdict
    from backend_core.memory.forget_records import Preview as Found
    from backend_core.memory.forget_records import Receipt as Signed

_SHORT: Final = 26
_RECEIPTS: Final = 50


class KeepQuiet(InvalidInput):
    """The words ask to keep quiet about something, which forgets nothing.

    Attributes:
        kind: ``hide`` or ``never``.
        topic: about what.
    """

    code = "keep_quiet"

    def __init__(self, kind: str, topic: str) -> None:
        super().__init__("That asks to keep quiet about something; nothing is forgotten by it. Set a boundary instead.")
        self.kind, self.topic = kind, topic


def preview_words(backend: Any, actor: Any, place: Place, words: str, *, others: Sequence[Place]) -> Preview:
    """Return what ``words`` would take away from one container, and how much is left elsewhere.

    Raises:
        KeepQuiet: the words set a boundary instead.
        InvalidInput: the words are no request to forget.
    """
    from backend_core.memory.commands import Command, read_command

    read = read_command(words)
    if isinstance(read, Command) and read.kind != "forget":
        raise KeepQuiet(read.kind, read.about or "")
    found: Found = backend.forgetting.preview(place.where, words, actor=actor)
    stays = _elsewhere(backend, actor, words, others) if found.about else ()
    return replace(_preview(found, place, said=words, stays=stays), reads=1 + (len(others) if found.about else 0))


def preview_memory(backend: Any, actor: Any, place: Place, memory_id: UUID, *, said: str, below: str) -> Preview:
    """Return what forgetting one memory would take away."""
    found: Found = backend.forgetting.preview(place.where, [memory_id], actor=actor)
    return _preview(found, place, said=said, below=below)


def forget(backend: Any, actor: Any, preview: Preview, *, at_once: bool, quiet: bool) -> Forgotten:
    """Carry out exactly what was shown; with ``quiet`` a boundary of the same container keeps the topic from being brought up."""
    done: Forgotten = backend.forgetting.forget(preview.place.where, preview.value, hard=at_once, actor=actor)
    if quiet and preview.topic and done.erasure_id is not None:
        backend.forgetting.add_boundary(preview.place.where, "never", preview.topic, actor=actor)
    return done


def receipts(backend: Any, actor: Any, places: Sequence[Place]) -> tuple[Receipt, ...]:
    """Return the receipts of what is open, newest first, each checked."""
    from backend_core.memory.receipts import is_about

    wanted = {place.where for place in places}
    found = []
    for signed in backend.forgetting.receipts(actor=actor, limit=_RECEIPTS):
        content = json.loads(signed.document)["receipt"]
        if any(is_about(content, key) for key in wanted if isinstance(key, UUID)):
            verdict: ReceiptVerdict = backend.forgetting.verify_receipt(signed.document, actor=actor)
            found.append(receipt_of(signed, content, verdict))
    return tuple(found)


def receipt_of(signed: Signed, content: Mapping[str, Any], verdict: ReceiptVerdict | None) -> Receipt:
    """Return one receipt as the drawer shows it."""
    digest = str(content["subject"]["sha256"])
    counts = [f"{store_words(store)[0].lower()} {number(count)}" for store, count in content["counts"].items() if count]
    return Receipt(
        key=str(signed.id),
        at=signed.at,
        container=tr("sha256:{start} … {end} (salted)", start=f"{digest[:4]} {digest[4:8]}", end=digest[-2:]),
        items=", ".join(counts),
        key_id=signed.key_id,
        asked_by=str(content["asked_by"]),
        verifies=None if verdict is None else verdict.ok,
        document=signed.document,
    )


def _preview(found: Found, place: Place, *, said: str, below: str = "", stays: tuple[Stay, ...] = ()) -> Preview:
    beside = [_stay(item.text, item.why) for item in found.stays]
    question = found.question or (tr("That was forgotten before.") if found.already else "")
    return Preview(
        place=place,
        said=said,
        below=below or tr("In {place}", place=place.said),
        items=tuple(Item(store, count, _detail(found, store)) for store, count in found.counts.items() if count),
        stays=(*beside, *stays),
        question=question,
        topic=found.about or "",
        value=found,
    )


def _stay(text: str, why: str) -> Stay:
    reason = tr("Somebody else said it.") if why == "others" else tr("From the same message, about something else.")
    return Stay("brain", text, reason)


def _detail(found: Found, store: str) -> str:
    texts = [" ".join(item.text.split()) for item in found.items if item.store == store and item.text.strip()]
    return ", ".join(text if len(text) <= _SHORT else text[: _SHORT - 1].rstrip() + "…" for text in texts[:3])


def _elsewhere(backend: Any, actor: Any, words: str, others: Sequence[Place]) -> tuple[Stay, ...]:
    """Return what the same words would take from the other open containers: said elsewhere, so not forgotten here."""
    found = []
    for place in others:
        there: Found = backend.forgetting.preview(place.where, words, actor=actor)
        count = there.counts.get("memories", 0)
        if count:
            group = place.kind != DIRECT
            why = tr("Said in the group. Forget them from that chat.") if group else tr("Said in private. Forget them there.")
            stays = (
                tr("{name}: 1 memory stays", name=place.name) if count == 1 else tr("{name}: {n} memories stay", name=place.name, n=count)
            )
            found.append(Stay(place.icon, stays[:1].upper() + stays[1:], why))
    return tuple(found)
