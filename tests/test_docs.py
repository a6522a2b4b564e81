"""Nothing that a user can meet is undocumented, and nothing is documented that is gone."""

from __future__ import annotations

import argparse
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from io import StringIO
from pathlib import Path

import pytest
from django.core.management.base import BaseCommand
from documents import DOCS, README, anchors, defined, documents, links, prose, rows, section, spans
from support import ROOT, Project

import django_probe
from django_probe import checks, client
from django_probe.client_options import client_parser
from django_probe.conf import Settings
from django_probe.encoding import encode
from django_probe.events import Event, TargetFailed, TargetStarted
from django_probe.formats import BUILT_IN
from django_probe.management.commands.probe import EPILOG
from django_probe.options import add_options
from django_probe.reporters.json import JsonReporter
from django_probe.results import NON_BLOCKING, Outcome
from django_probe.sample import ERROR, START, feed, sample_run
from django_probe.simple import DjangoProbeSuiteRunner
from django_probe.targets.local import LocalTarget

COMMAND, WRITING, REPORTS = (
    DOCS / f"{name}.md" for name in ("command", "writing-probes", "reports")
)


def modules() -> list[Path]:
    return [
        path for folder in ("django_probe", "reporters") for path in (ROOT / folder).rglob("*.py")
    ]


def found_in_sources(pattern: str) -> set[str]:
    return {name for path in modules() for name in re.findall(pattern, whole(path))}


def whole(document: Path) -> str:
    return document.read_text(encoding="utf-8")


def options() -> dict[str, str]:
    """Return each option of the command with how it is written: ``--format NAME``."""
    parser = argparse.ArgumentParser(add_help=False)
    add_options(parser)
    written = {}
    for action in parser._actions:
        value = f" {action.metavar}" if action.metavar and action.option_strings else ""
        value = f" [{action.metavar}]" if action.nargs == "?" else value
        written.update({name: f"{name}{value}" for name in action.option_strings})
    return written


def options_of_django() -> set[str]:
    parser = BaseCommand().create_parser("manage.py", "probe")
    return {name for action in parser._actions for name in action.option_strings}


def test_each_option_is_defined_once_and_as_it_is_written() -> None:
    in_table = [name for name in defined(COMMAND, "Options") if name.startswith("-")]
    assert sorted(in_table) == sorted(options().values())


def test_the_readme_names_each_option_as_it_is_written() -> None:
    assert sorted(defined(README, "Options")) == sorted(options().values())


def options_of_the_client() -> set[str]:
    return {name for action in client_parser()._actions for name in action.option_strings}


def test_each_option_of_the_client_is_documented() -> None:
    written = whole(DOCS / "client.md")
    assert [name for name in options_of_the_client() if f"`{name}" not in written] == []


def defaults_of_settings() -> dict[str, object]:
    code = (
        "from django.conf import settings; settings.configure(); import json;"
        "from django_probe.conf import Settings, settings;"
        "print(json.dumps({name: getattr(settings, name) for name, value in vars(Settings).items()"
        " if isinstance(value, property)}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=Project(ROOT).environment(PROBE_RELEASE=""),
        capture_output=True,
        text=True,
        check=True,
    )
    return {f"PROBE_{name.upper()}": value for name, value in json.loads(done.stdout).items()}


@pytest.mark.parametrize("document", [COMMAND, README], ids=lambda path: path.name)
def test_each_setting_is_defined_once_with_its_default(document: Path) -> None:
    table = {
        spans(cells[0])[0]: spans(cells[1])[0]
        for cells in rows(document, "Settings")
        if cells[0].startswith("`PROBE_")
    }
    assert {name: eval(text, {}) for name, text in table.items()} == defaults_of_settings()
    assert set(checks.SETTING_IDS) == {name[6:].lower() for name in table}


def test_each_environment_variable_is_documented() -> None:
    names = found_in_sources(r'environ(?:\.get\(|\[)"(\w+)"') | found_in_sources(
        r'"(\w+)" (?:not )?in os\.environ'
    )
    assert set(defined(COMMAND, "Environment variables")) - {"dumb", "0", "false"} == names


def test_each_exit_code_is_documented() -> None:
    codes = re.findall(r"\b\d+\b", EPILOG)
    assert [cells[0] for cells in rows(COMMAND, "Exit codes")] == codes
    assert set(re.findall(r"\b\d+\b", " ".join(section(README, "Exit codes")))) == set(codes)


def test_each_system_check_is_documented() -> None:
    assert sorted(defined(COMMAND, "System checks")) == sorted(
        found_in_sources(r'"(probe\.[EW]\d+)"')
    )


def test_each_mark_is_documented() -> None:
    names = [re.match(r"@(\w+)", text) for text in defined(WRITING, "Marks")]
    marks = set(django_probe.__all__) - {"__version__", "current_target", "probe_headers"}
    assert sorted(match[1] for match in names if match) == sorted(marks)


def test_each_option_of_a_local_target_is_documented() -> None:
    assert sorted(defined(DOCS / "targets.md", "Local targets")) == sorted(LocalTarget.options)


def test_each_outcome_is_documented_with_whether_it_blocks() -> None:
    told = {spans(name)[0]: blocking for name, _, blocking in rows(WRITING, "Outcomes")}
    assert told == {o.value: "no" if o in NON_BLOCKING else "yes" for o in Outcome}
    assert defined(REPORTS, "What an outcome is in each format") == list(told)


def test_each_format_is_documented() -> None:
    assert sorted(defined(README, "Reports")) == sorted(BUILT_IN)
    headings = {line[4:] for line in prose(REPORTS) if line.startswith("### ")}
    assert headings == set(BUILT_IN)


def test_each_step_of_the_runner_is_documented() -> None:
    steps = {
        name
        for name, value in inspect.getmembers(DjangoProbeSuiteRunner)
        if not name.startswith("_") and callable(value)
    }
    told = [
        name.partition("(")[0] for name in defined(DOCS / "runner.md", "The steps") if "(" in name
    ]
    assert sorted(told) == sorted(steps)


def test_each_module_has_its_place_in_the_architecture() -> None:
    named = defined(DOCS / "architecture.md", "Which file does what")
    files = [path.relative_to(ROOT).as_posix() for path in modules() if path.stat().st_size > 100]
    assert [name for name in files if not any(fnmatch(name, pattern) for pattern in named)] == []
    assert [pattern for pattern in named if not any(fnmatch(name, pattern) for name in files)] == []


def a_run_in_which_the_target_failed_too() -> list[Event]:
    run = sample_run()
    run.insert(1, TargetStarted(target="default", at=START))
    run.insert(-1, TargetFailed(target="default", error=ERROR))
    return run


def keys(value: object, above: str = "") -> Iterator[str]:
    """Yield the path of each key in a JSON value: ``results[].error.message``."""
    if isinstance(value, list):
        for item in value:
            yield from keys(item, f"{above}[]")
    elif isinstance(value, dict):
        for name, item in value.items():
            path = f"{above}.{name}" if above else name
            yield path
            yield from keys(item, path)


# What is told elsewhere: counts by outcome, an error as that of a result, an attempt as a result.
ELSEWHERE = re.compile(
    rf"summary\.(total|subtests\..*|{'|'.join(o.value for o in Outcome)})"
    r"|(?!results\[\]\.error).*\.error\..*|results\[\]\.(attempts|cleanup_errors)\[\].*"
)


def test_each_key_of_the_json_report_is_documented() -> None:
    stream = StringIO()
    feed(JsonReporter(stream), a_run_in_which_the_target_failed_too())
    report = json.loads(stream.getvalue())
    there = {key for key in keys(report) if not ELSEWHERE.fullmatch(key)}
    documented = defined(REPORTS, "The keys of the JSON report")
    assert sorted(documented) == sorted(there)
    assert [key for key in documented if "." not in key] == list(report)


def test_each_event_of_the_wire_is_documented_with_its_keys() -> None:
    lines = [json.loads(encode(event)) for event in a_run_in_which_the_target_failed_too()]
    there = {line["event"]: [key for key in line if key not in ("v", "event")] for line in lines}
    table = {spans(cells[0])[0]: spans(cells[2]) for cells in rows(REPORTS, "The wire")}
    assert table == there
    (summary,) = (line["summary"] for line in lines if "summary" in line)
    (result, *_) = (line["result"] for line in lines if "result" in line)
    said = set(spans(" ".join(section(REPORTS, "The wire"))))
    of_results = {
        path.rpartition(".")[2] for path in defined(REPORTS, "The keys of the JSON report")
    }
    assert set(summary) <= said
    assert set(result) - of_results <= said


@pytest.mark.parametrize("document", documents(), ids=lambda path: path.name)
def test_no_document_speaks_of_what_is_not_there(document: Path) -> None:
    text = whole(document)
    known = options().keys() | options_of_django() | options_of_the_client() | {"--ticket"}
    assert options_named(document) <= known
    settings = {f"PROBE_{name.upper()}" for name in vars(Settings) if not name.startswith("_")}
    of_the_client = {client.TOKEN, f"{client.TOKEN}_"}
    assert set(re.findall(r"\bPROBE_[A-Z_]+\b", text)) <= settings | of_the_client
    assert set(re.findall(r"\bprobe\.[EW]\d+\b", text)) <= found_in_sources(r'"(probe\.[EW]\d+)"')


def options_named(document: Path) -> set[str]:
    """Return the options that a document gives to the command, or names by themselves."""
    given = re.findall(r"manage\.py probe\b([^|;#`\n]*)", whole(document))
    alone = [span for line in prose(document) for span in spans(line) if span.startswith("--")]
    return set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", " ".join([*given, *alone])))


@pytest.mark.parametrize("document", documents(), ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    for target, anchor in links(document):
        assert target.exists(), target
        assert not anchor or anchor in anchors(target), f"{target.name}#{anchor}"
