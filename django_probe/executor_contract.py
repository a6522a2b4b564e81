"""What every executor has to keep, as tests: ours pass it, and so should yours."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django_probe import contract_probes as probes
from django_probe.deadline import Deadline
from django_probe.events import Event, FixtureFailed, ProbeFinished, ProbeStarted
from django_probe.executors.base import Executor
from django_probe.plan import Batch
from django_probe.redaction import Redactor
from django_probe.results import Outcome, ProbeResult
from django_probe.run_config import RunConfig
from django_probe.wire import decode, encode

__all__ = ["ExecutorContract"]

if TYPE_CHECKING:
    from unittest import TestCase as _Base
else:
    _Base = object

TARGET = "contract"


class ExecutorContract(_Base):
    """Mix this into a ``unittest.TestCase`` and make the executor.

    ::

        class FibersContract(ExecutorContract, unittest.TestCase):
            def make_executor(self, config, **options):
                return FibersExecutor(config, **options)

    Django must be set up. The probes that it runs lie in
    ``django_probe.contract_probes``, where another process can import them too.
    """

    def make_executor(self, config: RunConfig, **options: Any) -> Executor:
        """Return the executor to try, with options of ``Executor``."""
        raise NotImplementedError

    def events(
        self,
        batches: Sequence[Batch],
        deadline: Deadline | None = None,
        *,
        max_workers: int = 1,
        **config: Any,
    ) -> list[Event]:
        """Return what an executor tells, after a look at what holds always.

        Args:
            config: fields of ``RunConfig``.
        """
        executor = self.make_executor(
            RunConfig(**{"timeout": 10.0, **config}), max_workers=max_workers
        )
        told = list(executor.execute(batches, TARGET, deadline or Deadline()))
        self._check_promises(batches, told)
        return told

    def results(self, *classes: type, **options: Any) -> dict[str, ProbeResult]:
        """Return the results of all probes of some classes, by ``Class.method``."""
        told = self.events(probes.batches_of(*classes), **options)
        found = (event.result for event in told if isinstance(event, ProbeFinished))
        return {".".join(result.probe.id.split(".")[-2:]): result for result in found}

    # What holds always.

    def test_each_probe_gets_one_result_of_its_outcome(self) -> None:
        """The name of each method says which."""
        for workers in (1, 3):
            for name, result in self.results(*probes.CLASSES, max_workers=workers).items():
                with self.subTest(name, workers=workers):
                    self.assertEqual(result.outcome, _outcome_in(name))
                    self.assertEqual(result.target, TARGET)

    def test_one_worker_keeps_the_order_of_the_plan(self) -> None:
        """Started, finished, started, finished, by the index."""
        told = self.events(probes.batches_of(*probes.CLASSES), max_workers=1)
        told = [event for event in told if not isinstance(event, FixtureFailed)]
        order = [_index(event) for event in told]
        self.assertEqual(order, sorted(order))
        kinds = [type(event) for event in told]
        self.assertEqual(kinds, [ProbeStarted, ProbeFinished] * (len(told) // 2))

    def test_events_are_plain_records(self) -> None:
        """Each of them survives the wire."""
        for event in self.events(probes.batches_of(*probes.CLASSES)):
            line = encode(event)
            self.assertEqual(encode(decode(line)), line)

    # What a result tells.

    def test_a_failed_setup_is_told_once_and_named_by_the_others(self) -> None:
        """The traceback stands at the first probe."""
        first, second = self.results(probes.BrokenSetup).values()
        assert first.error is not None
        assert second.error is not None
        self.assertIn("no broker", first.error.traceback)
        self.assertIn(first.probe.label, second.error.message)
        self.assertIn("no broker", second.error.message)

    def test_a_failed_teardown_comes_after_the_results(self) -> None:
        """It is told by the name of the fixture."""
        told = self.events(probes.batches_of(probes.BrokenTeardown))
        self.assertIsInstance(told[-1], FixtureFailed)
        assert isinstance(told[-1], FixtureFailed)
        self.assertTrue(told[-1].fixture.endswith("BrokenTeardown.tearDownClass"))

    def test_several_errors_of_one_probe_are_one_result(self) -> None:
        """The first error, then those of its cleanups."""
        (result,) = self.results(probes.Cleanup).values()
        assert result.error is not None
        self.assertEqual(result.error.message, "body")
        self.assertEqual([e.message for e in result.cleanup_errors], ["tearDown", "cleanup"])

    def test_output_belongs_to_the_probe_that_made_it(self) -> None:
        """Each stream apart."""
        results = self.results(probes.Printing)
        self.assertEqual(results["Printing.test_passed_1"].stdout, "this is 1\n")
        self.assertEqual(results["Printing.test_passed_1"].stderr, "this is 1, wrong\n")
        self.assertTrue(results["Printing.test_passed_2"].stdout.startswith("this is 2 "))

    def test_a_probe_can_mark_what_it_sends(self) -> None:
        """By the id of the run and its own label."""
        (result,) = self.results(probes.Marked, run_id=f"{7:032}").values()
        self.assertEqual(result.stdout, f"{7:032}/{result.probe.label}\n")

    def test_no_secret_leaves(self) -> None:
        """What the redactor knows is masked in every record."""
        redactor = Redactor([probes.SECRET])
        for event in self.events(probes.batches_of(*probes.CLASSES), redactor=redactor):
            self.assertNotIn(probes.SECRET, encode(event))

    def test_a_class_made_for_a_test_database_is_refused(self) -> None:
        """Nothing of it is called, its fixtures neither."""
        (result,) = self.results(probes.Refused).values()
        assert result.error is not None
        self.assertIn("Refused", result.error.message)
        self.assertFalse(probes.Refused.ran)

    # How a run ends.

    def test_a_probe_that_hangs_is_timed_out_and_the_others_run(self) -> None:
        """The stack says where, down to the line."""
        results = self.results(probes.Hanging)
        self.assertEqual(
            [_outcome_in(name) for name in results], [result.outcome for result in results.values()]
        )
        error = results["Hanging.test_2_timed_out"].error
        assert error is not None
        self.assertIn("in test_2_timed_out", error.traceback)
        self.assertIn("time.sleep(0.01)", error.traceback)

    def test_failfast_starts_nothing_after_the_first_that_blocks(self) -> None:
        """What has not started is not run."""
        for workers in (1, 3):
            told = self.events(
                probes.batches_of(*probes.CLASSES), failfast=True, max_workers=workers
            )
            kinds = [_is_blocking(event) for event in told]
            after = told[kinds.index(True) :]
            self.assertFalse([event for event in after if isinstance(event, ProbeStarted)])
            self.assertIn(Outcome.NOT_RUN, _outcomes(told))

    def test_after_the_deadline_nothing_starts(self) -> None:
        """Every probe is not run, and says why."""
        deadline = Deadline()
        deadline.expire("the test is over")
        told = self.events(probes.batches_of(*probes.CLASSES), deadline)
        self.assertEqual(set(_outcomes(told)), {Outcome.NOT_RUN})
        results = [event.result for event in told if isinstance(event, ProbeFinished)]
        self.assertEqual({result.reason for result in results}, {"the test is over"})

    def test_a_run_that_is_ended_in_the_middle_has_all_its_results(self) -> None:
        """The rest is not run."""
        batches, deadline = probes.batches_of(*probes.CLASSES), Deadline()
        executor, told = self.make_executor(RunConfig(timeout=10.0)), []
        for event in executor.execute(batches, TARGET, deadline):
            told.append(event)
            deadline.expire("enough")
        self._check_promises(batches, told)

    def _check_promises(self, batches: Sequence[Batch], told: Sequence[Event]) -> None:
        """Check what holds for every execution, whatever happens."""
        planned = [entry.index for batch in batches for entry in batch.entries]
        finished = [e.result.probe.index for e in told if isinstance(e, ProbeFinished)]
        self.assertEqual(Counter(finished), Counter(planned), "one result for each probe")
        started: set[int] = set()
        for event in told:
            if isinstance(event, ProbeStarted):
                self.assertNotIn(event.probe.index, started, "a probe starts once")
                started.add(event.probe.index)
            elif isinstance(event, ProbeFinished):
                result = event.result
                if result.outcome is not Outcome.NOT_RUN:
                    self.assertIn(result.probe.index, started, "started before finished")
                self.assertGreaterEqual(result.duration, 0)
                self.assertIsNotNone(result.started_at.tzinfo)


def _outcome_in(name: str) -> Outcome:
    """Return the outcome that a probe's method is named for."""
    method = re.sub(r"test_(?:\d_)?", "", name.rpartition(".")[2])
    return max((o for o in Outcome if method.startswith(o.value)), key=lambda o: len(o.value))


def _outcomes(told: Sequence[Event]) -> list[Outcome]:
    return [event.result.outcome for event in told if isinstance(event, ProbeFinished)]


def _is_blocking(event: Event) -> bool:
    return isinstance(event, ProbeFinished) and event.result.blocking


def _index(event: Event) -> int:
    if isinstance(event, ProbeFinished):
        return event.result.probe.index
    assert isinstance(event, ProbeStarted)
    return event.probe.index
