"""What we borrow that nobody promised: a release that changes it fails here, by name."""

from __future__ import annotations

import functools
import inspect
import sys
import traceback
import unittest

import pytest
from asgiref.sync import SyncToAsync, ThreadSensitiveContext

from django_probe.reporters._xml import Document, Element


class TestUnittestXmlReporting:
    """``xmlrunner.result._XMLTestResult._report_testcase`` renders each JUnit case."""

    def test_report_testcase_takes_info_suite_and_document(self):
        from xmlrunner.result import _XMLTestResult

        parameters = list(inspect.signature(_XMLTestResult._report_testcase).parameters)
        assert parameters == ["test_result", "xml_testsuite", "xml_document"]

    def test_report_testcase_asks_nothing_but_what_our_case_has(self):
        from xmlrunner.result import _TestInfo, _XMLTestResult

        class Recording:
            OUTCOME_ELEMENTS = _TestInfo.OUTCOME_ELEMENTS
            values = {
                "outcome": _TestInfo.FAILURE,
                "elapsed_time": 0.5,
                "timestamp": "2026-03-01T12:00:00+00:00",
                "test_id": "shop.probes.Checkout.test_pay [eu]",
                "test_exception_name": "AssertionError",
                "test_exception_message": "no",
                "stdout": "out",
                "stderr": "err",
                "filename": None,
                "lineno": None,
                "doc": None,
                "id": lambda: "shop.probes.Checkout.test_pay [eu]",
                "get_error_info": lambda: "body ]]> end",
            }

            def __getattr__(self, name):
                return self.values[name]

        suite = Element("testsuite")
        _XMLTestResult._report_testcase(Recording(), suite, Document())
        assert suite.children[0].xml() == (
            '<testcase classname="shop.probes.Checkout" name="test_pay [eu]" time="0.500"'
            ' timestamp="2026-03-01T12:00:00+00:00">'
            '<failure type="AssertionError" message="no">'
            "<![CDATA[body ]]]]><![CDATA[> end]]></failure>"
            "<system-out><![CDATA[out]]></system-out><system-err><![CDATA[err]]></system-err>"
            "</testcase>"
        )

    @pytest.mark.parametrize("source", ["shop/probes.py:43", "a&b.py:1", 'x.py:"', "x.py", ""])
    @pytest.mark.parametrize(
        "name",
        [
            "shop.probes.Checkout.test_pay",
            "eu.shop.probes.Checkout.test_pay [eu]",
            "shop.probes.Checkout.test_pay (2)",
            "shop.probes.Checkout.test_pay  [a.b  c] %s",
            "shop.probes.Checkout.test_<pay>",
            'shop.probes.Checkout.test_pay "a & b"',
            "__main__.Checkout.test_pay",
            "__main__",
            "nothing",
            "",
        ],
    )
    @pytest.mark.parametrize("told", [{}, {"stdout": "out"}, {"outcome": 3, "body": "why"}])
    def test_a_case_that_is_filled_in_is_what_it_makes(self, name, source, told):
        from django_probe.reporters._junit_case import Case, case_xml, rendered

        for seconds in (0.0, 0.0004, 0.0006, 12.3456, 1e6):
            case = Case(
                test_id=name,
                source=source,
                timestamp="2026-03-01T12:00:00.000120+00:00",
                elapsed_time=seconds,
                **told,
            )
            assert case_xml(case) == rendered(case)

    def test_the_numbers_of_outcomes_index_our_counts(self):
        from xmlrunner.result import _TestInfo

        numbers = {_TestInfo.SUCCESS, _TestInfo.FAILURE, _TestInfo.ERROR, _TestInfo.SKIP}
        assert numbers == {0, 1, 2, 3}
        assert _TestInfo.OUTCOME_ELEMENTS == {0: None, 1: "failure", 2: "error", 3: "skipped"}

    def test_importing_it_brings_no_lxml(self):
        import subprocess

        code = "import sys, xmlrunner.result; sys.exit('lxml' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


class TestTapPy:
    """``tap.line.Result`` and ``tap.directive.Directive`` write each TAP line."""

    def test_a_result_is_its_line(self):
        from tap.directive import Directive
        from tap.line import Result

        assert str(Result(True, 1, "a.b", None, None)) == "ok 1 a.b"
        skipped = Result(True, 2, "a.b", Directive("SKIP why"), None)
        assert str(skipped) == "ok 2 a.b # SKIP why"
        failed = Result(False, 3, "a.b", Directive("TODO why"), "  ---\n  x: 1\n  ...")
        assert str(failed) == "not ok 3 a.b # TODO why\n  ---\n  x: 1\n  ..."


class TestUnittest:
    """Names of unittest's own that outcomes are told by."""

    def test_a_result_can_write_a_traceback(self):
        try:
            raise ValueError("x")
        except ValueError:
            told = unittest.TestResult()._exc_info_to_string(sys.exc_info(), unittest.TestCase())
        assert told.startswith("Traceback")
        assert "ValueError: x" in told

    def test_a_test_case_knows_its_method(self):
        assert unittest.TestCase("setUp")._testMethodName == "setUp"

    def test_what_discover_cannot_import_keeps_the_exception(self, tmp_path):
        (tmp_path / "test_broken_for_parity.py").write_text("import no_such_module_anywhere\n")
        suite = unittest.TestLoader().discover(str(tmp_path))
        (case,) = [case for group in suite for case in group]
        assert type(case).__module__ == "unittest.loader"
        assert type(case).__name__ == "_FailedTest"
        assert isinstance(case._exception, ImportError)

    def test_module_cleanups_can_be_run(self):
        from unittest.case import addModuleCleanup, doModuleCleanups

        done = []
        addModuleCleanup(done.append, 1)
        doModuleCleanups()
        assert done == [1]

    def test_cleanup_errors_are_known_by_the_frames_above_them(self):
        frames = []

        class Case(unittest.TestCase):
            def tearDown(self):
                raise ValueError("tear down")

            def clean(self):
                raise ValueError("clean up")

            def test_it(self):
                self.addCleanup(self.clean)

        class Result(unittest.TestResult):
            def addError(self, test, err):
                stack = traceback.walk_tb(err[2])
                frames.append({frame.f_code.co_name for frame, _line in stack})

        Case("test_it").run(Result())
        assert "_callTearDown" in frames[0]
        assert "_callCleanup" in frames[1]

    def test_a_test_method_is_called_once_by_a_method_of_its_own(self):
        called = []
        unittest.TestCase._callTestMethod(None, lambda: called.append(1))
        assert called == [1]

    def test_an_async_case_has_a_loop_that_can_be_woken(self):
        loops = []

        class Case(unittest.IsolatedAsyncioTestCase):
            async def test_it(self):
                runner = getattr(self, "_asyncioRunner", None)
                loops.append(getattr(runner, "_loop", None) or self._asyncioTestLoop)

        result = unittest.TestResult()
        Case("test_it").run(result)
        assert result.errors == []
        assert hasattr(loops[0], "call_soon_threadsafe")

    def test_an_async_case_runs_in_a_context_that_can_be_replaced(self):
        case = unittest.IsolatedAsyncioTestCase("setUp")
        assert hasattr(case, "_asyncioTestContext") == (sys.version_info >= (3, 11))


class TestFunctools:
    """What ``functools.cache`` is made of, without its copying of names."""

    def test_it_keeps_what_a_function_returned_and_nothing_when_it_raised(self):
        called = []
        kept = functools._lru_cache_wrapper(
            lambda: called.append(1) or "value", None, False, functools._CacheInfo
        )
        assert (kept(), kept(), called, kept.cache_info().currsize) == ("value", "value", [1], 1)

        raising = functools._lru_cache_wrapper(lambda: 1 / 0, None, False, functools._CacheInfo)
        with pytest.raises(ZeroDivisionError) as raised:
            raising()
        assert raised.traceback[-2].lineno == raised.traceback[0].lineno
        assert raising.cache_info().currsize == 0


class TestAsgiref:
    """Thread-sensitive async code runs where ``context_to_thread_executor`` says."""

    def test_a_context_names_its_executor(self):
        import asyncio
        import threading
        from concurrent.futures import ThreadPoolExecutor

        from asgiref.sync import sync_to_async

        context = ThreadSensitiveContext()
        with ThreadPoolExecutor(1, thread_name_prefix="mine") as executor:
            SyncToAsync.context_to_thread_executor[context] = executor
            token = SyncToAsync.thread_sensitive_context.set(context)
            try:
                name = asyncio.run(sync_to_async(lambda: threading.current_thread().name)())
            finally:
                SyncToAsync.thread_sensitive_context.reset(token)
        assert name.startswith("mine")
