"""The places that remember the log, each with the newest seal it knows and whether it agrees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.i18n import number, tr
from desktop.widgets.label import ElidedLabel, IconLabel, PlainLabel
from desktop.widgets.layout import clear_layout, holder, row

if TYPE_CHECKING:
    from backend_core.audit.witnesses import Witness

_HEIGHT = 27


class WitnessList(QWidget):
    """One line of 27 px for each place."""

    def __init__(self) -> None:
        super().__init__()
        self._lane = QVBoxLayout(self)
        self._lane.setContentsMargins(0, 0, 0, 0)
        self._lane.setSpacing(0)

    def show_witnesses(self, witnesses: Sequence[Witness]) -> None:
        """Show what each place says."""
        clear_layout(self._lane)
        for one in witnesses:
            self._lane.addWidget(_line(one))


def _line(one: Witness) -> QWidget:
    icon = "key-round" if "keyring" in one.name else "cloud" if "store" in one.name else "hard-drive"
    seal = tr("seal {n}", n=number(one.seal)) if one.seal is not None else tr("nothing yet")
    agrees = not one.problems
    sign = IconLabel("circle-check" if agrees else "octagon-alert", "ok" if agrees else "bad", size=14)
    words = one.name[:1].upper() + one.name[1:]
    line = holder(row(IconLabel(icon, size=14), (ElidedLabel(words), 1), PlainLabel(seal, "mono"), sign, gap=9), height=_HEIGHT)
    where = tr("outside the data folder") if one.outside else tr("inside the data folder")
    verdict = tr("agrees") if agrees else tr("disagrees")
    line.setAccessibleName(f"{words}: {verdict}, {where}")
    line.setToolTip("")
    return line
