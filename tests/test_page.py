"""What surrounds the page: its policy, its assets, what is said to those who may not, metrics."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from serving import FILES, SETTINGS, TOKEN, VERDICT, serving
from support import Project
from test_html import Page

from django_probe.pages import PAGE_POLICY, asset

pytestmark = pytest.mark.once

PROBES = """
    import unittest
    from pathlib import Path
    class Checkout(unittest.TestCase):
        def test_pay(self):
            with Path("runs.txt").open("a") as stream:
                stream.write("x")
        def test_ship(self):
            self.fail("parcels <wait>")
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    files = {**FILES, "shop/probes.py": PROBES}
    project = Project.make(tmp_path_factory.mktemp("page") / "project", files, SETTINGS)
    with serving(project) as started:
        yield started


def html(server, path="/probe/", method="GET", **options):
    return server.ask(path, method, accept="text/html", **options)


def test_a_browser_gets_a_page_under_a_strict_policy(server):
    answer = html(server)
    assert answer.status == 503
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Content-Security-Policy"] == PAGE_POLICY
    assert "unsafe" not in PAGE_POLICY
    page = Page(answer.text)
    assert [attrs.get("src", "") for attrs in page.all("script")] != [""]
    assert page.all("style") == []
    assert not [name for _, attrs in page.elements for name in attrs if name.startswith("on")]
    assert "parcels <wait>" in page.text


def test_the_page_and_the_file_come_from_one_template(server, tmp_path):
    """Beside addresses, policy, assets and buttons they are the same."""
    page = Page(html(server).text)
    server.project.probe("--report", f"html={tmp_path}/x.html")
    file = Page((tmp_path / "x.html").read_text(encoding="utf-8"))
    assert page.rows() == file.rows()
    for tag in ("h1", "h2", "h3", "td", "th", "symbol", "section"):
        assert page.all(tag) == file.all(tag)


def test_each_row_can_be_run_by_whoever_may_see_reports(server):
    page = Page(html(server).text)
    (form,) = page.all("form", id="run")
    assert form["action"] == "/probe/?fresh=1"
    assert page.all("button", form="run", formaction="/probe/shop.Checkout.test_ship/?fresh=1")
    page = Page(html(server, "/probe/shop.Checkout.test_pay/?status=200&format=html").text)
    assert page.all("form", id="run")[0]["action"] == "/probe/shop.Checkout.test_pay/?fresh=1"


def test_who_may_see_the_verdict_only_has_no_button_and_no_names(server):
    answer = html(server, token=VERDICT)
    page = Page(answer.text)
    assert page.all("form", id="run") == []
    assert "shop.Checkout" not in answer.text
    assert "Not ok" in page.text


def test_the_assets_are_there_for_all_and_are_kept_by_browsers(server):
    page = Page(html(server).text)
    addresses = [page.all("link", rel="stylesheet")[0]["href"], page.all("script")[0]["src"]]
    for address, name, kind in zip(
        addresses, ("report.css", "report.js"), ("text/css", "text/javascript"), strict=True
    ):
        assert re.fullmatch(rf"/probe/-/static/{re.escape(name)}\?v=[0-9a-f]{{12}}", address)
        answer = server.ask(address, token=None)
        assert answer.status == 200
        assert answer.body == asset(name)
        assert answer.headers["Content-Type"] == f"{kind}; charset=utf-8"
        assert "immutable" in answer.headers["Cache-Control"]


@pytest.mark.parametrize(
    "name", ["x.css", "..%2f..%2fpages.py", "%2e%2e", "report.css%00", "_base.html"]
)
def test_nothing_else_is_served_from_there(server, name):
    assert server.ask(f"/probe/-/static/{name}", token=None).status == 404


def test_who_is_nobody_gets_a_page_that_tells_nothing_and_how_to_go_on(server):
    answer = html(server, token=None)
    assert answer.status == 401
    assert answer.headers["Content-Security-Policy"] == PAGE_POLICY
    assert "WWW-Authenticate" in answer.headers
    assert "Authorization: Bearer" in Page(answer.text).text
    assert "shop" not in answer.text.lower().replace("shop.example", "")


def test_what_a_stranger_writes_into_the_address_is_text(server):
    evil = "%3Cscript%3Ealert(1)%3C/script%3E%22%27"
    for path in (
        f"/probe/?tag={evil}",
        f"/probe/?x{evil}=1",
        "/probe/%3Cscript%3E%22%27/",
        f"/probe/?k={evil}",
    ):
        for token in (None, TOKEN):
            page = Page(html(server, path, token=token).text)
            assert [attrs["src"][:22] for attrs in page.all("script")] == [
                "/probe/-/static/report"
            ], path


def runs(server):
    path = server.project.folder / "runs.txt"
    return path.read_text() if path.exists() else ""


def test_metrics_are_those_of_the_last_run_and_start_none(tmp_path):
    project = Project.make(tmp_path / "project", {**FILES, "shop/probes.py": PROBES}, SETTINGS)
    with serving(project) as server:
        answer = server.ask("/probe/-/metrics")
        assert answer.status == 200
        assert answer.text == "# EOF\n"
        assert runs(server) == ""
        server.ask("/probe/")
        answer = server.ask("/probe/-/metrics")
        assert runs(server) == "x"
        kind = "application/openmetrics-text; version=1.0.0; charset=utf-8"
        assert answer.headers["Content-Type"] == kind
        found = {
            (s.name, s.labels.get("label")): s.value
            for family in text_string_to_metric_families(answer.text)
            for s in family.samples
        }
        assert found["django_probe_run_ok", None] == 0
        assert found["django_probe_ok", "shop.Checkout.test_pay"] == 1
        assert found["django_probe_ok", "shop.Checkout.test_ship"] == 0
        assert server.ask("/probe/-/metrics", token=None).status == 401


def test_metrics_without_their_library_say_what_to_install(tmp_path):
    files = {**FILES, "shop/probes.py": PROBES, "prometheus_client.py": "raise ImportError"}
    with serving(Project.make(tmp_path / "project", files, SETTINGS)) as server:
        answer = server.ask("/probe/-/metrics")
        assert answer.status == 503
        assert "pip install 'django-probe-runner[prometheus]'" in answer.text
        assert html(server).status == 503
        assert runs(server) == "x"


ASKING = """
    import json, os, sys
    from django.core.management import call_command
    from django.test import Client
    if "collect" in sys.argv:
        call_command("collectstatic", "--noinput", "--verbosity=0")
    page = Client().get("/probe/", HTTP_ACCEPT="text/html", HTTP_HOST="localhost")
    print(json.dumps(page.content.decode()))
"""
STATIC = """
    INSTALLED_APPS += ["django.contrib.staticfiles"]
    STATIC_URL = "/static/"
    STATIC_ROOT = BASE_DIR / "collected"
"""
MANIFEST = """
    STORAGES = {"staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"}}
"""


@pytest.mark.parametrize(
    ("settings", "collects", "expected"),
    [
        ("", False, r"/probe/-/static/report\.css\?v="),
        (STATIC, False, r"/probe/-/static/report\.css\?v="),
        (STATIC, True, r"/static/django_probe/report\.css$"),
        (STATIC + MANIFEST, False, r"/probe/-/static/report\.css\?v="),
        (STATIC + MANIFEST, True, r"/static/django_probe/report\.[0-9a-f]{12}\.css$"),
        (
            STATIC + 'STATIC_URL = "https://cdn.example/"\n',
            True,
            r"/probe/-/static/report\.css\?v=",
        ),
    ],
)
def test_static_files_are_used_where_they_were_collected(
    make_project, settings, collects, expected
):
    files = {**FILES, "shop/probes.py": PROBES, "asking.py": "import django; django.setup()\n"}
    project = make_project(
        files, SETTINGS + settings.replace('STATIC_URL = "https', '    STATIC_URL = "https')
    )
    project.write("asking.py", "    import django\n    django.setup()\n" + ASKING.lstrip("\n"))
    done = subprocess.run(
        [sys.executable, "asking.py", *(["collect"] if collects else [])],
        cwd=project.folder,
        env=project.environment(DJANGO_SETTINGS_MODULE="settings"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    page = Page(json.loads(done.stdout))
    assert re.match(expected, page.all("link", rel="stylesheet")[0]["href"])
