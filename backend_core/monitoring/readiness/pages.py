"""The pages of a readiness report: verdict, categories, every check with its threshold and evidence, signature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from backend_core.privacy.drawing import INK, MARGIN, MUTED, Colour, Drawing

GREEN: Final[Colour] = (15, 115, 80)
RED: Final[Colour] = (190, 30, 30)
AMBER: Final[Colour] = (160, 100, 10)
_COLOURS: Final[Mapping[str, Colour]] = {"pass": GREEN, "warn": AMBER, "fail": RED, "stale": MUTED, "unknown": MUTED}
_VERDICTS: Final[Mapping[str, Colour]] = {"ready": GREEN, "not ready": RED, "unknown": MUTED}
_TRACK: Final[Colour] = (229, 233, 240)
_BAR_AT, _BAR, _THICK = MARGIN + 120, 240.0, 7.0
_INDENT: Final = MARGIN + 58

Content = Mapping[str, Any]


def draw(report: Content) -> Drawing:
    """Return every page but the one with the signature."""
    made = Drawing()
    _verdict(made, report)
    _categories(made, report)
    for category in report["categories"]:
        _checks(made, category, [one for one in report["checks"] if one["category"] == category["key"]])
    return made


def _verdict(made: Drawing, report: Content) -> None:
    made.room(0)
    made.paragraph(f"Readiness of Lectern {report['version']}", size=20, face="bold")
    made.y += 4
    made.paragraph(report["status"].capitalize(), size=14, face="bold", colour=_VERDICTS[report["status"]])
    made.paragraph(f"{_score(report)} on {report['known']} of {report['total']} known checks; target {report['target']}.", size=11)
    made.paragraph(report["reason"], size=10)
    made.y += 6
    told = [
        f"Measurement {report['run_id']}, read {_when(report['at'])}.",
        "Every figure was measured; none was typed in. A check that is unknown or too old does not count as passed. A gate that fails makes"
        " the whole not ready, whatever the score.",
        f"The original wrote {report['before']} before its repairs, by hand; its eight categories had a mean of 40.6.",
    ]
    if report["signed"]:
        one = report["signed"]
        told.append(f"Signed off: {one['verdict']}, by {one['reviewer']}, recorded {_when(one['at'])} by {one['recorded_by']}.")
    for words in told:
        made.paragraph(words, colour=MUTED)


def _when(stamp: str) -> str:
    """Return an ISO 8601 time in UTC without what is below a second."""
    return f"{stamp[:10]} {stamp[11:19]} UTC"


def _score(content: Content) -> str:
    return "unknown" if content["score"] is None else f"{content['score']:g}"


def _categories(made: Drawing, report: Content) -> None:
    made.y += 12
    made.paragraph("Categories: score, target (line), and what the original had before", face="bold")
    for one in report["categories"]:
        made.room(20)
        made.y += 5
        made.text(one["name"])
        made.y += 2
        made.box(x=_BAR_AT, width=_BAR, height=_THICK, colour=_TRACK)
        if one["score"]:
            colour = GREEN if one["status"] == "met" else AMBER if not one["gates_failed"] else RED
            made.box(x=_BAR_AT, width=_BAR * one["score"] / 100, height=_THICK, colour=colour)
        made.box(x=_BAR_AT + _BAR * one["target"] / 100, width=1.2, height=_THICK, colour=INK)
        made.y -= 2
        told = f"{_score(one)} of {one['target']}, before {one['before']}; {one['known']} of {one['total']} known"
        made.text(told, x=_BAR_AT + _BAR + 10, size=8, colour=MUTED)
        made.y += 11


def _checks(made: Drawing, category: Content, checks: list[Any]) -> None:
    made.y += 12
    made.room(60)
    made.paragraph(f"{category['name']}: {_score(category)}", size=13, face="bold")
    for one in checks:
        made.room(58)
        made.y += 5
        made.text(one["status"], size=8, face="bold", colour=_COLOURS[one["status"]])
        made.paragraph(f"{one['title']}{' (gate)' if one['gate'] else ''}", x=_INDENT, face="bold")
        made.paragraph(f"{one['value']} (asked for: {one['threshold']})", x=_INDENT, size=8)
        when = "never" if one["at"] is None else f"{_when(one['at'])} by {one['version']}, {one['seconds']:.2f} s"
        made.paragraph(f"{one['id']}, from {one['source']}; {when}.", x=_INDENT, size=7, colour=MUTED)
        for name, value in one["evidence"]:
            made.paragraph(f"{name}: {value}", x=_INDENT + 10, size=7, face="mono", colour=MUTED)
