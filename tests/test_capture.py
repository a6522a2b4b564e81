"""Output: to whose result it goes, in what bounds, and that none of it gets into a report."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import logging
import sys
import threading
import unittest

import pytest
from in_process import run

from django_probe import timeout
from django_probe.bounded import LIMIT, MARGIN, BoundedText
from django_probe.capture import routed
from django_probe.redaction import MASK, Redactor


def only(told):
    (result,) = told.results.values()
    return result


# In one process.


def test_what_a_probe_writes_to_either_stream_is_in_its_result():
    class Probe(unittest.TestCase):
        def test_print(self):
            print("one", "two", sep=",", flush=True)
            print("to stderr", file=sys.stderr)

        def test_write(self):
            assert sys.stdout.write("text") == 4
            sys.stdout.writelines(["a\n", "b\n"])
            sys.stderr.write("error")

        def test_bytes(self):
            assert sys.stdout.buffer.write(b"caf\xc3\xa9 \xff") == 7
            sys.stdout.buffer.write(bytearray(b" more"))
            sys.stdout.buffer.write(memoryview(b" and more"))
            sys.stdout.buffer.flush()

        def test_bytes_in_two_writes(self):
            sys.stdout.buffer.write(b"caf\xc3")
            sys.stdout.buffer.write(b"\xa9")

        def test_nothing(self):
            print(end="")

    results = run(Probe).results
    assert (results["test_print"].stdout, results["test_print"].stderr) == (
        "one,two\n",
        "to stderr\n",
    )
    assert (results["test_write"].stdout, results["test_write"].stderr) == ("texta\nb\n", "error")
    assert results["test_bytes"].stdout == "café \ufffd more and more"
    assert results["test_bytes_in_two_writes"].stdout == "café"
    assert results["test_nothing"].stdout == ""


def test_the_streams_answer_what_libraries_ask_of_them(capfd):
    class Probe(unittest.TestCase):
        def test_it(self):
            for stream in (sys.stdout, sys.stderr):
                assert stream.encoding.lower() == "utf-8"
                assert stream.errors
                assert not stream.isatty()
                assert stream.writable()
                assert not stream.readable()
                assert not stream.closed
                stream.reconfigure(encoding="latin-1", line_buffering=True)
                assert stream.fileno() >= 0
                assert stream.name.startswith("<std")
                with pytest.raises(TypeError, match="must be str"):
                    stream.write(b"bytes")
            wrapper = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8")
            wrapper.write("wrapped é\n")
            wrapper.flush()
            del wrapper  # Which closes what it wraps.
            sys.stdout.close()
            print("still open")

    assert only(run(Probe)).stdout == "wrapped é\nstill open\n"
    assert capfd.readouterr() == ("", "")


def test_output_of_tasks_and_of_to_thread_is_the_probe_s(capfd):
    class Probe(unittest.IsolatedAsyncioTestCase):
        async def test_it(self):
            async def task(name):
                await asyncio.sleep(0)
                print(name)

            await asyncio.gather(task("task 1"), task("task 2"))
            await asyncio.to_thread(print, "to_thread")

    assert only(run(Probe)).stdout == "task 1\ntask 2\nto_thread\n"
    assert capfd.readouterr() == ("", "")


def test_output_of_plain_threads_is_marked_on_stderr(capfd):
    class Probe(unittest.TestCase):
        def test_it(self):
            def work():
                print("from", "a thread")
                print("and more", file=sys.stderr)
                sys.stdout.buffer.write(b"bytes\n")
                print("a", "s3cret-of-settings")

            thread = threading.Thread(target=work)
            thread.start()
            thread.join()

    result = only(run(Probe, redactor=Redactor(["s3cret-of-settings"])))
    assert (result.stdout, result.stderr) == ("", "")
    assert capfd.readouterr() == (
        "",
        "[unattributed] from a thread\n[unattributed] and more\n[unattributed] bytes\n"
        f"[unattributed] a {MASK}\n",
    )


def test_output_that_comes_after_the_end_of_its_probe_is_not_the_next_one_s(capfd):
    go, gone = threading.Event(), threading.Event()

    class Probe(unittest.TestCase):
        def test_1(self):
            async def leave():
                loop = asyncio.get_running_loop()
                loop.run_in_executor(None, self.late)

            loop = asyncio.new_event_loop()
            loop.run_until_complete(leave())
            Probe.loop = loop

        def late(self):
            go.wait(5)
            print("late")

        def test_2(self):
            go.set()
            Probe.loop.run_until_complete(Probe.loop.shutdown_default_executor())
            Probe.loop.close()
            gone.set()

    results = run(Probe).results
    assert gone.is_set()
    assert [result.stdout for result in results.values()] == ["", ""]
    streams = capfd.readouterr()
    assert streams.out == ""
    assert streams.err.endswith("late\n")


@pytest.mark.parametrize("size", [1, 1000, 200_000])
def test_a_text_keeps_its_head_and_its_tail(size):
    text, whole = BoundedText(), "".join(map(str, range(40_000)))[:200_000].ljust(200_000)
    for start in range(0, 200_000, size):
        text.write(whole[start : start + size])
        text.write("")
    head, tail = text.parts()
    assert head == whole[: LIMIT // 2 + MARGIN]
    assert whole.endswith(tail)
    assert LIMIT // 2 + MARGIN <= len(tail) < LIMIT // 2 + MARGIN + size
    assert text.written == 200_000


@pytest.mark.parametrize("length", [0, 1, LIMIT // 2 + MARGIN, LIMIT, LIMIT + 2 * MARGIN])
def test_a_text_that_fits_is_kept_whole(length):
    text = BoundedText()
    for start in range(0, length, 100):
        text.write("x" * min(100, length - start))
    assert "".join(text.parts()) == "x" * length


def test_a_probe_that_prints_without_end_stays_in_bounded_memory():
    import tracemalloc

    class Probe(unittest.TestCase):
        @timeout(30)
        def test_it(self):
            sys.stdout.write("the beginning\n")
            for _ in range(200):
                sys.stdout.write("x" * 1_000_000)
            for _ in range(20_000):
                print(end="")
            sys.stdout.write("\nthe end")

    tracemalloc.start()
    try:
        result = only(run(Probe))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 6_000_000
    assert result.stdout.startswith("the beginning\nxxx")
    assert result.stdout.endswith("x\nthe end")
    assert "characters cut …]" in result.stdout
    assert LIMIT <= len(result.stdout) < LIMIT + 100


def test_several_threads_of_a_probe_may_write_at_once():
    class Probe(unittest.IsolatedAsyncioTestCase):
        async def test_it(self):
            def work(letter):
                for _ in range(3000):
                    print(letter * 30)

            await asyncio.gather(*(asyncio.to_thread(work, letter) for letter in "abcd"))

    result = only(run(Probe))
    assert result.outcome == "passed"
    assert LIMIT <= len(result.stdout) < LIMIT + 100


def test_a_probe_that_replaces_a_stream_does_not_reach_the_next():
    class Probe(unittest.TestCase):
        def test_1_redirects(self):
            with contextlib.redirect_stdout(io.StringIO()) as caught:
                print("caught")
            assert caught.getvalue() == "caught\n"
            print("after")

        def test_2_forgets(self):
            sys.stdout = io.StringIO()
            print("lost")

        def test_3(self):
            print("third")

        @timeout(0.1)
        def test_4_forgets_and_hangs(self):
            sys.stdout = sys.stderr = io.StringIO()
            while True:
                pass

        def test_5(self):
            print("fifth")

    results = run(Probe).results
    assert [result.stdout for result in results.values()] == [
        *("after\n", "", "third\n", "", "fifth\n")
    ]


def test_a_class_may_replace_a_stream_for_all_its_probes():
    class Probe(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            cls.before, sys.stdout = sys.stdout, io.StringIO()
            cls.own = sys.stdout

        @classmethod
        def tearDownClass(cls):
            sys.stdout = cls.before

        def test_1(self):
            assert sys.stdout is self.own

        def test_2(self):
            assert sys.stdout is self.own

    assert set(run(Probe).outcomes.values()) == {"passed"}


# Logging.


@pytest.fixture
def log():
    """A logger of the test's own."""
    root, logger = logging.getLogger(), logging.getLogger("shop")
    before = root.handlers[:]
    yield logger
    for place in (root, logger):
        for handler in place.handlers[:]:
            if handler not in before:
                place.removeHandler(handler)
                handler.close()
    logger.propagate = True
    logger.setLevel(logging.NOTSET)


@contextlib.contextmanager
def no_handlers():
    """Take the handlers of pytest away."""
    root = logging.getLogger()
    before, root.handlers[:] = root.handlers[:], []
    try:
        yield
    finally:
        root.handlers[:] = before


def logging_probe(log):
    class Probe(unittest.TestCase):
        def test_it(self):
            log.warning("stock is %s", "low")
            log.debug("not asked for")

    return Probe


def test_a_log_record_without_any_handler_is_in_the_result(log, capfd):
    with no_handlers():
        result = only(run(logging_probe(log)))
    assert (result.stdout, result.stderr) == ("", "WARNING shop: stock is low\n")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["stdout", "stderr"])
@pytest.mark.parametrize("propagate", [True, False])
@pytest.mark.parametrize("on_root", [True, False])
def test_a_console_handler_writes_to_the_result_once(log, capfd, name, propagate, on_root):
    stream = getattr(sys, name)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter("own format: %(message)s"))
    (logging.getLogger() if on_root else log).addHandler(handler)
    log.propagate = propagate or on_root
    result = only(run(logging_probe(log)))
    assert getattr(result, name) == "own format: stock is low\n"
    assert result.stdout + result.stderr == "own format: stock is low\n"
    assert capfd.readouterr() == ("", "")
    assert handler.stream is stream
    assert not handler.filters


def test_a_console_handler_that_refuses_a_record_does_not_take_it_from_the_result(log, capfd):
    handler = logging.StreamHandler()
    handler.addFilter(lambda record: False)
    log.addHandler(handler)
    high = logging.StreamHandler()
    high.setLevel(logging.CRITICAL)
    log.addHandler(high)
    assert only(run(logging_probe(log))).stderr == "WARNING shop: stock is low\n"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("propagate", [True, False])
def test_a_record_that_goes_to_a_file_is_in_the_result_too(log, tmp_path, propagate):
    handler = logging.FileHandler(tmp_path / "shop.log")
    log.addHandler(handler)
    log.propagate = propagate
    assert only(run(logging_probe(log))).stderr == "WARNING shop: stock is low\n"
    handler.close()
    assert (tmp_path / "shop.log").read_text() == "stock is low\n"


def test_a_logger_that_its_author_silenced_stays_silent(log, capfd):
    log.addHandler(logging.NullHandler())
    log.propagate = False
    assert only(run(logging_probe(log))).stderr == ""
    assert capfd.readouterr() == ("", "")


def test_a_handler_that_a_probe_adds_writes_once_and_stays_usable_after_the_run(log, capfd):
    added = []

    class Probe(unittest.TestCase):
        def test_1(self):
            added.append(logging.StreamHandler())
            log.addHandler(added[0])
            log.warning("first")

        def test_2(self):
            log.warning("second")

        def test_3(self):
            logging.basicConfig(force=True, format="forced %(message)s")
            log.removeHandler(added[0])
            log.warning("third")

    with no_handlers():
        results = run(Probe).results
        (forced,) = logging.getLogger().handlers
        log.warning("afterwards")
    assert [result.stderr for result in results.values()] == [
        *("first\n", "second\n", "forced third\n")
    ]
    assert forced.stream is sys.stderr
    assert capfd.readouterr() == ("", "forced afterwards\n")


def test_a_log_record_of_no_probe_goes_where_it_would(log, capfd):
    class Probe(unittest.TestCase):
        def test_it(self):
            thread = threading.Thread(target=log.warning, args=("from a thread",))
            thread.start()
            thread.join()

    with no_handlers():
        assert only(run(Probe)).stderr == ""
    assert capfd.readouterr() == ("", "[unattributed] from a thread\n")


def test_a_handler_that_looks_at_the_record_finds_nothing_of_ours_in_it(log):
    seen = []

    class Keeping(logging.Handler):
        def emit(self, record):
            seen.append(set(vars(record)))

    log.addHandler(logging.StreamHandler(sys.stderr))
    log.addHandler(Keeping())
    run(logging_probe(log))
    plain = logging.LogRecord("n", 30, "p", 1, "m", (), None)
    assert seen == [set(vars(plain)) | {"message"}]


def test_assert_logs_works_within_a_probe(log):
    class Probe(unittest.TestCase):
        def test_it(self):
            with self.assertLogs("shop", "INFO") as caught:
                log.info("noted")
            self.assertEqual(caught.output, ["INFO:shop:noted"])
            log.warning("afterwards")

    result = only(run(Probe))
    assert result.outcome == "passed"
    assert result.stderr == "WARNING shop: afterwards\n"


def test_streams_and_handlers_are_given_back_whatever_happens(log):
    root = logging.getLogger()
    before = (sys.stdout, sys.stderr, root.handlers[:], log.handlers[:])
    with contextlib.suppress(ZeroDivisionError), routed():
        assert sys.stdout is not before[0]
        raise ZeroDivisionError
    assert (sys.stdout, sys.stderr, root.handlers[:], log.handlers[:]) == before


# The whole command: nothing but the report on stdout.

LOUD = """
    import atexit, faulthandler, logging, os, subprocess, sys, threading, time, unittest
    import warnings
    from django_probe import timeout

    print("while the module is imported")
    os.write(1, b"descriptor at import\\n")
    log = logging.getLogger("shop")
    atexit.register(print, "at exit")
    atexit.register(os.write, 1, b"descriptor at exit\\n")

    def never_ending():
        while True:
            print("unattributed, without end")
            os.write(1, b"descriptor without end\\n")
            sys.__stdout__.write("dunder without end\\n")
            sys.__stdout__.flush()
            time.sleep(0.0005)

    class Loud(unittest.TestCase):
        def test_1_everything(self):
            print("printed")
            sys.__stdout__.write("dunder, not flushed\\n")
            os.write(1, b"descriptor\\n")
            subprocess.run(["echo", "subprocess"], check=True)
            subprocess.run(["echo", "subprocess to stream"], check=True, stdout=sys.stdout)
            os.system("echo system")
            log.warning("logged")
            warnings.warn("old habit", FutureWarning)
            faulthandler.dump_traceback()
            print("Bail out!\\n1..3\\nok 1")

        def test_2_leaves_a_thread(self):
            threading.Thread(target=never_ending, daemon=True).start()

        @timeout(0.2)
        def test_3_hangs(self):
            while True:
                try:
                    never_ending()
                except BaseException:
                    pass

    class Teardown(unittest.TestCase):
        @classmethod
        def tearDownClass(cls):
            print("in tearDownClass")

        def test_1(self):
            pass
"""


@pytest.mark.parametrize("hangs", [True, False], ids=["left-behind", "all-ended"])
def test_nothing_but_the_report_is_on_stdout(make_project, hangs):
    project = make_project(
        {"shop/probes.py": LOUD},
        settings="""
            LOGGING = {
                "version": 1, "disable_existing_loggers": False,
                "handlers": {"out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}},
                "root": {"handlers": ["out"]},
            }
        """,
    )
    only_some = ["shop"] if hangs else ["shop.Loud.test_1_everything", "shop.Teardown"]
    done = project.probe(*only_some, "--format", "jsonl")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[-1]["event"] == "run_finished"
    results = {e["result"]["label"]: e["result"] for e in events if e["event"] == "probe_finished"}
    first = results["shop.Loud.test_1_everything"]
    assert first["outcome"] == "passed"
    assert first["stdout"] == "printed\nlogged\nBail out!\n1..3\nok 1\n"
    assert "FutureWarning: old habit" in first["stderr"]
    for text in (
        "while the module is imported",
        "descriptor at import",
        "dunder, not flushed",
        "descriptor\n",
        "subprocess\n",
        "subprocess to stream",
        "system\n",
        "in test_1_everything",
        "in tearDownClass",
    ):
        assert text in done.stderr, text


def test_stdout_is_the_report_s_alone_for_whoever_reads_it_as_a_file(make_project, tmp_path):
    project = make_project({"shop/probes.py": LOUD})
    with (tmp_path / "report.tap").open("w") as stream:
        process = project.popen("probe", "--format", "tap", stdout=stream, stderr=-3)
        process.wait(30)
    lines = (tmp_path / "report.tap").read_text().splitlines()
    assert lines[:2] == ["TAP version 13", "1..4"]
    assert all(line.startswith((" ", "ok", "not ok", "#")) for line in lines[2:])
