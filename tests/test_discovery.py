"""Which probes a project has: found, named and ordered; and what cannot be loaded."""

from __future__ import annotations

import json

import pytest
from zygote import Quick

FILES = {
    # Two modules of an app with models, and a base class that one imports from the other.
    "stock/models.py": """
        from django.db import models
        class Item(models.Model):
            name = models.CharField(max_length=20)
    """,
    "stock/probes/__init__.py": """
        import unittest
        class OfThePackage(unittest.TestCase):
            def test_here(self):
                pass
    """,
    "stock/probes/levels.py": """
        import unittest
        from unittest import IsolatedAsyncioTestCase, TestCase
        from .shared import Base
        class Levels(Base):
            def test_items(self):
                from stock.models import Item
                self.assertEqual(Item._meta.app_label, "stock")
        class Waits(IsolatedAsyncioTestCase):
            async def test_later(self):
                import asyncio
                await asyncio.sleep(0)
        class OnlyRun(TestCase):
            def runTest(self):
                pass
        Twin = Levels
    """,
    "stock/probes/shared.py": """
        import unittest
        class Base(unittest.TestCase):
            def test_base(self):
                pass
    """,
    "stock/probes/deep/__init__.py": "",
    "stock/probes/deep/deeper/__init__.py": "",
    "stock/probes/deep/deeper/inner.py": """
        import unittest
        class Inner(unittest.TestCase):
            def test_inner(self):
                pass
    """,
    "stock/probes/loose/outer.py": """
        import unittest
        class Outer(unittest.TestCase):
            def test_outer(self):
                pass
    """,
    # An app whose label is not its name, in a package that is no app.
    "acme/billing/__init__.py": "",
    "acme/billing/apps.py": """
        from django.apps import AppConfig
        class BillingConfig(AppConfig):
            name = "acme.billing"
            label = "invoices"
    """,
    "acme/billing/probes.py": """
        import unittest
        from django.utils.functional import SimpleLazyObject
        from lib.bases import FromElsewhere
        from stock.probes.shared import Base
        asleep = SimpleLazyObject(lambda: 1 / 0)
        class Invoices(unittest.TestCase):
            def test_sum(self):
                pass
    """,
    "lib/bases.py": """
        import unittest
        class FromElsewhere(unittest.TestCase):
            def test_elsewhere(self):
                pass
    """,
    "strange/probes.py": """
        import functools
        import unittest
        def _check(self, number):
            self.assertGreater(number, 0)
        for number in (0, 1):
            def test_number(self, number=number):
                self.assertGreater(number, 0)
            globals()[f"Made{number}"] = type("Made", (unittest.TestCase,), {"test_number": test_number})
        class Named(unittest.TestCase):
            def id(self):
                return f"{super().id()} (of Europe)"
            def shortDescription(self):
                return "Told by an instance\\x1b[31m\\nsecond line"
            def test_named(self):
                pass
        class Strings(unittest.TestCase):
            test_partial = functools.partialmethod(_check, 1)
            def test_described(self):
                '''First line.

                Second line.
                '''
        class Broken(unittest.TestCase):
            def __init__(self, method="runTest"):
                raise RuntimeError("no instance of this")
            def test_never(self):
                pass
        class BrokenId(unittest.TestCase):
            def id(self):
                raise RuntimeError("no id")
            def test_never(self):
                pass
        class Meta(type):
            def __dir__(cls):
                raise RuntimeError("no names")
        class BrokenClass(unittest.TestCase, metaclass=Meta):
            def test_never(self):
                pass
    """,
    "nothing/__init__.py": "",
}
SETTINGS = """
    INSTALLED_APPS = ["strange", "stock", "nothing", "acme.billing", "django_probe"]
"""


def run(project, *args):
    """Run the command; return its exit code and (label, outcome) of each result, as planned."""
    done = project.probe("--format", "jsonl", *args)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    results = [event["result"] for event in events if event["event"] == "probe_finished"]
    return done.returncode, sorted(results, key=lambda result: result["index"])


@pytest.fixture(scope="module")
def zoo(tmp_path_factory):
    """Return the results of every kind of probe there is, run once."""
    project = Quick.make(tmp_path_factory.mktemp("zoo") / "project", FILES, SETTINGS)
    code, results = run(project)
    assert code == 1
    return results


def outcomes(results, start=""):
    return [
        (result["label"], result["outcome"])
        for result in results
        if result["label"].startswith(start)
    ]


def one(results, label):
    found = [result for result in results if result["label"] == label]
    assert len(found) == 1, [result["label"] for result in results]
    return found[0]


def test_modules_packages_and_loose_folders_are_searched_in_a_stable_order(zoo):
    assert outcomes(zoo, "stock.") == [
        ("stock.OfThePackage.test_here", "passed"),
        ("stock.deep.deeper.inner.Inner.test_inner", "passed"),
        ("stock.levels.Levels.test_base", "passed"),
        ("stock.levels.Levels.test_items", "passed"),
        ("stock.levels.OnlyRun.runTest", "passed"),
        ("stock.levels.Waits.test_later", "passed"),
        ("stock.loose.outer.Outer.test_outer", "passed"),
        ("stock.shared.Base.test_base", "passed"),
    ]
    apps = list(dict.fromkeys(label.partition(".")[0] for label, _ in outcomes(zoo)))
    assert apps == ["strange", "stock", "lib", "invoices"]


def test_an_app_is_named_by_its_label_and_its_probes_keep_unittests_ids(zoo):
    assert one(zoo, "invoices.Invoices.test_sum")["id"] == "acme.billing.probes.Invoices.test_sum"
    elsewhere = one(zoo, "lib.bases.FromElsewhere.test_elsewhere")
    assert (elsewhere["id"], elsewhere["source"]) == (elsewhere["label"], "lib/bases.py:4")


def test_a_class_that_other_probe_modules_import_runs_once_at_home(zoo):
    ids = [result["id"] for result in zoo if ".Base." in result["id"]]
    assert ids == ["stock.probes.shared.Base.test_base"]


def test_two_classes_with_the_same_id_both_have_their_result(zoo):
    assert outcomes(zoo, "strange.Made") == [
        ("strange.Made.test_number", "failed"),
        ("strange.Made.test_number", "passed"),
    ]


def test_a_class_may_tell_its_own_id_and_description(zoo):
    named = one(zoo, "strange.probes.Named.test_named (of Europe)")
    assert named["id"] == "strange.probes.Named.test_named (of Europe)"
    assert named["description"] == "Told by an instance second line"
    assert one(zoo, "strange.Strings.test_described")["description"] == "First line."


def test_the_source_of_a_probe_is_its_function_whatever_wraps_it(zoo):
    assert one(zoo, "strange.Strings.test_partial")["source"] == "strange/probes.py:4"


def test_a_class_that_cannot_be_made_is_its_own_error_and_no_other_suffers(zoo):
    never = one(zoo, "strange.Broken.test_never")
    assert (never["outcome"], never["error"]["message"]) == ("errored", "no instance of this")
    never = one(zoo, "strange.BrokenId.test_never")
    assert (never["outcome"], never["error"]["message"]) == ("errored", "no id")
    broken = one(zoo, "strange.probes.BrokenClass")
    assert (broken["outcome"], broken["error"]["message"]) == ("errored", "no names")


UNLOADABLE = {
    "missing/probes.py": "import unittest\nimport no_such_module\n",
    "syntax/probes.py": "x = 1\nthis is no Python\n",
    "exits/probes.py": "import sys\nsys.exit(0)\n",
    "interrupts/probes.py": "raise KeyboardInterrupt\n",
    "skips/probes.py": "import unittest\nraise unittest.SkipTest('not on this host')\n",
    "package/probes/__init__.py": "raise RuntimeError('the whole package')\n",
    "package/probes/one.py": "",
    "twice/probes.py": "",
    "twice/probes/__init__.py": "",
    "good/probes.py": """
        import unittest
        class Good(unittest.TestCase):
            def test_good(self):
                pass
    """,
}


def test_a_module_that_cannot_be_imported_is_one_errored_probe_and_all_others_run(tmp_path):
    code, results = run(Quick.make(tmp_path / "project", UNLOADABLE))
    assert code == 1
    assert outcomes(results) == [
        ("exits.probes", "errored"),
        ("good.Good.test_good", "passed"),
        ("interrupts.probes", "errored"),
        ("missing.probes", "errored"),
        ("package.probes", "errored"),
        ("skips.probes", "skipped"),
        ("syntax.probes", "errored"),
        ("twice.probes.shadowed", "errored"),
    ]
    errors = {result["label"]: result["error"] for result in results}
    assert errors["missing.probes"]["exception_class_path"] == "ModuleNotFoundError"
    assert errors["missing.probes"]["message"] == "No module named 'no_such_module'"
    assert 'missing/probes.py", line 2' in errors["missing.probes"]["traceback"]
    assert "importlib" not in errors["missing.probes"]["traceback"]
    assert errors["syntax.probes"]["exception_class_path"] == "SyntaxError"
    assert one(results, "syntax.probes")["source"] == "syntax/probes.py:2"
    assert one(results, "missing.probes")["source"] == "missing/probes.py:2"
    assert errors["exits.probes"]["exception_class_path"] == "SystemExit"
    assert one(results, "skips.probes")["reason"] == "not on this host"
    assert "probes.py is never imported" in errors["twice.probes.shadowed"]["message"]


def test_a_module_that_only_shadows_another_name_is_no_fault(tmp_path):
    files = {**UNLOADABLE, "good/probes/data.txt": "no module", "good/more.py": ""}
    done = Quick.make(
        tmp_path / "project",
        {path: text for path, text in files.items() if path.startswith("good")},
    )
    assert run(done)[0] == 0


LOADING = {
    "chosen/probes.py": """
        import unittest
        class Kept(unittest.TestCase):
            def test_kept(self):
                pass
        class Left(unittest.TestCase):
            def test_left(self):
                pass
        def check_disk():
            '''The disk has room.'''
        class Country(unittest.TestCase):
            def __init__(self, country):
                super().__init__("test_reach")
                self.country = country
            def id(self):
                return f"{super().id()} [{self.country}]"
            def test_reach(self):
                self.assertNotEqual(self.country, "nowhere")
        def load_tests(loader, standard, pattern):
            suite = unittest.TestSuite([loader.loadTestsFromTestCase(Kept)])
            suite.addTest(unittest.FunctionTestCase(check_disk))
            suite.addTests([Country("here"), Country("nowhere")])
            suite.addTests(loader.loadTestsFromName("chosen.probes.NoSuchClass"))
            return suite
    """,
    "prices/probes.py": """
        import doctest
        from prices import rules
        def load_tests(loader, standard, pattern):
            standard.addTests(doctest.DocTestSuite(rules))
            return standard
    """,
    "prices/rules.py": """
        def total(prices):
            '''Add.

            >>> total([1, 2])
            3
            '''
            return sum(prices)
        def wrong():
            '''Be wrong.

            >>> wrong()
            1
            '''
            return 2
    """,
    # As the documentation of unittest has it.
    "whole/probes/__init__.py": """
        import os
        import unittest
        class Own(unittest.TestCase):
            def test_own(self):
                pass
        def load_tests(loader, standard_tests, pattern):
            this_dir = os.path.dirname(__file__)
            standard_tests.addTests(loader.discover(start_dir=this_dir, pattern=pattern))
            return standard_tests
    """,
    "whole/probes/child.py": """
        import unittest
        class Child(unittest.TestCase):
            def test_child(self):
                pass
    """,
    "whole/probes/broken.py": "import no_such_module\n",
    "whole/probes/skipped.py": "import unittest\nraise unittest.SkipTest('not here')\n",
    "whole/probes/sub/__init__.py": "",
    "whole/probes/sub/fails.py": "def load_tests(*args):\n    1 / 0\n",
    "whole/probes/sub/leaf.py": """
        import unittest
        class Leaf(unittest.TestCase):
            def test_leaf(self):
                pass
    """,
    "raises/probes.py": "def load_tests(loader, standard, pattern):\n    1 / 0\n",
    "forgets/probes.py": "def load_tests(loader, standard, pattern):\n    pass\n",
    "leaves/probes.py": "def load_tests(*args):\n    raise SystemExit(0)\n",
}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """Return a project whose modules have ``load_tests``, and its results."""
    project = Quick.make(tmp_path_factory.mktemp("loading") / "project", LOADING)
    return project, run(project)[1]


def test_load_tests_of_a_module_decides_what_runs(loaded):
    _, results = loaded
    assert outcomes(results, "chosen.") == [
        ("chosen.Kept.test_kept", "passed"),
        ("chosen.check_disk", "passed"),
        ("chosen.probes.Country.test_reach [here]", "passed"),
        ("chosen.probes.Country.test_reach [nowhere]", "failed"),
        ("chosen.probes.NoSuchClass", "errored"),
    ]
    disk = one(results, "chosen.check_disk")
    assert (disk["id"], disk["description"]) == ("check_disk", "The disk has room.")
    assert disk["source"] == "chosen/probes.py:9"


def test_doctests_come_by_way_of_load_tests(loaded):
    _, results = loaded
    assert outcomes(results, "prices.") == [
        ("prices.rules.total", "passed"),
        ("prices.rules.wrong", "failed"),
    ]


DOCTESTS = """
    def load_tests(loader, standard, pattern):
        import doctest, sys
        return doctest.DocTestSuite(sys.modules[__name__])
"""
DOCTEST = """
    def number_{n}():
        ">>> number_{n}()\\n{n}"
        import time
        time.sleep(0.02)
        print({n})
"""


def test_doctests_run_one_at_a_time_for_they_swap_stdout(tmp_path):
    text = DOCTESTS + "".join(DOCTEST.format(n=n) for n in range(8))
    project = Quick.make(tmp_path / "project", {"shop/probes.py": text})
    code, results = run(project, "--parallel", "8")
    assert [result["outcome"] for result in results] == ["passed"] * 8
    assert code == 0


def test_load_tests_of_a_package_may_discover_what_lies_below_it(loaded):
    _, results = loaded
    assert sorted(outcomes(results, "whole.")) == [
        ("whole.Own.test_own", "passed"),
        ("whole.child.Child.test_child", "passed"),
        ("whole.probes.broken", "errored"),
        ("whole.probes.skipped", "skipped"),
        ("whole.probes.sub.fails", "errored"),
        ("whole.sub.leaf.Leaf.test_leaf", "passed"),
    ]
    broken = one(results, "whole.probes.broken")["error"]
    assert broken["message"] == "ModuleNotFoundError: No module named 'no_such_module'"
    assert "whole/probes/broken.py" in broken["traceback"]
    assert one(results, "whole.probes.skipped")["reason"] == "not here"
    fails = one(results, "whole.probes.sub.fails")["error"]
    assert fails["exception_class_path"] == "ZeroDivisionError"
    assert fails["message"] == "division by zero"
    absent = one(results, "chosen.probes.NoSuchClass")["error"]
    assert absent["exception_class_path"] == "AttributeError"


def test_load_tests_that_fails_is_one_errored_probe(loaded):
    _, results = loaded
    errors = {
        result["label"]: result["error"]
        for result in results
        if result["label"].partition(".")[0] in ("raises", "forgets", "leaves")
    }
    assert errors["raises.probes"]["exception_class_path"] == "ZeroDivisionError"
    assert "load_tests returned None" in errors["forgets.probes"]["message"]
    assert errors["leaves.probes"]["exception_class_path"] == "SystemExit"


def test_each_label_that_a_report_names_runs_just_that_probe(loaded):
    project, results = loaded
    for label in (
        "chosen.probes.Country.test_reach [nowhere]",
        "chosen.check_disk",
        "prices.rules.wrong",
        "whole.probes.broken",
        "raises.probes",
    ):
        assert [found for found, _ in outcomes(run(project, label)[1])] == [label]
    assert len(results) > 10
