"""The least that N workers can do: a pool of threads. Arguments: workers, probe modules."""

from __future__ import annotations

import os
import sys
import unittest
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import django

sys.path.insert(0, os.getcwd())
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
django.setup()


def flatten(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for item in suite:
        if isinstance(item, unittest.TestSuite):
            yield from flatten(item)
        else:
            yield item


cases = list(flatten(unittest.defaultTestLoader.loadTestsFromNames(sys.argv[2:])))
with ThreadPoolExecutor(int(sys.argv[1])) as pool:
    results = list(pool.map(unittest.TestCase.run, cases))
print(f"ran {len(results)}")
sys.exit(not all(result and result.wasSuccessful() for result in results))
