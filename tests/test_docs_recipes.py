"""The recipes of the cookbook: they pass where all is well, and notice what is broken."""

from __future__ import annotations

import importlib.util
import socketserver
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler

import pytest
from documents import DOCS, examples, section
from support import Project
from zygote import Quick

WRITING = DOCS / "writing-probes.md"


class Site(BaseHTTPRequestHandler):
    """Answer as the site and the payment provider of the recipes."""

    def do_GET(self) -> None:
        body = b'{"state": "up"}' if self.path == "/status" else b"<button>Add to basket</button>"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


class MailServer(socketserver.StreamRequestHandler):
    """Answer as a mail server that takes no mail."""

    def handle(self) -> None:
        self.wfile.write(b"220 here\r\n")
        for line in self.rfile:
            leaves = line.upper().startswith(b"QUIT")
            self.wfile.write(b"221 bye\r\n" if leaves else b"250 fine\r\n")
            if leaves:
                return


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    """Return the ports of the servers that the recipes ask."""
    with ExitStack() as stack:
        found = {}
        for name, handler in (("site", Site), ("mail", MailServer)):
            server = stack.enter_context(Server(("127.0.0.1", 0), handler))
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
            found[name] = server.server_address[1]
        yield found


# Fit for production when all is well, and as broken as can be with BROKEN in the environment.
SETTINGS = """
    import os
    import django
    BROKEN = "BROKEN" in os.environ
    INSTALLED_APPS += ["django.contrib.sessions"]
    MIDDLEWARE = [
        "django.middleware.security.SecurityMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
    ]
    DEBUG = BROKEN
    SECRET_KEY = "t9-Vw3_zJ8mQ2xR7bN5kL1pD4sF6gH0yC-aXeUiOqWm5Zr2Yt8"
    ALLOWED_HOSTS = ["127.0.0.1"]
    CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE = SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = True
    DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
    SITE_URL = PAYMENT_URL = "http://127.0.0.1:{site}"
    MEDIA_ROOT = BASE_DIR / "media"
    if BROKEN:
        DATABASES["default"]["NAME"] = BASE_DIR / "gone" / "db.sqlite3"
        CACHES = {{"default": {{"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}}}
        SITE_URL = PAYMENT_URL = "http://127.0.0.1:1"
        MEDIA_ROOT = BASE_DIR / "manage.py"
    smtp = {{"host": "127.0.0.1", "port": 1 if BROKEN else {mail}, "timeout": 5}}
    if django.VERSION >= (6, 1):
        MAILERS = {{"default": {{"OPTIONS": smtp}}}}
    else:
        EMAIL_HOST, EMAIL_PORT, EMAIL_TIMEOUT = smtp.values()
"""
TENANTS = """
    from django.db import models

    class Tenant(models.Model):
        slug = models.SlugField()
        active = models.BooleanField(default=True)

    class Price(models.Model):
        tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="prices")
"""
ASK_OTHERS = ("celery", "stamina", "tenacity")
"""What recipes import that may not be installed here; then they are compiled, no more."""


def recipes() -> dict[str, str]:
    """Return the recipes that can be asked here, each as a probe module."""
    headings = [line[4:] for line in section(WRITING, "Cookbook") if line.startswith("### ")]
    found = {}
    for number, block in enumerate(examples(WRITING, "Async", *headings)):
        missing = [name for name in ASK_OTHERS if importlib.util.find_spec(name) is None]
        needs = [name for name in (*missing, "PUBLIC_HOSTS", "celery") if name in block.code]
        if block.language == "python" and not needs:
            found[f"ops/probes/recipe_{number}.py"] = block.code
    return found


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, ports: dict[str, int]) -> Project:
    """Return a project with all recipes, its tables and a tenant."""
    files = {"tenants/models.py": TENANTS, **recipes()}
    project = Quick.make(tmp_path_factory.mktemp("recipes"), files, SETTINGS.format(**ports))
    assert project.manage("migrate", "--run-syncdb", "-v", "0").returncode == 0
    with sqlite3.connect(project.folder / "db.sqlite3") as database:
        database.execute("INSERT INTO tenants_tenant (slug, active) VALUES ('tea', 1)")
        database.execute("INSERT INTO tenants_price (tenant_id) VALUES (1)")
    database.close()
    return project


def test_there_are_recipes_for_what_deployments_stand_on() -> None:
    headings = [line[4:] for line in section(WRITING, "Cookbook") if line.startswith("### ")]
    assert len(headings) - 1 >= 10
    assert len(recipes()) >= 9


def test_every_recipe_passes_on_a_deployment_that_is_well(shop: Project) -> None:
    results = shop.results()
    assert {r["id"]: r["error"] for r in results.values() if r["outcome"] != "passed"} == {}
    assert {r["source"].partition(":")[0] for r in results.values()} == set(recipes())


def test_every_recipe_notices_a_deployment_that_is_broken(shop: Project) -> None:
    results = shop.results(env={"BROKEN": "1"})
    assert [label for label, result in results.items() if not result["blocking"]] == []
