"""``PROBE_REDACT`` and the environment: what a project adds to what is known to be secret."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import pytest
from zygote import Quick

from django_probe.exceptions import ConfigurationError
from django_probe.redact_rules import checked
from django_probe.redaction import MASK, OVERLAP, WINDOW, Redactor
from django_probe.runaway import may_run_away
from django_probe.settings_secrets import secrets_in_settings

pytestmark = pytest.mark.ends

FILES = {
    "shop/probes.py": """
        import os, sys, unittest
        from pathlib import Path
        from django.conf import settings
        class Leaks(unittest.TestCase):
            def test_all(self):
                Path("ran.txt").touch()
                raise ValueError(" | ".join([
                    settings.PARTNER_NUMBER, str(settings.NESTED["partner"]["id"]), "4711", "147118",
                    "cus_9f8e7d", '{"customer_iban": "DE89370400"}', "IBAN: GB29NWBK",
                    os.environ["SHOP_TOKEN"], os.environ["PAY_PWD"], "s3cr3t-in-url", "json-inner-1",
                    os.environ["APP_NAME"], "2026-03-01", "jane@example.com", "/run/x/auth.sock",
                ]))
    """,
}
SETTINGS = """
    import os
    PARTNER_NUMBER = "P-0815-4711"
    NESTED = {"partner": {"id": 98765432}}
    PROBE_REDACT = {
        "NAMES": ["partner", "iban"], "VALUES": ["4711", "", "hello-world"],
        "PATTERNS": [r"\\bcus_\\w+"],
    }
    exec(os.environ.get("EXTRA", ""))
"""
ENVIRON = {
    "SHOP_TOKEN": "from-environment-1",
    "PAY_PWD": "from-environment-2",
    "CACHE_URL": "redis://:s3cr3t-in-url@cache/0",
    "GOOGLE_CREDENTIALS": json.dumps({"private_key": "json-inner-1", "n": [1, None]}),
    "APP_NAME": "front-end",
    "API_VERSION": "2026-03-01",
    "GIT_AUTHOR_EMAIL": "jane@example.com",
    "SSH_AUTH_SOCK": "/run/x/auth.sock",
}


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return Quick.make(tmp_path_factory.mktemp("redact") / "project", FILES, SETTINGS)


def test_names_values_patterns_and_the_environment_are_masked(project):
    (result,) = project.results(env=ENVIRON).values()
    assert result["error"]["message"].split(" | ") == [
        *(MASK, MASK, MASK, "147118", MASK),
        *(f'{{"customer_iban": "{MASK}"}}', f"IBAN: {MASK}"),
        *(MASK, MASK, MASK, MASK),
        *("front-end", "2026-03-01", "jane@example.com", "/run/x/auth.sock"),
    ]


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ("PROBE_REDACT = ['s3cret-value']", "PROBE_REDACT is a list, expected a dict with NAMES, VALUES, PATTERNS."),
        ("PROBE_REDACT = {'names': []}", "PROBE_REDACT has the unknown key 'names', expected NAMES, VALUES, PATTERNS."),
        ("PROBE_REDACT = {'VALUES': 's3cret-value'}", "PROBE_REDACT['VALUES'] is a str, expected a list."),
        ("PROBE_REDACT = {'VALUES': ['x' * 9, None]}", "PROBE_REDACT['VALUES'][1] is None, expected a string."),
        ("PROBE_REDACT = {'VALUES': ['abc']}", "PROBE_REDACT['VALUES'][0] has 3 characters, expected 4 or more"),
        ("PROBE_REDACT = {'NAMES': ['id']}", "PROBE_REDACT['NAMES'][0] is 'id', expected a part of a name, 3 characters or more."),
        ("PROBE_REDACT = {'NAMES': [5]}", "PROBE_REDACT['NAMES'][0] is 5, expected"),
        ("PROBE_REDACT = {'PATTERNS': ['a', '(']}", "PROBE_REDACT['PATTERNS'][1] is '(', which is no regular expression: missing ), unterminated subpattern"),
        ("PROBE_REDACT = {'PATTERNS': [5]}", "PROBE_REDACT['PATTERNS'][0] is 5, which is no regular expression: "),
        ("PROBE_REDACT = {'PATTERNS': [b'a']}", "PROBE_REDACT['PATTERNS'][0] is b'a', expected a pattern of text."),
        ("PROBE_REDACT = {'PATTERNS': ['x*']}", "PROBE_REDACT['PATTERNS'][0] is 'x*', which finds empty text"),
        ("PROBE_REDACT = {'PATTERNS': [r'(a+)+b']}", "PROBE_REDACT['PATTERNS'][0] is '(a+)+b', which may take for ever"),
        ("PROBE_REDACT = {'PATTERNS': ['x' * 5000 + '(']}", "xxx…, which is no regular expression"),
    ],
)  # fmt: skip
def test_a_faulty_setting_is_told_in_one_line_and_nothing_runs(project, extra, told):
    (project.folder / "ran.txt").unlink(missing_ok=True)
    done = project.probe(env={**ENVIRON, "EXTRA": extra})
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert f"probe.E007: {told}" in done.stderr or told.startswith("xxx")
    assert told in done.stderr
    assert "s3cret-value" not in done.stderr
    assert len(done.stderr) < 500
    assert not (project.folder / "ran.txt").exists()
    checked = project.manage("check", env={**ENVIRON, "EXTRA": extra})
    assert "(probe.E007)" in checked.stderr
    assert "HINT: PROBE_REDACT = {" in checked.stderr


def test_a_pattern_may_be_compiled_already():
    rules = {"PATTERNS": [re.compile("(?i)ACCT-[0-9]+")]}
    assert checked(rules) is rules
    assert Redactor(patterns=rules["PATTERNS"]).scrub("the acct-17") == f"the {MASK}"


@pytest.mark.parametrize(
    "pattern",
    [
        *(r"(a+)+$", r"(a|ab)*c", r"(a*)*b", r"(?:\w+\.?)+x", r"([a-z]+)*\d", r"(.*)*x", r"(x+x+)+y"),
        *(r"(?:a|b|ab)+", r"((a{1,20})+)b", r"(?:\s*\w+)*;", r"(?i)(?:A|aB)*c", r"(?=(a+)+b)c"),
        *(r"(\w+\d+)*x", r"(x(aa|aa)y)*z", r"(?:[a-z]+|\w+)*!"),
    ],
)  # fmt: skip
def test_a_pattern_that_may_take_for_ever_is_known_by_its_syntax(pattern):
    assert may_run_away(re.compile(pattern))
    with pytest.raises(ConfigurationError, match="may take for ever"):
        checked({"PATTERNS": [f"{pattern}z"]})


@pytest.mark.parametrize(
    "pattern",
    [
        *(r"\bDE\d{20}\b", r"(?:\d{4}[ -]?){4}", r"[\w.+-]+@[\w-]+\.[\w.]+", r"acct-(?:\d+)"),
        *(r"(?:[\w-]+\.)+internal", r"(?:foo|bar)+", r'"(?:\\.|[^"\\])*"', r"(?:[^/]+/)+x"),
        *(r"\beyJ[\w-]+\.[\w-]+\.[\w-]+", r"(?:\w+,)+\w+", r"(?<=pin )\d{4}", r"(?s)BEGIN.+?END"),
    ],
)  # fmt: skip
def test_a_usual_pattern_is_taken(pattern):
    assert not may_run_away(re.compile(pattern))
    assert checked({"PATTERNS": [pattern]})


@pytest.mark.parametrize("start", range(0, 3 * WINDOW, 97))
def test_a_pattern_finds_what_lies_across_its_windows(start):
    secret = "cus_" + "9a" * (OVERLAP // 2 - 3)
    text = "." * start + secret + "." * (4 * WINDOW - start)
    told = Redactor(patterns=[re.compile(r"\bcus_\w+")]).scrub(text)
    assert told == text.replace(secret, MASK)


def test_what_is_empty_is_not_masked():
    assert Redactor(patterns=[re.compile(r"\b")]).redact("two words " * 900) == "two words " * 900


# Values that are common are not masked into nonsense.


def masked(text, environ=None, **values):
    return Redactor(secrets_in_settings(SimpleNamespace(**values), environ or {})).scrub(text)


@pytest.mark.parametrize(
    "word",
    [
        *("postgres", "localhost", "password", "admin", "true", "True", "secret", "changeme", "0"),
        *("DEBUG", "development", "production", "123456", "12345678", "root", "default", "warning"),
    ],
)
def test_a_common_value_is_left_where_it_is_a_word(word):
    text = f"connection to {word} failed: {word}"
    assert masked(text, DB_PASSWORD=word) == text
    assert masked(text, environ={"DB_PASSWORD": word, "API_TOKEN": word}) == text
    assert masked(f"postgres://u:{word}@h", DB_PASSWORD=word) == f"postgres://u:{MASK}@h"


def test_a_password_that_is_the_name_of_an_app_a_user_or_a_database_is_left():
    text = "shopfront.Checkout failed for shopuser on warehouse at db-internal"
    values = {
        "INSTALLED_APPS": ["company.shopfront"],
        "DATABASES": {"default": {"USER": "shopuser", "NAME": "warehouse", "PASSWORD": "shopuser"}},
    }
    environ = {
        "DB_HOST": "db-internal",
        "A_PASSWORD": "shopfront",
        "B_PASSWORD": "warehouse",
        "C_PASSWORD": "db-internal",
    }
    assert masked(text, environ, **values) == text


def test_a_number_is_masked_whole_and_not_within_another():
    assert masked(
        "pin 8291847, order 18291847, took 0.8291847 s, 8291847", PIN_TOKEN="8291847"
    ) == (f"pin {MASK}, order 18291847, took 0.8291847 s, {MASK}")
    assert masked("?pin=x%208291847", PIN_TOKEN="8291847") == f"?pin=x%20{MASK}"


def test_what_only_looks_secret_in_an_environment_is_left_alone():
    environ = {
        "API_URL": "https://api.example.com/v1/",
        "API_HOST": "auth-1.internal.example:8443",
        "API_PORT": "8443000",
        "API_VERSION": "v2026.11.3",
        "GIT_AUTHOR_NAME": "Jane Doe-Smith3",
        "KEYBOARD_LAYOUT": "de-latin1-nodeadkeys",
        "KEYCLOAK_REALM": "customers2",
        "SSH_AUTH_SOCK": "/tmp/auth/agent.1234",
        "AUTH_BACKEND": "django.contrib.auth",
        "PASSENGER_APP_ENV": "production7",
        "PWD": "/srv/mysite2",
        "OLDPWD": "/srv/mysite1",
        "TOKEN_TTL": "864000",
    }
    assert secrets_in_settings(SimpleNamespace(), environ) == set()


def test_settings_that_are_records_are_looked_into():
    import dataclasses
    from typing import NamedTuple

    @dataclasses.dataclass
    class Broker:
        user: str
        password: str

    class Pair(NamedTuple):
        user: str
        secret: str

    found = secrets_in_settings(
        SimpleNamespace(BROKER=Broker("shopuser", "br0ker-pw"), PAIR=[Pair("shopuser", "p4ir-pw")])
    )
    assert found == {"br0ker-pw", "p4ir-pw"}
