"""What a page shows instead of content: nothing yet, something failed, still loading."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from backend_core.errors import LecternError, payload
from desktop.i18n import tr
from desktop.widgets import paint
from desktop.widgets.button import Button
from desktop.widgets.label import IconTile, PlainLabel
from desktop.widgets.layout import holder, row

_LINE_WIDTH = 440
_WORDS_SHARE = 30


class EmptyState(QWidget):
    """An icon, one line, and one primary action."""

    def __init__(
        self,
        icon_name: str,
        line: str,
        *,
        detail: str = "",
        action: str = "",
        action_icon: str = "plus",
        on_action: Callable[[], object] | None = None,
    ) -> None:
        super().__init__()
        self.tile = IconTile(icon_name, "info", size=48)
        self.line = _centred(line, "heading")
        self.detail = _centred(detail, "small")
        # Only ever hidden here: to show a part that has no parent yet would flash a window of its own.
        if not detail:
            self.detail.hide()
        self.action = Button(action, "primary", icon_name=action_icon, on_click=on_action) if action else None
        parts = (self.tile, self.line, self.detail, *((self.action,) if self.action else ()))
        _stack(self, parts)

    def set_words(self, line: str, *, detail: str = "") -> None:
        """Change the words, for example when a filter matches nothing."""
        self.line.setText(line)
        self.detail.setText(detail)
        self.detail.setVisible(bool(detail))


class ErrorState(QWidget):
    """One plain sentence, the correlation id, Copy details and Retry; never a traceback."""

    def __init__(self, *, on_retry: Callable[[], object] | None = None, other: tuple[str, Callable[[], object]] | None = None) -> None:
        super().__init__()
        self._error: LecternError | None = None
        self.heading = _centred("", "heading")
        self.sentence = _centred("", "")
        self.advice = _centred("", "small")
        self.reference = PlainLabel("", "mono", selectable=True)
        self.copy = Button(tr("Copy details"), icon_name="copy", on_click=self.copy_details)
        self.retry = Button(tr("Retry"), "primary", icon_name="refresh-cw", on_click=on_retry)
        if on_retry is None:
            self.retry.hide()
        self.other = Button(other[0] if other else tr("Other ways"), on_click=other[1] if other else None)
        """A further way out, where the shell offers one."""
        if other is None:
            self.other.hide()
        buttons = holder(row(None, self.other, self.copy, self.retry, None))
        _stack(self, (IconTile("circle-alert", "bad", size=48), self.heading, self.sentence, self.advice, self.reference, buttons))

    def show_error(self, error: LecternError) -> None:
        """Show ``error``."""
        self._error = error
        self.heading.setText(error.title)
        self.sentence.setText(str(error))
        self.advice.setText(error.next_step)
        self.reference.setText(tr("Reference {id}", id=error.correlation_id) if error.correlation_id else "")
        self.reference.setVisible(bool(error.correlation_id))

    def copy_details(self) -> None:
        """Put what support needs on the clipboard; it holds only the safe sentence, the code and the id."""
        if self._error is not None:
            QGuiApplication.clipboard().setText(error_details(self._error))


class Skeleton(QWidget):
    """Grey bars where content will stand."""

    def __init__(self, *, lines: int = 6) -> None:
        super().__init__()
        self._lines = lines
        self.setAccessibleName(tr("Loading"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw a title and cards of bars."""
        painter = QPainter(self)
        paint.begin(painter)
        paint.box(painter, QRectF(24, 24, 180, 20), 6, fill="line")
        width = max(120.0, (self.width() - 48 - 32) / 3)
        for column in range(3):
            card = QRectF(24 + column * (width + 16), 68, width, 200)
            paint.box(painter, card, 10, fill="surface", line="line")
            for line in range(4):
                paint.box(painter, QRectF(card.x() + 16, card.y() + 20 + line * 42, width * (0.8 - 0.12 * line), 12), 6, fill="hover")
        wide = QRectF(24, 284, self.width() - 48, max(0.0, self.height() - 308))
        paint.box(painter, wide, 10, fill="surface", line="line")
        for line in range(self._lines):
            top = wide.y() + 24 + line * 44
            if top + 12 < wide.bottom():
                paint.box(painter, QRectF(wide.x() + 16, top, (wide.width() - 32) * (0.9 - 0.08 * (line % 3)), 12), 6, fill="hover")


def error_details(error: LecternError) -> str:
    """Return the lines ``Copy details`` puts on the clipboard, redacted: a sentence may name a file or an address."""
    # after the first paint: the patterns behind it take a while to load
    from backend_core.redaction import redact

    return redact(payload(error).lines())


def _centred(words: str, role: str) -> PlainLabel:
    label = PlainLabel(words, role, wrap=True)  # type: ignore[arg-type]  # every caller gives a literal role
    label.setAlignment(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop)
    label.setMaximumWidth(_LINE_WIDTH)
    return label


def _stack(owner: QWidget, parts: tuple[QWidget, ...]) -> None:
    lane = QVBoxLayout(owner)
    lane.setContentsMargins(24, 24, 24, 24)
    lane.setSpacing(10)
    lane.addStretch(2)
    for part in parts:
        if isinstance(part, PlainLabel) and part.wordWrap():
            # An alignment would freeze the height of a wrapped line; elastic gaps beside it do not.
            lane.addLayout(row(None, (part, _WORDS_SHARE), None, stretch_height=True))
        else:
            lane.addWidget(part, 0, Qt.AlignmentFlag.AlignHCenter)
    lane.addStretch(3)
