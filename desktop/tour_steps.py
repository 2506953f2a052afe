"""What the tour does: every page when it is empty, then the main job on the bundled samples, then every page at work."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from PySide6.QtWidgets import QPushButton

from desktop.i18n import byte_size, duration, tr
from desktop.main_window import MainWindow
from desktop.pages.documents.page import DocumentsPage
from desktop.pages.people.page import PeoplePage
from desktop.pages.privacy.page import PrivacyPage
from desktop.style.resources import resource
from desktop.tour import Step, Wait, Walk, page_step
from desktop.tour_people import people_story
from desktop.tour_watching import watching_story

READ_S: Final = 60.0
SPEAK_S: Final = 90.0
PRIVACY_S: Final = 120.0
MAIN_SAMPLE: Final = "harbour-report.pdf"
_KINDS: Final = frozenset({".pdf", ".docx", ".md", ".txt"})

T = TypeVar("T")


class _Answer:
    """The result of a backend call that ran in a worker."""

    def __init__(self) -> None:
        self.value: Any = None
        self.error: Exception | None = None
        self.there = False

    def take(self, value: Any) -> None:
        self.value, self.there = value, True

    def fail(self, error: Exception) -> None:
        self.error, self.there = error, True


def _ask(window: MainWindow, work: Callable[[Any, Any], T], what: str, *, timeout_s: float = 30.0) -> Any:
    """Run ``work(backend, actor)`` in a worker and wait for its result; use with ``yield from``."""
    context = cast("DocumentsPage", window.page).context
    answer = _Answer()
    context.background.run(window, lambda: work(context.backend, context.actor), answer.take, answer.fail)
    yield Wait(lambda: answer.there, what, timeout_s)
    if answer.error is not None:
        raise answer.error
    return answer.value


def samples() -> list[Path]:
    """Return the bundled documents by name."""
    return sorted(path for path in resource("samples").iterdir() if path.suffix in _KINDS)


def _documents(window: MainWindow) -> DocumentsPage:
    window.navigate("documents")
    return cast(DocumentsPage, window.page)


def _import(window: MainWindow) -> Walk:
    page = _documents(window)
    yield Wait(lambda: page.loaded, "the list of documents")
    before = {line.document.filename for line in page.table.rows}
    files = [path for path in samples() if path.name not in before]
    window.open_files(files)
    wanted = before | {path.name for path in files}

    def read() -> bool:
        states = {line.document.filename: line.document.status for line in page.table.rows}
        return all(states.get(name) == "COMPLETED" for name in wanted)

    yield Wait(read, "every sample is read", READ_S)
    pages = sum(line.document.page_count for line in page.table.rows)
    return tr("{n} documents with {pages} pages", n=len(page.table.rows), pages=pages)


def _open(window: MainWindow) -> Walk:
    page = _documents(window)
    document = next(line.document for line in page.table.rows if line.document.filename == MAIN_SAMPLE)
    page.open_document(document.id)
    yield Wait(lambda: _button(page, "Generate", "Every page") is not None, "the pages of the sample")
    return str(document.title)


def _button(page: DocumentsPage, *starts: str) -> QPushButton | None:
    for button in page.drawer.findChildren(QPushButton):
        if button.isVisible() and button.text().strip().startswith(starts):
            return button
    return None


def _generate(window: MainWindow) -> Walk:
    page = _documents(window)
    document = next(line.document for line in page.table.rows if line.document.filename == MAIN_SAMPLE)
    if document.audio.working == 0 and document.audio.ready < document.page_count:
        yield Wait(lambda: (button := _button(page, "Generate")) is not None and button.isEnabled(), "a voice is chosen")
        cast(QPushButton, _button(page, "Generate")).click()

    def ready() -> bool:
        audio = next(line.document.audio for line in page.table.rows if line.id == document.id)
        return bool(audio.working == 0 and audio.ready > 0)

    yield Wait(ready, "every page is spoken", SPEAK_S)
    audio = next(line.document.audio for line in page.table.rows if line.id == document.id)
    return tr("{n} pages spoken, {time} of audio", n=audio.pages_ready, time=duration(audio.seconds))


def _listen(window: MainWindow) -> Walk:
    page = _documents(window)
    document = next(line.document for line in page.table.rows if line.document.filename == MAIN_SAMPLE)
    page.listening.play_document(document.id)
    view = page.drawer.pages.view
    heard: set[str] = set()

    def followed() -> bool:
        if view.spoken_word:
            heard.add(view.spoken_word)
        return len(heard) > 6  # noqa: PLR2004  # enough to show that the highlight moves

    yield Wait(followed, "the highlight follows the words")
    return tr("heard, word by word, up to “{word}”", word=view.spoken_word)


def _tab(name: str) -> Callable[[MainWindow], Walk]:
    def walk(window: MainWindow) -> Walk:
        page = _documents(window)
        page.listening.player.pause()
        page.drawer.tabs.choose(name)
        yield Wait(lambda: page.drawer.tabs.current == name, f"the {name} tab")
        return "shown"

    return walk


def _export(folder: Path) -> Callable[[MainWindow], Walk]:
    def walk(window: MainWindow) -> Walk:
        page = _documents(window)
        document = next(line.document for line in page.table.rows if line.document.filename == MAIN_SAMPLE)

        def work(backend: Any, actor: Any) -> list[Path]:
            return [backend.exports.export(document.id, actor=actor, format=kind, to=folder) for kind in ("mp3", "vtt")]

        paths = yield from _ask(window, work, "the export", timeout_s=READ_S)
        return ", ".join(f"{path.name} ({byte_size(path.stat().st_size)})" for path in paths)

    return walk


def _health(window: MainWindow) -> Walk:
    view = yield from _ask(window, lambda backend, actor: backend.monitoring.health(actor=actor), "the health checks")
    rows = yield from _ask(window, lambda backend, actor: backend.audit.latest(actor=actor, limit=500), "the audit log")
    problems = [f"{check.name}: {check.detail}" for check in view.checks if check.status == "failed"]
    if problems:
        raise RuntimeError("; ".join(problems))
    return tr("{n} checks, {state}; {rows} actions recorded", n=len(view.checks), state=view.status, rows=len(rows))


def _verify(window: MainWindow) -> Walk:
    def work(backend: Any, actor: Any) -> Any:
        backend.seals.seal()
        return backend.seals.verify(actor=actor)

    report = yield from _ask(window, work, "the check of the audit log", timeout_s=READ_S)
    if not report.ok:
        raise RuntimeError("; ".join(problem.detail for problem in report.problems))
    return tr("{n} events, whole; {k} witnesses outside the data folder", n=report.rows, k=report.witnesses.off_machine)


def _privacy(window: MainWindow) -> Walk:
    window.navigate("privacy")
    page = cast(PrivacyPage, window.page)
    yield Wait(lambda: page.loaded, "the privacy page")
    page.start()
    # where the worker was first, its run is the one that ends
    yield Wait(lambda: not page.running.on and page.view is not None and page.view.shown is not None, "the privacy run ends", PRIVACY_S)
    run = yield from _ask(window, lambda backend, actor: backend.privacy.latest(actor=actor), "the privacy run")
    if run is None or run.outcome != "pass":
        raise RuntimeError("the privacy run did not pass" if run is None else f"the privacy run: {run.outcome}, {run.leaks} leaks")
    page.open_target(viewer="D1", owner="GB")
    return tr("{cells} cells, {leaks} leaks, {cases} cases hold", cells=run.cells, leaks=run.leaks, cases=run.passed)


def _person(window: MainWindow) -> Walk:
    window.navigate("people")
    page = cast(PeoplePage, window.page)
    yield Wait(lambda: page.loaded and page.table.rows, "the list of people")
    page.open_person(max(page.table.rows, key=lambda one: one.conversations).id)
    yield Wait(lambda: page.read is not None and page.read.person is not None, "the page of a person")
    return tr("{n} conversations of one person", n=len(page.person.conversations.rows))


def story(window: MainWindow, folder: Path) -> Iterator[Step]:
    """Return the whole tour; what it exports goes to ``folder``."""
    for key in window.page_keys:
        yield page_step(key, name=f"{key}-first")
    yield Step("import", _import)
    yield Step("open", _open)
    yield Step("generate", _generate)
    yield Step("listen", _listen)
    yield Step("audio", _tab("audio"))
    yield Step("activity", _tab("activity"))
    yield Step("export", _export(folder), picture=False)
    yield Step("verify", _verify, picture=False)
    yield page_step("audit")
    yield from people_story()
    yield Step("privacy", _privacy)
    yield Step("people", _person)
    yield page_step("safety")
    yield from watching_story()
    # once more, with everything that happened meanwhile
    yield page_step("overview", name="overview-at-work")
    yield Step("health", _health, picture=False)
