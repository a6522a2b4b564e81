"""Real web servers that serve a project of the tests, and one who asks them."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support import Project

TOKEN = "a-token-of-the-tests-that-is-long-enough"
VERDICT = "another-token-that-opens-the-verdict-only"

BASE = f"""
    import os
    ALLOWED_HOSTS = ["*"]
    ROOT_URLCONF = "urls"
    PROBE_TOKENS = ["{TOKEN}", {{"TOKEN": "{VERDICT}", "SCOPE": "verdict"}}]
"""
LAST = """
    exec(os.environ.get("EXTRA", ""))
"""
SETTINGS = BASE + LAST
REDIS = os.environ.get("DJANGO_PROBE_TEST_REDIS", "redis://127.0.0.1:6379/9")
SHARED = f"""
    CACHES = {{
        "default": {{
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": {REDIS!r},
            "KEY_PREFIX": os.environ["KEY_PREFIX"],
        }}
    }}
"""

FILES = {
    "urls.py": """
        from django.http import JsonResponse
        from django.urls import include, path
        urlpatterns = [
            path("probe/", include("django_probe.urls")),
            path("bare/", lambda request: JsonResponse({"ok": True})),
        ]
    """,
    "web.py": """
        import os
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
        from django.core.asgi import get_asgi_application
        from django.core.wsgi import get_wsgi_application
        wsgi = get_wsgi_application()
        asgi = get_asgi_application()
    """,
    "serve.py": """
        from socketserver import ThreadingMixIn
        from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
        from web import wsgi
        class Server(ThreadingMixIn, WSGIServer):
            daemon_threads = True
            request_queue_size = 128
        class Handler(WSGIRequestHandler):
            def log_message(self, *args):
                pass
        server = make_server("127.0.0.1", 0, wsgi, Server, Handler)
        print(f"Listening at: http://127.0.0.1:{server.server_port}", flush=True)
        server.serve_forever()
    """,
}

COMMANDS = {
    "plain": ["serve.py"],
    "gunicorn": ["-m", "gunicorn", "-b", "127.0.0.1:0", "--worker-tmp-dir", "/dev/shm"],
    "uvicorn": ["-m", "uvicorn", "web:asgi", "--port", "0", "--lifespan", "off"],
}
UWSGI = [
    str(Path(sys.executable).with_name("pyuwsgi")),
    *("--http-socket", "127.0.0.1:0", "--master", "--module", "web:wsgi", "--need-app"),
    *("--die-on-term", "--disable-logging", "--virtualenv", sys.prefix),
]
PORT = re.compile(
    r"(?:Listening at:|Uvicorn running on) http://127\.0\.0\.\d:(\d+)"
    r"|bound to TCP address 127\.0\.0\.1:(\d+)"
)


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Server:
    """A running server."""

    project: Project
    process: subprocess.Popen[str]
    port: int = 0
    log: list[str] = field(default_factory=list)

    def connect(self, timeout: float = 60) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)

    def ask(
        self,
        path: str = "/probe/",
        method: str = "GET",
        token: str | None = TOKEN,
        body: bytes | None = None,
        timeout: float = 60,
        **headers: str,
    ) -> Answer:
        """Ask, with a token unless it is None; ``accept=…`` is the header of that name."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            given.setdefault("Authorization", f"Bearer {token}")
        with contextlib.closing(self.connect(timeout)) as connection:
            connection.request(method, path, body=body, headers=given)
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())

    @contextlib.contextmanager
    def stream(self, path: str, method: str = "GET") -> Iterator[http.client.HTTPResponse]:
        """Ask, and yield the response while it comes."""
        with contextlib.closing(self.connect()) as connection:
            connection.request(method, path, headers={"Authorization": f"Bearer {TOKEN}"})
            yield connection.getresponse()

    def children(self) -> list[int]:
        """Return the processes that run probes of this project."""
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                command = (path / "cmdline").read_bytes().split(b"\0")
                cwd = os.readlink(path / "cwd")
                if b"django_probe.child" in command and cwd == str(self.project.folder):
                    found.append(int(path.name))
        return sorted(found)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(5)


def until(true: Any, seconds: float = 30, what: str = "it did not come true") -> Any:
    """Wait for a condition; return what it returned."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        found = true()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(what)


@contextlib.contextmanager
def serving(project: Project, kind: str = "plain", *args: str, **env: str) -> Iterator[Server]:
    """Serve a project; ``EXTRA`` is added to its settings."""
    if kind == "gunicorn":
        args = (*args, "web:wsgi")
    command = UWSGI if kind == "uwsgi" else [sys.executable, *COMMANDS[kind]]
    process = subprocess.Popen(
        [*command, *args],
        cwd=project.folder,
        env=project.environment(**env),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    server = Server(project, process)
    reader = threading.Thread(target=_read, args=(server,), daemon=True)
    reader.start()
    try:
        until(lambda: server.port or process.poll() is not None, what="no server came up")
        assert server.port, "".join(server.log)
        yield server
    finally:
        server.stop()
        reader.join(10)
        process.stdout.close()


def _read(server: Server) -> None:
    for line in server.process.stdout:
        server.log.append(line)
        found = PORT.search(line)
        if found:
            server.port = int(found[1] or found[2])


def free_port() -> int:
    """Return a port that nobody has at the moment, for servers that cannot find one."""
    with contextlib.closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextlib.contextmanager
def redis_prefix() -> Iterator[str]:
    """Yield what the keys of a test begin with, for ``SHARED``; skip the test without Redis."""
    redis = pytest.importorskip("redis")
    client = redis.Redis.from_url(REDIS)
    try:
        client.ping()
    except redis.ConnectionError as exc:
        pytest.skip(f"no Redis: {exc}")
    name = f"django-probe-test-{uuid.uuid4().hex}"
    yield name
    for key in client.scan_iter(f"{name}*"):
        client.delete(key)
    client.close()
