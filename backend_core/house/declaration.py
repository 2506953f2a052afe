"""Every house setting once: type, bounds, default and the words for it; page, command, checks and documents are made from this."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

Kind = Literal["switch", "whole", "amount", "text", "time"]
Value = bool | int | str
"""A setting as it is stored and shown: amounts are text with two decimals."""

_TIME: Final = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
# printable ASCII without what would end or extend a mail header
_EMAIL: Final = r"^$|^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$"
_HOST: Final = r"^$|^[A-Za-z0-9:]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?$"
# plain http goes no further than this computer, which is checked where it is sent
_URL: Final = r"^$|^https?://[!-~]{1,490}$"
_ONE_LINE: Final = r"^$|^[^\s\p{C}]([^\p{C}\n]*[^\s\p{C}])?$"
_AMOUNT: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,2})?")
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,18}")
_SWITCH: Final = {"on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False, "0": False}
_CENT: Final = Decimal("0.01")


def _setting(
    title: str, description: str, *, group: str, unit: str = "", zero: str = "", text: str = "", in_use: bool = False, **bounds: Any
) -> Any:
    extra: dict[str, Any] = {"group": group, "unit": unit, "zero": zero, "text": text, "in_use": in_use}
    return Field(title=title, description=description, json_schema_extra=extra, **bounds)


_AUDIO: Final = "Documents and audio"
_RETENTION: Final = "Retention"
_NOTICES: Final = "Notifications"
_COSTS: Final = "Costs"
_SECURITY: Final = "Security"
_AUDIT: Final = "Audit log"
_BACKUP: Final = "Backup"
_SAFETY: Final = "Safety"
_PRIVACY: Final = "Privacy"


class HouseSettings(BaseModel):
    """What holds for everybody who works on one database."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore")

    generation_enabled: bool = _setting(
        "Generate audio", "Whether pages may be turned into audio.", group=_AUDIO, in_use=True, default=True
    )
    sharing_enabled: bool = _setting("Share", "Whether documents may be shared.", group=_AUDIO, default=True)
    max_audios_per_page: int = _setting(
        "Audios per page", "How many audios a page may ever have. Deleted and expired ones count; retrying one does not.",
        group=_AUDIO, unit="audios", in_use=True, default=4, ge=1, le=20,
    )  # fmt: skip
    uploads_per_hour: int = _setting(
        "Imports per hour", "How many documents one operator may import within an hour, over all computers.",
        group=_AUDIO, unit="documents", zero="no limit", in_use=True, default=0, ge=0, le=10_000,
    )  # fmt: skip

    retention_months: int = _setting(
        "Keep audio", "Calendar months after the last play until audio expires.", group=_RETENTION, unit="months", default=6, ge=1, le=120
    )
    warning_days: int = _setting(
        "Warn before", "Days before audio expires that its owner is told.", group=_RETENTION, unit="days", default=30, ge=1, le=90
    )
    auto_delete: bool = _setting("Delete expired audio", "Whether files of expired audio are removed.", group=_RETENTION, default=True)

    notify_in_app: bool = _setting(
        "Notices in Lectern", "Whether notices are shown in the window.", group=_NOTICES, in_use=True, default=True
    )
    notify_email: bool = _setting(
        "Notices by e-mail", "Whether notices are sent by e-mail as well.", group=_NOTICES, in_use=True, default=False
    )
    admin_email: str = _setting(
        "Administrator's e-mail", "Where notices for administrators go. Empty: nowhere.",
        group=_NOTICES, text="an e-mail address, or empty", in_use=True, default="", max_length=254, pattern=_EMAIL,
    )  # fmt: skip
    mail_host: str = _setting(
        "Mail server", "Name of the server that takes outgoing mail. Sending there needs consent under Safety.",
        group=_NOTICES, text="a host name, or empty", in_use=True, default="", max_length=253, pattern=_HOST,
    )  # fmt: skip
    mail_port: int = _setting(
        "Mail port", "Port of the mail server; usually 587 for starttls and 465 for tls.",
        group=_NOTICES, unit="", in_use=True, default=587, ge=1, le=65_535,
    )  # fmt: skip
    mail_security: str = _setting(
        "Mail security", "How the line to the mail server is encrypted; none is possible on this computer only.",
        group=_NOTICES, text="starttls, tls or none", in_use=True, default="starttls", max_length=8, pattern=r"^(starttls|tls|none)$",
    )  # fmt: skip
    mail_user: str = _setting(
        "Mail user", "Who signs in to the mail server; the password is kept in the vault. Empty: nobody signs in.",
        group=_NOTICES, text="a user name on one line, or empty", in_use=True, default="", max_length=254, pattern=_ONE_LINE,
    )  # fmt: skip
    mail_sender: str = _setting(
        "Mail sender", "Address that notices come from.",
        group=_NOTICES, text="an e-mail address, or empty", in_use=True, default="", max_length=254, pattern=_EMAIL,
    )  # fmt: skip
    webhook_url: str = _setting(
        "Webhook", "Address that every notice is posted to, signed. Empty: nowhere. Sending there needs consent under Safety.",
        group=_NOTICES, text="an address that begins with https://, or empty", in_use=True, default="", max_length=500, pattern=_URL,
    )  # fmt: skip

    monthly_budget: Decimal = _setting(
        "Monthly budget", "The most that paid services may cost in a month. 0: nothing may be spent.",
        group=_COSTS, unit="USD", default=Decimal("20.00"), ge=0, le=100_000, decimal_places=2,
    )  # fmt: skip

    idle_lock_minutes: int = _setting(
        "Lock when idle", "Minutes without a key or a click until the window locks.",
        group=_SECURITY, unit="minutes", in_use=True, default=10, ge=1, le=240,
    )  # fmt: skip
    session_hours: int = _setting(
        "Sign in again after",
        "Hours after which whoever signs in now has to sign in again.",
        group=_SECURITY,
        unit="hours",
        in_use=True,
        default=12,
        ge=1,
        le=24,
    )

    backup_every_days: int = _setting(
        "Back up every", "Days after which a backup is made by itself, where a worker may read the whole database.",
        group=_BACKUP, unit="days", zero="never", in_use=True, default=7, ge=0, le=90,
    )  # fmt: skip
    backup_keep: int = _setting(
        "Keep backups", "How many of the backups made by themselves are kept. The newest verified one always is.",
        group=_BACKUP, unit="backups", in_use=True, default=3, ge=1, le=365,
    )  # fmt: skip

    crisis_line: str = _setting(
        "Local help line", "Named in the fixed answer to somebody who may harm themselves, after 988 and the Crisis Text Line.",
        group=_SAFETY, text="a name and a number on one line, or empty", in_use=True, default="", max_length=120, pattern=_ONE_LINE,
    )  # fmt: skip

    privacy_run_every_hours: int = _setting(
        "Try the boundary every", "Hours after which the privacy suite runs by itself, or at the next start.",
        group=_PRIVACY, unit="hours", in_use=True, default=24, ge=1, le=168,
    )  # fmt: skip

    audit_retention_changes_months: int = _setting(
        "Keep changes", "Months that recorded changes are kept.", group=_AUDIT, unit="months", in_use=True, default=84, ge=12, le=240
    )
    audit_retention_reads_months: int = _setting(
        "Keep reads", "Months that recorded reads are kept.", group=_AUDIT, unit="months", in_use=True, default=24, ge=3, le=240
    )
    audit_retention_sign_ins_months: int = _setting(
        "Keep sign-ins", "Months that recorded sign-ins are kept.", group=_AUDIT, unit="months", in_use=True, default=24, ge=6, le=240
    )
    watch_mass_reads: int = _setting(
        "Alert on mass reads", "How many things one operator reads, plays or exports within ten minutes before an alert is raised.",
        group=_AUDIT, unit="reads", in_use=True, default=200, ge=10, le=100_000,
    )  # fmt: skip
    office_hours_start: str = _setting(
        "Office hours begin", "Exports before this time of day raise an alert.", group=_AUDIT, unit="UTC", in_use=True,
        default="06:00", pattern=_TIME,
    )  # fmt: skip
    office_hours_end: str = _setting(
        "Office hours end", "Exports after this time of day raise an alert.", group=_AUDIT, unit="UTC", in_use=True,
        default="20:00", pattern=_TIME,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseField:
    """One house setting as page, command and documents need it.

    Attributes:
        kind: which control fits.
        least, most: bounds of a whole number or an amount; None otherwise.
        longest: characters of a text; 0 otherwise.
        zero: what 0 means where it means something else than a number.
        text: what a text has to be, in words.
        in_use: whether this version acts on it.
    """

    name: str
    title: str
    description: str
    group: str
    unit: str
    kind: Kind
    default: Value
    least: int | None
    most: int | None
    longest: int
    zero: str
    text: str
    in_use: bool

    @property
    def rule(self) -> str:
        """What is accepted, as the end of a sentence."""
        unit = f" {self.unit}" if self.unit else ""
        rules: dict[Kind, str] = {
            "switch": "on or off",
            "whole": f"a whole number from {self.least} to {self.most}{unit}" + (f", 0 for {self.zero}" if self.zero else ""),
            "amount": f"an amount from {self.least} to {self.most}{unit} with at most two decimals",
            "text": self.text,
            "time": "a time such as 07:30",
        }
        return rules[self.kind]

    @property
    def refusal(self) -> str:
        """One sentence for a value that is not accepted."""
        return f"{self.title} must be {self.rule}."

    def accepts(self, value: object) -> bool:
        """Return whether ``value`` is within type and bounds.

        >>> FIELDS["warning_days"].accepts(90), FIELDS["warning_days"].accepts(91), FIELDS["warning_days"].accepts(True)
        (True, False, False)
        """
        try:
            _typed(self, value)
        except ValueError:
            return False
        return True

    def normal(self, value: Value) -> Value:
        """Return an accepted value as it is stored.

        Raises:
            ValueError: it is not accepted.

        >>> FIELDS["monthly_budget"].normal("7.5")
        '7.50'
        """
        return stored(_typed(self, value))

    def parsed(self, text: str) -> Value | None:
        """Return what ``text`` means for this setting, None when it means nothing.

        >>> FIELDS["auto_delete"].parsed("off"), FIELDS["warning_days"].parsed("14"), FIELDS["warning_days"].parsed("abc")
        (False, 14, None)
        """
        if self.kind == "switch":
            return _SWITCH.get(text.strip().lower())
        if self.kind == "whole":
            return int(text) if _WHOLE.fullmatch(text.strip()) else None
        return text.strip()


def stored(value: Any) -> Value:
    """Return a value of ``HouseSettings`` as it is stored and shown."""
    return str(value.quantize(_CENT)) if isinstance(value, Decimal) else value


def settings_from(found: dict[str, Any]) -> tuple[HouseSettings, tuple[str, ...]]:
    """Return the settings in ``found``, and the names of those that this version cannot use and that are as delivered instead."""
    good = {name: _typed(field, found[name]) for name, field in FIELDS.items() if name in found and field.accepts(found[name])}
    return HouseSettings(**good), tuple(name for name in FIELDS if name in found and name not in good)


def _typed(field: HouseField, value: object) -> Any:
    """Return ``value`` as the declared type.

    Raises:
        ValueError: another type, or outside the bounds.
    """
    if field.kind == "amount":
        # money is never a binary fraction
        text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if not isinstance(text, str) or not _AMOUNT.fullmatch(text):
            raise ValueError(field.name)
        value = Decimal(text)
    try:
        return _adapter(field.name).validate_python(value, strict=True)
    except ValidationError:
        raise ValueError(field.name) from None


@functools.cache
def _adapter(name: str) -> TypeAdapter[Any]:
    found = HouseSettings.model_fields[name]
    kind: Any = Annotated[found.annotation, found]
    return TypeAdapter(kind)


def _described(name: str) -> HouseField:
    found = HouseSettings.model_fields[name]
    extra: Any = found.json_schema_extra
    bounds: dict[str, Any] = {
        key: getattr(rule, key) for rule in found.metadata for key in ("ge", "le", "max_length") if hasattr(rule, key)
    }
    kinds: dict[Any, Kind] = {bool: "switch", int: "whole", Decimal: "amount", str: "text"}
    kind = "time" if found.annotation is str and "max_length" not in bounds else kinds[found.annotation]
    return HouseField(
        name=name,
        title=str(found.title),
        description=str(found.description),
        kind=kind,
        default=stored(found.default),
        least=bounds.get("ge"),
        most=bounds.get("le"),
        longest=bounds.get("max_length", 0),
        **extra,
    )


FIELDS: Final[dict[str, HouseField]] = {name: _described(name) for name in HouseSettings.model_fields}
"""Every house setting by name, in the order they are shown."""
