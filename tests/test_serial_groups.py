"""``@serial("group")``: probes of one group wait for each other, and for nobody else."""

from __future__ import annotations

import unittest

import pytest
from in_process import batches_of
from zygote import Quick

from django_probe import serial
from django_probe.executors.names import BUILT_IN

FILES = {
    "shop/probes.py": """
        import fcntl, time, unittest
        from pathlib import Path
        from django_probe import serial

        class Alone(unittest.TestCase):
            def hold(self, name):
                stream = open(f"{name}.lock", "w")
                self.addCleanup(stream.close)
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)  # Raises where one is at it.
                time.sleep(0.05)

            def meet(self, me, other):
                Path(f"{me}.here").touch()
                limit = time.monotonic() + 30
                while not Path(f"{other}.here").exists():
                    self.assertLess(time.monotonic(), limit, "nobody ran beside this one")
                    time.sleep(0.01)

        @serial("stock")
        class A(Alone):
            def test_1(self):
                self.hold("stock")
                self.meet("stock", "account")
            def test_2(self):
                self.hold("stock")

        class B(Alone):
            @classmethod
            def setUpClass(cls): ...
            @serial("stock")
            def test_1(self):
                self.hold("stock")
            def test_2(self): ...

        class C(Alone):
            @serial("account")
            def test_1(self):
                self.hold("account")
                self.meet("account", "stock")
            @serial("account")
            def test_2(self):
                self.hold("account")
            def test_3(self): ...

        @serial("account")
        class D(Alone):
            def test_1(self):
                self.hold("account")
    """,
}


@pytest.mark.parametrize("executor", BUILT_IN)
def test_a_group_is_never_at_it_twice_and_two_groups_run_at_once(tmp_path, executor):
    project = Quick.make(tmp_path / "project", FILES)
    results = project.results("--parallel", "4", "--executor", executor)
    told = {label: one["error"] for label, one in results.items() if one["outcome"] != "passed"}
    assert told == {}
    assert len(results) == 8


class Plain(unittest.TestCase):
    def test_1(self): ...

    @serial("x")
    def test_2(self): ...

    @serial
    def test_3(self): ...


@serial("x")
class Same(unittest.TestCase):
    def test_1(self): ...


class Both(unittest.TestCase):
    @classmethod
    def setUpClass(cls): ...

    @serial("x")
    def test_1(self): ...

    @serial("y")
    def test_2(self): ...


@serial("y")
class Other(unittest.TestCase):
    def test_1(self): ...


def shape(*classes):
    return [
        (
            [f"{entry.owner.case_class.__name__}.{entry.method[-1]}" for entry in batch.entries],
            batch.divisible,
            batch.serial,
        )
        for batch in batches_of(*classes)
    ]


def test_the_probes_of_a_group_are_one_batch():
    assert shape(Plain, Same) == [
        (["Plain.1"], True, False),
        (["Plain.2", "Same.1"], False, False),
        (["Plain.3"], True, True),
    ]


def test_a_class_that_is_of_two_groups_joins_them():
    assert shape(Other, Same, Both) == [(["Other.1", "Same.1", "Both.1", "Both.2"], False, False)]


def test_indexes_follow_the_batches():
    entries = [entry for batch in batches_of(Plain, Same, Both) for entry in batch.entries]
    assert [entry.index for entry in entries] == list(range(len(entries)))
