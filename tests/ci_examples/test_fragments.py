"""Every shell part of every example is run on a shop that is well, and on one that is broken."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import urllib.request
from pathlib import Path

import pytest
from ci_examples.consuming import READERS
from ci_examples.deployment import EXAMPLES, Deployment
from ci_examples.reading import documents
from ci_examples.running import Example, examples


@pytest.mark.parametrize("example", list(examples()), ids=lambda example: example.name)
def test_an_example_does_what_its_readme_says(
    example: Example, shop: Deployment, folder: Path
) -> None:
    code, said = example.run(shop, folder)
    assert code == (example.red if shop.broken else example.green), said
    assert shop.environment()["PROBE_TOKEN"] not in said
    for report in example.reports:
        kind, _, name = report.partition("=")
        path = folder / name.replace("$CONTAINER", shop.environment()["CONTAINER"])
        bad = READERS[kind](path)
        assert (bad > 0) is shop.broken, path.read_text(encoding="utf-8")


def test_githubs_action_annotates_what_is_not_ok(shop: Deployment, folder: Path) -> None:
    (example,) = (example for example in examples() if example.name == "github")
    _, said = example.run(shop, folder)
    shown = [line for line in said.splitlines() if line.startswith("::error ")]
    assert bool(shown) is shop.broken
    assert all(",file=demo/catalog/probes.py,line=" in line for line in shown)


class Unaskable(Deployment):
    """A deployment whose command ends before it can ask anything."""

    def environment(self, **more: str) -> dict[str, str]:
        return super().environment(**more, DJANGO_SETTINGS_MODULE="nowhere")


@pytest.mark.parametrize("name", ["jenkins", "azure"])
def test_a_report_of_an_earlier_run_does_not_pass_for_one_of_this(
    name: str, deployments: dict[str, Deployment], folder: Path
) -> None:
    (example,) = (example for example in examples() if example.name == name)
    green = deployments["green"]
    left = green.folder / "container/tmp/probes"
    left.mkdir(parents=True, exist_ok=True)
    (left / "probes.xml").write_text("<testsuites/>")
    code, said = example.run(Unaskable(green.folder, green.url, broken=False), folder)
    assert code != 0, said
    assert not (folder / "probes/probes.xml").exists()


def test_cron_mails_the_report_of_a_broken_shop_and_nothing_else(
    shop: Deployment, folder: Path
) -> None:
    (example,) = (example for example in examples() if example.name == "cron")
    _, said = example.run(shop, folder)
    assert ("NOT OK: " in said and "test_product_page" in said) if shop.broken else said == ""


def test_cron_mails_nothing_while_another_run_lasts(
    deployments: dict[str, Deployment], folder: Path
) -> None:
    (example,) = (example for example in examples() if example.name == "cron")
    red = deployments["red"]
    with open(red.folder / "container/app/manage.py") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert example.run(red, folder) == (0, "")


@pytest.mark.parametrize("name", ["curl", "wget"])
def test_an_address_where_nobody_answers_is_no_success(
    name: str, deployments: dict[str, Deployment], folder: Path
) -> None:
    (example,) = (example for example in examples() if example.name == name)
    closed = Deployment(deployments["green"].folder, "http://127.0.0.1:9", broken=False)
    code, _ = example.run(closed, folder)
    assert code not in (0, example.red)
    assert not (folder / "probes.xml").exists() or os.path.getsize(folder / "probes.xml") == 0


def test_argos_web_metric_gets_the_verdict(shop: Deployment) -> None:
    template = documents("argo-rollouts/analysis.yaml")[1]["spec"]
    (metric,) = template["metrics"]
    web = metric["provider"]["web"]
    given = {arg["name"]: arg.get("value") for arg in template["args"]}
    assert given == {"canary": "http://shop-canary", "token": None}
    given = {"canary": shop.url, "token": shop.environment()["PROBE_TOKEN"]}
    headers = {one["key"]: filled(one["value"], given) for one in web["headers"]}
    request = urllib.request.Request(filled(web["url"], given), headers=headers)
    straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with straight.open(request, timeout=web["timeoutSeconds"]) as answer:
        body = json.load(answer)
    assert web["jsonPath"] == "{$.ok}"
    assert metric["successCondition"] == "result == true"
    assert body["ok"] is not shop.broken


def filled(text: str, args: dict[str, str]) -> str:
    """Return a text of a template with its arguments."""
    for name, value in args.items():
        text = text.replace(f"{{{{args.{name}}}}}", value)
    return text


def test_a_plugin_that_cannot_ask_is_unknown(
    deployments: dict[str, Deployment], folder: Path
) -> None:
    green = deployments["green"]
    plugin = str(EXAMPLES / "nagios" / "check_probes")
    env = green.environment(SHOP=str(green.folder / "container/app"), PYTHON="python")
    for args, told in ((["--tag", "nobody"], "nothing ran"), (["no.label"], "could not be asked")):
        done = subprocess.run([plugin, *args], env=env, capture_output=True, text=True)
        assert done.returncode == 3
        assert done.stdout.startswith("PROBES UNKNOWN - ")
        assert told in done.stdout
        assert done.stdout.count("\n") == 1


def test_a_plugin_says_one_line_whatever_a_probe_says(tmp_path: Path) -> None:
    said = r"PROBES CRITICAL - a\nb \c \t -n % | time=1s;;;0"
    python = tmp_path / "python"
    python.write_text(f"#!/bin/sh\ncat <<'END'\n{said}\nEND\n")
    python.chmod(0o755)
    env = {**os.environ, "SHOP": str(tmp_path), "PYTHON": str(python)}
    plugin = str(EXAMPLES / "nagios" / "check_probes")
    shell = shutil.which("dash") or "sh"
    done = subprocess.run([shell, plugin], env=env, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, f"{said}\n")
