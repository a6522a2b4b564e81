"""Labels: every way to name probes, and what is said of one that names nothing."""

from __future__ import annotations

import pytest
from zygote import Quick

FILES = {
    "acme/shop/__init__.py": "",
    "acme/shop/apps.py": """
        from django.apps import AppConfig
        class ShopConfig(AppConfig):
            name = "acme.shop"
            label = "store"
    """,
    "acme/shop/probes/__init__.py": "",
    "acme/shop/probes/cart.py": """
        import unittest
        class Checkout(unittest.TestCase):
            def test_pay(self):
                pass
            def test_refund(self):
                pass
        class Basket(unittest.TestCase):
            def test_fill(self):
                pass
    """,
    "acme/shop/probes/page.py": """
        import unittest
        from lib.bases import Shared
        class Checkout(unittest.TestCase):
            def test_page(self):
                pass
    """,
    # An app inside of another app's package: it is asked for by its own name.
    "acme/shop/extra/__init__.py": "",
    "acme/shop/extra/probes.py": """
        import unittest
        from lib.bases import Shared
        class Extra(unittest.TestCase):
            def test_extra(self):
                pass
    """,
    "lib/bases.py": """
        import unittest
        class Shared(unittest.TestCase):
            def test_shared(self):
                pass
    """,
    "half/probes/__init__.py": "",
    "half/probes/fine.py": """
        import unittest
        class Fine(unittest.TestCase):
            def test_fine(self):
                pass
    """,
    "half/probes/torn.py": "import no_such_module\n",
}
SETTINGS = """
    INSTALLED_APPS = [
        "django.contrib.contenttypes", "django.contrib.auth",
        "acme.shop", "acme.shop.extra", "half", "django_probe",
    ]
"""

PAY, REFUND = "store.cart.Checkout.test_pay", "store.cart.Checkout.test_refund"
FILL, PAGE = "store.cart.Basket.test_fill", "store.page.Checkout.test_page"
SHARED, EXTRA = "lib.bases.Shared.test_shared", "extra.Extra.test_extra"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    return Quick.make(tmp_path_factory.mktemp("labels") / "project", FILES, SETTINGS)


def listed(project, *labels):
    done = project.probe("--list", *labels)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["store"], [FILL, PAY, REFUND, PAGE, SHARED]),
        (["acme.shop"], [FILL, PAY, REFUND, PAGE, SHARED]),
        (["acme.shop.probes"], [FILL, PAY, REFUND, PAGE, SHARED]),
        (["acme.shop.extra"], [SHARED, EXTRA]),
        (["extra"], [EXTRA, SHARED]),
        (["store.Checkout"], [PAY, REFUND, PAGE]),
        (["acme.shop.Checkout.test_pay"], [PAY]),
        (["store.cart"], [FILL, PAY, REFUND]),
        (["store.probes.cart"], [FILL, PAY, REFUND]),
        (["acme.shop.cart.Basket"], [FILL]),
        (["acme.shop.probes.page"], [PAGE, SHARED]),
        (["acme.shop.probes.cart.Checkout.test_pay"], [PAY]),
        (["lib.bases.Shared.test_shared", "half.Fine"],
         [SHARED, "half.fine.Fine.test_fine"]),
    ],
    ids=" ".join,
)  # fmt: skip
def test_each_form_of_a_label_names_its_probes(project, labels, expected):
    assert listed(project, *labels) == expected


def test_overlapping_labels_run_each_probe_once_in_the_order_of_the_plan(project):
    labels = [PAGE, "store.cart.Checkout", PAY, "store.cart", PAY]
    assert listed(project, *labels) == [FILL, PAY, REFUND, PAGE]
    done = project.probe("--format", "silent", "--report", "jsonl=all.jsonl", *labels)
    assert done.returncode == 0
    assert (project.folder / "all.jsonl").read_text().count('"probe_finished"') == 4


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("shop", "did you mean 'acme.shop'?"),
        ("stroe", "did you mean 'store'?"),
        ("STORE", "did you mean 'store'?"),
        ("store.checkout", "did you mean 'store.Checkout'?"),
        ("store.Chekout", "did you mean 'store.Checkout'?"),
        ("store.cart.Checkout.test_pya", f"did you mean '{PAY}'?"),
        ("Checkout", "did you mean 'store.Checkout'?"),
        ("test_pay", f"did you mean '{PAY}'?"),
        ("acme/shop/probes/cart.py", "did you mean 'acme.shop.probes.cart'?"),
        ("acme/shop/probes/cart.py::Checkout::test_pay",
         "did you mean 'acme.shop.probes.cart.Checkout.test_pay'?"),
        ("store.Nothing.like_it.at_all", "expected a name as in store.cart.Basket, "),
        ("auth.TestX", "there is no probe that it could name"),
        ("", "expected a name as in store.cart.Basket, "),
    ],
)  # fmt: skip
def test_an_unknown_label_says_what_was_meant_or_what_there_is(project, label, told):
    done = project.probe(label, "store", "--format", "jsonl")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"CommandError: Unknown label {label!r}: ")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_label_into_a_module_that_cannot_be_imported_is_answered_by_its_error(project):
    for label in ("half.torn", "half.torn.TestX", "half.TestX.test_y", "half.probes.torn"):
        done = project.probe(label, "--format", "silent", "--report", "jsonl=torn.jsonl")
        assert done.returncode == 1, done.stderr
        wire = (project.folder / "torn.jsonl").read_text()
        assert wire.count('"probe_finished"') == 1
        assert "No module named 'no_such_module'" in wire


def test_an_app_without_probes_is_nothing_to_run(project):
    done = project.probe("auth", "--format", "silent")
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr == "Nothing ran: there is no probe in auth.\n"


def test_a_project_without_probes_says_where_to_write_one(tmp_path):
    project = Quick.make(tmp_path / "project", {"shop/__init__.py": ""})
    done = project.probe("--format", "silent")
    assert done.returncode == 5
    assert "no installed app has a probe" in done.stderr
    assert "probes.py" in done.stderr
    unknown = project.probe("shop.TestX")
    assert unknown.returncode == 2
    assert "Unknown label 'shop.TestX'" in unknown.stderr
