"""The declaration of house settings: every field refuses what lies one step outside, whatever its type."""

from __future__ import annotations

from decimal import Decimal

import pytest

from backend_core.house.declaration import FIELDS, HouseField, HouseSettings, Value, settings_from, stored

ANY = tuple(FIELDS.values())
NUMBERS = tuple(field for field in ANY if field.least is not None)
NEVER: tuple[object, ...] = (
    None, [], {}, b"1", float("nan"), float("inf"), 1.5, 2.0, -(10**30), 10**30, "abc", "NaN", "1e3", "٣", "３", "1 0", "0x10",
    "1\n", "a\x00b", "10:7", "24:00", "٠٧:٣٠", "a@b\nBcc: c@d", "a b@c", "<a@b>", Decimal("NaN"), "Infinity", "x" * 300 + "@y",
)  # fmt: skip


# words of any kind, as long as they stand on one line; of the mail server there is a test of its own
FREE = ("crisis_line", "mail_user", "mail_host")


def of(field: HouseField, number: int) -> Value:
    return str(number) if field.kind == "amount" else number


@pytest.mark.trace("A55", "A74")
@pytest.mark.parametrize("field", NUMBERS, ids=lambda field: field.name)
def test_a_number_is_accepted_from_its_least_to_its_most_and_not_one_step_further(field: HouseField) -> None:
    assert field.least is not None
    assert field.most is not None
    step = Decimal("0.01") if field.kind == "amount" else 1
    for inside in (field.least, field.most, (field.least + field.most) // 2):
        assert field.accepts(of(field, inside))
    for outside in (field.least - step, field.most + step):
        assert not field.accepts(str(outside) if field.kind == "amount" else outside)


@pytest.mark.trace("A55")
@pytest.mark.parametrize("field", ANY, ids=lambda field: field.name)
def test_nothing_of_another_type_is_accepted(field: HouseField) -> None:
    wrong = [
        value for value in NEVER if field.name not in FREE or not isinstance(value, str) or not value.isprintable() or len(value) > 120
    ]
    assert [value for value in wrong if field.accepts(value)] == []
    others: dict[str, tuple[object, ...]] = {
        "switch": (0, 1, "on", "", "true"),
        "whole": (True, False, "", str(field.default)),
        "amount": (True, "", "1.234", "-1", ".5", 1.5, "1,5"),
        "text": (True, 0),
        "time": (True, 730, "", "7:30", "07:60", "07:30:00"),
    }
    assert [value for value in others[field.kind] if field.accepts(value)] == []


def test_a_mail_server_is_a_name_and_a_webhook_an_address() -> None:
    host, url = FIELDS["mail_host"], FIELDS["webhook_url"]
    assert all(host.accepts(name) for name in ("", "mail.example.org", "localhost", "127.0.0.1", "::1"))
    assert not any(host.accepts(name) for name in ("a b", "user@host", "host/path", "https://host", "host\n", ".host", "höst", "a" * 254))
    assert all(url.accepts(address) for address in ("", "https://hooks.example.org/x?y=1", "http://localhost:8080/"))
    assert not any(url.accepts(address) for address in ("hooks.example.org", "ftp://x", "https://a b", "https://x\r\nHost: y", "https://"))
    assert not FIELDS["mail_security"].accepts("ssl")


@pytest.mark.parametrize("field", ANY, ids=lambda field: field.name)
def test_what_is_delivered_is_accepted_and_every_field_has_words(field: HouseField) -> None:
    assert field.accepts(field.default)
    assert stored(getattr(HouseSettings(), field.name)) == field.default
    assert field.title
    assert field.description.endswith(".")
    assert field.group
    assert field.refusal == f"{field.title} must be {field.rule}."


@pytest.mark.parametrize("field", ANY, ids=lambda field: field.name)
def test_text_of_a_terminal_becomes_the_value_or_nothing(field: HouseField) -> None:
    shown = {True: "on", False: "off"}.get(field.default) if isinstance(field.default, bool) else str(field.default)
    assert field.parsed(str(shown)) == field.default
    for words in ("", "abc", "٣", "1.5.2", "9" * 40):
        parsed = field.parsed(words)
        assert parsed is None or field.kind == "text" or not field.accepts(parsed)


def test_what_this_version_cannot_use_is_as_delivered_and_named() -> None:
    values, unusable = settings_from({"retention_months": 500, "warning_days": 14, "of_a_newer_version": [1]})
    assert (values.retention_months, values.warning_days) == (6, 14)
    assert unusable == ("retention_months",)
