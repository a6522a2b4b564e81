"""Connections that wait no longer than the run may: what urllib3 asks through."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Mapping
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager, ProxyManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util import make_headers, wait_for_read

from django_probe.deadline import Deadline
from django_probe.exceptions import ConfigurationError

__all__ = ["Clock", "manager", "ticking", "tls"]

TICK = 0.1
"""Seconds after which it is seen that the run has ended."""


class Clock:
    """Say how long one asking may wait.

    Args:
        deadline: when all of it has to end.
        silence: seconds that a byte may take to come.
    """

    def __init__(self, deadline: Deadline, silence: float) -> None:
        self._deadline = deadline
        self._silence = silence

    def wait(self, sock: socket.socket) -> None:
        """Return when there is something to read.

        Raises:
            TimeoutError: the run has ended, or nothing came for too long.
        """
        until = time.monotonic() + self._silence
        while not self._deadline.passed and not self._deadline.halted:
            if wait_for_read(sock, TICK):
                return
            if time.monotonic() > until:
                raise TimeoutError(f"nothing came for {self._silence:g} s")
        raise TimeoutError(self._deadline.reason or self._deadline.halted)


ticking: ContextVar[Clock] = ContextVar("django_probe_clock")
"""The clock of the connection that is made in this thread."""


class _Socket(socket.socket):
    """A socket whose reading ends with the run: a timeout of its own begins anew at each byte."""

    clock: Clock

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """Read when there is something."""
        self.clock.wait(self)
        return super().recv_into(*args, **kwargs)


class _TLSSocket(ssl.SSLSocket):
    """The same, encrypted."""

    clock: Clock

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """Read when there is something, decrypted or not."""
        if not self.pending():
            self.clock.wait(self)
        return super().recv_into(*args, **kwargs)


class _Waiting:
    """Mixed in front of a connection of urllib3."""

    sock: Any

    def _new_conn(self) -> socket.socket:
        made: socket.socket = super()._new_conn()  # type: ignore[misc]
        timeout = made.gettimeout()
        sock = _Socket(fileno=made.detach())
        sock.settimeout(timeout)
        sock.clock = ticking.get()
        return sock

    def connect(self) -> None:
        """Connect; what encrypts is another socket than the one that it was made of."""
        super().connect()  # type: ignore[misc]
        self.sock.clock = ticking.get()


class _Connection(_Waiting, HTTPConnection):
    """Through it goes what is not encrypted, to a proxy for one."""


class _TLSConnection(_Waiting, HTTPSConnection):
    """Through it goes what is encrypted."""


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


def manager(proxy: str | None, **options: Any) -> PoolManager:
    """Return what makes the connections of one asking, through a proxy or not.

    Args:
        options: of urllib3's ``PoolManager``.
    """
    made = _through(proxy, options) if proxy else PoolManager(**options)
    made.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}
    return made


def _through(proxy: str, options: Mapping[str, Any]) -> ProxyManager:
    """Return what goes through a proxy, with the name and the password that its URL has."""
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    known = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    headers = make_headers(proxy_basic_auth=known) if parts.username else None
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return ProxyManager(bare, proxy_headers=headers, **options)


@lru_cache(maxsize=64)
def tls(ca: str | None, cert: str | None, key: str | None) -> ssl.SSLContext:
    """Return how certificates are checked: always, by the system's authorities or one's own.

    Args:
        ca: a file or a folder of certificates of authorities that are trusted instead.
        cert: a file with the certificate that we show, and its key unless that has its own.

    Raises:
        ConfigurationError: a file cannot be read, or holds no such thing.
    """
    is_folder = ca is not None and Path(ca).is_dir()
    try:
        context = ssl.create_default_context(
            cafile=None if is_folder else ca, capath=ca if is_folder else None
        )
        if cert:
            context.load_cert_chain(cert, key)
    except (OSError, ValueError) as exc:  # An SSLError is an OSError.
        given = ", ".join(repr(path) for path in (ca, cert, key) if path)
        raise ConfigurationError(
            f"{given} cannot be used for TLS: {getattr(exc, 'strerror', None) or exc}: expected"
            " files of certificates in PEM."
        ) from exc
    context.sslsocket_class = _TLSSocket
    return context
