"""Requests that nobody in his right mind would send, and one who sends them."""

from __future__ import annotations

import contextlib
import socket
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse

from hypothesis import strategies as st
from serving import TOKEN, VERDICT, Server

__all__ = ["Caller", "Request", "requests"]

LABELS = [
    "shop", "shop.Checkout", "shop.Checkout.test_pay", "shop.probes.Checkout", "nope", "..", "-",
    "--", "-h", "--output=x", "shop/Checkout", "shop%2FCheckout", "a%00b", "%F0%9F%92%A9", "%ff%fe",
    "%", "%zz", "é", "shop.", ".", "shop..Checkout", "1", " ", "%20", "%0d%0aSet-Cookie:x=1",
    "settings", "os", "django_probe", "__main__", "x" * 300,
]  # fmt: skip
FORMATS = [
    "json", "jsonl", "junit", "tap", "text", "html", "ctrf", "markdown", "github", "nagios",
    "openmetrics", "silent", "nope", "", "os.path.join", "subprocess.Popen", "../../etc/passwd",
    "json,tap", "JSON", "%00", "builtins.print", "lib.shout.Shout", "lib.shout.Broken",
]  # fmt: skip
ACCEPTS = [
    "*/*", "text/html", "application/json", "application/xml;q=0.5, */*;q=0.1", "text/*", "image/png",
    ";;;,=", ",", "q=1", "text/html;q=NaN", "text/html;q=1e999", "*/*;q=-1", "application/json;q=0",
    "application/vnd.django-probe.tap", "application/vnd.django-probe.", "a/b" * 2000, "\xff\xfe",
    "text/html;level=1;q=0.3,text/plain;q=.3", "application/openmetrics-text;version=1.0.0",
]  # fmt: skip
CREDENTIALS = [
    f"Bearer {TOKEN}", f"bearer  {TOKEN} ", f"Bearer {VERDICT}", f"Bearer {TOKEN}x", "Bearer", "Bearer ",
    "Basic YTpi", "Bearer \xe9\xe8", "Bearer " + "x" * 4000, f"Bearer {TOKEN},Bearer {TOKEN}", "\xff", "",
]  # fmt: skip
KEYS = [
    "label", "tag", "exclude_tag", "k", "target", "format", "fresh", "status", "stream", "async",
    "nope", "", "token", "Label", "label[]", "__proto__", "%00", "csrfmiddlewaretoken",
]  # fmt: skip
VALUES = [
    "", "0", "1", "200", "500", "2", "true", "smoke", "nope", "-x", "--", "*", "[", "default", "x%00y",
    "http://127.0.0.1:1/", "%E2%80%AE", "é", "%ff", "&", "=", "+", "y" * 3000, "1&1", ";", "%0a%0d",
    *LABELS[:5],
]  # fmt: skip
SENSIBLE = [
    "label=shop", "label=shop.Checkout", "label=shop.Checkout.test_pay", "tag=smoke", "k=pay", "k=*_ship",
    "exclude_tag=smoke", "fresh=1", "fresh=0", "status=200", "stream=1", "async=1", "k=\u202e",
]  # fmt: skip
PLACES = [
    "-/metrics", "-/schema.json", "-/runs/0123456789abcdef0123456789abcdef/", "-/runs/x/", "-/runs/",
    "-/static/report.css", "-/static/..%2f..%2fpages.py", "-/", "-", "-/runs/..%2f..%2f/", "-/metrics/",
]  # fmt: skip
METHODS = [
    *["GET"] * 8,
    "POST",
    "POST",
    "HEAD",
    "OPTIONS",
    "DELETE",
    "PUT",
    "PATCH",
    "TRACE",
    "X",
    "get",
]
BODIES = [*[None] * 20, b"", b"{}", b"label=shop", b"\0" * 100, b"csrfmiddlewaretoken=x"]
TYPES = ["", "application/json", "application/x-www-form-urlencoded", "multipart/form-data", "\xff"]


@dataclass(frozen=True)
class Request:
    """What is sent: as text that is Latin-1, so that it can hold any byte."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None

    def encode(self) -> bytes:
        """Return its bytes."""
        path = self.path.encode().decode("latin-1")
        lines = [f"{self.method} {path} HTTP/1.1", "Host: localhost"]
        lines += [f"{name}: {value}" for name, value in self.headers if value]
        if self.body is not None:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + (self.body or b"")

    @property
    def has_token(self) -> bool:
        """Return whether it comes with a token that opens something."""
        given = [value.split() for name, value in self.headers if name == "Authorization"]
        return any(words[1:] in ([TOKEN], [VERDICT]) for words in given)


@dataclass
class Caller:
    """Send requests over one connection for as long as the server keeps it."""

    server: Server
    statuses: dict[int, int] = field(default_factory=dict)
    _socket: socket.socket | None = None

    def send(self, request: Request) -> tuple[HTTPResponse, bytes]:
        """Return the response to a request, and its body; try anew where the connection is gone."""
        for attempt in (1, 2, 3):
            if self._socket is None:
                address = ("127.0.0.1", self.server.port)
                self._socket = socket.create_connection(address, timeout=60)
            try:
                self._socket.sendall(request.encode())
                response = HTTPResponse(self._socket, method=request.method)
                response.begin()
                body = response.read()
            except (OSError, HTTPException):
                self.close()
                if attempt == 3:
                    raise
                continue
            if response.will_close:
                self.close()
            self.statuses[response.status] = self.statuses.get(response.status, 0) + 1
            return response, body
        raise AssertionError

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.close()
            self._socket = None


_text = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_characters="\x7f\x85\xa0"), max_size=20
)  # fmt: skip
_pair = st.tuples(
    st.one_of(st.sampled_from(KEYS), st.sampled_from(KEYS[:10]), _text),
    st.one_of(st.sampled_from(VALUES), st.sampled_from(FORMATS), _text),
).map("=".join)
_query = st.one_of(
    st.just(""),
    st.sampled_from(FORMATS).map("format={}".format),
    st.lists(st.sampled_from(SENSIBLE), max_size=3, unique=True).map("&".join),
    st.lists(_pair, max_size=4).map("&".join),
    _text,
)
_path = st.one_of(
    st.just(""),
    st.sampled_from(LABELS).map("{}/".format),
    st.sampled_from(PLACES),
    _text.map(lambda text: text.replace("?", "").replace("#", "") + "/"),
)


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """Draw a request: each part of it is right, strange or broken by itself."""
    query = draw(_query)
    credential = draw(st.one_of(st.just(CREDENTIALS[0]), st.sampled_from(CREDENTIALS)))
    headers = [("Authorization", credential)]
    if draw(st.booleans()):
        headers.append(("Accept", draw(st.one_of(st.sampled_from(ACCEPTS), _latin))))
    if draw(st.integers(0, 3)) == 0:
        headers.append(
            ("Accept-Encoding", draw(st.sampled_from(["gzip", "*", "gzip;q=x", "\xff"])))
        )
    body = draw(st.sampled_from(BODIES))
    if body is not None:
        headers.append(("Content-Type", draw(st.sampled_from(TYPES))))
    path = f"/probe/{draw(_path)}" + (f"?{query}" if query else "")
    return Request(draw(st.sampled_from(METHODS)), path, tuple(headers), body)


_latin = st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40)  # fmt: skip
