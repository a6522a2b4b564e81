"""Remote targets against real servers: the command here, /probe/ there, reports of both."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import xml.etree.ElementTree as ET

import pytest
from serving import FILES, SETTINGS, TOKEN, serving
from support import Project

from django_probe.client import Client

SHOP = """
    import os, unittest

    class Checkout(unittest.TestCase):
        def test_pay(self):
            pass

        def test_release(self):
            self.assertNotEqual(os.environ.get("PROBE_RELEASE"), "2026.1", "an old release")
"""

ASKING = """
    PROBE_TARGETS = {{
        alias: {{"BACKEND": "remote", "OPTIONS": {{"url": url, "token": "env:TOKEN", "retries": 0}}}}
        for alias, url in {urls!r}.items()
    }}
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    return Project.make(
        tmp_path_factory.mktemp("shop"), {**FILES, "shop/probes.py": SHOP}, SETTINGS
    )


@pytest.fixture(scope="module")
def servers(shop):
    """Two of the release 2026.2, and one that is still at 2026.1."""
    with (
        serving(shop, "gunicorn", PROBE_RELEASE="2026.2") as first,
        serving(shop, "gunicorn", PROBE_RELEASE="2026.2") as second,
        serving(shop, "gunicorn", PROBE_RELEASE="2026.1") as old,
    ):
        yield [f"http://127.0.0.1:{server.port}/probe/" for server in (first, second, old)]


def asking(folder, **urls):
    return Project.make(folder, {}, ASKING.format(urls=urls))


def probe(project, *args, **env):
    return project.probe(*args, env={"TOKEN": TOKEN, **env})


@pytest.mark.once
def test_three_servers_come_into_one_report(servers, tmp_path):
    first, second, old = servers
    project = asking(tmp_path / "ci", eu=first, us=second, asia=old)
    done = probe(project, "--format", "json", "--report", "junit=all.xml")
    report = json.loads(done.stdout)
    assert done.returncode == 1, done.stderr
    assert {alias: told["blocking"] for alias, told in report["by_target"].items()} == {
        "eu": 0,
        "us": 0,
        "asia": 1,
    }
    suites = ET.parse(project.folder / "all.xml").getroot().findall("testsuite")
    red = {
        case.get("classname")
        for suite in suites
        for case in suite
        if case.find("failure") is not None
    }
    assert red == {"asia.shop.probes.Checkout"}


@pytest.mark.once
def test_a_release_is_checked_for_each_server(servers, tmp_path):
    first, _, old = servers
    project = asking(tmp_path / "ci", eu=first, asia=old)
    done = probe(project, "--format", "json", "--expect-release", "2026.2")
    report = json.loads(done.stdout)
    assert done.returncode == 4
    assert [failed["target"] for failed in report["failed_targets"]] == ["asia"]
    assert {r["target"]: r["outcome"] for r in report["results"]} == {
        "eu": "passed",
        "asia": "not_run",
    }


@pytest.mark.once
def test_a_server_that_comes_up_is_waited_for(shop, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as probe_socket:
        port = probe_socket.getsockname()[1]
    project = asking(tmp_path / "ci", eu=f"http://127.0.0.1:{port}/probe/")
    waiting = project.popen(
        "probe", "--wait", "60", "--format", "json", env={"TOKEN": TOKEN}, stdout=-1, stderr=-1
    )
    said = waiting.stderr.readline()
    assert "Connection refused" in said
    with serving(shop, "gunicorn", "-b", f"127.0.0.1:{port}"):
        out, _ = waiting.communicate(timeout=60)
    assert waiting.returncode == 0
    assert json.loads(out)["ok"] is True


NAMES_ITSELF = """
import pathlib
def PROBE_TARGETS():
    port = pathlib.Path("port.txt").read_text()
    options = {"url": f"http://127.0.0.1:{port}/", "token": "env:TOKEN"}
    return {"self": {"BACKEND": "remote", "OPTIONS": options}}
"""


@pytest.mark.once
def test_what_is_asked_from_elsewhere_asks_nobody_else(tmp_path):
    """Deployments of one code base name each other, and themselves."""
    extra = NAMES_ITSELF
    project = Project.make(tmp_path / "shop", {**FILES, "shop/probes.py": SHOP}, SETTINGS)
    with serving(project, EXTRA=extra, TOKEN=TOKEN) as server:
        project.write("port.txt", str(server.port))
        done = probe(project, "--format", "json", EXTRA=extra)
        assert done.returncode == 0, done.stderr
        assert {r["target"] for r in json.loads(done.stdout)["results"]} == {"self"}
        answer = server.ask()
        assert answer.status == 503
        assert "this very deployment" in answer.text
        assert server.ask("/probe/?local=1").status == 200


@pytest.mark.once
def test_a_server_knows_its_own_run_in_whichever_process_it_comes_back(tmp_path):
    cache = "django.core.cache.backends.locmem.LocMemCache"
    extra = f"{NAMES_ITSELF}CACHES = {{'default': {{'BACKEND': {cache!r}}}}}\n"
    project = Project.make(tmp_path / "shop", {**FILES, "shop/probes.py": SHOP}, SETTINGS)
    with serving(project, "gunicorn", "--workers", "3", EXTRA=extra, TOKEN=TOKEN) as server:
        project.write("port.txt", str(server.port))
        for _ in range(3):
            answer = server.ask("/probe/?fresh=1")
            assert answer.status == 503
            assert "this very deployment" in answer.text


@pytest.mark.once
def test_each_replica_behind_one_name_is_asked(shop, monkeypatch):
    """Three releases on three addresses; the one that lags behind is told by its own name."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    there = {"127.0.0.1": "2026.2", "127.0.0.2": "2026.1", "127.0.0.3": "2026.2"}
    resolve = socket.getaddrinfo

    def resolved(host, *args, **kwargs):
        if host != "shop.test":
            return resolve(host, *args, **kwargs)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (a, port)) for a in reversed(there)]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    monkeypatch.setenv("PROBE_TOKEN", TOKEN)
    with contextlib.ExitStack() as stack:
        for address, release in there.items():
            bound = ("-b", f"{address}:{port}")
            stack.enter_context(serving(shop, "gunicorn", *bound, PROBE_RELEASE=release))
        out = io.StringIO()
        client = Client(
            stdout=out, urls=[f"shop=http://shop.test:{port}"], resolve="all", format="json"
        )
        assert client.run() == 1
    report = json.loads(out.getvalue())
    red = {r["target"] for r in report["results"] if r["outcome"] == "failed"}
    assert red == {"shop-2"}
    assert list(report["by_target"]) == ["shop-1", "shop-2", "shop-3"]
    assert report["run"]["targets"] == ["shop-1", "shop-2", "shop-3"]
