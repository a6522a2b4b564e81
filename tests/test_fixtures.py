"""Class and module fixtures: in their order, and told where they fail."""

from __future__ import annotations

import unittest

import pytest
from in_process import CALLS, module_of, run, run_module

from django_probe import timeout


def test_fixtures_are_called_in_the_order_of_unittest():
    told = run_module(
        """
        import unittest
        calls = []
        def setUpModule():
            calls.append("setUpModule")
            unittest.addModuleCleanup(calls.append, "module cleanup")
        def tearDownModule():
            calls.append("tearDownModule")
        class Base(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                calls.append(f"{cls.__name__}.setUpClass")
                cls.addClassCleanup(calls.append, f"{cls.__name__}.cleanup")
            @classmethod
            def tearDownClass(cls):
                calls.append(f"{cls.__name__}.tearDownClass")
        class First(Base):
            def setUp(self):
                self.addCleanup(calls.append, "cleanup")
                calls.append("setUp")
            def tearDown(self):
                calls.append("tearDown")
            def test_1(self):
                calls.append("test_1")
        class Second(Base):
            def test_2(self):
                calls.append("test_2")
            def test_3(self):
                print(calls)
        """
    )
    assert set(told.outcomes.values()) == {"passed"}
    assert told.results["test_3"].stdout.strip() == str(
        [
            *("setUpModule", "First.setUpClass"),
            *("setUp", "test_1", "tearDown", "cleanup"),
            *("First.tearDownClass", "First.cleanup"),
            *("Second.setUpClass", "test_2"),
        ]
    )
    assert not told.fixtures


def test_module_fixtures_are_torn_down_before_the_next_module_whatever_the_workers():
    source = """
        import unittest
        from in_process import CALLS
        def setUpModule():
            CALLS.append(f"up {__name__}")
            unittest.addModuleCleanup(CALLS.append, f"cleaned {__name__}")
        def tearDownModule():
            CALLS.append(f"down {__name__}")
        class Probe(unittest.TestCase):
            def test_it(self):
                CALLS.append(__name__)
    """
    CALLS.clear()
    with module_of(source, "one") as first, module_of(source, "two") as second:
        run(*first, *second, max_workers=4)
    assert [
        *("up one", "one", "down one", "cleaned one"),
        *("up two", "two", "down two", "cleaned two"),
    ] == CALLS


@pytest.mark.parametrize(
    "raised",
    [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit],
    ids=lambda kind: kind.__name__,
)
def test_a_class_setup_that_fails_makes_each_of_its_probes_an_error(raised):
    calls = []

    class Broken(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            cls.addClassCleanup(calls.append, "cleanup")
            raise raised("no broker")

        @classmethod
        def tearDownClass(cls):
            calls.append("tearDownClass")

        def test_1(self):
            calls.append("test_1")

        def test_2(self):
            calls.append("test_2")

    class Next(unittest.TestCase):
        def test_next(self):
            pass

    told = run(Broken, Next)
    assert told.outcomes == {"test_1": "errored", "test_2": "errored", "test_next": "passed"}
    first, second = told.results["test_1"].error, told.results["test_2"].error
    assert first.message == "no broker"
    assert "in setUpClass" in first.traceback
    assert "django_probe" not in first.traceback
    assert second.message.endswith(
        f"Broken.setUpClass failed, as told at {told.results['test_1'].probe.label}: no broker"
    )
    assert first.exception_class_path == second.exception_class_path == raised.__name__
    assert calls == ["cleanup"]
    assert not told.fixtures


def test_a_module_setup_that_fails_makes_the_probes_of_all_its_classes_errors():
    told = run_module(
        """
        import unittest
        def setUpModule():
            unittest.addModuleCleanup(print, "cleaned")
            raise ConnectionError("no broker")
        def tearDownModule():
            raise AssertionError("not called")
        class First(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                raise AssertionError("not called")
            def test_1(self): pass
        class Second(unittest.TestCase):
            def test_2(self): pass
        """
    )
    assert told.outcomes == {"test_1": "errored", "test_2": "errored"}
    assert told.results["test_1"].error.message == "no broker"
    assert "setUpModule failed, as told at" in told.results["test_2"].error.message
    assert told.results["test_1"].stdout == "cleaned\n"
    assert not told.fixtures


def test_a_skip_in_a_fixture_skips_each_of_its_probes():
    told = run_module(
        """
        import unittest
        class Class(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                raise unittest.SkipTest("no broker here")
            @classmethod
            def tearDownClass(cls):
                raise AssertionError("not called")
            def test_1(self): pass
            def test_2(self): pass
        """
    )
    assert told.outcomes == {"test_1": "skipped", "test_2": "skipped"}
    assert {result.reason for result in told.results.values()} == {"no broker here"}
    told = run_module(
        """
        import unittest
        def setUpModule():
            raise unittest.SkipTest("not on Sundays")
        class Class(unittest.TestCase):
            def test_1(self): pass
        """
    )
    assert told.outcomes == {"test_1": "skipped"}
    assert told.results["test_1"].reason == "not on Sundays"
    assert not told.results["test_1"].blocking


@pytest.mark.parametrize("raised", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_teardown_that_fails_is_told_after_the_results_and_all_cleanups_run(raised):
    calls = []

    class Probe(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            cls.addClassCleanup(calls.append, "last cleanup")
            cls.addClassCleanup(cls.clean, "second")
            cls.addClassCleanup(cls.clean, "first")

        @classmethod
        def clean(cls, text):
            calls.append(text)
            raise raised(text)

        @classmethod
        def tearDownClass(cls):
            raise raised("tearDownClass")

        def test_1(self):
            pass

    told = run(Probe)
    assert told.outcomes == {"test_1": "passed"}
    messages = [event.error.message for event in told.events[2:]]
    assert messages == ["tearDownClass", "first", "second"]
    assert set(told.fixtures) == {"Probe.tearDownClass"}
    assert calls == ["first", "second", "last cleanup"]
    assert told.fixtures["Probe.tearDownClass"].source.startswith("tests/test_fixtures.py:")


def test_every_module_cleanup_runs_and_every_error_of_them_is_told():
    told = run_module(
        """
        import unittest
        def setUpModule():
            unittest.addModuleCleanup(fail, OSError("third"))
            unittest.addModuleCleanup(fail, SystemExit("second"))
            unittest.addModuleCleanup(fail, ValueError("first"))
        def fail(exc):
            raise exc
        def tearDownModule():
            raise RuntimeError("tearDownModule")
        class Class(unittest.TestCase):
            def test_1(self): pass
        """
    )
    assert told.outcomes == {"test_1": "passed"}
    messages = [event.error.message for event in told.events[2:]]
    assert messages == ["tearDownModule", "first", "second", "third"]


def test_a_cleanup_that_fails_after_a_failed_setup_is_told_too():
    class Probe(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            cls.addClassCleanup(cls.clean)
            raise ValueError("setUpClass")

        @classmethod
        def clean(cls):
            raise OSError("cleanup")

        def test_1(self):
            pass

    told = run(Probe)
    assert told.results["test_1"].error.message == "setUpClass"
    assert told.fixtures["setUpClass.cleanup"].error.message == "cleanup"


def test_class_cleanups_added_by_a_probe_are_called_without_any_class_fixture():
    calls = []

    class Probe(unittest.TestCase):
        def test_1(self):
            self.addClassCleanup(calls.append, "cleaned")

    for workers in (1, 2):
        calls.clear()
        run(Probe, max_workers=workers)
        assert calls == ["cleaned"]


def test_a_class_fixture_that_hangs_costs_its_timeout_and_its_class():
    class Hangs(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            cls.addClassCleanup(calls.append, "cleaned")
            while True:
                pass

        def test_1(self):
            pass

        def test_2(self):
            pass

    class Next(unittest.TestCase):
        def test_next(self):
            pass

    calls = []
    told = run(Hangs, Next, timeout=0.2)
    assert told.outcomes == {"test_1": "timed_out", "test_2": "timed_out", "test_next": "passed"}
    error = told.results["test_1"].error
    assert "in setUpClass" in error.traceback
    assert "while True" in error.traceback or "pass" in error.traceback
    assert "setUpClass failed, as told at" in told.results["test_2"].error.message
    assert calls == ["cleaned"]
    assert told.results["test_1"].duration < 1.2


def test_a_teardown_that_hangs_is_stopped_and_told():
    calls = []

    class Probe(unittest.TestCase):
        @classmethod
        def tearDownClass(cls):
            cls.addClassCleanup(calls.append, "cleaned")
            while True:
                pass

        def test_1(self):
            pass

    told = run(Probe, timeout=0.2)
    assert told.outcomes == {"test_1": "passed"}
    error = told.fixtures["Probe.tearDownClass"].error
    assert error.exception_class_path == "Timeout"
    assert "in tearDownClass" in error.traceback
    assert calls == ["cleaned"]


def test_the_timeout_of_a_class_holds_for_its_fixture():
    import time

    @timeout(5)
    class Slow(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            end = time.monotonic() + 0.4
            while time.monotonic() < end:
                pass

        def test_1(self):
            pass

    assert run(Slow, timeout=0.1).outcomes == {"test_1": "passed"}


def test_output_of_a_fixture_belongs_to_the_first_probe(capfd):
    class Probe(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            print("from setUpClass")

        @classmethod
        def tearDownClass(cls):
            print("from tearDownClass")

        def test_1(self):
            print("from test_1")

        def test_2(self):
            print("from test_2")

    class Broken(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            print("before it breaks")
            raise ValueError

        def test_3(self):
            pass

    results = run(Probe, Broken).results
    assert results["test_1"].stdout == "from setUpClass\nfrom test_1\n"
    assert results["test_2"].stdout == "from test_2\n"
    assert results["test_3"].stdout == "before it breaks\n"
    assert capfd.readouterr() == ("", "[unattributed] from tearDownClass\n")
