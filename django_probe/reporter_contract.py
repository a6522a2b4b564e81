"""What every reporter has to keep, as tests: ours pass it, and so should yours."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from django_probe.events import Event
from django_probe.reporting import Reporter
from django_probe.sample import feed, sample_results, sample_run

__all__ = ["ReporterContract"]

if TYPE_CHECKING:
    from unittest import TestCase as _Base
else:
    _Base = object

HOSTILE = "a\tb ]]> --> # TODO | <b> &amp; \\ \" ' {{ }} ${x} `x` \U0001f680 \ufffd"


class _StrictStream(io.StringIO):
    """Take text only, and note who closes it."""

    closings = 0

    def write(self, text: str) -> int:
        text.encode("utf-8")
        return super().write(text)

    def close(self) -> None:
        self.closings += 1  # The interpreter calls it too, when nothing holds the stream.


class ReporterContract(_Base):
    """Mix this into a ``unittest.TestCase`` and name the reporter.

    ::

        class CsvContract(ReporterContract, unittest.TestCase):
            reporter_class = CsvReporter
            options = {"delimiter": ";"}
    """

    reporter_class: ClassVar[type[Reporter]]
    options: ClassVar[Mapping[str, Any]] = {}

    def report(self, run: list[Event]) -> str:
        """Return what the reporter makes of a run."""
        stream = _StrictStream()
        feed(self.reporter_class(stream, **self.options), run)
        self.assertEqual(stream.closings, 0, "it closed its stream: that is the core's to do")
        return stream.getvalue()

    def test_it_is_a_reporter_that_says_what_it_writes(self) -> None:
        """It derives from ``Reporter`` and names its content type and extension."""
        self.assertTrue(issubclass(self.reporter_class, Reporter))
        self.assertRegex(self.reporter_class.content_type, r"^[a-z]+/[a-z0-9.+-]+")
        self.assertRegex(self.reporter_class.extension, r"^[a-z0-9]+$")
        self.assertTrue((self.reporter_class.__doc__ or "").strip())

    def test_it_takes_a_run_with_one_of_everything(self) -> None:
        """Every outcome, a failed fixture, two targets and one that cannot be asked."""
        self.report(sample_run())
        self.report(sample_run("eu", "us"))

    def test_it_takes_a_run_of_nothing(self) -> None:
        """No probe at all."""
        self.report(sample_run(found=[]))

    def test_it_says_the_same_of_the_same_run(self) -> None:
        """No clock, no address, no random order."""
        self.assertEqual(self.report(sample_run("eu")), self.report(sample_run("eu")))

    def test_it_takes_what_a_probe_may_say(self) -> None:
        """Text that is harmless to the core, but not to every format."""
        self.report(sample_run(found=[_hostile(one) for one in sample_results()]))

    def test_it_writes_to_its_stream_alone(self) -> None:
        """Nothing goes to stdout or stderr."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            self.report(sample_run())
        self.assertEqual((out.getvalue(), err.getvalue()), ("", ""))

    def test_two_reporters_share_nothing(self) -> None:
        """A second run in the same process is told as the first one was."""
        first = self.report(sample_run())
        self.report(sample_run("eu", "us"))
        self.assertEqual(self.report(sample_run()), first)

    def test_it_refuses_an_option_that_it_does_not_know(self) -> None:
        """A ``TypeError``, which the command tells as bad configuration."""
        with self.assertRaises(TypeError):
            self.reporter_class(io.StringIO(), **{**self.options, "no_such_option": 1})


def _hostile(result: Any) -> Any:
    from dataclasses import replace

    probe = replace(result.probe, description=HOSTILE, tags=(HOSTILE,))
    error = result.error and replace(result.error, message=HOSTILE, traceback=HOSTILE)
    return replace(result, probe=probe, error=error, stdout=HOSTILE, stderr=HOSTILE, reason=HOSTILE)
