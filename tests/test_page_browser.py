"""The endpoint's page, in a real browser, from a real server: run, follow, filter, open."""

from __future__ import annotations

import os
import signal

import pytest
from browsing import chromium, complaints, in_every_look, visiting
from serving import FILES, SETTINGS, serving, until
from support import Project

pytestmark = [pytest.mark.service, pytest.mark.once]

PROBES = """
    import time, unittest
    from pathlib import Path

    def wait_for(name):
        while not Path(name).exists():
            time.sleep(0.02)

    class Checkout(unittest.TestCase):
        def test_a_pay(self):
            "A customer can pay."
        def test_b_ship(self):
            print("asked the warehouse")
            if not Path("mended").exists():
                self.fail("parcels <wait>")
        def test_c_waits(self):
            wait_for("go")
        def test_d_refund(self):
            self.skipTest("no refunds here")
"""
WITH_SESSIONS = """
    INSTALLED_APPS += ["django.contrib.sessions", "django.contrib.admin", "django.contrib.messages"]
    MIDDLEWARE = [
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
    ]
    TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True,
        "OPTIONS": {"context_processors": [
            "django.template.context_processors.request",
            "django.contrib.auth.context_processors.auth",
            "django.contrib.messages.context_processors.messages"]}}]
    DATABASES["default"]["OPTIONS"] = {"timeout": 20}
    PROBE_VIEW_DEADLINE = 60.0
    PROBE_CACHE_SECONDS = 600
"""
URLS = """
    from django.contrib import admin
    from django.urls import include, path
    urlpatterns = [path("probe/", include("django_probe.urls")), path("admin/", admin.site.urls)]
"""
PEOPLE = """
    from django.contrib.auth.models import Permission, User
    from django.contrib.sessions.backends.db import SessionStore
    from django.contrib.auth import SESSION_KEY, BACKEND_SESSION_KEY, HASH_SESSION_KEY

    def session_of(name, *permissions):
        user = User.objects.create_user(name, password="secret", is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        store = SessionStore()
        store[SESSION_KEY] = str(user.pk)
        store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
        store[HASH_SESSION_KEY] = user.get_session_auth_hash()
        store.save()
        print(name, store.session_key)

    session_of("operator", "run_probes")
    session_of("editor")
"""


@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def project(browser, tmp_path_factory):
    files = {**FILES, "shop/probes.py": PROBES, "urls.py": URLS, "people.py": PEOPLE}
    folder = tmp_path_factory.mktemp("page") / "project"
    made = Project.make(folder, files, SETTINGS + WITH_SESSIONS)
    assert made.manage("migrate", "--verbosity", "0").returncode == 0
    return made


@pytest.fixture(scope="module")
def people(project):
    done = project.manage("shell", "-c", "import people")
    assert done.returncode == 0, done.stderr
    return dict(line.split() for line in done.stdout.splitlines() if line.count(" ") == 1)


@pytest.fixture
def server(project):
    for name in ("go", "mended"):
        (project.folder / name).unlink(missing_ok=True)
    with serving(project) as started:
        yield started


def url_of(server, path="/probe/"):
    return f"http://127.0.0.1:{server.port}{path}"


def as_somebody(browser, server, people, name, path="/probe/", **options):
    state = {
        "cookies": [
            {"name": "sessionid", "value": people[name], "domain": "127.0.0.1", "path": "/"}
        ],
        "origins": [],
    }
    return visiting(browser, url_of(server, path), storage_state=state, **options)


def let_go(server):
    (server.project.folder / "go").touch()


def test_run_follow_open_filter_and_run_one_again(browser, server, people):
    with as_somebody(browser, server, people, "operator") as page:
        assert page.get_by_role("heading", name="No result yet").is_visible()
        assert complaints(page) == []
        page.get_by_role("button", name="Run").click()
        live = page.get_by_role("region", name="The run under way")
        live.get_by_text("2 of 4, 1 not ok").wait_for()
        assert live.get_by_text("parcels <wait>").is_visible()
        assert live.get_by_text("shop.Checkout.test_c_waits").is_visible()
        assert page.get_by_role("progressbar").get_attribute("value") == "2"
        assert page.get_by_role("button", name="Run").is_disabled()
        assert complaints(page) == []
        let_go(server)
        page.get_by_role("heading", name="Not ok").wait_for()
        assert page.evaluate("document.activeElement.id") == "verdict"
        assert not live.is_visible()
        assert page.locator(".row:visible .name").all_inner_texts()[0] == "test_b_ship"
        page.get_by_role("button", name="1 skipped").click()
        assert page.locator(".row:visible .name").all_inner_texts() == ["test_d_refund"]
        page.get_by_role("button", name="Clear").click()

        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        row = page.locator("[data-label='shop.Checkout.test_a_pay']")
        row.hover()
        row.get_by_role("button", name="Copy the command").click()
        page.get_by_text("Copied: ").wait_for(state="attached")
        copied = page.evaluate("navigator.clipboard.readText()")
        assert copied == "./manage.py probe shop.Checkout.test_a_pay"
        row = page.locator("[data-label='shop.Checkout.test_b_ship']")
        row.locator("summary").first.click()
        assert row.get_by_text("asked the warehouse").is_visible()
        (server.project.folder / "mended").touch()
        row.get_by_role("button", name="Run this", exact=True).click()
        page.get_by_role("heading", name="Ok", exact=True).wait_for()
        assert page.url == url_of(server, "/probe/shop.Checkout.test_b_ship/")
        assert page.locator(".row .name").all_inner_texts() == ["test_b_ship"]
        page.go_back()
        page.get_by_role("heading", name="Not ok").wait_for()
        assert page.locator(".row").count() == 4


def test_axe_finds_nothing_in_any_look(browser, server, people):
    let_go(server)
    with as_somebody(browser, server, people, "operator") as page:
        page.get_by_role("button", name="Run").click()
        page.get_by_role("heading", name="Not ok").wait_for()
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        for look in in_every_look(page):
            assert complaints(page) == [], look


def test_a_run_can_be_stopped_and_what_it_found_is_shown(browser, server, people):
    with as_somebody(browser, server, people, "operator") as page:
        page.get_by_role("button", name="Run").click()
        page.get_by_text("2 of 4, 1 not ok").wait_for()
        assert server.children()
        page.get_by_role("button", name="Stop").click()
        page.get_by_role("heading", name="Interrupted").wait_for()
        until(lambda: not server.children(), what="the run goes on")
        assert page.locator("[data-kinds=not_run]").count() == 2
        assert page.locator("[data-kinds=failed]").count() == 1
        assert page.get_by_role("button", name="Run", exact=True).is_enabled()


def test_a_run_that_breaks_off_is_shown_and_not_the_result_before(browser, server, people):
    let_go(server)
    (server.project.folder / "mended").touch()
    with as_somebody(browser, server, people, "operator") as page:
        page.get_by_role("button", name="Run").click()
        page.get_by_role("heading", name="Ok", exact=True).wait_for()
        (server.project.folder / "go").unlink()
        page.get_by_role("button", name="Run", exact=True).click()
        page.get_by_text("2 of 4").wait_for()
        for pid in server.children():
            os.kill(pid, signal.SIGKILL)
        page.get_by_role("heading", name="Not ok").wait_for()
        assert page.get_by_role("heading", name="The run broke off").is_visible()
        assert page.get_by_text("was killed by SIGKILL").first.is_visible()
        assert page.get_by_role("list", name="Targets").count() == 0
        assert "/-/runs/" in page.url
        assert complaints(page) == []
        page.goto(url_of(server))
        page.get_by_role("heading", name="Ok", exact=True).wait_for()


def test_a_run_that_the_server_cannot_stop_is_left(browser, server, people):
    options = {"expected": "/-/runs/"}
    with as_somebody(browser, server, people, "operator", **options) as page:
        page.route("**/-/runs/**", lambda route: route.abort())
        page.get_by_role("button", name="Run").click()
        page.get_by_text("2 of 4, 1 not ok").wait_for()
        page.get_by_role("button", name="Stop").click()
        page.get_by_text("Stopped. What is shown below is the run before.").first.wait_for()
        assert page.get_by_role("button", name="Run", exact=True).is_enabled()
        let_go(server)


def test_without_javascript_a_button_runs_and_shows_the_report(browser, server, people):
    let_go(server)
    options = {"java_script_enabled": False}
    with as_somebody(browser, server, people, "operator", **options) as page:
        page.get_by_role("button", name="Run").click()
        page.get_by_role("heading", name="Not ok").wait_for()
        row = page.locator("[data-label='shop.Checkout.test_b_ship']")
        row.locator("summary").first.click()
        assert row.get_by_text("asked the warehouse").is_visible()


def test_who_is_nobody_is_told_how_to_log_in_and_comes_back(browser, server, people):
    with visiting(browser, url_of(server)) as page:
        assert complaints(page) == []
        assert page.get_by_role("button", name="Run").count() == 0
        page.get_by_role("link", name="Log in").click()
        page.get_by_label("Username").fill("operator")
        page.get_by_label("Password").fill("secret")
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url(url_of(server))
        assert page.get_by_role("button", name="Run").is_visible()


def test_who_may_not_is_told_so(browser, server, people):
    with as_somebody(browser, server, people, "editor") as page:
        assert "django_probe.run_probes" in page.get_by_role("main").inner_text()
        assert page.get_by_role("button", name="Run").count() == 0
