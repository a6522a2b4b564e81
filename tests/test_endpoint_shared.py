"""``/probe/`` in several web processes that share a cache: one run, whoever is asked."""

from __future__ import annotations

import json
import os
import signal
import threading

import pytest
from serving import BASE, FILES, LAST, SHARED, VERDICT, redis_prefix, serving, until
from support import Project

PROBES = """
    import os, time, unittest
    from pathlib import Path
    class Quick(unittest.TestCase):
        def test_it(self):
            with Path("quick.txt").open("a") as stream:
                stream.write("x")
    class Slow(unittest.TestCase):
        def test_a(self):
            with Path("slow.txt").open("a") as stream:
                stream.write("x")
        def test_b(self):
            while not Path("go.txt").exists():
                time.sleep(0.02)
    class Other(Slow):
        def test_a(self):
            pass
    class Third(Other):
        pass
"""
DEADLINE = """
    PROBE_VIEW_DEADLINE = 12
"""
PIDS = """
    from django.http import HttpResponse
    from django.urls import include, path
    import os
    urlpatterns = [
        path("probe/", include("django_probe.urls")),
        path("pid/", lambda request: HttpResponse(str(os.getpid()))),
    ]
"""


@pytest.fixture
def project(tmp_path):
    files = {**FILES, "urls.py": PIDS, "shop/probes.py": PROBES}
    return Project.make(tmp_path / "project", files, BASE + SHARED + DEADLINE + LAST)


@pytest.fixture
def prefix():
    with redis_prefix() as name:
        yield name


@pytest.fixture
def pair(project, prefix):
    """Serve a project by two processes: each is asked by its own port."""
    with serving(project, KEY_PREFIX=prefix) as one, serving(project, KEY_PREFIX=prefix) as two:
        yield one, two


pytestmark = [pytest.mark.ends, pytest.mark.service]
once = pytest.mark.once


def count(project, name="slow.txt"):
    path = project.folder / name
    return len(path.read_text()) if path.exists() else 0


def together(*asks):
    """Ask at the same time; return the answers in order."""
    answers = [None] * len(asks)

    def ask(number):
        answers[number] = asks[number]()

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(len(asks))]
    for thread in threads:
        thread.start()
    return threads, answers


def test_who_asks_the_same_elsewhere_joins_the_run(project, pair):
    one, two = pair
    threads, answers = together(*(lambda s=s: s.ask("/probe/shop.Slow/") for s in (one, two) * 5))
    until(lambda: count(project))
    (project.folder / "go.txt").touch()
    for thread in threads:
        thread.join()
    assert {answer.status for answer in answers} == {200}
    assert len({answer.headers["X-Probe-Run"] for answer in answers}) == 1
    assert len({answer.body for answer in answers}) == 1
    assert count(project) == 1


@once
def test_a_result_serves_the_others_for_the_rest_of_its_age(project, pair):
    one, two = pair
    first = one.ask("/probe/shop.Quick/")
    again = two.ask("/probe/shop.Quick/?format=text")
    assert again.headers["X-Probe-Run"] == first.headers["X-Probe-Run"]
    fresh = two.ask("/probe/shop.Quick/?fresh=1")
    assert fresh.headers["X-Probe-Run"] != first.headers["X-Probe-Run"]
    assert count(project, "quick.txt") == 2
    verdict = one.ask(f"/probe/-/runs/{fresh.headers['X-Probe-Run']}/", token=VERDICT)
    assert verdict.status == 200
    assert "Quick" not in verdict.text


def test_a_long_run_is_told_by_every_process(project, pair):
    one, two = pair
    accepted = one.ask("/probe/shop.Slow/?async=1", method="POST")
    assert accepted.status == 202
    location = accepted.headers["Location"]
    assert location == f"/probe/-/runs/{accepted.headers['X-Probe-Run']}/"
    for server in (one, two):
        told = until(lambda server=server: _progress(server, location, 1))
        assert (told["ok"], told["planned"], told["state"]) == (None, 2, "running")
    assert two.ask(location + "?format=text").text == "running: 1 of 2 probes have a result\n"
    with two.stream(f"{location}?stream=1") as response:
        first = json.loads(response.readline())
        assert (first["event"], first["planned"]) == ("run_started", 2)
        (project.folder / "go.txt").touch()
        last = json.loads(response.read().splitlines()[-1])
    assert last["summary"]["ok"] is True
    for server in (one, two):
        answer = server.ask(f"{location}?format=junit")
        assert (answer.status, answer.headers["Content-Type"]) == (200, "application/xml")


def _progress(server, location, done):
    answer = server.ask(location)
    told = answer.json()
    return told if answer.status == 202 and told["done"] == done else None


@once
def test_delete_stops_a_run_from_another_process(project, pair):
    one, two = pair
    location = one.ask("/probe/shop.Slow/?async=1", method="POST").headers["Location"]
    until(lambda: count(project))
    assert two.ask(location, method="DELETE", token=VERDICT).status == 403
    assert two.ask(location, method="DELETE").status == 202
    answer = until(lambda: _ended(two, location))
    assert answer.status == 503
    outcomes = {r["label"]: r["outcome"] for r in answer.json()["results"]}
    assert outcomes["shop.Slow.test_a"] == "passed"
    assert outcomes["shop.Slow.test_b"] != "passed"
    until(lambda: not one.children())
    assert two.ask(location, method="DELETE").status == 204


def _ended(server, location):
    answer = server.ask(location)
    return answer if answer.status != 202 else None


@once
def test_other_runs_than_the_allowed_number_wait_their_turn(project, pair):
    one, two = pair
    for server, label in ((one, "shop.Slow"), (two, "shop.Other")):
        assert server.ask(f"/probe/{label}/?async=1", method="POST").status == 202
    for server in pair:
        answer = server.ask("/probe/shop.Third/")
        assert (answer.status, int(answer.headers["Retry-After"]) > 0) == (429, True)
        assert server.ask("/probe/shop.Slow/?async=1", method="POST").status == 202
    (project.folder / "go.txt").touch()
    until(lambda: one.ask("/probe/shop.Third/").status == 200)


@once
def test_the_run_of_a_killed_worker_is_told_as_broken_off_and_asked_anew(project, prefix):
    with serving(project, KEY_PREFIX=prefix) as two, serving(project, KEY_PREFIX=prefix) as one:
        location = one.ask("/probe/shop.Slow/?async=1", method="POST").headers["Location"]
        until(lambda: count(project))
        until(lambda: _progress(two, location, 1))
        os.kill(one.process.pid, signal.SIGKILL)
        until(lambda: not two.children(), what="the child outlived its worker")
        (project.folder / "go.txt").touch()
        answer = two.ask("/probe/shop.Slow/")
        assert answer.status == 200
        assert answer.headers["X-Probe-Run"] not in location
        broken = two.ask(location)
        assert broken.status == 503
        assert "the web process that had started the run is gone" in broken.text
        outcomes = {r["label"]: r["outcome"] for r in broken.json()["results"]}
        assert outcomes == {"shop.Slow.test_a": "passed", "shop.Slow.test_b": "errored"}


@once
@pytest.mark.parametrize("part", ["guard", "command"])
def test_a_killed_child_is_told_and_leaves_nothing(project, pair, part):
    one, _ = pair
    threads, answers = together(lambda: one.ask("/probe/shop.Slow/"))
    until(lambda: count(project))
    guard, command = sorted(one.children(), key=lambda pid: os.getpgid(pid) != pid)
    os.kill(guard if part == "guard" else command, signal.SIGKILL)
    threads[0].join()
    assert answers[0].status == 503
    assert "the process that ran the probes was killed by SIGKILL" in answers[0].text
    until(lambda: not one.children(), what="something is left running")
    (project.folder / "go.txt").touch()
    assert one.ask("/probe/shop.Slow/").status == 200


@once
def test_a_cache_that_does_not_answer_is_no_obstacle(project, prefix):
    extra = "CACHES['default']['LOCATION'] = 'redis://127.0.0.1:1/0'"
    with serving(project, KEY_PREFIX=prefix, EXTRA=extra) as server:
        assert server.ask("/probe/shop.Quick/").status == 200
        assert server.ask("/probe/shop.Quick/").headers["Age"] in "0123456789"
        assert count(project, "quick.txt") == 1
        until(lambda: any("does not answer" in line for line in server.log))
        assert server.ask("/probe/-/runs/0123456789abcdef/").status == 404


@once
def test_a_wire_longer_than_one_value_of_the_cache_comes_whole(project, pair):
    project.write(
        "shop/probes.py",
        """
        import unittest
        class Loud(unittest.TestCase):
            pass
        def probe(self):
            print("x" * 20000)
        for number in range(150):
            setattr(Loud, f"test_{number:03}", probe)
        """,
    )
    one, two = pair
    first = one.ask("/probe/shop.Loud/?format=jsonl")
    assert len(first.body) > 2 * 1024 * 1024
    assert two.ask("/probe/shop.Loud/?format=jsonl").body == first.body


@once
def test_two_gunicorn_workers_run_once(project, prefix):
    with serving(project, "gunicorn", "-w", "2", KEY_PREFIX=prefix) as server:
        pids = set()
        until(lambda: pids.add(server.ask("/pid/").text) or len(pids) == 2)
        threads, answers = together(*[lambda: server.ask("/probe/shop.Quick/")] * 8)
        for thread in threads:
            thread.join()
        assert {answer.status for answer in answers} == {200}
        assert count(project, "quick.txt") == 1
