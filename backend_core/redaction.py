"""Takes secrets and personal contact data out of text that leaves the program: log lines, Copy details, crash reports.

Speed comes from triggers: a rule runs only when one of its plain substrings stands in the lower-case text, so that an ordinary line
costs some sixty substring searches. Every pattern is linear: a run of characters that must be followed by something is entered only
at its beginning, or is bounded.
"""

from __future__ import annotations

import base64
import binascii
import itertools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

HIDDEN: Final = "[secret]"
SESSION_MARK: Final = "lcts_"
"""Session tokens of Lectern begin with this, so that they are known wherever they turn up."""

# A token may follow an escaped line break or a percent-encoded sign, whose last character looks like part of it.
_LEFT = r"(?:(?<![\w-])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2}))"
_KEY_KINDS = "api|access|secret|private|signing|encryption|account|master|auth|session|shared|storage|license|client|subscription|ssh|sas"
_SECRET_NAMES = (
    r"pass(?:word|wd|phrase|wort|code)s?|kennwort|mot de passe|contrase(?:ñ|n|\\u00f1)a|pgpassword|(?<=[_.-])pass|pwd"
    r"|secrets?(?:[_-]value)?|(?<!next_page_)token|bearer|credentials?(?=\\*[\"']?\s*=)|(?:proxy-)?authorization|set-cookie|cookies?"
    rf"|(?:{_KEY_KINDS})[\s_.-]?key(?:[_-]?(?:id|data|value))?|session[_-]?id|(?<![a-z])sid|(?<![a-z])(?:otp|totp|pin|cvv)|verifier|nonce_secret|jwt"
)
_SECRET_NAME = re.compile(rf"(?:{_SECRET_NAMES})\Z", re.IGNORECASE)
_PHONE_NAME = re.compile(r"(?:phone|telefon|mobile|handy|fax|tel|rufnummer|msisdn)(?:[_-]?(?:number|nr|no))?\Z", re.IGNORECASE)
_OPTION = re.compile(r"--?[\w-]*(?:password|passphrase|secret|token|api-?key)\Z", re.IGNORECASE)
_PLACEHOLDERS = r"None|null|true|false|nil|undefined|not set|\*{3,}|\[[a-z -]{3,14}\]|<\w+>|\.{3}|…|str|bytes|int|bool"
_NO_VALUE = rf"(?!\\*\"\\*\"|\\*''|(?:{_PLACEHOLDERS})(?:[\s\"',;.)}}\]|]|\Z))"

_NAMED_VALUE = re.compile(
    rf"(?P<head>(?:{_SECRET_NAMES})(?:\\*[\"'])?\s*(?:=>|:=|=|:|%3D|%3A)\s*){_NO_VALUE}"
    r"(?:(?P<quote>\\*[\"'`])(?:(?!(?<!\\)(?P=quote)).)*"
    r"|(?:(?:bearer|basic|digest|token|negotiate|apikey)\s+)?(?:[^\s\"'`]|[\"'`](?![\s,)\]};:]|\Z))+)",
    re.IGNORECASE | re.DOTALL,
)
_QUERY_VALUE = re.compile(
    r"((?:[?&;]|%26|%3F)(?:amp;)?[\w.-]{0,40}(?:token|password|passwd|secret|pwd|signature|sig|api_?key|access_?key(?:id)?|credential|code"
    r"|state|auth|key|X-Goog-[A-Za-z-]+)(?:=|%3D))[^&\s\"'<>]+",
    re.IGNORECASE,
)
_AMAZON_QUERY = re.compile(r"(X-Amz-(?:Signature|Credential|Security-Token)\\*[\"']?(?:=|%3D|:\s*))[^&\s\"'<>]+", re.IGNORECASE)
_PAIR = re.compile(rf"([(\[]\s*\\*[\"'](?:[\w-]{{0,30}})(?:{_SECRET_NAMES})\\*[\"']\s*,\s*b?\\*[\"'])[^\"'\\]+", re.IGNORECASE)
_SPOKEN = re.compile(
    r"\b((?:password|passphrase|passwort|kennwort|token|pin)\s+(?:is|was|to|lautet|ist|war)\s+)(?=[^\s\d]{0,200}\d)\S+", re.IGNORECASE
)
_ARGUMENT = re.compile(
    r"(--?[\w-]{0,40}(?:password|passphrase|secret|token|api-?key)(?:\\*[\"'],)?\s+)(\\*[\"'])?[^\s\"'\\]+", re.IGNORECASE
)
_COOKIE = re.compile(r"((?:set-)?cookie\\*[\"']?\s*[:=]\s*\\*[\"']?)[^\r\n\"']+", re.IGNORECASE)
_SCHEME = re.compile(r"\b(bearer|token|apikey)(\s+)(?=[A-Za-z._~+/-]{0,400}[\d._~+/-])[\w.~+/=-]{8,}", re.IGNORECASE)
_BASIC = re.compile(r"\b(basic)(\s+)([A-Za-z0-9+/]{4,}={0,2})", re.IGNORECASE)
_KEY_BLOCK = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_KEY_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_UNQUOTED = re.compile(r"[^\"']*")

_SHAPES = re.compile(
    _LEFT + r"(?:"
    r"(?P<aws>(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}(?![A-Za-z0-9]))"
    r"|(?P<jwt>eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)*)"
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|gl(?:pat|dt|rt|ptt|soat)-[\w-]{20,}"
    r"|xox[abeoprs]-[\w-]{10,}|xapp-[\w-]{10,}|(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{16,}"
    r"|npm_[A-Za-z0-9]{30,}|pypi-[\w-]{40,}|sk-[\w-]{20,}|hf_[A-Za-z0-9]{30,}|dop_v1_[a-f0-9]{32,}|SG\.[\w-]{16,}\.[\w-]{16,}"
    r"|AIza[\w-]{30,}|ya29\.[\w.-]{10,}|1//0[\w-]{20,}|4/0A[\w-]{20,}|GOCSPX-[\w-]{10,}"
    rf"|AGE-SECRET-KEY-(?:PQ-)?1[A-Z0-9]{{20,}}|{SESSION_MARK}[\w-]{{16,}}|[a-z]{{0,4}}\d{{8,10}}:AA[\w-]{{30,}}"
    r")"
)
_HASHES = re.compile(
    r"\$argon2(?:id|i|d)?\$[\w$=,+/.-]+|\$2[abxy]\$\d\d\$[./A-Za-z0-9]{20,}|SCRAM-SHA-256\$[\w$=:+/.-]+|\$pbkdf2[\w-]*\$[\w$=,+/.-]+"
)
_SLACK_HOOK = re.compile(r"(hooks\.slack\.com/(?:services|workflows)/)[\w/+-]+", re.IGNORECASE)
_PASSFILE = re.compile(r"(?<![\w.*:/\\-])([\w.*-]{1,255}:(?:\d{4,5}|\*):[\w.*-]{1,63}:[\w.*-]{1,63}:)(?!//)[^\r\n]+")
_COLONS = re.compile(r":(?:\d{4,5}|\*):")
_LIBPQ = re.compile(
    r"((?:missing \\*\"=\\*\" after|percent-encoded token:|spaces found in|invalid integer value|invalid port number:"
    r"|invalid URI query parameter:|resolve host|translate host name) \\*[\"'])[^\"']*"
)
_BARE_AWS = re.compile(r"(?<![\w/+=.-])[A-Za-z0-9/+]{40}(?![\w/+=-])")
_DOMAIN = re.compile(r"(@|%40)((?:[^\W_](?:[\w-]{0,62})\.){1,8})([^\W\d_]{2,24}|xn--[\w-]{2,59})(?![\w-])")
_LOCAL: Final = frozenset("._%+-'")
_FILE_ENDINGS: Final = frozenset({"png", "jpg", "jpeg", "svg", "gif", "webp", "ico"})
_PHONES = re.compile(
    r"(?<![\w.+-])(?:\+|%2B|00)[1-9]\d{0,2}(?:(?:[ ./-]|\(0\)| \(0\) ){0,2}\(?\d\)?){7,13}(?![\w-])"
    r"|(?<![\w.+-])(?:1[ .-])?(?:\(\d{3}\) ?|\d{3}(?P<dash>[.-]))\d{3}(?(dash)(?P=dash)|[ .-])\d{4}(?![\w-]|\.\d)"
    r"|(?<![\w.,:+-])0[1-9](?P<gap>[ .-])\d\d(?P=gap)\d\d(?P=gap)\d\d(?P=gap)\d\d(?![\w-]|[.,]\d)"
    r"|(?<![\w.,:+/-])0\d{2,4}(?:[/ ]|\) )\d{3,4}[ -]?\d{3,5}(?![\w/:-]|[.,]\d)"
)
_NAMED_PHONE = re.compile(
    r"(\b(?:tele)?(?:phone|fon)e?\w{0,3}|\b(?:mobile|handy|fax|tel|t[ée]l[ée]phone|rufnummer|msisdn|whatsapp|sms|anruf|call(?:ed|ing|er)?)\b)"
    r"((?:[ _-](?:number|nr|no|von|to|from|an|au))?[\s.:=#\"'(\\]{0,24}|\"?:\s?\"?)(?=\+?[\d(])"
    r"(\+?\(?\d(?:[ ()./-]{0,2}\d){5,14})(?![\w:]|[.,]\d)(?!\s?(?:ms|bytes?|kB|MB|%))",
    re.IGNORECASE,
)
_TAGGED_PHONE = re.compile(r"((?:user|tag|group|contact|chat|wa)_)\+?\d{7,15}(?=_|\b)", re.IGNORECASE)
# What may follow the stem of a name when a value comes next; tells "tokens=3" and "no cookie was set" apart from the rest at once.
_AFTER_NAME = re.compile(
    r"(?:word|wd|phrase|wort|code|ña|na|\\u00f1a|ation|ization)?s?(?:[_-]?(?:id|data|value|key))*"
    r"(?:\\*[\"']\s*,|(?:\\*[\"'])?\s*(?:=|:|%3[da])|\s+(?:is|was|to|lautet|ist|war)\s)"
)
_BEFORE_KEY = re.compile(rf"(?:{_KEY_KINDS})[\s_.-]?\Z")
_ANY_OPTION = re.compile(r"(?<![\w-])--?[a-z]")
# Seven digits, or digits with a sign between them, as in telephone numbers; or the colons of a password file. Times and dates have neither.
_QUICK = re.compile(
    r"[0-9](?:[0-9]{6}"
    r"|(?:\) ?|[ /-])[0-9]{2}(?:[0-9][ -]?[0-9]|[ .-][0-9]{2}[ .-])"
    r"|\.[0-9]{2}(?:[0-9]\.[0-9]|\.[0-9]{2}\.[0-9])"
    r"|:[a-z0-9_.*-]{1,63}:[a-z0-9_.*-]{1,63}:)"
)
_LONG = re.compile(r"(?<![a-z0-9_/+=-])[a-z0-9_/+=-]{15,}")


@dataclass(frozen=True, slots=True)
class _Rule:
    """One kind of secret: looked for when one of ``triggers`` (lower case) stands in the text."""

    triggers: tuple[str, ...]
    apply: Callable[[str], str]


def redact(text: str) -> str:
    """Return ``text`` with keys, tokens, passwords, e-mail addresses and phone numbers replaced.

    >>> redact("postgresql://ana:hunter2@db/lectern")
    'postgresql://ana:[secret]@db/lectern'
    """
    low = text.lower()
    contains = low.__contains__
    # filter and a bound method: the whole list in one call of the interpreter; this, and two searches, is what an ordinary line costs
    if found := [*filter(contains, _RULES_OF)]:
        for place in sorted({place for trigger in found for place in _RULES_OF[trigger]}):
            text = _RULES[place].apply(text)
    if _QUICK.search(low) or any(map(contains, _PHONE_SIGNS)):
        text = _numbers(text, low)
    for run in _LONG.findall(low):
        if len(run) == _AWS_LENGTH or any(map(run.__contains__, _SIGNS)):
            return _BARE_AWS.sub(_looks_random, _SHAPES.sub(_shape, text))
    return text


def redact_values(value: Any) -> Any:
    """Return a JSON value with every text redacted, and whole what stands under a name that speaks of a secret.

    >>> redact_values({"password": "my dog's name", "pages": [1, "call +49 30 1234567"]})
    {'password': '[secret]', 'pages': [1, 'call [phone]']}
    """
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {redact(key) if isinstance(key, str) else key: _under(key, item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_after(value[place - 1] if place else None, item) for place, item in enumerate(value)]
    return value


def redact_line(line: str) -> str:
    """Return one JSON log line redacted value by value, so that it stays JSON; any other line as text."""
    as_text = redact(line)
    if as_text == line:
        return line
    try:
        return json.dumps(redact_values(json.loads(line)), ensure_ascii=False)
    except (ValueError, RecursionError):
        return as_text


def _under(name: object, value: Any) -> Any:
    plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    if plain and value != "" and isinstance(name, str):
        if _SECRET_NAME.search(name):
            return HIDDEN
        if _PHONE_NAME.search(name) and sum(character.isdigit() for character in str(value)) > _PHONE_DIGITS:
            return "[phone]"
    if isinstance(value, list | tuple) and isinstance(name, str) and _SECRET_NAME.search(name):
        return [HIDDEN if isinstance(item, str) else redact_values(item) for item in value]
    return redact_values(value)


def _after(before: object, value: Any) -> Any:
    """Return a list item; one after ``--password`` or the name of a secret is its value."""
    named = isinstance(before, str) and (_OPTION.match(before) or _SECRET_NAME.search(before))
    return HIDDEN if named and isinstance(value, str) else redact_values(value)


def _urls(text: str) -> str:
    """Hide the password of every ``scheme://user:password@host``, whatever characters it holds."""
    return _URL_TOKEN.sub(_one_url, text)


def _one_url(match: re.Match[str]) -> str:
    token, start = match.group(), 0
    while (place := token.find("://", start)) >= 0:
        start = place + 3
        user = _USER.match(token, start)
        end = token.rfind("@")
        if user is None or end < user.end():
            continue
        # http://host:80/@scope has a port there, not a password
        scheme = match.string[max(0, match.start() + place - 5) : match.start() + place].lower()
        if user.group().endswith(":") and _PORT.match(token, user.end()) and scheme.endswith(_WEB):
            continue
        if user.group().endswith(":"):
            return f"{token[: user.end()]}{HIDDEN}{token[end:]}"
        if user.end() - start >= _LONG_USER:
            return f"{token[:start]}{HIDDEN}{token[end:]}"
    return token


def _quoted_url(text: str) -> str:
    """Hide the password of an address that is itself percent-encoded."""
    return _QUOTED_URL.sub(lambda match: _one_quoted_url(match.group()), text)


def _one_quoted_url(token: str) -> str:
    low = token.lower()
    start, end = low.find("%3a", len("%3A%2F%2F")), low.rfind("%40")
    return f"{token[: start + 3]}{HIDDEN}{token[end:]}" if 0 < start < end else token


def _key_blocks(text: str) -> str:
    """Hide private keys, whole or cut off; never past the quote that ends a cut one, so that JSON stays JSON."""
    pieces, place = [], 0
    while (begin := _KEY_BLOCK.search(text, place)) is not None:
        end = _KEY_END.search(text, begin.end())
        stop = end.end() if end else _UNQUOTED.match(text, begin.end()).end()  # type: ignore[union-attr]  # it matches nothing too
        pieces += [text[place : begin.start()], "[private key]"]
        place = stop
    return "".join((*pieces, text[place:]))


def _emails(text: str) -> str:
    """Hide addresses: found from the @, because a search from their first letter is quadratic."""
    pieces, place = [], 0
    for match in _DOMAIN.finditer(text):
        start = match.start()
        while start > place and (text[start - 1].isalnum() or text[start - 1] in _LOCAL) and match.start() - start < _LONGEST_LOCAL:
            start -= 1
        local = text[start : match.start()].lstrip("'%.")
        if local and match[3].lower() not in _FILE_ENDINGS and not local.startswith("lectern-") and not local.isdigit():
            pieces += [text[place : match.start() - len(local)], "[e-mail]"]
            place = match.end()
    return "".join((*pieces, text[place:]))


def _basic(match: re.Match[str]) -> str:
    try:
        credentials = b":" in base64.b64decode(match[3], validate=True)
    except (binascii.Error, ValueError):
        credentials = False
    return f"{match[1]}{match[2]}{HIDDEN}" if credentials else match[0]


def _shape(match: re.Match[str]) -> str:
    return {"aws": "[aws key]", "jwt": "[token]"}.get(match.lastgroup or "", HIDDEN)


def _looks_random(match: re.Match[str]) -> str:
    """Hide 40 characters that change between upper case, lower case and digits as no path, hash or word does."""
    kinds = ["d" if c.isdigit() else "u" if c.isupper() else "l" if c.islower() else "s" for c in match.group()]
    changes = sum(one != other for one, other in itertools.pairwise(kinds))
    return HIDDEN if changes >= _AWS_CHANGES and {"u", "l", "d"} <= set(kinds) else match.group()


def _sub(pattern: re.Pattern[str], replacement: str | Callable[[re.Match[str]], str]) -> Callable[[str], str]:
    return lambda text: pattern.sub(replacement, text)


_AWS_LENGTH: Final = 40
_AWS_CHANGES: Final = 12
_PHONE_DIGITS: Final = 5
_LONG_USER: Final = 20
_LONGEST_LOCAL: Final = 320
_WEB: Final = ("http", "https", "ws", "wss")
_URL_TOKEN = re.compile(r"://[^\s\"'<>`]+")
_USER = re.compile(r"[^\s/@:?#]*(?::|(?=@))")
_PORT = re.compile(r"\d{1,5}(?:[/?#]|\Z)")
_QUOTED_URL = re.compile(r"%3A%2F%2F[^\s\"'<>&]+", re.IGNORECASE)
_NAMES: Final = ("pass", "pwd", "kennwort", "contrase", "secret", "token", "key", "session", "bearer", "cookie", "credential", "authoriz",
                 "sid", "otp", "pin",   "verifier")  # fmt: skip
_SIGNS: Final = ("akia", "asia", "aroa", "aida", "eyj", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "gldt-", "glrt-",
                 "glptt-", "glsoat-", "xox", "xapp-", "_live_", "_test_", "whsec_", "npm_", "pypi-", "sk-", "hf_", "dop_v1_", "aiza",
                 "1//0", "4/0a", "gocspx-", "age-secret-key-", SESSION_MARK)  # fmt: skip
_PHONE_WORDS: Final = ("fon", "phone", "mobile", "handy", "fax", "tel", "rufnummer", "msisdn", "whatsapp", "sms", "anruf", "call", "user_",
                       "tag_", "group_", "contact_", "chat_", "wa_")  # fmt: skip
_PHONE_SIGNS: Final = ("+", "%2b", ":*:")


def _names(text: str) -> str:
    low = text.lower()
    if any(_AFTER_NAME.match(low, end) for end in _ends_of_names(low)):
        text = _NAMED_VALUE.sub(_named, _SPOKEN.sub(rf"\1{HIDDEN}", _PAIR.sub(rf"\1{HIDDEN}", text)))
    return _ARGUMENT.sub(rf"\1\2{HIDDEN}", text) if _ANY_OPTION.search(low) else text


def _ends_of_names(low: str) -> Iterator[int]:
    for name in _NAMES:
        place = low.find(name)
        while place >= 0:
            if name != "key" or _BEFORE_KEY.search(low, max(0, place - 13), place):
                yield place + len(name)
            place = low.find(name, place + len(name))


def _numbers(text: str, low: str) -> str:
    if _COLONS.search(low):
        text = _PASSFILE.sub(rf"\1{HIDDEN}", text)
    text = _PHONES.sub("[phone]", text)
    if any(map(low.__contains__, _PHONE_WORDS)):
        text = _TAGGED_PHONE.sub(r"\1[phone]", _NAMED_PHONE.sub(r"\1\2[phone]", text))
    return text


def _named(match: re.Match[str]) -> str:
    # the working directory is called PWD
    if match["head"].lower().startswith("pwd") and _FOLDER.match(match.string, match.end("head")):
        return match.group()
    return f"{match['head']}{match['quote'] or ''}{HIDDEN}"


_FOLDER = re.compile(r"[\"']?(?:/|[A-Z]:\\)")


# Order matters: whole blocks and addresses before the values inside them.
_RULES: Final = (
    _Rule(("-----begin",), _key_blocks),
    _Rule(("://",), _urls),
    _Rule(("%",), _quoted_url),
    _Rule(("ya29.", "sg.", ":aa"), _sub(_SHAPES, _shape)),
    _Rule(("$",), _sub(_HASHES, "[hash]")),
    _Rule(("slack.com",), _sub(_SLACK_HOOK, rf"\1{HIDDEN}")),
    _Rule(("bearer", "token", "key"), _sub(_SCHEME, rf"\1\2{HIDDEN}")),
    _Rule(("basic",), _sub(_BASIC, _basic)),
    _Rule(("cookie",), _sub(_COOKIE, rf"\1{HIDDEN}")),
    _Rule(("x-amz-",), _sub(_AMAZON_QUERY, rf"\1{HIDDEN}")),
    _Rule(("?", "&", "%"), _sub(_QUERY_VALUE, rf"\1{HIDDEN}")),
    _Rule(_NAMES, _names),
    _Rule(("info string", "encoded", "spaces found", "integer value", "port number", "query parameter", "host "),
          _sub(_LIBPQ, rf"\1{HIDDEN}")),
    _Rule(("@", "%"), _emails),
)  # fmt: skip
_RULES_OF: Final = {
    trigger: tuple(place for place, other in enumerate(_RULES) if trigger in other.triggers) for rule in _RULES for trigger in rule.triggers
}
