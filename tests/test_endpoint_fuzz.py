"""``/probe/`` asked at random: no 500, no traceback, nothing that grows.

``make test-endpoint`` sends 10,000 requests; the suite some.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
from asking import Caller, Request, requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from serving import BASE, FILES, LAST, TOKEN, serving, until
from support import Project

FULL = os.environ.get("TEST_ENDPOINT") == "full"
BATCH = 10
"""Requests that are drawn at once: it takes half the time."""
WARM, MANY = (1_000, 10_000) if FULL else (60, 200)
pytestmark = [pytest.mark.once, pytest.mark.timeout(600)]

PROBES = """
    import unittest
    from django_probe import tag
    class Checkout(unittest.TestCase):
        @tag("smoke")
        def test_pay(self):
            pass
        def test_ship(self):
            self.fail("parcels wait")
"""
SHOUT = """
    from django_probe.reporting import Reporter
    class Shout(Reporter):
        def probe_finished(self, result):
            self.stream.write(result.probe.label.upper())
    class Broken(Reporter):
        def run_finished(self, summary):
            raise RuntimeError("out of ink")
"""
WEB = """
    INSTALLED_APPS = [
        "django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions",
        "shop", "django_probe",
    ]
    MIDDLEWARE = [
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ]
    SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    PROBE_REPORTERS = {
        "shout": {"BACKEND": "lib.shout.Shout"}, "broken": {"BACKEND": "lib.shout.Broken"},
    }
    PROBE_CACHE_SECONDS = PROBE_KEEP_SECONDS = 600
    PROBE_PYTHON = str(BASE_DIR / "python")
"""
# To start Python 10,000 times would take hours: most runs are told by one that tells what a run
# of this project told before, in no time; each fiftieth is real.
QUICK_PYTHON = """\
#!/bin/sh
[ $(($$ % 50)) = 0 ] && exec {python} "$@"
exec cat wire.jsonl
"""
EXPECTED = {200, 202, 204, 301, 400, 401, 403, 404, 405, 406, 429, 503, 504}
UNSAID = ("Traceback", "Error at /", "site-packages", 'File "')


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    files = {**FILES, "shop/probes.py": PROBES, "lib/shout.py": SHOUT}
    made = Project.make(tmp_path_factory.mktemp("fuzz") / "project", files, BASE + WEB + LAST)
    (made.folder / "wire.jsonl").write_text(made.probe("--format", "jsonl").stdout)
    python = made.folder / "python"
    python.write_text(QUICK_PYTHON.format(python=sys.executable))
    python.chmod(0o755)
    return made


@pytest.fixture(scope="module")
def server(project):
    with serving(project, "gunicorn", "-k", "gthread", "--threads", "2", "--limit-request-line", "0") as server:  # fmt: skip
        yield server


def worker_of(server):
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
    return int(until(children.read_text).split()[0])


def size_of(pid):
    """Return what a process has: threads, open files, children, MiB."""
    proc = Path(f"/proc/{pid}")
    status = (proc / "status").read_text()
    resident = int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024
    threads = len(list((proc / "task").iterdir()))
    children = sum(
        len((task / "children").read_text().split()) for task in (proc / "task").iterdir()
    )
    return threads, len(list((proc / "fd").iterdir())), children, resident


def judge(request, response, body):
    """Hold an answer to what all answers must be."""
    if b"<h1><p>" in body and response.status in (400, 414, 431):
        return  # It is gunicorn that says so.
    told = f"{request}: {response.status} {body[:300]!r}"
    assert response.status in EXPECTED, told
    text = body.decode("utf-8", "replace")
    if not response.getheader("X-Probe-Run"):
        # What was asked is quoted, and Hypothesis asks for words that it finds in here, too.
        assert not any(word in text and word not in str(request) for word in UNSAID), told
    else:
        assert request.has_token, told
        assert response.getheader("Cache-Control") == "no-store", told
        assert response.status in (200, 202, 503, 504), told
    if not request.has_token and "/-/static/" not in request.path:
        assert response.status in (301, 400, 401, 404), told
        assert "shop" not in text.replace("shop.example", ""), told


def test_no_random_request_breaks_anything_and_nothing_grows(server):
    caller = Caller(server)
    pid = worker_of(server)

    def send_some(number):
        @settings(
            max_examples=number // BATCH, deadline=None, database=None, derandomize=not FULL,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(st.lists(requests(), min_size=BATCH, max_size=BATCH))
        def send(batch):
            for request in batch:
                judge(request, *caller.send(request))

        send()

    send_some(WARM)
    until(lambda: size_of(pid)[2] == 0)
    before = size_of(pid)
    send_some(MANY)
    caller.close()
    until(lambda: size_of(pid)[:3] <= before[:3], what=f"{before} grew to {size_of(pid)}")
    assert worker_of(server) == pid, "the worker died"
    after = size_of(pid)
    print("\n", caller.statuses, before, after)
    assert after[3] - before[3] < 32, f"{before[3]:.0f} MiB grew to {after[3]:.0f}"
    assert not [line for line in server.log if "Error handling request" in line]


def test_a_query_of_a_megabyte_is_refused_in_one_line(server):
    caller = Caller(server)
    for query in ("label=" + "x" * 2**20, "&" * 2**20, "label=x&" * 2**17, "%" * 2**20):
        path, token = f"/probe/?{query}", ("Authorization", f"Bearer {TOKEN}")
        response, body = caller.send(Request("GET", path, (token, ("Accept", "application/json"))))
        assert (response.status, len(body) < 200) == (400, True), body[:300]
        assert b"characters, expected 8192 at most" in body
    caller.close()
