"""Run the probes of one batch, in order, with the fixtures around them."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from django_probe import fixtures
from django_probe.capture import Sink, current_sink
from django_probe.details import Problem
from django_probe.events import Event, FixtureFailed, ProbeFinished, ProbeStarted
from django_probe.exceptions import ProbeTimeout
from django_probe.executors.watch import Watch, overran
from django_probe.fixtures import FixtureCall
from django_probe.plan import Planned
from django_probe.probe_classes import refusal
from django_probe.recording import Recorder
from django_probe.results import ErrorDetail, Outcome, Probe, ProbeResult

__all__ = ["BatchRun"]


class BatchRun:
    """What a worker does with a batch; whoever watches can see how far it is.

    Args:
        entries: the probes, grouped by class.
        problems: classes (and modules, by name) whose fixture is known to fail.
    """

    def __init__(
        self,
        entries: Sequence[Planned],
        problems: dict[object, Problem] | None = None,
        *,
        module_fixture: bool = False,
    ) -> None:
        self.entries = entries
        self.problems = dict(problems or {})
        self.module_fixture = module_fixture
        self.position = 0
        self.fixture = ""
        """Name of the fixture that runs now, "" while it is a probe."""
        self.fixture_of: object = None
        """The class or module that the fixture sets up; None while it tears down."""
        self.probe: Probe | None = None
        self.started_at = datetime.now(timezone.utc)
        self.sink = Sink()
        self._case: Any = None
        self._class: type | None = None
        self._module: str | None = None

    def bind(
        self,
        recorder: Recorder,
        watch: Watch,
        emit: Callable[[Event], None],
        *,
        target: str,
        timeout: float | None,
        stop: Callable[[], bool],
        after_probe: Callable[[bool], None],
    ) -> BatchRun:
        """Give the run to a worker."""
        self.recorder, self._watch, self._emit = recorder, watch, emit
        self._target, self._timeout = target, timeout
        self._stop, self._after_probe = stop, after_probe
        return self

    def run(self) -> None:
        """Run from ``position`` on, until the end or until ``stop()`` says so."""
        while self.position < len(self.entries) and not self._stop():
            planned = self.entries[self.position]
            self._leave_for(planned)
            self._start(planned)
            problem = planned.problem or self._enter(planned)
            self._finish(planned, problem)
            self.position += 1
        self._leave_class()
        self._leave_module()

    @property
    def rest(self) -> Sequence[Planned]:
        """Return the probes that have no result yet."""
        return self.entries[self.position :]

    @property
    def open_fixtures(self) -> list[str]:
        """Return the teardowns that are still owed."""
        owed = []
        if self._class is not None:
            owner = self.entries[min(self.position, len(self.entries) - 1)].owner
            if owner is not None and owner.has_class_fixture:
                owed.append(f"{owner.id}.tearDownClass")
        if self._module is not None:
            owed.append(f"{self._module}.tearDownModule")
        return owed

    @property
    def tears_down(self) -> bool:
        """Return whether it is between two probes, in a teardown."""
        return bool(self.fixture) and self.fixture_of is None

    def after(self) -> BatchRun:
        """Return a run of what has no result yet, for another worker."""
        skipped = 0 if self.tears_down else 1
        return BatchRun(
            self.entries[self.position + skipped :],
            self.problems,
            module_fixture=self.module_fixture,
        )

    def wake_loop(self) -> None:
        """Wake the event loop of an async probe, so that an interrupt reaches it."""
        runner = getattr(self._case, "_asyncioRunner", None)
        loop = getattr(runner, "_loop", None) or getattr(self._case, "_asyncioTestLoop", None)
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # Closed meanwhile.
                loop.call_soon_threadsafe(bool)

    def _shares(self, planned: Planned) -> bool:
        owner = planned.owner
        return self.module_fixture or (owner is not None and owner.has_class_fixture)

    def _start(self, planned: Planned) -> None:
        self.probe = planned.describe(self._timeout)
        self.started_at = datetime.now(timezone.utc)
        self.sink = Sink()
        current_sink.set(self.sink)
        self._emit(ProbeStarted(probe=self.probe, target=self._target, at=self.started_at))

    def _finish(self, planned: Planned, problem: Problem | None) -> None:
        assert self.probe is not None
        if problem is not None:
            result = self.recorder.of_problem(self.probe, problem, self.started_at)
        else:
            result = self._run_case(planned, self.probe)
        current_sink.set(None)
        self._after_probe(self._shares(planned))
        self._emit(ProbeFinished(result=result))

    def _run_case(self, planned: Planned, probe: Probe) -> ProbeResult:
        recorder = self.recorder
        recorder.reset()
        verdict, duration = self._timed(lambda: self._call_case(planned), probe.timeout)
        if verdict is not None:
            verdict = recorder.scrubbed(verdict)
        sink = self.sink if self.sink.used else None
        return recorder.result(probe, self.started_at, duration, sink, verdict)

    def _call_case(self, planned: Planned) -> None:
        case: Any = None
        try:
            case = self._case = planned.make()
            if hasattr(case, "_asyncioTestContext"):
                _adopt_context(case)
            case(self.recorder)
        except ProbeTimeout:
            raise
        except BaseException:
            self.recorder.add_raised(case or self.recorder, sys.exc_info())
            if case is not None:
                _call_cleanups(case, self.recorder)

    def _timed(
        self, step: Callable[[], None], limit: float | None
    ) -> tuple[Problem | None, float]:
        """Run a step within a limit; return why it was stopped, and how long it took.

        ``ProbeTimeout`` may come at any bytecode until ``end()`` has returned,
        once: hence the second ``try``.
        """
        watch = self._watch
        began = watch.begin(limit)
        try:
            with contextlib.suppress(ProbeTimeout):
                step()
            verdict = watch.end()
        except ProbeTimeout:
            verdict = watch.end()
        duration = time.monotonic() - began
        if verdict is None and limit is not None and duration > limit:
            verdict = overran(limit)
        return verdict, duration

    # Fixtures.

    def _leave_for(self, planned: Planned) -> None:
        """Tear down what the next probe does not share."""
        owner = planned.owner
        if self._class is not None and (owner is None or owner.case_class is not self._class):
            self._leave_class()
        module = None if owner is None else owner.case_class.__module__
        if self._module is not None and module != self._module:
            self._leave_module()

    def _enter(self, planned: Planned) -> Problem | None:
        """Set up what the probe needs and has not; return what keeps it from running."""
        assert planned.owner is not None
        case_class = planned.owner.case_class
        if case_class is self._class:
            return None
        problem = refusal(case_class) or self._enter_module(case_class.__module__)
        if problem is None:
            problem = self._set_up(case_class, fixtures.class_setup(case_class))
        if problem is None:
            self._class = case_class
        return problem

    def _enter_module(self, module: str) -> Problem | None:
        if not self.module_fixture or module == self._module:
            return None
        problem = self._set_up(module, fixtures.module_setup(module))
        if problem is None:
            self._module = module
        return problem

    def _set_up(self, key: object, fixture: FixtureCall | None) -> Problem | None:
        if key in self.problems:
            return self.problems[key]
        if fixture is None:
            return None
        self.fixture, self.fixture_of = fixture.name, key
        problems = self._call(fixture)
        self.fixture, self.fixture_of = "", None
        if not problems:
            return None
        self.problems[key] = self.told_elsewhere(fixture.name, problems[0])
        for later in problems[1:]:
            self._tell(f"{fixture.name}.cleanup", later)
        return problems[0]

    def told_elsewhere(self, fixture: str, problem: Problem) -> Problem:
        """Return what the other probes of a failed fixture say: where it is told in full."""
        if problem.error is None or self.probe is None:
            return problem
        message = f"{fixture} failed, as told at {self.probe.label}: {problem.error.message}"
        error = ErrorDetail(
            exception_class_path=problem.error.exception_class_path, message=message
        )
        return replace(problem, error=error)

    def _leave_class(self) -> None:
        if self._class is not None:
            self._tear_down(fixtures.class_teardown(self._class))
            self._class = None

    def _leave_module(self) -> None:
        if self._module is not None:
            self._tear_down(fixtures.module_teardown(self._module))
            self._module = None

    def _tear_down(self, fixture: FixtureCall | None) -> None:
        if fixture is None:
            return
        self.fixture = fixture.name
        for problem in self._call(fixture):
            self._tell(fixture.name, problem)
        self.fixture = ""

    def _call(self, fixture: FixtureCall) -> list[Problem]:
        """Run a fixture within the time for one; return what went wrong, the first one first."""
        raised: list[BaseException] = []
        verdict, _ = self._timed(lambda: raised.extend(fixture.run()), self._timeout)
        if verdict is not None:
            return [verdict]
        return [_problem_of(exc) for exc in raised]

    def _tell(self, fixture: str, problem: Problem) -> None:
        if problem.outcome is Outcome.SKIPPED:
            return
        error = self.recorder.scrubbed(problem).error
        if error is not None:
            self._emit(
                FixtureFailed(
                    target=self._target, fixture=fixture, error=error, source=problem.source
                )
            )


def _problem_of(exc: BaseException) -> Problem:
    from unittest import SkipTest

    if isinstance(exc, SkipTest):
        return Problem.skipped(str(exc))
    return Problem.raised(exc, skip_importers=True)


def _adopt_context(case: Any) -> None:
    """Let an async test case see the worker's context variables.

    ``IsolatedAsyncioTestCase`` copies the context where it is made, which may
    have been long before its turn.
    """
    import contextvars

    case._asyncioTestContext = contextvars.copy_context()


def _call_cleanups(case: Any, recorder: Recorder) -> None:
    """Call the cleanups that unittest leaves out after a ``KeyboardInterrupt``."""
    while True:
        try:
            case.doCleanups()
            return
        except BaseException:
            recorder.add_raised(case, sys.exc_info())
