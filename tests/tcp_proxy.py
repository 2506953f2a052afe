"""A TCP forwarder that can go silent: connections stay up and bytes are acknowledged, but nothing passes any more."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from types import TracebackType
from typing import Self


class TcpProxy:
    """Forwards a loopback port of its own to ``target`` until it is told to be silent."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._silent = threading.Event()
        self._wake, self._woken = socket.socketpair()
        self._peers: dict[socket.socket, socket.socket] = {}
        self._thread = threading.Thread(target=self._run, name="tcp-proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, _kind: type[BaseException] | None, _exc: BaseException | None, _trace: TracebackType | None) -> None:
        self._wake.close()
        self._thread.join(10)

    def silence(self) -> None:
        """Pass nothing any more, in either direction; new connections are accepted and ignored."""
        self._silent.set()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._listener, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is self._woken:
                        self._close_all()
                        return
                    if key.fileobj is self._listener:
                        self._accept(selector)
                    elif isinstance(key.fileobj, socket.socket):
                        self._forward(selector, key.fileobj)

    def _accept(self, selector: selectors.BaseSelector) -> None:
        client, _ = self._listener.accept()
        server = socket.create_connection(self._target)
        for one, other in ((client, server), (server, client)):
            self._peers[one] = other
            selector.register(one, selectors.EVENT_READ)

    def _forward(self, selector: selectors.BaseSelector, source: socket.socket) -> None:
        if source not in self._peers:
            return
        try:
            data = source.recv(65536)
        except OSError:
            data = b""
        if data and not self._silent.is_set():
            self._peers[source].sendall(data)
        elif not data:
            for one in (source, self._peers.pop(source)):
                self._peers.pop(one, None)
                selector.unregister(one)
                one.close()

    def _close_all(self) -> None:
        for one in {self._listener, self._woken, *self._peers}:
            with contextlib.suppress(OSError):
                one.close()
