"""A peer: let unittest-xml-reporting write N results. Argument: N."""

import io
import json
import sys
import time
import unittest
from typing import IO

from xmlrunner.result import _TestInfo, _XMLTestResult

NUMBER = int(sys.argv[1])


class Probe(unittest.TestCase):
    def test(self) -> None:
        pass


class Runner:
    def __init__(self, output: IO[bytes]) -> None:
        self.output = output
        self.outsuffix = ""
        self.encoding = "utf-8"


result = _XMLTestResult(io.StringIO(), verbosity=0)
info = _TestInfo(result, Probe("test"))
for number in range(NUMBER):
    one = _TestInfo.__new__(_TestInfo)
    one.__dict__.update(vars(info))
    one.test_id = f"shop.probes.Test{number // 100:04}.test_{number % 100:03}"
    result.successes.append(one)
began = time.process_time()
with open("written.xml", "wb") as stream:
    result.generate_reports(Runner(stream))
print(json.dumps({"seconds": time.process_time() - began}))
