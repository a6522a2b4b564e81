"""Our outcomes are unittest's, test by test, where DESIGN.md section 3 does not say otherwise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import parity
import parity_projects
import parity_rules
import pytest

pytestmark = pytest.mark.timeout(3 * parity.TIMEOUT)

ENOUGH_TESTS = 4000
ENOUGH_MODULES = 25


@pytest.fixture(scope="module")
def cpython(tmp_path_factory: pytest.TempPathFactory) -> parity.Parity:
    if not parity_projects.has_cpython():
        pytest.skip("This Python comes without CPython's own tests: install its package 'test'.")
    return parity.run_both(*parity_projects.cpython(tmp_path_factory.mktemp("cpython")))


@pytest.fixture(scope="module")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> parity.Parity:
    return parity.run_both(*parity_projects.matrix(tmp_path_factory.mktemp("matrix")))


@pytest.mark.service
def test_cpythons_own_tests_come_out_as_by_plain_unittest(cpython: parity.Parity) -> None:
    found = cpython.comparison
    assert not found.differences, _told(found)
    assert found.tests >= ENOUGH_TESTS
    assert len(cpython.modules) >= ENOUGH_MODULES
    assert found.subtests
    assert found.outcomes.keys() >= {"passed", "skipped"}


def test_every_combination_of_bodies_and_fixtures_comes_out_by_the_rules(
    matrix: parity.Parity,
) -> None:
    found = matrix.comparison
    assert not found.differences, _told(found)
    assert found.tests == sum(found.rules.values()) == len(matrix.results)
    assert set(found.rules) == parity_rules.RULES  # Each one is needed by some test.
    assert set(found.outcomes) == set(parity_rules.WORST_FIRST)


def test_they_come_out_the_same_in_another_order_by_four_workers(matrix: parity.Parity) -> None:
    found = matrix.again("--parallel", "4", "--shuffle", "7")
    assert not found.differences, _told(found)
    assert found.tests == sum(found.rules.values()) == len(matrix.results)


def test_what_tear_downs_and_cleanups_raise_is_told_apart(matrix: parity.Parity) -> None:
    told = {record["id"]: record["told"] for record in matrix.plain["records"]}
    crossed = [result for result in matrix.results if ".Crossed" in result["id"]]
    apart = {
        result["id"]: [error["message"] for error in result["cleanup_errors"]] for result in crossed
    }
    assert apart == {
        name: [m for m in told[name] if m in ("tearDown", "cleanup")] for name in apart
    }
    assert sum(map(len, apart.values())) > 100


def test_the_summary_counts_every_sub_test_listed_or_not(matrix: parity.Parity) -> None:
    theirs: Counter[str] = Counter()
    for record in matrix.plain["records"]:
        theirs.update(record["subtests"])
    assert matrix.events[-1]["summary"]["counts"]["subtests"] == theirs


def _told(found: parity_rules.Comparison) -> str:
    count = len(found.differences)
    return "\n".join([f"{count} of {found.tests} tests differ:", *found.differences[:20]])


# The comparison itself: it must see each kind of difference.


def _record(*calls: str, **more: Any) -> dict[str, Any]:
    return {
        "id": "shop.probes.TestX.test_y",
        "class": "shop.probes.TestX",
        "module": "shop.probes",
        "starts": 1,
        "calls": list(calls),
        "subtests": {},
        "reasons": [],
        "told": [],
        **more,
    }


def _finished(outcome: str, **more: Any) -> dict[str, Any]:
    result = {
        "id": "shop.probes.TestX.test_y",
        "index": 0,
        "outcome": outcome,
        "subtests": [],
        "error": None,
        "reason": "",
        **more,
    }
    return {"event": "probe_finished", "result": result}


def _compare(
    records: list[dict[str, Any]], events: list[dict[str, Any]], *fixtures: tuple[str, str]
) -> parity_rules.Comparison:
    return parity_rules.compare({"records": records, "fixtures": fixtures}, events)


SET_UP = "setUpClass (shop.probes.TestX)"
NOT_STARTED = {"starts": 0}
ONE_SUBTEST = {"subtests": {"passed": 1}}


@pytest.mark.parametrize(
    ("found", "rule"),
    [
        (_compare([_record("passed")], [_finished("passed")]), parity_rules.SAME),
        (_compare([_record("failed", "errored")], [_finished("errored")]), parity_rules.WORST),
        (_compare([_record()], [_finished("passed")]), parity_rules.NOTHING_BAD),
        (_compare([_record("interrupted")], [_finished("errored")]), parity_rules.INTERRUPT),
        (
            _compare([_record(**NOT_STARTED)], [_finished("skipped")], (SET_UP, "skipped")),
            parity_rules.FIXTURE,
        ),
    ],
)
def test_the_comparison_explains_an_outcome_by_a_rule(
    found: parity_rules.Comparison, rule: str
) -> None:
    assert not found.differences
    assert found.rules == Counter({rule: 1})


def _different() -> Iterator[Any]:
    passed, ok = _record("passed"), _finished("passed")
    teardown = {"event": "fixture_failed", "fixture": "shop.probes.TestX.tearDownClass"}
    yield pytest.param([_record("failed")], [ok], [], id="another outcome")
    yield pytest.param(
        [_record("failed", "errored")], [_finished("failed")], [], id="not the worst"
    )
    yield pytest.param([passed, _record("failed")], [ok, ok], [], id="the second of one id")
    yield pytest.param([passed], [], [], id="no result")
    yield pytest.param([passed], [ok, ok], [], id="a result too many")
    yield pytest.param([_record("passed", **ONE_SUBTEST)], [ok], [], id="a sub-test left out")
    yield pytest.param([_record(**NOT_STARTED)], [ok], [(SET_UP, "errored")], id="no fixture")
    yield pytest.param([_record(**NOT_STARTED)], [_finished("errored")], [], id="not one started")
    yield pytest.param([passed], [ok, teardown], [], id="a teardown that did not fail")
    yield pytest.param(
        [passed], [ok], [("tearDownClass (shop.probes.TestX)", "errored")], id="a teardown untold"
    )
    skipped = _record("skipped", reasons=["why"])
    yield pytest.param([skipped], [_finished("skipped", reason="?")], [], id="another reason")


@pytest.mark.parametrize(("records", "events", "fixtures"), list(_different()))
def test_the_comparison_sees_a_difference(
    records: list[dict[str, Any]],
    events: list[dict[str, Any]],
    fixtures: list[tuple[str, str]],
) -> None:
    assert _compare(records, events, *fixtures).differences
