"""What probes send and log is marked: a service can tell it from what people do."""

from __future__ import annotations

import json
import logging
import re
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from in_process import run
from zygote import Quick

from django_probe import probe_headers
from django_probe.redaction import MASK, Redactor
from django_probe.traffic import ProbeLogFilter, current_label, current_run

TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-01")

FILES = {
    "shop/probes.py": """
        import asyncio, logging, os, unittest
        from concurrent.futures import ThreadPoolExecutor
        from urllib.request import Request, urlopen
        from django_probe import probe_headers

        log = logging.getLogger("shop")

        def ask(path):
            log.warning("asking %s", path)
            url = os.environ["SHOP_URL"] + path
            with urlopen(Request(url, headers=probe_headers()), timeout=10) as answer:
                return answer.status

        class Fixture(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                ask("/setup")
            @classmethod
            def tearDownClass(cls):
                ask("/teardown")
            def test_with_it(self):
                pass

        class Plain(unittest.TestCase):
            def test_one(self):
                self.assertEqual({ask("/one"), ask("/one")}, {200})
            def test_two(self):
                ask("/two")
            def test_threads(self):
                with ThreadPoolExecutor() as pool:
                    list(pool.map(ask, ["/threads"] * 3))

        class Async(unittest.IsolatedAsyncioTestCase):
            async def in_task(self):
                return await asyncio.to_thread(ask, "/async")
            async def test_tasks(self):
                self.assertEqual(await asyncio.gather(self.in_task(), self.in_task()), [200, 200])
    """,
}
LOGGING = """
    LOGGING = {
        "version": 1,
        "filters": {"probe": {"()": "django_probe.traffic.ProbeLogFilter"}},
        "formatters": {"marked": {"format": "%(probe_run)s %(probe_label)s %(message)s"}},
        "handlers": {"file": {
            "class": "logging.FileHandler", "filename": "shop.log",
            "filters": ["probe"], "formatter": "marked",
        }},
        "loggers": {"shop": {"handlers": ["file"]}},
    }
"""


@pytest.fixture
def service():
    """Return the base URL of a service, and the headers that came to it, by path."""
    came: dict[str, list[dict[str, str]]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            came.setdefault(self.path, []).append(dict(self.headers))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", came
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("workers", ["1", "4"])
def test_requests_and_logs_of_a_probe_carry_its_run_and_label(tmp_path, service, workers):
    url, came = service
    project = Quick.make(tmp_path / "project", FILES, LOGGING)
    done = project.probe("--format", "json", "--parallel", workers, env={"SHOP_URL": url})
    report = json.loads(done.stdout)
    assert report["ok"], done.stdout
    run_id = report["run"]["run_id"]
    labels = {
        "/one": "shop.Plain.test_one",
        "/two": "shop.Plain.test_two",
        "/threads": "shop.Plain.test_threads",
        "/async": "shop.Async.test_tasks",
        "/setup": "shop.Fixture.test_with_it",
        "/teardown": "shop.Fixture.test_with_it",
    }
    assert set(came) == set(labels)
    spans = set()
    for path, requests in came.items():
        for headers in requests:
            assert headers["X-Probe"] == f"{run_id}/{labels[path]}"
            trace, span = TRACEPARENT.fullmatch(headers["Traceparent"]).groups()
            assert trace == run_id
            spans.add(span)
    assert len(spans) == sum(map(len, came.values())) == 10
    lines = (project.folder / "shop.log").read_text().splitlines()
    expected = [f"{run_id} {labels[path]} asking {path}" for path in came for _ in came[path]]
    assert sorted(lines) == sorted(expected)


def test_nothing_is_marked_outside_of_a_probe():
    record = logging.makeLogRecord({})
    assert probe_headers() == {}
    assert ProbeLogFilter().filter(record) is True
    assert (record.probe_run, record.probe_label) == ("", "")


def told_by_a_probe(name, **options):
    headers = []

    def ask(self):
        headers.append(probe_headers())

    case = type("Named", (unittest.TestCase,), {name: ask, "__module__": "shop.probes"})
    told = run(case, **options)
    assert list(told.outcomes.values()) == ["passed"]
    return headers[0]


@pytest.mark.parametrize(
    "name", ["test_größe_\N{SNOWMAN}", "test_x\r\nSet-Cookie: a=b", "test_" + "é" * 5000]
)
def test_headers_are_safe_whatever_a_probe_is_called(name):
    value = told_by_a_probe(name)["X-Probe"]
    assert re.fullmatch(r"[!-~]{40,2500}", value)
    assert not re.search(r"%(?![0-9A-F]{2})", value)


def test_no_secret_of_a_name_leaves_in_a_header():
    value = told_by_a_probe("test_secret_name_4711", redactor=Redactor(["secret_name_4711"]))
    assert "4711" not in value["X-Probe"]
    assert value["X-Probe"].endswith("test_" + MASK.replace("*", "%2A"))


@pytest.mark.parametrize("run_id", ["nightly 7\r\n", "0" * 32, "A" * 32])
def test_a_run_with_an_id_of_its_own_is_a_trace_all_the_same(run_id):
    first, second = (told_by_a_probe("test_a", run_id=run_id) for _ in range(2))
    trace = TRACEPARENT.fullmatch(first["traceparent"])[1]
    assert trace == TRACEPARENT.fullmatch(second["traceparent"])[1]
    assert trace != "0" * 32
    assert re.fullmatch(r"[!-~]+/[!-~]+", first["X-Probe"])


def test_a_thread_is_a_probe_s_by_name_while_that_runs_alone():
    both, seen = threading.Barrier(2, timeout=20), []

    def look():
        seen.append(probe_headers().get("X-Probe", ""))

    class Together(unittest.TestCase):
        def test_a(self):
            both.wait()
            thread = threading.Thread(target=look)
            thread.start()
            thread.join()
            both.wait()

        def test_b(self):
            both.wait()
            both.wait()

    work = threading.Event()
    stranger = threading.Thread(target=lambda: (work.wait(), look()))
    stranger.start()

    class Alone(unittest.TestCase):
        def test_c(self):
            work.set()
            stranger.join()

    run(Together, max_workers=2)
    run(Alone)
    assert [re.sub("^[0-9a-f]+/", "run/", text) for text in seen] == ["run/", ""]


def test_what_a_probe_leaves_running_stays_marked_and_the_worker_does_not():
    seen = []

    class Left(unittest.IsolatedAsyncioTestCase):
        async def test_a(self):
            seen.append((current_run.get(), current_label.get()))

    run(Left)
    assert seen[0][0]
    assert seen[0][1].endswith("Left.test_a")
    assert (current_run.get(), current_label.get()) == ("", "")
