"""A sealed value opens in its own place only, and a rotation never touches it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend_core.credentials.envelope import Cell, key_of, rewrap, seal, unseal
from backend_core.credentials.token_keys import SECRET, Ring, keep, load
from backend_core.errors import SecretsLocked

HERE = Cell(table="t", row="r", column="c")
KEY = b"k" * 32
OTHER = b"o" * 32


class Drawer:
    """Secrets in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def get(self, name: str) -> str | None:
        return self.kept.get(name)

    def set(self, name: str, secret: str) -> None:
        self.kept[name] = secret


@given(st.binary(max_size=2_000))
def test_what_is_sealed_opens_in_its_place(value: bytes) -> None:
    sealed = seal(value, HERE, key_id="1", key=KEY)
    assert unseal(sealed, HERE, key_id="1", key=KEY) == value
    assert len(value) < 8 or value not in sealed


@pytest.mark.parametrize(
    "place", [Cell(table="x", row="r", column="c"), Cell(table="t", row="x", column="c"), Cell(table="t", row="r", column="x")], ids=str
)
def test_a_value_that_was_moved_does_not_open_and_is_not_wrapped_anew(place: Cell) -> None:
    sealed = seal(b"value", HERE, key_id="1", key=KEY)
    with pytest.raises(SecretsLocked):
        unseal(sealed, place, key_id="1", key=KEY)
    with pytest.raises(SecretsLocked):
        rewrap(sealed, place, old=("1", KEY), new=("2", OTHER))


def test_a_hundred_values_moved_to_another_row_are_refused() -> None:
    rows = [Cell(table="oauth_tokens", row=str(number), column="enc_access") for number in range(100)]
    sealed = [seal(str(number).encode(), row, key_id="1", key=KEY) for number, row in enumerate(rows)]
    refused = 0
    for number, row in enumerate(rows):
        assert unseal(sealed[number], row, key_id="1", key=KEY) == str(number).encode()
        try:
            unseal(sealed[(number + 1) % 100], row, key_id="1", key=KEY)
        except SecretsLocked:
            refused += 1
    assert refused == 100


def test_another_key_or_another_name_of_the_key_does_not_open_it() -> None:
    sealed = seal(b"value", HERE, key_id="1", key=KEY)
    for key_id, key in (("1", OTHER), ("2", KEY)):
        with pytest.raises(SecretsLocked):
            unseal(sealed, HERE, key_id=key_id, key=key)
    with pytest.raises(SecretsLocked):
        key_of({}, "1")


def test_every_bit_counts() -> None:
    sealed = seal(b"value", HERE, key_id="1", key=KEY)
    for place in range(len(sealed)):
        harmed = bytearray(sealed)
        harmed[place] ^= 1
        with pytest.raises(SecretsLocked):
            unseal(bytes(harmed), HERE, key_id="1", key=KEY)
        with pytest.raises(SecretsLocked):
            unseal(sealed[:place], HERE, key_id="1", key=KEY)


def test_the_key_of_one_value_does_not_serve_another() -> None:
    mine, yours = (seal(b"value", HERE, key_id="1", key=KEY) for _ in range(2))
    assert mine != yours
    end = 1 + 12 + 32 + 16
    with pytest.raises(SecretsLocked):
        unseal(mine[:end] + yours[end:], HERE, key_id="1", key=KEY)


def test_a_rotation_wraps_the_key_anew_and_leaves_the_value_as_it_is() -> None:
    sealed = seal(b"value", HERE, key_id="1", key=KEY)
    moved = rewrap(sealed, HERE, old=("1", KEY), new=("2", OTHER))
    end = 1 + 12 + 32 + 16
    assert moved[end:] == sealed[end:]
    assert moved[1:end] != sealed[1:end]
    assert unseal(moved, HERE, key_id="2", key=OTHER) == b"value"
    with pytest.raises(SecretsLocked):
        unseal(moved, HERE, key_id="1", key=KEY)


def test_no_part_of_a_place_runs_into_the_next() -> None:
    with pytest.raises(ValueError, match="separator"):
        Cell(table="t", row="r|c", column="").data()


def test_keys_are_kept_until_nothing_is_wrapped_by_them() -> None:
    drawer = Drawer()
    assert load(drawer) == Ring("", {})
    first = load(drawer).with_new()
    second = first.with_new()
    keep(drawer, second)
    assert load(drawer) == second
    assert set(second.keys) > set(first.keys)
    assert set(second.only(frozenset({first.current})).keys) == {first.current, second.current}
    assert set(second.only(frozenset()).keys) == {second.current}
    assert second.key == (second.current, second.keys[second.current])


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "{}", '{"current": "a", "keys": {}}', '{"current": "a", "keys": {"a": "AA=="}}', "\x00"]
)
def test_damaged_keys_are_not_replaced_by_new_ones(text: str) -> None:
    drawer = Drawer()
    drawer.set(SECRET, text)
    with pytest.raises(SecretsLocked):
        load(drawer)


def test_keys_are_random() -> None:
    rings = [Ring("", {}).with_new() for _ in range(20)]
    assert len({ring.key for ring in rings}) == 20
    assert all(len(ring.key[1]) == 32 for ring in rings)
