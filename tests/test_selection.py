"""Which probes are picked: tags, patterns, shuffling; and what is said when none is."""

from __future__ import annotations

import json

import pytest
from zygote import Quick

FILES = {
    "shop/probes.py": """
        import unittest
        from django_probe import serial, tag, timeout
        from django.test import tag as django_tag
        @tag("base")
        class Base(unittest.TestCase):
            pass
        @django_tag("smoke")
        class Checkout(Base):
            def test_pay(self):
                pass
            @tag("slow", "eu")
            @timeout(5)
            def test_refund(self):
                '''Money comes back.'''
            @django_tag("slow")
            def test_report(self):
                pass
        @tag("front")
        class Login(Base):
            def test_enter(self):
                pass
            def test_pay_later(self):
                pass
        class Plain(unittest.TestCase):
            tags = [{"not": "a tag"}]  # Its own affair.
            def test_plain(self):
                pass
    """,
    "stock/probes.py": """
        import unittest
        class Levels(unittest.TestCase):
            def id(self):
                return f"{super().id()} (warehouse)"
            def test_enough(self):
                pass
        @unittest.skip("nothing to ask here")
        class Skipped(unittest.TestCase):
            def test_skipped(self):
                pass
    """,
    "torn/probes.py": "import no_such_module\n",
}
PAY, REFUND, REPORT = (f"shop.Checkout.test_{name}" for name in ("pay", "refund", "report"))
ENTER, LATER = "shop.Login.test_enter", "shop.Login.test_pay_later"
PLAIN = "shop.Plain.test_plain"
LEVELS, SKIPPED = "stock.probes.Levels.test_enough (warehouse)", "stock.Skipped.test_skipped"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return Quick.make(tmp_path_factory.mktemp("selection") / "project", FILES)


def listed(project, *options):
    done = project.probe("--list", *options)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("--tag smoke", [PAY, REFUND, REPORT]),
        ("--tag base", [PAY, REFUND, REPORT, ENTER, LATER]),
        ("--tag slow", [REFUND, REPORT]),
        ("--tag eu --tag front", [REFUND, ENTER, LATER]),
        ("--exclude-tag base", [PLAIN]),
        ("--tag base --exclude-tag slow", [PAY, ENTER, LATER]),
        ("--tag smoke --tag slow --exclude-tag eu", [PAY, REPORT]),
        ("-k pay", [PAY, LATER]),
        ("-k pay -k enter", [PAY, ENTER, LATER]),
        ("-k Login", [ENTER, LATER]),
        ("-k *.Checkout.test_re*", [REFUND, REPORT]),
        ("-k shop.probes.Checkout", [PAY, REFUND, REPORT]),
        ("-k pay --tag smoke", [PAY]),
    ],
)
def test_tags_and_patterns_pick_as_in_manage_py_test(project, options, expected):
    assert listed(project, "shop", *options.split()) == expected


def test_labels_and_filters_both_hold(project):
    assert listed(project, "shop.Login", "stock", "-k", "pay") == [LATER]


def test_a_pattern_knows_a_probe_by_unittests_id_and_by_its_own(project):
    for pattern in ("stock.probes.Levels.test_enough", "warehouse", "*test_enough"):
        assert listed(project, "stock", "-k", pattern) == [LEVELS]


def test_what_cannot_be_loaded_is_never_filtered_away(project):
    done = project.probe("--list", "--tag", "smoke")
    assert done.stdout.splitlines() == [PAY, REFUND, REPORT, "torn.probes"]
    assert done.stderr == (
        "torn.probes would be errored: ModuleNotFoundError: No module named 'no_such_module'\n"
    )
    assert project.probe("--tag", "smoke", "--format", "silent").returncode == 1


def test_the_list_is_also_json_with_all_there_is_to_know(project):
    done = project.probe("--list", "--format", "json", "--timeout", "7", "shop.Checkout")
    assert done.returncode == 0
    records = {record["label"]: record for record in json.loads(done.stdout)}
    assert list(records) == [PAY, REFUND, REPORT]
    refund = records[REFUND]
    assert refund["id"] == "shop.probes.Checkout.test_refund"
    assert refund["tags"] == ["base", "eu", "slow", "smoke"]
    assert (refund["timeout"], records[PAY]["timeout"]) == (5.0, 7.0)
    assert refund["description"] == "Money comes back."
    assert refund["source"] == "shop/probes.py:12"
    assert [record["index"] for record in records.values()] == [0, 1, 2]


def test_the_list_holds_no_secret_and_no_control_character(tmp_path):
    files = {
        "shop/probes.py": """
            import unittest
            from django.conf import settings
            class Reach(unittest.TestCase):
                def id(self):
                    return f"{super().id()} [{settings.SECRET_KEY}]\\nsecond line"
                def shortDescription(self):
                    return f"Ask \\x1b[31m{settings.SECRET_KEY}"
                def test_reach(self):
                    pass
        """,
        "torn/probes.py": "from django.conf import settings\nraise ValueError(settings.SECRET_KEY)",
    }
    project = Quick.make(tmp_path / "project", files)
    for options in ([], ["--format", "json"]):
        done = project.probe("--list", *options)
        assert done.returncode == 0
        assert "shop.probes.Reach.test_reach [" in done.stdout
        assert "torn.probes would be errored: " in done.stderr
        assert "a-secret-key" not in done.stdout + done.stderr
        assert "\x1b" not in done.stdout + done.stderr
        assert "u001b" not in done.stdout


def test_listing_runs_nothing_and_names_what_is_skipped_too(project):
    assert listed(project, "stock") == [LEVELS, SKIPPED]


def test_the_same_seed_gives_the_same_order_and_classes_stay_together(project):
    labels = [PAY, REFUND, REPORT, ENTER, LATER, PLAIN]
    orders = {seed: listed(project, "shop", "--shuffle", seed) for seed in ("1", "2", "3", "4")}
    assert all(sorted(order) == sorted(labels) for order in orders.values())
    assert len({tuple(order) for order in orders.values()}) > 1
    assert listed(project, "shop", "--shuffle", "3") == orders["3"]
    for order in orders.values():
        classes = [label.rpartition(".")[0] for label in order]
        assert (
            len([c for c, before in zip(classes, ["", *classes], strict=False) if c != before]) == 3
        )
    fewer = listed(project, "shop.Checkout", "--shuffle", "3")
    assert fewer == [label for label in orders["3"] if label in fewer]


def test_a_seed_that_nobody_gave_is_in_the_report_and_repeats_the_order(project):
    def run(*options):
        done = project.probe("shop", "--format", "jsonl", *options)
        events = [json.loads(line) for line in done.stdout.splitlines()]
        order = [event["probe"]["id"] for event in events if event["event"] == "probe_started"]
        return events[0]["seed"], order

    seed, order = run("--shuffle")
    assert isinstance(seed, int)
    assert run("--shuffle", str(seed)) == (seed, order)
    assert run()[0] is None


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("--tag smok", "no probe has the tag 'smok': did you mean 'smoke'?"),
        ("--tag xyz", "no probe has the tag 'xyz': there are base, eu, front, slow, smoke."),
        ("stock --tag smoke", "no probe of stock has the tag 'smoke', or any other tag."),
        ("-k nonsense",
         "none of the 8 probes matches -k '*nonsense*'; --list without it shows what there is."),
        ("stock.Levels -k pay --exclude-tag eu",
         "the one probe of stock.Levels does not match --exclude-tag eu -k '*pay*'; --list "),
        ("stock.Skipped", "the one probe was skipped."),
    ],
)  # fmt: skip
def test_nothing_matches_is_exit_5_and_one_line_that_helps(tmp_path, options, told):
    project = Quick.make(
        tmp_path / "project", {path: text for path, text in FILES.items() if "torn" not in path}
    )
    done = project.probe("--format", "silent", *options.split())
    assert done.returncode == 5
    assert done.stderr.startswith(f"Nothing ran: {told}")
    assert done.stderr.count("\n") == 1
    if "Skipped" not in options:
        done = project.probe("--list", *options.split())
        assert (done.returncode, done.stdout) == (5, "")
        assert done.stderr.startswith(f"Nothing ran: {told}")
