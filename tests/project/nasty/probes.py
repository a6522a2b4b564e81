"""Every outcome, and everything that has ever broken a reader of reports."""

import logging
import os
import subprocess
import sys
import time
import unittest

from django.test import SimpleTestCase

from django_probe import timeout

HOSTILE = (
    "ctrl \x00\x01\x08\x1b[31mred\x1b[0m \x1b]0;title\x07 lone \ud800 \u2028 \x85 ]]> <&\"' \uffff"
)


class Passes(unittest.TestCase):
    def test_plain(self):
        pass

    def test_todo_in_docstring(self):
        """It works # TODO not really"""

    def test_comment_in_docstring(self):
        """Ends in a dash -- and -"""

    def test_prints_tap(self):
        print("Bail out!\n1..3\nnot ok 1 # TODO\n::error::hm\nsection_start:1:x")
        sys.stdout.flush()
        os.write(1, b"Bail out! by descriptor\n")
        subprocess.run(["echo", "1..3"], check=True)
        logging.getLogger("nasty").error("Bail out! by log")

    def test_prints_hostile_text(self):
        print(HOSTILE)
        sys.stderr.write(HOSTILE)

    def test_prints_a_megabyte(self):
        for n in range(16 * 1024):
            print(f"{n:062d}")

    def test_sub_tests(self):
        for n in range(3):
            with self.subTest(n=n):
                pass


setattr(Passes, "test_name_with # TODO inside", lambda self: None)
setattr(Passes, "test_name_with # SKIP inside", lambda self: None)


class Fails(unittest.TestCase):
    def test_plain(self):
        self.assertEqual(1, 2)

    def test_todo_in_docstring(self):
        """Fails # TODO must not become a pass"""
        self.fail("message # TODO with a directive")

    def test_skip_in_message(self):
        """# SKIP"""
        self.fail("# SKIP me")

    def test_hostile_message(self):
        """Docstring \x1b[31m ]]> \u2028 -"""
        self.fail(HOSTILE)

    def test_empty_message(self):
        raise AssertionError

    def test_blank_lines(self):
        self.fail("first\n\n\n   indented\n\tand tabbed\n\n...\n---\nlast\n\n")

    def test_sub_tests(self):
        for n in range(5):
            with self.subTest("case # TODO", n=n, text=HOSTILE):
                self.assertNotIn(n, (1, 3))

    def test_then_tear_down(self):
        self.addCleanup(self.explode)
        self.fail("the first thing")

    def explode(self):
        raise OSError("cleanup: a row is left behind")

    @unittest.expectedFailure
    def test_unexpected_success(self):
        pass


setattr(Fails, "test_name_with # TODO inside", lambda self: self.fail("no"))


class Errors(unittest.TestCase):
    def test_plain(self):
        raise ValueError("no such thing")

    def test_address(self):
        raise ValueError(f"at {object()!r}")

    def test_exit(self):
        sys.exit("leaving")

    @timeout(0.2)
    def test_hangs(self):
        while True:
            time.sleep(0.01)


class BrokenFixture(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise RuntimeError("no fixture")

    def test_one(self):
        pass

    def test_two(self):
        pass


class Skips(unittest.TestCase):
    @unittest.skip("reason # TODO with a directive")
    def test_decorated(self):
        pass

    @unittest.skip("")
    def test_without_reason(self):
        pass

    def test_in_body(self):
        self.skipTest(HOSTILE)

    @unittest.expectedFailure
    def test_expected_failure(self):
        self.fail(f"known # SKIP {HOSTILE}")


class Refused(SimpleTestCase):
    def test_never_runs(self):
        print("Bail out! this ran")
