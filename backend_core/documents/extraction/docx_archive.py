"""Checks of the ZIP archive that a DOCX is, made before any XML is parsed (runs in the child)."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

from backend_core.documents.extraction.refusals import Refusal

if TYPE_CHECKING:
    from backend_core.documents.extraction.limits import Limits

_BLOCK: Final = 65_536
# Small parts of empty forms compress beyond any ratio; they cannot hurt.
_RATIO_FROM: Final = 2**20
# Other methods inflate without a bound on one step, and Word does not write them.
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})


def check_archive(path: Path, *, limits: Limits) -> None:
    """Refuse archives that are damaged, unsafe or unpack to far more than they are.

    Declared sizes are checked first; then every member is inflated in small blocks and counted, because declarations can lie.

    Raises:
        Refusal: with the reason.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_declared(archive.infolist(), limits=limits)
            _check_inflated(archive, limits=limits)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError):
        raise Refusal("damaged_docx") from None


def _check_declared(members: list[zipfile.ZipInfo], *, limits: Limits) -> None:
    """Check number, names, methods and declared sizes."""
    if len(members) > limits.members:
        raise Refusal("zip_members")
    if any(_is_unsafe(member.filename) for member in members):
        raise Refusal("zip_names")
    if any(member.compress_type not in _METHODS for member in members):
        raise Refusal("damaged_docx")
    _check_size(sum(member.file_size for member in members), packed=sum(member.compress_size for member in members), limits=limits)
    for member in members:
        _check_size(member.file_size, packed=member.compress_size, limits=limits)


def _check_inflated(archive: zipfile.ZipFile, *, limits: Limits) -> None:
    """Inflate every member, keeping nothing, and count."""
    total = 0
    for member in archive.infolist():
        with archive.open(member) as content:
            size = 0
            while block := content.read(_BLOCK):
                size += len(block)
                _check_size(total + size, packed=None, limits=limits)
                _check_size(size, packed=member.compress_size, limits=limits)
        total += size


def _check_size(size: int, *, packed: int | None, limits: Limits) -> None:
    """Refuse `size` bytes if that is too many at all, or for `packed` bytes of archive."""
    is_swollen = packed is not None and size > _RATIO_FROM and size > limits.ratio * max(packed, 1)
    if size > limits.unpacked_bytes or is_swollen:
        raise Refusal("zip_bomb")


def _is_unsafe(name: str) -> bool:
    """Tell whether a member name is absolute, names a drive, or climbs."""
    path = PurePosixPath(name.replace("\\", "/"))
    first = path.parts[0] if path.parts else ""
    return path.is_absolute() or ":" in first or ".." in path.parts
