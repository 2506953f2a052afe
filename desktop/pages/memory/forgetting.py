"""Forgetting from the window: preview, a question where it cannot be undone, the deed, the receipt, and the way back."""

from __future__ import annotations

import uuid
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from backend_core.errors import LecternError
from desktop.i18n import number, tr
from desktop.pages.memory import erasing
from desktop.pages.memory.details import Details
from desktop.pages.memory.drawer import FORGET, RECEIPTS
from desktop.pages.memory.erasing import KeepQuiet
from desktop.pages.memory.forget_panel import Preview, Receipt
from desktop.pages.memory.lines import SUPPORT, MemoryLine, Place
from desktop.pages.memory.words import day_short, moment_words
from desktop.widgets.dialogs import Confirm, ConfirmByTyping, safe_message
from desktop.widgets.file_dialog import ask_file, ask_source

if TYPE_CHECKING:
    from backend_core.memory.forget_records import Erasure, Forgotten, ReceiptVerdict
    from desktop.pages.memory.page import MemoryPage


class Forgetting(QObject):
    """The forget and receipt panels of the drawer."""

    def __init__(self, page: MemoryPage) -> None:
        super().__init__(page)
        self._page = page
        self.file_dialog: QFileDialog | None = None
        panel, book = page.drawer.forget, page.drawer.receipts
        panel.preview_wanted.connect(self.preview_words)
        panel.forget_wanted.connect(self.forget)
        panel.receipts_wanted.connect(self.open_receipts)
        book.save_wanted.connect(self.ask_save)
        book.check_wanted.connect(self.ask_check)

    # -- previews

    def ask(self) -> None:
        """Let the operator write what is to be forgotten; a search that is shown gives the topic."""
        page = self._page
        if page.opened is None:
            return
        viewer, query = page.card.seen_by.viewer, page.head.search.text().strip()
        place = viewer if viewer != SUPPORT else page.opened.places[0].key
        self._open_panel()
        words = tr("forget what I said about {topic}", topic=query) if query else ""
        page.drawer.forget.ask(page.opened.places, place=place, words=words)

    def preview_words(self, place_key: str, words: str) -> None:
        """Show what the words would take away."""
        page = self._page
        place, opened, backend = page.place_of(place_key), page.opened, page.context.backend
        if place is None or opened is None:
            return
        others = [one for one in opened.places if one.key != place_key]
        self._preview(lambda: erasing.preview_words(backend, page.actor(), place, words, others=others))

    def preview_line(self, line: MemoryLine, place: Place) -> None:
        """Show what forgetting one memory would take away."""
        page, backend = self._page, self._page.context.backend
        self._open_panel()
        page.drawer.forget.wait(line.text)
        below = f"{line.origin} · {moment_words(line.at)}"
        key = uuid.UUID(line.key)
        self._preview(lambda: erasing.preview_memory(backend, page.actor(), place, key, said=line.text, below=below))

    # -- deeds

    def forget(self, at_once: bool, quiet: bool) -> None:  # noqa: FBT001 - Qt's signal
        """Forget what the preview shows; what cannot be undone asks for the name first."""
        page, preview = self._page, self._page.drawer.forget.preview
        if preview is None or page.opened is None:
            return
        if not at_once:
            self._do(preview, at_once=False, quiet=quiet)
            return
        sentence = tr(
            "{n} items of {place} are erased for good. A receipt proves it; nothing brings them back.",
            n=number(preview.total),
            place=preview.place.said,
        )
        expected, action = page.opened.subject.name, tr("Erase at once")
        go = lambda: self._do(preview, at_once=True, quiet=quiet)  # noqa: E731 - a slot of one line
        page.show_dialog(ConfirmByTyping(page, tr("Erase at once?"), sentence, expected=expected, action=action, on_yes=go))

    def restore(self, details: Details) -> None:
        """Bring back what was forgotten together with a memory."""
        page, place, backend = self._page, details.place, self._page.context.backend

        def find() -> Erasure | None:
            found: tuple[Erasure, ...] = backend.forgetting.erasures(place.where, actor=page.actor())
            # what one request took shares the moment at which it goes for good
            return next((one for one in found if one.state == "hidden" and one.purge_after == details.purge_after), None)

        def ask(erasure: Erasure | None) -> None:
            page.count_reads(1)
            if erasure is None:
                page.context.notify(tr("That can no longer be restored."), tone="warn")
                return
            count = sum(erasure.counts.get(store, 0) for store in ("memories", "messages", "photos", "reminders"))
            sentence = tr(
                "It was forgotten on {day} together with others: {n} items come back.", day=day_short(erasure.asked_at), n=number(count)
            )
            on_yes = lambda: self._restore(place, erasure.id)  # noqa: E731 - a slot of one line
            page.show_dialog(Confirm(page, tr("Restore what was forgotten?"), sentence, action=tr("Restore"), on_yes=on_yes))

        page.act(find, ask)

    # -- receipts

    def open_receipts(self) -> None:
        """Show the receipts of what is open."""
        page = self._page
        if page.opened is None:
            return
        page.show_panel(RECEIPTS, tr("Erasure receipts"), page.opened.subject.name)
        self._read_receipts(page.drawer.receipts.show_receipts)

    def ask_save(self, receipt: Receipt) -> None:
        """Ask where a receipt goes."""
        kinds, name = {tr("Erasure receipt (*.json)"): "json"}, f"erasure-{receipt.at.astimezone():%Y%m%d}"
        save = partial(self.save_to, receipt)
        self.file_dialog = ask_file(self._page, tr("Save the receipt"), kinds=kinds, name=name, on_chosen=save)

    def save_to(self, receipt: Receipt, path: Path) -> None:
        """Write a receipt to ``path``."""
        page, backend, key = self._page, self._page.context.backend, uuid.UUID(receipt.key)
        page.act(
            lambda: backend.forgetting.save_receipt(key, path, actor=page.context.actor),
            lambda _receipt: page.context.notify(tr("Saved to {name}.", name=path.name)),
        )

    def ask_check(self) -> None:
        """Ask for a receipt to check."""
        filters = [tr("Erasure receipt (*.json)")]
        self.file_dialog = ask_source(self._page, tr("Check a receipt"), filters=filters, on_chosen=self.check)

    def check(self, path: Path) -> None:
        """Say whether a receipt is genuine."""
        page, backend = self._page, self._page.context.backend

        def told(verdict: ReceiptVerdict) -> None:
            title = tr("The receipt verifies") if verdict.ok else tr("The receipt does not verify")
            good = tr("It is as it was signed, by a key of this house.")
            words = good if verdict.ok else " ".join(sentence for _, sentence in verdict.problems)
            page.show_dialog(safe_message(page, title, words, tone="ok" if verdict.ok else "bad"))

        page.act(lambda: backend.forgetting.verify_receipt(path, actor=page.context.actor), told)

    # -- inside

    def _open_panel(self) -> None:
        page = self._page
        page.show_panel(FORGET, tr("Forget preview"), page.opened.subject.name if page.opened is not None else "")
        self._read_receipts(lambda found: page.drawer.forget.show_receipt(found[0] if found else None))

    def _preview(self, work: Any) -> None:
        page = self._page

        def failed(error: LecternError) -> None:
            if page.drawer.mode != FORGET:
                return
            page.drawer.forget.show_failure(f"{error} {'' if isinstance(error, KeepQuiet) else error.next_step}".strip())

        def done(preview: Preview) -> None:
            page.count_reads(preview.reads)
            if page.drawer.mode == FORGET:
                page.drawer.forget.show_preview(preview)

        page.context.background.run(page, work, done, failed, key="preview")

    def _do(self, preview: Preview, *, at_once: bool, quiet: bool) -> None:
        page, backend = self._page, self._page.context.backend
        page.act(
            lambda: erasing.forget(backend, page.actor(), preview, at_once=at_once, quiet=quiet), lambda done: self._done(preview, done)
        )

    def _done(self, preview: Preview, done: Forgotten) -> None:
        page = self._page
        if done.erasure_id is None:
            page.context.notify(done.question or tr("Nothing was forgotten."), tone="warn")
            return
        if done.hard:
            page.context.notify(tr("Erased for good; the receipt is signed."))
            self.open_receipts()
        else:
            erasure, place = done.erasure_id, preview.place
            page.context.notify(tr("{n} items forgotten.", n=number(preview.total)), undo=lambda: self._restore(place, erasure))
            page.drawer.close_drawer()
        page.reopen()

    def _restore(self, place: Place, erasure: uuid.UUID) -> None:
        page, backend = self._page, self._page.context.backend

        def done(_erasure: object) -> None:
            page.context.notify(tr("Restored."))
            page.drawer.close_drawer()
            page.reopen()

        page.act(lambda: backend.forgetting.restore(place.where, erasure, actor=page.actor()), done)

    def _read_receipts(self, show: Any) -> None:
        page = self._page
        backend, places = page.context.backend, page.opened.places if page.opened is not None else ()
        page.context.background.run(
            page, lambda: erasing.receipts(backend, page.context.actor, places), show, lambda _error: None, key="receipts"
        )
