"""Words and numbers as the user's locale writes them; every visible string passes through ``tr``."""

from __future__ import annotations

from datetime import UTC, datetime

from PySide6.QtCore import QCoreApplication, QDateTime, QLocale

_CONTEXT = "lectern"
_MINUTE = 60
_HOUR = 3600
_DAY = 86_400
_JUST_NOW_S = 2
_KILO = 1000


def tr(text: str, **values: object) -> str:
    """Return the translation of ``text`` with ``{name}`` places filled from ``values``."""
    shown = QCoreApplication.translate(_CONTEXT, text)
    return shown.format(**values) if values else shown


def number(value: float, *, decimals: int = 0) -> str:
    """Return ``value`` with the locale's group and decimal marks."""
    return QLocale().toString(float(value), "f", decimals)


def short_number(value: float) -> str:
    """Return at most four characters of digits and a suffix: 812, 4.2 k, 1.9 M, 3 G."""
    amount, suffixes = float(value), ["", " k", " M", " G", " T"]
    while abs(amount) >= _KILO and len(suffixes) > 1:
        amount /= _KILO
        suffixes.pop(0)
    decimals = 1 if suffixes[0] and abs(amount) < 10 and amount != int(amount) else 0  # noqa: PLR2004 - one digit before the mark
    return number(amount, decimals=decimals) + suffixes[0]


def byte_size(size: int) -> str:
    """Return ``size`` bytes in decimal units: 412 kB, 3.8 MB."""
    return QLocale().formattedDataSize(size, 1 if size >= _KILO * _KILO else 0, QLocale.DataSizeFormat.DataSizeSIFormat)


def duration(seconds: float) -> str:
    """Return a length of time in at most two units: 0.4 s, 22 min, 2 h 41 min."""
    if seconds < 10:  # noqa: PLR2004 - below ten seconds a tenth matters
        return tr("{n} s", n=number(seconds, decimals=1))
    if seconds < _MINUTE:
        return tr("{n} s", n=number(seconds))
    if seconds < _HOUR:
        return tr("{n} min", n=number(seconds // _MINUTE))
    if seconds < _DAY:
        return tr("{h} h {m} min", h=number(seconds // _HOUR), m=number(seconds % _HOUR // _MINUTE))
    return tr("{d} d {h} h", d=number(seconds // _DAY), h=number(seconds % _DAY // _HOUR))


def clock(seconds: float) -> str:
    """Return a position in audio: 0:48, 12:05, 1:02:09."""
    whole = max(0, int(seconds))
    hours, rest = divmod(whole, _HOUR)
    minutes, left = divmod(rest, _MINUTE)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def ago(then: datetime, *, now: datetime | None = None) -> str:
    """Return how long ago the aware ``then`` was: just now, 40 s ago, 26 h ago."""
    age = ((now or datetime.now(UTC)) - then).total_seconds()
    if age < _JUST_NOW_S:
        return tr("just now")
    if age < _MINUTE:
        return tr("{n} s ago", n=int(age))
    if age < _HOUR:
        return tr("{n} min ago", n=int(age // _MINUTE))
    if age < 2 * _DAY:
        return tr("{n} h ago", n=int(age // _HOUR))
    return tr("{n} d ago", n=int(age // _DAY))


def date_time(moment: datetime, *, now: datetime | None = None) -> str:
    """Return the aware ``moment`` in local time: Today 14:04, Yesterday 09:12, 18 Nov, 2 Nov 2024."""
    local = moment.astimezone()
    today = (now or datetime.now(UTC)).astimezone().date()
    days = (today - local.date()).days
    if days == 0:
        return tr("Today {time}", time=local.strftime("%H:%M"))
    if days == 1:
        return tr("Yesterday {time}", time=local.strftime("%H:%M"))
    pattern = "d MMM" if local.year == today.year else "d MMM yyyy"
    return QLocale().toString(QDateTime.fromSecsSinceEpoch(int(moment.timestamp())).date(), pattern)
