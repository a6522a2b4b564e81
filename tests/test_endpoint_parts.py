"""The parts of ``/probe/`` that no server is needed for: tokens, clocks, the interpreter."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import sys
import time
from types import SimpleNamespace

import in_process  # noqa: F401 - makes settings, so that the views can be imported
import pytest
from django.conf import settings
from django.http import HttpRequest
from django.test import override_settings
from django.views.debug import ExceptionReporter

from django_probe.exceptions import ConfigurationError
from django_probe.tokens import holder, read_tokens
from django_probe.views import following, starting
from django_probe.views.following import Follower
from django_probe.views.pump import Pump
from django_probe.views.record import Ending, Run
from django_probe.views.refusing import Refusal
from django_probe.views.rendering import GZIP, pack

SHORT = "a-short-one"
TOKENS = [f"token-number-{number}-of-some-that-are-long" for number in range(5)]


@pytest.mark.parametrize("right", [0, 2, 4, None])
def test_every_token_is_compared_whichever_is_right(monkeypatch, right):
    compared = []
    real = hmac.compare_digest

    def compare(one, other):
        compared.append(one)
        return real(one, other)

    monkeypatch.setattr("secrets.compare_digest", compare)
    tokens = read_tokens(TOKENS)
    found = holder(tokens, "wrong" if right is None else TOKENS[right])
    assert found == (None if right is None else tokens[right])
    assert compared == [hashlib.sha256(token.encode()).digest() for token in TOKENS]


@pytest.mark.parametrize("credential", ["tokén", "\xff\xfe", "\ud800", "\u2028", "١٢٣"])
def test_a_credential_beyond_ascii_is_nobodys(credential):
    assert holder(read_tokens(TOKENS), credential) is None


def test_a_faulty_token_shows_the_others_in_no_log():
    """What the mail to the admins shows are the locals of each frame."""
    from django_probe.views.access import decide

    request = HttpRequest()
    request.META = {"HTTP_AUTHORIZATION": f"Bearer {TOKENS[0]}"}
    with override_settings(PROBE_TOKENS=[*TOKENS, SHORT], DEBUG=False):
        with pytest.raises(ConfigurationError) as caught:
            decide(request)
        reporter = ExceptionReporter(None, caught.type, caught.value, caught.tb.tb_next)
        shown = reporter.get_traceback_html() + reporter.get_traceback_text()
    assert "PROBE_TOKENS[5] has 11 characters" in shown
    for token in (*TOKENS, SHORT):
        assert token not in shown


@pytest.mark.parametrize("access", [5, "no.such.function", "asyncio.sleep", "os.getpid"])
def test_a_broken_door_lets_nobody_past_the_middleware(access, caplog):
    from django_probe.middleware import _may_pass

    request = HttpRequest()
    with override_settings(PROBE_ACCESS=access), caplog.at_level(logging.ERROR, "django_probe"):
        assert _may_pass(request) is False
    assert "PROBE_ACCESS failed" in caplog.text


def python_at(folder, name):
    path = folder / "bin" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("server", "executable"),
    [
        ("gunicorn, of the system", "/base/bin/python3"),
        ("gunicorn, of a virtual environment", "/venv/bin/python3"),
        ("uWSGI", "/usr/bin/uwsgi"),
        ("uWSGI with a virtual environment that was made with another Python", "/base/bin/python3"),
        ("mod_wsgi, which has none", ""),
        ("mod_wsgi, which is Apache", "/usr/sbin/apache2"),
        ("one that embeds Python and says nothing", None),
    ],
)
def test_the_interpreter_is_that_of_the_environment(monkeypatch, tmp_path, server, executable):
    base, venv = tmp_path / "base", tmp_path / "venv"
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    of_system, of_venv = python_at(base, name), python_at(venv, name)
    python_at(base, "python3"), python_at(venv, "python3")
    in_venv = server != "gunicorn, of the system"
    monkeypatch.setattr(sys, "prefix", str(venv if in_venv else base))
    monkeypatch.setattr(sys, "exec_prefix", sys.prefix)
    monkeypatch.setattr(sys, "base_prefix", str(base))
    given = executable and executable.replace("/base", str(base)).replace("/venv", str(venv))
    monkeypatch.setattr(sys, "executable", given)
    expected = given if server.startswith("gunicorn") else of_venv
    assert starting.find_python(None) == expected
    assert starting.find_python(of_system) == of_system


def test_where_there_is_no_interpreter_the_setting_is_named(monkeypatch, tmp_path):
    for name in ("prefix", "exec_prefix", "base_prefix"):
        monkeypatch.setattr(sys, name, str(tmp_path))
    monkeypatch.setattr(sys, "executable", "/usr/sbin/apache2")
    with pytest.raises(ConfigurationError, match="set PROBE_PYTHON"):
        starting.find_python(None)
    with pytest.raises(ConfigurationError, match="PROBE_PYTHON is '/tmp', expected the path"):
        starting.find_python("/tmp")


def test_the_child_is_not_told_who_asked(monkeypatch):
    monkeypatch.setenv("HTTP_AUTHORIZATION", "Bearer x")
    monkeypatch.setattr(settings, "SETTINGS_MODULE", "shop.settings", raising=False)
    given = starting._environment()
    assert "HTTP_AUTHORIZATION" not in given
    assert given["DJANGO_SETTINGS_MODULE"] == "shop.settings"
    assert all(map(os.path.isabs, given["PYTHONPATH"].split(os.pathsep)))


class Kept:
    """A shared cache that has one run."""

    def __init__(self, ended_at, *, young):
        self.about = {
            "key": "k", "pieces": 0, "planned": 0, "done": 0, "refusal": ["", ""],
            "ending": "finished", "ended_at": ended_at,
        }  # fmt: skip
        self.young = young

    def state(self, run_id):
        return self.about, self.young


@pytest.mark.parametrize("skew", [-86_400, -30, 0, 30, 86_400])
@pytest.mark.parametrize("young", [True, False])
def test_the_clock_of_another_host_makes_no_answer_older_or_younger(skew, young):
    run = Run("r", "k")
    with override_settings(PROBE_CACHE_SECONDS=10):
        assert Follower(run, Kept(time.time() + skew, young=young)).load()
    assert (run.ending, 0 <= run.age <= 10.5) == (Ending.FINISHED, young)


def test_an_answer_ages_whatever_is_done_to_the_clock(monkeypatch):
    run = Run("r", "k")
    run.end(Ending.FINISHED, age=3.0)
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert 3.0 <= run.age < 60.0


def pump(run):
    publisher = SimpleNamespace(end=lambda ending: None)
    return Pump(run, [], 5.0, publisher, lambda: None)


def test_what_somebody_else_prints_into_the_wire_is_left_out():
    """A sitecustomize that prints does so before the child has taken its stdout away."""
    run = Run("r", "k")
    pump(run)._take(
        b'welcome\n"run_started"\n{"v": 1, "event": "probe_started"}\n\xff\xfe\x00\n{"probe_finished": 1}\n'
    )
    assert run.lines == ['{"v": 1, "event": "probe_started"}']
    assert run.done == 0


def test_a_wire_may_come_in_any_pieces():
    run = Run("r", "k")
    feeding = pump(run)
    text = b'{"v": 1, "event": "probe_finished", "x": 1}\n{"v": 1, "event": "probe_finished"}\n'
    for at in range(len(text)):
        feeding._take(text[at : at + 1])
    assert (len(run.lines), run.done) == (2, 2)


def test_short_answers_are_not_packed():
    assert pack(b"short") == b"short"
    assert pack(b"long" * 1000).startswith(GZIP)


def test_followers_do_not_wait_for_a_worker_that_never_was(monkeypatch):
    store = SimpleNamespace(state=lambda run_id: (None, False))
    run = Run("r", "k")
    follower = Follower(run, store)
    assert follower.load() is False
    now = time.monotonic()
    monkeypatch.setattr(following.time, "monotonic", lambda: now + 60)
    assert follower.load() is True
    assert run.ending is Ending.LOST
    assert "run_finished" in run.lines[-1]


def test_a_refusal_is_one_line_whatever_it_quotes():
    from django_probe.views.refusing import refuse

    evil = "a\r\nSet-Cookie: x=1\x1b[31m\x00 <script>" + "x" * 10_000
    for name in ("json", "junit", "tap", "text", "nope"):
        response = refuse(Refusal(400, evil), name)
        assert len(response.content) < 1000
        assert b"\x1b" not in response.content
        assert b"\x00" not in response.content
        assert response.content.count(b"\n") <= 2
