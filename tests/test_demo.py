"""The demo, run as a user runs it: ``python demo/run.py``, green and broken."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped
from support import ROOT, Project
from tap.parser import Parser

pytestmark = pytest.mark.once

RUN = ROOT / "demo" / "run.py"
FAULTS = {
    "shop.Database.test_every_migration_is_applied": "failed",
    "catalog.Pages.test_product_page_shows_the_price": "failed",
    "catalog.Pages.test_search_finds_a_product_by_its_name": "timed_out",
}
PROC = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="reads /proc")


@dataclass
class Demo:
    """One run of the demo, at its end."""

    code: int
    output: str
    errors: str
    work: Path

    @property
    def report(self) -> dict:
        """Return the JSON report."""
        return json.loads((self.work / "reports" / "probes.json").read_text(encoding="utf-8"))

    @property
    def blocking(self) -> dict[str, str]:
        """Return the outcomes of the probes that block, by label."""
        results = self.report["results"]
        return {result["label"]: result["outcome"] for result in results if result["blocking"]}


def environment(**more: str) -> dict[str, str]:
    env = Project(ROOT).environment(**more)
    strange = [name for name in env if name.startswith(("SHOP_", "PROBE_")) and name not in more]
    return {name: value for name, value in env.items() if name not in strange}


def start(work: Path, *options: str, run: Path = RUN, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(run), "--work", str(work), *options],
        cwd=ROOT,
        env=environment(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str], work: Path) -> Demo:
    try:
        output, errors = process.communicate(timeout=90)
    finally:
        process.kill()
    return Demo(process.returncode, output, errors, work)


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Demo]:
    """Return four runs, made at the same time: they share nothing."""
    folder = tmp_path_factory.mktemp("demos")
    mended = folder / "mended" / "demo"
    shutil.copytree(RUN.parent, mended, ignore=shutil.ignore_patterns("__pycache__"))
    (mended / "shop" / "broken.py").write_text("from shop.settings import *\n")
    nobody = "http://127.0.0.1:1/"
    processes = {
        "green": start(folder / "green"),
        "broken": start(folder / "broken", "--broken"),
        "mended": start(folder / "mended" / "work", "--broken", run=mended / "run.py"),
        "no payment": start(folder / "payment", SHOP_PAYMENT_URL=nobody),
    }
    works = {"mended": folder / "mended" / "work", "no payment": folder / "payment"}
    return {
        name: finish(process, works.get(name, folder / name)) for name, process in processes.items()
    }


def outcomes_in_junit(path: Path) -> dict[str, str]:
    words = {Failure: "bad", Error: "bad", Skipped: "skipped"}
    return {
        f"{case.classname}.{case.name}": words[type(case.result[0])] if case.result else "passed"
        for suite in JUnitXml.fromfile(str(path))
        for case in suite
    }


def outcomes_in_tap(path: Path) -> dict[str, str]:
    points = [line for line in Parser().parse_file(str(path)) if line.category == "test"]
    return {
        point.description.strip(): "skipped"
        if point.skip or point.todo
        else ("passed" if point.ok else "bad")
        for point in points
    }


def in_short(result: dict) -> str:
    """Return what reports that know three words say of a result."""
    if result["blocking"]:
        return "bad"
    return "passed" if result["outcome"] == "passed" else "skipped"


def running_for(work: Path) -> list[str]:
    """Return the command lines of all processes that were started for a work folder."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"SHOP_WORK={work}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def answers(url: str) -> bool:
    try:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def address(output: str) -> str:
    found = re.search(r"http://127\.0\.0\.1:\d+", output)
    assert found, output
    return found[0]


def test_the_demo_is_green_and_says_so(demos):
    green = demos["green"]
    assert green.code == 0, green.output + green.errors
    assert green.errors == ""
    assert "Exit code 0: the gate is green" in green.output
    assert green.report["ok"] is True
    assert green.report["summary"]["total"] >= 12
    assert green.blocking == {}
    assert "Traceback" not in (green.work / "server.log").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["green", "broken"])
def test_what_does_not_block_is_shown(demos, name):
    told = demos[name].output.partition("5. What is told, and does not block")[2]
    for line in (
        "   flaky: catalog.Pages.test_tea_of_the_day_is_served\n"
        "     GET /tea-of-the-day/ answered 503, expected 200\n",
        "   a warning: catalog.Pages.test_front_page_describes_itself_to_search_engines\n"
        "     the front page has no description\n",
        "   quarantined: orders.reading.OrderPage.test_offers_the_invoice\n",
    ):
        assert line in told
    assert demos[name].report["summary"]["flaky"] == 1


@pytest.mark.parametrize("name", ["green", "broken"])
def test_the_three_report_files_agree_on_every_probe(demos, name):
    demo = demos[name]
    reports = demo.work / "reports"
    expected = {result["id"]: in_short(result) for result in demo.report["results"]}
    assert len(expected) == demo.report["summary"]["total"]
    assert outcomes_in_junit(reports / "probes.xml") == expected
    assert outcomes_in_tap(reports / "probes.tap") == expected
    counts = [list(expected.values()).count(word) for word in ("passed", "bad", "skipped")]
    told = "{} passed, {} failed, {} skipped".format(*counts)
    for file in ("probes.xml", "probes.tap", "probes.json"):
        assert f"{reports / file}: {told}" in demo.output


def test_the_broken_demo_shows_a_red_gate_and_names_its_three_faults(demos):
    broken = demos["broken"]
    assert broken.code == 0, broken.output + broken.errors
    assert broken.blocking == FAULTS
    assert broken.report["exit_code"] == 1
    why = broken.output[broken.output.index("6. Why the gate is red") :]
    for label, outcome in FAULTS.items():
        assert f"{label}: {outcome}" in why
    assert "not applied: orders.0002_order_newest" in why
    assert "answered 500, expected 200" in why
    assert "its timeout of 2 s" in why
    assert "Exit code 1: the gate is red" in why
    log = (broken.work / "server.log").read_text(encoding="utf-8")
    assert "catalog/product.html was not deployed" in log


def test_a_broken_demo_whose_gate_is_not_red_for_the_three_faults_fails(demos):
    mended = demos["mended"]
    assert mended.code == 1
    assert "The demo failed:" in mended.errors
    assert "did not notice a fault: A page answers 500" in mended.errors


def test_a_red_gate_that_nobody_asked_for_fails_the_demo(demos):
    demo = demos["no payment"]
    assert demo.code == 1
    assert demo.blocking == {"orders.paying.Payment.test_provider_can_be_reached": "errored"}
    assert "exit code 1, expected 0" in demo.errors
    assert "nobody answers at http://127.0.0.1:1/: " in demo.output


@PROC
@pytest.mark.parametrize("name", ["green", "broken", "mended", "no payment"])
def test_nothing_of_the_demo_is_left_listening_or_running(demos, name):
    demo = demos[name]
    assert not answers(address(demo.output))
    assert running_for(demo.work) == []


def lines_until(process: subprocess.Popen[str], words: str) -> Iterator[str]:
    assert process.stdout is not None
    for line in process.stdout:
        yield line
        if words in line:
            return
    pytest.fail(f"the demo ended before it said {words!r}")


@PROC
@pytest.mark.parametrize(
    ("number", "code"),
    [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)],
    ids=["ctrl-c", "sigterm", "sigkill"],
)
def test_the_shop_closes_however_the_demo_is_ended(tmp_path, number, code):
    with start(tmp_path, "--broken") as process:
        url = address("".join(lines_until(process, "2. Open it")))
        assert answers(url)
        if number == signal.SIGINT:
            os.killpg(process.pid, number)  # As the terminal does it.
        else:
            process.send_signal(number)
        done = finish(process, tmp_path)
    assert done.code == code
    deadline = time.monotonic() + 30
    while running_for(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert running_for(tmp_path) == []
    assert not answers(url)


def test_without_django_probe_the_demo_says_what_to_install():
    env = environment()
    env.pop("PYTHONPATH", None)
    done = subprocess.run(
        [sys.executable, "-S", str(RUN)], env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "pip install -e ." in done.stderr
    assert "Traceback" not in done.stderr


def test_the_shop_lacks_no_migration_and_every_probe_says_what_it_guards(tmp_path):
    shop = Project(RUN.parent)
    env = {"SHOP_WORK": str(tmp_path)}
    done = shop.manage("makemigrations", "--check", "--dry-run", env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    probes = json.loads(shop.probe("--list", "--format", "json", env=env).stdout)
    assert [probe["label"] for probe in probes if not probe["description"]] == []
    assert {"smoke", "slow"} <= {tag for probe in probes for tag in probe["tags"]}


def test_a_work_folder_that_cannot_be_written_to_is_told_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    work = tmp_path / "file" / "work"
    done = finish(start(work), work)
    assert done.code == 1
    assert done.errors.count("\n") == 2, done.errors
    assert "cannot write to the work folder" in done.errors


def test_three_shops_become_one_report(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "demo" / "targets.py"), str(tmp_path)],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=110,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    matrix = re.search(
        r"eu +us +asia\n +✓ +✓ +✗ +shop.Database.test_every_migration_is_applied", done.stdout
    )
    assert matrix, done.stdout
    assert "exit 4: 18 probes block" in done.stdout
    names = {suite.name.partition(".")[0] for suite in JUnitXml.fromfile(tmp_path / "probes.xml")}
    assert names == {"eu", "us", "asia"}
    for log in tmp_path.rglob("server.log"):
        assert "Traceback" not in log.read_text(encoding="utf-8")
