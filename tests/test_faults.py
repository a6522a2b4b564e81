"""The table of faults in the documents: what comes of each, by executor, in every report.

Each row is run by the command with both executors; what the table says is read out of
the exit code and the reports. Those that are not asked for are made of the saved run.
"""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from documents import DOCS
from support import Project
from tables import check_table, row
from test_reports import report
from zygote import Quick

from django_probe.executors.names import BUILT_IN
from django_probe.wire import decode

pytestmark = pytest.mark.once

HEAD = """
    import ctypes, os, signal, sys, time, unittest
    from pathlib import Path
    from django_probe import quarantine, retry, severity, timeout

    def swallow():
        while True:
            try:
                time.sleep(60)
            except BaseException:
                pass

    def first_time(name):
        try:
            Path(name).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

"""


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong, and the options of the command that meets it."""

    what: str
    body: str = "pass"
    options: Sequence[str] = ()
    mark: str = ""
    fixture: str = ""
    signal: int = 0
    release: str = ""


SLEEP = "Path('here').touch(); time.sleep(60)"
TIMEOUT = ("--timeout", "0.4")
SETUP = "@classmethod\n        def setUpClass(cls): raise OSError('no broker')"
TEARDOWN = "@classmethod\n        def tearDownClass(cls): raise OSError('still there')"
FLAKY = "if first_time('flaky'): self.fail('once')"
HOLDS = "ctypes.PyDLL(None).usleep(2_000_000)"
QUARANTINE = "@quarantine(owner='me', until='{}')"
RETRIES = ("--retries", "1", "--retry-delay", "0")

FAULTS = (
    Fault("it fails", "self.fail('no')"),
    Fault("it raises", "raise OSError('no')"),
    Fault("it raises `SystemExit`", "sys.exit(3)"),
    Fault("it raises `KeyboardInterrupt`", "raise KeyboardInterrupt"),
    Fault("it overruns its timeout in Python", "while True: pass", TIMEOUT),
    Fault("… in a system call", "time.sleep(60)", TIMEOUT),
    Fault("… and lets nothing stop it", "swallow()", TIMEOUT),
    Fault("… and holds the interpreter for two seconds", HOLDS, TIMEOUT),
    Fault("it calls `os._exit(0)`", "os._exit(0)"),
    Fault("C code calls `exit(3)`", "ctypes.CDLL(None)._exit(3)"),
    Fault("it crashes (SIGSEGV)", "ctypes.string_at(0)"),
    Fault("the system kills it (SIGKILL)", "os.kill(os.getpid(), signal.SIGKILL)"),
    Fault("its `setUpClass` fails", fixture=SETUP),
    Fault("its `tearDownClass` fails", fixture=TEARDOWN),
    Fault("the deadline comes while it runs", SLEEP, ("--deadline", "3")),
    Fault("SIGINT while it runs", SLEEP, signal=signal.SIGINT),
    Fault("SIGTERM while it runs", SLEEP, signal=signal.SIGTERM),
    Fault("it passes at the second try", FLAKY, RETRIES),
    Fault("… with `--fail-on-flaky`", FLAKY, (*RETRIES, "--fail-on-flaky")),
    Fault("a warning fails", "self.fail('no')", mark="@severity('warning')"),
    Fault("… with `--strict`", "self.fail('no')", ("--strict",), "@severity('warning')"),
    Fault("it fails in quarantine", "self.fail('no')", ("--strict",), QUARANTINE.format("2999-12-31")),
    Fault("… that has ended", "self.fail('no')", (), QUARANTINE.format("2020-12-31")),
    Fault("the release is another one", options=("--expect-release", "2"), release="1"),
    Fault("nothing runs", "self.skipTest('not here')"),
    Fault("… with `--allow-empty`", "self.skipTest('not here')", ("--allow-empty",)),
)  # fmt: skip

FORMATS = ("text", "junit", "tap", "ctrf", "github", "markdown", "nagios", "openmetrics", "html")


def source(fault: Fault) -> str:
    lines = (
        "class Probe(unittest.TestCase):",
        f"    {fault.fixture or 'limit = None'}",
        f"    {fault.mark or '# no mark'}",
        "    def test_it(self):",
        f"        {fault.body}",
    )
    return HEAD + "".join(f"    {line}\n" for line in lines)


@dataclass(frozen=True)
class Ran:
    """What came of a fault under an executor: words for the table."""

    outcome: str
    code: str
    shown: tuple[str, ...]


def made(folder, fault: Fault, executor: str) -> Project:
    options = {"start_method": "fork"} if executor == "processes" else {}
    settings = {"BACKEND": executor, "OPTIONS": options}
    make = Project if is_slow(fault) else Quick
    files = {"shop/probes.py": source(fault)}
    return make.make(folder, files, f"PROBE_EXECUTOR = {settings!r}\n")


def is_slow(fault: Fault) -> bool:
    return bool(fault.signal or "--deadline" in fault.options or fault.body == HOLDS)


def run(project: Project, fault: Fault) -> Ran:
    reports = [f"--report={name}=report.{name}" for name in ("json", "jsonl", "junit")]
    args = ("--format", "silent", "--no-ci", *reports, *fault.options)
    env = {"PROBE_RELEASE": fault.release}
    if is_slow(fault):
        with project.popen("probe", *args, env=env, stderr=subprocess.DEVNULL) as process:
            interrupt(project, process, fault.signal)
            code = process.wait(timeout=60)
    else:
        code = project.probe(*args, env=env).returncode
    told = str(code) if code >= 0 else f"{128 - code} ({signal.Signals(-code).name})"
    if not any(project.folder.glob("report.*")):
        return Ran("no report", told, ())
    written = {
        name: (project.folder / f"report.{name}").read_text(encoding="utf-8")
        for name in ("json", "jsonl", "junit")
    }
    events = [decode(line) for line in written["jsonl"].splitlines()]
    assert report("junit", events) == written["junit"], "a saved run gives the same report"
    document = json.loads(written["json"])
    assert document["exit_code"] == events[-1].summary.exit_code == code
    (result,) = document["results"]
    shown = tuple(READ[name](report(name, events)) for name in FORMATS)
    held = ", when it lets go" * (fault.body == HOLDS and result["duration"] >= 2)
    return Ran(outcome_of(document, result) + held, told, shown)


def interrupt(project: Project, process, number: int) -> None:
    limit = time.monotonic() + 60
    while number and not (project.folder / "here").exists():
        assert time.monotonic() < limit
        time.sleep(0.02)
    if number:
        process.send_signal(number)


def outcome_of(document, result) -> str:
    flaky = ", flaky" if result["flaky"] else ""
    soft = ", does not block" * (
        not result["blocking"] and result["outcome"] not in ("passed", "skipped")
    )
    fixture = ", a fixture failed" * bool(document["fixture_errors"])
    target = ", the target failed" * bool(document["failed_targets"])
    return f"`{result['outcome']}`{flaky}{soft}{fixture}{target}"


# What a reader of each format sees first.


def of_text(text: str) -> str:
    (verdict,) = re.findall(
        r"^(OK|NOT OK|INTERRUPTED|NOTHING RAN)(?:, but .*)?: ", text, re.MULTILINE
    )
    return f"`{verdict}`"


def of_junit(text: str) -> str:
    kinds = [part.tag for case in ET.fromstring(text).iter("testcase") for part in case]
    return ", ".join(f"`{kind}`" for kind in kinds) or "passed"


def of_tap(text: str) -> str:
    assert text.startswith("TAP version 13\n1..")
    points = re.findall(r"^((?:not )?ok) \d+[^#\n]*(# (?:TODO|SKIP))?", text, re.MULTILINE)
    told = [" ".join(filter(None, point)) for point in points]
    bail = ["Bail out!"] * text.splitlines()[-1].startswith("Bail out!")
    return ", ".join(f"`{one}`" for one in told + bail)


def of_ctrf(text: str) -> str:
    tests = json.loads(text)["results"]["tests"]
    flaky = " (flaky)" * any(test.get("flaky") for test in tests)
    return ", ".join(f"`{test['status']}`" for test in tests) + flaky


def of_github(text: str) -> str:
    levels = re.findall(r"^::(\w+) ", text, re.MULTILINE)
    return ", ".join(f"`{level}`" for level in levels) or "–"


def of_markdown(text: str) -> str:
    return f"`{text.splitlines()[0].removeprefix('### ').partition(':')[0]}`"


def of_nagios(text: str) -> str:
    return f"`{text.split()[1]}`"


def of_openmetrics(text: str) -> str:
    return re.findall(r"^django_probe_run_ok (\d)", text, re.MULTILINE)[0]


def of_html(text: str) -> str:
    return f"`{re.findall(r'<h1[^>]*>(.*?)</h1>', text, re.DOTALL)[0].strip()}`"


READ = {name: globals()[f"of_{name}"] for name in FORMATS}


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """Run all of them; those that take seconds at the same time as the others."""
    folder = tmp_path_factory.mktemp("faults")
    pairs = [(number, executor) for number in range(len(FAULTS)) for executor in BUILT_IN]
    found = {}
    with ThreadPoolExecutor(2) as pool:
        for number, executor in pairs:
            fault = FAULTS[number]
            project = made(folder / f"{number}-{executor}", fault, executor)
            go = pool.submit if is_slow(fault) else _at_once
            found[number, executor] = go(run, project, fault)
    return {pair: one.result() for pair, one in found.items()}


def _at_once(function, *args):
    future = Future()
    future.set_result(function(*args))
    return future


def test_the_table_of_faults_is_what_comes_of_them(ran):
    lines = [row(["a probe, and what happens", "executor", "outcome", "exit code", *(f"`{name}`" for name in FORMATS)])]  # fmt: skip
    lines.append("|---" * (4 + len(FORMATS)) + "|")
    for number, fault in enumerate(FAULTS):
        found = {executor: ran[number, executor] for executor in BUILT_IN}
        same = len(set(found.values())) == 1
        for executor, one in found.items():
            name = "both" if same else f"`{executor}`"
            shown = one.shown or ("–",) * len(FORMATS)
            lines.append(row([fault.what, name, one.outcome, one.code, *shown]))
            if same:
                break
    check_table(DOCS / "gate.md", "faults", lines)


def test_only_what_ends_the_process_of_threads_costs_a_report(ran):
    lost = {FAULTS[number].what for (number, _), one in ran.items() if not one.shown}
    assert lost == {
        "C code calls `exit(3)`",
        "it crashes (SIGSEGV)",
        "the system kills it (SIGKILL)",
    }
    assert all(one.shown for (_, executor), one in ran.items() if executor == "processes")


def test_where_there_is_a_report_both_executors_have_the_same_exit_code(ran):
    for number in range(len(FAULTS)):
        codes = {ran[number, name].code for name in BUILT_IN if ran[number, name].shown}
        assert len(codes) == 1, FAULTS[number].what
