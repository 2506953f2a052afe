"""Buttons of every kind and the segmented control."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QPushButton, QSizePolicy

from desktop.style import icon
from desktop.widgets.label import plain_tip

Kind = Literal["default", "primary", "danger", "ghost", "link", "chip", "small", "segment", "part"]

_TONES: Final[dict[str, str]] = {"primary": "white", "danger": "bad", "link": "accent"}
_SMALL: Final = frozenset({"link", "chip", "small", "segment", "part"})
_CHECKED: Final[dict[str, str]] = {"chip": "accent", "segment": "text", "part": "accent", "ghost": "accent"}


class Button(QPushButton):
    """A push button. Give an icon-only button its ``name``: screen readers and the tool tip use it.

    Args:
        caption: what it says; an ampersand is shown as it is.
        kind: ``default primary danger ghost link chip small``; ghost is an icon of 28 px.
        icon_name: a file of ``resources/icons`` without its ending.
        name: accessible name and tool tip, by default the caption.
        on_click: called without arguments.
        checkable: a chip or ghost that stays down.
    """

    def __init__(
        self,
        caption: str = "",
        kind: Kind = "default",
        *,
        icon_name: str = "",
        name: str = "",
        on_click: Callable[[], object] | None = None,
        checkable: bool = False,
    ) -> None:
        super().__init__()
        self._kind, self._icon_name = kind, icon_name
        self.setProperty("kind", kind)
        # Tab shows the focus ring, a click does not.
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Maximum if kind == "link" else QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        self.setCheckable(checkable)
        self.setAutoDefault(False)
        self.set_caption(caption, name=name)
        self._tint()
        self.toggled.connect(self._tint)
        if kind == "link":
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        if on_click is not None:
            self.clicked.connect(lambda _checked=False: on_click())

    def set_caption(self, caption: str, *, name: str = "") -> None:
        """Change the words."""
        gap = " " if caption and self._icon_name else ""
        self.setText(gap + caption.replace("&", "&&"))
        self.setAccessibleName(name or caption)
        self.setToolTip(plain_tip(name))

    def set_icon(self, icon_name: str) -> None:
        """Change the icon."""
        if icon_name != self._icon_name:
            self._icon_name = icon_name
            self._tint()

    def changeEvent(self, event: QEvent) -> None:
        """Tint the icon again when the theme or the enabled state changed."""
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.EnabledChange):
            self._tint()

    def _tint(self) -> None:
        if not self._icon_name:
            return
        tone = _TONES.get(self._kind, "muted") if self.isEnabled() else "muted"
        if self.isChecked():
            tone = _CHECKED.get(self._kind, tone)
        size = 14 if self._kind in _SMALL else 16
        self.setIconSize(QSize(size, size))
        self.setIcon(icon(self._icon_name, tone, size=size))


class SegmentedControl(QFrame):
    """A few choices of which one is on; ``chosen`` carries its key. A ``compact`` one fits the header of a card."""

    chosen = Signal(object)

    def __init__(
        self,
        choices: Sequence[tuple[object, str]],
        *,
        name: str,
        current: object = None,
        icons: Mapping[object, str] | None = None,
        compact: bool = False,
    ) -> None:
        super().__init__()
        self.setObjectName("segments")
        self.setAccessibleName(name)
        self.setFixedHeight(24 if compact else 32)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._keys = [key for key, _ in choices]
        self._group = QButtonGroup(self)
        lane = QHBoxLayout(self)
        margin = 0 if compact else 2
        lane.setContentsMargins(margin, margin, margin, margin)
        lane.setSpacing(2)
        for index, (key, caption) in enumerate(choices):
            button = Button(
                caption, "part" if compact else "segment", icon_name=(icons or {}).get(key, ""), checkable=True, name=f"{name}: {caption}"
            )
            button.setToolTip("")
            self._group.addButton(button, index)
            lane.addWidget(button)
        self._group.idClicked.connect(self._announce)
        self.choose(self._keys[0] if current is None else current)

    @property
    def current(self) -> object:
        """The key of the choice that is on."""
        return self._keys[self._group.checkedId()]

    def choose(self, key: object) -> None:
        """Switch to ``key`` without emitting ``chosen``.

        Raises:
            ValueError: no such choice.
        """
        self._group.button(self._keys.index(key)).setChecked(True)

    def _announce(self, index: int) -> None:
        self.chosen.emit(self._keys[index])
