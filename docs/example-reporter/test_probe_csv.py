"""The tests of the example: the contract of every reporter, and what CSV adds to it."""

from __future__ import annotations

import csv
import io
import unittest

from probe_csv import CsvReporter

from django_probe.testing import ReporterContract, feed, sample_run


class CsvContract(ReporterContract, unittest.TestCase):
    """Whatever a run brings, the reporter keeps the rules."""

    reporter_class = CsvReporter


class CsvTests(unittest.TestCase):
    """What makes it CSV."""

    def test_each_result_is_a_row(self) -> None:
        stream = io.StringIO()
        run = sample_run()
        feed(CsvReporter(stream, delimiter=";"), run)
        rows = list(csv.DictReader(io.StringIO(stream.getvalue()), delimiter=";"))
        finished = [event for event in run if type(event).__name__ == "ProbeFinished"]
        assert len(rows) == len(finished) + 1  # and the fixture that failed
        assert rows[0]["outcome"] == "passed"


if __name__ == "__main__":
    unittest.main()
