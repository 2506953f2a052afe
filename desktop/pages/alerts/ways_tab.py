"""The tab of the ways out: whether mail and webhook are set up and work, and a message to try them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtWidgets import QWidget

from desktop.i18n import ago, number, tr
from desktop.widgets.asking import PasswordField, password_row
from desktop.widgets.badge import Badge
from desktop.widgets.button import Button
from desktop.widgets.card import Card
from desktop.widgets.dialogs import Dialog
from desktop.widgets.key_values import Fact, KeyValues
from desktop.widgets.label import PlainLabel
from desktop.widgets.layout import column, row

if TYPE_CHECKING:
    from backend_core.notices.records import ChannelState
    from desktop.widgets.page import Page

_LOOKS: Final[dict[str, tuple[str, Callable[[], str], Callable[[], str]]]] = {
    "email": ("inbox", lambda: tr("Mail"), lambda: tr("Password of the mail server")),
    "webhook": ("share-2", lambda: tr("Webhook"), lambda: tr("Key of the webhook")),
}


class SecretDialog(Dialog):
    """The password or key of a channel; ``on_secret`` gets it, empty to forget it."""

    def __init__(self, parent: QWidget, title: str, *, on_secret: Callable[[str], object]) -> None:
        sentence = tr("It is kept in the vault of this computer and shown to nobody again. A worker elsewhere needs it there.")
        super().__init__(parent, title, sentence, icon_name="key-round")
        self._on_secret = on_secret
        self.field = PasswordField(name=title)
        self.body.addWidget(password_row(self.field))
        self.add_button(tr("Forget it"), lambda: self._take(""))
        self.add_button(tr("Cancel"), self.reject)
        self.go = self.add_button(tr("Keep"), lambda: self._take(self.field.text().strip()), kind="primary", default=True)
        self.field.textChanged.connect(lambda typed: self.go.setEnabled(bool(typed.strip())))
        self.go.setEnabled(False)
        self.field.setFocus()

    def _take(self, secret: str) -> None:
        self.accept()
        self._on_secret(secret)


class WayCard(Card):
    """One channel: what is missing or wrong, what waits, and the buttons to mend and try it."""

    def __init__(self, channel: str, *, on_test: Callable[[], object], on_secret: Callable[[], object]) -> None:
        icon_name, title, secret = _LOOKS[channel]
        self.state = Badge()
        super().__init__(title(), icon_name=icon_name, right=(self.state,))
        self.sentence = PlainLabel("", wrap=True)
        self.facts = KeyValues(name_width=120)
        self.test = Button(tr("Send a test"), icon_name="upload", on_click=on_test)
        self.secret = Button(tr("{name}…", name=secret()), icon_name="key-round", on_click=on_secret)
        self.add(self.sentence, self.facts, row(self.test, self.secret, None))
        self.state.show_state(tr("not read yet"), unknown=True)

    def show_state(self, one: ChannelState) -> None:
        """Show how the channel is."""
        words, tone = (
            (tr("works"), "ok") if one.ready and not one.failed else (tr("needs attention"), "warn") if one.on else (tr("off"), "none")
        )
        self.state.show_state(words, tone)
        self.sentence.setText(one.sentence)
        self.facts.set_facts(
            [
                Fact(tr("Goes to"), one.where or tr("nowhere yet")),
                Fact(tr("Waiting"), number(one.waiting)),
                Fact(tr("Given up"), number(one.failed)),
                Fact(tr("Last sent"), ago(one.last_sent_at) if one.last_sent_at is not None else tr("never")),
            ]
        )
        self.test.setEnabled(one.ready)


class WaysTab(QWidget):
    """Reads and acts for the page it stands on."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.page, self.context = page, page.context
        self.dialog: SecretDialog | None = None
        self.cards = {
            channel: WayCard(channel, on_test=self._bound(self.test, channel), on_secret=self._bound(self.ask_secret, channel))
            for channel in _LOOKS
        }
        settings = Button(tr("Settings"), "link", on_click=lambda: self.context.navigate("settings"))
        consent = Button(tr("What may leave"), "link", on_click=lambda: self.context.navigate("safety", tab="egress"))
        words = tr("Host, address and sender stand in the settings. Nothing leaves before somebody consented to it.")
        where = row(PlainLabel(words, "small"), settings, consent, None, gap=10)
        self.setLayout(
            column(
                row(*((card, 1) for card in self.cards.values()), gap=16, stretch_height=True),
                where,
                None,
                gap=12,
                margins=(24, 16, 24, 16),
            )
        )

    def read(self) -> tuple[ChannelState, ...]:
        """Return how every channel is; in a worker."""
        found: tuple[ChannelState, ...] = self.context.backend.notices.channels(actor=self.context.actor)
        return found

    def show_channels(self, found: Sequence[ChannelState]) -> None:
        """Show what was read."""
        for one in found:
            if one.name in self.cards:
                self.cards[one.name].show_state(one)

    def test(self, channel: str) -> None:
        """Send a message of no consequence."""
        context = self.context
        self.page.act(
            lambda: context.backend.notices.test(channel, actor=context.actor),
            lambda host: context.notify(tr("Sent to {host}.", host=host)),
        )

    def ask_secret(self, channel: str) -> None:
        """Ask for the password or the key of a channel."""
        self.dialog = SecretDialog(self, _LOOKS[channel][2](), on_secret=lambda secret: self.set_secret(channel, secret))
        self.dialog.open()

    def set_secret(self, channel: str, secret: str) -> None:
        """Keep or forget it."""
        context, told = self.context, tr("Kept.") if secret else tr("Forgotten.")
        self.page.act(
            lambda: context.backend.notices.set_secret(channel, secret, actor=context.actor), lambda _nothing: context.notify(told)
        )

    @staticmethod
    def _bound(run: Callable[[str], object], channel: str) -> Callable[[], object]:
        return lambda: run(channel)
