"""Pack the check of exported audit logs into one file that runs without Lectern: ``verify.pyz``."""

from __future__ import annotations

import io
import zipfile
from importlib.resources import files
from typing import Final

MODULES: Final = ("chain", "merkle", "proofs", "checkpoint", "key_statements", "trust", "cells", "tombstones", "standalone")
"""All that the check needs; they import one another, the standard library and ``cryptography``, nothing else."""

_MAIN: Final = "import sys\n\nfrom backend_core.audit.standalone import main\n\nsys.exit(main(sys.argv[1:]))\n"
_STAMP: Final = (2026, 1, 1, 0, 0, 0)


def packed() -> bytes:
    """Return the bytes of ``verify.pyz``; the same ones each time."""
    sources = {"__main__.py": _MAIN, "backend_core/__init__.py": "", "backend_core/audit/__init__.py": ""}
    folder = files("backend_core.audit")
    sources |= {f"backend_core/audit/{name}.py": folder.joinpath(f"{name}.py").read_text(encoding="utf-8") for name in MODULES}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, source in sources.items():
            archive.writestr(zipfile.ZipInfo(name, date_time=_STAMP), source, compress_type=zipfile.ZIP_DEFLATED)
    return made.getvalue()
