"""Redact the texts of a result in which nothing is secret, N times; tell microseconds each.

Arguments: N, and how many secrets are known. "lowest" is that of several rounds.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from secrets import token_urlsafe

from django_probe.redaction import Redactor
from django_probe.results import ErrorDetail, Probe

NUMBER, KNOWN = map(int, sys.argv[1:])
ROUNDS = 15
TRACEBACK = """Traceback (most recent call last):
  File "/srv/mysite/shop/probes.py", line 16, in test_ship
    self.assertLess(waiting, 100, "parcels wait")
  File "/srv/venv/lib/python3/site-packages/django/db/backends/utils.py", line 89, in _execute
    return self.cursor.execute(sql, params)
AssertionError: 250 not less than 100 : parcels wait
"""


def lowest(call: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(NUMBER):
            call()
        best = min(best, time.process_time() - began)
    return best / NUMBER * 1e6


def passed() -> None:
    redact(" ".join((probe.id, probe.description, probe.source, *probe.tags)))


def failed() -> None:
    passed()
    redact(f"{error.exception_class_path}\n{error.message}\n{error.traceback}")


redact = Redactor(token_urlsafe(24) for _ in range(KNOWN)).redact
probe = Probe(
    id="shop.probes.Parcels.test_ship_within_a_day",
    label="shop.Parcels.test_ship_within_a_day",
    description="Parcels leave the house",
    source="shop/probes.py:12",
    tags=("smoke",),
)
error = ErrorDetail(
    exception_class_path="AssertionError",
    message="250 not less than 100 : parcels wait",
    traceback=TRACEBACK,
)
print(json.dumps({"passed": lowest(passed), "failed": lowest(failed)}))
