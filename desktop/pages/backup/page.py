"""Backups: make them, prove them, keep their key, and know how to bring them back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Final, TypeVar

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

from backend_core.errors import LecternError
from desktop.background import current
from desktop.i18n import byte_size, date_time, tr
from desktop.pages.backup.dialogs import KeyDialog, RestoreDialog
from desktop.pages.backup.list_card import ListCard
from desktop.pages.backup.side_cards import KeyCard, RestoreCard, ScheduleCard
from desktop.pages.backup.words import files, overall
from desktop.widgets.badge import Badge
from desktop.widgets.banner import Banner
from desktop.widgets.button import Button
from desktop.widgets.card import Card
from desktop.widgets.file_dialog import ask_file
from desktop.widgets.layout import column, holder, row
from desktop.widgets.page import Page, PageContext, title_row
from desktop.widgets.progress_row import ProgressRow
from desktop.widgets.scroll import scrolling

if TYPE_CHECKING:
    from backend_core.backup.records import BackupRow, BackupView, RecoveryKey, Verified

T = TypeVar("T")

_SIDE_WIDTH: Final = 320
_STEPS: Final = {
    "Reading the database": lambda: tr("reading the database"),
    "Writing the backup": lambda: tr("writing"),
    "Reading the backup": lambda: tr("reading it back"),
    "Starting a database": lambda: tr("starting a scratch database"),
    "Loading the database": lambda: tr("loading it there"),
    "Verifying the audit log": lambda: tr("verifying the audit log"),
    "Stopping the database": lambda: tr("removing the scratch database"),
}


class BackupPage(Page):
    """The list beside three cards; one piece of work at a time."""

    key: ClassVar[str] = "backup"
    title: ClassVar[str] = "Backup"
    icon: ClassVar[str] = "archive"
    group: ClassVar[str] = "Run"
    action: ClassVar[str] = "backup.list"
    tables: ClassVar[frozenset[str]] = frozenset({"backups", "house_settings"})

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self.overall = Badge()
        self.banner = Banner()
        self.now = Button(tr("Back up now"), "primary", icon_name="archive", on_click=self.back_up)
        self.list = ListCard(on_first=self.back_up, on_folder=self.show_folder)
        self.key_card = KeyCard(on_show=self.show_key, on_save=self.save_key)
        self.schedule = ScheduleCard(on_settings=partial(context.navigate, "settings"))
        self.restore = RestoreCard()
        self.progress = Card()
        self.work: ProgressRow | None = None
        self._stop = threading.Event()
        self._folder = self._home = Path()
        self._build()
        self.list.verify_wanted.connect(self.verify)
        self.list.restore_wanted.connect(self.explain_restore)

    def refresh(self) -> None:
        """Read everything about the backups."""
        self.load(lambda: self.context.backend.backups.view(actor=self.context.actor), self._show)

    def back_up(self) -> None:
        """Make a backup now."""
        self._begin(tr("Backing up"), "archive", self._create, self._created)

    def verify(self, row: BackupRow) -> None:
        """Prove a backup."""
        self._begin(tr("Verifying {name}", name=row.file_name), "shield-check", partial(self._verify, row), self._verified)

    def explain_restore(self, row: BackupRow) -> None:
        """Say how to bring a backup back."""
        RestoreDialog(self, row, home=self._home).open()

    def show_folder(self) -> None:
        """Open the folder of backups in the system's file manager."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._folder)))

    def show_key(self) -> None:
        """Show the recovery key, once the person has proven who they are."""
        self.act(lambda: self.context.backend.backups.recovery_key(actor=self.context.actor), self._show_key)

    def save_key(self) -> None:
        """Ask where to, and save the recovery key."""
        kinds, name = {tr("Text (*.txt)"): "txt"}, "lectern-recovery-key"
        ask_file(self, tr("Save the recovery key"), kinds=kinds, name=name, on_chosen=self.save_key_to)

    def save_key_to(self, path: Path) -> None:
        """Save the recovery key to a file."""
        self.act(
            lambda: self.context.backend.backups.save_recovery_key(path, actor=self.context.actor),
            lambda _key: self.context.notify(tr("Saved. Keep {name} apart from this computer.", name=path.name)),
        )

    # -- building

    def _build(self) -> None:
        side = holder(column(self.key_card, self.schedule, self.restore, None, gap=16))
        side.setFixedWidth(_SIDE_WIDTH)
        left = holder(column(self.progress, (self.list, 1), gap=16))
        cards = holder(row((left, 1), side, gap=16, margins=(24, 14, 24, 20), stretch_height=True))
        scroll = scrolling(cards, name=tr("Cards"))
        head = title_row(tr(self.title), self.overall, right=(self.now,))
        top = column(head, margins=(24, 18, 24, 0))
        self.content.setLayout(column(holder(top), 12, self.banner, (scroll, 1), gap=0))
        self.progress.hide()

    # -- showing

    def _show(self, view: BackupView) -> None:
        self._folder, self._home = view.folder, view.home
        words, tone = overall(view)
        self.overall.show_state(words, "none" if tone == "unknown" else tone, unknown=tone == "unknown")
        self.list.show_view(view)
        self.key_card.show_view(view)
        self.schedule.show_view(view)
        self.restore.show_view(view)
        self.now.setEnabled(view.able and self.work is None)
        # the empty list has the same button in its middle
        self.now.setVisible(bool(view.rows))
        self._show_banner(view)

    def _show_banner(self, view: BackupView) -> None:
        if view.problem:
            self.banner.show_state(view.problem, tone="bad")
        elif view.key_id is not None and view.key_saved_at is None:
            words = tr("The recovery key was never saved: if this computer is lost, no backup can be opened.")
            self.banner.show_state(words, action=tr("Save to file…"), on_action=self.save_key)
        elif view.note:
            self.banner.show_state(view.note, tone="info")
        else:
            self.banner.clear()

    def _show_key(self, key: RecoveryKey) -> None:
        KeyDialog(self, key, on_save=self.save_key, on_kept=self._confirm_kept).open()

    def _confirm_kept(self) -> None:
        self.act(lambda: self.context.backend.backups.confirm_key_kept(actor=self.context.actor))

    # -- work that takes a while

    def _begin(self, title: str, icon_name: str, work: Callable[[], T], done: Callable[[T], object]) -> None:
        if self.work is not None:
            return
        self._stop.clear()
        self.work = ProgressRow(title, icon_name=icon_name)
        self.work.show_progress(None, state=tr("running"))
        self.work.cancelled.connect(self._cancel)
        self.progress.add(self.work)
        self.progress.show()
        self._set_busy(busy=True)

        def succeed(result: T) -> None:
            self._end()
            done(result)
            self.refresh()

        self.context.background.run(self, work, succeed, self._fail, key="backup", progress=self._progressed)

    def _cancel(self) -> None:
        self._stop.set()
        if self.work is not None:
            self.work.show_progress(None, state=tr("stopping"), tone="warn")

    def _progressed(self, value: object) -> None:
        if self.work is None or self._stop.is_set() or not isinstance(value, tuple):
            return
        step, done, total = value
        amount = tr("{done} of {total}", done=byte_size(done), total=byte_size(total)) if total else ""
        words = " · ".join(filter(None, (_STEPS.get(step, lambda: step)(), amount)))
        self.work.show_progress(done / total if total else None, detail=words, state=tr("running"))

    def _fail(self, error: LecternError) -> None:
        self._end()
        self.tell(error)

    def _end(self) -> None:
        if self.work is not None:
            self.work.hide()
            self.work.deleteLater()
        self.work = None
        self.progress.hide()
        self._set_busy(busy=False)

    def _set_busy(self, *, busy: bool) -> None:
        self.now.setEnabled(not busy)
        self.list.set_busy(busy=busy)

    def _create(self) -> BackupRow:
        made: BackupRow = self.context.backend.backups.create(actor=self.context.actor, progress=_report, should_stop=self._stopped)
        return made

    def _verify(self, row: BackupRow) -> Verified:
        backups = self.context.backend.backups
        found: Verified = backups.verify(row.path, actor=self.context.actor, progress=_report, should_stop=self._stopped)
        return found

    def _stopped(self) -> bool:
        token = current()
        return self._stop.is_set() or (token is not None and token.cancelled)

    def _created(self, made: BackupRow) -> None:
        words = tr("Backed up: {size}, {files}.", size=byte_size(made.bytes or 0), files=files(made.objects or 0))
        self.context.notify(words)

    def _verified(self, found: Verified) -> None:
        if not found.audit_ok:
            self.context.notify(tr("It can be restored, but its audit log does not verify."), tone="bad")
            return
        self.context.notify(tr("The backup of {when} was restored and compared: nothing is missing.", when=date_time(found.made_at)))


def _report(step: str, done: int, total: int) -> None:
    token = current()
    if token is not None:
        token.report((step, done, total))
