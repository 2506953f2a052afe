"""Asks the advisory database about every package of the lock and keeps the dated answer in ``build/audit.json``; ``make audit``.

``--state`` asks nobody: it says what the kept answer is worth today. The audit tool lives in an environment of its own under
``build/``, because it needs the network and Lectern does not need it.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import venv
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "audit"
ANSWER = ROOT / "build" / "audit.json"
TOOL = "pip-audit>=2.9,<3"
FRESH_FOR = timedelta(days=7)


def tool() -> Path:
    """Return the interpreter of the tool's environment, made on first use."""
    python = FOLDER / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not python.exists():
        venv.create(FOLDER, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", TOOL], check=True)
    return python


def digest(lock: Path) -> str:
    """Return the hash by which an answer belongs to one state of the lock."""
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def state(answer: Path, *, lock: Path, now: datetime) -> str:
    """Return ``clean``, ``weak`` or ``unknown``: an answer that is missing, about another lock, or older than a week says nothing."""
    try:
        kept = json.loads(answer.read_text(encoding="utf-8"))
        age = now - datetime.fromisoformat(kept["at"])
    except (OSError, ValueError, KeyError):
        return "unknown"
    if age > FRESH_FOR or kept.get("lock") != digest(lock):
        return "unknown"
    return "weak" if kept["weak"] else "clean"


def main(lock: Path) -> int:
    """Audit a lock file; returns 1 when a package has a known weakness, 2 when there was no answer."""
    command = [
        tool(),
        "-m",
        "pip_audit",
        "--requirement",
        lock,
        "--require-hashes",
        "--disable-pip",
        "--format",
        "json",
        "--progress-spinner",
        "off",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        print(f"no answer from the advisory database: {done.stderr.strip()[-300:]}")
        return 2
    weak = {package["name"]: [found["id"] for found in package["vulns"]] for package in packages if package.get("vulns")}
    ANSWER.write_text(
        json.dumps({"at": datetime.now(UTC).isoformat(), "packages": len(packages), "weak": weak}, indent=1), encoding="utf-8"
    )
    print(f"{len(packages)} packages asked, {len(weak)} with known weaknesses{''.join(f'; {name}: {ids}' for name, ids in weak.items())}")
    return 1 if weak else 0


if __name__ == "__main__":
    requirements = ROOT / "requirements.lock"
    if "--state" in sys.argv:
        print(found := state(ANSWER, lock=requirements, now=datetime.now(UTC)))
        sys.exit(found == "weak")
    sys.exit(main(requirements))
