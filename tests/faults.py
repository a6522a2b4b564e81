"""A server on this machine for each way in which a remote can go wrong, and what goes wrong there."""

from __future__ import annotations

import contextlib
import datetime
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

from django_probe.events import ProbeFinished
from django_probe.results import Outcome
from django_probe.sample import sample_result, sample_run
from django_probe.wire import encode

EVENTS = sample_run(
    found=[sample_result(n, f"test_{n}", Outcome.PASSED) for n in range(4)],
)
"""Four probes that pass; told as run_started, 4 x (started, finished), run_finished."""
WIRE = [f"{encode(event)}\n".encode() for event in EVENTS]

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nConnection: close\r\n\r\n"

Answer = Callable[["Peer"], None]


class Peer:
    """One who has asked: what was asked, and the way back."""

    def __init__(self, connection: socket.socket, closing: threading.Event) -> None:
        self.connection = connection
        self.closing = closing
        self.head = b""

    def read(self) -> None:
        """Take the head of the request."""
        while b"\r\n\r\n" not in self.head:
            data = self.connection.recv(4096)
            if not data:
                return
            self.head += data

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.connection.sendall(piece)

    def gone(self) -> bool:
        """Wait until it has hung up; return False where the test was over before."""
        self.connection.settimeout(0.05)
        while True:
            try:
                if not self.connection.recv(4096):
                    return True
            except TimeoutError:
                if self.closing.is_set():
                    return False
            except OSError:
                return True


@contextlib.contextmanager
def listening(
    answer: Answer, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> Iterator[int]:
    """Answer each connection by a function; yield the port. Nothing is left behind."""
    closing, threads = threading.Event(), []

    def serve(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.closing(connection):
            if tls is not None:
                connection = tls.wrap_socket(connection, server_side=True)
            with connection:
                peer = Peer(connection, closing)
                peer.read()
                answer(peer)
                connection.shutdown(socket.SHUT_RDWR)

    def accept() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=serve, args=(connection,), daemon=True))
            threads[-1].start()

    with socket.create_server((host, 0), backlog=64) as server:
        acceptor = threading.Thread(target=accept, daemon=True)
        acceptor.start()
        try:
            yield server.getsockname()[1]
        finally:
            closing.set()
            server.shutdown(socket.SHUT_RDWR)
    acceptor.join(5)
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()


def status(code: int, *headers: str, body: bytes = b"") -> Answer:
    """Answer with a status."""
    lines = [f"HTTP/1.1 {code} Whatever", *headers, f"Content-Length: {len(body)}", "", ""]
    return lambda peer: peer.send("\r\n".join(lines).encode(), body)


def wire(*lines: bytes, then: Answer | None = None) -> Answer:
    """Answer with these lines."""

    def answer(peer: Peer) -> None:
        peer.send(OK, *lines)
        if then is not None:
            then(peer)

    return answer


def killed(peer: Peer) -> None:
    """End between two chunks, before the one that says that it is the last."""
    told = b"".join(WIRE[:5])
    peer.send(
        OK.replace(b"Connection: close", b"Transfer-Encoding: chunked"),
        b"%x\r\n%b\r\n" % (len(told), told),
    )


def drip(peer: Peer) -> None:
    """Send a byte now and then, for ever: no timeout for a single byte ends this."""
    for byte in OK + WIRE[0]:
        peer.send(bytes([byte]))
        if peer.closing.wait(0.02):
            return


def flood(peer: Peer) -> None:
    """Send 1 GiB of what is a wire, line by line."""
    filler = json.loads(WIRE[1])
    filler["probe"]["source"] = "x" * 1000 * 1000
    line = json.dumps(filler).encode() + b"\n"
    peer.send(OK, WIRE[0])
    for _ in range(1074):
        peer.send(line)


def changed(line: bytes, **values: object) -> bytes:
    """Return a line with other values."""
    return json.dumps({**json.loads(line), **values}).encode() + b"\n"


def renamed(name: str) -> list[bytes]:
    """Return the wire with a probe that has this name."""
    first = EVENTS[2].result
    probe = replace(first.probe, id=f"shop.probes.{name}", label=f"shop.{name}", description=name)
    told = encode(ProbeFinished(result=replace(first, probe=probe)))
    return [WIRE[0], f"{told}\n".encode(), *WIRE[3:]]


ESCAPES = "\x1b[2J\x1b]0;pwned\x07test_\x1b[31mred\u202e::error::x"

FAULTS: dict[str, tuple[str, Answer]] = {
    "black hole": ("Silent", lambda peer: peer.gone()),
    "slow drip": ("Deadline", drip),
    "half a line": ("BrokenOff", wire(*WIRE[:5], WIRE[5][:40])),
    "broken off": ("BrokenOff", wire(*WIRE[:5])),
    "killed while it answers": ("BrokenOff", killed),
    "never ends": ("Silent", wire(*WIRE[:5], then=lambda peer: peer.gone())),
    "garbage": ("WireError", wire(b"\x00\xff garbage \x1b[31m\n" * 3)),
    "no HTTP": ("BrokenOff", lambda peer: peer.send(b"SSH-2.0-OpenSSH_9.6\r\n")),
    "HTML": ("NotTheWire", status(200, "Content-Type: text/html", body=b"<h1>Hello</h1>")),
    "compressed on the way": (
        "NotTheWire",
        status(200, "Content-Type: application/x-ndjson", "Content-Encoding: gzip", body=b"\x1f"),
    ),
    "401": ("Unauthorized", status(401)),
    "403": ("Forbidden", status(403)),
    "404": ("NotFound", status(404)),
    "429": ("TooManyRequests", status(429, "Retry-After: 5")),
    "500": ("InternalServerError", status(500, body=b"<h1>Oops</h1>")),
    "redirect to a login page": (
        "Redirected",
        status(302, "Location: https://login.example/?next=/probe/"),
    ),
    "newer wire": ("WireError", wire(changed(WIRE[0], v=2))),
    "1 GiB of wire": ("WireError", flood),
    "a line without end": (
        "WireError",
        wire(*WIRE[:5], b'{"v": 1, "event": "' + b"x" * (1 << 20) + b'"}\n'),
    ),
    "one result twice": ("WireError", wire(*WIRE[:3], *WIRE[1:])),
    "fewer results than announced": ("MissingResults", wire(*WIRE[:5], WIRE[-1])),
    "more results than announced": ("WireError", wire(changed(WIRE[0], planned=2), *WIRE[1:])),
    "a green verdict on a red run": ("", wire(*WIRE)),
    "escape sequences in names": ("", wire(*renamed(ESCAPES))),
}
"""What goes wrong -> the name of the error, "" for none, and the answer."""


def expired() -> tuple[ssl.SSLContext, bytes]:
    """Return a server's context with a certificate of yesterday, and its authority in PEM."""
    import trustme

    authority = trustme.CA()
    past = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)
    certificate = authority.issue_cert("127.0.0.1", "localhost", not_after=past)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context, authority.cert_pem.bytes()
