"""A small mail server on this computer that speaks SMTP as far as a sender needs it, with certificates of its own."""

from __future__ import annotations

import base64
import datetime as dt
import email
import email.policy
import ipaddress
import socketserver
import ssl
import threading
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

USER: Final = "lectern"
PASSWORD: Final = "canaryMailPassword7"  # a made-up one
CERTIFICATE: Final = "server.pem"


def make_certificate(folder: Path) -> Path:
    """Write a certificate for this computer, signed by nobody else, with its key in one file; return the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    made = made.not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName(names), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    signed = made.sign(key, hashes.SHA256())
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / CERTIFICATE
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path


class MailServer:
    """Takes messages and keeps them.

    Attributes:
        messages: each as it was read, with the addresses of its envelope.
        sign_ins: user and password of each attempt.
        refuse: code with which the next messages are refused; None to take them.
        encrypted: whether the last message came over an encrypted line.
    """

    def __init__(self, *, certificate: Path | None = None, starttls: bool = False, tls: bool = False) -> None:
        self.messages: list[tuple[str, tuple[str, ...], EmailMessage]] = []
        self.raw: list[bytes] = []
        self.sign_ins: list[tuple[str, str]] = []
        self.refuse: int | None = None
        self.encrypted = False
        context = None
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                session = _Session(outer, self.request, context=context, offer=starttls)
                try:
                    session.talk(at_once=tls)
                finally:
                    session.close()

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

            def handle_error(self, *_args: Any) -> None:
                """A client that hangs up, or trusts no certificate of ours, is what some tests are about."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Session:
    def __init__(self, server: MailServer, sock: Any, *, context: ssl.SSLContext | None, offer: bool) -> None:
        self._server, self._context, self._offer = server, context, offer
        self._secure = False
        self._take(sock)

    def close(self) -> None:
        self._lines.close()
        self._socket.close()

    def _take(self, sock: Any) -> None:
        self._socket = sock
        self._lines = sock.makefile("rb")

    def _encrypt(self) -> None:
        assert self._context is not None
        self._lines.close()
        # before it shakes hands: what fails there is closed as well
        self._socket = self._context.wrap_socket(self._socket, server_side=True, do_handshake_on_connect=False)
        self._socket.do_handshake()
        self._take(self._socket)
        self._secure = True

    def _say(self, *lines: str) -> None:
        self._socket.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def talk(self, *, at_once: bool) -> None:
        if at_once:
            self._encrypt()
        self._say("220 here")
        sender, to = "", list[str]()
        while line := self._lines.readline().decode().strip():
            word = line.split()[0].upper()
            if word == "EHLO":
                offers = ["250-STARTTLS"] if self._offer and not self._secure else []
                self._say("250-here", *offers, "250 AUTH PLAIN")
            elif word == "STARTTLS":
                self._say("220 go on")
                self._encrypt()
            elif word == "AUTH":
                _, user, password = base64.b64decode(line.split()[2]).decode().split("\0")
                self._server.sign_ins.append((user, password))
                self._say("235 welcome" if (user, password) == (USER, PASSWORD) else "535 no")
            elif word == "MAIL":
                sender, to = line.partition("<")[2].partition(">")[0], []
                self._say("250 yes")
            elif word == "RCPT":
                to.append(line.partition("<")[2].partition(">")[0])
                self._say("250 yes")
            elif word == "DATA":
                self._say("354 go on")
                self._receive(sender, tuple(to))
            elif word == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 yes")

    def _receive(self, sender: str, to: tuple[str, ...]) -> None:
        lines = []
        while (line := self._lines.readline()).rstrip(b"\r\n") != b".":
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        if self._server.refuse is not None:
            self._say(f"{self._server.refuse} canaryServerWords {to}")
            return
        content = b"".join(lines)
        parsed = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(parsed, EmailMessage)
        self._server.raw.append(content)
        self._server.encrypted = self._secure
        self._server.messages.append((sender, to, parsed))
        self._say("250 taken")
