"""The client: deployments asked, and saved wires told again, without a Django project."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from faults import EVENTS, WIRE, changed, listening, wire
from support import ROOT

from django_probe.events import ProbeFinished
from django_probe.results import Outcome
from django_probe.sample import sample_run
from django_probe.wire import encode

TOKEN = "a-token-that-nobody-may-ever-see-in-a-report"

BLOCKED = """
import runpy, sys
for name in {blocked!r}:
    sys.modules[name] = None
sys.argv = ["django-probe-remote", *sys.argv[1:]]
runpy.run_module("django_probe.client", run_name="__main__")
"""


def environment(**extra):
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PROBE_", "DJANGO_SETTINGS"))}
    if "DJANGO_PROBE_TEST_INSTALLED" not in os.environ:
        env["PYTHONPATH"] = str(ROOT)
    return {**env, "PROBE_TOKEN": TOKEN, "PYTHONDONTWRITEBYTECODE": "1", **extra}


def client(*args, cwd=None, blocked=("django",), env=None, **kwargs):
    """Run the client where Django cannot be imported."""
    return subprocess.run(
        [sys.executable, "-c", BLOCKED.format(blocked=blocked), *map(str, args)],
        env=environment(**(env or {})),
        cwd=cwd,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        **kwargs,
    )


def lines(events):
    return b"".join(f"{encode(event)}\n".encode() for event in events)


RED = [
    replace(event, result=replace(event.result, outcome=Outcome.FAILED, blocking=True))
    if isinstance(event, ProbeFinished) and event.result.probe.index == 1
    else event
    for event in EVENTS
]


@pytest.fixture
def green():
    with listening(wire(*WIRE)) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def red():
    with listening(wire(lines(RED))) as port:
        yield f"http://127.0.0.1:{port}"


def test_one_deployment_is_reported_as_the_command_reports_it(green):
    done = client(green, "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert report["ok"] is True
    assert [result["target"] for result in report["results"]] == [None] * 4


def test_several_are_told_apart_and_one_red_is_red(green, red, tmp_path):
    done = client(f"eu={green}", f"us={red}", "--report", "junit=all.xml", cwd=tmp_path)
    assert done.returncode == 1
    root = ET.parse(tmp_path / "all.xml").getroot()
    names = {case.get("classname") for case in root.iter("testcase")}
    assert names == {"eu.shop.probes.Checkout", "us.shop.probes.Checkout"}
    assert "shop.Checkout.test_1 [us]" in done.stdout
    again = f"django-probe-remote eu={green} us={red} --target us shop.Checkout.test_1\n"
    assert again in done.stdout
    assert client(*shlex.split(again)[1:-1]).returncode == 1
    narrow = f"django-probe-remote {red} --exclude-tag slow -k '*Checkout*' shop.Checkout.test_1\n"
    assert narrow in client(*shlex.split(narrow)[1:-1]).stdout
    assert client(f"eu={green}", f"us={red}", "--target", "e*").returncode == 0


def test_the_host_names_what_nobody_named(green, red):
    done = client(green, red, "--format", "json")
    aliases = list(json.loads(done.stdout)["by_target"])
    assert sorted(aliases) == sorted(
        url.removeprefix("http://").replace(".", "-").replace(":", "-") for url in (green, red)
    )


def test_what_is_asked_reaches_the_other_side():
    heads = []

    def answer(peer):
        heads.append(peer.head.decode())
        wire(*WIRE)(peer)

    with listening(answer) as port:
        url = f"http://127.0.0.1:{port}/-/probe"
        done = client(url, "shop", "--label", "crm", "--tag", "smoke", "--exclude-tag", "slow",
                      "-k", "pay", "--format", "silent")  # fmt: skip
    assert done.returncode == 0, done.stderr
    first = heads[0].splitlines()[0]
    assert first.startswith(
        "GET /-/probe/?label=crm&label=shop&tag=smoke&exclude_tag=slow&k=%2Apay"
    )
    assert f"Authorization: Bearer {TOKEN}" in heads[0]


def test_each_alias_may_have_a_token_of_its_own():
    heads = []

    def answer(peer):
        heads.append(peer.head.decode())
        wire(*WIRE)(peer)

    with listening(answer) as port:
        url = f"http://127.0.0.1:{port}"
        done = client(
            f"eu-1={url}", f"us={url}", "--format", "silent", env={"PROBE_TOKEN_EU_1": "x1"}
        )
        assert done.returncode == 0, done.stderr
        assert sorted(h.count("Bearer x1") for h in heads) == [0, 1]
        client(url, "--no-token")
    assert "Authorization" not in heads[-1]


def test_the_token_is_in_no_report():
    told = replace(EVENTS[2].result, stdout=f"sent {TOKEN}\n")
    answer = wire(*WIRE[:2], lines([ProbeFinished(result=told)]), *WIRE[3:])
    with listening(answer) as port:
        done = client(f"http://127.0.0.1:{port}", "--format", "json")
    assert done.returncode == 0
    assert TOKEN not in done.stdout
    assert "sent ****" in done.stdout


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ([], "No URL, expected one at least, as https://shop.example/probe/; see"),
        (["shop.example"], "'shop.example' is no URL, expected one at least, as https://"),
        (["eu=shop.example"], "The URL is 'shop.example', expected the URL of a /probe/"),
        (["eu=https://a.example", "--target", "us"], "--target 'us' is no target: there are eu."),
        (["https://u:hunter2@shop.example/"], "The URL has a user or a password in it"),
        (["e.u=https://shop.example/"], "an alias is made of letters, digits, '_' and '-'"),
        (["https://a.example/x", "https://a.example/y"], "Two URLs have the alias 'a-example'"),
        (["https://a.example/", "--wait", "soon"], "argument --wait: 'soon' is not a number"),
        (["https://a.example/", "--wai", "1"], "unrecognized arguments: --wai 1"),
        (["https://a.example/", "--ca", "/none"], "'/none' cannot be used for TLS"),
        (["https://a.example/", "--format", "junti"], "did you mean 'junit'?"),
        (["https://a.example/", "--from", "x.jsonl"], "--from got a URL, expected none"),
        (["--from", "x.jsonl", "--stable", "2"], "--from got --stable, expected none"),
        (["--from", "x.jsonl"], "The wire 'x.jsonl' cannot be read: No such file or directory"),
    ],
    ids=str,
)
def test_what_is_wrong_is_told_in_one_line(args, told, tmp_path):
    done = client(*args, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("django-probe-remote: ")
    assert done.stderr.count("\n") == 1
    assert told in done.stderr
    assert "hunter2" not in done.stderr


def test_a_traceback_has_no_token_either():
    done = client(f"eu={TOKEN}", "--traceback")
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert TOKEN not in done.stderr


def test_a_missing_token_is_told():
    done = client("https://shop.example", env={"PROBE_TOKEN": ""})
    assert done.returncode == 2
    assert "The environment has no PROBE_TOKEN" in done.stderr


@pytest.mark.parametrize("name", ["PROBE_TOKEN", "PROBE_TOKEN_EU"])
def test_a_token_that_no_header_carries_is_told_by_its_name(name):
    done = client("eu=https://shop.example", env={name: f"{TOKEN}\n{TOKEN}"})
    assert done.returncode == 2
    assert done.stderr.startswith(f"django-probe-remote: {name} holds what no header carries")
    assert TOKEN not in done.stderr


def test_a_missing_library_is_told():
    done = client("https://shop.example", blocked=("django", "urllib3"))
    assert done.returncode == 2
    assert "pip install 'django-probe-runner[remote]'" in done.stderr


def test_nobody_there_is_4_and_a_release_too(green):
    assert client("http://127.0.0.1:1", "--connect-retries", "0").returncode == 4
    assert client(green, "--expect-release", "2026.4").returncode == 4
    assert client(green, "--expect-release", "2026.3").returncode == 0


def test_it_waits_until_all_is_ok():
    asked = []

    def answer(peer):
        asked.append(1)
        wire(lines(RED) if len(asked) < 3 else lines(EVENTS))(peer)

    with listening(answer) as port:
        done = client(
            f"http://127.0.0.1:{port}", "--wait", "30", "--retry-delay", "0.01", "--stable", "2"
        )
    assert done.returncode == 0
    assert len(asked) == 5  # Two red, what was red, and all of it twice.
    assert done.stderr.startswith("Round 1: 1 of 4 not ok: shop.Checkout.test_1 failed;")


def test_a_signal_ends_it_with_a_whole_report():
    answer = wire(*WIRE[:3], then=lambda peer: peer.gone())
    with listening(answer) as port:
        process = subprocess.Popen(
            [sys.executable, "-m", "django_probe.client", f"http://127.0.0.1:{port}",
             "--format", "jsonl"],
            env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        with process:
            told = [next(process.stdout) for _ in range(3)]
            process.send_signal(signal.SIGTERM)
            told += process.stdout
    assert process.returncode == 143
    events = [json.loads(line) for line in told]
    outcomes = [e["result"]["outcome"] for e in events if e["event"] == "probe_finished"]
    assert outcomes == ["passed", "not_run", "not_run", "not_run"]
    assert events[-1]["summary"]["interrupted"] == signal.SIGTERM


@pytest.mark.once
def test_it_starts_as_fast_as_requests_is_imported(tmp_path):
    pytest.importorskip("requests")
    # Both compiled, as what is installed is: by the first start, in a folder of their own.
    compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path)}
    starts = {
        "client": ["-c", "import django_probe.client, django_probe.targets.asking"],
        "requests": ["-c", "import requests"],
    }
    taken = {name: [] for name in starts}
    for _ in range(7):
        for name, arguments in starts.items():
            began = time.perf_counter()
            env = {**environment(), **compiled}
            subprocess.run([sys.executable, *arguments], env=env, check=True)
            taken[name].append(time.perf_counter() - began)
    # The quickest of each: what else the machine does only ever adds to them.
    assert min(taken["client"]) < 1.5 * min(taken["requests"])


# Replays.


def test_a_saved_wire_becomes_any_report(tmp_path):
    (tmp_path / "run.jsonl").write_bytes(lines(sample_run()))
    done = client("--from", "run.jsonl", "--format", "json", cwd=tmp_path)
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert report["run"]["duration"] == 4.5
    assert (report["run"]["release"], report["run"]["instance"]) == ("2026.3", "web-1")
    assert report["run"]["started_at"] == "2026-03-01T12:00:00+00:00"
    assert len(report["results"]) == 15
    assert report["results"][0]["target"] is None


def test_wires_of_several_jobs_become_one_report(tmp_path):
    (tmp_path / "unit.jsonl").write_bytes(lines(EVENTS))
    (tmp_path / "many.jsonl").write_bytes(lines(sample_run("eu", "us")))
    done = client("--from", "unit.jsonl", "many.jsonl", "late=unit.jsonl", "--format", "json",
                  "--report", "junit=all.xml", cwd=tmp_path)  # fmt: skip
    report = json.loads(done.stdout)
    assert done.returncode == 1
    totals = {alias: counts["total"] for alias, counts in report["by_target"].items()}
    assert {alias: totals[alias] for alias in ("unit", "eu", "us", "late")} == {
        "unit": 4,
        "eu": 15,
        "us": 15,
        "late": 4,
    }
    assert [failed["target"] for failed in report["failed_targets"]] == ["us-2"]
    suites = ET.parse(tmp_path / "all.xml").getroot().findall("testsuite")
    assert sum(int(suite.get("tests")) for suite in suites) >= 38


def test_no_report_takes_the_place_of_a_wire_that_is_read(tmp_path):
    saved = tmp_path / "smoke.jsonl"
    saved.write_bytes(b"".join(WIRE))
    for options in (["--report", "junit=./smoke.jsonl"], ["--output", saved]):
        done = client("--from", "smoke.jsonl", *options, cwd=tmp_path)
        assert done.returncode == 2
        assert "A report goes to 'smoke.jsonl', which is read" in done.stderr
        assert saved.read_bytes() == b"".join(WIRE)


def test_stdin_is_a_wire_too():
    done = client("--from", "-", "--format", "tap", input=lines(EVENTS).decode())
    assert done.returncode == 0
    assert "ok 4 shop.probes.Checkout.test_3" in done.stdout


def test_two_wires_of_one_target_are_refused(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.jsonl").write_bytes(lines(sample_run("eu", "us")))
    done = client("--from", "a.jsonl", "b.jsonl", cwd=tmp_path)
    assert done.returncode == 2
    assert "The target 'eu' is in 'a.jsonl' and 'b.jsonl'" in done.stderr
    done = client("--from", "a.jsonl", "old=b.jsonl", "--format", "json", cwd=tmp_path)
    assert {"eu", "us", "old-eu", "old-us"} <= set(json.loads(done.stdout)["by_target"])


@pytest.mark.parametrize(
    ("content", "kind", "left"),
    [
        (b"".join(WIRE[:5]), "BrokenOff", 4),
        (b"".join(WIRE[:5]) + WIRE[5][:30], "WireError", 4),
        (b"", "BrokenOff", 0),
        (b"\x1f\x8b\x08\x00garbage\n", "WireError", 0),
        (changed(WIRE[0], v=9) + b"".join(WIRE[1:]), "WireError", 0),
        (b"".join([*WIRE[:3], *WIRE[1:]]), "WireError", 4),
    ],
    ids=["cut", "half a line", "empty", "garbage", "newer", "twice"],
)
def test_a_wire_that_is_broken_is_a_target_that_failed(content, kind, left, tmp_path):
    (tmp_path / "bad.jsonl").write_bytes(content)
    (tmp_path / "good.jsonl").write_bytes(lines(EVENTS))
    done = client("--from", "bad.jsonl", "good.jsonl", "--format", "json", cwd=tmp_path)
    report = json.loads(done.stdout)
    assert done.returncode == 4
    (failed,) = report["failed_targets"]
    assert failed["target"] == "bad"
    assert failed["error"]["exception_class_path"] == kind
    assert report["by_target"]["good"]["passed"] == 4
    assert len([r for r in report["results"] if r["target"] == "bad"]) == left
