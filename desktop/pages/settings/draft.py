"""What was typed on the Settings page and is not saved yet: it survives refreshes, a lost server and a colleague who was faster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backend_core.house.declaration import HouseField, Value
    from backend_core.house.service import HouseState


class Draft:
    """Typed values over the settings as they were last read.

    Args:
        fields: every setting, in the order they are shown.
    """

    def __init__(self, fields: Sequence[HouseField]) -> None:
        self.fields = {field.name: field for field in fields}
        self.state: HouseState | None = None
        self.theirs: dict[str, str] = {}
        """Settings that somebody else changed while they were being changed here, and who did."""
        self._typed: dict[str, Value] = {}

    @property
    def version(self) -> int:
        """The version the typed values are a change of."""
        return 0 if self.state is None else self.state.version

    @property
    def changed(self) -> tuple[str, ...]:
        """Names of what differs from what holds, in the order they are shown."""
        return tuple(name for name in self.fields if name in self._typed)

    @property
    def wrong(self) -> tuple[str, ...]:
        """Names of what was typed and is not accepted."""
        return tuple(name for name in self.changed if self.meaning(name) is None)

    @property
    def ready(self) -> bool:
        """Whether there is something to save and nothing in the way."""
        return bool(self._typed) and not self.wrong and not self.theirs

    @property
    def changes(self) -> dict[str, Value | None]:
        """What to save."""
        return {name: self.meaning(name) for name in self.changed}

    def holds(self, name: str) -> Value:
        """Return what holds now."""
        return self.fields[name].default if self.state is None else self.state.value(name)

    def shown(self, name: str) -> Value:
        """Return what the control shows: what was typed, as it was typed, or what holds."""
        return self._typed.get(name, self.holds(name))

    def meaning(self, name: str) -> Value | None:
        """Return the value that is shown, None when it is not accepted."""
        field, shown = self.fields[name], self.shown(name)
        value = field.parsed(shown) if isinstance(shown, str) else shown
        return field.normal(value) if value is not None and field.accepts(value) else None

    def problem(self, name: str) -> str:
        """Return what is wrong with what was typed, empty when nothing is."""
        return self.fields[name].refusal if name in self._typed and self.meaning(name) is None else ""

    def put(self, name: str, value: Value) -> None:
        """Note what was typed; what holds anyway is no change."""
        self._typed[name] = value
        if self.meaning(name) == self.holds(name):
            self.drop(name)

    def drop(self, name: str) -> None:
        """Forget what was typed: what holds counts."""
        self._typed.pop(name, None)
        self.theirs.pop(name, None)

    def keep(self, name: str) -> None:
        """Stand by what was typed although somebody else changed the same setting."""
        self.theirs.pop(name, None)

    def discard(self) -> None:
        """Forget everything that was typed."""
        self._typed.clear()
        self.theirs.clear()

    def rebase(self, state: HouseState, *, mine: bool = False) -> None:
        """Take what holds now; what was typed stays, and says so where somebody else changed the same setting.

        Args:
            mine: it is what was saved from here; what was typed since is no conflict with it.
        """
        before = {name: self.holds(name) for name in self.changed}
        first, self.state = self.state is None, state
        for name, was in before.items():
            if self.meaning(name) == self.holds(name):
                self.drop(name)
            elif not (first or mine) and self.holds(name) != was:
                self.theirs[name] = state.changed_by or ""
