"""What each report shows of each fault of a remote: the table in the documents, cell by cell."""

from __future__ import annotations

import contextlib
import io
import json
import re
import socket
import xml.etree.ElementTree as ET

import pytest
from documents import DOCS
from faults import FAULTS, WIRE, changed, expired, listening, wire
from tables import check_table, row
from test_html import Page

from django_probe.client import Client
from django_probe.formats import BUILT_IN

pytestmark = pytest.mark.once

FORMATS = sorted(BUILT_IN.keys() - {"silent"})
OPTIONS = {
    "black hole": {"timeout": 0.3},
    "never ends": {"timeout": 0.3},
    "slow drip": {"deadline": 2.0},
    "429": {"deadline": 2.0},
}
LEFT_OUT = {"a green verdict on a red run"}

MARKS = {
    "text": "✗ TARGET FAILED eu",
    "tap": "not ok",
    "ctrf": '"status": "failed"',
    "github": "::error",
    "markdown": "COULD NOT ASK TO THE END",
    "html": "Could not ask to the end",
    "nagios": "failed_targets=1",
    "openmetrics": 'target_answers{target="eu"} 0',
    "jsonl": '"event": "target_failed"',
}
"""What stands in a report where a target has failed."""


@contextlib.contextmanager
def refused():
    """Yield the port of nobody."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    yield port


@contextlib.contextmanager
def with_expired_tls(ca):
    context, pem = expired()
    ca.write_bytes(pem)
    with listening(wire(*WIRE), tls=context) as port:
        yield port


def faults(folder):
    """Yield the name of each fault, the scheme, what has it, and how it is asked."""
    yield "refused connection", "http", refused(), {}
    ca = folder / "ca.pem"
    yield "expired TLS", "https", with_expired_tls(ca), {"ca": str(ca)}
    for name, (_, answer) in FAULTS.items():
        if name not in LEFT_OUT:
            yield name, "http", listening(answer), OPTIONS.get(name, {})
    release = wire(changed(WIRE[0], release="2026.2"), *WIRE[1:])
    yield "another release", "http", listening(release), {"expect_release": "2026.3"}


def asked(url, folder, options):
    """Ask a deployment and one that is well; return the exit code and each report."""
    with listening(wire(*WIRE)) as well:
        client = Client(
            stdout=io.StringIO(),
            stderr=io.StringIO(),
            urls=[f"us=http://127.0.0.1:{well}", f"eu={url}"],
            format="silent",
            report=[f"{name}={folder / name}" for name in FORMATS],
            no_token=True,
            connect_retries=0,
            no_color=True,
            **options,
        )
        code = client.run()
    return code, {name: (folder / name).read_text(encoding="utf-8") for name in FORMATS}


def seen(name, text):
    """Return what a report shows, as a cell: its mark, or nothing."""
    if name == "junit":
        cases = [c for c in ET.fromstring(text).iter("testcase") if "answers" in c.get("name")]
        kinds = [error.get("type") for case in cases for error in case.findall("error")]
        return f'`<error type="{kinds[0]}"`' if kinds else "-"
    if name == "html":
        text = Page(text).text
    mark = MARKS[name]
    told = mark in text and (name != "tap" or re.search(r"^not ok .*\[eu\]", text, re.MULTILINE))
    return f"`{mark}`" if told else "-"


def row_of(name, code, reports):
    report = json.loads(reports["json"])
    counts = report["by_target"].get("eu", {})
    kept = counts.get("total", 0) - counts.get("not_run", 0)
    errors = [each["error"] for each in report["failed_targets"] if each["target"] == "eu"]
    told = [f"{each['exception_class_path']}: {each['message']}" for each in errors]
    if not errors:
        told = [r["label"] for r in report["results"] if r["target"] == "eu"][:1]
        assert told == ["shop.test_red::error::x"]
    words = re.sub(r"127\.0\.0\.1:\d+", "eu.shop.example", " ".join(told)).replace("|", "\\|")
    shown = ("text", "junit", "tap", "ctrf", "github", "markdown", "html", "nagios", "openmetrics")
    cells = [seen(kind, reports[kind]) for kind in shown]
    for kind in FORMATS:  # None of them hides it, and none of them has what a terminal obeys.
        assert "\x1b" not in reports[kind]
        if kind not in ("json", "junit"):
            assert (seen(kind, reports[kind]) != "-") is bool(errors), (name, kind)
    announced = 2 if name == "more results than announced" else 4
    assert counts.get("total", 0) in (0, announced)
    assert report["by_target"]["us"]["passed"] == 4
    results = f"{kept} kept, {counts.get('not_run', 0)} not run" if counts.get("total") else "none"
    return row((name, _code(words), results, *cells, str(code)))


def _code(text):
    return f"`` {text[:160]}{'…' if len(text) > 160 else ''} ``" if text else "-"


def test_the_table_of_faults_is_what_comes_of_them(tmp_path, monkeypatch):
    for name in ("GITHUB_ACTIONS", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)
    heads = ("fault", "told as", "results", "`text`", "`junit`", "`tap`", "`ctrf`", "`github`",
             "`markdown`", "`html`", "`nagios`", "`openmetrics`", "exit code")  # fmt: skip
    lines = [row(heads), "|---" * len(heads) + "|"]
    for number, (name, scheme, server, options) in enumerate(faults(tmp_path)):
        with server as port:
            folder = tmp_path / str(number)
            code, reports = asked(f"{scheme}://127.0.0.1:{port}/probe/", folder, options)
        lines.append(row_of(name, code, reports))
    check_table(DOCS / "targets.md", "remotes", lines)


def test_nothing_that_a_remote_calls_a_probe_is_obeyed(tmp_path):
    with listening(FAULTS["escape sequences in names"][1]) as port:
        _, reports = asked(f"http://127.0.0.1:{port}", tmp_path, {})
    for kind, text in reports.items():
        assert not re.search(r"^\s*::error::x", text, re.MULTILINE), kind
        assert "\u202e" not in text
        assert "\\u202e" not in text
        assert "\\u001b" not in text
