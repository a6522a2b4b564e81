"""The page for people: one file, readable and harmless whatever a probe says."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from gate_samples import what_the_gate_says
from hypothesis import given, settings
from hypothesis import strategies as st
from support import ROOT, Project
from test_reports import GOLDEN, check_golden, report

from django_probe.pages import ASSETS, Shaped, asset, render
from django_probe.reporters._html_kinds import KINDS, kind_of
from django_probe.reporters._html_more import more
from django_probe.reporters.html import HtmlReporter
from django_probe.results import ErrorDetail, Outcome, SubTestResult
from django_probe.sample import feed, sample_result, sample_results, sample_run
from django_probe.sanitizing import clean, one_line

pytestmark = pytest.mark.once

VOID = {"meta", "link", "input", "br"}


class Page(HTMLParser):
    """The elements of a page, and that each is closed where it should be."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements, self.open, self.texts = [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.texts.append(data)

    @property
    def text(self):
        return " ".join("".join(self.texts).split())

    def all(self, tag, **attributes):
        return [
            attrs
            for name, attrs in self.elements
            if name == tag and all(attrs.get(k) == v for k, v in attributes.items())
        ]

    def rows(self):
        """Return (label, kinds) of each row, in order."""
        return [
            (attrs["data-label"], attrs["data-kinds"])
            for attrs in self.all("tbody", **{"class": "row"})
        ]


def html(events=None, **options):
    stream = io.StringIO()
    feed(HtmlReporter(stream, **options), events if events is not None else sample_run())
    return stream.getvalue()


def bare(text):
    """Return a page without its script and style, which are files of their own."""
    text = re.sub(r"<(style|script)>.*?</\1>", r"<\1>…</\1>", text, flags=re.DOTALL)
    return re.sub(r"sha256-[\w+/=]+", "sha256-…", text)


@pytest.mark.parametrize(
    ("name", "events"),
    [
        ("everything", sample_run()),
        ("targets", sample_run("eu", "us")),
        ("nothing", sample_run(found=[])),
        ("gate", sample_run(found=what_the_gate_says())),
    ],
)
def test_the_golden_pages(name, events):
    check_golden(GOLDEN / f"{name}.html", bare(report("html", events)))


def test_it_is_well_formed_and_needs_nothing_beside_it():
    text = html(sample_run("eu", "us"))
    page = Page(text)
    assert [a for _, a in page.elements if a.get("src")] == []
    assert all(a["href"].startswith("data:") for a in page.all("link"))
    (link,) = page.all("a")
    assert link["href"] == "#results"
    assert not re.search(r"url\(|@import|@font-face", asset("report.css").decode())


def test_its_policy_allows_its_own_script_and_style_and_nothing_else():
    text = html()
    (meta,) = Page(text).all("meta", **{"http-equiv": "Content-Security-Policy"})
    policy = dict(part.split(" ", 1) for part in meta["content"].split("; "))
    assert policy["default-src"] == "'none'"
    for tag, directive in (("script", "script-src"), ("style", "style-src")):
        (inside,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()
        assert policy[directive] == f"'sha256-{digest}'"
    assert not re.search(r'\s(style|on\w+)="', text.replace(asset("report.js").decode(), ""))


@pytest.mark.parametrize("name", ASSETS)
def test_an_asset_is_put_into_the_file_as_it_is(name):
    text = asset(name).decode()
    assert text in html()
    assert not re.search(r"\{\{|\{%|\{#|</(script|style)", text)


EVIL = "</script></style></pre><script>alert(1)</script><img src=x onerror=alert(1)>\"'`{{ x }}{% if %}\ue000%s"


def evil_run(*targets):
    """Return a run in which every text that a probe or a remote can choose is hostile."""
    error = ErrorDetail(exception_class_path=EVIL, message=EVIL, traceback=EVIL)
    sub = SubTestResult(description=EVIL, outcome=Outcome.FAILED, error=error)
    found = []
    for one in sample_results():
        probe = replace(
            one.probe,
            id=f"{one.probe.id}{EVIL}",
            label=f"{one.probe.label}{EVIL}",
            description=EVIL,
            tags=(EVIL,),
            source=EVIL,
            severity=EVIL,
            quarantine=one.probe.quarantine and EVIL,
        )
        one = replace(
            one, probe=probe, error=error, reason=EVIL, stdout=EVIL, stderr=EVIL, subtests=(sub,),
            cleanup_errors=(error,), target=targets[0] if targets else one.target,
        )  # fmt: skip
        found.append(replace(one, attempts=(one,)))
    run = sample_run(*targets[:1], found=found)
    return [
        replace(run[0], targets=targets or run[0].targets, release=EVIL, instance=EVIL, run_id=EVIL, labels=(EVIL,)),
        *run[1:-1],
        replace(run[-1], summary=replace(run[-1].summary, failed_targets=(EVIL,), reporter_errors=(EVIL,))),
    ]  # fmt: skip


@pytest.mark.parametrize("targets", [(), (EVIL, "us")])
def test_hostile_text_is_text_everywhere(targets):
    text = html(evil_run(*targets), title=EVIL, command=EVIL)
    page = Page(text)
    assert len(page.all("script")) == len(page.all("style")) == 1
    assert page.all("img") == []
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
    assert "alert(1)" in page.text
    assert page.all("body")[0]["data-command"] == EVIL


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=1, max_size=80).map(clean).filter(str.strip))
def test_any_text_is_on_the_page_as_it_was_said(said):
    error = ErrorDetail(exception_class_path="Odd", message=said, traceback=said)
    one = sample_result(0, "test_a", Outcome.FAILED, error=error, stdout=said, description=said)
    page = Page(html(sample_run(found=[one]), title=said))
    assert "".join(page.texts).count(said.rstrip("\n")) >= 3
    assert one_line(said) in page.text


def test_what_needs_a_look_comes_first_then_all_others_in_the_order_of_the_plan():
    rows = Page(html()).rows()
    loud = [
        label.rpartition(".")[2]
        for label, kind in rows
        if list(KINDS).index(kind) < list(KINDS).index("expected_failure")
    ]
    assert [label.rpartition(".")[2] for label, _ in rows][: len(loud)] == loud
    assert loud[:3] == ["test_fails", "test_errs", "test_hangs"]
    assert [label.rpartition(".")[2] for label, _ in rows][len(loud) :] == [
        "test_passes", "test_prints", "test_expected", "test_skipped",
        "test_skipped_without_reason", "test_other_class",
    ]  # fmt: skip


def test_each_kind_is_told_by_word_and_icon():
    page = Page(html(sample_run(found=[*sample_results(), *what_the_gate_says()])))
    icons = {a["href"] for a in page.all("use")}
    assert {f"#i-{kind}" for kind in KINDS} <= icons
    symbols = {f"#{a['id']}" for a in page.all("symbol")}
    assert icons <= symbols
    for word in KINDS.values():
        assert word in page.text
    assert {outcome.value for outcome in Outcome} <= set(KINDS)
    found = {kind_of(one) for one in [*sample_results(), *what_the_gate_says()]}
    assert found == set(KINDS)


def test_without_its_style_it_is_bare_and_not_a_heap_of_big_icons():
    page = Page(html(sample_run("eu", "us")))
    assert all("width" in attrs and "height" in attrs for attrs in page.all("svg"))


def test_targets_are_columns_and_a_probe_that_one_was_not_asked_for_says_so():
    events = sample_run("eu", "us")
    left = [
        e for e in events
        if not (type(e).__name__ == "ProbeFinished" and e.result.target == "us"
                and e.result.probe.label.endswith("test_passes"))
    ]  # fmt: skip
    page = Page(html(left))
    kinds = dict(page.rows())
    assert kinds["shop.Checkout.test_passes"] == "passed - -"
    assert kinds["shop.Checkout.test_fails"] == "failed failed -"
    assert "not asked" in page.text
    assert len(page.rows()) == 15


def test_an_id_that_comes_twice_is_two_rows_on_every_target():
    twins = [sample_results()[0]] * 3
    for targets in (("default",), ("eu", "us")):
        events = sample_run(found=twins)
        finished = [e for e in events if type(e).__name__ == "ProbeFinished"]
        told = [
            replace(e, result=replace(e.result, target=target))
            for target in targets
            for e in finished
        ]
        page = Page(html([replace(events[0], targets=targets), *told, events[-1]]))
        assert (
            page.rows() == [("shop.Checkout.test_passes", " ".join(["passed"] * len(targets)))] * 3
        )


def test_the_order_of_arrival_changes_nothing():
    events = sample_run("eu", "us")
    finished = [e for e in events if type(e).__name__ == "ProbeFinished"]
    others = [e for e in events if not type(e).__name__.startswith("Probe")]
    assert html([others[0], *reversed(finished), *others[1:]]) == html(events)


def test_error_output_and_the_command_that_asks_again_are_a_click_away():
    page = Page(html(command="python manage.py probe"))
    assert "python manage.py probe shop.Checkout.test_fails" in page.text
    assert "before it failed" in page.text
    assert "AssertionError: 402 != 200" in page.text
    assert "something may be left behind" in page.text
    assert len(page.all("details")) >= 12


def test_a_label_that_a_shell_would_take_apart_is_quoted():
    one = sample_result(0, "test_a", Outcome.FAILED)
    odd = replace(one, probe=replace(one.probe, label="shop.X.test; rm -rf $HOME"))
    assert (
        "./manage.py probe 'shop.X.test; rm -rf $HOME'" in Page(html(sample_run(found=[odd]))).text
    )


@pytest.mark.parametrize("found", [sample_results(), sample_results("eu")])
def test_what_is_filled_by_shape_is_what_the_template_says(found):
    shaped = Shaped("_more.html")
    for _ in range(2):
        for one in found:
            values = {**more(one, kind_of(one), "eu & us"), "again": "a < b", "run_url": ""}
            assert shaped.render(values) == render("_more.html", values)


def test_nothing_ran_says_so():
    page = Page(html(sample_run(found=[])))
    assert "Nothing ran" in page.text


def test_it_is_written_without_a_django_project(tmp_path):
    code = (
        "import sys; from django_probe.reporters.html import HtmlReporter;"
        "from django_probe.sample import feed, sample_run;"
        "feed(HtmlReporter(sys.stdout, title='Shop'), sample_run());"
        "from django.conf import settings; assert not settings.configured"
    )
    env = Project(ROOT).environment()
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=env, capture_output=True, check=True
    )
    assert b"<title>Not ok \xc2\xb7 Shop</title>" in done.stdout


def test_the_command_writes_it_with_its_own_name_and_a_title_from_the_settings(make_project):
    project = make_project(
        {
            "shop/probes.py": "import unittest\nclass A(unittest.TestCase):\n    def test_a(self): self.fail()\n"
        },
        'PROBE_REPORTERS = {"page": {"BACKEND": "html", "OPTIONS": {"title": "My shop"}}}',
    )
    done = project.probe("--report", "page=out/x.html")
    assert done.returncode == 1, done.stderr
    page = Page((project.folder / "out/x.html").read_text(encoding="utf-8"))
    assert "python manage.py probe shop.A.test_a" in page.text
    assert "My shop" in page.text


@pytest.mark.parametrize("options", [{"title": 3}, {"page": "x"}, {"command": None}])
def test_an_option_of_the_wrong_type_is_refused(options):
    with pytest.raises(TypeError):
        HtmlReporter(io.StringIO(), **options)


def test_results_wait_on_disk():
    class Sink(io.StringIO):
        written = 0

        def write(self, text):
            self.written += len(text)
            return len(text)

    sink = Sink()
    events = sample_run(found=[])
    tracemalloc.start()
    reporter = HtmlReporter(sink)
    reporter.run_started(events[0])
    for index in range(4000):
        reporter.probe_finished(
            sample_result(index, f"test_{index}", Outcome.FAILED, stdout="x" * 8000)
        )
    reporter.run_finished(events[-1].summary)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sink.written > 32_000_000
    assert peak < 8_000_000
