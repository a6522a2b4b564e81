"""The benchmarks work, whatever they find: no test here knows how fast anything is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

pytestmark = pytest.mark.once


def bench(*args, limit=240):
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", "--python", sys.executable, *args],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=limit,
        check=False,
    )


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    file = tmp_path_factory.mktemp("bench") / "figures.json"
    done = bench("--quick", "--json", str(file))
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(file.read_text())


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "what",
    [
        "start: one probe, text",
        "what text imports beyond the standard library, Django and us",
        "40 trivial probes, text",
        "40 trivial probes, tap",
        "40 trivial probes, jsonl",
        "40 trivial probes, junit",
        "40 trivial probes, json",
        "40 trivial probes, ctrf",
        "40 trivial probes, github",
        "40 trivial probes, html",
        "40 trivial probes, markdown",
        "40 trivial probes, nagios",
        "40 trivial probes, openmetrics",
        "peak memory at 40 probes, any format",
        "40 probes of mixed outcomes, tap",
        "40 probes of mixed outcomes, junit",
        "60 trivial probes, junit",
        "60 trivial probes, junit, peak memory",
        "what text, tap, jsonl keep of 60 results",
        "60 results to junit, the writing alone",
        "what junit needs for 60 results above 1",
        "60 results to ctrf, the writing alone",
        "60 results to github, the writing alone",
        "60 results to html, the writing alone",
        "60 results to markdown, the writing alone",
        "60 results to nagios, the writing alone",
        "60 results to openmetrics, the writing alone",
        "looking for secrets in a result that passed, none there",
        "looking for secrets in a result that failed, none there",
        "20 probes that wait 0.02 s, 4 threads, 10 classes",
        "20 probes that wait 0.02 s, 4 processes, 10 classes",
        "each of 80 events from a worker process",
        "40 probes of which 2 hang, timeout 1 s, 4 workers",
        "each probe that hangs in Python, timeout 0.3 s",
        "each probe that hangs in C, timeout 0.3 s",
        "10 local targets of 4 trivial probes, tap",
        "what text, tap, jsonl keep of 10 targets above one of them",
        "streaming into a pipe, text",
        "streaming into a pipe, tap",
        "streaming into a pipe, jsonl",
        "20 remote targets of 10 probes, 16 at once, text",
        "20 remote targets of 10 probes, 16 at once, jsonl",
        "memory for 20 remote targets, text or jsonl",
    ],
)
def test_each_row_of_the_budget_is_printed_and_kept_for_programs(quick, what):
    printed, document = quick
    assert f"| {what} " in printed
    (row,) = (row for row in document["rows"] if row["what"] == what)
    # Of so few results a difference between two measurements may be all noise.
    assert row["value"] >= 0 or "MiB" in row["unit"] or "the writing alone" in what
    assert row["within"] is (row["value"] <= row["budget"])


SERVERS = ["PostgreSQL", "PostgreSQL, as behind PgBouncer", "MariaDB", "SQLite"]


@pytest.mark.service
@pytest.mark.timeout(300)
@pytest.mark.parametrize("server", SERVERS)
def test_a_guarded_query_is_measured_on_each_server_that_answers(quick, server):
    printed, document = quick
    what = f"a guarded query, {server}"
    if f"Not measured: a query on {server}, which cannot be asked here" in printed:
        pytest.skip(f"no {server}")
    (row,) = (row for row in document["rows"] if row["what"] == what)
    assert row["value"] > 0
    assert bool(row["peers"]) == ("PgBouncer" in server)


@pytest.mark.timeout(300)
def test_every_row_is_one_that_this_test_knows(quick):
    _, document = quick
    known = [row for row in document["rows"] if not row["what"].startswith("a guarded query, ")]
    assert len(known) == 43


@pytest.mark.timeout(300)
def test_the_peers_stand_beside_us_and_a_missing_one_is_told(quick):
    printed, document = quick
    named = {name for row in document["rows"] for name in row["peers"]}
    assert {"unittest", "manage.py test", "tap.py", "xmlrunner", "pytest"} <= named
    missing = {
        name for row in document["rows"] for name, at in row["peers"].items()
        if str(at).startswith(("needs ", "does not work"))
    }  # fmt: skip
    assert all(f"Not measured: {name}, " in printed for name in missing)


@pytest.mark.timeout(300)
def test_what_was_measured_is_kept_sample_by_sample(quick):
    _, document = quick
    samples = document["samples"]["trivial"]
    assert {"floor", "probe text", "xmlrunner"} <= set(samples)
    assert set(samples["floor"][0]) == {"wall", "cpu", "peak", "code"}


def test_a_group_of_rows_that_does_not_exist_is_refused_with_those_that_do():
    done = bench("--rows", "start,speed")
    assert done.returncode == 2
    assert "'speed', expected some of start, imports" in done.stderr


def test_a_contender_that_does_not_do_its_work_is_no_measurement(tmp_path):
    sys.path.insert(0, str(ROOT))
    try:
        from benchmarks.measuring import Contender, Failed, race
    finally:
        sys.path.remove(str(ROOT))
    broken = Contender(name="broken", argv=("-c", "print('hello')"), proof="^ran all")
    with pytest.raises(Failed, match="'broken' ended with 0, and 0 lines match"):
        race([broken], python=sys.executable, folder=tmp_path, env={}, rounds=1, peer_rounds=1)
