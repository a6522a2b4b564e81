"""``/probe/`` under load: one run for all who ask.

``make test-endpoint`` asks with 1,000 clients at once, the suite with some.
"""

from __future__ import annotations

import asyncio
import os
import re
import resource

import pytest
from serving import BASE, FILES, LAST, SHARED, TOKEN, redis_prefix, serving, until
from support import Project

FULL = os.environ.get("TEST_ENDPOINT") == "full"
CLIENTS = 1_000 if FULL else 200
WORKERS = {
    "2 sync workers": ("-w", "2", "--backlog", "2048"),
    "1 gthread worker, 4 threads": ("-k", "gthread", "--threads", "4", "--backlog", "2048"),
}
pytestmark = [pytest.mark.once, pytest.mark.service, pytest.mark.timeout(300)]

PROBES = """
    import time, unittest
    from pathlib import Path
    class Checkout(unittest.TestCase):
        def test_pay(self):
            with Path("runs.txt").open("a") as stream:
                stream.write("x")
            time.sleep(1)
    for number in range(9):
        setattr(Checkout, f"test_{number}", lambda self: None)
"""
LONG = """
    PROBE_CACHE_SECONDS = 600
    PROBE_VIEW_DEADLINE = 25
"""


@pytest.fixture
def prefix():
    with redis_prefix() as name:
        yield name


def make(folder, settings):
    files = {**FILES, "shop/probes.py": PROBES}
    return Project.make(folder / "project", files, BASE + settings + LONG + LAST)


async def ask(port):
    """Ask once; return all that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = f"GET /probe/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n"
    writer.write(request.encode())
    await writer.drain()
    answer = await reader.read()
    writer.close()
    return answer


async def ask_at_once(port, number):
    return await asyncio.gather(*(ask(port) for _ in range(number)))


@pytest.mark.parametrize("workers", WORKERS)
def test_a_thousand_requests_at_once_are_one_run(tmp_path, prefix, workers):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, CLIENTS + 200)), hard))
    project = make(tmp_path, SHARED)
    with serving(project, "gunicorn", *WORKERS[workers], KEY_PREFIX=prefix) as server:
        answers = asyncio.run(ask_at_once(server.port, CLIENTS))
        until(lambda: not server.children())
    found = [answer.partition(b" ")[2][:3] for answer in answers]
    assert found == [b"200"] * CLIENTS
    assert len({re.search(rb"X-Probe-Run: (\w+)", answer)[1] for answer in answers}) == 1
    assert (project.folder / "runs.txt").read_text() == "x"
