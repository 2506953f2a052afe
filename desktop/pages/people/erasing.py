"""Handing over and erasing: everything about a person into a file, everything about them away, and the receipts of it."""

from __future__ import annotations

import uuid
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from desktop.background import current
from desktop.i18n import date_time, number, tr
from desktop.pages.people.dialogs import show_receipt
from desktop.pages.people.erasures_tab import counts_words
from desktop.widgets.file_dialog import ask_file, ask_source
from desktop.widgets.page import Page

if TYPE_CHECKING:
    from backend_core.conversations.records import ContactRow
    from backend_core.memory.forget_records import PersonErasure, PersonExport, Receipt, ReceiptVerdict
    from desktop.widgets.dialogs import Dialog

MOST_RECEIPTS = 200


class Erasing(QObject):
    """Does it for a page."""

    def __init__(self, page: Page) -> None:
        super().__init__(page)
        self._page, self._context = page, page.context
        self.dialog: QFileDialog | Dialog | None = None

    def read(self) -> tuple[tuple[PersonErasure, ...], tuple[Receipt, ...]]:
        """Return who is to be erased and the receipts; runs in a worker."""
        forgetting, actor = self._context.backend.forgetting, self._context.actor
        return forgetting.person_erasures(actor=actor), forgetting.receipts(actor=actor, limit=MOST_RECEIPTS)

    # -- a copy of everything

    def choose_export(self, contact: ContactRow) -> None:
        """Ask for a file and write everything about ``contact`` into it."""
        title = tr("Export everything about {name}", name=contact.name)
        kinds = {tr("Archive (*.zip)"): "zip"}
        self.dialog = ask_file(self._page, title, kinds=kinds, name="person-export", on_chosen=partial(self.export, contact.id))

    def export(self, who: uuid.UUID, path: Path) -> None:
        """Write everything about a person to ``path``."""
        context = self._context

        def work() -> PersonExport:
            token = current()

            def report(_done: int, _total: int) -> None:
                if token is not None:
                    token.raise_if_cancelled()

            done: PersonExport = context.backend.forgetting.export_person(who, path, actor=context.actor, progress=report)
            return done

        told = lambda done: context.notify(tr("{n} files written to {name}.", n=number(done.files), name=path.name))  # noqa: E731  # a slot of one line
        self._page.act(work, told)

    # -- nothing any more

    def erase(self, contact: ContactRow, typed: str) -> None:
        """Set everything about ``contact`` to be erased after the time of grace."""
        context = self._context

        def told(erasure: PersonErasure) -> None:
            words = tr("Everything about {name} is erased on {day}.", name=contact.name, day=date_time(erasure.due_at))
            context.notify(words, undo=lambda: self.keep(contact.id))

        self._page.act(lambda: context.backend.forgetting.request_erasure(contact.id, typed, actor=context.actor), told)

    def keep(self, who: uuid.UUID) -> None:
        """Take a waiting erasure back."""
        context = self._context
        told = tr("The erasure is taken back; nothing was erased.")
        self._page.act(lambda: context.backend.forgetting.cancel_erasure(who, actor=context.actor), lambda _erasure: context.notify(told))

    # -- proof

    def choose_receipt_file(self, receipt: uuid.UUID) -> None:
        """Ask where to, and save a receipt."""
        kinds, name = {tr("Erasure receipt (*.json)"): "json"}, f"receipt-{str(receipt)[:8]}"
        self.dialog = ask_file(self._page, tr("Save the receipt"), kinds=kinds, name=name, on_chosen=partial(self.save, receipt))

    def save(self, receipt: uuid.UUID, path: Path) -> None:
        """Save a receipt to a file that proves itself."""
        context = self._context
        self._page.act(
            lambda: context.backend.forgetting.save_receipt(receipt, path, actor=context.actor),
            lambda _receipt: context.notify(tr("Receipt saved as {name}.", name=path.name)),
        )

    def choose_check(self) -> None:
        """Ask for a receipt file and check it."""
        filters = [tr("Erasure receipt (*.json)"), tr("All files (*)")]
        self.dialog = ask_source(self._page, tr("Check a receipt"), filters=filters, on_chosen=self.check)

    def check(self, path: Path) -> None:
        """Check a receipt file and say what came of it."""
        context = self._context
        self._page.act(lambda: context.backend.forgetting.verify_receipt(path, actor=context.actor), self._show_verdict)

    def _show_verdict(self, verdict: ReceiptVerdict) -> None:
        if verdict.ok:
            title, sentence = tr("The receipt is genuine"), tr("Nothing in it was changed, and a key of this house signed it.")
        else:
            title, sentence = tr("The receipt does not prove anything"), " ".join(sentence for _, sentence in verdict.problems)
        facts = verdict.facts
        lines = [(tr("Erased"), str(facts.get("erased_at", ""))), (tr("What"), counts_words(facts.get("counts", {})))] if facts else []
        lines += [(tr("Signed by"), verdict.key_id)] if verdict.key_id else []
        self.dialog = show_receipt(self._page, title, sentence, lines, ok=verdict.ok)
