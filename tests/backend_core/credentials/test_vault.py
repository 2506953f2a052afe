"""The vault: where secrets go, that nobody else reads them, and that every failure is one clear sentence."""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend_core.credentials.os_keyring import SERVICE, accepted, within
from backend_core.credentials.sealed import SealedFile
from backend_core.credentials.vault import MOST_BYTES, Vault
from backend_core.errors import InvalidInput, SecretsLocked

CANARY = "hunter2-canary-secret"
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps the rights of a file elsewhere")


class Drawer:
    """A keyring in memory, with the three calls a real backend has."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        self._check()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._check()
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._check()
        del self.kept[service, username]

    def _check(self) -> None:
        if self.locked:
            raise RuntimeError(f"locked while keeping {CANARY}")


def vault(home: Path, *, drawer: Drawer | None = None, **environ: str) -> Vault:
    return Vault(home, find=lambda: drawer, environ=environ)


def files(home: Path) -> Iterator[Path]:
    return (path for path in home.rglob("*") if path.is_file())


def holds(home: Path, text: str) -> bool:
    return any(text.encode() in path.read_bytes() for path in files(home))


@pytest.mark.parametrize("environ", [{}, {"LECTERN_PASSPHRASE": "open sesame"}], ids=["file", "sealed"])
@pytest.mark.trace("A4")
def test_a_secret_comes_back_for_everybody_with_the_key_and_is_in_no_file_as_text(tmp_path: Path, environ: dict[str, str]) -> None:
    first = vault(tmp_path, **environ)
    first.set("session", CANARY)
    assert vault(tmp_path, **environ).get("session") == CANARY
    assert not holds(tmp_path, CANARY)
    first.delete("session")
    assert vault(tmp_path, **environ).get("session") is None
    (tmp_path / "control").write_text(CANARY, encoding="utf-8")
    assert holds(tmp_path, CANARY)


def test_each_kind_is_named_for_what_it_is(tmp_path: Path) -> None:
    plain, sealed, ring = vault(tmp_path), vault(tmp_path, LECTERN_PASSPHRASE="x"), vault(tmp_path, drawer=Drawer())
    assert [one.kind for one in (plain, sealed, ring)] == ["file", "sealed", "keyring"]
    assert "protected only by file permissions" in plain.sentence
    assert "passphrase" in sealed.sentence
    assert "keyring" in ring.sentence


@posix
def test_everything_in_the_folder_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        vault(tmp_path).set("session", CANARY)
        vault(tmp_path, drawer=Drawer()).set("other", CANARY)
    finally:
        os.umask(old)
    assert {path.stat().st_mode & 0o777 for path in files(tmp_path)} == {0o600}
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700


@posix
@pytest.mark.parametrize("name", ["secrets.sealed", "secrets.key"])
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o660])
def test_a_file_that_others_may_read_or_change_is_refused(tmp_path: Path, name: str, mode: int) -> None:
    vault(tmp_path).set("session", CANARY)
    (tmp_path / "secrets" / name).chmod(mode)
    with pytest.raises(SecretsLocked, match=f"Other users may read or change the file {name}"):
        vault(tmp_path).get("session")
    (tmp_path / "secrets" / name).chmod(0o600)
    assert vault(tmp_path).get("session") == CANARY


@posix
@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(tmp_path: Path) -> None:
    vault(tmp_path).set("session", CANARY)
    os.chown(tmp_path / "secrets" / "secrets.key", 65_534, 65_534)
    with pytest.raises(SecretsLocked, match="belongs to another user"):
        vault(tmp_path).get("session")


@posix
def test_a_link_in_place_of_the_key_is_refused(tmp_path: Path) -> None:
    vault(tmp_path).set("session", CANARY)
    key = tmp_path / "secrets" / "secrets.key"
    key.rename(tmp_path / "elsewhere")
    key.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SecretsLocked, match=r"secrets\.key cannot be read"):
        vault(tmp_path).get("session")


def test_a_wrong_or_missing_passphrase_gets_a_sentence(tmp_path: Path) -> None:
    vault(tmp_path, LECTERN_PASSPHRASE="right").set("session", CANARY)
    for environ, words in (({"LECTERN_PASSPHRASE": "wrong"}, "does not open"), ({}, "give LECTERN_PASSPHRASE")):
        for use in (lambda one: one.get("session"), lambda one: one.set("session", "other")):
            with pytest.raises(SecretsLocked, match=words) as caught:
                use(vault(tmp_path, **environ))
            assert "right" not in str(caught.value)
            assert "wrong" not in str(caught.value)
    assert vault(tmp_path, LECTERN_PASSPHRASE="right").get("session") == CANARY


def test_a_passphrase_given_later_seals_anew_and_the_open_key_opens_nothing_any_more(tmp_path: Path) -> None:
    vault(tmp_path).set("session", CANARY)
    key = (tmp_path / "secrets" / "secrets.key").read_bytes()
    assert vault(tmp_path, LECTERN_PASSPHRASE="x").get("session") == CANARY
    assert not (tmp_path / "secrets" / "secrets.key").exists()
    assert json.loads((tmp_path / "secrets" / "secrets.sealed").read_bytes())["wrap"]["by"] == "passphrase"
    (tmp_path / "secrets" / "secrets.key").write_bytes(key)
    (tmp_path / "secrets" / "secrets.key").chmod(0o600)
    with pytest.raises(SecretsLocked):
        vault(tmp_path).get("session")


def test_the_passphrase_may_come_from_a_file_but_not_from_one_beside_the_secrets(tmp_path: Path) -> None:
    outside = tmp_path / "passphrase"
    outside.write_text("open sesame\n", encoding="utf-8")
    outside.chmod(0o600)
    home = tmp_path / "home"
    vault(home, LECTERN_PASSPHRASE_FILE=str(outside)).set("session", CANARY)
    assert vault(home, LECTERN_PASSPHRASE="open sesame").get("session") == CANARY
    inside = home / "passphrase"
    inside.write_text("open sesame\n", encoding="utf-8")
    inside.chmod(0o600)
    with pytest.raises(SecretsLocked, match="lies beside what it protects"):
        vault(home, LECTERN_PASSPHRASE_FILE=str(inside)).get("session")
    with pytest.raises(SecretsLocked, match="missing or empty"):
        vault(home, LECTERN_PASSPHRASE_FILE=str(tmp_path / "none")).get("session")


@posix
def test_a_passphrase_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "passphrase"
    path.write_text("x", encoding="utf-8")
    path.chmod(0o644)
    with pytest.raises(SecretsLocked, match="Other users may read"):
        vault(tmp_path / "home", LECTERN_PASSPHRASE_FILE=str(path)).set("session", "x")


@pytest.mark.parametrize("environ", [{}, {"LECTERN_PASSPHRASE": "x"}], ids=["file", "sealed"])
def test_one_changed_byte_anywhere_is_noticed(tmp_path: Path, environ: dict[str, str]) -> None:
    vault(tmp_path, **environ).set("session", CANARY)
    path = tmp_path / "secrets" / "secrets.sealed"
    sound = path.read_bytes()
    step = max(1, len(sound) // 40)
    for place in range(0, len(sound), step):
        path.write_bytes(sound[:place] + bytes([sound[place] ^ 1]) + sound[place + 1 :])
        try:
            got = Vault(tmp_path, find=lambda: None, environ=environ).get("session")
        except SecretsLocked:
            continue
        # white space between the parts is not content
        assert got == CANARY
        assert chr(sound[place]).isspace()
    path.write_bytes(sound)
    assert vault(tmp_path, **environ).get("session") == CANARY


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"{", b'{"format": "lectern-secrets"}', b"\xff" * 40])
def test_a_file_that_is_no_sealed_file_gets_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "secrets.sealed").write_bytes(content)
    (tmp_path / "secrets" / "secrets.sealed").chmod(0o600)
    with pytest.raises(SecretsLocked, match="damaged"):
        vault(tmp_path).get("session")


def test_a_file_that_asks_for_an_absurd_effort_is_refused(tmp_path: Path) -> None:
    vault(tmp_path, LECTERN_PASSPHRASE="x").set("session", CANARY)
    path = tmp_path / "secrets" / "secrets.sealed"
    found = json.loads(path.read_bytes())
    found["wrap"]["memory_kib"] = 2**40
    path.write_text(json.dumps(found), encoding="utf-8")
    with pytest.raises(SecretsLocked, match="damaged"):
        vault(tmp_path, LECTERN_PASSPHRASE="x").get("session")


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    vault(tmp_path).set("session", CANARY)
    path = tmp_path / "secrets" / "secrets.sealed"
    path.write_text(path.read_text(encoding="utf-8").replace('"version": 1', '"version": 2'), encoding="utf-8")
    with pytest.raises(SecretsLocked, match="newer version"):
        vault(tmp_path).set("session", "x")


def _keep(home: Path, number: int) -> None:
    Vault(home, find=lambda: None, environ={}).set(f"name-{number}", str(number))


def test_processes_that_change_it_at_once_lose_nothing(tmp_path: Path) -> None:
    spawned = multiprocessing.get_context("spawn")
    running = [spawned.Process(target=_keep, args=(tmp_path, number)) for number in range(8)]
    for one in running:
        one.start()
    for one in running:
        one.join(60)
    kept = vault(tmp_path)
    assert [kept.get(f"name-{number}") for number in range(8)] == [str(number) for number in range(8)]


def test_a_keyring_keeps_homes_apart_and_nothing_in_files(tmp_path: Path) -> None:
    drawer = Drawer()
    vault(tmp_path / "a", drawer=drawer).set("session", CANARY)
    assert vault(tmp_path / "a", drawer=drawer).get("session") == CANARY
    assert vault(tmp_path / "b", drawer=drawer).get("session") is None
    assert not holds(tmp_path, CANARY)
    assert {service for service, _ in drawer.kept} == {SERVICE}


def test_a_secret_of_the_file_is_found_and_moves_when_a_keyring_comes(tmp_path: Path) -> None:
    vault(tmp_path).set("session", "old")
    drawer = Drawer()
    ring = vault(tmp_path, drawer=drawer)
    assert ring.get("session") == "old"
    ring.set("session", "new")
    assert ring.get("session") == "new"
    with pytest.raises(SecretsLocked, match="in the keyring"):
        vault(tmp_path).get("session")
    with pytest.raises(SecretsLocked, match="in the keyring"):
        vault(tmp_path).set("session", "a second one")
    ring.delete("session")
    assert vault(tmp_path).get("session") is None


@pytest.mark.logs("keyring refused")
def test_a_keyring_that_refuses_gives_a_sentence_without_its_words(tmp_path: Path) -> None:
    drawer = Drawer()
    ring = vault(tmp_path, drawer=drawer)
    ring.set("session", "x")
    drawer.locked = True
    with pytest.raises(SecretsLocked) as caught:
        ring.get("session")
    assert CANARY not in str(caught.value)


def test_a_keyring_that_never_answers_is_left_behind() -> None:
    never = threading.Event()
    with pytest.raises(SecretsLocked, match="does not answer"):
        within(0.05, never.wait)
    assert within(10, lambda: 7) == 7
    never.set()


def test_a_home_whose_keyring_is_silent_says_so(tmp_path: Path) -> None:
    def silent() -> None:
        raise SecretsLocked("The keyring of this system does not answer.")

    fallen_back = Vault(tmp_path, find=silent, environ={})
    assert fallen_back.kind == "file"
    assert fallen_back.sentence == "The keyring of this system does not answer: secrets are protected only by file permissions."


def test_only_keyrings_of_an_operating_system_are_accepted() -> None:
    from keyring.backends import SecretService, chainer, fail, kwallet, null

    class Plaintext(null.Keyring):
        """Stands for whatever else may be installed."""

    Plaintext.__module__ = "keyrings.alt.file"
    real = SecretService.Keyring()
    assert accepted(real) is real
    assert accepted(kwallet.DBusKeyring()) is not None
    assert [accepted(one()) for one in (fail.Keyring, null.Keyring, Plaintext)] == [None, None, None]

    class Chain(chainer.ChainerBackend):
        backends = (Plaintext(), real)

    Chain.__module__ = "keyring.backends.chainer"
    assert accepted(Chain()) is real
    Chain.backends = (Plaintext(), null.Keyring())
    assert accepted(Chain()) is None


@pytest.mark.parametrize("secret", ["", "x" * (MOST_BYTES // 2 + 1), "\U0001f600" * (MOST_BYTES // 4 + 1)])
def test_a_secret_that_the_smallest_keyring_cannot_hold_is_refused_everywhere(tmp_path: Path, secret: str) -> None:
    for one in (vault(tmp_path), vault(tmp_path, drawer=Drawer())):
        with pytest.raises(InvalidInput):
            one.set("session", secret)
        one.set("session", "\U0001f600" * (MOST_BYTES // 4))


@pytest.mark.parametrize("name", ["", "A", "a b", "../x", "x" * 101, "a\n"])
def test_a_name_that_is_no_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput):
        vault(tmp_path).get(name)


def test_erasing_leaves_nothing(tmp_path: Path) -> None:
    drawer = Drawer()
    vault(tmp_path).set("a", CANARY)
    vault(tmp_path, drawer=drawer).set("b", CANARY)
    vault(tmp_path, drawer=drawer).erase()
    assert drawer.kept == {}
    assert not list((tmp_path / "secrets").glob("secrets.[sk]e*"))


def test_the_vault_and_its_parts_never_show_a_secret(tmp_path: Path) -> None:
    one = vault(tmp_path, LECTERN_PASSPHRASE=CANARY)
    one.set("session", CANARY)
    sealed = SealedFile(tmp_path / "secrets", passphrase=lambda: CANARY)
    assert CANARY not in repr(one) + repr(sealed) + str(vars(one).get("_keyring"))
