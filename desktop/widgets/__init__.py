"""Parts every page is built from; they know no feature.

page           Page(context): key, title, icon, group, tables; refresh(), load(work, done), act(work, done), fail, tell, open_target
               PageContext(backend, actor, background, changes, commands, notify, navigate, dock); title_row, side_by_side
layout         row(*items), column(*items), holder(layout, height=), rule(), clear_layout; int = px, None = elastic, (widget, share)
label          PlainLabel(text, role, tone=, wrap=, selectable=), ElidedLabel, IconLabel(name, tone), IconTile(name, tone), over(text)
button         Button(caption, kind, icon_name=, name=, on_click=): default primary danger ghost link chip small; SegmentedControl
field          Field(name=, hint=), SearchField(name=, hint=, key=) searched; Select(choices, name=) picked
badge          Badge(text, tone, icon_name=, unknown=) show_state; tones are none info ok warn bad
card           Card(title, icon_name=, right=(), flush=) add(*items) add_footer(*items)
table          Column(key, title, text, paint, width); Table(columns, name=, row_height=, key=, empty=): set_rows, append_rows, current
               signals selected, opened, cell_clicked, menu_wanted, sort_wanted, near_end
cells          text_cell two_line_cell badge_cell state_cell bar_cell progress_cell
gauge          Gauge(name=) set_values(used, base=, overflow=, stale=) set_unknown
chart          LineChart(name=, unit=, tone=, limit=Limit(value, name), readout=) set_points([(epoch, value or None)]); StepChart
histogram      Histogram(name=, unit=, warn=, bad=) set_buckets(bounds, counts, flags)
bars           Bar(share, name=) set_share; PartsBar(name=) set_parts([(share, tone, words)]); Sparkline(values, name=)
key_values     KeyValues([Fact(name, value, tone=, mono=, unknown=)]) set_facts
states         EmptyState(icon, line, detail=, action=, on_action=), ErrorState(on_retry=) show_error, Skeleton, error_details
toast          ToastStack(window).show_toast(words, tone=, undo=); pages use context.notify
banner         Banner().show_state(words, tone=, action=, on_action=), clear()
drawer         Drawer(width=) show_titles, tools, body; DrawerHost(content, drawer).open(); over the content below 1216 px
tabs           Tabs([(key, caption)], name=) chosen, choose, set_count
progress_row   ProgressRow(title) show_progress(share, detail=, state=, tone=), cancelled
dialogs        Confirm, ConfirmByTyping(parent, title, sentence, expected=, action=, on_yes=).open(), safe_message, error_message, Dialog
palette        CommandPalette(window, commands), ShortcutHelp(window, commands)
paint          text, box, icon, pill, bar, hatch, advance, begin: for painted widgets and own cells
"""
