"""Which acceptance lines of docs/acceptance.md are proven by a passing test; a pytest plugin and a report in one file.

``python -m tests.trace_report`` reads the tags without running anything and the result of the last complete run;
``--open`` lists the lines still without a proof.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ACCEPTANCE = ROOT / "docs" / "acceptance.md"
RESULTS = ROOT / "build"
TIERS = {"not soak": "trace.json", "soak": "trace-soak.json"}
_ROW = re.compile(r"^\| ([AB]\d+) \| (.+?) \|", re.MULTILINE)


def known_ids() -> dict[str, str]:
    """Return every acceptance id with its title, in the order of the list."""
    return dict(_ROW.findall(ACCEPTANCE.read_text(encoding="utf-8")))


def tags_in(source: str) -> set[str]:
    """Return the ids in every ``pytest.mark.trace(...)`` of a test file's text."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "trace":
            found.update(argument.value for argument in node.args if isinstance(argument, ast.Constant) and isinstance(argument.value, str))
    return found


def tagged() -> dict[str, list[str]]:
    """Return for each id the test files that carry it."""
    files: dict[str, list[str]] = defaultdict(list)
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for identity in tags_in(path.read_text(encoding="utf-8")):
            files[identity].append(path.relative_to(ROOT).as_posix())
    return dict(files)


def proven(results: Path = RESULTS) -> set[str]:
    """Return the ids of which every tagged test of the last complete runs passed."""
    outcomes: dict[str, list[bool]] = defaultdict(list)
    for path in results.glob("trace*.json"):
        for identity, tests in json.loads(path.read_text(encoding="utf-8")).items():
            outcomes[identity].extend(outcome == "passed" for outcome in tests.values())
    return {identity for identity, passed in outcomes.items() if passed and all(passed)}


class _Recorder:
    """Collects the outcome of every tagged test on the process that reports."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self.outcomes: dict[str, dict[str, str]] = defaultdict(dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        ids = dict(report.user_properties).get("trace")
        if not isinstance(ids, str):
            return
        for identity in ids.split():
            before = self.outcomes[identity].get(report.nodeid)
            if report.outcome != "passed" or before is None:
                self.outcomes[identity][report.nodeid] = report.outcome

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        known = known_ids()
        passed = {identity for identity, tests in self.outcomes.items() if all(outcome == "passed" for outcome in tests.values())}
        terminalreporter.write_line(f"trace: {len(passed)} of {len(known)} acceptance lines proven by this run")
        option = self._config.option
        complete = self._config.args_source is pytest.Config.ArgsSource.TESTPATHS and not option.keyword
        if complete and option.markexpr in TIERS:
            RESULTS.mkdir(exist_ok=True)
            (RESULTS / TIERS[option.markexpr]).write_text(json.dumps(self.outcomes, indent=1, sort_keys=True), encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    """Record outcomes where they are reported: not in an xdist worker."""
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Recorder(config), "lectern-trace")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Attach each test's ids to its reports; an id that is not in the list stops the run."""
    known = known_ids()
    for item in items:
        ids = [identity for marker in item.iter_markers("trace") for identity in marker.args]
        unknown = [identity for identity in ids if identity not in known]
        if unknown:
            msg = f"{item.nodeid}: unknown acceptance id {', '.join(map(str, unknown))}"
            raise pytest.UsageError(msg)
        if ids:
            item.user_properties.append(("trace", " ".join(ids)))


def main() -> int:
    """Print how many lines are tagged and proven; return 1 if a tag names an unknown line."""
    known, tags, passed = known_ids(), tagged(), proven()
    unknown = sorted(set(tags) - set(known))
    if unknown:
        print(f"unknown acceptance ids: {', '.join(f'{identity} in {tags[identity][0]}' for identity in unknown)}")
        return 1
    print(f"{len(tags)} of {len(known)} acceptance lines tagged, {len(passed & set(tags))} proven by the last complete run")
    if "--open" in sys.argv:
        for identity, title in known.items():
            if identity not in passed or identity not in tags:
                print(f"open {identity}: {title}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
