"""``GET /probe/``: a real server, a real child, every answer as its client sees it."""

from __future__ import annotations

import gzip
import json
import os
import re
import xml.etree.ElementTree as ET

import pytest
from serving import BASE, FILES, LAST, TOKEN, VERDICT, serving, until
from support import Project

pytestmark = pytest.mark.ends

PROBES = """
    import os, subprocess, sys, time, unittest
    from pathlib import Path
    from django_probe import tag
    class Checkout(unittest.TestCase):
        @tag("smoke")
        def test_pay(self):
            with Path("runs.txt").open("a") as stream:
                stream.write(f"{os.getpid()}\\n")
        def test_ship(self):
            print("asked the warehouse")
            self.fail("parcels wait")
    class Here(unittest.TestCase):
        def test_is_the_servers(self):
            from django.conf import settings
            self.assertEqual(settings.MARK, "of the server")
            self.assertEqual(os.environ["MARK"], "in the environment")
            self.assertEqual(Path.cwd(), settings.BASE_DIR)
            self.assertNotIn("HTTP_AUTHORIZATION", os.environ)
    class Told(unittest.TestCase):
        def test_secrets(self):
            from django.conf import settings
            print(settings.PROBE_TOKENS)
"""
SLOW = """
    import os, time, unittest
    from pathlib import Path
    class Slow(unittest.TestCase):
        def test_it(self):
            with Path("slow.txt").open("a") as stream:
                stream.write("x")
            while not Path("go.txt").exists():
                time.sleep(0.02)
    class Long(unittest.TestCase):
        def test_a_first(self):
            pass
        def test_b_hangs(self):
            time.sleep(600)
        def test_c_never(self):
            pass
    class Stubborn(unittest.TestCase):
        def test_it(self):
            while True:
                try:
                    time.sleep(600)
                except BaseException:
                    pass
    class Holds(unittest.TestCase):
        def test_the_interpreter(self):
            import re
            re.match(r"(a+)+$", "a" * 60 + "b")
"""
MORE = """
    MARK = "of the server"
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    files = {**FILES, "shop/probes.py": PROBES, "slow/probes.py": SLOW}
    return Project.make(tmp_path_factory.mktemp("endpoint") / "project", files, BASE + MORE + LAST)


@pytest.fixture(scope="module")
def server(project):
    with serving(project, MARK="in the environment") as server:
        yield server


def runs(project):
    path = project.folder / "runs.txt"
    return path.read_text().split() if path.exists() else []


def test_a_red_probe_is_503_with_the_whole_report(server):
    answer = server.ask("/probe/shop.Checkout/")
    assert answer.status == 503
    assert answer.headers["X-Probe-Ok"] == "false"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"] == 'inline; filename="probe.json"'
    report = answer.json()
    assert report["run"]["run_id"] == answer.headers["X-Probe-Run"]
    assert {r["label"]: r["outcome"] for r in report["results"]} == {
        "shop.Checkout.test_pay": "passed",
        "shop.Checkout.test_ship": "failed",
    }
    assert server.ask("/probe/shop.Checkout/?status=200").status == 200


def test_a_green_one_is_200_and_the_child_is_not_the_web_process(server, project):
    answer = server.ask("/probe/?label=shop.Checkout.test_pay&fresh=1")
    assert (answer.status, answer.headers["X-Probe-Ok"]) == (200, "true")
    assert int(runs(project)[-1]) != server.process.pid
    until(lambda: not server.children())


def test_the_child_has_the_servers_settings_environment_and_folder(server):
    answer = server.ask("/probe/shop.Here/?format=text")
    assert answer.status == 200, answer.text


def test_tokens_are_masked_like_any_secret(server):
    text = server.ask("/probe/shop.Told/").text
    assert "PROBE" not in text
    assert TOKEN not in text
    assert VERDICT not in text


@pytest.mark.parametrize(
    ("asked", "kind", "begins"),
    [
        ("?format=json", "application/json", b'{"ok": false'),
        ("?format=junit", "application/xml", b"<?xml"),
        ("?format=tap", "text/x-tap", b"TAP version 13"),
        ("?format=text", "text/plain; charset=utf-8", b"Running 2 probes"),
        ("?format=jsonl", "application/x-ndjson", b'{"v": 1, "event": "run_started"'),
    ],
)
def test_the_query_names_the_format(server, asked, kind, begins):
    answer = server.ask(f"/probe/shop.Checkout/{asked}")
    assert answer.status == 503
    assert answer.headers["Content-Type"] == kind
    assert answer.body.startswith(begins)
    if kind == "application/xml":
        assert len(ET.fromstring(answer.body).findall(".//testcase")) == 2


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("application/xml, application/json;q=0.5", "application/xml"),
        ("application/xml;q=0.4, text/plain;q=0.9", "text/plain; charset=utf-8"),
        ("text/*", "application/xml"),
        ("text/plain", "text/plain; charset=utf-8"),
        ("application/x-ndjson", "application/x-ndjson"),
        ("application/vnd.django-probe.tap", "text/x-tap"),
        ("image/png, */*;q=0.1", "application/json"),
        ("APPLICATION/XML ; Q=1.0", "application/xml"),
    ],
)
def test_accept_chooses_the_format(server, accept, kind):
    answer = server.ask("/probe/shop.Checkout/", accept=accept)
    assert (answer.status, answer.headers["Content-Type"]) == (503, kind)


@pytest.mark.parametrize("accept", ["image/png", "application/vnd.django-probe.nope", ";;;,=", "application/json;q=0", "*/*;q=x"])  # fmt: skip
def test_an_accept_that_nothing_meets_is_406(server, accept):
    answer = server.ask("/probe/shop.Checkout/", accept=accept)
    assert answer.status == 406
    assert "expected one of application/json" in answer.text


def test_gzip_is_used_where_it_is_accepted(server):
    plain = server.ask("/probe/shop.Checkout/")
    packed = server.ask("/probe/shop.Checkout/", accept_encoding="br, gzip;q=0.5")
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.body) == plain.body
    for refused in ("br", "gzip;q=0", "identity"):
        assert (
            "Content-Encoding"
            not in server.ask("/probe/shop.Checkout/", accept_encoding=refused).headers
        )


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/probe/?format=nope", 400, "Unknown format 'nope', expected one of"),
        ("/probe/?format=os.path.join", 400, "Unknown format 'os.path.join'"),
        ("/probe/?nope=1", 400, "Unknown query key 'nope', expected one of label"),
        ("/probe/?fresh=yes", 400, "fresh is 'yes', expected 1 or 0"),
        ("/probe/?status=500", 400, "status is '500', expected 200"),
        ("/probe/?fresh=1&fresh=1", 400, "fresh is given 2 times"),
        ("/probe/?label=", 400, "label is '', expected text"),
        ("/probe/?label=a%00b", 400, "expected text of printable characters"),
        ("/probe/?label=a%0ab", 400, "expected text of printable characters"),
        ("/probe/?async=1", 400, "async=1 takes a POST"),
        ("/probe/?stream=1&format=junit", 400, "stream=1 is jsonl"),
        ("/probe/?tag=" + "x" * 9000, 400, "characters, expected 8192 at most"),
        ("/probe/?label=" + "&label=".join(map(str, range(200))), 400, "200 times"),
        ("/probe/nope/", 404, "Unknown label 'nope'"),
        ("/probe/shop.Checkout.test_pya/", 404, "did you mean 'shop.Checkout.test_pay'?"),
        ("/probe/?tag=smoek", 404, "No probe has the tag 'smoek': expected one of smoke"),
        ("/probe/?target=nowhere", 404, "Unknown target 'nowhere'"),
        ("/probe/?target=http://evil.example/", 404, "Unknown target"),
        ("/probe/-/runs/0123456789abcdef/", 404, "There is no such run"),
        ("/probe/-/metrics?nope=1", 400, "Unknown query key"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_one_line(server, path, status, told):
    answer = server.ask(path, accept="application/json")
    assert answer.status == status, answer.text
    if "format=" not in path:
        assert answer.json()["error"]["status"] == status
        assert told in answer.json()["error"]["message"]
    assert told in answer.text
    assert "Traceback" not in answer.text
    assert "X-Probe-Ok" not in answer.headers


@pytest.mark.parametrize("label", ["--output=pwned.txt", "-h", "--", "--list", "--report=junit=pwned.txt"])  # fmt: skip
def test_a_label_or_a_value_never_becomes_an_option(server, project, label):
    assert server.ask(f"/probe/?label={label}").status in (400, 404)
    assert server.ask(f"/probe/?tag={label}").status in (400, 404)
    answer = server.ask(f"/probe/?k={label}")
    if label == "--":
        assert answer.status == 400
    else:
        assert (answer.status, answer.json()["exit_code"]) == (503, 5)
    assert not (project.folder / "pwned.txt").exists()


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("json", '{"ok": false, "error": {"status": 404'),
        ("jsonl", '{"ok": false, "error"'),
        ("junit", '<?xml version="1.0" encoding="utf-8"?>\n<error status="404">Unknown label'),
        ("text", "Unknown label"),
        ("tap", "TAP version 13\nBail out! Unknown label"),
    ],
)
def test_an_error_is_told_in_the_format_that_was_asked_for(server, name, begins):
    answer = server.ask(f"/probe/nope/?format={name}")
    assert answer.status == 404
    assert answer.text.startswith(begins)


def test_nothing_that_ran_is_not_ok(server):
    answer = server.ask("/probe/?k=no-such-probe")
    assert (answer.status, answer.json()["exit_code"]) == (503, 5)


def test_a_result_is_kept_for_a_while_and_fresh_asks_anew(server, project):
    path = "/probe/shop.Checkout.test_pay/"
    first = server.ask(path)
    before = len(runs(project))
    again = server.ask(path, accept="text/plain")
    assert again.headers["X-Probe-Run"] == first.headers["X-Probe-Run"]
    assert re.fullmatch(r"\d", again.headers["Age"])
    assert len(runs(project)) == before
    fresh = server.ask(f"{path}?fresh=1")
    assert fresh.headers["X-Probe-Run"] != first.headers["X-Probe-Run"]
    assert len(runs(project)) == before + 1
    for _ in range(2):
        assert server.ask(path).headers["X-Probe-Run"] == fresh.headers["X-Probe-Run"]
        verdict = server.ask(path, token=VERDICT)
        assert (verdict.status, "Checkout" in verdict.text) == (200, False)
    assert len(runs(project)) == before + 1


def test_head_starts_nothing_and_tells_the_last_result(server, project):
    before = runs(project)
    assert server.ask("/probe/?label=shop.Checkout&tag=smoke", method="HEAD").status == 404
    assert runs(project) == before
    length = len(server.ask("/probe/shop.Checkout/").body)
    answer = server.ask("/probe/shop.Checkout/", method="HEAD")
    assert (answer.status, answer.body) == (503, b"")
    assert answer.headers["Content-Length"] == str(length)
    assert answer.headers["X-Probe-Ok"] == "false"


def test_methods(server):
    answer = server.ask(method="OPTIONS")
    assert (answer.status, answer.headers["Allow"]) == (200, "GET, HEAD, POST, OPTIONS")
    assert (answer.body, answer.headers["Content-Length"]) == (b"", "0")
    for method in ("PUT", "PATCH", "DELETE", "TRACE", "NONSENSE"):
        answer = server.ask(method=method)
        assert answer.status == 405
        assert answer.headers["Allow"] == "GET, HEAD, POST, OPTIONS"
    assert server.ask("/probe/-/schema.json", method="POST").status == 405
    answer = server.ask("/probe/shop.Checkout/", method="POST")
    assert answer.status == 503
    answer = server.ask("/probe/shop.Checkout/", method="POST", body=b'{"label": "x"}')
    assert (answer.status, "expected no body" in answer.text) == (400, True)


def test_a_stream_tells_each_event_when_it_happens(server, project):
    with server.stream("/probe/slow.Slow/?stream=1") as response:
        assert (response.status, response.getheader("Content-Type")) == (
            200,
            "application/x-ndjson",
        )
        first = [json.loads(response.readline()) for _ in range(2)]
        assert [line["event"] for line in first] == ["run_started", "probe_started"]
        (project.folder / "go.txt").touch()
        rest = [json.loads(line) for line in response]
    assert [line["event"] for line in rest] == ["probe_finished", "run_finished"]
    assert rest[-1]["summary"]["ok"] is True
    assert rest[-1]["summary"]["run_id"] == response.getheader("X-Probe-Run")


def test_the_schema_is_served_and_real_reports_keep_to_it(server):
    jsonschema = pytest.importorskip("jsonschema")
    answer = server.ask("/probe/-/schema.json")
    assert answer.headers["Content-Type"] == "application/schema+json"
    schema = answer.json()
    jsonschema.Draft202012Validator.check_schema(schema)
    for path in ("/probe/shop.Checkout/", "/probe/?k=no-such-probe", "/probe/shop.Told/"):
        jsonschema.validate(server.ask(path).json(), schema)
    jsonschema.validate(server.ask("/probe/shop.Checkout/", token=VERDICT).json(), schema)


def test_a_run_has_an_address(server):
    run_id = server.ask("/probe/shop.Checkout/").headers["X-Probe-Run"]
    answer = server.ask(f"/probe/-/runs/{run_id}/?format=tap")
    assert answer.status == 503
    assert answer.headers["X-Probe-Run"] == run_id
    assert server.ask(f"/probe/-/runs/{run_id}/", method="DELETE").status == 204
    with server.stream(f"/probe/-/runs/{run_id}/?stream=1") as response:
        assert json.loads(response.read().splitlines()[-1])["event"] == "run_finished"
    assert server.ask(f"/probe/-/runs/{run_id}/?label=x").status == 400


def test_async_takes_a_shared_cache(server):
    answer = server.ask("/probe/?async=1", method="POST")
    assert (answer.status, "takes a cache that all web processes share" in answer.text) == (
        400,
        True,
    )


def test_the_kill_switch(project):
    with serving(project, EXTRA="PROBE_ENABLED = False", MARK="") as server:
        for token in (TOKEN, None):
            answer = server.ask(token=token)
            assert answer.status == 503
            assert "X-Probe-Ok" not in answer.headers
            assert "switched off" in answer.text
        assert server.ask("/bare/").status == 200


@pytest.mark.parametrize(
    "probe",
    [
        "slow.Long",
        pytest.param("slow.Stubborn", marks=pytest.mark.once),
        pytest.param("slow.Holds", marks=pytest.mark.once),
    ],
)
def test_the_deadline_ends_a_run_with_what_is_known(project, probe):
    with serving(project, EXTRA="PROBE_VIEW_DEADLINE = 4", MARK="") as server:
        answer = server.ask(f"/probe/{probe}/")
        assert answer.status == 504, answer.text
        assert answer.headers["X-Probe-Ok"] == "false"
        report = answer.json()
        assert report["ok"] is False
        assert report["results"] or "killed at its deadline" in answer.text
        if probe == "slow.Long":
            outcomes = {r["label"]: r["outcome"] for r in report["results"]}
            assert outcomes["slow.Long.test_a_first"] == "passed"
            assert outcomes["slow.Long.test_b_hangs"] != "passed"
        until(lambda: not server.children(), what="something is left running")


def test_what_a_broken_project_cannot_ask_is_503_and_told_in_the_log(project):
    with serving(project, EXTRA="PROBE_PYTHON = '/bin/false'", MARK="") as server:
        answer = server.ask("/probe/shop.Checkout/?format=text")
        assert (answer.status, answer.headers["X-Probe-Ok"]) == (503, "false")
        assert "ended with exit code 1" in answer.text
    with serving(project, EXTRA="PROBE_PYTHON = '/no/such/python'", MARK="") as server:
        answer = server.ask("/probe/shop.Checkout/?format=text")
        assert answer.status == 503
        assert "Traceback" not in answer.text
        until(lambda: any("PROBE_PYTHON is '/no/such/python'" in line for line in server.log))


def test_the_environment_of_this_test_is_no_part_of_it():
    assert "MARK" not in os.environ
