"""The Settings page: house settings that an administrator changes, this computer, and the settings of this process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from PySide6.QtWidgets import QStackedWidget

from desktop.i18n import ago, tr
from desktop.pages.settings.computer import ComputerSection, Here
from desktop.pages.settings.house import HouseSection
from desktop.pages.settings.process import ProcessSection
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import column, holder
from desktop.widgets.page import Page, PageContext, title_row
from desktop.widgets.tabs import Tabs

if TYPE_CHECKING:
    from backend_core.house.declaration import HouseField
    from backend_core.house.service import HouseState
    from backend_core.settings import SettingFact

READ: Final = "settings.read"
CHANGE: Final = "settings.update"


@dataclass(frozen=True, slots=True)
class _Everything:
    """What one reading brought."""

    fields: tuple[HouseField, ...]
    state: HouseState
    refused: str
    here: Here
    facts: tuple[SettingFact, ...]
    file: str


class SettingsPage(Page):
    """Three tabs; the first is generated from the declaration of the house settings."""

    key: ClassVar[str] = "settings"
    title: ClassVar[str] = "Settings"
    icon: ClassVar[str] = "settings"
    group: ClassVar[str] = ""
    action: ClassVar[str] = READ
    tables: ClassVar[frozenset[str]] = frozenset({"house_settings"})

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        self.place = tr("House")
        self.house: HouseSection | None = None
        self.process = ProcessSection()
        self.computer = ComputerSection()
        names = {"house": tr("House"), "computer": tr("This computer"), "process": tr("Process")}
        self._names = names
        self.tabs = Tabs(list(names.items()), name=tr("Settings"))
        self.tabs.chosen.connect(self._chosen)
        self.changed = PlainLabel("", "small")
        self._sheets = QStackedWidget()
        self._sections: dict[str, Any] = {"computer": self.computer, "process": self.process}
        for section in self._sections.values():
            self._sheets.addWidget(section)
        head = holder(column(title_row(tr(self.title), right=(self.changed,)), self.tabs, gap=6, margins=(24, 18, 24, 0)))
        self.content.setLayout(column(head, (self._sheets, 1), gap=0))

    def refresh(self) -> None:
        """Read everything; what was typed stays."""
        context = self.context
        self.computer.show_look()
        self.load(lambda: _read(context.backend, context.actor), self._show)

    def save(self) -> None:
        """Save what was typed; a refusal leaves it as it is."""
        if self.house is None or not self.house.draft.ready:
            return
        context, draft = self.context, self.house.draft
        changes, version = draft.changes, draft.version
        self.act(lambda: context.backend.house.update(changes, version=version, actor=context.actor), self._saved)

    def _saved(self, state: HouseState) -> None:
        if self.house is not None:
            self.house.show_state(state, refused="", mine=True)
            self._show_changed(state)
        self.context.notify(tr("Saved."))

    def _show(self, found: _Everything) -> None:
        if self.house is None:
            self.house = HouseSection(found.fields, on_save=self.save)
            self._sections["house"] = self.house
            self._sheets.insertWidget(0, self.house)
            self._chosen(self.tabs.current)
        self.house.show_state(found.state, refused=found.refused)
        self._show_changed(found.state)
        self.computer.show_here(found.here)
        self.process.show_facts(found.facts, file=found.file)

    def _show_changed(self, state: HouseState) -> None:
        if state.changed_at is None:
            self.changed.setText(tr("As delivered"))
        else:
            self.changed.setText(tr("Changed {ago} by {who}", ago=ago(state.changed_at), who=state.changed_by or ""))

    def _chosen(self, key: str) -> None:
        if key in self._sections:
            self._sheets.setCurrentWidget(self._sections[key])
        self.changed.setVisible(key == "house")
        self.place = self._names[key]
        self.place_changed.emit()


def _read(backend: Any, actor: Any) -> _Everything:
    from backend_core.policy import may
    from backend_core.settings import CONFIG, FILE, describe

    settings = backend.settings
    refused = ""
    if not may(actor.role, CHANGE):
        refused = tr("Only administrators change these settings; your role is {role}.", role=actor.role)
    elif backend.profile.read_only:
        refused = tr("This window only reads, so nothing can be changed here.")
    vault = backend.credentials
    folders = (
        (tr("Home"), str(settings.home)), (tr("Stored files"), str(settings.objects_dir)), (tr("Configuration"), str(settings.config_dir)),
        (tr("Logs"), str(settings.log_dir)),
    )  # fmt: skip
    return _Everything(
        fields=backend.house.fields,
        state=backend.house.read(actor),
        refused=refused,
        here=Here(kind=vault.kind, sentence=vault.sentence, folders=folders),
        facts=describe(settings),
        file=str(settings.home / CONFIG / FILE),
    )
