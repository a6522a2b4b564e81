"""Run the project's probes in worker processes; tell how quickly their events come here.

Argument: workers.
"""

from __future__ import annotations

import json
import os
import sys
import time

import django

sys.path.insert(0, os.getcwd())
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
django.setup()

from django_probe.deadline import Deadline  # noqa: E402 - once Django is there
from django_probe.executors.names import make_executor  # noqa: E402
from django_probe.run_config import RunConfig  # noqa: E402
from django_probe.selection import Selection  # noqa: E402
from django_probe.targets.local import LocalTarget  # noqa: E402

executor = make_executor("processes", RunConfig(timeout=30.0), max_workers=int(sys.argv[1]))
events = LocalTarget(executor).run(Selection(), Deadline())
next(events)  # The run has started,
next(events)  # and the first probe: workers are there.
began = time.monotonic()
count, last = 0, began
for _ in events:
    count, last = count + 1, time.monotonic()
print(json.dumps({"events": count, "seconds": last - began}))
