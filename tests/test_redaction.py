"""No secret leaves in a record, and reports stay readable."""

from __future__ import annotations

import base64
import html
import json
from types import SimpleNamespace
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from in_process import run

from django_probe.bounded import LIMIT, MARGIN, BoundedText
from django_probe.formats import BUILT_IN
from django_probe.redaction import MASK, Redactor
from django_probe.settings_secrets import SECRET_NAME, secrets_in_settings

pytestmark = pytest.mark.ends

SECRET = "p@ss/w%rd+'\"<é>&123 x"


# Every spelling of a secret.


@pytest.mark.parametrize(
    "spelling",
    [
        str,
        repr,
        lambda secret: repr([secret, {"a": secret}]),
        quote,
        lambda secret: quote(secret, safe=""),
        lambda secret: quote(secret, safe="").lower(),
        quote_plus,
        lambda secret: json.dumps({"password": secret}),
        lambda secret: repr(json.dumps(["it's", secret])),
        lambda secret: json.dumps({"log": json.dumps({"password": secret})}),
        lambda secret: repr(secret.encode()),
        html.escape,
        lambda secret: f"postgres://user:{quote(secret, safe='')}@host/db",
        lambda secret: f"\x1b[31m{secret}\x1b[0m",
        lambda secret: secret[:7] + "\x00\x1b[1m" + secret[7:],
    ],
)
def test_a_secret_is_masked_in_every_spelling(spelling):
    told = Redactor([SECRET]).scrub(f"before {spelling(SECRET)} after")
    assert MASK in told
    assert "w%rd" not in told.lower()
    assert "p%40ss" not in told.lower()
    assert told.startswith("before ")
    assert told.endswith(" after")


@pytest.mark.parametrize("spelling", [repr, json.dumps, lambda text: repr(text.encode())])
def test_a_secret_of_strange_characters_is_masked_however_often_it_was_quoted(spelling):
    secret = "a'b\"c\\dé\n☃"
    once = spelling(["x", secret] if spelling is json.dumps else secret)
    for told in (once, json.dumps(once), repr(once)):
        assert MASK in Redactor([secret]).redact(told), told


def test_a_quoted_secret_in_the_settings_is_masked_unquoted_too():
    assert Redactor(["p%40ssw%2Frd1"]).scrub("tried p@ssw/rd1") == f"tried {MASK}"


def test_bytes_are_masked_as_python_shows_them():
    key = b"\xff\xfekey\x00bytes"
    secrets = secrets_in_settings(SimpleNamespace(SIGNING_KEY=key))
    assert "key" not in Redactor(secrets).scrub(f"the key is {key!r}").removeprefix("the key")


PEM = "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n".format(
    "\n".join(base64.b64encode(bytes(range(n, n + 48))).decode() for n in range(0, 200, 8))
)


def test_a_private_key_is_masked_whole_by_the_line_and_escaped():
    redactor = Redactor([PEM])
    for text in (PEM, repr(PEM), json.dumps(PEM), PEM.replace("\n", "\n    "), PEM.splitlines()[3]):
        told = redactor.scrub(text)
        assert not [line for line in PEM.splitlines()[1:-1] if line[:16] in told]


def test_a_long_token_is_masked_in_pieces():
    token = base64.b64encode(bytes(range(256)) * 12).decode()
    assert len(token) > 2 * 512
    told = Redactor([token]).scrub(f"Bearer {token}!")
    assert set(told.removeprefix("Bearer ").removesuffix("!")) == {"*"}


def test_a_redactor_that_knows_nothing_changes_nothing():
    assert Redactor().scrub("text\n") == "text\n"
    assert Redactor(["short", ""]).scrub("a short text") == "a short text"


# The cut.


def has_fragment(text, secret, size=6):
    return any(secret[i : i + size] in text for i in range(len(secret) - size + 1))


TOKEN = "Zq7-Xw9_Kd3.Lm5-Vb1_Np8"
NOISE = ("", "\x1b[31m", "\x00", "::")


@pytest.mark.parametrize("noise", NOISE, ids=ascii)
@pytest.mark.parametrize("offset", range(-len(TOKEN) - 1, len(TOKEN) + 2, 4))
@pytest.mark.parametrize(
    "cut",
    [
        *(LIMIT // 2 + margin for margin in (0, MARGIN)),
        *(-LIMIT // 2 - margin for margin in (0, MARGIN)),
    ],
)
def test_no_part_of_a_secret_is_left_at_a_cut(cut, offset, noise):
    """Also where cleaning takes so much away that the text beyond the cut is needed."""
    filler = (noise + "abc\n") * 40_000
    position = (cut if cut > 0 else len(filler) + cut) + offset
    text = filler[:position] + TOKEN + filler[position:]
    redactor = Redactor([TOKEN])
    assert not has_fragment(redactor.scrub(text), TOKEN)
    output = BoundedText()
    for start in range(0, len(text), 1000):
        output.write(text[start : start + 1000])
    told = redactor.scrub_output(output)
    assert not has_fragment(told, TOKEN)
    assert "characters cut …]" in told
    assert len(told) <= LIMIT + 50


@settings(max_examples=300, deadline=None, database=None)
@given(
    st.lists(st.sampled_from([TOKEN, TOKEN[:9], TOKEN[9:], "x" * 90, "\x1b[0m", "\n::", "é"])),
    st.integers(1, 400),
)
def test_text_of_any_make_holds_no_secret_after_it_is_cut(parts, limit):
    told = Redactor([TOKEN]).scrub("".join(parts), limit)
    assert TOKEN not in told
    assert not any(line.lstrip().startswith("::") for line in told.splitlines())


def test_a_cut_begins_no_line_that_a_log_would_take_for_a_command():
    text = "x" * 700 + "::error::" * 200
    for limit in range(100, 130):
        lines = Redactor().scrub(text, limit).splitlines()
        assert not [line for line in lines if line.startswith("::")]


def test_a_cut_keeps_the_end_of_a_traceback_and_says_what_is_gone():
    told = Redactor().scrub("first line\n" + "x" * 100_000 + "\nValueError: last line")
    assert told.startswith("first line\n")
    assert told.endswith("\nValueError: last line")
    assert "\n[… 34497 characters cut …]\n" in told


def test_a_message_without_measure_is_cut_in_no_time():
    import time

    began = time.process_time()
    told = Redactor([TOKEN]).scrub(f"{TOKEN} \x1b[0m" * 2_000_000, 8192)
    assert time.process_time() - began < 1
    assert not has_fragment(told, TOKEN)


# What is a secret.


def found(**values):
    return secrets_in_settings(SimpleNamespace(**values))


def test_the_names_of_secrets_are_those_of_django_and_more():
    from django.views.debug import SafeExceptionReporterFilter

    for part in SafeExceptionReporterFilter.hidden_settings.pattern.split("|"):
        assert SECRET_NAME.search(part)
        assert SECRET_NAME.search(f"my_{part.lower()}_setting")
        assert found(**{f"MY_{part}_X": "R4nd0m-value"}) == {"R4nd0m-value"}


def test_secrets_are_found_wherever_they_stand_in_the_settings():
    secrets = found(
        SECRET_KEY="django-insecure-1!2@3#",
        SECRET_KEY_FALLBACKS=["older-key-1", "older-key-2"],
        EMAIL_HOST_PASSWORD="mail-pw-1",
        PROBE_TOKENS=["token-one-1", "token-two-2"],
        STRIPE_API_KEY=b"sk_live_bytes",
        DATABASES={
            "default": {
                "USER": "shop",
                "PASSWORD": "db-pw-123",
                "OPTIONS": {"sslpassword": "ssl-pw-1", "service": "host=x password=libpq-1 user=y"},
            }
        },
        CACHES={"default": {"LOCATION": ["redis://:re/d@is-1@h:6379/0", "redis://u:other-1@h2"]}},
        BROKER_URL="amqp://guest:amqp%2Fpw1@mq//",
        STORAGES={"s3": {"OPTIONS": {"access_key": "AKIA123", "secret_key": ("s3-secret",)}}},
        RAVEN={"dsn": "https://0123456789abcdef@sentry.example.com/4"},
        SLACK_API_URL="https://hooks.example.com/services/T012AB/B012AB/XyZ123456789abc",
        ODBC={"OPTIONS": {"extra_params": "Server=x;PWD=odbc-pw-1;Trusted=no"}},
        SENDGRID_API_KEY="SG.abcDEF123.ghiJKL456",
        JWT_SIGNING_KEY="eyJhbGciOi.eyJzdWIiOi.SflKxwRJ",
        LEADING_SLASH_SECRET="/9j/4AAQSkZJRgABAQ==",
    )
    assert secrets >= {
        *("django-insecure-1!2@3#", "older-key-1", "older-key-2", "mail-pw-1"),
        *("token-one-1", "token-two-2", "sk_live_bytes", "db-pw-123", "ssl-pw-1", "libpq-1"),
        *("re/d@is-1", "other-1", "amqp%2Fpw1", "AKIA123", "s3-secret", "0123456789abcdef"),
        *(
            "XyZ123456789abc",
            "odbc-pw-1",
            "SG.abcDEF123.ghiJKL456",
            "eyJhbGciOi.eyJzdWIiOi.SflKxwRJ",
        ),
        "/9j/4AAQSkZJRgABAQ==",
    }
    basic = base64.b64encode(b"u:other-1").decode().rstrip("=")
    assert basic in secrets
    assert not secrets & {"shop", "guest", "default", "redis", "s3", "host=x", "Server=x"}


def test_what_only_looks_secret_by_its_name_is_left_alone():
    assert not found(
        AUTH_USER_MODEL="accounts.User",
        AUTHENTICATION_BACKENDS=["django.contrib.auth.backends.ModelBackend"],
        AUTH_PASSWORD_VALIDATORS=[{"NAME": "django.contrib.auth.password_validation.X"}],
        PASSWORD_HASHERS=["django.contrib.auth.hashers.PBKDF2PasswordHasher"],
        PASSWORD_RESET_TIMEOUT=259200,
        CSRF_COOKIE_NAME="csrftoken",
        CSRF_HEADER_NAME="HTTP_X_CSRFTOKEN",
        CSRF_TRUSTED_ORIGINS=["https://shop.example.com"],
        CACHES={"default": {"KEY_PREFIX": "shop_v2", "KEY_FUNCTION": "django.core.cache.x"}},
        CACHE_MIDDLEWARE_KEY_PREFIX="shop_v2",
        REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": ["django.contrib.auth.Backend"]},
        SIMPLE_JWT={
            "AUTH_HEADER_TYPES": ("Bearer",),
            "AUTH_HEADER_NAME": "HTTP_AUTHORIZATION",
            "TOKEN_TYPE_CLAIM": "token_type",
        },
        API_URL="https://api.example.com/v1/orders",
        API_PREFIX="/api/v1/",
        SSL_KEY_FILE="/etc/passwd",
        DATABASES={
            "default": {"USER": "reporting", "NAME": "reports", "PASSWORD": "reporting"},
            "local": {"USER": "root", "PASSWORD": "postgres"},
        },
        API_TIMEOUT_SECONDS="120",
        AUTH_FLAG=True,
        SECRET_OF_NO_LENGTH="",
        PIN_KEY="12345",
        TOKEN_LIFETIME=None,
    )


def test_settings_that_cannot_be_read_or_hold_themselves_do_no_harm():
    class Strange:
        SELF_KEY: dict[str, object] = {"deeper": {"password": "found-it-1"}}
        DATABASES = {"default": {1: "x", None: "y", "PASSWORD": object()}}

        @property
        def SECRET_KEY(self):
            raise RuntimeError("must not be empty")

    Strange.SELF_KEY["self"] = [Strange.SELF_KEY]
    assert secrets_in_settings(Strange()) == {"found-it-1"}


# The whole command, in every format.

SETTINGS = """
    SECRET_KEY = "django-insecure-Key!4711-of-tests"
    SHOP_TOKENS = ["probe-token-81-zz", "probe-token-82-zz"]
    DATABASES["other"] = {
        "ENGINE": "django.db.backends.postgresql", "NAME": "shop", "USER": "shop",
        "PASSWORD": "Db/p@ss 4711'x", "HOST": "nowhere.invalid",
        "OPTIONS": {"passfile": "none", "sslpassword": "Ssl_pass4711"},
    }
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://:R3dis%2Fsecret@127.0.0.1:1/0", "KEY_PREFIX": "shop_v2",
        },
    }
"""
ENVIRON = {"SHOP_API_TOKEN": "from-environment-4711"}
SECRETS = [
    *("from-environment-4711", "unkn0wn-4711"),
    *("django-insecure-Key!4711-of-tests", "probe-token-81-zz", "probe-token-82-zz"),
    *("Db/p@ss 4711'x", "Ssl_pass4711", "R3dis%2Fsecret", "R3dis/secret"),
]

LEAKING = '''
    import logging, os, sys, unittest
    from django.conf import settings
    from django_probe import tag, timeout

    TOKEN, OTHER = settings.SHOP_TOKENS
    KEY = settings.SECRET_KEY
    PASSWORD = settings.DATABASES["other"]["PASSWORD"]
    EVERY = [TOKEN, OTHER, KEY, PASSWORD, "Ssl_pass4711", settings.CACHES["default"]["LOCATION"]]

    class Leaks(unittest.TestCase):
        def test_message(self):
            raise ValueError(f"all of them: {EVERY} {KEY.encode()!r}")
        def test_failure(self):
            self.assertEqual(EVERY, [])
        def test_source_line(self):
            raise ValueError("django-insecure-Key!4711-of-tests"[:0] + "probe-token-81-zz")
        def test_cause(self):
            try:
                raise KeyError(PASSWORD)
            except KeyError as exc:
                raise OSError from exc
        def test_reason(self):
            self.skipTest(f"no access with {EVERY}")
        def test_sub_tests(self):
            for secret in EVERY:
                with self.subTest(secret, secret=secret):
                    self.assertEqual(secret, "")
        def test_output(self):
            from urllib.parse import quote
            for secret in EVERY:
                print(secret[:7], end="")
                print(secret[7:])
                print(quote(secret), quote(secret, safe=""), file=sys.stderr)
                logging.getLogger("shop").error("with %s", secret)
                sys.stdout.buffer.write(secret.encode() + b"\\n")
        def test_output_over_the_cut(self):
            print("x" * (32 * 1024 - 5) + TOKEN + "x" * 50_000 + KEY + "x" * (32 * 1024 - 5))
        def test_described(self):
            """Ask with probe-token-81-zz."""
        @timeout(0.2)
        def test_hangs(self):
            while "probe-token-81-zz":
                pass
        def test_in_cleanup(self):
            self.addCleanup(self.fail, PASSWORD)
        def test_class_of_error(self):
            raise type("Error_Ssl_pass4711", (Exception,), {})
        @unittest.expectedFailure
        def test_expected(self):
            self.fail(KEY)
        def test_exit(self):
            sys.exit(KEY)
        @tag("Ssl_pass4711")
        def test_tag(self):
            pass

    setattr(Leaks, "test_named_Ssl_pass4711", lambda self: None)

    class Described(unittest.TestCase):
        def shortDescription(self):
            return KEY
        def test_1(self):
            pass

    class Setup(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            raise ValueError(KEY)
        def test_1(self): pass
        def test_2(self): pass

    class Teardown(unittest.TestCase):
        @classmethod
        def tearDownClass(cls):
            raise ValueError(KEY)
        def test_1(self): pass

    class Skips(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            raise unittest.SkipTest(PASSWORD)
        def test_1(self): pass

    class Ssl_pass4711(unittest.TestCase):
        @classmethod
        def tearDownClass(cls):
            self.fail("named in vain")
        def test_1(self):
            self.fail("named")

    class Unknown(unittest.TestCase):
        """Secrets that stand in no setting."""
        def test_in_environment(self):
            with self.subTest(os.environ["SHOP_API_TOKEN"]):
                raise ValueError(os.environ["SHOP_API_TOKEN"])
        def test_in_a_url(self):
            raise ConnectionError("postgres://shop:unkn0wn-4711@db:5432/shop refused")
        def test_in_a_connection_string(self):
            self.skipTest("host=db user=shop password=unkn0wn-4711")
        def test_in_a_header(self):
            print({"Authorization": "Bearer unkn0wn-4711"}, "\\nSet-Cookie: sessionid=unkn0wn-4711")
            self.assertEqual({"access_token": "unkn0wn-4711"}, {})
'''


def test_no_secret_is_in_any_record_of_any_format(make_project):
    project = make_project(
        {
            "shop/probes.py": LEAKING,
            "broken/probes.py": "from django.conf import settings\n"
            "raise ValueError(settings.SECRET_KEY)\n",
        },
        settings=SETTINGS,
    )
    formats = sorted(BUILT_IN.keys() - {"jsonl", "silent"})
    reports = [f"--report={name}={name}.report" for name in formats]
    done = project.probe("--format", "jsonl", "-v", "3", *reports, env=ENVIRON)
    assert done.returncode == 1, done.stderr
    texts = {name: (project.folder / f"{name}.report").read_text() for name in formats}
    texts["jsonl"] = done.stdout
    leaks = [
        (name, secret)
        for name, text in texts.items()
        for secret in SECRETS
        for form in {secret, quote(secret), html.escape(secret), repr(secret)[1:-1]}
        if form in text
    ]
    assert leaks == []
    assert all(MASK in text for text in texts.values())
    results = json.loads(texts["json"])["results"]
    assert len(results) == 27, results[0]
    assert not [r for r in results if "Ssl_pass" in r["id"] + r["label"]]
    assert "pass4711" not in done.stderr
    outcomes = {result["label"]: result["outcome"] for result in results}
    assert outcomes["shop.Leaks.test_reason"] == "skipped"
    assert outcomes["shop.Leaks.test_hangs"] == "timed_out"


def test_reports_of_a_usual_project_stay_readable(make_project):
    project = make_project(
        {
            "shop/probes.py": '''
                import unittest
                class Checkout(unittest.TestCase):
                    """Words that stand in settings too."""
                    def test_pay(self):
                        raise ValueError(
                            "postgres: password authentication failed for user postgres on"
                            " database django; csrftoken, shop_v2, Bearer token, auth.User,"
                            " https://api.example.com/v1/ is secret"
                        )
            '''
        },
        settings="""
            DATABASES["default"].update(USER="postgres", PASSWORD="postgres")
            DATABASES["other"] = {**DATABASES["default"], "PASSWORD": "secret"}
            CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache",
                                  "KEY_PREFIX": "shop_v2"}}
            API_URL = "https://api.example.com/v1/"
            JWT = {"AUTH_HEADER_TYPES": ["Bearer"]}
        """,
    )
    (result,) = project.results().values()
    assert MASK not in json.dumps(result)


def test_a_probe_that_never_ran_is_masked_too():
    import unittest

    Probe = type(
        "Probe",
        (unittest.TestCase,),
        {f"test_{name}": lambda self: self.fail() for name in ("a", "secret_name_4711")},
    )
    told = run(Probe, failfast=True, redactor=Redactor(["secret_name_4711"]))
    assert list(told.outcomes) == ["test_a", f"test_{MASK}"]
    assert list(told.outcomes.values()) == ["failed", "not_run"]


def test_what_a_reporter_or_the_command_itself_tells_on_stderr_is_masked_too(make_project):
    project = make_project(
        {
            "shop/probes.py": """
                import unittest
                class Checkout(unittest.TestCase):
                    def test_pay(self):
                        pass
            """,
            "lib/parts.py": """
                from django.conf import settings
                from django_probe.reporting import Reporter
                from django_probe.simple import DjangoProbeSuiteRunner
                class Hook(Reporter):
                    def run_finished(self, summary):
                        raise OSError(f"https://u:unkn0wn-4711@hook/ refused {settings.SECRET_KEY}")
                class Runner(DjangoProbeSuiteRunner):
                    def build_suite(self, selection):
                        raise RuntimeError(f"no {settings.SECRET_KEY}, password=unkn0wn-4711")
            """,
        },
        settings=SETTINGS,
    )
    done = project.probe("--format", "jsonl", "--report", "lib.parts.Hook=hook.txt")
    assert done.returncode == 3
    assert f"OSError: https://u:{MASK}@hook/ refused {MASK}" in done.stderr
    finished = json.loads(done.stdout.splitlines()[-1])
    assert (
        MASK in json.dumps(finished["summary"]["reporter_errors"])
        or not finished["summary"]["reporter_errors"]
    )
    project.write("more.py", "from settings import *\nPROBE_RUNNER = 'lib.parts.Runner'\n")
    done = project.probe("--settings", "more")
    assert done.returncode == 2
    assert f"RuntimeError: no {MASK}, password={MASK} - no verdict" in done.stderr
