"""The archive: what goes in comes out, and nothing that was changed, cut off, forged or odd is taken."""

from __future__ import annotations

import hashlib
import io
import json
import os
import stat
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pyrage
import pytest
from pyrage import x25519

from backend_core.backup import archive, unpack
from backend_core.backup.archive import DUMP, MANIFEST, OBJECTS
from backend_core.backup.keys import BackupKey, new_key
from backend_core.backup.manifest import NOT_SOUND, Manifest, encode
from backend_core.errors import Cancelled, LecternError, StorageFailed, UnreadableFile, UnusableBackup
from backend_core.storage.folder import FolderStore, key_of
from tests.backend_core.backup.conftest import Pack


def check(path: Path, key: BackupKey) -> Manifest:
    """Read an archive without keeping anything."""
    return unpack.read(path, key, begin=lambda _: None, open_entry=lambda _: None, tick=lambda _: None)


def refusal(path: Path, key: BackupKey) -> str:
    with pytest.raises(UnusableBackup) as refused:
        check(path, key)
    return str(refused.value)


def rewritten(path: Path, key: BackupKey, change: Callable[[bytes], bytes]) -> Path:
    """Decrypt, change, and encrypt again: what somebody can do who knows the public half of the key."""
    plain = io.BytesIO()
    with path.open("rb") as file:
        pyrage.decrypt_io(file, plain, [x25519.Identity.from_str(key.identity)])
    with path.open("wb") as file:
        pyrage.encrypt_io(io.BytesIO(change(plain.getvalue())), file, [x25519.Recipient.from_str(key.recipient)])
    return path


def places(length: int) -> list[int]:
    """Return every place of the header and of the end, and every seventh between."""
    return sorted({*range(500), *range(500, length, 7), *range(length - 100, length)})


def test_what_was_written_is_read_back(pack: Pack, key: BackupKey, tmp_path: Path) -> None:
    contents = [b"", b"x", os.urandom(512), os.urandom(3_000_000)]
    path, manifest, damaged = pack(*contents, dump=os.urandom(100_000))
    target = tmp_path / "target"

    def open_entry(name: str) -> IO[bytes]:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        return (target / name).open("xb")

    assert unpack.read(path, key, begin=lambda _: None, open_entry=open_entry, tick=lambda _: None) == manifest.finished(())
    assert damaged == ()
    found = FolderStore(target)
    assert [found.verified(key_of(one.sha256), sha256=one.sha256).stat().st_size for one in manifest.objects] == [
        one.bytes for one in manifest.objects
    ]
    assert sorted(path.read_bytes() for path in target.glob("??/*")) == sorted(contents)


def test_files_that_were_damaged_before_are_left_out_and_named(pack: Pack, key: BackupKey) -> None:
    path, manifest, damaged = pack(b"one", b"two", b"three", lost=2)
    assert len(damaged) == 2
    assert check(path, key) == manifest.finished(damaged)


def test_other_programs_can_open_it(pack: Pack, key: BackupKey) -> None:
    path, manifest, _ = pack(b"one")
    plain = pyrage.decrypt(path.read_bytes(), [x25519.Identity.from_str(key.identity)])
    with tarfile.open(fileobj=io.BytesIO(plain)) as listed:
        assert listed.getnames() == [MANIFEST, DUMP, OBJECTS + key_of(manifest.objects[0].sha256), MANIFEST]


def test_memory_stays_small_however_large_a_file_is(pack: Pack, key: BackupKey) -> None:
    large = 48 * 2**20
    content = os.urandom(large)
    tracemalloc.start()
    try:
        path, _, _ = pack(content)
        check(path, key)
        assert tracemalloc.get_traced_memory()[1] < large / 4
    finally:
        tracemalloc.stop()


def test_one_flipped_bit_anywhere_is_refused(pack: Pack, key: BackupKey) -> None:
    path, _, _ = pack(b"one", os.urandom(300))
    whole = path.read_bytes()
    for place in places(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1 << (place % 8)
        path.write_bytes(changed)
        with pytest.raises(UnusableBackup):
            check(path, key)
    path.write_bytes(whole)
    check(path, key)


def test_one_flipped_bit_in_the_first_middle_and_last_piece_of_a_long_one_is_refused(pack: Pack, key: BackupKey) -> None:
    path, _, _ = pack(os.urandom(400_000))
    whole = path.read_bytes()
    for place in (3, 300, 66_000, len(whole) // 2, len(whole) - 70_000, len(whole) - 1):
        changed = bytearray(whole)
        changed[place] ^= 0x80
        path.write_bytes(changed)
        with pytest.raises(UnusableBackup):
            check(path, key)


def test_a_plain_archive_would_have_taken_the_flipped_bit(pack: Pack, key: BackupKey, tmp_path: Path) -> None:
    """The control: what the checks above are worth."""
    path, _, _ = pack(b"the content of a file, which somebody changes")
    plain = bytearray(pyrage.decrypt(path.read_bytes(), [x25519.Identity.from_str(key.identity)]))
    plain[plain.index(b"somebody")] ^= 1
    with tarfile.open(fileobj=io.BytesIO(bytes(plain))) as naive:
        naive.extractall(tmp_path / "naive", filter="data")
    assert any(b"romebody" in found.read_bytes() for found in (tmp_path / "naive").rglob("*") if found.is_file())
    assert refusal(rewritten(path, key, lambda _: bytes(plain)), key) == NOT_SOUND


def test_a_file_cut_off_anywhere_or_made_longer_is_refused(pack: Pack, key: BackupKey) -> None:
    path, _, _ = pack(b"one", os.urandom(300))
    whole = path.read_bytes()
    for length in places(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(UnusableBackup):
            check(path, key)
    path.write_bytes(whole + b"\0")
    assert refusal(path, key) == NOT_SOUND


def test_a_stream_that_ends_early_inside_a_sound_envelope_is_refused(pack: Pack, key: BackupKey) -> None:
    path, _, _ = pack(b"one", b"two")
    for cut in (1, 512, 1024, 1536, 2048, 4096):
        once, _, _ = pack(b"one", b"two")
        assert refusal(rewritten(once, key, lambda plain, cut=cut: plain[:-cut]), key) == NOT_SOUND
    once, _, _ = pack(b"one")
    assert refusal(rewritten(once, key, lambda plain: plain + bytes(512)), key) == NOT_SOUND
    assert path.exists()


@pytest.mark.parametrize("content", [b"", b"hello", b"%PDF-1.7 and so on", b"age-encryption.org/v1\n", bytes(1000)], ids=str)
def test_another_kind_of_file_is_refused(tmp_path: Path, key: BackupKey, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    assert refusal(path, key) in {unpack.NO_BACKUP, NOT_SOUND}


def test_a_file_that_cannot_be_read_is_named_as_such(tmp_path: Path, key: BackupKey) -> None:
    for path in (tmp_path / "missing", tmp_path):
        with pytest.raises(UnreadableFile):
            check(path, key)


def test_another_key_does_not_open_it(pack: Pack) -> None:
    path, _, _ = pack(b"one")
    assert refusal(path, new_key()) == unpack.WRONG_KEY


def test_a_backup_forged_with_the_public_half_of_the_key_is_refused(pack: Pack, key: BackupKey) -> None:
    path, manifest, _ = pack(b"one")
    forger = new_key()
    mine = encode(manifest, key)
    theirs = encode(manifest, forger)
    assert len(mine) == len(theirs)
    assert "not made with this key" in refusal(rewritten(path, key, lambda plain: plain.replace(mine, theirs)), key)


def test_a_later_format_is_named(pack: Pack, key: BackupKey) -> None:
    path, manifest, _ = pack(b"one")
    mine = encode(manifest, key)
    text = mine.replace(rb"\"format\":1", rb"\"format\":2")
    outer = json.loads(text)
    outer["mark"] = key.sign(outer["manifest"].encode())
    later = json.dumps(outer).encode()
    assert "newer version" in refusal(rewritten(path, key, lambda plain: plain.replace(mine, later)), key)


def entry(name: str, content: bytes = b"", **facts: object) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    for fact, value in facts.items():
        setattr(info, fact, value)
    return info.tobuf(tarfile.GNU_FORMAT) + content + bytes(-len(content) % 512)


HOSTILE = {
    "climbing": entry("../../evil", b"x"),
    "absolute": entry("/tmp/evil", b"x"),
    "in an object folder": entry("objects/../../evil", b"x"),
    "symbolic link": entry("objects/aa/link", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
    "hard link": entry("database.dump", type=tarfile.LNKTYPE, linkname="/etc/passwd"),
    "device": entry("objects/aa/dev", type=tarfile.CHRTYPE, devmajor=1, devminor=5),
    "folder": entry("objects/", type=tarfile.DIRTYPE),
    "second dump": entry(DUMP, b"PGDMP"),
    "unknown object": entry(f"{OBJECTS}aa/{'a' * 64}", b"x"),
    "huge": entry(DUMP, size=2**60),
    "huge manifest": entry(MANIFEST, size=2**40),
    "extended header": entry("pax", b"30 path=../../../../../tmp/evil\n", type=tarfile.XHDTYPE),
    "long name": entry("././@LongLink", b"../../evil\0", type=tarfile.GNUTYPE_LONGNAME),
    "sparse": entry(DUMP, b"PGDMP", type=tarfile.GNUTYPE_SPARSE),
    "set-uid": entry(DUMP, b"PGDMP", mode=0o4755),
    "owner": entry(DUMP, b"PGDMP", uid=0, uname="root"),
    "third manifest": entry(MANIFEST, b"{}"),
    "not tar": b"\xff" * 512,
}


@pytest.mark.trace("A16")
@pytest.mark.parametrize("trick", sorted(HOSTILE))
@pytest.mark.parametrize("place", ["before", "after the first manifest", "before the last"])
def test_an_entry_that_we_would_not_have_written_is_refused_wherever_it_stands(pack: Pack, key: BackupKey, trick: str, place: str) -> None:
    path, manifest, _ = pack(b"one")
    first = 512 + len(encode(manifest, key)) + archive.padding(len(encode(manifest, key)))
    last = 1024 + 512 + len(encode(manifest.finished(()), key)) + archive.padding(len(encode(manifest.finished(()), key)))

    def insert(plain: bytes) -> bytes:
        at = {"before": 0, "after the first manifest": first, "before the last": len(plain) - last}[place]
        return plain[:at] + HOSTILE[trick] + plain[at:]

    opened: list[str] = []

    def note(name: str) -> None:
        opened.append(name)

    changed = rewritten(path, key, insert)
    with pytest.raises(UnusableBackup):
        unpack.read(changed, key, begin=lambda _: None, open_entry=note, tick=lambda _: None)
    assert set(opened) <= {DUMP, key_of(manifest.objects[0].sha256)}


def test_objects_in_another_order_or_twice_are_refused(pack: Pack, key: BackupKey) -> None:
    path, manifest, _ = pack(b"one", b"two")
    one, two = (entry_of(manifest, place) for place in (0, 1))
    whole = path.read_bytes()
    for swapped in (two + one, one + one, two, b""):
        path.write_bytes(whole)
        assert refusal(rewritten(path, key, lambda plain, swapped=swapped: plain.replace(one + two, swapped)), key) == NOT_SOUND


def entry_of(manifest: Manifest, place: int) -> bytes:
    stored = manifest.objects[place]
    content = next(word for word in (b"one", b"two") if hashlib.sha256(word).hexdigest() == stored.sha256)
    header = archive.header(OBJECTS + key_of(stored.sha256), stored.bytes, mtime=int(manifest.created_at.timestamp()))
    return header + content + bytes(archive.padding(len(content)))


def test_a_stop_in_the_middle_is_a_stop_and_not_a_damage(pack: Pack, key: BackupKey, tmp_path: Path) -> None:
    path, manifest, _ = pack(os.urandom(500_000))

    def stop(_count: int) -> None:
        raise Cancelled("Cancelled.")

    with pytest.raises(Cancelled):
        unpack.read(path, key, begin=lambda _: None, open_entry=lambda _: None, tick=stop)
    with pytest.raises(Cancelled), (tmp_path / "new").open("wb") as file:
        archive.write(file, manifest, dump=tmp_path / "source", store=FolderStore(tmp_path / "store"), key=key, tick=stop)


def always_full(_name: str) -> IO[bytes]:
    return Path("/dev/full").open("wb", buffering=0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_named_on_both_ways(pack: Pack, key: BackupKey, tmp_path: Path) -> None:
    path, manifest, _ = pack(os.urandom(500_000))
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)
    with pytest.raises(StorageFailed, match="full"), Path("/dev/full").open("wb", buffering=0) as full:
        archive.write(full, manifest, dump=tmp_path / "source", store=FolderStore(tmp_path / "store"), key=key, tick=lambda _: None)
    with pytest.raises(StorageFailed, match="full"):
        unpack.read(path, key, begin=lambda _: None, open_entry=always_full, tick=lambda _: None)


def test_a_file_that_changes_while_it_is_copied_ends_the_backup(pack: Pack, key: BackupKey, tmp_path: Path) -> None:
    _, manifest, _ = pack(b"one", dump=b"PGDMP of then")
    (tmp_path / "source").write_bytes(b"PGDMP of now!")
    with pytest.raises(StorageFailed, match="changed while"), (tmp_path / "new").open("wb") as file:
        archive.write(file, manifest, dump=tmp_path / "source", store=FolderStore(tmp_path / "store"), key=key, tick=lambda _: None)


def test_every_refusal_is_one_safe_sentence(pack: Pack, key: BackupKey) -> None:
    path, _, _ = pack(b"one")
    said = {refusal(path, new_key())}
    path.write_bytes(path.read_bytes()[:-1])
    said.add(refusal(path, key))
    for sentence in said:
        assert isinstance(UnusableBackup(sentence), LecternError)
        assert str(path.parent) not in sentence
        assert key.identity not in sentence
