"""What unittest said of a test, and what our result of it must be by DESIGN.md section 3.

Each rule has a name, by which the comparison counts what it explains. There is
no list of tests that are excused.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

WORST_FIRST = (
    "errored",
    "failed",
    "unexpected_success",
    "expected_failure",
    "skipped",
    "passed",
)

SAME = "the same"
WORST = "the worst of what was recorded"
NOTHING_BAD = "nothing bad recorded is passed"
FIXTURE = "a class or module fixture that fails is each probe's"
INTERRUPT = "a KeyboardInterrupt is its probe's error"
NOT_IMPORTED = "what cannot be loaded is one probe"
RULES = frozenset({SAME, WORST, NOTHING_BAD, FIXTURE, INTERRUPT, NOT_IMPORTED})

_LEFT_OUT = re.compile(r"\[… (\d+) more sub-tests \w+\]")
"""The last sub-tests of a long list: a result counts what it does not list."""
_NUMBER = re.compile(r"\d+")

LOADER = "unittest.loader"
"""Where the classes are that stand for a module which raised when it was imported."""

Key = tuple[str, int]
Record = Mapping[str, Any]


@dataclass
class Comparison:
    """What was compared, and how it came out."""

    tests: int = 0
    subtests: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    """How many tests each rule explains."""
    outcomes: Counter[str] = field(default_factory=Counter)
    """Ours."""
    differences: list[str] = field(default_factory=list)
    """What no rule explains, one line each."""


def compare(plain: Mapping[str, Any], events: Iterable[Record]) -> Comparison:
    """Compare what plain unittest recorded with the events of our wire, one by one."""
    told = list(events)
    results = [event["result"] for event in told if event["event"] == "probe_finished"]
    theirs = _keyed(plain["records"], _plain_id)
    ours = _keyed(sorted(results, key=lambda result: result["index"]), _our_id)
    causes = _causes(plain["fixtures"])
    found = Comparison(tests=len(theirs))
    for key in [*theirs, *(key for key in ours if key not in theirs)]:
        _compare_one(found, key, theirs.get(key), ours.get(key), causes)
    _compare_fixtures(found, plain["fixtures"], told)
    return found


def expected(record: Record, causes: Mapping[str, str]) -> tuple[str, str]:
    """Return (our outcome, the rule that says so) of what unittest recorded."""
    calls = record["calls"]
    if "interrupted" in calls:
        return "errored", INTERRUPT
    cause = causes.get(record["class"]) or causes.get(record["module"])
    if not record["starts"] and cause:
        return cause, FIXTURE
    if not calls:
        return "passed", NOTHING_BAD
    outcome = min(calls, key=WORST_FIRST.index)
    if record["module"] == LOADER:
        return outcome, NOT_IMPORTED
    return outcome, SAME if len(set(calls)) == 1 else WORST


def subtests_of(result: Record) -> Counter[str]:
    """Return how many sub-tests of each outcome our result tells of."""
    counts: Counter[str] = Counter()
    for subtest in result["subtests"]:
        left_out = _LEFT_OUT.fullmatch(subtest["description"])
        counts[subtest["outcome"]] += int(left_out[1]) if left_out else 1
    return counts


def _compare_one(
    found: Comparison,
    key: Key,
    record: Record | None,
    result: Record | None,
    causes: Mapping[str, str],
) -> None:
    name = f"{key[0]} (occurrence {key[1]})"
    if record is None or result is None:
        found.differences.append(f"{name}: only in {'ours' if record is None else 'unittest'}")
        return
    outcome, rule = expected(record, causes)
    found.outcomes[result["outcome"]] += 1
    found.subtests += sum(subtests_of(result).values())
    difference = _difference(record, result, outcome, rule)
    if difference:
        found.differences.append(f"{name}: {difference}")
    else:
        found.rules[rule] += 1


def _difference(record: Record, result: Record, outcome: str, rule: str) -> str:
    """Return in what a result differs from the outcome that a rule expects, "" for nothing."""
    if result["outcome"] != outcome:
        return (
            f"{result['outcome']}, expected {outcome} ({rule}) of {record['calls']};"
            f" unittest: {record['told']}; ours: {_told(result)}"
        )
    subtests = subtests_of(result)
    if subtests != Counter(record["subtests"]):
        return f"sub-tests {dict(subtests)}, expected {record['subtests']}"
    if outcome == "skipped" and rule == SAME and not _has_reason(result, record["reasons"]):
        return f"skipped for {result['reason']!r}, expected {record['reasons']}"
    return ""


def _has_reason(result: Record, reasons: Sequence[str]) -> bool:
    """Tell whether we give a reason of unittest's, process ids aside.

    What cannot be printed is cleaned, which is not the matter here.
    """
    ours = _NUMBER.sub("", result["reason"])
    theirs = [_NUMBER.sub("", reason) for reason in reasons]
    return ours in theirs or not all(map(str.isprintable, theirs))


def _told(result: Record) -> str:
    error = result["error"] or {"traceback": result["reason"]}
    return str(error["traceback"])[-1500:]


def _keyed(records: Iterable[Record], name: Any) -> dict[Key, Record]:
    seen: defaultdict[str, int] = defaultdict(int)
    keyed = {}
    for record in records:
        keyed[name(record), seen[name(record)]] = record
        seen[name(record)] += 1
    return keyed


def _plain_id(record: Record) -> str:
    name: str = record["id"]
    return f"{record['method']}.import" if record["module"] == LOADER else name


def _our_id(result: Record) -> str:
    name: str = result["id"]
    return ".".join(name.split(".")[-2:]) if name.endswith(".import") else name


def _causes(fixtures: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return what the first failure of each setUpClass and setUpModule means for its tests."""
    causes: dict[str, str] = {}
    for name, outcome in fixtures:
        fixture, owner = _split(name)
        if fixture.startswith("setUp"):
            causes.setdefault(owner, outcome)
    return causes


def _compare_fixtures(
    found: Comparison, fixtures: Sequence[tuple[str, str]], told: Iterable[Record]
) -> None:
    """Compare what came after the results: teardowns, and the cleanups of set-ups that failed."""
    theirs: Counter[str] = Counter()
    caused: set[str] = set()
    for name, outcome in fixtures:
        fixture, owner = _split(name)
        path = f"{owner}.{fixture}"
        if fixture.startswith("setUp") and path not in caused:
            caused.add(path)
        elif outcome == "errored":
            theirs[f"{path}.cleanup" if path in caused else path] += 1
    ours = Counter(event["fixture"] for event in told if event["event"] == "fixture_failed")
    for path in sorted(theirs.keys() | ours.keys()):
        if theirs[path] != ours[path]:
            found.differences.append(
                f"{path}: failed {ours[path]} times in ours, {theirs[path]} in unittest"
            )


def _split(name: str) -> tuple[str, str]:
    """Split ``setUpClass (module.Class)``."""
    fixture, _, owner = name.partition(" (")
    return fixture, owner.removesuffix(")")
