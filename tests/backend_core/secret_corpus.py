"""Made-up secrets of many kinds, as they turn up in log lines, with the parts nobody may read afterwards."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

WORD = string.ascii_letters + string.digits
URLSAFE = WORD + "-_"
BASE64 = WORD + "+/"
HARD = WORD + "!#%*+-_.~^|" + "@/:"
FRAGMENT = 8


@dataclass(frozen=True)
class Secret:
    """One secret in its surroundings."""

    kind: str
    text: str
    parts: tuple[str, ...]

    def survives_in(self, text: str) -> str | None:
        """Return a readable piece of at least eight characters, or the whole part where it is shorter."""
        for part in self.parts:
            size = min(FRAGMENT, len(part))
            for start in range(len(part) - size + 1):
                if part[start : start + size] in text:
                    return part[start : start + size]
        return None


Maker = Callable[[random.Random], tuple[str, tuple[str, ...]]]


def letters(rng: random.Random, count: int, alphabet: str = WORD) -> str:
    """Return random characters, of which the first and the last are letters."""
    middle = "".join(rng.choice(alphabet) for _ in range(count - 2))
    return rng.choice(string.ascii_letters) + middle + rng.choice(string.ascii_letters)


def password(rng: random.Random) -> str:
    return letters(rng, rng.randint(10, 24)) if rng.random() < 0.5 else letters(rng, rng.randint(10, 24), WORD + "!#%*+-_.~^")


def shaped(prefix: str, count: int, alphabet: str = WORD, *, suffix: str = "") -> Maker:
    def make(rng: random.Random) -> tuple[str, tuple[str, ...]]:
        value = letters(rng, count, alphabet)
        words = rng.choice(("using {}", "got '{}' from the store", '{{"value": "{}"}}', "{} was refused", "x={}"))
        return words.format(prefix + value + suffix), (value,)

    return make


def named(*forms: str, value: Callable[[random.Random], str] = password) -> Maker:
    def make(rng: random.Random) -> tuple[str, tuple[str, ...]]:
        secret = value(rng)
        return rng.choice(forms).replace("{}", secret), (secret,)

    return make


def jwt(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    head = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "typ": "JWT"}).encode()).rstrip(b"=").decode()
    body = base64.urlsafe_b64encode(json.dumps({"sub": letters(rng, 12), "exp": rng.randint(1, 10**9)}).encode()).rstrip(b"=").decode()
    sign = letters(rng, 43, URLSAFE)
    return rng.choice(("token {}", "{}", "ws opened with {} by ana")).format(f"{head}.{body}.{sign}"), (body, sign)


def basic(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    coded = base64.b64encode(f"ana:{letters(rng, 14)}".encode()).decode()
    return rng.choice((f"Authorization: Basic {coded}", f"sent basic {coded}")), (coded.rstrip("="),)


def dsn_url(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    secret = letters(rng, rng.randint(10, 20), HARD)
    scheme = rng.choice(("postgresql", "postgres", "redis", "amqp", "mysql+pymysql", "https"))
    tail = rng.choice(("db.example.org:5432/lectern?sslmode=require", "db/lectern", "[::1]:5432/x", "10.0.0.7"))
    return f"connecting to {scheme}://ana:{secret}@{tail} now", (secret,)


def dsn_encoded(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    secret = letters(rng, 14, WORD + "@:/ #?")
    coded = quote(secret, safe="")
    whole = f"postgresql://ana:{coded}@db.example.org/lectern"
    return (whole if rng.random() < 0.5 else f"GET /open?dsn={quote(whole, safe='')}&page=2"), (coded, quote(coded, safe=""))


def dsn_words(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    secret = letters(rng, 16, WORD + "@:/ ,;&")
    form = rng.choice(
        (
            "host=db port=5432 user=ana password='{}' dbname=x",
            '{"host": "db", "password": "{}"}',
            "dict(password='{}', user='ana')",
            "DSN: user=ana password='{}'",
        )
    )
    return form.replace("{}", secret), (secret,)


def libpq(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    secret = letters(rng, 12)
    form = rng.choice(
        (
            'missing "=" after "{}" in connection info string',
            'invalid percent-encoded token: "{}%zz"',
            'unexpected spaces found in "hun {}", use percent-encoded spaces (%20) instead',
            "failed to resolve host '{}': [Errno -8] Servname not supported",
            'could not translate host name "{}@db.example.org" to address: Name or service not known',
            'invalid integer value "{}" for connection option "port"',
        )
    )
    return form.replace("{}", secret), (secret,)


def key_block(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    kind = rng.choice(("RSA ", "EC ", "", "OPENSSH ", "ENCRYPTED "))
    lines = [letters(rng, 64, BASE64) for _ in range(rng.randint(3, 12))]
    end = rng.choice((f"\n-----END {kind}PRIVATE KEY-----", ""))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n" + "\n".join(lines) + end, tuple(lines)


def presigned(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    sign = "".join(rng.choice("0123456789abcdef") for _ in range(64))
    key = "AKIA" + "".join(rng.choice(string.ascii_uppercase + string.digits) for _ in range(16))
    url = f"https://b.s3.eu-west-1.amazonaws.com/a.mp3?X-Amz-Credential={key}%2F20261121%2Feu-west-1&X-Amz-Date=20261121T000000Z"
    return f"GET {url}&X-Amz-Expires=900&X-Amz-Signature={sign} 200", (sign, key)


def azure_sas(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    sign = quote(letters(rng, 43, BASE64) + "=", safe="")
    return f"https://acc.blob.core.windows.net/c/b?sv=2024-01-01&se=2026-12-01&sr=b&sig={sign}&sp=r", (sign,)


def passfile(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    secret = letters(rng, 20, URLSAFE)
    return rng.choice(("db.example.org:5432:lectern:ana:{}", "*:*:*:lectern_app:{}", "localhost:5433:*:ana:{}")).format(secret), (secret,)


def argon2(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    salt, digest = letters(rng, 22, BASE64), letters(rng, 43, BASE64)
    return f"hash $argon2id$v=19$m=65536,t=3,p=4${salt}${digest} stored", (salt, digest)


def cookie(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    value = letters(rng, 32)
    return rng.choice((f"Cookie: theme=dark; sid={value}", f"'Set-Cookie': 'id={value}; HttpOnly; Path=/'", f"cookie={value}")), (value,)


def email(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    local = f"{rng.choice(('ana', 'jörg', 'marie-claire', 'o.neill'))}.{letters(rng, 8, string.ascii_lowercase)}{rng.randint(1, 99)}"
    sign = rng.choice(("@", "@", "@", "%40"))
    return f"mail to <{local}{sign}{rng.choice(('example.org', 'mail.example.co.uk', 'firma-beispiel.de'))}> failed", (local,)


def digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


def phone(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    near, far = digits(rng, 3), digits(rng, 4)
    area = f"{rng.randint(2, 9)}{digits(rng, 2)}"
    text = rng.choice(
        (
            f"+1 ({area}) {near}-{far}",
            f"+49 {area} {near}{far}",
            f"+1{area}{near}{far}",
            f"({area}) {near}-{far}",
            f"{area}-{near}-{far}",
            f"+44 20 {far} {digits(rng, 4)}",
            f"+33 6 {digits(rng, 2)} {digits(rng, 2)} {digits(rng, 2)} {digits(rng, 2)}",
        )
    )
    return f"reached {text} at noon", (text, text.lstrip("+(")[-9:])


def named_phone(rng: random.Random) -> tuple[str, tuple[str, ...]]:
    number = f"0{digits(rng, 4)} {digits(rng, 6)}" if rng.random() < 0.5 else digits(rng, rng.randint(10, 12))
    form = rng.choice(('{"phone": "%s"}', "Telefon: %s", "mobile=%s", "tel. %s", "phone number %s", "user_%s_persona"))
    if form.startswith("user_"):
        number = number.replace(" ", "")
    return form % number, (number,)


def urlsafe(count: int) -> Callable[[random.Random], str]:
    return lambda rng: letters(rng, count, URLSAFE)


KINDS: dict[str, Maker] = {
    "aws key id": lambda rng: (
        (value := "AKIA" + "".join(rng.choice(string.ascii_uppercase + "234567") for _ in range(16))) + " used",
        (value,),
    ),
    "aws secret, named": named(
        "aws_secret_access_key={}", "'SecretAccessKey': '{}'", "AWS_SECRET_ACCESS_KEY: {}", value=lambda rng: letters(rng, 40, BASE64)
    ),
    "aws secret, bare": named("{}", "secret for the bucket is {}", "('key', '{}')", value=lambda rng: "a9B" + letters(rng, 37, BASE64)),
    "aws session token": named("aws_session_token={}", '"SessionToken": "{}"', value=lambda rng: letters(rng, 120, BASE64)),
    "jwt": jwt,
    "bearer": named(
        "Authorization: Bearer {}",
        "sent bearer {}",
        "{'authorization': 'Bearer {}'}",
        value=lambda rng: "a1" + letters(rng, 30, URLSAFE + "."),
    ),
    "basic": basic,
    "dsn url": dsn_url,
    "dsn percent-encoded": dsn_encoded,
    "dsn key=value": dsn_words,
    "libpq complaint": libpq,
    "google access token": shaped("ya29.", 60, URLSAFE),
    "google refresh token": shaped("1//0", 60, URLSAFE),
    "google client secret": shaped("GOCSPX-", 28, URLSAFE),
    "google api key": shaped("AIza", 35, URLSAFE),
    "oauth": named(
        "client_secret={}&grant_type=x",
        '{"refresh_token": "{}"}',
        "access_token={}",
        "clientSecret: '{}'",
        "/cb?code={}&state=x",
        value=urlsafe(40),
    ),
    "github": shaped("ghp_", 36),
    "github fine": shaped("github_pat_", 60, WORD + "_"),
    "gitlab": shaped("glpat-", 20, URLSAFE),
    "slack": shaped("xoxb-", 40, WORD + "-"),
    "slack hook": named("POST https://hooks.slack.com/services/T0000/B0000/{}", value=lambda rng: letters(rng, 24)),
    "stripe": shaped("sk_live_", 24),
    "npm": shaped("npm_", 36),
    "pypi": shaped("pypi-", 100, URLSAFE),
    "openai": shaped("sk-", 48),
    "azure account key": named(
        "AccountName=a;AccountKey={}==;EndpointSuffix=x", "SharedAccessKey={}=", value=lambda rng: letters(rng, 86, BASE64)
    ),
    "azure sas": azure_sas,
    "gcp key file": lambda rng: (
        (key := letters(rng, 64, BASE64))
        and json.dumps(
            {
                "type": "service_account",
                "private_key_id": (number := letters(rng, 40)),
                "private_key": f"-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----\n",
            }
        ),
        (key, number),
    ),
    "private key": key_block,
    "presigned url": presigned,
    "pgpassword": named("PGPASSWORD={} psql", "env {'PGPASSWORD': '{}'}", "export PGPASSWORD='{}'", "PGPASSWORD: {}"),
    "passfile line": passfile,
    "cookie": cookie,
    "age key": lambda rng: (
        f"key AGE-SECRET-KEY-1{(value := ''.join(rng.choice('QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L') for _ in range(58)))}",
        (value,),
    ),
    "argon2 hash": argon2,
    "session token": named("lcts_{}", "session_token={}", '"token": "{}"', "Session(token='{}')", value=urlsafe(43)),
    "password in text": named(
        "password={}", "password: {}", "passwd = {}", "the password is {}1x", "Passwort: {}", "passphrase={}", "db_pass={}", "pwd={}"
    ),
    "password in json": named(
        '{"password": "{}"}', '{"user": {"password":"{}","id":3}}', '{\\"password\\": \\"{}\\"}', '{"db_password": "{}", "n": 1}'
    ),
    "password in repr": named(
        "Login(user='ana', password='{}')", "{'password': '{}', 'n': 1}", "[('password', '{}')]", "['--password', '{}']", "b'password={}'"
    ),
    "password in env": named("LECTERN_PASSPHRASE={}", "export DB_PASSWORD='{}'", "SECRET_KEY={}", "environ({'API_KEY': '{}'})"),
    "password in query": named("/login?password={}&next=1", "?user=ana&amp;token={}", "https://h/x?api_key={}", value=urlsafe(20)),
    "api key header": named("X-Api-Key: {}", "'x-api-key': '{}'", "api-key={}", "Ocp-Apim-Subscription-Key: {}", value=urlsafe(32)),
    "telegram": lambda rng: (
        (value := letters(rng, 33, URLSAFE)) and f"https://api.telegram.org/bot{digits(rng, 9)}:AA{value}/send",
        (value,),
    ),
    "e-mail": email,
    "phone": phone,
    "phone, named": named_phone,
}


def secrets(count: int, *, seed: int = 7) -> list[Secret]:
    """Return ``count`` secrets, as many of each kind."""
    rng = random.Random(seed)
    names = sorted(KINDS)
    return [Secret(names[n % len(names)], *KINDS[names[n % len(names)]](rng)) for n in range(count)]
