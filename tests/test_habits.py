"""What unit tests do and probes should not: refused by way of any base, warned of line by line."""

from __future__ import annotations

import json
import re
from importlib.util import find_spec

import pytest
from zygote import Quick

pytestmark = pytest.mark.once

FILES = {
    # Stand-ins by their modules' names; test_the_real_packages_are_refused_too has the real ones.
    "rest_framework/test.py": """
        from django.test import TestCase
        class APITestCase(TestCase):
            pass
        class APIClient:
            pass
    """,
    "django_webtest.py": """
        from django.test import TestCase
        class WebTestMixin:
            pass
        class WebTest(WebTestMixin, TestCase):
            pass
    """,
    "lib/bases.py": """
        from rest_framework.test import APITestCase
        class CompanyCase(APITestCase):
            pass
    """,
    "shop/probes.py": """
        import unittest
        from django.test import TestCase
        from django_webtest import WebTest, WebTestMixin
        from lib.bases import CompanyCase
        from rest_framework.test import APITestCase
        class Mixin(TestCase):
            pass
        class Api(APITestCase):
            def test_it(self): pass
        class Company(CompanyCase):
            def test_it(self): pass
        class Web(WebTest):
            def test_it(self): pass
        class Mixed(WebTestMixin, unittest.TestCase):
            def test_it(self): pass
        class Late(unittest.TestCase, Mixin := type("Mixin", (), {})):
            def test_it(self): pass
    """,
}
SETTINGS = 'INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "shop", "django_probe"]\n'
DB = "made for a test database and can empty the live one. Refused: "
HTTP = "derive the probe from unittest.TestCase, and ask over HTTP: urllib.request, requests."
REFUSED = {
    "shop.Api": f"Api descends from rest_framework.test.APITestCase, which is {DB}{HTTP}",
    "shop.Company": "Company descends from rest_framework.test.APITestCase by way of"
    f" lib.bases.CompanyCase, which is {DB}{HTTP}",
    "shop.Web": f"Web descends from django_webtest.WebTest, which is {DB}{HTTP}",
    "shop.Mixed": "Mixed descends from django_webtest.WebTestMixin, which is made for tests that"
    f" call the site in their own process. Refused: {HTTP}",
}


def project_of(folder, files, settings=SETTINGS):
    project = Quick.make(folder / "project", {k: v for k, v in files.items() if "/" in k}, settings)
    for path, source in files.items():
        project.write(path, source)
    return project


@pytest.fixture(scope="module")
def refusing(tmp_path_factory):
    return project_of(tmp_path_factory.mktemp("refused"), FILES)


def test_bases_of_other_packages_are_refused_by_name_with_what_to_write_instead(refusing):
    results = refusing.results()
    told = {
        label.rpartition(".")[0]: result["error"]["message"]
        for label, result in results.items()
        if result["outcome"] == "errored"
    }
    assert told == REFUSED
    assert results["shop.Late.test_it"]["outcome"] == "passed"


def test_the_system_check_tells_them_before_a_run(refusing):
    errors = refusing.manage("check").stderr
    assert errors.count("(probe.E010)") == len(REFUSED)
    for message in REFUSED.values():
        assert message in errors


def test_the_real_packages_are_refused_too(tmp_path):
    if not (find_spec("rest_framework") and find_spec("django_webtest")):
        pytest.skip("djangorestframework and django-webtest are not installed")
    files = {key: FILES[key] for key in ("lib/bases.py", "shop/probes.py")}
    project = project_of(tmp_path, files, SETTINGS.replace('"shop"', '"rest_framework", "shop"'))
    told = {result["error"]["message"] for result in project.results().values() if result["error"]}
    assert told == set(REFUSED.values())


# Warned of.

HABITS = '''
    from __future__ import annotations
    import asyncio, logging, unittest
    import unittest.mock
    import django.core.mail, django.test
    from django import test
    from django.core import mail
    from django.test import Client, override_settings
    from django.test.utils import modify_settings as changed
    from rest_framework.test import APIClient
    from unittest import mock
    from unittest.mock import patch
    from django_probe import serial

    def helper():
        return mock.patch("os.getcwd")                          # W013

    class Usual(unittest.TestCase):
        def setUp(self):
            self.client: Client = Client()                      # W012
            self.patcher = patch.object(logging, "INFO", 5)     # W013
        @override_settings(DEBUG=True)                          # W010
        @changed(INSTALLED_APPS={})                             # W010
        def test_one(self, client: Client = None):
            with test.override_settings(DEBUG=True):            # W010
                self.assertEqual(len(mail.outbox), 1)           # W011
            django.core.mail.outbox.clear()                     # W011
        @mock.patch.dict("os.environ", A="b")                   # W013
        def test_two(self):
            with self.assertLogs("shop"), self.assertWarns(DeprecationWarning):  # W013
                django.test.AsyncClient()                       # W012
        async def test_three(self):
            with unittest.mock.patch("os.getcwd"):              # W013
                APIClient()                                     # W012
        @serial
        @mock.patch("os.getcwd")
        def test_marked(self, getcwd):
            with self.assertLogs("shop"):
                logging.getLogger("shop").error("x")

    @serial()
    class Alone(unittest.TestCase):
        def setUp(self):
            patch("os.getcwd").start()
        @mock.patch("os.getcwd")
        def test_a(self, getcwd):
            self.assertNoLogs()
            Client()                                            # W012

    class Base(unittest.TestCase):
        def check(self):
            self.assertLogs()
    @serial
    class Derived(Base):
        def test_a(self): pass

    class Fine(unittest.TestCase):
        """mail.outbox, override_settings, Client"""
        client = "Client()"
        def test_a(self, Client=None):
            outbox = patched = self.override_settings = None
            self.mail.outbox
'''


@pytest.fixture(scope="module")
def warning(tmp_path_factory):
    files = {
        "shop/probes/__init__.py": "",
        "shop/probes/habits.py": HABITS,
        "shop/probes/alone.py": """
            import unittest
            def setUpModule(): pass
            class Alone(unittest.TestCase):
                def test_a(self):
                    self.assertLogs()
        """,
        "shop/probes/starred.py": """
            import unittest
            from django.test import *
            class Starred(unittest.TestCase):
                def test_a(self):
                    Client()
        """,
        "shop/probes/torn.py": "import no_such_module\nfrom django.test import Client\nClient()\n",
        "rest_framework/test.py": FILES["rest_framework/test.py"],
    }
    return project_of(tmp_path_factory.mktemp("warned"), files)


def test_each_line_is_warned_of_once_with_its_place_and_what_to_do(warning):
    done = warning.manage("check")
    assert done.returncode == 0, done.stderr
    found = re.findall(
        r"^shop/probes/(\w+)\.py:(\d+): \(probe\.(W\d+)\) (.+)\n\tHINT: (.+)$",
        done.stderr,
        re.MULTILINE,
    )
    lines = (warning.folder / "shop/probes/habits.py").read_text().splitlines()
    expected = [
        (str(number), match[1])
        for number, line in enumerate(lines, 1)
        if (match := re.search(r"# (W\d+)", line))
    ]
    habits = [(line, id) for module, line, id, _, _ in found if module == "habits"]
    assert sorted(habits) == sorted(expected)
    assert [(module, line, id) for module, line, id, _, _ in found if module != "habits"] == [
        ("starred", "6", "W012")
    ]
    told = {id: (message, hint) for _, _, id, message, hint in found}
    assert told["W011"] == (
        "django.core.mail.outbox is there in Django's test environment alone: here it is an AttributeError.",
        "Connect to the mail server, or ask where the mail arrives.",
    )
    assert (
        told["W013"][1]
        == "Mark the probe @serial: it runs while no other one does. Better, do without."
    )


def test_warnings_can_be_silenced_and_stop_no_run(warning):
    warning.write(
        "quiet.py",
        "from settings import *\nSILENCED_SYSTEM_CHECKS = ['probe.W010', 'probe.W013']\n",
    )
    done = warning.manage("check", "--settings", "quiet")
    assert "(probe.W012)" in done.stderr
    assert "(probe.W010)" not in done.stderr
    assert "(probe.W013)" not in done.stderr
    report = json.loads(warning.probe("shop.Fine", "--format", "json").stdout)
    assert "shop.habits.Fine.test_a" in {result["label"] for result in report["results"]}
