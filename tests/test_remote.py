"""Remote targets: what is asked, what is believed, and what each fault becomes."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import sys
import threading
import time
from dataclasses import replace

import pytest
import trustme
from faults import EVENTS, FAULTS, OK, WIRE, Peer, changed, expired, listening, status, wire

from django_probe.deadline import Deadline
from django_probe.events import (
    FixtureFailed,
    ProbeFinished,
    ProbeStarted,
    RunStarted,
    TargetFailed,
)
from django_probe.exceptions import ConfigurationError, UnknownTarget
from django_probe.executors.threads import ThreadsExecutor
from django_probe.fitting import fitting_line
from django_probe.redaction import Redactor
from django_probe.results import ErrorDetail, Outcome, SubTestResult
from django_probe.run_config import RunConfig
from django_probe.sample import sample_run
from django_probe.selection import Selection
from django_probe.targets.assembly import choose
from django_probe.targets.base import Setup
from django_probe.targets.place import Place
from django_probe.targets.remote import RemoteTarget
from django_probe.wire import encode
from django_probe.wire_lines import LINE_LIMIT

PASSED = [Outcome.PASSED] * 4
DEADLINE = 20


def ask(port, *, scheme="http", deadline=DEADLINE, selection=None, config=None, **place):
    options = {"timeout": 5, "retries": 0, **place}
    target = RemoteTarget(
        Place(url=f"{scheme}://127.0.0.1:{port}/probe/", **options),
        config or RunConfig(),
        alias="eu",
    )
    deadline = deadline if isinstance(deadline, Deadline) else Deadline(deadline)
    return list(target.run(selection or Selection(), deadline))


def answered(answer, **options):
    with listening(answer) as port:
        return ask(port, **options)


def results(events):
    return [event.result for event in events if isinstance(event, ProbeFinished)]


def outcomes(events):
    return [result.outcome for result in results(events)]


def failures(events):
    return [event.error for event in events if isinstance(event, TargetFailed)]


def failure(events):
    (error,) = failures(events)
    return error


def hold_the_promise(events, planned=None):
    """What every target owes, whatever it is told."""
    assert isinstance(events[0], RunStarted)
    assert not [event for event in events[1:] if isinstance(event, RunStarted)]
    planned = planned or events[0].planned or 0
    told = results(events)
    assert len(told) == planned
    assert len({result.probe.index for result in told}) == planned
    assert {result.target for result in told} <= {"eu"}
    begun = [event.probe.index for event in events if isinstance(event, ProbeStarted)]
    assert len(set(begun)) == len(begun)


def test_what_it_tells_are_the_events_of_this_run():
    config = RunConfig()
    events = answered(wire(*WIRE), config=config)
    hold_the_promise(events)
    assert outcomes(events) == PASSED
    assert events[0].run_id == config.run_id
    assert (events[0].targets, events[0].release, events[0].instance) == (
        ("eu",),
        "2026.3",
        "web-1",
    )
    assert [type(event) for event in events] == [type(event) for event in EVENTS[:-1]]
    assert [r.probe for r in results(events)] == [e.result.probe for e in EVENTS[2:-1:2]]


def test_everything_that_a_result_can_hold_comes_over():
    run = sample_run()
    events = answered(wire(*(f"{encode(event)}\n".encode() for event in run)))
    hold_the_promise(events)
    mine = [event.result for event in run if isinstance(event, ProbeFinished)]
    for told, result in zip(results(events), mine, strict=True):
        attempts = tuple(
            replace(attempt, target="eu", blocking=False) for attempt in result.attempts
        )
        assert told == replace(result, target="eu", attempts=attempts)
    assert [e.fixture for e in events if isinstance(e, FixtureFailed)] == [
        "shop.probes.Stock.tearDownClass"
    ]


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_told_and_what_came_before_it_is_kept(name):
    kind, answer = FAULTS[name]
    short = name in ("black hole", "never ends")
    began = time.monotonic()
    events = answered(
        answer,
        timeout=0.3 if short else 5,
        deadline=0.5 if name in ("slow drip", "429") else DEADLINE,
    )
    assert time.monotonic() - began < DEADLINE
    hold_the_promise(events)
    assert [error.exception_class_path for error in failures(events)] == [kind][: bool(kind)]


def test_what_was_received_is_kept_and_the_rest_did_not_run():
    events = answered(wire(*WIRE[:6]))
    assert outcomes(events) == [Outcome.PASSED, Outcome.PASSED, Outcome.NOT_RUN, Outcome.NOT_RUN]
    begun, unnamed = results(events)[2:]
    assert begun.probe.label == "shop.Checkout.test_2"
    assert unnamed.probe.label == "not_told.probe_4"
    assert begun.blocking
    assert begun.reason == "not told: its wire ends before 'run_finished'"


def test_nothing_of_a_name_reaches_a_terminal():
    events = answered(FAULTS["escape sequences in names"][1])
    first = results(events)[0].probe
    assert first.id == "shop.probes.test_red::error::x"
    assert first.description == "test_red::error::x"


def test_counts_and_verdicts_are_made_anew():
    red = replace(EVENTS[2].result, outcome=Outcome.FAILED, blocking=False)
    lines = [*WIRE[:2], f"{encode(ProbeFinished(result=red))}\n".encode(), *WIRE[3:]]
    (first, *_) = results(answered(wire(*lines)))
    assert first.blocking
    warned = replace(red, probe=replace(red.probe, severity="warning"), blocking=True)
    lines[2] = f"{encode(ProbeFinished(result=warned))}\n".encode()
    assert not results(answered(wire(*lines)))[0].blocking
    assert results(answered(wire(*lines), config=RunConfig(strict=True)))[0].blocking


def test_a_red_verdict_on_what_looks_green_fails_the_target():
    summary = {**json.loads(WIRE[-1])["summary"], "fixture_errors": 1}
    assert failure(answered(wire(*WIRE[:-1], changed(WIRE[-1], summary=summary)))) == ErrorDetail(
        exception_class_path="NotOk",
        message="its own verdict is that something is not ok, and nothing that it told is",
    )


def test_secrets_are_masked_here_too():
    config = RunConfig(redactor=Redactor({"hunter2-hunter2"}))
    result = replace(EVENTS[2].result, stdout="it is hunter2-hunter2\n")
    lines = [*WIRE[:2], f"{encode(ProbeFinished(result=result))}\n".encode(), *WIRE[3:]]
    assert "hunter2" not in results(answered(wire(*lines), config=config))[0].stdout


@pytest.mark.parametrize(
    "values",
    [
        {"duration": float("nan")},
        {"duration": -1},
        {"duration": "1"},
        {"duration": 10**400},
        {"index": None},
        {"index": 1e300},
        {"id": 7},
        {"label": ["x"]},
        {"severity": "fatal"},
        {"tags": [1]},
        {"tags": ["x"] * 20_001},
        {"stdout": {"a": 1}},
        {"reason": None},
        {"started_at": "2026-03-01T12:00:00"},
        {"started_at": "0001-01-01T00:00:00+23:00"},
        {"outcome": "fine"},
        {"error": "it failed"},
        {"subtests": [{"description": "x", "outcome": "passed", "count": -4}]},
        {"attempts": [{"outcome": "failed"}]},
    ],
    ids=str,
)
def test_values_that_are_none_of_the_wire_fail_the_target(values):
    result = {**json.loads(WIRE[2])["result"], **values}
    events = answered(wire(*WIRE[:2], changed(WIRE[2], result=result), *WIRE[3:]))
    hold_the_promise(events)
    assert failure(events).exception_class_path == "WireError"
    assert Outcome.PASSED not in outcomes(events)


def test_brackets_without_end_fail_the_target():
    events = answered(wire(WIRE[0], b'{"v": 1, "event": ' + b"[" * 100_000 + b"\n"))
    assert failure(events).exception_class_path == "WireError"


@pytest.mark.parametrize("planned", [-1, 10**9, "4", [], 1.0e300])
def test_no_plan_beyond_measure_is_believed(planned):
    events = answered(wire(changed(WIRE[0], planned=planned), *WIRE[1:]))
    assert events[0].planned is None
    assert failure(events).exception_class_path == "WireError"


@pytest.mark.parametrize("targets", [["eu", 7], ["t"] * 1001, [["x"]], {"a": 1, "b": 2}, 7])
def test_targets_that_are_none_fail_the_target(targets):
    events = answered(wire(changed(WIRE[0], targets=targets), *WIRE[1:]))
    hold_the_promise(events)
    assert failure(events).exception_class_path == "WireError"


def test_it_asks_for_the_selection_anew_and_as_it_happens():
    heads = []

    def answer(peer):
        heads.append(peer.head.decode())
        wire(*WIRE)(peer)

    selection = Selection(
        labels=("shop.Checkout",),
        tags=frozenset({"a&b"}),
        exclude_tags=frozenset({"slow"}),
        patterns=("*pay*",),
    )
    config = RunConfig()
    answered(answer, selection=selection, token="s3cret", config=config)
    first, *headers = heads[0].splitlines()
    assert first == (
        "GET /probe/?label=shop.Checkout&tag=a%26b&exclude_tag=slow&k=%2Apay%2A&fresh=1&local=1&stream=1"
        " HTTP/1.1"
    )
    assert "Authorization: Bearer s3cret" in headers
    assert "Accept-Encoding: identity" in headers
    assert f"X-Probe: {config.run_id}/" in headers


def test_other_releases_are_not_asked_further():
    hung_up = []
    answer = wire(WIRE[0], then=lambda peer: hung_up.append(peer.gone()))
    events = answered(answer, config=RunConfig(expect_release="2026.4"))
    hold_the_promise(events)
    assert failure(events).exception_class_path == "WrongRelease"
    assert outcomes(events) == [Outcome.NOT_RUN] * 4
    assert hung_up == [True]
    assert not failures(answered(wire(*WIRE), config=RunConfig(expect_release="2026.3")))


def test_a_connection_is_tried_again_within_the_deadline():
    asked = []

    def answer(peer):
        asked.append(1)
        if len(asked) == 3:
            wire(*WIRE)(peer)

    assert outcomes(answered(answer, retries=2)) == PASSED
    del asked[:]
    events = answered(answer, retries=1)
    assert failure(events).message.startswith("the connection was closed before an answer came")
    began = time.monotonic()
    events = answered(lambda peer: None, retries=1000, deadline=0.5)
    assert time.monotonic() - began < 5
    assert failures(events)


def test_a_refusal_is_not_asked_again():
    asked = []

    def answer(peer):
        asked.append(1)
        status(401)(peer)

    answered(answer, retries=5)
    assert len(asked) == 1


def test_one_that_is_busy_is_asked_until_it_is_not():
    asked = []

    def answer(peer):
        asked.append(1)
        (status(429, "Retry-After: 0") if len(asked) < 3 else wire(*WIRE))(peer)

    assert outcomes(answered(answer, retries=0)) == PASSED
    assert len(asked) == 3


def test_nobody_there():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    events = ask(port)
    hold_the_promise(events)
    assert failure(events) == ErrorDetail(
        exception_class_path="Unreachable",
        message=f"no connection to 127.0.0.1:{port}: Connection refused",
    )


def test_a_signal_ends_a_wait_at_once():
    deadline = Deadline()

    def answer(peer):
        peer.send(OK, *WIRE[:3])
        deadline.expire("interrupted (SIGTERM)", signal=15)
        peer.gone()

    began = time.monotonic()
    events = answered(answer, deadline=deadline, timeout=60)
    assert time.monotonic() - began < 10
    assert failure(events) == ErrorDetail(
        exception_class_path="Deadline", message="interrupted (SIGTERM)"
    )


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    made = trustme.CA()
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    path.write_bytes(made.cert_pem.bytes())
    return made, str(path)


def test_certificates_are_checked_by_the_authority_that_is_named(authority):
    made, path = authority
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("127.0.0.1").configure_cert(context)
    with listening(wire(*WIRE), tls=context) as port:
        assert outcomes(ask(port, scheme="https", ca=path)) == PASSED
        error = failure(ask(port, scheme="https"))
    assert error.exception_class_path == "TlsFailed"
    assert "unable to get local issuer certificate" in error.message


def test_a_certificate_of_another_name_is_refused(authority):
    made, path = authority
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("other.example").configure_cert(context)
    with listening(wire(*WIRE), tls=context) as port:
        error = failure(ask(port, scheme="https", ca=path))
    assert error.exception_class_path == "TlsFailed"
    assert "IP address mismatch" in error.message


def test_a_certificate_of_yesterday_is_refused(tmp_path):
    context, pem = expired()
    (tmp_path / "ca.pem").write_bytes(pem)
    with listening(wire(*WIRE), tls=context) as port:
        error = failure(ask(port, scheme="https", ca=str(tmp_path / "ca.pem")))
    assert error.message == f"no trusted connection to 127.0.0.1:{port}: certificate has expired"


def test_a_certificate_of_ours_is_shown(authority, tmp_path):
    made, path = authority
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("127.0.0.1").configure_cert(context)
    made.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    own = tmp_path / "own.pem"
    own.write_bytes(made.issue_cert("ci@shop.example").private_key_and_cert_chain_pem.bytes())
    with listening(wire(*WIRE), tls=context) as port:
        assert outcomes(ask(port, scheme="https", ca=path, cert=str(own))) == PASSED
        assert failures(ask(port, scheme="https", ca=path))


def test_a_silent_server_ends_a_wait_in_tls_too(authority):
    made, path = authority
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("127.0.0.1").configure_cert(context)
    with listening(wire(*WIRE[:3], then=lambda peer: peer.gone()), tls=context) as port:
        events = ask(port, scheme="https", ca=path, timeout=0.3)
    assert failure(events).exception_class_path == "Silent"
    assert outcomes(events) == [Outcome.PASSED, *[Outcome.NOT_RUN] * 3]


def test_one_address_is_asked_by_its_name():
    heads = []

    def answer(peer):
        heads.append(peer.head.decode())
        wire(*WIRE)(peer)

    with listening(answer, host="127.0.0.2") as port:
        place = Place(url=f"http://shop.invalid:{port}/probe/", address="127.0.0.2", retries=0)
        events = list(RemoteTarget(place, RunConfig(), alias="eu").run(Selection(), Deadline(9)))
    assert outcomes(events) == PASSED
    assert f"Host: shop.invalid:{port}" in heads[0]
    assert events[0].instance == "web-1 (127.0.0.2)"


def test_one_address_is_asked_by_its_name_in_tls(authority):
    made, path = authority
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("shop.invalid").configure_cert(context)
    names = []
    context.sni_callback = lambda sock, name, context: names.append(name)
    with listening(wire(*WIRE), tls=context) as port:
        place = Place(url=f"https://shop.invalid:{port}/probe/", address="127.0.0.1", ca=path)
        events = list(RemoteTarget(place, RunConfig(), alias="eu").run(Selection(), Deadline(9)))
    assert outcomes(events) == PASSED
    assert names == ["shop.invalid"]


def test_a_proxy_of_the_environment_is_asked(monkeypatch):
    heads = []

    def answer(peer):
        heads.append(peer.head.decode())
        wire(*WIRE)(peer)

    with listening(answer) as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        monkeypatch.delenv("no_proxy", raising=False)
        place = Place(url="http://shop.invalid/probe/", retries=0)
        events = list(RemoteTarget(place, RunConfig(), alias="eu").run(Selection(), Deadline(9)))
        assert outcomes(events) == PASSED
        assert heads[0].startswith("GET http://shop.invalid/probe/?")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert outcomes(ask(port)) == PASSED
        assert heads[1].startswith("GET /probe/?")


def test_a_proxy_with_a_password_hands_tls_through(authority, monkeypatch):
    made, path = authority
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.issue_cert("shop.invalid").configure_cert(context)
    heads = []

    def tunnel(peer):
        heads.append(peer.head.decode())
        peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        inner = context.wrap_socket(
            peer.connection, server_side=True, do_handshake_on_connect=False
        )
        with inner:
            inner.do_handshake()
            through = Peer(inner, peer.closing)
            through.read()
            wire(*WIRE)(through)

    with listening(tunnel) as port:
        monkeypatch.setenv("https_proxy", f"http://me:p%40ss@127.0.0.1:{port}")
        monkeypatch.delenv("no_proxy", raising=False)
        place = Place(url="https://shop.invalid/probe/", ca=path, retries=0)
        events = list(RemoteTarget(place, RunConfig(), alias="eu").run(Selection(), Deadline(9)))
    assert outcomes(events) == PASSED, failures(events)
    assert heads[0].startswith("CONNECT shop.invalid:443 HTTP/1.")
    assert base64.b64encode(b"me:p@ss").decode() in heads[0]


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:9", "http://127.0.0.1:1", "127.0.0.1:1"])
def test_a_proxy_that_does_not_work_is_told(proxy, monkeypatch):
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    place = Place(url="http://shop.invalid/probe/", retries=0)
    events = list(RemoteTarget(place, RunConfig(), alias="eu").run(Selection(), Deadline(9)))
    assert failure(events).exception_class_path == "Unreachable"
    assert "the proxy of the environment" in failure(events).message


def test_a_result_that_was_not_begun_begins():
    lines = [line for line in WIRE if b"probe_started" not in line]
    events = answered(wire(*lines))
    assert [type(event) for event in events] == [type(event) for event in EVENTS[:-1]]


def test_the_targets_of_a_remote_are_told_apart():
    run = [event for event in sample_run("a", "b") if not isinstance(event, FixtureFailed)]
    events = answered(wire(*(f"{encode(event)}\n".encode() for event in run)))
    hold_the_promise(events, planned=30)
    labels = {result.probe.label for result in results(events)}
    assert len(labels) == len(results(events)) == 30
    assert "shop.Checkout.test_passes [b]" in labels
    assert failure(events).message == "us-2: refused"


def made(alias="eu", **options):
    options = {"url": "https://shop.example/probe/", "token": None, **options}
    RemoteTarget.check("OPTIONS", options)
    return RemoteTarget.make(alias, options, Setup(config=RunConfig()))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (
            {"url": "shop.example/probe/"},
            "OPTIONS['url'] is 'shop.example/probe/', expected the URL",
        ),
        ({"url": "ftp://shop.example/"}, "expected the URL of a /probe/"),
        ({"url": "https:///probe/"}, "expected the URL of a /probe/"),
        ({"url": "https://shop.example:http/"}, "OPTIONS['url'] is no URL: "),
        ({"url": "https://shop.example/\x1b[31m"}, "expected the URL of a /probe/"),
        ({"url": "https://u:hunter2@shop.example/"}, "has a user or a password in it"),
        ({"url": "https://shop.example/?token=hunter2"}, "has a query or a fragment"),
        ({"url": 7}, "OPTIONS['url'] is an int, expected a URL."),
        ({"token": "hunter2\n"}, "OPTIONS['token'] holds what no header carries"),
        ({"token": ""}, "OPTIONS['token'] is empty, expected a text."),
        ({"timeout": 0}, "OPTIONS['timeout'] is 0, expected a number of seconds"),
        ({"retries": 1.5}, "OPTIONS['retries'] is 1.5, expected a whole number"),
        ({"resolve": True}, "OPTIONS['resolve'] is True, expected 'all'"),
        ({"key": "k.pem"}, "OPTIONS has a 'key' without a 'cert'"),
        (
            {"ca": "/nowhere.pem"},
            "'/nowhere.pem' cannot be used for TLS: No such file or directory",
        ),
        ({"verify": False}, "OPTIONS has the unknown key 'verify'"),
    ],
    ids=str,
)
def test_faulty_options_are_told_in_one_line_without_secrets(options, told):
    with pytest.raises(ConfigurationError) as caught:
        made(**options)
    assert told in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("missing", ["url", "token"])
def test_url_and_token_have_to_be_there(missing):
    options = {"url": "https://shop.example/probe/", "token": None}
    del options[missing]
    with pytest.raises(ConfigurationError, match=f"OPTIONS has no '{missing}', expected"):
        RemoteTarget.check("OPTIONS", options)


def test_a_missing_library_is_named_with_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "urllib3", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'django-probe-runner\[remote\]'"):
        made()


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://shop.example", "/probe/"),
        ("https://shop.example/", "/probe/"),
        ("https://shop.example/-/probe", "/-/probe/"),
    ],
)
def test_the_url_may_be_that_of_the_site(url, path):
    (target,) = made(url=url)
    assert target._place.url == f"https://shop.example{path}"


def test_each_address_of_a_name_is_a_target(monkeypatch):
    told = ["10.0.0.10", "fd00::2", "10.0.0.9", "10.0.0.10"]
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *a, **k: [(0, 0, 0, "", (text, 443)) for text in told]
    )
    targets = made(resolve="all")
    assert [(each.alias, each._place.address) for each in targets] == [
        ("eu-1", "10.0.0.9"),
        ("eu-2", "10.0.0.10"),
        ("eu-3", "fd00::2"),
    ]


@pytest.mark.parametrize(
    ("place", "deadline", "kind"),
    [({"connect_timeout": 0.2}, 20, "Unreachable"), ({}, 0.3, "Deadline")],
    ids=["timeout", "deadline"],
)
def test_a_resolver_that_does_not_answer_holds_up_nobody(place, deadline, kind, monkeypatch):
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: answered.wait(60) and [])
    place = Place(url="https://shop.example/", retries=0, **place)
    target = RemoteTarget(place, RunConfig(), alias="eu")
    began = time.monotonic()
    try:
        events = list(target.run(Selection(), Deadline(deadline)))
    finally:
        answered.set()
    assert time.monotonic() - began < 15
    assert failure(events).exception_class_path == kind


def test_one_replica_can_be_asked(monkeypatch):
    told = ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
    monkeypatch.setattr(
        socket, "getaddrinfo", lambda *a, **k: [(0, 0, 0, "", (text, 443)) for text in told]
    )
    options = {"url": "https://shop.example", "token": None}
    entries = {
        "web": {"BACKEND": "remote", "OPTIONS": {**options, "resolve": "all"}},
        "eu": {"BACKEND": "remote", "OPTIONS": options},
    }

    def aliases(*patterns):
        target = choose(entries, patterns).target(ThreadsExecutor(RunConfig()), None)
        return [each.alias for each in getattr(target, "targets", [target])]

    assert aliases() == ["web-1", "web-2", "web-3", "eu"]
    assert aliases("web") == ["web-1", "web-2", "web-3"]
    assert aliases("web-2") == ["web-2"]
    assert aliases("web-*", "eu") == ["web-1", "web-2", "web-3", "eu"]
    with pytest.raises(UnknownTarget, match=r"'web-7' is no target: .*web-1, web-2, web-3"):
        aliases("web-7")
    entries["old"] = entries["web"]
    assert aliases("web-3", "old-1") == ["web-3", "old-1"]
    with pytest.raises(UnknownTarget, match="there are web, eu, old"):
        aliases("us-1")


def test_a_name_without_addresses_is_a_target_that_fails():
    (target,) = made(url="https://shop.invalid/", resolve="all", retries=0)
    events = list(target.run(Selection(), Deadline(9)))
    assert failure(events).message.startswith("no address of shop.invalid when the run began: ")


def test_what_was_not_ok_is_asked_again_by_its_ids():
    heads = []

    def answer(peer):
        heads.append(peer.head.decode())
        wire(*WIRE)(peer)

    def query(keys):
        answered(answer, selection=Selection(labels=("shop",), again={"eu": keys}))
        return heads[-1].split()[1]

    assert "?label=a.b&label=a.c&fresh" in query(frozenset({("a.c", 0), ("a.b", 0), ("a.b", 1)}))
    assert "?label=shop&fresh" in query(None)
    assert "?label=shop&fresh" in query(frozenset((f"a.b{n}", 0) for n in range(101)))


def test_tags_of_its_own_are_never_left():
    heads = []

    def answer(peer):
        heads.append(peer.head.decode())
        wire(*WIRE)(peer)

    def ask_tags(*tags):
        with listening(answer) as port:
            place = Place(url=f"http://127.0.0.1:{port}/probe/", retries=0)
            target = RemoteTarget(place, RunConfig(), alias="eu", tags=("smoke", "db"))
            return list(target.run(Selection(tags=frozenset(tags)), Deadline(9)))

    assert outcomes(ask_tags()) == PASSED
    assert "?tag=db&tag=smoke&" in heads[0]
    assert outcomes(ask_tags("db", "web")) == PASSED
    assert "?tag=db&fresh" in heads[1]
    assert [event.planned for event in ask_tags("web")] == [0]
    assert len(heads) == 2


def test_failfast_asks_no_further():
    red = replace(EVENTS[2].result, outcome=Outcome.FAILED)
    lines = [*WIRE[:2], f"{encode(ProbeFinished(result=red))}\n".encode()]
    answer = wire(*lines, then=lambda peer: peer.gone())
    events = answered(answer, config=RunConfig(failfast=True))
    hold_the_promise(events)
    assert outcomes(events) == [Outcome.FAILED, *[Outcome.NOT_RUN] * 3]
    assert not failures(events)
    assert results(events)[-1].reason == "--failfast: a probe before it failed"


def test_a_result_that_says_very_much_fits_into_a_line():
    error = ErrorDetail(exception_class_path="E", message="m", traceback="\U0001f600" * 60_000)
    texts = {"stdout": "é" * 60_000, "stderr": "\U0001f600" * 60_000, "error": error}
    tried = replace(EVENTS[2].result, outcome=Outcome.FAILED, **texts)
    result = replace(tried, attempts=(tried,) * 20, blocking=True)
    line = fitting_line(result)
    assert len(line) < LINE_LIMIT < len(encode(ProbeFinished(result=result)))
    events = answered(wire(*WIRE[:2], f"{line}\n".encode(), *WIRE[3:]))
    hold_the_promise(events)
    first = results(events)[0]
    assert len(first.attempts) == 20
    assert "characters cut" in first.stderr
    assert fitting_line(EVENTS[2].result) == encode(EVENTS[2])


def test_a_result_of_very_many_sub_tests_fits_into_a_line():
    steps = [
        SubTestResult(
            description="é" * 20 + f" ({n})", outcome=Outcome.FAILED if n % 2 else Outcome.PASSED
        )
        for n in range(10_000)
    ]
    result = replace(EVENTS[2].result, outcome=Outcome.FAILED, subtests=tuple(steps))
    line = fitting_line(result)
    assert len(line) < LINE_LIMIT < len(encode(ProbeFinished(result=result)))
    told = results(answered(wire(*WIRE[:2], f"{line}\n".encode(), *WIRE[3:])))[0].subtests
    assert sum(step.count for step in told) == 10_000
    assert sum(step.count for step in told if step.outcome is Outcome.FAILED) == 5_000
