"""Django's own test cases are refused before they touch anything; system checks say so."""

from __future__ import annotations

import json
import re
import uuid

import pytest
from zygote import Quick

FILES = {
    "shop/models.py": """
        from django.db import models
        class Order(models.Model):
            number = models.IntegerField()
    """,
    "shop/probes.py": """
        import unittest
        from pathlib import Path
        from django import test
        from django.contrib.staticfiles.testing import StaticLiveServerTestCase
        from django.test import TestCase  # Imported, not derived from: no fault.
        from lib.api import ApiTestCase
        from shop.models import Order
        def note(what):
            with Path("called.txt").open("a") as stream:
                stream.write(f"{what}\\n")
        class Noisy:
            @classmethod
            def setUpClass(cls):
                note(f"{cls.__name__}.setUpClass")
                super().setUpClass()
            @classmethod
            def tearDownClass(cls):
                note(f"{cls.__name__}.tearDownClass")
            def setUp(self):
                note("setUp")
            def test_it(self):
                note("test_it")
        class Simple(Noisy, test.SimpleTestCase):
            pass
        class Transactional(Noisy, test.TransactionTestCase):
            pass
        class Usual(Noisy, test.TestCase):
            pass
        class Live(Noisy, test.LiveServerTestCase):
            pass
        class StaticLive(Noisy, StaticLiveServerTestCase):
            pass
        class Api(Noisy, ApiTestCase):
            @unittest.skip("skipped, and refused all the same")
            def test_other(self):
                pass
        class ByMixin(Noisy, type("Mixin", (test.TransactionTestCase,), {})):
            def test_it(self):
                Order.objects.all().delete()
        class Honest(unittest.TestCase):
            def test_orders_are_there(self):
                self.assertEqual(Order.objects.count(), 3)
        class WithoutProbes(test.TestCase):
            pass
    """,
    "lib/api.py": """
        from django.test import TransactionTestCase
        class ApiTransactionTestCase(TransactionTestCase):
            pass
        class ApiTestCase(ApiTransactionTestCase):
            pass
    """,
    "loads/probes.py": """
        from shop import probes
        def load_tests(loader, standard, pattern):
            standard.addTest(loader.loadTestsFromTestCase(probes.Transactional))
            return standard
    """,
    # With a module's fixtures: the refused class must not hinder the other one.
    "module/probes.py": """
        import unittest
        from django.test import TransactionTestCase
        def setUpModule():
            global ready
            ready = True
        class Refused(TransactionTestCase):
            def test_it(self):
                pass
        class Runs(unittest.TestCase):
            def test_it(self):
                self.assertTrue(ready)
    """,
}
REFUSED = [
    "loads.probes.Transactional",
    "module.Refused",
    "shop.Api",
    "shop.ByMixin",
    "shop.Live",
    "shop.Simple",
    "shop.StaticLive",
    "shop.Transactional",
    "shop.Usual",
]
SETTINGS = """
    STATIC_URL = "static/"
    INSTALLED_APPS = ["django.contrib.staticfiles", "shop", "loads", "module", "django_probe"]
"""
SEED = "from shop.models import Order; Order.objects.bulk_create(Order(number=n) for n in range(3))"


def prepare(project):
    for command in (
        ["migrate", "--run-syncdb", "-v0", "--skip-checks"],
        ["shell", "-v0", "-c", SEED],
    ):
        done = project.manage(*command)
        assert done.returncode == 0, done.stderr


def assert_refused_and_untouched(project, *options):
    done = project.probe("--format", "jsonl", *options)
    assert done.returncode == 1, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    results = [event["result"] for event in events if event["event"] == "probe_finished"]
    refused = [result for result in results if result["outcome"] == "errored"]
    assert sorted({result["label"].rpartition(".")[0] for result in refused}) == [
        "module.Refused",
        *[name for name in REFUSED if name.startswith("shop.")],
    ]
    assert sum(result["label"].startswith("shop.Transactional") for result in refused) == 2
    for result in refused:
        name = result["id"].split(".")[-2]
        assert result["error"]["exception_class_path"] == "RefusedTestCase"
        assert result["error"]["message"].startswith(f"{name} descends from django.test.")
        assert "derive the probe from unittest.TestCase" in result["error"]["message"]
    passed = [result["label"] for result in results if result["outcome"] == "passed"]
    assert sorted(passed) == ["module.Runs.test_it", "shop.Honest.test_orders_are_there"]
    assert len(passed) + len(refused) == len(results)
    assert not (project.folder / "called.txt").exists()
    count = project.manage(
        "shell", "-v0", "-c", "from shop.models import *; print(Order.objects.count())"
    )
    assert count.stdout == "3\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    project = Quick.make(tmp_path_factory.mktemp("refused") / "project", FILES, SETTINGS)
    prepare(project)
    return project


@pytest.mark.parametrize("options", [[], ["--parallel", "4"]], ids=["one worker", "four workers"])
def test_a_transaction_test_case_does_not_empty_the_live_sqlite_database(project, options):
    assert_refused_and_untouched(project, *options)


@pytest.mark.service
def test_a_transaction_test_case_does_not_empty_the_live_postgresql_database(tmp_path):
    psycopg = pytest.importorskip("psycopg")
    server = {"host": "127.0.0.1", "port": 5432, "user": "postgres"}
    name = f"probe_{uuid.uuid4().hex[:12]}"
    try:
        admin = psycopg.connect(**server, dbname="postgres", autocommit=True, connect_timeout=3)
    except psycopg.OperationalError as exc:
        pytest.skip(f"no PostgreSQL: {exc}")
    with admin:
        admin.execute(f'CREATE DATABASE "{name}"')
        try:
            project = Quick.make(
                tmp_path / "project",
                FILES,
                f"""
                {SETTINGS.strip()}
                DATABASES = {{"default": {{
                    "ENGINE": "django.db.backends.postgresql", "NAME": "{name}",
                    "HOST": "127.0.0.1", "PORT": 5432, "USER": "postgres",
                }}}}
                """.replace("    INSTALLED", "                INSTALLED"),
            )
            prepare(project)
            assert_refused_and_untouched(project)
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def test_the_system_check_names_each_refused_class_with_a_hint(project):
    done = project.manage("check")
    assert done.returncode == 1
    errors = done.stderr.partition("ERRORS:")[2]
    assert errors.count("(probe.E010)") == len(REFUSED) - 1
    for name in ("Api", "ByMixin", "Live", "Simple", "StaticLive", "Transactional", "Usual"):
        assert f"{name} descends from django.test." in errors
    assert "HINT: class Usual(unittest.TestCase): it has no test database to empty." in errors
    assert "WithoutProbes" not in errors
    assert "Honest" not in errors


def test_the_command_itself_runs_the_other_probes_without_that_check(project):
    done = project.probe("shop.Honest", "module.Runs", "--format", "silent")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_system_check_warns_of_what_cannot_be_loaded(tmp_path):
    project = Quick.make(
        tmp_path / "project",
        {
            "torn/probes.py": "import no_such_module\n",
            "skips/probes.py": "import unittest\nraise unittest.SkipTest('elsewhere')\n",
            "raises/probes.py": "def load_tests(*args):\n    1 / 0\n",
            "twins/probes.py": "",
            "twins/probes/__init__.py": "",
        },
    )
    done = project.manage("check")
    assert done.returncode == 0
    assert done.stderr.count("(probe.W001)") == 3
    assert "torn.probes cannot be loaded: ModuleNotFoundError: No module named" in done.stderr
    assert "raises.probes cannot be loaded: ZeroDivisionError: division by zero" in done.stderr
    assert "probes.py is never imported: probes beside it has the same name." in done.stderr
    assert "HINT: It will be one errored probe in every run." in done.stderr
    assert "skips" not in done.stderr


def test_an_async_fixture_that_nobody_awaits_is_told_and_its_probes_are_errored(tmp_path):
    project = Quick.make(
        tmp_path,
        {
            "shop/probes.py": """
                import unittest
                class Plain(unittest.TestCase):
                    async def setUp(self): pass
                    def test_it(self): pass
                class Async(unittest.IsolatedAsyncioTestCase):
                    async def tearDown(self): pass
                    async def test_it(self): pass
                class OfClass(unittest.TestCase):
                    @classmethod
                    async def setUpClass(cls): pass
                    def test_it(self): pass
                class Right(unittest.IsolatedAsyncioTestCase):
                    async def asyncSetUp(self): pass
                    async def test_it(self): pass
                class OwnWay(unittest.TestCase):
                    def run(self, result=None): return super().run(result)
                    async def setUp(self): pass
                    def test_it(self): pass
            """
        },
    )
    done = project.manage("check")
    told = re.findall(r"\(probe\.E011\) (\S+) is async, and nobody awaits it: ", done.stderr)
    assert sorted(told) == ["Async.tearDown", "OfClass.setUpClass", "Plain.setUp"]
    assert "name it asyncTearDown, in a class derived from" in done.stderr
    text = project.probe("-v", "2").stdout
    assert "3 errored, 2 passed" in text
    assert "NeverAwaited: Plain.setUp is async, and nobody awaits it: name it asyncSetUp" in text


def test_a_fixture_that_yields_is_told_and_its_probes_are_errored(tmp_path):
    project = Quick.make(
        tmp_path,
        {
            "shop/probes.py": """
                import contextlib, unittest
                class Plain(unittest.TestCase):
                    def setUp(self): yield
                    def test_it(self): pass
                class Async(unittest.IsolatedAsyncioTestCase):
                    async def asyncSetUp(self): yield
                    async def test_it(self): pass
                class OfClass(unittest.TestCase):
                    @classmethod
                    def tearDownClass(cls): yield
                    def test_it(self): pass
                class Right(unittest.IsolatedAsyncioTestCase):
                    def setUp(self): self.enterContext = self.lent
                    @contextlib.contextmanager
                    def lent(self): yield
                    async def test_it(self): pass
            """
        },
    )
    told = re.findall(r"\(probe\.E011\) (\S+) yields, so that its", project.manage("check").stderr)
    assert sorted(told) == ["Async.asyncSetUp", "OfClass.tearDownClass", "Plain.setUp"]
    text = project.probe("-v", "2").stdout
    assert "3 errored, 1 passed" in text
    assert "Plain.setUp yields, so that its body does not run: it must not yield." in text


def test_the_other_distribution_of_our_name_is_warned_of(tmp_path):
    project = Quick.make(tmp_path / "project", {"shop/__init__.py": ""})
    project.write(
        "django_probe-9.dist-info/METADATA",
        "Metadata-Version: 2.1\nName: django-probe\nVersion: 9\n",
    )
    done = project.manage("check")
    assert "(probe.W003) The distribution 'django-probe' is installed too" in done.stderr
    assert "pip uninstall django-probe" in done.stderr
