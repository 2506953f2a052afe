"""Notices as e-mail: one plain text message, a checked certificate, no header that anybody else could write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from backend_core.errors import InvalidInput, Unavailable
from backend_core.house.declaration import HouseSettings
from backend_core.notices.records import RESOLVED

if TYPE_CHECKING:
    import smtplib
    import ssl
    from email.message import EmailMessage

TIMEOUT_S: Final = 10.0
LONGEST_SUBJECT: Final = 150
STARTTLS: Final = "starttls"
TLS: Final = "tls"
NONE: Final = "none"
TEST: Final = "This message was sent to try the notices of Lectern. Nothing happened."
_TOO_LATER: Final = range(400, 500)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where mail is handed over.

    Attributes:
        security: ``starttls``, ``tls`` or ``none``.
        user: empty where the server asks for no password.
    """

    host: str
    port: int
    security: str
    user: str
    sender: str

    @property
    def address(self) -> str:
        """Return host and port."""
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What somebody reads."""

    to: str
    subject: str
    text: str


def server_of(house: HouseSettings) -> MailServer:
    """Return the mail server of the house settings.

    Raises:
        InvalidInput: one of them is missing.
    """
    if not house.mail_host or not house.mail_sender:
        raise InvalidInput("The mail server or the sender's address is not set.")
    return MailServer(
        host=house.mail_host, port=house.mail_port, security=house.mail_security, user=house.mail_user, sender=house.mail_sender
    )


def letter(row: Mapping[str, Any], *, to: str) -> Letter:
    """Return a notice as a message, or the news that it is over."""
    over = row["event"] == RESOLVED
    severity = {"bad": "Problem", "warn": "Warning"}.get(row["severity"], "Notice")
    first = f"Over since {row['resolved_at']:%Y-%m-%d %H:%M:%S} UTC." if over else row["body"]
    since = f"Since {row['raised_at']:%Y-%m-%d %H:%M:%S} UTC, said {row['times']} times."
    lines = (first, "", since, f"{row['kind']} {row['subject']}".strip(), f"Reference {row['correlation_id']}")
    return Letter(to=to, subject=f"Lectern: {'Over' if over else severity}: {row['title']}", text="\n".join(lines))


def message(letter: Letter, *, sender: str, key: str, name: str) -> EmailMessage:
    """Return the message with an id of its own, the same whenever the same event is sent again."""
    import email.utils
    from email.message import EmailMessage
    from email.policy import SMTP

    made = EmailMessage(policy=SMTP)
    # control characters are the only way into another header; the library would refuse them, and the message would never leave
    subject = " ".join("".join(sign if sign.isprintable() else " " for sign in letter.subject).split())
    made["Subject"] = subject[:LONGEST_SUBJECT]
    made["From"], made["To"] = _address(sender), _address(letter.to)
    made["Date"] = email.utils.localtime()
    made["Message-ID"] = f"<{key}@{name}.lectern.invalid>"
    made["Auto-Submitted"] = "auto-generated"
    made.set_content(letter.text)
    return made


def refuse_open_line(server: MailServer, *, loopback: bool, password: str | None) -> None:
    """Refuse what would let others read along.

    Raises:
        InvalidInput: no encryption although the server is another computer, or a user without a password.
    """
    if server.security == NONE and not loopback:
        raise InvalidInput("Mail leaves this computer encrypted only; set the security of the mail server to starttls or tls.")
    if server.user and not password:
        raise InvalidInput("No password is kept for the mail server here; `lecternctl notices secret email` keeps one.")


def send(server: MailServer, made: EmailMessage, *, password: str | None, ca_file: str | None = None) -> None:
    """Hand one message over.

    Raises:
        Unavailable: the server does not answer, has no valid certificate, or cannot take the message now.
        InvalidInput: it does not accept the password, the addresses or the message.
    """
    import smtplib
    import ssl

    try:
        with _connected(server, ssl.create_default_context(cafile=ca_file)) as line:
            if server.user and password:
                line.login(server.user, password)
            line.send_message(made)
    except smtplib.SMTPAuthenticationError:
        raise InvalidInput("The mail server does not accept the user or the password.") from None
    except smtplib.SMTPNotSupportedError:
        raise InvalidInput("The mail server offers no encryption, or no sign-in.") from None
    except smtplib.SMTPResponseException as error:
        raise _refused(error.smtp_code) from None
    except smtplib.SMTPRecipientsRefused as error:
        raise _refused(max((code for code, _ in error.recipients.values()), default=550)) from None
    except ssl.SSLError:
        raise Unavailable("The mail server has no certificate that this computer trusts.") from None
    except (smtplib.SMTPException, OSError, ValueError):
        # its text may quote what was sent
        raise Unavailable("The mail server does not answer.") from None


def _connected(server: MailServer, context: ssl.SSLContext) -> smtplib.SMTP:
    import smtplib

    if server.security == TLS:
        return smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_S, context=context)
    line = smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_S)
    try:
        if server.security == STARTTLS:
            # refuses to go on where the server does not offer it
            line.starttls(context=context)
    except BaseException:
        line.close()
        raise
    return line


def _refused(code: int) -> InvalidInput | Unavailable:
    if code in _TOO_LATER:
        return Unavailable(f"The mail server cannot take the message now (code {code}).")
    return InvalidInput(f"The mail server refuses the message (code {code}).")


def _address(text: str) -> str:
    """Return an address that the message library reads as one address and nothing else."""
    from email.errors import MessageError
    from email.headerregistry import Address

    if any(not sign.isprintable() or sign.isspace() for sign in text) or not text.isascii():
        raise InvalidInput("That is not an e-mail address.")
    try:
        return str(Address(addr_spec=text))
    except (ValueError, IndexError, MessageError):
        raise InvalidInput("That is not an e-mail address.") from None
