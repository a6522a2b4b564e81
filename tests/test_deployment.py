"""Probes are for live deployments: where tests run they refuse to start, and they say where they are."""

from __future__ import annotations

import pytest
from zygote import Quick

pytestmark = pytest.mark.ends

FILES = {
    "shop/probes.py": """
        import unittest
        from pathlib import Path
        class Checkout(unittest.TestCase):
            def test_pay(self):
                Path("ran.txt").touch()
    """,
    "shop/tests.py": """
        from django.core.management import call_command
        from django.core.management.base import CommandError
        from django.test import SimpleTestCase
        class Probes(SimpleTestCase):
            def test_refused_here(self):
                with self.assertRaises(CommandError) as caught:
                    call_command("probe")
                self.assertEqual(caught.exception.returncode, 2)
                self.assertIn("in Django's test environment (setup_test_env", str(caught.exception))
            def test_allowed_where_it_is_meant(self):
                with self.settings(PROBE_ALLOW_TEST_ENVIRONMENT=True):
                    call_command("probe", format="silent")
    """,
}
SETTINGS = """
    import os
    exec(os.environ.get("EXTRA", ""))
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return Quick.make(tmp_path_factory.mktemp("deployment") / "project", FILES, SETTINGS)


@pytest.fixture
def ran(project):
    """Return the file that the probe makes when it runs."""
    file = project.folder / "ran.txt"
    file.unlink(missing_ok=True)
    return file


def test_within_django_s_test_runner_the_command_refuses(project, ran):
    done = project.manage("test", "-k", "test_refused_here")
    assert (done.returncode, "OK" in done.stderr) == (0, True), done.stderr
    assert not ran.exists()


def test_within_django_s_test_runner_a_setting_allows_it(project, ran):
    done = project.manage("test", "-k", "test_allowed_where_it_is_meant")
    assert (done.returncode, "OK" in done.stderr) == (0, True), done.stderr
    assert ran.exists()


def test_the_environment_of_tests_that_is_gone_again_is_none(project, ran):
    code = (
        "from django.test.utils import setup_test_environment, teardown_test_environment as end;"
        "from django.core.management import call_command as call;"
        "setup_test_environment(); end(); call('probe', format='silent')"
    )
    done = project.manage("shell", "-v", "0", "-c", code)
    assert done.returncode == 0, done.stderr
    assert ran.exists()


POSTGRESQL = "'ENGINE': 'django.db.backends.postgresql'"
MYSQL = "'ENGINE': 'django.db.backends.mysql'"
SQLITE = "'ENGINE': 'django.db.backends.sqlite3'"


@pytest.mark.parametrize(
    ("values", "name"),
    [
        (f"{POSTGRESQL}, 'NAME': 'test_shop'", "test_shop"),
        (f"{MYSQL}, 'NAME': 'test_shop_2'", "test_shop_2"),
        (f"{POSTGRESQL}, 'NAME': 'ci', 'TEST': {{'NAME': 'ci'}}", "ci"),
        (f"{POSTGRESQL}, 'NAME': 'ci_12', 'TEST': {{'NAME': 'ci'}}", "ci_12"),
        (f"{SQLITE}, 'NAME': 'file:memorydb_default?mode=memory&cache=shared'", "file:memorydb_default?mode=memory&cache=shared"),
        (f"{SQLITE}, 'NAME': BASE_DIR / 'ci.db', 'TEST': {{'NAME': str(BASE_DIR / 'ci.db')}}", None),
    ],
)  # fmt: skip
def test_a_test_database_is_refused_by_its_name(project, ran, values, name):
    done = project.probe(env={"EXTRA": f"DATABASES['other'] = {{{values}}}"})
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    name = name or str(project.folder / "ci.db")
    assert f"The database 'other' is {name!r}, which is the name of a test database" in done.stderr
    assert "set PROBE_ALLOW_TEST_ENVIRONMENT = True where this is meant" in done.stderr
    assert not ran.exists()


@pytest.mark.parametrize(
    "values",
    [
        f"{POSTGRESQL}, 'NAME': 'latest_test_results'",
        f"{POSTGRESQL}, 'NAME': 'shop', 'TEST': {{'NAME': 'shop_ci'}}",
        f"{POSTGRESQL}, 'NAME': '', 'OPTIONS': {{'service': 'shop'}}",
        f"{SQLITE}, 'NAME': BASE_DIR / 'test_drives.sqlite3'",
        f"{SQLITE}, 'NAME': ':memory:'",
    ],
)
def test_a_database_that_is_none_of_tests_is_asked(project, ran, values):
    done = project.probe("--format", "silent", env={"EXTRA": f"DATABASES['other'] = {{{values}}}"})
    assert (done.returncode, done.stderr) == (0, "")
    assert ran.exists()


def test_a_setting_allows_a_database_of_that_name(project, ran):
    extra = f"DATABASES['other'] = {{{MYSQL}, 'NAME': 'test_shop'}}; PROBE_ALLOW_TEST_ENVIRONMENT = True"
    assert project.probe("--format", "silent", env={"EXTRA": extra}).returncode == 0
    assert ran.exists()


def test_what_would_run_may_be_listed_anywhere(project):
    done = project.probe(
        "--list",
        env={"EXTRA": "DATABASES['default']['TEST'] = {'NAME': DATABASES['default']['NAME']}"},
    )
    assert (done.returncode, done.stdout) == (0, "shop.Checkout.test_pay\n")


DATABASES = """
PROBE_RELEASE = "2026.11.3"
DATABASES.update({
    "orders": {"ENGINE": "django.db.backends.postgresql", "NAME": "orders", "USER": "shop",
               "PASSWORD": "or7ders-secret", "HOST": "db-1.internal", "PORT": 6432},
    "old": {"ENGINE": "django.db.backends.mysql", "NAME": "old", "OPTIONS": {"host": "db-2.internal"}},
    "by_service": {"ENGINE": "django.db.backends.postgresql", "OPTIONS": {"service": "shop-ro"}},
    "leaky": {"ENGINE": "django.db.backends.postgresql", "NAME": "x", "HOST": "or7ders-secret\\nhost"},
})
"""


def test_at_verbosity_2_aliases_hosts_and_release_are_told_on_stderr(project):
    done = project.probe("-v", "2", "--format", "silent", env={"EXTRA": DATABASES})
    lines = done.stderr.splitlines()
    assert lines[0].startswith("Probing release 2026.11.3, on ")
    assert lines[0].endswith(", settings settings")
    assert lines[1:] == [
        f"Database default: sqlite3 {project.folder / 'db.sqlite3'}",
        "Database orders: postgresql orders at db-1.internal:6432 as shop",
        "Database old: mysql old at db-2.internal",
        "Database by_service: postgresql by service shop-ro",
        "Database leaky: postgresql x at ******************** host",
    ]


@pytest.mark.parametrize("verbosity", ["0", "1"])
def test_at_lower_verbosity_stderr_stays_empty(project, verbosity):
    done = project.probe("-v", verbosity, "--format", "silent", env={"EXTRA": DATABASES})
    assert (done.returncode, done.stderr) == (0, "")
