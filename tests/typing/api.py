"""The public interface, as those who write probes, runners and reporters use it.

Nothing runs this: ``mypy --strict`` reads it, with the installed wheel at hand.
"""

from __future__ import annotations

import argparse
import sys
import unittest
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any, ClassVar, TextIO

from typing_extensions import assert_type

from django_probe import (
    __version__,
    allow_writes,
    current_target,
    only_on,
    probe_headers,
    quarantine,
    retry,
    serial,
    severity,
    tag,
    timeout,
)
from django_probe.deadline import Deadline
from django_probe.events import (
    Event,
    FixtureFailed,
    ProbeFinished,
    ProbeStarted,
    RunFinished,
    RunStarted,
    TargetFailed,
    TargetStarted,
)
from django_probe.exceptions import ConfigurationError, ProbeError, WireError
from django_probe.executors.base import Executor
from django_probe.plan import Batch, Plan
from django_probe.reporters.jsonl import JsonlReporter
from django_probe.reporting import Report, Reporter
from django_probe.results import Counts, ErrorDetail, Outcome, Probe, ProbeResult, Summary
from django_probe.run_config import RunConfig
from django_probe.selection import Selection
from django_probe.simple import DjangoProbeSuiteRunner
from django_probe.targets.base import Check, Setup, Target
from django_probe.targets.options import COMMON, check_texts
from django_probe.testing import ExecutorContract, ReporterContract, TargetContract
from django_probe.wire import WIRE_VERSION, decode, encode

assert_type(__version__, str)
assert_type(WIRE_VERSION, int)


@tag("smoke", "payments")
@timeout(5)
class Checkout(unittest.TestCase):
    """A probe class as an author writes it: the marks keep every type."""

    @serial
    def test_pay(self) -> None:
        self.assertTrue(True)

    @serial()
    @timeout(0.5)
    @tag("slow")
    def test_refund(self) -> None:
        self.assertTrue(True)

    @retry
    @quarantine(owner="payments", issue="SHOP-12", until="2026-12-31")
    @serial("account")
    def test_again(self) -> None:
        self.assertTrue(True)

    @severity("warning")
    @retry(times=2, delay=0.5, only_on=(ConnectionError, OSError))
    def test_more(self) -> None:
        self.assertTrue(True)

    @allow_writes
    def test_write(self) -> None:
        self.assertTrue(True)

    @allow_writes()
    @allow_writes("orders", "archive")
    def test_order(self) -> None:
        self.assertTrue(True)

    @tag("helper")
    def total(self, lines: Sequence[int]) -> int:
        return sum(lines)


assert_type(Checkout, type[Checkout])
assert_type(Checkout().total([1]), int)
assert_type(Checkout().test_pay(), None)
assert_type(probe_headers(), dict[str, str])
assert_type(Checkout().test_again(), None)
assert_type(Checkout().test_more(), None)


class Bell(Reporter):
    """A reporter as another package writes it."""

    content_type: ClassVar[str] = "text/x-bell"
    accepts: ClassVar[frozenset[str]] = frozenset({"verbosity"})

    def __init__(self, stream: TextIO, *, verbosity: int = 1) -> None:
        super().__init__(stream)
        self.verbosity = verbosity

    def run_started(self, run: RunStarted) -> None:
        assert_type(run.planned, int | None)
        assert_type(run.targets, tuple[str, ...])
        assert_type(run.started_at, datetime)

    def probe_started(self, event: ProbeStarted) -> None:
        assert_type(event.probe, Probe)
        assert_type(event.probe.timeout, float | None)

    def probe_finished(self, result: ProbeResult) -> None:
        assert_type(result.outcome, Outcome)
        assert_type(result.blocking, bool)
        assert_type(result.attempts, tuple[ProbeResult, ...])
        if result.error is not None:
            assert_type(result.error, ErrorDetail)
            self.stream.write(f"{result.probe.label}: {result.error.message}\a\n")

    def fixture_failed(self, event: FixtureFailed) -> None:
        assert_type(event.error, ErrorDetail)

    def target_failed(self, event: TargetFailed) -> None:
        assert_type(event.target, str)

    def run_finished(self, summary: Summary) -> None:
        assert_type(summary.ok, bool)
        assert_type(summary.exit_code, int)
        assert_type(summary.counts, Counts)
        assert_type(summary.counts.of(Outcome.FAILED), int)
        assert_type(summary.by_target, Mapping[str, Counts])


class BellContract(ReporterContract, unittest.TestCase):
    """The test that another package's reporter passes."""

    reporter_class = Bell
    options: ClassVar[Mapping[str, Any]] = {"verbosity": 2}

    def test_it_rings(self) -> None:
        assert_type(self.report([]), str)


class BellExecutor(Executor):
    """An executor as another package writes it."""

    can_stop = True

    def execute(self, batches: Sequence[Batch], target: str, deadline: Deadline) -> Iterator[Event]:
        for batch in batches:
            assert_type(batch, Batch)
        assert_type(self.max_workers, int)
        yield from ()


class BellExecutorContract(ExecutorContract, unittest.TestCase):
    """The test that another package's executor passes."""

    def make_executor(self, config: RunConfig, **options: Any) -> Executor:
        return BellExecutor(config, **options)


class BellTarget(Target):
    """A kind of target as another package writes it."""

    options: ClassVar[Mapping[str, Check]] = {**COMMON, "towers": check_texts}

    def __init__(self, alias: str, towers: Sequence[str]) -> None:
        self.alias = alias
        self._towers = towers

    @classmethod
    def make(cls, alias: str, options: Mapping[str, Any], setup: Setup) -> Sequence[Target]:
        assert_type(setup.config, RunConfig)
        return [cls(alias, options.get("towers", ()))]

    def run(self, selection: Selection, deadline: Deadline) -> Iterator[Event]:
        assert_type(deadline.halted, str)
        for tower in self._towers:
            yield TargetStarted(target=tower, at=datetime.now(timezone.utc))


class BellTargetContract(TargetContract, unittest.TestCase):
    """The test that another package's target passes."""

    def make_target(self, alias: str) -> Target:
        return BellTarget(alias, ["north"])


@only_on("eu", "staging-*")
class Everywhere(unittest.TestCase):
    """A probe that reads where it is asked."""

    def test_is_there(self) -> None:
        target = current_target()
        assert_type(target.alias, str)
        self.assertIn("base_url", target.parameters)


class BellRunner(DjangoProbeSuiteRunner):
    """A runner as a project writes it: one option, one report, other steps as they are."""

    @classmethod
    def add_arguments(cls, parser: argparse.ArgumentParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--bell", action="store_true")

    def get_reports(self) -> list[Report]:
        return [*super().get_reports(), self.get_report("bell", "bell.txt")]

    def build_suite(self, selection: Selection) -> Plan:
        assert_type(selection.labels, tuple[str, ...])
        plan = super().build_suite(selection)
        assert_type(plan.total, int)
        return plan

    def get_target(self) -> Target:
        return super().get_target()

    def get_executor(self) -> Executor:
        executor = super().get_executor()
        assert_type(executor.can_stop, bool)
        return executor


def run_from_python() -> int:
    runner = BellRunner(stdout=sys.stdout, verbosity=0)
    assert_type(runner.run(["shop.Checkout"]), int)
    try:
        summary = runner.run_probes(runner.build_selection(["shop"]))
    except ConfigurationError as exc:
        return exc.exit_code
    except ProbeError as exc:
        assert_type(exc.exit_code, int)
        return exc.exit_code
    assert_type(summary, Summary)
    return summary.exit_code


def replay(lines: Sequence[str], show: Callable[[ProbeResult], object]) -> Reporter:
    for line in lines:
        try:
            event = decode(line)
        except WireError:
            continue
        assert_type(event, Event)
        if isinstance(event, ProbeFinished):
            assert_type(event.result, ProbeResult)
            show(event.result)
        elif isinstance(event, RunFinished):
            assert_type(event.summary, Summary)
        assert_type(encode(event), str)
    return JsonlReporter(sys.stdout)


def anything_goes_into_options(options: Mapping[str, Any]) -> Reporter:
    assert_type(Deadline(2.5).remaining(), float | None)
    return Bell(sys.stdout, **options)
