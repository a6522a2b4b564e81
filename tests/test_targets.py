"""Local targets, by the command: one run, many places, each told apart."""

from __future__ import annotations

import io
import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from zygote import Quick

from django_probe.events import FixtureFailed, TargetFailed
from django_probe.formats import find_format
from django_probe.outputs import StreamOutput
from django_probe.redaction import MASK
from django_probe.reporting import Report, ReporterGroup
from django_probe.sample import sample_run
from django_probe.tally import Tally

pytestmark = pytest.mark.ends

PROBES = """
    import asyncio
    import threading
    import unittest

    from django_probe import current_target, only_on, tag, timeout

    def here():
        target = current_target()
        return f"{target.alias} {target.parameters.get('base_url')}"

    class Checkout(unittest.TestCase):
        @classmethod
        def setUpClass(cls):
            cls.where = here()

        def test_everywhere(self):
            found = [self.where, here()]
            thread = threading.Thread(target=lambda: found.append(here()))
            thread.start()
            thread.join()
            async def inside():
                return here(), await asyncio.to_thread(here)
            found.extend(asyncio.run(inside()))
            self.assertEqual(len(set(found)), 1)
            print("asked", found[0])

        @tag("smoke")
        def test_not_in_us(self):
            self.assertNotEqual(current_target().alias, "us")

    @only_on("eu", "staging-*")
    class Limited(unittest.TestCase):
        def test_class(self):
            pass

        @only_on("us")
        def test_method(self):
            pass
"""
TARGETS = """
    import os
    PROBE_TARGETS = {
        name: {"BACKEND": "local", "OPTIONS": {"parameters": {"base_url": f"https://{name}.example"}}}
        for name in ("eu", "us", "staging-1")
    }
    exec(os.environ.get("EXTRA", ""))
"""
LIB = """
    def targets():
        return {f"tenant-{n}": {"BACKEND": "local"} for n in range(3)}
    def parameters(alias):
        return {"base_url": f"https://{alias}.of.a.function"}
    def secret(alias):
        return {"base_url": "plain", "password": "tr0ub4dor-and-3"}
    def raises(*arguments):
        raise OSError("no route to the registry")
    def says_much(*arguments):
        raise OSError("no route\\nto the registry")
    def nothing():
        return {}
    def text(*arguments):
        return "eu"
    class NoTarget:
        pass
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    files = {"shop/probes.py": PROBES, "lib/parts.py": LIB}
    return Quick.make(tmp_path_factory.mktemp("targets") / "project", files, TARGETS)


def report(project, *options, code=1, **env):
    done = project.probe("--format", "json", *options, env=env)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout), done.stderr


def outcomes(told):
    return {(r["label"].partition(".")[2], r["target"]): r["outcome"] for r in told["results"]}


def refused(project, *options, **env):
    """Return the one line, and nothing else, of a run that could not be asked."""
    done = project.probe(*options, env=env)
    assert (done.returncode, done.stdout) == (2, ""), done.stdout
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


EVERYWHERE = {
    ("Checkout.test_everywhere", "eu"): "passed",
    ("Checkout.test_everywhere", "us"): "passed",
    ("Checkout.test_everywhere", "staging-1"): "passed",
    ("Checkout.test_not_in_us", "eu"): "passed",
    ("Checkout.test_not_in_us", "us"): "failed",
    ("Checkout.test_not_in_us", "staging-1"): "passed",
    ("Limited.test_class", "eu"): "passed",
    ("Limited.test_class", "staging-1"): "passed",
    ("Limited.test_method", "us"): "passed",
}


@pytest.mark.parametrize(
    "options", [(), ("--parallel", "2"), ("--parallel", "6"), ("--executor", "processes")]
)
def test_each_target_is_asked_with_its_own_parameters(project, options):
    told, _ = report(project, *options)
    assert outcomes(told) == EVERYWHERE
    printed = {r["stdout"] for r in told["results"] if r["stdout"]}
    assert printed == {f"asked {a} https://{a}.example\n" for a in ("eu", "us", "staging-1")}


def test_results_stand_in_the_order_of_targets_and_are_counted_for_each(project):
    told, _ = report(project, "--parallel", "3")
    assert told["run"]["targets"] == ["eu", "us", "staging-1"]
    assert list(told["by_target"]) == ["eu", "us", "staging-1"]
    order = [r["target"] for r in told["results"]]
    assert order == sorted(order, key=["eu", "us", "staging-1"].index)
    assert [c["total"] for c in told["by_target"].values()] == [3, 3, 3]
    assert [c["blocking"] for c in told["by_target"].values()] == [0, 1, 0]
    assert told["summary"]["total"] == 9


@pytest.mark.parametrize(
    ("patterns", "asked"),
    [
        (["eu"], ["eu"]),
        (["*u"], ["eu"]),
        (["staging-*", "eu"], ["eu", "staging-1"]),
        (["?u", "[su]*"], ["eu", "us", "staging-1"]),
    ],
)
def test_target_picks_by_name_or_glob(project, patterns, asked):
    options = [option for pattern in patterns for option in ("--target", pattern)]
    told, _ = report(project, *options, code=int("us" in asked))
    assert told["run"]["targets"] == asked
    assert {r["target"] for r in told["results"]} == set(asked)


def test_without_the_setting_no_report_has_a_name(project):
    for name in ("text", "junit", "tap", "json", "ctrf", "markdown", "github", "html"):
        done = project.probe("--format", name, env={"EXTRA": "del PROBE_TARGETS"})
        text = re.sub(r"<(style|script)\b.*?</\1>", "", done.stdout, flags=re.DOTALL)
        assert not re.search(r"(?<!asked )\bdefault\b(?!-src)", text), name
        assert "eu" not in re.findall(r"\w+", done.stdout)
    told, _ = report(project, "--target", "default", code=0, EXTRA="del PROBE_TARGETS")
    assert (told["run"]["targets"], told["by_target"]) == ([], {})


def test_a_single_target_that_was_chosen_is_named(project):
    done = project.probe("--format", "tap", "--target", "eu")
    assert "ok 1 shop.probes.Checkout.test_everywhere [eu]\n" in done.stdout


def test_names_in_junit_are_told_apart_in_every_key(project):
    done = project.probe("--format", "junit")
    cases = [dict(case.attrib) for case in ET.fromstring(done.stdout).iter("testcase")]
    keys = {(case["classname"], case["name"]) for case in cases}
    assert len(keys) == len({case["name"] + case["classname"] for case in cases}) == 9
    assert ("eu.shop.probes.Checkout", "test_everywhere [eu]") in keys
    suite = ET.fromstring(done.stdout)[0]
    told = {p.get("name"): p.get("value") for p in suite.iter("property")}
    assert (suite.get("name"), suite.get("hostname"), told["target"]) == (
        "eu.shop.probes.Checkout",
        "eu",
        "eu",
    )


# Where they come from.


@pytest.mark.parametrize("value", ["lib.parts.targets", "__import__('lib.parts').parts.targets"])
def test_targets_may_come_from_a_function(project, value):
    value = repr(value) if value.startswith("lib") else value
    told, _ = report(project, code=0, EXTRA=f"PROBE_TARGETS = {value}")
    assert told["run"]["targets"] == ["tenant-0", "tenant-1", "tenant-2"]


def test_parameters_may_come_from_a_function(project):
    extra = "PROBE_TARGETS['eu']['OPTIONS']['parameters'] = 'lib.parts.parameters'"
    told, _ = report(project, "--target", "eu", code=0, EXTRA=extra)
    assert told["results"][0]["stdout"] == "asked eu https://eu.of.a.function\n"


def test_what_comes_from_the_environment_is_a_secret(project):
    extra = "PROBE_TARGETS['eu']['OPTIONS']['parameters'] = {'base_url': 'env:EU_URL'}"
    secret = "correct-horse-battery"
    told, _ = report(project, "--target", "eu", code=0, EXTRA=extra, EU_URL=secret)
    assert "asked eu ****" in told["results"][0]["stdout"]
    assert secret not in json.dumps(told)
    told, _ = report(project, "--target", "us", EXTRA=extra)  # Nobody needs it there.
    assert told["run"]["targets"] == ["us"]


def test_what_a_function_calls_a_password_is_a_secret_too(project):
    extra = "PROBE_TARGETS['eu']['OPTIONS']['parameters'] = 'lib.parts.secret'"
    project.write(
        "shop/probes.py",
        """
        import unittest
        from django_probe import current_target
        class Told(unittest.TestCase):
            def test_it(self):
                print(*current_target().parameters.values())
        """,
    )
    try:
        told, _ = report(project, "--target", "eu", code=0, EXTRA=extra)
    finally:
        project.write("shop/probes.py", PROBES)
    assert told["results"][0]["stdout"] == f"plain {MASK}\n"


OPTIONS = "PROBE_TARGETS['eu']['OPTIONS']"
FAULTS = [
    ("PROBE_TARGETS = ['eu']", "PROBE_TARGETS is a list, expected a dict of alias -> dict"),
    ("PROBE_TARGETS = {'e u': {'BACKEND': 'local'}}", "['e u']: an alias is made of letters, digits"),
    ("PROBE_TARGETS = {'eu': 'local'}", "PROBE_TARGETS['eu'] is 'local', expected a dict with BACKEND"),
    ("PROBE_TARGETS = {'eu': {'OPTIONS': {}}}", "expected a dict with BACKEND, the name or the dotted path of a target"),
    ("PROBE_TARGETS = {'eu': {'BACKEND': 'local', 'URL': ''}}", "has the unknown key 'URL', expected BACKEND, OPTIONS"),
    ("PROBE_TARGETS = {'eu': {'BACKEND': 'local', 'OPTIONS': [1]}}", "['OPTIONS'] is [1], expected a dict"),
    ("PROBE_TARGETS = {'eu': {'BACKEND': 'locale'}}", "['BACKEND'] is 'locale', expected 'local', 'remote' or the dotted path"),
    ("PROBE_TARGETS = {'eu': {'BACKEND': 'lib.parts.NoTarget'}}", "or a class derived from django_probe.targets.base.Target"),
    (f"{OPTIONS}['url'] = ''", "['OPTIONS'] has the unknown key 'url', expected deadline, executor, parameters, tags, timeout"),
    (f"{OPTIONS}['timeout'] = 0", "['timeout'] is 0, expected a number of seconds greater than 0"),
    (f"{OPTIONS}['deadline'] = True", "['deadline'] is True, expected a number of seconds"),
    (f"{OPTIONS}['tags'] = 'smoke'", "['tags'] is 'smoke', expected a list of texts"),
    (f"{OPTIONS}['executor'] = 'fibers'", "['executor']: Unknown executor 'fibers'"),
    (f"{OPTIONS}['executor'] = 5", "['executor'] is 5, expected a dict with BACKEND"),
    (f"{OPTIONS}['executor'] = {{'BACKEND': 'threads', 'OPTIONS': {{'workers': 1}}}}", "refuses its options"),
    (f"{OPTIONS}['parameters'] = [1]", "['parameters'] is a list, expected a dict of plain data"),
    (f"{OPTIONS}['parameters'] = {{'when': object()}}", "['parameters']['when'] is an object, expected plain data"),
    (f"{OPTIONS}['parameters'] = {{'a': {{'b': [1, {{2}}]}}}}", "['a']['b'][1] is a set, expected plain data"),
    (f"{OPTIONS}['parameters'] = {{'a': {{1: 2}}}}", "['parameters']['a'] has the key 1, expected texts as keys"),
    (f"a = []; a.append(a); {OPTIONS}['parameters'] = {{'a': a}}", "nested too deeply, or in a circle"),
]  # fmt: skip
LATER = [
    ("PROBE_TARGETS = 'lib.parts.absent'", "PROBE_TARGETS is 'lib.parts.absent', which cannot be imported"),
    ("PROBE_TARGETS = 'lib.parts.LIB'", "which cannot be imported"),
    ("PROBE_TARGETS = 'lib.parts.raises'", "PROBE_TARGETS raised OSError: no route to the registry: mend the function"),
    ("PROBE_TARGETS = 'lib.parts.nothing'", "PROBE_TARGETS returned no target, expected one at least"),
    ("PROBE_TARGETS = 'lib.parts.text'", "What PROBE_TARGETS returned is a str, expected a dict"),
    (f"{OPTIONS}['parameters'] = 'lib.parts.raises'", "['parameters'] raised OSError: no route"),
    (f"{OPTIONS}['parameters'] = 'lib.parts.says_much'", "['parameters'] raised OSError: no route to the registry"),
    (f"{OPTIONS}['parameters'] = 'lib.parts.text'", "['parameters'] returned a str, expected a dict of plain data"),
    (f"{OPTIONS}['parameters'] = {{'a': [{{'pin': 'env:NOT_THERE'}}]}}", "The environment has no NOT_THERE, expected what PROBE_TARGETS['eu']['OPTIONS']"),
]  # fmt: skip


@pytest.mark.once
@pytest.mark.parametrize(("extra", "told"), FAULTS)
def test_a_faulty_setting_is_one_line_and_a_system_check(project, extra, told):
    assert told in refused(project, EXTRA=extra)
    done = project.manage("check", env={"EXTRA": extra})
    words = " ".join(done.stderr.split())
    assert done.returncode == 1
    assert told in words
    assert "(probe.E008)" in words
    assert "HINT: PROBE_TARGETS = {" in words


@pytest.mark.parametrize(("extra", "told"), LATER)
def test_what_only_a_run_can_see_is_one_line(project, extra, told):
    assert told in refused(project, EXTRA=extra)


def test_a_traceback_has_no_secret_either(project):
    extra = (
        "def says(): raise OSError('refused ' + os.environ['DB_PASSWORD'])\nPROBE_TARGETS = says"
    )
    secret = "tr0ub4dor-and-3"
    done = project.probe("--traceback", env={"EXTRA": extra, "DB_PASSWORD": secret})
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert secret not in done.stderr


def test_no_function_is_called_by_a_system_check(project):
    done = project.manage("check", env={"EXTRA": "PROBE_TARGETS = 'lib.parts.raises'"})
    assert done.returncode == 0, done.stderr


def test_a_reference_that_is_missing_is_a_warning_where_nothing_runs(project):
    extra = f"{OPTIONS}['parameters'] = {{'pin': 'env:NOT_THERE'}}"
    done = project.manage("check", env={"EXTRA": extra})
    assert done.returncode == 0
    words = " ".join(done.stderr.split())
    assert "(probe.W004) PROBE_TARGETS['eu'] refers to env:NOT_THERE, and the environment" in words


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--target", "ue"], "--target 'ue' is no target: there are eu, us, staging-1."),
        (["--target", "stagin-1"], "did you mean 'staging-1'? There are eu, us, staging-1."),
        (["--target", "x*"], "--target 'x*' matches no target: there are eu, us, staging-1."),
        (["--target", "eu", "--target", ""], "--target '' is no target"),
        (["--target-concurrency", "0"], "'0' is not a whole number from 1 on"),
        (["--pdb"], "--pdb got 3 targets, expected one: choose it with --target."),
    ],
)
def test_targets_that_are_not_there_are_refused_in_one_line(project, options, told):
    assert told in refused(project, *options)


def test_of_many_targets_an_error_names_the_first(project):
    extra = "PROBE_TARGETS = {f't{n}': {'BACKEND': 'local'} for n in range(40)}"
    assert "there are t0, t1, t2, t3, t4, t5, t6, t7, t8, t9, t10, t11, … (40 in all)." in refused(
        project, "--target", "nobody", EXTRA=extra
    )


# OPTIONS of its own.


def test_a_target_may_have_tags_of_its_own(project):
    told, _ = report(
        project, code=0, EXTRA=f"{OPTIONS}['tags'] = ['smoke']; del PROBE_TARGETS['us']"
    )
    assert [r["label"] for r in told["results"] if r["target"] == "eu"] == [
        "shop.Checkout.test_not_in_us"
    ]
    assert told["by_target"]["staging-1"]["total"] == 3


SLOW = {
    "shop/probes.py": """
        import os, time, threading, unittest
        from django_probe import current_target
        class Slow(unittest.TestCase):
            def test_a(self):
                time.sleep(current_target().parameters["seconds"])
            def test_b(self):
                print(os.getpid(), threading.current_thread().name)
    """
}


@pytest.fixture(scope="module")
def slow(tmp_path_factory):
    settings = """
        import os
        PROBE_TARGETS = {
            "slow": {"BACKEND": "local", "OPTIONS": {"parameters": {"seconds": 30}}},
            "quick": {"BACKEND": "local", "OPTIONS": {"parameters": {"seconds": 0}}},
        }
        exec(os.environ.get("EXTRA", ""))
    """
    return Quick.make(tmp_path_factory.mktemp("slow") / "project", SLOW, settings)


def test_a_target_may_have_a_timeout_of_its_own(slow):
    told, _ = report(slow, EXTRA="PROBE_TARGETS['slow']['OPTIONS']['timeout'] = 0.3")
    assert outcomes(told) == {
        ("Slow.test_a", "slow"): "timed_out",
        ("Slow.test_b", "slow"): "passed",
        ("Slow.test_a", "quick"): "passed",
        ("Slow.test_b", "quick"): "passed",
    }
    assert "0.3 s" in told["results"][0]["error"]["message"]


def test_a_timeout_of_the_command_goes_before(slow):
    extra = "PROBE_TARGETS['slow']['OPTIONS']['timeout'] = 25"
    told, _ = report(slow, "--timeout", "0.3", EXTRA=extra)
    assert outcomes(told)[("Slow.test_a", "slow")] == "timed_out"


@pytest.mark.parametrize("options", [(), ("--executor", "processes")])
def test_a_target_may_have_a_deadline_of_its_own(slow, options):
    extra = "PROBE_TARGETS['slow']['OPTIONS']['deadline'] = 0.5"
    told, _ = report(slow, *options, EXTRA=extra)
    found = outcomes(told)
    # Its workers may take as long to begin.
    assert found[("Slow.test_a", "slow")] in {"timed_out", "not_run"}
    assert found[("Slow.test_b", "slow")] == "not_run"
    assert {found[("Slow.test_a", "quick")], found[("Slow.test_b", "quick")]} == {"passed"}
    reasons = {r["label"]: r["reason"] for r in told["results"] if r["target"] == "slow"}
    assert reasons["shop.Slow.test_b"] == "the target's deadline of 0.5 s has passed"


def test_the_deadline_of_the_run_ends_all_targets(slow):
    told, _ = report(slow, "--deadline", "1")
    found = outcomes(told)
    assert found[("Slow.test_a", "slow")] == "timed_out"
    assert {o for (_, target), o in found.items() if target == "quick"} == {"not_run"}
    assert len(found) == 4


def test_a_target_may_have_an_executor_of_its_own(slow):
    extra = "PROBE_TARGETS['quick']['OPTIONS']['executor'] = 'processes'; " + (
        "PROBE_TARGETS['slow']['OPTIONS']['parameters']['seconds'] = 0"
    )
    told, _ = report(slow, code=0, EXTRA=extra)
    where = {r["target"]: r["stdout"].split() for r in told["results"] if r["stdout"]}
    assert where["quick"][1] == "MainThread"
    assert where["slow"][1].startswith("probe-worker-")
    assert where["quick"][0] != where["slow"][0]


# What an author keeps to some targets.


def test_a_probe_for_other_targets_is_left_out_and_told(project):
    told, stderr = report(project, "--target", "us", EXTRA="")
    assert ("Limited.test_class", "us") not in outcomes(told)
    assert stderr == (
        "Asked on no target, by @only_on: shop.Limited.test_class (eu, staging-*); asked are: us.\n"
    )


def test_without_targets_a_probe_for_some_is_not_asked_and_told(project):
    told, stderr = report(project, code=0, EXTRA="del PROBE_TARGETS")
    assert [r["label"] for r in told["results"]] == [
        "shop.Checkout.test_everywhere",
        "shop.Checkout.test_not_in_us",
    ]
    assert "Asked on no target, by @only_on: shop.Limited.test_class (eu, staging-*)," in stderr
    assert "shop.Limited.test_method (us); asked are: default.\n" in stderr


def test_where_no_target_is_for_what_was_asked_nothing_ran(project):
    told, stderr = report(project, "--target", "us", "shop.Limited.test_class", code=5)
    assert told["summary"]["total"] == 0
    assert "Nothing ran: no target that is asked has the one probe of shop.Limited." in stderr


@pytest.mark.parametrize("mark", ["@only_on()", "@only_on(5)", "@only_on", "@only_on('eu', '')"])
def test_only_on_without_a_name_is_refused(make_project, mark):
    source = f"""
        import unittest
        from django_probe import only_on
        class Checkout(unittest.TestCase):
            {mark}
            def test_pay(self):
                pass
    """
    done = make_project({"shop/probes.py": source}).probe()
    assert done.returncode == 2
    assert "@only_on got " in done.stderr
    assert "write @only_on('eu', 'staging-*')." in done.stderr


def test_list_says_where_each_probe_runs(project):
    done = project.probe("--list")
    assert done.stdout.splitlines() == [
        "shop.Checkout.test_everywhere",
        "shop.Checkout.test_not_in_us",
        "shop.Limited.test_class  (on eu, staging-1)",
        "shop.Limited.test_method  (on us)",
    ]
    assert (done.returncode, done.stderr) == (0, "")
    listed = json.loads(project.probe("--list", "--format", "json", "--target", "*u").stdout)
    assert [(one["label"], one["targets"]) for one in listed] == [
        ("shop.Checkout.test_everywhere", ["eu"]),
        ("shop.Checkout.test_not_in_us", ["eu"]),
        ("shop.Limited.test_class", ["eu"]),
    ]
    assert listed[2]["only_on"] == ["eu", "staging-*"]
    plain = project.probe("--list", "--format", "json", env={"EXTRA": "del PROBE_TARGETS"})
    assert "targets" not in json.loads(plain.stdout)[0]


# The gate.


def test_failfast_ends_all_targets(project):
    told, _ = report(project, "--failfast", "--target", "us", "--target", "staging-1")
    found = outcomes(told)
    assert found[("Checkout.test_not_in_us", "us")] == "failed"
    left = {o for (_, target), o in found.items() if target == "staging-1"}
    assert left == {"not_run"}
    assert {r["reason"] for r in told["results"] if r["outcome"] == "not_run"} == {
        "--failfast: a probe before it failed"
    }


def test_failfast_ends_a_batch_on_another_target_that_runs_in_a_process(make_project):
    source = """
        import time, unittest
        from pathlib import Path
        from django_probe import current_target
        class Together(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                cls.alias = current_target().alias
                Path(f"there-{cls.alias}").touch()
            def test_a(self):
                while len(list(Path().glob("there-*"))) < 2:
                    time.sleep(0.01)
                self.assertEqual(self.alias, "b")
            def test_b(self):
                time.sleep(0.5)
            def test_c(self):
                time.sleep(0.5)
            def test_d(self):
                time.sleep(0.5)
            def test_e(self):
                time.sleep(0.5)
            def test_f(self):
                time.sleep(0.5)
    """
    executor = {"BACKEND": "processes"}
    targets = {n: {"BACKEND": "local", "OPTIONS": {"executor": executor}} for n in "ab"}
    project = make_project({"shop/probes.py": source}, f"PROBE_TARGETS = {targets!r}\n")
    done = project.probe("--format", "json", "--failfast")
    told = json.loads(done.stdout)
    assert done.returncode == 1, done.stderr
    last = [r for r in told["results"] if r["target"] == "b"][-1]
    assert (last["outcome"], last["reason"]) == ("not_run", "--failfast: a probe before it failed")


FLAKY = {
    "shop/probes.py": """
        import unittest
        from pathlib import Path
        from django_probe import current_target
        class Checkout(unittest.TestCase):
            def test_comes_up(self):
                tries = Path(f"tries-{current_target().alias}")
                with tries.open("a") as stream:
                    stream.write("x")
                least = current_target().parameters["least"]
                self.assertGreaterEqual(len(tries.read_text()), least)
            def test_is_there(self):
                pass
    """
}
FLAKY_SETTINGS = """
    PROBE_TARGETS = {
        alias: {"BACKEND": "local", "OPTIONS": {"parameters": {"least": least}}}
        for alias, least in (("one", 1), ("three", 3))
    }
"""


def test_a_round_asks_again_only_what_is_not_ok_there(make_project):
    project = make_project(FLAKY, FLAKY_SETTINGS)
    done = project.probe("--format", "json", "--wait", "20", "--retry-delay", "0.01")
    told = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert [(project.folder / f"tries-{name}").read_text() for name in ("one", "three")] == [
        "x",
        "xxx",
    ]
    attempts = {(r["label"][14:], r["target"]): len(r["attempts"]) for r in told["results"]}
    assert attempts == {
        ("test_comes_up", "one"): 0,
        ("test_is_there", "one"): 0,
        ("test_comes_up", "three"): 2,
        ("test_is_there", "three"): 0,
    }
    assert told["run"]["targets"] == ["one", "three"]
    assert "Round 1: 1 of 4 not ok: shop.Checkout.test_comes_up [three] failed" in done.stderr


def test_stable_asks_all_of_every_target(make_project):
    project = make_project(FLAKY, FLAKY_SETTINGS)
    options = ("--stable", "2", "--wait", "20", "--retry-delay", "0.01")
    done = project.probe("--format", "json", *options)
    assert done.returncode == 0, done.stderr
    assert len((project.folder / "tries-one").read_text()) >= 2
    assert "2 of 2 in a row" in done.stderr


def test_retries_are_of_each_target(make_project):
    project = make_project(FLAKY, FLAKY_SETTINGS)
    done = project.probe("--format", "json", "--retries", "2", "--retry-delay", "0.01")
    told = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert {r["target"]: r["flaky"] for r in told["results"] if "comes_up" in r["label"]} == {
        "one": False,
        "three": True,
    }


def test_a_release_that_was_not_expected_is_a_failed_target_for_each(project):
    told, _ = report(project, "--expect-release", "2", code=4, EXTRA="PROBE_RELEASE = '1'")
    assert [f["target"] for f in told["failed_targets"]] == ["eu", "us", "staging-1"]
    assert {c["not_run"] for c in told["by_target"].values()} == {3}


CRASH = """
    from django_probe.executors.threads import ThreadsExecutor
    class Crashing(ThreadsExecutor):
        def execute(self, batches, target, deadline):
            yield from list(super().execute(batches, target, deadline))[:2]
            raise RuntimeError("the executor is gone")
"""


def test_a_target_that_fails_leaves_the_others_their_results(make_project):
    settings = """
        PROBE_TARGETS = {
            "bad": {"BACKEND": "local", "OPTIONS": {"executor": "lib.crash.Crashing"}},
            "good": {"BACKEND": "local"},
        }
    """
    source = "import unittest\nclass T(unittest.TestCase):\n" + "".join(
        f"    def test_{n}(self): pass\n" for n in range(3)
    )
    project = make_project({"shop/probes.py": source, "lib/crash.py": CRASH}, settings)
    done = project.probe("--format", "json")
    told = json.loads(done.stdout)
    assert done.returncode == 4, done.stderr
    assert [(f["target"], f["error"]["message"]) for f in told["failed_targets"]] == [
        ("bad", "the executor is gone")
    ]
    assert [(r["target"], r["outcome"]) for r in told["results"]] == [
        ("bad", "passed"),
        ("bad", "not_run"),
        ("bad", "not_run"),
        *[("good", "passed")] * 3,
    ]


def test_a_signal_ends_all_targets_with_whole_reports(tmp_path, make_project):
    import signal

    project = make_project(SLOW, """
        PROBE_TARGETS = {
            alias: {"BACKEND": "local", "OPTIONS": {"parameters": {"seconds": 30}}}
            for alias in ("a", "b")
        }
    """)  # fmt: skip
    process = project.popen("probe", "--format", "jsonl", stdout=-1, stderr=-1)
    lines = []
    while not any('"probe_started"' in line for line in lines):
        lines.append(process.stdout.readline())
    process.send_signal(signal.SIGTERM)
    rest, _ = process.communicate(timeout=30)
    events = [json.loads(line) for line in [*lines, *rest.splitlines()]]
    assert process.returncode == 143
    assert events[-1]["event"] == "run_finished"
    found = [e["result"] for e in events if e["event"] == "probe_finished"]
    assert len(found) == 4
    assert {r["outcome"] for r in found if r["target"] == "b"} == {"not_run"}


# Reports.


def written(name, events):
    stream = io.StringIO()
    group = ReporterGroup([Report(name, StreamOutput(stream), find_format(name, {}).build)], print)
    group.open()
    for event in events:
        group.feed(event)
    group.close()
    assert group.errors == []
    return stream.getvalue()


def shuffled(events):
    """Return a run whose targets have told everything one after the other, the last one first."""
    first, *middle, last = events

    def target(event):
        return getattr(getattr(event, "result", event), "target", "")

    return [first, *sorted(middle, key=target, reverse=True), last]


def everywhere_a_fault():
    *events, last = sample_run("eu", "us", "asia")
    (fixture,) = (e for e in events if isinstance(e, FixtureFailed))
    (lost,) = (e for e in events if isinstance(e, TargetFailed))
    more = [replace(one, target=t) for t in ("us", "asia") for one in (fixture, lost)]
    return [*events, *more, last]


@pytest.mark.parametrize(
    "name",
    ["junit", "json", "ctrf", "github", "markdown", "html", "nagios", "openmetrics", "silent"],
)
def test_a_report_is_the_same_in_whatever_order_targets_answer(name):
    events = everywhere_a_fault()
    assert written(name, shuffled(events)) == written(name, events)


def test_the_end_of_the_text_report_is_the_same_too():
    events = everywhere_a_fault()
    ends = [written("text", run).partition("─" * 70)[2] for run in (events, shuffled(events))]
    assert ends[0] == ends[1]
    assert "Probe × target" in ends[0]


def test_targets_that_failed_stand_in_the_order_of_the_setting():
    _, *middle, _ = everywhere_a_fault()
    run = replace(sample_run("eu", "us", "asia")[0], targets=("eu", "us", "asia"))
    tally = Tally()
    for event in reversed(middle):
        tally.add(event)
    assert tally.summary(run, 1.0).failed_targets == ("us", "asia", "us-2")


def test_many_targets_share_what_sets_up_django(project):
    """A worker's parent is its keeper: as many as targets at once, not as many as targets."""
    source = """
        import os, unittest
        class Where(unittest.TestCase):
            def test_parent(self):
                print(os.getppid())
    """
    project.write("shop/probes.py", source)
    extra = "PROBE_TARGETS = {f't{n}': {'BACKEND': 'local'} for n in range(6)}"
    try:
        told, _ = report(project, "--parallel", "2", code=0, EXTRA=extra)
    finally:
        project.write("shop/probes.py", PROBES)
    keepers = {r["stdout"] for r in told["results"]}
    assert len(told["results"]) == 6
    assert 1 <= len(keepers) <= 2
