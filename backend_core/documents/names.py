"""File names from outside, made safe as labels, object names and titles.

Objects are stored under a content hash, so a name is only ever a label; these functions keep that label harmless wherever it is
later shown, exported, zipped or sent in a header.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
from typing import Final
from urllib.parse import unquote

MAX_BYTES: Final = 200
MAX_TITLE: Final = 255
KEPT_EXTENSIONS: Final = frozenset(
    {"pdf", "docx", "md", "markdown", "txt", "text", "mp3", "flac", "opus", "ogg", "m4b", "srt", "vtt", "zip", "json", "csv", "html"}
)
_MAX_EXTENSION_BYTES: Final = 16
# Three rounds undo %25252f; whatever is still encoded after that loses its per cent signs below.
_DECODE_ROUNDS: Final = 3
_DROPPED: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
# Characters that draw nothing although they are letters or marks; two names that look alike must not differ by one of them.
_INVISIBLE: Final = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
_NONCHARACTERS_BMP: Final = range(0xFDD0, 0xFDF0)
_NONCHARACTER_TAIL: Final = 0xFFFE
# Separators and shell, URL and stream hazards, then the characters that only look like a separator.
_HAZARDS: Final = {ord(sign): "_" for sign in "/\\:*?\"<>|%$;&'`" + "\u2044\u2215\u2216\u2236\u29f5\u29f6\u29f8\u29f9\ua789"}
_EDGES: Final = " .-_~"
_DEVICES: Final = frozenset({"CON", "PRN", "AUX", "NUL", "CLOCK", *(f"{port}{digit}" for port in ("COM", "LPT") for digit in range(10))})
_DOTS: Final = re.compile(r"\.{2,}")
_ASCII_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")
_CONFUSABLE_SCRIPTS: Final = frozenset({"LATIN", "CYRILLIC", "GREEK", "COPTIC", "ARMENIAN", "CHEROKEE"})


def safe_name(name: str) -> str:
    """Return `name` as a label that is harmless as a file name on every system, in every script.

    The order matters: decoding and compatibility forms come first, because both can create separators.

    Args:
        name: anything a user, a browser or an archive calls a file.

    Returns:
        1 to 200 bytes of UTF-8 in NFC, without separators, control or invisible characters, reserved device names, runs of dots, or
        dots and blanks at the ends. Where nothing is left, a generated ``document-<8 hex>`` with the extension kept.

    >>> safe_name("../../../etc/passwd")
    'etc_passwd'
    >>> safe_name("shell.php%00.txt")
    'shell.php.txt'
    """
    return _finished(_cleaned(name), otherwise=f"document-{secrets.token_hex(4)}")


def object_name(name: str) -> str:
    """Return a name of ``[A-Za-z0-9._-]`` only, at most 200 bytes, for keys and generated files.

    The same input gives the same result, except that an empty one gets a random name. Letters lose their accents; a name without any
    Latin letter or digit becomes ``document-<8 hex>``, derived from the name.

    >>> object_name("Größe 2.pdf")
    'Grosse_2.pdf'
    """
    safe = safe_name(name)
    plain = unicodedata.normalize("NFKD", safe.replace("ß", "ss").replace("ẞ", "SS"))
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign))
    # Not a secret: the digest only keeps two names without Latin letters apart.
    digest = hashlib.sha256(safe.encode()).hexdigest()[:8]
    return _finished(_DOTS.sub(".", _ASCII_UNSAFE.sub("_", plain)).rstrip(_EDGES), otherwise=f"document-{digest}")


def title_from(name: str) -> str:
    """Return a title of 1 to 255 characters from a file name: no extension, words apart, a capital letter first.

    >>> title_from("annual_report%20v1.2.pdf"), title_from("harbour-report.pdf"), title_from("Self-help guide.pdf")
    ('Annual report v1.2', 'Harbour report', 'Self-help guide')
    """
    stem, extension = _split_extension(_cleaned(name))
    if extension.lstrip(".").lower() not in KEPT_EXTENSIONS:
        stem += extension
    words = stem.replace("_", " ").split()
    # a name without a blank uses hyphens for blanks; one with blanks means its hyphens
    title = " ".join(words[0].replace("-", " ").split() if len(words) == 1 else words).strip(_EDGES)
    return (title[:1].upper() + title[1:])[:MAX_TITLE].rstrip(_EDGES) or "Untitled document"


def mixed_scripts(name: str) -> bool:
    """Tell whether one word of `name` mixes alphabets whose letters look alike, as in a forged brand name.

    >>> mixed_scripts("раураl.pdf"), mixed_scripts("отчёт report.pdf")
    (True, False)
    """
    for word in re.findall(r"[^\W\d_]+", unicodedata.normalize("NFKC", name)):
        scripts = {unicodedata.name(letter, "").partition(" ")[0] for letter in word}
        if len(scripts & _CONFUSABLE_SCRIPTS) > 1:
            return True
    return False


def _cleaned(name: str) -> str:
    """Return `name` decoded, normalised and without hazards; ends, device names and length are still to be dealt with."""
    for _ in range(_DECODE_ROUNDS):
        name = unquote(name, errors="ignore")
    name = unicodedata.normalize("NFKC", name)
    name = "".join(" " if unicodedata.category(sign) == "Zs" else sign for sign in name if _visible(sign))
    name = _DOTS.sub(".", _INVISIBLE.sub("", name).translate(_HAZARDS))
    return unicodedata.normalize("NFC", name.rstrip(_EDGES))


def _finished(name: str, *, otherwise: str) -> str:
    """Return a cleaned name with its ends, device names and length dealt with; `otherwise` stands in for an empty stem."""
    stem, extension = _split_extension(name)
    return _fitted(_not_a_device((stem.strip(_EDGES) or otherwise) + extension))


def _visible(sign: str) -> bool:
    """Tell whether a character may stay: no control, format, private or lone-surrogate code, no noncharacter."""
    code = ord(sign)
    is_noncharacter = code & _NONCHARACTER_TAIL == _NONCHARACTER_TAIL or code in _NONCHARACTERS_BMP
    return not is_noncharacter and unicodedata.category(sign) not in _DROPPED


def _split_extension(name: str) -> tuple[str, str]:
    """Return (stem, extension with its dot); an unknown extension belongs to the name when nothing stands before it."""
    stem, dot, extension = name.rpartition(".")
    is_extension = bool(dot) and extension.isalnum() and len(extension.encode()) <= _MAX_EXTENSION_BYTES
    if is_extension and (stem.strip(_EDGES) or extension.lower() in KEPT_EXTENSIONS):
        return stem, dot + extension
    return name, ""


def _not_a_device(name: str) -> str:
    """Put an underscore before names that Windows opens as a device, whatever their extension."""
    first = name.partition(".")[0].strip(_EDGES)
    return f"_{name}" if first.upper() in _DEVICES else name


def _fitted(name: str) -> str:
    """Return `name` in at most 200 bytes, cut before the extension and never inside a character."""
    if len(name.encode()) <= MAX_BYTES:
        return name
    stem, extension = _split_extension(name)
    room = MAX_BYTES - len(extension.encode())
    return stem.encode()[:room].decode(errors="ignore").rstrip(_EDGES) + extension
