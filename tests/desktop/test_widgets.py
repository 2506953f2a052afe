"""Each part does what its drawing promises: plain text, fixed heights, names for screen readers, states in words."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from backend_core.errors import NotFound, VoiceFailed
from desktop.style import Theme
from desktop.widgets.badge import Badge
from desktop.widgets.banner import Banner
from desktop.widgets.bars import Bar, PartsBar, Sparkline
from desktop.widgets.button import Button, SegmentedControl
from desktop.widgets.card import Card
from desktop.widgets.chart import LineChart, nice_ticks
from desktop.widgets.dialogs import Confirm, ConfirmByTyping, error_message, safe_message
from desktop.widgets.drawer import Drawer, DrawerHost
from desktop.widgets.field import SearchField, Select
from desktop.widgets.gauge import Gauge
from desktop.widgets.histogram import Histogram
from desktop.widgets.key_values import Fact, KeyValues
from desktop.widgets.label import ElidedLabel, PlainLabel
from desktop.widgets.layout import column, holder
from desktop.widgets.progress_row import ProgressRow
from desktop.widgets.states import ErrorState
from desktop.widgets.tabs import Tabs
from desktop.widgets.toast import SHOWN_MS, UNDO_MS, ToastStack

MARKUP = "<b>bold</b> <img src='file:///etc/hostname'> & <a href='x'>x</a>"


@pytest.fixture
def window(qtbot: QtBot, theme: Theme) -> QWidget:
    made = QWidget()
    made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    made.resize(1300, 700)
    qtbot.addWidget(made)
    made.show()
    return made


def put(window: QWidget, widget: QWidget) -> QWidget:
    window.setLayout(column(widget, None))
    widget.show()
    return widget


def test_a_label_shows_markup_as_characters_and_refuses_another_format(window: QWidget) -> None:
    label = PlainLabel(MARKUP)
    put(window, label)
    assert label.text() == MARKUP
    assert label.textFormat() == Qt.TextFormat.PlainText
    with pytest.raises(ValueError, match="plain"):
        label.setTextFormat(Qt.TextFormat.RichText)


def test_every_text_of_dialogs_toasts_banners_and_tips_is_plain(window: QWidget) -> None:
    dialog = safe_message(window, MARKUP, MARKUP)
    toast = ToastStack(window).show_toast(MARKUP)
    label = ElidedLabel(MARKUP * 20)
    put(window, label)
    label.resize(100, 20)
    formats = {part.textFormat() for part in (*dialog.findChildren(QLabel), *toast.findChildren(QLabel))}
    assert formats == {Qt.TextFormat.PlainText}
    assert "<" not in label.toolTip()
    dialog.reject()


def test_a_button_shows_an_ampersand_and_tells_its_name(window: QWidget) -> None:
    pressed: list[bool] = []
    button = Button("Save & close", icon_name="save", on_click=lambda: pressed.append(True))
    put(window, button)
    assert button.text().strip() == "Save && close"
    assert button.accessibleName() == "Save & close"
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert pressed == [True]
    assert not button.hasFocus()


def test_heights_are_fixed_so_that_round_corners_stay_round(window: QWidget) -> None:
    sizes = {}
    for kind in ("default", "primary", "danger", "chip", "ghost"):
        button = Button("Text" if kind != "ghost" else "", kind, icon_name="x", name="Close")  # type: ignore[arg-type]  # literals
        button.setParent(window)
        button.show()
        sizes[kind] = button.sizeHint().height()
    assert sizes == {"default": 32, "primary": 32, "danger": 32, "chip": 28, "ghost": 28}


def test_the_segmented_control_announces_what_was_chosen(window: QWidget) -> None:
    control = SegmentedControl([(1, "1 h"), (24, "24 h")], name="Range", current=24)
    put(window, control)
    heard: list[object] = []
    control.chosen.connect(heard.append)
    QTest.mouseClick(control.findChildren(QAbstractButton)[0], Qt.MouseButton.LeftButton)
    assert (control.current, heard) == (1, [1])
    control.choose(24)
    assert heard == [1]


def test_the_search_field_waits_for_a_pause_and_clears_on_escape(window: QWidget, wait_until: Callable[..., None]) -> None:
    field = SearchField(name="Search", hint="Search documents", key="/")
    put(window, field)
    heard: list[str] = []
    field.searched.connect(heard.append)
    QTest.keyClicks(field, "guide")
    assert heard == []
    wait_until(lambda: heard)
    QTest.keyClick(field, Qt.Key.Key_Escape)
    assert heard == ["guide", ""]


def test_a_select_keeps_its_choice_when_the_choices_change(window: QWidget) -> None:
    select = Select([("a", "Alba"), ("b", "Amy")], name="Voice")
    put(window, select)
    select.choose("b")
    select.set_choices([("c", "Cem"), ("b", "Amy")])
    assert select.current == "b"
    select.choose("nobody")
    assert select.current == "b"


def test_a_badge_hides_when_it_has_nothing_to_say(window: QWidget) -> None:
    badge = put(window, Badge("healthy", "ok"))
    assert isinstance(badge, Badge)
    badge.show_state("")
    assert badge.isHidden()
    badge.show_state("stale", unknown=True)
    assert badge.isVisible()
    assert badge.accessibleName() == "stale"


def test_card_titles_share_a_line_whatever_stands_on_the_right(window: QWidget) -> None:
    plain, busy = Card("Plain"), Card("Busy", right=(Badge("ok", "ok"), Button("View all", "link")))
    window.setLayout(column(plain, busy))
    QTest.qWait(1)
    assert plain.title.mapTo(plain, QPoint(0, 0)).y() == busy.title.mapTo(busy, QPoint(0, 0)).y()


def test_unknown_figures_say_so_in_words_and_are_hatched(window: QWidget) -> None:
    gauge, chart, bar, waits = Gauge(name="Pool"), LineChart(name="Wait"), Bar(None, name="Share"), Histogram(name="Waits")
    assert gauge.accessibleName() == "Pool: not measured yet"
    assert chart.accessibleName() == "Wait: no data yet"
    assert bar.accessibleName() == "Share: unknown"
    assert waits.accessibleName() == "Waits: no data yet"
    gauge.set_values(27, base=20, overflow=10)
    assert gauge.accessibleName() == "Pool: 27 in use of 20 + 10"
    window.setLayout(column(gauge, chart, bar, waits, Sparkline([], name="Trend")))
    assert not window.grab().isNull()


def test_a_hole_in_the_data_breaks_the_line_and_is_read_out_as_not_measured(window: QWidget) -> None:
    chart = LineChart(name="Wait", unit="ms")
    put(window, chart)
    chart.resize(400, 160)
    chart.set_points([(0.0, 1.0), (10.0, None), (20.0, 3.0)])
    assert chart.accessibleName() == "Wait: now 3.0 ms, highest 3.0 ms"
    for key in (Qt.Key.Key_Left, Qt.Key.Key_Left, Qt.Key.Key_Right):
        QTest.keyClick(chart, key)
        assert not chart.grab().isNull()
    QTest.mouseMove(chart, QPoint(200, 80))
    assert not chart.grab().isNull()


@pytest.mark.parametrize(("top", "ticks"), [(37, [0, 10, 20, 30, 40]), (1, [0, 0.25, 0.5, 0.75, 1]), (0, [0, 2.5e-10])])
def test_axis_labels_are_round_numbers(top: float, ticks: list[float]) -> None:
    assert nice_ticks(top) == pytest.approx(ticks)


def test_percentile_flags_never_overlap_or_leave_the_chart(window: QWidget) -> None:
    chart = Histogram(name="Waits")
    put(window, chart)
    chart.resize(300, 160)
    chart.set_buckets([1, 2, 5], [10, 1, 1, 1], {"p50": 4.7, "p95": 4.8, "p99": 4.9})
    assert chart.accessibleName() == "Waits: p50 4.7 ms, p95 4.8 ms, p99 4.9 ms"
    assert not chart.grab().isNull()


def test_facts_are_rewritten_in_place(window: QWidget) -> None:
    facts = KeyValues([Fact("State", "active", tone="ok"), Fact("Hash", "7d1c", mono=True)])
    put(window, facts)
    before = facts.findChildren(ElidedLabel)
    facts.set_facts([Fact("State", "idle", tone="ok"), Fact("Hash", "9a", mono=True)])
    assert facts.findChildren(ElidedLabel) == before
    assert facts.findChild(Badge).text() == "idle"
    assert before[0].text() == "9a"


def test_parts_of_a_bar_are_said_in_words(window: QWidget) -> None:
    bar = PartsBar(name="Pages")
    put(window, bar)
    bar.set_parts([(0.5, "ok", "31 ready"), (0.5, "bad", "1 failed")])
    assert bar.accessibleName() == "Pages: 31 ready, 1 failed"


def test_the_error_state_copies_only_what_is_safe(window: QWidget) -> None:
    state = ErrorState(on_retry=lambda: None)
    put(window, state)
    state.show_error(VoiceFailed("Page 34: the voice process stopped.", correlation_id="7d1c-40ab"))
    state.copy_details()
    copied = QGuiApplication.clipboard().text().splitlines()
    assert copied[1:] == ["Page 34: the voice process stopped.", "code voice_failed", "reference 7d1c-40ab"]
    assert state.reference.text() == "Reference 7d1c-40ab"


def test_a_toast_leaves_by_itself_and_undo_gives_more_time(window: QWidget) -> None:
    stack, undone = ToastStack(window), []
    plain, undoable = stack.show_toast("Saved."), stack.show_toast("Deleted.", undo=lambda: undone.append(True))
    assert (plain._timer.interval(), undoable._timer.interval()) == (SHOWN_MS, UNDO_MS)
    plain._timer.timeout.emit()
    assert undoable.undo is not None
    undoable.undo.click()
    undoable.undo.click()
    assert undone == [True]
    stack.show_toast("again")
    assert len(stack.shown) == 1


def test_a_fourth_toast_makes_the_oldest_leave_and_none_hides_another(window: QWidget) -> None:
    stack = ToastStack(window)
    for number in range(4):
        stack.show_toast(f"Toast {number}")
    shown = [toast for toast in stack.shown if toast.isVisible()]
    assert [toast.accessibleName() for toast in shown] == ["Toast 1", "Toast 2", "Toast 3"]
    assert not any(a.geometry().intersects(b.geometry()) for a in shown for b in shown if a is not b)
    window.resize(900, 500)
    assert all(window.rect().contains(toast.geometry()) for toast in shown)


def test_a_banner_states_and_clears(window: QWidget) -> None:
    banner, tried = Banner(), []
    put(window, banner)
    banner.clear()
    banner.show_state("Offline", tone="bad", action="Try now", on_action=lambda: tried.append(True))
    assert banner.isVisible()
    banner.action.click()
    assert tried == [True]
    banner.clear()
    assert banner.isHidden()


@pytest.mark.parametrize(("width", "overlays"), [(1300, False), (1200, True)])
def test_the_drawer_stands_beside_or_over_the_content(window: QWidget, width: int, overlays: bool) -> None:
    window.resize(width, 700)
    content, drawer = QWidget(), Drawer(width=400)
    host = DrawerHost(content, drawer)
    lane = column(host)
    window.setLayout(lane)
    QTest.qWait(1)
    assert content.width() == width
    host.open()
    assert host.overlays == overlays
    assert drawer.geometry().right() == host.width() - 1
    assert content.width() == (width if overlays else width - 400)
    QTest.keyClick(drawer, Qt.Key.Key_Escape)
    assert drawer.isHidden()
    assert content.width() == width


def test_a_drawer_never_makes_the_window_grow(window: QWidget) -> None:
    wide = holder(column(Button("x" * 90)))
    host = DrawerHost(wide, Drawer(width=900))
    window.setLayout(column(host))
    QTest.qWait(1)
    before = window.size()
    host.open()
    QTest.qWait(1)
    assert window.size() == before
    assert host.overlays


def test_tabs_announce_and_carry_counts(window: QWidget) -> None:
    tabs = Tabs([("pool", "Pool"), ("locks", "R & D")], name="Database")
    put(window, tabs)
    heard: list[str] = []
    tabs.chosen.connect(heard.append)
    width = tabs.tabSizeHint(1).width()
    tabs.set_count("locks", "2", tone="warn")
    assert tabs.tabSizeHint(1).width() > width
    tabs.choose("locks")
    QTest.keyClick(tabs, Qt.Key.Key_Left)
    assert heard == ["locks", "pool"]
    assert tabs.height() == 38


def test_a_progress_row_cancels_once(window: QWidget) -> None:
    job, stopped = ProgressRow("Guide"), []
    put(window, job)
    job.cancelled.connect(lambda: stopped.append(True))
    job.show_progress(None, state="waiting", tone="warn")
    assert job.bar.accessibleName() == "Guide: unknown"
    job.cancel.click()
    job.cancel.click()
    assert stopped == [True]


def test_a_dangerous_dialog_acts_only_after_the_name_was_typed_and_enter_cancels(window: QWidget) -> None:
    deleted: list[bool] = []
    dialog = ConfirmByTyping(
        window, "Delete?", "It cannot be undone.", expected="Annual  report 2026", action="Delete", on_yes=lambda: deleted.append(True)
    )
    dialog.open()
    assert dialog.cancel.isDefault()
    assert not dialog.go.isEnabled()
    QTest.keyClicks(dialog.field, "Annual report")
    assert not dialog.go.isEnabled()
    QTest.keyClicks(dialog.field, " 2026")
    dialog.go.click()
    assert deleted == [True]
    again = ConfirmByTyping(window, "Delete?", "Really.", expected=" ", action="Delete", on_yes=lambda: deleted.append(True))
    again.open()
    assert not again.go.isEnabled()
    QTest.keyClick(again.field, Qt.Key.Key_Return)
    assert deleted == [True]


def test_a_plain_question_and_an_error_message_close_by_keyboard(window: QWidget) -> None:
    answers: list[bool] = []
    question = Confirm(window, "Cancel the job?", "It starts again from page 1.", action="Cancel job", on_yes=lambda: answers.append(True))
    question.open()
    QTest.keyClick(question, Qt.Key.Key_Escape)
    assert answers == []
    told = error_message(window, NotFound("There is no such page.", correlation_id="7d1c-40ab"))
    told.findChildren(Button)[0].click()
    assert "7d1c-40ab" in QGuiApplication.clipboard().text()
    told.reject()


def test_every_interactive_part_has_a_name(window: QWidget) -> None:
    parts: list[QWidget] = [
        SegmentedControl([(1, "1 h")], name="Range"),
        SearchField(name="Search", hint="Search"),
        Select([("a", "A")], name="Voice"),
        Drawer(),
        ProgressRow("Job"),
        Banner(),
    ]
    window.setLayout(column(*parts))
    ToastStack(window).show_toast("Done.", undo=lambda: None)
    unnamed = [
        f"{type(node).__name__} in {type(node.parent()).__name__}"
        for kind in (QAbstractButton, QLineEdit, QComboBox)
        for node in window.findChildren(kind)
        if not node.accessibleName() and node.isVisibleTo(window)
    ]
    assert unnamed == []
