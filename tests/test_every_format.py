"""What every format has to do alike: tell what is not plain, and say nothing that a log obeys."""

from __future__ import annotations

import html
import random
import re
from dataclasses import replace
from itertools import product

import pytest
from documents import DOCS
from tables import check_table, row
from test_html import Page
from test_reports import report

from django_probe.events import FixtureFailed, ProbeFinished, RunFinished, RunStarted, TargetFailed
from django_probe.formats import BUILT_IN
from django_probe.redaction import Redactor
from django_probe.results import ErrorDetail, Outcome, SubTestResult
from django_probe.sample import ERROR, START, sample_result, sample_run
from django_probe.scrubbing import Scrubber
from django_probe.tally import Tally

pytestmark = pytest.mark.once

FORMATS = sorted(BUILT_IN.keys() - {"silent"})
SHOWN = (
    "text", "junit", "tap", "ctrf", "github", "markdown", "html", "nagios", "openmetrics",
)  # fmt: skip

LEFT = ErrorDetail(exception_class_path="OSError", message="a row is left")
FAILED = sample_result(0, "test_pay", Outcome.FAILED, error=ERROR)
PASSED = sample_result(0, "test_pay", Outcome.PASSED)
FIXTURE = FixtureFailed(
    fixture="shop.probes.Checkout.tearDownClass", error=ERROR, source="shop/probes.py:70"
)
TARGET = TargetFailed(target="us", error=ErrorDetail(exception_class_path="E", message="refused"))

RUNS = {
    "flaky": [replace(PASSED, attempts=(FAILED,), flaky=True)],
    "flaky, and that blocks": [replace(PASSED, attempts=(FAILED,), flaky=True, blocking=True)],
    "severity warning": [
        replace(FAILED, blocking=False, probe=replace(FAILED.probe, severity="warning"))
    ],
    "quarantined": [
        replace(FAILED, blocking=False, probe=replace(FAILED.probe, quarantine="until 2026-12-31"))
    ],
    "a cleanup failed": [replace(FAILED, outcome=Outcome.ERRORED, cleanup_errors=(LEFT,))],
    "the same, at an earlier try": [
        replace(PASSED, attempts=(replace(FAILED, cleanup_errors=(LEFT,)),))
    ],
    "a fixture failed after its probes": [PASSED, FIXTURE],
    "a target could not be asked": [PASSED, TARGET],
    "nothing ran": [],
}
"""What a run can hold beside plain outcomes."""

CELLS = {
    "flaky": (
        "`! flaky`", "`<flakyFailure>`", "`ok`, `attempts:`", '`"flaky": true`', "`::notice`",
        "`! flaky`", "`flaky`", "`WARNING`, `flaky=1`", "`run_flaky 1`",
    ),
    "flaky, and that blocks": (
        "`✗ FLAKY`", "`<failure>`", "`not ok`", '`"status": "failed"`', "`::error`",
        "`✗ FLAKY`", "`flaky, blocks`", "`CRITICAL`, `flaky=1`", "`run_flaky 1`, `run_blocking 1`",
    ),
    "severity warning": (
        "`! failed (warning)`", "`<skipped>`, `warning:`", "`not ok`, `# TODO warning`",
        '`"status": "skipped"`, `warning:`', "`::warning`", "`! failed (warning)`", "`warning`",
        "`WARNING`, `not_blocking=1`", '`outcome="failed"`, `run_ok 1`',
    ),
    "quarantined": (
        "`! failed (quarantined)`", "`<skipped>`, `quarantined:`", "`not ok`, `# TODO quarantined`",
        '`"status": "skipped"`, `quarantined:`', "`::warning`", "`! failed (quarantined)`",
        "`quarantined`", "`WARNING`, `not_blocking=1`", '`outcome="failed"`, `run_ok 1`',
    ),
    "a cleanup failed": (
        "`Left behind?`", "`<error>`, `left behind`", "`not ok`, `left behind`",
        '`"status": "failed"`, `left behind`', "`::error`, `left behind`", "`left behind`",
        "`Clean-up failed`", "`CRITICAL`, `left_behind=1`", "`run_left_behind 1`",
    ),
    "the same, at an earlier try": (
        "`Left behind (passed`", "`<flakyFailure>`, `left behind`", "`ok`, `left behind`",
        '`"status": "passed"`, `left behind`', "`::warning`, `left behind`", "`left behind`",
        "`left behind`", "`WARNING`, `left_behind=1`", "`run_left_behind 1`",
    ),
    "a fixture failed after its probes": (
        "`✗ FIXTURE FAILED`", "`<error>`, `tearDownClass`", "`not ok`, `tearDownClass`",
        '`"status": "failed"`, `tearDownClass`', "`::error`, `FIXTURE FAILED`",
        "`✗ FIXTURE FAILED`", "`Fixture failed`", "`CRITICAL`, `fixture_errors=1`",
        "`run_fixture_errors 1`",
    ),
    "a target could not be asked": (
        "`✗ TARGET FAILED us`", "`<error>`, `answers [us]`", "`not ok`, `target.answers`",
        '`"status": "failed"`, `target.answers`', "`::error`, `COULD NOT ASK`",
        "`COULD NOT ASK TO THE END`", "`Could not ask to the end`",
        "`CRITICAL`, `failed_targets=1`", '`target_answers{target="us"} 0`',
    ),
    "nothing ran": (
        "`NOTHING RAN`", "`<error>`, `NothingRan`", "`not ok`", '`"status": "failed"`', "`::error`",
        "`NOTHING RAN`", "`Nothing ran`", "`UNKNOWN`", "`run_ok 0`",
    ),
}  # fmt: skip


def events_of(name):
    """Return a run of one kind, as the core would tell it."""
    parts = RUNS[name]
    targets = ("eu", "us") if TARGET in parts else ("default",)
    tally = Tally()
    told = [RunStarted(run_id="1", started_at=START, targets=targets, planned=1)]
    for part in parts:
        is_event = isinstance(part, FixtureFailed | TargetFailed)
        told.append(part if is_event else ProbeFinished(result=replace(part, target=targets[0])))
        tally.add(told[-1])
    return [*told, RunFinished(summary=tally.summary(told[0], 1.0))]


def seen(kind, events):
    """Return a report; of a page the text that a person sees."""
    text = report(kind, events)
    return Page(text).text if kind == "html" else html.unescape(text)


@pytest.mark.parametrize("name", RUNS)
def test_every_format_tells_what_is_not_plain(name):
    plain = [replace(FAILED, blocking=True), PASSED]
    for kind, cell in zip(SHOWN, CELLS[name], strict=True):
        text, usual = (seen(kind, run) for run in (events_of(name), sample_run(found=plain)))
        told = [part.rstrip(">") for part in re.findall("`([^`]+)`", cell)]
        assert told
        for part in told:
            assert part in text, f"{kind}: {part}"
        # It is told apart from what passes and what fails: one of its marks at least is its own.
        own = [part for part in told if part not in usual]
        alike = ("flaky, and that blocks", "a cleanup failed", "nothing ran")
        assert own or name in alike, f"{kind}: {told}"


def test_the_table_of_what_else_is_told_is_what_the_formats_write():
    lines = [row(("", *(f"`{kind}`" for kind in SHOWN))), "|---" * (len(SHOWN) + 1) + "|"]
    check_table(
        DOCS / "reports.md", "told", [*lines, *(row((name, *CELLS[name])) for name in RUNS)]
    )


# What a line of a log may begin with, for GitHub, GitLab, Azure and TeamCity to obey it.
OBEYED = re.compile(r"^\s*(?:::|section_(?:start|end):)|##(?:vso|teamcity)?\[", re.MULTILINE)
UNITS = (
    "::error::x ", " ::error::", "a::add-mask::b", "section_start:1:x ", "##vso[x]", "##[group]",
    "\u2028::error::", " \t::warning::", "\n::error::\n", ":", "#",
)  # fmt: skip


def hostile_run(text):
    """Return a run in which everything that a probe can say is one hostile text."""
    scrubber = Scrubber(Redactor())
    body, message, name = scrubber.text(text), scrubber.message(text), scrubber.name(text)
    error = ErrorDetail(exception_class_path="E", message=message, traceback=body)
    step = SubTestResult(description=name, outcome=Outcome.FAILED, error=error)
    one = replace(FAILED, error=error, stdout=body, stderr=body, cleanup_errors=(error,))
    probe = replace(FAILED.probe, id=f"s.{name}", label=name, index=3, description=name)
    found = [
        replace(one, subtests=(step,)),
        sample_result(1, "test_y", Outcome.PASSED, attempts=(one,), flaky=True, stdout=body),
        sample_result(2, "test_z", Outcome.SKIPPED, reason=message),
        replace(one, probe=probe),
    ]
    return sample_run(found=found)


@pytest.mark.parametrize("name", FORMATS)
def test_no_line_of_a_report_is_a_command_to_the_log_that_shows_it(name):
    chance = random.Random(name)
    for unit, times in [*product(UNITS, (1, 700)), (UNITS[0], 7000)]:
        # Wherever a format cuts a text, the rest of it may begin with the command.
        said = "a" * chance.randrange(40) + unit * times
        text = report(name, hostile_run(said))
        if name == "github":  # Commands are what it writes: what is in them is one line.
            lines = text.splitlines()
            assert all(re.match("::(error|warning|notice) title=", line) for line in lines)
            text = "\n".join(line[2:] for line in lines)
        assert OBEYED.search(text) is None, OBEYED.search(text)
