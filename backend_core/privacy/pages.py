"""The pages of a report: verdict, matrix, every rule in plain words, evidence, signature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from backend_core.privacy.drawing import INK, MARGIN, MUTED, Colour, Drawing

GREEN: Final[Colour] = (15, 115, 80)
RED: Final[Colour] = (190, 30, 30)
_FILLS: Final[Mapping[str, Colour]] = {"own": (225, 232, 255), "closed": (226, 244, 236), "audited": (225, 232, 255)}
_LEAK: Final[Colour] = (250, 190, 190)
_TICK: Final[Mapping[bool, Colour]] = {True: (15, 115, 80), False: (190, 30, 30)}
_CELL, _GAP, _HEADING = 52.0, 4.0, 74.0
_PER_LINE: Final = 8
_WORDS: Final = {"own": "own", "closed": "closed", "audited": "audited"}
_VERDICTS: Final = {"pass": "Passed", "fail": "FAILED", "refused": "REFUSED TO PASS", "stopped": "Stopped before its end", None: "Running"}

Content = Mapping[str, Any]


def draw(content: Content) -> Drawing:
    """Return every page but the one with the signature."""
    made = Drawing()
    _verdict(made, content)
    _matrix(made, content)
    _cases(made, content)
    _evidence(made, content)
    return made


def _verdict(made: Drawing, content: Content) -> None:
    run = content["run"]
    made.room(0)
    made.paragraph(f"Privacy run {run['id']}", size=20, face="bold")
    made.y += 4
    good = run["outcome"] == "pass"
    made.paragraph(_VERDICTS[run["outcome"]], size=14, face="bold", colour=GREEN if good else RED)
    made.paragraph(f"{run['leaks']} leaks in {run['cells']} cells, {run['passed']} of {run['passed'] + run['failed']} rules hold.", size=11)
    if run["error"]:
        made.paragraph(run["error"], size=10, colour=RED)
    made.y += 6
    where = run["target"] or "this database"
    told = (
        f"Started {run['started_at']} by {run['started_by']} ({run['trigger']}), {run['seconds'] or 0:.1f} s, on {where}.",
        f"Tested role {run['database_role']}, tables of version {run['schema_revision']}, Lectern {run['version']}.",
        "Everybody in this run is made up; no real person's words were read, and everything made up was removed afterwards.",
    )
    for words in told:
        made.paragraph(words, colour=MUTED)


def _matrix(made: Drawing, content: Content) -> None:
    codes = [one["code"] for one in content["contexts"]]
    pairs: dict[tuple[str, str], list[Any]] = {}
    for cell in content["cells"]:
        pairs.setdefault((cell["viewer"], cell["owner"]), []).append(cell)
    if not pairs:
        return
    made.room(len(codes) * (_CELL + _GAP) + 60)
    made.y += 12
    made.paragraph("Who can see whose memory: a row looks, a column is looked at; sixteen operations in every square.", face="bold")
    for column, code in enumerate(codes):
        made.text(code, x=MARGIN + _HEADING + column * (_CELL + _GAP), size=8, face="bold")
    made.y += 14
    titles = {one["code"]: one["title"] for one in content["contexts"]}
    for viewer in codes:
        made.text(viewer, size=8, face="bold")
        for column, owner in enumerate(codes):
            _square(made, pairs.get((viewer, owner), []), MARGIN + _HEADING + column * (_CELL + _GAP))
        made.y += 11
        made.text(titles[viewer], size=7, colour=MUTED)
        made.y += _CELL * 0.62 + _GAP - 11


def _square(made: Drawing, cells: list[Any], x: float) -> None:
    leaks = sum(not cell["ok"] for cell in cells)
    kind = cells[0]["expected"] if cells else "closed"
    made.box(x=x, width=_CELL, height=_CELL * 0.62, colour=_LEAK if leaks else _FILLS[kind])
    top = made.y
    made.y += 4
    word = f"{leaks} wrong" if leaks else _WORDS[kind]
    made.text(word, x=x + 4, size=7, face="bold" if leaks else "plain", colour=RED if leaks else INK)
    for number, cell in enumerate(cells):
        made.y = top + 17 + (number // _PER_LINE) * 6
        made.box(x=x + 4 + (number % _PER_LINE) * 5.6, width=4, height=4, colour=_TICK[cell["ok"]])
    made.y = top


def _cases(made: Drawing, content: Content) -> None:
    made.y += 14
    made.room(60)
    made.paragraph("Every rule in plain words", size=13, face="bold")
    for case in content["cases"]:
        made.room(42)
        made.y += 4
        verdict = "holds" if case["ok"] else "BROKEN"
        made.text(verdict, size=8, face="bold", colour=GREEN if case["ok"] else RED)
        made.paragraph(f"{case['title']} ({case['probes']} probes)", x=MARGIN + 46, face="bold")
        made.paragraph(case["rule"], x=MARGIN + 46, size=8, colour=MUTED)
        if case["cause"]:
            made.paragraph(case["cause"], x=MARGIN + 46, size=8, colour=RED)


def _evidence(made: Drawing, content: Content) -> None:
    probes = [(case["title"], one) for case in content["cases"] for one in case["evidence"]]
    if not probes:
        return
    made.y += 14
    made.room(60)
    made.paragraph("Evidence; all text in it is made up", size=13, face="bold")
    for title, one in probes:
        made.room(50)
        made.y += 5
        made.paragraph(f"{title}: {one['place']}", face="bold", size=8)
        made.paragraph(one["cause"], size=8, colour=RED)
        made.paragraph(one["did"], size=7, face="mono")
        made.paragraph(f"{one['rows']} rows: {one['saw']}", size=7, face="mono", colour=MUTED)
        if one["without_sha"]:
            made.paragraph(f"with {one['with_sha'][:16]}, without {one['without_sha'][:16]}", size=7, face="mono", colour=MUTED)
