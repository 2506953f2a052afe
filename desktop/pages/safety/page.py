"""The Safety review page: what moderation found, one text at a time with a reason, and which text may leave."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtWidgets import QStackedWidget

from backend_core.policy import may
from desktop.i18n import number, tr
from desktop.pages.safety.dialogs import AllowDialog, KeyDialog
from desktop.pages.safety.drawer import FindingDrawer
from desktop.pages.safety.egress_tab import EgressTab
from desktop.pages.safety.queue_table import queue_empty, queue_table
from desktop.pages.safety.words import badge_words, judge_words, purpose_words, queue_words
from desktop.widgets.badge import Badge
from desktop.widgets.banner import Banner
from desktop.widgets.button import SegmentedControl
from desktop.widgets.card import Card
from desktop.widgets.dialogs import Confirm, Dialog
from desktop.widgets.drawer import DrawerHost
from desktop.widgets.label import ElidedLabel, IconLabel, PlainLabel
from desktop.widgets.layout import column, holder, row
from desktop.widgets.page import Page, PageContext, title_row
from desktop.widgets.scroll import scrolling
from desktop.widgets.tabs import Tabs

if TYPE_CHECKING:
    from backend_core.safety.egress import Consent, LedgerRow, LedgerSum
    from backend_core.safety.queue import Opened, QueueCounts, QueueRow
    from backend_core.safety.service import SafetyStatus


@dataclass(frozen=True, slots=True)
class Queue:
    """One reading of the queue."""

    rows: tuple[QueueRow, ...]
    counts: QueueCounts
    status: SafetyStatus


@dataclass(frozen=True, slots=True)
class Leaving:
    """One reading of what may leave and what did."""

    consents: tuple[Consent, ...]
    sums: tuple[LedgerSum, ...]
    rows: tuple[LedgerRow, ...]


class SafetyPage(Page):
    """Two tabs; a role sees those it may read."""

    key: ClassVar[str] = "safety"
    title: ClassVar[str] = "Safety review"
    icon: ClassVar[str] = "flag"
    group: ClassVar[str] = "Assure"
    tables: ClassVar[frozenset[str]] = frozenset({"safety_events", "egress_consent", "egress_ledger"})

    def __init__(self, context: PageContext) -> None:
        super().__init__(context)
        role = context.actor.role
        self.sees_queue, self.sees_egress = may(role, "safety.list"), may(role, "egress.list")
        self.may_review = may(role, "safety.review")
        self.dialog: Dialog | None = None
        self.texts: dict[uuid.UUID, tuple[Opened, str | None]] = {}
        """What was opened on this page, and for which reason; dropped when the page is left."""
        self._build()
        self._connect()
        group = tr("Safety review")
        for key, title, seen in (
            ("queue", tr("Review safety findings"), self.sees_queue),
            ("egress", tr("See which text may leave"), self.sees_egress),
        ):
            run = lambda tab=key: self._go(tab)  # noqa: E731  # a slot of one line
            context.commands.add(f"safety.{key}", title=title, run=run, group=group, icon="flag", enabled=seen)

    # -- what the shell calls

    def refresh(self) -> None:
        """Read the tab that is shown."""
        backend, actor = self.context.backend, self.context.actor
        if self.tabs.current == "queue":
            everything = self.which.current == "all"
            self.load(lambda: _read_queue(backend, actor, reviewed=everything), self._show_queue)
        else:
            self.load(lambda: _read_leaving(backend, actor), self._show_leaving)

    def open_target(self, **target: object) -> None:
        """Show the tab ``tab`` or the finding ``event_id``."""
        if target.get("tab") in {"queue", "egress"}:
            self.tabs.choose(str(target["tab"]))
        if isinstance(target.get("event_id"), uuid.UUID):
            self.tabs.choose("queue")
            self.table.select_key(target["event_id"])

    def hidden(self) -> None:
        """Close what was opened: whoever comes back gives a reason again."""
        self.texts.clear()
        self.drawer.close_drawer()

    # -- what the user does

    def open_text(self) -> None:
        """Open the text of the chosen finding; the audit log keeps why."""
        chosen: QueueRow | None = self.table.current()
        if chosen is None:
            return
        context = self.context

        def work() -> tuple[Opened, str | None]:
            # read here: a second attempt carries the reason that the first one lacked
            actor = context.actor
            return context.backend.safety.open_text(chosen.id, actor=actor), actor.reason

        def done(opened: tuple[Opened, str | None]) -> None:
            self.texts[chosen.id] = opened
            self._show_drawer()

        self.act(work, done)

    def give(self, verdict: str, note: str) -> None:
        """Keep the person's verdict on the chosen finding and go on to the next."""
        chosen: QueueRow | None = self.table.current()
        if chosen is None:
            return
        context, reason = self.context, self.texts[chosen.id][1] if chosen.id in self.texts else None
        rows = list(self.table.rows)
        at = rows.index(chosen)
        following = next((one.id for one in rows[at + 1 :] + rows[:at] if one.verdict is None), None)

        def done(_row: object) -> None:
            context.notify(tr("Verdict saved."))
            self.drawer.start_note()
            if following is not None:
                self.table.select_key(following)

        self.act(lambda: context.backend.safety.review(chosen.id, verdict, note, actor=context.actor, reason=reason), done)

    def ask_allow(self) -> None:
        """Ask which text may leave."""
        from backend_core.safety.egress import PURPOSES

        self._open(AllowDialog(self, tuple(PURPOSES), on_allow=self.allow))

    def allow(self, purpose: str, host: str) -> None:
        """Let text leave for one purpose to one host."""
        context = self.context
        self.act(
            lambda: context.backend.egress.allow(purpose, host, actor=context.actor),
            lambda _consent: context.notify(tr("Allowed. Every time is written down.")),
        )

    def ask_withdraw(self, consent: Consent) -> None:
        """Ask before a consent is taken back."""
        what = tr("{what}: nothing more leaves for {host}.", what=purpose_words(consent.purpose), host=consent.host)
        go = lambda: self.withdraw(consent)  # noqa: E731  # a slot of one line
        self._open(Confirm(self, tr("Withdraw this consent?"), what, action=tr("Withdraw"), on_yes=go, danger=True))

    def withdraw(self, consent: Consent) -> None:
        """Let nothing more leave."""
        context = self.context
        self.act(
            lambda: context.backend.egress.withdraw(consent.purpose, consent.host, actor=context.actor),
            lambda _consent: context.notify(tr("Withdrawn.")),
        )

    def ask_key(self) -> None:
        """Ask for the key of the moderation service."""
        self._open(KeyDialog(self, on_key=self.set_key))

    def set_key(self, key: str | None) -> None:
        """Keep or forget the key."""
        context, told = self.context, tr("The key is forgotten.") if key is None else tr("The key is kept.")
        self.act(lambda: context.backend.safety.set_key(key, actor=context.actor), lambda _nothing: context.notify(told))

    # -- building

    def _build(self) -> None:
        self.badge, self.banner = Badge(), Banner()
        captions = (("queue", tr("Review queue"), self.sees_queue), ("egress", tr("What leaves"), self.sees_egress))
        self.tabs = Tabs([(key, caption) for key, caption, seen in captions if seen], name=tr("Safety review"))
        self.which = SegmentedControl([("waiting", tr("Waiting")), ("all", tr("All"))], name=tr("Which findings"))
        self.judge, self.lately = ElidedLabel(size=12, tone="muted"), PlainLabel("", "small")
        self.empty, self.drawer = queue_empty(), FindingDrawer()
        self.table = queue_table(self.empty)
        self.egress = EgressTab(editable=may(self.context.actor.role, "egress.allow"))
        card = Card(flush=True)
        card.add((self.table, 1))
        card.add_footer(IconLabel("shield-check", size=14), (self.judge, 1), self.lately)
        queue = holder(column(row(self.which, None), (card, 1), gap=12, margins=(24, 12, 24, 16)))
        self.stack = QStackedWidget()
        self.stack.addWidget(queue)
        self.stack.addWidget(scrolling(holder(column((self.egress, 1), margins=(24, 12, 24, 16))), name=tr("What leaves")))
        head = holder(column(title_row(tr(self.title), self.badge), self.tabs, gap=6, margins=(24, 18, 24, 0)))
        self.host = DrawerHost(holder(column(head, self.banner, (self.stack, 1), gap=0)), self.drawer)
        self.content.setLayout(column((self.host, 1), gap=0))
        self._switch(self.tabs.current, fetch=False)

    def _connect(self) -> None:
        self.tabs.chosen.connect(self._switch)
        self.which.chosen.connect(lambda _key: self.refresh())
        self.table.selected.connect(self._select)
        self.drawer.open_wanted.connect(self.open_text)
        self.drawer.verdict_given.connect(self.give)
        self.drawer.conversation_wanted.connect(self._go_to_conversation)
        self.drawer.closed.connect(self.table.clearSelection)
        self.egress.allow_wanted.connect(self.ask_allow)
        self.egress.withdraw_wanted.connect(self.ask_withdraw)
        self.egress.key_wanted.connect(self.ask_key)

    def _go(self, tab: str) -> None:
        self.context.navigate(self.key, tab=tab)

    def _open(self, dialog: Dialog) -> None:
        self.dialog = dialog
        dialog.open()

    # -- showing

    def _show_queue(self, queue: Queue) -> None:
        self.badge.show_state(*badge_words(queue.counts))
        self.tabs.set_count("queue", number(queue.counts.open) if queue.counts.open else "", tone="warn")
        self.lately.setText(queue_words(queue.counts, now=datetime.now(UTC)))
        self.judge.setText(judge_words(queue.status))
        if queue.status.status == "ok":
            self.banner.clear()
        else:
            down = queue.status.breaker != "closed"
            words = tr("Moderation: {sentence}.", sentence=queue.status.sentence.rstrip("."))
            self.banner.show_state(words, tone="bad" if down else "warn")
        line = tr("Nothing was ever found") if self.which.current == "all" else tr("Nothing waits for review")
        self.empty.set_words(line, detail=tr("What moderation stops, or could not judge, waits here for a person."))
        self.table.set_rows(queue.rows)
        self._show_drawer()

    def _show_leaving(self, leaving: Leaving) -> None:
        self.egress.show_egress(leaving.consents, leaving.sums, leaving.rows)

    def _select(self, chosen: QueueRow | None) -> None:
        if chosen is None:
            self.drawer.close_drawer()
            return
        self.drawer.start_note()
        self.host.open()
        self._show_drawer()

    def _show_drawer(self) -> None:
        chosen: QueueRow | None = self.table.current()
        if chosen is not None and not self.drawer.isHidden():
            opened = self.texts.get(chosen.id)
            self.drawer.show_row(chosen, opened[0] if opened is not None else None, may_review=self.may_review)

    def _go_to_conversation(self) -> None:
        chosen: QueueRow | None = self.table.current()
        if chosen is not None:
            self.context.navigate("conversations", conversation_id=chosen.conversation_id)

    def _switch(self, tab: str, *, fetch: bool = True) -> None:
        self.stack.setCurrentIndex(0 if tab == "queue" else 1)
        self.drawer.close_drawer()
        if tab != "queue":
            self.banner.clear()
        if fetch:
            self.place = tr("What leaves") if tab == "egress" else ""
            self.place_changed.emit()
            self.refresh()


def _read_queue(backend: Any, actor: Any, *, reviewed: bool) -> Queue:
    safety = backend.safety
    rows = safety.review_queue(actor=actor, reviewed=reviewed, limit=500)
    return Queue(rows, safety.counts(actor=actor), safety.status(actor=actor))


def _read_leaving(backend: Any, actor: Any) -> Leaving:
    egress = backend.egress
    return Leaving(egress.consents(actor=actor), egress.totals(actor=actor), egress.ledger(actor=actor, limit=200))
