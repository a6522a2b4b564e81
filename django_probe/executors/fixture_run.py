"""The class and module fixtures that are set up in one batch now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from unittest import SkipTest

from django_probe import fixtures, guards
from django_probe.details import Problem, text_of
from django_probe.events import FixtureFailed
from django_probe.exceptions import ProbeTimeout
from django_probe.executors.connections import permit_writes, untold_refusals
from django_probe.executors.host import Host
from django_probe.executors.watch import SETTLING, bounded
from django_probe.fixtures import FixtureCall
from django_probe.plan import Planned
from django_probe.probe_classes import ProbeClass, refusal
from django_probe.results import Outcome

__all__ = ["FixtureRun"]


class FixtureRun:
    """Set up what a probe needs and has not, tear down what the next one does not share.

    Args:
        with_module: the batch shares what setUpModule makes.
        problems: classes, and modules by name, whose fixture is known to fail.
    """

    def __init__(
        self, *, with_module: bool = False, problems: dict[object, Problem] | None = None
    ) -> None:
        self.with_module = with_module
        self.problems = dict(problems or {})
        self.running = ""
        """Name of the fixture that runs now, "" for none."""
        self.sets_up: object = None
        """The class or module that it sets up; None while it tears down."""
        self.limit: float | None = None
        """Seconds that it may take."""
        self.owner: ProbeClass | None = None
        """The class that is set up."""
        self.saw: Callable[[str, BaseException], object] = _ignore
        """Called with what a fixture raises: a debugger looks at it."""
        self._module: str | None = None
        self._module_is_up = False

    def bind(self, host: Host) -> None:
        """Give the fixtures to a worker."""
        self._host = host

    @property
    def shares(self) -> bool:
        """Return whether the next probe may use what a fixture has made."""
        return self._module_is_up or (self.owner is not None and self.owner.has_class_fixture)

    @property
    def owed(self) -> list[str]:
        """Return the teardowns that are still to come."""
        owed = []
        if self.owner is not None and self.owner.has_class_fixture:
            owed.append(f"{self.owner.id}.tearDownClass")
        if self._module_is_up:
            owed.append(f"{self._module}.tearDownModule")
        return owed

    @property
    def tears_down(self) -> bool:
        """Return whether it is between two probes, in a teardown."""
        return bool(self.running) and self.sets_up is None

    def enter(self, planned: Planned, told_at: str) -> Problem | None:
        """Set up what a probe needs and has not; return what keeps it from running.

        Args:
            told_at: the label of the probe; it is named where others of its class fail too.
        """
        owner = planned.owner
        if owner is None or self._is_up(owner):
            return None
        problem = refusal(owner.case_class) or self._enter_module(owner, told_at)
        if problem is None and owner.has_class_fixture:
            call = fixtures.class_setup(owner.case_class)
            problem = self._set_up(owner.case_class, call, owner.marks.timeout, told_at)
        if problem is None:
            self.owner = owner
            self._host.fixtures_changed()
        return problem

    def leave_for(self, owner: ProbeClass | None) -> None:
        """Tear down what the next probe does not share."""
        if owner is not None and self._is_up(owner):
            return
        self._leave_class()
        if owner is None or owner.case_class.__module__ != self._module:
            self._leave_module()

    def leave(self) -> None:
        """Tear everything down."""
        self._leave_class()
        self._leave_module()

    def _is_up(self, owner: ProbeClass) -> bool:
        return self.owner is not None and self.owner.case_class is owner.case_class

    def fail(self, problem: Problem, told_at: str) -> None:
        """Remember that the setup under way hangs: the other probes must not try it again."""
        self.problems[self.sets_up] = _told_elsewhere(problem, self.running, told_at)

    def _enter_module(self, owner: ProbeClass, told_at: str) -> Problem | None:
        module = owner.case_class.__module__
        if not self.with_module or module == self._module:
            return None
        problem = self._set_up(module, fixtures.module_setup(module), None, told_at)
        if problem is None:
            self._module, self._module_is_up = module, True
        return problem

    def _set_up(
        self, key: object, fixture: FixtureCall | None, limit: float | None, told_at: str
    ) -> Problem | None:
        if key in self.problems:
            return self.problems[key]
        if fixture is None:
            return None
        problems = self._call(fixture, limit, sets_up=key)
        if not problems:
            return None
        self.problems[key] = _told_elsewhere(problems[0], fixture.name, told_at)
        for later in problems[1:]:
            self._tell(f"{fixture.name}.cleanup", later)
        return problems[0]

    def _leave_class(self) -> None:
        owner = self.owner
        if owner is None:
            return
        if owner.has_class_fixture or fixtures.has_class_cleanups(owner.case_class):
            self._tear_down(fixtures.class_teardown(owner.case_class), owner.marks.timeout)
        self.owner = None
        self._host.fixtures_changed()

    def _leave_module(self) -> None:
        if self._module is not None:
            self._tear_down(fixtures.module_teardown(self._module), None)
            self._module, self._module_is_up = None, False
            self._host.fixtures_changed()

    def _tear_down(self, fixture: FixtureCall | None, limit: float | None) -> None:
        if fixture is None:
            return
        for problem in self._call(fixture, limit):
            self._tell(fixture.name, problem)

    def _call(
        self, fixture: FixtureCall, limit: float | None, sets_up: object = None
    ) -> list[Problem]:
        """Run a fixture within its time; return what went wrong, the first one first.

        One that came to its end is not taken for stopped, however late it was:
        what it set up is there to be torn down.
        """
        host = self._host
        self.running, self.sets_up, self.limit = fixture.name, sets_up, limit or host.timeout
        host.fixtures_changed()
        raised: list[Problem | None] = []
        verdict, _ = bounded(host.watch, self.limit, partial(_collect, fixture, raised, self.saw))
        if verdict is not None:
            bounded(host.watch, SETTLING, host.after_interrupt)
        self.running, self.sets_up = "", None
        problems = [problem for problem in raised if problem is not None]
        return [verdict, *problems] if verdict is not None and None in raised else problems

    def _tell(self, fixture: str, problem: Problem) -> None:
        host = self._host
        if problem.outcome is Outcome.SKIPPED:
            return
        told = host.recorder.scrubbed(problem)
        if told.error is not None:
            host.fixture_failed(
                FixtureFailed(
                    target=host.target, fixture=fixture, error=told.error, source=told.source
                )
            )


def _ignore(fixture: str, exc: BaseException) -> None:
    """Take nothing."""


def _collect(
    fixture: FixtureCall,
    raised: list[Problem | None],
    saw: Callable[[str, BaseException], object],
) -> None:
    """List what a fixture raises; None stands for the interrupt: the verdict on it tells more."""
    raised.append(None)
    permit_writes(fixture.writes)
    for exc in fixture.run():
        guards.mark_told(exc)
        if isinstance(exc, SkipTest):
            raised.append(Problem.skipped(text_of(exc)))
        else:
            interrupted = isinstance(exc, ProbeTimeout)
            raised.append(None if interrupted else Problem.raised(exc, skip_importers=True))
            saw(fixture.name, exc)
    raised.extend(map(Problem.raised, untold_refusals()))
    raised.remove(None)


def _told_elsewhere(problem: Problem, fixture: str, told_at: str) -> Problem:
    """Return what the other probes of a failed fixture say: where it is told in full."""
    if problem.error is None:
        return problem
    message = f"{fixture} failed, as told at {told_at}: {problem.error.message}"
    return replace(problem, error=replace(problem.error, message=message, traceback=""))
