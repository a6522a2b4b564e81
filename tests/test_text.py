"""The text report: what a person sees at a terminal and in a CI log."""

from __future__ import annotations

import io
import os
import re
import threading
import tracemalloc
from dataclasses import replace
from datetime import datetime, timezone

import pytest
from test_reports import GOLDEN, check_golden

from django_probe.events import (
    FixtureFailed,
    ProbeFinished,
    ProbeStarted,
    RunFinished,
    RunStarted,
    TargetFailed,
    TargetStarted,
)
from django_probe.formats import find_format
from django_probe.reporting import hand_over
from django_probe.results import Counts, ErrorDetail, Outcome, Summary
from django_probe.sample import ERROR, feed, sample_result, sample_run

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)
TextReporter = find_format("text", {}).reporter_class


def report(events, **options):
    """Return what the reporter makes of events."""
    stream = io.StringIO()
    feed(TextReporter(stream, **{"color": False, **options}), events)
    return stream.getvalue()


def report_of(*results, **options):
    """Return what the reporter makes of a run with these results."""
    return report(sample_run(found=list(results)), **options)


def failed(index, name, **values):
    """Return a result that failed."""
    return sample_result(index, name, Outcome.FAILED, **{"error": ERROR, **values})


def with_traceback(text, source="shop/probes.py:10"):
    """Return the block of a probe that errored with a traceback."""
    error = ErrorDetail(exception_class_path="ValueError", message="no", traceback=text)
    result = sample_result(0, "test_a", Outcome.ERRORED, error=error)
    return report_of(replace(result, probe=replace(result.probe, source=source)))


def verdict_of(**values):
    """Return the last lines for a summary made by hand."""
    run = RunStarted(run_id="1", started_at=NOW, **values.pop("run", {}))
    outcomes = values.pop("outcomes", {})
    counts = Counts(outcomes=outcomes, blocking=values.pop("blocking", 0))
    summary = Summary(run_id="1", started_at=NOW, duration=1.5, counts=counts, **values)
    return report([run, RunFinished(summary=summary)], verbosity=0).rpartition("\n\n")[2]


# Whole reports.


@pytest.mark.parametrize("verbosity", [0, 1, 2, 3])
def test_a_run_with_one_of_everything(verbosity):
    text = report(sample_run(), verbosity=verbosity, durations=3)
    check_golden(GOLDEN / f"text-everything-v{verbosity}.txt", text)


@pytest.mark.parametrize("verbosity", [0, 1])
def test_two_targets_and_one_that_cannot_be_asked(verbosity):
    text = report(sample_run("eu", "us"), verbosity=verbosity)
    check_golden(GOLDEN / f"text-targets-v{verbosity}.txt", text)


def test_a_run_of_nothing():
    check_golden(GOLDEN / "text-nothing.txt", report(sample_run(found=[])))


def test_a_run_in_colour_says_the_same():
    coloured = report(sample_run(), color=True)
    check_golden(GOLDEN / "text-colour.txt", coloured)
    plain = coloured
    for code in ("0", "1", "2", "33", "1;31", "1;32"):
        plain = plain.replace(f"\x1b[{code}m", "")
    assert plain == report(sample_run())


# The verdict.


def test_a_green_run_ends_with_ok():
    text = verdict_of(outcomes={Outcome.PASSED: 14})
    assert text == "OK: 14 probes passed in 1.500 s\n"
    text = verdict_of(outcomes={Outcome.PASSED: 1, Outcome.SKIPPED: 2})
    assert text == "OK: 3 probes in 1.500 s: 2 skipped, 1 passed\n"


def test_the_verdict_names_release_targets_and_the_seed_that_repeats_it():
    run = {"release": "2026.3", "targets": ("eu", "us"), "seed": 7}
    text = verdict_of(outcomes={Outcome.PASSED: 2}, run=run)
    assert text.endswith(
        "\nrelease 2026.3 · targets eu, us · shuffled: --shuffle 7 repeats this order\n"
    )


@pytest.mark.parametrize(
    ("values", "first", "last"),
    [
        (
            {"outcomes": {Outcome.FAILED: 2, Outcome.PASSED: 1}, "blocking": 2},
            "NOT OK: 3 probes",
            "exit 1: 2 probes block",
        ),
        (
            {"outcomes": {Outcome.PASSED: 1}, "fixture_errors": 1},
            "NOT OK: 1 probe",
            "exit 1: 1 fixture failed",
        ),
        (
            {"outcomes": {Outcome.PASSED: 1}, "reporter_errors": ("junit: disk full",)},
            "OK, but a report is lost",
            "exit 3: a report could not be written",
        ),
        (
            {
                "outcomes": {Outcome.PASSED: 1},
                "failed_targets": ("eu",),
                "run": {"targets": ("eu", "us")},
            },
            "NOT OK",
            "exit 4: could not ask to the end: eu",
        ),
        (
            {"outcomes": {Outcome.PASSED: 1}, "failed_targets": ("default",)},
            "NOT OK",
            "exit 4: the run broke off",
        ),
        ({"outcomes": {Outcome.SKIPPED: 3}}, "NOTHING RAN: 3 probes", "exit 5: nothing ran"),
        ({}, "NOTHING RAN: no probes", "exit 5: nothing ran"),
        (
            {"outcomes": {Outcome.NOT_RUN: 3}, "blocking": 3},
            "NOTHING RAN: 3 probes",
            "exit 1: 3 probes block (those not run included), nothing ran",
        ),
        (
            {"outcomes": {Outcome.PASSED: 1}, "interrupted": 2},
            "INTERRUPTED: 1 probe",
            "exit 130: interrupted (SIGINT)",
        ),
    ],
)
def test_the_last_line_says_what_the_exit_code_means(values, first, last):
    lines = verdict_of(**values).splitlines()
    assert lines[0].startswith(first)
    assert lines[-1] == last
    nothing = "Nothing ran is not success: no probe has said that this deployment works."
    assert (nothing in lines) == first.startswith("NOTHING RAN")


def test_a_warning_does_not_make_the_verdict_red():
    text = report_of(
        sample_result(0, "test_a", Outcome.PASSED),
        failed(1, "test_b", severity="warning", blocking=False),
        failed(2, "test_c", quarantine="until 2026-12-31", blocking=False),
    )
    assert "! failed (warning) shop.Checkout.test_b\n" in text
    assert "  Does not block: quarantined (until 2026-12-31)\n" in text
    assert "\nOK: 3 probes in 4.500 s: 2 failed, 1 passed\n2 of these do not block\n" in text
    assert "✗" not in text
    assert "Run again" not in text


# What a probe says can be taken for nothing else.

SPOOF = (
    "SPOOF \x1b[2J\x1b]0;t\x07\x9b1mSPOOF\rSPOOF\nSPOOF\u2028SPOOF\x85SPOOF\u202eSPOOF\n"
    "OK: 9 probes passed in 0.1 s SPOOF\n\n✗ FAILED SPOOF\n  stdout:SPOOF\n::error::SPOOF\n"
    "##[error]SPOOF\nsection_start:1:SPOOF\nexit 0: SPOOF\ud800"
)


def spoofing_run():
    """Return a run that speaks hostile text in every place there is."""
    error = ErrorDetail(exception_class_path=SPOOF, message=SPOOF, traceback=SPOOF)
    bare = replace(error, traceback="")
    values = {"error": error, "stdout": SPOOF, "stderr": SPOOF, "reason": SPOOF, "worker": SPOOF}
    values |= {"cleanup_errors": (replace(error, message=f"2{SPOOF}"),), "description": SPOOF}
    results = [
        sample_result(0, "test_a", Outcome.ERRORED, **values),
        sample_result(1, "test_b", Outcome.PASSED, stdout=SPOOF, stderr=SPOOF),
        sample_result(2, "test_c", Outcome.SKIPPED, reason=SPOOF),
        sample_result(3, "test_d", Outcome.NOT_RUN, reason=SPOOF),
        sample_result(4, "test_e", Outcome.FAILED, error=bare, quarantine=SPOOF, blocking=False),
        sample_result(
            5, "test_f", Outcome.PASSED, flaky=True, attempts=(failed(5, "test_f", error=bare),)
        ),
    ]
    target = f"eu {SPOOF}"
    results = [
        replace(one, target=target, probe=replace(one.probe, label=f"shop.{SPOOF}", source=SPOOF))
        for one in results
    ]
    started, *events, finished = sample_run(target, found=results)
    started = replace(
        started,
        release=SPOOF,
        instance=SPOOF,
        labels=(SPOOF,),
        run_id=SPOOF,
        targets=(target, "us"),
    )
    extra = [
        FixtureFailed(fixture=SPOOF, error=error, source=SPOOF, target=target),
        TargetFailed(target=target, error=bare),
    ]
    summary = replace(finished.summary, failed_targets=(target,), reporter_errors=(SPOOF,))
    return [started, *events, *extra, RunFinished(summary=summary)]


@pytest.mark.parametrize("verbosity", [0, 1, 2, 3])
def test_no_line_of_a_probe_can_be_taken_for_ours(verbosity):
    text = report(spoofing_run(), verbosity=verbosity, durations=3)
    text.encode("utf-8")
    assert not set(text) & set("\x1b\r\x07\x85\x9b\u2028\u202e\ud800")
    ours = r"[✗!✓-] [a-zA-Z]|Running|release|lost:|exit 1:|[1-6]/6 |    0\.\d{3} s  "
    ours += r"|  (\"|Reason: |- |at |0\.\d{3} s|Does not block: |[✓✗·!?-]+  "
    ours += r"|\./manage\.py probe (--target )?')"
    for line in text.split("\n"):
        assert "SPOOF" not in line or re.match(rf"{' ' * 6}|{ours}", line), line
    starts = [
        line for line in text.split("\n") if line.startswith(("OK", "NOT OK", "exit", "✗ FAILED"))
    ]
    assert [line.partition(":")[0] for line in starts] == ["NOT OK", "exit 1"]


def test_only_foreign_lines_are_indented_by_six():
    for verbosity in (0, 1, 2, 3):
        bare = [
            replace(one, error=None, stdout="", stderr="", subtests=(), cleanup_errors=())
            for one in [event.result for event in sample_run() if isinstance(event, ProbeFinished)]
        ]
        text = report_of(*bare, verbosity=verbosity, durations=20)
        assert not [line for line in text.split("\n") if line.startswith(" " * 6)]


# Tracebacks.

LIBRARY = (
    '  File "/opt/venv/lib/python3.11/site-packages/lib/api.py", line 3, in call\n    raise it\n'
)
STANDARD = f'  File "{os.__file__}", line 9, in fork\n    fork()\n    ^^^^^^\n'
OWN = '  File "/srv/shop/probes.py", line 7, in test_pay\n    pay()\n'
HEADER = "Traceback (most recent call last):\n"


def test_only_the_frames_of_the_user_are_shown():
    text = with_traceback(f"{HEADER}{OWN}{LIBRARY}{STANDARD}{OWN}{LIBRARY}ValueError: no\n")
    assert text.count("/srv/shop/probes.py") == 2
    assert "      … 2 library frames, shown with -v 2\n" in text.replace("        …", "      …")
    assert "… 1 library frame, shown with -v 2\n" in text
    assert "site-packages" not in text
    assert "fork" not in text
    assert "      ValueError: no\n" in text


def test_all_frames_are_shown_with_v2():
    error = ErrorDetail(
        exception_class_path="ValueError",
        message="no",
        traceback=f"{HEADER}{OWN}{LIBRARY}ValueError: no\n",
    )
    text = report_of(sample_result(0, "test_a", Outcome.ERRORED, error=error), verbosity=2)
    assert "site-packages" in text
    assert "library frame" not in text


def test_a_traceback_of_libraries_alone_stays_whole():
    text = with_traceback(f"{HEADER}{LIBRARY}{STANDARD}ValueError: no\n")
    assert "site-packages" in text
    assert "library frame" not in text


def test_a_project_that_is_installed_is_still_the_users():
    where = "/opt/venv/lib/python3.11/site-packages/shop/probes.py"
    own = f'  File "{where}", line 7, in test_pay\n    pay()\n'
    text = with_traceback(f"{HEADER}{own}{LIBRARY}ValueError: no\n", source=f"{where}:5")
    assert f'File "{where}", line 7' in text
    assert "… 1 library frame, " in text


def test_each_section_of_a_chain_is_folded_by_itself():
    cause = (
        f"{HEADER}{OWN}{LIBRARY}KeyError: 1\n\nDuring handling of the above exception, another:\n\n"
    )
    text = with_traceback(f"{cause}{HEADER}{OWN}{STANDARD}ValueError: no\n")
    assert text.count("… 1 library frame, ") == 2
    assert "During handling of the above exception" in text
    assert "KeyError: 1" in text


def test_groups_of_exceptions_are_folded_and_keep_their_shape():
    group = (
        "  + Exception Group Traceback (most recent call last):\n"
        '  |   File "/srv/shop/probes.py", line 7, in test_pay\n  |     pay()\n'
        '  |   File "/usr/lib/python3.11/asyncio/tasks.py", line 1, in run\n  |     go()\n'
        "  | ExceptionGroup: two (1 sub-exception)\n  +-+---------------- 1 ----------------\n"
        "    | Traceback (most recent call last):\n"
        '    |   File "/srv/shop/probes.py", line 8, in one\n    |     one()\n'
        '    |   File "/usr/lib/python3.11/asyncio/tasks.py", line 2, in run\n    |     go()\n'
        "    | ValueError: no\n    +------------------------------------\n"
    )
    text = with_traceback(group)
    assert "asyncio" not in text
    assert "        |   … 1 library frame, shown with -v 2\n" in text
    assert "          |   … 1 library frame, shown with -v 2\n" in text
    assert "          | ValueError: no\n" in text


def test_a_message_that_looks_like_frames_is_not_folded():
    text = with_traceback(f"{HEADER}{OWN}{LIBRARY}ValueError: look:\n{LIBRARY}and more\n")
    assert text.count("site-packages") == 1
    assert "      and more\n" in text


def test_a_recursion_is_folded_with_its_count():
    again = "  [Previous line repeated 970 more times]\n"
    text = with_traceback(f"{HEADER}{OWN}{LIBRARY}{again}RecursionError: too deep\n")
    assert "… 1 library frame, " in text
    assert "970" not in text


# What is told once, what is told together.


def test_probes_that_failed_for_one_reason_share_a_block():
    error = ErrorDetail(exception_class_path="OSError", message="setUpClass failed, see above")
    same = [sample_result(n, f"test_{n}", Outcome.ERRORED, error=error) for n in range(30)]
    text = report_of(*same, verbosity=0)
    assert "✗ ERRORED 30 probes, all for the same reason\n  - shop.Checkout.test_0\n" in text
    assert "  - and 10 more, named with -v 2\n" in text
    assert text.count("setUpClass failed, see above") == 1
    assert "  - shop.Checkout.test_29\n" in report_of(*same, verbosity=2)


def test_probes_that_did_not_run_are_grouped_by_reason():
    reasons = ["the run's deadline of 5 s has passed"] * 25 + [""]
    rest = [
        sample_result(n, f"test_{n}", Outcome.NOT_RUN, reason=reason)
        for n, reason in enumerate(reasons)
    ]
    text = report_of(*rest)
    assert "✗ NOT RUN: 25 probes (the run's deadline of 5 s has passed)\n" in text
    assert "✗ NOT RUN: 1 probe (nobody said why)\n  - shop.Checkout.test_25\n" in text
    assert "  - 25 of shop.Checkout\n" in text
    assert "  - shop.Checkout.test_24\n" in report_of(*rest, verbosity=2)


def test_a_probe_that_was_stopped_halfway_shows_what_it_printed():
    stopped = sample_result(
        0, "test_a", Outcome.NOT_RUN, reason="interrupted (SIGINT) while it ran", stdout="asking\n"
    )
    text = report_of(stopped)
    assert "✗ NOT RUN shop.Checkout.test_a\n" in text
    assert "  Reason: interrupted (SIGINT) while it ran\n  stdout:\n      asking\n" in text


def test_what_tear_down_raised_is_told_once_and_asks_what_is_left():
    left = ErrorDetail(exception_class_path="OSError", message="row 5", traceback="OSError: row 5")
    text = report_of(
        sample_result(0, "test_a", Outcome.ERRORED, error=left, cleanup_errors=(left,))
    )
    assert text.count("      OSError: row 5\n") == 1
    assert "  Left behind? Its tearDown or a cleanup failed:\n      OSError: row 5\n" in text


def test_earlier_tries_are_told():
    tries = (failed(0, "test_a", duration=0.5), failed(0, "test_a", duration=0.25))
    text = report_of(failed(0, "test_a", attempts=tries), verbosity=0)
    assert "  2 earlier tries:\n  - failed, 0.500 s, 402 != 200" in text


def test_a_flaky_probe_that_blocks_is_told_as_what_stops_the_deploy():
    first = failed(0, "test_a")
    flaky = sample_result(0, "test_a", Outcome.PASSED, flaky=True, attempts=(first,), blocking=True)
    text = report_of(flaky)
    assert "✗ FLAKY shop.Checkout.test_a\n" in text
    assert "Flaky (passed" not in text


def test_what_is_not_ok_is_listed_once_more_below_many_blocks():
    few = report_of(*(failed(n, f"test_{n}") for n in range(3)))
    many = report_of(*(failed(n, f"test_{n}") for n in range(30)))
    assert few.count("✗ FAILED      0.25") == 3
    assert many.count("✗ FAILED      0.2") == 30 + 20
    assert "… and 10 more, told above\n" in many


# Durations, and memory.


def test_the_slowest_probes_are_named_in_order_however_many_there_are():
    results = [
        sample_result(n, f"test_{n}", Outcome.PASSED, duration=(n * 37 % 100) / 10)
        for n in range(100)
    ]
    text = report_of(*results, durations=2)
    assert (
        "Slowest:\n    9.900 s  shop.Checkout.test_27\n    9.800 s  shop.Checkout.test_54\n\n"
        in text
    )
    assert "Slowest" not in report_of(*results)


def test_probes_that_passed_leave_nothing_in_memory():
    reporter = TextReporter(io.StringIO(), durations=5, color=False)
    reporter.run_started(RunStarted(run_id="1", started_at=NOW, planned=20_000))

    def pass_some(start, number):
        for n in range(start, start + number):
            result = sample_result(n, f"test_{n}", Outcome.PASSED, stdout="x" * 100)
            reporter.probe_started(ProbeStarted(probe=result.probe, at=NOW))
            reporter.probe_finished(result)

    tracemalloc.start()
    try:
        pass_some(0, 500)
        before, _ = tracemalloc.get_traced_memory()
        pass_some(500, 5_000)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    feed(reporter, [sample_run(found=[])[-1]])
    assert after - before < 50_000


# While it runs, in a log.


class Signalling(io.StringIO):
    """A stream that tells when a text has come."""

    def __init__(self, awaited):
        super().__init__()
        self.awaited = awaited
        self.came = threading.Event()

    def write(self, text):
        length = super().write(text)
        if self.awaited in text:
            self.came.set()
        return length


def start_run(stream, results, **options):
    """Return a reporter in the middle of a run: all results have started, none has finished."""
    reporter = TextReporter(stream, **options)
    reporter.run_started(RunStarted(run_id="1", started_at=NOW, planned=len(results)))
    for result in results:
        reporter.probe_started(ProbeStarted(probe=result.probe, at=NOW))
    return reporter


def test_a_log_says_that_a_silent_run_is_alive_and_what_runs():
    results = [sample_result(n, f"test_{n}", Outcome.PASSED) for n in range(5)]
    stream = Signalling("still running")
    reporter = start_run(stream, results, heartbeat=0.01)
    assert stream.came.wait(20)
    feed(reporter, [sample_run(found=[])[-1]])
    assert (
        "0/5  after 0 s, still running: shop.Checkout.test_0 (0 s), shop.Checkout.test_1 (0 s),"
        " shop.Checkout.test_2 (0 s), 2 more\n"
    ) in stream.getvalue()


def test_a_line_can_be_read_while_the_next_probe_hangs():
    raw = Signalling("")

    class Bytes(io.RawIOBase):
        def writable(self):
            return True

        def write(self, data):
            raw.write(bytes(data).decode())
            return len(data)

    stream = io.TextIOWrapper(io.BufferedWriter(Bytes(), 100_000), encoding="utf-8")
    results = [failed(0, "test_a"), failed(1, "test_b")]
    reporter = start_run(stream, results[:1])
    raw.awaited = "✗ FAILED      0.250 s  shop.Checkout.test_a"
    hand_over(reporter, ProbeFinished(result=results[0]))
    assert raw.came.wait(20)
    feed(reporter, [sample_run(found=[])[-1]])


def test_a_class_is_told_when_it_is_done_though_several_probes_run_at_once():
    names = [("A", 0), ("A", 1), ("B", 2), ("A", 3), ("B", 4)]
    results = [sample_result(n, f"test_{n}", Outcome.PASSED, case=case) for case, n in names]
    stream = io.StringIO()
    reporter = TextReporter(stream)
    reporter.run_started(RunStarted(run_id="1", started_at=NOW, planned=5))
    steps = "s0 s1 s2 f0 f2 f1 s3 f3 s4 f4"
    for step in steps.split():
        result = results[int(step[1])]
        started = ProbeStarted(probe=result.probe, at=NOW)
        hand_over(reporter, started if step[0] == "s" else ProbeFinished(result=result))
    feed(reporter, [sample_run(found=results)[-1]])
    lines = [line for line in stream.getvalue().splitlines() if "shop." in line]
    assert lines == [
        "3/5  shop.A: 2 passed (0.501 s)",
        "3/5  shop.B: 1 passed (0.252 s)",
        "4/5  shop.A: 1 passed (0.253 s)",
        "5/5  shop.B: 1 passed (0.254 s)",
    ]


def test_the_last_class_of_a_target_is_told_when_the_target_is_done():
    stream = io.StringIO()
    reporter = TextReporter(stream)
    reporter.run_started(RunStarted(run_id="1", started_at=NOW, targets=("eu", "us")))
    for target in ("eu", "us"):
        reporter.target_started(TargetStarted(target=target, at=NOW, planned=1))
    for target in ("eu", "us"):
        result = replace(sample_result(0, "test_a", Outcome.PASSED), target=target)
        hand_over(reporter, ProbeStarted(probe=result.probe, target=target, at=NOW))
        hand_over(reporter, ProbeFinished(result=result))
        reporter.stream.flush()
        assert f"[{target}]: 1 passed" in stream.getvalue()
    feed(reporter, [sample_run(found=[])[-1]])


def threads():
    """Return the threads that text reporters have."""
    return [thread for thread in threading.enumerate() if thread.name == "probe-text"]


def test_nothing_runs_on_after_the_run():
    reporter = start_run(io.StringIO(), [sample_result(0, "test_a", Outcome.PASSED)])
    assert len(threads()) == 1
    feed(reporter, [sample_run(found=[])[-1]])
    assert threads() == []


def test_a_reporter_whose_stream_breaks_raises_and_leaves_no_thread():
    class Broken(io.StringIO):
        broken = False

        def write(self, text):
            if self.broken:
                raise BrokenPipeError(32, "Broken pipe")
            return super().write(text)

    stream = Broken()
    results = [failed(0, "test_a")]
    reporter = start_run(stream, results, heartbeat=1000)
    (thread,) = threads()
    stream.broken = True
    with pytest.raises(BrokenPipeError):
        hand_over(reporter, ProbeFinished(result=results[0]))
    thread.join(20)
    assert not thread.is_alive()


@pytest.mark.parametrize(
    "options", [{"verbosity": "2"}, {"heartbeat": -1}, {"color": True, "x": 1}]
)
def test_options_that_make_no_sense_are_refused(options):
    with pytest.raises(TypeError):
        TextReporter(io.StringIO(), **options)
