"""The cards beside the list: the recovery key, the schedule, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from desktop.i18n import ago, byte_size, date_time, number, tr
from desktop.widgets.badge import Badge
from desktop.widgets.button import Button
from desktop.widgets.card import Card
from desktop.widgets.key_values import Fact, KeyValues
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import row

if TYPE_CHECKING:
    from backend_core.backup.records import BackupView


class KeyCard(Card):
    """Whether a person has the recovery key, and the way to it."""

    def __init__(self, *, on_show: Callable[[], object], on_save: Callable[[], object]) -> None:
        self.badge = Badge()
        super().__init__(tr("Recovery key"), icon_name="key-round", right=(self.badge,))
        self.words = PlainLabel("", "small", wrap=True)
        self.facts = KeyValues(name_width=64)
        self.save = Button(tr("Save to file…"), icon_name="save", on_click=on_save)
        self.show_key = Button(tr("Show"), icon_name="eye", on_click=on_show)
        self.add(self.words, self.facts, row(self.save, self.show_key, None), None)

    def show_view(self, view: BackupView) -> None:
        """Show what ``view`` knows of the key."""
        saved = view.key_saved_at
        if view.key_id is None:
            self.badge.show_state(tr("no key yet"), unknown=True)
            self.words.setText(tr("The first backup makes a key. Without it nobody can open a backup, not even you."))
        elif saved is None:
            self.badge.show_state(tr("not saved"), "warn")
            self.words.setText(tr("If this computer is lost, so is its key, and every backup with it. Save it somewhere else."))
        else:
            self.badge.show_state(tr("saved {ago}", ago=ago(saved)), "ok")
            self.words.setText(tr("Keep it apart from this computer and apart from the backups."))
        self.facts.set_facts([Fact(tr("Key"), view.key_id or "", mono=True)])
        for part in (self.facts, self.save, self.show_key):
            part.setVisible(view.key_id is not None)
        self.facts.setToolTip(view.secrets)


class ScheduleCard(Card):
    """When backups are made by themselves, and where they go."""

    def __init__(self, *, on_settings: Callable[[], object]) -> None:
        self.settings = Button(tr("Settings"), "link", on_click=on_settings)
        super().__init__(tr("Schedule"), icon_name="timer", right=(self.settings,))
        self.facts = KeyValues(name_width=64)
        self.warning = PlainLabel("", "small", wrap=True)
        self.add(self.facts, self.warning, None)

    def show_view(self, view: BackupView) -> None:
        """Show the schedule of ``view``."""
        every = view.schedule.every_days
        often = tr("never") if not every else tr("every day") if every == 1 else tr("every {n} days", n=number(every))
        facts = [Fact(tr("Made"), often)]
        if view.next_at is not None:
            facts.append(Fact(tr("Next"), date_time(view.next_at)))
        facts.append(Fact(tr("Kept"), tr("the newest {n}", n=number(view.schedule.keep))))
        facts.append(Fact(tr("Room"), tr("unknown") if view.free_bytes is None else tr("{size} free", size=byte_size(view.free_bytes))))
        self.facts.set_facts(facts)
        self.warning.setText(self._warning(view))
        self.warning.setVisible(bool(self.warning.text()))

    @staticmethod
    def _warning(view: BackupView) -> str:
        if not view.able:
            return tr("This sign-in may not read the whole database. Whoever owns it makes the backups: lecternctl backup FILE")
        if view.same_disk:
            return tr("Backups go to the disk they should protect. LECTERN_BACKUP_DIR names a folder on another one.")
        return ""


class RestoreCard(Card):
    """How everything comes back, and what earlier restores put aside."""

    def __init__(self) -> None:
        super().__init__(tr("Restore"), icon_name="rotate-ccw")
        self.words = PlainLabel("", "small", wrap=True)
        self.kept = PlainLabel("", "small", wrap=True)
        self.add(self.words, self.kept, None)

    def show_view(self, view: BackupView) -> None:
        """Show what ``view`` knows of earlier restores."""
        self.words.setText(
            tr(
                "Select a backup and press Restore: Lectern shows the command for a terminal, because the window itself uses the data"
                " that is replaced. What is here now is kept beside it."
            )
        )
        held = sum(one.bytes for one in view.kept)
        words = tr("Data from before {n} restores is kept ({size}).", n=number(len(view.kept)), size=byte_size(held))
        self.kept.setText(words if view.kept else "")
        self.kept.setVisible(bool(view.kept))
