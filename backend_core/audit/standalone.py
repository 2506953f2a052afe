"""Check an exported part of Lectern's audit log without the database: ``python verify.pyz FILE [--key KEY_ID]``.

``verifier.py`` packs this module and those it names into that one file; it needs Python 3.11 and the package ``cryptography``.

FILE is an export (``events.jsonl`` or ``events.csv`` beside its ``.manifest.json`` and ``.proofs.jsonl``) or an evidence pack (``.zip``).
Checked are: every byte by its hash, the signature of the manifest, the signed statements about keys, every row by the hash that chains it
to the row before it of the same writer, every hash by a Merkle proof, every seal by its signature, and that no place is left out where
the export says it is complete. ``--key`` names the first key of the log, as somebody outside remembers it.
"""

from __future__ import annotations

import base64
import csv
import datetime as dt
import hashlib
import io
import json
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, Final

from backend_core.audit.cells import original
from backend_core.audit.chain import canonical, leaf, microseconds, origin
from backend_core.audit.checkpoint import Checkpoint, head, parse
from backend_core.audit.key_statements import KeyStatement
from backend_core.audit.merkle import entry, leaf_hash
from backend_core.audit.proofs import root_of_some
from backend_core.audit.tombstones import Skeleton, digest, statement
from backend_core.audit.trust import Trust, read

EXPORT: Final = "lectern-audit-export/1"
MANIFEST: Final = ".manifest.json"
PROOFS: Final = ".proofs.jsonl"
PACK: Final = "pack.json"
MOST_PROBLEMS: Final = 100
BLOCK: Final = 1 << 20
HASH: Final = 32
COLUMNS: Final = (
    "position", "id", "xid", "at", "writer", "wseq", "previous", "leaf", "actor", "actor_id", "role", "action", "target", "outcome",
    "reason", "before", "after", "workstation", "client_version", "correlation_id", "tombstone",
)  # fmt: skip
NUMBERS: Final = frozenset({"position", "id", "xid", "wseq", "actor_id", "tombstone"})


@dataclass(frozen=True, slots=True)
class FileReport:
    """What a check found; ``problems`` are pairs of a stable word and a sentence, and with none of them all is well."""

    rows: int
    seals: int
    problems: tuple[tuple[str, str], ...]
    first_key: str
    signed_by: str
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.problems


@dataclass(slots=True)
class _State:
    """What is known while the rows go by."""

    trust: Trust
    problems: list[tuple[str, str]] = field(default_factory=list)
    rows: int = 0
    seals: int = 0
    last: Checkpoint | None = None
    place: int = 0
    chains: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    erased: dict[int, list[Skeleton]] = field(default_factory=dict)

    def note(self, kind: str, detail: str) -> None:
        """Remember a problem."""
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append((kind, detail))


def verify_file(path: Path, *, key: str | None = None) -> FileReport:
    """Check an export or an evidence pack.

    Args:
        path: the file with the rows, or the ``.zip``.
        key: id of the log's first key, as remembered elsewhere.

    Raises:
        ValueError: the file or its companions are not there, or are no export at all.
    """
    began = time.monotonic()
    try:
        with _Source(path) as source:
            state, signed_by = _verify(source, key)
    except (
        OSError,
        ValueError,
        LookupError,
        TypeError,
        AttributeError,
        ArithmeticError,
        RecursionError,
        zipfile.BadZipFile,
        csv.Error,
    ) as error:
        raise ValueError(f"{path.name} is no export of an audit log, or one of its files is missing or damaged.") from error
    first = state.trust.roots[0] if state.trust.roots else ""
    return FileReport(state.rows, state.seals, tuple(state.problems), first, signed_by, time.monotonic() - began)


class _Source:
    """The files of an export, beside one another in a folder or in a zip."""

    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path) if path.suffix == ".zip" else None
        self._folder = path.parent
        self.name = path.name
        if self._zip is not None:
            found = [name for name in self._zip.namelist() if name.endswith(MANIFEST)]
            self.name = found[0].removesuffix(MANIFEST) if len(found) == 1 else ""

    def names(self) -> list[str]:
        """Return the names of the files in a pack; none for an export in a folder."""
        return [] if self._zip is None else self._zip.namelist()

    def open(self, ending: str = "") -> IO[bytes]:
        """Open the file with the rows, or one of its companions."""
        return self.named(self.name + ending)

    def named(self, name: str) -> IO[bytes]:
        """Open a file."""
        return self._zip.open(name) if self._zip is not None else (self._folder / name).open("rb")

    def __enter__(self) -> _Source:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._zip is not None:
            self._zip.close()


def _verify(source: _Source, key: str | None) -> tuple[_State, str]:
    with source.open(MANIFEST) as file:
        signed = json.load(file)
    made = signed["manifest"]
    if made["format"] != EXPORT:
        raise ValueError("That is another kind of file.")
    state = _State(read([_key_statement(one) for one in made["keys"]], accepted=frozenset([key] if key else [])))
    for problem in state.trust.problems:
        state.note("key", problem)
    at, payload = _moment(made["exported_at"]), manifest_bytes(made)
    if not state.trust.signed_at(signed["key_id"], at, payload, base64.b64decode(signed["signature"])):
        state.note("manifest", "the manifest is not signed by a key of this log")
    for ending, wanted in (("", made["sha256"]), (PROOFS, made["proofs_sha256"])):
        if _sha256(source.open(ending)) != wanted:
            state.note("bytes", f"the bytes of {source.name}{ending} are not those that were exported")
    _check_pack(state, source, at)
    with source.open() as file, source.open(PROOFS) as proofs:
        rows = _csv_rows(file) if made["kind"] == "csv" else _json_rows(file)
        _walk(state, rows, proofs, complete=made["complete"])
    _compare(state, made)
    return state, str(signed["key_id"])


def _compare(state: _State, made: Mapping[str, Any]) -> None:
    if state.rows != made["rows"]:
        state.note("count", f"{state.rows} rows are there, {made['rows']} were exported")
    for one in made["tombstones"]:
        facts = {"retention_class": one["class"], "cutoff": _moment(one["cutoff"]), "rows": one["rows"], "at": _moment(one["at"])}
        payload = statement(**facts, skeletons_sha256=bytes.fromhex(one["sha256"]))
        if not state.trust.signed_at(one["key_id"], facts["at"], payload, base64.b64decode(one["signature"])):
            state.note("tombstone", f"tombstone {one['id']} is not signed by a key of this log")
        gone = state.erased.pop(one["id"], [])
        if len(gone) > one["rows"] or (len(gone) == one["rows"] and digest(gone).hex() != one["sha256"]):
            state.note("tombstone", f"tombstone {one['id']} speaks of other rows")
    for number in state.erased:
        state.note("tombstone", f"rows were erased under tombstone {number}, which is not there")


def manifest_bytes(made: Mapping[str, Any]) -> bytes:
    """Return the bytes that the signature of a manifest signs."""
    return b"lectern-audit-manifest/1\n" + json.dumps(made, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def pack_bytes(hashes: Mapping[str, str]) -> bytes:
    """Return the bytes that the signature of an evidence pack signs."""
    return b"lectern-audit-pack/1\n" + json.dumps(hashes, sort_keys=True, separators=(",", ":")).encode()


def _check_pack(state: _State, source: _Source, at: dt.datetime) -> None:
    """Check every file of a pack, and that none was added."""
    names = source.names()
    if not names:
        return
    with source.named(PACK) as file:
        pack = json.load(file)
    if not state.trust.signed_at(pack["key_id"], at, pack_bytes(pack["files"]), base64.b64decode(pack["signature"])):
        state.note("pack", "the pack is not signed by a key of this log")
    for name in sorted({*names, *pack["files"]} - {PACK}):
        if name not in names or name not in pack["files"] or _sha256(source.named(name)) != pack["files"][name]:
            state.note("pack", f"{name} is not as it was packed")


def _sha256(opened: IO[bytes]) -> str:
    with opened as file:
        made = hashlib.sha256()
        while block := file.read(BLOCK):
            made.update(block)
        return made.hexdigest()


def _key_statement(one: Mapping[str, Any]) -> KeyStatement:
    facts = {**one, "public": base64.b64decode(one["public"]), "at": _moment(one["at"]), "signature": base64.b64decode(one["signature"])}
    return KeyStatement(**facts)


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def _json_rows(file: IO[bytes]) -> Iterator[dict[str, Any]]:
    load = json.JSONDecoder(parse_float=Decimal).decode
    for line in file:
        yield load(line.decode())


def _csv_rows(file: IO[bytes]) -> Iterator[dict[str, Any]]:
    load = json.JSONDecoder(parse_float=Decimal).decode
    csv.field_size_limit(1 << 24)
    text = io.TextIOWrapper(file, "utf-8-sig", newline="")
    try:
        for cells in csv.DictReader(text):
            row: dict[str, Any] = {name: original(cells[name]) for name in COLUMNS}
            row |= {name: int(row[name]) for name in NUMBERS if row[name] is not None}
            row |= {name: load(row[name]) for name in ("before", "after") if row[name] is not None}
            yield row
    finally:
        # whoever opened the file closes it
        text.detach()


def _walk(state: _State, rows: Iterator[dict[str, Any]], proofs: IO[bytes], *, complete: bool) -> None:
    row = next(rows, None)
    for line in proofs:
        one = json.loads(line)
        text, hashes = one["checkpoint"], bytes.fromhex(one["hashes"])
        made, key_id, signature = parse(text)
        state.seals += 1
        if not state.trust.seal_signed(key_id, made.seal, text.partition("\n\n")[0].encode() + b"\n", signature):
            state.note("seal", f"seal {made.seal} is not signed by a key of this log")
        if state.last is not None and made.seal == state.last.seal + 1 and made.head != head(state.last.head, made):
            state.note("seal", f"seal {made.seal} does not follow the one before")
        state.last = made
        leaves: dict[int, bytes] = {}
        while row is not None and made.first <= row["position"] <= made.last:
            leaves[row["position"] - made.first] = _checked(state, row, complete=complete)
            row = next(rows, None)
        path = [hashes[place : place + HASH] for place in range(0, len(hashes), HASH)]
        if root_of_some(leaves, made.last - made.first + 1, path) != made.root:
            state.note("proof", f"the rows of seal {made.seal} are not those that were sealed")
    if row is not None:
        state.note("order", f"the row at place {row['position']} has no seal, or is out of order")
        state.rows += 1 + sum(1 for _ in rows)


def _checked(state: _State, row: Mapping[str, Any], *, complete: bool) -> bytes:
    """Return the leaf of a row in the tree, after looking at its chain."""
    position, writer, wseq, hashed = row["position"], row["writer"], row["wseq"], bytes.fromhex(row["leaf"])
    at = _moment(row["at"])
    state.rows += 1
    if position <= state.place or (complete and state.place and position != state.place + 1):
        state.note("order", f"after place {state.place} comes place {position}")
    state.place = position
    if row.get("tombstone") is not None:
        facts = {"position": position, "event_id": row["id"], "xid": row["xid"], "at": at, "wseq": wseq, "leaf": hashed, "writer": writer}
        state.erased.setdefault(row["tombstone"], []).append(Skeleton(**facts))
    else:
        previous = bytes.fromhex(row["previous"])
        if leaf(previous, canonical({**row, "at": at})) != hashed:
            state.note("row", f"the row at place {position} is not what was written")
        known = state.chains.get(writer)
        expected = origin(writer) if wseq == 1 else known[1] if known and known[0] == wseq - 1 else previous
        if previous != expected:
            state.note("chain", f"the row at place {position} does not follow the row before it of the same writer")
    state.chains[writer] = (wseq, hashed)
    return leaf_hash(entry(position, row["id"], row["xid"], microseconds(at), hashed))


def main(arguments: Sequence[str]) -> int:
    """Check one file and say what was found; return 0 when all is well, 1 when not, 2 on wrong usage."""
    words = list(arguments)
    key = words.pop(words.index("--key") + 1) if "--key" in words[:-1] else None
    names = [word for word in words if word != "--key"]
    if len(names) != 1:
        sys.stderr.write("usage: python verify.pyz FILE [--key KEY_ID]\n")
        return 2
    try:
        report = verify_file(Path(names[0]), key=key)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for kind, detail in report.problems:
        sys.stdout.write(f"{kind}: {detail}\n")
    verdict = "All is as it was written." if report.ok else f"{len(report.problems)} problems."
    sys.stdout.write(f"{report.rows} rows under {report.seals} seals, {report.seconds:.1f} s. {verdict}\n")
    sys.stdout.write(f"The first key of this log is {report.first_key or 'unknown'}; compare it with a copy from elsewhere.\n")
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
