"""``/probe/`` under the servers that people use: gunicorn, uWSGI, and uvicorn for ASGI."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import os
import threading
from pathlib import Path

import pytest
from serving import BASE, FILES, LAST, TOKEN, UWSGI, VERDICT, serving, until
from support import Project

pytestmark = pytest.mark.ends

PROBES = """
    import os, sys, time, unittest
    from pathlib import Path
    class Quick(unittest.TestCase):
        def test_python(self):
            print(sys.executable)
        def test_run(self):
            with Path("quick.txt").open("a") as stream:
                stream.write("x")
    class Slow(unittest.TestCase):
        def test_it(self):
            with Path("slow.txt").open("a") as stream:
                stream.write("x")
            while not Path("go.txt").exists():
                time.sleep(0.02)
"""
WEB = """
    INSTALLED_APPS = [
        "django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions",
        "shop", "django_probe",
    ]
    MIDDLEWARE = [
        "django_probe.middleware.ProbeMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ]
"""


@pytest.fixture
def project(tmp_path):
    files = {**FILES, "shop/probes.py": PROBES}
    return Project.make(tmp_path / "project", files, BASE + WEB + LAST)


def count(project, name):
    path = project.folder / name
    return len(path.read_text()) if path.exists() else 0


def ask_many(server, path, number):
    answers = []

    def ask():
        with contextlib.suppress(OSError, http.client.HTTPException):
            answers.append(server.ask(path))

    threads = [threading.Thread(target=ask) for _ in range(number)]
    for thread in threads:
        thread.start()
    return threads, answers


@pytest.mark.parametrize("first", ["with the middleware", "without"])
def test_under_asgi_requests_wait_in_the_event_loop(project, first):
    extra = "" if first == "with the middleware" else "del MIDDLEWARE[0]"
    with serving(project, "uvicorn", EXTRA=extra) as server:
        threads, answers = ask_many(server, "/probe/shop.Slow/", 100)
        until(lambda: count(project, "slow.txt"))
        # None of the hundred holds the thread in which synchronous views run.
        assert server.ask("/bare/").status == 200
        with server.stream("/probe/shop.Slow/?stream=1") as response:
            assert json.loads(response.readline())["event"] == "run_started"
            assert json.loads(response.readline())["event"] == "probe_started"
            (project.folder / "go.txt").touch()
            assert json.loads(response.read().splitlines()[-1])["event"] == "run_finished"
        for thread in threads:
            thread.join()
        assert {answer.status for answer in answers} == {200}
        assert len(answers) == 100
        assert count(project, "slow.txt") == 1
        assert server.ask(token="wrong").status == 401
        assert server.ask(method="PUT").status == 405
        assert server.ask("/probe/shop.Slow/", method="HEAD").status == 200
        assert server.ask("/probe/-/schema.json").json()["title"]
        assert server.ask("/probe/nope/").status == 404
        verdict = server.ask("/probe/shop.Slow/?stream=1", token=VERDICT)
        assert (verdict.status, "Slow" in verdict.text) == (200, False)


@pytest.mark.parametrize("path", ["/probe/shop.Slow/", "/probe/shop.Slow/?stream=1"])
def test_under_asgi_a_run_ends_when_its_last_client_is_gone(project, path):
    with serving(project, "uvicorn") as server:
        asyncio.run(_ask_and_leave(project, server, path))
        until(lambda: not server.children(), what="the run went on")
        (project.folder / "go.txt").touch()
        assert server.ask("/probe/shop.Slow/").status == 200


async def _ask_and_leave(project, server, path):
    """Ask by two connections; see the run outlive the first; leave."""
    writers = []
    for _ in range(2):
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        request = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
        writer.write(request.encode())
        await writer.drain()
        writers.append(writer)
    await asyncio.to_thread(until, lambda: count(project, "slow.txt"))
    for writer in writers:
        assert server.children()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        await asyncio.sleep(1)


def test_under_wsgi_a_stream_that_nobody_reads_ends_its_run(project):
    project.write(
        "shop/probes.py",
        """
        import time, unittest
        class Talks(unittest.TestCase):
            pass
        for number in range(2000):
            setattr(Talks, f"test_{number:04}", lambda self: time.sleep(0.05))
        """,
    )
    with serving(project, "gunicorn", "-k", "gthread", "--threads", "4") as server:
        with server.stream("/probe/shop.Talks/?stream=1") as response:
            assert json.loads(response.readline())["planned"] == 2000
            assert server.children()
        until(lambda: not server.children(), what="the run went on")


@pytest.mark.once
def test_gunicorn_that_ends_takes_its_run_with_it(project):
    with serving(project, "gunicorn", "-k", "gthread", "--threads", "4", "--graceful-timeout", "1") as server:  # fmt: skip
        threads, answers = ask_many(server, "/probe/shop.Slow/", 1)
        until(lambda: count(project, "slow.txt"))
        children = server.children()
        assert children
    threads[0].join(20)
    assert answers == [] or answers[0].status != 200
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children))


@pytest.mark.once
@pytest.mark.skipif(not os.access(UWSGI[0], os.X_OK), reason="no uWSGI here")
@pytest.mark.parametrize("threads", [(), ("--enable-threads", "--threads", "2")])
def test_under_uwsgi_the_interpreter_is_found(project, threads):
    with serving(project, "uwsgi", *threads) as server:
        answer = server.ask("/probe/shop.Quick/")
        assert answer.status == 200, answer.text
        printed = {r["label"]: r["stdout"] for r in answer.json()["results"]}
        assert "python" in Path(printed["shop.Quick.test_python"].strip()).name
        assert server.ask("/probe/shop.Quick/").headers["X-Probe-Run"] == answer.headers["X-Probe-Run"]  # fmt: skip
        (project.folder / "go.txt").touch()
        with server.stream("/probe/shop.Slow/?stream=1") as response:
            assert json.loads(response.read().splitlines()[-1])["event"] == "run_finished"
        until(lambda: not server.children())
