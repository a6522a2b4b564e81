"""The promises of targets, held by each that comes with the package."""

from __future__ import annotations

import contextlib
import os
import unittest
import unittest.mock
from urllib.parse import parse_qs, urlsplit

import in_process  # noqa: F401 - sets Django up
from faults import EVENTS, listening, wire

from django_probe.contract_probes import CLASSES, batches_of
from django_probe.deadline import Deadline
from django_probe.executors.processes import ProcessesExecutor
from django_probe.executors.threads import ThreadsExecutor
from django_probe.plan import Plan
from django_probe.run_config import RunConfig
from django_probe.sample import sample_run
from django_probe.selection import Selection
from django_probe.targets.local import LocalTarget
from django_probe.targets.place import Place
from django_probe.targets.remote import RemoteTarget
from django_probe.testing import MemoryTarget, TargetContract
from django_probe.wire import encode


def plan_of(selection):
    # What is refused has its result before anything starts.
    batches = batches_of(*(each for each in CLASSES if each.__name__ != "Refused"))
    return Plan(batches=batches, total=sum(len(batch.entries) for batch in batches))


class TestLocal(TargetContract, unittest.TestCase):
    def make_target(self, alias):
        return LocalTarget(ThreadsExecutor(RunConfig(timeout=10.0)), alias=alias, build=plan_of)


class TestLocalInProcesses(TargetContract, unittest.TestCase):
    def setUp(self):
        patch = unittest.mock.patch.dict(os.environ, DJANGO_SETTINGS_MODULE="worker_settings")
        patch.start()
        self.addCleanup(patch.stop)

    def make_target(self, alias):
        executor = ProcessesExecutor(RunConfig(timeout=10.0), max_workers=2)
        return LocalTarget(executor, alias=alias, build=plan_of, lane=None)


def answer(peer):
    """Answer as an endpoint: all probes, or those whose ids the query has as labels."""
    query = parse_qs(urlsplit(peer.head.split()[1].decode()).query)
    asked = frozenset((label, 0) for label in query.get("label", ()))
    selection = Selection(again={"default": asked} if asked else None)
    told = [*MemoryTarget(EVENTS).run(selection, Deadline()), EVENTS[-1]]
    wire(*(f"{encode(event)}\n".encode() for event in told))(peer)


class TestRemote(TargetContract, unittest.TestCase):
    def setUp(self):
        stack = contextlib.ExitStack()
        self.addCleanup(stack.close)
        self.port = stack.enter_context(listening(answer))

    def make_target(self, alias):
        place = Place(url=f"http://127.0.0.1:{self.port}/probe/", retries=0)
        return RemoteTarget(place, RunConfig(), alias=alias)


class TestMemory(TargetContract, unittest.TestCase):
    def make_target(self, alias):
        return MemoryTarget(sample_run(alias), alias=alias)
