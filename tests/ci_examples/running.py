"""The shell parts of the examples: taken out of their files, and run as their systems run them."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ci_examples.deployment import EXAMPLES, Deployment
from ci_examples.reading import document, documents, rendered, shell_of_groovy, source


@dataclass(frozen=True)
class Step:
    """One piece of shell, and how it is run."""

    script: str
    shell: tuple[str, ...] = ("bash", "-e", "-c")
    always: bool = False
    variables: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Example:
    """An example: its steps, the reports they leave, the exit codes of a broken shop and a whole one."""

    name: str
    steps: Callable[[Deployment], list[Step]]
    reports: tuple[str, ...] = ()
    red: int = 1
    green: int = 0

    def run(self, shop: Deployment, folder: Path) -> tuple[int, str]:
        """Run the steps in a folder; return the first exit code that is not 0, and what was said."""
        code, said = 0, ""
        for step in self.steps(shop):
            if code and not step.always:
                continue
            done = subprocess.run(
                [*step.shell, step.script],
                cwd=folder,
                env=shop.environment(**step.variables),
                capture_output=True,
                text=True,
                timeout=100,
                check=False,
            )
            said += done.stdout + done.stderr
            code = code or done.returncode
        return code, said


def strings(values: dict[str, Any]) -> dict[str, str]:
    """Return variables as a system hands them on: only those that are set in the file."""
    return {name: str(value) for name, value in values.items() if "$" not in str(value)}


def here(values: dict[str, Any], shop: Deployment) -> dict[str, str]:
    """Return the variables of a file, with the shop that is deployed here."""
    return {**strings(values), "PROBE_URL": f"{shop.url}/probe/"}


def jenkins(name: str) -> Callable[[Deployment], list[Step]]:
    """Return how Jenkins runs a pipeline: what fetches reports comes always."""

    def steps(shop: Deployment) -> list[Step]:
        found = shell_of_groovy(name)
        return [
            Step(script, ("sh", "-xe", "-c"), "compose cp" in script, {"PROBE_WAIT": "2"})
            for script in found
        ]

    return steps


def github(shop: Deployment) -> list[Step]:
    """Return what the composite action runs; its inputs are those of the workflow."""
    action = document("github/.github/actions/probe/action.yml")
    workflow = document("github/.github/workflows/deploy.yml")
    deploy, probe = workflow["jobs"]["deploy"]["steps"][1:]
    given = {**{k: v.get("default") for k, v in action["inputs"].items()}, **probe["with"]}
    environment = shop.environment()
    given |= {"url": f"{shop.url}/probe/", "release": environment["RELEASE"]}
    given["token"] = environment["PROBE_TOKEN"]
    bash = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")
    runner = {
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": "summary.md",
        "RUNNER_TEMP": "temp",
    }
    found = [Step(deploy["run"], bash)]
    for step in action["runs"]["steps"]:
        if "run" not in step:
            continue
        env = {
            name: str(given[value.removeprefix("${{ inputs.").removesuffix(" }}")])
            for name, value in step.get("env", {}).items()
        }
        found.append(Step(step["run"], bash, step.get("if") == "always()", {**runner, **env}))
    return found


def azure(shop: Deployment) -> list[Step]:
    """Return the ``bash`` steps."""
    pipeline = document("azure/azure-pipelines.yml")
    steps = pipeline["stages"][0]["jobs"][0]["steps"]
    variables = strings({"PROBE_WAIT": pipeline["variables"]["PROBE_WAIT"]})
    bash = ("bash", "--noprofile", "--norc", "-c")
    return [
        Step(step["bash"], bash, step.get("condition") == "always()", variables)
        for step in steps
        if "bash" in step
    ]


def circleci(shop: Deployment) -> list[Step]:
    """Return the ``run`` steps of both jobs, one after the other."""
    jobs = document("circleci/.circleci/config.yml")["jobs"]
    bash = ("bash", "-eo", "pipefail", "-c")
    return [
        Step(step["run"]["command"], bash, False, here(job.get("environment", {}), shop))
        for job in (jobs["deploy"], jobs["probe"])
        for step in job["steps"]
        if "run" in step
    ]


def bitbucket(shop: Deployment) -> list[Step]:
    """Return the lines of the script."""
    pipeline = document("bitbucket/bitbucket-pipelines.yml")
    step = pipeline["pipelines"]["branches"]["main"][0]["step"]
    return [Step(line, variables={"PROBE_WAIT": "2"}) for line in step["script"]]


def buildkite(shop: Deployment) -> list[Step]:
    """Return the commands; ``$$`` is a ``$`` for the shell."""
    pipeline = document("buildkite/.buildkite/pipeline.yml")
    commands = [step["command"] for step in pipeline["steps"] if "command" in step]
    return [Step(text.replace("$$", "$"), variables=strings(pipeline["env"])) for text in commands]


def of_container(container: dict[str, Any]) -> list[Step]:
    """Return what Kubernetes starts in a container."""
    return [Step(shlex.join(["inside", *container["command"], *map(str, container["args"])]))]


def argo_job(shop: Deployment) -> list[Step]:
    """Return the command of the job metric."""
    job = documents("argo-rollouts/analysis.yaml")[0]["spec"]["metrics"][0]["provider"]["job"]
    return of_container(job["spec"]["template"]["spec"]["containers"][0])


def helm(shop: Deployment) -> list[Step]:
    """Return the command of the test pod."""
    (pod,) = documents("", rendered("helm/templates/tests/probe.yaml"))
    return of_container(pod["spec"]["containers"][0])


def cronjob(shop: Deployment) -> list[Step]:
    """Return the command of the CronJob."""
    job = document("kubernetes/cronjob.yaml")["spec"]["jobTemplate"]
    return of_container(job["spec"]["template"]["spec"]["containers"][0])


def flagger(number: int) -> Callable[[Deployment], list[Step]]:
    """Return the command of a webhook, as the load tester runs it."""

    def steps(shop: Deployment) -> list[Step]:
        hook = document("flagger/canary.yaml")["spec"]["analysis"]["webhooks"][number]
        assert hook["metadata"]["type"] == "bash"
        secret = shop.folder / "header"
        secret.write_text(f"Authorization: Bearer {shop.environment()['PROBE_TOKEN']}\n")
        command = hook["metadata"]["cmd"].replace("http://shop-canary.shop", shop.url)
        return [Step(command.replace("/run/secrets/probe/header", str(secret)))]

    return steps


def systemd(shop: Deployment) -> list[Step]:
    """Return ``ExecStart``, which knows no shell."""
    (line,) = (
        line.partition("=")[2]
        for line in source("systemd/shop-probe.service").splitlines()
        if line.startswith("ExecStart=")
    )
    words = line.replace("/srv/shop/venv/bin/", "").replace("/var/lib/", "/tmp/").split()
    return [Step(shlex.join(["inside", *words]))]


def cron(shop: Deployment) -> list[Step]:
    """Return the command of the line, after its five fields and the user."""
    (line,) = (line for line in source("cron/shop-probe").splitlines() if line.startswith("*"))
    command = line.split(None, 6)[6].replace("venv/bin/", "")
    places = {"/srv/shop": "$CONTAINER/app", "/var/lib": "$CONTAINER/tmp"}
    command = re.sub("|".join(places), lambda found: places[found[0]], command)
    (shell,) = re.findall("^SHELL=(.+)$", source("cron/shop-probe"), re.MULTILINE)
    return [Step(command, (shell, "-c"))]


def script(name: str) -> Callable[[Deployment], list[Step]]:
    """Return a script with its arguments."""

    def steps(shop: Deployment) -> list[Step]:
        return [Step(f"{EXAMPLES / name} {shop.url}/probe/ probes.xml")]

    return steps


def nagios(shop: Deployment) -> list[Step]:
    """Return the plugin, in the container's folder."""
    variables = {"SHOP": str(shop.folder / "container/app"), "PYTHON": "python"}
    return [Step(str(EXAMPLES / "nagios/check_probes"), variables=variables)]


def examples() -> Iterator[Example]:
    """Yield every example that is not a pipeline of GitLab: those run as a whole."""
    fetched = ("junit=probes/probes.xml",)
    tap = ("junit=probes.xml", "tap=probes.tap")
    action = ("junit=probes/probes.xml", "ctrf=probes/ctrf.json", "markdown=summary.md")
    results = ("junit=test-results/probes.xml",)
    plain = ("junit=probes.xml",)
    metrics = ("openmetrics=$CONTAINER/tmp/node_exporter/shop-probe.prom",)
    yield Example("jenkins", jenkins("jenkins/Jenkinsfile"), (*fetched, "tap=probes/probes.tap"))
    yield Example("jenkins outside", jenkins("jenkins/outside/Jenkinsfile"), tap)
    yield Example("github", github, action)
    yield Example("azure", azure, fetched)
    yield Example("circleci", circleci, results)
    yield Example("bitbucket", bitbucket, results)
    yield Example("buildkite", buildkite, plain)
    yield Example("argo-rollouts job", argo_job)
    yield Example("helm", helm)
    yield Example("kubernetes", cronjob)
    yield Example("flagger before traffic", flagger(0), red=22)
    yield Example("flagger before promotion", flagger(1), red=22)
    yield Example("systemd", systemd, metrics)
    yield Example("cron", cron, metrics, red=0)
    yield Example("curl", script("scripts/probe-curl.sh"), plain, red=22)
    yield Example("wget", script("scripts/probe-wget.sh"), plain, red=8)
    # The whole shop has a probe that warns, and one in quarantine: WARNING.
    yield Example("nagios", nagios, red=2, green=1)
