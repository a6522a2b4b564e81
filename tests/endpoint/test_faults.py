"""``/probe/`` while something breaks: a worker, a child, the cache, the one who asks."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest
from serving import BASE, FILES, LAST, SHARED, TOKEN, free_port, redis_prefix, serving, until
from support import Project

pytestmark = pytest.mark.service

PROBES = """
    import os, subprocess, sys, time, unittest
    from pathlib import Path
    class Quick(unittest.TestCase):
        def test_it(self):
            with Path("quick.txt").open("a") as stream:
                stream.write("x")
    class Slow(unittest.TestCase):
        def test_it(self):
            with Path("slow.txt").open("a") as stream:
                stream.write("x")
            while not Path("go.txt").exists():
                time.sleep(0.02)
    class Daemon(unittest.TestCase):
        def test_starts_what_leaves_its_group(self):
            command = [sys.executable, "-c", "import time; time.sleep(600)", "probe-daemon"]
            for number in range(2):
                started = subprocess.Popen(command, start_new_session=True)
                Path(f"daemon-{number}.txt").write_text(str(started.pid))
        def test_waits(self):
            if Path("wait.txt").exists():
                time.sleep(600)
    class Loud(unittest.TestCase):
        pass
    def probe(self):
        print("x" * 20000)
    for number in range(150):
        setattr(Loud, f"test_{number:03}", probe)
"""


@pytest.fixture
def project(tmp_path):
    files = {**FILES, "shop/probes.py": PROBES}
    return Project.make(tmp_path / "project", files, BASE + SHARED + LAST)


@pytest.fixture
def prefix():
    with redis_prefix() as name:
        yield name


def count(project, name):
    path = project.folder / name
    return len(path.read_text()) if path.exists() else 0


def asking(server, path):
    """Ask in a thread; return it, and where the answer comes."""
    answers = []

    def ask():
        with contextlib.suppress(Exception):
            answers.append(server.ask(path))

    thread = threading.Thread(target=ask)
    thread.start()
    return thread, answers


def parent_of(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def is_there(pid):
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def test_the_worker_that_holds_the_lock_is_killed(project, prefix):
    """The next request answers long before the claim expires, and nothing is left running."""
    extra = "PROBE_VIEW_DEADLINE = 25"
    with serving(project, "gunicorn", "-w", "2", KEY_PREFIX=prefix, EXTRA=extra) as server:
        thread, _answers = asking(server, "/probe/shop.Slow/")
        until(lambda: count(project, "slow.txt"))
        children = server.children()
        workers = {parent_of(pid) for pid in children} - set(children)
        os.kill(workers.pop(), signal.SIGKILL)
        began = time.monotonic()
        thread.join()
        until(lambda: not any(map(is_there, children)), what="the child outlived its worker")
        (project.folder / "go.txt").touch()
        answer = server.ask("/probe/shop.Slow/")
        assert (answer.status, time.monotonic() - began < 25) == (200, True)
        assert count(project, "slow.txt") == 2
        until(lambda: not server.children())


@pytest.mark.parametrize("ends", ["by itself", "at its deadline"])
def test_daemons_that_probes_have_started_end_with_the_run(project, prefix, ends):
    if ends == "at its deadline":
        (project.folder / "wait.txt").touch()
    with serving(project, KEY_PREFIX=prefix, EXTRA="PROBE_VIEW_DEADLINE = 4") as server:
        answer = server.ask("/probe/shop.Daemon/")
        assert answer.status == (200 if ends == "by itself" else 504), answer.text
        daemons = [int((project.folder / f"daemon-{n}.txt").read_text()) for n in range(2)]
        until(lambda: not any(map(is_there, daemons)), what="a daemon is left")


def test_what_is_printed_before_the_child_begins_is_no_part_of_the_answer(project, prefix):
    project.write(
        "sitecustomize.py",
        "import sys\nif '-m' in sys.orig_argv: print('welcome to', sys.orig_argv, flush=True)\n",
    )
    with serving(project, KEY_PREFIX=prefix) as server:
        assert server.ask("/probe/shop.Quick/").json()["ok"] is True
        with server.stream("/probe/shop.Quick/?stream=1&fresh=1") as response:
            events = [json.loads(line)["event"] for line in response]
        assert events == ["run_started", "probe_started", "probe_finished", "run_finished"]


@pytest.mark.parametrize("name", ["settings", "an app"])
def test_a_project_that_breaks_after_its_server_started_is_told(project, prefix, name):
    with serving(project, KEY_PREFIX=prefix) as server:
        assert server.ask("/probe/shop.Quick/").status == 200
        path = "settings.py" if name == "settings" else "shop/apps.py"
        project.write(path, "raise ImportError('half a deploy')\n")
        answer = server.ask("/probe/shop.Quick/?fresh=1")
        assert (answer.status, answer.headers["X-Probe-Ok"]) == (503, "false")
        assert "ended with exit code" in answer.text
        assert "half a deploy" not in answer.text
        until(lambda: any("half a deploy" in line for line in server.log))
        assert not server.children()
        assert server.ask("/bare/").status == 200


def test_who_does_not_read_a_stream_blocks_nobody(project, prefix):
    args = ("-k", "gthread", "--threads", "3")
    env = {"KEY_PREFIX": prefix, "EXTRA": "PROBE_VIEW_DEADLINE = 20"}
    with serving(project, "gunicorn", *args, **env) as server, socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", server.port))
        request = f"GET /probe/shop.Loud/?stream=1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\n\r\n"
        slow.sendall(request.encode())
        until(server.children)
        # The run goes on to its end, and serves the others, whatever that one does.
        answer = server.ask("/probe/shop.Loud/")
        assert (answer.status, answer.json()["summary"]["passed"]) == (200, 150)
        until(lambda: not server.children())
        assert server.ask("/probe/shop.Quick/").status == 200


@contextlib.contextmanager
def redis_of_its_own(folder):
    """Start a Redis that a test may stop; yield its process and its port."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("no redis-server here")
    port = free_port()
    options = f"--port {port} --bind 127.0.0.1 --appendonly no --dir {folder}".split()
    command = [program, *options, "--save", ""]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def answers():
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return True

    try:
        until(answers)
        yield process, port
    finally:
        with contextlib.suppress(OSError):
            process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait(5)


def with_redis(port):
    return (
        f"CACHES['default']['LOCATION'] = 'redis://127.0.0.1:{port}/0'\n"
        "CACHES['default']['OPTIONS'] = {'socket_timeout': 0.5, 'socket_connect_timeout': 0.5}"
    )


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_cache_that_breaks_during_a_run_costs_nobody_his_answer(project, tmp_path, how):
    with contextlib.ExitStack() as stack:
        redis, port = stack.enter_context(redis_of_its_own(tmp_path))
        server = stack.enter_context(serving(project, KEY_PREFIX="x", EXTRA=with_redis(port)))
        asked = [asking(server, "/probe/shop.Slow/") for _ in range(3)]
        until(lambda: count(project, "slow.txt"))
        redis.send_signal(how)
        asked += [asking(server, "/probe/shop.Slow/") for _ in range(20)]
        (project.folder / "go.txt").touch()
        for thread, _ in asked:
            thread.join()
        assert [answers[0].status for _, answers in asked] == [200] * 23
        assert count(project, "slow.txt") == 1
        # Without a shared cache each process is for itself; what needs one says so.
        assert server.ask("/probe/shop.Quick/?fresh=1").status == 200
        assert server.ask("/probe/-/runs/0123456789abcdef/").status == 404
        assert not [line for line in server.log if "Internal Server Error" in line]


LIMITED = """
    import pickle
    from django.core.cache.backends.redis import RedisCache
    class Limited(RedisCache):
        "As memcached is: what is larger than 1 MiB, or has a strange key, it does not take."
        def set(self, key, value, timeout=300, version=None):
            assert len(pickle.dumps(value)) < 1024 * 1024, f"{key} is too large"
            made = self.make_and_validate_key(key, version)
            assert len(made) < 250 and made.isascii() and made.isprintable() and " " not in made, made
            assert isinstance(value, (str, int)), f"{key} is no plain value"
            super().set(key, value, timeout, version)
"""


def test_a_cache_that_takes_a_mebibyte_only_is_enough(project, prefix):
    project.write("limited.py", LIMITED)
    extra = "CACHES['default']['BACKEND'] = 'limited.Limited'"
    env = {"KEY_PREFIX": prefix, "EXTRA": extra}
    with serving(project, **env) as one, serving(project, **env) as two:
        first = one.ask("/probe/shop.Loud/?format=jsonl")
        assert len(first.body) > 2 * 1024 * 1024
        assert two.ask("/probe/shop.Loud/?format=jsonl").body == first.body
        assert not [line for line in (*one.log, *two.log) if "AssertionError" in line]
