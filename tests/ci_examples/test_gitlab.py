"""The pipelines of GitLab, run as a whole by gitlab-ci-local on a shop that is well or broken."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from ci_examples.consuming import READERS
from ci_examples.deployment import MODULES, RELEASE, Deployment
from ci_examples.reading import source

PROGRAM = MODULES / ".bin" / "gitlab-ci-local"


def run(
    folder: Path, shop: Deployment, *args: str, release: str = RELEASE
) -> subprocess.CompletedProcess[str]:
    """Run the pipeline in a folder, by the shell of this machine."""
    node = shutil.which("node")
    if node is None or not PROGRAM.is_file():
        pytest.skip("gitlab-ci-local is not installed: make test-ci-examples")
    identity = ("-c", "user.name=CI", "-c", "user.email=ci@example.com")
    for command in (
        ["init", "--quiet", "--initial-branch=main"],
        ["remote", "add", "origin", "git@gitlab.example.com:shop/shop.git"],
        ["add", "."],
        [*identity, "commit", "--quiet", "--message=Deploy"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)
    variables = {"PROBE_WAIT": "2", "RELEASE": release, "PROBE_URL": f"{shop.url}/probe/"}
    given = [f"--variable={name}={value}" for name, value in variables.items()]
    command = [node, str(PROGRAM), "--force-shell-executor", f"--home={folder}", *given, *args]
    return subprocess.run(
        command,
        cwd=folder,
        env=shop.environment(),
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def write(folder: Path, name: str, target: str = ".gitlab-ci.yml") -> None:
    """Put a file of the examples where GitLab looks for it."""
    path = folder / target
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source(name), encoding="utf-8")


def check(done: subprocess.CompletedProcess[str], shop: Deployment, *jobs: str) -> None:
    """Check what the pipeline says of its jobs."""
    said = done.stdout + done.stderr
    for job in jobs:
        assert f" {'FAIL' if shop.broken else 'PASS'}  {job}" in done.stdout, said
    assert shop.environment()["PROBE_TOKEN"] not in said


def check_reports(folder: Path, shop: Deployment, *reports: str) -> None:
    """Check what the readers of reports find in the artifacts."""
    for report in reports:
        kind, _, name = report.partition("=")
        assert (READERS[kind](folder / name) > 0) is shop.broken


def test_deploy_and_probe_in_the_container(shop: Deployment, folder: Path) -> None:
    write(folder, "gitlab/.gitlab-ci.yml")
    done = run(folder, shop)
    # Not its exit code: gitlab-ci-local forgives each job that has `allow_failure:exit_codes`,
    # although it tells FAIL from WARN.
    check(done, shop, "probe")
    assert " PASS  deploy" in done.stdout
    check_reports(folder, shop, "junit=probes/probes.xml", "markdown=probes/probes.md")


def test_a_report_that_is_lost_lets_the_pipeline_go_on(
    deployments: dict[str, Deployment], folder: Path
) -> None:
    green = deployments["green"]
    text = source("gitlab/.gitlab-ci.yml").replace(
        "--report markdown=/tmp/probes/probes.md", "--report markdown=/dev/full"
    )
    (folder / ".gitlab-ci.yml").write_text(text, encoding="utf-8")
    done = run(folder, green)
    assert " WARN  probe" in done.stdout, done.stdout + done.stderr


def test_probe_from_outside_by_the_component_and_by_curl(shop: Deployment, folder: Path) -> None:
    write(folder, "gitlab/outside/.gitlab-ci.yml")
    write(folder, "gitlab/templates/probe/template.yml", "templates/probe/template.yml")
    done = run(folder, shop)
    check(done, shop, "probe-from-outside", "probe-by-curl")
    assert done.returncode == (1 if shop.broken else 0)
    check_reports(folder, shop, "junit=probes.xml", "junit=probes-curl.xml")


def test_the_component_asks_no_other_release(
    deployments: dict[str, Deployment], folder: Path
) -> None:
    write(folder, "gitlab/outside/.gitlab-ci.yml")
    write(folder, "gitlab/templates/probe/template.yml", "templates/probe/template.yml")
    done = run(folder, deployments["green"], "probe-from-outside", release="2000.1")
    assert " FAIL  probe-from-outside" in done.stdout, done.stdout + done.stderr
    assert "2000.1" in done.stderr
    assert done.returncode == 1


def test_probe_by_a_schedule(shop: Deployment, folder: Path) -> None:
    write(folder, "gitlab-schedule/.gitlab-ci.yml")
    text = (folder / ".gitlab-ci.yml").read_text(encoding="utf-8")
    address = "https://shop.example.com/probe/"
    assert address in text
    (folder / ".gitlab-ci.yml").write_text(text.replace(address, f"{shop.url}/probe/"))
    done = run(folder, shop, "--variable=CI_PIPELINE_SOURCE=schedule")
    check(done, shop, "probe")
    assert done.returncode == (1 if shop.broken else 0)
    check_reports(folder, shop, "junit=probes.xml", "openmetrics=metrics.txt")
    assert os.path.getsize(folder / "metrics.txt")
